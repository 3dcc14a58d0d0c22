//! One JSON object a line.

use std::io::{self, Write};

use serde::Serialize;

use super::{Record, Report, Tally};
use crate::probe::explore::Found;
use crate::probe::outcome::Log;

/// The most bytes of one direction in a line.
const MOST: usize = 256;

/// Prints a line for each case as soon as it is known.
pub struct Json<W> {
    out: W,
}

#[derive(Serialize)]
struct PeerLine<'a> {
    event: &'static str,
    url: &'a str,
    echoes_text: bool,
    echoes_binary: bool,
    permessage_deflate: bool,
    subprotocol: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    http2: bool,
    answers_pings: bool,
    round_trip_millis: f64,
}

#[derive(Serialize)]
struct CaseLine<'a> {
    event: &'static str,
    id: &'a str,
    title: &'a str,
    rule: Option<&'a str>,
    broken: Option<&'a str>,
    rfc: u16,
    section: &'a str,
    sentence: Option<&'static str>,
    level: &'static str,
    outcome: &'static str,
    known: bool,
    due: &'a str,
    got: &'a str,
    sent: String,
    sent_len: u64,
    received: String,
    received_len: u64,
    millis: f64,
}

#[derive(Serialize)]
struct SummaryLine {
    event: &'static str,
    cases: usize,
    passed: usize,
    must: usize,
    should: usize,
    quality: usize,
    known: usize,
    inconclusive: usize,
    skipped: usize,
    millis: f64,
}

impl<W: Write> Json<W> {
    /// Creates a report that writes to `out`.
    pub const fn new(out: W) -> Self {
        Self { out }
    }

    /// Prints what the peer is.
    ///
    /// # Errors
    ///
    /// Any error of the writer.
    pub fn peer(&mut self, url: &str, found: &Found) -> io::Result<()> {
        let peer = &found.peer;
        self.write(&PeerLine {
            event: peer.role.name(),
            url,
            echoes_text: peer.echoes_text,
            echoes_binary: peer.echoes_binary,
            permessage_deflate: peer.deflates,
            subprotocol: peer.subprotocol.as_deref(),
            agent: peer.agent.as_deref(),
            http2: peer.http2.is_some(),
            answers_pings: peer.pongs,
            round_trip_millis: millis(found.trip),
        })
    }

    /// Prints what came of a case.
    ///
    /// # Errors
    ///
    /// Any error of the writer.
    pub fn case(&mut self, record: &Record<'_>) -> io::Result<()> {
        let Record { case, ran, known } = record;
        let digits = |log: &Log| log.hex(MOST).0;
        self.write(&CaseLine {
            event: "case",
            id: &case.id,
            title: &case.title,
            rule: case.rule,
            broken: ran.broken,
            rfc: case.rfc,
            section: case.section,
            sentence: record.sentence(),
            level: record.level().name(),
            outcome: ran.outcome.name(),
            known: *known,
            due: &ran.due,
            got: &ran.got,
            sent: digits(&ran.sent),
            sent_len: ran.sent.len(),
            received: digits(&ran.received),
            received_len: ran.received.len(),
            millis: millis(ran.took),
        })
    }

    /// Prints the sums.
    ///
    /// # Errors
    ///
    /// Any error of the writer.
    pub fn summary(&mut self, report: &Report<'_>) -> io::Result<()> {
        let tally = Tally::of(&report.records);
        let [must, should, quality] = tally.failed;
        self.write(&SummaryLine {
            event: "summary",
            cases: tally.all(),
            passed: tally.passed,
            must,
            should,
            quality,
            known: tally.known,
            inconclusive: tally.inconclusive,
            skipped: tally.skipped,
            millis: millis(report.took),
        })
    }

    fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line)?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }
}

/// Milliseconds with three digits after the point.
fn millis(time: std::time::Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}
