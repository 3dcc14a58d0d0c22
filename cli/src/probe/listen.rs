//! Runs all cases against the clients that connect: each connection is the next case.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use wsvet::generate::{Case, Setup};

use crate::input::interrupt;
use crate::probe::call::{self, Call};
use crate::probe::explore::{Found, Meeting};
use crate::probe::link::{Link, Received};
use crate::probe::outcome::Ran;
use crate::probe::page;
use crate::probe::play::respond;
use crate::probe::tcp::Tcp;
use crate::probe::turns::{Job, Run, Turns};

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
    turns: Turns,
    /// Whether a browser has the page, and whether it was told that all is done.
    page: bool,
    told: bool,
    /// What is wrong with the last request that was not HTTP/1.
    invalid: Option<String>,
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
        let meeting = Meeting::new(&setup, limits.most);
        let turns = Turns::new(setup, meeting, limits.until);
        let state = State { turns, page: false, told: false, invalid: None };
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
            if let Some(found) = &state.turns.found {
                return Ok(((**found).clone(), state.turns.setup.clone()));
            }
            if self.is_over(&state) {
                return Err(match &state.invalid {
                    Some(error) => format!("the request of the client is no HTTP/1: {error}"),
                    None if state.turns.connections == 0 => "no client connected".to_owned(),
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
        self.shared.lock().turns.begin(cases, stress);
        self.shared.changed.notify_all();
        let mut taken = 0;
        loop {
            self.accept();
            let mut state = self.shared.lock();
            while let Some(ran) = state.turns.results.remove(&taken) {
                each(&cases[taken], ran)?;
                taken += 1;
            }
            if taken == cases.len() || self.is_over(&state) {
                break;
            }
        }
        let reason = match (interrupt::is_stopped(), self.limits.until) {
            (true, _) => "interrupted".to_owned(),
            (_, Some(until)) if self.shared.lock().turns.connections >= until => {
                format!("only {until} connections: --until")
            }
            _ => "the client did not connect again".to_owned(),
        };
        self.shared.lock().turns.done = true;
        self.shared.changed.notify_all();
        for (index, case) in cases.iter().enumerate().skip(taken) {
            let ran = self.shared.lock().turns.give_up(index, &reason);
            each(case, ran)?;
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
        let turns = &state.turns;
        let idle = turns.connections > 0 || state.invalid.is_some();
        let idle = idle && turns.last.elapsed() > self.limits.idle;
        turns.active == 0 && (turns.done || idle) || interrupt::is_stopped()
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

    fn serve(&self, socket: TcpStream) -> io::Result<()> {
        socket.set_nonblocking(false)?;
        let local = socket.local_addr()?;
        let mut link = Tcp::new(socket, self.most)?;
        match call::receive(&mut link, self.most) {
            Ok(Some(mut call)) if call.is_upgrade => {
                call.arrive_at(local);
                self.play(&call, &mut link);
            }
            Ok(Some(call)) => send(&mut link, &self.http(&call)),
            Ok(None) => {}
            Err(error) => {
                let mut state = self.lock();
                // A client that sends nothing else is idle, however often it connects.
                if state.invalid.replace(error).is_none() {
                    state.turns.last = Instant::now();
                }
                drop(state);
                send(&mut link, &page::response(400, "text/plain", "not HTTP/1.1\n"));
            }
        }
        Ok(())
    }

    fn play(&self, call: &Call, link: &mut dyn Link) {
        match self.next(call) {
            Job::Meet(mut meeting) => {
                let mut setup = self.lock().turns.setup.clone();
                let found = meeting.meet(call, link, &mut setup);
                self.lock().turns.met(*meeting, found, setup);
            }
            Job::Run(Run { index, response, cases, found }) => {
                let Found { peer, patience, .. } = &*found;
                let ran = respond(&cases[index], peer, call, &response, link, *patience);
                self.lock().turns.ran(index, ran);
            }
            Job::Nothing => {
                send(link, &page::response(503, "text/plain", "no case for this client\n"));
            }
        }
        self.changed.notify_all();
    }

    /// Returns what to use the connection for, as soon as that is known.
    fn next(&self, call: &Call) -> Job {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.turns.job(call) {
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
                page::response(200, "text/html; charset=utf-8", &page::page(&state.turns.setup))
            }
            Some("/status") if call.is_get => {
                state.told |= state.turns.done;
                let turns = &state.turns;
                let cases = turns.cases.as_ref().map(|cases| cases.len());
                page::status(turns.done, turns.ran, cases)
            }
            _ => page::response(404, "text/plain", "the page is at /\n"),
        }
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
