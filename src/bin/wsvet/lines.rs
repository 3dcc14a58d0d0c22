//! JSON lines, one event each: the tool's own, or those of a stack that logs its frames so.
//!
//! They are judged anew, so other limits can find other violations. What the lines do not have, the
//! payload where it was not asked for, is passed over.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, BufRead};
use std::time::Duration;

use serde::Deserialize;
use wsvet::{End, Header, OpCode, Place, Role, Rule, Violation};

use crate::check::{Answer, no_traffic, reason};
use crate::connection::Judging;
use crate::frames::{Frames, Opening};
use crate::hex;
use crate::http::Agreement;
use crate::packet::{Moment, time_of};

/// A line, as far as it is read.
#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    connection: u64,
    tcp_stream: Option<usize>,
    packet: Option<u64>,
    message: Option<u64>,
    time: Option<f64>,
    #[serde(flatten)]
    event: Event,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event {
    Connection(Agreed),
    #[serde(alias = "close")]
    Frame(Frame),
    Violation(Part),
    Incomplete(Part),
    End {
        from: Sender,
        how: Option<How>,
    },
    Gap {
        from: Sender,
        missing: u64,
        #[serde(default)]
        passed_over: bool,
    },
    Verdict {
        #[serde(default)]
        timeline: Vec<Step>,
        #[serde(default)]
        gap: bool,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Agreed {
    client: Option<String>,
    server: Option<String>,
    target: Option<String>,
    subprotocol: Option<String>,
    #[serde(default)]
    extensions: Vec<String>,
}

#[derive(Deserialize)]
struct Frame {
    from: Sender,
    opcode: Kind,
    fin: Option<bool>,
    #[serde(default)]
    rsv: u8,
    masked: Option<bool>,
    header_len: Option<usize>,
    payload_len: Option<u64>,
    payload: Option<String>,
    text: Option<String>,
    close_code: Option<u16>,
    close_reason: Option<String>,
}

/// An opcode, by its number or its name.
#[derive(Deserialize, Clone, Copy)]
#[serde(untagged)]
enum Kind {
    Number(u8),
    Name(Name),
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Name {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// How an end stops sending.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum How {
    Fin,
    Reset,
}

/// A frame of which not all is known.
#[derive(Deserialize)]
struct Part {
    from: Sender,
    offset: u64,
    rule: Option<String>,
    frame_offset: Option<u64>,
    header: Option<String>,
    payload: Option<String>,
}

#[derive(Deserialize)]
struct Step {
    from: Sender,
    act: String,
    time: f64,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Sender {
    Client,
    Server,
}

impl From<Sender> for Role {
    fn from(sender: Sender) -> Self {
        match sender {
            Sender::Client => Self::Client,
            Sender::Server => Self::Server,
        }
    }
}

/// Whether this may be the start of JSON lines.
pub(crate) fn looks_like_lines(start: &[u8]) -> bool {
    let start = start.trim_ascii_start();
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.starts_with(b"{") && line.windows(7).any(|key| key == b"\"event\"")
}

/// Judges the connections that the lines are of.
pub(crate) fn judge(mut input: impl BufRead, judging: &mut Judging<'_>) -> io::Result<Answer> {
    let before = judging.tally.connections;
    let mut lines = Lines::default();
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        match input.read_until(b'\n', &mut bytes) {
            Ok(0) => break,
            Ok(_) if bytes.trim_ascii().is_empty() => continue,
            Ok(_) => {}
            Err(error) => return Ok(Err(reason(&error))),
        }
        let answer = match serde_json::from_slice(&bytes) {
            Ok(line) => lines.line(line, number, judging)?,
            Err(error) => {
                let text = error.to_string();
                let text = text.split(" at line ").next().unwrap_or(&text);
                Err(format!("column {}: {text}", error.column()))
            }
        };
        if let Err(error) = answer {
            lines.finish(judging)?;
            return Ok(Err(format!("line {number}: {error}; what is before it was judged")));
        }
    }
    let unknown = lines.unknown;
    lines.finish(judging)?;
    if judging.tally.connections == before {
        return Ok(Err(no_traffic("no line is of a frame")));
    }
    let notice = format!(
        "payloads that the lines do not have: {unknown}; they were not judged (wsvet writes them \
         with --payload)"
    );
    Ok(Ok(if unknown > 0 { vec![notice] } else { Vec::new() }))
}

/// The connections that are being read, by their numbers in the lines.
#[derive(Default)]
struct Lines {
    open: BTreeMap<u64, Connection>,
    /// How many payloads are not known.
    unknown: u64,
}

/// A connection that is being read.
struct Connection {
    frames: Frames,
    /// What the capture lacked of each end.
    gaps: [Option<u64>; 2],
    /// Where the last frame of each end starts of which only a part is known.
    parts: [Option<u64>; 2],
    /// The number of the packet that ended each stream too early.
    ended: [u64; 2],
    /// The time of the last line.
    now: Duration,
}

impl Lines {
    /// Takes a line.
    fn line(
        &mut self,
        line: Line,
        number: u64,
        judging: &mut Judging<'_>,
    ) -> io::Result<Result<(), String>> {
        let Line { connection: key, tcp_stream, packet, message, time, event } = line;
        let packet = packet.or(message).unwrap_or(number);
        // What has no time happens when the last did.
        let known = time.map(time_of).or_else(|| self.open.get(&key).map(|open| open.now));
        let at = Moment { packet, time: known.unwrap_or_default() };
        if let Event::Connection(_) = event
            && let Some(connection) = self.open.remove(&key)
        {
            connection.finish(judging)?;
        }
        let connection = match self.open.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(_) if matches!(event, Event::Verdict { .. } | Event::Other) => {
                return Ok(Ok(()));
            }
            Entry::Vacant(entry) => {
                entry.insert(Connection::open(&event, tcp_stream, at, judging)?)
            }
        };
        connection.now = at.time;
        match event {
            Event::Connection(_) | Event::Other => Ok(Ok(())),
            Event::Frame(frame) => connection.frame(&frame, at, &mut self.unknown, judging),
            Event::Violation(part) => connection.part(&part, at, &mut self.unknown, judging),
            Event::Incomplete(part) => connection.part(&part, at, &mut self.unknown, judging),
            Event::End { from, how } => {
                let from = Role::from(from);
                let how = if let Some(How::Reset) = how { End::Reset } else { End::Fin };
                let gap = connection.gaps[from as usize].take();
                connection.frames.end(from, how, gap, at, judging)?;
                Ok(Ok(()))
            }
            Event::Gap { passed_over: true, .. } => {
                connection.frames.lack();
                Ok(Ok(()))
            }
            Event::Gap { from, missing, .. } => {
                connection.gaps[Role::from(from) as usize] = Some(missing);
                Ok(Ok(()))
            }
            Event::Verdict { timeline, gap } => {
                if gap {
                    connection.frames.lack();
                }
                connection.end(&timeline, judging)?;
                if let Some(connection) = self.open.remove(&key) {
                    connection.finish(judging)?;
                }
                Ok(Ok(()))
            }
        }
    }

    /// Ends all that is still open.
    fn finish(self, judging: &mut Judging<'_>) -> io::Result<()> {
        self.open.into_values().try_for_each(|connection| connection.finish(judging))
    }
}

impl Connection {
    fn open(
        event: &Event,
        stream: Option<usize>,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<Self> {
        let mut opening = Opening {
            connection: judging.next_connection(),
            stream,
            client: None,
            server: None,
            agreement: Agreement::default(),
            time: at.time,
        };
        if let Event::Connection(agreed) = event {
            opening.client.clone_from(&agreed.client);
            opening.server.clone_from(&agreed.server);
            opening.agreement = Agreement {
                target: agreed.target.clone(),
                subprotocol: agreed.subprotocol.clone(),
                extensions: agreed.extensions.clone(),
            };
        }
        Ok(Self {
            frames: Frames::open(opening, judging)?,
            gaps: [None; 2],
            parts: [None; 2],
            ended: [0; 2],
            now: at.time,
        })
    }

    /// A frame that is whole.
    fn frame(
        &mut self,
        frame: &Frame,
        at: Moment,
        unknown: &mut u64,
        judging: &mut Judging<'_>,
    ) -> io::Result<Result<(), String>> {
        let from = frame.from.into();
        let (header, payload) = match frame.wire() {
            Ok(wire) => wire,
            Err(error) => return Ok(Err(error)),
        };
        let known = payload.as_deref().unwrap_or_default();
        self.frames.frame(from, &header, known, at, judging)?;
        let missing = header.payload_len() - known.len() as u64;
        let judged = [OpCode::Text, OpCode::Continuation, OpCode::Close].contains(&header.opcode());
        if missing > 0 && judged {
            *unknown += 1;
            self.frames.lack();
        }
        self.frames.skip(from, missing, at, judging)?;
        Ok(Ok(()))
    }

    /// A frame that breaks a rule, or is cut: once, whatever else is said of it.
    fn part(
        &mut self,
        part: &Part,
        at: Moment,
        unknown: &mut u64,
        judging: &mut Judging<'_>,
    ) -> io::Result<Result<(), String>> {
        let from = Role::from(part.from);
        let rule = part.rule.as_deref().and_then(Rule::from_id);
        let ends = rule.is_none_or(|rule| rule.place() == Place::End);
        if ends {
            self.ended[from as usize] = at.packet;
        }
        let Some(start) = part.frame_offset else { return Ok(Ok(())) };
        if self.parts[from as usize].replace(start) == Some(start) {
            return Ok(Ok(()));
        }
        let (head, plain) = match (octets(part.header.as_deref()), octets(part.payload.as_deref()))
        {
            (Ok(head), Ok(plain)) => (head, plain),
            (Err(error), _) | (_, Err(error)) => return Ok(Err(error)),
        };
        let Ok((header, _)) = Header::decode(&head) else {
            // A header that is cut.
            self.frames.feed(from, &head, at, judging)?;
            return Ok(Ok(()));
        };
        let arrived = part.offset.saturating_sub(start + header.header_len() as u64);
        let there = if ends { arrived } else { header.payload_len() };
        let known = &plain[..plain.len().min(usize::try_from(there).unwrap_or(usize::MAX))];
        self.frames.frame(from, &header, known, at, judging)?;
        let missing = there - known.len() as u64;
        if let Some(rule) = rule.filter(|rule| rule.place() == Place::Payload)
            && missing > 0
            && known.len() as u64 <= arrived
        {
            let violation = Violation { rule, offset: part.offset };
            self.frames.broke(from, violation, (start, header), at, judging)?;
        } else if ends {
            // Of what breaks a rule in its header the payload does not count.
            *unknown += u64::from(missing > 0);
        }
        self.frames.skip(from, missing, at, judging)?;
        Ok(Ok(()))
    }

    /// How the connection ended, as far as its frames do not say it.
    fn end(&mut self, timeline: &[Step], judging: &mut Judging<'_>) -> io::Result<()> {
        for step in timeline {
            let from = Role::from(step.from);
            let at = Moment { packet: self.ended[from as usize], time: time_of(step.time) };
            let gap = self.gaps[from as usize].take();
            match step.act.as_str() {
                "fin" => self.frames.end(from, End::Fin, gap, at, judging)?,
                "reset" => self.frames.end(from, End::Reset, gap, at, judging)?,
                _ => self.gaps[from as usize] = gap,
            }
        }
        Ok(())
    }

    fn finish(self, judging: &mut Judging<'_>) -> io::Result<()> {
        self.frames.finish(self.gaps, judging)
    }
}

impl Frame {
    /// The header, and as much of the payload as is known.
    fn wire(&self) -> Result<(Header, Option<Vec<u8>>), String> {
        let opcode = match self.opcode {
            Kind::Number(number) => number,
            Kind::Name(name) => name as u8,
        };
        if opcode > 15 || self.rsv > 7 {
            return Err(format!("there is no opcode {opcode} with rsv {}", self.rsv));
        }
        let payload = match (&self.payload, &self.text, self.close_code) {
            (Some(hex), ..) => Some(octets(Some(hex))?),
            (None, Some(text), _) => Some(text.as_bytes().to_vec()),
            (None, None, Some(code)) => {
                let reason = self.close_reason.as_deref().unwrap_or_default();
                Some([&code.to_be_bytes(), reason.as_bytes()].concat())
            }
            (None, None, None) => None,
        };
        let known = payload.as_ref().map_or(0, Vec::len) as u64;
        let len = self.payload_len.unwrap_or(known);
        if known > len {
            return Err(format!("the payload is of {known} bytes, and payload_len says {len}"));
        }
        let from = Role::from(self.from);
        let masked = self.masked.unwrap_or(from == Role::Client);
        let mask = u8::from(masked) << 7;
        let first = u8::from(self.fin.unwrap_or(true)) << 7 | self.rsv << 4 | opcode;
        let minimal = Header::new(OpCode::Binary, len).second_byte();
        let second = match self.header_len.map(|len| len.saturating_sub(4 * usize::from(masked))) {
            Some(4) if len <= 0xFFFF => 126,
            Some(10) => 127,
            _ => minimal,
        };
        Ok((Header::from_wire(first, mask | second, len, [0; 4]), payload))
    }
}

/// The bytes that hex text stands for; none, where there is no text.
fn octets(text: Option<&str>) -> Result<Vec<u8>, String> {
    hex::decode(text.unwrap_or_default().as_bytes())
        .map_err(|_| "header and payload are written in hex digits, two a byte".to_owned())
}
