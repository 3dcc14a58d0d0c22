//! What is wrong with hex text, and where.

use std::fmt;

use super::pasted::Text;

/// An error in hex text. Lines and columns are counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub struct HexError {
    line: usize,
    /// The column, or 0 if the whole line is meant.
    column: usize,
    fault: Fault,
}

/// What is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    NoDigit(u8),
    HalfByte,
    /// An item of an array, and how many words like it are before the array.
    NoByte(String, usize),
    /// Anything else, in words.
    Told(String),
}

impl HexError {
    pub(super) fn at(line: usize, column: usize, fault: Fault) -> Self {
        Self { line, column, fault }
    }

    /// Creates an error about a whole line, or about the whole text if that is line 0.
    pub(super) fn told(line: usize, text: impl Into<String>) -> Self {
        Self::at(line, 0, Fault::Told(text.into()))
    }
}

impl HexError {
    /// Gives an error about an item of an array its place in the text.
    pub(super) fn located(mut self, text: &Text<'_>) -> Self {
        if let (0, Fault::NoByte(item, before)) = (self.line, &self.fault)
            && let Some(place) = text.find(item, *before)
        {
            (self.line, self.column) = place;
        }
        self
    }

    /// Returns whether the text ends inside a byte.
    pub(super) fn is_half_byte(&self) -> bool {
        self.fault == Fault::HalfByte
    }
}

impl fmt::Display for HexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, fault } = self;
        match (line, column) {
            (0, _) => {}
            (line, 0) => write!(f, "line {line}: ")?,
            (line, column) => write!(f, "line {line}, column {column}: ")?,
        }
        match fault {
            Fault::NoDigit(byte) => {
                write!(f, "'{}' is not a hex digit", byte.escape_ascii())?;
                write!(f, ": start a comment with #, or use --format raw for raw bytes")
            }
            Fault::HalfByte => write!(f, "a hex digit is missing: write two digits for each byte"),
            Fault::NoByte(item, _) => write!(
                f,
                "`{}` is no byte: write each byte as a number from 0 to 255, or as two hex digits",
                item.escape_debug()
            ),
            Fault::Told(text) => f.write_str(text),
        }
    }
}
