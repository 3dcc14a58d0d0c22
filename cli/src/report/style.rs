//! Colours, paragraphs and tables of the terminal output.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::OnceLock;

use anstyle::{AnsiColor, Style};
use comfy_table::Table;
use textwrap::core::display_width;
use textwrap::{Options, WordSplitter, wrap};

pub(crate) const HEADING: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const CODE: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const CLIENT: Style = AnsiColor::Cyan.on_default();
pub(crate) const SERVER: Style = AnsiColor::Magenta.on_default();

/// Returns the width of the terminal in columns, from 20 to 100. Without a terminal, it is 80.
pub(crate) fn width() -> usize {
    static WIDTH: OnceLock<usize> = OnceLock::new();
    *WIDTH.get_or_init(|| {
        let columns = terminal_size::terminal_size().map_or(80, |(width, _)| width.0.into());
        usize::clamp(columns, 20, 100)
    })
}

/// Prints a paragraph, wrapped to the width of the terminal, with `indent` before each line.
pub(crate) fn paragraph(out: &mut impl Write, indent: &str, text: &str) -> io::Result<()> {
    let simple = !text.is_empty() && !text.ends_with(' ') && !text.contains('\n');
    // Most lines fit. A character has at least as many bytes as columns.
    if simple && indent.len() + text.len() <= width() {
        return line(out, indent, text);
    }
    if simple && text.len() <= Breaks::LONGEST {
        return BREAKS.with_borrow_mut(|breaks| {
            let mut lines =
                breaks.lines(text, width().saturating_sub(display_width(indent))).iter();
            lines.try_for_each(|range| line(out, indent, &text[range.clone()]))
        });
    }
    let options = options(width()).initial_indent(indent).subsequent_indent(indent);
    wrap(text, options).iter().try_for_each(|text| line(out, "", text))
}

fn line(out: &mut impl Write, indent: &str, text: &str) -> io::Result<()> {
    out.write_all(indent.as_bytes())?;
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")
}

/// Returns the options of all paragraphs.
pub(crate) fn options<'a>(columns: usize) -> Options<'a> {
    Options::new(columns).word_splitter(WordSplitter::NoHyphenation)
}

thread_local! {
    static BREAKS: RefCell<Breaks> = RefCell::default();
}

/// The bytes of each line of a text.
type Lines = Box<[Range<usize>]>;

/// The lines of texts that were wrapped. Texts that differ only in their digits are wrapped at the same
/// bytes, and the sentences about a thousand connections seldom differ in more.
#[derive(Default)]
struct Breaks {
    /// The lines of a text whose digits are zeros, and the columns that it was wrapped to.
    lines: HashMap<Vec<u8>, (usize, Lines)>,
    zeros: Vec<u8>,
}

impl Breaks {
    /// The most texts that are kept.
    const MOST: usize = 1024;

    /// The length of the longest text that is kept, in bytes.
    const LONGEST: usize = 512;

    /// Returns the lines of a text that has no line feed, and no space at its end.
    fn lines(&mut self, text: &str, columns: usize) -> &[Range<usize>] {
        let Self { lines, zeros } = self;
        zeros.clear();
        zeros.extend(text.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte }));
        if lines.get(zeros).is_none_or(|(wrapped_to, _)| *wrapped_to != columns) {
            if lines.len() >= Self::MOST {
                lines.clear();
            }
            lines.insert(zeros.clone(), (columns, wrapped(text, columns)));
        }
        &lines[zeros].1
    }
}

/// Returns the lines of a text that has no line feed.
fn wrapped(text: &str, columns: usize) -> Lines {
    if display_width(text) <= columns {
        return std::iter::once(0..text.len()).collect();
    }
    let mut end = 0;
    let lines = wrap(text, options(columns)).into_iter().map(|line| {
        // Only spaces are left out between lines.
        let start = end + text[end..].find(&*line).unwrap_or_default();
        end = start + line.len();
        start..end
    });
    lines.collect()
}

/// Prints a table with its first line as a heading.
pub(crate) fn list(out: &mut impl Write, table: &Table) -> io::Result<()> {
    let mut lines = table.lines();
    let head = lines.next().unwrap_or_default();
    writeln!(out, "{HEADING}{}{HEADING:#}", head.trim_end())?;
    lines.try_for_each(|line| writeln!(out, "{}", line.trim_end()))
}

/// Makes text from an input safe for a terminal: escapes invisible characters.
pub(crate) fn plain(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\'' | '"' | '\\' => plain.push(character),
            _ => plain.extend(character.escape_debug()),
        }
    }
    plain
}

/// Shortens a text to this number of columns, with an ellipsis if it is cut.
pub(crate) fn shorten(text: &str, columns: usize) -> String {
    if display_width(text) <= columns {
        return text.to_owned();
    }
    let mut shown = String::new();
    for character in text.chars() {
        shown.push(character);
        if display_width(&shown) >= columns {
            shown.pop();
            break;
        }
    }
    shown + "…"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_is_wrapped_as_one_that_differs_in_its_digits_was(
            text in r"([a-c]{1,9}|[0-9]{1,6}|[0-9]{1,2}\.[0-9]|[ ,;:()/%é→字\-]|\x1b\[[0-9]{1,2}m){1,40}",
            digits in "[0-9]{9}",
            columns in 1_usize..40,
        ) {
            let text = text.trim_end_matches(' ');
            prop_assume!(!text.is_empty());
            let mut breaks = Breaks::default();
            let mut next = digits.chars().cycle();
            let other: String = text
                .chars()
                .map(|other| if other.is_ascii_digit() { next.next().unwrap() } else { other })
                .collect();
            for columns in [columns, columns + 1] {
                breaks.lines(&other, columns);
                let expected = if display_width(text) <= columns {
                    vec![text.into()]
                } else {
                    wrap(text, options(columns))
                };
                let lines = breaks.lines(text, columns).iter();
                let lines: Vec<_> = lines.map(|range| &text[range.clone()]).collect();
                prop_assert_eq!(lines, expected);
            }
        }
    }

    #[test]
    fn few_texts_are_kept() {
        let mut breaks = Breaks::default();
        for letters in 1..=3 * Breaks::MOST {
            breaks.lines(&"a".repeat(letters), 3 * Breaks::MOST);
        }
        assert!(breaks.lines.len() <= Breaks::MOST);
    }
}
