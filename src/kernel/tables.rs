//! The three tables that find the errors in two bytes in a row, and the table that finds a
//! character that is cut at the end of a block.
//!
//! Each kind of error is a bit. The documentation of [`kernel`](super) explains the algorithm.

/// A lead byte that no continuation byte follows.
const TOO_SHORT: u8 = 1;
/// An ASCII byte that a continuation byte follows.
pub(super) const TOO_LONG: u8 = 1 << 1;
/// `E0`, followed by a continuation byte below `A0`.
const OVERLONG_3: u8 = 1 << 2;
/// `F4` or more, followed by a continuation byte above `8F`.
const TOO_LARGE: u8 = 1 << 3;
/// `ED`, followed by a continuation byte above `9F`.
const SURROGATE: u8 = 1 << 4;
/// `C0` or `C1`, followed by a continuation byte.
const OVERLONG_2: u8 = 1 << 5;
/// `F0`, or `F5` or more, followed by a continuation byte below `90`.
const OVERLONG_4: u8 = 1 << 6;
/// Two continuation bytes in a row. They are valid only inside a character of three or four bytes.
const TWO_CONTINUATIONS: u8 = 1 << 7;

/// The errors that are possible with any low half of the first byte.
const ANY_LOW: u8 = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS;

/// The possible errors for each high half of the first byte.
pub(super) const FIRST_HIGH: [u8; 16] = {
    let mut table = [TOO_LONG; 16];
    table[0x8] = TWO_CONTINUATIONS;
    table[0x9] = TWO_CONTINUATIONS;
    table[0xA] = TWO_CONTINUATIONS;
    table[0xB] = TWO_CONTINUATIONS;
    table[0xC] = TOO_SHORT | OVERLONG_2;
    table[0xD] = TOO_SHORT;
    table[0xE] = TOO_SHORT | OVERLONG_3 | SURROGATE;
    table[0xF] = TOO_SHORT | TOO_LARGE | OVERLONG_4;
    table
};

/// The possible errors for each low half of the first byte.
pub(super) const FIRST_LOW: [u8; 16] = {
    let mut table = [ANY_LOW | TOO_LARGE | OVERLONG_4; 16];
    table[0x0] = ANY_LOW | OVERLONG_2 | OVERLONG_3 | OVERLONG_4;
    table[0x1] = ANY_LOW | OVERLONG_2;
    table[0x2] = ANY_LOW;
    table[0x3] = ANY_LOW;
    table[0x4] = ANY_LOW | TOO_LARGE;
    table[0xD] |= SURROGATE;
    table
};

/// The possible errors for each high half of the second byte.
pub(super) const SECOND_HIGH: [u8; 16] = {
    const CONTINUATION: u8 = TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS;
    let mut table = [TOO_SHORT; 16];
    table[0x8] = CONTINUATION | OVERLONG_3 | OVERLONG_4;
    table[0x9] = CONTINUATION | OVERLONG_3 | TOO_LARGE;
    table[0xA] = CONTINUATION | SURROGATE | TOO_LARGE;
    table[0xB] = CONTINUATION | SURROGATE | TOO_LARGE;
    table
};

/// Returns the largest bytes that a block can end with if it does not cut a character.
///
/// A saturating subtraction of this table from a block is not zero if and only if one of the last
/// three bytes is the lead byte of a character that continues after the block.
pub(super) const fn whole_at_the_end<const N: usize>() -> [u8; N] {
    let mut most = [0xFF; N];
    most[N - 3] = 0xEF;
    most[N - 2] = 0xDF;
    most[N - 1] = 0xBF;
    most
}

/// Fills a table of `N` bytes: each entry `times` times in a row, and all of them again until the
/// table is full.
#[cfg(all(feature = "std", target_arch = "x86_64"))]
pub(super) const fn spread<const N: usize>(entries: [u8; 16], times: usize) -> [u8; N] {
    let mut table = [0; N];
    let mut index = 0;
    while index < N {
        table[index] = entries[index / times % 16];
        index += 1;
    }
    table
}
