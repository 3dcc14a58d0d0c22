//! Runs one case over a connection, and judges what the server does.
//!
//! Where the server must go on, a Ping with a unique payload follows at once, and the server must answer it.
//! Where the server must refuse, the prober waits for the Close frame or the end first, because a Ping
//! could cause a reset, which destroys a Close frame on its way. Only if nothing comes, a Ping tells
//! whether the server has accepted what was sent.

use std::time::Duration;

use wsvet::generate::{Answer, Case, Level, Step};
use wsvet::handshake::Rule;
use wsvet::{Accepts, CloseCode, End, OpCode, Role};

use crate::probe::hello::Response;
use crate::probe::incoming::Incoming;
use crate::probe::link::Link;
use crate::probe::outcome::{Outcome, Ran};
use crate::probe::visit::{Closed, NoResponse, Visit, closed};
use crate::probe::words;

/// The case of a request with nothing but what is needed.
const PLAIN: &str = "opening/plain";

/// The number of bytes from which on a server may refuse what was sent without reading all of it. The
/// kernel then resets TCP.
const LARGE: u64 = 4 << 10;

/// How long the prober waits.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For what is due.
    pub most: Duration,
    /// For a refusal, before a Ping asks whether what was sent was accepted.
    pub quiet: Duration,
}

/// What is known of a server.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Server {
    /// Whether it sends texts back.
    pub echoes_text: bool,
    /// Whether it sends binary messages back.
    pub echoes_binary: bool,
    /// Whether it sends messages unprompted.
    pub is_chatty: bool,
    /// Whether it answers Pings.
    pub pongs: bool,
    /// Whether it refused a text with 1003.
    pub refuses_text: bool,
    /// Whether it refused a binary message with 1003.
    pub refuses_binary: bool,
    /// The type of data that it accepts, as the user says.
    pub accepts: Option<Accepts>,
    /// The length of the longest message that it accepts, in bytes, as the user says.
    pub max_message: Option<u64>,
    /// The rules that each of its responses breaks.
    pub broken: Vec<Rule>,
    /// Whether it accepts permessage-deflate.
    pub deflates: bool,
    /// The subprotocol that it chose.
    pub subprotocol: Option<String>,
}

impl Server {
    /// Returns whether it sends back messages of this type.
    #[must_use]
    pub const fn echoes(&self, opcode: OpCode) -> bool {
        match opcode {
            OpCode::Text => self.echoes_text,
            _ => self.echoes_binary,
        }
    }

    /// Returns the reason not to run a case, if there is one.
    #[must_use]
    pub fn cannot(&self, case: &Case, stress: bool) -> Option<&'static str> {
        let (needs, accepts) = (&case.needs, self.accepts.unwrap_or_default());
        if case.stress && !stress {
            return Some("only with --stress");
        }
        // Without --server-accepts, what the server refused with 1003 is what it does not accept.
        let [no_text, no_binary] = match self.accepts {
            None => [self.refuses_text, self.refuses_binary],
            Some(_) => [OpCode::Text, OpCode::Binary].map(|opcode| !accepts.admits(opcode)),
        };
        if needs.text && no_text {
            return Some("the server does not accept text messages");
        }
        if needs.binary && no_binary {
            return Some("the server does not accept binary messages");
        }
        None
    }
}

