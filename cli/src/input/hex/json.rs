//! Reads bytes in JSON: arrays of numbers, objects with numbered keys, Node's `toJSON`, strings.

use serde_json::Value;

use super::error::HexError;
use super::pasted::Pasted;

/// Reads a JSON value that stands for bytes, or an array of such values.
pub(super) fn read(text: &str) -> Option<Result<Pasted, HexError>> {
    let value: Value = serde_json::from_str(text).ok()?;
    // A string may have escapes of bytes, and is read as a literal.
    if value.is_string() {
        return None;
    }
    if let Value::Object(_) = value
        && bytes(&value).is_none()
    {
        let told = "the JSON is neither a HAR file, nor JSON lines of frames, nor bytes: give the bytes \
                    as hex digits or as an array of numbers";
        return Some(Err(HexError::told(0, told)));
    }
    if let Value::Array(items) = &value {
        if items.iter().all(Value::is_number) {
            // The digits of numbers may be hex.
            return None;
        }
        let blocks: Option<Vec<_>> = items.iter().map(bytes).collect();
        let notation = "arrays of numbers".to_owned();
        return match blocks {
            Some(blocks) => Some(Ok(Pasted { notation, blocks, ..Pasted::default() })),
            None => Some(Err(HexError::told(
                0,
                "the JSON is neither a HAR file, nor JSON lines of frames, nor an array of bytes: give \
                 the bytes as hex digits",
            ))),
        };
    }
    Some(Ok(Pasted::one("numbers in an object", bytes(&value)?)))
}

/// Returns the bytes of an array of numbers, of an object with the keys 0, 1, 2 and so on, or of a
/// `Buffer` of Node.
fn bytes(value: &Value) -> Option<Vec<u8>> {
    let byte = |value: &Value| value.as_i64().and_then(|n| u8::try_from(n).ok());
    match value {
        Value::Array(items) => items.iter().map(byte).collect(),
        Value::Object(object) if object.get("type").is_some_and(|kind| kind == "Buffer") => {
            object.get("data").filter(|data| data.is_array()).and_then(bytes)
        }
        Value::Object(object) if !object.is_empty() => {
            let numbered = (0..object.len()).map(|index| object.get(&index.to_string()));
            numbered.map(|value| byte(value?)).collect()
        }
        _ => None,
    }
}
