//! Masking, and UTF-8 that is judged while it is unmasked, as fast as the processor can.
//!
//! Every kernel has a twin in `portable` that returns the same answer. The twin serves processors
//! without wide registers, builds without `std`, and pieces that are too short. The kernels are safe
//! code, compiled for registers that not every processor has; `level` is the one door to them.
//!
//! UTF-8 is judged as Keiser and Lemire describe it ("Validating UTF-8 In Less Than One Instruction
//! Per Byte", 2021). Every error but one shows in two neighbouring bytes: three tables of sixteen
//! entries, for the high and the low half of the first byte and for the high half of the second,
//! say which errors each half can be part of. An error that all three name is one. What is left is
//! the length of a character: two bytes after a lead of three or more bytes, and three bytes after a
//! lead of four, two continuation bytes in a row are required instead of forbidden.

#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod avx2;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod avx512;
mod block;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod level;
mod portable;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod tables;
mod text;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod wide;

pub(crate) use block::{number, turned};
pub(crate) use portable::{cut_len, goes_on, is_second};
pub(crate) use text::{Ending, Text};

use block::{ends, put_ends};

/// Masks `buf`, whose first byte meets the lowest byte of `key`.
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

/// Copies `from` to `to`, which is as long, and masks it on the way where there is a key.
#[inline]
pub(crate) fn copy(key: Option<u32>, from: &[u8], to: &mut [u8]) {
    // No key is one that changes nothing, and for short payloads that is less than a call.
    let word = key.unwrap_or(0);
    match from.len() {
        8..=16 => copy_ends::<8>(word, from, to),
        17..=32 => copy_ends::<16>(word, from, to),
        33..=64 => copy_ends::<32>(word, from, to),
        65..=128 => copy_ends::<64>(word, from, to),
        _ => copy_any(key, from, to),
    }
}

#[inline(never)]
fn copy_any(key: Option<u32>, from: &[u8], to: &mut [u8]) {
    let Some(key) = key else { return to.copy_from_slice(from) };
    // In pieces, and each is masked while it is in the L1 cache.
    const PIECE: usize = 4 << 10;
    for (from, to) in from.chunks(PIECE).zip(to.chunks_mut(PIECE)) {
        to.copy_from_slice(from);
        mask(key, to);
    }
}

#[inline(always)]
fn copy_ends<const N: usize>(key: u32, from: &[u8], to: &mut [u8]) {
    if let Some((first, last)) = ends::<N>(key, from) {
        put_ends(to, first, last);
    }
}

#[inline(never)]
fn long(key: u32, buf: &mut [u8]) {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    level::mask(key, buf);
    #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
    portable::mask(key, buf);
}

/// Judges text with the best that the machine has, and unmasks it if it can be written.
#[inline]
pub(crate) fn judge(key: u32, text: impl Text) -> Ending {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    return level::judge(key, text);
    #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
    return portable::judge(key, text);
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
    let Some((first, last)) = ends::<N>(key, text.bytes()) else { return false };
    let ascii = if N > 32 || N < 8 {
        first.is_ascii() && last.is_ascii()
    } else {
        // With no way out in between, which a few words are not worth.
        let words = first.as_chunks().0.iter().chain(last.as_chunks().0);
        words.fold(0, |or, word| or | u64::from_ne_bytes(*word)) & portable::NOT_ASCII == 0
    };
    if ascii {
        text.put(text.bytes().len() - N, last);
        text.put(0, first);
    }
    ascii
}

/// Unmasks text, if it can be written.
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
