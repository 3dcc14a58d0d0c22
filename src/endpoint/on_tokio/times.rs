//! The time limits of a connection.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::boxed::Box;
use std::io;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::wakers::Side;
use crate::endpoint::Error;
use crate::endpoint::opening::TIME_LIMIT;

/// What is due because time has passed.
#[derive(Clone, Copy)]
pub(super) enum Due {
    /// The connection must end: the peer has not answered a Close frame, or has not closed its side.
    End,
    /// A Ping must be sent.
    Ping,
    /// The peer sends nothing, although it was pinged.
    Silent,
    /// The peer does not read.
    Stalled,
    /// No message was sent or received.
    Idle,
}

impl Due {
    /// The error of a connection that ends for this reason.
    pub(super) fn error(self) -> Error {
        let text = match self {
            Self::End => "the peer did not answer the Close frame in time",
            Self::Ping | Self::Silent => "the peer did not answer a Ping in time",
            Self::Stalled => "the peer did not read in time",
            Self::Idle => "no message was sent or received in time",
        };
        io::Error::new(io::ErrorKind::TimedOut, text).into()
    }
}

/// The time limits, and what they are measured from.
pub(super) struct Times {
    pub(super) end_limit: Duration,
    keep_alive: Option<KeepAlive>,
    /// The limit without a message, and when the last one was sent or received.
    idle: Option<(Duration, Instant)>,
    /// When the connection must end.
    end: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

struct KeepAlive {
    interval: Duration,
    limit: Duration,
    /// When the peer was alive last.
    heard: Instant,
    /// When it was pinged, if it has been silent since.
    pinged: Option<Instant>,
    /// Since when it has taken no bytes, if some wait.
    stalled: Option<Instant>,
}

impl Default for Times {
    fn default() -> Self {
        Self { end_limit: TIME_LIMIT, keep_alive: None, idle: None, end: None, timer: None }
    }
}

impl Times {
    pub(super) fn keep_alive(&mut self, interval: Duration, limit: Duration) {
        let heard = Instant::now();
        self.keep_alive = Some(KeepAlive { interval, limit, heard, pinged: None, stalled: None });
    }

    pub(super) fn idle(&mut self, limit: Duration) {
        self.idle = Some((limit, Instant::now()));
    }

    /// Notes that the connection must end within the limit from now. Nothing else is due any more.
    pub(super) fn end(&mut self) {
        self.end = Instant::now().checked_add(self.end_limit);
        self.keep_alive = None;
        self.idle = None;
    }

    /// Notes that bytes have arrived.
    pub(super) fn heard(&mut self) {
        if let Some(KeepAlive { heard, pinged, .. }) = &mut self.keep_alive {
            *heard = Instant::now();
            *pinged = None;
        }
    }

    /// Notes that a message was sent or received.
    pub(super) fn active(&mut self) {
        if let Some((_, last)) = &mut self.idle {
            *last = Instant::now();
        }
    }

    /// Notes that a Ping was sent because nothing has arrived.
    pub(super) fn pinged(&mut self) {
        if let Some(KeepAlive { pinged, .. }) = &mut self.keep_alive {
            *pinged = Some(Instant::now());
        }
    }

    /// Notes that bytes were sent.
    pub(super) fn wrote(&mut self) {
        // A peer that reads again is alive. Bytes that only fill the buffers of TCP say nothing.
        if self.keep_alive.as_mut().is_some_and(|alive| alive.stalled.take().is_some()) {
            self.heard();
        }
    }

    /// Notes that bytes to send wait.
    pub(super) fn blocked(&mut self) {
        if let Some(KeepAlive { stalled, .. }) = &mut self.keep_alive {
            stalled.get_or_insert_with(Instant::now);
        }
    }

    /// What is due next on this side, and when.
    fn next(&self, side: Side) -> Option<(Instant, Due)> {
        let at = |from: Instant, limit, due| Some((from.checked_add(limit)?, due));
        if let Some(end) = self.end {
            return Some((end, Due::End));
        }
        let alive = self.keep_alive.as_ref();
        if let Side::Sender = side {
            let KeepAlive { interval, limit, stalled, .. } = alive?;
            return at((*stalled)?, interval.saturating_add(*limit), Due::Stalled);
        }
        let ping =
            alive.and_then(|KeepAlive { interval, limit, heard, pinged, .. }| match pinged {
                None => at(*heard, *interval, Due::Ping),
                Some(pinged) => at(*pinged, *limit, Due::Silent),
            });
        let idle = self.idle.and_then(|(limit, last)| at(last, limit, Due::Idle));
        ping.into_iter().chain(idle).min_by_key(|(at, _)| *at)
    }

    /// Waits until something is due on this side.
    pub(super) fn poll_due(&mut self, cx: &mut Context<'_>, side: Side) -> Poll<Due> {
        loop {
            let Some((at, due)) = self.next(side) else { return Poll::Pending };
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
            // A timer that is early is set again when it fires: this is cheaper than to set it with
            // each byte that arrives.
            if at < timer.deadline() {
                timer.as_mut().reset(at);
            }
            ready!(timer.as_mut().poll(cx));
            if at <= Instant::now() {
                return Poll::Ready(due);
            }
            timer.as_mut().reset(at);
        }
    }
}
