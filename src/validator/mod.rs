//! One direction of a connection, judged header by header and piece by piece.
//!
//! Accept fast, explain cold: `gate` answers yes or no on the hot path, and `rules` finds the rules
//! that are broken only after a no. Tests over every header in every state prove that they agree.
//! `content` judges payloads; `message` is what is known of the message that a frame belongs to.

mod content;
mod gate;
mod message;
mod rules;
#[cfg(test)]
mod tests;
use crate::kernel::unmask_ascii;
use crate::{Header, OpCode, Policy, Rule, RuleSet, Utf8, Violation};

use content::Content;
use message::Message;

/// Judges one direction of a connection: headers, and plain payloads in pieces of any size.
///
/// It sees no buffer and no masked byte, so it serves any parser. For each frame call
/// [`begin`](Self::begin) once, [`payload`](Self::payload) for each piece, then
/// [`finish`](Self::finish); at the end of the stream [`eof`](Self::eof). The first violation ends
/// the stream (RFC 6455 §7.1.7): every later call gives it again, until [`resume`](Self::resume).
///
/// ```text
///              begin: text, binary            begin: close
///   +------+  with FIN clear  +---------+   +--------------+
///   | idle |----------------->| message |   | closed: only |
///   |      |<-----------------|  open   |-->| control      |
///   +------+  continuation    +---------+   | frames       |
///       |     with FIN set                  +--------------+
///       +-----------------------------------------^
/// ```
///
/// ```
/// use wsvet::{Header, OpCode, Policy, Role, Rule, Validator};
///
/// let mut validator = Validator::new(Policy::new(Role::Client));
/// validator.begin(&Header::new(OpCode::Text, 3).not_final())?;
/// validator.payload(b"gr")?;
/// validator.payload(b"\xC3")?;
/// validator.finish()?;
///
/// // The message ends inside a character.
/// validator.begin(&Header::new(OpCode::Continuation, 0))?;
/// let violation = validator.finish().unwrap_err();
/// assert_eq!(violation.rule, Rule::InvalidUtf8);
/// assert_eq!(violation.offset, 6);
/// # Ok::<(), wsvet::Violation>(())
/// ```
#[derive(Clone, Debug)]
pub struct Validator {
    policy: Policy,
    /// Bytes of the stream that were judged: headers begun and payload pieces.
    offset: u64,
    /// Payload bytes that the message may still have.
    message_room: u64,
    /// Where `failed` was broken.
    failed_at: u64,
    /// Frames that the message may still have.
    fragment_room: u32,
    /// The most payload bytes that the next data frame may have, of those that 16 bits can count.
    room: u16,
    /// The kinds of first bytes that the state and the policy admit.
    admitted: u8,
    /// The bits of a first byte that tell its kind: all but the RSV bits of other extensions.
    telling: u8,
    /// The message that the last data frame belongs to.
    message: Message,
    /// `CLOSED`, `OPEN`.
    marks: u8,
    content: Content,
    utf8: Utf8,
    failed: Option<Rule>,
}

impl Validator {
    /// The start of a stream: nothing has been judged.
    ///
    /// ```
    /// use wsvet::{Policy, Role, Validator};
    ///
    /// assert_eq!(Validator::new(Policy::new(Role::Server)).offset(), 0);
    /// ```
    #[must_use]
    pub const fn new(policy: Policy) -> Self {
        let mut validator = Self {
            policy,
            offset: 0,
            message_room: policy.max_message,
            failed_at: 0,
            fragment_room: policy.max_fragments,
            admitted: 0,
            room: least_u16(policy.max_frame, policy.max_message),
            telling: !((policy.rsv & if policy.negotiates_deflate() { 3 } else { 7 }) << 4),
            message: Message::NONE,
            marks: 0,
            content: Content::Between,
            utf8: Utf8::new(),
            failed: None,
        };
        validator.admitted = validator.admitted_kinds();
        validator
    }

