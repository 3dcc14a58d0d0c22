//! The formats that are known and not read: how each is recognised, what it is called, and what to
//! give instead.

mod magic;
mod text;

use magic::BINARY;
use text::TEXT;

/// A format that is known and not read.
pub(super) struct Known {
    sign: Sign,
    name: &'static str,
    /// What to do instead.
    instead: &'static str,
}

/// How a format is recognised.
enum Sign {
    /// By bytes at a place.
    At(usize, &'static [u8]),
    /// By its first bytes, of which several are possible.
    Starts(&'static [&'static [u8]]),
    /// By more than that.
    Looks(fn(&[u8]) -> bool),
}

impl Known {
    /// Returns the name, and what to do instead.
    pub(super) fn text(&self) -> String {
        format!("this is {}: {}", self.name, self.instead)
    }

    fn is(&self, start: &[u8]) -> bool {
        match self.sign {
            Sign::At(place, magic) => start.get(place..).is_some_and(|at| at.starts_with(magic)),
            Sign::Starts(magics) => magics.iter().any(|magic| start.starts_with(magic)),
            Sign::Looks(looks) => looks(start),
        }
    }
}

/// Returns the binary format that starts with these bytes.
pub(super) fn binary(start: &[u8]) -> Option<&'static Known> {
    BINARY.iter().find(|known| known.is(start))
}

/// Returns the text format that starts with these bytes.
pub(super) fn text(start: &[u8]) -> Option<&'static Known> {
    TEXT.iter().find(|known| known.is(start))
}

