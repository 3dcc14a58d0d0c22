//! Reads JSON lines with one event each: the output of `--json`, or the log of another program.
//!
//! The events are judged again, so other limits can give other violations. Payloads that the lines
//! do not contain are skipped.

mod event;
mod open;

use std::io::{self, BufRead, Read};
use std::time::Duration;

use wsvet::{End, Finding, Header, OpCode, Place, Role, Rule, Violation};

use crate::input::answer::{Answer, no_traffic, reason};
use crate::session::agreement::Agreement;
use crate::session::frames::Frames;
use crate::session::judging::Judging;
use crate::session::record::is_in_payload;
use crate::session::recorder::Found;
use crate::session::report::{Opening, OverHttp2};
use crate::transport::packet::{Moment, time_of};

use event::{Doubt, Event, Frame, How, Line, Part, Step, octets};
use open::{COMPRESSED, EACH, Number, Open};

/// Returns whether this may be the start of JSON lines.
pub(crate) fn looks_like_lines(start: &[u8]) -> bool {
    let start = start.trim_ascii_start();
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.starts_with(b"{") && line.windows(7).any(|key| key == b"\"event\"")
}

/// Returns whether these are JSON lines, and the first is complete.
pub(crate) fn has_first_line(start: &[u8]) -> bool {
    start.trim_ascii_start().contains(&b'\n') && looks_like_lines(start)
}

/// Judges the connections in the lines. `most` is the memory for them in bytes; a line may have a
/// quarter of it.
pub(crate) fn judge(
    mut input: impl BufRead,
    most: u64,
    judging: &mut Judging<'_>,
) -> io::Result<Answer> {
    let before = judging.tally.connections;
    let mut lines = Lines { open: Open::new(most / 2), unknown: 0 };
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let read = input.by_ref().take(most / 4).read_until(b'\n', &mut bytes);
        let whole = bytes.ends_with(b"\n") || (bytes.len() as u64) < most / 4;
        let (column, answer) = match read {
            Ok(0) => break,
            Ok(_) if !whole => {
                let more = rest_of_line(&mut input, most).map_err(|error| reason(&error));
                let len = bytes.len() as u64;
                bytes = Vec::new();
                (
                    String::new(),
                    Err(more.map_or_else(|error| error, |more| too_long(len, more, most))),
                )
            }
            Ok(_) if bytes.trim_ascii().is_empty() => continue,
            Ok(_) => match serde_json::from_slice(&bytes) {
                Ok(line) => (String::new(), lines.line(line, number, judging)?),
                Err(error) => {
                    let text = error.to_string();
                    let text = text.split(" at line ").next().unwrap_or(&text);
                    (format!(", column {}", error.column()), Err(text.to_owned()))
                }
            },
            Err(error) => (String::new(), Err(reason(&error))),
        };
        if let Err(error) = answer {
            lines.finish(judging)?;
            let judged = "only the lines before it were judged";
            return Ok(Err(format!("line {number}{column}: {error}; {judged}")));
        }
    }
    let (unknown, late) = (lines.unknown, lines.open.late());
    judging.tally.unjudged += late.connections();
    lines.finish(judging)?;
    if judging.tally.connections == before {
        let why = judging.strays.why();
        return Ok(Err(no_traffic(why.as_deref().unwrap_or("no line describes a frame"))));
    }
    let unknown = (unknown > 0).then(|| {
        format!(
            "payloads that are missing and were not judged: {unknown} (to write them, use wsvet \
             check --json --payload)"
        )
    });
    Ok(Ok(unknown.into_iter().chain(late.notices()).collect()))
}

/// Reads the rest of a line that is too long, and returns its length in bytes, or `None` if it is
/// still not over after many times the memory.
fn rest_of_line(input: &mut impl BufRead, most: u64) -> io::Result<Option<u64>> {
    let mut len = 0;
    while len < 16 * most {
        let there = input.fill_buf()?;
        let end = there.iter().position(|byte| *byte == b'\n');
        let read = end.unwrap_or(there.len());
        let over = end.is_some() || there.is_empty();
        input.consume(read);
        len += read as u64;
        if over {
            return Ok(Some(len));
        }
    }
    Ok(None)
}

