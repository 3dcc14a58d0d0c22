//! Masking: XOR with the four bytes of the masking key (RFC 6455 §5.3).
//!
//! ```
//! use wsvet::mask;
//!
//! let (key, mut payload) = ([1, 2, 3, 4], *b"Hello");
//! mask::apply(key, 0, &mut payload);
//! assert_eq!(payload, *b"Igohn");
//! mask::apply(key, 0, &mut payload);
//! assert_eq!(payload, *b"Hello");
//! ```

#[cfg(all(feature = "std", target_arch = "x86_64"))]
use crate::simd;

/// Masks or unmasks `buf` where it lies, and gives the phase at which the payload's next piece
/// goes on (§5.3).
///
/// Masking is its own inverse. `phase` is the position of `buf` in the payload: 0 for its start,
/// and for a later piece what the call before gave, or the bytes before it; only its value modulo
/// 4 counts. The phase that is given is 0 to 3.
///
/// ```
/// use wsvet::mask;
///
/// let mut payload = *b"Hello";
/// let key = [0x37, 0xFA, 0x21, 0x3D];
/// let phase = mask::apply(key, 0, &mut payload[..3]);
/// mask::apply(key, phase, &mut payload[3..]);
/// assert_eq!(payload, [0x7F, 0x9F, 0x4D, 0x51, 0x58]); // §5.7
/// ```
#[inline]
pub fn apply(key: [u8; 4], phase: usize, buf: &mut [u8]) -> usize {
    apply_key(turned(number(key), phase), buf);
    (phase % 4 + buf.len()) % 4
}

/// The key as a number whose lowest byte meets the first byte of the payload.
#[inline]
pub(crate) fn number(key: [u8; 4]) -> u32 {
    u32::from_le_bytes(key)
}

/// The key as the byte at this index of the masked bytes meets it.
#[inline(always)]
pub(crate) fn turned(key: u32, index: usize) -> u32 {
    key.rotate_right(8 * (index % 4) as u32)
}

/// Masks `buf`, whose first byte meets the lowest byte of `key`.
#[inline]
pub(crate) fn apply_key(key: u32, buf: &mut [u8]) {
    match buf.len() {
        8..=16 => apply_ends::<8>(key, buf),
        17..=32 => apply_ends::<16>(key, buf),
        33..=64 => apply_ends::<32>(key, buf),
        65..=128 => apply_ends::<64>(key, buf),
        129.. => long(key, buf),
        4.. => apply_ends::<4>(key, buf),
        2.. => apply_ends::<2>(key, buf),
        1 => apply_ends::<1>(key, buf),
        0 => {}
    }
}

#[inline(always)]
fn apply_ends<const N: usize>(key: u32, buf: &mut [u8]) {
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
        apply_key(key, to);
    }
}

#[inline(always)]
fn copy_ends<const N: usize>(key: u32, from: &[u8], to: &mut [u8]) {
    if let Some((first, last)) = ends::<N>(key, from) {
        put_ends(to, first, last);
    }
}

/// The first and the last block, masked. Where they overlap, or leave nothing between them, they
/// are the whole; they are the same bytes in both then.
#[inline(always)]
pub(crate) fn ends<const N: usize>(key: u32, buf: &[u8]) -> Option<([u8; N], [u8; N])> {
    let (first, last) = (buf.first_chunk()?, buf.last_chunk()?);
    Some((masked(key, *first), masked(turned(key, buf.len() - N), *last)))
}

/// Overwrites the first and the last block.
#[inline(always)]
pub(crate) fn put_ends<const N: usize>(buf: &mut [u8], first: [u8; N], last: [u8; N]) {
    if let Some(start) = buf.first_chunk_mut() {
        *start = first;
    }
    if let Some(end) = buf.last_chunk_mut() {
        *end = last;
    }
}

#[inline(always)]
fn masked<const N: usize>(key: u32, mut block: [u8; N]) -> [u8; N] {
    let (words, rest) = block.as_chunks_mut();
    for bytes in words {
        *bytes = (u64::from_le_bytes(*bytes) ^ twice(key)).to_le_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.to_le_bytes()) {
        *byte ^= key;
    }
    block
}

#[inline(never)]
fn long(key: u32, buf: &mut [u8]) {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    simd::mask(key, buf);
    #[cfg(not(all(feature = "std", target_arch = "x86_64")))]
    words(key, buf);
}

/// What every machine can do: does what [`apply_key`] does, and gives the OR of all bytes that it
/// has written, in any byte of the number: where no top bit is set, they are ASCII. It costs
/// nothing where nobody looks at it.
#[inline]
pub(crate) fn words(key: u32, buf: &mut [u8]) -> u64 {
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

/// The key for eight bytes.
#[inline]
fn twice(key: u32) -> u64 {
    u64::from(key) * 0x1_0000_0001
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_phase_counts_modulo_4() {
        let (mut first, mut second) = (*b"Hello", *b"Hello");
        assert_eq!(
            apply([1, 2, 3, 4], usize::MAX, &mut first),
            apply([1, 2, 3, 4], 3, &mut second)
        );
        assert_eq!(first, second);
    }

    /// Ors of the plain bytes tell ASCII from the rest, wherever the other byte is.
    #[test]
    fn one_byte_beyond_ascii_is_seen_at_every_place() {
        const KEY: u32 = 0x0403_0201;
        for len in [1, 7, 8, 9, 16, 17, 300, 1_500] {
            for at in 0..len {
                let mut payload = vec![b'a'; len];
                payload[at] = 0x80;
                apply([1, 2, 3, 4], 0, &mut payload);
                let or = words(KEY, &mut payload);
                assert_ne!(or & NOT_ASCII, 0, "{at} of {len}");
            }
            let mut ascii = vec![b'a'; len];
            apply([1, 2, 3, 4], 0, &mut ascii);
            assert_eq!(words(KEY, &mut ascii) & NOT_ASCII, 0);
        }
    }

    proptest! {
        /// The naive twin: §5.3 to the letter, octet by octet.
        #[test]
        fn every_octet_is_xored_with_key_octet_i_mod_4(
            key: [u8; 4],
            payload in prop::collection::vec(any::<u8>(), 0..2_500),
            cuts in prop::collection::vec(0usize..2_500, 0..5),
        ) {
            let naive: Vec<u8> =
                payload.iter().enumerate().map(|(i, octet)| octet ^ key[i % 4]).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(payload.len())).collect();
            cuts.sort_unstable();
            cuts.push(payload.len());
            let mut masked = payload;
            let (mut start, mut phase) = (0, 0);
            for cut in cuts {
                phase = apply(key, phase, &mut masked[start..cut]);
                start = cut;
            }
            prop_assert_eq!(masked, naive);
        }
    }
}
