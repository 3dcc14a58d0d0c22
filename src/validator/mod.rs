//! The validator of one direction of a connection.
//!
//! The validation of headers is split in two. `gate` answers on the hot path whether a header
//! breaks a rule. `rules` determines which rules it breaks, and runs only if it breaks one. Tests
//! over every header in every state show that the two agree. `known` is what both know of a header
//! whose rest has not arrived.
//!
//! `content` validates payloads. `message` stores the properties of the message that a frame
//! belongs to.

mod content;
mod gate;
mod known;
mod message;
mod rules;
#[cfg(test)]
mod tests;
use crate::{Header, OpCode, Policy, Rule, RuleSet, Utf8, Violation};

use content::Expected;
use message::MessageState;

/// A validator for one direction of a connection: for headers, and for unmasked payloads in pieces
/// of any size.
///
/// A validator does not read from a buffer and does not unmask, so it works with any parser. For
/// each frame, call [`begin`](Self::begin) once, [`payload`](Self::payload) for each piece of the
/// payload, and then [`finish`](Self::finish). At the end of the stream, call [`eof`](Self::eof).
///
/// The first violation ends the stream (RFC 6455 §7.1.7). Every later call returns it again, until
/// a call of [`resume`](Self::resume).
///
/// ```text
///              begin: text, binary            finish: close
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
    /// The number of validated bytes: the headers of begun frames, and pieces of payloads.
    offset: u64,
    /// The number of payload bytes that the message may still have.
    message_room: u64,
    /// The offset at which the rule `failed` was broken.
    failed_at: u64,
    /// The number of frames that the message may still have.
    fragment_room: u32,
    /// The maximum number of payload bytes of the next data frame, at most 0xFFFF.
    room: u16,
    /// The kinds of first bytes that the state and the policy admit.
    admitted: u8,
    /// The bits of a first byte that determine its kind: all but the RSV bits of other extensions.
    telling: u8,
    /// The message that the last data frame belongs to.
    message: MessageState,
    /// The flags `CLOSED` and `OPEN`.
    marks: u8,
    content: Expected,
    utf8: Utf8,
    /// The broken rule that ended the stream.
    failed: Option<Rule>,
}

impl Validator {
    /// Creates a validator at the start of a stream that an endpoint with this policy receives.
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
            message: MessageState::NONE,
            marks: 0,
            content: Expected::Between,
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

    /// Replaces the policy during the connection, for example to accept 4 KB before a login and 1
    /// MB after it.
    ///
    /// [`Policy::max_frame`] takes effect with the next frame. Everything else takes effect with
    /// the next message: the limits of an open message stay.
    ///
    /// # Panics
    ///
    /// Panics if the role, the RSV bits or the compression differ from those of the old policy. The
    /// opening handshake determines these.
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

    /// Begins the next frame, and validates its header (§5). No byte of the payload need have
    /// arrived.
    ///
    /// # Errors
    ///
    /// A [`Violation`] of the first rule, in order of precedence, that the header breaks in this
    /// state. If an earlier violation ended the stream, the function returns that violation.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if the previous frame is not finished.
    ///
    /// ```
    /// use wsvet::{Accepts, Header, OpCode, Policy, Role, Rule, Validator};
    ///
    /// let mut validator = Validator::new(Policy::new(Role::Client).accepts(Accepts::BinaryOnly));
    /// let violation = validator.begin(&Header::new(OpCode::Text, 1 << 40)).unwrap_err();
    /// assert_eq!(violation.rule, Rule::UnsupportedData); // 1003, before any payload
    /// ```
    #[inline]
    pub fn begin(&mut self, header: &Header) -> Result<(), Violation> {
        self.begin_or(header, |(_, violation)| violation)
    }

    /// Validates a header as [`begin`](Self::begin) does. `error` converts all rules that the
    /// header breaks and the violation to the error.
    #[inline(always)]
    pub(crate) fn begin_or<E>(
        &mut self,
        header: &Header,
        error: impl FnOnce((RuleSet, Violation)) -> E,
    ) -> Result<(), E> {
        debug_assert!(
            self.content == Expected::Between || self.failed.is_some(),
            "the frame before was not finished"
        );
        if !self.admits(header) {
            return Err(error(self.refuse(header)));
        }
        self.enter(header);
        Ok(())
    }

