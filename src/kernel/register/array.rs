//! A register as plain bytes.

use super::WIDTH;

pub(in super::super) type Register = [u8; WIDTH];

/// Whether every processor that the crate is compiled for has such registers.
pub(in super::super) const EVERYWHERE: bool = false;

#[inline]
pub(in super::super) fn register(bytes: &[u8; WIDTH]) -> Register {
    *bytes
}

#[inline]
pub(in super::super) fn bytes(register: Register) -> [u8; WIDTH] {
    register
}

/// Returns the key four times in a row, to mask a register.
#[inline]
pub(in super::super) fn four_times(key: u32) -> Register {
    let key = key.to_le_bytes();
    each(|place| key[place % 4])
}

#[inline]
pub(in super::super) fn xor(one: Register, two: Register) -> Register {
    each(|place| one[place] ^ two[place])
}

#[inline]
pub(in super::super) fn and(one: Register, two: Register) -> Register {
    each(|place| one[place] & two[place])
}

#[inline]
pub(in super::super) fn or(one: Register, two: Register) -> Register {
    each(|place| one[place] | two[place])
}

/// Subtracts each byte of `two` from that of `one`, down to zero.
#[inline]
pub(in super::super) fn less(one: Register, two: Register) -> Register {
    each(|place| one[place].saturating_sub(two[place]))
}

/// Returns the high half of each byte.
#[inline]
pub(in super::super) fn high(register: Register) -> Register {
    register.map(|byte| byte >> 4)
}

/// Returns the entry of `table` at each of `places`, which are below 16.
#[inline]
pub(in super::super) fn look_up(table: Register, places: Register) -> Register {
    places.map(|place| table[usize::from(place)])
}

/// Returns the bytes `BY` places before those of `now`, which follows `before`. `BY` is 1 to 3.
#[inline]
pub(in super::super) fn back<const BY: usize>(before: Register, now: Register) -> Register {
    each(|place| if place < BY { before[WIDTH + place - BY] } else { now[place - BY] })
}

/// Returns whether all bytes are ASCII.
#[inline]
pub(in super::super) fn is_ascii(register: Register) -> bool {
    register.is_ascii()
}

/// Returns whether all bytes are zero.
#[inline]
pub(in super::super) fn is_zero(register: Register) -> bool {
    register == [0; WIDTH]
}

#[inline]
fn each(byte: impl Fn(usize) -> u8) -> Register {
    core::array::from_fn(byte)
}
