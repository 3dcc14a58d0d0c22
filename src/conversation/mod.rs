//! Both directions of a connection: the closing handshake, and its verdict (RFC 6455 §7).

#[cfg_attr(not(feature = "deflate"), path = "no_compressed.rs")]
mod compressed;
mod direction;
mod timeline;
mod verdict;

use core::time::Duration;

use crate::{CloseCode, Closing, Header, Policy, Role, Violation, kernel};
#[cfg(feature = "deflate")]
use crate::{Compression, deflate};

pub use direction::{Direction, End, Sent};
pub use timeline::{Act, Step};
pub use verdict::{Abnormality, Verdict};

use compressed::Compressed;
use timeline::Mark;
use verdict::{blames, refuses};

/// Follows both directions of a connection, and says in the end whether it was closed as it must be
/// (RFC 6455 §7).
///
/// It does no I/O: give it what each end sends, in the order in which that was seen. Either bytes,
/// with [`bytes`](Self::bytes), or, from a parser of one's own, headers and plain payloads as to a
/// [`Validator`](crate::Validator): [`begin`](Self::begin), [`payload`](Self::payload),
/// [`finish`](Self::finish). A direction is followed beyond its first violation, because what comes
/// after it tells how it was taken. Nothing is allocated, except to inflate compressed messages
/// (`Conversation::deflate`, with the feature `deflate`).
///
/// ```
/// use wsvet::{Accepts, CloseCode, Conversation, Policy, Role, Rule, Verdict};
///
/// let server = Policy::new(Role::Server).accepts(Accepts::TextOnly);
/// let mut conversation = Conversation::new(Policy::new(Role::Client), server);
/// conversation.bytes(Role::Client, b"\x82\x81\x01\x02\x03\x04\x00");
/// conversation.bytes(Role::Server, b"\x88\x02\x03\xE8");
///
/// let Verdict::RefusedOtherwise { by, violation, code } = conversation.verdict() else { panic!() };
/// assert_eq!((by, violation.rule), (Role::Server, Rule::UnsupportedData));
/// assert_eq!(violation.rule.close_code(), CloseCode::UNSUPPORTED_DATA); // was due
/// assert_eq!(code, CloseCode::NORMAL_CLOSURE); // was sent
/// ```
#[derive(Debug)]
pub struct Conversation {
    /// What the client sends.
    client: Direction,
    /// What the server sends.
    server: Direction,
    /// When the next thing happens.
    now: Duration,
    /// How many things have happened.
    steps: u64,
}

impl Conversation {
    /// The start of a conversation between ends with these policies: the client's is about what the
    /// server sends, and the other way round.
    ///
    /// # Panics
    ///
    /// With debug assertions, where the roles of the policies are not these.
    ///
    /// ```
    /// use wsvet::{Conversation, Policy, Role, Verdict};
    ///
    /// let conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// assert_eq!(conversation.verdict(), Verdict::Open);
    /// ```
    #[must_use]
    pub fn new(client: Policy, server: Policy) -> Self {
        debug_assert_eq!((client.role, server.role), (Role::Client, Role::Server));
        let [client, server] =
            [server, client].map(|policy| Direction::new(policy, Compressed::NONE));
        Self { client, server, now: Duration::ZERO, steps: 0 }
    }

    /// Creates the start of a conversation whose ends have agreed on permessage-deflate with these
    /// parameters: compressed messages are inflated and judged (RFC 7692 §6).
    ///
    /// [`Policy::max_message`] counts what a message inflates to. Each direction keeps a window of
    /// 32 KiB from its first compressed message on.
    ///
    /// # Panics
    ///
    /// With debug assertions, if the roles of the policies are not these.
    ///
    /// ```
    /// use wsvet::deflate::Parameters;
    /// use wsvet::{Conversation, Policy, Role, Rule};
    ///
    /// let (client, server) = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// let mut conversation = Conversation::deflate(client, server, Parameters::new());
    /// conversation.bytes(Role::Server, b"\xC1\x02\xFF\xFF"); // RSV1 is set: compressed
    /// let violation = conversation.direction(Role::Server).violation().unwrap();
    /// assert_eq!(violation.rule, Rule::InvalidDeflate);
    /// ```
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(client: Policy, server: Policy, parameters: deflate::Parameters) -> Self {
        debug_assert_eq!((client.role, server.role), (Role::Client, Role::Server));
        let [client, server] = [server, client].map(|policy| {
            let policy = policy.compression(Compression::Inflated);
            Direction::new(policy, Compressed::new(policy, parameters))
        });
        Self { client, server, now: Duration::ZERO, steps: 0 }
    }

