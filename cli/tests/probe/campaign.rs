//! All cases against a server, and what came of them.

use wsvet::generate::Case;
use wsvet_cli::probe::campaign::{self, Connect, Options};
use wsvet_cli::probe::explore::Found;

use super::results::Results;

/// Runs the cases, two at a time, and returns their results.
pub fn run(cases: &[Case], found: &Found, connect: &Connect<'_>) -> Results {
    let options = Options { stress: false, parallel: 2, patience: found.patience };
    let mut results = Results::new();
    campaign::run(cases, &found.peer, connect, options, |case, ran| {
        results.insert(case.id.clone(), ran);
        Ok(())
    })
    .unwrap();
    results
}
