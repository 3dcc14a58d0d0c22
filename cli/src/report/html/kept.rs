//! What the page keeps of a connection until it is written.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use wsvet::{Header, Role, Rule, Violation};

use crate::report::strays::Groups;
use crate::report::style::plain;
use crate::report::words::{Evidence, content, evidence, hex_bytes, readable};
use crate::session::cause::Causes;
use crate::session::record::{Broken, Frame};
use crate::session::report::Closing;

/// The most rows of a connection that are kept from its start, and from its end.
const ROWS: usize = 250;

/// The most bytes of a payload that are shown.
const SHOWN: usize = 2048;

/// An input, and the notices about it.
pub(super) struct Input {
    pub(super) name: String,
    /// How it was read, if that was said.
    pub(super) read_as: Option<String>,
    pub(super) notices: Vec<String>,
    /// The connections that are not judged.
    pub(super) strays: Groups,
}

/// The rows that are kept of a connection.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) input: usize,
    /// The time of the upgrade.
    pub(super) start: Option<Duration>,
    pub(super) first: Vec<Row>,
    /// The number of rows that were dropped between the first and the last.
    pub(super) dropped: u64,
    pub(super) last: VecDeque<Row>,
    pub(super) closing: Option<Rc<Closing>>,
    /// Whether the page already has too many diagrams or rows.
    pub(super) without_diagram: bool,
    /// The memory of the rows in bytes, about.
    pub(super) memory: usize,
}

/// A row of the diagram: an action of an endpoint.
pub(super) struct Row {
    pub(super) from: Role,
    pub(super) time: Option<Duration>,
    /// The number of the packet or message.
    pub(super) number: Option<(&'static str, u64)>,
    pub(super) what: What,
}

pub(super) enum What {
    Frame { offset: u64, header: Header, inflated: Option<u64>, payload: String },
    Broken(Box<Finding>),
    Note(String),
}

/// A violation, and the bytes that show it.
pub(super) struct Finding {
    pub(super) violation: Violation,
    pub(super) header: Option<(u64, Header)>,
    pub(super) shown: Option<Shown>,
    /// As in [`Broken::inflated`].
    pub(super) inflated: Option<u64>,
    /// What it looks like.
    pub(super) causes: Vec<String>,
}

/// The bytes around a violation, in hex.
pub(super) struct Shown {
    pub(super) before: String,
    pub(super) bad: String,
    pub(super) after: String,
    pub(super) note: String,
}

impl Kept {
    pub(super) fn push(&mut self, row: Row) {
        if self.without_diagram {
            return;
        }
        self.memory += row.memory();
        if self.first.len() < ROWS {
            self.first.push(row);
            return;
        }
        if self.last.len() == ROWS {
            self.memory -= self.last.pop_front().map_or(0, |row| row.memory());
            self.dropped += 1;
        }
        self.last.push_back(row);
    }

    /// Drops all rows. The connection is then shown without a diagram.
    pub(super) fn drop_rows(&mut self) {
        self.without_diagram = true;
        self.memory = 0;
        self.first = Vec::new();
        self.last = VecDeque::new();
    }
}

impl Row {
    /// Returns the memory of the row in bytes. A collection has up to twice the room that it needs.
    fn memory(&self) -> usize {
        let text = match &self.what {
            What::Frame { payload, .. } => payload.len(),
            What::Note(text) => text.len(),
            What::Broken(_) => size_of::<Finding>() + 512,
        };
        2 * size_of::<Self>() + text
    }
}

impl Kept {
    /// Adds what a violation looks like, if its row is kept.
    pub(super) fn explain(&mut self, told: &Causes) {
        let from = told.place.from;
        for row in self.first.iter_mut().chain(&mut self.last).rev() {
            if let What::Broken(finding) = &mut row.what
                && (row.from, finding.violation) == (from, told.violation)
            {
                finding.causes.extend(told.causes.iter().map(|cause| cause.text.clone()));
                return;
            }
        }
    }
}

impl Finding {
    pub(super) fn new(broken: &Broken<'_>) -> Self {
        let mut wire = [0; Header::MAX_LEN];
        let shown = evidence(broken, &mut wire).map(|Evidence { bytes, at, note }| Shown {
            before: hex_bytes(&bytes[..at.start], " "),
            bad: hex_bytes(&bytes[at.clone()], " "),
            after: hex_bytes(&bytes[at.end..], " "),
            note,
        });
        let Broken { violation, header, inflated, .. } = *broken;
        Self { violation, header, shown, inflated, causes: Vec::new() }
    }

    pub(super) fn rule(&self) -> Rule {
        self.violation.rule
    }
}

/// Returns the start of a payload: valid text as it is, other bytes in hex.
pub(super) fn payload(frame: &Frame<'_>) -> String {
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
