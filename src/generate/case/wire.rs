//! The bytes of frames, legal or not.

use std::vec;
use std::vec::Vec;

use crate::{Header, OpCode, encode};

/// The masking key of the examples in RFC 6455 §5.7.
const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

pub(super) const FIN: u8 = 0x80;
pub(super) const RSV1: u8 = 0x40;
pub(super) const RSV2: u8 = 0x20;
pub(super) const RSV3: u8 = 0x10;
pub(super) const PING: u8 = 0x89;
pub(super) const PONG: u8 = 0x8A;
pub(super) const CLOSE: u8 = 0x88;
/// The last frame of a fragmented message.
pub(super) const LAST: u8 = 0x80;
/// A frame between the first and the last of a fragmented message.
pub(super) const MIDDLE: u8 = 0x00;

/// The first byte of the first frame of a fragmented message.
pub(super) fn first(opcode: OpCode) -> u8 {
    opcode.into()
}

/// The first byte of a message in a single frame.
pub(super) fn single(opcode: OpCode) -> u8 {
    FIN | u8::from(opcode)
}

/// A masked frame with this first byte, and its length in the shortest form.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    write(&masked(first, payload.len() as u64), payload)
}

/// A message in a single frame.
pub(super) fn message(opcode: OpCode, payload: &[u8]) -> Vec<u8> {
    frame(single(opcode), payload)
}

/// A masked frame whose length is in 16 bits (`form` is 126) or in 64 bits (127).
pub(super) fn frame_in_form(first: u8, form: u8, payload: &[u8]) -> Vec<u8> {
    write(&Header::from_wire(first, FIN | form, payload.len() as u64, KEY), payload)
}

/// A masked frame whose header states another length, in 64 bits.
pub(super) fn announcing(first: u8, len: u64, payload: &[u8]) -> Vec<u8> {
    write(&Header::from_wire(first, FIN | 127, len, KEY), payload)
}

/// A masked frame that is not complete: its header states `len` bytes, of which `payload` are there.
pub(super) fn begun(first: u8, len: usize, payload: &[u8]) -> Vec<u8> {
    write(&masked(first, len as u64), payload)
}

/// A frame that is not masked.
pub(super) fn unmasked(first: u8, payload: &[u8]) -> Vec<u8> {
    let header = Header::new(OpCode::Text, payload.len() as u64);
    write(&Header::from_wire(first, header.second_byte(), payload.len() as u64, [0; 4]), payload)
}

/// A frame with a masking key of zeros.
pub(super) fn with_key(first: u8, key: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let len = payload.len() as u64;
    let second = Header::new(OpCode::Text, len).masked(key).second_byte();
    write(&Header::from_wire(first, second, len, key), payload)
}

/// A Close frame with a code and a reason.
pub(super) fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes()[..], reason].concat())
}

fn masked(first: u8, len: u64) -> Header {
    let second = Header::new(OpCode::Text, len).masked(KEY).second_byte();
    Header::from_wire(first, second, len, KEY)
}

fn write(header: &Header, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0; header.header_len() + payload.len()];
    let written = encode::raw::frame(header, payload, &mut out);
    debug_assert!(written.is_ok(), "{written:?}");
    out
}
