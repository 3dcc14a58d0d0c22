//! What is wrong with hex text, and where.

use std::fmt;

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
            Fault::Told(text) => f.write_str(text),
        }
    }
}