/// Returns the error about a line of which `len` bytes and then `more` were read.
fn too_long(len: u64, more: Option<u64>, most: u64) -> String {
    let size = match more {
        Some(more) => format!("{} bytes", len + more),
        None => format!("more than {} bytes", 16 * most),
    };
    format!(
        "the line has {size}, and at most {} fit in a quarter of --max-memory: give more, for \
         example --max-memory {}",
        most / 4,
        4 * (len + more.unwrap_or(16 * most)).next_power_of_two()
    )
}

/// The connections in the lines.
struct Lines {
    open: Open,
    /// The number of payloads that are unknown.
    unknown: u64,
}

/// A payload that is known in part.
#[derive(Clone, Copy)]
struct Rest {
    /// The number of its bytes that were judged.
    judged: u64,
    /// Its length in bytes, or the number of bytes that arrived.
    len: u64,
    at: Moment,
}

/// An open connection.
struct Connection {
    frames: Frames,
    /// The number of bytes of each endpoint that the capture lacked.
    gaps: [Option<u64>; 2],
    /// The offset of the last partly known frame of each endpoint.
    parts: [Option<u64>; 2],
    /// What follows the judged bytes of these frames.
    rests: [Option<Rest>; 2],
    /// The number of the packet that ended each stream too early.
    ended: [u64; 2],
    /// Whether a rule was broken by the end of a stream.
    broke_at_end: bool,
    /// The findings of the run that wrote the lines.
    findings: Vec<Finding>,
    /// The time of the last line.
    now: Duration,
    /// The number of the last line.
    line: u64,
    /// Whether each endpoint has ended its stream.
    over: [bool; 2],
    /// The memory in bytes that was counted for it.
    memory: u64,
}

impl Lines {
    /// Processes a line.
    fn line(
        &mut self,
        line: Line,
        number: u64,
        judging: &mut Judging<'_>,
    ) -> io::Result<Result<(), String>> {
        let Line { connection: key, tcp_stream, packet, message, time, event } = line;
        let written = key;
        let key = key.unwrap_or_default();
        let packet = packet.or(message).unwrap_or(number);
        // An event without a time has the time of the event before it.
        let known = time.map(time_of).or_else(|| self.open.get(key).map(|open| open.now));
        let at = Moment { packet, time: known.unwrap_or_default() };
        let event = match event {
            Event::Unjudged(strayed) => {
                let connection = written.and_then(|key| self.open.get(key));
                let connection = connection.map(|connection| connection.frames.number());
                if let Some(stray) = strayed.stray(tcp_stream, connection, at.time) {
                    judging.stray(&stray)?;
                }
                return Ok(Ok(()));
            }
            event => event,
        };
        if let Event::Connection(_) = event {
            if let Some(connection) = self.open.remove(key) {
                connection.finish(judging)?;
            }
            let connection = Connection::open(&event, tcp_stream, at, judging)?;
            self.open.insert(key, connection, judging)?;
        } else if self.open.get(key).is_none() {
            match self.open.number(key) {
                _ if matches!(event, Event::Other) => {}
                Number::Over => self.open.tell_late(key),
                Number::New
                    if matches!(
                        event,
                        Event::Cause(_) | Event::Finding(_) | Event::Verdict { .. }
                    ) => {}
                Number::New => {
                    let connection = Connection::open(&event, tcp_stream, at, judging)?;
                    self.open.insert(key, connection, judging)?;
                }
            }
        }
        let Some(connection) = self.open.get(key) else { return Ok(Ok(())) };
        connection.now = at.time;
        connection.line = number;
        match event {
            Event::Connection(_) | Event::Unjudged(_) | Event::Other => Ok(Ok(())),
            Event::Frame(frame) => {
                connection.pass_over_rest(frame.from.into(), judging)?;
                let answer = connection.frame(&frame, at, &mut self.unknown, judging)?;
                if judging.thoroughness.payload {
                    self.open.keep(key, frame.len(), judging)?;
                }
                Ok(answer)
            }
            Event::Handshake(met) => {
                if let Some(found) = met.found() {
                    connection.frames.handshake(found, judging)?;
                }
                Ok(Ok(()))
            }
            Event::Violation(part) | Event::Incomplete(part) => {
                connection.part(&part, at, &mut self.unknown, judging)
            }
            Event::End { from, how } => {
                let from = Role::from(from);
                let how = if let Some(How::Reset) = how { End::Reset } else { End::Fin };
                connection.pass_over_rest(from, judging)?;
                let gap = connection.gaps[from as usize].take();
                connection.frames.end(from, how, gap, at, judging)?;
                connection.over[from as usize] = true;
                if connection.over == [true; 2] {
                    self.open.leave(key, judging)?;
                }
                Ok(Ok(()))
            }
            Event::Gap { from, passed_over: true, .. } => {
                connection.frames.lack_payload(from.into());
                connection.frames.lack_frames();
                Ok(Ok(()))
            }
            Event::Gap { from, missing, resumed_at: Some(to), .. } => {
                connection.pass_over_rest(from.into(), judging)?;
                connection.frames.resume(from.into(), missing, to, at, judging)?;
                Ok(Ok(()))
            }
            Event::Gap { from, missing, .. } => {
                connection.gaps[Role::from(from) as usize] = Some(missing);
                Ok(Ok(()))
            }
            Event::Cause(likely) => {
                let (from, offset) = (likely.from.into(), likely.offset);
                if let Some(cause) = likely.cause() {
                    connection.frames.looked_like(from, offset, cause, judging)?;
                }
                Ok(Ok(()))
            }
            Event::Finding(found) => {
                connection.findings.extend(found.finding());
                Ok(Ok(()))
            }
            Event::Verdict { outcome, timeline, reported, http2, gap, until } => {
                connection.pass_over_rests(judging)?;
                if let (Some(known), Some(http2)) = (connection.frames.http2(), http2) {
                    *known = http2.over();
                }
                for said in reported {
                    connection.frames.report(said.into());
                }
                if gap {
                    connection.lack(outcome.as_deref());
                }
                connection.end(&timeline, judging)?;
                if let Some(connection) = self.open.remove(key) {
                    connection.judged(until.map(time_of), judging)?;
                }
                Ok(Ok(()))
            }
        }
    }

