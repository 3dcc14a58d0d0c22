//! Whole messages, in shared memory (RFC 6455 §5.4).

mod assembler;
mod utf8_bytes;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::{self, Utf8Error};

use bytes::Bytes;

use crate::{CloseCode, CloseFrame, OpCode};

pub use assembler::{Assembler, InvalidMessage};
#[cfg(feature = "deflate")]
pub(crate) use utf8_bytes::GrowingText;
pub use utf8_bytes::Utf8Bytes;

/// A whole message, or a control frame (RFC 6455 §5.5, §5.6).
///
/// ```
/// use wsvet::Message;
///
/// let message = Message::text("hi");
/// assert_eq!(message.payload(), b"hi");
/// assert_eq!(message, Message::Text("hi".into()));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Message {
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
    /// A Ping. [`reply`](Self::reply) returns the Pong to send.
    Ping(Bytes),
    /// A Pong.
    Pong(Bytes),
    /// A Close frame, with its code and reason if it has them. [`reply`](Self::reply) returns the
    /// Close frame to send.
    Close(Option<Close>),
}

/// The code and the reason of a Close frame (RFC 6455 §5.5.1).
///
/// ```
/// use wsvet::{Close, CloseCode};
///
/// let close = Close::new(CloseCode::GOING_AWAY, "bye");
/// assert_eq!(close.to_string(), "1001 Going Away: bye");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Close {
    /// The code.
    pub code: CloseCode,
    /// The reason, at most 123 bytes; empty if there is none.
    pub reason: Utf8Bytes,
}

impl Message {
    /// Creates a text message (§5.6).
    ///
    /// ```
    /// assert_eq!(wsvet::Message::text("hi").opcode(), wsvet::OpCode::Text);
    /// ```
    #[must_use]
    pub fn text(text: impl Into<Utf8Bytes>) -> Self {
        Self::Text(text.into())
    }

