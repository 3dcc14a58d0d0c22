//! Runs all cases against the clients that connect: each connection is the next case.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use wsvet::generate::{Case, Setup};

use crate::input::interrupt;
use crate::probe::call::{self, Call};
use crate::probe::campaign::Runs;
use crate::probe::explore::{Found, Meeting};
use crate::probe::link::{Link, Received};
use crate::probe::outcome::{Outcome, Ran};
use crate::probe::page;
use crate::probe::play::respond;
use crate::probe::tcp::Tcp;

/// The most connections that are open at once.
const MOST: usize = 256;

/// The time between two looks at what has come of the cases.
const STEP: Duration = Duration::from_millis(50);

/// How long a page is told that all is done.
const LINGER: Duration = Duration::from_secs(3);

/// How long to wait for the end of a connection that carried a page.
const PARTING: Duration = Duration::from_millis(500);

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long to wait for what is due.
    pub most: Duration,
    /// How many connections are used.
    pub until: Option<u64>,
    /// How long to wait for the next connection of a client that has connected before.
    pub idle: Duration,
}

/// An address on which clients are awaited.
pub struct Host {
    listener: TcpListener,
    limits: Limits,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    threads: AtomicUsize,
    most: Duration,
}

struct State {
    setup: Setup,
    /// What is found out of the client. It is not there while a connection is used for it.
    meeting: Option<Meeting>,
    found: Option<Arc<Found>>,
    cases: Option<Arc<Vec<Case>>>,
    /// The cases that have to be run, or run again.
    queue: VecDeque<usize>,
    runs: BTreeMap<usize, Runs>,
    results: BTreeMap<usize, Ran>,
    /// The number of results that were taken, or are in `results`.
    ran: usize,
    /// The number of connections on which something is run.
    active: usize,
    /// The connections that were used.
    connections: u64,
    until: Option<u64>,
    last: Instant,
    done: bool,
    /// Whether a browser has the page, and whether it was told that all is done.
    page: bool,
    told: bool,
    /// What is wrong with the last request that was not HTTP/1.
    invalid: Option<String>,
}

/// What a connection is used for.
enum Job {
    Meet(Meeting),
    Run(usize, Arc<Vec<Case>>, Arc<Found>),
    Nothing,
}

