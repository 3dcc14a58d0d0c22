//! What permessage-deflate has compressed, piece by piece (RFC 7692 §7.2.2).

use core::cell::Cell;
use core::fmt;
use std::boxed::Box;
use std::vec;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::TAIL;

/// The most that DEFLATE reaches back, in bytes.
const WINDOW: usize = 32 << 10;

std::thread_local! {
    /// What a message that nothing reaches back to has left.
    static SPARE: Cell<Option<Box<State>>> = const { Cell::new(None) };
}

/// Inflates the compressed messages of one direction, in pieces of any size (RFC 7692 §7.2.2).
///
/// It keeps about 80 KB from the first message on; without context takeover it keeps them only while
/// a message is open, and leaves them to the next that the thread inflates. The sender's window may
/// be of any size: it is not held against it that it reaches back further than was agreed on.
///
/// ```
/// use wsvet::deflate::{Inflater, InvalidDeflate};
///
/// let mut inflater = Inflater::new(true);
/// let mut text = Vec::new();
/// let mut take = |piece: &[u8]| Ok::<_, InvalidDeflate>(text.extend_from_slice(piece));
/// inflater.inflate(b"\xF2\x48\xCD", false, &mut take)?;
/// inflater.inflate(b"\xC9\xC9\x07\x00", true, &mut take)?; // "Hello" (§7.2.3.1)
/// inflater.inflate(b"\xF2\x00\x11\x00\x00", true, &mut take)?; // and again, from the window
/// assert_eq!(text, b"HelloHello");
/// # Ok::<(), InvalidDeflate>(())
/// ```
#[derive(Default)]
pub struct Inflater {
    context_takeover: bool,
    /// Where there was a message, and the next may reach back to it.
    state: Option<Box<State>>,
}

struct State {
    inflate: Inflate,
    /// A ring of what came out last.
    window: Box<[u8]>,
    /// Where in the ring the next byte goes.
    next: usize,
    /// The ring was filled once.
    full: bool,
    /// The last byte that came was the end of a final block.
    ended: bool,
}

impl Inflater {
    /// The start of a direction whose messages may reach back to those before, or may not
    /// (RFC 7692 §7.1.1). Nothing is allocated yet.
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

    /// Inflates the next piece of a message, its last where `end` says so, and gives what comes out
    /// in pieces of 1 byte to 32 KiB. An error of `each` ends it at once.
    ///
    /// What comes out up to the end of a piece does not depend on how the message was cut.
    ///
    /// # Errors
    ///
    /// [`InvalidDeflate`], behind all that came out before; or what `each` gives. After an error the
    /// inflater is of no use any more.
    ///
    /// ```
    /// use wsvet::deflate::Inflater;
    ///
    /// // No more than 4 bytes, whatever comes.
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

    /// Forgets everything, where the next message reaches back to nothing; whether that is so.
    pub(super) fn start_anew(&mut self) -> bool {
        if !self.context_takeover
            && let Some(state) = self.state.take()
        {
            // A thread that is ending has none.
            let _ = SPARE.try_with(|spare| spare.set(Some(state)));
        }
        !self.context_takeover
    }
}

impl State {
    /// The start of a stream, in memory that a message of the thread has left, if there is any.
    fn start() -> Box<Self> {
        match SPARE.try_with(Cell::take) {
            Ok(Some(mut spare)) => {
                spare.inflate.reset(false);
                (spare.next, spare.full, spare.ended) = (0, false, false);
                spare
            }
            _ => Box::new(Self {
                inflate: Inflate::new(false, 15),
                window: vec![0; WINDOW].into_boxed_slice(),
                next: 0,
                full: false,
                ended: false,
            }),
        }
    }

    fn inflate<E: From<InvalidDeflate>>(
        &mut self,
        mut compressed: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        // The end of the ring may hold back what all of the input was taken for.
        let mut held_back = false;
        while !compressed.is_empty() || held_back {
            if core::mem::take(&mut self.ended) {
                self.restart()?;
            }
            let (taken, given, status) = self.step(compressed, InflateFlush::NoFlush);
            compressed = &compressed[taken..];
            let start = self.next;
            let end = start + given;
            let filled = end == WINDOW;
            self.next = if filled { 0 } else { end };
            self.full |= filled;
            if given > 0 {
                each(&self.window[start..end])?;
            }
            self.ended = status? == Status::StreamEnd;
            held_back = filled && !self.ended;
        }
        Ok(())
    }

    /// Puts back what ends a message: it must be the rest of an empty block, and no less or more
    /// (§7.2.1). Behind a final block there may be nothing (§7.2.3.4).
    fn finish(&mut self) -> Result<(), InvalidDeflate> {
        if core::mem::take(&mut self.ended) {
            return self.restart();
        }
        // It is left at the end of the block, before the byte that is too many.
        let [a, b, c, d] = TAIL;
        let (taken, given, status) = self.step(&[a, b, c, d, 0], InflateFlush::Block);
        let whole = status? == Status::Ok && taken == TAIL.len() && given == 0;
        if whole { Ok(()) } else { Err(InvalidDeflate) }
    }

    /// Inflates until the input or the end of the ring is reached, or a final block: how many bytes
    /// were taken, and given.
    fn step(
        &mut self,
        input: &[u8],
        flush: InflateFlush,
    ) -> (usize, usize, Result<Status, InvalidDeflate>) {
        let before = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(input, &mut self.window[self.next..], flush);
        let taken = (self.inflate.total_in() - before.0) as usize;
        let given = (self.inflate.total_out() - before.1) as usize;
        (taken, given, status.map_err(|_| InvalidDeflate))
    }

    /// Behind a final block another stream starts, with the same window.
    fn restart(&mut self) -> Result<(), InvalidDeflate> {
        self.inflate.reset(false);
        let (new, old) = self.window.split_at(self.next);
        let old = if self.full { old } else { &[] };
        for part in [old, new] {
            self.inflate.set_dictionary(part).map_err(|_| InvalidDeflate)?;
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

/// A compressed message is not DEFLATE, or does not end where a block ends (RFC 7692 §7.2.2).
///
/// It is broken [`Rule::InvalidDeflate`](crate::Rule::InvalidDeflate).
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
