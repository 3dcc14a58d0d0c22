//! Codecs of frames and of whole messages over a [`BytesMut`](bytes::BytesMut), with the traits of
//! `tokio_util::codec` (feature `codec`).
//!
//! Use [`Messages`] for most programs. Use [`Frames`] if you write a proxy, or join the fragments
//! of a message yourself.
//!
//! Payloads are [`Bytes`](bytes::Bytes) that share the read buffer. The codecs unmask them in place
//! and do not copy them. Only the fragments of a message are copied, into one buffer.
//!
#![cfg_attr(feature = "codec", doc = "```")]
#![cfg_attr(not(feature = "codec"), doc = "```ignore")]
//! use futures_util::{SinkExt, StreamExt};
//! use tokio::io::AsyncWriteExt;
//! use tokio_util::codec::Framed;
//! use wsvet::codec::Messages;
//! use wsvet::{Accepts, Message, Policy, Role};
//!
//! /// Sends every text message back. If the peer breaks a rule, replies with a Close frame.
//! async fn echo(socket: tokio::net::TcpStream) -> Result<(), wsvet::codec::Error> {
//!     let policy = Policy::new(Role::Server).accepts(Accepts::TextOnly).max_message(1 << 20);
//!     let mut messages = Framed::new(socket, Messages::new(policy));
//!     while !messages.codec().frames().is_done() {
//!         match messages.next().await {
//!             Some(Ok(message @ Message::Text(_))) => messages.send(message).await?,
//!             Some(Ok(message)) => {
//!                 if let Some(reply) = message.reply() {
//!                     messages.send(reply).await?;
//!                 }
//!             }
//!             Some(Err(error)) => {
//!                 if let Some(close) = error.reply() {
//!                     messages.send(close).await?;
//!                 }
//!                 let mut socket = messages.into_inner();
//!                 socket.shutdown().await?;
//!                 // Read until the client closes, or the Close frame may be lost. Add a timeout.
//!                 tokio::io::copy(&mut socket, &mut tokio::io::sink()).await?;
//!                 return Err(error);
//!             }
//!             None => break,
//!         }
//!     }
//!     Ok(())
//! }
//! ```

mod budget;
mod closing;
#[cfg(feature = "deflate")]
mod compression;
#[cfg(not(feature = "deflate"))]
#[path = "no_compression.rs"]
mod compression;
mod frames;
mod messages;
mod prepared;
#[cfg(feature = "codec")]
mod tokio;

use core::fmt;
use std::io;

use crate::{CloseCode, Message, Violation, encode};

pub use budget::Budget;
pub use closing::ClosingHandle;
pub use frames::Frames;
pub use messages::Messages;
pub use prepared::Prepared;
/// The crate `tokio_util` in the version whose traits the codecs implement.
///
/// ```
/// use wsvet::codec::tokio_util::codec::Decoder;
///
/// fn takes_any_codec(_: impl Decoder) {}
/// # use wsvet::{Policy, Role, codec::Messages};
/// takes_any_codec(Messages::new(Policy::new(Role::Server)));
/// ```
#[cfg(feature = "codec")]
pub use tokio_util;

/// The error of a codec: why it can receive nothing more, or why it cannot send an item.
///
/// ```
/// use bytes::BytesMut;
/// use wsvet::codec::Messages;
/// use wsvet::{Accepts, Message, Policy, Role};
///
/// let mut messages = Messages::new(Policy::new(Role::Server).accepts(Accepts::TextOnly));
/// // The header of a binary message. Its payload has not arrived yet.
/// let error = messages.decode(&mut BytesMut::from(&b"\x82\xFE\x10\x00\0\0\0\0"[..])).unwrap_err();
/// let Some(Message::Close(Some(close))) = error.reply() else { panic!() };
/// assert_eq!(close.code.0, 1003);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke a rule, or its stream ended without a Close frame. [`reply`](Self::reply)
    /// returns the Close frame to send, if the peer can still receive it.
    ///
    /// A codec returns this error once, and discards everything that the peer sends after it
    /// (§7.1.7). `Framed` returns `None` after every error. Call its `next` once more: it returns
    /// `None` again when the peer has closed the connection.
    Violation(Violation),
    /// The caller tried to send data after a Close frame (§5.5.1). Nothing was written. A control
    /// frame after a Close frame is not an error: the codec leaves it out.
    Closed,
    /// The caller tried to send an illegal frame, such as a Ping of more than 125 bytes or a Close
    /// frame with the code 1006. Nothing was written.
    Encode(encode::Error),
    /// A client tried to send a frame without a source of masking keys (§5.1). Nothing was written.
    /// Set the source with [`Frames::with_keys`] or [`Messages::with_keys`].
    Unmasked,
    /// The [`Budget`] has too little left for the message that the peer sends, which was dropped. The
    /// peer broke no rule. [`reply`](Self::reply) returns the Close frame to send, with this code.
    ///
    /// A codec returns this error once, and discards everything that the peer sends after it.
    OverBudget(CloseCode),
    /// Reading from the connection or writing to it failed. A codec itself never returns this
    /// error, but `Framed` does.
    Io(io::Error),
}

