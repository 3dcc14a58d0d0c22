//! Colours, paragraphs and tables of the terminal output.

use std::io::{self, Write};
use std::sync::OnceLock;

use anstyle::{AnsiColor, Style};
use comfy_table::Table;

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
    // Most lines fit, and wrapping takes long. A character has at least as many bytes as columns.
    let fits = || {
        let columns = textwrap::core::display_width;
        indent.len() + text.len() <= width() || columns(indent) + columns(text) <= width()
    };
    if !text.is_empty() && !text.ends_with(' ') && !text.contains('\n') && fits() {
        return writeln!(out, "{indent}{text}");
    }
    let options = textwrap::Options::new(width())
        .initial_indent(indent)
        .subsequent_indent(indent)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    for line in textwrap::wrap(text, options) {
        writeln!(out, "{line}")?;
    }
    Ok(())
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
    if textwrap::core::display_width(text) <= columns {
        return text.to_owned();
    }
    let mut shown = String::new();
    for character in text.chars() {
        shown.push(character);
        if textwrap::core::display_width(&shown) >= columns {
            shown.pop();
            break;
        }
    }
    shown + "…"
}
