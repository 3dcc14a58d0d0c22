//! The cases of a prober: what it sends to a server or a client, and what that must do.

mod closing;
mod control;
mod cuts;
mod deflate;
mod duty;
mod fragments;
mod frames;
mod lengths;
mod limits;
mod opening;
mod reply;
mod responses;
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

use self::duty::Duty;
use self::reply::Reply;
use crate::{CloseCode, OpCode, Role, Rule, handshake};

/// How much a peer that fails a [`Case`] deviates from the RFC.
///
/// ```
/// use wsvet::generate::Level;
///
/// assert!(Level::Must < Level::Quality);
/// assert_eq!(Level::Should.to_string(), "should");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// The peer breaks a MUST of the RFC.
    Must,
    /// The peer breaks a SHOULD of the RFC.
    Should,
    /// The RFC permits what the peer does, but another peer would do better.
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

/// What the peer must be able to do, or a case says nothing about it.
///
/// ```
/// use wsvet::generate::Needs;
///
/// assert!(!Needs::default().deflate);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Needs {
    /// The peer accepts text messages.
    pub text: bool,
    /// The peer accepts binary messages.
    pub binary: bool,
    /// The server accepts permessage-deflate (RFC 7692), or the client offers it.
    pub deflate: bool,
    /// With permessage-deflate, the peer lets a message of the prober refer to earlier messages (RFC
    /// 7692 §7.1.1).
    pub context: bool,
}

/// What the peer must do in the opening handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// The server responds with status 101, and header fields that break no rule. The client accepts
    /// the response.
    Accept,
    /// The server responds with another status than 101. If there are any in the list, another one
    /// than these is only less helpful. The client does not accept the response; if its status is 101,
    /// the client ends the TCP connection.
    Refuse(&'static [u16]),
    /// The server responds with another status than 101, and the versions that it supports in
    /// Sec-WebSocket-Version (RFC 6455 §4.2.2).
    RefuseVersion,
}

