//! Both directions of a connection, in the order in which they are sent.

use std::vec::Vec;

use arbitrary::{Arbitrary, Error, Result, Unstructured};

use super::Stream;
use crate::{OpCode, Policy, Role, Rule, Violation};

/// A connection from its first frame to its last: what each end sends, and in which order.
///
/// Each Ping is answered with its Pong at once, and a Close with a Close that has the same code.
/// Where one end breaks a rule, the other answers as it must, with [`Violation::reply`]; to data
/// after a Close it answers the Close alone. A Close that the other end's limit on a frame does not
/// allow is without its reason, or empty; a Pong is left out.
///
/// At the end of [`Rule::EofInFrame`] and [`Rule::EofWithoutClose`] neither end has sent a Close,
/// but the one that is named is the one that went first.
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
    /// What the client sends.
    client: Stream,
    /// What the server sends.
    server: Stream,
    /// Who sends next, and up to which byte of his stream.
    turns: Vec<(Role, usize)>,
}

/// The most turns before the Close or the violation.
const MOST_TURNS: usize = 32;

impl Connection {
    /// A legal connection, closed by either end; `ends` are the policies of the client and of the
    /// server.
    ///
    /// # Errors
    ///
    /// `IncorrectFormat` where `ends` are not a client and a server in this order, or have not agreed
    /// on the same extensions; or that of `u`.
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

    /// A legal connection, or one in which an end breaks a rule: each about as often.
    ///
    /// # Errors
    ///
    /// As [`legal`](Self::legal).
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

    /// A connection in which this end breaks this rule, and the other answers as it must.
    ///
    /// # Errors
    ///
    /// `IncorrectFormat` where the rule cannot be broken under the other's policy, see
    /// [`Stream::breakable`], or as [`legal`](Self::legal); or that of `u`.
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

    /// What this end sends.
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

    /// The bytes in the order in which they are sent, and who sends them.
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

    /// Who breaks a rule, and what the other end must find.
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

    /// Legal frames of both ends, without a Close.
    fn open([client, server]: [Policy; 2], u: &mut Unstructured<'_>) -> Result<Self> {
        let extensions = |end: &Policy| (end.compression, end.rsv);
        let roles = (client.role, server.role);
        if roles != (Role::Client, Role::Server) || extensions(&client) != extensions(&server) {
            return Err(Error::IncorrectFormat);
        }
        let mut connection = Self {
            // What an end sends is judged by the other.
            client: Stream::new(server),
            server: Stream::new(client),
            turns: Vec::new(),
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

    /// A legal frame that is no Close, and the Pong to a Ping.
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

    /// The closing handshake: the other may finish its message and ping until it answers.
    fn close(&mut self, first: Role, u: &mut Unstructured<'_>) -> Result<()> {
        self.stream_mut(first).push_close(u)?;
        self.note(first);
        let second = first.peer();
        for _ in 0..u.int_in_range(0..=2)? {
            if self.stream_mut(second).push_rest(u)? {
                self.note(second);
            } else if self.stream_mut(second).push_control(OpCode::Ping, Vec::new(), u)? {
                self.note(second);
                self.answer(first, OpCode::Pong, Vec::new(), u)?;
            }
        }
        self.echo(first, u)
    }

    /// Answers the Close of this end with its code.
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

    /// Notes that this end has sent something.
    fn note(&mut self, from: Role) {
        let end = self.stream(from).bytes().len();
        self.turns.push((from, end));
    }
}

impl<'a> Arbitrary<'a> for Connection {
    /// A connection between ends with any policies, legal or not.
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let policy = |role| move |policy: Policy| Policy { role, ..policy };
        let client: Policy = u.arbitrary().map(policy(Role::Client))?;
        let server: Policy = u.arbitrary().map(policy(Role::Server))?;
        let ends = [client, server.compression(client.compression).rsv(client.rsv)];
        Self::under(ends, u)
    }
}
