//! Both directions of a connection, in the order in which the endpoints send.

use std::time::Duration;
use std::vec::Vec;

use arbitrary::{Arbitrary, Error, Result, Unstructured};

use super::Stream;
use crate::{Finding, Lapse, OpCode, Policy, Role, Rule, Violation};

/// A whole connection: the frames that each endpoint sends, and their order.
///
/// An endpoint replies to a Ping with a Pong at once, and to a Close frame with a Close frame that
/// has the same code. If an endpoint breaks a rule, its peer replies with [`Violation::reply`]. If
/// the rule is [`Rule::DataAfterClose`], the peer replies only to the Close frame before the data.
///
/// If the frame limit of the receiver is too small for a Close frame, the Close frame has no
/// reason, or an empty body. If the limit is too small for a Pong, the Pong is left out.
///
/// If the rule is [`Rule::EofInFrame`] or [`Rule::EofWithoutClose`], neither endpoint sends a Close
/// frame. [`violation`](Self::violation) names the endpoint whose stream ended first.
///
/// ```
/// use arbitrary::Unstructured;
/// use wsvet::generate::Connection;
/// use wsvet::{StreamDecoder, Policy, Role, Rule};
///
/// let mut u = Unstructured::new(b"as many bytes as the fuzzer has found");
/// let ends = [Policy::new(Role::Client), Policy::new(Role::Server)];
/// let connection = Connection::breaking(ends, Role::Client, Rule::ReservedOpcode, &mut u)?;
///
/// let mut server = StreamDecoder::new(Policy::new(Role::Server));
/// let sent = connection.turns().filter(|(from, _)| *from == Role::Client);
/// let found = sent.flat_map(|(_, bytes)| {
///     let (mut bytes, mut found) = (bytes.to_vec(), None);
///     let mut rest = &mut bytes[..];
///     while !rest.is_empty() && found.is_none() {
///         match server.decode(rest) {
///             Ok((used, _)) => rest = &mut rest[used..],
///             Err(violation) => found = Some(violation),
///         }
///     }
///     found
/// });
/// assert_eq!(found.last(), connection.violation().map(|(_, violation)| violation));
/// # Ok::<(), arbitrary::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Connection {
    /// The stream that the client sends.
    client: Stream,
    /// The stream that the server sends.
    server: Stream,
    /// The turns in their order: the endpoint that sends, and the offset in its stream at which the
    /// turn ends.
    turns: Vec<(Role, usize)>,
    /// The time of each turn.
    times: Vec<Duration>,
    /// The time of the last turn, or of the end.
    now: Duration,
    finding: Option<Finding>,
}

/// The maximum number of frames before the Close frame or the violation, without the Pongs.
const MOST_TURNS: usize = 32;

/// The time between two turns of endpoints that do their duties.
const TURN: Duration = Duration::from_millis(1);

/// The times in milliseconds after which a duty is neglected: a little more than the least one, up to a
/// minute.
const NEGLECT: core::ops::RangeInclusive<u64> = 1..=60_000;

impl Connection {
    /// Creates a legal connection that either endpoint closes.
    ///
    /// `ends` are the policies of the client and of the server.
    ///
    /// # Errors
    ///
    /// - `IncorrectFormat` if `ends` are not the policies of a client and of a server in this
    ///   order, or if their extensions differ.
    /// - Any error that `u` returns.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{Policy, Role, generate::Connection};
    /// let ends = [Policy::new(Role::Client), Policy::new(Role::Server)];
    /// let connection = Connection::legal(ends, &mut Unstructured::new(b"bytes"))?;
    /// assert_eq!(connection.violation(), None);
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    pub fn legal(ends: [Policy; 2], u: &mut Unstructured<'_>) -> Result<Self> {
        let mut connection = Self::open(ends, u)?;
        let first = u.arbitrary::<Role>()?;
        connection.close(first, u)?;
        Ok(connection)
    }

