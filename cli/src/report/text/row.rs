//! Prints one line for a frame: its place, its type, and the start of its payload.

use std::fmt::Write as _;

use textwrap::core::display_width;
use wsvet::{Header, Role};

use crate::report::style::{CLIENT, CODE, SERVER};
use crate::report::words::{content, inflated, kind, readable};
use crate::session::record::Frame;
use crate::session::report::Place;

/// The smallest width at which the columns are aligned.
const TABLE: usize = 70;

/// Padding for the widest column.
const SPACES: &str = "                  ";

/// The length of the sequence that ends a colour, in bytes.
const RESET: usize = "\x1b[0m".len();

/// A frame, and its place.
pub(super) struct Row<'a> {
    pub(super) place: &'a Place,
    pub(super) offset: u64,
    pub(super) header: &'a Header,
    /// The frame with its payload, if known.
    pub(super) frame: Option<&'a Frame<'a>>,
}

/// Returns the heading of the columns.
pub(super) fn head(place: &Place, width: usize) -> String {
    let numbered = place.stream.is_some() || place.at.is_some();
    let capture = if numbered { format!("conn {} ", place.unit()) } else { String::new() };
    if width < TABLE {
        format!("{capture}from byte frame payload")
    } else {
        format!("{capture}{:<6} {:>8}  {:<18} {:>9}", "from", "byte", "frame", "payload")
    }
}

impl Row<'_> {
    /// Writes the line.
    pub(super) fn write(&self, line: &mut String, width: usize) {
        let Self { place, offset, header, frame } = self;
        let color = match place.from {
            Role::Client => CLIENT,
            Role::Server => SERVER,
        };
        let (number, from, len) = (place.connection, place.from.name(), header.payload_len());
        let kind = kind(header);
        let table = width >= TABLE;
        if place.stream.is_some() || place.at.is_some() {
            right(line, number as u64, if table { 4 } else { 0 });
            match place.number() {
                Some(packet) => right(line, packet, if table { place.unit().len() } else { 0 }),
                None if table => line.push_str("   end "),
                None => line.push_str("end "),
            }
        }
        let unseen = line.len();
        let _ = write!(line, "{color}");
        let unseen = line.len() - unseen;
        left(line, from, if table { 6 } else { 0 });
        let _ = write!(line, "{color:#}");
        right(line, *offset, if table { 8 } else { 0 });
        line.push_str(if table { " " } else { "" });
        left(line, &kind, if table { 18 } else { 0 });
        right(line, len, if table { 7 } else { 0 });
        line.push_str("B  ");
        let columns = line.len() - unseen - RESET + 3;
        if let Some(frame) = frame {
            // Two quotation marks and an ellipsis take three columns.
            preview(line, frame, width.saturating_sub(columns).max(4));
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
    }
}

/// Writes a number, aligned right in this number of columns, and a space.
fn right(line: &mut String, number: u64, columns: usize) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(number);
    line.push_str(&SPACES[..columns.saturating_sub(digits.len()).min(SPACES.len())]);
    line.push_str(digits);
    line.push(' ');
}

/// Writes a word, aligned left in this number of columns, and a space.
fn left(line: &mut String, word: &str, columns: usize) {
    line.push_str(word);
    line.push_str(&SPACES[..columns.saturating_sub(word.len()).min(SPACES.len())]);
    line.push(' ');
}

/// Writes the start of a payload on one line: text in quotes, other bytes in hex.
fn preview(line: &mut String, frame: &Frame<'_>, room: usize) {
    if let Some(close) = &frame.close {
        let _ = write!(line, "{CODE}{}{CODE:#}", close.code.0);
        if !close.reason.is_empty() {
            line.push(' ');
            quoted(line, close.reason, true, room.saturating_sub(5));
        }
        return;
    }
    let mut room = room;
    if let Some(len) = inflated(frame) {
        let before = line.len();
        let _ = write!(line, "→ {len} B ");
        room = room.saturating_sub(line.len() - before - ("→".len() - 1)).max(4);
    }
    let (start, len) = content(frame);
    let whole = start.len() as u64 == len;
    if start.is_empty() && !whole {
        line.push('…');
        return;
    }
    match readable(frame, start) {
        Some(text) if text.len() == start.len() => return quoted(line, text, whole, room),
        Some(text) if !text.is_empty() => return quoted(line, text, false, room),
        _ => {}
    }
    let fits = (room / 3).min(start.len());
    for (index, byte) in start[..fits].iter().enumerate() {
        let _ = write!(line, "{}{byte:02x}", if index > 0 { " " } else { "" });
    }
    if !whole || start.len() > fits {
        line.push_str(" …");
    }
}

/// Writes a text in quotes, shortened to this number of columns, with an ellipsis if it is cut.
fn quoted(line: &mut String, text: &str, whole: bool, room: usize) {
    if text.is_empty() && whole {
        return;
    }
    line.push('"');
    let mut left = room;
    let mut cut = !whole;
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        let plain = character.is_ascii_graphic() || character == ' ';
        let before = line.len();
        if plain && !matches!(character, '"' | '\'' | '\\') {
            line.push(character);
        } else {
            line.extend(character.escape_debug());
        }
        let columns = if plain { line.len() - before } else { display_width(&line[before..]) };
        // If more text follows, the last column is for an ellipsis.
        let needed = columns + usize::from(!rest.as_str().is_empty());
        if needed > left {
            line.truncate(before);
            cut = true;
            break;
        }
        left -= columns;
    }
    line.push_str(if cut { "\"…" } else { "\"" });
}
