//! Colours and paragraphs: how the tool looks.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::Table;

pub(crate) const HEADING: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const CODE: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const CLIENT: Style = AnsiColor::Cyan.on_default();
pub(crate) const SERVER: Style = AnsiColor::Magenta.on_default();

/// How many columns there are: those of the terminal up to 100, and 80 where there is none.
pub(crate) fn width() -> usize {
    let columns = terminal_size::terminal_size().map_or(80, |(width, _)| width.0.into());
    usize::clamp(columns, 20, 100)
}

/// Prints a paragraph that fits the terminal, each line behind `indent`.
pub(crate) fn paragraph(out: &mut impl Write, indent: &str, text: &str) -> io::Result<()> {
    let options = textwrap::Options::new(width())
        .initial_indent(indent)
        .subsequent_indent(indent)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    for line in textwrap::wrap(text, options) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Prints a table, its first line as a heading.
pub(crate) fn list(out: &mut impl Write, table: &Table) -> io::Result<()> {
    let mut lines = table.lines();
    let head = lines.next().unwrap_or_default();
    writeln!(out, "{HEADING}{}{HEADING:#}", head.trim_end())?;
    lines.try_for_each(|line| writeln!(out, "{}", line.trim_end()))
}

/// Text from outside as it may reach a terminal: what cannot be seen is escaped.
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

/// As much of a text as these columns hold, with an ellipsis where some is left out.
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
