//! A table of frames, with each violation below the frame that it is in.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use textwrap::core::display_width;
use wsvet::{
    Accepts, CloseCode, Header, OpCode, Place as RulePlace, Role, Rule, Subprotocol, Verdict,
};

use super::{Place, Report, hex_bytes};
use crate::connection::Tally;
use crate::frames::{Closing, Side};
use crate::http::Agreement;
use crate::judge::{Broken, Frame, Incomplete, Record, Within};
use crate::style::{
    BAD, CLIENT, CODE, DIM, GOOD, HEADING, SERVER, paragraph, plain, shorten, width,
};

/// Prints records for people.
pub(crate) struct Text<W> {
    out: W,
    payload: bool,
    /// The columns of the terminal.
    width: usize,
    /// The input whose heading is still to be printed, once there is something below it.
    input: Option<String>,
    inputs: usize,
    /// Whether the head of the table was printed.
    table: bool,
    /// The frame of the last row, by its connection, sender and offset.
    row: Option<(usize, Role, u64)>,
}

/// The narrowest terminal on which the columns stand below each other.
const TABLE: usize = 70;

/// How far what belongs to a frame is indented.
const INDENT: &str = "        ";

impl<W: Write> Text<W> {
    /// `payload` says whether each frame's payload is printed too.
    pub(crate) fn new(out: W, payload: bool) -> Self {
        Self { out, payload, width: width(), input: None, inputs: 0, table: false, row: None }
    }

    /// Prints the name of the input, where nothing of it was shown yet.
    fn heading(&mut self) -> io::Result<()> {
        let Some(name) = self.input.take() else { return Ok(()) };
        if self.inputs > 0 {
            writeln!(self.out)?;
        }
        self.inputs += 1;
        writeln!(self.out, "{HEADING}{}{HEADING:#}", plain(&name))
    }

    /// Prints the head of the table, once for each input.
    fn table(&mut self, place: &Place) -> io::Result<()> {
        self.heading()?;
        if std::mem::replace(&mut self.table, true) {
            return Ok(());
        }
        let capture = if place.stream.is_some() { "conn packet " } else { "" };
        let head = if self.width < TABLE {
            format!("{capture}from byte frame payload")
        } else {
            format!("{capture}{:<6} {:>8}  {:<18} {:>9}", "from", "byte", "frame", "payload")
        };
        writeln!(self.out, "{HEADING}{head}{HEADING:#}")
    }

    fn frame(&mut self, place: &Place, frame: &Frame<'_>) -> io::Result<()> {
        self.row(place, frame.offset, &frame.header, |room| preview(frame, room))?;
        if self.payload && !frame.payload.is_empty() {
            for (index, line) in frame.payload.chunks(16).enumerate() {
                let text: String = line.iter().map(|byte| printable(*byte)).collect();
                let (offset, hex) = (16 * index, hex_bytes(line, " "));
                writeln!(self.out, "    {DIM}{offset:08x}{DIM:#}  {hex:<47}  {DIM}{text}{DIM:#}")?;
            }
        }
        Ok(())
    }

    /// Prints the row of a frame, unless it was printed last; `preview` is given the columns left.
    fn row(
        &mut self,
        place: &Place,
        offset: u64,
        header: &Header,
        preview: impl FnOnce(usize) -> String,
    ) -> io::Result<()> {
        let frame = Some((place.connection, place.from, offset));
        if std::mem::replace(&mut self.row, frame) == frame {
            return Ok(());
        }
        let number = place.connection;
        let packet = place.packet.map_or("end".to_owned(), |packet| packet.to_string());
        let color = match place.from {
            Role::Client => CLIENT,
            Role::Server => SERVER,
        };
        let from = place.from.name();
        let kind = kind(header);
        let len = bytes(header.payload_len());
        let row = if self.width < TABLE {
            let capture = place.stream.map_or(String::new(), |_| format!("{number} {packet} "));
            format!("{capture}{color}{from}{color:#} {offset} {kind} {len}  ")
        } else {
            let capture =
                place.stream.map_or(String::new(), |_| format!("{number:>4} {packet:>6} "));
            format!("{capture}{color}{from:<6}{color:#} {offset:>8}  {kind:<18} {len:>9}  ")
        };
        // Two quotation marks and an ellipsis stand around the preview.
        let room = self.width.saturating_sub(display_width(&row) + 3).max(4);
        writeln!(self.out, "{}", (row + &preview(room)).trim_end())
    }

