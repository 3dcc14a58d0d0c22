//! Runs one case over a connection, and judges what the server or the client does.
//!
//! Where the peer must go on, a Ping with a unique payload follows at once, and the peer must answer it.
//! Where the peer must refuse, the prober waits for the Close frame or the end first, because a Ping
//! could cause a reset, which destroys a Close frame on its way. Only if nothing comes, a Ping tells
//! whether the peer has accepted what was sent.

use std::time::Duration;

use wsvet::generate::{Case, Level, Step};

use crate::probe::call::Call;
use crate::probe::incoming::Incoming;
use crate::probe::link::Link;
use crate::probe::outcome::{Outcome, Ran};
use crate::probe::peer::{Patience, Peer};
use crate::probe::visit::Visit;
use crate::probe::words;

/// The number of bytes from which on a peer may refuse what was sent without reading all of it. The
/// kernel then resets TCP.
pub(super) const LARGE: u64 = 4 << 10;

/// Runs one case against a server, on a connection to it.
pub fn play(case: &Case, peer: &Peer, link: &mut dyn Link, patience: Patience) -> Ran {
    run(case, peer, link, patience, |player| player.ask())
}

/// Runs one case against a client, which has sent its request on this connection. `response` has the
/// segments of [`Call::response`].
pub fn respond(
    case: &Case,
    peer: &Peer,
    call: &Call,
    response: &[Vec<u8>],
    link: &mut dyn Link,
    patience: Patience,
) -> Ran {
    run(case, peer, link, patience, |player| player.respond(call, response))
}

fn run(
    case: &Case,
    peer: &Peer,
    link: &mut dyn Link,
    patience: Patience,
    open: impl FnOnce(&mut Player<'_>) -> Result<(), Stop>,
) -> Ran {
    let visit = Visit::new(link, peer.role);
    let mut player = Player { case, peer, patience, visit, closed: false, weak: None };
    let ended = open(&mut player).and_then(|()| player.steps());
    let Player { mut visit, weak, .. } = player;
    let stop = match ended {
        Ok(()) | Err(Stop::Passed) => weak.unwrap_or(Stop::Passed),
        Err(stop) => stop,
    };
    let took = visit.elapsed();
    let due = words::due(case);
    let ending = visit.ending().map(str::to_owned);
    let Visit { sent, received, .. } = visit;
    let mut ran = Ran { sent, received, took, ..Ran::without(Outcome::Pass, "") };
    match stop {
        Stop::Passed => {
            ran.due = due;
            ran.got = "as due".to_owned();
        }
        Stop::Failed(failure) => {
            ran.outcome = Outcome::Fail(failure.level.max(case.level));
            // A peer that breaks another rule than the case does so whatever the case is about.
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
            (ran.due, ran.got) = (due, reason);
        }
    }
    if peer.http2.is_some() {
        (ran.due, ran.got) = (words::over_http2(&ran.due), words::over_http2(&ran.got));
        if let Some(ending) = ending.filter(|_| ran.outcome != Outcome::Pass) {
            ran.got += &format!(" ({ending})");
        }
    }
    ran
}

/// Why a case ends before its last step, or after it with less than was due.
pub(super) enum Stop {
    Passed,
    Failed(Failure),
    Unknown(String),
    Skipped(String),
}

pub(super) struct Failure {
    pub(super) level: Level,
    /// What was due, if the step says more than the case.
    pub(super) due: Option<String>,
    pub(super) got: String,
    pub(super) broken: Option<&'static str>,
    /// Whether a message did not come back as it was sent.
    pub(super) is_of_echo: bool,
}

impl Failure {
    pub(super) fn new(level: Level, got: impl Into<String>) -> Self {
        Self { level, due: None, got: got.into(), broken: None, is_of_echo: false }
    }
}

/// The peer did not do what the case says.
pub(super) fn failed<T>(level: Level, got: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Failed(Failure::new(level, got)))
}

/// The peer did not do what a step says.
pub(super) fn failed_step<T>(level: Level, due: String, got: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Failed(Failure { due: Some(due), ..Failure::new(level, got) }))
}

pub(super) fn unknown<T>(reason: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Unknown(reason.into()))
}

pub(super) struct Player<'a> {
    pub(super) case: &'a Case,
    pub(super) peer: &'a Peer,
    pub(super) patience: Patience,
    pub(super) visit: Visit<'a>,
    /// Whether the prober has sent a Close frame, or ended its side.
    pub(super) closed: bool,
    /// The first failure that does not end the case.
    pub(super) weak: Option<Stop>,
}

impl Player<'_> {
    fn steps(&mut self) -> Result<(), Stop> {
        for step in &self.case.steps {
            self.step(step)?;
        }
        self.no_control_message()?;
        self.leave()
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
            Step::MayEcho(opcode, payload) => self.may_echo(*opcode, payload),
            Step::Refuse(codes) => self.refuse(codes, step),
            Step::NoPong(payload) => self.no_pong(payload),
            Step::Silence => self.silence(step),
            Step::RefuseEarly(codes) => self.refuse_early(codes, step),
            Step::Close(code) => self.close(*code, step),
            Step::EndSending => {
                self.visit.end_sending();
                self.closed = true;
                Ok(())
            }
            Step::End => self.end(step),
            Step::NoReset => {
                self.no_reset(step);
                Ok(())
            }
            _ => unknown("this version does not know the step"),
        }
    }

    /// Waits until `found` returns something, and returns `None` if the time is over or nothing more can
    /// come.
    ///
    /// # Errors
    ///
    /// A failure if the peer breaks a rule itself.
    pub(super) fn wait<T>(
        &mut self,
        limit: Duration,
        mut found: impl FnMut(&mut Incoming) -> Option<T>,
    ) -> Result<Option<T>, Stop> {
        let found = self.visit.wait(limit, |incoming| {
            let stops = incoming.violation.is_some()
                || incoming.is_too_much()
                || incoming.exceeded_window().is_some();
            if stops { Some(None) } else { found(incoming).map(Some) }
        });
        let incoming = &self.visit.incoming;
        let name = self.peer.role.name();
        match (incoming.violation, incoming.exceeded_window()) {
            (Some(violation), _) if violation.rule == wsvet::Rule::MessageTooBig => {
                unknown(format!("the {name} sent more than 64 MiB in a message"))
            }
            (Some(violation), _) => Err(Stop::Failed(Failure {
                due: Some("frames that break no rule".to_owned()),
                broken: Some(violation.rule.id()),
                ..Failure::new(Level::Must, words::broken(name, &violation))
            })),
            (None, Some(len)) => failed_step(
                Level::Must,
                format!("compressed with the agreed window of {len} bytes (RFC 7692 §7.1.2)"),
                "a compressed message that refers to data before that window",
            ),
            (None, None) if incoming.is_too_much() => {
                unknown(format!("the {name} sent more than 256 MiB"))
            }
            (None, None) => Ok(found.flatten()),
        }
    }

    pub(super) fn most(&self) -> String {
        format!("{} s", self.patience.most.as_secs_f32())
    }
}
