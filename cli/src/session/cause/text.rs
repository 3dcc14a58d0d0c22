//! A text in another encoding, or cut.

use wsvet::{Header, OpCode, Rule};

use super::Seen;
use super::compressed::inflates_as_zlib;
use super::evidence::{enough, is_control, text};
use super::foreign::known_start;
use super::scene::{Scene, unmask};

/// The known part of the text at fault.
struct Part {
    plain: Vec<u8>,
    /// Where in it the rule is broken.
    bad: usize,
    /// Whether it has the first byte of the payload.
    start: bool,
    /// Whether it ends where the payload ends, or no more will be known.
    end: bool,
}

fn part(scene: &Scene<'_>) -> Option<Part> {
    let is_text = matches!(scene.rule, Rule::InvalidUtf8 | Rule::InvalidCloseReason);
    let header = scene.header.filter(|header| is_text && header.rsv() == 0)?;
    let start = scene.start.checked_add(header.header_len() as u64)?;
    let end = start.checked_add(header.payload_len())?;
    let from = start.max(scene.first);
    let wire = scene.from(from)?;
    let len = usize::try_from(end.checked_sub(from)?).unwrap_or(usize::MAX);
    let plain = unmask(header.masking_key(), from - start, &wire[..wire.len().min(len)]);
    let bad = usize::try_from(scene.offset.checked_sub(from)?).ok()?;
    let end = scene.last || wire.len() >= len;
    Some(Part { plain, bad, start: from == start, end })
}

pub(super) fn character_split(scene: &Scene<'_>) -> Seen {
    let (Some(part), Some(header)) = (part(scene), scene.header) else { return Seen::No };
    if scene.rule != Rule::InvalidUtf8 || !header.fin() {
        return Seen::No;
    }
    let Some(end) = scene.end_of(scene.start, header) else { return Seen::No };
    if scene.from(end).is_none() {
        return if part.end { Seen::No } else { Seen::Perhaps };
    }
    let cut = match std::str::from_utf8(&part.plain) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => return Seen::No,
    };
    let rest = scene.from(end).unwrap_or_default();
    let Ok((next, after)) = Header::decode(rest) else { return Seen::Perhaps };
    let goes_on = matches!(next.opcode(), OpCode::Text | OpCode::Continuation);
    if !goes_on || next.is_masked() != header.is_masked() || next.rsv() > 0 {
        return Seen::No;
    }
    let len = usize::try_from(next.payload_len()).unwrap_or(usize::MAX);
    let second = unmask(next.masking_key(), 0, &after[..after.len().min(len)]);
    let joined = [&part.plain[..], &second].concat();
    if second.is_empty() || second[0] & 0xC0 != 0x80 {
        return if second.is_empty() && len > 0 { Seen::Perhaps } else { Seen::No };
    }
    let more = second.len() < len;
    if more && second.len() < 64 && !scene.last {
        return Seen::Perhaps;
    }
    let before = &joined[cut.saturating_sub(16)..];
    let before = &before[before.iter().take(4).take_while(|byte| *byte & 0xC0 == 0x80).count()..];
    let Some(bits) = text(before, true) else { return Seen::No };
    Seen::of(enough(bits, more && !scene.last), || {
        let hex: Vec<_> = part.plain[cut..].iter().map(|byte| format!("{byte:02x}")).collect();
        format!(
            "a text that is cut inside a character: the message ends with {} and the next one, at byte {end}, \
             goes on with the rest of that character",
            hex.join(" ")
        )
    })
}

pub(super) fn surrogates(scene: &Scene<'_>) -> Seen {
    let Some(part) = part(scene) else { return Seen::No };
    let (start, rest) = part.plain.split_at(part.bad.min(part.plain.len()));
    // The rule is broken by the second byte.
    let at = start.len().saturating_sub(1);
    if start.last() != Some(&0xED) {
        return Seen::No;
    }
    let whole = |text: &[u8]| {
        text.len() >= 3
            && matches!(text, [0xED, 0xA0..=0xAF, 0x80..=0xBF, 0xED, 0xB0..=0xBF, 0x80..=0xBF, ..])
    };
    let seen = &part.plain[at..];
    if whole(seen) {
        return Seen::Yes(
            "CESU-8: a character is written as two UTF-16 surrogates of 3 bytes each, and not as 4 bytes"
                .to_owned(),
        );
    }
    if seen.len() < 6 && !part.end {
        return Seen::Perhaps;
    }
    let half = matches!(seen, [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..]);
    let around = [&start[..at], rest.get(2..).unwrap_or_default()].concat();
    let good = text(&around, !part.end).is_some_and(|bits| bits >= 4.0);
    Seen::of(Some(half && good), || {
        "half of a UTF-16 surrogate pair, as a string has that was cut inside a character"
            .to_owned()
    })
}

