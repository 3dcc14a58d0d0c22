//! Frames in, whole messages out.

use core::fmt;

use bytes::{Bytes, BytesMut};

use super::{Close, Message, Utf8Bytes};
use crate::{CloseFrame, FrameBuf, OpCode, Policy, Role, Rule, Violation};

/// Joins frames into messages (RFC 6455 §5.4).
///
/// A message in a single frame keeps the frame's memory. The fragments of a message are copied into
/// one buffer.
///
/// An assembler keeps every fragment of an open message: up to 64 MiB in up to 131,072 frames, unless
/// it is created with [another policy](Self::with_policy). Let a [`Validator`](crate::Validator) see
/// each frame first: it finds the same faults earlier, and names the byte.
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
    /// The payloads of the open message so far.
    parts: BytesMut,
    /// Its opcode.
    open: Option<OpCode>,
    /// How many frames it has.
    fragments: u32,
    max_message: u64,
    max_fragments: u32,
}

impl Assembler {
    /// Creates an assembler for one direction of a connection. No message is open.
    ///
    /// ```
    /// assert_eq!(wsvet::Assembler::new().kept(), 0);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::with_policy(Policy::new(Role::Server))
    }

    /// Creates an assembler with the limits of a policy for a message: its payload bytes and its frames.
    /// A limit that the policy does not set is that of [`new`](Self::new), unless the policy says
    /// [`no_limit`](Policy::no_limit).
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

    /// Returns how many bytes of an open message are kept.
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

    /// Takes a frame, its payload unmasked, and returns the message that ends with it, if any
    /// (§5.4). A control frame is a message of its own.
    ///
    /// The length of the payload counts, not the one in the header.
    ///
    /// # Errors
    ///
    /// [`InvalidMessage`] if the frame cannot be part of a message. The frame is dropped; if it was
    /// to end a text that is not UTF-8, the fragments before it are dropped, too.
    ///
    /// A frame with an RSV bit is such a frame: its payload means what an extension says (§5.8). Undo
    /// the extension and clear the bits with [`Header::with_rsv`](crate::Header::with_rsv) first.
    /// After a validator whose policy has no extensions there is no other error.
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

    /// Returns why a frame with this payload is too much for its message, if it is.
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

/// Makes a data message of its whole payload.
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

/// Makes a message of a control frame.
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

/// A frame that cannot be part of a [`Message`], and the rule that it breaks.
///
/// [`Assembler::frame`] returns it. A [`Violation`] of a
/// [`Validator`](crate::Validator) also names the byte.
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
