//! What a session tells a report: connections, records, gaps, verdicts.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use wsvet::{Role, Sent, Step, Verdict};

use crate::session::handshake::Agreement;
use crate::session::inflate::Inflated;
use crate::session::pings::Pings;
use crate::session::record::Record;
use crate::transport::packet::Moment;

/// What is known of a WebSocket connection from its start.
pub struct Opening {
    /// The number of the WebSocket connection.
    pub connection: usize,
    /// The number of the TCP stream.
    pub stream: Option<usize>,
    /// The address of the client, if it is known.
    pub client: Option<String>,
    /// The address of the server, if it is known.
    pub server: Option<String>,
    /// What the handshake agreed on.
    pub agreement: Agreement,
    /// When it was upgraded, on the clock of the input.
    pub time: Duration,
}

/// What a connection was, and how it was closed, as far as it was captured.
pub struct Closing {
    /// What was known from its start.
    pub opening: Opening,
    /// How it was closed.
    pub verdict: Verdict,
    /// What happened, step by step.
    pub timeline: Vec<Step>,
    /// The reason of the client's Close, and of the server's; mostly empty.
    pub reasons: [String; 2],
    /// What the client has sent, and the server.
    pub sides: [Side; 2],
    /// Its Pings, and how fast they were answered.
    pub pings: Pings,
    /// When the first of the ends went.
    pub ended: Option<Duration>,
    /// The capture lacks something that the verdict would need.
    pub gap: bool,
}

/// What one end has sent.
pub struct Side {
    /// The end that has sent it.
    pub from: Role,
    /// How many frames.
    pub frames: u64,
    /// How many bytes, headers included.
    pub bytes: u64,
    /// Its compressed messages.
    pub inflated: Inflated,
    /// The last frame.
    pub last: Option<Sent>,
    /// How long before the end of the connection the last frame came.
    pub before: Option<Duration>,
}

impl Closing {
    /// Whether it was closed as it must be, or is not closed yet.
    pub fn is_in_order(&self) -> bool {
        matches!(self.verdict, Verdict::Clean { .. } | Verdict::Refused { .. } | Verdict::Open)
    }
}

/// How much was judged.
#[derive(Clone, Copy, Default)]
pub struct Tally {
    /// WebSocket connections.
    pub connections: usize,
    /// Frames that are complete and break nothing.
    pub frames: u64,
    /// Violations.
    pub violations: u64,
    /// Connections that were not closed as they must be.
    pub faults: u64,
    /// Directions that were judged only up to a gap in the capture.
    pub gaps: u64,
    /// Inputs that could not be judged.
    pub unusable: usize,
}

/// Where a record belongs.
#[derive(Clone, Copy)]
pub struct Place {
    /// The number of the WebSocket connection, from 0 over all inputs.
    pub connection: usize,
    /// Who sends this direction.
    pub from: Role,
    /// The number of the TCP stream in the capture, from 0.
    pub stream: Option<usize>,
    /// The packet that completed it, and when that came.
    pub at: Option<Moment>,
}

/// Bytes that a capture lacks.
#[derive(Clone, Copy)]
pub struct Gap {
    /// Where they are missing.
    pub offset: u64,
    /// How many.
    pub missing: u64,
    /// They are all of one payload, and what comes behind them is judged; else it is not.
    pub passed_over: bool,
}

impl Place {
    /// What is counted: packets, or messages where the input has no packets.
    pub fn unit(&self) -> &'static str {
        if self.stream.is_some() { "packet" } else { "message" }
    }

    /// The number of the packet or message, from 1.
    pub fn number(&self) -> Option<u64> {
        self.at.map(|at| at.packet)
    }
}

/// Where everything that is found is told, in the order in which it is found.
pub trait Report {
    /// The input that the next records are of.
    fn input(&mut self, name: &str) -> io::Result<()>;

    /// A WebSocket connection was found.
    fn opening(&mut self, opening: &Opening) -> io::Result<()>;

    /// Something was found in one direction of a connection.
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
