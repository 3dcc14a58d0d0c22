//! Masking: XOR with the four bytes of the masking key (RFC 6455 §5.3).

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
    apply_or(key, phase, buf);
    (phase % 4 + buf.len()) % 4
}

/// Does what [`apply`] does, and gives the OR of all bytes that it has written, in any byte of the
/// word: where no top bit is set, they are ASCII. It costs nothing where nobody looks at it.
#[inline]
pub(crate) fn apply_or(key: [u8; 4], phase: usize, buf: &mut [u8]) -> u64 {
    let key = rotate(key, phase);
    let word = widen(key);
    // The last word is read before the loop and written after it: where the two overlap it writes
    // what the loop wrote, and no loop over single bytes is needed.
    let Some(last) = buf.last_chunk::<8>().copied() else {
        return short(key, buf);
    };
    let last_word = widen(rotate(key, buf.len()));
    let (words, tail) = buf.as_chunks_mut::<8>();
    let overlaps = !tail.is_empty();
    let mut or = 0;
    for bytes in words {
        let plain = u64::from_ne_bytes(*bytes) ^ word;
        or |= plain;
        *bytes = plain.to_ne_bytes();
    }
    if overlaps && let Some(end) = buf.last_chunk_mut::<8>() {
        let plain = u64::from_ne_bytes(last) ^ last_word;
        or |= plain;
        *end = plain.to_ne_bytes();
    }
    or
}

/// Fewer than eight bytes.
#[inline]
fn short(key: [u8; 4], buf: &mut [u8]) -> u64 {
    let mut or = 0;
    for (byte, key) in buf.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
        or |= *byte;
    }
    or.into()
}

#[inline]
fn widen([a, b, c, d]: [u8; 4]) -> u64 {
    u64::from_ne_bytes([a, b, c, d, a, b, c, d])
}

/// The key as the byte at `phase` sees it: that byte's key first.
#[inline]
fn rotate(key: [u8; 4], phase: usize) -> [u8; 4] {
    u32::from_le_bytes(key).rotate_right(8 * (phase % 4) as u32).to_le_bytes()
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

    proptest! {
        /// The naive twin: §5.3 to the letter, octet by octet.
        #[test]
        fn every_octet_is_xored_with_key_octet_i_mod_4(
            key: [u8; 4],
            payload in prop::collection::vec(any::<u8>(), 0..300),
            cuts in prop::collection::vec(0usize..300, 0..5),
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
