//! Whole messages, in shared memory: what many frames were put together to (RFC 6455 §5.4).

use core::fmt;
use core::ops::Deref;

use bytes::{Bytes, BytesMut};

use crate::{CloseCode, CloseFrame, FrameBuf, OpCode, Violation};

/// A whole message, or a control frame (RFC 6455 §5.5, §5.6).
///
/// ```
/// use wsvet::Message;
///
/// let message = Message::text("hi");
/// assert_eq!(message.payload(), b"hi");
/// assert_eq!(message, Message::Text("hi".into()));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Message {
    /// A text.
    Text(Utf8Bytes),
    /// Bytes.
    Binary(Bytes),
    /// A Ping; [`answer`](Self::answer) has its Pong.
    Ping(Bytes),
    /// A Pong.
    Pong(Bytes),
    /// A Close, with a code and a reason where it has them; [`answer`](Self::answer) has the one to
    /// send back.
    Close(Option<Close>),
}

/// The code and the reason of a Close (RFC 6455 §5.5.1).
///
/// ```
/// use wsvet::{Close, CloseCode};
///
/// let close = Close::new(CloseCode::GOING_AWAY, "bye");
/// assert_eq!(close.to_string(), "1001 Going Away: bye");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Close {
    /// The code.
    pub code: CloseCode,
    /// The reason, at most 123 bytes; an empty one is none.
    pub reason: Utf8Bytes,
}

/// A text in shared memory: bytes that are known to be UTF-8 (RFC 6455 §8.1).
///
/// ```
/// use wsvet::Utf8Bytes;
///
/// let text = Utf8Bytes::from("grüße");
/// assert_eq!(text.as_str(), "grüße");
/// assert_eq!(text.as_bytes().len(), 7);
/// assert!(Utf8Bytes::try_from(bytes::Bytes::from_static(b"\xFF")).is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Utf8Bytes(Bytes);

impl Message {
    /// A text message (§5.6).
    ///
    /// ```
    /// assert_eq!(wsvet::Message::text("hi").opcode(), wsvet::OpCode::Text);
    /// ```
    #[must_use]
    pub fn text(text: impl Into<Utf8Bytes>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message (§5.6).
    ///
    /// ```
    /// assert_eq!(wsvet::Message::binary(vec![1]).opcode(), wsvet::OpCode::Binary);
    /// ```
    #[must_use]
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::Binary(bytes.into())
    }

    /// A Close with this code and this reason, cut at a character where it is too long (§5.5.1).
    ///
    /// ```
    /// # use wsvet::{CloseCode, Message};
    /// let Message::Close(Some(close)) = Message::close(CloseCode::GOING_AWAY, "é".repeat(70))
    /// else { panic!() };
    /// assert_eq!(close.reason.as_str(), "é".repeat(61)); // 122 of at most 123 bytes
    /// ```
    #[must_use]
    pub fn close(code: CloseCode, reason: impl Into<Utf8Bytes>) -> Self {
        Self::Close(Some(Close::new(code, reason)))
    }

    /// The opcode of its first frame.
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

    /// The payload; of a Close its reason alone.
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

    /// What must be sent back: a Pong for a Ping, with the same payload (§5.5.3), a Close with the
    /// same code for a Close (§5.5.1), unless one was sent before; nothing for all else.
    ///
    /// ```
    /// # use wsvet::{CloseCode, Message};
    /// let close = Message::close(CloseCode::NORMAL_CLOSURE, "done");
    /// assert_eq!(close.answer(), Some(Message::close(CloseCode::NORMAL_CLOSURE, "")));
    /// assert_eq!(Message::text("hi").answer(), None);
    /// ```
    #[must_use]
    pub fn answer(&self) -> Option<Self> {
        match self {
            Self::Ping(payload) => Some(Self::Pong(payload.clone())),
            // What its reason says the peer knows.
            Self::Close(close) => Some(Self::Close(
                close.as_ref().map(|close| Close::new(close.code, Utf8Bytes::default())),
            )),
            _ => None,
        }
    }

