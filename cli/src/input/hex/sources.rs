//! Tells packets from what Wireshark and tshark derive of them: each data source has a title.

/// What stands under a title.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Source {
    /// A packet.
    Packet,
    /// The payload of a message, without the frames around it.
    Payload,
    /// What was put together, decrypted or unpacked.
    Derived,
}

/// Returns what stands under a title: a name, and the number of bytes in parentheses.
pub(super) fn source(title: &str) -> Option<Source> {
    const PAYLOADS: [&str; 4] = ["unmasked", "uncompressed", "decompressed", "de-chunked"];
    let (name, len) = title.trim().trim_end_matches(':').strip_suffix(')')?.rsplit_once(" (")?;
    let (len, unit) = len.split_once(' ')?;
    if !matches!(unit, "byte" | "bytes") || !len.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let lower = name.to_lowercase();
    Some(match &*lower {
        "frame" | "packet" => Source::Packet,
        _ if PAYLOADS.iter().any(|word| lower.starts_with(word)) => Source::Payload,
        _ => Source::Derived,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_say_what_stands_under_them() {
        assert_eq!(source("Frame (77 bytes):"), Some(Source::Packet));
        assert_eq!(source("Frame (1 byte)"), Some(Source::Packet));
        assert_eq!(source("Unmasked data (9 bytes):"), Some(Source::Payload));
        assert_eq!(source("De-chunked entity body (9 bytes):"), Some(Source::Payload));
        assert_eq!(source("Reassembled TCP (900 bytes):"), Some(Source::Derived));
        assert_eq!(source("Frame (a few bytes):"), None);
        assert_eq!(source("Frame 1: 77 bytes on wire"), None);
    }
}
