//! The cases of a prober: what a client sends to a server, and what the server must do.

mod closing;
mod control;
mod cuts;
mod deflate;
mod fragments;
mod frames;
mod lengths;
mod limits;
mod opening;
mod setup;
mod stress;
mod text;
mod types;
mod wire;

use std::borrow::ToOwned;
use std::string::String;
use std::vec;
use std::vec::Vec;

pub use setup::Setup;

use crate::{CloseCode, OpCode, Rule, handshake};

/// How much a server that fails a [`Case`] deviates from the RFC.
///
/// ```
/// use wsvet::generate::Level;
///
/// assert!(Level::Must < Level::Quality);
/// assert_eq!(Level::Should.to_string(), "should");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// The server breaks a MUST of the RFC.
    Must,
    /// The server breaks a SHOULD of the RFC.
    Should,
    /// The RFC permits what the server does, but another server would do better.
    Quality,
}

impl Level {
    /// Returns the name: `must`, `should` or `quality`.
    ///
    /// ```
    /// # use wsvet::generate::Level;
    /// assert_eq!(Level::Must.name(), "must");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::Quality => "quality",
        }
    }
}

impl core::fmt::Display for Level {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.name())
    }
}

/// What a server must be able to do, or a case says nothing about it.
///
/// ```
/// use wsvet::generate::Needs;
///
/// assert!(!Needs::default().deflate);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Needs {
    /// The server accepts text messages.
    pub text: bool,
    /// The server accepts binary messages.
    pub binary: bool,
    /// The server accepts permessage-deflate (RFC 7692).
    pub deflate: bool,
    /// With permessage-deflate, the server lets a message of the client refer to earlier messages (RFC
    /// 7692 §7.1.1.2).
    pub client_context: bool,
}

/// How the server must respond to the request of the opening handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// With status 101, and header fields that break no rule.
    Accept,
    /// With another status than 101. If there are any in the list, another one than these is only
    /// less helpful.
    Refuse(&'static [u16]),
    /// With another status than 101, and the versions that the server supports in
    /// Sec-WebSocket-Version (RFC 6455 §4.2.2).
    RefuseVersion,
}

