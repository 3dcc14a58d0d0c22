//! What a message reaches back to: all 32,768 bytes before it, as they came out, wherever they lie in
//! the memory of the inflater, and nothing before them.
#![cfg(feature = "deflate")]

mod common;

use common::deflate::{flate2, flate2_final, reaching};
use flate2::{Compress, Compression};
use wsvet::deflate::{Inflater, InvalidDeflate};

const WINDOW: usize = 32 << 10;

/// Text without a period, out of words that come again and again. So each stretch of 3 bytes has
/// others around it, and most bytes are copies of earlier ones.
fn text(len: usize, mut seed: u32) -> Vec<u8> {
    let mut number = |below: usize| {
        seed = seed.wrapping_mul(0x0019_660D).wrapping_add(0x3C6E_F35F);
        (seed >> 8) as usize % below
    };
    let words: Vec<Vec<u8>> =
        (0..200).map(|_| (0..3 + number(40)).map(|_| number(256) as u8).collect()).collect();
    let mut text = Vec::new();
    while text.len() < len {
        text.extend_from_slice(&words[number(words.len())]);
    }
    text.truncate(len);
    text
}

/// An inflater with context takeover, and all bytes that have come out.
struct Direction {
    inflater: Inflater,
    plain: Vec<u8>,
}

impl Direction {
    fn new() -> Self {
        Self { inflater: Inflater::new(true), plain: Vec::new() }
    }

    /// Inflates a message in pieces of `size` bytes, and returns the index of its first byte in
    /// `plain`.
    fn message(&mut self, compressed: &[u8], size: usize) -> Result<usize, InvalidDeflate> {
        let start = self.plain.len();
        let mut keep = |piece: &[u8]| {
            self.plain.extend_from_slice(piece);
            Ok::<_, InvalidDeflate>(())
        };
        for piece in compressed.chunks(size) {
            self.inflater.inflate(piece, false, &mut keep)?;
        }
        self.inflater.inflate(b"", true, &mut keep)?;
        Ok(start)
    }

    /// Checks that a message that refers to data at this distance inflates to this data.
    #[track_caller]
    fn reach(&mut self, distance: usize, about: impl std::fmt::Display) {
        let start = self.message(&reaching(distance), usize::MAX).unwrap();
        let (before, back) = self.plain.split_at(start);
        assert_eq!(back, &before[start - distance..][..3], "distance {distance} after {about}");
    }
}

/// The message before may end with a final block or not. A message cannot refer to data before the
/// first byte of the direction.
#[test]
fn the_whole_window_is_there_and_no_more() {
    for before in [20_000, 32_767, 32_768, 40_000, 100_000] {
        let plain = text(before, 1);
        let first = flate2(&mut Compress::new(Compression::new(6), false), &plain);
        let last = flate2_final(6, &plain);
        for (first, name) in [(first, "a message"), (last, "a final block")] {
            let mut direction = Direction::new();
            direction.message(&first, usize::MAX).unwrap();
            assert!(direction.plain == plain, "{name} of {before}");
            direction.reach(before.min(WINDOW), format_args!("{name} of {before} bytes"));
            let mut direction = Direction::new();
            direction.message(&first, usize::MAX).unwrap();
            if before < WINDOW {
                let beyond = direction.message(&reaching(before + 1), usize::MAX);
                assert_eq!(beyond, Err(InvalidDeflate), "{name} of {before} bytes");
            }
        }
    }
}

/// The oldest bytes of the window, after a final block at each of these lengths.
#[test]
fn a_final_block_keeps_the_oldest_bytes() {
    let lengths = [32_768, 32_780, 33_000, 36_900, 40_000, 49_000, 49_200, 65_536, 66_000, 100_000];
    for before in lengths {
        let plain = text(before, before as u32);
        let message = flate2_final(6, &plain);
        for size in [usize::MAX, 4_000, 700] {
            for distance in WINDOW - 299..=WINDOW {
                let mut direction = Direction::new();
                direction.message(&message, size).unwrap();
                direction.reach(distance, format_args!("{before} bytes in pieces of {size}"));
            }
            let mut direction = Direction::new();
            direction.message(&message, size).unwrap();
            assert!(direction.plain == plain, "{before} bytes in pieces of {size}");
        }
    }
}

/// The same after one message after another, so that the window begins at any byte of the memory.
#[test]
fn final_blocks_keep_the_oldest_bytes_wherever_they_lie() {
    for (seed, size) in [(1, usize::MAX), (2, 1), (3, 13), (4, 500), (5, usize::MAX)] {
        let mut direction = Direction::new();
        direction.message(&flate2_final(6, &text(WINDOW, seed)), size).unwrap();
        for round in 0..1_500 {
            let len = [0, 1, 7, 40, 300, 1_000, 5_000][round % 7] + round % 97;
            let plain = text(len, seed + round as u32);
            let start = direction.message(&flate2_final(6, &plain), size).unwrap();
            assert_eq!(direction.plain[start..], plain);
            let about = format_args!("round {round} in pieces of {size}");
            direction.reach(WINDOW - round * 7 % 300, about);
        }
    }
}
