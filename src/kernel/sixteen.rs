//! The kernels for registers of 16 bytes: NEON of ARM, SSE4.1 of x86, SIMD128 of WebAssembly.

use super::block::{Place, turned};
use super::register::*;
use super::tables::{FIRST_HIGH, FIRST_LOW, SECOND_HIGH, whole_at_the_end};
use super::wide::{block, middle, put_block};
use super::{Ending, Text, portable};

/// Masks `buf`. The portable kernel masks a buffer that is shorter than two registers.
#[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), target_feature(enable = "sse4.1"))]
#[cfg_attr(all(target_arch = "aarch64", target_feature = "neon"), target_feature(enable = "neon"))]
pub(super) fn mask(key: u32, buf: &mut [u8]) {
    let len = buf.len();
    if len < 2 * WIDTH {
        portable::mask(key, buf);
        return;
    }
    let first = bytes(xor(register(block(buf, 0)), four_times(key)));
    let middle = middle::<WIDTH, _>(buf);
    let end = middle.end;
    let word = four_times(turned(key, middle.start));
    // A cache line in each round.
    let (rounds, rest) = buf[middle].as_chunks_mut::<{ 4 * WIDTH }>();
    for round in rounds {
        for block in round.as_chunks_mut().0 {
            *block = bytes(xor(register(block), word));
        }
    }
    for block in rest.as_chunks_mut().0 {
        *block = bytes(xor(register(block), word));
    }
    let before = bytes(xor(register(block(buf, end)), word));
    let last = bytes(xor(register(block(buf, len - WIDTH)), four_times(turned(key, len))));
    put_block(buf, end, before);
    put_block(buf, len - WIDTH, last);
    put_block(buf, 0, first);
}

/// Copies `from` to `to`, and masks the copy. Both must have the same length. The portable kernel
/// copies what is shorter than two registers.
#[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), target_feature(enable = "sse4.1"))]
#[cfg_attr(all(target_arch = "aarch64", target_feature = "neon"), target_feature(enable = "neon"))]
pub(super) fn copy<P: Place>(key: u32, from: &[u8], to: &mut [P]) {
    let len = from.len();
    if len < 2 * WIDTH {
        return portable::copy(key, from, to);
    }
    put_block(to, 0, bytes(xor(register(block(from, 0)), four_times(key))));
    let middle = middle::<WIDTH, _>(to);
    let end = middle.end;
    let word = four_times(turned(key, middle.start));
    let (rounds, rest) = from[middle.clone()].as_chunks::<{ 4 * WIDTH }>();
    let (room, last) = to[middle].as_chunks_mut::<{ 4 * WIDTH }>();
    for (from, to) in rounds.iter().zip(room) {
        for (from, to) in from.as_chunks().0.iter().zip(to.as_chunks_mut().0) {
            *to = P::block(bytes(xor(register(from), word)));
        }
    }
    for (from, to) in rest.as_chunks().0.iter().zip(last.as_chunks_mut().0) {
        *to = P::block(bytes(xor(register(from), word)));
    }
    put_block(to, end, bytes(xor(register(block(from, end)), word)));
    let last = bytes(xor(register(block(from, len - WIDTH)), four_times(turned(key, len))));
    put_block(to, len - WIDTH, last);
}

/// Checks whether text is UTF-8, and unmasks it if it can be written.
#[inline(never)]
#[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), target_feature(enable = "sse4.1"))]
#[cfg_attr(all(target_arch = "aarch64", target_feature = "neon"), target_feature(enable = "neon"))]
pub(super) fn judge(key: u32, mut text: impl Text) -> Ending {
    // Validates the last register first, because the register before it is still masked now. The
    // bytes that are validated again get the same result.
    let Some(end) = text.bytes().last_chunk::<{ 2 * WIDTH }>() else {
        return judge_short(key, text);
    };
    let len = text.bytes().len();
    let word = four_times(turned(key, len));
    let mut judged = Judged::after(xor(register(block(end, 0)), word));
    let last = xor(register(block(end, WIDTH)), word);
    judged.next([last]);
    judged = Judged { errors: judged.errors, ..Judged::after(register(&[0; WIDTH])) };
    judged.blocks(key, text.again());
    text.put(len - WIDTH, bytes(last));
    judged.ending(last)
}

