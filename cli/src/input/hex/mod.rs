//! Reads bytes as people paste them: hex digits, dumps, arrays, strings and base64.
//!
//! Each file reads one notation, and takes a text only if it is wholly in it. A text that fits several
//! notations with different bytes is refused.

mod base64;
mod column;
mod digits;
mod dump;
mod ellipsis;
mod error;
mod fence;
mod items;
mod json;
mod label;
mod list;
mod literal;
mod pairs;
mod pasted;
mod sources;
mod typography;
mod unit;
mod value;

pub use digits::decode;
pub(crate) use dump::PACKETS;
pub use error::HexError;
pub use pasted::Pasted;
pub(crate) use typography::is_space;

use crate::input::chain::reaches_the_end;

use ellipsis::Cut;
use fence::Fences;
use pasted::Text;
use typography::plain;
use value::one;

/// What the notation of a fenced block ends with, if there is text around it.
pub(crate) const FENCED: &str = " in a fenced block";

/// What the notation of a text ends with, if an ellipsis stands for its rest.
pub(crate) const CUT: &str = ", cut short";

/// Reads the bytes that a text stands for, at most `most`.
///
/// If there are fenced blocks, exactly one of them must stand for bytes.
pub fn read(text: &[u8], most: u64) -> Result<Pasted, HexError> {
    let text = &*String::from_utf8_lossy(text);
    let Some(fences) = Fences::new(text) else { return unfenced(text, most) };
    if fences.blocks.is_empty() {
        return unfenced(&fences.all(), most);
    }
    let read = fences.blocks.iter().map(|block| (block, unfenced(&fences.only(block), most)));
    let mut read: Vec<_> = read.collect();
    if read.len() > 1 {
        read.retain(|(_, read)| read.as_ref().is_ok_and(|pasted| !pasted.is_empty()));
    }
    if let [_, (second, _), ..] = &read[..] {
        let told = "this is not the first fenced block with bytes: give one of them alone, or all \
                    bytes of one endpoint in one block";
        return Err(HexError::told(second.start, told));
    }
    let Some((block, read)) = read.pop() else { return Err(HexError::told(0, NEITHER)) };
    let mut pasted = read?;
    if fences.has_more(block) {
        pasted.notation.push_str(FENCED);
        pasted.notes.push("the text around the block was left out".to_owned());
    }
    Ok(pasted)
}

/// Reads a text as it stands, then with white space and quotes of ASCII, then without an ellipsis.
fn unfenced(text: &str, most: u64) -> Result<Pasted, HexError> {
    let mut read = as_written(text, most);
    let spaced = plain(text, ' ');
    let spaced_read = spaced.as_deref().map(|spaced| as_written(spaced, most));
    // With white space that it does not know, a dump may be read as one of the words in its text.
    let len = |read: &Result<Pasted, HexError>| read.as_ref().map_or(0, Pasted::len);
    if let Some(spaced_read) = spaced_read.filter(|other| read.is_err() || len(other) > len(&read))
    {
        read = spaced_read;
        // White space in a string would be a byte.
        let tabbed = || plain(text, '\t').is_some_and(|tabbed| as_written(&tabbed, most) != read);
        if read.as_ref().is_ok_and(|pasted| pasted.notation.contains("escapes")) && tabbed() {
            let told = "white space in the string is not of ASCII, so that its bytes are not known: \
                        write them as hex digits";
            return Err(HexError::told(0, told));
        }
    }
    let text = spaced.as_deref().unwrap_or(text);
    let Some(cut) = Cut::new(text) else { return read };
    // Without quotes the dots may be bytes, too.
    let dots = read.as_ref().is_ok_and(|pasted| {
        pasted.notation == "escapes" && !pasted.blocks.iter().all(|bytes| reaches_the_end(bytes))
    });
    if read.is_ok() && !cut.alone && !dots {
        return read;
    }
    {
        // A word of prose may be base64, and the last word often ends so.
        let sure = |shown: Result<Pasted, HexError>| {
            shown.and_then(|pasted| match pasted.notation.contains("base64") {
                true => Err(HexError::told(0, NEITHER)),
                false => Ok(pasted),
            })
        };
        let shown = as_written(cut.shown, most);
        // The last digit may be half of a byte.
        let half = shown.as_ref().is_err_and(HexError::is_half_byte);
        let before = cut.shown.strip_suffix(|c: char| c.is_ascii_hexdigit()).filter(|_| half);
        read = sure(before.map_or(shown, |before| as_written(before, most)));
    }
    read.map(|mut pasted| {
        pasted.notation.push_str(CUT);
        pasted.notes.push(cut.note());
        pasted
    })
}

/// Reads a text that is wholly in one notation.
fn as_written(text: &str, most: u64) -> Result<Pasted, HexError> {
    let whole = Text::new(text, most);
    if let Some(dump) = dump::read(&whole) {
        return dump;
    }
    // Lines keep their numbers in an error about digits.
    let plain = digits::decode(text.as_bytes());
    if let Ok(bytes) = plain {
        pairs::check_order(text, &bytes)?;
        return Ok(Pasted::one("hex digits", bytes));
    }
    let labelled = label::read(&whole);
    // As one value, the text would be the bytes of one endpoint.
    let has_both = labelled.as_ref().is_some_and(|read| match read {
        Ok(pasted) => !pasted.senders.is_empty(),
        Err(error) => *error == HexError::told(0, label::UNCLEAR),
    });
    let read = if has_both { None } else { one(&whole.joined()) };
    if let Some(read) = read.or(labelled) {
        return read.map_err(|error| error.located(&whole));
    }
    Err(plain.err().filter(|_| is_nearly_hex(text)).unwrap_or_else(|| HexError::told(0, NEITHER)))
}

/// The error about text in no known notation.
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
