//! Whole messages, over the frames.

use bytes::BytesMut;
use tokio_util::codec::{Decoder, Encoder};

#[cfg(feature = "deflate")]
use super::compression::DeflateState;
use super::{ClosingHandle, Error, Frames};
#[cfg(feature = "deflate")]
use crate::deflate::Parameters;
use crate::{Assembler, CloseFrame, InvalidMessage, Message, OpCode, Policy, Violation, encode};

/// A codec for whole messages: `Decoder` and `Encoder` of [`Message`].
///
/// Control frames are returned as they come, also between the fragments of a message: send their
/// [`Message::reply`]. After you have sent a Close, control frames are left out, and data is an
/// [`Error::Closed`].
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
#[derive(Debug)]
pub struct Messages {
    frames: Frames,
    assembler: Assembler,
    /// The most payload bytes of a frame that is sent.
    fragment: usize,
}

impl Messages {
    /// Creates a codec for a new connection, on which this policy holds for what is received.
    ///
    /// Messages are collected, so one of more than 64 MiB is refused with 1009, and one of more than
    /// 131,072 frames with 1008, unless the policy sets other limits or [`Policy::no_limit`].
    ///
    /// # Panics
    ///
    /// If the policy has an extension, since only the extension can read its messages. [`Frames`]
    /// takes any policy, and `deflate` reads compressed messages.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Messages};
    /// let messages = Messages::new(Policy::new(Role::Server).max_message(1 << 20));
    /// assert!(size_of_val(&messages) <= 256);
    /// ```
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        assert!(policy.rsv == 0 && !policy.negotiates_deflate(), "messages of an extension");
        Self::over(Frames::below(policy.collecting_messages()))
    }

    fn over(frames: Frames) -> Self {
        // The frames are judged before they are joined.
        let assembler = Assembler::with_policy(frames.validator().policy().no_limit());
        Self { frames, assembler, fragment: usize::MAX }
    }

    /// Creates a codec for a connection on which permessage-deflate was negotiated with these
    /// parameters. It inflates what comes as it comes, and compresses what is sent (RFC 7692).
    ///
    /// [`Policy::max_message`] counts what a message inflates to; without one the limit is 64 MiB.
    /// Nothing else of a compressed message is kept. [`deflate`](crate::deflate#memory) describes
    /// what is kept between messages.
    ///
    /// # Panics
    ///
    /// If the policy has RSV bits of other extensions.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use tokio_util::codec::{Decoder, Encoder};
    /// use wsvet::codec::Messages;
    /// use wsvet::deflate::Parameters;
    /// use wsvet::{Message, Policy, Role};
    ///
    /// let agreed = Parameters::new();
    /// let mut server = Messages::deflate(Policy::new(Role::Server).max_message(1 << 20), agreed);
    /// let mut client = Messages::deflate(Policy::new(Role::Client).max_message(1 << 20), agreed);
    /// let mut wire = BytesMut::new();
    /// let message = Message::text("ha".repeat(1_000));
    /// server.encode(message.clone(), &mut wire)?;
    /// assert!(wire.len() < 50);
    /// assert_eq!(client.decode(&mut wire)?, Some(message));
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(policy: Policy, parameters: Parameters) -> Self {
        assert!(policy.rsv == 0, "messages of another extension");
        let policy = policy.collecting_messages();
        let compression = DeflateState::new(policy, parameters);
        Self::over(Frames::compressed(policy, compression))
    }

    /// Compresses messages of at least so many bytes; shorter ones are sent as they are. Without it
    /// all are compressed, where that was agreed on.
    ///
    /// ```
    /// # use bytes::BytesMut;
    /// # use tokio_util::codec::Encoder;
    /// # use wsvet::{Message, Policy, Role, codec::Messages, deflate::Parameters};
    /// let policy = Policy::new(Role::Server);
    /// let mut messages = Messages::deflate(policy, Parameters::new()).deflate_from(64);
    /// let mut out = BytesMut::new();
    /// messages.encode(Message::text("hi"), &mut out)?;
    /// assert_eq!(out[..], *b"\x81\x02hi");
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate_from(mut self, bytes: usize) -> Self {
        if let Some(compression) = &mut self.frames.compression {
            compression.least = bytes;
        }
        self
    }

    /// Compresses at this level: 1, without it, is the fastest, 9 compresses most. It says nothing
    /// where messages are not compressed.
    ///
    /// # Panics
    ///
    /// For levels outside of 1 to 9, where messages are compressed.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Messages, deflate::Parameters};
    /// let policy = Policy::new(Role::Server).max_message(1 << 20);
    /// let messages = Messages::deflate(policy, Parameters::new()).deflate_level(6);
    /// # let _ = messages;
    /// ```
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate_level(mut self, level: u8) -> Self {
        if let Some(compression) = &mut self.frames.compression {
            compression.set_level(level);
        }
        self
    }

    /// Changes what is accepted during the connection, such as 4 KB before the login and 1 MB after
    /// it. [`Policy::max_frame`] takes effect with the next frame, everything else with the next
    /// message. What the policy says of compression does not count.
    ///
    /// # Panics
    ///
    /// If the role or the RSV bits differ.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Messages};
    /// let policy = Policy::new(Role::Server);
    /// let mut messages = Messages::new(policy.max_message(4 << 10));
    /// messages.set_policy(policy.max_message(1 << 20));
    /// assert_eq!(messages.frames().validator().policy().max_message, 1 << 20);
    /// ```
    pub fn set_policy(&mut self, policy: Policy) {
        let policy = policy.collecting_messages();
        let Frames { validator, compression, .. } = &mut self.frames;
        validator.set_policy(policy.compression(validator.policy().compression));
        if let Some(compression) = compression {
            compression.set_max_message(validator, policy.max_message);
        }
    }

    /// Sets the source of the masking keys, as [`Frames::with_keys`] does (§5.3).
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Messages};
    /// let client = Messages::new(Policy::new(Role::Client)).with_keys(|| [1, 2, 3, 4]);
    /// # let _ = client;
    /// ```
    #[must_use]
    pub fn with_keys(self, keys: impl FnMut() -> [u8; 4] + Send + Sync + 'static) -> Self {
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

    /// Returns a handle to the closing handshake, for after the codec was moved away, and for a second
    /// codec of the same connection.
    ///
    /// ```
    /// # use wsvet::{Closing, Policy, Role, codec::Messages};
    /// let closing = Messages::new(Policy::new(Role::Server)).closing_handle();
    /// assert_eq!(closing.get(), Closing::Open);
    /// ```
    #[must_use]
    pub fn closing_handle(&mut self) -> ClosingHandle {
        self.frames.closing_handle()
    }

    /// Shares the closing handshake of another codec of the same connection, as
    /// [`Frames::with_closing`] does.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Messages};
    /// let policy = Policy::new(Role::Server);
    /// let mut reads = Messages::new(policy);
    /// let writes = Messages::new(policy).with_closing(reads.closing_handle());
    /// # let _ = writes;
    /// ```
    #[must_use]
    pub fn with_closing(self, closing: ClosingHandle) -> Self {
        Self { frames: self.frames.with_closing(closing), ..self }
    }

    /// Returns the codec of the frames.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Messages};
    /// assert!(!Messages::new(Policy::new(Role::Server)).frames().is_done());
    /// ```
    #[must_use]
    pub const fn frames(&self) -> &Frames {
        &self.frames
    }

    /// The frames below have judged the same, so this has a fault if it is ever called. The peer's
    /// bytes are no reason to panic.
    #[cold]
    fn missed(&self, InvalidMessage { rule, .. }: InvalidMessage) -> Error {
        debug_assert!(false, "the validator let {rule} pass");
        let offset = self.frames.validator().offset().saturating_sub(1);
        Error::Violation(Violation::new(rule, offset))
    }

    /// Writes a message, compressed where that was agreed on.
    fn data(&mut self, opcode: OpCode, plain: &[u8], dst: &mut BytesMut) -> Result<(), Error> {
        let compression = self.frames.compression.as_mut();
        let Some(deflated) = compression.and_then(|compression| compression.deflate(plain)) else {
            return self.fragments(opcode, 0, plain, dst);
        };
        let written = self.fragments(opcode, 4, &deflated, dst);
        if let Some(compression) = &mut self.frames.compression {
            compression.take_back(deflated);
        }
        written
    }

    /// Writes a message in as many frames as it needs, the first of them with these RSV bits.
    fn fragments(
        &mut self,
        opcode: OpCode,
        rsv: u8,
        payload: &[u8],
        dst: &mut BytesMut,
    ) -> Result<(), Error> {
        encode::fragments(opcode, payload, self.fragment)
            .with_rsv(rsv)
            .try_for_each(|frame| self.frames.write(frame.header, frame.payload, dst))
    }
}