/// Does what [`judge`] does, for text of less than two registers.
#[inline(never)]
#[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), target_feature(enable = "sse4.1"))]
#[cfg_attr(all(target_arch = "aarch64", target_feature = "neon"), target_feature(enable = "neon"))]
fn judge_short(key: u32, mut text: impl Text) -> Ending {
    if let Some(buf) = text.writable() {
        super::mask(key, buf);
    }
    // Zeros before a text do not change its result.
    let mut padded = [0; 2 * WIDTH];
    padded[2 * WIDTH - text.bytes().len()..].copy_from_slice(text.bytes());
    let last = register(block(&padded, WIDTH));
    let mut judged = Judged::after(register(&[0; WIDTH]));
    judged.next([register(block(&padded, 0)), last]);
    judged.ending(last)
}

/// Unmasks text, two cache lines in a round, while it is ASCII. Returns the rest.
///
/// Most text is ASCII, and needs no tables.
#[inline]
#[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), target_feature(enable = "sse4.1"))]
#[cfg_attr(all(target_arch = "aarch64", target_feature = "neon"), target_feature(enable = "neon"))]
fn ascii<T: Text>(key: Register, mut text: T) -> T {
    while text.bytes().len() >= 8 * WIDTH {
        let plain = plain::<8>(key, &text);
        if !is_ascii(or_all(plain)) {
            break;
        }
        let (mut round, after) = text.split(8 * WIDTH);
        put(&mut round, plain);
        text = after;
    }
    text
}

/// Returns the first blocks of a text, unmasked.
#[inline]
#[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), target_feature(enable = "sse4.1"))]
#[cfg_attr(all(target_arch = "aarch64", target_feature = "neon"), target_feature(enable = "neon"))]
fn plain<const N: usize>(key: Register, text: &impl Text) -> [Register; N] {
    let mut plain = [key; N];
    for (number, plain) in plain.iter_mut().enumerate() {
        *plain = xor(register(block(text.bytes(), number * WIDTH)), key);
    }
    plain
}

/// Overwrites the first blocks of a text, if it can be written.
#[inline]
#[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), target_feature(enable = "sse4.1"))]
#[cfg_attr(all(target_arch = "aarch64", target_feature = "neon"), target_feature(enable = "neon"))]
fn put<const N: usize>(text: &mut impl Text, plain: [Register; N]) {
    for (number, plain) in plain.into_iter().enumerate() {
        text.put(number * WIDTH, bytes(plain));
    }
}

#[inline]
#[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), target_feature(enable = "sse4.1"))]
#[cfg_attr(all(target_arch = "aarch64", target_feature = "neon"), target_feature(enable = "neon"))]
fn or_all<const N: usize>(registers: [Register; N]) -> Register {
    let mut all = registers[0];
    for register in registers {
        all = or(all, register);
    }
    all
}

/// The state of the validation after some blocks.
struct Judged {
    /// The last block that was validated, or zeros at the start.
    before: Register,
    /// For each byte of `before`, the errors that can start with it.
    firsts: Register,
    /// Not zero if an error was found.
    errors: Register,
}