    /// Creates a legal connection, or one in which an endpoint breaks a rule, about equally often.
    ///
    /// # Errors
    ///
    /// The errors of [`legal`](Self::legal).
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{Policy, Role, generate::Connection};
    /// let ends = [Policy::new(Role::Client), Policy::new(Role::Server)];
    /// let connection = Connection::under(ends, &mut Unstructured::new(b"bytes"))?;
    /// assert!(connection.turns().count() > 0);
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    pub fn under(ends: [Policy; 2], u: &mut Unstructured<'_>) -> Result<Self> {
        if u.arbitrary()? {
            return Self::legal(ends, u);
        }
        let from = u.arbitrary::<Role>()?;
        let rules: Vec<_> = Stream::breakable(&ends[from.peer() as usize]).iter().collect();
        let rule = *u.choose(&rules)?;
        Self::breaking(ends, from, rule, u)
    }

    /// Creates a connection in which the endpoint `from` breaks a rule, and its peer replies as it
    /// must.
    ///
    /// # Errors
    ///
    /// - `IncorrectFormat` if the rule cannot be broken under the policy of the peer (see
    ///   [`Stream::breakable`]).
    /// - The errors of [`legal`](Self::legal).
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{Policy, Role, Rule, generate::Connection};
    /// let ends = [Policy::new(Role::Client), Policy::new(Role::Server)];
    /// let mut u = Unstructured::new(b"bytes");
    /// let connection = Connection::breaking(ends, Role::Server, Rule::InvalidUtf8, &mut u)?;
    /// let (from, violation) = connection.violation().unwrap();
    /// assert_eq!((from, violation.rule), (Role::Server, Rule::InvalidUtf8));
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    pub fn breaking(
        ends: [Policy; 2],
        from: Role,
        rule: Rule,
        u: &mut Unstructured<'_>,
    ) -> Result<Self> {
        let mut connection = Self::open(ends, u)?;
        let violation = connection.stream_mut(from).push_breaking(rule, u)?;
        connection.note(from);
        if rule == Rule::DataAfterClose {
            connection.echo(from, u)?;
        } else if let Some(close) = violation.reply() {
            let body = [&close.code.0.to_be_bytes(), close.reason.as_bytes()].concat();
            connection.answer(from.peer(), OpCode::Close, body, u)?;
        }
        Ok(connection)
    }

