//! The inflater of compressed messages (RFC 7692 §7.2.2).
//!
//! A compressed message is a sequence of DEFLATE blocks. The last block is an empty stored block,
//! and the sender removes the last 4 bytes of this block, `TAIL`. At the end of a message, the
//! inflater adds these bytes, and checks that they complete exactly one empty block. If the message
//! ends with a final block instead, the inflater adds nothing.
//!
//! zlib writes the inflated bytes to a ring, and the closure receives them from there. The ring also
//! keeps a copy of the window. The inflater needs the copy if a message has a final block. At a
//! final block zlib ends its stream, but later data may refer to data before that block. The
//! inflater then starts a new zlib stream, with the copy of the window as its dictionary.
//!
//! zlib may change any byte of the space that it gets for its output, including the bytes after
//! those that it reports as written. The ring is therefore longer than the window by `ROOM` bytes,
//! and zlib gets at most these `ROOM` bytes, which lie outside of the window.
//!
//! zlib may hold inflated bytes back when that space is full. The inflater therefore calls zlib
//! again after that, even if no input is left.

use core::cell::Cell;
use core::fmt;
use core::ops::Range;
use std::boxed::Box;
use std::vec;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::TAIL;

/// The greatest distance at which DEFLATE refers to earlier data, in bytes.
const WINDOW: usize = 32 << 10;

/// The maximum size of the space for the output of zlib, in bytes. With less, zlib is slower.
const ROOM: usize = 16 << 10;

std::thread_local! {
    /// The state of a finished message that later messages do not refer to. The next message of the
    /// thread reuses its memory.
    static SPARE: Cell<Option<Box<State>>> = const { Cell::new(None) };
}

/// An inflater for the compressed messages of one direction, in pieces of any size (RFC 7692
/// §7.2.2).
///
/// With context takeover, an inflater keeps about 97 KB from the first message on. Without context
/// takeover, it keeps this memory only while a message is open. Then the next message that the
/// thread inflates reuses the memory.
///
/// The window is always 32 KiB. The inflater accepts a reference to data that is farther back than
/// the negotiated window of the sender.
///
/// ```
/// use wsvet::deflate::{Inflater, InvalidDeflate};
///
/// let mut inflater = Inflater::new(true);
/// let mut text = Vec::new();
/// let mut take = |piece: &[u8]| Ok::<_, InvalidDeflate>(text.extend_from_slice(piece));
/// inflater.inflate(b"\xF2\x48\xCD", false, &mut take)?;
/// inflater.inflate(b"\xC9\xC9\x07\x00", true, &mut take)?; // "Hello" (§7.2.3.1)
/// inflater.inflate(b"\xF2\x00\x11\x00\x00", true, &mut take)?; // "Hello" again, from the window
/// assert_eq!(text, b"HelloHello");
/// # Ok::<(), InvalidDeflate>(())
/// ```
#[derive(Default)]
pub struct Inflater {
    context_takeover: bool,
    /// The state of the open message, or of the last message if the next may refer to it.
    state: Option<Box<State>>,
}

struct State {
    inflate: Inflate,
    /// A ring of the window, and of the space for the output of zlib after it.
    ring: Box<[u8]>,
    /// The index in the ring of the next byte. The window is the `WINDOW` bytes before it.
    next: usize,
    /// Whether the end of the ring has been reached.
    wrapped: bool,
    /// Whether the last byte of input was the end of a final block.
    ended: bool,
}

impl Inflater {
    /// Creates an inflater at the start of a direction.
    ///
    /// `context_takeover` is whether a message may refer to earlier messages (RFC 7692 §7.1.1). The
    /// function allocates no memory.
    ///
    /// ```
    /// use wsvet::deflate::{Inflater, InvalidDeflate};
    ///
    /// let mut inflater = Inflater::new(false);
    /// let ignore = |_: &[u8]| Ok::<_, InvalidDeflate>(());
    /// inflater.inflate(b"\xF2\x48\xCD\xC9\xC9\x07\x00", true, ignore)?;
    /// assert!(inflater.inflate(b"\xF2\x00\x11\x00\x00", true, ignore).is_err());
    /// # Ok::<(), InvalidDeflate>(())
    /// ```
    #[must_use]
    pub const fn new(context_takeover: bool) -> Self {
        Self { context_takeover, state: None }
    }

    /// Inflates the next piece of a message, and calls `each` with the inflated bytes, in pieces of
    /// 1 byte to 16 KiB.
    ///
    /// `end` is whether the piece is the last of the message. After a piece, all bytes that the
    /// input so far inflates to have been passed to `each`, however the message is cut into pieces.
    ///
    /// # Errors
    ///
    /// * [`InvalidDeflate`] if the message is not DEFLATE, after `each` has received all bytes
    ///   before the error.
    /// * The error of `each`, if it returns one. The function then returns at once.
    ///
    /// The inflater cannot be used after an error.
    ///
    /// ```
    /// use wsvet::deflate::Inflater;
    ///
    /// // Stop after more than 4 bytes.
    /// let mut text = Vec::new();
    /// let hello = b"\xF2\x48\xCD\xC9\xC9\x07\x00";
    /// let inflated = Inflater::new(true).inflate(hello, true, |piece| {
    ///     text.extend_from_slice(piece);
    ///     if text.len() > 4 { Err(Box::<dyn std::error::Error>::from("too much")) } else { Ok(()) }
    /// });
    /// assert_eq!(inflated.unwrap_err().to_string(), "too much");
    /// ```
    pub fn inflate<E: From<InvalidDeflate>>(
        &mut self,
        compressed: &[u8],
        end: bool,
        each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let state = self.state.get_or_insert_with(State::start);
        state.inflate(compressed, each)?;
        if end {
            state.finish()?;
            self.start_anew();
        }
        Ok(())
    }

