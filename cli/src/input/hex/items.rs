//! The items of arrays: numbers as programming languages write them.

/// An item of an array.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Item {
    /// A number that says its base, or a character.
    Sure(u8),
    /// Digits that are decimal, or two hex digits.
    Digits {
        /// The value if they are decimal.
        decimal: Option<i16>,
        /// The value if they are two hex digits.
        hex: Option<u8>,
    },
}

/// Parses an item. Returns `None` if it is no byte.
pub(super) fn parse(token: &str) -> Option<Item> {
    let token = without_types(token.trim());
    if let Some(character) = token.strip_prefix('\'').and_then(|token| token.strip_suffix('\'')) {
        return character_of(character).map(Item::Sure);
    }
    let (prefixes, suffixes) =
        ([("0x", 16), ("0X", 16), ("&H", 16), ("$", 16), ("0b", 2), ("0o", 8)], ["h", "H"]);
    for (prefix, radix) in prefixes {
        if let Some(digits) = token.strip_prefix(prefix) {
            let value = u32::from_str_radix(&digits.replace('_', ""), radix).ok()?;
            return u8::try_from(value).ok().map(Item::Sure);
        }
    }
    for suffix in suffixes {
        if let Some(digits) = token.strip_suffix(suffix) {
            let starts = digits.starts_with(|c: char| c.is_ascii_digit());
            let value = u32::from_str_radix(digits, 16).ok().filter(|_| starts)?;
            return u8::try_from(value).ok().map(Item::Sure);
        }
    }
    let unsigned = token.strip_prefix('-').unwrap_or(token);
    let plain = !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !plain {
        return None;
    }
    // A zero before a decimal number makes it octal in some languages.
    let zero = unsigned.len() > 1 && unsigned.starts_with('0');
    let decimal = token.parse().ok().filter(|_| !zero).filter(|n| (-128..=255).contains(n));
    let hex = u8::from_str_radix(token, 16).ok().filter(|_| token.len() == 2);
    (decimal.is_some() || hex.is_some()).then_some(Item::Digits { decimal, hex })
}

/// Returns whether an item that is no byte is a number that is too large or too small for one.
pub(super) fn is_number(token: &str) -> bool {
    let token = without_types(token.trim());
    let digits = token.strip_prefix('-').unwrap_or(token);
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let is = |digits: &str, radix| {
        !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix) || c == '_')
    };
    hex.is_some_and(|digits| is(digits, 16)) || is(digits, 10)
}

/// Removes casts and the suffixes of types.
fn without_types(token: &str) -> &str {
    const CASTS: [&str; 6] =
        ["(byte)", "(char)", "(unsigned char)", "(uint8_t)", "(sbyte)", "(u8)"];
    const CALLS: [&str; 4] = ["byte(", "uint8(", "UInt8(", "Byte("];
    const SUFFIXES: [&str; 10] =
        [".toByte()", ".toUByte()", " as u8", "_u8", "u8", "uy", "UY", "u", "U", "i8"];
    let mut token = token;
    for cast in CASTS {
        token = token.strip_prefix(cast).unwrap_or(token).trim_start();
    }
    for call in CALLS {
        token = token.strip_prefix(call).and_then(|rest| rest.strip_suffix(')')).unwrap_or(token);
    }
    for suffix in SUFFIXES {
        token = token.strip_suffix(suffix).unwrap_or(token);
    }
    token
}

fn character_of(text: &str) -> Option<u8> {
    let byte = match *text.as_bytes() {
        [byte] if byte != b'\\' => byte,
        [b'\\', b'n'] => b'\n',
        [b'\\', b'r'] => b'\r',
        [b'\\', b't'] => b'\t',
        [b'\\', b'0'] => 0,
        [b'\\', byte @ (b'\\' | b'\'' | b'"')] => byte,
        [b'\\', b'x', _, _] => u8::from_str_radix(&text[2..], 16).ok()?,
        _ => return None,
    };
    byte.is_ascii().then_some(byte).or(Some(byte))
}
