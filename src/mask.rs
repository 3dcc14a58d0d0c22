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

use crate::kernel;

/// Masks or unmasks `buf` in place, and returns the phase of the next piece of the payload (§5.3).
///
/// Masking is its own inverse. `phase` is the position of `buf` in the payload, in bytes. For the
/// start of a payload it is 0. For a later piece it is the number of payload bytes before the
/// piece, or the value that the previous call returned. Only `phase` modulo 4 matters. The returned
/// phase is 0 to 3.
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
    kernel::mask(kernel::turned(kernel::number(key), phase), buf);
    (phase % 4 + buf.len()) % 4
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
        /// Compares with a naive implementation that follows §5.3 octet by octet.
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
