//! A payload length that is not the length of the payload.

use wsvet::{Header, OpCode, Rule};

use super::Seen;
use super::evidence::{Chain, EXACT, HEADER, NEEDED, UTF8, is_inside_character};
use super::foreign::is_before_complete;
use super::scene::{Payload, Scene, plural};

/// The most bytes that a length is too small or too large.
const OFF: u64 = 256;

/// The number of bytes of a text in which a header that does not belong there is not noticed.
const UNNOTICED: u64 = 32;

/// Returns the payload of the frame before, from its first byte to all that is known.
fn before<'a>(scene: &Scene<'a>) -> Option<(u64, Payload<'a>)> {
    let (start, header) = scene.before?;
    let payload = scene.payload_of(start, header)?;
    let wire = scene.from(payload.start)?;
    scene.is_in_header().then_some((start, Payload { wire, ..payload }))
}

/// Returns whether the payload is text that is not compressed.
fn is_text(header: &Header) -> bool {
    header.opcode() == OpCode::Text && header.rsv() == 0
}

pub(super) fn in_characters(scene: &Scene<'_>) -> Seen {
    let Some((start, payload)) = before(scene) else { return Seen::No };
    let counted = payload.header.payload_len();
    if !is_text(&payload.header) {
        return Seen::No;
    }
    // The header at fault may be one all the same.
    let extra = if scene.leads_on() == Some(false) { 0.0 } else { EXACT };
    let own = scene.header.map(|header| scene.boundaries(scene.start, header)).unwrap_or_default();
    let plain = payload.plain();
    let (valid, cut) = match std::str::from_utf8(&plain) {
        Ok(text) => (text, true),
        Err(error) => {
            let valid = std::str::from_utf8(&plain[..error.valid_up_to()]).unwrap_or_default();
            (valid, error.error_len().is_none())
        }
    };
    let (mut characters, mut units) = (0, 0);
    let mut ends = [None; 2];
    for (at, character) in valid.char_indices() {
        characters += 1;
        units += character.len_utf16() as u64;
        let end = (at + character.len_utf8()) as u64;
        ends[0] = ends[0].or((characters == counted).then_some(end));
        ends[1] = ends[1].or((units == counted).then_some(end));
        if characters >= counted {
            break;
        }
    }
    let mut perhaps = cut && ends[0].is_none();
    for (end, unit) in ends.into_iter().zip(["characters", "UTF-16 units"]) {
        let Some(len) = end.filter(|end| *end > counted) else { continue };
        let (offset, from) = (payload.start + len, scene.from);
        let next = Chain { offset, from, open: scene.open, joins: &own };
        let needed = (NEEDED + 1.0 + extra - UTF8 * (len - counted) as f64).max(HEADER + extra);
        match next.follow(scene, needed) {
            Some(true) => {
                let later = scene.later(next.offset);
                return Seen::Yes(format!(
                    "a length in {unit}, not in bytes: a legal header starts {later}; the frame before, at \
                     byte {start}, announces {counted} and its text has {counted} {unit} in {len} bytes"
                ));
            }
            found => perhaps |= found.is_none(),
        }
    }
    if perhaps { Seen::Perhaps } else { Seen::No }
}

pub(super) fn byte_order(scene: &Scene<'_>) -> Seen {
    let at_fault = scene.header.map(|header| (scene.start, header, scene.open_after(&header)));
    let before = scene.before.filter(|_| scene.is_in_header());
    let before = before.map(|(start, header)| (start, header, scene.open));
    let mut perhaps = false;
    for (start, header, open) in at_fault.into_iter().chain(before) {
        let len = header.payload_len();
        let extended = header.header_len() - if header.is_masked() { 4 } else { 0 };
        let swapped = match extended {
            4 => u64::from((len as u16).swap_bytes()),
            10 => len.swap_bytes(),
            _ => continue,
        };
        let text = || {
            Seen::Yes(format!(
                "a length in the wrong byte order: the frame at byte {start} announces {len} bytes, and \
                 {swapped} if the bytes of its length are swapped"
            ))
        };
        // A power of two may be a limit that is tried out.
        if extended == 10
            && len >= 1 << 40
            && (1..1 << 24).contains(&swapped)
            && !swapped.is_power_of_two()
        {
            return text();
        }
        if swapped == len || swapped < 126 {
            continue;
        }
        let Some(offset) = start.checked_add(swapped.saturating_add(header.header_len() as u64))
        else {
            continue;
        };
        if scene.last && scene.whole && scene.from(offset).is_some_and(<[u8]>::is_empty) {
            return text();
        }
        match (Chain { offset, from: scene.from, open, joins: &[] }).follow(scene, NEEDED) {
            Some(true) => return text(),
            found => perhaps |= found.is_none(),
        }
    }
    if perhaps { Seen::Perhaps } else { Seen::No }
}

pub(super) fn wrong(scene: &Scene<'_>) -> Seen {
    if scene.is_in_header() { after_end(scene) } else { inside(scene) }
}