/// A step of a [`Case`]: bytes to send, or what the peer must do before the next step.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Step {
    /// Send these segments. Each is a write of its own, so that it may arrive alone.
    Send(Vec<Vec<u8>>),
    /// The peer goes on: it answers a Ping that is sent now, and does not close the connection.
    GoOn,
    /// The peer goes on, or it refuses with one of these codes.
    GoOnOr(&'static [CloseCode]),
    /// The peer answers the Ping with this payload, which was sent before.
    Pong(Vec<u8>),
    /// The peer sends this message back, if it sends every message back.
    Echo(OpCode, Vec<u8>),
    /// The peer sends this message back, if it sends every message back. But a program may have a
    /// reason to leave out such a message, or to change it, and the RFC lets it do so.
    MayEcho(OpCode, Vec<u8>),
    /// The peer refuses what was sent, with one of these codes. The first is the best.
    Refuse(&'static [CloseCode]),
    /// The peer has not answered the Ping with this payload, which was sent after what it refused.
    NoPong(Vec<u8>),
    /// After its Close frame, the peer sends no Ping and no second Close frame.
    Silence,
    /// The peer should refuse now, with one of these codes, although the message is not complete.
    /// If it does, no step follows.
    RefuseEarly(&'static [CloseCode]),
    /// The peer answers the Close frame, usually with this code, or without one.
    Close(Option<CloseCode>),
    /// The prober ends its side of the TCP connection.
    EndSending,
    /// The peer ends the TCP connection. A server does so first (RFC 6455 §7.1.1): before this step, a
    /// prober of clients ends its side.
    End,
    /// The peer has not reset the TCP connection (RFC 6455 §7.1.1). This step follows one after which TCP
    /// has ended.
    NoReset,
}

/// A case of a prober: the bytes that it sends to the peer, a server or a client, and what the peer
/// must do.
///
/// A case needs no I/O. The request to a server has a fixed key, so that the same case sends the same
/// bytes. The response to a client depends on the client's request: [`respond`](Self::respond) creates
/// it.
///
/// A peer that does not fail any case may still be faulty.
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
    /// The id of the rule that the prober breaks ([`Rule`] or [`handshake::Rule`]), if any.
    pub rule: Option<&'static str>,
    /// The number of the RFC.
    pub rfc: u16,
    /// The section of the RFC that says what is due.
    pub section: &'static str,
    /// The sentence of the RFC that asks for what is due. Empty if no sentence does, and if the prober
    /// breaks a rule, which has a section of its own.
    pub sentence: &'static str,
    /// The most that a peer which fails the case can break.
    pub level: Level,
    /// What a peer breaks that refuses what is legal, with a Close frame or an HTTP status. The peer
    /// is not always obliged to accept it.
    pub refusal: Level,
    /// Whether the case can do harm to a peer without limits.
    pub stress: bool,
    /// Whether the case is about the opening handshake. Otherwise, its request or its response differs
    /// in nothing that matters from that of other cases.
    pub about_opening: bool,
    /// What the peer must be able to do.
    pub needs: Needs,
    /// The segments of the request to a server. There are none if the peer is a client.
    pub request: Vec<Vec<u8>>,
    /// The response to a client.
    reply: Option<Reply>,
    /// What the peer must do in the opening handshake.
    pub answer: Answer,
    /// What follows after the response, if that accepts the request.
    pub steps: Vec<Step>,
}

impl Case {
    /// Returns the cases for a server or a client, in a fixed order. Each has another id.
    ///
    /// The cases about a type of data that is not accepted (1003), and about a limit (1009), are there
    /// only if the [`Setup`] says what the peer accepts.
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
        match setup.role {
            Role::Server => opening::add(setup, &mut cases),
            Role::Client => responses::add(setup, &mut cases),
        }
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

    /// Returns the segments of the response to the request of a client. The last one may have the first
    /// bytes of frames, too.
    ///
    /// Returns `None` if the case says nothing of the client: if the response to this request would
    /// break no rule, or another one than the case is about. So an answer to permessage-deflate that
    /// must be refused because it was not offered is `None` for a client that offers it. Also returns
    /// `None` if the case is for a server.
    ///
    /// ```
    /// use wsvet::generate::{Answer, Case, Setup};
    /// use wsvet::handshake::{Key, RequestBuilder};
    ///
    /// let cases = Case::all(&Setup::client());
    /// let case = cases.iter().find(|case| case.id == "response/wrong-accept").unwrap();
    /// assert_eq!(case.answer, Answer::Refuse(&[]));
    ///
    /// let request = RequestBuilder::new("example.com", "/", Key::new(*b"the sample nonce"));
    /// let response = case.respond(&request.as_request()).unwrap().concat();
    /// assert!(response.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
    /// assert!(!response.windows(10).any(|bytes| bytes == b"s3pPLMBiTx"));
    /// ```
    #[must_use]
    pub fn respond<'h>(
        &self,
        request: &handshake::Request<'h, impl handshake::Headers<'h>>,
    ) -> Option<Vec<Vec<u8>>> {
        let rule = self.rule.and_then(handshake::Rule::from_id);
        self.reply.as_ref()?.segments(request, rule)
    }

    /// Creates a case with a legal request or response, and nothing after it.
    fn new(setup: &Setup, id: impl Into<String>, title: impl Into<String>) -> Self {
        let id = id.into();
        let (request, reply) = match setup.role {
            Role::Server => (vec![opening::Head::new(setup, &id).build()], None),
            Role::Client => (Vec::new(), Some(Reply::new(setup))),
        };
        let case = Self {
            id,
            title: title.into(),
            rule: None,
            rfc: 6455,
            section: "",
            sentence: "",
            level: Level::Must,
            refusal: Level::Must,
            stress: false,
            about_opening: false,
            needs: Needs::default(),
            request,
            reply,
            answer: Answer::Accept,
            steps: Vec::new(),
        };
        case.owed(&duty::FRAMES)
    }

    /// What is due rests on this sentence.
    fn owed(mut self, duty: &'static Duty) -> Self {
        (self.rfc, self.section, self.sentence) = (duty.rfc, duty.section, duty.sentence);
        (self.level, self.refusal) = (duty.level, duty.refusal);
        self
    }

    fn section(mut self, section: &'static str) -> Self {
        (self.rfc, self.section) = (6455, section);
        self
    }

    /// The peer breaks no more than this.
    fn level(mut self, level: Level) -> Self {
        self.level = level;
        self.refusal = self.refusal.max(level);
        if level == Level::Quality {
            self.sentence = "";
        }
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

    fn about_opening(mut self) -> Self {
        self.about_opening = true;
        self
    }

    /// The case responds so to a client.
    fn reply(mut self, reply: Reply) -> Self {
        self.reply = Some(reply);
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

    /// Sends a message in a single frame, which the peer takes.
    fn message(self, setup: &Setup, opcode: OpCode, payload: &[u8]) -> Self {
        self.send(setup.message(opcode, payload)).needs(opcode).echo(opcode, payload)
    }

    fn echo(self, opcode: OpCode, payload: &[u8]) -> Self {
        let payload = payload.to_owned();
        // A program may see nothing to answer in an empty message.
        self.step(match payload.is_empty() {
            true => Step::MayEcho(opcode, payload),
            false => Step::Echo(opcode, payload),
        })
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
        (self.rfc, self.section, self.sentence) = (rule.rfc(), rule.section(), "");
    }

    /// The request or the response breaks a rule.
    fn refuse_head(mut self, rule: handshake::Rule, answer: Answer) -> Self {
        self.rule = Some(rule.id());
        (self.rfc, self.section, self.sentence) = (rule.rfc(), rule.section(), "");
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
    use crate::{Accepts, Policy, StreamDecoder};

    fn setups() -> Vec<Setup> {
        let mut setups = Vec::new();
        let all = [None, Some(Accepts::Any), Some(Accepts::TextOnly), Some(Accepts::BinaryOnly)];
        let both = [Setup::new("example.com", "/chat?room=1"), Setup::client()];
        for (plain, accepts) in both.iter().flat_map(|plain| all.map(|accepts| (plain, accepts))) {
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

    /// What the peer receives, judged by the decoder: the first violation is the one of the case.
    #[test]
    fn a_case_breaks_the_rule_that_it_names_and_no_other() {
        for setup in setups() {
            let policy = Policy::new(setup.role)
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
                let with_head = case.reply.iter().map(|reply| &reply.after);
                let sent = case.steps.iter().filter_map(|step| match step {
                    Step::Send(segments) => Some(segments),
                    _ => None,
                });
                'segments: for segment in with_head.chain(sent.flatten()) {
                    {
                        let mut rest = &mut segment.clone()[..];
                        while !rest.is_empty() {
                            match decoder.decode(rest) {
                                Ok((used, _)) => rest = &mut rest[used..],
                                Err(violation) => {
                                    found = Some(violation.rule);
                                    break 'segments;
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

    /// What fails a MUST or a SHOULD rests on a sentence: the row of a rule, or a duty.
    #[test]
    fn a_level_rests_on_a_sentence() {
        for case in setups().iter().flat_map(Case::all) {
            let words = ["MUST", "SHOULD", "MAY"];
            let said = words.iter().any(|word| case.sentence.contains(word));
            // To refuse a response is what the client owes to its status (§4.1).
            let by_status = case.id.starts_with("response/status-");
            let is_due = case.level < Level::Quality && case.rule.is_none() && !by_status;
            assert!(said || !is_due, "{}: {:?}", case.id, case.sentence);
            assert!(case.sentence.is_empty() || case.level < Level::Quality, "{}", case.id);
            assert!(case.refusal >= case.level && !case.section.is_empty(), "{}", case.id);
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

    /// Requests of clients that offer nothing, or something of all.
    fn requests() -> Vec<handshake::RequestBuilder> {
        let plain =
            handshake::RequestBuilder::new("example.com", "/", handshake::Key::new([9; 16]));
        let both = plain.clone().protocols(["chat", "superchat"]);
        let offers = [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; server_max_window_bits=10; server_no_context_takeover",
        ];
        let deflating = offers.map(|offer| both.clone().extensions(offer));
        [plain, both].into_iter().chain(deflating).collect()
    }

    #[test]
    fn a_response_breaks_the_rule_that_its_case_names() {
        let cases = Case::all(&Setup::client());
        let mut never: BTreeSet<_> = cases.iter().map(|case| &case.id).collect();
        for request in requests() {
            let request = request.as_request();
            for case in &cases {
                let Some(response) = case.respond(&request) else { continue };
                never.remove(&case.id);
                let bytes = response.concat();
                let text = std::string::String::from_utf8_lossy(&bytes);
                let text =
                    text.strip_prefix("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n");
                let text =
                    text.map_or_else(|| std::string::String::from_utf8_lossy(&bytes), Into::into);
                let (head, _) = text.split_once("\r\n\r\n").unwrap();
                let mut lines = head.split("\r\n");
                let status = lines.next().unwrap()[9..12].parse().unwrap();
                let fields: Vec<_> = lines.map(|line| line.split_once(':').unwrap()).collect();
                let fields = fields.iter().map(|(name, value)| (*name, value.trim()));
                let broken = handshake::Response::new(status, fields).broken(&request).next();
                let due = case.rule.and_then(handshake::Rule::from_id);
                assert_eq!(broken, due, "{}: {text}", case.id);
                let accepted = case.answer == Answer::Accept;
                assert_eq!(accepted, status == 101 && due.is_none(), "{}", case.id);
            }
        }
        assert!(never.is_empty(), "{never:?}");
    }

    /// An answer that must be refused lacks nothing that the client asks for.
    #[test]
    fn an_answer_has_what_the_client_asks_for() {
        let offer = "permessage-deflate; server_no_context_takeover; client_max_window_bits";
        let request = requests().remove(0).extensions(offer);
        let cases = Case::all(&Setup::client());
        let answers = |prefix: &str| -> Vec<_> {
            let cases = cases.iter().filter(|case| case.id.starts_with(prefix));
            let answered = |case: &Case| case.respond(&request.as_request()).is_some();
            cases.filter(|case| answered(case)).map(|case| &*case.id).collect()
        };
        assert_eq!(answers("deflate/answer-client-bits-not-offered"), [""; 0]);
        assert_eq!(answers("deflate/answer-asked"), ["deflate/answer-asked-parameter-missing"]);
        assert!(answers("deflate/answer-").len() > 15, "{:?}", answers("deflate/answer-"));
    }

    /// The cases about frames are the same for servers and clients.
    #[test]
    fn both_roles_have_the_same_cases_about_frames() {
        let ids = |setup: &Setup| -> BTreeSet<_> {
            let about_frames = |case: &Case| {
                let (family, name) = case.id.split_once('/').unwrap();
                !["opening", "response", "masking"].contains(&family)
                    && !name.starts_with("offer-")
                    && !name.starts_with("answer-")
            };
            let cases = Case::all(setup);
            cases.iter().filter(|case| about_frames(case)).map(|case| case.id.clone()).collect()
        };
        let server = ids(&Setup::new("example.com", "/"));
        let masked: BTreeSet<_> =
            server.iter().map(|id| id.replace("cuts/unmasked", "cuts/masked")).collect();
        let client = ids(&Setup::client());
        // A masked frame has its key in addition.
        let more: Vec<_> = masked.symmetric_difference(&client).collect();
        assert!(more.iter().all(|id| id.starts_with("cuts/")), "{more:?}");
        assert!(client.len() > 300, "{}", client.len());
    }
}
