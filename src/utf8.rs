//! UTF-8 over fragments and chunks, at the cost of one pass (RFC 6455 §8.1, RFC 3629).

use core::fmt;
use core::str;

use crate::mask;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
use crate::simd;

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
    /// The start of a character that is cut, with zeros behind it.
    cut: [u8; 3],
}

impl Utf8 {
    /// The start of a text: nothing has come yet.
    ///
    /// ```
    /// assert!(wsvet::Utf8::new().is_complete());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { cut: [0; 3] }
    }

    /// Takes the next piece of the text; it may end inside a character (§8.1).
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
        self.push_text(0, piece)
    }

    /// Takes the next piece, and unmasks it in the same pass if it can be written. After an error
    /// the end of the piece may still be masked.
    #[inline]
    pub(crate) fn push_text(&mut self, key: u32, text: impl Text) -> Result<(), InvalidUtf8> {
        if self.is_complete() { self.take(key, text) } else { self.take_inside(key, text) }
    }

    /// Fills up the cut character, then goes on with what is left of the piece.
    #[inline(never)]
    fn take_inside(&mut self, key: u32, text: impl Text) -> Result<(), InvalidUtf8> {
        let held = self.held();
        let (mut start, rest) = text.split(width(self.cut[0]) - held);
        start.unmask(key);
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
        let key = mask::turned(key, start.len());
        self.take(key, rest).map_err(|error| InvalidUtf8 { index: start.len() + error.index })
    }

    /// Takes text after a whole character.
    #[inline]
    fn take(&mut self, key: u32, mut text: impl Text) -> Result<(), InvalidUtf8> {
        match judge(key, text.again()) {
            Ending::Whole => Ok(()),
            ending => self.take_other(ending, text.bytes()),
        }
    }

    /// The text ends inside a character, or is none.
    fn take_other(&mut self, ending: Ending, text: &[u8]) -> Result<(), InvalidUtf8> {
        let cut = if ending == Ending::Cut { cut_len(text) } else { 0 };
        if cut == 0 {
            return Err(InvalidUtf8 { index: first_bad(text) });
        }
        self.cut[..cut].copy_from_slice(&text[text.len() - cut..]);
        Ok(())
    }

    /// How many bytes of a character that is cut are held.
    #[inline]
    fn held(&self) -> usize {
        self.cut.iter().take_while(|byte| **byte != 0).count()
    }

    /// Whether the text so far ends with a whole character (§8.1).
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

    /// Takes fewer bytes than the cut character still needs, or bytes that break it.
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

/// How a text ends that starts with a whole character.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    /// With a whole character, or it is empty.
    Whole,
    /// With what may be the start of a character; `cut_len` knows.
    Cut,
    /// It is not UTF-8.
    Bad,
}

/// Text that is read block by block, and written back plain where it was masked.
pub(crate) trait Text: Sized {
    /// All of it.
    fn bytes(&self) -> &[u8];

    /// The same text, lent.
    fn again(&mut self) -> impl Text;

    /// The first bytes, at most as many as there are, and the rest.
    fn split(self, at_most: usize) -> (Self, Self);

    /// Overwrites the block that starts `at` this byte.
    fn put<const N: usize>(&mut self, at: usize, block: [u8; N]);

    /// Unmasks all of it.
    fn unmask(&mut self, key: u32);

    /// Unmasks all of it as every machine can; whether it is known to be ASCII then.
    fn unmask_portable(&mut self, key: u32) -> bool;
}

impl Text for &mut [u8] {
    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline(always)]
    fn again(&mut self) -> impl Text {
        &mut **self
    }

    #[inline(always)]
    fn split(self, at_most: usize) -> (Self, Self) {
        let at = at_most.min(self.len());
        self.split_at_mut(at)
    }

    #[inline(always)]
    fn put<const N: usize>(&mut self, at: usize, block: [u8; N]) {
        self[at..at + N].copy_from_slice(&block);
    }

    #[inline(always)]
    fn unmask(&mut self, key: u32) {
        mask::apply_key(key, self);
    }

    #[inline(always)]
    fn unmask_portable(&mut self, key: u32) -> bool {
        mask::words(key, self) & mask::NOT_ASCII == 0
    }
}

/// Plain text is only read.
impl Text for &[u8] {
    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline(always)]
    fn again(&mut self) -> impl Text {
        *self
    }

    #[inline(always)]
    fn split(self, at_most: usize) -> (Self, Self) {
        self.split_at(at_most.min(self.len()))
    }

    #[inline(always)]
    fn put<const N: usize>(&mut self, _: usize, _: [u8; N]) {}

    #[inline(always)]
    fn unmask(&mut self, _: u32) {}

    #[inline(always)]
    fn unmask_portable(&mut self, _: u32) -> bool {
        false
    }
}

/// Judges text with the best that the machine has, and unmasks it if it can be written.
#[inline]
pub(crate) fn judge(key: u32, text: impl Text) -> Ending {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    return simd::judge(key, text);
    #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
    return judge_portable(key, text);
}