/// A step of a [`Case`]: bytes to send, or what the server must do before the next step.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Step {
    /// Send these segments. Each is a write of its own, so that it may arrive alone.
    Send(Vec<Vec<u8>>),
    /// The server goes on: it answers a Ping that is sent now, and does not close the connection.
    GoOn,
    /// The server goes on, or it refuses with one of these codes.
    GoOnOr(&'static [CloseCode]),
    /// The server answers the Ping with this payload, which was sent before.
    Pong(Vec<u8>),
    /// The server sends this message back, if it sends every message back.
    Echo(OpCode, Vec<u8>),
    /// The server refuses what was sent, with one of these codes. The first is the best.
    Refuse(&'static [CloseCode]),
    /// The server should refuse now, with one of these codes, although the message is not complete.
    /// If it does, no step follows.
    RefuseEarly(&'static [CloseCode]),
    /// The server answers the Close frame, usually with this code, or without one.
    Close(Option<CloseCode>),
    /// The client ends its side of the TCP connection.
    EndSending,
    /// The server ends the TCP connection.
    End,
}

/// A case of a prober: the bytes that a client sends to a server, and what the server must do.
///
/// A case needs no I/O. The request has a fixed key, so that the same case sends the same bytes.
///
/// A server that does not fail any case may still be faulty.
///
/// ```
/// use wsvet::generate::{Case, Setup, Step};
/// use wsvet::{Policy, Role, Rule, StreamDecoder};
///
/// let cases = Case::all(&Setup::new("example.com", "/chat"));
/// let case = cases.iter().find(|case| case.id == "masking/unmasked-data").unwrap();
/// assert_eq!(case.rule, Some("unmasked-client-frame"));
/// let [Step::Send(segments), Step::Refuse(codes)] = &case.steps[..] else { panic!() };
///
/// // In place of a server: the decoder of this crate.
/// let mut decoder = StreamDecoder::new(Policy::new(Role::Server));
/// let violation = decoder.decode(&mut segments.concat()).unwrap_err();
/// assert_eq!(violation.rule.close_code(), codes[0]);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Case {
    /// The stable name: a family and a name in it, such as `utf8/overlong-2`.
    pub id: String,
    /// What is sent, in a few words.
    pub title: String,
    /// The id of the rule that the client breaks ([`Rule`] or [`handshake::Rule`]), if any.
    pub rule: Option<&'static str>,
    /// The number of the RFC.
    pub rfc: u16,
    /// The section of the RFC that says what is due.
    pub section: &'static str,
    /// The most that a server which fails the case can break.
    pub level: Level,
    /// Whether the case can do harm to a server without limits.
    pub stress: bool,
    /// What the server must be able to do.
    pub needs: Needs,
    /// The segments of the request.
    pub request: Vec<Vec<u8>>,
    /// How the server must respond to the request.
    pub answer: Answer,
    /// What follows after the response, if that accepts the request.
    pub steps: Vec<Step>,
}

impl Case {
    /// Returns the cases for a server, in a fixed order. Each has another id.
    ///
    /// The cases about a type of data that is not accepted (1003), and about a limit (1009), are there
    /// only if the [`Setup`] says what the server accepts.
    ///
    /// ```
    /// # use wsvet::{Accepts, generate::{Case, Setup}};
    /// let setup = Setup::new("example.com", "/");
    /// let about_types = |setup: &Setup| {
    ///     Case::all(setup).iter().filter(|case| case.rule == Some("unsupported-data")).count()
    /// };
    /// assert_eq!(about_types(&setup), 0);
    /// assert!(about_types(&setup.accepts(Accepts::TextOnly)) > 0);
    /// ```
    #[must_use]
    pub fn all(setup: &Setup) -> Vec<Self> {
        let mut cases = Vec::new();
        opening::add(setup, &mut cases);
        frames::add(setup, &mut cases);
        lengths::add(setup, &mut cases);
        text::add(setup, &mut cases);
        fragments::add(setup, &mut cases);
        control::add(setup, &mut cases);
        closing::add(setup, &mut cases);
        cuts::add(setup, &mut cases);
        types::add(setup, &mut cases);
        limits::add(setup, &mut cases);
        deflate::add(setup, &mut cases);
        stress::add(setup, &mut cases);
        cases
    }

    /// Creates a case with a legal request, and nothing after it.
    fn new(setup: &Setup, id: impl Into<String>, title: impl Into<String>) -> Self {
        let id = id.into();
        let head = opening::Head::new(setup, &id).build();
        Self {
            id,
            title: title.into(),
            rule: None,
            rfc: 6455,
            section: "5.2",
            level: Level::Must,
            stress: false,
            needs: Needs::default(),
            request: vec![head],
            answer: Answer::Accept,
            steps: Vec::new(),
        }
    }

    fn section(mut self, section: &'static str) -> Self {
        self.section = section;
        self
    }

    fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// The case sends data of this type.
    fn needs(mut self, opcode: OpCode) -> Self {
        match opcode {
            OpCode::Text => self.needs.text = true,
            _ => self.needs.binary = true,
        }
        self
    }

    fn stress(mut self) -> Self {
        self.stress = true;
        self.level(Level::Quality)
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Sends bytes in one segment.
    fn send(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.step(Step::Send(vec![bytes.into()]))
    }

    /// Sends bytes in two segments.
    fn send_cut(self, bytes: &[u8], at: usize) -> Self {
        let (before, after) = bytes.split_at(at);
        self.step(Step::Send(vec![before.to_owned(), after.to_owned()]))
    }

    /// Sends each byte in a segment of its own.
    fn send_bytewise(self, bytes: &[u8]) -> Self {
        self.step(Step::Send(bytes.iter().map(|byte| vec![*byte]).collect()))
    }

    /// Sends a message in a single frame, which the server takes.
    fn message(self, opcode: OpCode, payload: &[u8]) -> Self {
        self.send(wire::message(opcode, payload)).needs(opcode).echo(opcode, payload)
    }

    fn echo(self, opcode: OpCode, payload: &[u8]) -> Self {
        self.step(Step::Echo(opcode, payload.to_owned()))
    }

    fn go_on(self) -> Self {
        self.step(Step::GoOn)
    }

    /// What was sent breaks a rule.
    fn refuse(mut self, rule: Rule) -> Self {
        self.breaks(rule);
        self.step(Step::Refuse(codes(rule)))
    }

    /// What was sent breaks a rule, and the message is not complete.
    fn refuse_early(mut self, rule: Rule) -> Self {
        self.breaks(rule);
        self.step(Step::RefuseEarly(codes(rule)))
    }

    fn breaks(&mut self, rule: Rule) {
        self.rule = Some(rule.id());
        self.rfc = rule.rfc();
        self.section = rule.section();
    }

    /// The request breaks a rule.
    fn refuse_request(mut self, rule: handshake::Rule, answer: Answer) -> Self {
        self.rule = Some(rule.id());
        self.rfc = rule.rfc();
        self.section = rule.section();
        self.answer = answer;
        self
    }
}

/// Returns the codes with which the receiver of a frame that breaks this rule may refuse it.
fn codes(rule: Rule) -> &'static [CloseCode] {
    match rule {
        // A length of 2^63 bytes or more is also too big.
        Rule::LengthOverflow => &[CloseCode::PROTOCOL_ERROR, CloseCode::MESSAGE_TOO_BIG],
        // A compressed message that is no DEFLATE breaks the framing of the extension, too.
        Rule::InvalidDeflate => &[CloseCode::INVALID_FRAME_PAYLOAD_DATA, CloseCode::PROTOCOL_ERROR],
        // A reason is no data of a message.
        Rule::InvalidCloseReason => {
            &[CloseCode::INVALID_FRAME_PAYLOAD_DATA, CloseCode::PROTOCOL_ERROR]
        }
        _ => match rule.close_code() {
            CloseCode::UNSUPPORTED_DATA => &[CloseCode::UNSUPPORTED_DATA],
            CloseCode::INVALID_FRAME_PAYLOAD_DATA => &[CloseCode::INVALID_FRAME_PAYLOAD_DATA],
            CloseCode::POLICY_VIOLATION => &[CloseCode::POLICY_VIOLATION],
            CloseCode::MESSAGE_TOO_BIG => &[CloseCode::MESSAGE_TOO_BIG],
            _ => &[CloseCode::PROTOCOL_ERROR],
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Accepts, Policy, Role, StreamDecoder};

    fn setups() -> Vec<Setup> {
        let plain = Setup::new("example.com", "/chat?room=1");
        let mut setups = Vec::new();
        for accepts in
            [None, Some(Accepts::Any), Some(Accepts::TextOnly), Some(Accepts::BinaryOnly)]
        {
            for limit in [None, Some(1000), Some(100_000)] {
                let mut setup = plain.clone();
                if let Some(accepts) = accepts {
                    setup = setup.accepts(accepts);
                }
                setup.max_message = limit;
                setups.push(setup);
            }
        }
        setups
    }

    #[test]
    fn ids_are_distinct_and_in_lower_case() {
        for setup in setups() {
            let cases = Case::all(&setup);
            let ids: BTreeSet<_> = cases.iter().map(|case| &case.id).collect();
            let mut seen = BTreeSet::new();
            let twice: Vec<_> = cases.iter().filter(|case| !seen.insert(&case.id)).collect();
            assert_eq!(ids.len(), cases.len(), "{twice:?}");
            let fits = |byte: u8| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-/".contains(&byte)
            };
            assert!(ids.iter().all(|id| id.bytes().all(fits) && id.matches('/').count() == 1));
        }
    }

    /// What a server receives, judged by the decoder: the first violation is the one of the case.
    #[test]
    fn a_case_breaks_the_rule_that_it_names_and_no_other() {
        for setup in setups() {
            let policy = Policy::new(Role::Server)
                .accepts(setup.accepts.unwrap_or_default())
                .max_message(setup.max_message.unwrap_or(u64::MAX));
            for case in Case::all(&setup) {
                if case.stress || case.answer != Answer::Accept || case.id.starts_with("deflate/") {
                    continue;
                }
                // The prober leaves out what the server does not accept.
                if case.needs.text && !policy.accepts.admits(OpCode::Text)
                    || case.needs.binary && !policy.accepts.admits(OpCode::Binary)
                {
                    continue;
                }
                let mut decoder = StreamDecoder::new(policy);
                let mut found = None;
                'steps: for step in &case.steps {
                    let Step::Send(segments) = step else { continue };
                    for segment in segments {
                        let mut rest = &mut segment.clone()[..];
                        while !rest.is_empty() {
                            match decoder.decode(rest) {
                                Ok((used, _)) => rest = &mut rest[used..],
                                Err(violation) => {
                                    found = Some(violation.rule);
                                    break 'steps;
                                }
                            }
                        }
                    }
                }
                let refused = case.steps.iter().find_map(|step| match step {
                    Step::Refuse(codes) | Step::RefuseEarly(codes) => Some(codes[0]),
                    _ => None,
                });
                if case.steps.contains(&Step::Close(None)) || found == Some(Rule::DataAfterClose) {
                    continue; // what follows a Close is not read
                }
                assert_eq!(found.map(Rule::id), case.rule, "{}", case.id);
                assert_eq!(found.map(Rule::close_code), refused, "{}", case.id);
            }
        }
    }

    #[test]
    fn a_request_breaks_the_rule_that_its_case_names() {
        for case in Case::all(&setups()[0]) {
            let request = case.request.concat();
            let broken = parse(&request);
            let due = case.rule.filter(|id| handshake::Rule::from_id(id).is_some());
            assert_eq!(broken, due, "{}: {}", case.id, String::from_utf8_lossy(&request));
        }
    }

    /// The rule that a request breaks, by a parser of a few lines.
    fn parse(request: &[u8]) -> Option<&'static str> {
        let text = std::str::from_utf8(request).unwrap().strip_suffix("\r\n\r\n").unwrap();
        let mut lines = text.split("\r\n");
        let first: Vec<_> = lines.next().unwrap().split(' ').collect();
        let [method, target, version] = first[..] else { panic!("{text}") };
        let version = version.strip_prefix("HTTP/1.").unwrap().parse().unwrap();
        let fields: Vec<_> = lines.map(|line| line.split_once(':').unwrap()).collect();
        let fields = fields.iter().map(|(name, value)| (*name, value.trim()));
        let request = handshake::Request::new(method, target, (1, version), fields);
        request.validate().err().map(handshake::Rule::id)
    }
}
