//! Reads hex text: pairs of digits, separated by white space, commas, `0x` and `#` comments.

use std::fmt;

/// Decodes hex text.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, HexError> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let code = line.split(|byte| *byte == b'#').next().unwrap_or_default();
        let mut column = 1;
        for word in code.split(|byte| is_space(*byte)) {
            decode_word(word, &mut bytes).map_err(|(at, fault)| HexError {
                line: index + 1,
                column: column + at,
                fault,
            })?;
            column += word.len() + 1;
        }
    }
    Ok(bytes)
}

/// Returns whether this looks like hex text: it is not empty, and every part of it is valid.
pub fn looks_like_hex(start: &[u8]) -> bool {
    let mut digits = false;
    for line in start.split(|byte| *byte == b'\n') {
        let code = line.split(|byte| *byte == b'#').next().unwrap_or_default();
        for word in code.split(|byte| is_space(*byte)) {
            let word = strip_prefix(word).unwrap_or(word);
            if !word.iter().all(u8::is_ascii_hexdigit) {
                return false;
            }
            digits |= !word.is_empty();
        }
    }
    digits || start.contains(&b'#')
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b','
}

fn strip_prefix(word: &[u8]) -> Option<&[u8]> {
    word.strip_prefix(b"0x").or_else(|| word.strip_prefix(b"0X"))
}

/// Decodes one word. An error has its position in the word.
fn decode_word(word: &[u8], bytes: &mut Vec<u8>) -> Result<(), (usize, Fault)> {
    let digits = strip_prefix(word).unwrap_or(word);
    let skipped = word.len() - digits.len();
    let mut pairs = digits.chunks_exact(2);
    for (index, pair) in pairs.by_ref().enumerate() {
        let at = skipped + 2 * index;
        let high = digit(pair[0]).ok_or((at, Fault::NoDigit(pair[0])))?;
        let low = digit(pair[1]).ok_or((at + 1, Fault::NoDigit(pair[1])))?;
        bytes.push(high << 4 | low);
    }
    match pairs.remainder() {
        [] if digits.is_empty() && skipped > 0 => Err((word.len() - 1, Fault::HalfByte)),
        [] => Ok(()),
        [last] if digit(*last).is_none() => Err((word.len() - 1, Fault::NoDigit(*last))),
        _ => Err((word.len() - 1, Fault::HalfByte)),
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

/// An error in hex text. Lines and columns are counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub struct HexError {
    line: usize,
    column: usize,
    fault: Fault,
}

#[derive(Debug, PartialEq, Eq)]
enum Fault {
    NoDigit(u8),
    HalfByte,
}

impl fmt::Display for HexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, fault } = self;
        write!(f, "line {line}, column {column}: ")?;
        match fault {
            Fault::NoDigit(byte) => {
                write!(f, "'{}' is not a hex digit", byte.escape_ascii())?;
                write!(f, ": start a comment with #, or use --format raw for raw bytes")
            }
            Fault::HalfByte => write!(f, "a hex digit is missing: write two digits for each byte"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notation_of_a_byte_is_decoded() {
        let text = b"81 85\n0x37 0xFA,0x21\r\n3d7f # masked Hello\n\n# all\n\t9f4d5158";
        let hello = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58];
        assert_eq!(decode(text), Ok(hello.to_vec()));
        assert!(looks_like_hex(text));
        assert_eq!(
            decode(b"0x81850X00"),
            Err(HexError { line: 1, column: 8, fault: Fault::NoDigit(b'X') })
        );
    }

    #[test]
    fn an_error_names_line_and_column() {
        let error = decode(b"81 85\n81 8g").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2, column 5: 'g' is not a hex digit: start a comment with #, or use --format raw \
             for raw bytes"
        );
        let error = decode(b"8185 8").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 1, column 6: a hex digit is missing: write two digits for each byte"
        );
    }

    #[test]
    fn raw_bytes_and_prose_are_no_hex() {
        assert!(!looks_like_hex(b"\x81\x00"));
        assert!(!looks_like_hex(b"not hex"));
        assert!(!looks_like_hex(b""));
        assert!(!looks_like_hex(b" \n"));
    }
}
