//! Both directions of a connection, and the verdict on the closing handshake (RFC 6455 §7).

#[cfg_attr(not(feature = "deflate"), path = "no_compressed.rs")]
mod compressed;
mod direction;
mod finding;
mod lapse;
mod observed;
mod opening;
mod outcome;
mod pings;
mod timeline;
mod verdict;

use core::time::Duration;

use crate::handshake;
use crate::{Closing, Header, Policy, Role, Rule, Violation, kernel};
#[cfg(feature = "deflate")]
use crate::{Compression, deflate};

pub use direction::{Direction, End, Sent};
pub use finding::{Finding, Patience, WaitingPings};
pub use lapse::Lapse;
pub use observed::Observed;
pub use opening::Unopened;
pub use timeline::{Act, Step};
pub use verdict::{Abnormality, Verdict};

use compressed::Compressed;
use opening::Opening;
use pings::Pings;
use timeline::Mark;

/// A validator for both directions of a connection, which determines whether the endpoints closed
/// the connection correctly (RFC 6455 §7).
///
/// A conversation does no I/O. Pass it what each endpoint sends, in the order of observation. There
/// are two ways:
///
/// * Pass bytes to [`bytes`](Self::bytes) or [`observe`](Self::observe).
/// * If you have your own parser, pass headers and unmasked payloads, as to a
///   [`Validator`](crate::Validator), to [`begin`](Self::begin), [`payload`](Self::payload) and
///   [`finish`](Self::finish).
///
/// A conversation continues after the first violation of a direction, because the frames after it
/// show how the receiver answered. It allocates memory only to inflate compressed messages
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
/// assert_eq!(violation.rule.close_code(), CloseCode::UNSUPPORTED_DATA); // the correct code
/// assert_eq!(code, CloseCode::NORMAL_CLOSURE); // the code that the server sent
/// ```
#[derive(Debug)]
pub struct Conversation {
    /// What the client sends.
    client: Direction,
    /// What the server sends.
    server: Direction,
    /// The time of the next step.
    now: Duration,
    /// The number of steps so far.
    steps: u64,
    opening: Opening,
    pings: Pings,
    patience: Patience,
    /// The last sign of life of the client and of the server.
    heard: [Option<Duration>; 2],
}

