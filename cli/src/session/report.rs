//! The results of a session: connections, records, gaps and verdicts.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use wsvet::{CloseCode, Finding, Lapse, Role, Sent, Step, Verdict, WaitingPings};

use crate::session::agreement::{Agreement, HandshakeFinding};
use crate::session::cause::Causes;
use crate::session::inflate::Inflated;
use crate::session::pings::Pings;
use crate::session::record::Record;
use crate::session::unjudged::Stray;
use crate::transport::http2::ErrorCode;
use crate::transport::packet::Moment;

/// The facts about a WebSocket connection at its start.
pub struct Opening {
    /// The number of the WebSocket connection.
    pub connection: usize,
    /// The number of the TCP stream, if the input is a capture.
    pub stream: Option<usize>,
    /// The stream of HTTP/2, if it is not a TCP connection of its own.
    pub http2: Option<Box<OverHttp2>>,
    /// The address of the client, if it is known.
    pub client: Option<String>,
    /// The address of the server, if it is known.
    pub server: Option<String>,
    /// The result of the opening handshake.
    pub agreement: Agreement,
    /// The time of the upgrade, on the clock of the input.
    pub time: Duration,
}

/// What is known of the stream of HTTP/2 that carries a connection (RFC 8441).
#[derive(Clone, Default)]
pub struct OverHttp2 {
    /// The number of the stream.
    pub stream: u32,
    /// Whether the client and the server sent END_STREAM.
    pub ends: [bool; 2],
    /// The error codes with which the client and the server reset the stream.
    pub resets: [Option<ErrorCode>; 2],
    /// The last GOAWAY of the client and of the server while the stream was open.
    pub goaways: [Option<GoAway>; 2],
}

/// A GOAWAY: an endpoint ends the connection that carries a stream (RFC 9113 §6.8).
#[derive(Clone)]
pub struct GoAway {
    /// Why it does.
    pub code: ErrorCode,
    /// What it says about it, which is mostly empty.
    pub debug: String,
    /// Whether it processed the stream.
    pub processed: bool,
}

/// The facts about a WebSocket connection at its end, as far as the input has them.
pub struct Closing {
    /// The facts at its start.
    pub opening: Opening,
    /// How it was closed.
    pub verdict: Verdict,
    /// The steps of the closing, in order.
    pub timeline: Vec<Step>,
    /// The reasons in the Close frames of the client and of the server. Most are empty.
    pub reasons: [String; 2],
    /// The totals of the client and of the server.
    pub sides: [Side; 2],
    /// The Pings that were answered, and the times to their answers.
    pub pings: Pings,
    /// The Pings of the client and of the server that were not answered.
    pub waiting: [Option<WaitingPings>; 2],
    /// The times of the last packets of the client and of the server, if the input has packets.
    pub heard: [Option<Duration>; 2],
    /// The duties that the endpoints neglected.
    pub findings: Vec<Finding>,
    /// The time at which the first stream ended.
    pub ended: Option<Duration>,
    /// The silence before the end, if it was long for this connection.
    pub silence: Option<Duration>,
    /// The time up to which the connection was observed.
    pub until: Duration,
    /// What the input itself says of the connection.
    pub reported: Vec<Reported>,
    /// Whether the input lacks data that the verdict needs.
    pub gap: bool,
    /// Whether an endpoint may have refused a reference to data outside of the negotiated window, which
    /// is not judged.
    pub beyond_window: bool,
}

/// What an input itself says of a connection, beside its frames: the words of a browser or a proxy.
#[derive(Clone)]
pub struct Reported {
    /// The words, or the reason in a Close frame.
    pub text: String,
    /// The close code, if the words are about a Close frame.
    pub code: Option<CloseCode>,
    /// Whether they say that the connection failed.
    pub failed: bool,
}

/// The totals of one endpoint.
pub struct Side {
    /// The endpoint.
    pub from: Role,
    /// The number of frames that it sent.
    pub frames: u64,
    /// The number of bytes that it sent, including headers.
    pub bytes: u64,
    /// The compressed messages that it sent.
    pub inflated: Inflated,
    /// The last frame that it sent.
    pub last: Option<Sent>,
    /// The time from the last frame to the end of the connection.
    pub before: Option<Duration>,
}

impl Closing {
    /// Returns whether the connection was closed correctly, or is still open, and neither endpoint
    /// neglected a duty.
    pub fn is_in_order(&self) -> bool {
        self.is_closed_correctly() && self.findings.is_empty()
    }

    /// Returns whether the verdict blames neither endpoint for the way in which the connection was
    /// closed.
    pub fn is_closed_correctly(&self) -> bool {
        use Verdict::{Clean, Open, OwnLimit, Refused};
        !self.has_failed()
            && matches!(self.verdict, Clean { .. } | Refused { .. } | OwnLimit { .. } | Open)
    }

