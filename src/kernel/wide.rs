//! Which blocks a kernel with wide registers reads.

use core::ops::Range;

/// The block of `N` bytes that starts `at` this byte.
#[inline(always)]
pub(super) fn block<const N: usize>(bytes: &[u8], at: usize) -> &[u8; N] {
    match bytes[at..at + N].first_chunk() {
        Some(block) => block,
        None => unreachable!(),
    }
}

/// The blocks that are left to mask between the ends of a buffer, which are a block each: from a
/// cache line's start on, where there are so many that it is worth it.
#[inline(always)]
pub(super) fn middle<const N: usize>(buf: &[u8]) -> Range<usize> {
    const LONG: usize = 512;
    let start = if buf.len() < LONG { N } else { N - buf.as_ptr().addr() % N };
    let blocks = (buf.len() - N).saturating_sub(start).div_ceil(N);
    start..start + blocks * N
}
