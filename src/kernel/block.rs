//! The masking key as a number, and blocks of bytes masked with it.

/// The key as a number whose lowest byte meets the first byte of the payload.
#[inline]
pub(crate) fn number(key: [u8; 4]) -> u32 {
    u32::from_le_bytes(key)
}

/// The key as the byte at this index of the masked bytes meets it.
#[inline(always)]
pub(crate) fn turned(key: u32, index: usize) -> u32 {
    key.rotate_right(8 * (index % 4) as u32)
}

/// The first and the last block, masked. Where they overlap, or leave nothing between them, they
/// are the whole; they are the same bytes in both then.
#[inline(always)]
pub(super) fn ends<const N: usize>(key: u32, buf: &[u8]) -> Option<([u8; N], [u8; N])> {
    let (first, last) = (buf.first_chunk()?, buf.last_chunk()?);
    Some((masked(key, *first), masked(turned(key, buf.len() - N), *last)))
}

/// Overwrites the first and the last block.
#[inline(always)]
pub(super) fn put_ends<const N: usize>(buf: &mut [u8], first: [u8; N], last: [u8; N]) {
    if let Some(start) = buf.first_chunk_mut() {
        *start = first;
    }
    if let Some(end) = buf.last_chunk_mut() {
        *end = last;
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

/// The key for eight bytes.
#[inline]
pub(super) fn twice(key: u32) -> u64 {
    u64::from(key) * 0x1_0000_0001
}
