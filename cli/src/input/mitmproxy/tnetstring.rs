//! Tagged netstrings: the length of a value, a colon, the value, and its type.

/// The most values inside each other.
const MOST_INSIDE: u32 = 32;

/// A value.
#[derive(Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// Bytes, or text in UTF-8.
    Bytes(&'a [u8]),
    Number(f64),
    Bool(bool),
    Null,
    List(Vec<Self>),
    /// The keys and the values, in their order.
    Map(Vec<(&'a [u8], Self)>),
}

impl<'a> Value<'a> {
    /// Returns the value of this key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| *name == key.as_bytes()).map(|(_, value)| value)
    }

    pub(super) fn bytes(&self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub(super) fn text(&self) -> Option<String> {
        self.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    pub(super) fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    pub(super) fn is_true(&self) -> bool {
        *self == Self::Bool(true)
    }

    pub(super) fn list(&self) -> &[Self] {
        if let Self::List(values) = self { values } else { &[] }
    }
}

/// Parses the length at the start of a value. Returns it and the number of its bytes with the colon, or
/// `None` if there is no length.
pub(super) fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    /// No value has a longer length.
    const DIGITS: usize = 12;
    let colon = bytes.iter().take(DIGITS + 1).position(|byte| *byte == b':')?;
    let digits = std::str::from_utf8(&bytes[..colon]).ok()?;
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    Some((digits.parse().ok().filter(|_| is_number)?, colon + 1))
}

/// Parses a value, and returns it and the bytes after it.
pub(super) fn value(bytes: &[u8]) -> Option<(Value<'_>, &[u8])> {
    inside(bytes, 0)
}

fn inside(bytes: &[u8], depth: u32) -> Option<(Value<'_>, &[u8])> {
    if depth > MOST_INSIDE {
        return None;
    }
    let (len, head) = length(bytes)?;
    let (data, rest) = bytes[head..].split_at_checked(len)?;
    let (kind, rest) = rest.split_first()?;
    let number = || std::str::from_utf8(data).ok()?.parse().ok();
    let value = match kind {
        b',' | b';' => Value::Bytes(data),
        b'#' | b'^' => Value::Number(number()?),
        b'!' => Value::Bool(data == b"true"),
        b'~' => Value::Null,
        b']' => {
            let mut all = Vec::new();
            let mut data = data;
            while !data.is_empty() {
                let (one, after) = inside(data, depth + 1)?;
                all.push(one);
                data = after;
            }
            Value::List(all)
        }
        b'}' => {
            let mut all = Vec::new();
            let mut data = data;
            while !data.is_empty() {
                let (key, after) = inside(data, depth + 1)?;
                let (one, after) = inside(after, depth + 1)?;
                all.push((key.bytes()?, one));
                data = after;
            }
            Value::Map(all)
        }
        _ => return None,
    };
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_types_are_parsed() {
        let text = b"40:1:a;2:10#1:b,0:~1:c;16:4:true!3:1.5^0:,]}rest".as_slice();
        assert_eq!(length(text), Some((40, 3)));
        let (value, rest) = value(text).unwrap();
        assert_eq!(rest, b"rest");
        assert_eq!(value.get("a"), Some(&Value::Number(10.0)));
        assert_eq!(value.get("b"), Some(&Value::Null));
        let list = value.get("c").unwrap().list();
        assert_eq!(list, [Value::Bool(true), Value::Number(1.5), Value::Bytes(b"")]);
        assert_eq!(value.get("d"), None);
    }

    #[test]
    fn what_is_cut_or_too_deep_is_no_value() {
        let text = b"40:1:a;2:10#1:b,0:~1:c;16:4:true!3:1.5^0:,]}";
        for len in 0..text.len() {
            assert_eq!(value(&text[..len]), None);
        }
        let mut deep = b"0:~".to_vec();
        for _ in 0..100 {
            deep = [format!("{}:", deep.len()).as_bytes(), &deep, b"]"].concat();
        }
        assert_eq!(value(&deep), None);
        assert_eq!(length(b":"), None);
        assert_eq!(length(b"-1:"), None);
        assert_eq!(length(b"1234567890123:"), None);
    }
}
