//! The assembler, which joins frames into whole messages (RFC 6455 §5.4).

use core::fmt;

use bytes::{Bytes, BytesMut};

use super::{Close, Message, Utf8Bytes};
use crate::{CloseFrame, FrameBuf, OpCode, Policy, Role, Rule, Violation};

/// An assembler that joins the frames of one direction into messages (RFC 6455 §5.4).
///
/// A message in a single frame keeps the memory of the frame. The fragments of a message are copied
/// into one buffer.
///
/// An assembler keeps every fragment of an open message: up to 64 MiB in up to 131,072 frames.
/// [`with_policy`](Self::with_policy) sets other limits.
///
/// Pass each frame to a [`Validator`](crate::Validator) first. It finds the same errors earlier,
/// and names the byte.
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
///     messages.extend(assembler.frame(frame)?);
/// }
/// assert_eq!(messages, [Message::Ping("".into()), Message::text("hi")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Assembler {
    /// The joined payloads of the fragments of the open message.
    parts: BytesMut,
    /// The opcode of the open message, or `None` if no message is open.
    open: Option<OpCode>,
    /// The number of frames of the open message so far.
    fragments: u32,
    max_message: u64,
    max_fragments: u32,
}

impl Assembler {
    /// Creates an assembler for one direction of a connection.
    ///
    /// No message is open. A message may have 64 MiB and 131,072 frames.
    ///
    /// ```
    /// assert_eq!(wsvet::Assembler::new().kept(), 0);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::with_policy(Policy::new(Role::Server))
    }

    /// Creates an assembler with the limits of a policy: the payload bytes and the frames that a
    /// message may have.
    ///
    /// If the policy does not set a limit, the assembler uses that of [`new`](Self::new). If the
    /// policy is created with [`no_limit`](Policy::no_limit), a message has no limits.
    ///
    /// ```
    /// use wsvet::{Assembler, Frame, Header, OpCode, Policy, Role, Rule};
    ///
    /// let mut assembler = Assembler::with_policy(Policy::new(Role::Server).max_message(1));
    /// let frame = Frame { header: Header::new(OpCode::Text, 2), payload: "hi".into() };
    /// assert_eq!(assembler.frame(frame).unwrap_err().rule, Rule::MessageTooBig);
    /// ```
    #[must_use]
    pub fn with_policy(policy: Policy) -> Self {
        let Policy { max_message, max_fragments, .. } = policy.collecting_messages();
        Self { parts: BytesMut::new(), open: None, fragments: 0, max_message, max_fragments }
    }

    /// Returns the number of payload bytes of the open message that the assembler keeps.
    ///
    /// ```
    /// # use wsvet::{Assembler, Frame, Header, OpCode};
    /// let mut assembler = Assembler::new();
    /// let header = Header::new(OpCode::Text, 2).not_final();
    /// assembler.frame(Frame { header, payload: "hi".into() })?;
    /// assert_eq!(assembler.kept(), 2);
    /// # Ok::<(), wsvet::InvalidMessage>(())
    /// ```
    #[must_use]
    pub fn kept(&self) -> usize {
        self.parts.len()
    }

    /// Returns whether a message is open.
    #[cfg(feature = "std")]
    pub(crate) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Returns the capacity in bytes of the buffer of the open message.
    #[cfg(feature = "std")]
    pub(crate) fn capacity(&self) -> usize {
        self.parts.capacity()
    }

    /// Adds the next frame, and returns the message that ends with it, or `None` if the message is
    /// still open (§5.4).
    ///
    /// The payload must be unmasked. A control frame is returned as a message at once, and does not
    /// change the open message. The assembler uses the length of the payload, and ignores the
    /// length in the header.
    ///
    /// # Errors
    ///
    /// An [`InvalidMessage`] if the frame cannot be part of a message. The frame is dropped. If the
    /// frame is the last of a text message that is not UTF-8, the fragments before it are dropped
    /// too.
    ///
    /// A frame with an RSV bit is an error, because an extension defines what its payload means
    /// (§5.8). Undo the extension, and clear the bits with
    /// [`Header::with_rsv`](crate::Header::with_rsv) first.
    ///
    /// If a validator whose policy has no extensions has accepted every frame, only the limits of
    /// the assembler can cause an error.
    ///
    /// ```
    /// # use wsvet::{Assembler, Frame, Header, Message, OpCode, Rule};
    /// let mut assembler = Assembler::new();
    /// let frame = Frame { header: Header::new(OpCode::Text, 2), payload: "hi".into() };
    /// assert_eq!(assembler.frame(frame.clone())?, Some(Message::text("hi")));
    ///
    /// let of_an_extension = Frame { header: frame.header.with_rsv(2), ..frame };
    /// assert_eq!(assembler.frame(of_an_extension).unwrap_err().rule, Rule::ReservedBits);
    /// # Ok::<(), wsvet::InvalidMessage>(())
    /// ```
    pub fn frame(&mut self, frame: FrameBuf) -> Result<Option<Message>, InvalidMessage> {
        let FrameBuf { header, payload } = frame;
        let opcode = header.opcode();
        if header.rsv() != 0 {
            return Err(InvalidMessage { rule: Rule::ReservedBits });
        }
        let continues = opcode == OpCode::Continuation;
        if opcode.belongs_to_message() && continues == self.open.is_some() {
            self.check_limits(continues, &payload)?;
        }
        match opcode {
            OpCode::Text | OpCode::Binary if self.open.is_some() => {
                Err(InvalidMessage { rule: Rule::InterruptedMessage })
            }
            OpCode::Text | OpCode::Binary if header.fin() => whole(opcode, payload).map(Some),
            OpCode::Text | OpCode::Binary => {
                self.open = Some(opcode);
                self.fragments = 1;
                self.parts = BytesMut::from(&payload[..]);
                Ok(None)
            }
            OpCode::Continuation => {
                let Some(opcode) = self.open else {
                    return Err(InvalidMessage { rule: Rule::UnexpectedContinuation });
                };
                self.fragments += 1;
                self.parts.extend_from_slice(&payload);
                if !header.fin() {
                    return Ok(None);
                }
                self.open = None;
                whole(opcode, core::mem::take(&mut self.parts).freeze()).map(Some)
            }
            _ if opcode.is_reserved() => Err(InvalidMessage { rule: Rule::ReservedOpcode }),
            _ if !header.fin() => Err(InvalidMessage { rule: Rule::FragmentedControl }),
            _ => control(opcode, payload).map(Some),
        }
    }

    /// Checks the limits of a message that a frame with this payload is added to.
    ///
    /// # Errors
    ///
    /// An [`InvalidMessage`] if the message has too many bytes or too many frames with it.
    fn check_limits(&self, continues: bool, payload: &Bytes) -> Result<(), InvalidMessage> {
        let (kept, frames) = if continues { (self.kept(), self.fragments) } else { (0, 0) };
        if (kept + payload.len()) as u64 > self.max_message {
            Err(InvalidMessage { rule: Rule::MessageTooBig })
        } else if frames >= self.max_fragments {
            Err(InvalidMessage { rule: Rule::TooManyFragments })
        } else {
            Ok(())
        }
    }
}

