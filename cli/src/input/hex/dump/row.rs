//! Splits a text into rows with offsets, and groups them.

use crate::input::hex::pasted::Text;

/// A line with an offset.
pub(super) struct Row<'a> {
    /// The number of the line.
    pub(super) line: usize,
    /// The digits of the offset.
    pub(super) offset: &'a str,
    /// Whether a colon follows the offset, or `0x` is before it.
    pub(super) marked: bool,
    /// The text after the offset.
    pub(super) data: &'a str,
    /// Whether a line with an asterisk follows.
    pub(super) repeats: bool,
    pub(super) indent: usize,
    /// The last line before it that is no row, or nothing if rows are before it.
    pub(super) title: &'a str,
}

/// Rows whose offsets rise.
pub(super) type Block<'a> = Vec<Row<'a>>;

/// Groups the rows. Returns the line after which an offset goes on although something else stands
/// between, too.
pub(super) fn blocks<'a>(text: &Text<'a>) -> (Vec<Block<'a>>, Option<usize>) {
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
