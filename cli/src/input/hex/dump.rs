//! Reads dumps: lines with an offset, numbers, and perhaps the same bytes as text.
//!
//! The offsets prove how the numbers are meant: a reading counts only if each line has as many bytes as
//! the next offset says. If several readings fit and differ, none is taken.

use super::column::{Rest, rest};
use super::error::HexError;
use super::pasted::{Pasted, Text};
use super::sources::{Source, source};
use super::unit::Unit;
use crate::input::chain::{reaches_the_end, starts_legal};

/// A line with an offset.
struct Row<'a> {
    /// The number of the line.
    line: usize,
    /// The digits of the offset.
    offset: &'a str,
    /// Whether a colon follows the offset, or `0x` is before it.
    marked: bool,
    /// The text after the offset.
    data: &'a str,
    /// Whether a line with an asterisk follows.
    repeats: bool,
    indent: usize,
    /// The last line before it that is no row, or nothing if rows are before it.
    title: &'a str,
}

/// Rows whose offsets rise.
type Block<'a> = Vec<Row<'a>>;

/// The decoded bytes of a block, and whether a text column proves them.
type Decoded = (Vec<u8>, bool);

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

/// Groups the rows. Returns the line after which an offset goes on although something else stands
/// between, too.
fn blocks<'a>(text: &Text<'a>) -> (Vec<Block<'a>>, Option<usize>) {
    let mut blocks: Vec<Block<'a>> = Vec::new();
    let mut apart = true;
    let mut title = "";
    let mut strange = None;
    for &(line, content) in &text.lines {
        match row(line, content) {
            Some(mut row) => {
                row.title = std::mem::take(&mut title);
                let zero = row.offset.bytes().all(|digit| digit == b'0');
                let empty = row.data.trim().is_empty();
                if blocks.is_empty() || zero && !empty {
                    blocks.push(Vec::new());
                } else if apart {
                    strange = strange.or(Some(line.saturating_sub(1)));
                }
                apart = false;
                blocks.last_mut().expect("pushed above").push(row);
            }
            None if content.trim() == "*" => {
                if let Some(row) = blocks.last_mut().and_then(|block| block.last_mut()) {
                    row.repeats = true;
                }
            }
            None if content.trim().is_empty() => {}
            None => {
                apart = true;
                title = content.trim();
            }
        }
    }
    (blocks, strange)
}

/// Splits a line into its offset and its data.
fn row(line: usize, content: &str) -> Option<Row<'_>> {
    let trimmed = content.trim_start();
    let indent = content.len() - trimmed.len();
    let prefixed = trimmed.strip_prefix("0x").or_else(|| trimmed.strip_prefix("0X"));
    let start = prefixed.unwrap_or(trimmed);
    let len = start.bytes().take_while(u8::is_ascii_hexdigit).count();
    if !(4..=16).contains(&len) {
        return None;
    }
    let (offset, after) = start.split_at(len);
    let colon = after.strip_prefix(':');
    let data = colon.unwrap_or(after);
    let marked = colon.is_some() || prefixed.is_some();
    let apart = data.is_empty() || data.starts_with([' ', '\t']);
    (apart && (colon.is_some() || prefixed.is_none())).then_some(Row {
        line,
        offset,
        marked,
        data,
        repeats: false,
        indent,
        title: "",
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
    Pasted { notation, blocks, notes: Vec::new() }
}

/// Decodes a block, if its offsets in this base fit its numbers in this unit. Lines that are left out may
/// stand for at most `most` bytes.
fn decode_block(block: &Block<'_>, base: u32, unit: Unit, most: u64) -> Result<Decoded, HexError> {
    let mut bytes = Vec::new();
    let mut proven = false;
    let mut start = None;
    let offset = |row: &Row<'_>| {
        u64::from_str_radix(row.offset, base)
            .map_err(|_| HexError::told(row.line, format!("{} is no offset", row.offset)))
    };
    for (index, row) in block.iter().enumerate() {
        let at = offset(row)?;
        let first = *start.get_or_insert(at);
        let there = first + bytes.len() as u64;
        if at != there {
            let told = format!(
                "the offset {} does not fit: the bytes before it end at {there:#x}; copy the dump \
                 again",
                row.offset
            );
            return Err(HexError::told(row.line, told));
        }
        if row.data.trim().is_empty() {
            continue;
        }
        let next = block.get(index + 1).map(|next| Ok((next.line, offset(next)?))).transpose()?;
        let known = match next {
            Some((line, next)) if next <= at => {
                let told = format!("the offset {} does not rise", block[index + 1].offset);
                return Err(HexError::told(line, told));
            }
            Some((_, next)) if !row.repeats => Some(next - at),
            _ => None,
        };
        let before = bytes.len();
        let text = data(row, unit, known, proven, &mut bytes)?;
        proven |= text;
        if row.repeats {
            let len = (bytes.len() - before) as u64;
            let Some((line, next)) = next else {
                let told = "* stands for lines that are left out, and no offset says how many";
                return Err(HexError::told(row.line + 1, told));
            };
            let missing = next.saturating_sub(at + len);
            if len == 0 || missing % len != 0 {
                let told = "this offset does not fit the lines that * stands for";
                return Err(HexError::told(line, told));
            }
            if missing.saturating_add(bytes.len() as u64) > most {
                let told = format!(
                    "* stands for {missing} bytes, which are too many: at most {most} fit, and \
                     --max-memory allows more"
                );
                return Err(HexError::told(row.line + 1, told));
            }
            for _ in 0..missing / len {
                bytes.extend_from_within(before..before + len as usize);
            }
        }
    }
    Ok((bytes, proven))
}

