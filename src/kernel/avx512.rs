//! The kernels for registers of 64 bytes and tables of 64 entries (AVX-512 with VBMI).

use core::arch::x86_64::*;

use super::block::turned;
use super::tables::{FIRST_HIGH, FIRST_LOW, SECOND_HIGH, TOO_LONG, spread, whole_at_the_end};
use super::wide::{block, middle, put_block};
use super::{Ending, Text, avx2};

/// The number of bytes in a register.
const WIDTH: usize = 64;

/// Masks `buf`. The AVX2 kernel masks a buffer that is shorter than two registers.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn mask(key: u32, buf: &mut [u8]) {
    let len = buf.len();
    if len < 2 * WIDTH {
        return avx2::mask(key, buf);
    }
    let first = unmasked(block(buf, 0), key);
    let middle = middle::<WIDTH, _>(buf);
    let end = middle.end;
    let word = _mm512_set1_epi32(turned(key, middle.start) as i32);
    // Four cache lines in each round.
    let (rounds, rest) = buf[middle].as_chunks_mut::<{ 4 * WIDTH }>();
    for round in rounds {
        for block in round.as_chunks_mut().0 {
            *block = bytes(_mm512_xor_si512(register(block), word));
        }
    }
    for block in rest.as_chunks_mut().0 {
        *block = bytes(_mm512_xor_si512(register(block), word));
    }
    let before = bytes(_mm512_xor_si512(register(block(buf, end)), word));
    let last = bytes(unmasked(block(buf, len - WIDTH), turned(key, len)));
    put_block(buf, end, before);
    put_block(buf, len - WIDTH, last);
    put_block(buf, 0, bytes(first));
}

/// Checks whether text is UTF-8, and unmasks it if it can be written. The AVX2 kernel validates
/// text that is shorter than a register.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) fn judge(key: u32, mut text: impl Text) -> Ending {
    let len = text.bytes().len();
    if len < WIDTH {
        return avx2::judge(key, text);
    }
    let word = _mm512_set1_epi32(key as i32);
    let mut judged = Judged::new();
    let mut at = ascii(word, &mut text);
    while at + WIDTH <= len {
        let plain = _mm512_xor_si512(register(block(text.bytes(), at)), word);
        text.put(at, bytes(plain));
        judged.next(plain);
        at += WIDTH;
    }
    if at == len {
        return judged.ending(cut(judged.before));
    }
    // Of the last register only the bytes that are not validated yet are still masked, if the text
    // can be written. If not, the others are wrong, but are not needed.
    let rest = len - at;
    let word = _mm512_set1_epi32(turned(key, len) as i32);
    let word = _mm512_maskz_mov_epi8(!lanes(WIDTH - rest), word);
    let last = _mm512_xor_si512(register(block(text.bytes(), len - WIDTH)), word);
    text.put(len - WIDTH, bytes(last));
    // Moves the bytes that are not validated yet to the start of the register. Zeros follow them.
    let places = _mm512_add_epi8(places(), _mm512_set1_epi8((WIDTH - rest) as i8));
    judged.last(_mm512_maskz_permutexvar_epi8(lanes(rest), places, last), rest)
}

/// Unmasks text, four registers in a round, while it is ASCII. Returns how many bytes it has
/// unmasked.
///
/// Most text is ASCII, and needs no tables.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn ascii(key: __m512i, text: &mut impl Text) -> usize {
    let mut at = 0;
    while at + 4 * WIDTH <= text.bytes().len() {
        let plain =
            |number| _mm512_xor_si512(register(block(text.bytes(), at + number * WIDTH)), key);
        let four = [plain(0), plain(1), plain(2), plain(3)];
        let or = four.into_iter().fold(four[0], |or, plain| _mm512_or_si512(or, plain));
        if _mm512_movepi8_mask(or) != 0 {
            break;
        }
        for plain in four {
            text.put(at, bytes(plain));
            at += WIDTH;
        }
    }
    at
}

/// The state of the validation after some blocks.
struct Judged {
    /// The last block that was validated, or zeros at the start.
    before: __m512i,
    /// For each byte of `before`, the errors that can start with it.
    firsts: __m512i,
    /// Not zero if an error was found.
    errors: __m512i,
}

impl Judged {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn new() -> Self {
        let zeros = _mm512_setzero_si512();
        Self { before: zeros, firsts: _mm512_set1_epi8(TOO_LONG as i8), errors: zeros }
    }

