//! What every processor can do: the twin of each kernel, which returns the same answers.

#[cfg(not(feature = "std"))]
use core::str;

use super::block::{ends, put_ends, twice};
use super::{Ending, Text};

/// What every machine can do: does what [`super::mask`] does, and gives the OR of all bytes that it
/// has written, in any byte of the number: where no top bit is set, they are ASCII. It costs
/// nothing where nobody looks at it.
#[inline]
pub(crate) fn mask(key: u32, buf: &mut [u8]) -> u64 {
    // The ends are read before anything is written, and written last: where they overlap the rest
    // or each other they write the same, and no loop over single bytes is needed.
    let Some((first, last)) = ends(key, buf) else { return short(key, buf) };
    let mut or = u64::from_le_bytes(first) | u64::from_le_bytes(last);
    if buf.len() > 16 {
        for bytes in buf.as_chunks_mut().0 {
            let plain = u64::from_le_bytes(*bytes) ^ twice(key);
            or |= plain;
            *bytes = plain.to_le_bytes();
        }
    }
    put_ends(buf, first, last);
    or
}

/// The top bit of each byte: none is set in ASCII.
pub(crate) const NOT_ASCII: u64 = 0x8080_8080_8080_8080;

/// Fewer than eight bytes.
#[inline]
fn short(key: u32, buf: &mut [u8]) -> u64 {
    let mut or = 0;
    for (byte, key) in buf.iter_mut().zip(twice(key).to_le_bytes()) {
        *byte ^= key;
        or |= *byte;
    }
    or.into()
}

/// What every machine can do.
#[inline(never)]
pub(crate) fn judge(key: u32, mut text: impl Text) -> Ending {
    if let Some(buf) = text.writable()
        && mask(key, buf) & NOT_ASCII == 0
    {
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
pub(crate) fn goes_on(start: &[u8]) -> bool {
    match *start {
        [0xC2..=0xF4] => true,
        [0xE0..=0xFF, second] => is_second(start[0], second),
        [0xF0..=0xFF, second, 0x80..=0xBF] => is_second(start[0], second),
        _ => false,
    }
}

/// Whether the second byte may follow a lead of three or four bytes.
#[inline]
pub(crate) fn is_second(lead: u8, second: u8) -> bool {
    match lead {
        0xE0 => matches!(second, 0xA0..=0xBF),
        0xED => matches!(second, 0x80..=0x9F),
        0xF0 => matches!(second, 0x90..=0xBF),
        0xF4 => matches!(second, 0x80..=0x8F),
        _ => lead < 0xF4 && matches!(second, 0x80..=0xBF),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ors of the plain bytes tell ASCII from the rest, wherever the other byte is.
    #[test]
    fn one_byte_beyond_ascii_is_seen_at_every_place() {
        const KEY: u32 = 0x0403_0201;
        for len in [1, 7, 8, 9, 16, 17, 300, 1_500] {
            for at in 0..len {
                let mut payload = vec![b'a'; len];
                payload[at] = 0x80;
                mask(KEY, &mut payload);
                let or = mask(KEY, &mut payload);
                assert_ne!(or & NOT_ASCII, 0, "{at} of {len}");
            }
            let mut ascii = vec![b'a'; len];
            mask(KEY, &mut ascii);
            assert_eq!(mask(KEY, &mut ascii) & NOT_ASCII, 0);
        }
    }
}
