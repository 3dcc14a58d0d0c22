//! The registers of WebAssembly (SIMD128). A program that uses them runs only where they are.

use core::arch::wasm32::*;

use super::WIDTH;

pub(in super::super) type Register = v128;

/// Whether every processor that the crate is compiled for has such registers.
pub(in super::super) const EVERYWHERE: bool = true;

/// Loads a register. There is no safe load, so this builds it from two numbers, which the
/// compiler turns into one load.
#[inline]
pub(in super::super) fn register(bytes: &[u8; WIDTH]) -> Register {
    let words = bytes.as_chunks().0;
    let word = |index: usize| u64::from_le_bytes(words[index]);
    u64x2(word(0), word(1))
}

/// Returns the bytes of a register. The compiler turns this into one store.
#[inline]
pub(in super::super) fn bytes(register: Register) -> [u8; WIDTH] {
    let mut bytes = [0; WIDTH];
    let words = bytes.as_chunks_mut().0;
    words[0] = u64x2_extract_lane::<0>(register).to_le_bytes();
    words[1] = u64x2_extract_lane::<1>(register).to_le_bytes();
    bytes
}

/// Returns the key four times in a row, to mask a register.
#[inline]
pub(in super::super) fn four_times(key: u32) -> Register {
    u32x4_splat(key)
}

#[inline]
pub(in super::super) fn xor(one: Register, two: Register) -> Register {
    v128_xor(one, two)
}

#[inline]
pub(in super::super) fn and(one: Register, two: Register) -> Register {
    v128_and(one, two)
}

#[inline]
pub(in super::super) fn or(one: Register, two: Register) -> Register {
    v128_or(one, two)
}

/// Subtracts each byte of `two` from that of `one`, down to zero.
#[inline]
pub(in super::super) fn less(one: Register, two: Register) -> Register {
    u8x16_sub_sat(one, two)
}

/// Returns the high half of each byte.
#[inline]
pub(in super::super) fn high(register: Register) -> Register {
    u8x16_shr(register, 4)
}

/// Returns the entry of `table` at each of `places`, which are below 16.
#[inline]
pub(in super::super) fn look_up(table: Register, places: Register) -> Register {
    u8x16_swizzle(table, places)
}

/// Returns the bytes `BY` places before those of `now`, which follows `before`. `BY` is 1 to 3.
#[inline]
pub(in super::super) fn back<const BY: usize>(before: Register, now: Register) -> Register {
    match BY {
        1 => u8x16_shuffle::<15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30>(
            before, now,
        ),
        2 => u8x16_shuffle::<14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29>(
            before, now,
        ),
        _ => u8x16_shuffle::<13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28>(
            before, now,
        ),
    }
}

/// Returns whether all bytes are ASCII.
#[inline]
pub(in super::super) fn is_ascii(register: Register) -> bool {
    u8x16_bitmask(register) == 0
}

/// Returns whether all bytes are zero.
#[inline]
pub(in super::super) fn is_zero(register: Register) -> bool {
    !v128_any_true(register)
}
