//! The text column of a hex dump, which repeats the bytes as characters.

/// What stands after the bytes of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    Nothing,
    /// Characters that fit the bytes.
    Text,
    /// Something else.
    Other,
}

/// Returns what stands after these bytes.
pub(super) fn rest(after: &str, bytes: &[u8]) -> Rest {
    let trimmed = after.trim();
    if trimmed.is_empty() {
        return Rest::Nothing;
    }
    for (open, close) in [('|', '|'), ('>', '<')] {
        let inside = trimmed.strip_prefix(open).and_then(|inside| inside.strip_suffix(close));
        if inside.is_some_and(|inside| inside.chars().count() == bytes.len() && fits(inside, bytes))
        {
            return Rest::Text;
        }
    }
    // A space at the start of the text looks like the gap before it, one at the end is often lost.
    let after = after.trim_end();
    let gap = after.len() - after.trim_start().len();
    if (0..=gap).any(|start| fits(&after[start..], bytes)) { Rest::Text } else { Rest::Other }
}

/// Returns whether these characters are the bytes, one for each. Spaces may be missing at the end.
fn fits(text: &str, bytes: &[u8]) -> bool {
    let mut characters = text.chars();
    bytes.iter().all(|&byte| match characters.next() {
        None => byte == b' ',
        Some(shown) if byte.is_ascii_graphic() => shown == char::from(byte),
        Some(shown) => shown == '.' || shown == char::from(byte) || !shown.is_ascii(),
    }) && characters.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_fits_or_not() {
        assert!(rest("  .a b", b"\x00a b") == Rest::Text);
        assert!(rest("   a", b" a") == Rest::Text);
        assert!(rest("  |a |", b"a ") == Rest::Text);
        assert!(rest("  a", b"a  ") == Rest::Text);
        assert!(rest("  ||||", b"||") == Rest::Text);
        assert!(rest("  ab", b"a") == Rest::Other);
        assert!(rest("  b", b"a") == Rest::Other);
        assert!(rest("  .a", b"a\x00") == Rest::Other);
        assert!(rest("  ", b"a") == Rest::Nothing);
    }
}