/// Returns whether the needle is in the bytes.
fn has(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|part| part == needle.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first bytes of what people have, and the word that must be in its name.
    #[test]
    fn known_formats_are_named() {
        let cases: [(&[u8], &str); 53] = [
            (b"CONNECTED(00000003)\n>>> TLS 1.0, RecordHeader [length 0005]\n", "openssl"),
            (b">>> TLS 1.3, Handshake [length 0200], ClientHello\n    01 00 01 fc\n", "openssl"),
            (
                b"New TCP connection #1: a(54812) <-> b(443)\n1 1  0.0 (0.0)  C>S  Handshake\n",
                "ssldump",
            ),
            (b"*   Trying 127.0.0.1:9001...\n* Connected to 127.0.0.1\n> GET / HTTP/1.1\n", "curl"),
            (b"== Info:   Trying 127.0.0.1:9061...\n=> Send header, 77 bytes (0x4d)\n", "curl"),
            (b"\x01\x10\x4C\0\x01\x05Trace Display", "LANalyzer"),
            (b"\xFD7zXZ\0", "xz"),
            (
                b"WebSocket connection to 'wss://x.example/' failed: Invalid frame header\n",
                "error message",
            ),
            (b"websockets.exceptions.ConnectionClosedError: sent 1011\n", "error message"),
            (b"the connection failed with code 1006\n", "error message"),
            (
                b"2024/01/01 10:00:00 read: websocket: close 1006 (abnormal closure)\n",
                "error message",
            ),
            (b"10:00:00.5 websockets.client:< CLOSE 1003 (unsupported data)\n", "websockets"),
            (b"Protocol(ResetWithoutClosingHandshake)\n", "error message"),
            (b"DEBUG:websockets.client:= connection is OPEN\nDEBUG:websockets.client:> BINARY 01 02 03 [3 bytes]\n", "websockets"),
            (b"BZh91AY&SY", "bzip2"),
            (b"\x04\x22\x4D\x18", "lz4"),
            (b"PK\x03\x04\x14\0", "zip"),
            (b"7z\xBC\xAF\x27\x1C", "7z"),
            (b"Rar!\x1A\x07\0", "rar"),
            (b"\xA1\xB2\xCD\x34\0\x02\0\x04", "big-endian pcap"),
            (b"snoop\0\0\0\0\0\0\x02", "snoop"),
            (b"GMBU\0\0\0\0", "Network Monitor"),
            (b"\x89PNG\r\n\x1A\n", "image"),
            (b"\xFF\xD8\xFF\xE0", "image"),
            (b"\x7FELF\x02\x01\x01", "program"),
            (b"MZ\x90\0", "program"),
            (b"\xCA\xFE\xBA\xBE\0\0\0\x3D\0\x2E", "Java class"),
            (b"\xCA\xFE\xBA\xBE\0\0\0\x02\x01\0\0\x07", "program"),
            (b"\xCA\xFE\xBA\xBF\0\0\0\x02\x01\0\0\x07", "program"),
            (b"%PDF-1.7", "PDF"),
            (b"SQLite format 3\0", "SQLite"),
            (b"\x16\x03\x01\x02\0\x01\0\x01\xFC\x03\x03", "TLS"),
            (b"Salted__12345678", "encrypted"),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2"),
            (b"CLIENT_RANDOM 0011 2233\n", "key log"),
            (b"[\n  {\n    \"_index\": \"packets\", \"_source\": {\"layers\": {", "tshark"),
            (b"{\"index\":{\"_index\":\"p\"}}\n{\"timestamp\":\"1\",\"layers\":{", "tshark"),
            (b"<?xml version=\"1.0\"?>\n<pdml version=\"0\"", "PDML"),
            (b"<?xml version=\"1.0\"?>\n<items burpVersion=\"2\"", "Burp"),
            (b"<?xml version=\"1.0\"?>\n<a/>", "XML"),
            (b"<!doctype html><html>", "HTML"),
            (b"\n====\nFollow: tls,raw\nFilter: tcp.stream eq 0\n", "Follow"),
            (b"Frame 1: 74 bytes on wire (592 bits), 74 bytes captured\n", "dissection"),
            (
                b"16:26:54.906712 IP a.38466 > b.21007: Flags [S], seq 7566, length 0\n\tE..<=.@",
                "list of packets",
            ),
            (
                "    1   0.000000    127.0.0.1 → 127.0.0.1    TCP 74 38466 → 21007 [SYN]\n"
                    .as_bytes(),
                "list of packets",
            ),
            (b"frame.number\ttcp.srcport\twebsocket.opcode\n1\t2\t\n", "table"),
            (b"14\t34096\t1\t\n15\t21001\t1\t1\n17\t21001\t1\t1\n", "table"),
            (b"frame.number\t_ws.col.Info\n1\tx\n", "table"),
            (b"-----BEGIN CERTIFICATE-----\n", "PEM"),
            (b"10.0.0.1 - - [10/Oct/2026:13:55:36 +0000] \"GET / HTTP/1.1\" 200 2", "access log"),
            (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP"),
            (b"char peer0_0[] = { /* Packet 4 */\n0x81, 0x85 };\n", "Follow"),
            (
                b"[{\"status\":\"COMPLETE\",\"method\":\"GET\",\"protocolVersion\":\"HTTP/1.1\"}]",
                "Charles",
            ),
        ];
        for (start, name) in cases {
            let known = binary(start).or_else(|| text(start));
            let told = known.map_or(String::new(), Known::text);
            assert!(told.contains(name), "{name}: {told:?}");
        }
    }

    /// Dumps in which packets have a line of words, and bytes in columns, are read.
    #[test]
    fn dumps_with_bytes_are_not_known_formats() {
        for start in [
            "16:26:54.906712 IP a.38466 > b.21007: Flags [S], length 0\n\t0x0000:  4500 003c\n",
            "    1   0.000000    127.0.0.1 → 127.0.0.1    TCP 74\n\n0000  00 00 00 00\n",
            "00\t81\t85\n02\t37\tfa\n04\t21\t3d\n",
            "8185\n37fa213d7f9f4d5158\n",
            "Invalid frame header: 83 00\n",
            "close code 1002 after \\x83\\x00\n",
            "code 1006: 818537fa213d7f9f4d5158\n",
        ] {
            assert!(text(start.as_bytes()).is_none(), "{start}");
        }
    }

    #[test]
    fn frames_are_not_known_formats() {
        for first in 0..=255u8 {
            for second in 0..=255 {
                let start = [&[first, second][..], &[0x5A; 64]].concat();
                let legal = [1, 2, 8, 9, 10].contains(&(first & 15)) && first & 0x30 == 0;
                assert!(!legal || binary(&start).is_none(), "{first:02x} {second:02x}");
            }
        }
    }
}
