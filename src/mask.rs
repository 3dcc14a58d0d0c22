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
    let (Some(first), Some(last)) = (buf.first_chunk(), buf.last_chunk()) else {
        return short(key, phase, buf);
    };
    // The last word is read before anything is written, and written last: where it overlaps the
    // one before, it writes the same, and no loop over single bytes is needed.
    let first = u64::from_ne_bytes(*first) ^ widen(key, phase);
    let last = u64::from_ne_bytes(*last) ^ widen(key, phase % 4 + buf.len());
    let mut or = first | last;
    if buf.len() > 16 {
        or |= words(widen(key, phase), buf);
    } else if let Some(start) = buf.first_chunk_mut() {
        *start = first.to_ne_bytes();
    }
    if let Some(end) = buf.last_chunk_mut() {
        *end = last.to_ne_bytes();
    }
    or
}

/// Every whole word; what is left behind them is the caller's.
fn words(key: u64, buf: &mut [u8]) -> u64 {
    let mut or = 0;
    for bytes in buf.as_chunks_mut().0 {
        let plain = u64::from_ne_bytes(*bytes) ^ key;
        or |= plain;
        *bytes = plain.to_ne_bytes();
    }
    or
}

/// Fewer than eight bytes.
#[inline]
fn short(key: [u8; 4], phase: usize, buf: &mut [u8]) -> u64 {
    let mut or = 0;
    for (byte, key) in buf.iter_mut().zip(widen(key, phase).to_ne_bytes()) {
        *byte ^= key;
        or |= *byte;
    }
    or.into()
}

/// The key for the eight bytes from this phase on.
#[inline]
fn widen(key: [u8; 4], phase: usize) -> u64 {
    let rotated = u32::from_le_bytes(key).rotate_right(8 * (phase % 4) as u32);
    // Twice the same half, so the byte order of the number does not matter.
    u64::from(u32::from_ne_bytes(rotated.to_le_bytes())) * 0x1_0000_0001
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
