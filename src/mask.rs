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
    if buf.len() < LONG { apply_words(key, phase, buf) } else { apply_long(key, phase, buf) }
}

/// From the start of a cache line on no store straddles two.
#[inline(never)]
fn apply_long(key: [u8; 4], phase: usize, buf: &mut [u8]) -> u64 {
    let (start, rest) = buf.split_at_mut(buf.as_ptr().align_offset(64).min(buf.len()));
    apply_words(key, phase, start) | apply_words(key, phase % 4 + start.len(), rest)
}

/// From this length on, in bytes, the start of a cache line is worth looking for.
const LONG: usize = 1_536;

#[inline]
fn apply_words(key: [u8; 4], phase: usize, buf: &mut [u8]) -> u64 {
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

/// Every whole word, with the best that the machine has; what is left behind them is the caller's.
#[inline]
fn words(key: u64, buf: &mut [u8]) -> u64 {
    #[cfg(all(feature = "std", target_arch = "x86_64"))]
    if buf.len() >= WIDE && std::arch::is_x86_feature_detected!("avx2") {
        return avx2::words(key, buf);
    }
    words_of(key, buf)
}

/// From this length on, in bytes, wider registers are worth finding out whether they are there.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
const WIDE: usize = 256;

/// The loop itself: compiled for what every machine has, and for what some have.
#[inline(always)]
fn words_of(key: u64, buf: &mut [u8]) -> u64 {
    let mut or = 0;
    for bytes in buf.as_chunks_mut().0 {
        let plain = u64::from_ne_bytes(*bytes) ^ key;
        or |= plain;
        *bytes = plain.to_ne_bytes();
    }
    or
}

/// The one door to `unsafe`: a function that is compiled for AVX2 can only be called so.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
#[allow(unsafe_code)]
mod avx2 {
    #[inline]
    pub(super) fn words(key: u64, buf: &mut [u8]) -> u64 {
        debug_assert!(std::arch::is_x86_feature_detected!("avx2"));
        // SAFETY: `super::words`, the only caller, has found out that the machine has AVX2.
        unsafe { compiled(key, buf) }
    }

    #[target_feature(enable = "avx2")]
    fn compiled(key: u64, buf: &mut [u8]) -> u64 {
        super::words_of(key, buf)
    }
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

    /// Every path that this machine has, whatever is chosen at run time.
    #[test]
    fn the_portable_loop_and_the_one_for_wide_registers_agree() {
        for len in 0..600 {
            let mut portable: Vec<u8> = (0..len).map(|n| (n * 7) as u8).collect();
            let mut chosen = portable.clone();
            let key = widen([0x37, 0xFA, 0x21, 0x3D], len);
            assert_eq!(words_of(key, &mut portable), words(key, &mut chosen));
            assert_eq!(portable, chosen);
        }
    }

    /// Ors of the plain bytes tell ASCII from the rest, wherever the other byte is.
    #[test]
    fn one_byte_beyond_ascii_is_seen_at_every_place() {
        for len in [1, 7, 8, 9, 16, 17, 300, 1_500] {
            for at in 0..len {
                let mut payload = vec![b'a'; len];
                payload[at] = 0x80;
                apply([1, 2, 3, 4], 0, &mut payload);
                let or = apply_or([1, 2, 3, 4], 0, &mut payload);
                assert_ne!(or & 0x8080_8080_8080_8080, 0, "{at} of {len}");
            }
            let mut ascii = vec![b'a'; len];
            apply([1, 2, 3, 4], 0, &mut ascii);
            assert_eq!(apply_or([1, 2, 3, 4], 0, &mut ascii) & 0x8080_8080_8080_8080, 0);
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