    /// Validates the next block.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn next(&mut self, plain: __m512i) {
        if _mm512_movepi8_mask(plain) == 0 {
            self.errors = _mm512_or_si512(self.errors, cut(self.before));
            self.firsts = _mm512_set1_epi8(TOO_LONG as i8);
            self.before = plain;
        } else {
            self.errors = _mm512_or_si512(self.errors, self.errors_of(plain));
        }
    }

    /// Validates the last block and returns the result for the text.
    ///
    /// The first `new` bytes of the block are text, and the others are zeros.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn last(mut self, plain: __m512i, new: usize) -> Ending {
        // A cut character shows as an error at the zero after it.
        let errors = self.errors_of(plain);
        let cut = _mm512_maskz_mov_epi8(!lanes(new), errors);
        self.errors = _mm512_or_si512(self.errors, _mm512_maskz_mov_epi8(lanes(new), errors));
        self.ending(cut)
    }

    /// Returns the result for the text. `cut` is not zero if the text ends inside a character.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn ending(&self, cut: __m512i) -> Ending {
        if _mm512_test_epi64_mask(self.errors, self.errors) != 0 {
            Ending::Bad
        } else if _mm512_test_epi64_mask(cut, cut) != 0 {
            Ending::Cut
        } else {
            Ending::Whole
        }
    }

    /// Returns a register that is not zero at each byte of the next block that is an error.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn errors_of(&mut self, plain: __m512i) -> __m512i {
        // The index of a table of 64 entries has six bits. The tables repeat their entries, so that
        // the bits of the other half of the byte do not matter and need not be cleared.
        let high = _mm512_srli_epi16::<2>(plain);
        let firsts = _mm512_and_si512(
            _mm512_permutexvar_epi8(high, register(const { &spread(FIRST_HIGH, 4) })),
            _mm512_permutexvar_epi8(plain, register(const { &spread(FIRST_LOW, 1) })),
        );
        let seconds = _mm512_permutexvar_epi8(high, register(const { &spread(SECOND_HIGH, 4) }));
        let named = _mm512_and_si512(back::<1>(self.firsts, firsts), seconds);
        // The top bit stays set if the byte two places before is E0 or more, or if the byte three
        // places before is F0 or more. Two continuation bytes in a row are required there.
        let third = back::<2>(self.before, plain);
        let third = _mm512_subs_epu8(third, _mm512_set1_epi8(0x60));
        let fourth = back::<3>(self.before, plain);
        let fourth = _mm512_subs_epu8(fourth, _mm512_set1_epi8(0x70));
        let due = _mm512_and_si512(_mm512_or_si512(third, fourth), _mm512_set1_epi8(i8::MIN));
        self.before = plain;
        self.firsts = firsts;
        _mm512_xor_si512(named, due)
    }
}

/// Returns the bytes `BY` places before those of `plain`, which follows `before`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn back<const BY: usize>(before: __m512i, plain: __m512i) -> __m512i {
    const FROM_BOTH: u8 = 64;
    let places = const {
        let mut places = [0; WIDTH];
        let mut place = 0;
        while place < WIDTH {
            places[place] = if place < BY {
                FROM_BOTH + (WIDTH + place - BY) as u8
            } else {
                (place - BY) as u8
            };
            place += 1;
        }
        places
    };
    _mm512_permutex2var_epi8(plain, register(&places), before)
}

/// Returns a register that is not zero if `plain` ends inside a character.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn cut(plain: __m512i) -> __m512i {
    const WHOLE: [u8; WIDTH] = whole_at_the_end();
    _mm512_subs_epu8(plain, register(&WHOLE))
}

/// Returns a register in which each byte is its own index.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn places() -> __m512i {
    const PLACES: [u8; WIDTH] = {
        let mut places = [0; WIDTH];
        let mut place = 0;
        while place < WIDTH {
            places[place] = place as u8;
            place += 1;
        }
        places
    };
    register(&PLACES)
}

/// Returns the mask of the first `count` bytes of a register, which has more bytes than that.
#[inline]
fn lanes(count: usize) -> u64 {
    debug_assert!(count < WIDTH);
    !(!0 << count)
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn unmasked(block: &[u8; WIDTH], key: u32) -> __m512i {
    _mm512_xor_si512(register(block), _mm512_set1_epi32(key as i32))
}

/// Loads a register. There is no safe load, so this builds it from eight numbers, which the
/// compiler turns into one load.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn register(bytes: &[u8; WIDTH]) -> __m512i {
    let words = bytes.as_chunks().0;
    let word = |index: usize| f64::from_bits(u64::from_le_bytes(words[index]));
    _mm512_castpd_si512(_mm512_setr_pd(
        word(0),
        word(1),
        word(2),
        word(3),
        word(4),
        word(5),
        word(6),
        word(7),
    ))
}

/// Returns the bytes of a register. The compiler turns this into one store.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn bytes(register: __m512i) -> [u8; WIDTH] {
    let mut bytes = [0; WIDTH];
    let halves = bytes.as_chunks_mut().0;
    halves[0] = avx2::bytes(_mm512_extracti64x4_epi64::<0>(register));
    halves[1] = avx2::bytes(_mm512_extracti64x4_epi64::<1>(register));
    bytes
}
