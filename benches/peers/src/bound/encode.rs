//! What it costs to write short frames: two bytes, a key, and the payload.

use multiversion::multiversion;

use crate::encode::Outgoing;

/// Writes all frames to the front of `out`, and gives how many bytes they are.
///
/// The payloads must be of 8 to 125 bytes, and those without a key of 16 to 32. The only checks are those that keep safe Rust within
/// the buffer.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2",
    "aarch64+neon"
))]
pub fn encode_all(outgoing: &Outgoing, out: &mut [u8]) -> usize {
    let mut at = 0;
    for (key, payload) in outgoing.frames() {
        let len = payload.len() as u8;
        let body = match key {
            Some([a, b, c, d]) => {
                out[at..at + 6].copy_from_slice(&[0x82, 0x80 | len, a, b, c, d]);
                at + 6
            }
            None => {
                out[at..at + 2].copy_from_slice(&[0x82, len]);
                at + 2
            }
        };
        at = body + payload.len();
        match key {
            Some(key) => copy_masked(u32::from_le_bytes(key), payload, &mut out[body..at]),
            None => copy_short(payload, &mut out[body..at]),
        }
    }
    at
}

/// Copies at most 32 bytes as two halves that overlap: less than a call.
#[inline(always)]
fn copy_short(from: &[u8], to: &mut [u8]) {
    if let (Some(&first), Some(&last)) = (from.first_chunk::<16>(), from.last_chunk::<16>())
        && let Some(start) = to.first_chunk_mut()
    {
        *start = first;
        if let Some(end) = to.last_chunk_mut() {
            *end = last;
        }
    }
}

/// Copies word by word, which the compiler turns into the widest registers that there are. The last
/// word may overlap the one before.
#[inline(always)]
fn copy_masked(key: u32, from: &[u8], to: &mut [u8]) {
    let word = u64::from(key) << 32 | u64::from(key);
    for (from, to) in from.as_chunks().0.iter().zip(to.as_chunks_mut().0) {
        *to = (u64::from_le_bytes(*from) ^ word).to_le_bytes();
    }
    let last_word = word.rotate_right(8 * (from.len() as u32 % 4));
    if let (Some(from), Some(to)) = (from.last_chunk(), to.last_chunk_mut()) {
        *to = (u64::from_le_bytes(*from) ^ last_word).to_le_bytes();
    }
}
