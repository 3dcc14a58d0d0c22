//! A payload that is good text, but not with the masking key of its header.

use wsvet::{OpCode, Rule};

use super::Seen;
use super::evidence::{NEEDED, enough, text};
use super::scene::{Payload, Scene, unmask};

/// The number of bytes before the bad one in which a wrong key is not noticed.
const UNNOTICED: u64 = 16;

/// Returns the masked payload at fault, and its key.
fn masked<'a>(scene: &Scene<'a>) -> Option<(Payload<'a>, [u8; 4])> {
    let rules = [Rule::InvalidUtf8, Rule::InvalidCloseCode, Rule::InvalidCloseReason];
    let payload = scene.payload().filter(|_| rules.contains(&scene.rule))?;
    let key = payload.header.masking_key().filter(|key| *key != [0; 4])?;
    // A wrong key spoils all that follows, and not one character or the close code alone.
    let plain = payload.plain();
    let bad = usize::try_from(scene.offset.checked_sub(payload.start)?).ok()?;
    let tail = plain.get(bad..).unwrap_or_default();
    let is_good = |skip: usize| tail.len() >= skip + 6 && text(&tail[skip..], true).is_some();
    if (1..5).any(is_good) {
        return None;
    }
    (payload.header.rsv() == 0).then_some((payload, key))
}

/// Returns the evidence that a whole payload is what it should be, or `None` if it is not.
fn content(opcode: OpCode, plain: &[u8], cut: bool) -> Option<f64> {
    if opcode != OpCode::Close {
        return text(plain, cut);
    }
    let (code, reason) = plain.split_first_chunk()?;
    let bits = match u16::from_be_bytes(*code) {
        1000 | 1001 => 15.0,
        1002 | 1003 | 1007..=1014 => 12.0,
        3000..=4999 => 5.0,
        _ => return None,
    };
    Some(bits + text(reason, cut)?)
}

/// Sees whether the payload is good if it is unmasked in another way.
fn good(scene: &Scene<'_>, payload: &Payload<'_>, plain: &[u8], told: &str) -> Seen {
    let more = !payload.whole && !scene.last;
    match content(payload.header.opcode(), plain, !payload.whole || !payload.header.fin()) {
        Some(bits) => Seen::of(enough(bits, more), || told.to_owned()),
        None => Seen::No,
    }
}

pub(super) fn not_masked(scene: &Scene<'_>) -> Seen {
    let Some((payload, key)) = masked(scene) else { return Seen::No };
    if !payload.whole && text(&key, true).is_some() {
        // The key may be the start of the text.
        return if scene.last { Seen::No } else { Seen::Perhaps };
    }
    let told = "a payload that is not masked, or masked twice: as it stands on the wire it is good, and \
                the mask bit is set";
    good(scene, &payload, payload.wire, told)
}

pub(super) fn key_byte_order(scene: &Scene<'_>) -> Seen {
    let Some((payload, [a, b, c, d])) = masked(scene) else { return Seen::No };
    let reversed = [d, c, b, a];
    if reversed == [a, b, c, d] {
        return Seen::No;
    }
    let plain = unmask(Some(reversed), 0, payload.wire);
    good(
        scene,
        &payload,
        &plain,
        "a masking key in the wrong byte order: with its bytes reversed the payload is good",
    )
}

pub(super) fn key_restarted(scene: &Scene<'_>) -> Seen {
    let Some((payload, key)) = masked(scene).filter(|_| scene.rule == Rule::InvalidUtf8) else {
        return Seen::No;
    };
    let Some(bad) = scene.offset.checked_sub(payload.start) else { return Seen::No };
    let plain = payload.plain();
    let tail = plain.get(bad as usize..).unwrap_or_default();
    if tail.len() < 12 && !payload.whole && !scene.last {
        return Seen::Perhaps;
    }
    if tail.len() < 12 {
        return Seen::No;
    }
    let mut perhaps = false;
    for at in bad.saturating_sub(UNNOTICED)..=bad {
        let index = at as usize;
        if at == 0 || at % 4 == 0 || index >= payload.wire.len() {
            continue;
        }
        let rest = unmask(Some(key), 0, &payload.wire[index..]);
        let joined = [&plain[..index], &rest].concat();
        if text(&joined, true).is_none() {
            continue;
        }
        // The place is one of some.
        let bits = text(&rest, true).map_or(0.0, |bits| bits - 4.0);
        match enough(bits, !payload.whole && !scene.last) {
            Some(true) => {
                let offset = payload.start + at;
                return Seen::Yes(format!(
                    "a masking key that starts again at byte {offset}: from there on the payload is good text \
                     with the first byte of the key first"
                ));
            }
            found => perhaps |= found.is_none(),
        }
    }
    if perhaps { Seen::Perhaps } else { Seen::No }
}

pub(super) fn bit_missing(scene: &Scene<'_>) -> Seen {
    let (Rule::UnmaskedClientFrame, Some(header)) = (scene.rule, scene.header) else {
        return Seen::No;
    };
    let Some(payload) = scene.payload() else { return Seen::No };
    let Some(wire) = scene.from(payload.start) else { return Seen::No };
    let len = usize::try_from(header.payload_len()).unwrap_or(usize::MAX);
    let Some((key, masked)) = wire.split_first_chunk() else { return Seen::Perhaps };
    let masked = &masked[..masked.len().min(len)];
    let whole = masked.len() == len;
    if *key == [0; 4] || header.rsv() > 0 || text(payload.wire, true).is_some() {
        return Seen::No;
    }
    let bits = match header.opcode() {
        OpCode::Text | OpCode::Close => {
            content(header.opcode(), &unmask(Some(*key), 0, masked), !whole || !header.fin())
        }
        _ => return Seen::No,
    };
    let Some(bits) = bits else { return Seen::No };
    Seen::of(enough(bits, !whole && !scene.last), || {
        "a mask bit that was forgotten: with the next 4 bytes as the masking key the payload is good".to_owned()
    })
}

pub(super) fn key_missing(scene: &Scene<'_>) -> Seen {
    let inside = matches!(scene.rule, Rule::InvalidUtf8 | Rule::EofInFrame);
    let frame =
        if inside { scene.header.map(|header| (scene.start, header)) } else { scene.before };
    let Some((start, header)) = frame.filter(|_| inside || scene.is_in_header()) else {
        return Seen::No;
    };
    let len = usize::try_from(header.payload_len()).unwrap_or(usize::MAX);
    if !header.is_masked() || header.opcode() != OpCode::Text || header.rsv() > 0 {
        return Seen::No;
    }
    let body = start.saturating_add(header.header_len() as u64 - 4);
    let Some(known) = scene.from(body) else { return Seen::No };
    let (body_text, next) = known.split_at(known.len().min(len));
    let Some(bits) = text(body_text, body_text.len() < len || !header.fin()) else {
        return Seen::No;
    };
    let certain = match next {
        // What follows does not mask either.
        [0x01 | 0x02 | 0x81 | 0x82 | 0x88..=0x8A, ..] => Some(bits >= NEEDED),
        [_, ..] => Some(false),
        [] if scene.last => Some(scene.whole && body_text.len() == len && bits >= NEEDED),
        [] => None,
    };
    Seen::of(certain, || {
        format!(
            "a masking key that was forgotten: the mask bit of the frame at byte {start} is set, and its \
             text follows at once, at byte {body}"
        )
    })
}
