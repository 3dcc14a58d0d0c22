//! The registers of x86 processors with SSE4.1.

#[cfg(target_arch = "x86")]
use core::arch::x86::*;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::*;

use super::WIDTH;

pub(in super::super) type Register = __m128i;

/// Whether every processor that the crate is compiled for has such registers.
#[cfg(not(feature = "std"))]
pub(in super::super) const EVERYWHERE: bool = cfg!(target_feature = "sse4.1");

/// Loads a register. There is no safe load, so this builds it from two numbers, which the
/// compiler turns into one load.
#[inline]
#[target_feature(enable = "sse4.1")]
pub(in super::super) fn register(bytes: &[u8; WIDTH]) -> Register {
    let words = bytes.as_chunks().0;
    let word = |index: usize| f64::from_bits(u64::from_le_bytes(words[index]));
    _mm_castpd_si128(_mm_setr_pd(word(0), word(1)))
}

/// Returns the bytes of a register. The compiler turns this into one store.
#[inline]
#[target_feature(enable = "sse4.1")]
pub(in super::super) fn bytes(register: Register) -> [u8; WIDTH] {
    let mut bytes = [0; WIDTH];
    let words = bytes.as_chunks_mut().0;
    words[0] = _mm_extract_epi32::<0>(register).to_le_bytes();
    words[1] = _mm_extract_epi32::<1>(register).to_le_bytes();
    words[2] = _mm_extract_epi32::<2>(register).to_le_bytes();
    words[3] = _mm_extract_epi32::<3>(register).to_le_bytes();
    bytes
}

/// Returns the key four times in a row, to mask a register.
#[inline]
#[target_feature(enable = "sse4.1")]
pub(in super::super) fn four_times(key: u32) -> Register {
    _mm_set1_epi32(key as i32)
}

#[inline]
#[target_feature(enable = "sse4.1")]
pub(in super::super) fn xor(one: Register, two: Register) -> Register {
    _mm_xor_si128(one, two)
}

#[inline]
#[target_feature(enable = "sse4.1")]
pub(in super::super) fn and(one: Register, two: Register) -> Register {
    _mm_and_si128(one, two)
}

#[inline]
#[target_feature(enable = "sse4.1")]
pub(in super::super) fn or(one: Register, two: Register) -> Register {
    _mm_or_si128(one, two)
}

/// Subtracts each byte of `two` from that of `one`, down to zero.
#[inline]
#[target_feature(enable = "sse4.1")]
pub(in super::super) fn less(one: Register, two: Register) -> Register {
    _mm_subs_epu8(one, two)
}

/// Returns the high half of each byte.
#[inline]
#[target_feature(enable = "sse4.1")]
pub(in super::super) fn high(register: Register) -> Register {
    _mm_and_si128(_mm_srli_epi16::<4>(register), _mm_set1_epi8(0x0F))
}

/// Returns the entry of `table` at each of `places`, which are below 16.
#[inline]
#[target_feature(enable = "sse4.1")]
pub(in super::super) fn look_up(table: Register, places: Register) -> Register {
    _mm_shuffle_epi8(table, places)
}

/// Returns the bytes `BY` places before those of `now`, which follows `before`. `BY` is 1 to 3.
#[inline]
#[target_feature(enable = "sse4.1")]
pub(in super::super) fn back<const BY: usize>(before: Register, now: Register) -> Register {
    match BY {
        1 => _mm_alignr_epi8::<15>(now, before),
        2 => _mm_alignr_epi8::<14>(now, before),
        _ => _mm_alignr_epi8::<13>(now, before),
    }
}

/// Returns whether all bytes are ASCII.
#[inline]
#[target_feature(enable = "sse4.1")]
pub(in super::super) fn is_ascii(register: Register) -> bool {
    _mm_movemask_epi8(register) == 0
}

/// Returns whether all bytes are zero.
#[inline]
#[target_feature(enable = "sse4.1")]
pub(in super::super) fn is_zero(register: Register) -> bool {
    _mm_testz_si128(register, register) != 0
}