    /// Returns the policy.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, Validator};
    /// let policy = Policy::new(Role::Server);
    /// assert_eq!(Validator::new(policy).policy(), policy);
    /// ```
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// Changes what is accepted during the connection, such as 4 KB before the login and 1 MB after
    /// it.
    ///
    /// [`Policy::max_frame`] takes effect with the next frame, everything else with the next message:
    /// the limits of a message that is open stay.
    ///
    /// # Panics
    ///
    /// If the role, the RSV bits or the compression differ. These are settled in the handshake.
    ///
    /// ```
    /// use wsvet::{Header, OpCode, Policy, Role, Rule, Validator};
    ///
    /// let mut validator = Validator::new(Policy::new(Role::Client).max_message(4 << 10));
    /// validator.set_policy(validator.policy().max_message(1 << 20));
    /// assert!(validator.begin(&Header::new(OpCode::Binary, 1 << 20)).is_ok());
    /// ```
    pub fn set_policy(&mut self, policy: Policy) {
        let settled = |policy: Policy| (policy.role, policy.rsv & 7, policy.compression);
        assert_eq!(settled(policy), settled(self.policy), "these are settled in the handshake");
        self.policy = policy;
        if !self.is_open() {
            self.message_room = policy.max_message;
            self.fragment_room = policy.max_fragments;
        }
        self.room = least_u16(policy.max_frame, self.message_room);
        if self.failed.is_none() {
            self.admitted = self.admitted_kinds();
        }
    }

    /// Judges a header, before a byte of its payload is waited for (§5).
    ///
    /// # Errors
    ///
    /// The [`Violation`] of the first rule in precedence that the header breaks in this state; or
    /// the one that ended the stream before.
    ///
    /// # Panics
    ///
    /// With debug assertions, where the frame before was not finished.
    ///
    /// ```
    /// use wsvet::{Accepts, Header, OpCode, Policy, Role, Rule, Validator};
    ///
    /// let mut validator = Validator::new(Policy::new(Role::Client).accepts(Accepts::BinaryOnly));
    /// let violation = validator.begin(&Header::new(OpCode::Text, 1 << 40)).unwrap_err();
    /// assert_eq!(violation.rule, Rule::UnsupportedData); // 1003, with no payload read
    /// ```
    #[inline]
    pub fn begin(&mut self, header: &Header) -> Result<(), Violation> {
        self.begin_or(header, |(_, violation)| violation)
    }

    /// Judges a header as [`begin`](Self::begin) does, and makes the error of all rules that it
    /// breaks and of the violation.
    #[inline(always)]
    pub(crate) fn begin_or<E>(
        &mut self,
        header: &Header,
        error: impl FnOnce((RuleSet, Violation)) -> E,
    ) -> Result<(), E> {
        debug_assert!(
            self.content == Content::Between || self.failed.is_some(),
            "the frame before was not finished"
        );
        if !self.admits(header) {
            return Err(error(self.refuse(header)));
        }
        self.enter(header);
        Ok(())
    }

    /// Judges the next piece of the payload: plain bytes, unmasked, as many as there are (§5.5.1,
    /// §8.1).
    ///
    /// A frame without a payload needs no call. The pieces of a frame are its payload in order;
    /// that they add up to `payload_len` is the caller's business.
    ///
    /// # Errors
    ///
    /// A [`Violation`] of [`Rule::InvalidUtf8`] or [`Rule::InvalidCloseReason`] at the byte that
    /// proves it, or of [`Rule::InvalidCloseCode`] at the first byte of the code; or the one that
    /// ended the stream before.
    ///
    /// # Panics
    ///
    /// With debug assertions, where no frame was begun.
    ///
    /// ```
    /// use wsvet::{Header, OpCode, Policy, Role, Rule, Validator};
    ///
    /// let mut validator = Validator::new(Policy::new(Role::Client));
    /// validator.begin(&Header::new(OpCode::Close, 2))?;
    /// let violation = validator.payload(&1006u16.to_be_bytes()).unwrap_err();
    /// assert_eq!(violation.rule, Rule::InvalidCloseCode);
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    #[inline]
    pub fn payload(&mut self, plain: &[u8]) -> Result<(), Violation> {
        let passes = self.failed.is_none()
            && match self.content {
                Content::Opaque => true,
                Content::Text | Content::LastText => {
                    self.utf8.is_complete() && unmask_ascii(0, plain)
                }
                _ => false,
            };
        if passes {
            self.offset += plain.len() as u64;
            return Ok(());
        }
        self.payload_plain(plain)
    }