impl Host {
    /// Listens on this address. `setup` says what is known of the clients.
    ///
    /// # Errors
    ///
    /// Any error of the system.
    pub fn new(addresses: &[SocketAddr], setup: Setup, limits: Limits) -> io::Result<Self> {
        let listener = TcpListener::bind(addresses)?;
        listener.set_nonblocking(true)?;
        let state = State {
            meeting: Some(Meeting::new(&setup, limits.most)),
            setup,
            found: None,
            cases: None,
            queue: VecDeque::new(),
            runs: BTreeMap::new(),
            results: BTreeMap::new(),
            ran: 0,
            active: 0,
            connections: 0,
            until: limits.until,
            last: Instant::now(),
            done: false,
            page: false,
            told: false,
            invalid: None,
        };
        let shared = Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            threads: AtomicUsize::new(0),
            most: limits.most,
        };
        Ok(Self { listener, limits, shared: Arc::new(shared) })
    }

    /// Returns the address, with the port that the system chose if 0 was asked for.
    ///
    /// # Errors
    ///
    /// Any error of the system.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Waits for a client, and finds out what it is. Returns that, and the setup of the cases.
    ///
    /// # Errors
    ///
    /// Why it is not known.
    pub fn meet(&self) -> Result<(Found, Setup), String> {
        loop {
            self.accept();
            let state = self.shared.lock();
            if let Some(found) = &state.found {
                return Ok(((**found).clone(), state.setup.clone()));
            }
            if self.is_over(&state) {
                return Err(match &state.invalid {
                    Some(error) => format!("the request of the client is no HTTP/1: {error}"),
                    None if state.connections == 0 => "no client connected".to_owned(),
                    None => "the client connected once: it must connect again for each case, for \
                             example in a loop of the shell"
                        .to_owned(),
                });
            }
        }
    }

    /// Runs the cases, and calls `each` with what came of them, in their order.
    ///
    /// # Errors
    ///
    /// The first error of `each`.
    pub fn run(
        &self,
        cases: &[Case],
        stress: bool,
        mut each: impl FnMut(&Case, Ran) -> io::Result<()>,
    ) -> io::Result<()> {
        self.shared.begin(cases, stress);
        let mut taken = 0;
        loop {
            self.accept();
            let mut state = self.shared.lock();
            while let Some(ran) = state.results.remove(&taken) {
                each(&cases[taken], ran)?;
                taken += 1;
            }
            if taken == cases.len() || self.is_over(&state) {
                break;
            }
        }
        let reason = match (interrupt::is_stopped(), self.limits.until) {
            (true, _) => "interrupted".to_owned(),
            (_, Some(until)) if self.shared.lock().connections >= until => {
                format!("only {until} connections: --until")
            }
            _ => "the client did not connect again".to_owned(),
        };
        self.shared.lock().done = true;
        self.shared.changed.notify_all();
        for (index, case) in cases.iter().enumerate().skip(taken) {
            let ran = self.shared.lock().results.remove(&index);
            each(case, ran.unwrap_or_else(|| Ran::without(Outcome::Skipped, reason.clone())))?;
        }
        self.part();
        Ok(())
    }

    /// Tells a page that all is done.
    fn part(&self) {
        let start = Instant::now();
        let is_told = |state: MutexGuard<'_, State>| state.told || !state.page;
        while !is_told(self.shared.lock()) && start.elapsed() < LINGER && !interrupt::is_stopped() {
            self.accept();
        }
    }

    /// Whether no connection is expected any more.
    fn is_over(&self, state: &State) -> bool {
        let idle = state.connections > 0 || state.invalid.is_some();
        let idle = idle && state.last.elapsed() > self.limits.idle;
        state.active == 0 && (state.done || idle) || interrupt::is_stopped()
    }

    /// Accepts the connections that wait, or waits for one for a moment.
    fn accept(&self) {
        #[cfg(unix)]
        {
            use std::os::fd::AsFd;
            interrupt::wait(Some(self.listener.as_fd()), Some(STEP));
        }
        #[cfg(not(unix))]
        interrupt::pause(STEP / 10);
        while let Ok((socket, _)) = self.listener.accept() {
            let shared = Arc::clone(&self.shared);
            if shared.threads.fetch_add(1, Ordering::SeqCst) < MOST {
                let serve = move || {
                    // A connection that fails at once tells nothing of the client.
                    let _ = shared.serve(socket);
                    shared.threads.fetch_sub(1, Ordering::SeqCst);
                };
                if thread::Builder::new().spawn(serve).is_ok() {
                    continue;
                }
            }
            self.shared.threads.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, cases: &[Case], stress: bool) {
        let mut state = self.lock();
        for (index, case) in cases.iter().enumerate() {
            let found = state.found.as_ref();
            match found.and_then(|found| found.peer.cannot(case, stress)) {
                Some(reason) => state.skip(index, reason),
                None => state.queue.push_back(index),
            }
        }
        state.cases = Some(Arc::new(cases.to_vec()));
        state.finish();
        drop(state);
        self.changed.notify_all();
    }

    fn serve(&self, socket: TcpStream) -> io::Result<()> {
        socket.set_nonblocking(false)?;
        let mut link = Tcp::new(socket, self.most)?;
        match call::receive(&mut link, self.most) {
            Ok(Some(call)) if call.is_upgrade => self.play(&call, &mut link),
            Ok(Some(call)) => send(&mut link, &self.http(&call)),
            Ok(None) => {}
            Err(error) => {
                let mut state = self.lock();
                (state.invalid, state.last) = (Some(error), Instant::now());
                drop(state);
                send(&mut link, &page::response(400, "text/plain", "not HTTP/1.1\n"));
            }
        }
        Ok(())
    }

    fn play(&self, call: &Call, link: &mut dyn Link) {
        match self.next(call) {
            Job::Meet(mut meeting) => {
                let mut setup = self.lock().setup.clone();
                let found = meeting.meet(call, link, &mut setup);
                let mut state = self.lock();
                (state.found, state.setup) = (found.map(Arc::new), setup);
                state.meeting = state.found.is_none().then_some(meeting);
                state.pause();
            }
            Job::Run(index, cases, found) => {
                let ran = respond(&cases[index], &found.peer, call, link, found.patience);
                let mut state = self.lock();
                match state.runs.entry(index).or_default().add(ran) {
                    Some(ran) => state.keep(index, ran),
                    None => state.queue.push_front(index),
                }
                state.pause();
            }
            Job::Nothing => send(link, &page::response(503, "text/plain", "all is done\n")),
        }
        self.changed.notify_all();
    }

    /// Returns what to use the connection for, as soon as that is known.
    fn next(&self, call: &Call) -> Job {
        let mut state = self.lock();
        loop {
            if state.done || state.until.is_some_and(|until| state.connections >= until) {
                state.done |= state.active == 0;
                return Job::Nothing;
            }
            if let Some(job) = state.job(call) {
                state.connections += 1;
                state.active += 1;
                state.last = Instant::now();
                return job;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Responds to a request for something else than a WebSocket connection.
    fn http(&self, call: &Call) -> Vec<u8> {
        let mut state = self.lock();
        match call.target.split('?').next() {
            Some("/") if call.is_get => {
                state.page = true;
                page::response(200, "text/html; charset=utf-8", &page::page(&state.setup))
            }
            Some("/status") if call.is_get => {
                state.told |= state.done;
                let cases = state.cases.as_ref().map(|cases| cases.len());
                page::status(state.done, state.ran, cases)
            }
            _ => page::response(404, "text/plain", "the page is at /\n"),
        }
    }
}

impl State {
    /// Returns what to use a connection for, or `None` if that has to wait for other connections.
    fn job(&mut self, call: &Call) -> Option<Job> {
        let Some((cases, found)) = self.cases.clone().zip(self.found.clone()) else {
            return self.meeting.take().map(Job::Meet);
        };
        while let Some(index) = self.queue.pop_front() {
            if call.response(&cases[index]).is_some() {
                return Some(Job::Run(index, cases, found));
            }
            self.skip(index, call.lacks());
        }
        self.finish();
        self.done.then_some(Job::Nothing)
    }

    fn skip(&mut self, index: usize, reason: String) {
        self.keep(index, Ran::without(Outcome::Skipped, reason));
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
        let enough = self.until.is_some_and(|until| self.connections >= until);
        let ran_all = self.cases.is_some() && self.queue.is_empty();
        self.done |= self.active == 0 && (ran_all || enough);
    }
}

/// Sends a response, and waits until the client has read it.
fn send(link: &mut dyn Link, response: &[u8]) {
    if link.send(response).is_err() || link.end_sending().is_err() {
        return;
    }
    let start = link.elapsed();
    let mut rest = Vec::new();
    while link.elapsed() < start + PARTING && link.receive(&mut rest, PARTING) == Received::Bytes {
        rest.clear();
    }
}
