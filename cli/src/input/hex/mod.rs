//! Reads bytes as people paste them: hex digits, dumps, arrays, strings and base64.
//!
//! Each file reads one notation, and takes a text only if it is wholly in it. A text that fits several
//! notations with different bytes is refused.

mod base64;
mod column;
mod digits;
mod dump;
mod error;
mod items;
mod json;
mod label;
mod list;
mod literal;
mod pairs;
mod pasted;
mod unit;
mod value;

pub use digits::decode;
pub use error::HexError;
pub use pasted::{BOUND, Pasted};

use pasted::Text;
use value::one;

/// Reads the bytes that a text stands for.
pub fn read(text: &[u8]) -> Result<Pasted, HexError> {
    let lossy = String::from_utf8_lossy(text);
    let whole = Text::new(&lossy);
    if let Some(dump) = dump::read(&whole) {
        return dump;
    }
    // Lines keep their numbers in an error about digits.
    let plain = digits::decode(text);
    if let Ok(bytes) = plain {
        pairs::check_order(&lossy, &bytes)?;
        return Ok(Pasted::one("hex digits", bytes));
    }
    let joined = whole.joined();
    if let Some(read) = one(&joined).or_else(|| label::read(&whole)) {
        return read;
    }
    Err(plain.err().filter(|_| is_nearly_hex(&lossy)).unwrap_or_else(|| HexError::told(0, NEITHER)))
}

/// What is said of text that is nothing.
const NEITHER: &str = "the text is neither a HAR file, nor JSON lines of frames, nor bytes in a notation \
                       that is known: give the bytes as hex digits, or use --format raw for raw bytes";

/// Returns whether a mistake in the digits is more likely than another kind of text: most of what
/// stands in the first line are digits in pairs.
fn is_nearly_hex(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let mut words = first.split([' ', ',', '\t']).filter(|word| !word.is_empty()).peekable();
    let Some(start) = words.peek() else { return false };
    let start = start.trim_start_matches("0x");
    let pair = |word: &str| {
        word.as_bytes()
            .first_chunk::<2>()
            .is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit))
    };
    let all = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).take(4096);
    let (digits, others) = all.fold((0, 0), |(digits, others), byte| {
        if byte.is_ascii_hexdigit() { (digits + 1, others) } else { (digits, others + 1) }
    });
    pair(start) && digits > 4 * others
}
