//! Reads hex digits: pairs of digits, separated by white space, commas, `0x` and `#` comments.

use super::error::{Fault, HexError};

/// Decodes hex text.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, HexError> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let code = line.split(|byte| *byte == b'#').next().unwrap_or_default();
        let mut column = 1;
        for word in code.split(|byte| is_space(*byte)) {
            decode_word(word, &mut bytes)
                .map_err(|(at, fault)| HexError::at(index + 1, column + at, fault))?;
            column += word.len() + 1;
        }
    }
    Ok(bytes)
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

/// Returns the value of a hex digit.
pub(super) fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notation_of_a_byte_is_decoded() {
        let text = b"81 85\n0x37 0xFA,0x21\r\n3d7f # masked Hello\n\n# all\n\t9f4d5158";
        let hello = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58];
        assert_eq!(decode(text), Ok(hello.to_vec()));
        assert_eq!(decode(b"0x81850X00"), Err(HexError::at(1, 8, Fault::NoDigit(b'X'))));
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
}