    fn broken(&mut self, place: &Place, broken: &Broken<'_>) -> io::Result<()> {
        let rule = broken.violation.rule;
        let offset = broken.violation.offset;
        if let Some((start, header)) = &broken.header {
            self.row(place, *start, header, |_| String::new())?;
        }
        let out = &mut self.out;
        let from = place.from.name();
        let packet = place.packet.map_or(String::new(), |packet| format!(" (packet {packet})"));
        let broken_at = format!("{BAD}✗ {rule}{BAD:#} at byte {offset} from the {from}{packet}");
        paragraph(out, INDENT, &broken_at)?;
        if let Some((start, header)) = &broken.header {
            point(out, *start, header, broken)?;
        }
        let section = rule.section();
        let indent = format!("{INDENT}  ");
        paragraph(out, &indent, &format!("{} (RFC {} §{section})", rule.text(), rule.rfc()))?;
        let code = rule.close_code();
        let receiver = place.from.peer().name();
        let answer = match broken.violation.reply() {
            Some(_) => format!("the {receiver} must close with {CODE}{code}{CODE:#}"),
            None => format!("the {receiver}'s application is told {CODE}{code}{CODE:#}"),
        };
        paragraph(out, &indent, &answer)
    }

    fn incomplete(&mut self, place: &Place, incomplete: &Incomplete) -> io::Result<()> {
        let Incomplete { offset, within, missing } = incomplete;
        let from = place.from.name();
        let what = match (within, missing) {
            (Within::Frame, Some(missing)) => {
                format!("inside a frame: {} of it are missing", bytes(*missing))
            }
            (Within::Frame, None) => "inside the header of a frame".to_owned(),
            (Within::Message, _) => "inside a fragmented message".to_owned(),
        };
        let text = format!("the bytes from the {from} end at {offset}, {what}");
        paragraph(&mut self.out, INDENT, &text)
    }
}

impl<W: Write> Report for Text<W> {
    fn input(&mut self, name: &str) -> io::Result<()> {
        self.input = Some(name.to_owned());
        self.table = false;
        Ok(())
    }

    fn connection(
        &mut self,
        number: usize,
        client: SocketAddr,
        server: SocketAddr,
        agreement: &Agreement,
    ) -> io::Result<()> {
        self.heading()?;
        let target = shorten(&plain(agreement.target.as_deref().unwrap_or("?")), self.width / 2);
        let subprotocol = agreement.subprotocol.as_deref().map_or(String::new(), |name| {
            let name = shorten(&plain(name), self.width / 2);
            match Subprotocol::from_name(&name) {
                Some(row) => format!(", {name} ({})", of_type(row.accepts)),
                None => format!(", {name}"),
            }
        });
        let deflate = if agreement.permessage_deflate { ", permessage-deflate" } else { "" };
        let text = format!(
            "connection {number}: {CLIENT}client{CLIENT:#} {client}, {SERVER}server{SERVER:#} \
             {server}, GET {target}{subprotocol}{deflate}"
        );
        paragraph(&mut self.out, "", &text)
    }

    fn record(&mut self, place: &Place, record: &Record<'_>) -> io::Result<()> {
        self.table(place)?;
        match record {
            Record::Frame(frame) => self.frame(place, frame),
            Record::Broken(broken) => self.broken(place, broken),
            Record::Incomplete(incomplete) => self.incomplete(place, incomplete),
        }
    }

    fn gap(&mut self, place: &Place, offset: u64, missing: u64) -> io::Result<()> {
        self.table(place)?;
        let from = place.from.name();
        let missing = bytes(missing);
        let text = format!(
            "the capture lacks the next {missing} from the {from}: judged up to byte {offset}"
        );
        paragraph(&mut self.out, INDENT, &text)
    }

