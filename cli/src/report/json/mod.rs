//! Prints one JSON object per line. The module `input::lines` reads them.

mod line;

use std::io::{self, Write};
use std::rc::Rc;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::report::handshake::{FAIL, handshake, negotiation, uncertainty};
use crate::session::agreement::HandshakeFinding;
use crate::session::cause::Causes;
use crate::session::record::Record;
use crate::session::report::{Closing, Opening, Tally};
use crate::session::report::{Gap, Place, ReadAs, Report};
use crate::session::unjudged::Stray;

use line::{
    BrokenLine, CauseLine, FindingLine, FrameLine, GapLine, HandshakeLine, IncompleteLine,
    InputLine, Line, MessageLine, NegotiationLine, NoticeLine, OpeningLine, StrayLine,
    UncertainLine, VerdictLine, seconds,
};

/// Prints records for programs.
pub struct Json<W> {
    out: W,
    payload: bool,
    follow: bool,
    input: String,
}

impl<W: Write> Json<W> {
    /// Creates a report that writes to `out`. `payload` adds the payload of each frame. `follow`
    /// flushes after each line.
    pub fn new(out: W, payload: bool, follow: bool) -> Self {
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

    /// Prints a line about a whole connection.
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

    fn read_as(&mut self, how: &ReadAs) -> io::Result<()> {
        write(&mut self.out, &InputLine::new(how, &self.input))
    }

    fn opening(&mut self, opening: &Opening) -> io::Result<()> {
        let agreement = &opening.agreement;
        let record = OpeningLine {
            client: opening.client.as_deref(),
            server: opening.server.as_deref(),
            target: agreement.target.as_deref(),
            subprotocol: agreement.subprotocol.as_deref(),
            offered: agreement.offered.as_deref(),
            extensions: &agreement.extensions,
            asked: agreement.asked.map(seconds),
            opened: (!agreement.opened).then_some(false),
            uncertain: agreement
                .uncertain
                .as_ref()
                .map(|uncertain| UncertainLine::new(uncertain, uncertainty(uncertain))),
            http2_stream: opening.http2.as_ref().map(|http2| http2.stream),
        };
        let time = Some(seconds(opening.time));
        self.whole("connection", opening, time, record)?;
        match negotiation(agreement) {
            Some((offset, wrong)) => {
                let line = NegotiationLine::new(offset, format!("{wrong}; {FAIL}"));
                self.whole("negotiation", opening, time, line)
            }
            None => Ok(()),
        }
    }

    fn handshake(&mut self, opening: &Opening, found: &HandshakeFinding) -> io::Result<()> {
        let line = HandshakeLine::new(found, handshake(found, &opening.agreement).text);
        let time = Some(seconds(opening.time));
        self.whole("handshake", opening, time, line)
    }

    fn record(&mut self, place: &Place, record: &Record<'_>) -> io::Result<()> {
        match record {
            Record::Frame(frame) => {
                let message = frame.message.as_ref().map(MessageLine::new);
                let frame = FrameLine::new(frame, self.payload);
                self.record("frame", place, frame)?;
                message.map_or(Ok(()), |message| self.record("message", place, message))
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

    fn causes(&mut self, told: &Causes) -> io::Result<()> {
        let Causes { place, violation, causes } = told;
        causes
            .iter()
            .try_for_each(|cause| self.record("cause", place, CauseLine::new(violation, cause)))
    }

    fn gap(&mut self, place: &Place, gap: &Gap) -> io::Result<()> {
        self.record("gap", place, GapLine::new(gap))
    }

    fn verdict(&mut self, closing: &Rc<Closing>) -> io::Result<()> {
        for finding in &closing.findings {
            self.whole("finding", &closing.opening, None, FindingLine::new(finding))?;
        }
        self.whole("verdict", &closing.opening, None, VerdictLine::new(closing))
    }

    fn stray(&mut self, stray: &Stray) -> io::Result<()> {
        write(&mut self.out, &StrayLine::new(stray, &self.input))?;
        if self.follow { self.out.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn end_of_input(&mut self, notices: &[String]) -> io::Result<()> {
        let input = &self.input;
        notices.iter().try_for_each(|notice| write(&mut self.out, &NoticeLine::new(notice, input)))
    }

    fn finish(&mut self, _: &Tally) -> io::Result<()> {
        self.out.flush()
    }
}

/// A formatter for compact JSON in ASCII. A payload can neither end a line for a reader with other
/// line ends, nor control a terminal.
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
