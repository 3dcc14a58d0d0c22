//! The codec of whole messages, which uses the codec of frames.

use std::boxed::Box;

use bytes::{Bytes, BytesMut};

use super::budget::{Share, held};
#[cfg(feature = "deflate")]
use super::compression::DeflateState;
use super::{Budget, ClosingHandle, Error, Frames, Prepared};
#[cfg(feature = "deflate")]
use crate::deflate::Parameters;
use crate::encode::{self, Buffer, Checked, Payload};
use crate::{
    Assembler, CloseCode, CloseFrame, FrameBuf, Header, InvalidMessage, Message, OpCode, Policy,
    Role, Rule, Violation,
};

/// A codec of whole messages: a `Decoder` and an `Encoder` of [`Message`].
///
/// The codec returns control frames as they arrive, also between the fragments of a message. Reply
/// to them with [`Message::reply`]. After you have sent a Close frame, the codec leaves out control
/// frames that you send, and returns [`Error::Closed`] for data.
///
/// ```
/// use bytes::BytesMut;
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
    /// The fragments of the open message. `None` if no message is open, so that an idle connection is
    /// small.
    assembler: Option<Box<Assembler>>,
    /// What few programs set, apart so that an idle connection is small.
    settings: Option<Box<Settings>>,
}

#[derive(Debug)]
struct Settings {
    /// The maximum number of payload bytes of a frame to send.
    fragment: usize,
    /// What the unfinished message takes of the budget, if there is one.
    share: Option<Share>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { fragment: usize::MAX, share: None }
    }
}