    /// Ends the frame: its whole payload was given (§8.1).
    ///
    /// # Errors
    ///
    /// A [`Violation`] of [`Rule::InvalidUtf8`] or [`Rule::InvalidCloseReason`] where the message
    /// or the reason ends inside a character, at the last byte of the frame; or the one that ended
    /// the stream before.
    ///
    /// # Panics
    ///
    /// With debug assertions, where no frame was begun.
    ///
    /// ```
    /// use wsvet::{Header, OpCode, Policy, Role, Validator};
    ///
    /// let mut validator = Validator::new(Policy::new(Role::Client));
    /// validator.begin(&Header::new(OpCode::Ping, 0))?;
    /// validator.finish()?;
    /// assert_eq!(validator.offset(), 2);
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    #[inline]
    pub fn finish(&mut self) -> Result<(), Violation> {
        self.still_good()?;
        debug_assert_ne!(self.content, Content::Between, "finish before begin");
        let content = core::mem::replace(&mut self.content, Content::Between);
        match content {
            Content::LastText if !self.utf8.is_complete() => {
                Err(self.fail(Rule::InvalidUtf8, self.offset - 1))
            }
            Content::Reason if !self.utf8.is_complete() => {
                Err(self.fail(Rule::InvalidCloseReason, self.offset - 1))
            }
            _ => Ok(()),
        }
    }

    /// Passes over bytes of the payload that nobody has: a capture lacks them, or a log kept the
    /// headers alone.
    ///
    /// They count, and are not judged; what text they were a part of is not judged any further.
    ///
    /// # Panics
    ///
    /// With debug assertions, where no frame was begun.
    ///
    /// ```
    /// use wsvet::{Header, OpCode, Policy, Role, Validator};
    ///
    /// let mut validator = Validator::new(Policy::new(Role::Client));
    /// validator.begin(&Header::new(OpCode::Text, 5))?;
    /// validator.skip(4);
    /// validator.payload(b"\xFF")?; // it may be the end of a character
    /// validator.finish()?;
    /// assert_eq!(validator.offset(), 7);
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn skip(&mut self, len: u64) {
        if len == 0 || self.failed.is_some() {
            return;
        }
        debug_assert_ne!(self.content, Content::Between, "payload before begin");
        self.offset = self.offset.saturating_add(len);
        self.lose_content();
    }

    /// Judges a whole frame: [`begin`](Self::begin), [`payload`](Self::payload) and
    /// [`finish`](Self::finish) in one.
    ///
    /// `plain` is the whole payload, unmasked.
    ///
    /// # Errors
    ///
    /// The [`Violation`] of the first of the three that finds one.
    ///
    /// # Panics
    ///
    /// With debug assertions, where the frame before was not finished.
    ///
    /// ```
    /// use wsvet::{Header, OpCode, Policy, Role, Validator};
    ///
    /// let mut validator = Validator::new(Policy::new(Role::Client));
    /// validator.frame(&Header::new(OpCode::Text, 2), b"hi")?;
    /// assert_eq!(validator.offset(), 4);
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    #[inline]
    pub fn frame(&mut self, header: &Header, plain: &[u8]) -> Result<(), Violation> {
        self.begin(header)?;
        self.payload(plain)?;
        self.finish()
    }

    /// Judges the end of the stream; `unread` is how many bytes came after the last whole header
    /// that are too few for another (§7.1.5).
    ///
    /// After a Close frame the stream may end anywhere.
    ///
    /// # Errors
    ///
    /// A [`Violation`] of [`Rule::EofInFrame`] or [`Rule::EofWithoutClose`], its offset the length
    /// of the stream; or the one that ended the stream before.
    ///
    /// ```
    /// use wsvet::{Header, OpCode, Policy, Role, Rule, Validator};
    ///
    /// let mut validator = Validator::new(Policy::new(Role::Client));
    /// validator.begin(&Header::new(OpCode::Text, 10))?;
    /// validator.payload(b"Hello")?;
    /// let violation = validator.eof(0).unwrap_err();
    /// assert_eq!((violation.rule, violation.offset), (Rule::EofInFrame, 7));
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn eof(&mut self, unread: usize) -> Result<(), Violation> {
        self.still_good()?;
        let end = self.offset.saturating_add(unread as u64);
        if self.is_closed() {
            Ok(())
        } else if self.content != Content::Between || unread > 0 {
            Err(self.fail(Rule::EofInFrame, end))
        } else {
            Err(self.fail(Rule::EofWithoutClose, end))
        }
    }

