//! The messages of a TLS handshake (RFC 8446 §4): those that matter, joined over records.

pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const NEW_SESSION_TICKET: u8 = 4;
pub(super) const END_OF_EARLY_DATA: u8 = 5;
pub(super) const ENCRYPTED_EXTENSIONS: u8 = 8;
pub(super) const FINISHED: u8 = 20;
pub(super) const KEY_UPDATE: u8 = 24;

/// The length of the header of a message, in bytes.
const HEAD: usize = 4;

/// The longest message that is kept, in bytes.
const LONGEST: usize = 64 << 10;

/// The messages of one endpoint. They may be cut anywhere.
#[derive(Default)]
pub(super) struct Messages {
    bytes: Vec<u8>,
    /// The number of next bytes that belong to a message that is not kept.
    skip: usize,
}

/// A message that matters.
pub(super) struct Message {
    pub(super) kind: u8,
    /// Without the header.
    pub(super) body: Vec<u8>,
}

impl Messages {
    /// Takes the next bytes, and returns the messages that are complete now and matter.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Vec<Message> {
        let mut found = Vec::new();
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let missing = match self.bytes.first_chunk::<HEAD>() {
                None => HEAD - self.bytes.len(),
                Some(&[kind, a, b, c]) => {
                    let len = u32::from_be_bytes([0, a, b, c]) as usize;
                    let there = self.bytes.len() - HEAD;
                    if !matters(kind) || len > LONGEST {
                        self.skip = len - there.min(len);
                        self.bytes.clear();
                        continue;
                    }
                    if there == len {
                        let body = self.bytes.split_off(HEAD);
                        self.bytes.clear();
                        found.push(Message { kind, body });
                        continue;
                    }
                    len - there
                }
            };
            if bytes.is_empty() {
                return found;
            }
            let (taken, rest) = bytes.split_at(missing.min(bytes.len()));
            self.bytes.extend_from_slice(taken);
            bytes = rest;
        }
    }

    /// Returns the memory that it takes, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity()
    }
}

fn matters(kind: u8) -> bool {
    matches!(
        kind,
        CLIENT_HELLO
            | SERVER_HELLO
            | NEW_SESSION_TICKET
            | END_OF_EARLY_DATA
            | ENCRYPTED_EXTENSIONS
            | FINISHED
            | KEY_UPDATE
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_may_be_cut_anywhere() {
        let bytes =
            b"\x01\0\0\x03abc\x0B\0\0\x05xxxxx\x05\0\0\0\x04\0\0\0\x14\0\0\x02de\x02\0\0\x01f";
        for size in 1..bytes.len() {
            let mut messages = Messages::default();
            let found: Vec<_> = bytes.chunks(size).flat_map(|cut| messages.push(cut)).collect();
            let found: Vec<_> = found.iter().map(|found| (found.kind, &found.body[..])).collect();
            let expected = [(1, &b"abc"[..]), (5, b""), (4, b""), (20, b"de"), (2, b"f")];
            assert_eq!(found, expected, "by {size}");
            assert_eq!(messages.bytes, b"");
        }
    }
}
