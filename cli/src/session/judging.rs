//! What all connections of a run share: the limits, how thoroughly is judged, and the report.

use std::io;

use crate::session::limits::Limits;
use crate::session::record::Record;
use crate::session::report::{Gap, Place, Report, Tally};

/// How far a direction is judged, and what is kept for the printer.
#[derive(Clone, Copy)]
pub struct Thoroughness {
    /// Judge on after a violation.
    pub keep_going: bool,
    /// Keep whole payloads, not only as much as a preview needs.
    pub payload: bool,
}

/// What all connections share.
pub struct Judging<'a> {
    /// What the endpoints accept.
    pub limits: Limits,
    /// How far a direction is judged, and what is kept.
    pub thoroughness: Thoroughness,
    /// Where everything that is found is told.
    pub report: &'a mut dyn Report,
    /// How much was judged so far.
    pub tally: Tally,
}

impl<'a> Judging<'a> {
    /// Creates the start of a run: nothing is judged yet.
    pub fn new(limits: Limits, thoroughness: Thoroughness, report: &'a mut dyn Report) -> Self {
        Self { limits, thoroughness, report, tally: Tally::default() }
    }

    /// The number of the next WebSocket connection.
    pub fn next_connection(&mut self) -> usize {
        self.tally.connections += 1;
        self.tally.connections - 1
    }

    /// Tells the report what the capture lacks.
    pub fn gap(&mut self, place: &Place, gap: &Gap) -> io::Result<()> {
        self.tally.gaps += 1;
        self.report.gap(place, gap)
    }

    /// Passes a record on to the report.
    pub fn record(&mut self, place: &Place, record: &Record<'_>) -> io::Result<()> {
        match record {
            Record::Frame(_) => self.tally.frames += 1,
            Record::Broken(_) => self.tally.violations += 1,
            Record::LateClose(_) | Record::Incomplete(_) => {}
        }
        self.report.record(place, record)
    }
}
