//! What came of the cases, and what must be true of it.

use std::collections::BTreeMap;
use std::time::Duration;

use wsvet::generate::{Case, Level, Step};
use wsvet_cli::probe::outcome::{Outcome, Ran};

/// How long a peer in memory is given. It answers at once.
pub const MOST: Duration = Duration::from_secs(2);

/// What came of each case, by its id.
pub type Results = BTreeMap<String, Ran>;

/// The cases that failed: their ids, their levels, and what came.
pub fn failures(results: &Results) -> Vec<(&str, Level, &str)> {
    let failed = results.iter().filter_map(|(id, ran)| match ran.outcome {
        Outcome::Fail(level) => Some((id.as_str(), level, ran.got.as_str())),
        _ => None,
    });
    failed.collect()
}

/// Asserts that a peer without a fault fails nothing, and that most cases could be run.
#[track_caller]
pub fn assert_faultless(results: &Results) {
    assert_eq!(failures(results), []);
    for (id, ran) in results {
        assert_ne!(ran.outcome, Outcome::Inconclusive, "{id}: {}", ran.got);
    }
    let skipped = results.values().filter(|ran| ran.outcome == Outcome::Skipped).count();
    let passed = results.values().filter(|ran| ran.outcome == Outcome::Pass).count();
    assert!(passed > 2 * skipped, "{passed} passed, {skipped} skipped");
}

/// Asserts that cutting what the peer sent into other pieces changed no outcome.
#[track_caller]
pub fn assert_same(whole: &Results, pieces: &Results, what: &str) {
    for (id, ran) in whole {
        let told = |ran: &Ran| (ran.outcome.clone(), ran.due.clone(), ran.got.clone());
        assert_eq!(told(ran), told(&pieces[id]), "{what}, {id}");
    }
}

/// Whether a case is fast in a debug build.
pub fn is_short(case: &Case) -> bool {
    let sent = case.steps.iter().map(|step| match step {
        Step::Send(segments) => segments.iter().map(Vec::len).sum(),
        _ => 0,
    });
    sent.sum::<usize>() < 2_000
}