    fn verdict(&mut self, closing: &Closing) -> io::Result<()> {
        let Closing { connection, verdict, sides, pings, gap, .. } = closing;
        let [client, server] = sides.each_ref().map(sent);
        let mut summary = format!("connection {connection}: {client}; {server}");
        if let Some(fastest) = pings.fastest {
            let (fastest, slowest) = (milliseconds(fastest), milliseconds(pings.slowest));
            let answered = count(pings.answered, "ping");
            let _ = write!(summary, "; {answered} answered in {fastest} to {slowest}");
        }
        paragraph(&mut self.out, "", &summary)?;
        let style = match verdict {
            Verdict::Clean { .. } | Verdict::Refused { .. } => GOOD,
            Verdict::Open => HEADING,
            _ => BAD,
        };
        let mut text = format!("{style}connection {connection}{style:#}: {verdict}");
        if matches!(verdict, Verdict::Abnormal { .. }) {
            text.extend(sides.iter().map(last_frame));
        }
        if let Verdict::WronglyRefused { by, code: CloseCode::UNSUPPORTED_DATA } = verdict {
            let _ = write!(text, "; if it accepts one type only, say so with --{by}-accepts");
        }
        if *gap {
            text.push_str(" (as far as captured)");
        }
        paragraph(&mut self.out, "", &text)
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        let Tally { connections, frames, violations, gaps, unusable } = *tally;
        if connections > 0 {
            let verdict = match violations {
                0 if gaps > 0 => format!("{GOOD}✓ nothing is broken{GOOD:#} as far as captured"),
                0 => format!("{GOOD}✓ nothing is broken{GOOD:#}"),
                n => format!("{BAD}✗ {}{BAD:#}", count(n, "violation")),
            };
            let frames = count(frames, "whole frame");
            let connections = count(connections as u64, "connection");
            paragraph(&mut self.out, "", &format!("{verdict} ({frames} in {connections})"))?;
        }
        if connections > 0 && unusable > 0 {
            let inputs = count(unusable as u64, "input");
            writeln!(self.out, "{BAD}✗ {inputs} could not be judged{BAD:#}")?;
        }
        self.out.flush()
    }
}

fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// The type of data that a subprotocol allows.
fn of_type(accepts: Accepts) -> &'static str {
    match accepts {
        Accepts::TextOnly => "text only",
        Accepts::BinaryOnly => "binary only",
        _ => "text and binary",
    }
}

/// How much an end has sent.
fn sent(side: &Side) -> String {
    format!("{} sent {}, {}", side.from, count(side.frames, "frame"), bytes(side.bytes))
}

