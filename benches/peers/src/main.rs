//! Runs the same bytes through wsvet and through the other WebSocket crates, in turn and in one
//! process, and prints how they compare.
//!
//! ```sh
//! cargo run --release --manifest-path benches/peers/Cargo.toml
//! ```

mod bound;
mod measure;
mod memory;
mod peers;
mod random;
mod report;
mod sink;
mod versions;
mod workloads;

use std::process::ExitCode;

const USAGE: &str = "usage: wsvet-peers [--json] [--rounds N]";

/// Rounds for each workload, unless `--rounds` says otherwise.
const ROUNDS: usize = 200;

fn main() -> ExitCode {
    let Some((json, rounds)) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let peers = peers::all();
    let mut rows = Vec::new();
    for workload in workloads::all() {
        eprintln!("{} ...", workload.name);
        rows.push(measure::row(&workload, &peers, rounds));
    }
    if json {
        report::json(&peers, &rows, rounds);
    } else {
        report::tables(&peers, &rows, rounds);
    }
    ExitCode::SUCCESS
}

/// Whether JSON is wanted, and how many rounds; `None` where the arguments make no sense.
fn arguments() -> Option<(bool, usize)> {
    let (mut json, mut rounds) = (false, ROUNDS);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => json = true,
            "--rounds" => rounds = arguments.next()?.parse().ok().filter(|&n| n > 0)?,
            _ => return None,
        }
    }
    Some((json, rounds))
}
