//! The lower bounds: what must be done in any case, by loops that check nothing.

#[path = "../peers/src/bound/copy.rs"]
mod copy;
#[path = "../peers/src/bound/headers.rs"]
mod headers;
#[path = "../peers/src/bound/unmask.rs"]
mod unmask;

use multiversion::multiversion;

pub(crate) use copy::copy_in_chunks;
pub(crate) use headers::sum_headers;
pub(crate) use unmask::unmask_all;

/// Masks a payload.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl+avx2+bmi2", "x86_64+avx2+bmi2"))]
pub(crate) fn mask(key: [u8; 4], payload: &mut [u8]) {
    xor(key, payload);
}

/// Reads a text, and gives the OR of its bytes in some byte of the number.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl+avx2+bmi2", "x86_64+avx2+bmi2"))]
pub(crate) fn read(text: &[u8]) -> u64 {
    let (words, rest) = text.as_chunks();
    let or = words.iter().fold(0, |or, word| or | u64::from_ne_bytes(*word));
    rest.iter().fold(or, |or, byte| or | u64::from(*byte))
}

/// Writes a frame of at most 125 bytes of payload.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl+avx2+bmi2", "x86_64+avx2+bmi2"))]
pub(crate) fn encode(key: Option<[u8; 4]>, payload: &[u8], out: &mut [u8; 256]) -> usize {
    let len = payload.len();
    let start = match key {
        Some([a, b, c, d]) => {
            out[..6].copy_from_slice(&[0x82, 0x80 | len as u8, a, b, c, d]);
            6
        }
        None => {
            out[..2].copy_from_slice(&[0x82, len as u8]);
            2
        }
    };
    let body = &mut out[start..start + len];
    body.copy_from_slice(payload);
    if let Some(key) = key {
        xor(key, body);
    }
    start + len
}

/// Word by word, which the compiler turns into the widest registers that there are.
#[inline(always)]
fn xor(key: [u8; 4], payload: &mut [u8]) {
    let word = u64::from(u32::from_ne_bytes(key)) * 0x1_0000_0001;
    let (words, rest) = payload.as_chunks_mut();
    for bytes in words {
        *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}