/// What an end sent last, and how long before the connection ended.
fn last_frame(side: &Side) -> String {
    let from = side.from;
    match side.last.zip(side.before) {
        None => format!("; the {from} sent no frame"),
        Some((sent, before)) => {
            let kind = sent.header.opcode();
            format!("; the {from}'s last frame, {kind}, came {} before", milliseconds(before))
        }
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// Shows the bytes around the one that breaks the rule, with a mark below it.
fn point(out: &mut impl Write, start: u64, header: &Header, broken: &Broken<'_>) -> io::Result<()> {
    let rule = broken.violation.rule;
    let mut wire = [0; Header::MAX_LEN];
    let len = header.encode(&mut wire);
    let in_header = broken.violation.offset.checked_sub(start).filter(|at| *at < len as u64);
    let (shown, at, note) = match in_header {
        _ if rule.place() == RulePlace::End => return Ok(()),
        Some(at) => (&wire[..len], at as usize, note(rule, header)),
        None if rule == Rule::InvalidCloseCode => {
            let code = broken.before.last_chunk::<2>().copied().map(u16::from_be_bytes);
            let note = code.map_or(String::new(), |code| wsvet::CloseCode(code).to_string());
            (broken.before, broken.before.len().saturating_sub(2), note)
        }
        None => (
            broken.before,
            broken.before.len().saturating_sub(1),
            "in the unmasked payload".to_owned(),
        ),
    };
    let hex = hex_bytes(shown, " ");
    let marks = if rule == Rule::InvalidCloseCode { "^^ ^^" } else { "^^" };
    let gap = " ".repeat(3 * at);
    writeln!(out, "{INDENT}  {hex}")?;
    writeln!(out, "{INDENT}  {gap}{BAD}{marks}{BAD:#} {note}")
}

/// What the offending byte of a header says.
fn note(rule: Rule, header: &Header) -> String {
    let opcode = header.opcode();
    match rule.place() {
        RulePlace::FirstByte => {
            let fin = if header.fin() { "FIN, " } else { "" };
            let rsv = rsv(header);
            let comma = if rsv.is_empty() { "" } else { ", " };
            format!("{fin}{rsv}{comma}opcode {:X}: {opcode}", u8::from(opcode))
        }
        RulePlace::SecondByte => {
            let mask = if header.is_masked() { "MASK set" } else { "MASK clear" };
            format!("{mask}, payload of {}", bytes(header.payload_len()))
        }
        RulePlace::ExtendedLength => format!("payload of {}", bytes(header.payload_len())),
        _ => "the message ends here".to_owned(),
    }
}

/// The frame's opcode, and its place in a fragmented message.
fn kind(header: &Header) -> String {
    let mut kind = header.opcode().name().to_owned();
    match (header.opcode(), header.fin()) {
        (OpCode::Continuation, true) => kind.push_str(", last"),
        (OpCode::Text | OpCode::Binary, false) => kind.push_str(", first"),
        (opcode, false) if opcode != OpCode::Continuation => kind.push_str(", no FIN"),
        _ => {}
    }
    let rsv = rsv(header);
    if !rsv.is_empty() {
        let _ = write!(kind, " {rsv}");
    }
    kind
}

fn rsv(header: &Header) -> String {
    let bits = [(4, "RSV1"), (2, "RSV2"), (1, "RSV3")];
    let set: Vec<_> =
        bits.iter().filter(|(bit, _)| header.rsv() & bit != 0).map(|(_, name)| *name).collect();
    set.join(" ")
}

/// The start of a payload as it can be shown on one line: text in quotes, bytes in hex.
fn preview(frame: &Frame<'_>, room: usize) -> String {
    if let Some(close) = &frame.close {
        let reason = if close.reason.is_empty() {
            String::new()
        } else {
            format!(" {}", quoted(close.reason, true, room.saturating_sub(5)))
        };
        return format!("{CODE}{}{CODE:#}{reason}", close.code.0);
    }
    let whole = frame.payload.len() as u64 == frame.header.payload_len();
    let opaque = frame.header.rsv() != 0 || frame.header.opcode() == OpCode::Binary;
    match std::str::from_utf8(frame.payload) {
        Ok(text) if !opaque => return quoted(text, whole, room),
        // Only the preview's end is cut inside a character.
        Err(error) if !opaque && error.error_len().is_none() && error.valid_up_to() > 0 => {
            let (text, _) = frame.payload.split_at(error.valid_up_to());
            return quoted(&String::from_utf8_lossy(text), false, room);
        }
        _ => {}
    }
    let fits = room / 3;
    let cut = !whole || frame.payload.len() > fits;
    let shown = &frame.payload[..frame.payload.len().min(fits)];
    hex_bytes(shown, " ") + if cut { " …" } else { "" }
}

fn quoted(text: &str, whole: bool, room: usize) -> String {
    if text.is_empty() && whole {
        return String::new();
    }
    let escaped: String = text.chars().flat_map(char::escape_debug).collect();
    let shown = shorten(&escaped, room);
    match shown.strip_suffix('…') {
        Some(start) => format!("\"{start}\"…"),
        None if whole => format!("\"{shown}\""),
        None => format!("\"{shown}\"…"),
    }
}

fn printable(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' { byte.into() } else { '.' }
}

fn bytes(len: u64) -> String {
    format!("{len} B")
}
