//! One direction of a conversation: its frames are validated, and its Close frame and its end are
//! recorded.

use core::time::Duration;

use super::compressed::Compressed;
use super::timeline::{Act, Mark, Step};
use crate::{CloseCode, Header, OpCode, Policy, Reader, Role, Rule, RuleSet, Validator, Violation};

/// One direction of a [`Conversation`](crate::Conversation): what one endpoint has sent.
///
/// ```
/// use wsvet::{Conversation, Policy, Role};
///
/// let mut conversation =
///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
/// conversation.bytes(Role::Server, b"\x89\x00\x88\x00");
/// let server = conversation.direction(Role::Server);
/// assert_eq!(server.frames(), 2);
/// assert_eq!(server.close(), Some(None)); // a Close frame without a code
/// ```
#[derive(Debug)]
pub struct Direction {
    validator: Validator,
    reader: Reader,
    compressed: Compressed,
    /// The first two bytes of the payload of the open frame, as far as they have arrived. They are
    /// the code if it is a Close frame.
    code: [u8; 2],
    /// The number of bytes that `code` holds.
    code_len: u8,
    /// Whether the start of the next frame is unknown.
    lost: bool,
    frames: u64,
    last: Option<Sent>,
    /// The start of the last data frame before the Close frame.
    last_data: Option<Mark>,
    /// The code of the first Close frame, and the end of that frame.
    close: Option<(Option<CloseCode>, Mark)>,
    /// The first violation before the Close frame, which the receiver had to refuse.
    broken: Option<(Violation, Mark)>,
    /// The first data frame after the Close frame.
    data_after_close: Option<(Violation, Mark)>,
    /// The payload length of the last message before any Close frame, as far as its headers state
    /// it.
    message_len: Option<u64>,
    /// Whether the peer has sent a Close frame, so that it discards what arrives.
    discarded: bool,
    /// The offset at which the first Close frame starts.
    close_start: u64,
    end: Option<(End, Mark)>,
    /// Whether the stream ended inside a header that the reader does not hold.
    unread: bool,
    /// Whether the first bytes of the cut header break a rule.
    refused: bool,
}

/// A frame that an endpoint has sent.
///
/// ```
/// use wsvet::{Conversation, OpCode, Policy, Role};
///
/// let mut conversation =
///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
/// conversation.bytes(Role::Server, b"\x89\x00\x8A\x00");
/// let pong = conversation.direction(Role::Server).last().unwrap();
/// assert_eq!((pong.header.opcode(), pong.offset), (OpCode::Pong, 2));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Sent {
    /// The header of the frame.
    pub header: Header,
    /// The offset at which the frame starts, in bytes from the start of the direction.
    pub offset: u64,
    /// The time at which the frame began, on the clock of
    /// [`Conversation::at`](crate::Conversation::at).
    pub at: Duration,
    /// All rules that the header breaks.
    pub broken: RuleSet,
    /// Whether the frame belongs to a compressed message (RFC 7692 §6).
    pub compressed: bool,
    /// Whether the content of the frame is validated.
    ///
    /// The content of a compressed message is not validated if the conversation does not inflate
    /// (`Conversation::deflate` does), or if the message may refer to earlier data that is broken
    /// or missing.
    pub validated: bool,
}

/// The way in which an endpoint of a TCP connection stops sending (RFC 6455 §7.1.1).
///
/// ```
/// use wsvet::{Conversation, End, Policy, Role, Verdict};
///
/// let mut conversation =
///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
/// conversation.end(Role::Server, End::Fin, 0);
/// assert!(matches!(conversation.verdict(), Verdict::Abnormal { by: Role::Server, .. }));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum End {
    /// The endpoint sent FIN. Everything that it sent before has arrived.
    Fin,
    /// The endpoint sent RST.
    Reset,
}

