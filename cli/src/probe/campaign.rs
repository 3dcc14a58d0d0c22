//! Runs all cases, several at once, and a case that fails twice more.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use wsvet::generate::Case;

use crate::probe::link::Link;
use crate::probe::outcome::{Outcome, Ran};
use crate::probe::play::{Patience, Server, play};

/// How many times a case is run again before it is said to fail.
const AGAIN: u32 = 2;

/// How long to wait before another attempt to connect.
const PAUSE: Duration = Duration::from_millis(200);

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

/// Runs the cases, and calls `each` with what came of them, in their order.
///
/// # Errors
///
/// The first error of `each`, after which no more cases are begun.
pub fn run(
    cases: &[Case],
    server: &Server,
    connect: &Connect<'_>,
    options: Options,
    mut each: impl FnMut(&Case, Ran) -> io::Result<()>,
) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..options.parallel.min(cases.len()) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(index) else { return };
                    if sender.send((index, judge(case, server, connect, options))).is_err() {
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
fn judge(case: &Case, server: &Server, connect: &Connect<'_>, options: Options) -> Ran {
    if let Some(reason) = server.cannot(case, options.stress) {
        return Ran::without(Outcome::Skipped, reason);
    }
    let once = || match connect_patiently(connect) {
        Ok(mut link) => play(case, server, &mut *link, options.patience),
        Err(error) => Ran::without(Outcome::Inconclusive, format!("cannot connect: {error}")),
    };
    let mut ran = once();
    for runs in 1..=AGAIN {
        let Outcome::Fail(level) = ran.outcome else { return ran };
        let again = once();
        match again.outcome {
            // What every run shows is the least of them.
            Outcome::Fail(other) if other > level => ran = again,
            Outcome::Fail(_) => {}
            _ => {
                let got = format!("failed in {runs} of {} runs: {}", runs + 1, ran.got);
                return Ran { outcome: Outcome::Inconclusive, got, ..ran };
            }
        }
    }
    ran
}

fn connect_patiently(connect: &Connect<'_>) -> io::Result<Box<dyn Link>> {
    connect().or_else(|_| {
        thread::sleep(PAUSE);
        connect()
    })
}
