//! Reads pairs of digits with other marks: colons, dashes, `\x` without quotes, Node's `<Buffer ...>`.

use super::digits::{self, digit};
use super::error::HexError;
use super::pasted::Pasted;
use crate::input::chain::{reaches_the_end, starts_legal};

/// Reads pairs of digits that colons, dashes, `\x` or `%` separate, and Node's `<Buffer ...>`.
pub(super) fn read(text: &str) -> Option<Result<Pasted, HexError>> {
    if let Some(read) = buffer(text) {
        return Some(read);
    }
    for (notation, separator) in [("hex digits with colons", ':'), ("hex digits with dashes", '-')]
    {
        let mut bytes = Vec::new();
        let fits = text.lines().all(|line| {
            let line = line.trim().trim_matches(separator);
            line.is_empty() || line.split(separator).all(|pair| push(pair, &mut bytes).is_some())
        });
        if fits && bytes.len() > 1 {
            return Some(Ok(Pasted::one(notation, bytes)));
        }
    }
    for (notation, mark) in [("escapes", "\\x"), ("percent escapes", "%"), ("hex digits", "0x")] {
        let all: String = text.split_ascii_whitespace().collect();
        let Some(pairs) = all.strip_prefix(mark) else { continue };
        let mut bytes = Vec::new();
        if pairs.split(mark).all(|pair| push(pair, &mut bytes).is_some()) {
            return Some(Ok(Pasted::one(notation, bytes)));
        }
    }
    None
}

fn push(pair: &str, bytes: &mut Vec<u8>) -> Option<()> {
    let [high, low] = *pair.as_bytes() else { return None };
    bytes.push(digit(high)? << 4 | digit(low)?);
    Some(())
}

/// Reads what Node prints of one or more buffers, and how many bytes it left out.
fn buffer(text: &str) -> Option<Result<Pasted, HexError>> {
    let mut pasted = Pasted { notation: "a Buffer of Node".to_owned(), ..Pasted::default() };
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("<Buffer") {
        let (inside, after) = after.split_once('>').unwrap_or((after, ""));
        let (shown, cut) =
            inside.split_once("...").map_or((inside, None), |(s, cut)| (s, Some(cut)));
        let bytes = digits::decode(shown.as_bytes()).ok()?;
        if let Some(cut) = cut {
            if after.contains("<Buffer") {
                let told = "a buffer before the last one is cut: print it whole, for example with \
                            toString('hex')";
                return Some(Err(HexError::told(0, told)));
            }
            pasted.notes.push(format!(
                "Node left out {}: print it whole, for example with toString('hex')",
                cut.trim()
            ));
        }
        pasted.blocks.push(bytes);
        rest = after;
    }
    (!pasted.blocks.is_empty()).then_some(Ok(pasted))
}

/// Refuses words of two bytes in an order that is probably the other one: only the other order starts as
/// frames do, or leads to the end. `hexdump` and `od -x` without offsets print such words.
pub(super) fn check_order(text: &str, bytes: &[u8]) -> Result<(), HexError> {
    let mut words = text.split_ascii_whitespace();
    if bytes.len() < 2 || !words.all(|word| word.len() == 4) {
        return Ok(());
    }
    let other: Vec<u8> = bytes.chunks_exact(2).flat_map(|word| [word[1], word[0]]).collect();
    let starts = starts_legal(&other) && !starts_legal(bytes);
    if starts || reaches_the_end(&other) && !reaches_the_end(bytes) {
        let told = "the words may have the last byte first, as hexdump and od -x print them: write the \
                    bytes with `xxd` or `od -tx1`";
        return Err(HexError::told(1, told));
    }
    Ok(())
}
