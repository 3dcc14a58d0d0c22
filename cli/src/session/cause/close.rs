//! The body of a Close frame: its code in another form, or none.

use wsvet::Rule;

use super::Seen;
use super::evidence::{NEEDED, enough, text};
use super::scene::{Scene, quote};

/// The codes that endpoints send, and no reserved one.
const COMMON: [u16; 6] = [1000, 1001, 1002, 1003, 1008, 1011];

/// Returns the body of the Close frame at fault, and whether all of it is known.
fn body(scene: &Scene<'_>) -> Option<(Vec<u8>, bool)> {
    if !matches!(scene.rule, Rule::InvalidCloseCode | Rule::InvalidCloseReason) {
        return None;
    }
    let payload = scene.payload()?;
    Some((payload.plain(), payload.whole || scene.last))
}

/// Returns whether an endpoint may send this code.
fn is_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

pub(super) fn as_text(scene: &Scene<'_>) -> Seen {
    let Some((body, whole)) = body(scene) else { return Seen::No };
    let digits = body.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let code = std::str::from_utf8(&body[..digits]).ok().and_then(|text| text.parse().ok());
    let certain = match code {
        Some(code) if digits == 4 && (whole || body.len() > 4) => {
            Some(is_code(code) && text(&body, true).is_some())
        }
        _ if digits < body.len() || digits > 4 || whole => Some(false),
        _ => None,
    };
    Seen::of(certain, || {
        let code = code.unwrap_or_default();
        format!(
            "the close code as text: the body begins with the 4 digits \"{code}\" and not with 2 bytes"
        )
    })
}

pub(super) fn byte_order(scene: &Scene<'_>) -> Seen {
    let Some((body, whole)) = body(scene) else { return Seen::No };
    let Some((code, reason)) = body.split_first_chunk() else { return Seen::No };
    let code = u16::from_le_bytes(*code);
    let bits = match code {
        _ if !whole && reason.len() < 2 => return Seen::Perhaps,
        code if COMMON.contains(&code) => NEEDED,
        1000..=1014 if is_code(code) => 12.0,
        3000 | 4000..=4003 => 12.0,
        _ => return Seen::No,
    };
    let Some(more) = text(reason, !whole) else { return Seen::No };
    Seen::of(enough(bits + more, !whole), || {
        format!(
            "the close code in the wrong byte order: the two bytes are {code} if they are swapped"
        )
    })
}

pub(super) fn too_long(scene: &Scene<'_>) -> Seen {
    let Some((body, whole)) = body(scene) else { return Seen::No };
    let code = match body.first_chunk() {
        Some(&[0, 0, high, low]) => u16::from_be_bytes([high, low]),
        Some(&[low, high, 0, 0]) => u16::from_le_bytes([low, high]),
        None => return if whole { Seen::No } else { Seen::Perhaps },
        _ => return Seen::No,
    };
    Seen::of(Some(is_code(code)), || format!("a close code of 4 bytes, and not of 2: {code}"))
}

pub(super) fn without_code(scene: &Scene<'_>) -> Seen {
    let Some((body, whole)) = body(scene) else { return Seen::No };
    if scene.rule != Rule::InvalidCloseCode || body.starts_with(b"0") {
        return Seen::No;
    }
    let Some(bits) = text(&body, !whole) else { return Seen::No };
    // Letters and spaces are fewer than all characters of a text.
    let words = body.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ');
    let bits = if words { bits * 1.46 } else { bits };
    let certain = if whole { enough(bits, false) } else { None };
    Seen::of(certain, || {
        format!("a reason without a close code: the body is the text {}", quote(&body, false))
    })
}
