//! Prints the results, for people or for programs.

mod codes;
mod handshake;
pub(crate) mod html;
mod idle;
mod json;
mod spool;
mod strays;
mod stream;
pub(crate) mod style;
mod text;
mod time;
mod words;

use std::io;
use std::rc::Rc;

use crate::session::agreement::HandshakeFinding;
use crate::session::cause::Causes;
use crate::session::record::Record;
use crate::session::report::{Closing, Gap, Opening, Place, ReadAs, Report, Tally};
use crate::session::unjudged::Stray;

pub use html::Html;
pub use json::Json;
pub use text::{Shown, Text};

/// Two reports that both receive all results.
pub struct Both<'a>(pub &'a mut dyn Report, pub &'a mut dyn Report);

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

    fn read_as(&mut self, how: &ReadAs) -> io::Result<()> {
        self.each(|report| report.read_as(how))
    }

    fn opening(&mut self, opening: &Opening) -> io::Result<()> {
        self.each(|report| report.opening(opening))
    }

    fn handshake(&mut self, opening: &Opening, found: &HandshakeFinding) -> io::Result<()> {
        self.each(|report| report.handshake(opening, found))
    }

    fn record(&mut self, place: &Place, record: &Record<'_>) -> io::Result<()> {
        self.each(|report| report.record(place, record))
    }

    fn causes(&mut self, told: &Causes) -> io::Result<()> {
        self.each(|report| report.causes(told))
    }

    fn gap(&mut self, place: &Place, gap: &Gap) -> io::Result<()> {
        self.each(|report| report.gap(place, gap))
    }

    fn verdict(&mut self, closing: &Rc<Closing>) -> io::Result<()> {
        self.each(|report| report.verdict(closing))
    }

    fn stray(&mut self, stray: &Stray) -> io::Result<()> {
        self.each(|report| report.stray(stray))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.each(|report| report.flush())
    }

    fn end_of_input(&mut self, notices: &[String]) -> io::Result<()> {
        self.each(|report| report.end_of_input(notices))
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        self.each(|report| report.finish(tally))
    }
}