/// Runs one case.
pub fn play(case: &Case, server: &Server, link: &mut dyn Link, patience: Patience) -> Ran {
    let visit = Visit::new(link);
    let mut player = Player { case, server, patience, visit, closed: false, weak: None };
    let ended = player.run();
    let Player { visit, weak, .. } = player;
    let stop = match ended {
        Ok(()) | Err(Stop::Passed) => weak.unwrap_or(Stop::Passed),
        Err(stop) => stop,
    };
    let took = visit.elapsed();
    let due = words::due(case);
    let Visit { sent, received, .. } = visit;
    let mut ran = Ran { sent, received, took, ..Ran::without(Outcome::Pass, "") };
    match stop {
        Stop::Passed => {
            ran.due = due;
            ran.got = "as due".to_owned();
        }
        Stop::Failed(failure) => {
            ran.outcome = Outcome::Fail(failure.level.max(case.level));
            // A server that breaks another rule than the case does so whatever the case is about.
            if failure.broken.is_some() && failure.broken != case.rule {
                ran.outcome = Outcome::Fail(failure.level);
            }
            ran.due = failure.due.unwrap_or(due);
            ran.got = failure.got;
            ran.broken = failure.broken;
        }
        Stop::Unknown(reason) => {
            ran.outcome = Outcome::Inconclusive;
            (ran.due, ran.got) = (due, reason);
        }
        Stop::Skipped(reason) => {
            ran.outcome = Outcome::Skipped;
            (ran.due, ran.got) = (due, reason.to_owned());
        }
    }
    ran
}

/// Why a case ends before its last step, or after it with less than was due.
enum Stop {
    Passed,
    Failed(Failure),
    Unknown(String),
    Skipped(&'static str),
}

struct Failure {
    level: Level,
    /// What was due, if the step says more than the case.
    due: Option<String>,
    got: String,
    broken: Option<&'static str>,
}

/// The server did not do what the case says.
fn failed<T>(level: Level, got: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Failed(Failure { level, due: None, got: got.into(), broken: None }))
}

/// The server did not do what a step says.
fn failed_step<T>(level: Level, due: String, got: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Failed(Failure { level, due: Some(due), got: got.into(), broken: None }))
}

fn unknown<T>(reason: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Unknown(reason.into()))
}

struct Player<'a> {
    case: &'a Case,
    server: &'a Server,
    patience: Patience,
    visit: Visit<'a>,
    /// Whether the client has sent a Close frame, or ended its side.
    closed: bool,
    /// The first failure that does not end the case.
    weak: Option<Stop>,
}

