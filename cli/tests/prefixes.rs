//! What proxies put before a connection is skipped and told, wherever it is cut.

mod common;

use common::capture::{Capture, lines};
use common::{frame, run};
use proptest::prelude::*;
use serde_json::Value;
use wsvet::{Header, Role};

use Role::{Client, Server};

/// The bytes of the client and then of the server, in turns.
type Turns = Vec<(Role, Vec<u8>)>;

const KINDS: usize = 6;

/// Returns what is skipped, and what is told of it.
fn prefix(kind: usize) -> (Turns, &'static str) {
    let v2 =
        [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C"[..], &[192, 0, 2, 7, 10, 0, 0, 9], &[1, 0, 0, 80]];
    match kind {
        0 => (
            vec![
                (Client, b"CONNECT ws.test:80 HTTP/1.1\r\nHost: ws.test:80\r\n\r\n".to_vec()),
                (Server, b"HTTP/1.1 200 Connection established\r\n\r\n".to_vec()),
            ],
            "CONNECT to ws.test:80 and its answer",
        ),
        // The proxy wants a password first, and has a body and a length that do not count.
        1 => (
            vec![
                (Client, b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n".to_vec()),
                (Server, b"HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno".to_vec()),
                (Client, b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n".to_vec()),
                (Server, b"HTTP/1.0 200 OK\r\nContent-Length: 99\r\n\r\n".to_vec()),
            ],
            "CONNECT to a.test:443 and its answer",
        ),
        2 => (
            vec![(Client, b"PROXY TCP4 192.0.2.7 10.0.0.9 256 80\r\n".to_vec())],
            "a header of the PROXY protocol 1: client 192.0.2.7:256, server 10.0.0.9:80",
        ),
        3 => (
            vec![(Client, v2.concat())],
            "a header of the PROXY protocol 2: client 192.0.2.7:256, server 10.0.0.9:80",
        ),
        4 => (
            vec![
                (Client, vec![5, 1, 0]),
                (Server, vec![5, 0]),
                (Client, [&[5, 1, 0, 3, 7][..], b"ws.test", &[0, 80]].concat()),
                (Server, vec![5, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
            ],
            "the handshake of SOCKS 5: to ws.test:80",
        ),
        _ => (
            vec![
                (Client, [&[4, 1, 0, 80, 10, 0, 0, 9][..], b"me\0"].concat()),
                (Server, vec![0, 90, 0, 0, 0, 0, 0, 0]),
            ],
            "the handshake of SOCKS 4: to 10.0.0.9:80",
        ),
    }
}

/// Returns the connection that stands inside.
fn inside() -> Turns {
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    let key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    let text = |from, len| frame(from, Header::from_wire(0x81, len, 0, [0; 4]), b"hello");
    let close = |from| frame(from, Header::from_wire(0x88, 2, 0, [0; 4]), b"\x03\xE8");
    vec![
        (Client, format!("GET / HTTP/1.1\r\nHost: x\r\n{upgrade}{key}\r\n").into_bytes()),
        (Server, format!("HTTP/1.1 101 Switching Protocols\r\n{upgrade}{accept}\r\n").into_bytes()),
        (Client, text(Client, 5)),
        (Server, text(Server, 5)),
        (Client, close(Client)),
        (Server, close(Server)),
    ]
}

/// Returns a capture of these bytes, in pieces of at most this many.
fn capture(turns: &Turns, piece: usize, with_syn: bool) -> Vec<u8> {
    let mut capture = Capture::new();
    if with_syn {
        capture.packet(Client, "S", b"").packet(Server, "SA", b"");
    }
    for (from, bytes) in turns {
        for bytes in bytes.chunks(piece) {
            capture.packet(*from, "A", bytes);
        }
    }
    capture.packet(Server, "FA", b"").packet(Client, "FA", b"");
    capture.file
}

/// Returns what was judged, without the packets, and the notices.
fn judged(file: &[u8]) -> (Vec<Value>, String) {
    let output = run(&["check", "--json", "-"], file);
    let mut all = lines(&String::from_utf8(output.stdout).unwrap());
    all.retain(|line| {
        ["frame", "close", "violation", "end"].contains(&line["event"].as_str().unwrap())
    });
    for line in &mut all {
        let line = line.as_object_mut().unwrap();
        line.remove("packet");
        line.remove("time");
    }
    (all, String::from_utf8(output.stderr).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_prefixes_are_skipped(
        kinds in prop::collection::vec(0..KINDS, 0..4),
        piece in 6..200_usize,
        with_syn: bool,
    ) {
        let (expected, _) = judged(&capture(&inside(), 4096, true));
        prop_assert_eq!(expected.len(), 4);
        let mut turns: Turns = kinds.iter().flat_map(|kind| prefix(*kind).0).collect();
        turns.extend(inside());
        // Without a SYN, the first bytes must tell who the client is. Those of SOCKS do not.
        let with_syn = with_syn || kinds.first().is_some_and(|kind| *kind > 3) || piece < 16;
        // The first bytes of SOCKS must come in one piece.
        let piece = if kinds.iter().any(|kind| *kind > 3) { piece.max(16) } else { piece };
        let (found, told) = judged(&capture(&turns, piece, with_syn));
        prop_assert_eq!(found, expected, "{}", told);
        for kind in &kinds {
            // Headers of the PROXY protocol that follow each other are told together.
            let (_, text) = prefix(*kind);
            prop_assert!(told.contains(text), "{}: {}", text, told);
        }
    }
}

/// Returns what people are told, in one line, and the exit status.
fn told(file: &[u8]) -> (String, i32) {
    let output = run(&["check", "-"], file);
    let text = String::from_utf8(output.stdout).unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (text, output.status.code().unwrap())
}

#[test]
fn what_leads_to_no_connection_is_named() {
    let (mut turns, _) = prefix(4);
    turns[3].1[1] = 5;
    let (text, status) = told(&capture(&turns, 99, true));
    assert_eq!(status, 2);
    assert!(text.contains("the handshake of SOCKS did not lead to a connection"), "{text}");
    let damaged = vec![(Client, b"PROXY TCP4 nobody\r\nGET / HTTP/1.1\r\n".to_vec())];
    let (text, status) = told(&capture(&damaged, 99, true));
    assert_eq!(status, 2);
    assert!(text.contains("PROXY protocol that is damaged"), "{text}");
    let (turns, _) = prefix(0);
    let (text, _) = told(&capture(&turns, 99, true));
    assert!(
        text.contains("a tunnel through a proxy (CONNECT) in which nothing was sent"),
        "{text}"
    );
}

#[test]
fn too_many_tunnels_inside_each_other_are_not_entered() {
    let turns = std::iter::repeat_n(prefix(0).0, 2_000).flatten().collect();
    let (_, status) = told(&capture(&turns, 4096, true));
    assert_eq!(status, 2);
}
