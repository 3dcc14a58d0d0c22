//! Measures evidence in bits: how seldom random bytes would look the same.

use wsvet::{Header, OpCode, Policy, Role, Validator};

use super::scene::{Scene, unmask};

/// The evidence that a cause needs: once in about 10,000 times.
pub(super) const NEEDED: f64 = 13.2;

/// The evidence in the first two bytes of a legal header: one of 7 first bytes, and the mask bit.
pub(super) const HEADER: f64 = 6.2;

/// The evidence in a header that ends a frame at a given byte, at least.
pub(super) const EXACT: f64 = 7.0;

/// The evidence in a byte that goes on with valid UTF-8.
pub(super) const UTF8: f64 = 0.8;

/// The evidence in a byte that goes on with text without control characters.
const TEXT: f64 = 1.3;

/// The most bytes of a text that count.
const COUNTED: usize = 64;

/// Returns whether a character is in no text. BEL, BS and ESC are in the output of terminals, and RS
/// ends the messages of SignalR.
pub(super) fn is_control(character: char) -> bool {
    character.is_control() && !"\t\n\r\x07\x08\x1B\x1E".contains(character)
}

/// Returns the evidence that bytes are text without control characters, or `None` if they are not.
/// NUL may end it, as in STOMP.
/// `cut` is whether they may end inside a character.
pub(super) fn text(bytes: &[u8], cut: bool) -> Option<f64> {
    let good = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if cut && error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let good = good.strip_suffix('\0').unwrap_or(good);
    (!good.contains(is_control)).then(|| TEXT * good.len().min(COUNTED) as f64)
}

/// Returns whether enough is known: whether `bits` are enough, or will never be.
pub(super) fn enough(bits: f64, more: bool) -> Option<bool> {
    if bits >= NEEDED {
        Some(true)
    } else if more {
        None
    } else {
        Some(false)
    }
}

/// Returns whether a byte with this many bytes before it stands inside a character.
pub(super) fn is_inside_character(before: &[u8], byte: u8) -> bool {
    let tail = &before[before.len().saturating_sub(3)..];
    byte & 0xC0 == 0x80
        && (0..tail.len()).any(|start| {
            let text = [&tail[start..], &[byte]].concat();
            text[0] >= 0xC2
                && match std::str::from_utf8(&text) {
                    Ok(_) => true,
                    Err(error) => error.valid_up_to() == 0 && error.error_len().is_none(),
                }
        })
}

/// Frames that start at a byte.
pub(super) struct Chain<'a> {
    /// The byte.
    pub(super) offset: u64,
    /// The endpoint that sends them.
    pub(super) from: Role,
    /// The type of the message that is open before them.
    pub(super) open: Option<OpCode>,
    /// The bytes at which frames start in any case. That they reach one counts, and not what follows.
    pub(super) joins: &'a [u64],
}

impl Chain<'_> {
    /// Follows the frames until there is this much evidence for them. Returns whether there is, or
    /// `None` if that depends on the bytes that follow.
    pub(super) fn follow(&self, scene: &Scene<'_>, needed: f64) -> Option<bool> {
        let mut rest = scene.from(self.offset)?;
        let policy = Policy::new(self.from.peer()).permessage_deflate(scene.deflate.is_some());
        let mut validator = Validator::new(policy);
        if let Some(opcode) = self.open {
            // That the text goes on inside a character is no fault.
            let opcode = if opcode == OpCode::Text { OpCode::Binary } else { opcode };
            let first = Header::new(opcode, 0).not_final();
            let first = if self.from == Role::Client { first.masked([0; 4]) } else { first };
            validator.begin(&first).and_then(|()| validator.finish()).ok()?;
        }
        let mut bits = 0.0;
        let end = self.offset.saturating_add(rest.len() as u64);
        while bits < needed {
            if self.joins.contains(&(end - rest.len() as u64)) {
                return Some(bits + EXACT >= needed);
            }
            if rest.is_empty() {
                let ends = scene.last && scene.whole && bits + EXACT >= needed;
                return ends.then_some(true);
            }
            let (header, after) = Header::decode(rest).ok()?;
            if validator.begin(&header).is_err() {
                return Some(false);
            }
            bits += HEADER;
            let len = usize::try_from(header.payload_len()).unwrap_or(usize::MAX);
            let (payload, next) = after.split_at(after.len().min(len));
            let plain = unmask(header.masking_key(), 0, payload);
            if validator.payload(&plain).is_err() {
                return Some(false);
            }
            match header.opcode() {
                OpCode::Text if header.rsv() == 0 => bits += text(&plain, true).unwrap_or(0.0),
                OpCode::Close if plain.len() >= 2 => bits += 5.0,
                _ => {}
            }
            if payload.len() < len {
                return (bits >= needed).then_some(true);
            }
            if validator.finish().is_err() {
                return Some(false);
            }
            rest = next;
        }
        Some(true)
    }
}
