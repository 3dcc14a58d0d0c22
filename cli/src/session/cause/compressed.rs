//! permessage-deflate that one endpoint uses in another way than agreed.

use wsvet::deflate::{Inflater, InvalidDeflate};
use wsvet::{OpCode, Rule};

use super::Seen;
use super::evidence::text;
use super::scene::{Payload, Scene, quote};

/// The most bytes that are inflated.
const MOST: usize = 64 << 10;

/// The number of bytes at which a part is enough: random ones do not inflate so far.
const PART: usize = 128;

/// Inflates a message. Returns what it inflates to, which ends early if it is long.
fn inflate(inflater: &mut Inflater, data: &[u8], end: bool) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let mut full = false;
    let outcome = inflater.inflate(data, end, |piece| {
        full = plain.len() > MOST;
        plain.extend_from_slice(piece);
        if full { Err(InvalidDeflate) } else { Ok(()) }
    });
    (outcome.is_ok() || full).then_some(plain)
}

/// Returns the start of a message that is whole or long enough, unmasked, and whether it is whole.
fn data(scene: &Scene<'_>, payload: &Payload<'_>) -> Option<(Vec<u8>, bool)> {
    let whole = payload.whole && payload.header.fin();
    let enough = whole || payload.whole || scene.last || payload.wire.len() >= 4 * PART;
    (enough && (whole || payload.wire.len() >= PART)).then(|| (payload.plain(), whole))
}

/// Returns whether the inflated bytes fit the type of the message, and are not too few.
fn fits(opcode: OpCode, plain: &[u8], whole: bool) -> bool {
    match opcode {
        OpCode::Text => text(plain, !whole).is_some() && plain.len() >= 2,
        _ => plain.len() >= 16,
    }
}

pub(super) fn not_agreed(scene: &Scene<'_>) -> Seen {
    let Some(payload) = scene.payload() else { return Seen::No };
    let starts = payload.header.opcode().starts_message();
    if scene.rule != Rule::ReservedBits
        || payload.header.rsv() != 4
        || !starts
        || scene.deflate.is_some()
    {
        return Seen::No;
    }
    let Some((data, whole)) = data(scene, &payload) else { return Seen::Perhaps };
    let plain = inflate(&mut Inflater::new(false), &data, whole);
    let Some(plain) = plain.filter(|plain| fits(payload.header.opcode(), plain, whole)) else {
        return Seen::No;
    };
    let offer = if scene.offered { "was offered and not accepted" } else { "was not negotiated" };
    let shown = match payload.header.opcode() {
        OpCode::Text => format!(" to {}", quote(&plain, !whole)),
        _ => format!(" to {} bytes", plain.len()),
    };
    Seen::Yes(format!(
        "a compressed message, although permessage-deflate {offer}: RSV1 is set and the payload inflates{shown}"
    ))
}

/// Inflates the messages before with one window. Returns the inflater and their number.
fn with_window(scene: &Scene<'_>) -> Option<(Inflater, usize)> {
    let mut inflater = Inflater::new(true);
    let mut count = 0;
    for (start, header) in scene.compressed {
        if *start >= scene.start {
            break;
        }
        if !header.fin() {
            return None;
        }
        // Those that are not kept any more may not be needed.
        let Some(payload) = scene.payload_of(*start, *header) else { continue };
        inflate(&mut inflater, &payload.plain(), true).filter(|_| payload.whole)?;
        count += 1;
    }
    Some((inflater, count))
}

pub(super) fn rsv1_missing(scene: &Scene<'_>) -> Seen {
    let Some(payload) = scene.payload() else { return Seen::No };
    let opcode = payload.header.opcode();
    if scene.rule != Rule::InvalidUtf8
        || scene.deflate.is_none()
        || payload.header.rsv() > 0
        || opcode != OpCode::Text
    {
        return Seen::No;
    }
    let Some((data, whole)) = data(scene, &payload) else { return Seen::Perhaps };
    let alone = inflate(&mut Inflater::new(false), &data, whole);
    let plain = alone.or_else(|| inflate(&mut with_window(scene)?.0, &data, whole));
    let Some(plain) = plain.filter(|plain| fits(opcode, plain, whole)) else { return Seen::No };
    let shown = quote(&plain, !whole);
    Seen::Yes(format!("a compressed message without RSV1: the payload inflates to {shown}"))
}

pub(super) fn wrapper(scene: &Scene<'_>) -> Seen {
    let Some(payload) = scene.payload() else { return Seen::No };
    if scene.rule != Rule::InvalidDeflate || !payload.header.opcode().starts_message() {
        return Seen::No;
    }
    let plain = payload.plain();
    let name = match *plain {
        [0x1F, 0x8B, 8, ..] => "gzip",
        [first, second, ..] if is_zlib(first, second) && inflates_as_zlib(&plain) => "zlib",
        _ => return if payload.whole { Seen::No } else { Seen::Perhaps },
    };
    Seen::Yes(format!(
        "DEFLATE data in the format of {name}: it has a header and a checksum, and a message has neither"
    ))
}

/// Returns whether these are the first two bytes of zlib data with a window of 32 KiB.
fn is_zlib(first: u8, second: u8) -> bool {
    first == 0x78 && second & 0x20 == 0 && u16::from_be_bytes([first, second]).is_multiple_of(31)
}

/// Returns whether the data after the header of zlib is DEFLATE, up to a checksum.
pub(super) fn inflates_as_zlib(data: &[u8]) -> bool {
    let body = data.get(2..data.len().saturating_sub(4)).unwrap_or_default();
    is_zlib(data[0], data[1])
        && body.len() >= 2
        && inflate(&mut Inflater::new(false), body, false).is_some_and(|plain| !plain.is_empty())
}

pub(super) fn window_kept(scene: &Scene<'_>) -> Seen {
    let Some(payload) = scene.payload() else { return Seen::No };
    let alone = scene.deflate.is_some_and(|agreed| !agreed.context_takeover(scene.from));
    if scene.rule != Rule::InvalidDeflate || !alone || !payload.header.opcode().starts_message() {
        return Seen::No;
    }
    let Some((data, whole)) = data(scene, &payload) else { return Seen::Perhaps };
    let Some((mut inflater, count)) = with_window(scene).filter(|(_, count)| *count > 0) else {
        return Seen::No;
    };
    let plain = inflate(&mut inflater, &data, whole);
    if !plain.is_some_and(|plain| fits(payload.header.opcode(), &plain, whole)) {
        return Seen::No;
    }
    let messages = if count == 1 { "the message" } else { "the messages" };
    Seen::Yes(format!(
        "a window that was not to be kept: the message inflates if it may refer to {messages} before it, and \
         {}_no_context_takeover was agreed",
        scene.from
    ))
}
