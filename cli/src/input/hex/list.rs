//! Reads arrays of numbers: of C, Go, Rust, Java, C#, JavaScript and others, and lists without brackets.

use super::error::{Fault, HexError};
use super::items::{Item, is_number, parse};
use super::pasted::Pasted;

/// An array in a text.
struct Group<'a> {
    /// The text between the array before and this one.
    before: &'a str,
    inside: &'a str,
}

/// Words that say that what follows them is an array of decimal numbers, unless they have a prefix.
const TYPES: [&str; 24] = [
    "Uint8Array",
    "Int8Array",
    "Uint8ClampedArray",
    "ArrayBuffer",
    "Buffer",
    "byte",
    "bytes",
    "Byte",
    "sbyte",
    "bytearray",
    "char",
    "uint8_t",
    "int8_t",
    "u8",
    "i8",
    "vec!",
    "UInt8",
    "byteArrayOf",
    "ubyteArrayOf",
    "listOf",
    "memoryview",
    "Bytes",
    "unsigned",
    "data",
];

/// Reads one or more arrays, and nothing else but what may stand around them.
pub(super) fn read(text: &str) -> Option<Result<Pasted, HexError>> {
    if has_arrows(text) {
        return None;
    }
    let text = &without_fields(&without_comments(text));
    let Some((groups, after)) = groups(text) else { return bare(text) };
    if !is_end(after) {
        return None;
    }
    let mut pasted = Pasted { notation: "an array of numbers".to_owned(), ..Pasted::default() };
    let mut groups = groups.into_iter().peekable();
    let mut typed = false;
    while let Some(group) = groups.next() {
        let words = || group.before.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '!');
        typed |= words().any(|word| TYPES.contains(&word)) || group.before.contains("<<");
        // A length stands before the array: `Uint8Array(5) [`, `[5]byte{`, `data[5] = {`.
        let single = group.inside.trim();
        let next = groups.peek();
        let goes_on = next.is_some_and(|next| !next.before.contains([';', '\n']));
        let is_length = single.bytes().all(|byte| byte.is_ascii_digit()) || is_type(single);
        if is_length && goes_on && is_code(group.before) {
            continue;
        }
        if !is_start(group.before) {
            return None;
        }
        let (inside, cut) = cut(group.inside);
        if let Some(cut) = cut {
            if next.is_some() {
                return Some(Err(HexError::told(0, "an array before the last one is cut")));
            }
            pasted.notes.push(format!("whoever printed the array left out: {cut}"));
        }
        let items = match items(inside) {
            Ok(items) => items,
            Err(Some(item)) => {
                // Those before the array may be its length.
                let start = inside.as_ptr() as usize - text.as_ptr() as usize;
                let like = |word: &&str| *word == item;
                let words = text[..start].split(|c: char| !c.is_alphanumeric() && c != '_');
                let before = words.filter(like).count();
                return Some(Err(HexError::at(0, 0, Fault::NoByte(item, before))));
            }
            Err(None) => return None,
        };
        match bytes(&items, typed)? {
            Ok(bytes) => pasted.blocks.push(bytes),
            Err(error) => return Some(Err(error)),
        }
    }
    (pasted.len() > 1 || typed && !pasted.is_empty()).then_some(Ok(pasted))
}

/// Reads numbers without brackets: all of them say their base, or cannot be hex digits.
fn bare(text: &str) -> Option<Result<Pasted, HexError>> {
    let items = items(text).ok()?;
    let decimal = items.iter().any(|item| matches!(item, Item::Digits { hex: None, .. }));
    let marked = items.iter().all(|item| matches!(item, Item::Sure(_)));
    (items.len() > 1 && (decimal || marked)).then_some(())?;
    let bytes = bytes(&items, false)?;
    Some(bytes.map(|bytes| Pasted::one(if marked { "numbers" } else { "decimal numbers" }, bytes)))
}

/// Returns whether lines begin with arrows in both directions: `>> 81 00`, `<< 88 00`.
fn has_arrows(text: &str) -> bool {
    ['<', '>'].into_iter().all(|mark| {
        text.lines().any(|line| {
            let line = line.trim_start();
            let rest = line.trim_start_matches(['<', '>', '-', '=', ' ', '\t']);
            line.starts_with(mark) && rest.starts_with(char::is_alphanumeric)
        })
    })
}

/// Returns the arrays that have no array in them, and the text after the last one.
fn groups(text: &str) -> Option<(Vec<Group<'_>>, &str)> {
    let (mut groups, mut start, mut from) = (Vec::new(), None, 0);
    let (mut quoted, mut cast) = (false, false);
    for (at, character) in text.char_indices() {
        match character {
            // A character literal may be a bracket.
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '[' | '{' | '<' => start = Some(at),
            // A cast is no array.
            '(' if is_cast(&text[at..]) => cast = true,
            ')' if std::mem::take(&mut cast) => {}
            '(' => start = Some(at),
            ']' | '}' | ')' | '>' => {
                let Some(open) = start.take() else { continue };
                groups.push(Group { before: &text[from..open], inside: &text[open + 1..at] });
                from = at + 1;
            }
            _ => {}
        }
    }
    // A start of a long text has no end.
    if let Some(open) = start {
        groups.push(Group { before: &text[from..open], inside: &text[open + 1..] });
        from = text.len();
    }
    (!groups.is_empty()).then_some((groups, &text[from..]))
}

/// Returns whether this parenthesis belongs to a number: `(byte)0x81`, `byte(129)`, `0x81.toByte()`.
fn is_cast(text: &str) -> bool {
    let inside = text[1..].split(')').next().unwrap_or_default();
    let casts = ["byte", "char", "unsigned char", "uint8_t", "sbyte", "u8", ""];
    casts.contains(&inside) && !text.starts_with("()[")
}

