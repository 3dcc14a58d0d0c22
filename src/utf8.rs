//! UTF-8 over fragments and chunks, at the cost of one pass (RFC 6455 §8.1, RFC 3629).

use core::fmt;
use core::str;

/// Judges UTF-8 that comes in pieces of any size, and keeps at most the three bytes of a character
/// that is cut (RFC 6455 §8.1).
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
    cut: [u8; 3],
    cut_len: u8,
}

impl Utf8 {
    /// The start of a text: nothing has come yet.
    ///
    /// ```
    /// assert!(wsvet::Utf8::new().is_complete());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { cut: [0; 3], cut_len: 0 }
    }

    /// Takes the next piece of the text; it may end inside a character.
    ///
    /// # Errors
    ///
    /// [`InvalidUtf8`] with the first byte of `piece` that no valid text can have at that place.
    /// What is pushed after an error is not judged rightly.
    ///
    /// ```
    /// # use wsvet::Utf8;
    /// // A surrogate is betrayed by its second byte.
    /// assert_eq!(Utf8::new().push(b"\xED\xA0\x80").unwrap_err().index, 1);
    /// ```
    #[inline]
    pub fn push(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        if self.cut_len == 0 { self.push_at_boundary(piece, 0) } else { self.push_inside(piece) }
    }

    /// Whether the text so far ends with a whole character.
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
        self.cut_len == 0
    }

    /// Fills up the cut character, then goes on with what is left of the piece.
    fn push_inside(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        let held = usize::from(self.cut_len);
        let needed = width(self.cut[0]) - held;
        let Some((end, rest)) = piece.split_at_checked(needed) else {
            return self.push_bytes(piece);
        };
        let mut character = [0; 4];
        character[..held].copy_from_slice(&self.cut[..held]);
        character[held..held + needed].copy_from_slice(end);
        if str::from_utf8(&character[..held + needed]).is_err() {
            return self.push_bytes(piece);
        }
        self.cut_len = 0;
        self.push_at_boundary(rest, needed)
    }

    /// Judges byte by byte: the piece does not finish the character, or one of its first bytes
    /// breaks it.
    #[cold]
    fn push_bytes(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        for (index, &byte) in piece.iter().enumerate() {
            let held = usize::from(self.cut_len);
            let mut start = [0; 4];
            start[..held].copy_from_slice(&self.cut[..held]);
            start[held] = byte;
            match str::from_utf8(&start[..=held]) {
                // Still a valid start, so at most three bytes.
                Err(error) if error.error_len().is_none() => {
                    self.cut[held] = byte;
                    self.cut_len += 1;
                }
                _ => return Err(InvalidUtf8 { index }),
            }
        }
        Ok(())
    }

    /// `base` is the index of `rest` in the piece that the caller pushed.
    #[inline]
    fn push_at_boundary(&mut self, rest: &[u8], base: usize) -> Result<(), InvalidUtf8> {
        let (whole, tail) = rest.split_at(rest.len() - cut_len(rest));
        if is_utf8(whole) {
            self.cut[..tail.len()].copy_from_slice(tail);
            self.cut_len = tail.len() as u8;
            return Ok(());
        }
        Err(InvalidUtf8 { index: base + first_bad(rest) })
    }
}

/// Accept fast: yes or no, with the best that the machine has.
#[inline]
fn is_utf8(text: &[u8]) -> bool {
    #[cfg(feature = "std")]
    return simdutf8::basic::from_utf8(text).is_ok();
    #[cfg(not(feature = "std"))]
    return str::from_utf8(text).is_ok();
}

/// Explain cold: the byte that proves that this is not UTF-8.
#[cold]
fn first_bad(text: &[u8]) -> usize {
    let Err(error) = str::from_utf8(text) else { return text.len() };
    let start = error.valid_up_to();
    // `error_len` counts the bytes of a start that was still valid, but for a byte that can start
    // nothing, which is 1 as well.
    match (error.error_len(), text[start]) {
        (Some(len), 0xC2..=0xF4) => start + len,
        _ => start,
    }
}

/// How many bytes a character has that starts with this byte, which can start one beyond ASCII.
#[inline]
fn width(lead: u8) -> usize {
    match lead {
        0xF0.. => 4,
        0xE0.. => 3,
        _ => 2,
    }
}

/// How many bytes at the end are the valid start of a character that goes on: 0 to 3.
#[inline]
fn cut_len(text: &[u8]) -> usize {
    if text.last().is_none_or(|last| *last < 0x80) {
        return 0;
    }
    let window = text.last_chunk::<3>().map_or(text, |window| &window[..]);
    let Some(start) = window.iter().rposition(|byte| *byte >= 0xC0) else { return 0 };
    let cut = window.len() - start;
    let valid = match &window[start..] {
        [0xC2..=0xF4] => true,
        tail => str::from_utf8(tail).is_err_and(|error| error.error_len().is_none()),
    };
    if valid && cut < width(window[start]) { cut } else { 0 }
}

/// Text is not UTF-8: the index of the byte that proves it, in the piece that was pushed.
///
/// ```
/// let error = wsvet::Utf8::new().push(b"ab\xC0").unwrap_err();
/// assert_eq!(error.index, 2);
/// assert_eq!(error.to_string(), "invalid UTF-8 at index 2");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct InvalidUtf8 {
    /// The index in bytes, from the start of the piece.
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

    /// RFC 3629 §4 as it is written there, one byte after the other: what may follow a prefix.
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

    /// The bytes at which the grammar of RFC 3629 §4 changes its mind, and their neighbours.
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
