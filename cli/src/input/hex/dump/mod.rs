//! Reads dumps: lines with an offset, numbers, and perhaps the same bytes as text.
//!
//! The offsets prove how the numbers are meant: a reading counts only if each line has as many bytes as
//! the next offset says. If several readings fit and differ, none is taken.

mod block;
mod row;

use super::error::HexError;
use super::pasted::{Pasted, Text};
use super::sources::{Source, source};
use super::unit::Unit;
use crate::input::chain::{reaches_the_end, starts_legal};

use block::{Decoded, decode_block};
use row::{Block, Row, blocks};

/// A base of the offsets, a unit, and the blocks as they say.
type Reading = (u32, Unit, Vec<Decoded>);

/// Reads a dump. Returns `None` if the text is none.
pub(super) fn read(text: &Text<'_>) -> Option<Result<Pasted, HexError>> {
    let (mut blocks, strange) = blocks(text);
    let derived = without_derived(&mut blocks);
    let packets = blocks.iter().any(|block| is(&block[0], Source::Packet));
    let first = blocks.first()?;
    if !is_dump(first, text.most) {
        return None;
    }
    if let Some(line) = strange {
        let told = "neither an offset nor the start of another dump: remove this line";
        return Some(Err(HexError::told(line, told)));
    }
    let indents = |least: bool| {
        let all = blocks.iter().map(|block| block[0].indent);
        if least { all.min() } else { all.max() }
    };
    if blocks.len() > 1 && indents(true) != indents(false) {
        let told = "this is both directions of a stream that Wireshark followed: save one direction \
                    as Raw, or give the capture";
        return Some(Err(HexError::told(0, told)));
    }
    if let Some(row) = blocks.iter().map(|block| &block[0]).find(|row| is(row, Source::Payload)) {
        let told = format!(
            "`{}` is what stands in frames, without the frames: give the dump of the packet",
            row.title.trim_end_matches(':')
        );
        return Some(Err(HexError::told(row.line, told)));
    }
    Some(decode(&blocks, text.most).map(|mut pasted| {
        if packets {
            PACKETS.clone_into(&mut pasted.notation);
        }
        pasted.notes.extend(derived);
        pasted
    }))
}

/// The notation of blocks whose titles say that they are packets.
pub(crate) const PACKETS: &str = "packets in a hex dump of Wireshark";

fn is(row: &Row<'_>, kind: Source) -> bool {
    source(row.title) == Some(kind)
}

