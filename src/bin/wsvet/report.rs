//! What was found, to be printed: for people or for programs.

mod html;
mod json;
mod text;
mod words;

use std::fmt::Write as _;
use std::io;
use std::rc::Rc;

use wsvet::Role;

use crate::connection::Tally;
use crate::frames::{Closing, Opening};
use crate::judge::Record;
use crate::packet::Moment;

pub(crate) use html::Html;
pub(crate) use json::Json;
pub(crate) use text::{Shown, Text};

/// Where a record belongs.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// The number of the WebSocket connection, from 0 over all inputs.
    pub(crate) connection: usize,
    /// Who sends this direction.
    pub(crate) from: Role,
    /// The number of the TCP stream in the capture, from 0.
    pub(crate) stream: Option<usize>,
    /// The packet that completed it, and when that came.
    pub(crate) at: Option<Moment>,
}

/// Bytes that a capture lacks.
#[derive(Clone, Copy)]
pub(crate) struct Gap {
    /// Where they are missing.
    pub(crate) offset: u64,
    /// How many.
    pub(crate) missing: u64,
    /// They are all of one payload, and what comes behind them is judged; else it is not.
    pub(crate) passed_over: bool,
}

impl Place {
    /// What is counted: packets, or messages where the input has no packets.
    pub(crate) fn unit(&self) -> &'static str {
        if self.stream.is_some() { "packet" } else { "message" }
    }

    /// The number of the packet or message, from 1.
    pub(crate) fn number(&self) -> Option<u64> {
        self.at.map(|at| at.packet)
    }
}

/// A printer of records.
pub(crate) trait Report {
    /// The input that the next records are of.
    fn input(&mut self, name: &str) -> io::Result<()>;

    /// A WebSocket connection was found.
    fn opening(&mut self, opening: &Opening) -> io::Result<()>;

    fn record(&mut self, place: &Place, record: &Record<'_>) -> io::Result<()>;

    /// Bytes of a direction are missing in the capture.
    fn gap(&mut self, place: &Place, gap: &Gap) -> io::Result<()>;

    /// A WebSocket connection is over, or the input is.
    fn verdict(&mut self, closing: &Rc<Closing>) -> io::Result<()>;

    /// The input is over; `notices` is what else is to be said of it, or why it cannot be judged.
    fn end_of_input(&mut self, notices: &[String]) -> io::Result<()>;

    /// All inputs were judged.
    fn finish(&mut self, tally: &Tally) -> io::Result<()>;
}

/// Two printers, each of which is told everything.
pub(crate) struct Both<'a>(pub(crate) &'a mut dyn Report, pub(crate) &'a mut dyn Report);

impl Both<'_> {
    fn each(&mut self, mut tell: impl FnMut(&mut dyn Report) -> io::Result<()>) -> io::Result<()> {
        tell(self.0)?;
        tell(self.1)
    }
}

impl Report for Both<'_> {
    fn input(&mut self, name: &str) -> io::Result<()> {
        self.each(|report| report.input(name))
    }

    fn opening(&mut self, opening: &Opening) -> io::Result<()> {
        self.each(|report| report.opening(opening))
    }

    fn record(&mut self, place: &Place, record: &Record<'_>) -> io::Result<()> {
        self.each(|report| report.record(place, record))
    }

    fn gap(&mut self, place: &Place, gap: &Gap) -> io::Result<()> {
        self.each(|report| report.gap(place, gap))
    }

    fn verdict(&mut self, closing: &Rc<Closing>) -> io::Result<()> {
        self.each(|report| report.verdict(closing))
    }

    fn end_of_input(&mut self, notices: &[String]) -> io::Result<()> {
        self.each(|report| report.end_of_input(notices))
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        self.each(|report| report.finish(tally))
    }
}

/// Bytes as hex, two digits each.
fn hex_bytes(bytes: &[u8], separator: &str) -> String {
    let mut hex = String::with_capacity(bytes.len() * (2 + separator.len()));
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 {
            hex.push_str(separator);
        }
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
