//! The state that all connections of a run share: the limits, the options and the report.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use crate::session::cause::Causes;
use crate::session::limits::Limits;
use crate::session::record::Record;
use crate::session::report::{Gap, Place, Report, Tally};
use crate::session::unjudged::{Stray, Strays};
use crate::transport::tls::keylog::KeyLog;

/// How much of a direction is reported, and how much of the payload is kept.
#[derive(Clone, Copy)]
pub struct Thoroughness {
    /// Report everything after the first violation, too.
    pub keep_going: bool,
    /// Keep whole payloads, not only the start for a preview.
    pub payload: bool,
}

/// The state that all connections share.
pub struct Judging<'a> {
    /// The types of data and the sizes that the endpoints accept.
    pub limits: Limits,
    /// How much is reported and kept.
    pub thoroughness: Thoroughness,
    /// The receiver of all results.
    pub report: &'a mut dyn Report,
    /// The counts so far.
    pub tally: Tally,
    /// The connections of this input that are not judged.
    pub strays: Strays,
    /// The secrets of TLS connections.
    pub keys: Rc<RefCell<KeyLog>>,
    /// The most memory for what is not judged yet, in bytes.
    pub memory: u64,
    /// The ports of WebSocket servers whose opening handshakes the input may lack.
    pub ports: Vec<u16>,
}

/// The most memory for what is not judged yet, in bytes, unless the user sets another size.
pub const MEMORY: u64 = 256 << 20;

impl<'a> Judging<'a> {
    /// Creates the state at the start of a run.
    pub fn new(limits: Limits, thoroughness: Thoroughness, report: &'a mut dyn Report) -> Self {
        Self {
            limits,
            thoroughness,
            report,
            tally: Tally::default(),
            strays: Strays::default(),
            keys: Rc::default(),
            memory: MEMORY,
            ports: Vec::new(),
        }
    }

    /// Returns the number of the next WebSocket connection.
    pub fn next_connection(&mut self) -> usize {
        self.tally.connections += 1;
        self.tally.connections - 1
    }

    /// Reports bytes that the capture lacks.
    pub fn gap(&mut self, place: &Place, gap: &Gap) -> io::Result<()> {
        self.tally.gaps += 1;
        self.report.gap(place, gap)
    }

    /// Counts a connection that is not judged, and reports it.
    pub fn stray(&mut self, stray: &Stray) -> io::Result<()> {
        self.tally.stray(stray.why);
        self.strays.add(stray.why, stray.detail.as_deref());
        self.report.stray(stray)
    }

    /// Reports the causes of a violation.
    pub fn causes(&mut self, told: &Causes) -> io::Result<()> {
        self.report.causes(told)
    }

    /// Counts a record, and reports it.
    pub fn record(&mut self, place: &Place, record: &Record<'_>) -> io::Result<()> {
        match record {
            Record::Frame(_) => self.tally.frames += 1,
            Record::Broken(_) => self.tally.violations += 1,
            Record::LateClose(_) | Record::Incomplete(_) => {}
        }
        self.report.record(place, record)
    }
}