/// Removes what is derived of packets, if there are packets with a title. Returns the note about it.
fn without_derived(blocks: &mut Vec<Block<'_>>) -> Option<String> {
    if !blocks.iter().any(|block| is(&block[0], Source::Packet)) {
        return None;
    }
    let derived = |row: &Row<'_>| is(row, Source::Payload) || is(row, Source::Derived);
    let mut names: Vec<String> = Vec::new();
    blocks.retain(|block| {
        let title = block[0].title.trim_end_matches(':');
        let kept = !derived(&block[0]);
        if !kept && !names.iter().any(|name| name == title) {
            names.push(title.to_owned());
        }
        kept
    });
    (!names.is_empty()).then(|| {
        let more = names.len().saturating_sub(3);
        names.truncate(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("left out, because it is derived of the packets: {}{more}", names.join(", "))
    })
}

/// Returns whether the first rows cannot be anything else: the first offset is marked, or zero and set
/// apart, or the offsets rise by what the lines have.
fn is_dump(block: &Block<'_>, most: u64) -> bool {
    let Some(first) = block.first().filter(|row| !row.data.trim().is_empty()) else { return false };
    let zero = first.offset.bytes().all(|digit| digit == b'0');
    let gap = first.data.len() - first.data.trim_start().len();
    let apart = gap >= 2 || matches!(first.offset.len(), 6 | 7);
    let rises = || match decode_block(block, BASES[0], Unit::Hex, most) {
        Ok((_, proven)) => proven || block.len() > 1,
        Err(_) => block.len() > 1 && decode(std::slice::from_ref(block), most).is_ok(),
    };
    if zero { first.marked || apart || rises() } else { rises() }
}

/// The bases of offsets.
const BASES: [u32; 3] = [16, 8, 10];

/// Returns the units that a program writes with offsets in this base.
fn units(first: &Row<'_>, base: u32) -> &'static [Unit] {
    use Unit::{Binary, Characters, Decimal, Hex, HexWords, Octal, OctalWords, XxdWords};
    match (first.offset.len(), base) {
        _ if first.marked => &[Hex, Binary, XxdWords(2), XxdWords(4), XxdWords(8)],
        // hexdump.
        (7, 16) => &[Hex, HexWords(2), Octal, Characters],
        // od.
        (6 | 7, _) => &[
            Hex,
            HexWords(2),
            HexWords(4),
            HexWords(8),
            Octal,
            OctalWords(2),
            OctalWords(4),
            Decimal,
            Characters,
        ],
        _ => &[Hex],
    }
}

fn decode(blocks: &[Block<'_>], most: u64) -> Result<Pasted, HexError> {
    let first = &blocks[0][0];
    let short = matches!(first.offset.len(), 6 | 7) && !first.marked;
    let bases = if short { &BASES[..] } else { &BASES[..1] };
    let mut error = None;
    let [mut proven, mut likely]: [Vec<Reading>; 2] = Default::default();
    for &base in bases {
        for &unit in units(first, base) {
            let decoded: Result<Vec<Decoded>, HexError> =
                blocks.iter().map(|block| decode_block(block, base, unit, most)).collect();
            match decoded {
                Ok(decoded) if decoded.iter().all(|(_, proven)| *proven) => {
                    proven.push((base, unit, decoded));
                }
                // Words of xxd have a text column, and bytes of od have two digits.
                Ok(_) if matches!(unit, Unit::XxdWords(_)) => {}
                // The offsets of od are octal unless it is asked for others.
                Ok(_) if base == 10 && likely.iter().any(|(_, known, _)| *known == unit) => {}
                Ok(_) if unit == Unit::Hex && short && !is_in_groups_of(2, blocks) => {}
                Ok(decoded) => likely.push((base, unit, decoded)),
                Err(told) => error = error.or(Some(told)),
            }
        }
    }
    let readings = if proven.is_empty() { likely } else { proven };
    let Some((base, unit, decoded)) = readings.first() else {
        return Err(
            error.unwrap_or_else(|| HexError::told(first.line, "no bytes after the offset"))
        );
    };
    let bytes = |decoded: &[Decoded]| -> Vec<u8> {
        decoded.iter().flat_map(|(bytes, _)| bytes).copied().collect()
    };
    let differs = |(_, _, other): &&Reading| bytes(other) != bytes(decoded);
    let Some((_, other, _)) = readings.iter().find(differs) else {
        return Ok(pasted(first, *base, *unit, decoded));
    };
    // If only one of several readings leads from frame to frame, or starts as one, the others are none.
    let only = |fits: fn(&[u8]) -> bool| {
        let mut fitting = readings.iter().filter(|(.., decoded)| fits(&bytes(decoded)));
        let first = fitting.next()?;
        fitting.all(|(.., other)| bytes(other) == bytes(&first.2)).then_some(first)
    };
    let whole = |bytes: &[u8]| starts_legal(bytes) && reaches_the_end(bytes);
    match only(whole).or_else(|| only(starts_legal)) {
        // xxd prints pairs in order by default, so that it is not sure if they fit the other way only.
        Some((_, unit, _)) if *unit != Unit::Hex && first.marked && is_in_groups_of(4, blocks) => {
            Err(ambiguous(first, *unit, Unit::Hex))
        }
        Some((base, unit, decoded)) => Ok(pasted(first, *base, *unit, decoded)),
        None => Err(ambiguous(first, *unit, *other)),
    }
}

fn ambiguous(first: &Row<'_>, one: Unit, other: Unit) -> HexError {
    let told = format!(
        "the numbers may be {} or {}: write the dump again with `xxd` or `od -tx1`",
        one.name(),
        other.name()
    );
    HexError::told(first.line, told)
}

/// Returns whether all rows start with a number of at most this many digits.
fn is_in_groups_of(digits: usize, blocks: &[Block<'_>]) -> bool {
    let rows = blocks.iter().flatten();
    rows.filter_map(|row| row.data.split_ascii_whitespace().next()).all(|word| word.len() <= digits)
}

fn pasted(first: &Row<'_>, base: u32, unit: Unit, decoded: &[Decoded]) -> Pasted {
    let piped = first.data.trim_end().ends_with('|');
    let notation = match (unit, first.offset.len(), base) {
        (Unit::Hex, 4, _) if first.marked => "tcpdump -x".to_owned(),
        (Unit::Hex, _, _) if first.marked => "xxd".to_owned(),
        (_, _, _) if first.marked => format!("xxd, {}", unit.name()),
        (Unit::Hex, 8, _) if piped => "hexdump -C".to_owned(),
        (Unit::Hex, 4, _) => "a hex dump of Wireshark".to_owned(),
        (Unit::Hex, 6 | 7, _) => "od, hex bytes".to_owned(),
        (Unit::Hex, ..) => "a hex dump".to_owned(),
        (_, 7, 16) => format!("hexdump, {}", unit.name()),
        _ => format!("od, {}", unit.name()),
    };
    let blocks = decoded.iter().map(|(bytes, _)| bytes.clone()).collect();
    Pasted { notation, blocks, ..Pasted::default() }
}