    /// The Close that a violation must be answered with, if anything can be sent
    /// ([`Violation::reply`], §7.1.7).
    ///
    /// ```
    /// # use wsvet::{CloseCode, Message, Rule, Violation};
    /// let violation = Violation { rule: Rule::UnsupportedData, offset: 0 };
    /// let Some(Message::Close(Some(close))) = Message::refusal(&violation) else { panic!() };
    /// assert_eq!(close.code, CloseCode::UNSUPPORTED_DATA);
    /// ```
    #[must_use]
    pub fn refusal(violation: &Violation) -> Option<Self> {
        let CloseFrame { code, reason } = violation.reply()?;
        let reason = Utf8Bytes(Bytes::from_static(reason.as_bytes()));
        Some(Self::Close(Some(Close { code, reason })))
    }
}

impl Close {
    /// A code, and a reason that is cut at a character where it is over 123 bytes (§5.5).
    ///
    /// ```
    /// # use wsvet::{Close, CloseCode};
    /// assert_eq!(Close::new(CloseCode::GOING_AWAY, "a".repeat(200)).reason.len(), 123);
    /// ```
    #[must_use]
    pub fn new(code: CloseCode, reason: impl Into<Utf8Bytes>) -> Self {
        let Utf8Bytes(mut bytes) = reason.into();
        if bytes.len() > CloseFrame::MAX_REASON_LEN {
            let mut end = CloseFrame::MAX_REASON_LEN;
            // A byte that goes on with a character is no place to cut.
            while bytes[end] & 0xC0 == 0x80 {
                end -= 1;
            }
            bytes.truncate(end);
        }
        Self { code, reason: Utf8Bytes(bytes) }
    }
}

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, reason } = self;
        write!(f, "{code}")?;
        if reason.is_empty() { Ok(()) } else { write!(f, ": {}", reason.as_str()) }
    }
}

impl Utf8Bytes {
    /// The bytes of a text that was judged.
    fn judged(bytes: Bytes) -> Self {
        debug_assert!(core::str::from_utf8(&bytes).is_ok());
        Self(bytes)
    }

    /// The text.
    ///
    /// It is judged once more, so that no `unsafe` is needed: 16 to 64 bytes at a time with the
    /// feature `std`.
    ///
    /// ```
    /// assert_eq!(wsvet::Utf8Bytes::from("hi").as_str(), "hi");
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        match str_of(&self.0) {
            Some(text) => text,
            None => unreachable!("a text that was judged"),
        }
    }

    /// The bytes of the text.
    ///
    /// ```
    /// assert_eq!(wsvet::Utf8Bytes::from("é").as_bytes(), b"\xC3\xA9");
    /// ```
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes of the text, in the same memory.
    ///
    /// ```
    /// assert_eq!(wsvet::Utf8Bytes::from("hi").into_bytes(), "hi");
    /// ```
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

#[cfg(feature = "std")]
fn str_of(bytes: &[u8]) -> Option<&str> {
    simdutf8::basic::from_utf8(bytes).ok()
}

#[cfg(not(feature = "std"))]
fn str_of(bytes: &[u8]) -> Option<&str> {
    core::str::from_utf8(bytes).ok()
}

impl Deref for Utf8Bytes {
    type Target = str;

