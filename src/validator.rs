//! One direction of a connection, judged header by header and piece by piece.
//!
//! Accept fast, explain cold: [`Validator::admits`] answers yes or no on the hot path, and
//! `admits_common` in fewer steps for most frames; only after a no [`Validator::broken`] finds the
//! rules. Tests over every header in every state prove that the three agree.

use crate::kernel::{self, Text, unmask_ascii};
use crate::{CloseCode, Header, OpCode, Policy, Role, Rule, RuleSet, Utf8, Violation};

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
    message: Message,
    /// `CLOSED`, `INFLATED`.
    marks: u8,
    content: Content,
    code_high: u8,
    utf8: Utf8,
    failed: Option<Rule>,
}

/// The fragmented message that is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Message {
    None,
    Binary,
    /// Judged as UTF-8.
    Text,
    /// Text that an extension has changed, or whose meaning is lost.
    OpaqueText,
}

/// What the next byte of the stream is to the validator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Content {
    /// No payload: a header.
    Between,
    /// Nothing that is judged: binary, compressed, ping, pong.
    Opaque,
    /// Text, and the message goes on after this frame.
    Text,
    /// Text, and the message ends with this frame.
    LastText,
    /// The high byte of a close code.
    CodeHigh,
    /// The low byte of a close code.
    CodeLow,
    /// A reason.
    Reason,
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
            telling: !((policy.rsv & if policy.permessage_deflate { 3 } else { 7 }) << 4),
            message: Message::None,
            marks: 0,
            content: Content::Between,
            code_high: 0,
            utf8: Utf8::new(),
            failed: None,
        };
        validator.admitted = validator.admitted_kinds();
        validator
    }

    /// The same beside a judge of what compressed messages inflate to: the limit counts for that,
    /// and as they stand on the wire they may be longer.
    #[cfg(feature = "deflate")]
    pub(crate) const fn inflated(policy: Policy) -> Self {
        Self { marks: INFLATED, ..Self::new(policy) }
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
        debug_assert!(
            self.content == Content::Between || self.failed.is_some(),
            "the frame before was not finished"
        );
        if !self.admits(header) {
            return Err(self.refuse(header));
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
        self.payload_text(0, plain)
    }

    /// The same, and unmasks the piece where it can be written. After a violation the end of the
    /// piece may still be masked.
    #[inline(always)]
    pub(crate) fn payload_text(&mut self, key: u32, mut piece: impl Text) -> Result<(), Violation> {
        self.still_good()?;
        debug_assert_ne!(self.content, Content::Between, "payload before begin");
        let start = self.offset;
        self.offset += piece.bytes().len() as u64;
        match self.content {
            Content::Between | Content::Opaque => {
                kernel::unmask(key, &mut piece);
                Ok(())
            }
            Content::Text | Content::LastText => {
                if self.utf8.is_complete() && unmask_ascii(key, piece.again()) {
                    return Ok(());
                }
                self.judge_utf8(key, piece, start, Rule::InvalidUtf8)
            }
            Content::CodeHigh | Content::CodeLow | Content::Reason => {
                kernel::unmask(key, &mut piece);
                self.judge_close(piece.bytes(), start)
            }
        }
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

    /// All rules that this header breaks in this state, for linters; nothing is changed.
    ///
    /// [`begin`](Self::begin) refuses a header exactly where this set is not empty, with its first
    /// rule.
    ///
    /// ```
    /// use wsvet::{Header, OpCode, Policy, Role, Rule, Validator};
    ///
    /// let validator = Validator::new(Policy::new(Role::Server));
    /// let broken = validator.broken(&Header::new(OpCode::Ping, 126).not_final());
    /// assert!(broken.iter().eq([
    ///     Rule::FragmentedControl,
    ///     Rule::OversizedControl,
    ///     Rule::UnmaskedClientFrame,
    /// ]));
    /// ```
    #[must_use]
    pub fn broken(&self, header: &Header) -> RuleSet {
        let policy = &self.policy;
        let opcode = header.opcode();
        let len = header.payload_len();
        let control = opcode.is_control();
        let starts = opcode.starts_message();
        let continues = opcode == OpCode::Continuation;
        let open = self.message != Message::None;
        let rsv1 = header.rsv() & 4 != 0;
        let defined = policy.rsv | if policy.permessage_deflate { 4 } else { 0 };
        // A frame that starts a message has all the room there is.
        let (message_room, fragment_room) = if continues {
            (self.message_room, self.fragment_room)
        } else {
            (self.whole_room(header), policy.max_fragments)
        };
        let of_message = starts || continues;
        [
            (Rule::ReservedBits, header.rsv() & !defined != 0),
            (Rule::ReservedOpcode, opcode.is_reserved()),
            (Rule::FragmentedControl, control && !header.fin()),
            (Rule::OversizedControl, control && len > 125),
            (Rule::UnexpectedContinuation, continues && !open),
            (Rule::InterruptedMessage, starts && open),
            (Rule::MisplacedRsv1, policy.permessage_deflate && rsv1 && (control || continues)),
            (Rule::UnmaskedClientFrame, policy.role == Role::Server && !header.is_masked()),
            (Rule::MaskedServerFrame, policy.role == Role::Client && header.is_masked()),
            (Rule::NonMinimalLength, !header.is_minimal()),
            (Rule::LengthOverflow, len >> 63 == 1),
            (Rule::DataAfterClose, opcode.is_data() && self.is_closed()),
            (Rule::UnsupportedData, !policy.accepts.admits(opcode)),
            (Rule::FrameTooBig, len > policy.max_frame),
            (Rule::MessageTooBig, of_message && len > message_room),
            (Rule::TooManyFragments, of_message && fragment_room == 0),
            (Rule::CloseBodyOneByte, opcode == OpCode::Close && len == 1),
        ]
        .into_iter()
        .filter_map(|(rule, broken)| broken.then_some(rule))
        .collect()
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

    /// The opcode of the fragmented message that is open, text or binary, if one is (§5.4).
    ///
    /// ```
    /// # use wsvet::{Header, OpCode, Policy, Role, Validator};
    /// let mut validator = Validator::new(Policy::new(Role::Client));
    /// validator.begin(&Header::new(OpCode::Text, 0).not_final())?;
    /// assert_eq!(validator.message(), Some(OpCode::Text));
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    #[inline]
    #[must_use]
    pub const fn message(&self) -> Option<OpCode> {
        match self.message {
            Message::None => None,
            Message::Binary => Some(OpCode::Binary),
            Message::Text | Message::OpaqueText => Some(OpCode::Text),
        }
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
    pub(crate) const fn role(&self) -> Role {
        self.policy.role
    }

    /// Where the payload starts and how long it is, if the header at the front of this window
    /// breaks no rule and is of the most common kind: of a message in a single frame, or of a
    /// fragment that is not the first, of less than 64 KiB. Nothing is changed.
    #[inline(always)]
    pub(crate) fn admits_common(&self, window: &[u8; Header::MAX_LEN]) -> Option<(usize, usize)> {
        let [first, second, high, low, ..] = *window;
        let mask = self.policy.role.mask_bit();
        let key = usize::from(mask >> 5);
        // A mask bit that is wrong makes it more than 127.
        let (start, len) = match second ^ mask {
            len @ 0..=125 => (2 + key, u16::from(len)),
            126 if u16::from_be_bytes([high, low]) > 125 => {
                (4 + key, u16::from_be_bytes([high, low]))
            }
            _ => return None,
        };
        let kind = COMMON[usize::from(first & self.telling)];
        let admitted = kind & self.admitted != 0 && len <= self.room;
        admitted.then_some((start, usize::from(len)))
    }

    /// Judges and finishes a fragment, not the first, that is [admitted](Self::admits_common), of
    /// which all is there; it is unmasked where there is a key.
    #[inline(always)]
    pub(crate) fn fragment(
        &mut self,
        header_len: usize,
        last: bool,
        key: Option<u32>,
        payload: &mut [u8],
    ) -> Result<(), Violation> {
        debug_assert!(self.failed.is_none(), "a stream that has ended admits nothing");
        let message = self.message;
        let len = payload.len() as u64;
        self.offset += header_len as u64 + len;
        self.take_room(len, last);
        match key {
            Some(key) if message != Message::Text => kernel::mask(key, payload),
            None if message != Message::Text => {}
            Some(key) if self.utf8.is_complete() && unmask_ascii(key, &mut *payload) => {}
            key => self.text_fragment(last, key, payload)?,
        }
        Ok(())
    }

    /// The content of a fragment of text, whatever it is; the fragment is counted already.
    #[inline(never)]
    fn text_fragment(
        &mut self,
        last: bool,
        key: Option<u32>,
        payload: &mut [u8],
    ) -> Result<(), Violation> {
        let start = self.offset - payload.len() as u64;
        match key {
            Some(key) => self.judge_utf8(key, payload, start, Rule::InvalidUtf8)?,
            None => self.judge_utf8(0, &*payload, start, Rule::InvalidUtf8)?,
        }
        if last && !self.utf8.is_complete() {
            return Err(self.fail(Rule::InvalidUtf8, self.offset - 1));
        }
        Ok(())
    }

    /// Judges and finishes a message in a single frame of so many bytes, header and payload, that
    /// is [admitted](Self::admits_common) and whose payload breaks no rule.
    #[inline(always)]
    pub(crate) fn pass_single(&mut self, frame: usize) {
        debug_assert!(self.failed.is_none(), "a stream that has ended admits nothing");
        self.offset += frame as u64;
    }

    /// The hot half of [`broken`](Self::broken): whether the header breaks no rule.
    #[inline]
    fn admits(&self, header: &Header) -> bool {
        let policy = &self.policy;
        let len = header.payload_len();
        let kind = KINDS[usize::from(header.first_byte() & self.telling)];
        let control = kind & (CONTROL | CLOSE) != 0;
        let short = header.second_byte() & 0x7F <= 125;
        kind & self.admitted != 0
            && header.is_masked() == (policy.role == Role::Server)
            && (short || (!control && header.is_minimal() && len >> 63 == 0))
            && len <= policy.max_frame
            && match kind {
                CONTROL => true,
                CLOSE => len != 1,
                DEFLATED_TEXT | DEFLATED_BINARY => len <= self.compressed_room(),
                _ => len <= self.message_room,
            }
    }

    /// The payload bytes that a message may have whose first header this is.
    const fn whole_room(&self, first: &Header) -> u64 {
        if self.policy.permessage_deflate && first.rsv() & 4 != 0 {
            self.compressed_room()
        } else {
            self.policy.max_message
        }
    }

    /// The payload bytes that a compressed message may have on the wire.
    const fn compressed_room(&self) -> u64 {
        let room = self.policy.max_message;
        // With a stored block for each byte, they are six times as many.
        if self.marks & INFLATED == 0 { room } else { room.saturating_mul(6).saturating_add(64) }
    }

    /// The kinds of first bytes that may come next.
    const fn admitted_kinds(&self) -> u8 {
        let policy = &self.policy;
        if self.is_closed() {
            return CONTROL | CLOSE;
        }
        let mut kinds = CONTROL | CLOSE;
        if self.fragment_room == 0 {
            return kinds;
        }
        if !matches!(self.message, Message::None) {
            return kinds | CONTINUATION;
        }
        if policy.accepts.admits(OpCode::Text) {
            kinds |= if policy.permessage_deflate { TEXT | DEFLATED_TEXT } else { TEXT };
        }
        if policy.accepts.admits(OpCode::Binary) {
            kinds |= if policy.permessage_deflate { BINARY | DEFLATED_BINARY } else { BINARY };
        }
        kinds
    }

    /// Takes over what the header says.
    #[inline]
    fn enter(&mut self, header: &Header) {
        let opcode = header.opcode();
        self.offset += header.header_len() as u64;
        self.content = Content::Opaque;
        if opcode.starts_message() {
            self.utf8 = Utf8::new();
            let message = message_of(header);
            if header.fin() && self.message == Message::None {
                // A message in one frame leaves nothing open.
                self.content = message.content(true);
            } else {
                self.open(message, self.whole_room(header));
                self.enter_fragment(header.payload_len(), header.fin());
            }
        } else if opcode == OpCode::Continuation {
            if self.message != Message::None {
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
            self.open(Message::None, self.policy.max_message);
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

    /// A message is open from here on, or none: with so much room for it, or for the next.
    #[inline(never)]
    fn open(&mut self, message: Message, room: u64) {
        self.message = message;
        self.message_room = room;
        self.fragment_room = self.policy.max_fragments;
        self.room = least_u16(self.policy.max_frame, self.message_room);
        self.admitted = self.admitted_kinds();
    }

    /// The header breaks a rule: which, and where.
    #[cold]
    fn refuse(&mut self, header: &Header) -> Violation {
        if let Some(violation) = self.violation() {
            return violation;
        }
        let broken = self.broken(header);
        let start = self.offset;
        self.enter(header);
        // What the payload means is unknown, or its end is: it is not judged after `resume`.
        if broken.iter().any(Rule::loses_content) {
            self.content = Content::Opaque;
            // A control frame, or one that has no meaning at all, is no part of the message.
            let opcode = header.opcode();
            if self.message == Message::Text && !(opcode.is_control() || opcode.is_reserved()) {
                self.message = Message::OpaqueText;
            }
        }
        match broken.first() {
            Some(rule) => self.fail(rule, Violation::in_header(rule, start).offset),
            None => unreachable!("a refused header breaks a rule: {header:?}"),
        }
    }

    /// What is left of the frame is not judged, nor of the message where it is text.
    fn lose_content(&mut self) {
        let of_message = matches!(self.content, Content::Text | Content::LastText);
        self.content = Content::Opaque;
        if of_message && self.message == Message::Text {
            self.message = Message::OpaqueText;
        }
    }

    #[inline(always)]
    fn judge_utf8(
        &mut self,
        key: u32,
        text: impl Text,
        start: u64,
        rule: Rule,
    ) -> Result<(), Violation> {
        match self.utf8.push_text(key, text) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.lose_content();
                Err(self.fail(rule, start + error.index as u64))
            }
        }
    }

    fn judge_close(&mut self, mut plain: &[u8], mut start: u64) -> Result<(), Violation> {
        while let [byte, rest @ ..] = plain {
            match self.content {
                Content::CodeHigh => {
                    self.code_high = *byte;
                    self.content = Content::CodeLow;
                }
                Content::CodeLow => {
                    let code = CloseCode(u16::from_be_bytes([self.code_high, *byte]));
                    if !code.is_sendable() {
                        self.content = Content::Opaque;
                        return Err(self.fail(Rule::InvalidCloseCode, start - 1));
                    }
                    self.content = Content::Reason;
                    self.utf8 = Utf8::new();
                }
                _ => return self.judge_utf8(0, plain, start, Rule::InvalidCloseReason),
            }
            plain = rest;
            start += 1;
        }
        Ok(())
    }

    /// Gives the violation that ended the stream again, if one has.
    #[inline]
    pub(crate) fn still_good(&self) -> Result<(), Violation> {
        match self.violation() {
            None => Ok(()),
            Some(violation) => Err(violation),
        }
    }

    #[cold]
    pub(crate) fn fail(&mut self, rule: Rule, offset: u64) -> Violation {
        self.failed = Some(rule);
        self.failed_at = offset;
        // So that one look at the next header is enough.
        self.admitted = 0;
        Violation { rule, offset }
    }
}

impl Message {
    /// What a fragment of it is, the last one or another.
    #[inline]
    const fn content(self, last: bool) -> Content {
        match self {
            Self::Text if last => Content::LastText,
            Self::Text => Content::Text,
            _ => Content::Opaque,
        }
    }
}

/// The message that this header, of text or binary, starts. With an RSV bit set an extension has
/// changed what the payload is.
#[inline]
fn message_of(first: &Header) -> Message {
    match first.opcode() {
        OpCode::Text if first.rsv() == 0 => Message::Text,
        OpCode::Text => Message::OpaqueText,
        _ => Message::Binary,
    }
}

const fn least_u16(a: u64, b: u64) -> u16 {
    let least = if a < b { a } else { b };
    if least < 0xFFFF { least as u16 } else { 0xFFFF }
}

/// A Close has begun.
const CLOSED: u8 = 1;
/// What compressed messages inflate to is judged by another.
const INFLATED: u8 = 1 << 1;

/// Ping and Pong.
const CONTROL: u8 = 1;
const CLOSE: u8 = 1 << 1;
const CONTINUATION: u8 = 1 << 2;
const TEXT: u8 = 1 << 3;
const BINARY: u8 = 1 << 4;
const DEFLATED_TEXT: u8 = 1 << 5;
const DEFLATED_BINARY: u8 = 1 << 6;

/// The kind of frame that a first byte announces: one bit, or none where it is always refused.
static KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut fin = 0;
    while fin <= 0x80 {
        kinds[fin] = CONTINUATION;
        kinds[fin | 0x1] = TEXT;
        kinds[fin | 0x2] = BINARY;
        kinds[fin | 0x41] = DEFLATED_TEXT;
        kinds[fin | 0x42] = DEFLATED_BINARY;
        fin += 0x80;
    }
    kinds[0x88] = CLOSE;
    kinds[0x89] = CONTROL;
    kinds[0x8A] = CONTROL;
    kinds
};

/// The same of messages in a single frame and of fragments, but for the first, alone.
static COMMON: [u8; 256] = {
    let mut kinds = KINDS;
    let mut first = 0;
    while first < 256 {
        let is_first_fragment = first < 0x80 && kinds[first] != CONTINUATION;
        if is_first_fragment || kinds[first] & (CONTROL | CLOSE) != 0 {
            kinds[first] = 0;
        }
        first += 1;
    }
    kinds
};

#[cfg(test)]
mod tests;
