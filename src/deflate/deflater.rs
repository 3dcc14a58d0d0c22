//! The deflater, which compresses messages (RFC 7692 §7.2.1).

use core::cell::Cell;
use core::fmt;
use std::boxed::Box;
use std::vec::Vec;

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush};

use super::TAIL;

/// The minimum size of the output space that is added at once, in bytes.
const LEAST_ROOM: usize = 64;

/// The maximum size of the output space that is added at once, in bytes.
const MOST_ROOM: usize = 16 << 10;

std::thread_local! {
    /// The state of a finished message that later messages do not refer to. The next message of the
    /// thread reuses its memory if its configuration is the same.
    static SPARE: Cell<Option<(DeflateConfig, Box<Deflate>)>> = const { Cell::new(None) };
}

/// A deflater for the messages of one direction (RFC 7692 §7.2.1).
///
/// ```
/// use wsvet::deflate::{Deflater, Inflater, InvalidDeflate};
///
/// let mut deflater = Deflater::new(15, true);
/// let (mut first, mut second) = (Vec::new(), Vec::new());
/// deflater.deflate(b"the same again", true, &mut first);
/// deflater.deflate(b"the same again", true, &mut second);
/// assert!(second.len() < first.len()); // the second message refers to the first
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
    /// Whether a part of the open message that is not empty has been passed.
    begun: bool,
    /// The state of the open message, or of the last message if the next may refer to it.
    deflate: Option<Box<Deflate>>,
}

impl Deflater {
    /// Creates a deflater at the start of a direction.
    ///
    /// `window_bits` is the base-2 logarithm of the size of the window, 8 to 15 (RFC 7692 §7.1.2).
    /// `context_takeover` is whether a message may refer to earlier messages (§7.1.1).
    ///
    /// The deflater allocates no memory before the first message. Then it keeps about 380 KB for 15
    /// bits, 165 KB for 12 bits, and 138 KB for 9 and 8 bits. It keeps this memory between messages
    /// only with context takeover. With fewer bits, compression is worse.
    ///
    /// # Panics
    ///
    /// Panics if `window_bits` is not 8 to 15.
    ///
    /// ```
    /// let mut deflater = wsvet::deflate::Deflater::new(9, false);
    /// # let _ = deflater;
    /// ```
    #[must_use]
    pub fn new(window_bits: u8, context_takeover: bool) -> Self {
        // The smallest window of zlib has 9 bits. With it, zlib refers to data at most 250 bytes
        // back, which is also in a window of 8 bits.
        let bits = i32::from(super::window_bits(window_bits)).max(9);
        let config = DeflateConfig {
            level: 1,
            window_bits: -bits,
            mem_level: bits - 7,
            ..DeflateConfig::default()
        };
        Self { config, context_takeover, begun: false, deflate: None }
    }

    /// Returns the deflater with this compression level, from 1 (fastest) to 9 (best compression).
    /// The default is 1.
    ///
    /// Data that does not compress grows by 5.5 % at level 1, and by 0.03 % at level 2 and above.
    ///
    /// # Panics
    ///
    /// Panics if `level` is not 1 to 9.
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

    /// Sets the compression level of a deflater that has not yet compressed a message.
    pub(crate) fn set_level(&mut self, level: u8) {
        assert!((1..=9).contains(&level), "a level is 1 to 9");
        self.config.level = level.into();
    }

    /// Creates a deflater with the same window and level, which compresses each message alone.
    pub(crate) const fn independent(&self) -> Self {
        Self { config: self.config, context_takeover: false, begun: false, deflate: None }
    }

    /// Returns whether both deflaters make the same of a message that refers to no other.
    pub(crate) fn makes_the_same(&self, other: &Self) -> bool {
        self.config == other.config
    }

    /// Compresses the next piece of a message, and appends the compressed bytes to `out`.
    ///
    /// `end` is whether the piece is the last of the message. The deflater may hold back the
    /// compressed bytes of the other pieces.
    ///
    /// With context takeover, you must send each message that you compress, because the next
    /// message may refer to it.
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
                // zlib writes nothing for an empty message: it ignores a flush without new input.
                out.push(0);
            }
            if !self.context_takeover
                && let Some(deflate) = self.deflate.take()
            {
                // There is no spare state while the thread ends.
                let _ = SPARE.try_with(|spare| spare.set(Some((self.config, deflate))));
            }
        }
    }

    /// Runs zlib over `plain`, and appends all its output to `out`.
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
            // If there is space left, zlib holds nothing back.
            if given < room {
                return;
            }
            room = MOST_ROOM;
        }
    }
}

/// Creates the state at the start of a stream. It reuses the spare state of the thread, if there is
/// one with the same configuration.
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