impl Decoder for Messages {
    type Item = Message;
    type Error = Error;

    /// Takes the next message or control frame off the front of `src`. Returns `None` if a part of it
    /// is missing.
    ///
    /// # Errors
    ///
    /// [`Error::Violation`], as soon as the byte that breaks the rule has come.
    ///
    /// ```
    /// # use bytes::BytesMut;
    /// # use tokio_util::codec::Decoder;
    /// # use wsvet::{Message, Policy, Role, codec::Messages};
    /// let mut messages = Messages::new(Policy::new(Role::Client));
    /// let mut input = BytesMut::from(&b"\x82\x02\x07"[..]);
    /// assert_eq!(messages.decode(&mut input)?, None);
    /// input.extend_from_slice(b"\x08");
    /// assert_eq!(messages.decode(&mut input)?, Some(Message::binary(vec![7, 8])));
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Message>, Error> {
        if let Some(message) = self.frames.take_message(src) {
            return Ok(Some(message));
        }
        while let Some(frame) = self.frames.decode(src)? {
            let Frames { compression, validator, .. } = &mut self.frames;
            let message = compression
                .as_mut()
                .and_then(|compression| compression.message(validator, &frame.header));
            match message.unwrap_or_else(|| self.assembler.frame(frame)) {
                Ok(Some(message)) => return Ok(Some(message)),
                Ok(None) => {}
                Err(error) => return Err(self.missed(error)),
            }
        }
        Ok(None)
    }

