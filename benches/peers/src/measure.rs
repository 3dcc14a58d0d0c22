//! Rounds: everybody in turn, again and again, so that whatever drifts hits all alike.

use std::time::{Duration, Instant};

use crate::contender::{About, Contender, Judges};

/// A row takes no further rounds after this time, but for the first few: some peers take a second
/// for what others do in a millisecond.
const PATIENCE: Duration = Duration::from_secs(20);

/// Rounds that a row takes in any case, if so many are asked for.
const FEW: usize = 5;

/// Something to do for every contender.
pub trait Work {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// How many frames it has.
    fn frames(&self) -> usize;

    /// How many bytes it has.
    fn bytes(&self) -> usize;

    /// What a receiver of it has to judge.
    fn needs(&self) -> Judges;

    /// How long the bound takes, once. It panics where the bound is wrong.
    fn bound(&self) -> Duration;
}

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

/// What was measured of one work.
pub struct Row {
    /// The work's name.
    pub name: &'static str,
    /// How many frames it has.
    pub frames: usize,
    /// How many bytes it has.
    pub bytes: usize,
    /// What a receiver of it has to judge.
    pub needs: Judges,
    /// How many rounds there were.
    pub rounds: usize,
    /// The bound's times.
    pub bound: Times,
    /// The times of each contender, or why there are none.
    pub times: Vec<Result<Times, String>>,
}

/// One kind of work: how its figures are to be read.
pub struct Kind {
    /// The kind's name.
    pub name: &'static str,
    /// What is measured.
    pub says: &'static str,
    /// The two lines at the head of the bound's column.
    pub head: (&'static str, &'static str),
    /// What the bound does.
    pub bound: &'static str,
    /// The peers that cannot be measured, each with the reason.
    pub absent: &'static [(&'static str, &'static str)],
}

/// All that was measured of one kind of work.
pub struct Table {
    /// The kind.
    pub kind: Kind,
    /// The contenders, wsvet first.
    pub contenders: Vec<About>,
    /// A row for each work.
    pub rows: Vec<Row>,
}

/// Measures a table.
pub fn table<W: Work>(
    kind: Kind,
    contenders: &[Contender<W>],
    works: Vec<W>,
    rounds: usize,
) -> Table {
    let rows = works.iter().map(|work| row(work, contenders, rounds)).collect();
    Table { kind, contenders: contenders.iter().map(|c| c.about).collect(), rows }
}

/// Checks all contenders, and then times those that take the work.
fn row<W: Work>(work: &W, contenders: &[Contender<W>], rounds: usize) -> Row {
    eprintln!("{} ...", work.name());
    let checked: Vec<_> = contenders.iter().map(|c| c.check(work)).collect();

    // The bound stands behind the contenders.
    let everybody = contenders.len() + 1;
    let mut times = vec![Vec::with_capacity(rounds); everybody];
    let start = Instant::now();
    for round in 0..rounds {
        if round >= FEW && start.elapsed() > PATIENCE {
            break;
        }
        // Nobody always comes after the same one.
        for turn in 0..everybody {
            let index = (round + turn) % everybody;
            let time = match contenders.get(index) {
                Some(_) if checked[index].is_err() => continue,
                Some(contender) => contender.time(work),
                None => work.bound(),
            };
            times[index].push(time);
        }
    }

    let bound = times.pop().expect("it is the last");
    Row {
        name: work.name(),
        frames: work.frames(),
        bytes: work.bytes(),
        needs: work.needs(),
        rounds: bound.len(),
        bound: Times::of(bound),
        times: checked
            .into_iter()
            .zip(times)
            .map(|(checked, times)| checked.map(|()| Times::of(times)))
            .collect(),
    }
}
