//! One JSON object a line; `lines` reads them back.

use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use wsvet::{Act, Header, Role, Verdict};

use super::{Gap, Place, Report, hex_bytes};
use crate::connection::Tally;
use crate::frames::{Closing, Opening, Side};
use crate::judge::{Broken, Frame, Incomplete, Record};
use crate::pings::Pings;

/// Prints records for programs.
pub(crate) struct Json<W> {
    out: W,
    payload: bool,
    follow: bool,
    input: String,
}

impl<W: Write> Json<W> {
    /// `payload` says whether each frame's payload is printed too, `follow` whether each line is to
    /// be seen at once.
    pub(crate) fn new(out: W, payload: bool, follow: bool) -> Self {
        Self { out, payload, follow, input: String::new() }
    }

    /// Prints a record of one direction.
    fn record(
        &mut self,
        event: &'static str,
        place: &Place,
        record: impl Serialize,
    ) -> io::Result<()> {
        let Place { connection, from, stream, at } = *place;
        let from = Some(from.name());
        let input = &self.input;
        let time = at.map(|at| seconds(at.time));
        let number = place.number();
        let [packet, message] = match stream {
            Some(_) => [number, None],
            None => [None, number],
        };
        let tcp_stream = stream;
        let line =
            Line { event, connection, from, record, input, tcp_stream, packet, message, time };
        write(&mut self.out, &line)?;
        if self.follow { self.out.flush() } else { Ok(()) }
    }

    /// Prints what is of a whole connection.
    fn whole(
        &mut self,
        event: &'static str,
        opening: &Opening,
        time: Option<f64>,
        record: impl Serialize,
    ) -> io::Result<()> {
        let Opening { connection, stream, .. } = *opening;
        let input = &self.input;
        let (from, tcp_stream, packet, message) = (None, stream, None, None);
        let line =
            Line { event, connection, from, record, input, tcp_stream, packet, message, time };
        write(&mut self.out, &line)
    }
}

fn write(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    line.serialize(&mut Serializer::with_formatter(&mut *out, Ascii))?;
    out.write_all(b"\n")
}

impl<W: Write> Report for Json<W> {
    fn input(&mut self, name: &str) -> io::Result<()> {
        self.input = name.to_owned();
        Ok(())
    }

    fn opening(&mut self, opening: &Opening) -> io::Result<()> {
        let agreement = &opening.agreement;
        let record = OpeningLine {
            client: opening.client.as_deref(),
            server: opening.server.as_deref(),
            target: agreement.target.as_deref(),
            subprotocol: agreement.subprotocol.as_deref(),
            extensions: &agreement.extensions,
        };
        self.whole("connection", opening, Some(seconds(opening.time)), record)
    }

    fn record(&mut self, place: &Place, record: &Record<'_>) -> io::Result<()> {
        match record {
            Record::Frame(frame) => {
                let frame = FrameLine::new(frame, self.payload);
                self.record("frame", place, frame)
            }
            Record::LateClose(frame) => {
                let frame = FrameLine::new(frame, self.payload);
                self.record("close", place, frame)
            }
            Record::Broken(broken) => {
                let broken = BrokenLine::new(broken, self.payload);
                self.record("violation", place, broken)
            }
            Record::Incomplete(incomplete) => {
                let incomplete = IncompleteLine::new(incomplete, self.payload);
                self.record("incomplete", place, incomplete)
            }
        }
    }

    fn gap(&mut self, place: &Place, gap: &Gap) -> io::Result<()> {
        let Gap { offset, missing, passed_over } = *gap;
        self.record("gap", place, GapLine { offset, missing, passed_over })
    }

    fn verdict(&mut self, closing: &Rc<Closing>) -> io::Result<()> {
        self.whole("verdict", &closing.opening, None, VerdictLine::new(closing))
    }

    fn end_of_input(&mut self, _: &[String]) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, _: &Tally) -> io::Result<()> {
        self.out.flush()
    }
}

