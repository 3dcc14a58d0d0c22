//! The buffers that the connections of a thread share.
//!
//! A connection takes a buffer when bytes arrive or are to be sent, and gives it back when it has
//! used them. So an idle connection has no buffer, and the same memory, which the cache of the
//! processor has, serves many connections.

use std::cell::Cell;
use std::thread::LocalKey;
use std::thread_local;

use bytes::BytesMut;

/// The capacity of a buffer in bytes.
const LEN: usize = 64 << 10;

/// The least capacity in bytes that is worth a read.
const LEAST: usize = 8 << 10;

/// The most bytes that a connection holds for the start of a frame, beside twice its length.
const SMALL: usize = 512;

thread_local! {
    static RECEIVED: Cell<BytesMut> = Cell::default();
    static SENT: Cell<BytesMut> = Cell::default();
}

/// Takes the thread's buffer for received bytes. It is empty, and has room for a read.
pub(super) fn take_received() -> BytesMut {
    let mut buffer = take(&RECEIVED);
    // Messages that were not dropped share its memory.
    if buffer.capacity() < LEAST && !buffer.try_reclaim(LEN) {
        buffer = BytesMut::with_capacity(LEN);
    }
    buffer
}

/// Takes the thread's buffer for bytes to send. It is empty.
pub(super) fn take_sent() -> BytesMut {
    take(&SENT)
}

/// Gives a buffer for received bytes back. What is in it is dropped.
pub(super) fn give_received(buffer: BytesMut) {
    give(&RECEIVED, buffer);
}

/// Gives a buffer for bytes to send back. What is in it is dropped.
pub(super) fn give_sent(buffer: BytesMut) {
    give(&SENT, buffer);
}

/// Moves the start of a frame out of a buffer that is much larger.
pub(super) fn shrink(received: &mut BytesMut) {
    let len = received.len();
    if received.capacity() > 4 * len + LEAST {
        let mut small = BytesMut::with_capacity(2 * len + SMALL);
        small.extend_from_slice(received);
        give_received(core::mem::replace(received, small));
    }
}

fn take(spare: &'static LocalKey<Cell<BytesMut>>) -> BytesMut {
    // A thread that ends has no spare buffer any more.
    spare.try_with(Cell::take).unwrap_or_default()
}

fn give(spare: &'static LocalKey<Cell<BytesMut>>, mut buffer: BytesMut) {
    if buffer.capacity() == 0 {
        return;
    }
    buffer.clear();
    // If a message shares the memory, what is left of it is kept.
    let _ = buffer.try_reclaim(LEN);
    // A thread keeps no buffer that a long message has made large.
    if buffer.capacity() > 4 * LEN {
        return;
    }
    let _ = spare.try_with(|spare| {
        let other = spare.take();
        spare.set(if other.capacity() > buffer.capacity() { other } else { buffer });
    });
}