    /// Returns whether the input itself says that the connection failed.
    pub fn has_failed(&self) -> bool {
        self.reported.iter().any(|reported| reported.failed)
    }

    /// Returns the finding about the Pings that an endpoint did not answer.
    pub fn unanswered(&self, by: Role) -> Option<&Finding> {
        self.findings
            .iter()
            .find(|finding| finding.lapse == Lapse::UnansweredPing && finding.by == by)
    }
}

/// The counts of a run.
#[derive(Clone, Copy, Default)]
pub struct Tally {
    /// WebSocket connections.
    pub connections: usize,
    /// Complete frames that break no rule.
    pub frames: u64,
    /// Violations.
    pub violations: u64,
    /// Connections that were not closed correctly.
    pub faults: u64,
    /// Duties that were neglected.
    pub findings: u64,
    /// Gaps in the captures.
    pub gaps: u64,
    /// Connections of which the input lacks data.
    pub lacking: u64,
    /// Connections whose opening handshake was not completed.
    pub unopened: u64,
    /// Connections that are, or may be, WebSocket connections and could not be judged.
    pub unjudged: u64,
    /// Connections that were judged in part, because the capture lacks bytes of them.
    pub partly: u64,
    /// Connections whose opening handshakes, or parts of them, were not captured.
    pub uncertain: u64,
    /// Inputs that could not be judged.
    pub unusable: usize,
}

/// The place of a record.
#[derive(Clone, Copy)]
pub struct Place {
    /// The number of the WebSocket connection, counted from 0 over all inputs.
    pub connection: usize,
    /// The endpoint that sends this direction.
    pub from: Role,
    /// The number of the TCP stream in the capture, from 0.
    pub stream: Option<usize>,
    /// The packet that completed it, and the time of the packet.
    pub at: Option<Moment>,
}

/// Bytes that a capture lacks.
#[derive(Clone, Copy)]
pub struct Gap {
    /// The byte of the direction at which they are missing.
    pub offset: u64,
    /// The number of missing bytes.
    pub missing: u64,
    /// Where judging goes on.
    pub next: Next,
}

/// Where judging goes on after a gap.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// In the same payload.
    Inside,
    /// At this byte of the direction, at which a frame most likely starts.
    Frame(u64),
    /// Nowhere.
    Nowhere,
}

impl Place {
    /// Returns the unit that is counted: packets, or messages if the input has no packets.
    pub fn unit(&self) -> &'static str {
        if self.stream.is_some() { "packet" } else { "message" }
    }

    /// Returns the number of the packet or message, from 1.
    pub fn number(&self) -> Option<u64> {
        self.at.map(|at| at.packet)
    }
}

/// How an input was read, if its bytes do not say what they are.
pub struct ReadAs {
    /// The notation or the format, for example `hexdump -C`.
    pub what: String,
    /// The number of bytes that were read from it, if it is known at the start.
    pub bytes: Option<u64>,
    /// What else was concluded or left out, one phrase each.
    pub notes: Vec<String>,
}

/// Receives all results, in the order in which they are found.
pub trait Report {
    /// Starts an input. The next results belong to it.
    fn input(&mut self, name: &str) -> io::Result<()>;

    /// Receives how the input was read, before its connections.
    fn read_as(&mut self, how: &ReadAs) -> io::Result<()>;

    /// Receives a WebSocket connection at its start.
    fn opening(&mut self, opening: &Opening) -> io::Result<()>;

    /// Receives what is found in the opening handshake of a connection, after its start.
    fn handshake(&mut self, opening: &Opening, found: &HandshakeFinding) -> io::Result<()>;

    /// Receives a record of one direction of a connection.
    fn record(&mut self, place: &Place, record: &Record<'_>) -> io::Result<()>;

    /// Receives the likely causes of a violation, the most likely first. The violation was received
    /// before, but not always right before.
    fn causes(&mut self, told: &Causes) -> io::Result<()>;

    /// Receives a gap in one direction of a connection.
    fn gap(&mut self, place: &Place, gap: &Gap) -> io::Result<()>;

    /// Receives a WebSocket connection at its end, or at the end of the input.
    fn verdict(&mut self, closing: &Rc<Closing>) -> io::Result<()>;

    /// Receives a connection that is not judged, or not to its end.
    fn stray(&mut self, _stray: &Stray) -> io::Result<()> {
        Ok(())
    }

    /// Writes what is buffered, because nothing may come for a while.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Ends the input. `notices` has the notices about it, or the reason why it cannot be judged.
    fn end_of_input(&mut self, notices: &[String]) -> io::Result<()>;

    /// Ends the report after all inputs.
    fn finish(&mut self, tally: &Tally) -> io::Result<()>;
}
