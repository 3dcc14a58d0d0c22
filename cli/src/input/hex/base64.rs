//! Reads base64, in either alphabet, with or without a data URL.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::error::HexError;
use super::pasted::Pasted;

/// The shortest text that is taken without another sign, in characters. Words are shorter.
const SHORTEST: usize = 6;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// Decodes base64 in the alphabet that the text uses.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_ascii_whitespace().collect();
    let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, LENIENT).decode(text).ok()
}

/// Reads a text that is base64: a data URL, or characters that no word has.
pub(super) fn read(text: &str) -> Option<Result<Pasted, HexError>> {
    if let Some(url) = text.strip_prefix("data:") {
        let (_, data) = url.split_once(";base64,")?;
        return Some(Ok(Pasted::one("base64 in a data URL", decode(data)?)));
    }
    let has = |is: fn(&u8) -> bool| text.bytes().any(|byte| is(&byte));
    let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    let odd = has(|byte| !byte.is_ascii_alphabetic() && !byte.is_ascii_whitespace());
    let spaced = text.lines().any(|line| line.trim().contains([' ', '\t']));
    let whole = text.len() >= SHORTEST || text.ends_with('=');
    if spaced || !whole || !(mixed || odd) {
        return None;
    }
    let notation = if text.contains(['-', '_']) { "base64url" } else { "base64" };
    Some(Ok(Pasted::one(notation, decode(text)?)))
}
