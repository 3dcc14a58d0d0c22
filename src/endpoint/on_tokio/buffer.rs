//! The buffers that the connections of a thread share.
//!
//! A connection takes a buffer when bytes arrive or are to be sent, and gives it back when it has
//! used them. So an idle connection has no buffer, and the same memory, which the cache of the
//! processor has, serves many connections.

use std::cell::Cell;
use std::thread::LocalKey;
use std::thread_local;

use bytes::BytesMut;

/// The bounds of the room for a read, in bytes.
const LEAST: usize = 16 << 10;
pub(super) const MOST: usize = 512 << 10;

/// The number of small reads in a row after which the room is halved.
const SMALL_READS: u8 = 64;

/// The most bytes that a connection holds for the start of a frame, beside twice its length.
const SMALL: usize = 512;

/// The room for the next read of the thread. Few large reads take less time than many small ones, but
/// a message that is kept also keeps the buffer that it was read into.
#[derive(Clone, Copy)]
struct Room {
    len: usize,
    /// The number of reads in a row that took a quarter of the room or less.
    small: u8,
}

thread_local! {
    static RECEIVED: Cell<BytesMut> = Cell::default();
    static SENT: Cell<BytesMut> = Cell::default();
    static ROOM: Cell<Room> = const { Cell::new(Room { len: 4 * LEAST, small: 0 }) };
}

/// Takes the thread's buffer for received bytes. It is empty, and has room for a read.
pub(super) fn take_received() -> BytesMut {
    let mut buffer = take(&RECEIVED);
    let room = ROOM.get().len;
    // Messages that were not dropped share its memory.
    let is_short = buffer.capacity() < room / 4 * 3 && !buffer.try_reclaim(room);
    if is_short || buffer.capacity() > 4 * room {
        buffer = BytesMut::with_capacity(room);
    }
    buffer
}

/// Notes a read of `len` bytes into a buffer with `space` free bytes. The room grows if the read has
/// filled the buffer.
pub(super) fn note_read(len: usize, space: usize) {
    let mut room = ROOM.get();
    if len == space {
        room = Room { len: (2 * room.len).min(MOST), small: 0 };
    } else if len > room.len / 4 {
        room.small = 0;
    } else if room.small < SMALL_READS {
        room.small += 1;
    } else {
        room = Room { len: (room.len / 2).max(LEAST), small: 0 };
    }
    ROOM.set(room);
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
    if received.capacity() > 4 * len + LEAST / 2 {
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
    let _ = buffer.try_reclaim(ROOM.get().len);
    // A thread keeps no buffer that a long message has made large.
    if buffer.capacity() > 2 * MOST {
        return;
    }
    let _ = spare.try_with(|spare| {
        let other = spare.take();
        spare.set(if other.capacity() > buffer.capacity() { other } else { buffer });
    });
}