/// Appends the bytes of a row: as many as are known, or as many as the text column says, or all.
/// Returns whether a text column proves them.
fn data(
    row: &Row<'_>,
    unit: Unit,
    known: Option<u64>,
    with_text: bool,
    bytes: &mut Vec<u8>,
) -> Result<bool, HexError> {
    let mut here = Vec::new();
    let mut after = row.data;
    if let Some(known) = known {
        let misfit = || {
            let told = format!(
                "the next offset says that this line has {known} bytes, but it has {}: copy the dump \
                 again",
                all(row, unit).len()
            );
            HexError::told(row.line, told)
        };
        while (here.len() as u64) < known {
            match unit.next(after, &mut here) {
                Some(rest) => after = rest,
                // The spaces at the end of a line are often lost.
                None if unit == Unit::Characters && after.trim().is_empty() && known <= 16 => {
                    here.push(b' ');
                    after = "";
                }
                None => return Err(misfit()),
            }
        }
        if here.len() as u64 > known && matches!(unit, Unit::Hex) {
            return Err(misfit());
        }
        // A word may have more bytes than are left.
        here.truncate(known as usize);
        let found = rest(after, &here);
        bytes.extend(here);
        return if found == Rest::Other { Err(misfit()) } else { Ok(found == Rest::Text) };
    }
    // The text column has the last word; without one, all numbers are bytes.
    let [mut with, mut without, mut perhaps] = [None; 3];
    while let Some(next) = unit.next(after, &mut here) {
        after = next;
        match rest(after, &here) {
            Rest::Text => {
                let trimmed = after.trim_start();
                let gap = after.len() - trimmed.len();
                let sure = gap >= 2 || with_text || trimmed.starts_with('|');
                *if sure { &mut with } else { &mut perhaps } = Some(here.len());
            }
            Rest::Nothing => without = Some(here.len()),
            Rest::Other => {}
        }
    }
    let Some(len) = with.or(without).or(perhaps) else {
        let told = format!("`{}` is neither {} nor their text", after.trim(), unit.name());
        return Err(HexError::told(row.line, told));
    };
    bytes.extend(&here[..len]);
    Ok(with.or(perhaps) == Some(len))
}

/// Returns the bytes of all numbers of a row.
fn all(row: &Row<'_>, unit: Unit) -> Vec<u8> {
    let (mut here, mut after) = (Vec::new(), row.data);
    while let Some(next) = unit.next(after, &mut here) {
        after = next;
    }
    here
}
