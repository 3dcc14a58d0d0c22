//! Streams of masked frames, as a server receives them.

use criterion::Throughput;
use wsvet::{Header, OpCode};

use crate::mix::push;

/// The masking key of all frames.
pub(crate) const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// How many bytes of frames are received in one go, about: in the L2 cache, as after a read.
const BUFFER: usize = 256 << 10;

/// Frames, one behind the other.
pub(crate) struct Stream {
    pub(crate) wire: Vec<u8>,
    count: u64,
}

impl Stream {
    /// Any frames.
    pub(crate) fn new(wire: Vec<u8>) -> Self {
        let (mut rest, mut count) = (&wire[..], 0);
        while let Ok((header, after)) = Header::decode(rest) {
            rest = &after[header.payload_len() as usize..];
            count += 1;
        }
        Self { wire, count }
    }

    /// Messages of this payload, as many as the buffer holds, or one.
    pub(crate) fn of(opcode: OpCode, payload: &[u8]) -> Self {
        let mut wire = Vec::new();
        while wire.is_empty() || wire.len() + payload.len() < BUFFER {
            push(&mut wire, &Header::new(opcode, payload.len() as u64).masked(KEY), payload);
        }
        Self::new(wire)
    }

    /// The same of this text, repeated, and cut to about this length.
    pub(crate) fn of_text(of: &str, len: usize) -> Self {
        Self::of(OpCode::Text, text(of, len).as_bytes())
    }

    /// One text in fragments of this many bytes, whose ends may lie inside a character.
    pub(crate) fn of_fragments(text: &str, size: usize) -> Self {
        let mut wire = Vec::new();
        for (index, bytes) in text.as_bytes().chunks(size).enumerate() {
            let opcode = if index == 0 { OpCode::Text } else { OpCode::Continuation };
            let header = Header::new(opcode, bytes.len() as u64).masked(KEY);
            let last = (index + 1) * size >= text.len();
            push(&mut wire, &if last { header } else { header.not_final() }, bytes);
        }
        Self::new(wire)
    }

    /// For a benchmark that goes over the headers.
    pub(crate) fn frames(&self) -> Throughput {
        Throughput::Elements(self.count)
    }

    /// For one that goes over all bytes.
    pub(crate) fn frames_and_bytes(&self) -> Throughput {
        Throughput::ElementsAndBytes { elements: self.count, bytes: self.wire.len() as u64 }
    }
}

/// Text of whole characters, of at most this many bytes and hardly less.
pub(crate) fn text(of: &str, len: usize) -> String {
    let mut text = of.repeat(len / of.len() + 1);
    let end = (0..=len).rfind(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    text
}
