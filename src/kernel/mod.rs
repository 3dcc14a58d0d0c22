//! The masking of payloads, and the validation of UTF-8 while it is unmasked.
//!
//! There are kernels for registers of 16, 32 and 64 bytes, and a portable one that returns the same
//! results. The portable kernel runs on processors without such registers, and on text that is too
//! short for them. The kernels are safe code, but the others are compiled for registers that not
//! every processor has. Only `level` calls them:
//!
//! | processor | kernels | chosen |
//! |---|---|---|
//! | x86-64 with `std` | AVX-512, AVX2, SSE4.1 | at run time, by what the processor has |
//! | x86 with `std` | SSE4.1 | at run time, by what the processor has |
//! | x86 and x86-64 without `std` | SSE4.1 | if the crate is compiled for it |
//! | ARM of 64 bits, little-endian | NEON | always |
//! | WebAssembly | SIMD128 | if the crate is compiled for it |
//!
//! The kernel for 16 bytes, `sixteen`, is written once. What differs is in `register`.
//!
//! # How UTF-8 is validated
//!
//! The algorithm is that of Keiser and Lemire, "Validating UTF-8 In Less Than One Instruction Per
//! Byte" (2021). It finds every kind of error but one from two bytes in a row:
//!
//! 1. Each kind of error has one bit (see `tables`).
//! 2. Three tables of 16 entries return the errors that are possible: one for the high half of the
//!    first byte, one for its low half, and one for the high half of the second byte.
//! 3. The AND of the three entries is the set of errors in the two bytes.
//!
//! The other kind of error is a character of three or four bytes that has too few or too many
//! continuation bytes. The tables report two continuation bytes in a row as an error. At the third
//! byte of a character of three or four bytes, and at the fourth byte of a character of four bytes,
//! they are required instead. The kernels compute these places from the bytes two and three places
//! before, and toggle the error bit there with an XOR.

#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod avx2;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod avx512;
mod block;
mod level;
mod portable;
mod register;
mod sixteen;
mod tables;
mod text;
mod wide;

pub(crate) use block::{Place, number, turned};
pub(crate) use portable::{cut_len, goes_on, is_second};
pub(crate) use text::{Ending, Text};

use block::{ends, put_ends};

/// Masks `buf` with `key`. The lowest byte of `key` masks the first byte of `buf`.
#[inline]
pub(crate) fn mask(key: u32, buf: &mut [u8]) {
    match buf.len() {
        8..=16 => mask_ends::<8>(key, buf),
        17..=32 => mask_ends::<16>(key, buf),
        33..=64 => mask_ends::<32>(key, buf),
        65..=128 => mask_ends::<64>(key, buf),
        129.. => long(key, buf),
        4.. => mask_ends::<4>(key, buf),
        2.. => mask_ends::<2>(key, buf),
        1 => mask_ends::<1>(key, buf),
        0 => {}
    }
}

#[inline(always)]
fn mask_ends<const N: usize>(key: u32, buf: &mut [u8]) {
    if let Some((first, last)) = ends::<N>(key, buf) {
        put_ends(buf, first, last);
    }
}

/// Copies `from` to `to`, and masks the copy if there is a key. Both must have the same length.
#[inline]
pub(crate) fn copy<P: Place>(key: Option<u32>, from: &[u8], to: &mut [P]) {
    // A key of zeros changes nothing. For a short payload masking with it is cheaper than a call.
    let word = key.unwrap_or(0);
    match from.len() {
        8..=16 => copy_ends::<8, _>(word, from, to),
        17..=32 => copy_ends::<16, _>(word, from, to),
        33..=64 => copy_ends::<32, _>(word, from, to),
        65..=128 => copy_ends::<64, _>(word, from, to),
        _ => copy_any(key, from, to),
    }
}

#[inline(never)]
fn copy_any<P: Place>(key: Option<u32>, from: &[u8], to: &mut [P]) {
    let Some(key) = key else { return P::copy(from, to) };
    match from.len() {
        129.. => level::copy(key, from, to),
        4.. => copy_ends::<4, _>(key, from, to),
        2.. => copy_ends::<2, _>(key, from, to),
        1 => copy_ends::<1, _>(key, from, to),
        0 => {}
    }
}

#[inline(always)]
fn copy_ends<const N: usize, P: Place>(key: u32, from: &[u8], to: &mut [P]) {
    if let Some((first, last)) = ends::<N>(key, from) {
        put_ends(to, first, last);
    }
}

#[inline(never)]
fn long(key: u32, buf: &mut [u8]) {
    level::mask(key, buf);
}

/// Checks whether text is UTF-8, and unmasks it if it can be written.
///
/// The function uses the widest registers that the processor has.
#[inline]
pub(crate) fn judge(key: u32, text: impl Text) -> Ending {
    level::judge(key, text)
}

/// Unmasks text of at most 128 bytes if it is ASCII, and returns whether it did.
///
/// Other text, and longer text, stays as it was. [`judge`] also accepts text that is not ASCII, but
/// takes longer for short text.
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

/// Does what [`unmask_ascii`] does, for text of `N` to `2 * N` bytes.
#[inline(always)]
fn unmask_ascii_ends<const N: usize>(key: u32, text: &mut impl Text) -> bool {
    let Some((first, last)) = ends::<N>(key, text.bytes()) else { return false };
    let ascii = if N > 32 || N < 8 {
        first.is_ascii() && last.is_ascii()
    } else {
        // Tests all words at once: for so few, an early exit costs more than it saves.
        let words = first.as_chunks().0.iter().chain(last.as_chunks().0);
        words.fold(0, |or, word| or | u64::from_ne_bytes(*word)) & portable::NOT_ASCII == 0
    };
    if ascii {
        text.put(text.bytes().len() - N, last);
        text.put(0, first);
    }
    ascii
}

/// Unmasks text if it can be written.
#[inline(always)]
pub(crate) fn unmask(key: u32, text: &mut impl Text) {
    if let Some(buf) = text.writable() {
        mask(key, buf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ascii_is_unmasked_and_other_text_is_left_as_it_was() {
        for len in 0..200 {
            let mut text = vec![b'a'; len];
            mask(0x0403_0201, &mut text);
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
}
