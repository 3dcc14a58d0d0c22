//! Writes an HTML page with a sequence diagram of each connection.
//!
//! The rows of an open connection are kept until its end, up to a limit for each page. What is
//! rendered then waits in a spool until the page is written. The page has no script, loads nothing,
//! and forbids both. The data of peers is only text in it.

mod bits;
mod diagram;
mod head;
mod kept;
mod page;
mod sections;

pub(crate) use head::head;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::rc::Rc;

use crate::report::html::kept::{Finding, Input, Kept, Row, What, payload};
use crate::report::html::sections::Section;
use crate::report::spool::Spool;
use crate::report::strays::Groups;
use crate::report::words::{inflated, inside, lacks, read_as};
use crate::session::agreement::HandshakeFinding;
use crate::session::cause::Causes;
use crate::session::record::{Frame, Record};
use crate::session::report::{Closing, Gap, Opening, Place, ReadAs, Report, Tally};
use crate::session::unjudged::Stray;

/// The most diagrams of connections that were closed correctly.
const DIAGRAMS: usize = 40;

/// The most diagrams of connections that were not closed correctly.
const FAULTY_DIAGRAMS: usize = 100;

/// The most memory of the rows of all open connections, in bytes.
const ROWS: usize = 64 << 20;
/// The most connections that are not judged and are named for each reason.
const STRAYS: usize = 20;

/// Writes an HTML page.
pub struct Html {
    inputs: Vec<Input>,
    /// The connections that have not ended.
    open: BTreeMap<usize, Kept>,
    /// The memory of their rows in bytes.
    rows: usize,
    diagrams: usize,
    faulty_diagrams: usize,
    ended: Vec<Ended>,
    /// The row in the table, and the section, of each connection that has ended.
    spool: Spool,
    /// The sections of the RFCs to which the page links.
    linked: BTreeSet<Section>,
}

/// A connection that has ended.
struct Ended {
    connection: usize,
    input: usize,
    /// The place of its row in the spool, and the lengths of the row and of the section after it.
    start: u64,
    lens: [u64; 2],
}

impl Default for Html {
    fn default() -> Self {
        Self::new()
    }
}

impl Html {
    /// Creates a page without connections.
    pub fn new() -> Self {
        Self {
            inputs: Vec::new(),
            open: BTreeMap::new(),
            rows: 0,
            diagrams: 0,
            faulty_diagrams: 0,
            ended: Vec::new(),
            spool: Spool::new(),
            linked: BTreeSet::new(),
        }
    }

    /// Writes the page.
    pub fn write(self, tally: &Tally, out: &mut impl Write) -> io::Result<()> {
        let Self { inputs, mut ended, spool, linked, .. } = self;
        ended.sort_by_key(|ended| ended.connection);
        let mut spooled = spool.read()?;
        let page = page::page(&inputs, &linked, tally).into_string();
        let (before, after) = page::around(&page);
        out.write_all(before.as_bytes())?;
        if ended.len() > 1 {
            let table = page::table().into_string();
            let (before, after) = page::around(&table);
            out.write_all(before.as_bytes())?;
            for Ended { start, lens, .. } in &ended {
                spooled.copy(*start..start + lens[0], out)?;
            }
            out.write_all(after.as_bytes())?;
        }
        for Ended { connection, input, start, lens } in &ended {
            let of = inputs.get(*input).filter(|_| inputs.len() > 1);
            let section = page::section(*connection, of).into_string();
            let (before, after) = page::around(&section);
            out.write_all(before.as_bytes())?;
            spooled.copy(start + lens[0]..start + lens[0] + lens[1], out)?;
            out.write_all(after.as_bytes())?;
        }
        out.write_all(after.as_bytes())?;
        out.flush()
    }

    fn kept(&mut self, connection: usize) -> &mut Kept {
        let input = self.inputs.len().saturating_sub(1);
        self.open.entry(connection).or_insert_with(|| Kept { input, ..Kept::default() })
    }

    fn push(&mut self, place: &Place, what: What) {
        let time = place.at.map(|at| at.time);
        let number = place.number().map(|number| (place.unit(), number));
        if let What::Broken(finding) = &what {
            self.linked.insert(sections::of(finding.rule()));
        }
        let full = self.rows > ROWS;
        let kept = self.kept(place.connection);
        let before = kept.memory;
        if full {
            kept.drop_rows();
        }
        kept.push(Row { from: place.from, time, number, what });
        let after = kept.memory;
        self.rows = self.rows - before + after;
    }
}

impl Report for Html {
    fn input(&mut self, name: &str) -> io::Result<()> {
        self.inputs.push(Input {
            name: name.to_owned(),
            notices: Vec::new(),
            read_as: None,
            strays: Groups::default(),
        });
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

    fn causes(&mut self, told: &Causes) -> io::Result<()> {
        self.kept(told.place.connection).explain(told);
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
        let connection = closing.opening.connection;
        let mut kept = std::mem::take(self.kept(connection));
        self.open.remove(&connection);
        self.rows -= kept.memory;
        kept.closing = Some(Rc::clone(closing));
        if too_many {
            kept.drop_rows();
        }
        self.linked.extend(closing.findings.iter().map(|found| sections::of_lapse(found.lapse)));
        let row = page::row(connection, closing).into_string();
        let section = page::content(closing, &kept).into_string();
        let start = self.spool.len();
        self.spool.write_all(row.as_bytes())?;
        self.spool.write_all(section.as_bytes())?;
        let lens = [&row, &section].map(|text| text.len() as u64);
        self.ended.push(Ended { connection, input: kept.input, start, lens });
        Ok(())
    }

    fn stray(&mut self, stray: &Stray) -> io::Result<()> {
        if let Some(input) = self.inputs.last_mut() {
            input.strays.add(stray, STRAYS);
        }
        Ok(())
    }

    fn end_of_input(&mut self, notices: &[String]) -> io::Result<()> {
        if let Some(input) = self.inputs.last_mut() {
            input.notices = notices.to_vec();
        }
        Ok(())
    }

    fn finish(&mut self, _: &Tally) -> io::Result<()> {
        Ok(()) // the page is written only if the run did not fail
    }
}
