//! Validation of UTF-8 across fragments and chunks, in one pass (RFC 6455 §8.1, RFC 3629).

use core::fmt;
use core::str;

use crate::kernel::{Ending, Text, cut_len, goes_on, is_second, judge, turned, unmask};

/// A validator for UTF-8 text that arrives in pieces of any size (RFC 6455 §8.1).
///
/// It holds at most three bytes, the start of a character that the end of a piece cuts.
///
/// ```
/// use wsvet::Utf8;
///
/// let mut utf8 = Utf8::new();
/// utf8.push(b"gr\xC3")?; // cut inside a character
/// assert!(!utf8.is_complete());
/// utf8.push(b"\xB6\xC3\x9F")?;
/// assert!(utf8.is_complete());
/// assert_eq!(utf8.push(b"e\xFF").unwrap_err().index, 1);
/// # Ok::<(), wsvet::InvalidUtf8>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Utf8 {
    /// The start of a character that is cut, followed by zeros.
    cut: [u8; 3],
}

impl Utf8 {
    /// Creates a validator at the start of a text.
    ///
    /// ```
    /// assert!(wsvet::Utf8::new().is_complete());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { cut: [0; 3] }
    }

    /// Validates the next piece of the text. The piece may end inside a character (§8.1).
    ///
    /// # Errors
    ///
    /// [`InvalidUtf8`] if the text is not UTF-8. Its index is that of the first byte of `piece`
    /// that no valid text can have at this position. After an error the result of a further call is
    /// meaningless.
    ///
    /// ```
    /// # use wsvet::Utf8;
    /// // The second byte proves that this is a surrogate.
    /// assert_eq!(Utf8::new().push(b"\xED\xA0\x80").unwrap_err().index, 1);
    /// ```
    #[inline]
    pub fn push(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        self.push_text(0, piece)
    }

    /// Validates the next piece, and unmasks it in the same pass if it can be written. After an
    /// error the end of the piece may still be masked.
    #[inline]
    pub(crate) fn push_text(&mut self, key: u32, text: impl Text) -> Result<(), InvalidUtf8> {
        if self.is_complete() { self.take(key, text) } else { self.take_inside(key, text) }
    }

    /// Completes the cut character, then validates the rest of the piece.
    #[inline(never)]
    fn take_inside(&mut self, key: u32, text: impl Text) -> Result<(), InvalidUtf8> {
        let held = self.held();
        let (mut start, rest) = text.split(width(self.cut[0]) - held);
        unmask(key, &mut start);
        let start = start.bytes();
        let mut character = [0; 4];
        character[..3].copy_from_slice(&self.cut);
        let len = held + start.len();
        character[held..len].copy_from_slice(start);
        if is_character(&character[..len]) {
            *self = Self::new();
        } else {
            self.push_bytes(start)?;
        }
        let key = turned(key, start.len());
        self.take(key, rest).map_err(|error| InvalidUtf8 { index: start.len() + error.index })
    }

    /// Validates text that follows a whole character.
    #[inline]
    fn take(&mut self, key: u32, mut text: impl Text) -> Result<(), InvalidUtf8> {
        match judge(key, text.again()) {
            Ending::Whole => Ok(()),
            ending => self.take_other(ending, text.bytes()),
        }
    }

    /// Holds the start of the character that the end of the text cuts, or returns an error if the
    /// text is not UTF-8.
    fn take_other(&mut self, ending: Ending, text: &[u8]) -> Result<(), InvalidUtf8> {
        let cut = if ending == Ending::Cut { cut_len(text) } else { 0 };
        if cut == 0 {
            return Err(InvalidUtf8 { index: first_bad(text) });
        }
        self.cut[..cut].copy_from_slice(&text[text.len() - cut..]);
        Ok(())
    }

    /// Returns how many bytes of a cut character are held.
    #[inline]
    fn held(&self) -> usize {
        self.cut.iter().take_while(|byte| **byte != 0).count()
    }

    /// Returns whether the text so far ends with a whole character (§8.1).
    ///
    /// It is `true` for an empty text.
    ///
    /// ```
    /// # use wsvet::Utf8;
    /// let mut utf8 = Utf8::new();
    /// utf8.push(b"\xF0\x9F\x98")?;
    /// assert!(!utf8.is_complete());
    /// # Ok::<(), wsvet::InvalidUtf8>(())
    /// ```
    #[inline]
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.cut[0] == 0
    }

    /// Holds bytes of the cut character, or returns an error for the first byte that breaks it.
    ///
    /// The bytes must not complete the character.
    fn push_bytes(&mut self, bytes: &[u8]) -> Result<(), InvalidUtf8> {
        for (index, &byte) in bytes.iter().enumerate() {
            let held = self.held();
            let mut start = [0; 4];
            start[..held].copy_from_slice(&self.cut[..held]);
            start[held] = byte;
            if !goes_on(&start[..=held]) {
                return Err(InvalidUtf8 { index });
            }
            self.cut[held] = byte;
        }
        Ok(())
    }
}

