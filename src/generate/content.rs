//! Payloads: text, bytes, text that is not UTF-8, compressed data, and Close bodies.

use std::vec;
use std::vec::Vec;

use arbitrary::{Result, Unstructured};

use crate::{CloseCode, CloseFrame, OpCode};

/// The maximum number of bytes of a payload that come from the fuzzer. A longer payload repeats
/// them.
const FRESH: usize = 32;

/// Lengths at which an implementation may change its behavior: the form of the length, or the width
/// of a loop.
const LENGTHS: [usize; 12] = [0, 1, 7, 8, 31, 32, 63, 64, 124, 125, 126, 127];

/// Longer lengths of the same kind.
const LONG_LENGTHS: [usize; 6] = [255, 256, 1_000, 65_535, 65_536, 70_000];

/// The first and the last character of each length in UTF-8 but one byte, the characters around the
/// surrogates, and some others.
const LETTERS: [char; 12] = [
    '\u{80}',
    '\u{7FF}',
    '\u{800}',
    '\u{FFF}',
    '\u{D7FF}',
    '\u{E000}',
    '\u{FFFF}',
    '\u{10000}',
    '\u{10FFFF}',
    'é',
    '€',
    '😀',
];

/// Bytes that are not UTF-8, and the index of the byte that proves it. If only the end of the text
/// proves it, the index is the number of the bytes. The entries are in order of their lengths.
const BAD: [(&[u8], usize); 24] = [
    (b"\xFF", 0),
    (b"\x80", 0),
    (b"\xC3", 1),
    (b"\xE2", 1),
    (b"\xF0", 1),
    (b"\xC0\x80", 0),
    (b"\xC1\xBF", 0),
    (b"\xC3a", 1),
    (b"\xC3\xC3", 1),
    (b"\xE2\x82", 2),
    (b"\xF4\x8F", 2),
    (b"\xE0\x80\x80", 1),
    (b"\xE0\x9F\xBF", 1),
    (b"\xED\xA0\x80", 1),
    (b"\xED\xBF\xBF", 1),
    (b"\xE2\x82a", 2),
    (b"\xC3\xA9\xA9", 2),
    (b"\xF0\x9F\x98", 3),
    (b"\xF0\x80\x80\x80", 1),
    (b"\xF0\x8F\xBF\xBF", 1),
    (b"\xF4\x90\x80\x80", 1),
    (b"\xF5\x80\x80\x80", 0),
    (b"\xF0\x9F\x98\xC3", 3),
    (b"\xF8\x88\x80\x80\x80", 0),
];

/// Returns a length of at most `max` bytes: mostly a short one, sometimes one of [`LENGTHS`] or
/// [`LONG_LENGTHS`].
fn len(u: &mut Unstructured<'_>, max: usize) -> Result<usize> {
    let len = match u.int_in_range(0..=63)? {
        0 => *u.choose(&LONG_LENGTHS)?,
        1..=9 => *u.choose(&LENGTHS)?,
        _ => u.int_in_range(0..=24)?,
    };
    Ok(len.min(max))
}

/// Returns at most `max` bytes.
pub(super) fn bytes(u: &mut Unstructured<'_>, max: usize) -> Result<Vec<u8>> {
    let len = len(u, max)?;
    let fresh = u.bytes(u.len().min(len).min(FRESH))?;
    Ok(fresh.iter().chain(&[0]).copied().cycle().take(len).collect())
}

/// Returns at most `max` bytes of text.
pub(super) fn text(u: &mut Unstructured<'_>, max: usize) -> Result<Vec<u8>> {
    let fresh = bytes(u, max)?;
    let mut text = Vec::with_capacity(fresh.len());
    for byte in &fresh {
        let letter = match byte {
            0..0x80 => char::from(*byte),
            _ => LETTERS[usize::from(*byte) % LETTERS.len()],
        };
        match fresh.len() - text.len() {
            0 => break,
            room if room < letter.len_utf8() => text.push(b'a'),
            _ => text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Ok(text)
}

/// Returns 1 to `max` bytes that are not UTF-8, and the index of the byte that proves it. If only
/// the end of the text proves it, the index is the number of the bytes.
pub(super) fn not_utf8(u: &mut Unstructured<'_>, max: usize) -> Result<(Vec<u8>, usize)> {
    let fitting = BAD.iter().take_while(|(bad, _)| bad.len() <= max).count();
    let (bad, proof) = u.choose(&BAD[..fitting])?;
    let mut all = text(u, max - bad.len())?;
    let proof = all.len() + proof;
    all.extend_from_slice(bad);
    if proof < all.len() {
        let behind = bytes(u, max - all.len())?;
        all.extend_from_slice(&behind);
    }
    Ok((all, proof))
}

/// The number of bytes that [`deflated`] adds to a payload.
pub(super) const LEAST_DEFLATED: usize = 6;

/// Returns the permessage-deflate message of a payload of at most 65,535 bytes, in a block without
/// compression (RFC 7692 §7.2.3.3).
pub(super) fn deflated(plain: &[u8]) -> Vec<u8> {
    let len = plain.len() as u16;
    let mut all = Vec::with_capacity(plain.len() + LEAST_DEFLATED);
    all.push(0);
    all.extend_from_slice(&len.to_le_bytes());
    all.extend_from_slice(&(!len).to_le_bytes());
    all.extend_from_slice(plain);
    // The empty block after it, without its last four bytes, which are never sent (§7.2.1).
    all.push(0);
    all
}

/// Codes that may be sent: the first and the last code of each range.
const SENDABLE: [u16; 9] = [1000, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999];

/// Codes that must not be sent: the codes next to the ranges, and the codes that are only reported.
const NOT_SENDABLE: [u16; 11] = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535];

/// Returns the payload of a message that [`deflated`] has returned.
pub(super) fn inflated(message: &[u8]) -> &[u8] {
    &message[LEAST_DEFLATED - 1..message.len() - 1]
}

/// Returns a code that may be sent if `sendable` is set, or one that must not be sent.
pub(super) fn code(u: &mut Unstructured<'_>, sendable: bool) -> Result<CloseCode> {
    let listed: &[u16] = if sendable { &SENDABLE } else { &NOT_SENDABLE };
    let any: CloseCode = u.arbitrary()?;
    let fits = any.is_sendable() == sendable && u.arbitrary()?;
    Ok(if fits { any } else { CloseCode(*u.choose(listed)?) })
}

/// Returns a payload of `len` bytes that breaks no rule: text, or a Close body for a Close frame.
pub(super) fn harmless(opcode: OpCode, len: usize) -> Vec<u8> {
    let mut payload = vec![b'a'; len];
    if let (OpCode::Close, Some(code)) = (opcode, payload.first_chunk_mut()) {
        *code = CloseCode::NORMAL_CLOSURE.0.to_be_bytes();
    }
    payload
}

/// Returns a valid Close body of at most `max` bytes.
pub(super) fn close(u: &mut Unstructured<'_>, max: usize) -> Result<Vec<u8>> {
    if max < 2 || u.ratio(1, 4)? {
        return Ok(Vec::new());
    }
    let code = code(u, true)?;
    let reason = text(u, max.min(CloseFrame::MAX_BODY_LEN) - 2)?;
    Ok([&code.0.to_be_bytes()[..], &reason].concat())
}
