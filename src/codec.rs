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
//! use wsvet::{Accepts, Policy, Role};
//!
//! /// Sends every message back; a peer that breaks a rule is told which.
//! async fn echo(socket: tokio::net::TcpStream) -> Result<(), wsvet::codec::Error> {
//!     let policy = Policy::new(Role::Server).accepts(Accepts::TextOnly).max_message(1 << 20);
//!     let mut messages = Framed::new(socket, Messages::new(policy));
//!     while let Some(message) = messages.next().await {
//!         match message {
//!             Ok(message) => match message.answer() {
//!                 Some(answer) => messages.send(answer).await?,
//!                 None => messages.send(message).await?,
//!             },
//!             Err(error) => {
//!                 if let Some(close) = error.reply() {
//!                     messages.send(close).await?;
//!                 }
//!                 return Err(error);
//!             }
//!         }
//!     }
//!     Ok(())
//! }
//! ```

use core::fmt;
use std::io;

use bytes::{Buf, BufMut, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::utf8::Text as _;
use crate::{
    Assembler, CloseFrame, FrameBuf, Header, Message, OpCode, Policy, Validator, Violation, mask,
};

/// The room for a read at first, in bytes.
const LEAST_ROOM: usize = 4 << 10;

/// The most room for a read, in bytes, where each read fills what it has: no more is reserved on
/// the word of a header.
const MOST_ROOM: usize = 64 << 10;

/// Whole frames, judged: `Decoder` and `Encoder` of [`FrameBuf`].
///
/// A frame is judged as it comes: its header before its payload is waited for, and its payload
/// piece by piece. A client's frames are masked with keys from [`with_keys`](Self::with_keys).
///
/// ```
/// use bytes::BytesMut;
/// use tokio_util::codec::Decoder;
/// use wsvet::codec::Frames;
/// use wsvet::{Policy, Role};
///
/// let mut frames = Frames::new(Policy::new(Role::Client));
/// let mut input = BytesMut::from(&b"\x01\x02hi\x80"[..]);
/// let frame = frames.decode(&mut input)?.unwrap();
/// assert_eq!((&frame.payload[..], frame.header.fin()), (&b"hi"[..], false));
/// assert!(frames.decode(&mut input)?.is_none()); // the header is cut
/// # Ok::<(), wsvet::codec::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Frames {
    validator: Validator,
    /// The frame whose payload is coming.
    open: Option<Open>,
    keys: Option<fn() -> [u8; 4]>,
    /// How much room the next read has, at most.
    room: usize,
    sent_close: bool,
    received_close: bool,
}

/// A frame whose header was judged.
#[derive(Clone, Copy, Debug)]
struct Open {
    header: Header,
    /// How many bytes of its payload were judged, and unmasked.
    done: usize,
}

impl Frames {
    /// The start of a connection on which frames are received under this policy.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Frames};
    /// let frames = Frames::new(Policy::new(Role::Server).max_frame(1 << 16));
    /// assert!(size_of_val(&frames) <= 192);
    /// ```
    #[must_use]
    pub const fn new(policy: Policy) -> Self {
        Self {
            validator: Validator::new(policy),
            open: None,
            keys: None,
            room: LEAST_ROOM,
            sent_close: false,
            received_close: false,
        }
    }

    /// Masks what is sent with these keys, each from a strong source of entropy (§5.3): a client
    /// must, a server must not (§5.1).
    ///
    /// ```
    /// # use bytes::BytesMut;
    /// # use tokio_util::codec::Encoder;
    /// # use wsvet::{Frame, Header, OpCode, Policy, Role, codec::Frames};
    /// let mut frames = Frames::new(Policy::new(Role::Client)).with_keys(|| [1, 2, 3, 4]);
    /// let mut out = BytesMut::new();
    /// frames.encode(Frame { header: Header::new(OpCode::Ping, 1), payload: "a".into() }, &mut out)?;
    /// assert_eq!(out[..], *b"\x89\x81\x01\x02\x03\x04\x60");
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    #[must_use]
    pub const fn with_keys(self, keys: fn() -> [u8; 4]) -> Self {
        Self { keys: Some(keys), ..self }
    }

    /// The validator that judges what is received.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Frames};
    /// assert_eq!(Frames::new(Policy::new(Role::Server)).validator().offset(), 0);
    /// ```
    #[must_use]
    pub const fn validator(&self) -> &Validator {
        &self.validator
    }