    /// Creates a connection without a violation, in which an endpoint neglects this duty for longer than
    /// [`Patience::new`](crate::Patience::new) allows.
    ///
    /// An endpoint does not answer a Ping: it sends another frame more than a second later, or nothing
    /// for at least five seconds. Or the server leaves the TCP connection open for more than two seconds
    /// after both Close frames. [`finding`](Self::finding) says which.
    ///
    /// # Errors
    ///
    /// The errors of [`legal`](Self::legal).
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{Conversation, End, Lapse, Policy, Role, generate::Connection};
    /// let ends = [Policy::new(Role::Client), Policy::new(Role::Server)];
    /// let mut u = Unstructured::new(b"as many bytes as the fuzzer has found");
    /// let connection = Connection::neglecting(ends, Lapse::UnansweredPing, &mut u)?;
    ///
    /// let mut conversation = Conversation::new(ends[0], ends[1]);
    /// for (at, (from, bytes)) in connection.times().zip(connection.turns()) {
    ///     conversation.at(at);
    ///     conversation.bytes(from, bytes);
    /// }
    /// conversation.at(connection.end());
    /// conversation.end(Role::Server, End::Fin, 0);
    /// assert_eq!(conversation.findings().next(), connection.finding());
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    pub fn neglecting(ends: [Policy; 2], lapse: Lapse, u: &mut Unstructured<'_>) -> Result<Self> {
        let mut connection = Self::open(ends, u)?;
        let neglect = |u: &mut Unstructured<'_>, least: u64| {
            Ok(Duration::from_millis(least + u.int_in_range(NEGLECT)?))
        };
        match lapse {
            Lapse::UnansweredPing => {
                let by = u.arbitrary::<Role>()?;
                // These Pongs answer the Pings before them too, if a Pong had to be left out. They show
                // that no direction is missing.
                connection.ping(by, u)?;
                connection.ping(by.peer(), u)?;
                connection.stream_mut(by.peer()).push_control(OpCode::Ping, Vec::new(), u)?;
                connection.note(by.peer());
                let at = connection.now;
                if u.arbitrary()? {
                    connection.now += neglect(u, 999)?;
                    connection.ping(by, u)?;
                } else {
                    connection.now += neglect(u, 4_998)?;
                }
                let closes = connection.turns.len();
                connection.close(by.peer(), u)?;
                let waited = connection.times[closes] - at;
                connection.finding = Some(Finding::new(lapse, by, at, waited));
            }
            Lapse::ServerLeftOpen => {
                let first = u.arbitrary::<Role>()?;
                connection.close(first, u)?;
                let at = connection.now;
                connection.now += neglect(u, 1_999)?;
                let waited = connection.end() - at;
                connection.finding = Some(Finding::new(lapse, Role::Server, at, waited));
            }
        }
        Ok(connection)
    }

    /// Returns the stream that an endpoint sends. Its policy is that of the peer.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{Policy, Role, generate::Connection};
    /// let ends = [Policy::new(Role::Client), Policy::new(Role::Server)];
    /// let connection = Connection::legal(ends, &mut Unstructured::new(b"bytes"))?;
    /// assert_eq!(connection.stream(Role::Client).policy().role, Role::Server);
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    #[must_use]
    pub const fn stream(&self, from: Role) -> &Stream {
        match from {
            Role::Client => &self.client,
            Role::Server => &self.server,
        }
    }

    /// Returns an iterator over the bytes in the order in which they are sent, each piece with the
    /// endpoint that sends it.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{Policy, Role, generate::Connection};
    /// let ends = [Policy::new(Role::Client), Policy::new(Role::Server)];
    /// let connection = Connection::legal(ends, &mut Unstructured::new(b"bytes"))?;
    /// assert!(connection.turns().count() >= 2); // two Close frames
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    pub fn turns(&self) -> impl Iterator<Item = (Role, &[u8])> {
        let mut starts = [0; 2];
        self.turns.iter().map(move |(from, end)| {
            let start = std::mem::replace(&mut starts[*from as usize], *end);
            (*from, &self.stream(*from).bytes()[start..*end])
        })
    }

    /// Returns the time of each of the [`turns`](Self::turns). No time is less than the one before.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{Policy, Role, generate::Connection};
    /// let ends = [Policy::new(Role::Client), Policy::new(Role::Server)];
    /// let connection = Connection::legal(ends, &mut Unstructured::new(b"bytes"))?;
    /// assert_eq!(connection.times().count(), connection.turns().count());
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    pub fn times(&self) -> impl Iterator<Item = Duration> {
        self.times.iter().copied()
    }

    /// Returns the time at which the server closes the TCP connection.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{Policy, Role, generate::Connection};
    /// let ends = [Policy::new(Role::Client), Policy::new(Role::Server)];
    /// let connection = Connection::legal(ends, &mut Unstructured::new(b"bytes"))?;
    /// assert!(connection.times().all(|time| time < connection.end()));
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    #[must_use]
    pub fn end(&self) -> Duration {
        self.now + TURN
    }

    /// Returns the duty that an endpoint neglects, as
    /// [`Conversation::findings`](crate::Conversation::findings) must return it, or `None` if both did
    /// their duties.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{Policy, Role, generate::Connection};
    /// let ends = [Policy::new(Role::Client), Policy::new(Role::Server)];
    /// assert_eq!(Connection::legal(ends, &mut Unstructured::new(b"bytes"))?.finding(), None);
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    #[must_use]
    pub const fn finding(&self) -> Option<Finding> {
        self.finding
    }

    /// Returns the endpoint that breaks a rule and the violation that its peer must find, or `None`
    /// if the connection is legal.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{Policy, Role, generate::Connection};
    /// let ends = [Policy::new(Role::Client), Policy::new(Role::Server)];
    /// assert_eq!(Connection::legal(ends, &mut Unstructured::new(b"bytes"))?.violation(), None);
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    #[must_use]
    pub fn violation(&self) -> Option<(Role, Violation)> {
        let found = |from| self.stream(from).violation().map(|violation| (from, violation));
        found(Role::Client).or_else(|| found(Role::Server))
    }

    /// Creates a connection with legal frames of both endpoints, and without a Close frame.
    fn open([client, server]: [Policy; 2], u: &mut Unstructured<'_>) -> Result<Self> {
        let extensions = |end: &Policy| (end.compression, end.rsv);
        let roles = (client.role, server.role);
        if roles != (Role::Client, Role::Server) || extensions(&client) != extensions(&server) {
            return Err(Error::IncorrectFormat);
        }
        let mut connection = Self {
            // A stream is validated under the policy of its receiver.
            client: Stream::new(server),
            server: Stream::new(client),
            turns: Vec::new(),
            times: Vec::new(),
            now: Duration::ZERO,
            finding: None,
        };
        for _ in 0..u.int_in_range(0..=MOST_TURNS)? {
            if u.is_empty() {
                break;
            }
            let from = u.arbitrary()?;
            connection.send(from, u)?;
        }
        Ok(connection)
    }

    /// Adds a legal frame that is not a Close frame. If the frame is a Ping, adds the Pong of the
    /// peer.
    fn send(&mut self, from: Role, u: &mut Unstructured<'_>) -> Result<()> {
        let stream = self.stream_mut(from);
        let before = stream.messages().len();
        stream.push_open(u)?;
        let ping = match stream.messages().get(before) {
            Some((OpCode::Ping, body)) => Some(body.clone()),
            _ => None,
        };
        self.note(from);
        match ping {
            Some(body) => self.answer(from.peer(), OpCode::Pong, body, u),
            None => Ok(()),
        }
    }

    /// Adds the closing handshake that `first` starts. Before its reply, the peer may continue its
    /// open message and send Pings.
    fn close(&mut self, first: Role, u: &mut Unstructured<'_>) -> Result<()> {
        self.stream_mut(first).push_close(u)?;
        self.note(first);
        let second = first.peer();
        for _ in 0..u.int_in_range(0..=2)? {
            if self.stream_mut(second).push_rest(u)? {
                self.note(second);
            } else {
                self.ping(second, u)?;
            }
        }
        self.echo(first, u)
    }

    /// Adds an empty Ping, and the Pong of the peer.
    fn ping(&mut self, from: Role, u: &mut Unstructured<'_>) -> Result<()> {
        if self.stream_mut(from).push_control(OpCode::Ping, Vec::new(), u)? {
            self.note(from);
            self.answer(from.peer(), OpCode::Pong, Vec::new(), u)?;
        }
        Ok(())
    }

    /// Adds the reply to the Close frame of `first`: a Close frame with the same code.
    fn echo(&mut self, first: Role, u: &mut Unstructured<'_>) -> Result<()> {
        let mut sent = self.stream(first).messages().iter().rev();
        let close = sent.find(|(opcode, _)| *opcode == OpCode::Close);
        let code = close.and_then(|(_, body)| body.first_chunk::<2>().copied());
        self.answer(first.peer(), OpCode::Close, code.map_or(Vec::new(), Vec::from), u)
    }

    fn answer(
        &mut self,
        from: Role,
        opcode: OpCode,
        mut payload: Vec<u8>,
        u: &mut Unstructured<'_>,
    ) -> Result<()> {
        let most = self.stream(from).policy().max_frame;
        if opcode == OpCode::Close && payload.len() as u64 > most {
            payload.truncate(if most < 2 { 0 } else { 2 });
        }
        if self.stream_mut(from).push_control(opcode, payload, u)? {
            self.note(from);
        }
        Ok(())
    }

    fn stream_mut(&mut self, from: Role) -> &mut Stream {
        match from {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    /// Adds a turn with the bytes that an endpoint has sent since its last turn.
    fn note(&mut self, from: Role) {
        let end = self.stream(from).bytes().len();
        self.now += TURN;
        self.turns.push((from, end));
        self.times.push(self.now);
    }
}

impl<'a> Arbitrary<'a> for Connection {
    /// Creates a connection between endpoints with any policies that have the same extensions. The
    /// connection is legal, or an endpoint breaks a rule.
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let policy = |role| move |policy: Policy| Policy { role, ..policy };
        let client: Policy = u.arbitrary().map(policy(Role::Client))?;
        let server: Policy = u.arbitrary().map(policy(Role::Server))?;
        let ends = [client, server.compression(client.compression).rsv(client.rsv)];
        Self::under(ends, u)
    }
}