/// Looks for headers around the end of the frame before.
fn after_end(scene: &Scene<'_>) -> Seen {
    let Some((start, payload)) = before(scene) else { return Seen::No };
    let mut perhaps = false;
    match scene.leads_on() {
        Some(true) => return Seen::No,
        Some(false) => {}
        None => return Seen::Perhaps,
    }
    let own = scene.header.map(|header| scene.boundaries(scene.start, header)).unwrap_or_default();
    let complete = is_before_complete(scene) == Some(true);
    let mut text = is_text(&payload.header).then(|| payload.plain());
    // A text must end where the next frame starts.
    if let Some(text) = &mut text {
        let valid = std::str::from_utf8(text).map_or_else(|error| error.valid_up_to(), str::len);
        text.truncate(valid);
    }
    let end = payload.header.payload_len();
    for off in 1..=OFF {
        // Each distance is one of many.
        let needed = NEEDED + 3.5 + (off as f64).log2();
        for len in [end.checked_add(off), end.checked_sub(off)].into_iter().flatten() {
            let offset = payload.start.saturating_add(len);
            let at = usize::try_from(len).unwrap_or(usize::MAX);
            let Some(byte) = payload.wire.get(at) else {
                perhaps |= len > end;
                continue;
            };
            let needed = match &text {
                Some(text) if std::str::from_utf8(text.get(..at).unwrap_or(b"\xFF")).is_err() => {
                    continue;
                }
                Some(_) if len > end => (needed - UTF8 * off as f64).max(NEEDED),
                Some(_) => needed,
                None if is_inside_character(&payload.wire[..at], *byte) => continue,
                None => needed,
            };
            if len > end && complete {
                continue;
            }
            let next = Chain { offset, from: scene.from, open: scene.open, joins: &own };
            match next.follow(scene, needed) {
                Some(true) => return told(scene, start, &payload.header, len, offset),
                found => perhaps |= found.is_none(),
            }
        }
    }
    if perhaps { Seen::Perhaps } else { Seen::No }
}

/// Looks for headers inside the frame at fault.
fn inside(scene: &Scene<'_>) -> Seen {
    if !matches!(scene.rule, Rule::InvalidUtf8 | Rule::InvalidDeflate | Rule::EofInFrame) {
        return Seen::No;
    }
    let (Some(payload), Some(header)) = (scene.payload(), scene.header) else { return Seen::No };
    let Some(wire) = scene.from(payload.start) else { return Seen::No };
    let mut perhaps = false;
    let text = is_text(&header).then(|| payload.plain());
    let own = scene.boundaries(scene.start, header);
    let known = wire.len() as u64;
    let places = match scene.rule {
        Rule::InvalidUtf8 => {
            let at = scene.offset.saturating_sub(payload.start);
            at.saturating_sub(UNNOTICED)..=at
        }
        _ => 1..=known,
    };
    let needed = NEEDED + ((places.end().saturating_sub(*places.start()) + 1) as f64).log2();
    for len in places.rev() {
        let offset = payload.start + len;
        let at = len as usize;
        if len >= header.payload_len() || at >= wire.len() {
            continue;
        }
        let wrong = match &text {
            Some(text) => std::str::from_utf8(text.get(..at).unwrap_or(b"\xFF")).is_err(),
            None => is_inside_character(&wire[..at], wire[at]),
        };
        if wrong {
            continue;
        }
        let open = scene.open_after(&header);
        match (Chain { offset, from: scene.from, open, joins: &own }).follow(scene, needed) {
            Some(true) => return told(scene, scene.start, &header, len, offset),
            found => perhaps |= found.is_none(),
        }
    }
    if perhaps { Seen::Perhaps } else { Seen::No }
}

/// Tells that a frame has `len` bytes of payload, and that the next one starts at `offset`.
fn told(scene: &Scene<'_>, start: u64, header: &Header, len: u64, offset: u64) -> Seen {
    let announced = header.payload_len();
    let off = announced.abs_diff(len);
    let size = if len > announced { "small" } else { "large" };
    let counts = if announced == len.saturating_add(header.header_len() as u64) {
        ", as if it counted the header"
    } else if announced == len.saturating_add(4) && header.is_masked() {
        ", as if it counted the masking key"
    } else if announced == len.saturating_mul(2) && len > 0 {
        ", as if it counted two bytes for each"
    } else if off == 1 && announced > len {
        ", as if it counted a NUL at the end"
    } else {
        ""
    };
    if start == scene.start {
        return Seen::Yes(format!(
            "a wrong length: legal headers start at byte {offset}; the length {announced} of the frame, at \
             byte {start}, is {} too {size}{counts}",
            plural(off, "byte")
        ));
    }
    let other = if len > announced { ", or what stands there is no frame" } else { "" };
    Seen::Yes(format!(
        "a wrong length: legal headers start at byte {offset}; the length {announced} of the frame before, at \
         byte {start}, is {} too {size}{counts}{other}",
        plural(off, "byte")
    ))
}
