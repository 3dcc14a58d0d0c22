//! A connection to a server, as the prober needs it.

use std::io;
use std::time::Duration;

use wsvet::End;

use crate::probe::connect::Connect;
use crate::transport::http2::Fields;

/// What came of waiting for the server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Received {
    /// At least one byte was appended to the buffer.
    Bytes,
    /// Nothing came within the time.
    Late,
    /// Nothing more will come.
    End(End),
}

/// A connection to a server.
///
/// The prober has no clock of its own: a link in memory answers [`Received::Late`] at once if its server
/// says nothing more.
pub trait Link {
    /// Sends a segment.
    ///
    /// # Errors
    ///
    /// Any error of the connection. A connection that the server has ended tells it in `receive`.
    fn send(&mut self, segment: &[u8]) -> io::Result<()>;

    /// Waits for a moment, so that what follows is sent in a separate segment.
    fn pause(&mut self) {}

    /// Ends the sending side.
    ///
    /// # Errors
    ///
    /// Any error of the connection.
    fn end_sending(&mut self) -> io::Result<()>;

    /// Waits for bytes of the server, and appends them to the buffer.
    fn receive(&mut self, buffer: &mut Vec<u8>, wait: Duration) -> Received;

    /// Returns the time since the link was made.
    fn elapsed(&self) -> Duration;

    /// Returns the stream of HTTP/2 that the link is, if it is one. Its request is not sent as bytes.
    fn tunnel(&mut self) -> Option<&mut dyn Tunnel> {
        None
    }
}

/// A stream of HTTP/2, which takes the place of a TCP connection (RFC 8441 §5).
pub trait Tunnel {
    /// Sends the request, and waits for the response: its status, which is not 1xx, and its fields.
    ///
    /// # Errors
    ///
    /// What came instead of a response.
    fn connect(&mut self, request: &Connect, limit: Duration) -> Result<(u16, Fields), Received>;

    /// Returns how the server ended the stream, if there is more to say than that it did.
    fn ending(&self) -> Option<&str>;
}
