//! Frames and whole messages for tokio: `Decoder` and `Encoder` of `tokio_util::codec`.
//!
//! [`Messages`] is what most want; [`Frames`] is for proxies and for those who put messages
//! together themselves. Payloads are [`Bytes`](bytes::Bytes) that share the read buffer: they are
//! unmasked where they lie and not copied, but for the fragments of a message, which must be put
//! behind each other.
//!
//! ```
//! use futures_util::{SinkExt, StreamExt};
//! use tokio_util::codec::Framed;
//! use wsvet::codec::Messages;
//! use wsvet::{Accepts, Message, Policy, Role};
//!
//! /// Sends every message back; a peer that breaks a rule is told which.
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
//!                 return Err(error);
//!             }
//!             None => break,
//!         }
//!     }
//!     Ok(())
//! }
//! ```

#[cfg(feature = "deflate")]
mod compression;
#[cfg(not(feature = "deflate"))]
#[path = "codec/no_compression.rs"]
mod compression;
mod frames;
mod messages;

use core::fmt;
use std::io;

use crate::{Message, Violation};

pub use frames::Frames;
pub use messages::Messages;

/// Why no more can be received or sent.
///
/// ```
/// use bytes::BytesMut;
/// use tokio_util::codec::Decoder;
/// use wsvet::codec::Messages;
/// use wsvet::{Accepts, Message, Policy, Role};
///
/// let mut messages = Messages::new(Policy::new(Role::Server).accepts(Accepts::TextOnly));
/// // The header of a binary message; no payload has come.
/// let error = messages.decode(&mut BytesMut::from(&b"\x82\xFE\x10\x00\0\0\0\0"[..])).unwrap_err();
/// let Some(Message::Close(Some(close))) = error.reply() else { panic!() };
/// assert_eq!(close.code.0, 1003);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The peer has broken a rule: [`reply`](Self::reply) has the Close to send.
    Violation(Violation),
    /// Data was to be sent after a Close (§5.5.1).
    Closed,
    /// A Ping or a Pong of more than 125 bytes was to be sent (§5.5).
    OversizedControl,
    /// A Close was to be sent with a code that may not stand on the wire (§7.4).
    InvalidCloseCode,
    /// A client was to send, and has no masking keys: see [`Frames::with_keys`] (§5.1).
    Unmasked,
    /// The connection failed.
    Io(io::Error),
}

impl Error {
    /// The Close to send, where the peer has broken a rule and can still be told (§7.1.7).
    ///
    /// ```
    /// # use wsvet::{Rule, Violation, codec::Error};
    /// let lost = Error::from(Violation { rule: Rule::EofWithoutClose, offset: 9 });
    /// assert_eq!(lost.reply(), None); // nobody is left to hear of it
    /// ```
    #[must_use]
    pub fn reply(&self) -> Option<Message> {
        match self {
            Self::Violation(violation) => violation.reply().map(Message::from),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    /// The violation or the error that it is, as that says it.
    ///
    /// ```
    /// assert_eq!(wsvet::codec::Error::Closed.to_string(), "data was to be sent after a Close");
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => fmt::Display::fmt(violation, f),
            Self::Closed => f.write_str("data was to be sent after a Close"),
            Self::OversizedControl => {
                f.write_str("a ping or a pong of more than 125 bytes was to be sent")
            }
            Self::InvalidCloseCode => {
                f.write_str("a close code was to be sent that may not stand on the wire")
            }
            Self::Unmasked => f.write_str("a client was to send without masking keys"),
            Self::Io(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Violation(violation) => Some(violation),
            Self::Closed | Self::OversizedControl | Self::InvalidCloseCode | Self::Unmasked => None,
            Self::Io(error) => Some(error),
        }
    }
}

impl From<io::Error> for Error {
    /// The connection failed: [`Error::Io`].
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
    /// The peer has broken a rule: [`Error::Violation`].
    ///
    /// ```
    /// # use wsvet::{Rule, Violation, codec::Error};
    /// let error = Error::from(Violation { rule: Rule::InvalidUtf8, offset: 6 });
    /// assert!(error.reply().is_some());
    /// ```
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}