impl Default for Assembler {
    /// Creates an assembler as [`Assembler::new`] does.
    ///
    /// ```
    /// assert_eq!(wsvet::Assembler::default().kept(), 0);
    /// ```
    fn default() -> Self {
        Self::new()
    }
}

/// Creates a data message from its whole payload.
#[inline]
fn whole(opcode: OpCode, payload: Bytes) -> Result<Message, InvalidMessage> {
    match opcode {
        OpCode::Text => match Utf8Bytes::checked(payload) {
            Some(text) => Ok(Message::Text(text)),
            None => Err(InvalidMessage { rule: Rule::InvalidUtf8 }),
        },
        _ => Ok(Message::Binary(payload)),
    }
}

/// Creates the message of a control frame.
fn control(opcode: OpCode, payload: Bytes) -> Result<Message, InvalidMessage> {
    if payload.len() > CloseFrame::MAX_BODY_LEN {
        return Err(InvalidMessage { rule: Rule::OversizedControl });
    }
    match opcode {
        OpCode::Ping => Ok(Message::Ping(payload)),
        OpCode::Pong => Ok(Message::Pong(payload)),
        _ => close(&payload),
    }
}

fn close(body: &Bytes) -> Result<Message, InvalidMessage> {
    let invalid = |rule| InvalidMessage { rule };
    let decoded = CloseFrame::decode(body).map_err(|error| invalid(error.rule))?;
    let Some(CloseFrame { code, .. }) = decoded else { return Ok(Message::Close(None)) };
    let reason = Utf8Bytes::checked(body.slice(2..));
    let reason = reason.ok_or(invalid(Rule::InvalidCloseReason))?;
    Ok(Message::Close(Some(Close { code, reason })))
}

/// The error for a frame that cannot be part of a [`Message`].
///
/// [`Assembler::frame`] returns it. The [`Violation`] that a [`Validator`](crate::Validator)
/// returns also names the byte.
///
/// ```
/// use wsvet::{Assembler, Frame, Header, OpCode};
///
/// let frame = Frame { header: Header::new(OpCode::Continuation, 1), payload: "!".into() };
/// let error = Assembler::new().frame(frame).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "unexpected-continuation: continuation frame without a message to continue",
/// );
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct InvalidMessage {
    /// The rule that the frame breaks.
    pub rule: Rule,
}

impl InvalidMessage {
    /// Returns the Close frame to reply with (§7.1.7).
    ///
    /// ```
    /// use wsvet::{Assembler, CloseCode, Frame, Header, OpCode};
    ///
    /// let payload = bytes::Bytes::from_static(b"\xFF");
    /// let frame = Frame { header: Header::new(OpCode::Text, 1), payload };
    /// let close = Assembler::new().frame(frame).unwrap_err().reply().unwrap();
    /// assert_eq!(close.code, CloseCode::INVALID_FRAME_PAYLOAD_DATA);
    /// ```
    #[must_use]
    pub fn reply(&self) -> Option<CloseFrame<'static>> {
        Violation { rule: self.rule, offset: 0 }.reply()
    }
}

impl fmt::Display for InvalidMessage {
    /// Writes the id and the text of the rule.
    ///
    /// ```
    /// use wsvet::{Assembler, Frame, Header, OpCode};
    ///
    /// let frame = Frame { header: Header::new(OpCode::Close, 1), payload: "!".into() };
    /// let error = Assembler::new().frame(frame).unwrap_err();
    /// assert!(error.to_string().starts_with("close-body-one-byte: "));
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.id(), self.rule.text())
    }
}

impl core::error::Error for InvalidMessage {}
