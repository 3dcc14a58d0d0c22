//! Decodes a block of rows, whose offsets must fit its numbers.

use super::row::{Block, Row};
use crate::input::hex::column::{Rest, rest};
use crate::input::hex::error::HexError;
use crate::input::hex::unit::Unit;

/// The decoded bytes of a block, and whether a text column proves them.
pub(super) type Decoded = (Vec<u8>, bool);

/// Decodes a block, if its offsets in this base fit its numbers in this unit. Lines that are left out may
/// stand for at most `most` bytes.
pub(super) fn decode_block(
    block: &Block<'_>,
    base: u32,
    unit: Unit,
    most: u64,
) -> Result<Decoded, HexError> {
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