/// Returns whether this may stand before an array: names, types and operators, but no sentence.
fn is_start(text: &str) -> bool {
    let end = text.trim_end();
    let known = |word: &str| TYPES.contains(&word);
    let last = end.rsplit(|c: char| !c.is_alphanumeric() && !"_!".contains(c)).next().unwrap_or("");
    end.is_empty()
        || is_code(end)
            && (end
                .ends_with(['=', ':', '(', '[', '{', ']', ')', ',', '<', '&', '|', '}', ';', '>'])
                || known(last))
}

/// Returns whether this is a type and perhaps a length, as in `[u8; 5]`.
fn is_type(text: &str) -> bool {
    let mut words = text.split([' ', ';', '&']).filter(|word| !word.is_empty());
    words.next().is_some_and(|word| TYPES.contains(&word))
        && words.all(|word| word.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Returns whether this is short enough for a declaration.
fn is_code(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty()).count() <= 10 && text.len() <= 200
}

/// Returns whether this may stand after the last array: the end of a statement, or the length that
/// `xxd -i` writes.
fn is_end(text: &str) -> bool {
    let rest = text.trim_matches(|c: char| c.is_whitespace() || "])}>;,|".contains(c));
    let length = rest.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
    let names = rest.split_ascii_whitespace().count() <= 6;
    rest.is_empty() || names && length.ends_with('=') && length.contains("len")
}

/// Removes the comments of C, and those from `#` on.
fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("/*") {
        plain.push_str(&rest[..at]);
        plain.push(' ');
        rest = rest[at..].split_once("*/").map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    let code = |line: &str| {
        let line = line.split("//").next().unwrap_or_default();
        line.split(" #").next().unwrap_or_default().to_owned()
    };
    plain.lines().map(code).collect::<Vec<_>>().join("\n")
}

/// Removes what browsers print of a typed array after its items.
fn without_fields(text: &str) -> String {
    let mut parts = text.split(", buffer: ArrayBuffer(");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.find(']').map_or("]", |end| &part[end..]));
    }
    plain
}

/// Returns the items before an ellipsis, and what the ellipsis says.
fn cut(inside: &str) -> (&str, Option<&str>) {
    for mark in ["...", "…"] {
        if let Some((shown, cut)) = inside.split_once(mark) {
            let cut = cut.trim();
            return (shown, Some(if cut.is_empty() { "the rest" } else { cut }));
        }
    }
    (inside, None)
}

/// Returns the items. Keys are dropped if they count from 0. An error has the first of several items that
/// is a number and no byte.
fn items(inside: &str) -> Result<Vec<Item>, Option<String>> {
    // A comma or a space in a character literal is a character.
    let mut tokens: Vec<String> = vec![String::new()];
    let commas = inside.contains(',');
    let mut characters = inside.chars().peekable();
    let mut depth = 0;
    while let Some(character) = characters.next() {
        let last = tokens.last_mut().expect("never empty");
        match character {
            '\'' => {
                last.push(character);
                while let Some(inner) = characters.next() {
                    last.push(inner);
                    match inner {
                        '\\' => last.extend(characters.next()),
                        '\'' if last.len() > 2 => break,
                        _ => {}
                    }
                }
            }
            '(' => {
                depth += 1;
                last.push(character);
            }
            ')' => {
                depth -= 1;
                last.push(character);
            }
            ',' | ';' | '\n' => tokens.push(String::new()),
            ' ' | '\t' | '\r' if !commas && depth == 0 => tokens.push(String::new()),
            _ => last.push(character),
        }
    }
    let tokens = tokens.iter().map(|token| token.trim()).filter(|token| !token.is_empty());
    let several = tokens.clone().nth(1).is_some();
    let mut items = Vec::new();
    for token in tokens {
        let token = match token.split_once(':') {
            Some((key, value)) if !token.starts_with("'\\") || key.ends_with('\'') => {
                let key = key.trim().trim_matches(['"', '\'']);
                if key != items.len().to_string() {
                    return Err(None);
                }
                value
            }
            _ => token,
        };
        let number = || Some(token.trim().to_owned()).filter(|token| several && is_number(token));
        items.push(parse(token).ok_or_else(number)?);
    }
    if items.is_empty() { Err(None) } else { Ok(items) }
}

/// Returns the bytes of items. `typed` says that digits without a prefix are decimal.
fn bytes(items: &[Item], typed: bool) -> Option<Result<Vec<u8>, HexError>> {
    let all =
        |value: fn(&Item) -> Option<i16>| items.iter().map(value).collect::<Option<Vec<i16>>>();
    let decimal = all(|item| match *item {
        Item::Sure(byte) => Some(byte.into()),
        Item::Digits { decimal, .. } => decimal,
    });
    let hex = all(|item| match *item {
        Item::Sure(byte) => Some(byte.into()),
        Item::Digits { hex, .. } => hex.map(i16::from),
    });
    let same = decimal == hex;
    let signed = |values: &[i16]| values.iter().any(|value| *value < 0);
    match (decimal, hex) {
        (Some(values), hex) if typed || same || hex.is_none() => {
            if signed(&values) && values.iter().any(|value| *value > 127) {
                let told = "the numbers are neither all signed nor all unsigned bytes";
                return Some(Err(HexError::told(0, told)));
            }
            Some(Ok(values.iter().map(|value| *value as u8).collect()))
        }
        (None, Some(values)) => Some(Ok(values.iter().map(|value| *value as u8).collect())),
        (Some(_), Some(_)) => Some(Err(HexError::told(
            0,
            "the numbers may be decimal or hex: write 0x before each hex number, or hex digits without \
             brackets and commas",
        ))),
        (None, None) => None,
        (Some(_), None) => None,
    }
}
