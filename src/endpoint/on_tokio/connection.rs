//! The state of a connection, and everything that is waited for.
//!
//! ```text
//!           the Close frames were exchanged,
//!           the peer broke a rule, or has       all was sent, and the peer has
//!           closed its side                     closed its side, or the time is over
//!   +------+                          +--------+                          +------+
//!   | Open |------------------------->| Ending |------------------------->| Over |
//!   +------+                          +--------+                          +------+
//!       |                                                                    ^
//!       |  the stream has failed, or the peer is silent or stalled           |
//!       +--------------------------------------------------------------------+
//! ```
//!
//! Both halves of a WebSocket poll one connection, so all state is here and no state is in a future:
//! a future that is dropped loses nothing.

use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker, ready};
use std::boxed::Box;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::buffer;
use super::times::{Due, Times};
use super::wakers::{Side, Wakers};
use crate::codec::Prepared;
use crate::endpoint::{Endpoint, Error};
use crate::handshake::Agreement;
use crate::{CloseCode, Message, Role, Utf8Bytes, codec};

/// The most bytes that are discarded at the end of a connection.
pub(super) const MOST_DISCARDED: u64 = 64 << 20;

/// The bounds of the length of the bytes to send from which a message waits.
const LEAST_LIMIT: usize = 64 << 10;
const MOST_LIMIT: usize = buffer::MOST;

pub(super) struct Connection<S> {
    pub(super) stream: S,
    pub(super) endpoint: Endpoint,
    pub(super) agreement: Option<Box<Agreement>>,
    /// `None` if no time limit was set and none runs.
    times: Option<Box<Times>>,
    /// The tasks that wait, if there can be two.
    wakers: Option<Arc<Wakers>>,
    /// What the end needs, and what it returns. `None` before it.
    end: Option<Box<End>>,
    /// The length of the bytes to send from which a message waits. It is that of the last read, so
    /// that the answers to it are sent in one write.
    limit: u32,
    phase: Phase,
    /// Whether the stream was not flushed after the last write.
    unflushed: bool,
    /// Whether writing has failed. What has arrived can still be read.
    broken: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    Ending,
    Over,
}

#[derive(Default)]
struct End {
    /// What is returned when the connection is over: a Close frame or an error.
    outcome: Option<Result<Message, Error>>,
    /// Whether everything was sent, the sending side was closed, and the peer has closed its side.
    sent: bool,
    shut: bool,
    received: bool,
    discarded: u64,
}

impl<S> Connection<S> {
    pub(super) fn new(stream: S, endpoint: Endpoint, agreement: Agreement) -> Self {
        let is_default = agreement == Agreement::default();
        Self {
            stream,
            endpoint,
            agreement: (!is_default).then(|| Box::new(agreement)),
            times: None,
            wakers: None,
            end: None,
            limit: LEAST_LIMIT as u32,
            phase: Phase::Open,
            unflushed: false,
            broken: false,
        }
    }

    pub(super) fn times(&mut self) -> &mut Times {
        self.times.get_or_insert_default()
    }

    /// Prepares for two tasks, one on each side.
    pub(super) fn share(&mut self) {
        self.wakers.get_or_insert_default();
    }

    /// Notes that the task of a side waits, if there can be two.
    fn wait(&self, cx: &Context<'_>, side: Side) {
        if let Some(wakers) = &self.wakers {
            wakers.set(side, cx.waker());
        }
    }

    /// The waker for what both sides wait for, if there can be two. Both tasks must have been noted.
    fn shared_waker(&self) -> Option<Waker> {
        self.wakers.clone().map(Waker::from)
    }

    /// Wakes both tasks, after a change that they must know.
    fn wake(&self) {
        if let Some(wakers) = &self.wakers {
            Waker::from(wakers.clone()).wake();
        }
    }

    /// Begins the end. An outcome that was kept before is not replaced.
    fn end(&mut self, outcome: Option<Result<Message, Error>>, is_eof: bool) {
        self.phase = Phase::Ending;
        self.times().end();
        let broken = self.broken;
        let end = self.end.get_or_insert_default();
        end.outcome = end.outcome.take().or(outcome);
        (end.sent, end.shut, end.received) = (broken, broken, is_eof);
        if self.endpoint.unread() > 0 {
            self.endpoint.received().clear();
        }
        self.release();
        self.wake();
    }

