//! Messages compressed (RFC 7692 §7.2.1).

use core::cell::Cell;
use core::fmt;
use std::boxed::Box;
use std::vec::Vec;

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush};

use super::TAIL;

/// The least room for what comes out, in bytes.
const LEAST_ROOM: usize = 64;

/// The most room that is made at once, in bytes.
const MOST_ROOM: usize = 16 << 10;

std::thread_local! {
    /// What a message that nothing reaches back to has left.
    static SPARE: Cell<Option<(DeflateConfig, Box<Deflate>)>> = const { Cell::new(None) };
}

/// Compresses the messages of one direction (RFC 7692 §7.2.1).
///
/// ```
/// use wsvet::deflate::{Deflater, Inflater, InvalidDeflate};
///
/// let mut deflater = Deflater::new(15, true);
/// let (mut first, mut second) = (Vec::new(), Vec::new());
/// deflater.deflate(b"the same again", true, &mut first);
/// deflater.deflate(b"the same again", true, &mut second);
/// assert!(second.len() < first.len()); // the window holds it already
///
/// let mut inflater = Inflater::new(true);
/// let mut plain = Vec::new();
/// let mut take = |piece: &[u8]| Ok::<_, InvalidDeflate>(plain.extend_from_slice(piece));
/// inflater.inflate(&first, true, &mut take)?;
/// inflater.inflate(&second, true, &mut take)?;
/// assert_eq!(plain, b"the same againthe same again");
/// # Ok::<(), InvalidDeflate>(())
/// ```
pub struct Deflater {
    config: DeflateConfig,
    context_takeover: bool,
    /// Something of the message was given.
    begun: bool,
    /// Where there was a message, and the next may reach back to it.
    deflate: Option<Box<Deflate>>,
}

impl Deflater {
    /// The start of a direction with a window of so many bits, 8 to 15, whose messages may reach
    /// back to those before, or may not (RFC 7692 §7.1.1, §7.1.2).
    ///
    /// Nothing is allocated before the first message. The memory that is then kept, between messages
    /// only with context takeover, falls with the bits: about 380 KB for 15, 165 KB for 12, 138 KB
    /// for 9 and 8. So does what compression gains.
    ///
    /// # Panics
    ///
    /// For bits outside of 8 to 15.
    ///
    /// ```
    /// let mut deflater = wsvet::deflate::Deflater::new(9, false);
    /// # let _ = deflater;
    /// ```
    #[must_use]
    pub fn new(window_bits: u8, context_takeover: bool) -> Self {
        // A window of 9 bits is the least that zlib has, and it reaches back 250 bytes at most.
        let bits = i32::from(super::window_bits(window_bits)).max(9);
        let config = DeflateConfig {
            level: 1,
            window_bits: -bits,
            mem_level: bits - 7,
            ..DeflateConfig::default()
        };
        Self { config, context_takeover, begun: false, deflate: None }
    }

    /// The same deflater with this level: 1, which it starts with, is the fastest, 9 compresses
    /// most. What does not compress grows by 5.5 % at level 1, and by 0.03 % from level 2 on.
    ///
    /// # Panics
    ///
    /// For levels outside of 1 to 9.
    ///
    /// ```
    /// let deflater = wsvet::deflate::Deflater::new(15, true).level(9);
    /// # let _ = deflater;
    /// ```
    #[must_use]
    pub fn level(mut self, level: u8) -> Self {
        self.set_level(level);
        self
    }

    /// Sets the level of a deflater that has deflated nothing.
    pub(crate) fn set_level(&mut self, level: u8) {
        assert!((1..=9).contains(&level), "a level is 1 to 9");
        self.config.level = level.into();
    }

    /// Compresses the next piece of a message, its last where `end` says so, and adds what comes out
    /// to `out`. Pieces that are not the last may give nothing at once.
    ///
    /// A message that was compressed has to be sent where there is context takeover: the next may
    /// reach back to it.
    ///
    /// ```
    /// use wsvet::deflate::Deflater;
    ///
    /// let mut out = Vec::new();
    /// Deflater::new(15, true).deflate(b"", true, &mut out);
    /// assert_eq!(out, [0]); // an empty message (§7.2.3.6)
    /// ```
    pub fn deflate(&mut self, plain: &[u8], end: bool, out: &mut Vec<u8>) {
        self.begun |= !plain.is_empty();
        if self.begun {
            self.run(plain, if end { DeflateFlush::SyncFlush } else { DeflateFlush::NoFlush }, out);
        }
        if end {
            if core::mem::take(&mut self.begun) {
                debug_assert!(out.ends_with(&TAIL));
                out.truncate(out.len() - TAIL.len());
            } else {
                // What is flushed a second time gives nothing.
                out.push(0);
            }
            if !self.context_takeover
                && let Some(deflate) = self.deflate.take()
            {
                // A thread that is ending has none.
                let _ = SPARE.try_with(|spare| spare.set(Some((self.config, deflate))));
            }
        }
    }

    fn run(&mut self, mut plain: &[u8], flush: DeflateFlush, out: &mut Vec<u8>) {
        let config = self.config;
        let deflate = self.deflate.get_or_insert_with(|| start(config));
        let mut room = (plain.len() / 2).clamp(LEAST_ROOM, MOST_ROOM);
        loop {
            let start = out.len();
            out.resize(start + room, 0);
            let before = (deflate.total_in(), deflate.total_out());
            let done = deflate.compress(plain, &mut out[start..], flush);
            debug_assert!(done.is_ok(), "{done:?}");
            plain = &plain[(deflate.total_in() - before.0) as usize..];
            let given = (deflate.total_out() - before.1) as usize;
            out.truncate(start + given);
            // Where there was room left, nothing is held back.
            if given < room {
                return;
            }
            room = MOST_ROOM;
        }
    }
}

/// The start of a stream, in memory that a message of the thread has left, if there is any that
/// serves.
fn start(config: DeflateConfig) -> Box<Deflate> {
    match SPARE.try_with(Cell::take) {
        Ok(Some((of, mut spare))) if of == config => {
            spare.reset();
            spare
        }
        _ => Box::new(Deflate::new_with_config(config)),
    }
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater")
            .field("config", &self.config)
            .field("context_takeover", &self.context_takeover)
            .finish_non_exhaustive()
    }
}