    /// Whether both ends have sent a Close: the closing handshake is over.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Frames};
    /// assert!(!Frames::new(Policy::new(Role::Server)).is_done());
    /// ```
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.sent_close && self.received_close
    }

    /// Judges and unmasks what `src` has of the open frame's payload; whether all of it is there.
    fn judge(&mut self, open: &mut Open, src: &mut [u8]) -> Result<bool, Violation> {
        let payload = &mut src[open.header.header_len()..];
        let len = open.header.payload_len();
        // The lesser of the two, so it fits.
        let there = len.min(payload.len() as u64) as usize;
        if there > open.done || len == 0 {
            let piece = &mut payload[open.done..there];
            match open.header.masking_key() {
                Some(key) => {
                    let key = mask::turned(mask::number(key), open.done);
                    self.validator.payload_text(key, piece)?;
                }
                None => self.validator.payload(piece.bytes())?,
            }
            open.done = there;
        }
        Ok(there as u64 == len)
    }

    /// Makes room for the next read, in which so many bytes of a frame may come: more of it, where
    /// the last read has filled what it had.
    fn make_room(&mut self, src: &mut BytesMut, missing: u64) {
        let left = src.capacity() - src.len();
        if left == 0 {
            self.room = (2 * self.room).min(MOST_ROOM);
        }
        if (left as u64) < missing.min(self.room as u64 / 2) {
            src.reserve(self.room);
        }
    }

    /// Writes a frame; nothing behind a Close.
    fn write(&mut self, header: Header, payload: &[u8], dst: &mut BytesMut) -> Result<(), Error> {
        let closes = header.opcode() == OpCode::Close;
        if self.sent_close {
            // One Close is enough, and a Pong that comes too late is nobody's loss.
            return if header.opcode().is_data() { Err(Error::Closed) } else { Ok(()) };
        }
        self.sent_close = closes;
        let header = self.keys.map_or(header, |key| header.masked(key()));
        let mut wire = [0; Header::MAX_LEN];
        let len = header.encode(&mut wire);
        dst.reserve(len + payload.len());
        dst.put_slice(&wire[..len]);
        let start = dst.len();
        match header.masking_key() {
            None => dst.put_slice(payload),
            key => {
                dst.put_bytes(0, payload.len());
                mask::copy(key.map(mask::number), payload, &mut dst[start..]);
            }
        }
        Ok(())
    }
}

impl Decoder for Frames {
    type Item = FrameBuf;
    type Error = Error;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<FrameBuf>, Error> {
        if self.received_close {
            // What comes behind a Close is discarded (§1.4).
            src.clear();
            return Ok(None);
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => {
                let Ok((header, _)) = Header::decode(src) else {
                    self.make_room(src, MOST_ROOM as u64);
                    return Ok(None);
                };
                self.validator.begin(&header)?;
                Open { header, done: 0 }
            }
        };
        let Open { header, .. } = open;
        if !self.judge(&mut open, src)? {
            self.open = Some(open);
            self.make_room(src, header.payload_len() - open.done as u64);
            return Ok(None);
        }
        self.validator.finish()?;
        self.received_close = header.opcode() == OpCode::Close;
        let mut frame = src.split_to(header.header_len() + open.done);
        frame.advance(header.header_len());
        Ok(Some(FrameBuf { header, payload: frame.freeze() }))
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<FrameBuf>, Error> {
        if let Some(frame) = self.decode(src)? {
            return Ok(Some(frame));
        }
        let unread = if self.open.is_some() { 0 } else { src.len() };
        src.clear();
        self.open = None;
        self.validator.eof(unread)?;
        Ok(None)
    }
}

impl Encoder<FrameBuf> for Frames {
    type Error = Error;

    /// Writes a frame as its header says, with a fresh masking key where there are keys, and
    /// without one where there are none.
    fn encode(&mut self, frame: FrameBuf, dst: &mut BytesMut) -> Result<(), Error> {
        let FrameBuf { header, payload } = frame;
        let plain = Header::new(header.opcode(), payload.len() as u64).with_rsv(header.rsv());
        let header = if header.fin() { plain } else { plain.not_final() };
        self.write(header, &payload, dst)
    }
}

/// Whole messages: `Decoder` and `Encoder` of [`Message`].
///
/// Control frames are given as they come, inside a fragmented message too: send
/// [`Message::answer`] back. After a Close was sent, what is sent behind it is left out, and data
/// is an [`Error::Closed`].
///
/// ```
/// use bytes::BytesMut;
/// use tokio_util::codec::{Decoder, Encoder};
/// use wsvet::codec::Messages;
/// use wsvet::{Message, Policy, Role};
///
/// let mut messages = Messages::new(Policy::new(Role::Client));
/// let mut input = BytesMut::from(&b"\x01\x01h\x89\x00\x80\x01i"[..]);
/// assert_eq!(messages.decode(&mut input)?, Some(Message::Ping("".into())));
/// assert_eq!(messages.decode(&mut input)?, Some(Message::text("hi")));
/// # Ok::<(), wsvet::codec::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Messages {
    frames: Frames,
    assembler: Assembler,
    /// The most payload bytes of a frame that is sent.
    fragment: usize,
}