impl Messages {
    /// Creates a codec for a new connection that receives under this policy.
    ///
    /// The codec collects messages in memory. If the policy sets no limits, the codec refuses a
    /// message of more than 64 MiB with 1009, and a message of more than 131,072 frames with 1008.
    /// [`Policy::no_limit`] removes these limits.
    ///
    /// # Panics
    ///
    /// Panics if the policy has an extension, because only the extension can read its messages.
    /// [`Frames`] takes any policy, and `deflate` reads compressed messages.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Messages};
    /// let messages = Messages::new(Policy::new(Role::Server).max_message(1 << 20));
    /// assert!(size_of_val(&messages) <= 184);
    /// ```
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        assert!(policy.rsv == 0 && !policy.negotiates_deflate(), "messages of an extension");
        Self::over(Frames::below(policy.collecting_messages()))
    }

    fn over(frames: Frames) -> Self {
        Self { frames, assembler: None, settings: None }
    }

    /// Creates a codec for a connection that has negotiated permessage-deflate with these
    /// parameters (RFC 7692).
    ///
    /// The codec inflates each piece of a received message when it arrives, and compresses messages
    /// to send. [`Policy::max_message`] limits the inflated bytes of a message. If the policy sets
    /// no limits, those of [`new`](Self::new) apply: 64 MiB, and 131,072 frames. The codec keeps
    /// only the inflated bytes of a compressed message. [`deflate`](crate::deflate#memory)
    /// describes what it keeps between messages.
    ///
    /// # Panics
    ///
    /// Panics if the policy has RSV bits of other extensions.
    ///
    /// ```
    /// use bytes::BytesMut;
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

    /// Sets the minimum length in bytes of a message to compress. The codec sends shorter messages
    /// uncompressed.
    ///
    /// The default is 0. This method has no effect if the connection has not negotiated
    /// permessage-deflate.
    ///
    /// ```
    /// # use bytes::BytesMut;
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

    /// Sets the level of compression: 1 is the fastest, and 9 compresses most.
    ///
    /// The default is 1. This method has no effect if the connection has not negotiated
    /// permessage-deflate.
    ///
    /// # Panics
    ///
    /// Panics if the level is not 1 to 9 and the connection has negotiated permessage-deflate.
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

    /// Changes the policy during the connection, for example to 4 KB before the login and 1 MB
    /// after it.
    ///
    /// [`Policy::max_frame`] takes effect with the next frame, and everything else with the next
    /// message: a message that is open keeps its limits. A limit that the policy does not set is
    /// the default of [`new`](Self::new). The codec ignores [`Policy::compression`]: a codec from
    /// `deflate` continues to inflate.
    ///
    /// # Panics
    ///
    /// Panics if the role or the RSV bits differ from those of the old policy.
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

    /// Sets the maximum payload length in bytes of the fragments that messages are sent in (§5.4).
    ///
    /// By default every message is sent in a single frame.
    ///
    /// # Panics
    ///
    /// Panics if `bytes` is 0.
    ///
    /// ```
    /// # use bytes::BytesMut;
    /// # use wsvet::{Message, Policy, Role, codec::Messages};
    /// let mut messages = Messages::new(Policy::new(Role::Server)).fragments_of(2);
    /// let mut out = BytesMut::new();
    /// messages.encode(Message::text("abc"), &mut out)?;
    /// assert_eq!(out[..], *b"\x01\x02ab\x80\x01c");
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    #[must_use]
    pub fn fragments_of(mut self, bytes: usize) -> Self {
        assert!(bytes > 0, "a fragment of 0 bytes carries nothing");
        self.settings.get_or_insert_default().fragment = bytes;
        self
    }

    /// Limits the memory of unfinished messages by a budget that many connections share.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::{Budget, Messages}};
    /// let budget = Budget::new(256 << 20); // for all connections
    /// let messages = Messages::new(Policy::new(Role::Server)).with_budget(&budget);
    /// # drop(messages);
    /// ```
    #[must_use]
    pub fn with_budget(mut self, budget: &Budget) -> Self {
        self.set_budget(budget);
        self
    }

    /// Sets the budget, as [`with_budget`](Self::with_budget) does.
    pub(crate) fn set_budget(&mut self, budget: &Budget) {
        self.settings.get_or_insert_default().share = Some(Share::new(budget));
        if let Some(compression) = &mut self.frames.compression {
            compression.set_budget(budget);
        }
    }

    /// Returns a handle to the state of the closing handshake, for use after the codec is moved, or
    /// for a second codec of the same connection.
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

    fn fragment(&self) -> usize {
        self.settings.as_ref().map_or(usize::MAX, |settings| settings.fragment)
    }

    /// Returns the capacity in bytes of the buffer of the open message.
    fn assembled(&self) -> usize {
        self.assembler.as_ref().map_or(0, |assembler| assembler.capacity())
    }

    fn share(&mut self) -> Option<&mut Share> {
        self.settings.as_mut()?.share.as_mut()
    }

    /// Takes of the budget what is held, if there is a budget.
    ///
    /// # Errors
    ///
    /// An [`Error::OverBudget`] if the budget has too little left.
    fn pay(&mut self, src: &mut BytesMut) -> Result<(), Error> {
        let is_over = self.frames.compression.as_ref().is_some_and(|state| state.is_over_budget());
        let parts = self.assembled();
        let is_paid = self.share().is_none_or(|share| share.hold(held(src).saturating_add(parts)));
        if is_paid && !is_over { Ok(()) } else { Err(self.drop_message(src)) }
    }

    /// Gives back to the budget what a message took that is returned.
    fn give_back(&mut self) {
        let parts = self.assembled();
        if let Some(share) = self.share() {
            // What more is needed is taken when more bytes are needed.
            share.hold(parts);
        }
    }

    /// Drops the open message and all that follows, and returns the error.
    #[cold]
    fn drop_message(&mut self, src: &mut BytesMut) -> Error {
        let validator = &mut self.frames.validator;
        // The codec discards what follows a violation.
        let offset = validator.offset();
        let _ = validator.refuse_with(Violation::new(Rule::MessageTooBig, offset));
        let role = validator.role();
        *src = BytesMut::new();
        self.assembler = None;
        if let Some(share) = self.share() {
            share.hold(0);
        }
        Error::OverBudget(match role {
            Role::Server => CloseCode::TRY_AGAIN_LATER,
            Role::Client => CloseCode::MESSAGE_TOO_BIG,
        })
    }

    /// Converts an error of the assembler to a violation.
    ///
    /// The validator has validated the same frames, so a call means that the crate has a bug. In a
    /// release build the function still does not panic, because bytes of the peer must not cause a
    /// panic.
    #[cold]
    fn missed(&self, InvalidMessage { rule, .. }: InvalidMessage) -> Error {
        debug_assert!(false, "the validator let {rule} pass");
        let offset = self.frames.validator().offset().saturating_sub(1);
        Error::Violation(Violation::new(rule, offset))
    }

    /// Adds a frame to the open message, and returns the message that ends with it.
    fn assemble(&mut self, frame: FrameBuf) -> Result<Option<Message>, InvalidMessage> {
        if let Some(assembler) = &mut self.assembler {
            let message = assembler.frame(frame);
            if !assembler.is_open() {
                self.assembler = None;
            }
            return message;
        }
        // The validator has checked the limits.
        let mut assembler = Assembler::with_policy(self.frames.validator().policy().no_limit());
        let message = assembler.frame(frame);
        if assembler.is_open() {
            self.assembler = Some(Box::new(assembler));
        }
        message
    }

    /// Writes a data message, compressed if permessage-deflate is negotiated.
    #[inline]
    fn data(
        &mut self,
        opcode: OpCode,
        plain: impl Payload,
        dst: &mut impl Buffer,
    ) -> Result<(), Error> {
        if self.frames.compression.is_some() {
            return self.compressed(opcode, plain, dst);
        }
        self.plain(opcode, plain, dst)
    }

    #[inline(never)]
    fn compressed(
        &mut self,
        opcode: OpCode,
        plain: impl Payload,
        dst: &mut impl Buffer,
    ) -> Result<(), Error> {
        let compression = self.frames.compression.as_mut();
        let Some(deflated) = compression.and_then(|compression| compression.deflate(&plain)) else {
            return self.plain(opcode, plain, dst);
        };
        let written = encode::fragments(opcode, &deflated, self.fragment())
            .with_rsv(4)
            .try_for_each(|frame| self.frames.write(frame.header, frame.payload, dst));
        if let Some(compression) = &mut self.frames.compression {
            compression.take_back(deflated);
        }
        written
    }

    /// Writes a data message uncompressed, in as many frames as it needs.
    #[inline]
    fn plain(
        &mut self,
        opcode: OpCode,
        plain: impl Payload,
        dst: &mut impl Buffer,
    ) -> Result<(), Error> {
        if plain.len() > self.fragment() {
            return self.in_fragments(opcode, &plain, dst);
        }
        self.frames.write(Header::new(opcode, plain.len() as u64), plain, dst)
    }

    #[inline(never)]
    fn in_fragments(
        &mut self,
        opcode: OpCode,
        plain: &impl Payload,
        dst: &mut impl Buffer,
    ) -> Result<(), Error> {
        let mut start = 0;
        encode::fragments(opcode, plain, self.fragment()).try_for_each(|frame| {
            let end = start + frame.payload.len();
            let part = plain.part(start..end);
            start = end;
            self.frames.write(frame.header, part, dst)
        })
    }

    #[inline(never)]
    fn control(&mut self, message: &Message, dst: &mut impl Buffer) -> Result<(), Error> {
        match message {
            Message::Close(close) => {
                let mut body = [0; CloseFrame::MAX_BODY_LEN];
                let len = close.as_ref().map_or(0, |close| {
                    CloseFrame { code: close.code, reason: close.reason.as_str() }.encode(&mut body)
                });
                self.frames.write_control(OpCode::Close, &body[..len], dst)
            }
            message => self.frames.write_control(message.opcode(), message.payload(), dst),
        }
    }

    /// Does what [`encode`](Self::encode) does, and copies the payload.
    #[inline]
    pub(crate) fn encode_copied(
        &mut self,
        message: &Message,
        dst: &mut impl Buffer,
    ) -> Result<(), Error> {
        match message {
            Message::Text(text) => self.data(OpCode::Text, text.as_bytes(), dst),
            Message::Binary(bytes) => self.data(OpCode::Binary, &bytes[..], dst),
            control => self.control(control, dst),
        }
    }
}