    /// Ends all open connections.
    fn finish(self, judging: &mut Judging<'_>) -> io::Result<()> {
        self.open.finish(judging)
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
            http2: None,
            connection: judging.next_connection(),
            stream,
            client: None,
            server: None,
            agreement: Agreement::new(None, None, None, Vec::new()),
            time: at.time,
        };
        if let Event::Connection(agreed) = event {
            opening.client.clone_from(&agreed.client);
            opening.server.clone_from(&agreed.server);
            opening.agreement = Agreement::new(
                agreed.target.clone(),
                agreed.subprotocol.clone(),
                agreed.offered.clone(),
                agreed.extensions.clone(),
            );
            opening.agreement.asked = agreed.asked.map(time_of);
            opening.agreement.uncertain = agreed.uncertain.as_ref().and_then(Doubt::uncertain);
            opening.agreement.opened = agreed.opened.unwrap_or(true);
            let over = |stream| Box::new(OverHttp2 { stream, ..OverHttp2::default() });
            opening.http2 = agreed.http2_stream.map(over);
        }
        let compressed = opening.agreement.permessage_deflate().is_some();
        Ok(Self {
            frames: Frames::open(opening, judging)?,
            gaps: [None; 2],
            parts: [None; 2],
            rests: [None; 2],
            ended: [0; 2],
            broke_at_end: false,
            findings: Vec::new(),
            now: at.time,
            line: at.packet,
            over: [false; 2],
            memory: EACH + if compressed { COMPRESSED } else { 0 },
        })
    }

    /// Judges a complete frame.
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
        self.frames.pass_over_header(from, at, judging)?;
        self.frames.frame(from, &header, known, at, judging)?;
        let missing = header.payload_len() - known.len() as u64;
        let compressed = header.rsv() & 4 != 0;
        let judged = [OpCode::Text, OpCode::Continuation, OpCode::Close].contains(&header.opcode())
            || compressed;
        if missing > 0 && judged {
            *unknown += 1;
            self.frames.lack();
        }
        self.frames.skip(from, missing, at, judging)?;
        Ok(Ok(()))
    }

    /// Judges a frame that breaks a rule or is incomplete. Several lines about it count once.
    fn part(
        &mut self,
        part: &Part,
        at: Moment,
        unknown: &mut u64,
        judging: &mut Judging<'_>,
    ) -> io::Result<Result<(), String>> {
        let from = Role::from(part.from);
        let rule = part.rule.as_deref().and_then(Rule::from_id);
        if rule.is_some_and(|rule| rule.place() != Place::End) {
            self.frames.lack_frames();
        }
        let ends = rule.is_none_or(|rule| rule.place() == Place::End);
        if ends {
            self.ended[from as usize] = at.packet;
            self.broke_at_end |= rule.is_some();
        }
        let Some(start) = part.frame_offset else { return Ok(Ok(())) };
        let told = self.parts[from as usize].replace(start) == Some(start);
        let (head, plain) = match (octets(part.header.as_deref()), octets(part.payload.as_deref()))
        {
            (Ok(head), Ok(plain)) => (head, plain),
            (Err(error), _) | (_, Err(error)) => return Ok(Err(error)),
        };
        let Ok((header, _)) = Header::decode(&head) else {
            if told {
                return Ok(Ok(()));
            }
            // The header is incomplete.
            self.pass_over_rest(from, judging)?;
            self.frames.feed(from, &head, at, judging)?;
            return Ok(Ok(()));
        };
        let arrived = part.offset.saturating_sub(start).saturating_sub(header.header_len() as u64);
        let there = if ends { arrived } else { header.payload_len() };
        let known = &plain[..plain.len().min(usize::try_from(there).unwrap_or(usize::MAX))];
        if !told {
            self.pass_over_rest(from, judging)?;
            self.frames.frame(from, &header, &[], at, judging)?;
            self.rests[from as usize] = Some(Rest { judged: 0, len: there, at });
        }
        let Some(rest) = &mut self.rests[from as usize] else { return Ok(Ok(())) };
        let more = usize::try_from(rest.judged).ok().and_then(|judged| known.get(judged..));
        if let Some(more) = more {
            self.frames.payload(from, &header, rest.judged, more, at, judging)?;
            rest.judged = known.len() as u64;
        }
        rest.len = there.max(rest.judged);
        let missing = rest.len - rest.judged;
        let inflated = part.inflated;
        if let Some(rule) = rule
            && is_in_payload(rule, inflated)
        {
            let violation = Violation::new(rule, part.offset);
            let found = Found { violation, header: (start, header), inflated };
            self.frames.broke(from, found, at, judging)?;
        } else if ends && !told {
            // If the header breaks a rule, the payload does not matter.
            *unknown += u64::from(missing > 0);
        }
        Ok(Ok(()))
    }

    /// Passes over the rest of the frame that the last lines of an endpoint know in part.
    fn pass_over_rest(&mut self, from: Role, judging: &mut Judging<'_>) -> io::Result<()> {
        let Some(rest) = self.rests[from as usize].take() else { return Ok(()) };
        self.frames.skip(from, rest.len - rest.judged, rest.at, judging)
    }

    fn pass_over_rests(&mut self, judging: &mut Judging<'_>) -> io::Result<()> {
        self.pass_over_rest(Role::Client, judging)?;
        self.pass_over_rest(Role::Server, judging)
    }

    /// Notes that the run that wrote the lines lacked data. Its verdict says what was certain.
    fn lack(&mut self, outcome: Option<&str>) {
        self.frames.lack();
        match outcome {
            Some("open") if self.broke_at_end => self.frames.disorder(),
            Some("open") => self.frames.doubt_end(),
            Some("clean") => {
                self.frames.lack_payload(Role::Client);
                self.frames.lack_payload(Role::Server);
            }
            _ => {}
        }
    }

    /// Ends the TCP streams with the steps of a verdict.
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

    /// Ends the connection after its verdict. A run that wrote the time up to which it observed the
    /// connection wrote its findings too. Its lines may lack frames after a violation.
    fn judged(mut self, until: Option<Duration>, judging: &mut Judging<'_>) -> io::Result<()> {
        if until.is_some() {
            self.frames.find(self.findings);
        }
        self.frames.finish(self.gaps, until, judging)
    }

    fn finish(mut self, judging: &mut Judging<'_>) -> io::Result<()> {
        self.pass_over_rests(judging)?;
        self.frames.finish(self.gaps, None, judging)
    }
}
