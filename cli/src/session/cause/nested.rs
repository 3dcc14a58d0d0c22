//! A frame inside the payload of another one.

use wsvet::{Header, OpCode, Rule};

use super::Seen;
use super::evidence::{Chain, EXACT, HEADER, NEEDED, UTF8, enough};
use super::scene::{Scene, unmask};

pub(super) fn in_frame(scene: &Scene<'_>) -> Seen {
    let Some(outer) = scene.payload() else { return Seen::No };
    if scene.rule != Rule::InvalidUtf8
        || outer.header.opcode() != OpCode::Text
        || outer.header.rsv() > 0
    {
        return Seen::No;
    }
    let plain = outer.plain();
    let Ok((inner, rest)) = Header::decode(&plain) else {
        return if outer.whole { Seen::No } else { Seen::Perhaps };
    };
    let opcode = inner.opcode();
    let len = inner.payload_len().saturating_add(inner.header_len() as u64);
    if opcode.is_reserved()
        || inner.rsv() > 0
        || !inner.is_minimal()
        || len != outer.header.payload_len()
    {
        return Seen::No;
    }
    let mut bits = HEADER - 1.0 + EXACT;
    if outer.header.payload_len() > 125 {
        bits += 9.0;
    }
    if opcode == OpCode::Text {
        let text = unmask(inner.masking_key(), 0, rest);
        match std::str::from_utf8(&text) {
            Err(error) if outer.whole || error.error_len().is_some() => return Seen::No,
            _ => bits += UTF8 * text.len().min(64) as f64,
        }
    }
    Seen::of(enough(bits, !outer.whole && !scene.last), || {
        format!(
            "a frame inside a frame: the payload is itself a whole {opcode} frame of {len} bytes"
        )
    })
}

pub(super) fn two_writers(scene: &Scene<'_>) -> Seen {
    let Some(outer) = scene.payload() else { return Seen::No };
    if scene.rule != Rule::InvalidUtf8
        || outer.header.opcode() != OpCode::Text
        || outer.header.rsv() > 0
    {
        return Seen::No;
    }
    let Some(wire) = scene.from(outer.start) else { return Seen::No };
    let key = outer.header.masking_key();
    let len = outer.header.payload_len();
    let mut perhaps = false;
    // Unmasked, the first byte of the frame inside is the one that is no text.
    let back = if key.is_some() { 24 } else { 3 };
    let last = scene.offset.saturating_sub(outer.start);
    for at in last.saturating_sub(back)..=last {
        let (Ok(index), true) = (usize::try_from(at), at < len) else { continue };
        let Some((inner, _)) = wire.get(index..).and_then(|rest| Header::decode(rest).ok()) else {
            perhaps = true;
            continue;
        };
        let inside = inner.payload_len().saturating_add(inner.header_len() as u64);
        let legal = inner.is_masked() == outer.header.is_masked()
            && inner.rsv() == 0
            && inner.fin()
            && inner.is_minimal()
            && matches!(
                inner.opcode(),
                OpCode::Text | OpCode::Binary | OpCode::Ping | OpCode::Pong
            )
            && inside <= 4096
            && (!inner.opcode().is_control() || inner.payload_len() <= 125);
        if !legal || std::str::from_utf8(&unmask(key, 0, &wire[..index])).is_err() {
            continue;
        }
        let rest = index + inside as usize;
        let end = usize::try_from(len).unwrap_or(usize::MAX).saturating_add(inside as usize);
        let Some(after) = wire.get(rest..end) else {
            perhaps = true;
            continue;
        };
        if std::str::from_utf8(&unmask(key, at, after)).is_err() {
            continue;
        }
        let end = outer.start.saturating_add(end as u64);
        if scene.last && scene.whole && scene.from(end).is_some_and(<[u8]>::is_empty) {
            return told(outer.start + at, inner.opcode());
        }
        let next = Chain {
            offset: end,
            from: scene.from,
            open: scene.open_after(&outer.header),
            joins: &[],
        };
        // The position is one of some.
        match next.follow(scene, NEEDED - HEADER + if key.is_some() { 5.0 } else { 2.0 }) {
            Some(true) => return told(outer.start + at, inner.opcode()),
            found => perhaps |= found.is_none(),
        }
    }
    if perhaps { Seen::Perhaps } else { Seen::No }
}

fn told(at: u64, opcode: OpCode) -> Seen {
    Seen::Yes(format!(
        "two writers at once: a whole {opcode} frame stands inside the payload, at byte {at}, and the text \
         goes on after it"
    ))
}