    /// Creates a binary message (§5.6).
    ///
    /// ```
    /// assert_eq!(wsvet::Message::binary(vec![1]).opcode(), wsvet::OpCode::Binary);
    /// ```
    #[must_use]
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::Binary(bytes.into())
    }

    /// Creates a Close frame from a code and a reason (§5.5.1).
    ///
    /// A reason over 123 bytes is cut at the end of a character.
    ///
    /// ```
    /// # use wsvet::{CloseCode, Message};
    /// let Message::Close(Some(close)) = Message::close(CloseCode::GOING_AWAY, "é".repeat(70))
    /// else { panic!() };
    /// assert_eq!(close.reason, "é".repeat(61)); // 122 of at most 123 bytes
    /// ```
    #[must_use]
    pub fn close(code: CloseCode, reason: impl Into<Utf8Bytes>) -> Self {
        Self::Close(Some(Close::new(code, reason)))
    }

    /// Returns the opcode of the first frame of the message.
    ///
    /// ```
    /// assert_eq!(wsvet::Message::Close(None).opcode(), wsvet::OpCode::Close);
    /// ```
    #[must_use]
    pub const fn opcode(&self) -> OpCode {
        match self {
            Self::Text(_) => OpCode::Text,
            Self::Binary(_) => OpCode::Binary,
            Self::Ping(_) => OpCode::Ping,
            Self::Pong(_) => OpCode::Pong,
            Self::Close(_) => OpCode::Close,
        }
    }

    /// Returns whether this is a text message.
    ///
    /// ```
    /// assert!(wsvet::Message::text("hi").is_text());
    /// ```
    #[must_use]
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// Returns whether this is a binary message.
    ///
    /// ```
    /// assert!(wsvet::Message::binary("hi").is_binary());
    /// ```
    #[must_use]
    pub const fn is_binary(&self) -> bool {
        matches!(self, Self::Binary(_))
    }

    /// Returns whether this is a Ping.
    ///
    /// ```
    /// assert!(wsvet::Message::Ping("".into()).is_ping());
    /// ```
    #[must_use]
    pub const fn is_ping(&self) -> bool {
        matches!(self, Self::Ping(_))
    }

    /// Returns whether this is a Pong.
    ///
    /// ```
    /// assert!(wsvet::Message::Pong("".into()).is_pong());
    /// ```
    #[must_use]
    pub const fn is_pong(&self) -> bool {
        matches!(self, Self::Pong(_))
    }

    /// Returns whether this is a Close frame.
    ///
    /// ```
    /// assert!(wsvet::Message::Close(None).is_close());
    /// ```
    #[must_use]
    pub const fn is_close(&self) -> bool {
        matches!(self, Self::Close(_))
    }

    /// Returns whether this is a data message: text or binary (§5.6).
    ///
    /// ```
    /// # use wsvet::Message;
    /// assert!(Message::text("hi").is_data() && !Message::Close(None).is_data());
    /// ```
    #[must_use]
    pub const fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }

    /// Returns whether this is a control frame: Ping, Pong or Close (§5.5).
    ///
    /// ```
    /// # use wsvet::Message;
    /// assert!(Message::Close(None).is_control() && !Message::text("hi").is_control());
    /// ```
    #[must_use]
    pub const fn is_control(&self) -> bool {
        !self.is_data()
    }

    /// Returns the payload. The payload of a Close frame is its reason, without the code.
    ///
    /// ```
    /// assert_eq!(wsvet::Message::binary(vec![7]).payload(), [7]);
    /// ```
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => bytes,
            Self::Close(close) => close.as_ref().map_or(&[], |close| close.reason.as_bytes()),
        }
    }

    /// Returns the [`payload`](Self::payload) without a copy.
    ///
    /// ```
    /// assert_eq!(wsvet::Message::text("hi").into_data(), "hi");
    /// ```
    #[must_use]
    pub fn into_data(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => bytes,
            Self::Close(close) => close.map_or_else(Bytes::new, |close| close.reason.into_bytes()),
        }
    }

    /// Returns the [`payload`](Self::payload) as text.
    ///
    /// The payload of a text message and the reason of a Close frame are known to be UTF-8. The
    /// payload of any other message is checked.
    ///
    /// # Errors
    ///
    /// A [`Utf8Error`] if the payload is not UTF-8.
    ///
    /// ```
    /// # use wsvet::Message;
    /// assert_eq!(Message::text("hi").to_text(), Ok("hi"));
    /// assert!(Message::binary(vec![0xFF]).to_text().is_err());
    /// ```
    pub fn to_text(&self) -> Result<&str, Utf8Error> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Close(close) => Ok(close.as_ref().map_or("", |close| &close.reason)),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => str::from_utf8(bytes),
        }
    }

    /// Returns the [`payload`](Self::payload) as text without a copy.
    ///
    /// # Errors
    ///
    /// A [`Utf8Error`] if the payload is not UTF-8, as [`to_text`](Self::to_text) returns.
    ///
    /// ```
    /// # use wsvet::Message;
    /// assert_eq!(Message::text("hi").into_text()?, "hi");
    /// assert!(Message::binary(vec![0xFF]).into_text().is_err());
    /// # Ok::<(), core::str::Utf8Error>(())
    /// ```
    pub fn into_text(self) -> Result<Utf8Bytes, Utf8Error> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Close(close) => Ok(close.map(|close| close.reason).unwrap_or_default()),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => bytes.try_into(),
        }
    }

    /// Returns the length of the [`payload`](Self::payload) in bytes.
    ///
    /// ```
    /// assert_eq!(wsvet::Message::text("é").len(), 2);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.payload().len()
    }

    /// Returns whether the [`payload`](Self::payload) is empty.
    ///
    /// ```
    /// assert!(wsvet::Message::Close(None).is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.payload().is_empty()
    }

    /// Returns the message to reply with, or `None` if none is required.
    ///
    /// The reply to a Ping is a Pong with the same payload (§5.5.3). The reply to a Close frame is
    /// a Close frame with the same code and an empty reason (§5.5.1). An endpoint sends one Close
    /// frame: if you have sent one before, do not send the reply. A codec leaves out such a reply.
    ///
    /// The reply to a peer that breaks a rule is [`Violation::reply`](crate::Violation::reply).
    ///
    /// ```
    /// # use wsvet::{CloseCode, Message};
    /// let close = Message::close(CloseCode::NORMAL_CLOSURE, "done");
    /// assert_eq!(close.reply(), Some(Message::close(CloseCode::NORMAL_CLOSURE, "")));
    /// assert_eq!(Message::text("hi").reply(), None);
    /// ```
    #[must_use]
    pub fn reply(&self) -> Option<Self> {
        match self {
            Self::Ping(payload) => Some(Self::Pong(payload.clone())),
            // The peer knows its own reason.
            Self::Close(close) => Some(Self::Close(
                close.as_ref().map(|close| Close::new(close.code, Utf8Bytes::default())),
            )),
            _ => None,
        }
    }
}

impl fmt::Display for Message {
    /// Writes the text of a text message, and a description of any other message.
    ///
    /// The description of a Close frame has its code and its reason. The others have the length of
    /// the payload in bytes.
    ///
    /// ```
    /// # use wsvet::{CloseCode, Message};
    /// assert_eq!(Message::text("hi").to_string(), "hi");
    /// assert_eq!(Message::binary(vec![1, 2]).to_string(), "binary message (2 bytes)");
    /// assert_eq!(Message::Ping("a".into()).to_string(), "ping (1 byte)");
    /// let close = Message::close(CloseCode::GOING_AWAY, "bye");
    /// assert_eq!(close.to_string(), "close (1001 Going Away: bye)");
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Text(text) => return fmt::Display::fmt(text, f),
            Self::Close(None) => return f.write_str("close"),
            Self::Close(Some(close)) => return write!(f, "close ({close})"),
            Self::Binary(_) => "binary message",
            Self::Ping(_) => "ping",
            Self::Pong(_) => "pong",
        };
        let len = self.len();
        write!(f, "{name} ({len} {})", if len == 1 { "byte" } else { "bytes" })
    }
}