impl Player<'_> {
    fn run(&mut self) -> Result<(), Stop> {
        self.open()?;
        for step in &self.case.steps {
            self.step(step)?;
        }
        self.leave()
    }

    /// The opening handshake.
    fn open(&mut self) -> Result<(), Stop> {
        let case = self.case;
        let response = self.response()?;
        let accepted = response.status == 101;
        if let 429 | 502..=504 = response.status {
            return unknown(format!(
                "HTTP {}: the server may have too much to do",
                response.status
            ));
        }
        let is_about_opening =
            ["opening/", "deflate/"].iter().any(|family| case.id.starts_with(family));
        match case.answer {
            Answer::Accept if !accepted && !is_about_opening => {
                unknown(format!("HTTP {}, for a request that was accepted before", response.status))
            }
            Answer::Accept if !accepted => failed(Level::Must, format!("HTTP {}", response.status)),
            Answer::Accept => self.accepted(&response),
            _ if accepted => failed(Level::Must, "accepted: HTTP 101"),
            Answer::RefuseVersion if !response.lists_versions => failed(
                Level::Must,
                format!("HTTP {} without Sec-WebSocket-Version", response.status),
            ),
            Answer::Refuse(statuses)
                if !statuses.is_empty() && !statuses.contains(&response.status) =>
            {
                let level = match response.status {
                    400..500 => Level::Quality,
                    _ => Level::Should,
                };
                failed(level, format!("HTTP {}", response.status))
            }
            _ => Err(Stop::Passed),
        }
    }

    fn response(&mut self) -> Result<Response, Stop> {
        let refuses = self.case.answer != Answer::Accept;
        let level = if refuses { Level::Should } else { Level::Must };
        self.visit.open(&self.case.request, self.patience.most).or_else(|why| match why {
            NoResponse::Late => failed(level, format!("no response within {}", self.most())),
            NoResponse::End(End::Reset) if refuses => unknown("TCP was reset"),
            NoResponse::End(_) => failed(level, "the end of TCP without a response"),
            NoResponse::Invalid(error) => failed(level, error),
        })
    }

    fn accepted(&self, response: &Response) -> Result<(), Stop> {
        // Only the plain case reports a rule that every response breaks.
        let plain = self.case.id == PLAIN;
        let is_told = |rule: &&Rule| plain || !self.server.broken.contains(rule);
        if let Some(extension) = &response.invented {
            return failed(Level::Must, format!("accepted {extension}, which no server knows"));
        }
        if let Some(rule) = response.broken.iter().find(is_told) {
            let got = format!("a response that breaks {rule}: {}", rule.text());
            return Err(Stop::Failed(Failure {
                level: Level::Must,
                due: Some("a response that breaks no rule".to_owned()),
                got,
                broken: Some(rule.id()),
            }));
        }
        let needs = &self.case.needs;
        match response.parameters {
            None if needs.deflate => {
                Err(Stop::Skipped("the server does not accept permessage-deflate"))
            }
            Some(parameters)
                if needs.client_context && !parameters.context_takeover(Role::Client) =>
            {
                Err(Stop::Skipped("the server set client_no_context_takeover"))
            }
            _ => Ok(()),
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), Stop> {
        match step {
            Step::Send(segments) => {
                self.visit.send(segments);
                Ok(())
            }
            Step::GoOn => self.go_on(&[]),
            Step::GoOnOr(codes) => self.go_on(codes),
            Step::Pong(payload) => self.pong(payload, &[]),
            Step::Echo(opcode, payload) => self.echo(*opcode, payload),
            Step::Refuse(codes) => self.refuse(codes, step),
            Step::RefuseEarly(codes) => self.refuse_early(codes, step),
            Step::Close(code) => self.close(*code, step),
            Step::EndSending => {
                self.visit.end_sending();
                self.closed = true;
                Ok(())
            }
            Step::End => self.end(step),
            _ => unknown("this version does not know the step"),
        }
    }

    /// Waits until `found` returns something, and returns `None` if the time is over or nothing more can
    /// come.
    ///
    /// # Errors
    ///
    /// A failure if the server breaks a rule itself.
    fn wait<T>(
        &mut self,
        limit: Duration,
        mut found: impl FnMut(&mut Incoming) -> Option<T>,
    ) -> Result<Option<T>, Stop> {
        let found = self.visit.wait(limit, |incoming| {
            let stops = incoming.violation.is_some() || incoming.is_too_much();
            if stops { Some(None) } else { found(incoming).map(Some) }
        });
        let incoming = &self.visit.incoming;
        match incoming.violation {
            Some(violation) if violation.rule == wsvet::Rule::MessageTooBig => {
                unknown("the server sent more than 64 MiB in a message")
            }
            Some(violation) => Err(Stop::Failed(Failure {
                level: Level::Must,
                due: Some("frames that break no rule".to_owned()),
                got: words::broken(&violation),
                broken: Some(violation.rule.id()),
            })),
            None if incoming.is_too_much() => unknown("the server sent more than 256 MiB"),
            None => Ok(found.flatten()),
        }
    }

    fn go_on(&mut self, codes: &[CloseCode]) -> Result<(), Stop> {
        if !self.server.pongs {
            return unknown("the server answers no Ping, so it cannot be seen whether it goes on");
        }
        self.visit.answer_ping();
        let payload = self.visit.ping();
        self.pong(&payload, codes)
    }

    fn pong(&mut self, payload: &[u8], codes: &[CloseCode]) -> Result<(), Stop> {
        let mut other = None;
        let found = self.wait(self.patience.most, |incoming| {
            if incoming.has_pong(payload, &mut other) {
                return Some(None);
            }
            closed(incoming).map(Some)
        })?;
        match found {
            Some(None) => Ok(()),
            Some(Some(Closed::With(Some(code)))) if codes.contains(&code) => Err(Stop::Passed),
            Some(Some(closed)) => self.left(closed),
            None => {
                let got = match other {
                    Some(other) => format!("a Pong with another payload: {}", words::hex(&other)),
                    None => format!("no Pong within {}", self.most()),
                };
                failed_step(Level::Must, words::pong(payload), got)
            }
        }
    }

    /// The server closed the connection, although it must go on.
    fn left<T>(&self, closed: Closed) -> Result<T, Stop> {
        let due = "the connection goes on".to_owned();
        let got = match closed {
            Closed::With(code) => words::close(code),
            Closed::Without(_) => "the end of TCP without a Close".to_owned(),
        };
        let echoes = self.server.echoes_text || self.server.echoes_binary;
        if let Closed::With(code) = closed
            && let Some(advice) = self.advice(code)
        {
            return unknown(advice);
        }
        match closed {
            Closed::Without(End::Reset) if self.visit.sent.len() > LARGE => {
                unknown("TCP was reset, which may have destroyed a Close frame")
            }
            Closed::With(Some(
                CloseCode::GOING_AWAY | CloseCode::SERVICE_RESTART | CloseCode::TRY_AGAIN_LATER,
            )) => unknown(format!("{got}: the server may close at any time")),
            Closed::With(Some(
                CloseCode::PROTOCOL_ERROR
                | CloseCode::UNSUPPORTED_DATA
                | CloseCode::INVALID_FRAME_PAYLOAD_DATA
                | CloseCode::MESSAGE_TOO_BIG
                | CloseCode::MANDATORY_EXTENSION,
            ))
            | Closed::Without(_) => failed_step(Level::Must, due, got),
            Closed::With(_) if echoes => failed_step(Level::Must, due, got),
            Closed::With(_) => unknown(format!("{got}: the program behind the server may close")),
        }
    }

    /// Returns the reason why a refusal with this code says nothing: what the server accepts is not known.
    fn advice(&self, code: Option<CloseCode>) -> Option<String> {
        let (option, what) = match code? {
            CloseCode::UNSUPPORTED_DATA if self.server.accepts.is_none() => {
                ("--server-accepts", "which type of data the server accepts")
            }
            CloseCode::MESSAGE_TOO_BIG if self.server.max_message.is_none() => {
                ("--max-message", "how long a message may be")
            }
            _ => return None,
        };
        Some(format!("{}: {option} says {what}", words::close(code)))
    }

    fn echo(&mut self, opcode: OpCode, payload: &[u8]) -> Result<(), Stop> {
        if !self.server.echoes(opcode) {
            return Ok(());
        }
        let chatty = self.server.is_chatty;
        let is_due = |message: &(OpCode, Vec<u8>)| message.0 == opcode && message.1 == payload;
        let mut last = None;
        let found = self.wait(self.patience.most, |incoming| {
            while let Some(message) = incoming.next_message() {
                if is_due(&message) || !chatty {
                    return Some(Ok(message));
                }
                last = Some(message);
            }
            closed(incoming).map(Err)
        })?;
        let due = || words::echo(opcode, payload);
        match found {
            Some(Ok(message)) if is_due(&message) => Ok(()),
            Some(Ok((other, bytes))) => {
                failed_step(Level::Must, due(), words::other_echo(opcode, payload, other, &bytes))
            }
            Some(Err(closed)) => self.left(closed),
            None => {
                let got = match last {
                    Some((other, bytes)) => words::other_echo(opcode, payload, other, &bytes),
                    None => format!("no message within {}", self.most()),
                };
                failed_step(Level::Must, due(), got)
            }
        }
    }

    fn refuse(&mut self, codes: &[CloseCode], step: &Step) -> Result<(), Stop> {
        let due = words::step(step);
        if let Some(closed) = self.wait(self.patience.quiet, |incoming| closed(incoming))? {
            return self.refused(closed, codes, due);
        }
        // It was not refused at once. Was it accepted?
        let payload = self.visit.ping();
        let mut other = None;
        let found = self.wait(self.patience.most, |incoming| {
            if incoming.has_pong(&payload, &mut other) {
                return Some(None);
            }
            closed(incoming).map(Some)
        })?;
        match found {
            Some(Some(closed)) => self.refused(closed, codes, due),
            Some(None) => {
                let delivered = self.visit.incoming.next_message().is_some();
                let got = "accepted: the Pong to a later Ping";
                let also = if delivered { ", after a message" } else { "" };
                failed_step(Level::Must, due, format!("{got}{also}"))
            }
            None if !self.server.pongs => unknown("neither a refusal nor a Pong, as ever"),
            None => {
                let got = format!("neither a refusal nor a Pong within {}", self.most());
                failed_step(Level::Must, due, got)
            }
        }
    }

    /// The server refused what was sent, as it must. Did it say why?
    fn refused(&mut self, closed: Closed, codes: &[CloseCode], due: String) -> Result<(), Stop> {
        if let Some((opcode, payload)) = self.visit.incoming.next_message()
            && !self.server.is_chatty
            && self.server.echoes(opcode)
        {
            let got = format!("delivered, and then refused: {}", words::message(opcode, &payload));
            return failed_step(Level::Must, due, got);
        }
        match closed {
            Closed::With(Some(code)) if codes.contains(&code) => {
                self.answer_close(Some(code));
                Ok(())
            }
            Closed::With(code) => match self.advice(code) {
                Some(advice) => unknown(advice),
                None => failed_step(Level::Should, due, words::close(code)),
            },
            Closed::Without(End::Reset) => {
                unknown("TCP was reset, which may have destroyed a Close frame")
            }
            Closed::Without(_) => failed_step(Level::Should, due, "the end of TCP without a Close"),
        }
    }

    fn answer_close(&mut self, code: Option<CloseCode>) {
        if !std::mem::replace(&mut self.closed, true) {
            self.visit.send_close(code);
        }
    }

    fn refuse_early(&mut self, codes: &[CloseCode], step: &Step) -> Result<(), Stop> {
        match self.wait(self.patience.quiet, |incoming| closed(incoming))? {
            Some(closed) => {
                self.refused(closed, codes, words::step(step))?;
                self.leave()?;
                Err(Stop::Passed)
            }
            None => {
                self.weaken(words::step(step), "nothing, until more was sent");
                Ok(())
            }
        }
    }

    /// Notes a failure of quality, and goes on with the case.
    fn weaken(&mut self, due: String, got: &str) {
        self.weak.get_or_insert(Stop::Failed(Failure {
            level: Level::Quality,
            due: Some(due),
            got: got.to_owned(),
            broken: None,
        }));
    }

    fn close(&mut self, code: Option<CloseCode>, step: &Step) -> Result<(), Stop> {
        self.closed = true;
        let due = words::step(step);
        match self.wait(self.patience.most, |incoming| closed(incoming))? {
            None => failed_step(Level::Must, due, format!("no Close within {}", self.most())),
            Some(Closed::Without(End::Reset)) => {
                unknown("TCP was reset, which may have destroyed a Close frame")
            }
            Some(Closed::Without(_)) => {
                failed_step(Level::Must, due, "the end of TCP without a Close")
            }
            Some(Closed::With(Some(
                refusal @ (CloseCode::PROTOCOL_ERROR | CloseCode::INVALID_FRAME_PAYLOAD_DATA),
            ))) if code != Some(refusal) => {
                failed_step(Level::Must, due, words::close(Some(refusal)))
            }
            Some(Closed::With(answered)) => {
                // An endpoint typically sends the code back (§5.5.1).
                if code.is_some() && answered != code {
                    self.weaken(due, &words::close(answered));
                }
                self.end(&Step::End)
            }
        }
    }

    fn end(&mut self, step: &Step) -> Result<(), Stop> {
        match self.wait(self.patience.most, |incoming| incoming.end)? {
            Some(_) => Ok(()),
            None => {
                let got = format!("TCP is still open after {}", self.most());
                failed_step(Level::Must, words::step(step), got)
            }
        }
    }

    /// Closes a connection that is still open, and judges what comes until it is closed.
    fn leave(&mut self) -> Result<(), Stop> {
        self.answer_close(Some(CloseCode::NORMAL_CLOSURE));
        self.wait(self.patience.quiet, |incoming| closed(incoming)).map(drop)
    }

    fn most(&self) -> String {
        format!("{} s", self.patience.most.as_secs_f32())
    }
}
