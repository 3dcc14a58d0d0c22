//! Generates a mix of frames like those that a busy server receives. It is the same each time.

use wsvet::{Header, OpCode, encode};

/// The number of messages and control frames in the mix.
const COUNT: usize = 2_000;

/// Returns the bytes of a client: 90 % JSON text of 20 to 300 bytes, 5 % Ping and Pong, 4 %
/// fragmented text, 1 % binary of 64 KiB.
pub fn wire() -> Vec<u8> {
    let mut random = Random(0x5EED);
    let mut wire = Vec::new();
    for _ in 0..COUNT {
        let len = 20 + random.below(281);
        match random.below(100) {
            0 => frame(&mut wire, &mut random, OpCode::Binary, &[0xA5; 64 << 10], true),
            1..5 => {
                let text = json(&mut random, 3 * len);
                for (index, part) in text.as_bytes().chunks(len).enumerate() {
                    let opcode = if index == 0 { OpCode::Text } else { OpCode::Continuation };
                    frame(&mut wire, &mut random, opcode, part, (index + 1) * len >= text.len());
                }
            }
            5..8 => frame(&mut wire, &mut random, OpCode::Ping, b"are you there?", true),
            8..10 => frame(&mut wire, &mut random, OpCode::Pong, b"are you there?", true),
            _ => {
                let text = json(&mut random, len);
                frame(&mut wire, &mut random, OpCode::Text, text.as_bytes(), true);
            }
        }
    }
    wire
}

fn frame(wire: &mut Vec<u8>, random: &mut Random, opcode: OpCode, payload: &[u8], fin: bool) {
    let key = (random.next() as u32).to_le_bytes();
    let header = Header::new(opcode, payload.len() as u64).masked(key);
    let header = if fin { header } else { header.not_final() };
    push(wire, &header, payload);
}

/// Appends a frame with this header and this unmasked payload.
pub fn push(wire: &mut Vec<u8>, header: &Header, payload: &[u8]) {
    let start = wire.len();
    wire.resize(start + header.header_len() + payload.len(), 0);
    let written = encode::frame(header, payload, &mut wire[start..]);
    debug_assert!(written.is_ok(), "{written:?}");
}

/// Returns JSON of about this length. One text in four has characters beyond ASCII.
fn json(random: &mut Random, len: usize) -> String {
    let words = ["the quick brown fox", "jumps over", "the lazy dog"];
    let others = ["größer", "Καλημέρα", "привет", "你好", "😀"];
    let beyond = random.below(4) == 0;
    let mut text = format!("{{\"id\":{},\"text\":\"", random.below(100_000));
    while text.len() < len.saturating_sub(2) {
        let list = if beyond && random.below(3) == 0 { &others[..] } else { &words[..] };
        text.push_str(list[random.below(list.len())]);
        text.push(' ');
    }
    text + "\"}"
}

/// A linear congruential generator: the mix must be the same everywhere, and may be predictable.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }
}
