//! The units of a dump: how the numbers of a line become bytes.

use super::digits::digit;

/// How the numbers of a line become bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Hex digits in groups of any length, in the order of the bytes.
    Hex,
    /// Hex digits in words of this many bytes, the last byte first.
    HexWords(usize),
    /// The same, and the last word may be shorter, as `xxd -e` prints it.
    XxdWords(usize),
    /// Octal numbers of one byte.
    Octal,
    /// Octal numbers of words of this many bytes, the last byte first.
    OctalWords(usize),
    /// Decimal numbers of one byte, with or without a sign.
    Decimal,
    /// Binary numbers of one byte.
    Binary,
    /// Characters, escapes and octal numbers in columns of four, as `od -c` prints them.
    Characters,
}

impl Unit {
    /// Returns its name, for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hex => "hex bytes",
            Self::HexWords(2) | Self::XxdWords(2) => "16-bit hex words",
            Self::HexWords(4) | Self::XxdWords(4) => "32-bit hex words",
            Self::HexWords(_) | Self::XxdWords(_) => "64-bit hex words",
            Self::Octal => "octal bytes",
            Self::OctalWords(2) => "16-bit octal words",
            Self::OctalWords(_) => "32-bit octal words",
            Self::Decimal => "decimal bytes",
            Self::Binary => "binary bytes",
            Self::Characters => "characters",
        }
    }

    /// Appends the bytes of the next number of the text. Returns the text after it, or `None` if no
    /// number of this unit comes next.
    pub(super) fn next<'a>(self, text: &'a str, bytes: &mut Vec<u8>) -> Option<&'a str> {
        if self == Self::Characters {
            return character(text, bytes);
        }
        let text = text.trim_start_matches([' ', '\t']);
        let text = if self == Self::Hex { text.trim_start_matches('-') } else { text };
        let end = text.find([' ', '\t', '-']).filter(|_| self == Self::Hex);
        let end = end.or_else(|| text.find([' ', '\t'])).unwrap_or(text.len());
        let (token, rest) = text.split_at(end);
        let radix = |radix| u64::from_str_radix(token, radix).ok();
        let words = |value: u64, len: usize, bytes: &mut Vec<u8>| {
            bytes.extend_from_slice(&value.to_le_bytes()[..len]);
        };
        let plain = token.bytes().all(|byte| byte.is_ascii_hexdigit());
        match self {
            Self::Hex => {
                let pairs = token.as_bytes().chunks_exact(2);
                if token.is_empty() || !plain || !pairs.remainder().is_empty() {
                    return None;
                }
                let value = |byte| digit(byte).unwrap_or_default();
                bytes.extend(pairs.map(|pair| value(pair[0]) << 4 | value(pair[1])));
            }
            Self::HexWords(len) if plain && token.len() == 2 * len => words(radix(16)?, len, bytes),
            Self::XxdWords(len) if plain && is_word(token, len, rest) => {
                words(radix(16)?, token.len() / 2, bytes);
            }
            Self::Octal if plain && token.len() == 3 => {
                bytes.push(u8::try_from(radix(8)?).ok()?);
            }
            Self::OctalWords(2) if plain && token.len() == 6 => {
                words(u16::try_from(radix(8)?).ok()?.into(), 2, bytes);
            }
            Self::OctalWords(4) if plain && token.len() == 11 => {
                words(u32::try_from(radix(8)?).ok()?.into(), 4, bytes);
            }
            Self::Decimal if token.len() <= 4 => {
                let zero = token.len() > 1 && token.trim_start_matches('-').starts_with('0');
                let value: i16 = token.parse().ok()?;
                if zero || token.starts_with('+') || !(-128..=255).contains(&value) {
                    return None;
                }
                bytes.push(value as u8);
            }
            Self::Binary if token.len() == 8 => bytes.push(u8::from_str_radix(token, 2).ok()?),
            _ => return None,
        }
        Some(rest)
    }
}

/// Returns whether a token is a word of this many bytes. The last word of `xxd -e` may be shorter.
fn is_word(token: &str, len: usize, after: &str) -> bool {
    let last = after.trim().is_empty() || after.starts_with("  ");
    token.len() == 2 * len || token.len() < 2 * len && token.len().is_multiple_of(2) && last
}

/// Reads a column of four characters: a number, an escape or a character.
fn character<'a>(text: &'a str, bytes: &mut Vec<u8>) -> Option<&'a str> {
    let column = text.get(..text.len().min(4))?;
    let token = column.get(1..)?.trim_start();
    if !column.starts_with(' ') {
        return None;
    }
    bytes.push(match token.as_bytes() {
        [] if column.len() == 4 => b' ',
        [byte] => *byte,
        [b'\\', escape] => match escape {
            b'0' => 0,
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            b'\\' => b'\\',
            _ => return None,
        },
        [_, _, _] => u8::from_str_radix(token, 8).ok()?,
        _ => return None,
    });
    Some(&text[column.len()..])
}
