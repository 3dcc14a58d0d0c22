//! Which connection of a client is used for which case, and what came of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use wsvet::generate::{Case, Setup};

use crate::probe::call::Call;
use crate::probe::campaign::Runs;
use crate::probe::explore::{Found, Meeting};
use crate::probe::outcome::{Outcome, Ran};

/// The number of connections in turn that no case fits, after which no other client is awaited.
const MISFITS: u32 = 20;

/// The most kinds of requests that are told apart.
const KINDS: usize = 8;

/// What a connection is used for.
pub(super) enum Job {
    Meet(Box<Meeting>),
    Run(Run),
    Nothing,
}

/// A case, and the response that opens it.
pub(super) struct Run {
    pub(super) index: usize,
    pub(super) response: Vec<Vec<u8>>,
    pub(super) cases: Arc<Vec<Case>>,
    pub(super) found: Arc<Found>,
}

/// What has to be run, and what came of it.
pub(super) struct Turns {
    pub(super) setup: Setup,
    /// What is found out of the client. It is not there while a connection is used for it.
    pub(super) meeting: Option<Meeting>,
    pub(super) found: Option<Arc<Found>>,
    pub(super) cases: Option<Arc<Vec<Case>>>,
    /// The cases that have to be run, or run again.
    queue: VecDeque<usize>,
    runs: BTreeMap<usize, Runs>,
    pub(super) results: BTreeMap<usize, Ran>,
    /// The number of results that were taken, or are in `results`.
    pub(super) ran: usize,
    /// The number of connections on which something is run.
    pub(super) active: usize,
    /// The connections that were used.
    pub(super) connections: u64,
    until: Option<u64>,
    pub(super) last: Instant,
    pub(super) done: bool,
    /// One request of each kind: clients that share the cases may offer different extensions.
    kinds: Vec<Call>,
    /// The number of connections in turn that no case fitted.
    misfits: u32,
}

impl Turns {
    pub(super) fn new(setup: Setup, meeting: Meeting, until: Option<u64>) -> Self {
        Self {
            setup,
            meeting: Some(meeting),
            found: None,
            cases: None,
            queue: VecDeque::new(),
            runs: BTreeMap::new(),
            results: BTreeMap::new(),
            ran: 0,
            active: 0,
            connections: 0,
            until,
            last: Instant::now(),
            done: false,
            kinds: Vec::new(),
            misfits: 0,
        }
    }

    /// Queues the cases that say something of the client.
    pub(super) fn begin(&mut self, cases: &[Case], stress: bool) {
        for (index, case) in cases.iter().enumerate() {
            let found = self.found.as_ref();
            match found.and_then(|found| found.peer.cannot(case, stress)) {
                Some(reason) => self.keep(index, Ran::without(Outcome::Skipped, reason)),
                None => self.queue.push_back(index),
            }
        }
        self.cases = Some(Arc::new(cases.to_vec()));
        self.finish();
    }

    /// Returns what to use a connection for, or `None` if that has to wait for other connections.
    pub(super) fn job(&mut self, call: &Call) -> Option<Job> {
        if self.done || self.is_enough() {
            self.done |= self.active == 0;
            return Some(Job::Nothing);
        }
        if self.kinds.len() < KINDS && !self.kinds.iter().any(|kind| kind.offers == call.offers) {
            self.kinds.push(call.clone());
        }
        let job = match self.cases.clone().zip(self.found.clone()) {
            None => Job::Meet(Box::new(self.meeting.take()?)),
            Some((cases, found)) => match self.fitting(call, &cases) {
                Some((index, response)) => Job::Run(Run { index, response, cases, found }),
                None => return self.misfit(&cases),
            },
        };
        self.misfits = 0;
        self.connections += 1;
        self.active += 1;
        self.last = Instant::now();
        Some(job)
    }

    /// Takes the first case that the request fits, with the response to it.
    fn fitting(&mut self, call: &Call, cases: &[Case]) -> Option<(usize, Vec<Vec<u8>>)> {
        let responses = self.queue.iter().map(|index| call.response(&cases[*index]));
        let (at, response) =
            responses.enumerate().find_map(|(at, response)| response.map(|found| (at, found)))?;
        self.queue.remove(at).map(|index| (index, response))
    }

    /// The request fits no case. Those that fit a request of no kind are skipped; the others wait for it.
    fn misfit(&mut self, cases: &[Case]) -> Option<Job> {
        self.misfits += 1;
        let kinds = if self.misfits < MISFITS { &self.kinds[..] } else { &[] };
        let fits = |index: &usize| kinds.iter().any(|kind| kind.response(&cases[*index]).is_some());
        let (waiting, skipped): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.queue).into_iter().partition(fits);
        self.queue = waiting;
        for index in skipped {
            self.keep(index, Ran::without(Outcome::Skipped, Call::LACKS));
        }
        self.finish();
        (self.done || !self.queue.is_empty()).then_some(Job::Nothing)
    }

    /// Notes what was found out of the client on a connection.
    pub(super) fn met(&mut self, meeting: Meeting, found: Option<Found>, setup: Setup) {
        (self.found, self.setup) = (found.map(Arc::new), setup);
        self.meeting = self.found.is_none().then_some(meeting);
        self.pause();
    }

    /// Notes what came of a case on a connection. One that fails has to be run again.
    pub(super) fn ran(&mut self, index: usize, ran: Ran) {
        match self.runs.entry(index).or_default().add(ran) {
            Some(ran) => self.keep(index, ran),
            None => self.queue.push_front(index),
        }
        self.pause();
    }

    /// Takes what came of a case that is run no more, for this reason.
    pub(super) fn give_up(&mut self, index: usize, reason: &str) -> Ran {
        let result = self.results.remove(&index);
        let failed = || self.runs.get_mut(&index)?.give_up(reason);
        result.or_else(failed).unwrap_or_else(|| Ran::without(Outcome::Skipped, reason))
    }

    fn keep(&mut self, index: usize, ran: Ran) {
        self.results.insert(index, ran);
        self.ran += 1;
    }

    /// A connection is used no more.
    fn pause(&mut self) {
        self.active -= 1;
        self.last = Instant::now();
        self.finish();
    }

    /// All is done if nothing is left to run.
    fn finish(&mut self) {
        let ran_all = self.cases.is_some() && self.queue.is_empty();
        self.done |= self.active == 0 && (ran_all || self.is_enough());
    }

    fn is_enough(&self) -> bool {
        self.until.is_some_and(|until| self.connections >= until)
    }
}