/// What every line has.
#[derive(Serialize)]
struct Line<'a, T> {
    event: &'static str,
    connection: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'static str>,
    #[serde(flatten)]
    record: T,
    input: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp_stream: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packet: Option<u64>,
    /// Of an input that has no packets.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<f64>,
}

#[derive(Serialize)]
struct OpeningLine<'a> {
    client: Option<&'a str>,
    server: Option<&'a str>,
    target: Option<&'a str>,
    subprotocol: Option<&'a str>,
    extensions: &'a [String],
}

#[derive(Serialize)]
struct FrameLine<'a> {
    offset: u64,
    header_len: usize,
    fin: bool,
    rsv: u8,
    opcode: u8,
    masked: bool,
    payload_len: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
}

impl<'a> FrameLine<'a> {
    fn new(frame: &Frame<'a>, payload: bool) -> Self {
        let header = &frame.header;
        Self {
            offset: frame.offset,
            header_len: header.header_len(),
            fin: header.fin(),
            rsv: header.rsv(),
            opcode: u8::from(header.opcode()),
            masked: header.is_masked(),
            payload_len: header.payload_len(),
            close_code: frame.close.as_ref().map(|close| close.code.0),
            close_reason: frame.close.as_ref().map(|close| close.reason),
            payload: payload.then(|| hex_bytes(frame.payload, "")),
        }
    }
}

#[derive(Serialize)]
struct BrokenLine {
    offset: u64,
    rule: &'static str,
    section: &'static str,
    close_code: u16,
    text: &'static str,
    rfc: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame_offset: Option<u64>,
    /// The header as it stands on the wire.
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<String>,
    /// The payload up to the byte that breaks the rule, as far as it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
}

impl BrokenLine {
    fn new(broken: &Broken<'_>, payload: bool) -> Self {
        let rule = broken.violation.rule;
        let (frame_offset, header) = head(broken.header, broken.cut, broken.violation.offset);
        Self {
            offset: broken.violation.offset,
            rule: rule.id(),
            section: rule.section(),
            close_code: rule.close_code().0,
            text: rule.text(),
            rfc: rule.rfc(),
            frame_offset,
            header,
            payload: payload.then(|| hex_bytes(broken.payload, "")),
        }
    }
}

/// Where a frame starts, and its header as it stands on the wire, as far as it came: the stream
/// ends at `end`, where it is cut.
fn head(header: Option<(u64, Header)>, cut: &[u8], end: u64) -> (Option<u64>, Option<String>) {
    match header {
        Some((offset, header)) => {
            let mut wire = [0; Header::MAX_LEN];
            let len = header.encode(&mut wire);
            (Some(offset), Some(hex_bytes(&wire[..len], "")))
        }
        None if cut.is_empty() => (None, None),
        None => (Some(end - cut.len() as u64), Some(hex_bytes(cut, ""))),
    }
}

#[derive(Serialize)]
struct IncompleteLine {
    offset: u64,
    within: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame_offset: Option<u64>,
    /// The header as it stands on the wire, as far as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<String>,
    /// The payload as far as it came and was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
}

impl IncompleteLine {
    fn new(incomplete: &Incomplete<'_>, payload: bool) -> Self {
        let Incomplete { offset, within, missing, header, cut, payload: plain } = *incomplete;
        let (frame_offset, header) = head(header, cut, offset);
        let payload = payload.then(|| hex_bytes(plain, ""));
        Self { offset, within: within.name(), missing, frame_offset, header, payload }
    }
}

#[derive(Serialize)]
struct GapLine {
    offset: u64,
    missing: u64,
    passed_over: bool,
}

#[derive(Serialize)]
struct VerdictLine<'a> {
    outcome: &'static str,
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    text: String,
    target: Option<&'a str>,
    subprotocol: Option<&'a str>,
    extensions: &'a [String],
    client: SideLine<'a>,
    server: SideLine<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pings: Option<PingsLine>,
    timeline: Vec<StepLine<'a>>,
    gap: bool,
}

