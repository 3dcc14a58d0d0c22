//! One JSON object a line.

use std::io::{self, Write};
use std::net::SocketAddr;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use serde_json::{Map, Value, json};
use wsvet::Verdict;

use super::{Place, Report, hex_bytes};
use crate::connection::Tally;
use crate::frames::{Closing, Side};
use crate::http::Agreement;
use crate::judge::{Broken, Frame, Incomplete, Record};

/// Prints records for programs.
pub(crate) struct Json<W> {
    out: W,
    payload: bool,
    input: String,
}

impl<W: Write> Json<W> {
    /// `payload` says whether each frame's payload is printed too.
    pub(crate) fn new(out: W, payload: bool) -> Self {
        Self { out, payload, input: String::new() }
    }

    fn line(&mut self, event: &str, place: &Place, record: Value) -> io::Result<()> {
        let mut line = Map::new();
        line.insert("from".into(), place.from.name().into());
        extend(&mut line, record);
        self.write(event, place.connection, line, place.stream, place.packet)
    }

    fn write(
        &mut self,
        event: &str,
        connection: usize,
        record: Map<String, Value>,
        stream: Option<usize>,
        packet: Option<u64>,
    ) -> io::Result<()> {
        let mut line = Map::new();
        line.insert("event".into(), event.into());
        line.insert("connection".into(), connection.into());
        line.extend(record);
        line.insert("input".into(), self.input.as_str().into());
        if let Some(stream) = stream {
            line.insert("tcp_stream".into(), stream.into());
        }
        if let Some(packet) = packet {
            line.insert("packet".into(), packet.into());
        }
        line.serialize(&mut Serializer::with_formatter(&mut self.out, Ascii))?;
        writeln!(self.out)
    }

    fn frame(&self, frame: &Frame<'_>) -> Value {
        let header = &frame.header;
        let mut line = json!({
            "offset": frame.offset,
            "header_len": header.header_len(),
            "fin": header.fin(),
            "rsv": header.rsv(),
            "opcode": u8::from(header.opcode()),
            "masked": header.is_masked(),
            "payload_len": header.payload_len(),
        });
        if let Some(close) = &frame.close {
            line["close_code"] = close.code.0.into();
            line["close_reason"] = close.reason.into();
        }
        if self.payload {
            line["payload"] = hex_bytes(frame.payload, "").into();
        }
        line
    }
}

impl<W: Write> Report for Json<W> {
    fn input(&mut self, name: &str) -> io::Result<()> {
        self.input = name.to_owned();
        Ok(())
    }

    fn connection(
        &mut self,
        _: usize,
        _: SocketAddr,
        _: SocketAddr,
        _: &Agreement,
    ) -> io::Result<()> {
        Ok(())
    }

    fn record(&mut self, place: &Place, record: &Record<'_>) -> io::Result<()> {
        match record {
            Record::Frame(frame) => {
                let line = self.frame(frame);
                self.line("frame", place, line)
            }
            Record::Broken(broken) => self.line("violation", place, violation(broken)),
            Record::Incomplete(incomplete) => {
                self.line("incomplete", place, incomplete_line(incomplete))
            }
        }
    }

    fn gap(&mut self, place: &Place, offset: u64, missing: u64) -> io::Result<()> {
        self.line("gap", place, json!({ "offset": offset, "missing": missing }))
    }

    fn verdict(&mut self, closing: &Closing) -> io::Result<()> {
        self.write("verdict", closing.connection, verdict(closing), Some(closing.stream), None)
    }

    fn finish(&mut self, _: &Tally) -> io::Result<()> {
        self.out.flush()
    }
}

fn violation(broken: &Broken<'_>) -> Value {
    let rule = broken.violation.rule;
    let mut line = json!({
        "offset": broken.violation.offset,
        "rule": rule.id(),
        "section": rule.section(),
        "close_code": rule.close_code().0,
        "text": rule.text(),
        "rfc": rule.rfc(),
    });
    if let Some((offset, _)) = broken.header {
        line["frame_offset"] = offset.into();
    }
    line
}

fn incomplete_line(incomplete: &Incomplete) -> Value {
    let mut line = json!({ "offset": incomplete.offset, "within": incomplete.within.name() });
    if let Some(missing) = incomplete.missing {
        line["missing"] = missing.into();
    }
    line
}

fn verdict(closing: &Closing) -> Map<String, Value> {
    let verdict = &closing.verdict;
    let mut line = Map::new();
    line.insert("outcome".into(), verdict.id().into());
    line.insert("code".into(), json!(verdict.code().map(|code| code.0)));
    if let Some(by) = verdict.by() {
        line.insert("by".into(), by.name().into());
    }
    if let Some(violation) = verdict.violation() {
        let rule = violation.rule;
        let due =
            json!({ "due": rule.close_code().0, "rule": rule.id(), "offset": violation.offset });
        extend(&mut line, due);
    }
    if let Verdict::Abnormal { why, .. } = verdict {
        line.insert("why".into(), why.id().into());
    }
    line.insert("text".into(), verdict.to_string().into());
    for side in &closing.sides {
        line.insert(side.from.name().into(), side_value(side));
    }
    if let Some(fastest) = closing.pings.fastest {
        let pings = json!({
            "answered": closing.pings.answered,
            "fastest": fastest.as_secs_f64(),
            "slowest": closing.pings.slowest.as_secs_f64(),
        });
        line.insert("pings".into(), pings);
    }
    line.insert("gap".into(), closing.gap.into());
    line
}

fn side_value(side: &Side) -> Value {
    let mut value = json!({ "frames": side.frames, "bytes": side.bytes });
    if let Some(sent) = side.last {
        let opcode = u8::from(sent.header.opcode());
        value["last"] = json!({ "offset": sent.offset, "opcode": opcode });
    }
    if let Some(before) = side.before {
        value["last"]["seconds_before_the_end"] = before.as_secs_f64().into();
    }
    value
}

fn extend(line: &mut Map<String, Value>, record: Value) {
    if let Value::Object(record) = record {
        line.extend(record);
    }
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
