//! One direction of a conversation: its frames judged, its Close and its end remembered.

use core::time::Duration;

use super::compressed::Compressed;
use super::timeline::{Act, Mark, Step};
use crate::{CloseCode, Header, OpCode, Policy, Reader, Role, RuleSet, Validator, Violation};

/// What one end of a [`Conversation`](crate::Conversation) has sent.
///
/// ```
/// use wsvet::{Conversation, Policy, Role};
///
/// let mut conversation =
///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
/// conversation.bytes(Role::Server, b"\x89\x00\x88\x00");
/// let server = conversation.direction(Role::Server);
/// assert_eq!(server.frames(), 2);
/// assert_eq!(server.close(), Some(None)); // a Close without a code
/// ```
#[derive(Debug)]
pub struct Direction {
    validator: Validator,
    reader: Reader,
    compressed: Compressed,
    /// The first two bytes of a Close body, as far as they have come.
    code: [u8; 2],
    code_len: u8,
    /// Nobody can say where the next frame starts.
    lost: bool,
    frames: u64,
    last: Option<Sent>,
    /// When the last data frame began before the Close.
    last_data: Option<Mark>,
    /// The first Close, and when it was whole.
    close: Option<(Option<CloseCode>, Mark)>,
    /// What its receiver had to refuse first, and when.
    broken: Option<(Violation, Mark)>,
    data_after_close: Option<Mark>,
    end: Option<(End, Mark)>,
    /// The stream ended inside a header that was not given.
    unread: bool,
}

/// A frame that was sent.
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
    /// Its header.
    pub header: Header,
    /// The byte of the direction at which it starts.
    pub offset: u64,
    /// When it began, on the clock of [`Conversation::at`](crate::Conversation::at).
    pub at: Duration,
    /// All rules that its header breaks.
    pub broken: RuleSet,
    /// Whether it belongs to a compressed message (RFC 7692 §6).
    pub compressed: bool,
    /// Whether its content is judged.
    ///
    /// The content of a compressed message is not judged if the conversation does not inflate
    /// (`Conversation::deflate` does), or if something that the message may reach back to is broken
    /// or missing.
    pub judged: bool,
}

/// How one end of a TCP connection stops sending (RFC 6455 §7.1.1).
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
    /// With FIN: all that was sent has come.
    Fin,
    /// With RST.
    Reset,
}

impl Direction {
    /// The start of what is received under this policy.
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
            end: None,
            unread: false,
        }
    }

    /// How many frames have begun.
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

    /// The last frame that has begun.
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

    /// The code of the first Close, if one was sent: `None` inside where it has no code (§5.5.1).
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

    /// What was broken first, up to the Close (§1.4).
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

    /// Whether data came after the Close ([`Rule::DataAfterClose`](crate::Rule::DataAfterClose),
    /// §5.5.1).
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

    /// The validator that judges the direction: its offset, and what is open. Its violation is
    /// always forgotten, because the direction is followed beyond.
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

    /// Whether a message, or a part of one, was sent after this step, and before the Close.
    pub(super) fn went_on(&self, step: u64) -> bool {
        self.last_data.is_some_and(|mark| mark.step > step)
    }

    pub(super) fn ended(&self) -> Option<(End, Mark)> {
        self.end
    }

    /// Nobody can say where the next frame starts.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Returns how many bytes of the direction have come, those of a header that is cut included.
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
        self.validator.offset() + self.reader.unread() as u64
    }

    /// Returns the cursor over what the end sends: the frame that is open, and a header that is cut.
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

    /// A header is cut, or a payload.
    pub(super) fn is_inside_frame(&self) -> bool {
        !self.reader.is_between_frames() || self.unread
    }

    /// Takes a header off the front of `chunk`, if there is enough for one, and returns how many
    /// bytes it took.
    pub(super) fn take_header(&mut self, chunk: &[u8]) -> (Option<Header>, usize) {
        let used = self.reader.header(chunk);
        (self.reader.frame().copied(), used)
    }

    pub(super) fn begin(&mut self, header: &Header, mark: Mark) -> Result<(), Violation> {
        self.frames += 1;
        let offset = self.validator.offset();
        self.reader.begin(*header);
        self.code_len = 0;
        self.lost = header.payload_len() >> 63 == 1;
        if header.opcode().is_data() {
            if self.validator.is_closed() {
                self.data_after_close.get_or_insert(mark);
            } else {
                self.last_data = Some(mark);
            }
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
            judged: inflates || !compressed,
        });
        self.note(judged.map_err(|(_, violation)| violation), mark)
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

    /// What it has done on the way to the end, and when among all else.
    pub(super) fn steps(&self, from: Role) -> [Option<(u64, Step)>; 4] {
        let step = |(act, mark): (Act, Mark)| (mark.step, Step { from, at: mark.at, act });
        [
            self.broken.map(|(violation, mark)| (Act::Broke(violation), mark)),
            self.close.map(|(code, mark)| (Act::Closed(code), mark)),
            self.data_after_close.map(|mark| (Act::SentDataAfterClose, mark)),
            self.end.map(|(end, mark)| (Act::Ended(end), mark)),
        ]
        .map(|done| done.map(step))
    }

    /// Notes the first violation, and goes on behind each.
    fn note(&mut self, judged: Result<(), Violation>, mark: Mark) -> Result<(), Violation> {
        if let Err(violation) = judged {
            self.broke(violation, mark);
            self.validator.resume();
        }
        judged
    }

    pub(super) fn broke(&mut self, violation: Violation, mark: Mark) {
        // Who has received a Close discards what comes behind it (§1.4).
        if self.close.is_none() {
            self.broken.get_or_insert((violation, mark));
        }
    }
}