    /// Gives empty buffers back to the thread.
    fn release(&mut self) {
        self.endpoint.release(buffer::give_received, buffer::give_sent);
    }

    /// Ends at once.
    fn fail(&mut self, error: Error) {
        // The endpoint must send nothing more. That no Close frame was received is known.
        let _ = self.endpoint.end();
        self.end.get_or_insert_default().outcome.get_or_insert(Err(error));
        self.over();
    }

    fn over(&mut self) {
        self.phase = Phase::Over;
        self.times = None;
        self.wake();
    }

    fn outcome(&mut self) -> Result<Option<Message>, Error> {
        self.end.take().and_then(|end| end.outcome).transpose()
    }

    /// Returns whether nothing more can be sent, not even a control frame.
    fn is_closed(&self) -> bool {
        self.phase != Phase::Open || self.broken
    }

    /// Returns whether so much waits to be sent that a message must wait.
    #[inline(always)]
    fn is_full(&self) -> bool {
        self.endpoint.unsent() >= self.limit as usize
    }

    /// Adds a message to the bytes to send.
    #[inline(always)]
    pub(super) fn start_send(&mut self, message: &Message) -> Result<(), Error> {
        if self.is_closed() {
            return Err(codec::Error::Closed.into());
        }
        self.lend_buffer();
        self.endpoint.send_message(message)?;
        if message.is_data()
            && let Some(times) = &mut self.times
        {
            times.active();
        }
        if message.is_close() {
            self.times().end();
            self.wake();
        }
        Ok(())
    }

    /// Gives the endpoint a buffer for the bytes to send, if it has none.
    #[inline]
    fn lend_buffer(&mut self) {
        if self.endpoint.unsent() == 0 && self.endpoint.to_send().capacity() == 0 {
            *self.endpoint.to_send() = buffer::take_sent();
        }
    }