/// Unmasks short text if it is ASCII, and whether it is. Other text is left as it was.
///
/// [`judge`] does the same and more, and takes longer to start.
#[inline(never)]
pub(crate) fn unmask_ascii(key: u32, mut text: impl Text) -> bool {
    let text = &mut text;
    match text.bytes().len() {
        8..=16 => unmask_ascii_ends::<8>(key, text),
        17..=32 => unmask_ascii_ends::<16>(key, text),
        33..=64 => unmask_ascii_ends::<32>(key, text),
        65..=128 => unmask_ascii_ends::<64>(key, text),
        129.. => false,
        4.. => unmask_ascii_ends::<4>(key, text),
        2.. => unmask_ascii_ends::<2>(key, text),
        1 => unmask_ascii_ends::<1>(key, text),
        0 => true,
    }
}

/// The same for text of `N` to twice as many bytes.
#[inline(always)]
fn unmask_ascii_ends<const N: usize>(key: u32, text: &mut impl Text) -> bool {
    let Some((first, last)) = mask::ends::<N>(key, text.bytes()) else { return false };
    let ascii = if N > 32 || N < 8 {
        first.is_ascii() && last.is_ascii()
    } else {
        // With no way out in between, which a few words are not worth.
        let words = first.as_chunks().0.iter().chain(last.as_chunks().0);
        words.fold(0, |or, word| or | u64::from_ne_bytes(*word)) & mask::NOT_ASCII == 0
    };
    if ascii {
        text.put(text.bytes().len() - N, last);
        text.put(0, first);
    }
    ascii
}

/// What every machine can do.
#[inline(never)]
pub(crate) fn judge_portable(key: u32, mut text: impl Text) -> Ending {
    if text.unmask_portable(key) {
        return Ending::Whole;
    }
    let text = text.bytes();
    let cut = cut_len(text);
    if !is_utf8(&text[..text.len() - cut]) {
        Ending::Bad
    } else if cut > 0 {
        Ending::Cut
    } else {
        Ending::Whole
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
    let Err(error) = str::from_utf8(text) else {
        debug_assert!(false, "this is UTF-8: {text:02x?}");
        return text.len();
    };
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
pub(crate) fn cut_len(text: &[u8]) -> usize {
    let start = match text {
        [.., last] if *last < 0x80 => return 0,
        [.., 0xC0..=0xFF] => 1,
        [.., 0xC0..=0xFF, _] => 2,
        [.., 0xC0..=0xFF, _, _] => 3,
        _ => return 0,
    };
    if goes_on(&text[text.len() - start..]) { start } else { 0 }
}

/// Whether this is the valid start of a character that goes on (RFC 3629 §4).
#[inline]
fn goes_on(start: &[u8]) -> bool {
    match *start {
        [0xC2..=0xF4] => true,
        [0xE0..=0xFF, second] => is_second(start[0], second),
        [0xF0..=0xFF, second, 0x80..=0xBF] => is_second(start[0], second),
        _ => false,
    }
}

/// Whether these bytes are one whole character beyond ASCII (RFC 3629 §4).
#[inline]
fn is_character(bytes: &[u8]) -> bool {
    match *bytes {
        [0xC2..=0xDF, 0x80..=0xBF] => true,
        [lead @ 0xE0..=0xEF, second, 0x80..=0xBF] => is_second(lead, second),
        [lead @ 0xF0..=0xFF, second, 0x80..=0xBF, 0x80..=0xBF] => is_second(lead, second),
        _ => false,
    }
}

/// Whether the second byte may follow a lead of three or four bytes.
#[inline]
fn is_second(lead: u8, second: u8) -> bool {
    match lead {
        0xE0 => matches!(second, 0xA0..=0xBF),
        0xED => matches!(second, 0x80..=0x9F),
        0xF0 => matches!(second, 0x90..=0xBF),
        0xF4 => matches!(second, 0x80..=0x8F),
        _ => lead < 0xF4 && matches!(second, 0x80..=0xBF),
    }
}

/// Text is not UTF-8: the index of the byte that proves it, in the piece that was pushed (RFC 6455
/// §8.1).
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
    fn short_ascii_is_unmasked_and_other_text_is_left_as_it_was() {
        for len in 0..200 {
            let mut text = vec![b'a'; len];
            mask::words(0x0403_0201, &mut text);
            let masked = text.clone();
            assert_eq!(unmask_ascii(0x0403_0201, &mut text[..]), len <= 128, "{len}");
            if len <= 128 {
                assert_eq!(text, vec![b'a'; len]);
            }
            for at in 0..len {
                let mut text = masked.clone();
                text[at] ^= 0x80;
                let before = text.clone();
                assert!(!unmask_ascii(0x0403_0201, &mut text[..]), "{at} of {len}");
                assert_eq!(text, before);
            }
        }
    }

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
