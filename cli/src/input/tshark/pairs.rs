//! Objects of JSON with keys that occur more than once, as tshark writes them.
//!
//! A field is called `tcp.seq_raw` by `-T json`, and `tcp_tcp_seq_raw` by `-T ek`. Both are found by the first
//! name.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The keys and the values of an object, in order.
pub(super) struct Pairs<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Pairs<'a> {
    /// Parses an object. Anything else has no pairs.
    pub(super) fn parse(raw: &'a RawValue) -> Self {
        serde_json::from_str(raw.get()).unwrap_or(Self(Vec::new()))
    }

    /// Returns the values of this key, of which an array has several.
    pub(super) fn all<'b>(&'b self, key: &'b str) -> impl Iterator<Item = &'a RawValue> + 'b {
        let values = self.0.iter().filter(move |(name, _)| is(name, key)).map(|(_, raw)| *raw);
        values.flat_map(|raw| match serde_json::from_str::<Vec<&RawValue>>(raw.get()) {
            Ok(several) => several,
            Err(_) => vec![raw],
        })
    }

    /// Returns the object of this key.
    pub(super) fn object(&self, key: &str) -> Option<Self> {
        self.all(key).next().map(Self::parse)
    }

    /// Returns the object of this key, or this one if the fields of that object are in it, as `-T ek` writes
    /// them.
    pub(super) fn inside(&self, key: &str) -> Option<Self> {
        let inside = self.object(key)?;
        Some(if inside.0.is_empty() { Self(self.0.clone()) } else { inside })
    }

    /// Returns whether this key occurs.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(name, _)| name == key)
    }

    /// Returns the keys and the values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, raw)| (&**name, *raw))
    }

    /// Returns the text of this key.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.all(key).find_map(text)
    }

    /// Returns the number of this key, which may be a text with decimal or hexadecimal digits.
    pub(super) fn number(&self, key: &str) -> Option<u64> {
        number(&self.text(key)?)
    }
}

/// Returns a string, a number or a truth value as text.
pub(super) fn text(raw: &RawValue) -> Option<String> {
    match serde_json::from_str(raw.get()).ok()? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is) => Some(u8::from(is).to_string()),
        _ => None,
    }
}

/// Returns whether a field has this name, as `-T json` or as `-T ek` writes it.
fn is(name: &str, key: &str) -> bool {
    let same = |(a, b): (u8, u8)| a == b || (a, b) == (b'_', b'.');
    let as_ek = |layer: &str| {
        let field = name.strip_prefix(layer)?.strip_prefix('_')?;
        Some(field.len() == key.len() && field.bytes().zip(key.bytes()).all(same))
    };
    name == key || key.split_once('.').and_then(|(layer, _)| as_ek(layer)).unwrap_or_default()
}

fn number(text: &str) -> Option<u64> {
    match (text, text.strip_prefix("0x")) {
        (_, Some(digits)) => u64::from_str_radix(digits, 16).ok(),
        ("True", _) => Some(1),
        ("False", _) => Some(0),
        (digits, None) => digits.parse().ok(),
    }
}

/// Decodes hex digits, with or without colons between the bytes.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    let mut digits = text.chars().filter(|c| *c != ':').map(|c| c.to_digit(16));
    let mut bytes = Vec::with_capacity(text.len() / 2);
    while let Some(high) = digits.next() {
        bytes.push((high? << 4 | digits.next()??) as u8);
    }
    Some(bytes)
}

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut pairs = Vec::new();
                while let Some((key, value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    pairs.push((key.0, value));
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(All)
    }
}

/// A key, borrowed if it has no escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
