//! The blocks that a kernel with wide registers reads.

use core::ops::Range;

use super::block::Place;

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

/// Overwrites the block of `N` bytes that starts at the byte `at`.
///
/// # Panics
///
/// Panics if the block does not end inside `places`.
#[inline(always)]
pub(super) fn put_block<P: Place, const N: usize>(places: &mut [P], at: usize, block: [u8; N]) {
    match places[at..at + N].first_chunk_mut() {
        Some(place) => *place = P::block(block),
        None => unreachable!(),
    }
}

/// Returns the range of the whole blocks between the first block of `buf` and the last two, of which
/// the second to last starts where the range ends. `buf` has at least two blocks.
///
/// The first block may overlap the range, and the last may overlap the one before it. In a buffer of
/// 512 bytes or more the range starts at an address that is a multiple of `N`, because writing to
/// aligned blocks is faster. The kernels take the last two blocks at the end, and not the last one
/// first, because a processor fetches memory ahead only if it is read in order.
#[inline(always)]
pub(super) fn middle<const N: usize, P>(buf: &[P]) -> Range<usize> {
    const LONG: usize = 512;
    let start = if buf.len() < LONG { N } else { N - buf.as_ptr().addr() % N };
    let blocks = (buf.len() - N).saturating_sub(start) / N;
    start..start + blocks * N
}
