//! Runs all cases, several at once, and a case that fails twice more.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use wsvet::generate::{Case, Level};

use crate::probe::link::Link;
use crate::probe::outcome::{Outcome, Ran};
use crate::probe::peer::{Patience, Peer};
use crate::probe::play::play;

/// The number of times that a failing case is run again before it counts as failed.
const AGAIN: u32 = 2;

/// How long to wait before each further attempt to connect.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// How cases are run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether to run the cases that can do harm.
    pub stress: bool,
    /// How many cases are run at once.
    pub parallel: usize,
    /// How long to wait for the server.
    pub patience: Patience,
}

/// Creates a connection to the server.
pub type Connect<'a> = dyn Fn() -> io::Result<Box<dyn Link>> + Sync + 'a;

/// Runs the cases, and calls `each` with what came of them, in their order. The cases that can do harm
/// are the last ones. They run one at a time, so that none makes another late.
///
/// # Errors
///
/// The first error of `each`, after which no more cases are begun.
pub fn run(
    cases: &[Case],
    server: &Peer,
    connect: &Connect<'_>,
    options: Options,
    mut each: impl FnMut(&Case, Ran) -> io::Result<()>,
) -> io::Result<()> {
    let gone = AtomicBool::new(false);
    let judge = |case: &Case| judge(case, server, connect, options, &gone);
    let harmless = cases.iter().take_while(|case| !case.stress).count();
    let (harmless, harmful) = cases.split_at(harmless);
    run_at_once(harmless, options.parallel, &judge, &mut each)?;
    run_at_once(harmful, 1, &judge, &mut each)
}

/// Runs cases, as many at once as `parallel` says, and calls `each` with what came of them, in their
/// order.
fn run_at_once(
    cases: &[Case],
    parallel: usize,
    judge: &(impl Fn(&Case) -> Ran + Sync),
    each: &mut impl FnMut(&Case, Ran) -> io::Result<()>,
) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..parallel.min(cases.len()) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(index) else { return };
                    if sender.send((index, judge(case))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut due = 0;
        for (index, ran) in receiver {
            early.insert(index, ran);
            while let Some(ran) = early.remove(&due) {
                each(&cases[due], ran)
                    .inspect_err(|_| next.store(cases.len(), Ordering::Relaxed))?;
                due += 1;
            }
        }
        Ok(())
    })
}

/// Runs a case, and twice more if it fails.
/// `gone` is whether the server accepts no connection any more.
fn judge(
    case: &Case,
    server: &Peer,
    connect: &Connect<'_>,
    options: Options,
    gone: &AtomicBool,
) -> Ran {
    if let Some(reason) = server.cannot(case, options.stress) {
        return Ran::without(Outcome::Skipped, reason);
    }
    if gone.load(Ordering::Relaxed) {
        return Ran::without(Outcome::Skipped, "the server accepts no connection any more");
    }
    let once = || {
        connect_patiently(connect).map(|mut link| play(case, server, &mut *link, options.patience))
    };
    let lost = |error: io::Error, ran: Option<Ran>| {
        gone.store(true, Ordering::Relaxed);
        let before = ran.map(|ran| format!("{}; then ", ran.got)).unwrap_or_default();
        let got = format!("{before}the server accepts no connection any more: {error}");
        Ran { due: "a connection".to_owned(), ..Ran::without(Outcome::Fail(Level::Must), got) }
    };
    let mut runs = Runs::default();
    loop {
        match once() {
            Ok(ran) => {
                if let Some(ran) = runs.add(ran) {
                    return ran;
                }
            }
            Err(error) => return lost(error, runs.failed),
        }
    }
}

/// The runs of a case: one that fails is run twice more.
#[derive(Debug, Default)]
pub(super) struct Runs {
    count: u32,
    /// The least failure of the runs so far.
    pub(super) failed: Option<Ran>,
}

impl Runs {
    /// Adds a run. Returns what came of the case, unless it has to be run again.
    pub(super) fn add(&mut self, ran: Ran) -> Option<Ran> {
        self.count += 1;
        let least = match (self.failed.take(), &ran.outcome) {
            (None, Outcome::Fail(_)) => ran,
            (None, _) => return Some(ran),
            // What every run shows is the least of them.
            (Some(before), Outcome::Fail(_)) => match ran.outcome > before.outcome {
                true => ran,
                false => before,
            },
            (Some(before), _) => {
                let count = self.count;
                let got = format!("failed in {} of {count} runs: {}", count - 1, before.got);
                return Some(Ran { outcome: Outcome::Inconclusive, got, ..before });
            }
        };
        if self.count > AGAIN {
            return Some(least);
        }
        self.failed = Some(least);
        None
    }

    /// Takes what came of the case if it failed, and cannot be run again for this reason.
    pub(super) fn give_up(&mut self, reason: &str) -> Option<Ran> {
        let (count, before) = (self.count, self.failed.take()?);
        let got = format!("failed in {count} of {count} runs: {}; then {reason}", before.got);
        Some(Ran { outcome: Outcome::Inconclusive, got, ..before })
    }
}

fn connect_patiently(connect: &Connect<'_>) -> io::Result<Box<dyn Link>> {
    PAUSES.iter().fold(connect(), |connected, pause| {
        connected.or_else(|_| {
            thread::sleep(*pause);
            connect()
        })
    })
}
