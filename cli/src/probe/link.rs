//! A connection to a server, as the prober needs it.

use std::io;
use std::time::Duration;

use wsvet::End;

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
}