impl Messages {
    /// Takes the next message or control frame off the front of `src`, or returns `None` if a part
    /// of it is missing.
    ///
    /// # Errors
    ///
    /// An [`Error::Violation`] as soon as the byte that breaks the rule has arrived.
    ///
    /// ```
    /// # use bytes::BytesMut;
    /// # use wsvet::{Message, Policy, Role, codec::Messages};
    /// let mut messages = Messages::new(Policy::new(Role::Client));
    /// let mut input = BytesMut::from(&b"\x82\x02\x07"[..]);
    /// assert_eq!(messages.decode(&mut input)?, None);
    /// input.extend_from_slice(b"\x08");
    /// assert_eq!(messages.decode(&mut input)?, Some(Message::binary(vec![7, 8])));
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    #[inline]
    pub fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Message>, Error> {
        match self.frames.take_message(src) {
            Some(message) => Ok(Some(message)),
            None => self.decode_any(src),
        }
    }

    /// Takes the next message off the front of `src` if it is data in a single frame, without
    /// compression, and whole.
    #[cfg(feature = "tokio")]
    #[inline(always)]
    pub(crate) fn take_data(&mut self, src: &mut BytesMut) -> Option<Message> {
        self.frames.take_message(src)
    }

    /// Does what [`decode`](Self::decode) does, for all messages.
    #[inline(never)]
    fn decode_any(&mut self, src: &mut BytesMut) -> Result<Option<Message>, Error> {
        while let Some(frame) = self.frames.decode(src)? {
            let Frames { compression, validator, .. } = &mut self.frames;
            let message = match compression {
                Some(compression) if compression.is_over_budget() => {
                    return Err(self.drop_message(src));
                }
                Some(compression) => compression.message(validator, &frame.header),
                None => None,
            };
            match message.unwrap_or_else(|| self.assemble(frame)) {
                Ok(Some(message)) => {
                    self.give_back();
                    return Ok(Some(message));
                }
                Ok(None) => {}
                Err(error) => return Err(self.missed(error)),
            }
        }
        self.pay(src)?;
        Ok(None)
    }

