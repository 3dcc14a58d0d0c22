//! One connection: passes the bytes of a client and a server to each other, and tells the judge.
//!
//! A connection has one thread, which waits for both sockets with `poll`. So nothing is shared between
//! threads but the queue of the judge, and the state of TLS and of a gateway have one owner. What came from
//! an endpoint is written to the other one before more is read, so a peer that stalls stalls its partner,
//! and a connection holds one buffer for each direction.

use std::io;
use std::ops::Range;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use wsvet::{End, Role};

use super::gate::{Gate, PATIENCE};
use super::queue::{Closed, Sender, What};
use super::stream::Stream;

/// The most bytes that are read at once.
const CHUNK: usize = 64 << 10;

const BOTH: [Role; 2] = [Role::Client, Role::Server];

/// A connection between a client and a server.
pub(super) struct Relay {
    number: u64,
    sender: Sender,
    ends: [Side; 2],
    /// What refuses the frames that break a rule.
    gate: Option<Gate>,
    /// When the connection ends in any case, after the gate has begun to end it.
    deadline: Option<Instant>,
}

/// An endpoint, and what is on its way to it.
struct Side {
    stream: Stream,
    lane: Lane,
    /// Whether its stream can still be read.
    reads: bool,
    /// Whether bytes can still be sent to it.
    writes: bool,
    /// Whether TLS holds bytes that were not written.
    unflushed: bool,
    /// Whether its stream has ended, as the judge was told.
    ended: bool,
    /// Whether reading may return something without waiting.
    ready: bool,
    /// Whether the socket said that both of its directions have ended. It says so without end.
    hung_up: bool,
}

/// What is on its way to an endpoint, in this order.
struct Lane {
    /// Bytes from before the chunk, which a gate has held.
    held: Vec<u8>,
    /// What was read from the other endpoint.
    chunk: Box<[u8]>,
    /// The part of the chunk that is not written.
    range: Range<usize>,
    /// The gate's own bytes.
    own: Vec<u8>,
}

impl Lane {
    fn new() -> Self {
        Self { held: Vec::new(), chunk: vec![0; CHUNK].into(), range: 0..0, own: Vec::new() }
    }

    /// Returns whether everything that came from the other endpoint was written.
    fn is_free(&self) -> bool {
        self.held.is_empty() && self.range.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.is_free() && self.own.is_empty()
    }

    /// Returns the next bytes.
    fn next(&self) -> &[u8] {
        match (&self.held[..], &self.chunk[self.range.clone()]) {
            ([], []) => &self.own,
            ([], chunk) => chunk,
            (held, _) => held,
        }
    }

    fn clear(&mut self) {
        self.held.clear();
        self.range = 0..0;
        self.own.clear();
    }

    fn written(&mut self, len: usize) {
        if !self.held.is_empty() {
            self.held.drain(..len);
        } else if !self.range.is_empty() {
            self.range.start += len;
        } else {
            self.own.drain(..len);
        }
    }
}

impl Side {
    fn new(stream: Stream) -> Self {
        Self {
            stream,
            lane: Lane::new(),
            reads: true,
            writes: true,
            unflushed: false,
            ended: false,
            ready: true,
            hung_up: false,
        }
    }
}

/// Why a connection ends at once.
enum Stop {
    /// This endpoint has reset it.
    Reset(Role),
    /// The judge has gone.
    Closed,
}

impl From<Closed> for Stop {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl Relay {
    /// Creates the connection with this number. `streams` are those of the client and of the server.
    pub(super) fn new(
        number: u64,
        sender: Sender,
        streams: [Stream; 2],
        gate: Option<Gate>,
    ) -> Self {
        Self { number, sender, ends: streams.map(Side::new), gate, deadline: None }
    }

    /// Passes bytes until both streams have ended.
    pub(super) fn run(mut self) -> Result<(), Closed> {
        for side in &self.ends {
            // A socket that cannot do that was reset before anything was passed.
            let _ = side.stream.start();
        }
        loop {
            match self.pass() {
                Ok(()) => break,
                Err(Stop::Closed) => return Err(Closed),
                Err(Stop::Reset(by)) => {
                    self.end_of(by, End::Reset)?;
                    let side = &mut self.ends[by as usize];
                    (side.reads, side.writes, side.hung_up) = (false, false, true);
                    // A gate tells the other endpoint that this one has gone.
                    if self.gate.as_ref().is_some_and(Gate::is_closing) {
                        continue;
                    }
                    let other = &self.ends[by.peer() as usize];
                    if other.writes || !other.ended {
                        other.stream.reset();
                    }
                    break;
                }
            }
        }
        self.tell(What::Over, b"")
    }

