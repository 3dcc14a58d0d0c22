//! Writes an HTML page with a sequence diagram of each connection.
//!
//! The results are kept until the end, up to a limit for each page. The page has no script, loads
//! nothing, and forbids both. The data of peers is only text in it.

mod bits;
mod diagram;
mod page;
mod sections;

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use wsvet::{Header, Role, Rule, Violation};

use crate::report::style::plain;
use crate::report::words::hex_bytes;
use crate::report::words::{Evidence, content, evidence, inflated, inside, lacks, readable};
use crate::session::record::{Broken, Frame, Record};
use crate::session::report::{Closing, Opening, Tally};
use crate::session::report::{Gap, Place, Report};

/// The most rows of a connection that are kept from its start, and from its end.
const ROWS: usize = 250;

/// The most diagrams of connections that were closed correctly.
const DIAGRAMS: usize = 40;

/// The most diagrams of connections that were not closed correctly.
const FAULTY_DIAGRAMS: usize = 100;

/// The most bytes of a payload that are shown.
const SHOWN: usize = 2048;

/// Writes an HTML page.
pub struct Html<W> {
    out: W,
    inputs: Vec<Input>,
    connections: BTreeMap<usize, Kept>,
    diagrams: usize,
    faulty_diagrams: usize,
}

/// An input, and the notices about it.
struct Input {
    name: String,
    notices: Vec<String>,
}

/// The rows that are kept of a connection.
#[derive(Default)]
struct Kept {
    input: usize,
    /// The time of the upgrade.
    start: Option<Duration>,
    first: Vec<Row>,
    /// The number of rows that were dropped between the first and the last.
    dropped: u64,
    last: VecDeque<Row>,
    closing: Option<Rc<Closing>>,
    /// Whether the page already has too many diagrams.
    without_diagram: bool,
}

/// A row of the diagram: an action of an endpoint.
struct Row {
    from: Role,
    time: Option<Duration>,
    /// The number of the packet or message.
    number: Option<(&'static str, u64)>,
    what: What,
}

enum What {
    Frame { offset: u64, header: Header, inflated: Option<u64>, payload: String },
    Broken(Box<Finding>),
    Note(String),
}

/// A violation, and the bytes that show it.
struct Finding {
    violation: Violation,
    header: Option<(u64, Header)>,
    shown: Option<Shown>,
    /// As in [`Broken::inflated`].
    inflated: Option<u64>,
}

/// The bytes around a violation, in hex.
struct Shown {
    before: String,
    bad: String,
    after: String,
    note: String,
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

impl Kept {
    fn push(&mut self, row: Row) {
        if self.first.len() < ROWS {
            self.first.push(row);
            return;
        }
        if self.last.len() == ROWS {
            self.last.pop_front();
            self.dropped += 1;
        }
        self.last.push_back(row);
    }
}

impl<W: Write> Report for Html<W> {
    fn input(&mut self, name: &str) -> io::Result<()> {
        self.inputs.push(Input { name: name.to_owned(), notices: Vec::new() });
        Ok(())
    }

    fn opening(&mut self, opening: &Opening) -> io::Result<()> {
        self.kept(opening.connection).start = Some(opening.time);
        Ok(())
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
            kept.last = VecDeque::new();
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

impl Finding {
    fn new(broken: &Broken<'_>) -> Self {
        let mut wire = [0; Header::MAX_LEN];
        let shown = evidence(broken, &mut wire).map(|Evidence { bytes, at, note }| Shown {
            before: hex_bytes(&bytes[..at.start], " "),
            bad: hex_bytes(&bytes[at.clone()], " "),
            after: hex_bytes(&bytes[at.end..], " "),
            note,
        });
        let Broken { violation, header, inflated, .. } = *broken;
        Self { violation, header, shown, inflated }
    }

    fn rule(&self) -> Rule {
        self.violation.rule
    }
}

/// Returns the start of a payload: valid text as it is, other bytes in hex.
fn payload(frame: &Frame<'_>) -> String {
    let (start, len) = content(frame);
    let shown = &start[..start.len().min(SHOWN)];
    let more = if (shown.len() as u64) < len { "…" } else { "" };
    if let Some(close) = &frame.close {
        return format!("{} {}", close.code, plain(close.reason)).trim_end().to_owned();
    }
    match readable(frame, shown) {
        Some(text) => plain(text) + more,
        None => hex_bytes(shown, " ") + more,
    }
}