    /// Says when what comes next was seen, on any clock that does not go back: the verdict does not
    /// depend on it, [`Sent::at`] does.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wsvet::{Conversation, Policy, Role};
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// conversation.at(Duration::from_millis(7));
    /// conversation.bytes(Role::Server, &[0x89, 0x00]);
    /// let ping = conversation.direction(Role::Server).last().unwrap();
    /// assert_eq!(ping.at.as_millis(), 7);
    /// ```
    pub fn at(&mut self, time: Duration) {
        self.now = time;
    }

    /// Takes the next bytes that this end sends, cut anywhere. They are read and not changed, so that
    /// a proxy can forward them.
    ///
    /// ```
    /// # use wsvet::{Conversation, OpCode, Policy, Role};
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// conversation.bytes(Role::Client, b"\x81\x82\x01\x02\x03\x04ik");
    /// let text = conversation.direction(Role::Client).last().unwrap();
    /// assert_eq!(text.header.opcode(), OpCode::Text);
    /// ```
    pub fn bytes(&mut self, from: Role, chunk: &[u8]) {
        self.observe(from, chunk, |_| {});
    }

    /// Takes the next bytes that this end sends, as [`bytes`](Self::bytes) does, and tells `saw` what
    /// they are: headers, pieces of payload, violations, and ends of frames.
    ///
    /// Masked payload is unmasked in a buffer of 1 KiB on the stack, so its pieces are at most that
    /// long. If [`skip`](Self::skip) has passed over the last bytes of a frame, the frame ends with
    /// the next call, which may be given no bytes.
    ///
    /// ```
    /// use wsvet::{Conversation, Observed, Policy, Role};
    ///
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// let mut text = Vec::new();
    /// conversation.observe(Role::Client, b"\x81\x82\x01\x02\x03\x04ik", |seen| {
    ///     if let Observed::Payload { plain, .. } = seen {
    ///         text.extend_from_slice(plain);
    ///     }
    /// });
    /// assert_eq!(text, b"hi");
    /// ```
    pub fn observe(&mut self, from: Role, chunk: &[u8], mut saw: impl FnMut(Observed<'_>)) {
        let mut buf = [0; PIECE];
        let mut rest = chunk;
        while !self.direction(from).is_lost() {
            let reader = self.direction(from).reader();
            if reader.is_whole() {
                let judged = self.finish_with(from, |piece| saw(Observed::Inflated(piece)));
                tell(judged, &[], &mut saw);
                saw(Observed::End { offset: self.direction(from).validator().offset() });
            } else if rest.is_empty() {
                return;
            } else if reader.frame().is_none() {
                let (header, used) = self.direction_mut(from).take_header(rest);
                rest = &rest[used..];
                let Some(header) = header else { return };
                let judged = self.begin(from, &header);
                if let Some(&sent) = self.direction(from).last() {
                    saw(Observed::Header(sent));
                }
                tell(judged, &[], &mut saw);
            } else {
                let offset = self.direction(from).validator().offset();
                let mut plain = &rest[..reader.available(rest.len())];
                if let Some(key) = reader.key() {
                    let unmasked = &mut buf[..plain.len().min(PIECE)];
                    unmasked.copy_from_slice(&plain[..unmasked.len()]);
                    kernel::mask(key, unmasked);
                    plain = unmasked;
                }
                rest = &rest[plain.len()..];
                saw(Observed::Payload { plain, offset });
                let judged = self.payload_with(from, plain, |piece| saw(Observed::Inflated(piece)));
                tell(judged, plain, &mut saw);
            }
        }
    }

    /// The header of the next frame that this end sends.
    ///
    /// # Errors
    ///
    /// The [`Violation`] that it is; the frame counts as begun.
    ///
    /// # Panics
    ///
    /// With debug assertions, where the frame before of this end was not finished.
    ///
    /// ```
    /// # use wsvet::{Conversation, Header, OpCode, Policy, Role};
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// let header = Header::new(OpCode::Ping, 0); // not masked
    /// assert!(conversation.begin(Role::Client, &header).is_err());
    /// ```
    pub fn begin(&mut self, from: Role, header: &Header) -> Result<(), Violation> {
        let mark = self.mark();
        self.direction_mut(from).begin(header, mark)
    }

    /// The next piece of the payload, plain.
    ///
    /// # Errors
    ///
    /// The [`Violation`] that it is; the rest of the frame may still be given.
    ///
    /// # Panics
    ///
    /// With debug assertions, where no frame of this end was begun.
    ///
    /// ```
    /// # use wsvet::{Conversation, Header, OpCode, Policy, Role};
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// conversation.begin(Role::Server, &Header::new(OpCode::Text, 1))?;
    /// assert!(conversation.payload(Role::Server, b"\xFF").is_err());
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn payload(&mut self, from: Role, plain: &[u8]) -> Result<(), Violation> {
        self.payload_with(from, plain, |_| {})
    }

    /// Passes on what a compressed message holds.
    fn payload_with(
        &mut self,
        from: Role,
        plain: &[u8],
        inflated: impl FnMut(&[u8]),
    ) -> Result<(), Violation> {
        let mark = self.mark();
        self.direction_mut(from).payload(plain, mark, inflated)
    }

    /// Passes over bytes of the payload that nobody has: a capture lacks them, or a log kept the
    /// headers alone. They count, and are not judged.
    ///
    /// # Panics
    ///
    /// With debug assertions, where no frame of this end was begun.
    ///
    /// ```
    /// # use wsvet::{Conversation, Header, OpCode, Policy, Role};
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// conversation.begin(Role::Server, &Header::new(OpCode::Text, 1 << 40))?;
    /// conversation.skip(Role::Server, 1 << 40);
    /// conversation.finish(Role::Server)?;
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn skip(&mut self, from: Role, len: u64) {
        self.direction_mut(from).skip(len);
    }

    /// Notes a violation that was found by another judge, or stands in a log.
    ///
    /// ```
    /// # use wsvet::{Conversation, Policy, Role, Rule, Violation};
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// let violation = Violation::new(Rule::InvalidUtf8, 8);
    /// conversation.broke(Role::Server, violation);
    /// assert_eq!(conversation.direction(Role::Server).violation(), Some(violation));
    /// ```
    pub fn broke(&mut self, from: Role, violation: Violation) {
        let mark = self.mark();
        self.direction_mut(from).broke(violation, mark);
    }

    /// The end of the frame.
    ///
    /// # Errors
    ///
    /// The [`Violation`] that it is.
    ///
    /// # Panics
    ///
    /// With debug assertions, where no frame of this end was begun.
    ///
    /// ```
    /// # use wsvet::{CloseCode, Conversation, Header, OpCode, Policy, Role};
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// conversation.begin(Role::Server, &Header::new(OpCode::Close, 2))?;
    /// conversation.payload(Role::Server, b"\x03\xE8")?;
    /// conversation.finish(Role::Server)?;
    /// let close = conversation.direction(Role::Server).close();
    /// assert_eq!(close, Some(Some(CloseCode::NORMAL_CLOSURE)));
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn finish(&mut self, from: Role) -> Result<(), Violation> {
        self.finish_with(from, |_| {})
    }

    /// Passes on what is left of a compressed message.
    fn finish_with(&mut self, from: Role, inflated: impl FnMut(&[u8])) -> Result<(), Violation> {
        let mark = self.mark();
        self.direction_mut(from).finish(mark, inflated)
    }

    /// Ends what this end sends (§7.1.5).
    ///
    /// `unread` is how many bytes came after the last whole header that are too few for another. It
    /// is 0 if all bytes were given to [`bytes`](Self::bytes) or [`observe`](Self::observe).
    ///
    /// Returns the [`Violation`] that this is, if any: of [`Rule::EofInFrame`](crate::Rule::EofInFrame)
    /// or [`Rule::EofWithoutClose`](crate::Rule::EofWithoutClose).
    ///
    /// ```
    /// # use wsvet::{Abnormality, Conversation, End, Policy, Role, Rule, Verdict};
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// let violation = conversation.end(Role::Client, End::Reset, 0).unwrap();
    /// assert_eq!(violation.rule, Rule::EofWithoutClose);
    /// let why = Abnormality::Reset;
    /// assert_eq!(conversation.verdict(), Verdict::Abnormal { by: Role::Client, why });
    /// ```
    pub fn end(&mut self, from: Role, end: End, unread: usize) -> Option<Violation> {
        let mark = self.mark();
        self.direction_mut(from).end(end, unread, mark)
    }

    /// What this end has sent.
    ///
    /// ```
    /// # use wsvet::{Conversation, Policy, Role};
    /// let conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// assert_eq!(conversation.direction(Role::Client).frames(), 0);
    /// ```
    #[must_use]
    pub const fn direction(&self, from: Role) -> &Direction {
        match from {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }

    /// Returns the closing handshake as this end sees it (§7.1.4).
    ///
    /// ```
    /// # use wsvet::{Closing, Conversation, Policy, Role};
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// conversation.bytes(Role::Server, b"\x88\x00");
    /// assert_eq!(conversation.closing(Role::Client), Closing::Received);
    /// ```
    #[must_use]
    pub fn closing(&self, of: Role) -> Closing {
        let closed = |role| self.direction(role).close().is_some();
        Closing::new(closed(of), closed(of.peer()))
    }

    /// How the conversation ended, as far as it was seen.
    ///
    /// A violation counts where neither end had sent a Close before: who has sent one cannot answer
    /// with another, and who has received one discards what comes behind it (§1.4).
    ///
    /// ```
    /// use wsvet::{Conversation, Policy, Role, Verdict};
    ///
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// conversation.bytes(Role::Server, b"\x88\x02\x03\xEA");
    /// conversation.bytes(Role::Client, b"\x88\x82\0\0\0\0\x03\xEA");
    /// let Verdict::WronglyRefused { by: Role::Server, code } = conversation.verdict() else {
    ///     panic!()
    /// };
    /// assert_eq!(code.0, 1002);
    /// ```
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.broken() {
            Some((sender, violation, step)) => self.answer(sender.peer(), violation, step),
            None => self.handshake(),
        }
    }

    /// What brought the conversation to its end, in the order in which it was seen: what each end
    /// broke first, its Close, and how it stopped sending. There are at most eight steps.
    ///
    /// ```
    /// # use wsvet::{Conversation, Policy, Role};
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// conversation.bytes(Role::Server, b"\x82\x01\0\x88\x02\x03\xE8");
    /// conversation.bytes(Role::Client, b"\x88\x82\0\0\0\0\x03\xE8");
    /// let told: Vec<_> =
    ///     conversation.timeline().map(|step| format!("the {} {}", step.from, step.act)).collect();
    /// assert_eq!(told, [
    ///     "the server sent a Close, 1000 Normal Closure",
    ///     "the client sent a Close, 1000 Normal Closure",
    /// ]);
    /// ```
    pub fn timeline(&self) -> impl Iterator<Item = Step> + use<> {
        let [client, server] =
            [Role::Client, Role::Server].map(|role| self.direction(role).steps(role));
        let mut steps = [None; 8];
        for (slot, step) in steps.iter_mut().zip(client.into_iter().chain(server)) {
            *slot = step;
        }
        steps.sort_unstable_by_key(|step| step.map(|(number, _)| number));
        steps.into_iter().flatten().map(|(_, step)| step)
    }

    /// The first violation that its receiver had to answer, who sent it, and when.
    fn broken(&self) -> Option<(Role, Violation, u64)> {
        earliest(|sender| {
            let close = self.direction(sender.peer()).closed();
            let broken = self.direction(sender).broken();
            broken.filter(|(_, mark)| close.is_none_or(|(_, closed)| closed.step > mark.step))
        })
    }

    /// How a violation was answered.
    fn answer(&self, by: Role, violation: Violation, step: u64) -> Verdict {
        let (receiver, sender) = (self.direction(by), self.direction(by.peer()));
        let refused_otherwise = |code| Verdict::RefusedOtherwise { by, violation, code };
        let went_on = receiver.went_on(step);
        let Some((code, closed)) = receiver.closed() else {
            let ended = |direction: &Direction| direction.ended().map(|(_, mark)| mark.step);
            return match (ended(receiver), ended(sender)) {
                _ if went_on => Verdict::LetPass { by, violation },
                (Some(first), second) if second.is_none_or(|second| first < second) => {
                    refused_otherwise(CloseCode::ABNORMAL_CLOSURE)
                }
                (None, None) => Verdict::Open,
                _ => self.handshake(),
            };
        };
        let echoes = sender
            .closed()
            .is_some_and(|(sent, first)| first.step < closed.step && (sent == code || went_on));
        let code = code.unwrap_or(CloseCode::NO_STATUS_RECEIVED);
        if code == violation.rule.close_code() {
            Verdict::Refused { by, violation }
        } else if echoes || went_on && !refuses(code) {
            Verdict::LetPass { by, violation }
        } else {
            refused_otherwise(code)
        }
    }

    /// How the closing handshake went.
    fn handshake(&self) -> Verdict {
        let first = earliest(|role| self.direction(role).closed());
        let end = earliest(|role| self.direction(role).ended());
        let Some((first, code, closed)) = first else { return self.without_close() };
        if end.is_some_and(|(.., ended)| ended < closed) {
            // Who goes without a Close cannot answer one.
            return self.without_close();
        }
        let code = code.unwrap_or(CloseCode::NO_STATUS_RECEIVED);
        let (here, there) = (self.direction(first), self.direction(first.peer()));
        let answer = there.closed().and_then(|(code, _)| code);
        if there.broken().is_none() && blames(code) {
            Verdict::WronglyRefused { by: first, code }
        } else if let Some(code) = answer.filter(|answer| *answer != code && blames(*answer))
            && here.broken().is_none()
        {
            Verdict::WronglyRefused { by: first.peer(), code }
        } else if there.closed().is_some() {
            Verdict::Clean { first, code }
        } else {
            match end {
                // The peer was not given the time to answer.
                Some((by, End::Reset, _)) if by == first => {
                    Verdict::Abnormal { by, why: Abnormality::ResetUnanswered }
                }
                _ if there.ended().is_some() => {
                    Verdict::Abnormal { by: first.peer(), why: Abnormality::Unanswered }
                }
                _ => Verdict::Open,
            }
        }
    }

    /// How a connection ended before anybody had sent a Close.
    fn without_close(&self) -> Verdict {
        match earliest(|role| self.direction(role).ended()) {
            None => Verdict::Open,
            Some((by, End::Reset, _)) => Verdict::Abnormal { by, why: Abnormality::Reset },
            Some((by, ..)) if self.direction(by).is_inside_frame() => {
                Verdict::Abnormal { by, why: Abnormality::InFrame }
            }
            Some((by, ..)) => Verdict::Abnormal { by, why: Abnormality::WithoutClose },
        }
    }

    /// When what happens now happens.
    fn mark(&mut self) -> Mark {
        self.steps += 1;
        Mark { at: self.now, step: self.steps }
    }

    fn direction_mut(&mut self, from: Role) -> &mut Direction {
        match from {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }
}

/// What [`Conversation::observe`] saw in the bytes of one end.
///
/// ```
/// use wsvet::{Conversation, Observed, Policy, Role, Rule};
///
/// let mut conversation =
///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
/// let mut rules = Vec::new();
/// // An unmasked Ping with RSV2.
/// conversation.observe(Role::Client, b"\xA9\x00", |seen| {
///     if let Observed::Header(sent) = seen {
///         rules.extend(sent.broken.iter());
///     }
/// });
/// assert_eq!(rules, [Rule::ReservedBits, Rule::UnmaskedClientFrame]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Observed<'a> {
    /// A header, the byte at which it starts, and all rules that it breaks.
    Header(Sent),
    /// The next piece of the payload of that frame.
    Payload {
        /// The piece, unmasked.
        plain: &'a [u8],
        /// The byte of the direction at which the piece starts.
        offset: u64,
    },
    /// The next piece of what a compressed message holds, after the piece of payload that it comes
    /// out of. It is 1 byte to 32 KiB long, and nothing in it breaks a rule.
    Inflated(&'a [u8]),
    /// A violation. It follows the header or the piece of payload that breaks the rule; if the end of
    /// a frame breaks it, it comes before that.
    Violation {
        /// The rule and the byte.
        violation: Violation,
        /// The piece of payload that it was found in, unmasked; empty if it was found in a header or
        /// at the end of a frame.
        piece: &'a [u8],
    },
    /// The end of the frame.
    End {
        /// How many bytes of the direction have come: the byte at which the next frame starts.
        offset: u64,
    },
}

/// How many bytes of masked payload are unmasked at once.
const PIECE: usize = 1024;

fn tell(judged: Result<(), Violation>, piece: &[u8], saw: &mut impl FnMut(Observed<'_>)) {
    if let Err(violation) = judged {
        saw(Observed::Violation { violation, piece });
    }
}

/// To which end something happened first, what, and when.
fn earliest<T>(of: impl Fn(Role) -> Option<(T, Mark)>) -> Option<(Role, T, u64)> {
    [Role::Client, Role::Server]
        .into_iter()
        .filter_map(|role| of(role).map(|(what, mark)| (role, what, mark.step)))
        .min_by_key(|(.., step)| *step)
}
