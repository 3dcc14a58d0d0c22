//! Fuzzes a server of a hundred lines with generated streams, and shows the one it gets wrong.
//!
//! ```sh
//! cargo run --manifest-path examples/fuzz_a_server/Cargo.toml
//! ```
//!
//! With cargo-fuzz the bytes come from the fuzzer, and `judge` is the body of the target.

use arbitrary::Unstructured;
use wsvet::generate::Stream;
use wsvet::{Accepts, Policy, Role, Rule};

/// What the server promises: text alone, of at most 64 KiB.
const POLICY: Policy =
    Policy::new(Role::Server).accepts(Accepts::TextOnly).max_frame(65_536).max_message(65_536);

const STREAMS: u64 = 50_000;

fn main() {
    for server in [Server::Hasty, Server::Careful] {
        match (0..STREAMS).find_map(|seed| judge(server, &random(seed)).err()) {
            Some(wrong) => println!("{server:?} server: {wrong}"),
            None => println!("{server:?} server: {STREAMS} streams, nothing found"),
        }
    }
}

/// Whether the server answers a stream, made of these bytes, as it must.
pub(crate) fn judge(server: Server, data: &[u8]) -> Result<(), String> {
    let Ok(stream) = Stream::under(POLICY, &mut Unstructured::new(data)) else { return Ok(()) };
    // After a Close this server reads nothing more, as it may, and so does not see what follows.
    let seen = stream.violation().filter(|violation| violation.rule != Rule::DataAfterClose);
    let due = seen.and_then(|violation| violation.reply()).map(|close| close.code.0);
    let answer = server.answer(stream.bytes()).err();
    if answer == due {
        return Ok(());
    }
    let found = match stream.violation() {
        Some(violation) => violation.to_string(),
        None => "nothing is broken".to_owned(),
    };
    let hex: String = stream.bytes().iter().map(|byte| format!("{byte:02x} ")).collect();
    Err(format!("{found}\n  due: {due:?}, sent: {answer:?}, stream: {hex}"))
}

/// Two servers that differ in one line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Server {
    /// It looks at text only where a frame has some.
    Hasty,
    Careful,
}

/// The code of the Close that is sent.
type Code = u16;

impl Server {
    /// Reads frames until they end, or must be answered with a Close.
    fn answer(self, mut received: &[u8]) -> Result<(), Code> {
        let mut message: Option<Vec<u8>> = None;
        while let Some((first, len)) = Self::header(&mut received)? {
            let (fin, opcode) = (first & 0x80 != 0, first & 0x0F);
            match (opcode, &message) {
                (0, None) | (1 | 2, Some(_)) => return Err(1002),
                (2, None) => return Err(1003),
                _ => {}
            }
            if len > 65_536 {
                return Err(1009);
            }
            if opcode < 8 && message.as_ref().map_or(0, Vec::len) + len as usize > 65_536 {
                return Err(1009);
            }
            if opcode == 8 && len == 1 {
                return Err(1002);
            }
            let (plain, whole) = Self::payload(&mut received, len as usize);
            if opcode == 8 {
                return Self::close(&plain, whole);
            }
            if opcode < 8 {
                let mut text = message.take().unwrap_or_default();
                text.extend(&plain);
                if matches!(self, Self::Careful) || !plain.is_empty() {
                    Self::text(&text, fin && whole)?;
                }
                message = (!fin).then_some(text);
            }
            if !whole {
                break;
            }
        }
        Ok(())
    }

    /// The first byte of a header that is legal by itself, and the length of the payload.
    fn header(received: &mut &[u8]) -> Result<Option<(u8, u64)>, Code> {
        let [first, second, rest @ ..] = received else { return Ok(None) };
        let extended = match second & 0x7F {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if rest.len() < extended + if second & 0x80 == 0 { 0 } else { 4 } {
            return Ok(None);
        }
        let len = rest[..extended].iter().fold(0, |len, byte| len << 8 | u64::from(*byte));
        let len = if extended == 0 { u64::from(second & 0x7F) } else { len };
        let minimal = match extended {
            0 => true,
            2 => len > 125,
            _ => len > 0xFFFF,
        };
        let opcode = first & 0x0F;
        let control = opcode >= 8;
        let broken = first & 0x70 != 0
            || matches!(opcode, 3..=7 | 11..)
            || control && (first & 0x80 == 0 || len > 125)
            || second & 0x80 == 0
            || !minimal
            || len >> 63 != 0;
        *received = &rest[extended..];
        if broken { Err(1002) } else { Ok(Some((*first, len))) }
    }

    /// What has come of the payload, unmasked, and whether that is all of it.
    fn payload(received: &mut &[u8], len: usize) -> (Vec<u8>, bool) {
        let (key, rest) = received.split_at(4);
        let there = len.min(rest.len());
        *received = &rest[there..];
        let plain = rest[..there].iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key);
        (plain.collect(), there == len)
    }

    /// A Close: what follows it is not read.
    fn close(body: &[u8], whole: bool) -> Result<(), Code> {
        let [high, low, reason @ ..] = body else { return Ok(()) };
        match u16::from_be_bytes([*high, *low]) {
            1000..=1003 | 1007..=1014 | 3000..=4999 => {}
            _ => return Err(1002),
        }
        Self::text(reason, whole)
    }

    /// UTF-8, which may end inside a character until it is finished.
    fn text(text: &[u8], finished: bool) -> Result<(), Code> {
        match std::str::from_utf8(text) {
            Err(error) if finished || error.error_len().is_some() => Err(1007),
            _ => Ok(()),
        }
    }
}

/// A few hundred bytes, the same for the same seed.
pub(crate) fn random(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..256).map(|_| next()).collect()
}
