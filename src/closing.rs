//! The state of the closing handshake.

/// The closing handshake of a connection, as one end sees it: which ends have sent a Close
/// (RFC 6455 §7.1.2 to §7.1.4).
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
/// After `Sent` this end sends no more data. After `Received` it reads no further and owes a Close.
/// After `Done` the server closes the TCP connection, and the client waits for that.
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
    /// Neither end has sent a Close.
    #[default]
    Open,
    /// This end has sent a Close, the other has not.
    Sent,
    /// The other end has sent a Close, this one has not.
    Received,
    /// Both ends have sent a Close.
    Done,
}

impl Closing {
    /// Returns whether this end has sent a Close: it may send no data any more (§5.5.1).
    ///
    /// ```
    /// assert!(wsvet::Closing::Sent.has_sent());
    /// ```
    #[must_use]
    pub const fn has_sent(self) -> bool {
        matches!(self, Self::Sent | Self::Done)
    }

    /// Returns whether the other end has sent a Close: what comes after it is discarded (§1.4).
    ///
    /// ```
    /// assert!(wsvet::Closing::Received.has_received());
    /// ```
    #[must_use]
    pub const fn has_received(self) -> bool {
        matches!(self, Self::Received | Self::Done)
    }

    /// Returns whether both ends have sent a Close (§7.1.4).
    ///
    /// ```
    /// assert!(wsvet::Closing::Done.is_done());
    /// ```
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(self, Self::Done)
    }

    /// Returns the state of an end that has or has not sent and received a Close.
    pub(crate) const fn new(sent: bool, received: bool) -> Self {
        match (sent, received) {
            (false, false) => Self::Open,
            (true, false) => Self::Sent,
            (false, true) => Self::Received,
            (true, true) => Self::Done,
        }
    }

    /// Returns the state after this end has sent a Close.
    pub(crate) const fn send(self) -> Self {
        Self::new(true, self.has_received())
    }

    /// Returns the state after a Close was received.
    pub(crate) const fn receive(self) -> Self {
        Self::new(self.has_sent(), true)
    }
}
