//! What it costs to copy what arrives, once: nobody receives into a buffer of their own for less.

/// Copies `from` to the front of `to`, so many bytes at a time, and gives how many there were.
pub fn copy_in_chunks(from: &[u8], to: &mut [u8], chunk: usize) -> usize {
    let mut copied = 0;
    for (from, to) in from.chunks(chunk).zip(to.chunks_mut(chunk)) {
        to[..from.len()].copy_from_slice(from);
        copied += from.len();
    }
    copied
}
