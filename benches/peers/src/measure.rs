//! Rounds: everybody in turn, again and again, so that whatever drifts hits all alike.

use std::time::{Duration, Instant};

use crate::bound;
use crate::peers::Contender;
use crate::workloads::Workload;

/// The shortest and the middle of several times.
#[derive(Clone, Copy)]
pub struct Times {
    /// The shortest, which is least disturbed by others on the machine.
    pub best: Duration,
    /// Half of the rounds were shorter.
    pub median: Duration,
}

impl Times {
    fn of(mut rounds: Vec<Duration>) -> Self {
        rounds.sort_unstable();
        Self { best: rounds[0], median: rounds[rounds.len() / 2] }
    }
}

/// What was measured with one workload.
pub struct Row {
    /// The workload's name.
    pub workload: &'static str,
    /// How many frames it has.
    pub frames: usize,
    /// How many bytes it has.
    pub bytes: usize,
    /// The bound's times.
    pub bound: Times,
    /// The times of each contender, or why there are none.
    pub times: Vec<Result<Times, String>>,
}

/// Checks all contenders, and then times those that take the workload.
pub fn row(workload: &Workload, contenders: &[Contender], rounds: usize) -> Row {
    let checked: Vec<_> = contenders.iter().map(|c| c.check(workload)).collect();
    assert_eq!(time_bound(workload).1, workload.frames, "the bound must find all frames");

    // The bound stands behind the contenders.
    let everybody = contenders.len() + 1;
    let mut times = vec![Vec::with_capacity(rounds); everybody];
    for round in 0..rounds {
        // Nobody always comes after the same one.
        for turn in 0..everybody {
            let index = (round + turn) % everybody;
            let time = match contenders.get(index) {
                Some(_) if checked[index].is_err() => continue,
                Some(contender) => contender.time(workload),
                None => time_bound(workload).0,
            };
            times[index].push(time);
        }
    }

    let bound = Times::of(times.pop().expect("it is the last"));
    Row {
        workload: workload.name,
        frames: workload.frames,
        bytes: workload.bytes.len(),
        bound,
        times: checked
            .into_iter()
            .zip(times)
            .map(|(checked, times)| checked.map(|()| Times::of(times)))
            .collect(),
    }
}

fn time_bound(workload: &Workload) -> (Duration, usize) {
    let mut bytes = workload.bytes.clone();
    let start = Instant::now();
    let frames = bound::unmask_all(&mut bytes);
    let elapsed = start.elapsed();
    std::hint::black_box(&bytes);
    (elapsed, frames)
}