/// Returns the index of the byte that proves that the text is not UTF-8. The fast path finds only
/// that there is such a byte.
///
/// # Panics
///
/// Panics with debug assertions if the text is UTF-8.
#[cold]
fn first_bad(text: &[u8]) -> usize {
    let Err(error) = str::from_utf8(text) else {
        debug_assert!(false, "this is UTF-8: {text:02x?}");
        return text.len();
    };
    let start = error.valid_up_to();
    // `error_len` is the number of bytes that were a valid start of a character, so the next byte
    // is the bad one. It is also 1 for a byte that cannot start a character. Then this byte is the
    // bad one.
    match (error.error_len(), text[start]) {
        (Some(len), 0xC2..=0xF4) => start + len,
        _ => start,
    }
}

/// Returns the length in bytes of the character that starts with `lead`, which must be a byte that
/// can start a character beyond ASCII.
#[inline]
fn width(lead: u8) -> usize {
    match lead {
        0xF0.. => 4,
        0xE0.. => 3,
        _ => 2,
    }
}

/// Returns whether these bytes are one whole character beyond ASCII (RFC 3629 §4).
#[inline]
fn is_character(bytes: &[u8]) -> bool {
    match *bytes {
        [0xC2..=0xDF, 0x80..=0xBF] => true,
        [lead @ 0xE0..=0xEF, second, 0x80..=0xBF] => is_second(lead, second),
        [lead @ 0xF0..=0xFF, second, 0x80..=0xBF, 0x80..=0xBF] => is_second(lead, second),
        _ => false,
    }
}

/// An error for text that is not UTF-8, with the index of the byte that proves it (RFC 6455 §8.1).
///
/// [`Utf8::push`] returns it.
///
/// ```
/// let error = wsvet::Utf8::new().push(b"ab\xC0").unwrap_err();
/// assert_eq!(error.index, 2);
/// assert_eq!(error.to_string(), "invalid UTF-8 at index 2");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct InvalidUtf8 {
    /// The index of the byte, in the piece that was passed to [`Utf8::push`].
    pub index: usize,
}

impl fmt::Display for InvalidUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid UTF-8 at index {}", self.index)
    }
}

impl core::error::Error for InvalidUtf8 {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Validates the text byte by byte, with the grammar of RFC 3629 §4 as written there.
    fn naive(text: &[u8]) -> Result<bool, usize> {
        let mut expected: &[(u8, u8)] = &[];
        for (index, &byte) in text.iter().enumerate() {
            const TAIL: (u8, u8) = (0x80, 0xBF);
            match expected {
                [] => {
                    expected = match byte {
                        0x00..=0x7F => &[],
                        0xC2..=0xDF => &[TAIL],
                        0xE0 => &[(0xA0, 0xBF), TAIL],
                        0xE1..=0xEC | 0xEE..=0xEF => &[TAIL, TAIL],
                        0xED => &[(0x80, 0x9F), TAIL],
                        0xF0 => &[(0x90, 0xBF), TAIL, TAIL],
                        0xF1..=0xF3 => &[TAIL, TAIL, TAIL],
                        0xF4 => &[(0x80, 0x8F), TAIL, TAIL],
                        _ => return Err(index),
                    }
                }
                [(low, high), more @ ..] if (*low..=*high).contains(&byte) => expected = more,
                _ => return Err(index),
            }
        }
        Ok(expected.is_empty())
    }

    fn in_pieces(text: &[u8], size: usize) -> Result<bool, usize> {
        let mut utf8 = Utf8::new();
        for (number, piece) in text.chunks(size).enumerate() {
            utf8.push(piece).map_err(|error| number * size + error.index)?;
        }
        Ok(utf8.is_complete())
    }

    /// The bytes at the edges of the ranges in the grammar of RFC 3629 §4, and their neighbours.
    const EDGES: [u8; 30] = [
        0x00, 0x41, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0x91, 0x9F, 0xA0, 0xA1, 0xBE, 0xBF, 0xC0, 0xC1,
        0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFF,
    ];

    #[test]
    fn every_pair_of_bytes_is_judged_as_the_grammar_says() {
        for pair in 0..=u16::MAX {
            let text = pair.to_be_bytes();
            for size in 1..=2 {
                assert_eq!(in_pieces(&text, size), naive(&text), "{text:02x?} by {size}");
            }
        }
    }

    #[test]
    fn every_four_edges_are_judged_as_the_grammar_says() {
        for n in 0..EDGES.len().pow(4) {
            let text = [n, n / 30, n / 900, n / 27_000].map(|n| EDGES[n % 30]);
            let size = 1 + n % 4;
            assert_eq!(in_pieces(&text, size), naive(&text), "{text:02x?} by {size}");
            assert_eq!(in_pieces(&text, 4), naive(&text), "{text:02x?} whole");
        }
    }

    proptest! {
        #[test]
        fn the_same_byte_proves_it_however_the_text_is_cut(
            mut text in ".{0,40}".prop_map(String::into_bytes),
            broken in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
            size in 1usize..20,
        ) {
            if let (Some((at, byte)), false) = (broken, text.is_empty()) {
                let at = at.index(text.len());
                text[at] = byte;
            }
            prop_assert_eq!(in_pieces(&text, size), naive(&text));
            prop_assert_eq!(in_pieces(&text, usize::MAX), naive(&text));
        }
    }
}