impl Direction {
    /// Creates a direction at the start of a stream that an endpoint with this policy receives.
    pub(super) const fn new(policy: Policy, compressed: Compressed) -> Self {
        Self {
            validator: Validator::new(policy),
            reader: Reader::new(),
            compressed,
            code: [0; 2],
            code_len: 0,
            lost: false,
            frames: 0,
            last: None,
            last_data: None,
            close: None,
            broken: None,
            data_after_close: None,
            message_len: None,
            discarded: false,
            close_start: 0,
            end: None,
            unread: false,
            refused: false,
        }
    }

    /// Returns the number of frames that have begun.
    ///
    /// ```
    /// # use wsvet::{Conversation, Policy, Role};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// assert_eq!(Conversation::new(ends.0, ends.1).direction(Role::Client).frames(), 0);
    /// ```
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// Returns the last frame that has begun, or `None` if no frame has.
    ///
    /// ```
    /// # use wsvet::{Conversation, Policy, Role};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// assert_eq!(Conversation::new(ends.0, ends.1).direction(Role::Client).last(), None);
    /// ```
    #[must_use]
    pub const fn last(&self) -> Option<&Sent> {
        self.last.as_ref()
    }

    /// Returns the code of the first Close frame, or `None` if the endpoint has not sent one.
    ///
    /// The value is `Some(None)` if the Close frame has no code (§5.5.1).
    ///
    /// ```
    /// # use wsvet::{Conversation, Policy, Role};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// assert_eq!(Conversation::new(ends.0, ends.1).direction(Role::Client).close(), None);
    /// ```
    #[must_use]
    pub fn close(&self) -> Option<Option<CloseCode>> {
        self.close.map(|(code, _)| code)
    }

    /// Returns the first violation of the endpoint.
    ///
    /// A violation after the first Close frame does not count, because the peer discards everything
    /// after that frame (§1.4).
    ///
    /// ```
    /// # use wsvet::{Conversation, Policy, Role};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// assert_eq!(Conversation::new(ends.0, ends.1).direction(Role::Client).violation(), None);
    /// ```
    #[must_use]
    pub fn violation(&self) -> Option<Violation> {
        self.broken.map(|(violation, _)| violation)
    }

    /// Returns whether the endpoint has sent data after its Close frame
    /// ([`Rule::DataAfterClose`](crate::Rule::DataAfterClose), §5.5.1).
    ///
    /// ```
    /// # use wsvet::{Conversation, Policy, Role};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// let mut conversation = Conversation::new(ends.0, ends.1);
    /// conversation.bytes(Role::Server, b"\x88\x00\x82\x00");
    /// assert!(conversation.direction(Role::Server).data_after_close());
    /// ```
    #[must_use]
    pub const fn data_after_close(&self) -> bool {
        self.data_after_close.is_some()
    }

    /// Returns the validator of the direction, which has the offset, the open frame and the open
    /// message.
    ///
    /// Its [`violation`](Validator::violation) is always `None`, because the conversation continues
    /// after each violation.
    ///
    /// ```
    /// # use wsvet::{Conversation, Policy, Role};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// let conversation = Conversation::new(ends.0, ends.1);
    /// assert_eq!(conversation.direction(Role::Client).validator().offset(), 0);
    /// ```
    #[must_use]
    pub const fn validator(&self) -> &Validator {
        &self.validator
    }

    pub(super) fn closed(&self) -> Option<(Option<CloseCode>, Mark)> {
        self.close
    }

    pub(super) fn broken(&self) -> Option<(Violation, Mark)> {
        self.broken
    }

    /// Returns the first violation, if it is in the first Close frame.
    pub(super) fn broken_close(&self) -> Option<Violation> {
        self.violation().filter(|found| self.close.is_some() && found.offset >= self.close_start)
    }

    /// Returns the first data frame after the Close frame, as a violation.
    pub(super) fn late_data(&self) -> Option<(Violation, Mark)> {
        self.data_after_close
    }

