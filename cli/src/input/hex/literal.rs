//! Reads string literals of programming languages: `b'\x81'`, `"\201"`, `bytes.fromhex("81")`.

use super::error::HexError;
use super::pasted::Pasted;
use super::{base64, digits, pairs};

/// Reads one or more string literals, and nothing else but what may stand around them.
pub(super) fn read(text: &str) -> Option<Result<Pasted, HexError>> {
    if let Some(bytes) = of_database(text) {
        return Some(Ok(Pasted::one("hex digits after \\x", bytes)));
    }
    // A line of escapes that lost its quotes.
    if text.starts_with("\\x") {
        let mut bytes = Vec::new();
        let lines = text.lines().all(|line| {
            let line = line.trim_end_matches('\\');
            unescape(line, &mut bytes).is_some()
        });
        return lines.then(|| Ok(Pasted::one("escapes", bytes)));
    }
    let mut all = Vec::new();
    let (mut escaped, mut prefixed, mut hinted) = (false, false, false);
    let mut rest = text;
    while let Some(start) = rest.find(['"', '\'', '`']) {
        let (before, quoted) = rest.split_at(start);
        if !is_surrounding(before) {
            return None;
        }
        let quote = quoted.chars().next()?;
        let triple = quote.to_string().repeat(3);
        let quotes = if quoted.starts_with(&triple) { 3 } else { 1 };
        let inside = &quoted[quotes..];
        let end = closing(inside, &quoted[..quotes])?;
        let (content, after) = (&inside[..end], &inside[end + quotes..]);
        let name = before.trim_end().rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or("");
        prefixed |= matches!(name, "b" | "B" | "rb" | "br" | "c" | "h" | "x" | "X")
            && before.ends_with(name);
        // The names of encodings are arguments beside the text.
        if matches!(content, "hex" | "base64" | "latin1" | "binary" | "base64url") {
            hinted = true;
        } else {
            escaped |= has_number(content);
            all.push(content);
        }
        rest = after;
    }
    if all.is_empty() || !is_surrounding(rest) {
        return None;
    }
    let joined = all.concat();
    if !escaped {
        let notation = "a string of";
        if let Ok(bytes) = digits::decode(joined.as_bytes())
            && !bytes.is_empty()
        {
            return Some(Ok(Pasted::one(format!("{notation} hex digits"), bytes)));
        }
        if let Some(read) = pairs::read(&joined) {
            return Some(read);
        }
        if let Some(Ok(read)) =
            base64::read(&joined).filter(|_| prefixed || hinted || all.len() == 1)
        {
            return Some(Ok(Pasted::one(
                format!("{notation} {}", read.notation),
                read.blocks.concat(),
            )));
        }
    }
    let mut bytes = Vec::new();
    let known = all.iter().all(|content| unescape(content, &mut bytes).is_some());
    if !known {
        let told = "a character of the string is no byte: write the bytes as hex digits";
        return (escaped || prefixed).then(|| Err(HexError::told(0, told)));
    }
    (escaped || prefixed).then(|| Ok(Pasted::one("a string with escapes", bytes)))
}

/// Reads bytes as PostgreSQL prints them: `\x`, and then hex digits for all bytes.
fn of_database(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?;
    if digits.len() <= 2 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    digits::decode(digits.as_bytes()).ok()
}

/// Returns whether a literal has an escape with a number. Other escapes stand in any text.
fn has_number(content: &str) -> bool {
    let escapes = content.split('\\').skip(1);
    escapes
        .filter_map(|escape| escape.chars().next())
        .any(|kind| matches!(kind, 'x' | 'u' | '0'..='7'))
}

/// Returns the position of the quotes that end a literal.
fn closing(inside: &str, quotes: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in inside.char_indices() {
        if !escaped && inside[at..].starts_with(quotes) {
            return Some(at);
        }
        escaped = !escaped && character == '\\';
    }
    None
}

/// Returns whether this may stand around literals: names, brackets and operators, but no sentence.
fn is_surrounding(text: &str) -> bool {
    const MARKS: &str = "()[]{}<>=+,;:&*$.!_#-\\@";
    let words =
        text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    text.chars().all(|c| c.is_alphanumeric() || c.is_ascii_whitespace() || MARKS.contains(c))
        && words.count() <= 8
        && text.len() <= 200
}

/// Appends the bytes of a string with escapes. Returns `None` if it has more than bytes.
fn unescape(text: &str, bytes: &mut Vec<u8>) -> Option<()> {
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        if character != '\\' {
            // Languages differ in what another character is.
            bytes.push(u8::try_from(character).ok().filter(u8::is_ascii)?);
            rest = after;
            continue;
        }
        let escape = after.chars().next()?;
        let digits = &after[escape.len_utf8()..];
        let number = |len: usize, radix: u32, text: &str| {
            let text = text.get(..len)?;
            let plain = text.chars().all(|c| c.is_digit(radix));
            u8::try_from(u32::from_str_radix(text, radix).ok().filter(|_| plain)?).ok()
        };
        let (byte, used) = match escape {
            'x' => (number(2, 16, digits)?, 2),
            'u' if digits.starts_with('{') => {
                let len = digits.find('}')?;
                (number(len - 1, 16, &digits[1..])?, len + 1)
            }
            'u' => (number(4, 16, digits)?, 4),
            '0'..='7' => {
                let len = after.chars().take(3).take_while(|c| c.is_digit(8)).count();
                (number(len, 8, after)?, len - 1)
            }
            'n' => (b'\n', 0),
            'r' => (b'\r', 0),
            't' => (b'\t', 0),
            'a' => (7, 0),
            'b' => (8, 0),
            'v' => (11, 0),
            'f' => (12, 0),
            'e' => (27, 0),
            '\n' => {
                rest = digits.trim_start();
                continue;
            }
            '\\' | '\'' | '"' | '`' => (escape as u8, 0),
            _ => return None,
        };
        bytes.push(byte);
        rest = &digits[used..];
    }
    Some(())
}