    /// Forgets the violation, so that a linter can judge on. An endpoint must not (§7.1.7).
    ///
    /// After a violation from [`begin`](Self::begin) or [`payload`](Self::payload) the frame counts
    /// as begun: give what is left of its payload and finish it as any other. After one from
    /// [`finish`](Self::finish) it is finished, and after one from [`eof`](Self::eof) all is over.
    /// Its state is what its header says: a text frame inside a fragmented message, for one, opens
    /// a message of its own. Content whose meaning is lost, and the rest of a text that was not
    /// UTF-8, is not judged any further.
    ///
    /// ```
    /// use wsvet::{Header, OpCode, Policy, Role, Rule, Validator};
    ///
    /// let mut validator = Validator::new(Policy::new(Role::Client));
    /// let header = Header::new(OpCode::Text, 0).masked([0; 4]);
    /// assert_eq!(validator.begin(&header).unwrap_err().rule, Rule::MaskedServerFrame);
    /// validator.resume();
    /// validator.finish()?;
    /// validator.begin(&Header::new(OpCode::Ping, 0))?;
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn resume(&mut self) {
        self.failed = None;
        self.admitted = self.admitted_kinds();
    }

    /// The violation that ended the stream, if one has (§7.1.7).
    ///
    /// ```
    /// # use wsvet::{Policy, Role, Validator};
    /// let mut validator = Validator::new(Policy::new(Role::Client));
    /// assert_eq!(validator.eof(1).err(), validator.violation());
    /// ```
    #[inline]
    #[must_use]
    pub const fn violation(&self) -> Option<Violation> {
        match self.failed {
            None => None,
            Some(rule) => Some(Violation { rule, offset: self.failed_at }),
        }
    }

    /// How many bytes of the stream were judged: the headers begun and the payload given.
    ///
    /// ```
    /// # use wsvet::{Header, OpCode, Policy, Role, Validator};
    /// let mut validator = Validator::new(Policy::new(Role::Client));
    /// validator.begin(&Header::new(OpCode::Binary, 300))?;
    /// assert_eq!(validator.offset(), 4);
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    #[inline]
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the opcode of the fragmented message that is open, text or binary (§5.4).
    ///
    /// ```
    /// # use wsvet::{Header, OpCode, Policy, Role, Validator};
    /// let mut validator = Validator::new(Policy::new(Role::Client));
    /// validator.begin(&Header::new(OpCode::Text, 0).not_final())?;
    /// assert_eq!(validator.open_message(), Some(OpCode::Text));
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    #[inline]
    #[must_use]
    pub const fn open_message(&self) -> Option<OpCode> {
        if self.is_open() { Some(self.message.opcode()) } else { None }
    }

    /// Returns the opcode of the message that the last data frame belongs to, text or binary, for a
    /// continuation frame too. It is [`OpCode::Continuation`] until a message has begun (§5.4).
    ///
    /// ```
    /// # use wsvet::{Header, OpCode, Policy, Role, Validator};
    /// let mut validator = Validator::new(Policy::new(Role::Client));
    /// validator.frame(&Header::new(OpCode::Text, 0).not_final(), b"")?;
    /// validator.frame(&Header::new(OpCode::Continuation, 2), b"hi")?;
    /// assert_eq!(validator.message_opcode(), OpCode::Text);
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    #[inline]
    #[must_use]
    pub const fn message_opcode(&self) -> OpCode {
        self.message.opcode()
    }