    /// Records that the peer has sent a Close frame.
    pub(super) fn discard(&mut self) {
        self.discarded = true;
    }

    pub(super) fn message_len(&self) -> Option<u64> {
        self.message_len
    }

    /// Returns whether the endpoint began a data frame after this step, and before its Close frame.
    pub(super) fn went_on(&self, step: u64) -> bool {
        self.last_data.is_some_and(|mark| mark.step > step)
    }

    /// Returns the time at which the endpoint began its last data frame before its Close frame.
    pub(super) fn last_data(&self) -> Option<Duration> {
        self.last_data.map(|mark| mark.at)
    }

    pub(super) fn ended(&self) -> Option<(End, Mark)> {
        self.end
    }

    /// Returns whether the start of the next frame is unknown.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Returns the number of bytes that have arrived, including those of a cut header.
    ///
    /// ```
    /// # use wsvet::{Conversation, Policy, Role};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// let mut conversation = Conversation::new(ends.0, ends.1);
    /// conversation.bytes(Role::Server, b"\x89\x00\x82");
    /// assert_eq!(conversation.direction(Role::Server).offset(), 3);
    /// ```
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.validator.offset().saturating_add(self.reader.unread() as u64)
    }

    /// Returns the reader of the direction, which holds the open frame and a cut header.
    ///
    /// ```
    /// # use wsvet::{Conversation, Policy, Role};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// let mut conversation = Conversation::new(ends.0, ends.1);
    /// conversation.bytes(Role::Server, b"\x82\x05abc");
    /// assert_eq!(conversation.direction(Role::Server).reader().remaining(), 2);
    /// ```
    #[must_use]
    pub const fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Returns whether the stream is inside a frame: in its header or in its payload.
    pub(super) fn is_inside_frame(&self) -> bool {
        !self.reader.is_between_frames() || self.unread
    }

    /// Reads a header from the front of `chunk`. Returns the number of bytes read, and the header
    /// if the chunk does not end inside it.
    ///
    /// # Errors
    ///
    /// A [`Violation`] if the first bytes of a cut header break a rule, once for each header.
    pub(super) fn take_header(
        &mut self,
        chunk: &[u8],
        mark: Mark,
    ) -> (usize, Result<Option<Header>, Violation>) {
        let used = self.reader.header(chunk);
        let header = self.reader.frame().copied();
        if header.is_some() || self.refused {
            return (used, Ok(header));
        }
        let first = self.reader.cut_header().first();
        let first = first.map(|first| OpCode::from_low_bits(*first));
        if self.validator.is_closed() && first.is_some_and(OpCode::is_data) {
            self.sent_late_data(mark);
        }
        let judged = self.validator.cut_header(self.reader.cut_header());
        self.refused = judged.is_err();
        (used, self.note(judged, mark).map(|()| None))
    }

    /// Records the start of a data frame after the Close frame.
    fn sent_late_data(&mut self, mark: Mark) {
        let violation = Violation::in_header(Rule::DataAfterClose, self.validator.offset());
        self.data_after_close.get_or_insert((violation, mark));
    }

    /// Begins a frame. Returns the violation of its header, unless
    /// [`take_header`](Self::take_header) has returned it.
    pub(super) fn begin(&mut self, header: &Header, mark: Mark) -> Result<(), Violation> {
        self.frames += 1;
        let offset = self.validator.offset();
        self.reader.begin(*header);
        self.code_len = 0;
        self.lost = header.payload_len() >> 63 == 1;
        if header.opcode().is_data() {
            if self.validator.is_closed() {
                self.sent_late_data(mark);
            } else {
                self.last_data = Some(mark);
                if !self.discarded {
                    let before =
                        if header.opcode().starts_message() { None } else { self.message_len };
                    let len = before.unwrap_or(0).saturating_add(header.payload_len());
                    self.message_len = Some(len);
                }
            }
        } else if header.opcode() == OpCode::Close && self.close.is_none() {
            self.close_start = offset;
        }
        let judged = self.validator.begin_or(header, |refused| refused);
        let broken = judged.err().map_or(RuleSet::EMPTY, |(broken, _)| broken);
        let compressed = self.validator.is_compressed(header);
        let inflates = self.compressed.begin(&self.validator, header, broken);
        self.last = Some(Sent {
            header: *header,
            offset,
            at: mark.at,
            broken,
            compressed,
            validated: inflates || !compressed,
        });
        let judged = self.note(judged.map_err(|(_, violation)| violation), mark);
        if core::mem::take(&mut self.refused) { Ok(()) } else { judged }
    }

    pub(super) fn payload(
        &mut self,
        plain: &[u8],
        mark: Mark,
        inflated: impl FnMut(&[u8]),
    ) -> Result<(), Violation> {
        self.reader.advance(plain.len() as u64);
        let missing = usize::from(2 - self.code_len);
        for byte in plain.iter().take(missing) {
            self.code[usize::from(self.code_len)] = *byte;
            self.code_len += 1;
        }
        let judged = self.validator.payload(plain);
        let judged = self.note(judged, mark);
        let content = self.compressed.payload(plain, inflated);
        judged.and(self.note(content, mark))
    }

    pub(super) fn skip(&mut self, len: u64) {
        self.reader.advance(len);
        self.validator.skip(len);
        self.compressed.skip(len);
    }

    /// Skips bytes of which it is not known what they are. A frame starts after them.
    pub(super) fn lose(&mut self, len: u64) {
        self.validator.lose((self.reader.unread() as u64).saturating_add(len));
        self.reader.finish();
        self.compressed.lose();
        self.message_len = None;
        self.refused = false;
    }

    pub(super) fn finish(
        &mut self,
        mark: Mark,
        inflated: impl FnMut(&[u8]),
    ) -> Result<(), Violation> {
        let judged = self.validator.finish();
        let judged = self.note(judged, mark);
        let content = self.compressed.finish(&self.validator, inflated);
        let judged = judged.and(self.note(content, mark));
        let closes = self.reader.frame().is_some_and(|header| header.opcode() == OpCode::Close);
        self.reader.finish();
        if closes && self.close.is_none() {
            let code = CloseCode(u16::from_be_bytes(self.code));
            self.close = Some(((self.code_len == 2).then_some(code), mark));
        }
        judged
    }

    pub(super) fn end(&mut self, end: End, unread: usize, mark: Mark) -> Option<Violation> {
        self.end.get_or_insert((end, mark));
        self.unread |= unread > 0;
        let judged = self.validator.eof(self.reader.unread() + unread);
        self.validator.resume();
        judged.err()
    }

    /// Returns the steps of this direction, each with the number that orders the steps of both
    /// directions.
    pub(super) fn steps(&self, from: Role) -> [Option<(u64, Step)>; 4] {
        let step = |(act, mark): (Act, Mark)| (mark.step, Step { from, at: mark.at, act });
        [
            self.broken.map(|(violation, mark)| (Act::Broke(violation), mark)),
            self.close.map(|(code, mark)| (Act::Closed(code), mark)),
            self.data_after_close.map(|(_, mark)| (Act::SentDataAfterClose, mark)),
            self.end.map(|(end, mark)| (Act::Ended(end), mark)),
        ]
        .map(|done| done.map(step))
    }

    /// Records the first violation, and continues after each violation.
    fn note(&mut self, judged: Result<(), Violation>, mark: Mark) -> Result<(), Violation> {
        if let Err(violation) = judged {
            self.broke(violation, mark);
            self.validator.resume();
        }
        judged
    }

    pub(super) fn broke(&mut self, violation: Violation, mark: Mark) {
        // The peer discards everything that arrives after a Close frame (§1.4).
        if self.close.is_none() {
            self.broken.get_or_insert((violation, mark));
        }
    }
}
