//! Why an endpoint over a stream has failed.

use core::fmt;
use std::io;

use super::opening::MAX_HEAD;
use crate::codec;
use crate::handshake::{InvalidHead, InvalidHttp, Rule};

/// The error of a WebSocket over a stream.
///
/// ```
/// use wsvet::endpoint::Error;
/// use wsvet::handshake::Rule;
///
/// assert_eq!(
///     Error::Handshake(Rule::WrongAccept).to_string(),
///     "wrong-accept: Sec-WebSocket-Accept does not match the Sec-WebSocket-Key of the request",
/// );
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The peer broke a rule, a message cannot be sent, or the stream has failed.
    Codec(codec::Error),
    /// The peer broke this rule in the opening handshake.
    Handshake(Rule),
    /// The peer did not send an HTTP/1 message, or its head is longer than 64 KiB.
    Http(Option<InvalidHttp>),
    /// The server refused the request with this status.
    Refused(u16),
    /// This program refused the request.
    Declined,
    /// The request or the response of this program cannot be written.
    InvalidHead(InvalidHead),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Codec(error) => fmt::Display::fmt(error, f),
            Self::Handshake(rule) => write!(f, "{rule}: {}", rule.text()),
            Self::Http(Some(error)) => fmt::Display::fmt(error, f),
            Self::Http(None) => write!(f, "the head is longer than {MAX_HEAD} bytes"),
            Self::Refused(status) => write!(f, "the server refused with status {status}"),
            Self::Declined => f.write_str("the request was refused"),
            Self::InvalidHead(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl core::error::Error for Error {
    // `Display` writes the inner error itself, so the source is its cause.
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Codec(error) => error.source(),
            _ => None,
        }
    }
}

impl From<codec::Error> for Error {
    fn from(error: codec::Error) -> Self {
        Self::Codec(error)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Codec(error.into())
    }
}

impl From<InvalidHead> for Error {
    fn from(error: InvalidHead) -> Self {
        Self::InvalidHead(error)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Codec(error) => error.into(),
            Error::InvalidHead(_) => Self::new(io::ErrorKind::InvalidInput, error),
            error => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}
