//! What it costs to write frames: a header, a key, and the payload.

use multiversion::multiversion;

use crate::encode::Outgoing;

/// The length of a cache line.
const LINE: usize = 64;

/// Writes all frames to the front of `out`, and gives how many bytes they are.
///
/// The payloads must be of 8 bytes at least, and those without a key of 16 to 32. The only checks
/// are those that keep safe Rust within the buffer.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx2+bmi2",
    "x86_64+avx2+bmi2",
    "aarch64+neon"
))]
pub fn encode_all(outgoing: &Outgoing, out: &mut [u8]) -> usize {
    let mut at = 0;
    for (key, payload) in outgoing.frames() {
        let mask = if key.is_some() { 0x80 } else { 0 };
        let len = payload.len();
        let head = match len {
            0..=125 => {
                out[at..at + 2].copy_from_slice(&[0x82, mask | len as u8]);
                2
            }
            126..=0xFFFF => {
                let [a, b] = (len as u16).to_be_bytes();
                out[at..at + 4].copy_from_slice(&[0x82, mask | 126, a, b]);
                4
            }
            _ => {
                out[at..at + 2].copy_from_slice(&[0x82, mask | 127]);
                out[at + 2..at + 10].copy_from_slice(&(len as u64).to_be_bytes());
                10
            }
        };
        at += head;
        if let Some(key) = key {
            out[at..at + 4].copy_from_slice(&key);
            at += 4;
        }
        let body = &mut out[at..at + len];
        match key {
            Some(key) => copy_lines(u32::from_le_bytes(key), payload, body),
            None => copy_short(payload, body),
        }
        at += len;
    }
    at
}

/// Copies and masks a payload. In a long one the stores are aligned to cache lines, so that none
/// crosses two.
#[inline(always)]
fn copy_lines(key: u32, from: &[u8], to: &mut [u8]) {
    if from.len() < 512 {
        return copy_masked(key, from, to);
    }
    let start = LINE + to.as_ptr().align_offset(LINE);
    copy_masked(key, &from[..start], &mut to[..start]);
    copy_masked(key.rotate_right(8 * (start as u32 % 4)), &from[start..], &mut to[start..]);
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