    /// Adds a prepared message to the bytes to send.
    pub(super) fn start_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        if self.is_closed() {
            return Err(codec::Error::Closed.into());
        }
        self.lend_buffer();
        self.endpoint.send_prepared(prepared)?;
        if let Some(times) = &mut self.times {
            times.active();
        }
        Ok(())
    }

    /// Adds a Close frame to the bytes to send.
    pub(super) fn start_close(
        &mut self,
        code: CloseCode,
        reason: impl Into<Utf8Bytes>,
    ) -> Result<(), Error> {
        self.start_send(&Message::close(code, reason))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Waits for the next message, and sends what is to be sent meanwhile.
    // Always inlined: for a short message, a call and one more copy of the message cost too much.
    #[inline(always)]
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        if self.phase == Phase::Open
            && self.times.is_none()
            && let Some(message) = self.endpoint.next_data()
        {
            return Poll::Ready(Ok(Some(message)));
        }
        self.poll_any(cx)
    }

    /// Does what [`poll_next`](Self::poll_next) does, for all messages.
    #[inline(never)]
    fn poll_any(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.wait(cx, Side::Receiver);
        loop {
            match self.phase {
                Phase::Open => {}
                Phase::Ending => {
                    ready!(self.poll_end(cx));
                    self.over();
                    continue;
                }
                Phase::Over => return Poll::Ready(self.outcome()),
            }
            if self.endpoint.unread() > 0 {
                match self.endpoint.next() {
                    // A program may stop at a Close frame, and its answer must be sent. So it is
                    // returned after the end.
                    Ok(Some(close)) if self.endpoint.is_done() => {
                        self.end(Some(Ok(close)), false);
                        continue;
                    }
                    Ok(Some(message)) => {
                        self.received(&message, cx);
                        return Poll::Ready(Ok(Some(message)));
                    }
                    Ok(None) => {}
                    Err(error) => {
                        self.end(Some(Err(error.into())), false);
                        continue;
                    }
                }
            }
            if self.endpoint.is_done() {
                self.end(None, false);
                continue;
            }
            // That writing has failed is not the end: a Close frame may have arrived before.
            let _ = self.poll_write(cx);
            match self.poll_read(cx) {
                Poll::Ready(Ok(0)) => {
                    let outcome = self.endpoint.end().err().map(|error| Err(error.into()));
                    self.end(outcome, true);
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => self.fail(error.into()),
                Poll::Pending => match self.poll_due(cx, Side::Receiver) {
                    Poll::Ready(due) => self.do_due(due),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    /// Notes a message, and tries to send the Pong for it.
    fn received(&mut self, message: &Message, cx: &mut Context<'_>) {
        if message.is_ping() {
            let _ = self.poll_write(cx);
        } else if message.is_data()
            && let Some(times) = &mut self.times
        {
            times.active();
        }
    }

    fn do_due(&mut self, due: Due) {
        match due {
            Due::Ping => {
                // A client without keys cannot ask, and hears nothing.
                let _ = self.endpoint.send(Message::Ping(Bytes::new()));
                self.times().pinged();
            }
            Due::Idle => {
                self.end.get_or_insert_default().outcome = Some(Err(due.error()));
                if self.start_close(CloseCode::GOING_AWAY, "idle").is_err() {
                    self.fail(due.error());
                }
            }
            Due::End | Due::Silent | Due::Stalled => self.fail(due.error()),
        }
    }

    fn poll_due(&mut self, cx: &Context<'_>, side: Side) -> Poll<Due> {
        if self.times.is_none() {
            return Poll::Pending;
        }
        let shared = self.shared_waker();
        let mut cx = Context::from_waker(shared.as_ref().unwrap_or(cx.waker()));
        self.times().poll_due(&mut cx, side)
    }

    /// Reads once. Returns the number of bytes.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.endpoint.unread() == 0 {
            self.release();
            let mut received = buffer::take_received();
            let space = received.capacity();
            let read = pin!(self.stream.read_buf(&mut received)).poll(cx);
            if let Poll::Ready(Ok(1..)) = read {
                *self.endpoint.received() = received;
            } else {
                buffer::give_received(received);
            }
            self.heard(read, space)
        } else {
            let received = self.endpoint.received();
            let space = received.capacity() - received.len();
            let read = pin!(self.stream.read_buf(received)).poll(cx);
            if read.is_pending() {
                buffer::shrink(received);
            }
            self.heard(read, space)
        }
    }

    fn heard(&mut self, read: Poll<io::Result<usize>>, space: usize) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(len @ 1..)) = read {
            buffer::note_read(len, space);
            self.limit = len.clamp(LEAST_LIMIT, MOST_LIMIT) as u32;
            if let Some(times) = &mut self.times {
                times.heard();
            }
        }
        read
    }

    /// Sends everything, and flushes the stream.
    fn poll_write(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        if self.broken || (self.endpoint.unsent() == 0 && !self.unflushed) {
            return Poll::Ready(Ok(()));
        }
        let shared = self.shared_waker();
        let mut cx = Context::from_waker(shared.as_ref().unwrap_or(cx.waker()));
        let written = self.poll_write_all(&mut cx);
        match &written {
            Poll::Ready(Ok(())) => self.release(),
            Poll::Ready(Err(_)) => {
                self.broken = true;
                self.endpoint.to_send().clear();
                self.wake();
            }
            Poll::Pending => {
                if let Some(times) = &mut self.times {
                    times.blocked();
                }
            }
        }
        written
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.endpoint.has_unsent() {
            let bytes = self.endpoint.to_send();
            match ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                len => self.endpoint.sent(len),
            }
            self.unflushed = true;
            if let Some(times) = &mut self.times {
                times.wrote();
            }
        }
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.unflushed = false;
        Poll::Ready(Ok(()))
    }

    /// Waits until a message can be added to the bytes to send, and adds it, once.
    #[inline(always)]
    pub(super) fn poll_feed(
        &mut self,
        message: &Message,
        is_fed: &mut bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        assert!(!*is_fed, "`feed` polled after completion");
        if self.is_closed() || self.is_full() {
            ready!(self.poll_ready(cx))?;
        }
        *is_fed = true;
        Poll::Ready(self.start_send(message))
    }

    /// Waits until a message can be added to the bytes to send, and adds this one, once. What the stream
    /// takes at once is not copied.
    pub(super) fn poll_prepared(
        &mut self,
        prepared: &Prepared,
        is_fed: &mut bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        if *is_fed {
            return Poll::Ready(Ok(()));
        }
        if self.is_closed() || self.is_full() {
            ready!(self.poll_ready(cx))?;
        }
        *is_fed = true;
        let Some(frame) = self.endpoint.prepared_frame(prepared) else {
            return Poll::Ready(self.start_prepared(prepared));
        };
        self.wait(cx, Side::Sender);
        let shared = self.shared_waker();
        let mut cx = Context::from_waker(shared.as_ref().unwrap_or(cx.waker()));
        // If the stream has failed, the flush says so.
        let sent = match Pin::new(&mut self.stream).poll_write(&mut cx, frame) {
            Poll::Ready(Ok(sent)) => sent,
            Poll::Ready(Err(_)) | Poll::Pending => 0,
        };
        self.unflushed |= sent > 0;
        if sent < frame.len() {
            self.lend_buffer();
            self.endpoint.to_send().extend_from_slice(&frame[sent..]);
        }
        if let Some(times) = &mut self.times {
            times.active();
        }
        Poll::Ready(Ok(()))
    }

    /// Waits until a message can be added to the bytes to send.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.wait(cx, Side::Sender);
        if self.is_closed() {
            return Poll::Ready(Err(codec::Error::Closed.into()));
        }
        if !self.is_full() {
            return Poll::Ready(Ok(()));
        }
        let written = self.poll_write(cx).map_err(Error::from);
        match written {
            Poll::Pending if self.is_full() => self.poll_late(cx),
            Poll::Pending => Poll::Ready(Ok(())),
            written => written,
        }
    }

    /// Waits until everything was sent.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.wait(cx, Side::Sender);
        if self.broken || (self.is_closed() && self.endpoint.unsent() > 0) {
            return Poll::Ready(Err(codec::Error::Closed.into()));
        }
        match self.poll_write(cx) {
            Poll::Pending => self.poll_late(cx),
            written => written.map_err(Error::from),
        }
    }

    /// Sends a Close frame with 1000 if none was sent, and waits until everything was sent.
    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.is_closed() && !self.endpoint.closing().has_sent() {
            self.start_close(CloseCode::NORMAL_CLOSURE, "")?;
        }
        self.poll_flush(cx)
    }

    /// Waits until a write has taken too long.
    fn poll_late(&mut self, cx: &Context<'_>) -> Poll<Result<(), Error>> {
        let due = ready!(self.poll_due(cx, Side::Sender));
        self.fail(due.error());
        Poll::Ready(Err(due.error()))
    }

    /// Sends the rest, closes the sending side, and discards what the peer still sends, until it has
    /// closed its side. A stream that is closed with bytes unread is reset, and a reset can overtake
    /// a Close frame.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // The server closes first, if it is still there (§7.1.1).
        let first = self.endpoint.messages().frames().validator().policy().role == Role::Server;
        let mut end = self.end.take().unwrap_or_default();
        let over = self.poll_end_of(&mut end, first, cx);
        self.end = Some(end);
        over
    }

    fn poll_end_of(&mut self, end: &mut End, first: bool, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if !end.sent {
                match self.poll_write(cx) {
                    Poll::Ready(Ok(())) => end.sent = true,
                    // A peer that has gone already cannot be told anything.
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => {}
                }
            }
            if end.sent && !end.shut && (first || end.received) {
                let shared = self.shared_waker();
                let mut cx = Context::from_waker(shared.as_ref().unwrap_or(cx.waker()));
                match Pin::new(&mut self.stream).poll_shutdown(&mut cx) {
                    Poll::Ready(Ok(())) => end.shut = true,
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => {}
                }
            }
            if end.shut && end.received {
                return Poll::Ready(());
            }
            // The peer may have to write before it reads.
            if !end.received {
                let mut rest = buffer::take_received();
                let read = pin!(self.stream.read_buf(&mut rest)).poll(cx);
                buffer::give_received(rest);
                match read {
                    Poll::Ready(Ok(0)) => {
                        end.received = true;
                        continue;
                    }
                    Poll::Ready(Ok(len)) => {
                        end.discarded += len as u64;
                        if end.discarded > MOST_DISCARDED {
                            return Poll::Ready(());
                        }
                        continue;
                    }
                    Poll::Ready(Err(_)) => return Poll::Ready(()),
                    Poll::Pending => {}
                }
            }
            ready!(self.poll_due(cx, Side::Receiver));
            return Poll::Ready(());
        }
    }
}
