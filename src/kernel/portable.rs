//! The kernels that run on every processor. They return the same results as the wide ones.

use core::str;

use super::block::{Place, ends, put_ends, twice};
use super::{Ending, Text};

/// Masks `buf` as [`super::mask`] does, and returns the OR of all bytes that it has written.
///
/// Each byte is ORed into one of the eight bytes of the number. If the number has no bit of
/// [`NOT_ASCII`], all bytes written are ASCII. The OR costs nothing if the caller ignores it.
#[inline]
pub(crate) fn mask(key: u32, buf: &mut [u8]) -> u64 {
    // Reads both ends before it writes anything, and writes them last. If they overlap each other
    // or the other blocks, both write the same bytes. So no loop over single bytes is needed.
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

/// Copies `from` to `to`, and masks the copy. Both must have the same length.
#[inline]
pub(crate) fn copy<P: Place>(key: u32, from: &[u8], to: &mut [P]) {
    let Some((first, last)) = ends::<8>(key, from) else {
        let masked = from.iter().zip(twice(key).to_le_bytes()).map(|(byte, key)| [byte ^ key]);
        for (byte, to) in masked.zip(to.as_chunks_mut().0) {
            *to = P::block(byte);
        }
        return;
    };
    for (from, to) in from.as_chunks().0.iter().zip(to.as_chunks_mut().0) {
        *to = P::block((u64::from_le_bytes(*from) ^ twice(key)).to_le_bytes());
    }
    put_ends(to, first, last);
}

/// The top bit of each of eight bytes. ASCII has none of them.
pub(crate) const NOT_ASCII: u64 = 0x8080_8080_8080_8080;

/// Does what [`mask`] does, for fewer than eight bytes.
#[inline]
fn short(key: u32, buf: &mut [u8]) -> u64 {
    let mut or = 0;
    for (byte, key) in buf.iter_mut().zip(twice(key).to_le_bytes()) {
        *byte ^= key;
        or |= *byte;
    }
    or.into()
}

/// Checks whether text is UTF-8, and unmasks it if it can be written.
#[inline(never)]
pub(crate) fn judge(key: u32, mut text: impl Text) -> Ending {
    if let Some(buf) = text.writable()
        && mask(key, buf) & NOT_ASCII == 0
    {
        return Ending::Whole;
    }
    let text = text.bytes();
    let cut = cut_len(text);
    if str::from_utf8(&text[..text.len() - cut]).is_err() {
        Ending::Bad
    } else if cut > 0 {
        Ending::Cut
    } else {
        Ending::Whole
    }
}

/// Returns how many bytes at the end of the text are the valid start of a cut character: 0 to 3.
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

/// Returns whether these bytes are the valid start of a character, but not the whole character
/// (RFC 3629 §4).
#[inline]
pub(crate) fn goes_on(start: &[u8]) -> bool {
    match *start {
        [0xC2..=0xF4] => true,
        [0xE0..=0xFF, second] => is_second(start[0], second),
        [0xF0..=0xFF, second, 0x80..=0xBF] => is_second(start[0], second),
        _ => false,
    }
}

/// Returns whether `second` may follow `lead`, the lead byte of a character of three or four bytes.
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

    /// The OR of the unmasked bytes shows a byte that is not ASCII at every position.
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