impl Judged {
    /// Creates the state after a block that is validated elsewhere.
    #[inline]
    #[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), target_feature(enable = "sse4.1"))]
    #[cfg_attr(
        all(target_arch = "aarch64", target_feature = "neon"),
        target_feature(enable = "neon")
    )]
    fn after(block: Register) -> Self {
        Self { before: block, firsts: firsts(block), errors: register(&[0; WIDTH]) }
    }

    /// Validates the whole blocks of a text, and unmasks them if it can be written.
    #[inline]
    #[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), target_feature(enable = "sse4.1"))]
    #[cfg_attr(
        all(target_arch = "aarch64", target_feature = "neon"),
        target_feature(enable = "neon")
    )]
    fn blocks(&mut self, key: u32, mut text: impl Text) {
        // Read-only text is not masked. For it the compiler removes the XOR.
        let key = four_times(if text.writable().is_some() { key } else { 0 });
        let mut text = ascii(key, text);
        while text.bytes().len() >= 4 * WIDTH {
            let (mut round, after) = text.split(4 * WIDTH);
            let four = plain::<4>(key, &round);
            put(&mut round, four);
            self.next(four);
            text = after;
        }
        while text.bytes().len() >= WIDTH {
            let (mut block, after) = text.split(WIDTH);
            let one = plain::<1>(key, &block);
            put(&mut block, one);
            self.next(one);
            text = after;
        }
    }

    /// Validates the next blocks. This is fast if all are ASCII.
    #[inline]
    #[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), target_feature(enable = "sse4.1"))]
    #[cfg_attr(
        all(target_arch = "aarch64", target_feature = "neon"),
        target_feature(enable = "neon")
    )]
    fn next<const N: usize>(&mut self, plain: [Register; N]) {
        if is_ascii(or_all(plain)) {
            // The state stays that of the last block that is not ASCII: any whole character before
            // a block is as good as ASCII.
            self.errors = or(self.errors, cut(self.before));
        } else {
            for plain in plain {
                self.next_with_tables(plain);
            }
        }
    }

    #[inline]
    #[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), target_feature(enable = "sse4.1"))]
    #[cfg_attr(
        all(target_arch = "aarch64", target_feature = "neon"),
        target_feature(enable = "neon")
    )]
    fn next_with_tables(&mut self, plain: Register) {
        let firsts = firsts(plain);
        let errors = errors(
            back::<1>(self.firsts, firsts),
            plain,
            back::<2>(self.before, plain),
            back::<3>(self.before, plain),
        );
        *self = Self { before: plain, firsts, errors: or(self.errors, errors) };
    }

    /// Returns the result for a text that ends with `last`.
    #[inline]
    #[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), target_feature(enable = "sse4.1"))]
    #[cfg_attr(
        all(target_arch = "aarch64", target_feature = "neon"),
        target_feature(enable = "neon")
    )]
    fn ending(&self, last: Register) -> Ending {
        if !is_zero(self.errors) {
            Ending::Bad
        } else if !is_zero(cut(last)) {
            Ending::Cut
        } else {
            Ending::Whole
        }
    }
}

/// Returns a register that is not zero if `plain` ends inside a character.
#[inline]
#[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), target_feature(enable = "sse4.1"))]
#[cfg_attr(all(target_arch = "aarch64", target_feature = "neon"), target_feature(enable = "neon"))]
fn cut(plain: Register) -> Register {
    const WHOLE: [u8; WIDTH] = whole_at_the_end();
    less(plain, register(&WHOLE))
}

/// Returns the errors that can start with each byte of `plain`.
#[inline]
#[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), target_feature(enable = "sse4.1"))]
#[cfg_attr(all(target_arch = "aarch64", target_feature = "neon"), target_feature(enable = "neon"))]
fn firsts(plain: Register) -> Register {
    let low = and(plain, register(&[0x0F; WIDTH]));
    and(look_up(register(&FIRST_HIGH), high(plain)), look_up(register(&FIRST_LOW), low))
}

/// Returns a register that is not zero at each byte of `plain` that is an error.
///
/// `firsts` holds the errors that can start with the bytes one place before those of `plain`.
/// `back_2` and `back_3` hold the bytes two and three places before.
#[inline]
#[cfg_attr(any(target_arch = "x86", target_arch = "x86_64"), target_feature(enable = "sse4.1"))]
#[cfg_attr(all(target_arch = "aarch64", target_feature = "neon"), target_feature(enable = "neon"))]
fn errors(firsts: Register, plain: Register, back_2: Register, back_3: Register) -> Register {
    let named = and(firsts, look_up(register(&SECOND_HIGH), high(plain)));
    // The top bit stays set if the byte two places before is E0 or more, or if the byte three
    // places before is F0 or more. Two continuation bytes in a row are required there.
    let third = less(back_2, register(&[0x60; WIDTH]));
    let fourth = less(back_3, register(&[0x70; WIDTH]));
    xor(named, and(or(third, fourth), register(&[0x80; WIDTH])))
}
