//! The kernels for registers of 32 bytes (AVX2).

use core::arch::x86_64::*;

use super::block::{Place, turned};
use super::tables::{FIRST_HIGH, FIRST_LOW, SECOND_HIGH, spread, whole_at_the_end};
use super::wide::{block, middle, put_block};
use super::{Ending, Text, portable};

/// The number of bytes in a register.
const WIDTH: usize = 32;
const HALF: usize = WIDTH / 2;

/// Masks `buf`. The portable kernel masks a buffer that is shorter than two registers.
#[target_feature(enable = "avx2")]
pub(super) fn mask(key: u32, buf: &mut [u8]) {
    let len = buf.len();
    if len < 2 * WIDTH {
        portable::mask(key, buf);
        return;
    }
    let first = bytes(unmasked(block(buf, 0), key));
    let middle = middle::<WIDTH, _>(buf);
    let end = middle.end;
    let word = _mm256_set1_epi32(turned(key, middle.start) as i32);
    // Two cache lines in each round.
    let (rounds, rest) = buf[middle].as_chunks_mut::<{ 4 * WIDTH }>();
    for round in rounds {
        for block in round.as_chunks_mut().0 {
            *block = bytes(_mm256_xor_si256(register(block), word));
        }
    }
    for block in rest.as_chunks_mut().0 {
        *block = bytes(_mm256_xor_si256(register(block), word));
    }
    let before = bytes(_mm256_xor_si256(register(block(buf, end)), word));
    let last = bytes(unmasked(block(buf, len - WIDTH), turned(key, len)));
    put_block(buf, end, before);
    put_block(buf, len - WIDTH, last);
    put_block(buf, 0, first);
}

/// Copies `from` to `to`, and masks the copy. Both must have the same length. The portable kernel
/// copies what is shorter than two registers.
#[target_feature(enable = "avx2")]
pub(super) fn copy<P: Place>(key: u32, from: &[u8], to: &mut [P]) {
    let len = from.len();
    if len < 2 * WIDTH {
        return portable::copy(key, from, to);
    }
    put_block(to, 0, bytes(unmasked(block(from, 0), key)));
    let middle = middle::<WIDTH, _>(to);
    let end = middle.end;
    let word = _mm256_set1_epi32(turned(key, middle.start) as i32);
    let (rounds, rest) = from[middle.clone()].as_chunks::<{ 4 * WIDTH }>();
    let (room, last) = to[middle].as_chunks_mut::<{ 4 * WIDTH }>();
    for (from, to) in rounds.iter().zip(room) {
        for (from, to) in from.as_chunks().0.iter().zip(to.as_chunks_mut().0) {
            *to = P::block(bytes(_mm256_xor_si256(register(from), word)));
        }
    }
    for (from, to) in rest.as_chunks().0.iter().zip(last.as_chunks_mut().0) {
        *to = P::block(bytes(_mm256_xor_si256(register(from), word)));
    }
    put_block(to, end, bytes(_mm256_xor_si256(register(block(from, end)), word)));
    let last = bytes(unmasked(block(from, len - WIDTH), turned(key, len)));
    put_block(to, len - WIDTH, last);
}

/// Checks whether text is UTF-8, and unmasks it if it can be written.
#[target_feature(enable = "avx2")]
pub(super) fn judge(key: u32, mut text: impl Text) -> Ending {
    let len = text.bytes().len();
    // Validates the last register first, with the three bytes before it, because they are still
    // masked now. The bytes that the loop validates again get the same result.
    let Some(tail) = len.checked_sub(WIDTH + 3) else { return judge_short(key, text) };
    let back = |by: usize| {
        let at = tail + 3 - by;
        unmasked(block(text.bytes(), at), turned(key, at))
    };
    let last = back(0);
    let mut judged = Judged::new();
    judged.errors = errors(last, back(1), back(2), back(3));
    let word = _mm256_set1_epi32(key as i32);
    let mut at = 0;
    while at + 2 * WIDTH <= len {
        let one = _mm256_xor_si256(register(block(text.bytes(), at)), word);
        let two = _mm256_xor_si256(register(block(text.bytes(), at + WIDTH)), word);
        text.put(at, bytes(one));
        text.put(at + WIDTH, bytes(two));
        judged.pair(one, two);
        at += 2 * WIDTH;
    }
    if at + WIDTH <= len {
        let plain = _mm256_xor_si256(register(block(text.bytes(), at)), word);
        text.put(at, bytes(plain));
        judged.next(plain);
    }
    text.put(len - WIDTH, bytes(last));
    judged.ending(cut(last))
}