/// The text of [`Error::OverBudget`], which is the reason that the peer is told.
const OVER_BUDGET: &str = "too much memory is held for unfinished messages";

impl Error {
    /// Returns the Close frame to send if the peer broke a rule and can still receive it, or if the
    /// budget is used up, and `None` otherwise (§7.1.7).
    ///
    /// ```
    /// # use wsvet::{Rule, Violation, codec::Error};
    /// let refused = Error::from(Violation::new(Rule::UnsupportedData, 0));
    /// assert!(refused.reply().is_some_and(|reply| reply.is_close()));
    /// let lost = Error::from(Violation::new(Rule::EofWithoutClose, 9));
    /// assert_eq!(lost.reply(), None); // the peer is gone
    /// ```
    #[must_use]
    pub fn reply(&self) -> Option<Message> {
        match self {
            Self::Violation(violation) => violation.reply().map(Message::from),
            Self::OverBudget(code) => Some(Message::close(*code, OVER_BUDGET)),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    /// Writes the reason of the error. A violation and an I/O error are written as they are, so
    /// [`source`](core::error::Error::source) does not return them, but their cause.
    ///
    /// ```
    /// use std::error::Error as _;
    /// use wsvet::codec::Error;
    /// use wsvet::{Rule, Violation};
    ///
    /// assert_eq!(Error::Closed.to_string(), "data was to be sent after a Close");
    /// let violation = Violation::new(Rule::InvalidUtf8, 6);
    /// let error = Error::from(violation);
    /// assert_eq!(error.to_string(), violation.to_string());
    /// assert!(error.source().is_none());
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => fmt::Display::fmt(violation, f),
            Self::Closed => f.write_str("data was to be sent after a Close"),
            Self::Encode(error) => fmt::Display::fmt(error, f),
            Self::Unmasked => f.write_str("a client was to send without masking keys"),
            Self::OverBudget(_) => f.write_str(OVER_BUDGET),
            Self::Io(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl core::error::Error for Error {
    // `Display` writes the violation or the I/O error itself, so the source is its cause.
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Violation(violation) => violation.source(),
            Self::Encode(error) => error.source(),
            Self::Closed | Self::Unmasked | Self::OverBudget(_) => None,
            Self::Io(error) => error.source(),
        }
    }
}

impl From<encode::Error> for Error {
    /// Creates an [`Error::Encode`].
    ///
    /// ```
    /// # use wsvet::{codec::Error, encode};
    /// let error = Error::from(encode::Error::ReservedOpcode);
    /// assert!(matches!(error, Error::Encode(_)));
    /// ```
    fn from(error: encode::Error) -> Self {
        Self::Encode(error)
    }
}

impl From<io::Error> for Error {
    /// Creates an [`Error::Io`].
    ///
    /// ```
    /// # use wsvet::codec::Error;
    /// let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    /// assert!(matches!(Error::from(reset), Error::Io(_)));
    /// ```
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Violation> for Error {
    /// Creates an [`Error::Violation`].
    ///
    /// ```
    /// # use wsvet::{Rule, Violation, codec::Error};
    /// let error = Error::from(Violation::new(Rule::InvalidUtf8, 6));
    /// assert!(error.reply().is_some());
    /// ```
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl From<Error> for io::Error {
    /// Converts the error to an I/O error.
    ///
    /// The I/O error of an [`Error::Io`] is returned as it is, and a violation is converted as
    /// `io::Error::from` converts it. Any other error is wrapped: [`Error::Closed`] with the kind
    /// `BrokenPipe`, [`Error::OverBudget`] with the kind `QuotaExceeded`, and the others with the kind
    /// `InvalidInput`.
    ///
    /// ```
    /// use std::io;
    /// use wsvet::codec::Error;
    ///
    /// let reset = io::Error::from(io::ErrorKind::ConnectionReset);
    /// assert_eq!(io::Error::from(Error::Io(reset)).kind(), io::ErrorKind::ConnectionReset);
    /// assert_eq!(io::Error::from(Error::Closed).kind(), io::ErrorKind::BrokenPipe);
    /// ```
    fn from(error: Error) -> Self {
        let kind = match error {
            Error::Io(error) => return error,
            Error::Violation(violation) => return violation.into(),
            Error::Closed => io::ErrorKind::BrokenPipe,
            Error::Encode(_) | Error::Unmasked => io::ErrorKind::InvalidInput,
            Error::OverBudget(_) => io::ErrorKind::QuotaExceeded,
        };
        Self::new(kind, error)
    }
}
