//! The registers of ARM's NEON, which every processor of 64 bits has.

use core::arch::aarch64::*;

use super::WIDTH;

pub(in super::super) type Register = uint8x16_t;

/// Whether every processor that the crate is compiled for has such registers.
pub(in super::super) const EVERYWHERE: bool = true;

/// Loads a register.
///
/// There is no safe load. What is built from numbers, the compiler does not always turn into one.
#[inline]
#[target_feature(enable = "neon")]
#[allow(unsafe_code)]
pub(in super::super) fn register(bytes: &[u8; WIDTH]) -> Register {
    // SAFETY: `bytes` points to the 16 bytes that this reads, and they need no alignment.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

/// Returns the bytes of a register. The compiler turns this into one store.
#[inline]
#[target_feature(enable = "neon")]
pub(in super::super) fn bytes(register: Register) -> [u8; WIDTH] {
    let register = vreinterpretq_u64_u8(register);
    let mut bytes = [0; WIDTH];
    let words = bytes.as_chunks_mut().0;
    words[0] = vgetq_lane_u64::<0>(register).to_le_bytes();
    words[1] = vgetq_lane_u64::<1>(register).to_le_bytes();
    bytes
}

/// Returns the key four times in a row, to mask a register.
#[inline]
#[target_feature(enable = "neon")]
pub(in super::super) fn four_times(key: u32) -> Register {
    vreinterpretq_u8_u32(vdupq_n_u32(key))
}

#[inline]
#[target_feature(enable = "neon")]
pub(in super::super) fn xor(one: Register, two: Register) -> Register {
    veorq_u8(one, two)
}

#[inline]
#[target_feature(enable = "neon")]
pub(in super::super) fn and(one: Register, two: Register) -> Register {
    vandq_u8(one, two)
}

#[inline]
#[target_feature(enable = "neon")]
pub(in super::super) fn or(one: Register, two: Register) -> Register {
    vorrq_u8(one, two)
}

/// Subtracts each byte of `two` from that of `one`, down to zero.
#[inline]
#[target_feature(enable = "neon")]
pub(in super::super) fn less(one: Register, two: Register) -> Register {
    vqsubq_u8(one, two)
}

/// Returns the high half of each byte.
#[inline]
#[target_feature(enable = "neon")]
pub(in super::super) fn high(register: Register) -> Register {
    vshrq_n_u8::<4>(register)
}

/// Returns the entry of `table` at each of `places`, which are below 16.
#[inline]
#[target_feature(enable = "neon")]
pub(in super::super) fn look_up(table: Register, places: Register) -> Register {
    vqtbl1q_u8(table, places)
}

/// Returns the bytes `BY` places before those of `now`, which follows `before`. `BY` is 1 to 3.
#[inline]
#[target_feature(enable = "neon")]
pub(in super::super) fn back<const BY: usize>(before: Register, now: Register) -> Register {
    match BY {
        1 => vextq_u8::<15>(before, now),
        2 => vextq_u8::<14>(before, now),
        _ => vextq_u8::<13>(before, now),
    }
}

/// Returns whether all bytes are ASCII.
#[inline]
#[target_feature(enable = "neon")]
pub(in super::super) fn is_ascii(register: Register) -> bool {
    vmaxvq_u8(register) < 0x80
}

/// Returns whether all bytes are zero.
#[inline]
#[target_feature(enable = "neon")]
pub(in super::super) fn is_zero(register: Register) -> bool {
    vmaxvq_u8(register) == 0
}
