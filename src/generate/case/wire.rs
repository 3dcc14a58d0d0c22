//! The bytes of frames as the prober sends them, legal or not: masked if it is a client.

use std::vec;
use std::vec::Vec;

use super::Setup;
use crate::{Header, OpCode, Role, encode};

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

impl Setup {
    /// A frame with this first byte, and its length in the shortest form.
    pub(super) fn frame(&self, first: u8, payload: &[u8]) -> Vec<u8> {
        frame(first, self.key(), payload.len() as u64, payload)
    }

    /// A message in a single frame.
    pub(super) fn message(&self, opcode: OpCode, payload: &[u8]) -> Vec<u8> {
        self.frame(single(opcode), payload)
    }

    /// A frame whose length is in 16 bits (`form` is 126) or in 64 bits (127).
    pub(super) fn frame_in_form(&self, first: u8, form: u8, payload: &[u8]) -> Vec<u8> {
        write_in_form(first, self.key(), form, payload.len() as u64, payload)
    }

    /// A frame whose header states another length, in 64 bits.
    pub(super) fn announcing(&self, first: u8, len: u64, payload: &[u8]) -> Vec<u8> {
        write_in_form(first, self.key(), 127, len, payload)
    }

    /// A frame that is not complete: its header states `len` bytes, of which `payload` are there.
    pub(super) fn begun(&self, first: u8, len: usize, payload: &[u8]) -> Vec<u8> {
        frame(first, self.key(), len as u64, payload)
    }

    /// A frame that breaks the rule about masking: a client's without a key, a server's with one.
    pub(super) fn turned(&self, first: u8, payload: &[u8]) -> Vec<u8> {
        let key = self.key().is_none().then_some(KEY);
        frame(first, key, payload.len() as u64, payload)
    }

    /// A Close frame with a code and a reason.
    pub(super) fn close(&self, code: u16, reason: &[u8]) -> Vec<u8> {
        self.frame(CLOSE, &[&code.to_be_bytes()[..], reason].concat())
    }

    /// The masking key of the prober.
    fn key(&self) -> Option<[u8; 4]> {
        (self.role == Role::Server).then_some(KEY)
    }
}

/// A masked frame with this key.
pub(super) fn with_key(first: u8, key: [u8; 4], payload: &[u8]) -> Vec<u8> {
    frame(first, Some(key), payload.len() as u64, payload)
}

fn frame(first: u8, key: Option<[u8; 4]>, len: u64, payload: &[u8]) -> Vec<u8> {
    let header = Header::new(OpCode::Text, len);
    let header = key.map_or(header, |key| header.masked(key));
    let header = Header::from_wire(first, header.second_byte(), len, key.unwrap_or_default());
    write(&header, payload)
}

fn write_in_form(first: u8, key: Option<[u8; 4]>, form: u8, len: u64, payload: &[u8]) -> Vec<u8> {
    let second = form | if key.is_some() { 0x80 } else { 0 };
    write(&Header::from_wire(first, second, len, key.unwrap_or_default()), payload)
}

fn write(header: &Header, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0; header.header_len() + payload.len()];
    let written = encode::raw::frame(header, payload, &mut out);
    debug_assert!(written.is_ok(), "{written:?}");
    out
}
