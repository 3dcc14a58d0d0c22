//! Writes an HTML page with a sequence diagram of each connection.
//!
//! The results are kept until the end, up to a limit for each page. The page has no script, loads
//! nothing, and forbids both. The data of peers is only text in it.

mod bits;
mod diagram;
mod kept;
mod page;
mod sections;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::rc::Rc;

use crate::report::html::kept::{Finding, Input, Kept, Row, What, payload};
use crate::report::words::{inflated, inside, lacks, read_as};
use crate::session::agreement::HandshakeFinding;
use crate::session::record::{Frame, Record};
use crate::session::report::{Closing, Gap, Opening, Place, ReadAs, Report, Tally};

/// The most diagrams of connections that were closed correctly.
const DIAGRAMS: usize = 40;

/// The most diagrams of connections that were not closed correctly.
const FAULTY_DIAGRAMS: usize = 100;

/// Writes an HTML page.
pub struct Html<W> {
    out: W,
    inputs: Vec<Input>,
    connections: BTreeMap<usize, Kept>,
    diagrams: usize,
    faulty_diagrams: usize,
}

impl<W: Write> Html<W> {
    /// Creates a report that writes to `out`.
    pub fn new(out: W) -> Self {
        Self {
            out,
            inputs: Vec::new(),
            connections: BTreeMap::new(),
            diagrams: 0,
            faulty_diagrams: 0,
        }
    }

    fn kept(&mut self, connection: usize) -> &mut Kept {
        let input = self.inputs.len().saturating_sub(1);
        self.connections.entry(connection).or_insert_with(|| Kept { input, ..Kept::default() })
    }

    fn push(&mut self, place: &Place, what: What) {
        let time = place.at.map(|at| at.time);
        let number = place.number().map(|number| (place.unit(), number));
        self.kept(place.connection).push(Row { from: place.from, time, number, what });
    }
}

impl<W: Write> Report for Html<W> {
    fn input(&mut self, name: &str) -> io::Result<()> {
        self.inputs.push(Input { name: name.to_owned(), read_as: None, notices: Vec::new() });
        Ok(())
    }

    fn read_as(&mut self, how: &ReadAs) -> io::Result<()> {
        if let Some(input) = self.inputs.last_mut() {
            input.read_as = Some(read_as(how));
        }
        Ok(())
    }

    fn opening(&mut self, opening: &Opening) -> io::Result<()> {
        self.kept(opening.connection).start = Some(opening.time);
        Ok(())
    }

    fn handshake(&mut self, _: &Opening, _: &HandshakeFinding) -> io::Result<()> {
        Ok(()) // the page takes it from the opening at the end
    }

    fn record(&mut self, place: &Place, record: &Record<'_>) -> io::Result<()> {
        let what = match record {
            Record::Frame(frame) | Record::LateClose(frame) => {
                let Frame { offset, header, .. } = *frame;
                What::Frame { offset, header, inflated: inflated(frame), payload: payload(frame) }
            }
            Record::Broken(broken) => What::Broken(Box::new(Finding::new(broken))),
            Record::Incomplete(incomplete) => {
                let (from, offset) = (place.from, incomplete.offset);
                let inside = inside(incomplete);
                What::Note(format!("the bytes from the {from} end at byte {offset}, {inside}"))
            }
        };
        self.push(place, what);
        Ok(())
    }

    fn gap(&mut self, place: &Place, gap: &Gap) -> io::Result<()> {
        self.push(place, What::Note(lacks(place, gap)));
        Ok(())
    }

    fn verdict(&mut self, closing: &Rc<Closing>) -> io::Result<()> {
        let (count, most) = if closing.is_in_order() {
            (&mut self.diagrams, DIAGRAMS)
        } else {
            (&mut self.faulty_diagrams, FAULTY_DIAGRAMS)
        };
        *count += 1;
        let too_many = *count > most;
        let kept = self.kept(closing.opening.connection);
        kept.closing = Some(Rc::clone(closing));
        if too_many {
            kept.without_diagram = true;
            kept.first = Vec::new();
            kept.last = Default::default();
        }
        Ok(())
    }

    fn end_of_input(&mut self, notices: &[String]) -> io::Result<()> {
        if let Some(input) = self.inputs.last_mut() {
            input.notices = notices.to_vec();
        }
        Ok(())
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        let page = page::page(&self.inputs, &self.connections, tally);
        self.out.write_all(page.into_string().as_bytes())?;
        self.out.flush()
    }
}
