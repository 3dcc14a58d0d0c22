//! Reads a text that is one value, in any notation but a dump.

use super::error::HexError;
use super::pasted::Pasted;
use super::{base64, digits, json, list, literal, pairs};

/// Reads a text that is one value: digits, a string, an array or base64.
pub(super) fn one(text: &str) -> Option<Result<Pasted, HexError>> {
    if let Ok(bytes) = digits::decode(text.as_bytes())
        && !bytes.is_empty()
    {
        return Some(Ok(Pasted::one("hex digits", bytes)));
    }
    pairs::read(text)
        .or_else(|| json::read(text))
        .or_else(|| literal::read(text))
        .or_else(|| list::read(text))
        .or_else(|| base64::read(text))
}
