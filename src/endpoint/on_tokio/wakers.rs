//! Two tasks that wait for one stream.
//!
//! A stream remembers one task that waits to write. The receiver writes, too: Pongs, and the Close
//! frame that is due. So both tasks wait with one waker that wakes both.

use core::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// One of the two tasks.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Receiver,
    Sender,
}

/// The tasks that wait.
#[derive(Default)]
pub(super) struct Wakers(Mutex<[Option<Waker>; 2]>);

impl Wakers {
    /// Notes that the task of this side waits.
    pub(super) fn set(&self, side: Side, waker: &Waker) {
        let slot = &mut self.lock()[side as usize];
        match slot {
            Some(known) => known.clone_from(waker),
            None => *slot = Some(waker.clone()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, [Option<Waker>; 2]> {
        // Nothing panics under the lock, and a waker is valid in any case.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let waiting = mem::take(&mut *self.lock());
        waiting.into_iter().flatten().for_each(Waker::wake);
    }
}
