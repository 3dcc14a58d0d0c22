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

use core::sync::atomic::{AtomicU8, Ordering};

use crate::utf8::{Ending, Text};

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

    /// Masks `buf`, whose first byte meets the lowest byte of `key`; whether it has: it has not
    /// where there are no wide registers or `buf` is too short for them.
    #[inline]
    #[allow(unsafe_code)]
    pub(crate) fn mask(self, key: u32, buf: &mut [u8]) -> bool {
        debug_assert!(self <= Self::of_this_machine());
        match self {
            // SAFETY: `of_this_machine` has found out that the processor has what this level needs.
            Self::Avx512 => unsafe { avx512::mask(key, buf) },
            // SAFETY: the same.
            Self::Avx2 => unsafe { avx2::mask(key, buf) },
            Self::Portable => false,
        }
    }

    /// Unmasks the text where it lies, if it can be written, and judges it; `None`, with nothing
    /// done, where there are no wide registers or the text is too short for them.
    #[inline]
    #[allow(unsafe_code)]
    pub(crate) fn judge(self, key: u32, text: &mut impl Text) -> Option<Ending> {
        debug_assert!(self <= Self::of_this_machine());
        match self {
            // SAFETY: `of_this_machine` has found out that the processor has what this level needs.
            Self::Avx512 => unsafe { avx512::judge(key, text) },
            // SAFETY: the same.
            Self::Avx2 => unsafe { avx2::judge(key, text) },
            Self::Portable => None,
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

/// How many bytes come before the first at a multiple of `width` in memory, where the buffer is so
/// long that it is worth starting there: no store then lies in two cache lines.
#[inline(always)]
fn aligned(buf: &[u8], width: usize) -> usize {
    const LONG: usize = 512;
    if buf.len() < LONG { 0 } else { buf.as_ptr().align_offset(width) % width }
}

/// Overwrites the ends of a buffer, which were masked before what is between them, and which may
/// overlap that and each other: it is the same bytes then.
#[inline(always)]
fn put_ends<const N: usize>(buf: &mut [u8], first: [u8; N], last: [u8; N]) {
    if let Some(start) = buf.first_chunk_mut() {
        *start = first;
    }
    if let Some(end) = buf.last_chunk_mut() {
        *end = last;
    }
}