    fn pass(&mut self) -> Result<(), Stop> {
        loop {
            let mut moved = false;
            for role in BOTH {
                moved |= self.read(role)?;
            }
            for role in BOTH {
                moved |= self.write(role)?;
            }
            if self.ends.iter().all(|side| !side.reads && !side.writes) {
                return Ok(());
            }
            if !moved && !self.wait()? {
                return Ok(());
            }
        }
    }

    /// Waits until a socket can be read or written. Returns whether the time is not over.
    fn wait(&mut self) -> Result<bool, Stop> {
        self.sender.wake();
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Ok(false);
        }
        let time = left.map(|left| Timespec {
            tv_sec: left.as_secs().cast_signed(),
            tv_nsec: left.subsec_nanos().into(),
        });
        let wanted = BOTH.map(|role| self.wanted(role));
        // A socket that has hung up would end each waiting at once.
        let skipped = [0, 1].map(|end| wanted[end].is_empty() && self.ends[end].hung_up);
        let [client, server] = &self.ends;
        let mut files = [(client, wanted[0]), (server, wanted[1])]
            .map(|(side, wanted)| PollFd::from_borrowed_fd(side.stream.as_fd(), wanted));
        let waited = usize::from(skipped[0])..2 - usize::from(skipped[1]);
        if waited.is_empty() {
            return Ok(false);
        }
        loop {
            match poll(&mut files[waited.clone()], time.as_ref()) {
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Ok(false),
                Ok(_) => break,
            }
        }
        let found = files.map(|file| file.revents());
        for role in BOTH {
            let (found, side) = (found[role as usize], &mut self.ends[role as usize]);
            side.ready |= wanted[role as usize].contains(PollFlags::IN) && !found.is_empty();
            if !wanted[role as usize].is_empty() || !waited.contains(&(role as usize)) {
                continue;
            }
            if found.contains(PollFlags::ERR) {
                // The partner does not take what came before, so a reset overtakes it.
                return Err(Stop::Reset(role));
            }
            side.hung_up |= found.contains(PollFlags::HUP);
        }
        Ok(true)
    }

    /// Returns what is waited for at a socket.
    fn wanted(&self, role: Role) -> PollFlags {
        let side = &self.ends[role as usize];
        let mut wanted = PollFlags::empty();
        if self.takes_more(role) {
            wanted |= PollFlags::IN;
        }
        if side.writes && (!side.lane.is_empty() || side.unflushed || self.is_finished(role)) {
            wanted |= PollFlags::OUT;
        }
        wanted
    }

    /// Returns whether more is read from this endpoint.
    fn takes_more(&self, role: Role) -> bool {
        let holds = self.gate.as_ref().is_some_and(|gate| gate.holds(role));
        self.ends[role as usize].reads && self.ends[role.peer() as usize].lane.is_free() && !holds
    }

    /// Returns whether nothing more comes for this endpoint.
    fn is_finished(&self, to: Role) -> bool {
        let over = self.gate.as_ref().is_some_and(|gate| gate.is_over(to));
        over || !self.ends[to.peer() as usize].reads
    }

    /// Reads what an endpoint sends, if everything before it was passed. Returns whether anything
    /// changed.
    fn read(&mut self, from: Role) -> Result<bool, Stop> {
        if !self.ends[from as usize].ready || !self.takes_more(from) {
            return Ok(false);
        }
        let [side, other] = self.sides(from);
        let len = match side.stream.read(&mut other.lane.chunk) {
            Ok(len) => {
                side.ready = len == CHUNK || side.stream.may_hold();
                len
            }
            Err(error) => {
                return match error.kind() {
                    io::ErrorKind::WouldBlock => {
                        side.ready = false;
                        Ok(false)
                    }
                    io::ErrorKind::Interrupted => Ok(true),
                    _ => Err(Stop::Reset(from)),
                };
            }
        };
        if len == 0 {
            self.ends[from as usize].reads = false;
            self.end_of(from, End::Fin)?;
            return Ok(true);
        }
        let other = &mut self.ends[from.peer() as usize];
        match &mut self.gate {
            None => {
                self.sender.push(self.number, What::Bytes(from, len), &other.lane.chunk[..len])?;
                other.lane.range = 0..len;
            }
            Some(gate) => {
                let at = self.sender.now();
                let Lane { held, chunk, range, .. } = &mut other.lane;
                let passed = gate.receive(from, &chunk[..len], held, at);
                *range = 0..passed;
                let judged = match gate.is_silenced(from) {
                    false => [&[][..], &chunk[..len]],
                    true => [held, &chunk[..passed]],
                };
                for bytes in judged.into_iter().filter(|bytes| !bytes.is_empty()) {
                    self.sender.push(self.number, What::Bytes(from, bytes.len()), bytes)?;
                }
                self.gate_spoke()?;
            }
        }
        Ok(true)
    }