    /// The text, as [`as_str`](Self::as_str) gives it.
    ///
    /// ```
    /// assert_eq!(wsvet::Utf8Bytes::from("grüße").chars().count(), 5);
    /// ```
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Utf8Bytes {
    /// The text as it is.
    ///
    /// ```
    /// assert_eq!(wsvet::Utf8Bytes::from("hi").to_string(), "hi");
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<&str> for Utf8Bytes {
    /// A copy of the text.
    ///
    /// ```
    /// assert_eq!(wsvet::Utf8Bytes::from("hi").len(), 2);
    /// ```
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<alloc::string::String> for Utf8Bytes {
    /// The text in the memory that it has.
    ///
    /// ```
    /// assert_eq!(wsvet::Utf8Bytes::from(format!("{}!", "hi")).as_str(), "hi!");
    /// ```
    fn from(text: alloc::string::String) -> Self {
        Self(Bytes::from(text))
    }
}

impl TryFrom<Bytes> for Utf8Bytes {
    type Error = core::str::Utf8Error;

    /// The text in the memory that it has.
    ///
    /// # Errors
    ///
    /// `Utf8Error` where the bytes are not UTF-8.
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use wsvet::Utf8Bytes;
    /// assert_eq!(Utf8Bytes::try_from(Bytes::from_static(b"hi")), Ok("hi".into()));
    /// ```
    fn try_from(bytes: Bytes) -> Result<Self, Self::Error> {
        core::str::from_utf8(&bytes)?;
        Ok(Self(bytes))
    }
}

/// Puts frames that were judged together to messages (RFC 6455 §5.4).
///
/// A message in a single frame keeps the frame's memory; fragments are copied behind each other.
/// What is kept is what has come: how much that may be is the [`Policy`](crate::Policy)'s to say,
/// with `max_message`, to whoever judges the frames.
///
/// ```
/// use bytes::BytesMut;
/// use wsvet::{Assembler, FrameBuf, Message, Policy, Role, Validator};
///
/// let mut validator = Validator::new(Policy::new(Role::Client).max_message(1 << 20));
/// let mut assembler = Assembler::new();
/// let mut input = BytesMut::from(&b"\x01\x01h\x89\x00\x80\x01i"[..]);
/// let mut messages = Vec::new();
/// while let Ok(frame) = FrameBuf::decode(&mut input) {
///     validator.frame(&frame.header, &frame.payload)?;
///     messages.extend(assembler.frame(frame));
/// }
/// assert_eq!(messages, [Message::Ping("".into()), Message::text("hi")]);
/// # Ok::<(), wsvet::Violation>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    /// What has come of the message that is open.
    parts: BytesMut,
    /// Its opcode.
    open: Option<OpCode>,
}

impl Assembler {
    /// The start of a connection: no message is open.
    ///
    /// ```
    /// assert_eq!(wsvet::Assembler::new().kept(), 0);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many bytes of an open message are kept.
    ///
    /// ```
    /// assert_eq!(wsvet::Assembler::new().kept(), 0);
    /// ```
    #[must_use]
    pub fn kept(&self) -> usize {
        self.parts.len()
    }

    /// Takes a frame, its payload plain, and gives the message that ends with it (§5.4).
    ///
    /// # Panics
    ///
    /// With debug assertions, where the frame was not judged: for text that is not UTF-8, a
    /// continuation of no message, a Close whose body does not decode. Otherwise such a frame gives
    /// no message, and text that is not UTF-8 panics where it is read as `str`.
    ///
    /// ```
    /// # use wsvet::{Assembler, Frame, Header, Message, OpCode};
    /// let frame = Frame { header: Header::new(OpCode::Text, 2), payload: "hi".into() };
    /// assert_eq!(Assembler::new().frame(frame), Some(Message::text("hi")));
    /// ```
    pub fn frame(&mut self, frame: FrameBuf) -> Option<Message> {
        let FrameBuf { header, payload } = frame;
        let opcode = header.opcode();
        match opcode {
            OpCode::Text | OpCode::Binary if header.fin() => Some(data(opcode, payload)),
            OpCode::Text | OpCode::Binary => {
                self.open = Some(opcode);
                self.parts = BytesMut::from(&payload[..]);
                None
            }
            OpCode::Continuation => {
                debug_assert!(self.open.is_some(), "a continuation of no message");
                self.parts.extend_from_slice(&payload);
                if !header.fin() {
                    return None;
                }
                let whole = core::mem::take(&mut self.parts).freeze();
                self.open.take().map(|opcode| data(opcode, whole))
            }
            OpCode::Ping => Some(Message::Ping(payload)),
            OpCode::Pong => Some(Message::Pong(payload)),
            OpCode::Close => close(&payload),
            _ => None,
        }
    }
}

/// A message whose payload was judged.
pub(crate) fn data(opcode: OpCode, payload: Bytes) -> Message {
    match opcode {
        OpCode::Text => Message::Text(Utf8Bytes::judged(payload)),
        _ => Message::Binary(payload),
    }
}

fn close(body: &Bytes) -> Option<Message> {
    let decoded = CloseFrame::decode(body);
    debug_assert!(decoded.is_ok(), "{decoded:?}");
    let close = decoded
        .ok()?
        .map(|close| Close { code: close.code, reason: Utf8Bytes::judged(body.slice(2..)) });
    Some(Message::Close(close))
}