/// Does what [`judge`] does, for text of at most 34 bytes.
///
/// The portable kernel validates text that is shorter than half a register.
#[inline(never)]
#[target_feature(enable = "avx2")]
fn judge_short(key: u32, mut text: impl Text) -> Ending {
    let len = text.bytes().len();
    // Reads the last half register before it writes anything, because the writes may overlap it.
    let Some(last) = text.bytes().last_chunk() else { return portable::judge(key, text) };
    let last = unmasked_half(last, turned(key, len));
    let mut judged = Judged::new();
    let mut at = 0;
    if len >= WIDTH {
        let plain = unmasked(block(text.bytes(), 0), key);
        text.put(0, bytes(plain));
        judged.next(plain);
        at = WIDTH;
    }
    // The bytes that are left, followed by zeros.
    let left = len - at;
    let plain = if left < HALF {
        _mm256_set_m128i(_mm_setzero_si128(), shifted(last, HALF - left))
    } else {
        let first = unmasked_half(block(text.bytes(), at), key);
        text.put(at, half_bytes(first));
        _mm256_set_m128i(shifted(last, WIDTH - left), first)
    };
    text.put(len - HALF, half_bytes(last));
    judged.last(plain, left)
}

/// The state of the validation after some blocks.
struct Judged {
    /// The last block that was validated, or zeros at the start.
    before: __m256i,
    /// Not zero if an error was found.
    errors: __m256i,
}

impl Judged {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn new() -> Self {
        let zeros = _mm256_setzero_si256();
        Self { before: zeros, errors: zeros }
    }

    /// Validates the next two blocks. This is fast if both are ASCII.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn pair(&mut self, one: __m256i, two: __m256i) {
        if _mm256_movemask_epi8(_mm256_or_si256(one, two)) == 0 {
            self.errors = _mm256_or_si256(self.errors, cut(self.before));
            self.before = two;
        } else {
            self.next(one);
            self.next(two);
        }
    }

    /// Validates the next block.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn next(&mut self, plain: __m256i) {
        let halves = _mm256_permute2x128_si256::<0x21>(self.before, plain);
        let errors = errors(
            plain,
            _mm256_alignr_epi8::<15>(plain, halves),
            _mm256_alignr_epi8::<14>(plain, halves),
            _mm256_alignr_epi8::<13>(plain, halves),
        );
        self.errors = _mm256_or_si256(self.errors, errors);
        self.before = plain;
    }

    /// Validates the last block and returns the result for the text.
    ///
    /// The first `left` bytes of the block are text, and the others are zeros.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn last(mut self, plain: __m256i, left: usize) -> Ending {
        let before = core::mem::replace(&mut self.errors, _mm256_setzero_si256());
        self.next(plain);
        // A cut character shows as an error at the zero after it.
        let new = register(block(&LEFT, WIDTH - left));
        let cut = _mm256_andnot_si256(new, self.errors);
        self.errors = _mm256_or_si256(before, _mm256_and_si256(new, self.errors));
        self.ending(cut)
    }

    /// Returns the result for the text. `cut` is not zero if the text ends inside a character.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn ending(&self, cut: __m256i) -> Ending {
        if _mm256_testz_si256(self.errors, self.errors) == 0 {
            Ending::Bad
        } else if _mm256_testz_si256(cut, cut) == 0 {
            Ending::Cut
        } else {
            Ending::Whole
        }
    }
}

/// A block that starts `n` bytes before the middle has its first `n` bytes set, and no others.
static LEFT: [u8; 2 * WIDTH] = {
    let mut left = [0; 2 * WIDTH];
    let mut place = 0;
    while place < WIDTH {
        left[place] = 0xFF;
        place += 1;
    }
    left
};

