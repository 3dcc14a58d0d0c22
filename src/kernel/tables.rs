//! The three tables that name the errors two bytes in a row can be, and where a character is cut.

/// A lead byte, and no continuation byte after it.
const TOO_SHORT: u8 = 1;
/// ASCII, and a continuation byte after it.
pub(super) const TOO_LONG: u8 = 1 << 1;
/// `E0`, and less than `A0` after it.
const OVERLONG_3: u8 = 1 << 2;
/// `F4`, and more than `8F` after it; or `F5` and more.
const TOO_LARGE: u8 = 1 << 3;
/// `ED`, and more than `9F` after it.
const SURROGATE: u8 = 1 << 4;
/// `C0` or `C1`.
const OVERLONG_2: u8 = 1 << 5;
/// `F0`, and less than `90` after it; or `F5` and more, and less than `90`.
const OVERLONG_4: u8 = 1 << 6;
/// Two continuation bytes: right where a character has three bytes or more, and wrong elsewhere.
const TWO_CONTINUATIONS: u8 = 1 << 7;

/// What the low half of the first byte can never rule out.
const ANY_LOW: u8 = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS;

/// By the high half of the first byte.
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

/// By the low half of the first byte.
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

/// By the high half of the second byte.
pub(super) const SECOND_HIGH: [u8; 16] = {
    const CONTINUATION: u8 = TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS;
    let mut table = [TOO_SHORT; 16];
    table[0x8] = CONTINUATION | OVERLONG_3 | OVERLONG_4;
    table[0x9] = CONTINUATION | OVERLONG_3 | TOO_LARGE;
    table[0xA] = CONTINUATION | SURROGATE | TOO_LARGE;
    table[0xB] = CONTINUATION | SURROGATE | TOO_LARGE;
    table
};

/// Taken off each byte of a block, this leaves something of the last three where they are the
/// start of a character that goes on.
pub(super) const fn whole_at_the_end<const N: usize>() -> [u8; N] {
    let mut most = [0xFF; N];
    most[N - 3] = 0xEF;
    most[N - 2] = 0xDF;
    most[N - 1] = 0xBF;
    most
}

/// Each of these once for every `times` bytes, as often as it takes to fill the table.
pub(super) const fn spread<const N: usize>(entries: [u8; 16], times: usize) -> [u8; N] {
    let mut table = [0; N];
    let mut index = 0;
    while index < N {
        table[index] = entries[index / times % 16];
        index += 1;
    }
    table
}