pub(super) fn overlong_nul(scene: &Scene<'_>) -> Seen {
    let Some(part) = part(scene) else { return Seen::No };
    let found = part.plain.get(part.bad..).is_some_and(|rest| rest.starts_with(b"\xC0\x80"));
    if part.plain.len() < part.bad + 2 && !part.end {
        return Seen::Perhaps;
    }
    Seen::of(Some(found), || "modified UTF-8, as Java writes it: C0 80 stands for NUL".to_owned())
}

pub(super) fn utf_16(scene: &Scene<'_>) -> Seen {
    let Some(part) = part(scene).filter(|part| part.start) else { return Seen::No };
    let more = !part.end;
    let plain = &part.plain[..part.plain.len().min(256)];
    let (plain, mark) = match plain {
        [0xFF, 0xFE, rest @ ..] => (rest, Some(false)),
        [0xFE, 0xFF, rest @ ..] => (rest, Some(true)),
        rest => (rest, None),
    };
    if part.end && part.plain.len() % 2 == 1 {
        return Seen::No;
    }
    for (big, name) in [(false, "little"), (true, "big")] {
        if mark.is_some_and(|mark| mark != big) {
            continue;
        }
        let unit = |pair: &[u8]| match pair {
            [a, b] if big => u16::from_be_bytes([*a, *b]),
            [a, b] => u16::from_le_bytes([*a, *b]),
            _ => 0xFFFF,
        };
        let units: Vec<_> = plain.chunks_exact(2).map(unit).collect();
        let latin = units.iter().filter(|unit| (0x20..0x7F).contains(*unit)).count();
        let good = char::decode_utf16(units.iter().copied())
            .enumerate()
            .all(|(at, unit)| unit.map_or(at + 1 >= units.len(), |c| !is_control(c)));
        if !good || latin * 2 < units.len() {
            continue;
        }
        let bits = 8.0 * latin as f64 - 2.0 + if mark.is_some() { 16.0 } else { 0.0 };
        return Seen::of(enough(bits, more), || {
            format!("text in UTF-16 ({name} endian), not in UTF-8")
        });
    }
    Seen::No
}

pub(super) fn binary(scene: &Scene<'_>) -> Seen {
    let Some(part) = part(scene).filter(|part| part.start) else { return Seen::No };
    let zlib = part.plain.len() >= 8 && inflates_as_zlib(&part.plain);
    let known = known_start(&part.plain).or_else(|| zlib.then_some("zlib data"));
    match known {
        Some(name) => Seen::Yes(format!("binary data in a text message: {name}")),
        None if part.end || part.plain.len() > 32 => Seen::No,
        None => Seen::Perhaps,
    }
}

pub(super) fn latin_1(scene: &Scene<'_>) -> Seen {
    let Some(part) = part(scene) else { return Seen::No };
    let plain = &part.plain[..part.plain.len().min(512)];
    let (mut high, mut inside, mut windows, mut ascii) = (0, 0, false, 0);
    for (at, byte) in plain.iter().enumerate() {
        let letter = |at: Option<usize>| {
            at.and_then(|at| plain.get(at)).is_some_and(|byte| byte.is_ascii_alphabetic())
        };
        let (before, after) = (letter(at.checked_sub(1)), letter(Some(at + 1)));
        match byte {
            0x1E | b'\t' | b'\n' | b'\r' | b' '..=b'~' => ascii += 1,
            // Of these, C2, C3 and F0 begin many characters of UTF-8, and the others are rare.
            0xC2 | 0xC3 | 0xD7 | 0xF0 | 0xF7 | 0xFE | 0xFF => return Seen::No,
            // A lower-case letter before another letter, as a character that was cut hardly has it.
            0xE0.. if after => (high, inside) = (high + 1, inside + 1),
            0xC0.. if before || after => high += 1,
            0x92 if before && after => (high, inside, windows) = (high + 1, inside + 1, true),
            0x80 | 0x85 | 0x91..=0x97 if before || after => (high, windows) = (high + 1, true),
            0xA1 | 0xA3 | 0xA7 | 0xA9 | 0xAB | 0xAE | 0xB0 | 0xB5 | 0xBB | 0xBF => high += 1,
            _ => return Seen::No,
        }
    }
    let few = (inside > 0 || high > 3) && high * 4 <= ascii;
    let bits = 1.3 * f64::from(ascii) - 4.0;
    let certain = enough(bits, !part.end).map(|enough| enough && few);
    let name = if windows { "Windows-1252" } else { "Latin-1 (ISO 8859-1)" };
    Seen::of(certain, || {
        let byte = part.plain.get(part.bad).copied().unwrap_or_default();
        let of = if byte >= 0xA0 {
            format!(": {byte:02x} is \"{}\" in it", char::from(byte))
        } else {
            String::new()
        };
        format!("text in {name}, not in UTF-8{of}")
    })
}