    /// Returns the RSV bits of the first frame of the message that the last data frame belongs to:
    /// RSV1 = 4, RSV2 = 2, RSV3 = 1.
    ///
    /// With permessage-deflate 4 means that the message is compressed (RFC 7692 §6).
    ///
    /// ```
    /// # use wsvet::{Header, OpCode, Policy, Role, Validator};
    /// let mut validator = Validator::new(Policy::new(Role::Client).permessage_deflate(true));
    /// validator.frame(&Header::new(OpCode::Text, 0).with_rsv(4).not_final(), b"")?;
    /// validator.begin(&Header::new(OpCode::Continuation, 2))?;
    /// assert_eq!(validator.message_rsv(), 4);
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    #[inline]
    #[must_use]
    pub const fn message_rsv(&self) -> u8 {
        self.message.rsv()
    }

    /// Returns whether the frame that has begun last, with this header, belongs to a compressed
    /// message (RFC 7692 §6).
    pub(crate) const fn is_compressed(&self, header: &Header) -> bool {
        self.policy.negotiates_deflate()
            && header.opcode().belongs_to_message()
            && self.message_rsv() & 4 != 0
    }

    const fn is_open(&self) -> bool {
        self.marks & OPEN != 0
    }

    /// Whether a Close frame has begun: no data may follow (§5.5.1).
    ///
    /// ```
    /// # use wsvet::{Header, OpCode, Policy, Role, Validator};
    /// let mut validator = Validator::new(Policy::new(Role::Client));
    /// validator.begin(&Header::new(OpCode::Close, 0))?;
    /// assert!(validator.is_closed());
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    #[inline]
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.marks & CLOSED != 0
    }

    /// Which end receives.
    #[cfg(feature = "codec")]
    pub(crate) const fn role(&self) -> crate::Role {
        self.policy.role
    }

    /// Judges and finishes a message in a single frame of so many bytes, header and payload, that
    /// is [admitted](Self::admits_common) and whose payload breaks no rule.
    #[inline(always)]
    pub(crate) fn pass_single(&mut self, frame: usize) {
        debug_assert!(self.failed.is_none(), "a stream that has ended admits nothing");
        self.offset += frame as u64;
    }

    /// Takes over what the header says.
    #[inline]
    fn enter(&mut self, header: &Header) {
        let opcode = header.opcode();
        self.offset += header.header_len() as u64;
        self.content = Content::Opaque;
        if opcode.starts_message() {
            self.utf8 = Utf8::new();
            self.message = Message::new(header.first_byte());
            if header.fin() && !self.is_open() {
                // A message in one frame leaves nothing open.
                self.content = self.message.content(true);
            } else {
                self.marks |= OPEN;
                self.start_message(self.whole_room(header));
                self.enter_fragment(header.payload_len(), header.fin());
            }
        } else if opcode == OpCode::Continuation {
            if self.is_open() {
                self.enter_fragment(header.payload_len(), header.fin());
            }
        } else if opcode == OpCode::Close {
            self.marks |= CLOSED;
            self.content = Content::CodeHigh;
            self.admitted = self.admitted_kinds();
        }
    }

    /// A fragment of the message that is open.
    #[inline]
    fn enter_fragment(&mut self, len: u64, last: bool) {
        self.content = self.message.content(last);
        self.take_room(len, last);
    }

    /// Of the room of the message that is open, and closes it with its last fragment.
    #[inline]
    fn take_room(&mut self, len: u64, last: bool) {
        if last {
            self.marks &= !OPEN;
            self.start_message(self.policy.max_message);
            return;
        }
        // After a violation there may be too little of it.
        self.message_room = self.message_room.saturating_sub(len);
        self.fragment_room = self.fragment_room.saturating_sub(1);
        if self.message_room < u64::from(self.room) {
            self.room = self.message_room as u16;
        }
        if self.fragment_room == 0 {
            self.admitted = self.admitted_kinds();
        }
    }

    /// Sets the limits for the message that is open, or else for the next.
    #[inline(never)]
    fn start_message(&mut self, room: u64) {
        self.message_room = room;
        self.fragment_room = self.policy.max_fragments;
        self.room = least_u16(self.policy.max_frame, self.message_room);
        self.admitted = self.admitted_kinds();
    }
}

const fn least_u16(a: u64, b: u64) -> u16 {
    let least = if a < b { a } else { b };
    if least < 0xFFFF { least as u16 } else { 0xFFFF }
}

/// A Close has begun.
const CLOSED: u8 = 1;
/// A fragmented message is open.
const OPEN: u8 = 1 << 1;