    /// Passes on what the gate itself says, and tells the judge.
    fn gate_spoke(&mut self) -> Result<(), Closed> {
        let Some(gate) = &mut self.gate else { return Ok(()) };
        for to in BOTH {
            let own = &mut self.ends[to as usize].lane.own;
            let start = own.len();
            gate.take_own(to, own);
            // The judge sees the conversation as the endpoint that broke a rule sees it.
            if own.len() > start && gate.refused().is_some_and(|refused| refused.from == to) {
                let what = What::Bytes(to.peer(), own.len() - start);
                self.sender.push(self.number, what, &own[start..])?;
            }
        }
        if let Some(note) = gate.news() {
            self.sender.push(self.number, What::Note(note), b"")?;
        }
        if self.deadline.is_none() && gate.is_closing() {
            self.deadline = Some(Instant::now() + PATIENCE);
        }
        Ok(())
    }

    /// Writes what is on its way to an endpoint. Returns whether anything changed.
    fn write(&mut self, to: Role) -> Result<bool, Stop> {
        let side = &mut self.ends[to as usize];
        if !side.writes {
            side.lane.clear();
            return Ok(false);
        }
        if let (Role::Server, true, Some(gate)) = (to, side.lane.is_free(), &mut self.gate) {
            gate.release(&mut side.lane.held);
        }
        let mut moved = false;
        let (was_empty, mut blocked) = (side.lane.is_empty(), false);
        while !side.lane.is_empty() {
            match side.stream.write(side.lane.next()) {
                Ok(0) => return Err(Stop::Reset(to)),
                Ok(len) => side.lane.written(len),
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => continue,
                    io::ErrorKind::WouldBlock => {
                        blocked = true;
                        break;
                    }
                    _ => return Err(Stop::Reset(to)),
                },
            }
            moved = true;
        }
        if blocked {
            return Ok(moved);
        }
        let flushed = side.stream.flush().map_err(|_| Stop::Reset(to))?;
        side.unflushed = !flushed;
        if !was_empty {
            self.tell(What::Delivered(to), b"")?;
        }
        if flushed && self.is_finished(to) {
            let side = &mut self.ends[to as usize];
            side.writes = !side.stream.end_sending().map_err(|_| Stop::Reset(to))?;
            if !side.writes {
                moved = true;
                // A gate ends a stream that its endpoint has not ended.
                if self.gate.as_ref().is_some_and(|gate| !gate.is_silenced(to)) {
                    self.ended(to.peer(), End::Fin)?;
                }
            }
        }
        Ok(moved)
    }

    /// Takes the end of the stream of an endpoint.
    fn end_of(&mut self, from: Role, how: End) -> Result<(), Closed> {
        if let Some(gate) = &mut self.gate {
            gate.end(from, how);
        }
        self.ended(from, how)?;
        self.gate_spoke()
    }

    /// Tells the judge once that the stream of an endpoint has ended.
    fn ended(&mut self, from: Role, how: End) -> Result<(), Closed> {
        match std::mem::replace(&mut self.ends[from as usize].ended, true) {
            true => Ok(()),
            false => self.tell(What::Ended(from, how), b""),
        }
    }

    fn tell(&self, what: What, bytes: &[u8]) -> Result<(), Closed> {
        self.sender.push(self.number, what, bytes)
    }

    /// Returns this endpoint and the other one.
    fn sides(&mut self, role: Role) -> [&mut Side; 2] {
        let [client, server] = &mut self.ends;
        if role == Role::Client { [client, server] } else { [server, client] }
    }
}
