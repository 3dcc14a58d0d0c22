//! What came of all cases, printed.

mod baseline;
mod html;
mod json;
mod junit;
mod text;

use std::time::Duration;

use wsvet::Role;
use wsvet::generate::{Case, Level};

pub use baseline::Baseline;
pub use html::html;
pub use json::Json;
pub use junit::junit;
pub use text::{list, text};

use crate::probe::explore::Found;
use crate::probe::outcome::{Outcome, Ran};

/// A case, and what came of it.
pub struct Record<'a> {
    /// The case.
    pub case: &'a Case,
    /// What came of it.
    pub ran: Ran,
    /// Whether the baseline has the failure.
    pub known: bool,
}

impl Record<'_> {
    /// Returns the level of the failure, or else the level of the case.
    #[must_use]
    pub const fn level(&self) -> Level {
        match self.ran.outcome {
            Outcome::Fail(level) => level,
            _ => self.case.level,
        }
    }

    /// Returns the rule that the peer broke itself, or else the rule that the case breaks.
    fn rule(&self) -> Option<&'static str> {
        self.ran.broken.or(self.case.rule)
    }

    /// Returns the sentence of the RFC that the peer does not keep, unless it broke a rule itself or the
    /// case breaks one.
    fn sentence(&self) -> Option<&'static str> {
        let is_kept =
            self.ran.outcome != Outcome::Fail(self.case.level) || self.ran.broken.is_some();
        Some(self.case.sentence).filter(|sentence| !sentence.is_empty() && !is_kept)
    }

    /// Returns the section of the RFC.
    fn section(&self) -> String {
        match self.case.rfc {
            6455 => format!("§{}", self.case.section),
            rfc => format!("RFC {rfc} §{}", self.case.section),
        }
    }
}

/// What came of all cases of a server or a client.
pub struct Report<'a> {
    /// The URL of the server, or what the clients are.
    pub url: &'a str,
    /// What the peer is.
    pub found: &'a Found,
    /// What came of each case, in their order.
    pub records: Vec<Record<'a>>,
    /// How long all of it took.
    pub took: Duration,
}

/// How many cases came to what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// The peer did what was due.
    pub passed: usize,
    /// The failures that are new, by [`Level`].
    pub failed: [usize; 3],
    /// The failures that the baseline has.
    pub known: usize,
    /// Nothing can be said.
    pub inconclusive: usize,
    /// The cases that were not run.
    pub skipped: usize,
}

impl Tally {
    /// Counts what came of cases.
    #[must_use]
    pub fn of(records: &[Record<'_>]) -> Self {
        let mut tally = Self::default();
        for record in records {
            *match record.ran.outcome {
                Outcome::Pass => &mut tally.passed,
                Outcome::Fail(_) if record.known => &mut tally.known,
                Outcome::Fail(level) => &mut tally.failed[level as usize],
                Outcome::Inconclusive => &mut tally.inconclusive,
                Outcome::Skipped => &mut tally.skipped,
            } += 1;
        }
        tally
    }

    /// Returns whether the peer fails: it breaks a MUST, or a SHOULD if `strict`.
    #[must_use]
    pub const fn fails(&self, strict: bool) -> bool {
        self.failed[Level::Must as usize] > 0 || strict && self.failed[Level::Should as usize] > 0
    }

    const fn all(&self) -> usize {
        let [must, should, quality] = self.failed;
        self.passed + must + should + quality + self.known + self.inconclusive + self.skipped
    }
}

/// Says what a peer is, in a few words.
fn facts(found: &Found) -> Vec<String> {
    let peer = &found.peer;
    let mut facts = vec![
        match (peer.echoes_text, peer.echoes_binary) {
            (true, true) => "sends text and binary messages back",
            (true, false) => "sends text messages back",
            (false, true) => "sends binary messages back",
            (false, false) => "does not send messages back",
        }
        .to_owned(),
    ];
    if peer.http2.is_some() {
        facts.push("speaks HTTP/2".to_owned());
    }
    if peer.refuses_binary {
        facts.push("refused a binary message with 1003".to_owned());
    }
    if peer.refuses_text {
        facts.push("refused a text message with 1003".to_owned());
    }
    if let Some(name) = &peer.subprotocol {
        facts.push(format!("speaks {name}"));
    }
    let (deflate, heads) = match (peer.role, peer.deflates) {
        (Role::Server, true) => ("accepts", "responses"),
        (Role::Server, false) => ("does not accept", "responses"),
        (Role::Client, true) => ("offers", "requests"),
        (Role::Client, false) => ("does not offer", "requests"),
    };
    facts.push(format!("{deflate} permessage-deflate"));
    if let Some(rule) = peer.broken.first() {
        facts.push(format!("its {heads} break {rule}"));
    }
    if let Some(agent) = &peer.agent {
        facts.push(format!("says that it is {agent}"));
    }
    if !peer.pongs {
        facts.push("did not answer a Ping".to_owned());
    }
    facts
}

/// Returns the sentence about failures of a level.
const fn heading(level: Level) -> &'static str {
    match level {
        Level::Must => "breaks a MUST",
        Level::Should => "breaks a SHOULD",
        Level::Quality => "could do better",
    }
}

/// Returns the bytes of one direction, at most `most` in hexadecimal digits.
fn bytes(log: &super::outcome::Log, most: usize) -> String {
    let (digits, more) = log.hex(most);
    match more {
        0 if digits.is_empty() => "nothing".to_owned(),
        0 => digits,
        more => format!("{digits}… and {more} more bytes"),
    }
}

/// Returns what the case sent, at most `most` bytes of it in hexadecimal digits.
fn sent(record: &Record<'_>, most: usize) -> String {
    match record.ran.sent.is_empty() {
        true if record.case.request.is_empty() => "only the response".to_owned(),
        true => "only the request".to_owned(),
        false => bytes(&record.ran.sent, most),
    }
}
