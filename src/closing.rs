//! The state of the closing handshake.

/// The state of the closing handshake, from the view of one endpoint: which endpoints have sent a
/// Close frame (RFC 6455 §7.1.2 to §7.1.4).
///
/// ```text
///              send            receive
///   +------+          +------+          +------+
///   | Open |--------->| Sent |--------->| Done |
///   +------+          +------+          +------+
///       |                                   ^
///       |  receive   +----------+   send    |
///       +----------->| Received |-----------+
///                    +----------+
/// ```
///
/// In `Sent`, this endpoint must not send more data. In `Received`, this endpoint discards what it
/// still reads and must send a Close frame; it may send data before that. In `Done`, the server
/// closes the TCP connection, and the client waits for that.
///
/// ```
/// use wsvet::{Closing, Responder, encode};
///
/// let mut responder = Responder::new();
/// assert_eq!(responder.closing(), Closing::Open);
/// let mut out = [0; encode::MAX_CONTROL_LEN];
/// responder.close(None, None, &mut out)?;
/// assert_eq!(responder.closing(), Closing::Sent);
/// # Ok::<(), encode::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Closing {
    /// Neither endpoint has sent a Close frame.
    #[default]
    Open,
    /// This endpoint has sent a Close frame, and the peer has not.
    Sent,
    /// The peer has sent a Close frame, and this endpoint has not.
    Received,
    /// Both endpoints have sent a Close frame.
    Done,
}

impl Closing {
    /// Returns whether this endpoint has sent a Close frame. It must not send data after that
    /// (§5.5.1).
    ///
    /// ```
    /// assert!(wsvet::Closing::Sent.has_sent());
    /// ```
    #[must_use]
    pub const fn has_sent(self) -> bool {
        matches!(self, Self::Sent | Self::Done)
    }

    /// Returns whether the peer has sent a Close frame. This endpoint discards everything that
    /// arrives after it (§1.4).
    ///
    /// ```
    /// assert!(wsvet::Closing::Received.has_received());
    /// ```
    #[must_use]
    pub const fn has_received(self) -> bool {
        matches!(self, Self::Received | Self::Done)
    }

    /// Returns whether both endpoints have sent a Close frame (§7.1.4).
    ///
    /// ```
    /// assert!(wsvet::Closing::Done.is_done());
    /// ```
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Done)
    }

    /// Returns the state for whether this endpoint has sent and received a Close frame.
    pub(crate) const fn new(sent: bool, received: bool) -> Self {
        match (sent, received) {
            (false, false) => Self::Open,
            (true, false) => Self::Sent,
            (false, true) => Self::Received,
            (true, true) => Self::Done,
        }
    }

    /// Returns the state after this endpoint has sent a Close frame.
    pub(crate) const fn send(self) -> Self {
        Self::new(true, self.has_received())
    }

    /// Returns the state after this endpoint has received a Close frame.
    pub(crate) const fn receive(self) -> Self {
        Self::new(self.has_sent(), true)
    }
}