impl Messages {
    /// The start of a connection on which messages are received under this policy.
    ///
    /// # Panics
    ///
    /// Where the policy negotiates an extension: a message that one has changed is no text any
    /// more. [`Frames`] takes any policy.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Messages};
    /// let messages = Messages::new(Policy::new(Role::Server).max_message(1 << 20));
    /// assert!(size_of_val(&messages) <= 256);
    /// ```
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        assert!(policy.rsv == 0 && !policy.permessage_deflate, "messages of an extension");
        Self { frames: Frames::new(policy), assembler: Assembler::new(), fragment: usize::MAX }
    }

    /// Masks what is sent, as [`Frames::with_keys`] says.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Messages};
    /// let client = Messages::new(Policy::new(Role::Client)).with_keys(|| [1, 2, 3, 4]);
    /// # let _ = client;
    /// ```
    #[must_use]
    pub fn with_keys(self, keys: fn() -> [u8; 4]) -> Self {
        Self { frames: self.frames.with_keys(keys), ..self }
    }

    /// Sends messages in fragments of at most so many bytes of payload (§5.4).
    ///
    /// # Panics
    ///
    /// For 0 bytes.
    ///
    /// ```
    /// # use bytes::BytesMut;
    /// # use tokio_util::codec::Encoder;
    /// # use wsvet::{Message, Policy, Role, codec::Messages};
    /// let mut messages = Messages::new(Policy::new(Role::Server)).fragments_of(2);
    /// let mut out = BytesMut::new();
    /// messages.encode(Message::text("abc"), &mut out)?;
    /// assert_eq!(out[..], *b"\x01\x02ab\x80\x01c");
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    #[must_use]
    pub fn fragments_of(self, bytes: usize) -> Self {
        assert!(bytes > 0, "a fragment of 0 bytes carries nothing");
        Self { fragment: bytes, ..self }
    }

    /// The frames below.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Messages};
    /// assert!(!Messages::new(Policy::new(Role::Server)).frames().is_done());
    /// ```
    #[must_use]
    pub const fn frames(&self) -> &Frames {
        &self.frames
    }

    /// Writes a message in as many frames as it needs.
    fn data(&mut self, opcode: OpCode, payload: &[u8], dst: &mut BytesMut) -> Result<(), Error> {
        if payload.len() <= self.fragment {
            let header = Header::new(opcode, payload.len() as u64);
            return self.frames.write(header, payload, dst);
        }
        let mut opcode = opcode;
        let mut parts = payload.chunks(self.fragment).peekable();
        while let Some(part) = parts.next() {
            let header = Header::new(opcode, part.len() as u64);
            let header = if parts.peek().is_some() { header.not_final() } else { header };
            self.frames.write(header, part, dst)?;
            opcode = OpCode::Continuation;
        }
        Ok(())
    }
}

impl Decoder for Messages {
    type Item = Message;
    type Error = Error;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Message>, Error> {
        while let Some(frame) = self.frames.decode(src)? {
            if let Some(message) = self.assembler.frame(frame) {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Message>, Error> {
        match self.decode(src)? {
            Some(message) => Ok(Some(message)),
            None => self.frames.decode_eof(src).map(|_| None),
        }
    }
}

impl Encoder<Message> for Messages {
    type Error = Error;

    fn encode(&mut self, message: Message, dst: &mut BytesMut) -> Result<(), Error> {
        match &message {
            Message::Close(close) => {
                let mut body = [0; CloseFrame::MAX_BODY_LEN];
                let len = close.as_ref().map_or(0, |close| {
                    CloseFrame { code: close.code, reason: close.reason.as_str() }.encode(&mut body)
                });
                let header = Header::new(OpCode::Close, len as u64);
                self.frames.write(header, &body[..len], dst)
            }
            Message::Ping(payload) | Message::Pong(payload) => {
                debug_assert!(payload.len() <= CloseFrame::MAX_BODY_LEN, "oversized-control");
                let header = Header::new(message.opcode(), payload.len() as u64);
                self.frames.write(header, payload, dst)
            }
            data => self.data(data.opcode(), data.payload(), dst),
        }
    }
}

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
    /// The connection failed.
    Io(io::Error),
}

impl Error {
    /// The Close to send, where the peer has broken a rule and can still be told.
    ///
    /// ```
    /// # use wsvet::{Rule, Violation, codec::Error};
    /// let lost = Error::from(Violation { rule: Rule::EofWithoutClose, offset: 9 });
    /// assert_eq!(lost.reply(), None); // nobody is left to hear of it
    /// ```
    #[must_use]
    pub fn reply(&self) -> Option<Message> {
        match self {
            Self::Violation(violation) => Message::refusal(violation),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation(violation) => fmt::Display::fmt(violation, f),
            Self::Closed => f.write_str("data was to be sent after a Close"),
            Self::Io(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Violation(violation) => Some(violation),
            Self::Closed => None,
            Self::Io(error) => Some(error),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}