impl From<Utf8Bytes> for Message {
    /// Creates a text message.
    ///
    /// ```
    /// # use wsvet::{Message, Utf8Bytes};
    /// assert_eq!(Message::from(Utf8Bytes::from_static("hi")), Message::text("hi"));
    /// ```
    fn from(text: Utf8Bytes) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Message {
    /// Creates a text message from a copy of the string.
    ///
    /// ```
    /// # use wsvet::Message;
    /// assert_eq!(Message::from("hi"), Message::text("hi"));
    /// ```
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Message {
    /// Creates a text message from the string without a copy.
    ///
    /// ```
    /// # use wsvet::Message;
    /// assert_eq!(Message::from(String::from("hi")), Message::text("hi"));
    /// ```
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<Bytes> for Message {
    /// Creates a binary message.
    ///
    /// ```
    /// # use wsvet::Message;
    /// assert_eq!(Message::from(bytes::Bytes::from_static(b"hi")), Message::binary("hi"));
    /// ```
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Message {
    /// Creates a binary message from the vector without a copy.
    ///
    /// ```
    /// # use wsvet::Message;
    /// assert_eq!(Message::from(vec![1]), Message::binary(vec![1]));
    /// ```
    fn from(bytes: Vec<u8>) -> Self {
        Self::binary(bytes)
    }
}

impl From<&[u8]> for Message {
    /// Creates a binary message from a copy of the bytes.
    ///
    /// ```
    /// # use wsvet::Message;
    /// assert_eq!(Message::from(&b"hi"[..]), Message::binary("hi"));
    /// ```
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(bytes))
    }
}

impl From<Close> for Message {
    /// Creates a Close frame.
    ///
    /// ```
    /// # use wsvet::{Close, CloseCode, Message};
    /// let close = Close::new(CloseCode::GOING_AWAY, "bye");
    /// assert_eq!(Message::from(close.clone()), Message::Close(Some(close)));
    /// ```
    fn from(close: Close) -> Self {
        Self::Close(Some(close))
    }
}

impl From<CloseFrame<'_>> for Message {
    /// Creates a [`Message::Close`] from the body of a Close frame, such as that of
    /// [`Violation::reply`](crate::Violation::reply). The reason is copied.
    ///
    /// ```
    /// # use wsvet::{CloseCode, Message, Rule, Violation};
    /// let violation = Violation::new(Rule::UnsupportedData, 0);
    /// let reply = violation.reply().map(Message::from);
    /// let text = Rule::UnsupportedData.text();
    /// assert_eq!(reply, Some(Message::close(CloseCode::UNSUPPORTED_DATA, text)));
    /// ```
    fn from(close: CloseFrame<'_>) -> Self {
        Self::Close(Some(close.into()))
    }
}

impl Close {
    /// Creates a [`Close`] from a code and a reason (§5.5.1).
    ///
    /// A reason over 123 bytes is cut at the end of a character (§5.5).
    ///
    /// ```
    /// # use wsvet::{Close, CloseCode};
    /// assert_eq!(Close::new(CloseCode::GOING_AWAY, "a".repeat(200)).reason.len(), 123);
    /// ```
    #[must_use]
    pub fn new(code: CloseCode, reason: impl Into<Utf8Bytes>) -> Self {
        let mut reason = reason.into();
        reason.truncate(CloseFrame::MAX_REASON_LEN);
        Self { code, reason }
    }
}

impl From<CloseFrame<'_>> for Close {
    /// Creates a [`Close`] with the same code and a copy of the reason, as [`new`](Self::new) does.
    ///
    /// ```
    /// # use wsvet::{Close, CloseCode, CloseFrame};
    /// let frame = CloseFrame::new(CloseCode::GOING_AWAY, "bye");
    /// assert_eq!(Close::from(frame), Close::new(CloseCode::GOING_AWAY, "bye"));
    /// ```
    fn from(close: CloseFrame<'_>) -> Self {
        Self::new(close.code, close.reason)
    }
}

impl fmt::Display for Close {
    /// Writes the code and its name, and the reason if it is not empty.
    ///
    /// ```
    /// # use wsvet::{Close, CloseCode};
    /// assert_eq!(Close::new(CloseCode::GOING_AWAY, "").to_string(), "1001 Going Away");
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, reason } = self;
        write!(f, "{code}")?;
        if reason.is_empty() { Ok(()) } else { write!(f, ": {reason}") }
    }
}
