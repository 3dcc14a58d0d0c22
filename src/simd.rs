//! Wide registers, found out at run time: masking, and UTF-8 judged while it is unmasked.
//!
//! Every function here has a portable twin, in `mask` and `utf8`, that gives the same answer; a
//! processor that has no wide registers, a build without `std` and a piece that is too short for
//! them use the twin. The kernels are safe code, compiled for registers that not every processor
//! has, and [`Level`] is the one door to them.
//!
//! UTF-8 is judged as Keiser and Lemire describe it ("Validating UTF-8 In Less Than One Instruction
//! Per Byte", 2021). Every error but one shows in two bytes that follow each other: three tables
//! of sixteen entries, for the high and the low half of the first byte and for the high half of
//! the second, say of which errors each half can be part, and an error that all three name is one.
//! What is left is how long a character is: where two bytes back stands a lead of three or more
//! bytes, or three bytes back one of four, two continuation bytes in a row are no error but a duty.

mod avx2;
mod avx512;
mod tables;

use core::ops::Range;
use core::sync::atomic::{AtomicU8, Ordering};

use crate::mask::words;
use crate::utf8::{Ending, Text, judge_portable};

/// The registers that the processor has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Level {
    /// Nothing wider than what every processor of its kind has.
    Portable = 1,
    /// 32 bytes.
    Avx2,
    /// 64 bytes, with VBMI, which has tables of 64 entries.
    Avx512,
}

impl Level {
    /// What this processor has. It is asked once.
    #[inline]
    pub(crate) fn of_this_machine() -> Self {
        static KNOWN: AtomicU8 = AtomicU8::new(0);
        match KNOWN.load(Ordering::Relaxed) {
            0 => {
                let level = Self::ask();
                KNOWN.store(level as u8, Ordering::Relaxed);
                level
            }
            1 => Self::Portable,
            2 => Self::Avx2,
            _ => Self::Avx512,
        }
    }

    #[cold]
    fn ask() -> Self {
        if !std::arch::is_x86_feature_detected!("avx2") {
            Self::Portable
        } else if std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("avx512vbmi")
        {
            Self::Avx512
        } else {
            Self::Avx2
        }
    }

    /// Masks `buf`, whose first byte meets the lowest byte of `key`.
    #[inline]
    #[allow(unsafe_code)]
    pub(crate) fn mask(self, key: u32, buf: &mut [u8]) {
        debug_assert!(self <= Self::of_this_machine());
        match self {
            // SAFETY: the processor has what this level needs: `of_this_machine` has asked it.
            Self::Avx512 | Self::Avx2 => unsafe { avx2::mask(key, buf) },
            Self::Portable => {
                words(key, buf);
            }
        }
    }

    /// Judges the text, and unmasks it if it can be written.
    #[inline]
    #[allow(unsafe_code)]
    pub(crate) fn judge(self, key: u32, text: impl Text) -> Ending {
        debug_assert!(self <= Self::of_this_machine());
        match self {
            // SAFETY: the processor has what this level needs: `of_this_machine` has asked it.
            Self::Avx512 => unsafe { avx512::judge(key, text) },
            // SAFETY: the same.
            Self::Avx2 => unsafe { avx2::judge(key, text) },
            Self::Portable => judge_portable(key, text),
        }
    }
}

/// The block of `N` bytes that starts `at` this byte.
#[inline(always)]
fn block<const N: usize>(bytes: &[u8], at: usize) -> &[u8; N] {
    match bytes[at..at + N].first_chunk() {
        Some(block) => block,
        None => unreachable!(),
    }
}

/// The blocks that are left to mask between the ends of a buffer, which are a block each: from a
/// cache line's start on, where there are so many that it is worth it.
#[inline(always)]
fn middle<const N: usize>(buf: &[u8]) -> Range<usize> {
    const LONG: usize = 512;
    let start = if buf.len() < LONG { N } else { N - buf.as_ptr().addr() % N };
    let blocks = (buf.len() - N).saturating_sub(start).div_ceil(N);
    start..start + blocks * N
}
