//! The blocks that a kernel with wide registers reads.

use core::ops::Range;

/// Returns the block of `N` bytes that starts at the byte `at`.
///
/// # Panics
///
/// Panics if the block does not end inside `bytes`.
#[inline(always)]
pub(super) fn block<const N: usize>(bytes: &[u8], at: usize) -> &[u8; N] {
    match bytes[at..at + N].first_chunk() {
        Some(block) => block,
        None => unreachable!(),
    }
}

/// Returns the range of the whole blocks to mask between the first and the last block of `buf`.
///
/// The range may overlap the first and the last block. In a buffer of 512 bytes or more it starts
/// at an address that is a multiple of `N`, because writing to aligned blocks is faster.
#[inline(always)]
pub(super) fn middle<const N: usize, P>(buf: &[P]) -> Range<usize> {
    const LONG: usize = 512;
    let start = if buf.len() < LONG { N } else { N - buf.as_ptr().addr() % N };
    let blocks = (buf.len() - N).saturating_sub(start).div_ceil(N);
    start..start + blocks * N
}
