//! A limit for the unfinished messages of many connections together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::BytesMut;

/// The number of bytes that each connection may hold without taking of the budget.
const FREE: usize = 16 << 10;

/// The number of bytes that a connection takes at once, so that it takes seldom.
const STEP: usize = 64 << 10;

/// A limit for the memory of the unfinished messages of many connections together.
///
/// [`Policy::max_message`](crate::Policy::max_message) limits one message. A peer can begin a message
/// on each of its connections and finish none: 40 connections with the default limit of 64 MiB hold
/// 2.5 GB. A budget limits the sum. A clone shares it.
///
/// Each connection may hold 16 KiB without taking of the budget, so short messages always arrive. A
/// connection that holds more takes of the budget what its buffers have, in steps of 64 KiB, and gives
/// it back when the message is returned or the codec is dropped. If the budget has too little left,
/// the codec drops the message, and returns [`Error::OverBudget`](super::Error::OverBudget) with the
/// Close frame to send: 1013 Try Again Later from a server, and 1009 from a client.
///
/// The sum over all connections is at most the budget, and for each connection 16 KiB and the bytes of
/// one read. A message that was returned belongs to the program, and does not count. Nor do the windows
/// of permessage-deflate, whose size is [known](crate::deflate#memory).
///
/// ```
/// use bytes::BytesMut;
/// use wsvet::codec::{Budget, Error, Messages};
/// use wsvet::{Message, Policy, Role};
///
/// let budget = Budget::new(512 << 10);
/// let mut codec = || Messages::new(Policy::new(Role::Client)).with_budget(&budget);
/// let (mut first, mut second) = (codec(), codec());
///
/// // Half of a message of 300,000 bytes.
/// let mut half = BytesMut::from(&b"\x82\x7F\0\0\0\0\0\x04\x93\xE0"[..]);
/// half.extend_from_slice(&[0; 150_000]);
/// assert!(first.decode(&mut half.clone())?.is_none());
/// assert!(budget.used() > 128 << 10);
/// assert!(matches!(second.decode(&mut half), Err(Error::OverBudget(_))));
///
/// drop(first);
/// assert_eq!(budget.used(), 0);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: usize,
    used: AtomicUsize,
}

impl Budget {
    /// Creates a budget of this number of bytes.
    ///
    /// It should be a small multiple of the limit of a message, or a single message uses it up.
    ///
    /// ```
    /// # use wsvet::codec::Budget;
    /// assert_eq!(Budget::new(256 << 20).used(), 0);
    /// ```
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Shared { limit: bytes, used: AtomicUsize::new(0) }))
    }

    /// Returns the number of bytes of the budget.
    ///
    /// ```
    /// # use wsvet::codec::Budget;
    /// assert_eq!(Budget::new(256 << 20).limit(), 256 << 20);
    /// ```
    #[must_use]
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// Returns the number of bytes that the connections have taken, which is never more than
    /// [`limit`](Self::limit).
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::{Budget, Messages}};
    /// let budget = Budget::new(256 << 20);
    /// let idle = Messages::new(Policy::new(Role::Server)).with_budget(&budget);
    /// assert_eq!(budget.used(), 0);
    /// # drop(idle);
    /// ```
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.used.load(Ordering::Relaxed)
    }
}

/// What one buffer of a connection has taken of the budget.
#[derive(Debug)]
pub(super) struct Share {
    budget: Budget,
    taken: usize,
}

impl Share {
    pub(super) fn new(budget: &Budget) -> Self {
        Self { budget: budget.clone(), taken: 0 }
    }

    /// Takes or gives back, so that the connection may hold this number of bytes. Returns `false` if
    /// the budget has too little left.
    pub(super) fn hold(&mut self, bytes: usize) -> bool {
        let needed = if bytes <= FREE { 0 } else { bytes.next_multiple_of(STEP) };
        // No other memory is read or written because of the sum, so no order is needed.
        let Shared { limit, used } = &*self.budget.0;
        if needed > self.taken {
            let more = needed - self.taken;
            let sum = |used: usize| used.checked_add(more).filter(|sum| sum <= limit);
            if used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum).is_err() {
                return false;
            }
        } else if needed < self.taken {
            used.fetch_sub(self.taken - needed, Ordering::Relaxed);
        }
        self.taken = needed;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.hold(0);
    }
}

/// Returns the number of bytes that a buffer holds: its length if it is short, because the buffer
/// may then be that of the next read, and else its capacity.
pub(super) fn held(buffer: &BytesMut) -> usize {
    if buffer.len() <= FREE { buffer.len() } else { buffer.capacity() }
}

/// Returns the capacity of a buffer after this number of bytes is appended: it doubles.
#[cfg(feature = "deflate")]
pub(super) fn grown(len: usize, capacity: usize, more: usize) -> usize {
    let needed = len.saturating_add(more);
    if needed <= capacity { capacity } else { needed.max(2 * capacity) }
}