    /// Validates the next piece of the payload, of any size (§5.5.1, §8.1). The bytes must be
    /// unmasked.
    ///
    /// Pass the pieces of a payload in order. A frame without a payload needs no call. The
    /// validator does not check that the lengths of the pieces add up to the payload length of the
    /// header.
    ///
    /// # Errors
    ///
    /// * A [`Violation`] of [`Rule::InvalidUtf8`] or [`Rule::InvalidCloseReason`] if the text is
    ///   not UTF-8, at the first byte that shows it.
    /// * A [`Violation`] of [`Rule::InvalidCloseCode`] if an endpoint must not send the close code,
    ///   at the first byte of the code.
    /// * The violation that ended the stream, if one did.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if no frame has begun.
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
        if self.content == Expected::Opaque && self.failed.is_none() {
            self.offset += plain.len() as u64;
            return Ok(());
        }
        self.payload_plain(plain)
    }

    /// Ends the frame, after its whole payload (§8.1).
    ///
    /// # Errors
    ///
    /// A [`Violation`] of [`Rule::InvalidUtf8`] or [`Rule::InvalidCloseReason`] if the message or
    /// the reason ends inside a character, at the last byte of the frame. If an earlier violation
    /// ended the stream, the function returns that violation.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if no frame has begun.
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
        debug_assert_ne!(self.content, Expected::Between, "finish before begin");
        let content = core::mem::replace(&mut self.content, Expected::Between);
        match content {
            Expected::LastText if !self.utf8.is_complete() => {
                Err(self.fail(Rule::InvalidUtf8, self.offset - 1))
            }
            Expected::CodeHigh | Expected::CodeLow(_) | Expected::Reason | Expected::CloseRest => {
                self.finish_close(content)
            }
            _ => Ok(()),
        }
    }

    /// Skips `len` bytes of the payload that are not available, for example because a capture lacks
    /// them or a log contains only the headers.
    ///
    /// The bytes count towards the offset, up to the offset 2^64 - 2^62. They are not validated, nor
    /// is the rest of the text message or of the Close frame that they belong to.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if no frame has begun.
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
        debug_assert_ne!(self.content, Expected::Between, "payload before begin");
        self.offset = self.offset.saturating_add(len).min(FARTHEST);
        self.lose_content();
    }

    /// Skips bytes of which it is not known what they are. A header starts after them, and no message is
    /// open.
    pub(crate) fn lose(&mut self, len: u64) {
        self.offset = self.offset.saturating_add(len).min(FARTHEST);
        self.content = Expected::Between;
        self.message = MessageState::NONE;
        self.utf8 = Utf8::new();
        self.marks &= !OPEN;
        self.start_message(self.policy.max_message);
    }

    /// Validates a whole frame: calls [`begin`](Self::begin), [`payload`](Self::payload) and
    /// [`finish`](Self::finish).
    ///
    /// `plain` is the whole payload, unmasked.
    ///
    /// # Errors
    ///
    /// The [`Violation`] of the first of these calls that returns one.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if the previous frame is not finished.
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

    /// Validates the end of the stream (§7.1.5).
    ///
    /// `unread` is the number of bytes of a cut header at the end of the stream. After a whole Close
    /// frame, the stream may end anywhere. A Close frame that the stream ends inside is not a Close
    /// frame.
    ///
    /// # Errors
    ///
    /// A [`Violation`] of [`Rule::EofInFrame`] if the stream ends inside a frame, or of
    /// [`Rule::EofWithoutClose`] if it ends between two frames. The offset of both is the length of
    /// the stream. If an earlier violation ended the stream, the function returns that violation.
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
        } else if self.content != Expected::Between || unread > 0 {
            Err(self.fail(Rule::EofInFrame, end))
        } else {
            Err(self.fail(Rule::EofWithoutClose, end))
        }
    }

    /// Clears the violation, so that the validator can continue. This is for linters: an endpoint
    /// must not continue (§7.1.7).
    ///
    /// What to do next depends on the call that returned the violation:
    ///
    /// * [`begin`](Self::begin) or [`payload`](Self::payload): the frame has begun. Pass the rest
    ///   of its payload, and finish the frame as usual.
    /// * [`finish`](Self::finish): the frame is finished. Continue with the next frame.
    /// * [`eof`](Self::eof): the stream has ended.
    ///
    /// The state follows the header, even if the header breaks a rule. For example, a text frame
    /// inside a fragmented message starts a new message. The validator does not validate content
    /// without a known meaning ([`Rule::loses_content`]), nor the rest of a text that is not UTF-8.
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

    /// Returns the violation that ended the stream, or `None` if none did (§7.1.7).
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

    /// Returns the number of validated bytes: the headers of begun frames, and the payload that was
    /// passed or skipped.
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

    /// Returns the opcode of the open fragmented message, text or binary, or `None` if no message
    /// is open (§5.4).
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

    /// Returns the opcode of the message that the last data frame belongs to: text or binary, also
    /// if that frame is a continuation frame (§5.4).
    ///
    /// Returns [`OpCode::Continuation`] if no message has begun.
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
    /// If permessage-deflate is negotiated, the bit 4 means that the message is compressed (RFC
    /// 7692 §6).
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

    /// Returns whether the last frame that has begun, with this header, belongs to a compressed
    /// message (RFC 7692 §6).
    pub(crate) const fn is_compressed(&self, header: &Header) -> bool {
        self.policy.negotiates_deflate()
            && header.opcode().belongs_to_message()
            && self.message_rsv() & 4 != 0
    }

    const fn is_open(&self) -> bool {
        self.marks & OPEN != 0
    }

    /// Returns whether a whole Close frame has arrived. No data may follow it (§5.5.1).
    ///
    /// ```
    /// # use wsvet::{Header, OpCode, Policy, Role, Validator};
    /// let mut validator = Validator::new(Policy::new(Role::Client));
    /// validator.begin(&Header::new(OpCode::Close, 0))?;
    /// assert!(!validator.is_closed());
    /// validator.finish()?;
    /// assert!(validator.is_closed());
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    #[inline]
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.marks & CLOSED != 0
    }

    /// Returns the role of the receiver.
    #[cfg(feature = "std")]
    pub(crate) const fn role(&self) -> crate::Role {
        self.policy.role
    }

    /// Passes an unfragmented message whose frame has `frame` bytes, header and payload.
    ///
    /// The header must be [admitted](Self::admits_common), and the payload must break no rule.
    #[inline(always)]
    pub(crate) fn pass_single(&mut self, frame: usize) {
        debug_assert!(self.failed.is_none(), "a stream that has ended admits nothing");
        self.offset += frame as u64;
    }

    /// Changes the state to that after the header.
    #[inline]
    fn enter(&mut self, header: &Header) {
        let opcode = header.opcode();
        self.offset += header.header_len() as u64;
        self.content = Expected::Opaque;
        if opcode.starts_message() {
            self.utf8 = Utf8::new();
            self.message = MessageState::new(header.first_byte());
            if header.fin() && !self.is_open() {
                // An unfragmented message does not change the limits.
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
            self.content = Expected::CodeHigh;
        }
    }

    /// Begins a fragment of the open message.
    #[inline]
    fn enter_fragment(&mut self, len: u64, last: bool) {
        self.content = self.message.content(last);
        self.take_room(len, last);
    }

    /// Subtracts a fragment of `len` bytes from the limits of the open message, or closes the
    /// message if the fragment is its last.
    #[inline]
    fn take_room(&mut self, len: u64, last: bool) {
        if last {
            self.marks &= !OPEN;
            self.start_message(self.policy.max_message);
            return;
        }
        // After a violation, the fragment may exceed the limits.
        self.message_room = self.message_room.saturating_sub(len);
        self.fragment_room = self.fragment_room.saturating_sub(1);
        if self.message_room < u64::from(self.room) {
            self.room = self.message_room as u16;
        }
        if self.fragment_room == 0 {
            self.admitted = self.admitted_kinds();
        }
    }

    /// Sets the limits of the open message, or of the next message if none is open.
    #[inline(never)]
    fn start_message(&mut self, room: u64) {
        self.message_room = room;
        self.fragment_room = self.policy.max_fragments;
        self.room = least_u16(self.policy.max_frame, self.message_room);
        self.admitted = self.admitted_kinds();
    }
}

/// Returns the least of `a`, `b` and 0xFFFF.
const fn least_u16(a: u64, b: u64) -> u16 {
    let least = if a < b { a } else { b };
    if least < 0xFFFF { least as u16 } else { 0xFFFF }
}

/// The largest offset that skipped bytes lead to. Received bytes are far too few to lead from here to
/// an overflow, so that the hot path need not check for one.
const FARTHEST: u64 = u64::MAX - (1 << 62);

/// A Close frame was finished.
const CLOSED: u8 = 1;
/// A fragmented message is open.
const OPEN: u8 = 1 << 1;
