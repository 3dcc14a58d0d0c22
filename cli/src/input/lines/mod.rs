//! Reads JSON lines with one event each: the output of `--json`, or the log of another program.
//!
//! The events are judged again, so other limits can give other violations. Payloads that the lines
//! do not contain are skipped.

mod event;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, BufRead};
use std::time::Duration;

use wsvet::{End, Finding, Header, OpCode, Place, Role, Rule, Violation};

use crate::input::answer::{Answer, no_traffic, reason};
use crate::session::agreement::Agreement;
use crate::session::frames::Frames;
use crate::session::judging::Judging;
use crate::session::recorder::Found;
use crate::session::report::Opening;
use crate::transport::packet::{Moment, time_of};

use event::{Event, Frame, How, Line, Part, Step, octets};

/// Returns whether this may be the start of JSON lines.
pub(crate) fn looks_like_lines(start: &[u8]) -> bool {
    let start = start.trim_ascii_start();
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.starts_with(b"{") && line.windows(7).any(|key| key == b"\"event\"")
}

/// Judges the connections in the lines.
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
        let (column, answer) = match serde_json::from_slice(&bytes) {
            Ok(line) => (String::new(), lines.line(line, number, judging)?),
            Err(error) => {
                let text = error.to_string();
                let text = text.split(" at line ").next().unwrap_or(&text);
                (format!(", column {}", error.column()), Err(text.to_owned()))
            }
        };
        if let Err(error) = answer {
            lines.finish(judging)?;
            let judged = "only the lines before it were judged";
            return Ok(Err(format!("line {number}{column}: {error}; {judged}")));
        }
    }
    let unknown = lines.unknown;
    lines.finish(judging)?;
    if judging.tally.connections == before {
        return Ok(Err(no_traffic("no line describes a frame")));
    }
    let notice = format!(
        "payloads that are missing and were not judged: {unknown} (to write them, use wsvet check \
         --json --payload)"
    );
    Ok(Ok(if unknown > 0 { vec![notice] } else { Vec::new() }))
}

/// The open connections, by their numbers in the lines.
#[derive(Default)]
struct Lines {
    open: BTreeMap<u64, Connection>,
    /// The number of payloads that are unknown.
    unknown: u64,
}

/// An open connection.
struct Connection {
    frames: Frames,
    /// The number of bytes of each endpoint that the capture lacked.
    gaps: [Option<u64>; 2],
    /// The offset of the last partly known frame of each endpoint.
    parts: [Option<u64>; 2],
    /// The number of the packet that ended each stream too early.
    ended: [u64; 2],
    /// The findings of the run that wrote the lines.
    findings: Vec<Finding>,
    /// The time of the last line.
    now: Duration,
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
        let packet = packet.or(message).unwrap_or(number);
        // An event without a time has the time of the event before it.
        let known = time.map(time_of).or_else(|| self.open.get(&key).map(|open| open.now));
        let at = Moment { packet, time: known.unwrap_or_default() };
        if let Event::Connection(_) = event
            && let Some(connection) = self.open.remove(&key)
        {
            connection.finish(judging)?;
        }
        let connection = match self.open.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(_)
                if matches!(event, Event::Finding(_) | Event::Verdict { .. } | Event::Other) =>
            {
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
            Event::Finding(found) => {
                connection.findings.extend(found.finding());
                Ok(Ok(()))
            }
            Event::Verdict { timeline, reported, gap, until } => {
                for said in reported {
                    connection.frames.report(said.into());
                }
                if gap {
                    connection.frames.lack();
                }
                connection.end(&timeline, judging)?;
                if let Some(connection) = self.open.remove(&key) {
                    connection.judged(until.map(time_of), judging)?;
                }
                Ok(Ok(()))
            }
        }
    }

    /// Ends all open connections.
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
            opening.agreement.opened = agreed.opened.unwrap_or(true);
        }
        Ok(Self {
            frames: Frames::open(opening, judging)?,
            gaps: [None; 2],
            parts: [None; 2],
            ended: [0; 2],
            findings: Vec::new(),
            now: at.time,
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
            // The header is incomplete.
            self.frames.feed(from, &head, at, judging)?;
            return Ok(Ok(()));
        };
        let arrived = part.offset.saturating_sub(start).saturating_sub(header.header_len() as u64);
        let there = if ends { arrived } else { header.payload_len() };
        let known = &plain[..plain.len().min(usize::try_from(there).unwrap_or(usize::MAX))];
        self.frames.frame(from, &header, known, at, judging)?;
        let missing = there - known.len() as u64;
        let inflated = part.inflated;
        if let Some(rule) = rule
            && (rule.place() == Place::Payload || inflated.is_some())
            && missing > 0
            && known.len() as u64 <= arrived
        {
            let violation = Violation::new(rule, part.offset);
            let found = Found { violation, header: (start, header), inflated };
            self.frames.broke(from, found, at, judging)?;
        } else if ends {
            // If the header breaks a rule, the payload does not matter.
            *unknown += u64::from(missing > 0);
        }
        self.frames.skip(from, missing, at, judging)?;
        Ok(Ok(()))
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

    fn finish(self, judging: &mut Judging<'_>) -> io::Result<()> {
        self.frames.finish(self.gaps, None, judging)
    }
}
