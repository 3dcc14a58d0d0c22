//! What a dissector of Wireshark is given twice. It passes on complete messages, and waits for the rest of
//! the last one, which it is then given from its first byte on. Exported PDUs have both.

use std::collections::HashMap;
use std::net::SocketAddr;

use wsvet::Header;

/// The most connections.
const MOST: usize = 1 << 16;

/// The bytes of each endpoint that may come again.
#[derive(Default)]
pub(super) struct Redelivered {
    tails: HashMap<(SocketAddr, SocketAddr), Tail>,
}

/// A message whose end is missing.
struct Tail {
    /// Its first bytes.
    start: Vec<u8>,
    len: usize,
}

impl Tail {
    /// The most bytes that are compared.
    const COMPARED: usize = 1 << 10;

    fn new(bytes: &[u8]) -> Self {
        Self { start: bytes[..bytes.len().min(Self::COMPARED)].to_vec(), len: bytes.len() }
    }

    fn is_start_of(&self, bytes: &[u8]) -> bool {
        bytes.len() > self.len && bytes.starts_with(&self.start)
    }
}

impl Redelivered {
    /// Returns the bytes of a PDU that did not come before. `is_http2` says that it has frames of HTTP/2.
    pub(super) fn only_new<'a>(
        &mut self,
        ends: (SocketAddr, SocketAddr),
        bytes: &'a [u8],
        is_http2: bool,
    ) -> &'a [u8] {
        let tail = self.tails.remove(&ends).filter(|tail| tail.is_start_of(bytes));
        let unfinished = &bytes[complete(bytes, is_http2)..];
        if !unfinished.is_empty() && self.tails.len() < MOST {
            self.tails.insert(ends, Tail::new(unfinished));
        }
        &bytes[tail.map_or(0, |tail| tail.len)..]
    }
}

/// Returns the number of bytes before the message whose end is missing, or of all bytes.
fn complete(bytes: &[u8], is_http2: bool) -> usize {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let http2 = |at: &[u8]| {
        let [a, b, c] = *at.first_chunk::<3>()?;
        Some(9 + u32::from_be_bytes([0, a, b, c]) as usize)
    };
    let tls = |at: &[u8]| {
        let [_, _, _, a, b] = *at.first_chunk::<5>()?;
        Some(5 + usize::from(u16::from_be_bytes([a, b])))
    };
    let frame = |at: &[u8]| {
        let (header, payload) = Header::decode(at).ok()?;
        let len = usize::try_from(header.payload_len()).unwrap_or(usize::MAX);
        Some((at.len() - payload.len()).saturating_add(len))
    };
    let is_tls = matches!(bytes, [20..=23, 3, 0..=4, ..]);
    let is_head =
        ["GET ", "POST ", "CONNECT ", "HTTP/1."].map(|word| bytes.starts_with(word.as_bytes()));
    if bytes.starts_with(PREFACE) {
        return PREFACE.len() + whole(&bytes[PREFACE.len()..], &http2);
    }
    if is_http2 {
        return whole(bytes, &http2);
    }
    if is_tls {
        return whole(bytes, &tls);
    }
    if is_head.contains(&true) {
        let end = bytes.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4);
        // Frames follow the heads of an upgrade only.
        let upgrades = bytes.starts_with(b"GET ") || bytes.get(8..12) == Some(b" 101");
        return match end {
            None => 0,
            Some(end) if upgrades => end + whole(&bytes[end..], &frame),
            Some(_) => bytes.len(),
        };
    }
    whole(bytes, &frame)
}

/// Returns the number of bytes of the complete messages. `len` returns the length of the first one, if its
/// header is there.
fn whole(bytes: &[u8], len: &dyn Fn(&[u8]) -> Option<usize>) -> usize {
    let mut rest = bytes;
    while let Some(next) = len(rest).and_then(|len| rest.get(len..)) {
        rest = next;
    }
    bytes.len() - rest.len()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn ends() -> (SocketAddr, SocketAddr) {
        let end = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        (end(1), end(2))
    }

    /// The stream comes out whatever the dissector was given first of each message that it waited for.
    #[test]
    fn what_comes_again_is_left_out() {
        let frames: [&[u8]; 4] = [b"\x81\x02hi", b"\x82\x7E\x00\x80", &[7; 128], b"\x89\0"];
        let frames = [frames[0].to_vec(), [frames[1], frames[2]].concat(), frames[3].to_vec()];
        let head = b"HTTP/1.1 101 Switching Protocols\r\n\r\n".to_vec();
        let tls = [&[23, 3, 3, 0, 3, 1, 2, 3][..], &[23, 3, 3, 0, 1, 9]].map(<[u8]>::to_vec);
        let http2 = [&[0, 0, 1, 0, 0, 0, 0, 0, 1, 5][..], &[0, 0, 0, 4, 1, 0, 0, 0, 0]];
        let http2 = http2.map(<[u8]>::to_vec);
        let upgrade = [vec![head], frames.to_vec()].concat();
        for (messages, is_http2) in [
            (frames.to_vec(), false),
            (upgrade, false),
            (tls.to_vec(), false),
            (http2.to_vec(), true),
        ] {
            let stream = messages.concat();
            for cut in 0..=stream.len() {
                let mut found = Redelivered::default();
                let mut told = found.only_new(ends(), &stream[..cut], is_http2).to_vec();
                // The message with the cut in it comes again, with what follows it.
                let mut start = 0;
                for message in &messages {
                    if start + message.len() > cut {
                        break;
                    }
                    start += message.len();
                }
                told.extend(found.only_new(ends(), &stream[start..], is_http2));
                assert_eq!(told, stream, "{cut}");
            }
        }
    }

    /// A message that is the same as the one before it, or begins with it, is another message.
    #[test]
    fn complete_messages_do_not_come_again() {
        let mut found = Redelivered::default();
        for pdu in [&b"\x81\x02hi"[..], b"\x81\x02hi", b"\x81\x02hi\x81\x02hi", b"\x81", b"\x02hi"]
        {
            assert_eq!(found.only_new(ends(), pdu, false), pdu);
        }
    }
}