impl<'a> VerdictLine<'a> {
    fn new(closing: &'a Closing) -> Self {
        let Closing { opening, verdict, timeline, sides: [client, server], pings, gap, .. } =
            closing;
        let violation = verdict.violation();
        Self {
            outcome: verdict.id(),
            code: verdict.code().map(|code| code.0),
            by: verdict.by().map(Role::name),
            due: violation.map(|violation| violation.rule.close_code().0),
            rule: violation.map(|violation| violation.rule.id()),
            offset: violation.map(|violation| violation.offset),
            why: match verdict {
                Verdict::Abnormal { why, .. } => Some(why.id()),
                _ => None,
            },
            text: verdict.to_string(),
            target: opening.agreement.target.as_deref(),
            subprotocol: opening.agreement.subprotocol.as_deref(),
            extensions: &opening.agreement.extensions,
            client: SideLine::new(opening.client.as_deref(), client),
            server: SideLine::new(opening.server.as_deref(), server),
            pings: PingsLine::new(pings),
            timeline: timeline
                .iter()
                .map(|step| StepLine {
                    from: step.from.name(),
                    act: step.act.id(),
                    reason: match closing.reasons[step.from as usize].as_str() {
                        "" => None,
                        reason => matches!(step.act, Act::Closed(_)).then_some(reason),
                    },
                    code: match step.act {
                        Act::Closed(code) => code.map(|code| code.0),
                        _ => None,
                    },
                    time: seconds(step.at),
                })
                .collect(),
            gap: *gap,
        }
    }
}

#[derive(Serialize)]
struct SideLine<'a> {
    address: Option<&'a str>,
    frames: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    compressed: Option<CompressedLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<LastLine>,
}

impl<'a> SideLine<'a> {
    fn new(address: Option<&'a str>, side: &Side) -> Self {
        let inflated = &side.inflated;
        let compressed = (inflated.messages > 0).then(|| CompressedLine {
            messages: inflated.messages,
            bytes: inflated.compressed,
            inflated: inflated.ratio().map(|_| inflated.inflated),
            ratio: inflated.ratio(),
        });
        let last = side.last.map(|sent| LastLine {
            offset: sent.offset,
            opcode: u8::from(sent.header.opcode()),
            seconds_before_the_end: side.before.map(seconds),
        });
        Self { address, frames: side.frames, bytes: side.bytes, compressed, last }
    }
}

#[derive(Serialize)]
struct CompressedLine {
    messages: u64,
    /// On the wire.
    bytes: u64,
    inflated: Option<u64>,
    ratio: Option<f64>,
}

#[derive(Serialize)]
struct LastLine {
    offset: u64,
    opcode: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_before_the_end: Option<f64>,
}

#[derive(Serialize)]
struct PingsLine {
    answered: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fastest: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slowest: Option<f64>,
    /// How many of the client's last Pings were never answered.
    unanswered_client: u64,
    unanswered_server: u64,
}

impl PingsLine {
    fn new(pings: &Pings) -> Option<Self> {
        let [client, server] = [Role::Client, Role::Server]
            .map(|from| pings.unanswered(from).map_or(0, |(unanswered, _)| unanswered));
        (pings.answered + client + server > 0).then(|| Self {
            answered: pings.answered,
            fastest: pings.fastest.map(seconds),
            slowest: pings.fastest.map(|_| seconds(pings.slowest)),
            unanswered_client: client,
            unanswered_server: server,
        })
    }
}

#[derive(Serialize)]
struct StepLine<'a> {
    from: &'static str,
    act: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    time: f64,
}

/// Times are in seconds: since 1970, where the input's clock is a calendar's.
fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

/// Compact JSON in ASCII alone: a payload can neither end a line for a reader that knows more line
/// ends than one, nor steer a terminal.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let plain = |byte: &u8| byte.is_ascii() && !byte.is_ascii_control();
        if fragment.as_bytes().iter().all(plain) {
            return out.write_all(fragment.as_bytes());
        }
        for character in fragment.chars() {
            if character.is_ascii() && !character.is_ascii_control() {
                out.write_all(&[character as u8])?;
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}