    /// Discards the state if there is no context takeover, and returns whether that is so.
    pub(super) fn start_anew(&mut self) -> bool {
        if !self.context_takeover
            && let Some(state) = self.state.take()
        {
            // There is no spare state while the thread ends.
            let _ = SPARE.try_with(|spare| spare.set(Some(state)));
        }
        !self.context_takeover
    }
}

impl State {
    /// Creates the state at the start of a stream. It reuses the spare state of the thread, if
    /// there is one.
    fn start() -> Box<Self> {
        match SPARE.try_with(Cell::take) {
            Ok(Some(mut spare)) => {
                spare.inflate.reset(false);
                (spare.next, spare.wrapped, spare.ended) = (0, false, false);
                spare
            }
            _ => Box::new(Self {
                inflate: Inflate::new(false, 15),
                ring: vec![0; WINDOW + ROOM].into_boxed_slice(),
                next: 0,
                wrapped: false,
                ended: false,
            }),
        }
    }

    /// Inflates the next piece of a message, and calls `each` with the inflated bytes.
    fn inflate<E: From<InvalidDeflate>>(
        &mut self,
        mut compressed: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        // zlib may hold inflated bytes back if its space is full, after it has read all input.
        let mut held_back = false;
        while !compressed.is_empty() || held_back {
            if core::mem::take(&mut self.ended) {
                self.restart()?;
            }
            let (taken, given, status) = self.step(compressed, InflateFlush::NoFlush);
            compressed = &compressed[taken..];
            let room = self.room();
            let given = room.start..room.start + given;
            let at_end = given.end == self.ring.len();
            self.next = if at_end { 0 } else { given.end };
            self.wrapped |= at_end;
            if !given.is_empty() {
                each(&self.ring[given.clone()])?;
            }
            self.ended = status? == Status::StreamEnd;
            held_back = given.end == room.end && !self.ended;
        }
        Ok(())
    }

    /// Ends the message: adds `TAIL`, which must complete exactly one empty block (§7.2.1).
    ///
    /// If the message ends with a final block, nothing is added (§7.2.3.4).
    fn finish(&mut self) -> Result<(), InvalidDeflate> {
        if core::mem::take(&mut self.ended) {
            return self.restart();
        }
        // If the tail completes an empty block, zlib stops at the end of the block and does not
        // read the extra byte.
        let [a, b, c, d] = TAIL;
        let (taken, given, status) = self.step(&[a, b, c, d, 0], InflateFlush::Block);
        let whole = status? == Status::Ok && taken == TAIL.len() && given == 0;
        if whole { Ok(()) } else { Err(InvalidDeflate) }
    }

    /// Returns where in the ring zlib may write: after the window, and not into it.
    fn room(&self) -> Range<usize> {
        self.next..self.ring.len().min(self.next + ROOM)
    }

    /// Returns where in the ring the window is: the part before the start of the ring, and the part
    /// after it.
    fn window(&self) -> [Range<usize>; 2] {
        let old = if self.wrapped { self.room().end..self.ring.len() } else { 0..0 };
        [old, self.next.saturating_sub(WINDOW)..self.next]
    }

    /// Inflates until the end of the input, the end of the space or the end of a final block.
    /// Returns the number of bytes read, the number of bytes written, and the status.
    fn step(
        &mut self,
        input: &[u8],
        flush: InflateFlush,
    ) -> (usize, usize, Result<Status, InvalidDeflate>) {
        let before = (self.inflate.total_in(), self.inflate.total_out());
        let room = self.room();
        let status = self.inflate.decompress(input, &mut self.ring[room], flush);
        let taken = (self.inflate.total_in() - before.0) as usize;
        let given = (self.inflate.total_out() - before.1) as usize;
        (taken, given, status.map_err(|_| InvalidDeflate))
    }

    /// Starts a new stream with the same window, after a final block.
    fn restart(&mut self) -> Result<(), InvalidDeflate> {
        self.inflate.reset(false);
        for part in self.window() {
            self.inflate.set_dictionary(&self.ring[part]).map_err(|_| InvalidDeflate)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("context_takeover", &self.context_takeover)
            .finish_non_exhaustive()
    }
}

/// The error if a compressed message is not DEFLATE, or does not end at the end of a block (RFC
/// 7692 §7.2.2).
///
/// Such a message breaks [`Rule::InvalidDeflate`](crate::Rule::InvalidDeflate).
///
/// ```
/// assert_eq!(
///     wsvet::deflate::InvalidDeflate.to_string(),
///     "compressed message cannot be inflated",
/// );
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct InvalidDeflate;

impl fmt::Display for InvalidDeflate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(crate::Rule::InvalidDeflate.text())
    }
}

impl core::error::Error for InvalidDeflate {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wherever the next byte is written, the window is whole, and zlib may write at least 1 byte, but
    /// not into the window.
    #[test]
    fn the_room_is_no_part_of_the_window() {
        let mut state = State::start();
        for wrapped in [false, true] {
            for next in 0..state.ring.len() {
                (state.next, state.wrapped) = (next, wrapped);
                let (room, [old, new]) = (state.room(), state.window());
                let expected = if wrapped { WINDOW } else { next.min(WINDOW) };
                assert_eq!(old.len() + new.len(), expected, "{next}");
                assert!(!room.is_empty() && room.len() <= ROOM, "{next}");
                assert!(new.end == room.start, "{next}");
                assert!(old.is_empty() || old.start >= room.end, "{next}");
            }
        }
    }
}
