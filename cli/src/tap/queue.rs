//! What passes on its way to the judge: a bounded queue. The threads that pass bytes wait
//! while the judge is slower.
//!
//! The events of all connections and their bytes stand in one batch, which is exchanged for an empty one
//! as a whole. So nothing is allocated for an event, and the memory is that of two batches.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wsvet::{End, Role};

/// The most bytes in a batch, unless a single event has more.
const MOST_BYTES: usize = 1 << 20;

/// The most events in a batch.
const MOST_EVENTS: usize = 1 << 14;

/// Something that happened to a connection.
pub(super) struct Event {
    /// The number of the connection, from 0.
    pub(super) connection: u64,
    /// When it happened, since 1970.
    pub(super) at: Duration,
    pub(super) what: What,
}

/// What happened to a connection.
pub(super) enum What {
    /// A client connected. The addresses are those of the client and of the server.
    Opened(Box<[SocketAddr; 2]>),
    /// The server accepted the connection.
    Connected,
    /// The server did not accept the connection.
    Unreachable,
    /// So many bytes came from this endpoint. They are the next ones of the batch.
    Bytes(Role, usize),
    /// All bytes that came for this endpoint were handed to its socket.
    Delivered(Role),
    /// The stream of this endpoint ended.
    Ended(Role, End),
    /// Something that people must be told.
    Note(String),
    /// Nothing more happens to the connection.
    Over,
}

/// Events, and the bytes of all of them.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) events: Vec<Event>,
    pub(super) bytes: Vec<u8>,
}

impl Batch {
    fn is_full(&self, more: usize) -> bool {
        let over = self.bytes.len() + more > MOST_BYTES || self.events.len() >= MOST_EVENTS;
        over && !self.events.is_empty()
    }
}

#[derive(Default)]
struct State {
    batch: Batch,
    /// The number of senders.
    senders: usize,
    /// How many senders wait for room.
    waiting: usize,
    /// Whether nothing more is taken.
    closed: bool,
}

/// The queue from the threads that pass bytes to the judge.
pub(super) struct Queue {
    state: Mutex<State>,
    /// Whether the judge waits for events.
    idle: AtomicBool,
    filled: Condvar,
    emptied: Condvar,
    start: Instant,
    /// The time of the start, since 1970.
    date: Duration,
}

impl Queue {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            idle: AtomicBool::new(false),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            start: Instant::now(),
            date: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        })
    }

    /// Returns what adds events to the queue.
    pub(super) fn sender(self: &Arc<Self>) -> Sender {
        self.state().senders += 1;
        Sender(Arc::clone(self))
    }

    /// Exchanges a batch whose events were taken for the next one, and waits for it. Returns whether
    /// there is one: there is none after all senders have gone or the queue was closed.
    pub(super) fn next(&self, batch: &mut Batch) -> bool {
        batch.events.clear();
        batch.bytes.clear();
        let mut state = self.state();
        while state.batch.events.is_empty() {
            if state.closed || state.senders == 0 {
                return false;
            }
            self.idle.store(true, Ordering::SeqCst);
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            self.idle.store(false, Ordering::SeqCst);
        }
        std::mem::swap(&mut state.batch, batch);
        if state.waiting > 0 {
            self.emptied.notify_all();
        }
        true
    }

    /// Returns whether the judge has nothing to do after its batch.
    pub(super) fn is_empty(&self) -> bool {
        self.state().batch.events.is_empty()
    }

    /// Takes nothing more. What is there is still judged.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_all();
        self.emptied.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The queue was closed: nothing more is to be passed.
#[derive(Debug)]
pub(super) struct Closed;

/// What adds events to a queue.
pub(super) struct Sender(Arc<Queue>);

impl Sender {
    /// Returns the time, since 1970.
    pub(super) fn now(&self) -> Duration {
        self.0.date + self.0.start.elapsed()
    }

    /// Adds an event, with its bytes, and waits while there is no room. The judge may not notice it before
    /// [`wake`](Self::wake).
    pub(super) fn push(&self, connection: u64, what: What, bytes: &[u8]) -> Result<(), Closed> {
        let at = self.now();
        let mut state = self.0.state();
        while state.batch.is_full(bytes.len()) && !state.closed {
            state.waiting += 1;
            self.0.filled.notify_one();
            state = self.0.emptied.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        if state.closed {
            return Err(Closed);
        }
        state.batch.events.push(Event { connection, at, what });
        state.batch.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Wakes the judge if it waits. Waking takes some microseconds, so it comes after the bytes were
    /// passed.
    pub(super) fn wake(&self) {
        if self.0.idle.swap(false, Ordering::SeqCst) {
            self.0.filled.notify_one();
        }
    }
}

impl Clone for Sender {
    fn clone(&self) -> Self {
        self.0.sender()
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.senders -= 1;
        let last = state.senders == 0;
        drop(state);
        match last {
            true => self.0.filled.notify_all(),
            false => self.wake(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// A sender that is faster than the judge waits, and every byte comes in order.
    #[test]
    fn a_slow_judge_makes_the_senders_wait() {
        let queue = Queue::new();
        let sender = queue.sender();
        let chunk = vec![7; 100_000];
        let pushes = thread::spawn(move || {
            for number in 0..100 {
                sender.push(number, What::Bytes(Role::Client, chunk.len()), &chunk).unwrap();
                sender.wake();
            }
        });
        let (mut batch, mut next) = (Batch::default(), 0);
        while queue.next(&mut batch) {
            assert!(batch.bytes.len() <= MOST_BYTES);
            assert_eq!(batch.bytes.len(), 100_000 * batch.events.len());
            for event in &batch.events {
                assert_eq!(event.connection, next);
                next += 1;
            }
            thread::yield_now();
        }
        assert_eq!(next, 100);
        pushes.join().unwrap();
    }

    #[test]
    fn an_event_with_more_bytes_than_a_batch_is_taken() {
        let queue = Queue::new();
        let bytes = vec![0; MOST_BYTES + 1];
        queue.sender().push(0, What::Bytes(Role::Client, bytes.len()), &bytes).unwrap();
        let mut batch = Batch::default();
        assert!(queue.next(&mut batch));
        assert_eq!(batch.bytes.len(), bytes.len());
        assert!(!queue.next(&mut batch), "the sender has gone");
    }

    #[test]
    fn a_closed_queue_ends_both_sides() {
        let queue = Queue::new();
        let sender = queue.sender();
        sender.push(0, What::Connected, b"").unwrap();
        queue.close();
        sender.push(0, What::Over, b"").unwrap_err();
        let mut batch = Batch::default();
        assert!(queue.next(&mut batch), "what was there");
        assert!(!queue.next(&mut batch));
    }
}
