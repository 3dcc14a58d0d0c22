//! Whether compressed messages refer farther back than the agreed window (RFC 7692 §7.1.2).
//!
//! The inflater of the library has a window of 32 KiB whatever was agreed on, and takes such a message. The
//! one here inflates to a ring that is exactly as long as the agreed window, so that a reference to data
//! before it is an error. A message that only this one refuses is not within the window.

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use wsvet::deflate::Parameters;
use wsvet::{Reader, Role, mask};

/// What a sender removes from the end of a message (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

/// The messages of an endpoint that agreed on a window of less than 32 KiB.
pub(super) struct Window {
    reader: Reader,
    context_takeover: bool,
    inflater: Box<DecompressorOxide>,
    ring: Vec<u8>,
    /// The index in the ring of the next byte.
    next: usize,
    /// Whether the open message is compressed.
    compressed: bool,
    /// Whether the last byte was the end of a final block.
    ended: bool,
    /// Whether the open message cannot be inflated here.
    failed: bool,
    exceeded: bool,
}

impl Window {
    /// Creates one for the messages of `sender`, or none if its window is as long as it can be.
    pub(super) fn new(parameters: Parameters, sender: Role) -> Option<Self> {
        let bits = parameters.window_bits(sender);
        (bits < 15).then(|| Self {
            reader: Reader::new(),
            context_takeover: parameters.context_takeover(sender),
            inflater: Box::default(),
            ring: vec![0; 1 << bits],
            next: 0,
            compressed: false,
            ended: false,
            failed: false,
            exceeded: false,
        })
    }

    /// Takes the next bytes of the stream, which break no rule. It unmasks them.
    pub(super) fn take(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() && !self.exceeded {
            let used = match self.reader.frame() {
                None => {
                    let used = self.reader.header(bytes);
                    if let Some(header) = self.reader.frame()
                        && header.opcode().starts_message()
                    {
                        self.compressed = header.rsv() & 4 != 0;
                    }
                    used
                }
                Some(header) => {
                    let is_data = !header.opcode().is_control();
                    let len = self.reader.available(bytes.len());
                    let payload = &mut bytes[..len];
                    if is_data && self.compressed {
                        if let Some(key) = self.reader.masking_key() {
                            mask::apply(key, 0, payload);
                        }
                        self.inflate(payload);
                    }
                    self.reader.advance(len as u64);
                    len
                }
            };
            bytes = &mut bytes[used..];
            if self.reader.is_whole() {
                let header = self.reader.frame();
                let is_end = header.is_some_and(|header| {
                    header.fin() && !header.opcode().is_control() && self.compressed
                });
                self.reader.finish();
                if is_end {
                    self.end();
                }
            }
        }
    }

    /// Returns the length of the window in bytes, if a message refers to data before it.
    pub(super) fn exceeded(&self) -> Option<usize> {
        self.exceeded.then_some(self.ring.len())
    }

    fn inflate(&mut self, mut input: &[u8]) {
        if !input.is_empty() {
            self.ended = false;
        }
        while !self.failed {
            let Self { inflater, ring, next, .. } = self;
            let (status, read, written) =
                decompress(inflater, input, ring, *next, TINFL_FLAG_HAS_MORE_INPUT);
            input = &input[read..];
            *next = (*next + written) % ring.len();
            match status {
                TINFLStatus::HasMoreOutput => {}
                TINFLStatus::NeedsMoreInput => return,
                TINFLStatus::Done => {
                    inflater.init();
                    self.ended = input.is_empty();
                    if self.ended {
                        return;
                    }
                }
                _ => self.failed = true,
            }
        }
    }

    /// The message is whole, and the inflater of the library has taken it.
    fn end(&mut self) {
        if !std::mem::take(&mut self.ended) {
            self.inflate(&TAIL);
        }
        self.exceeded = self.failed;
        if !self.context_takeover {
            self.inflater.init();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wsvet::deflate::{Deflater, InvalidDeflate};

    /// Bytes of 32 values, so that they are compressed, in which little repeats itself. Then the first of them
    /// come again.
    fn repeating(after: usize) -> Vec<u8> {
        let mut state = 7_u32;
        let mut bytes: Vec<u8> = (0..after)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 27) as u8
            })
            .collect();
        bytes.extend_from_within(..after.min(40));
        bytes
    }

    /// Returns a frame with a length in 64 bits.
    fn frame(first: u8, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
        let mask = if key.is_some() { 0x80 } else { 0 };
        let mut frame = vec![first, mask | 127];
        frame.extend((payload.len() as u64).to_be_bytes());
        frame.extend(key.iter().flatten());
        let start = frame.len();
        frame.extend_from_slice(payload);
        mask::apply(key.unwrap_or_default(), 0, &mut frame[start..]);
        frame
    }

    /// Returns whether a message exceeds the window, in pieces of `cut` bytes.
    fn exceeds(bits: u8, compressed: &[u8], cut: usize) -> bool {
        let parameters = Parameters::new().client_max_window_bits(bits);
        let mut window = Window::new(parameters, Role::Client).unwrap();
        let (begin, rest) = compressed.split_at(compressed.len() / 2);
        let key = Some([1, 2, 3, 4]);
        let mut stream =
            [frame(0x42, key, begin), frame(0x89, key, b"ping"), frame(0x80, key, rest)].concat();
        stream.chunks_mut(cut).for_each(|piece| window.take(piece));
        window.exceeded() == Some(1 << bits)
    }

    /// A reference to the oldest byte of the window is within it, and one byte farther is not.
    #[test]
    fn only_a_reference_to_before_the_window_exceeds_it() {
        for bits in 8..=14 {
            for (after, due) in [(1 << bits, false), ((1 << bits) + 1, true), (100, false)] {
                let mut compressed = Vec::new();
                Deflater::new(15, true).level(9).deflate(&repeating(after), true, &mut compressed);
                for cut in [1, 7, usize::MAX] {
                    assert_eq!(exceeds(bits, &compressed, cut), due, "{bits} bits, {after} bytes");
                }
            }
        }
    }

    /// What is compressed with a window is within it, over many messages.
    #[test]
    fn what_is_compressed_with_the_window_is_within_it() {
        for bits in 9..=14 {
            for context_takeover in [true, false] {
                let parameters = Parameters::new()
                    .server_max_window_bits(bits)
                    .server_no_context_takeover(!context_takeover);
                let mut window = Window::new(parameters, Role::Server).unwrap();
                let mut deflater = parameters.deflater(Role::Server);
                let mut inflater = parameters.inflater(Role::Server);
                for number in 1..40 {
                    let plain = repeating(number * 997 % 9_000 + 1).repeat(3);
                    let mut compressed = Vec::new();
                    deflater.deflate(&plain, true, &mut compressed);
                    let ignore = |_: &[u8]| Ok::<_, InvalidDeflate>(());
                    inflater.inflate(&compressed, true, ignore).unwrap();
                    window.take(&mut frame(0xC2, None, &compressed));
                    assert_eq!(window.exceeded(), None, "{bits} bits, message {number}");
                }
            }
        }
    }

    /// A final block ends no message, and later blocks may follow or not.
    #[test]
    fn final_blocks_are_within_the_window() {
        let hello = b"\xF3\x48\xCD\xC9\xC9\x07\x00";
        for message in [&hello[..], &[&hello[..], b"\x00"].concat(), &hello.repeat(2), b"\x00"] {
            assert!(!exceeds(9, message, 1) && !exceeds(9, message, usize::MAX), "{message:x?}");
        }
    }
}