impl Conversation {
    /// Creates a conversation between a client and a server with these policies.
    ///
    /// The policy of an endpoint applies to the frames that the endpoint receives: that of the
    /// client to what the server sends, and that of the server to what the client sends.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if the role of `client` is not `Client`, or the role of
    /// `server` is not `Server`.
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
        Self::of(client, server, |policy| Direction::new(policy, Compressed::NONE))
    }

    fn of(client: Policy, server: Policy, direction: impl Fn(Policy) -> Direction) -> Self {
        debug_assert_eq!((client.role, server.role), (Role::Client, Role::Server));
        // Each endpoint sends what the policy of the other is about.
        let (client, server) = (direction(server), direction(client));
        let (pings, patience) = (Pings::new(), Patience::new());
        Self {
            client,
            server,
            now: Duration::ZERO,
            steps: 0,
            opening: Opening::default(),
            pings,
            patience,
            heard: [None; 2],
        }
    }

    /// Creates a conversation whose endpoints have negotiated permessage-deflate with these
    /// parameters. The conversation inflates and validates compressed messages (RFC 7692 §6).
    ///
    /// [`Policy::max_message`] counts the inflated bytes of a message. Each direction keeps a
    /// window of 32 KiB from its first compressed message on (see
    /// [Memory](crate::deflate#memory)).
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if the role of `client` is not `Client`, or the role of
    /// `server` is not `Server`.
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
        Self::of(client, server, |policy| {
            let policy = policy.compression(Compression::Inflated);
            Direction::new(policy, Compressed::new(policy, parameters))
        })
    }

    /// Sets the time of everything that is passed from now on, on any clock that does not go back.
    ///
    /// It is the time of [`Sent::at`] and [`Step::at`]. [`findings`](Self::findings) depend on it. The
    /// verdict depends on it only if the response of the opening handshake breaks a rule (see
    /// [`Unopened::BrokenResponse`]).
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

    /// Records the client's request of the opening handshake, and the rules that it breaks (§4.1).
    ///
    /// A conversation without a request and a response starts after the opening handshake. After a
    /// request, the server must respond before the connection ends. If the server sends frames
    /// instead, it has accepted the request with a response that was not observed. If you call the
    /// function again, it adds rules: [`DataBeforeResponse`](handshake::Rule::DataBeforeResponse) if
    /// you have data of the client, and the server has not responded yet.
    ///
    /// ```
    /// use wsvet::{Conversation, End, Policy, Role, Unopened, Verdict};
    ///
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// conversation.request([]);
    /// conversation.end(Role::Server, End::Fin, 0);
    /// let why = Unopened::Dropped;
    /// assert_eq!(conversation.verdict(), Verdict::NeverOpened { by: Role::Server, why });
    /// ```
    pub fn request(&mut self, broken: impl IntoIterator<Item = handshake::Rule>) {
        let mark = self.mark();
        self.opening.request(broken, mark);
    }

    /// Records the HTTP status of the server's response of the opening handshake, and the rules that
    /// the response breaks (§4.2.2).
    ///
    /// [`handshake::Response::broken`] returns the rules. If you call the function again, it adds
    /// rules, and the last status counts.
    ///
    /// ```
    /// use wsvet::{Conversation, Policy, Role, Unopened, Verdict};
    ///
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// conversation.request([]);
    /// conversation.response(403, []);
    /// let why = Unopened::Refused(403);
    /// assert_eq!(conversation.verdict(), Verdict::NeverOpened { by: Role::Server, why });
    /// ```
    pub fn response(&mut self, status: u16, broken: impl IntoIterator<Item = handshake::Rule>) {
        let mark = self.mark();
        self.opening.response(status, broken, mark);
    }

    /// Returns the rules that the message of this endpoint in the opening handshake breaks.
    ///
    /// ```
    /// # use wsvet::{Conversation, Policy, Role, handshake::Rule};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// let mut conversation = Conversation::new(ends.0, ends.1);
    /// conversation.response(101, [Rule::WrongAccept]);
    /// assert_eq!(conversation.broken_handshake(Role::Server).next(), Some(Rule::WrongAccept));
    /// ```
    pub fn broken_handshake(&self, from: Role) -> handshake::Broken {
        self.opening.broken(from)
    }

    /// Validates the next bytes that this endpoint sends, cut into chunks of any size.
    ///
    /// The function does not change the bytes, so a proxy can forward them.
    /// [`direction`](Self::direction) returns the results.
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

    /// Validates the next bytes that this endpoint sends, as [`bytes`](Self::bytes) does, and calls
    /// `saw` for each header, piece of a payload, violation and end of a frame.
    ///
    /// The function unmasks a masked payload in a buffer of 1 KiB on the stack, so a piece of such
    /// a payload has at most 1 KiB. If [`skip`](Self::skip) has passed over the last bytes of a
    /// frame, the frame ends with the next call, even if its `chunk` is empty.
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
                let mark = self.mark();
                let (used, header) = self.direction_mut(from).take_header(rest, mark);
                rest = &rest[used..];
                let header = match header {
                    Ok(Some(header)) => header,
                    Ok(None) => return,
                    Err(violation) => {
                        saw(Observed::Violation { violation, piece: &[] });
                        return;
                    }
                };
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

    /// Begins the next frame that this endpoint sends, and validates its header.
    ///
    /// # Errors
    ///
    /// A [`Violation`] if the header breaks a rule. The frame has begun in this case too.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if the previous frame of this endpoint is not finished.
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
        let judged = self.direction_mut(from).begin(header, mark);
        let broken = self.direction(from).last().map(|sent| sent.broken).unwrap_or_default();
        let known = !broken.iter().any(Rule::loses_content);
        self.pings.begin(from, header, known, self.now, self.patience.pong);
        judged
    }

    /// Validates the next piece of the payload, which must be unmasked.
    ///
    /// # Errors
    ///
    /// A [`Violation`] if the piece breaks a rule. You can still pass the rest of the frame.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if this endpoint has no open frame.
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

    /// Validates the next piece of the payload, and calls `inflated` with the inflated bytes if the
    /// message is compressed.
    fn payload_with(
        &mut self,
        from: Role,
        plain: &[u8],
        inflated: impl FnMut(&[u8]),
    ) -> Result<(), Violation> {
        let mark = self.mark();
        self.pings.payload(from, plain);
        self.direction_mut(from).payload(plain, mark, inflated)
    }

    /// Skips `len` bytes of the payload that are not available, for example because a capture lacks
    /// them or a log contains only the headers.
    ///
    /// The bytes count towards the offset. They are not validated.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if this endpoint has no open frame.
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
        self.pings.skip(from, len);
        self.direction_mut(from).skip(len);
    }

    /// Skips `len` bytes of which it is not known what they are, for example because a capture lacks
    /// the packets in which frames begin. The next byte of this endpoint starts a frame.
    ///
    /// The bytes count towards the offset. The open frame and the open message of the endpoint end
    /// without a judgement. Pings that a Pong in these bytes may have answered are forgotten, and
    /// compressed messages that may refer to these bytes are not validated.
    ///
    /// The [`verdict`](Self::verdict) and the [`findings`](Self::findings) are about what is known. A
    /// Close frame in these bytes could change both.
    ///
    /// ```
    /// use wsvet::{Conversation, Policy, Role};
    ///
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// conversation.bytes(Role::Server, b"\x01\x05Hel"); // the first frame of a message
    /// conversation.lose(Role::Server, 100);
    /// conversation.bytes(Role::Server, b"\x81\x02hi"); // another message
    /// let server = conversation.direction(Role::Server);
    /// assert_eq!((server.offset(), server.violation()), (109, None));
    /// ```
    pub fn lose(&mut self, from: Role, len: u64) {
        self.pings.lose(from);
        self.direction_mut(from).lose(len);
    }

    /// Records a violation that another validator found, or that is in a log.
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

    /// Ends the frame, after its whole payload.
    ///
    /// # Errors
    ///
    /// A [`Violation`] if the frame, or the message that it ends, breaks a rule at its end.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if this endpoint has no open frame.
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

    /// Ends the frame, and calls `inflated` with the rest of a compressed message that ends with
    /// it.
    fn finish_with(&mut self, from: Role, inflated: impl FnMut(&[u8])) -> Result<(), Violation> {
        let mark = self.mark();
        let held = self.direction(from.peer()).reader().frame().is_some();
        self.pings.finish(from, self.now, held, self.owes_pongs(from.peer()));
        let judged = self.direction_mut(from).finish(mark, inflated);
        if self.direction(from).closed().is_some() {
            self.direction_mut(from.peer()).discard();
        }
        judged
    }

    /// Ends the stream of this endpoint (§7.1.5).
    ///
    /// `unread` is the number of bytes of a cut header at the end of the stream that you have not
    /// passed. It is 0 if you passed all bytes to [`bytes`](Self::bytes) or
    /// [`observe`](Self::observe).
    ///
    /// Returns a [`Violation`] of [`Rule::EofInFrame`](crate::Rule::EofInFrame) if the stream ends
    /// inside a frame, or of [`Rule::EofWithoutClose`](crate::Rule::EofWithoutClose) if it ends
    /// without a Close frame.
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

    /// Returns what this endpoint has sent.
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

    /// Returns the state of the closing handshake, from the view of this endpoint (§7.1.4).
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

    /// Returns the verdict: how the conversation ended, as far as it was observed.
    ///
    /// A violation counts only if neither endpoint has sent a Close frame before it, and the stream of
    /// the receiver has not ended before it. An endpoint that has sent a Close frame cannot answer with
    /// a second one. An endpoint that has received a Close frame discards everything that arrives after
    /// it (§1.4). The verdict is about the first violation that counts, unless the endpoint that broke
    /// the rule left before the receiver answered.
    ///
    /// The first end of a stream ends the connection. A Close frame that is sent after it does not
    /// begin a closing handshake.
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
        self.outcome()
    }

    /// Returns the steps that led to the end of the conversation, in the order of observation.
    ///
    /// The steps of an endpoint are its first violation, its first Close frame, the first data
    /// after that, and the end of its stream. If the opening handshake was not completed, its request
    /// and its response are steps too. There are at most ten steps.
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
        let all = self.opening.steps().into_iter().chain(client).chain(server);
        let mut steps = [None; 10];
        for (slot, step) in steps.iter_mut().zip(all) {
            *slot = step;
        }
        steps.sort_unstable_by_key(|step| step.map(|(number, _)| number));
        steps.into_iter().flatten().map(|(_, step)| step)
    }

    /// Counts a step, and returns its time and number.
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

/// The number of bytes of a masked payload that are unmasked at once.
const PIECE: usize = 1024;

fn tell(judged: Result<(), Violation>, piece: &[u8], saw: &mut impl FnMut(Observed<'_>)) {
    if let Err(violation) = judged {
        saw(Observed::Violation { violation, piece });
    }
}