/// Returns a register that is not zero at each byte of `plain` that is an error.
///
/// `back_1`, `back_2` and `back_3` hold the bytes one, two and three places before those of
/// `plain`.
#[inline]
#[target_feature(enable = "avx2")]
fn errors(plain: __m256i, back_1: __m256i, back_2: __m256i, back_3: __m256i) -> __m256i {
    let low = _mm256_set1_epi8(0x0F);
    let high_of = |bytes| _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), low);
    let first_high =
        _mm256_shuffle_epi8(register(const { &spread(FIRST_HIGH, 1) }), high_of(back_1));
    let first_low = _mm256_shuffle_epi8(
        register(const { &spread(FIRST_LOW, 1) }),
        _mm256_and_si256(back_1, low),
    );
    let second_high =
        _mm256_shuffle_epi8(register(const { &spread(SECOND_HIGH, 1) }), high_of(plain));
    let named = _mm256_and_si256(_mm256_and_si256(first_high, first_low), second_high);
    // The top bit stays set if the byte two places before is E0 or more, or if the byte three
    // places before is F0 or more. Two continuation bytes in a row are required there.
    let third = _mm256_subs_epu8(back_2, _mm256_set1_epi8(0x60));
    let fourth = _mm256_subs_epu8(back_3, _mm256_set1_epi8(0x70));
    let due = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(i8::MIN));
    _mm256_xor_si256(named, due)
}

/// Returns a register that is not zero if `plain` ends inside a character.
#[inline]
#[target_feature(enable = "avx2")]
fn cut(plain: __m256i) -> __m256i {
    const WHOLE: [u8; WIDTH] = whole_at_the_end();
    _mm256_subs_epu8(plain, register(&WHOLE))
}

#[inline]
#[target_feature(enable = "avx2")]
fn unmasked(block: &[u8; WIDTH], key: u32) -> __m256i {
    _mm256_xor_si256(register(block), _mm256_set1_epi32(key as i32))
}

/// Loads a register. There is no safe load, so this builds it from four numbers, which the compiler
/// turns into one load.
#[inline]
#[target_feature(enable = "avx2")]
fn register(bytes: &[u8; WIDTH]) -> __m256i {
    let words = bytes.as_chunks().0;
    let word = |index: usize| f64::from_bits(u64::from_le_bytes(words[index]));
    _mm256_castpd_si256(_mm256_setr_pd(word(0), word(1), word(2), word(3)))
}

/// Returns the bytes of a register. The compiler turns this into one store.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn bytes(register: __m256i) -> [u8; WIDTH] {
    let mut bytes = [0; WIDTH];
    let words = bytes.as_chunks_mut().0;
    words[0] = _mm256_extract_epi64::<0>(register).to_le_bytes();
    words[1] = _mm256_extract_epi64::<1>(register).to_le_bytes();
    words[2] = _mm256_extract_epi64::<2>(register).to_le_bytes();
    words[3] = _mm256_extract_epi64::<3>(register).to_le_bytes();
    bytes
}

#[inline]
#[target_feature(enable = "avx2")]
fn unmasked_half(block: &[u8; HALF], key: u32) -> __m128i {
    let words = block.as_chunks().0;
    let word = |index: usize| i64::from_le_bytes(words[index]);
    _mm_xor_si128(_mm_set_epi64x(word(1), word(0)), _mm_set1_epi32(key as i32))
}

#[inline]
#[target_feature(enable = "avx2")]
fn half_bytes(register: __m128i) -> [u8; HALF] {
    let mut bytes = [0; HALF];
    let words = bytes.as_chunks_mut().0;
    words[0] = _mm_extract_epi64::<0>(register).to_le_bytes();
    words[1] = _mm_extract_epi64::<1>(register).to_le_bytes();
    bytes
}

/// Removes the first `by` bytes of a register, and adds as many zeros at its end.
#[inline]
#[target_feature(enable = "avx2")]
fn shifted(register: __m128i, by: usize) -> __m128i {
    // The shuffle writes a zero for an index that has its top bit set.
    static PLACES: [u8; 2 * HALF] = {
        let mut places = [0x80; 2 * HALF];
        let mut place = 0;
        while place < HALF {
            places[place] = place as u8;
            place += 1;
        }
        places
    };
    _mm_shuffle_epi8(register, unmasked_half(block(&PLACES, by), 0))
}