    /// Takes the next message after the stream has ended. Returns `None` after the last message if
    /// the stream ended with a Close frame.
    ///
    /// # Errors
    ///
    /// The errors of [`decode`](Self::decode), and an [`Error::Violation`] of
    /// [`Rule::EofInFrame`](crate::Rule::EofInFrame) or
    /// [`Rule::EofWithoutClose`](crate::Rule::EofWithoutClose) (§7.1.5).
    ///
    /// ```
    /// # use bytes::BytesMut;
    /// # use wsvet::{Message, Policy, Role, codec::Messages};
    /// let mut messages = Messages::new(Policy::new(Role::Client));
    /// let mut input = BytesMut::from(&b"\x88\x00"[..]);
    /// assert_eq!(messages.decode_eof(&mut input)?, Some(Message::Close(None)));
    /// assert_eq!(messages.decode_eof(&mut input)?, None);
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    pub fn decode_eof(&mut self, src: &mut BytesMut) -> Result<Option<Message>, Error> {
        match self.decode(src)? {
            Some(message) => Ok(Some(message)),
            None => self.frames.decode_eof(src).map(|_| None),
        }
    }

    /// Writes a message to the end of `dst`, in the fragments that
    /// [`fragments_of`](Self::fragments_of) sets. A control frame after a Close frame is left out
    /// (§5.5.1).
    ///
    /// `dst` is a `BytesMut`, a `Vec<u8>`, or a [`SendBuffer`](encode::SendBuffer), which holds a long
    /// payload instead of copying it.
    ///
    /// # Errors
    ///
    /// The codec writes nothing and returns:
    ///
    /// - [`Error::Closed`] if the message is data after a Close frame.
    /// - [`Error::Encode`] if a Ping or a Pong has more than 125 bytes (§5.5), or if the code of a
    ///   Close frame must not be sent (§7.4).
    /// - [`Error::Unmasked`] if a client has no source of masking keys (§5.1).
    ///
    /// ```
    /// # use bytes::BytesMut;
    /// # use wsvet::{Message, Policy, Role, codec::Error, codec::Messages};
    /// let mut messages = Messages::new(Policy::new(Role::Server));
    /// let mut out = BytesMut::new();
    /// messages.encode(Message::Close(None), &mut out)?;
    /// assert_eq!(out[..], *b"\x88\x00");
    /// let late = messages.encode(Message::text("hi"), &mut out);
    /// assert!(matches!(late, Err(Error::Closed)));
    /// # Ok::<(), Error>(())
    /// ```
    #[inline]
    pub fn encode<B: Buffer>(&mut self, message: Message, dst: &mut B) -> Result<(), Error> {
        match message {
            Message::Text(text) if B::HOLDS => self.data(OpCode::Text, text.into_bytes(), dst),
            Message::Binary(bytes) if B::HOLDS => self.data(OpCode::Binary, bytes, dst),
            message => self.encode_copied(&message, dst),
        }
    }

    /// Writes a prepared message to the end of `dst`.
    ///
    /// A server writes the frame that was encoded before, as [`Prepared`] describes. A client, a
    /// connection with context takeover, and a message that is longer than
    /// [`fragments_of`](Self::fragments_of) allows need frames of their own: for them the method
    /// does what [`encode`](Self::encode) does.
    ///
    /// # Errors
    ///
    /// The errors of [`encode`](Self::encode) for data. Nothing is then written.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Messages, codec::Prepared};
    /// let prepared = Prepared::text("hi");
    /// let mut out = Vec::new();
    /// for _ in 0..2 {
    ///     let mut messages = Messages::new(Policy::new(Role::Server));
    ///     messages.encode_prepared(&prepared, &mut out)?;
    /// }
    /// assert_eq!(out, b"\x81\x02hi\x81\x02hi");
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    pub fn encode_prepared(
        &mut self,
        prepared: &Prepared,
        dst: &mut impl Buffer,
    ) -> Result<(), Error> {
        match self.prepared_frame(prepared)? {
            Some(frame) => {
                dst.put_ready(frame, Checked(()));
                Ok(())
            }
            None => self.data(prepared.opcode(), prepared.payload(), dst),
        }
    }

    /// Returns the frame of a prepared message as it is sent on this connection, or `None` if the
    /// connection needs frames of its own.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] after a Close frame.
    #[inline]
    pub(crate) fn prepared_frame<'a>(
        &self,
        prepared: &'a Prepared,
    ) -> Result<Option<&'a Bytes>, Error> {
        if self.frames.closing().has_sent() {
            return Err(Error::Closed);
        }
        let frame = match (self.frames.validator().role(), &self.frames.compression) {
            (Role::Client, _) => None,
            (Role::Server, None) => Some(prepared.plain()),
            (Role::Server, Some(compression)) => compression.prepared(prepared),
        };
        let fits = |(payload_len, _): &(usize, _)| *payload_len <= self.fragment();
        Ok(frame.filter(fits).map(|(_, frame)| frame))
    }
}