    /// Takes the next message after the stream has ended. Returns `None` after the last one, if the
    /// stream ended with a Close.
    ///
    /// # Errors
    ///
    /// The errors of [`decode`](Self::decode), and [`Error::Violation`] of
    /// [`Rule::EofInFrame`](crate::Rule::EofInFrame) or
    /// [`Rule::EofWithoutClose`](crate::Rule::EofWithoutClose) (§7.1.5).
    ///
    /// ```
    /// # use bytes::BytesMut;
    /// # use tokio_util::codec::Decoder;
    /// # use wsvet::{Message, Policy, Role, codec::Messages};
    /// let mut messages = Messages::new(Policy::new(Role::Client));
    /// let mut input = BytesMut::from(&b"\x88\x00"[..]);
    /// assert_eq!(messages.decode_eof(&mut input)?, Some(Message::Close(None)));
    /// assert_eq!(messages.decode_eof(&mut input)?, None);
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Message>, Error> {
        match self.decode(src)? {
            Some(message) => Ok(Some(message)),
            None => self.frames.decode_eof(src).map(|_| None),
        }
    }
}

impl Encoder<Message> for Messages {
    type Error = Error;

    /// Writes a message in as many frames as [`fragments_of`](Self::fragments_of) says. After a
    /// Close a control frame is left out (§5.5.1).
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] for data after a Close; [`Error::Encode`] for a Ping or a Pong of more than
    /// 125 bytes (§5.5), and for a Close with a code that must not be sent (§7.4);
    /// [`Error::Unmasked`] for a client without keys (§5.1). Nothing was written then.
    ///
    /// ```
    /// # use bytes::BytesMut;
    /// # use tokio_util::codec::Encoder;
    /// # use wsvet::{Message, Policy, Role, codec::Error, codec::Messages};
    /// let mut messages = Messages::new(Policy::new(Role::Server));
    /// let mut out = BytesMut::new();
    /// messages.encode(Message::Close(None), &mut out)?;
    /// assert_eq!(out[..], *b"\x88\x00");
    /// let late = messages.encode(Message::text("hi"), &mut out);
    /// assert!(matches!(late, Err(Error::Closed)));
    /// # Ok::<(), Error>(())
    /// ```
    fn encode(&mut self, message: Message, dst: &mut BytesMut) -> Result<(), Error> {
        match &message {
            Message::Close(close) => {
                let mut body = [0; CloseFrame::MAX_BODY_LEN];
                let len = close.as_ref().map_or(0, |close| {
                    CloseFrame { code: close.code, reason: close.reason.as_str() }.encode(&mut body)
                });
                self.frames.write_control(OpCode::Close, &body[..len], dst)
            }
            Message::Ping(payload) | Message::Pong(payload) => {
                self.frames.write_control(message.opcode(), payload, dst)
            }
            data => self.data(data.opcode(), data.payload(), dst),
        }
    }
}
