//! The masking key as a number, the masking of blocks of `N` bytes, and the places for masked bytes.

use core::mem::MaybeUninit;

/// A place for a byte: a byte to overwrite, or memory that has no value yet.
pub(crate) trait Place: Sized {
    /// Returns the bytes as places that have these values. It costs nothing.
    fn block<const N: usize>(bytes: [u8; N]) -> [Self; N];

    /// Copies `from` to `to`.
    ///
    /// # Panics
    ///
    /// May panic if they differ in length.
    fn copy(from: &[u8], to: &mut [Self]);
}

impl Place for u8 {
    #[inline(always)]
    fn block<const N: usize>(bytes: [u8; N]) -> [Self; N] {
        bytes
    }

    #[inline]
    fn copy(from: &[u8], to: &mut [Self]) {
        to.copy_from_slice(from);
    }
}

impl Place for MaybeUninit<u8> {
    #[inline(always)]
    fn block<const N: usize>(bytes: [u8; N]) -> [Self; N] {
        bytes.map(Self::new)
    }

    // The compiler turns the loop into one copy.
    #[inline]
    fn copy(from: &[u8], to: &mut [Self]) {
        for (from, to) in from.iter().zip(to) {
            to.write(*from);
        }
    }
}

/// Returns the masking key as a number. Its lowest byte masks the first byte of the payload.
#[inline]
pub(crate) fn number(key: [u8; 4]) -> u32 {
    u32::from_le_bytes(key)
}

/// Returns the key for a buffer that starts at this index of the payload that `key` masks.
#[inline(always)]
pub(crate) fn turned(key: u32, index: usize) -> u32 {
    key.rotate_right(8 * (index % 4) as u32)
}

/// Returns the first and the last block of `buf`, masked, or `None` if `buf` is shorter than a
/// block.
///
/// If `buf` is at most two blocks long, the two blocks cover all of it. If they overlap, they agree
/// on the bytes that they share.
#[inline(always)]
pub(super) fn ends<const N: usize>(key: u32, buf: &[u8]) -> Option<([u8; N], [u8; N])> {
    let (first, last) = (buf.first_chunk()?, buf.last_chunk()?);
    Some((masked(key, *first), masked(turned(key, buf.len() - N), *last)))
}

/// Overwrites the first and the last block of `buf`.
#[inline(always)]
pub(super) fn put_ends<P: Place, const N: usize>(buf: &mut [P], first: [u8; N], last: [u8; N]) {
    if let Some(start) = buf.first_chunk_mut() {
        *start = P::block(first);
    }
    if let Some(end) = buf.last_chunk_mut() {
        *end = P::block(last);
    }
}

#[inline(always)]
fn masked<const N: usize>(key: u32, mut block: [u8; N]) -> [u8; N] {
    let (words, rest) = block.as_chunks_mut();
    for bytes in words {
        *bytes = (u64::from_le_bytes(*bytes) ^ twice(key)).to_le_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.to_le_bytes()) {
        *byte ^= key;
    }
    block
}

/// Returns the key twice in a row, to mask eight bytes.
#[inline]
pub(super) fn twice(key: u32) -> u64 {
    u64::from(key) * 0x1_0000_0001
}
