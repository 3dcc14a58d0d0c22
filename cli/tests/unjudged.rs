//! What a capture has besides what is judged: each connection is accounted for, within a bound of memory.

mod common;

use common::capture::{Capture, TEXT, check, lines};
use serde_json::Value;
use wsvet::Role;

use Role::{Client, Server};

/// Starts another connection, with both SYN.
fn another(capture: &mut Capture) -> &mut Capture {
    capture.port += 1;
    capture.seq = [1_000, 9_000];
    capture.packet(Client, "S", b"").packet(Server, "SA", b"")
}

/// One connection of each kind, the first of them judged.
fn all_kinds() -> Capture {
    let mut capture = Capture::open("");
    capture.frame(Client, TEXT, b"hi").close();
    let hello = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00";
    another(&mut capture).packet(Client, "A", hello).packet(Server, "A", hello);
    another(&mut capture).packet(Client, "A", hello);
    another(&mut capture).packet(Client, "A", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    let get = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    another(&mut capture).packet(Client, "A", get).packet(Server, "A", ok);
    another(&mut capture).packet(Server, "A", b"SSH-2.0-OpenSSH_9.7\r\n");
    another(&mut capture).packet(Server, "A", b"220 mail.example ESMTP\r\n");
    another(&mut capture).packet(Client, "A", b"\x10\x0C\x00\x04MQTT\x04\x02\x00\x3C\x00\x00");
    another(&mut capture).packet(Server, "A", b"\x4A\x00\x00\x00\x0A8.0.36\x00");
    another(&mut capture).packet(Client, "A", b"\x01\x02\x03\x04");
    // Nothing, no answer, refused.
    another(&mut capture).packet(Client, "FA", b"").packet(Server, "FA", b"");
    (capture.port, capture.seq) = (capture.port + 1, [1_000, 9_000]);
    capture.packet(Client, "S", b"");
    (capture.port, capture.seq) = (capture.port + 1, [1_000, 9_000]);
    capture.packet(Client, "S", b"").packet(Server, "RA", b"");
    // A segment of the request is lost.
    another(&mut capture);
    capture.seq[0] += 100;
    capture.packet(Client, "A", b"Upgrade: websocket\r\n\r\n");
    capture
}

#[test]
fn every_connection_is_accounted_for() {
    let capture = all_kinds();
    let (json, status) = check(&["--json"], &capture.file);
    assert_eq!(status, 0);
    assert_eq!(check(&["--json", "--strict"], &capture.file).1, 2);
    let strays: Vec<_> =
        lines(&json).into_iter().filter(|line| line["event"] == "unjudged").collect();
    let why: Vec<_> = strays.iter().map(|line| line["why"].as_str().unwrap()).collect();
    let expected = [
        "tls",
        "tls",
        "http2",
        "http",
        "ssh",
        "mail-or-ftp",
        "mqtt",
        "database",
        "not-http",
        "no-data",
        "never-established",
        "tcp-refused",
        "packets-lost",
    ];
    assert_eq!(why, expected);
    for (index, line) in strays.iter().enumerate() {
        assert_eq!(line["tcp_stream"], index + 1, "{line}");
        assert_eq!(line["client"], format!("10.0.0.1:{}", 40_001 + index), "{line}");
        assert_eq!(line["server"], "10.0.0.2:80", "{line}");
    }
    assert_eq!((&strays[0]["packets"], &strays[10]["packets"]), (&Value::from(4), &Value::from(1)));
    let again = check(&["--json"], json.as_bytes());
    let unjudged = |line: &Value| line["event"] == "unjudged";
    let again: Vec<_> = lines(&again.0).into_iter().filter(unjudged).collect();
    assert_eq!(again, strays);
}

/// A key log does not help if only one endpoint speaks TLS.
#[test]
fn tls_at_one_endpoint_alone_is_told() {
    let get = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let alert = b"\x15\x03\x01\x00\x02\x02\x46";
    let hello = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00";
    let refused = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
    for (client, server, why, said) in [
        (&get[..], &alert[..], "http-to-tls", "use wss://"),
        (hello, refused, "tls-to-http", "use ws://"),
        (hello, alert, "tls", "--tls-keylog"),
    ] {
        let mut capture = Capture::new();
        capture.packet(Client, "S", b"").packet(Server, "SA", b"");
        capture.packet(Client, "A", client).packet(Server, "A", server);
        capture.packet(Server, "FA", b"").packet(Client, "FA", b"");
        let (json, status) = check(&["--json"], &capture.file);
        let found = lines(&json);
        assert_eq!((found.len(), status), (1, 2), "{json}");
        assert_eq!(found[0]["why"], why, "{json}");
        assert!(found[0]["text"].as_str().unwrap().contains(said), "{json}");
    }
}

#[test]
fn people_are_told_in_a_few_lines() {
    let (text, _) = check(&[], &all_kinds().file);
    let (_, account) = text.split_once("server answered\n").unwrap();
    let expected = "\
2 connections not judged: TLS: give the key log with --tls-keylog FILE ('wsvet
help tls' says how to get one) (10.0.0.1:40001 to 10.0.0.2:80, 10.0.0.1:40002
to 10.0.0.2:80)
1 connection not judged: the capture lacks packets of the opening handshake
(10.0.0.1:40013 to 10.0.0.2:80)
1 connection not WebSocket: HTTP/2 without a WebSocket stream (10.0.0.1:40003
to 10.0.0.2:80)
1 connection not WebSocket: HTTP without an upgrade to WebSocket (10.0.0.1:40004
to 10.0.0.2:80)
1 connection not WebSocket: SSH (10.0.0.1:40005 to 10.0.0.2:80)
1 connection not WebSocket: SMTP, FTP, POP3 or IMAP (10.0.0.1:40006 to
10.0.0.2:80)
1 connection not WebSocket: MQTT without WebSocket (10.0.0.1:40007 to
10.0.0.2:80)
1 connection not WebSocket: the protocol of a database (10.0.0.1:40008 to
10.0.0.2:80)
4 more connections for other reasons: see --json
✓ nothing is broken in what could be judged; 3 connections were not (3 complete
frames in 1 connection)
";
    assert_eq!(account, expected);
    // Without such connections, nothing is said.
    let mut capture = Capture::open("");
    capture.close();
    assert!(
        check(&[], &capture.file)
            .0
            .ends_with("✓ nothing is broken (2 complete frames in 1 connection)\n")
    );
}

#[test]
fn the_page_names_them() {
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("page.html");
    check(&["--html", page.to_str().unwrap()], &all_kinds().file);
    let page = std::fs::read_to_string(page).unwrap();
    for says in [
        "2 connections not judged: TLS",
        "1 connection not WebSocket: SSH",
        "3 connections were not",
    ] {
        assert!(page.contains(says), "{says}");
    }
    // A connection that begins in the middle.
    let path = dir.path().join("middle.html");
    let mut capture = Capture::new();
    capture.frame(Client, TEXT, b"hello").frame(Server, TEXT, b"hello").close();
    check(&["--html", path.to_str().unwrap()], &capture.file);
    assert!(
        std::fs::read_to_string(path).unwrap().contains("begins in the middle: judged from byte 0")
    );
}

/// Packets that were cut: what lacks is said, with the cure.
/// The capture, with at most this many bytes of each packet.
fn cut(capture: &Capture, snap_len: usize) -> Vec<u8> {
    let mut file = capture.file[..24].to_vec();
    let mut rest = &capture.file[24..];
    while !rest.is_empty() {
        let len = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let kept = len.min(snap_len);
        file.extend(&rest[..8]);
        file.extend([kept as u32, len as u32].iter().flat_map(|word| word.to_le_bytes()));
        file.extend(&rest[16..16 + kept]);
        rest = &rest[16 + len..];
    }
    file
}

#[test]
fn a_payload_that_is_cut_is_named() {
    let mut capture = Capture::open("");
    capture.frame(Client, 0x82, &[7; 100]).frame(Client, 0x82, &[7; 30]).close();
    // The packets of the handshake are longer, but only the long frame loses a byte.
    let (head, frames) = (Capture::open("").file.len(), capture.file.clone());
    let mut whole = Capture::new();
    whole.file = [&capture.file[..24], &frames[head..]].concat();
    let mut file = frames[..head].to_vec();
    file.extend(&cut(&whole, 100)[24..]);
    let (text, status) = check(&[], &file);
    assert!(text.contains("nothing is broken in what could be judged; 1 connection"), "{text}");
    assert!(text.contains("-s 0 (connection 0)"), "{text}");
    assert_eq!(status, 0);
    let (text, _) = check(&[], &capture.file);
    assert!(text.contains("\u{2713} nothing is broken ("), "{text}");
}

#[test]
fn a_head_that_is_cut_is_named() {
    let (json, status) = check(&["--json"], &cut(&Capture::open(""), 68));
    assert_eq!((&lines(&json)[0]["why"], status), (&Value::from("packets-cut"), 2));
    assert!(json.contains("-s 0"), "{json}");
}

/// What waits for a lost segment must fit into the bound, and the frames that do not are named.
#[test]
fn what_does_not_fit_into_memory_is_named() {
    let mut capture = Capture::open("");
    capture.frame(Client, TEXT, b"hi");
    capture.seq[1] += 10;
    for _ in 0..40 {
        capture.packet(Server, "A", &[0; 30_000]);
    }
    let whole = check(&["--json"], &capture.file).0;
    assert!(!whole.contains("\"why\":\"memory\""), "{whole}");
    assert!(whole.contains("\"why\":\"frames-lost\""), "{whole}");
    let (json, status) = check(&["--json", "--strict", "--max-memory", "512K"], &capture.file);
    let told = lines(&json);
    let stray = told.iter().find(|line| line["event"] == "unjudged").unwrap();
    assert_eq!((&stray["why"], &stray["connection"], status), (&"memory".into(), &0.into(), 2));
    let verdict = told.iter().find(|line| line["event"] == "verdict").unwrap();
    assert_eq!((&verdict["outcome"], &verdict["gap"]), (&"open".into(), &true.into()));
    let (text, _) = check(&["--max-memory", "512K"], &capture.file);
    assert!(text.contains("the rest of connection 0"), "{text}");
    let again = check(&["--json", "--strict"], json.as_bytes());
    assert_eq!(lines(&again.0).iter().filter(|line| line["event"] == "unjudged").count(), 1);
    assert_eq!(again.1, 2);
    // The connection that had no packet for the longest time goes first.
    let mut capture = Capture::open("");
    capture.seq[1] += 10;
    capture.packet(Server, "A", &[0; 30_000]);
    capture.port += 1;
    capture.seq = [1_000, 9_000];
    capture.upgrade("");
    capture.seq[1] += 10;
    for _ in 0..16 {
        capture.packet(Server, "A", &[0; 30_000]);
    }
    let (json, _) = check(&["--json", "--max-memory", "500K"], &capture.file);
    let given_up: Vec<_> = lines(&json)
        .into_iter()
        .filter(|line| line["event"] == "unjudged")
        .map(|line| line["connection"].clone())
        .collect();
    assert_eq!(given_up[0], 0, "{json}");
}

/// The bytes that only explain violations are forgotten before a connection is given up.
#[test]
fn connections_fit_without_what_explains_violations() {
    let mut capture = Capture::new();
    let connections: Vec<_> = (0..50).map(|index| 40_000 + index).collect();
    let mut next = Vec::new();
    for port in connections {
        (capture.port, capture.seq) = (port, [1_000, 9_000]);
        capture.upgrade("");
        for _ in 0..25 {
            capture.frame(Client, TEXT, &[b'a'; 120]).frame(Server, TEXT, &[b'b'; 120]);
        }
        next.push((port, capture.seq));
    }
    for (port, seq) in next {
        (capture.port, capture.seq) = (port, seq);
        capture.close();
    }
    let unjudged = |most: &str| {
        let (json, _) = check(&["--json", "--max-memory", most], &capture.file);
        lines(&json).iter().filter(|line| line["event"] == "unjudged").count()
    };
    assert_eq!(unjudged("400K"), 0);
    assert!(unjudged("200K") > 0);
}

/// Connections that are over, or without data, are forgotten, and still accounted for.
#[test]
fn a_flood_is_accounted_for() {
    let mut capture = Capture::new();
    for index in 0..40_000u32 {
        (capture.port, capture.seq) = ((1_000 + index) as u16, [index, 0]);
        capture.packet(Client, "S", b"");
    }
    (capture.port, capture.seq) = (50_001, [1_000, 9_000]);
    capture.upgrade("");
    capture.close();
    let (text, status) = check(&[], &capture.file);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("40000 connections not WebSocket: never established"), "{text}");
    assert!(text.contains("✓ nothing is broken (2 complete frames in 1 connection)"), "{text}");
    assert_eq!(status, 0);
}

/// A pcapng file with this packet in a block of this type, whose interface has these options.
fn pcapng(
    big_endian: bool,
    resolution: u8,
    offset: i64,
    obsolete: bool,
    packets: &[Vec<u8>],
) -> Vec<u8> {
    let word = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let half = |value: u16| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let block = |kind: u32, body: &[u8]| {
        let padded = [body, &vec![0; body.len().next_multiple_of(4) - body.len()]].concat();
        let len = word(padded.len() as u32 + 12);
        [&word(kind)[..], &len, &padded, &len].concat()
    };
    let section = [&word(0x1A2B_3C4D)[..], &half(1), &half(0), &[0xFF; 8]].concat();
    let offset = if big_endian { offset.to_be_bytes() } else { offset.to_le_bytes() };
    let options = [
        &half(9)[..],
        &half(1),
        &[resolution, 0, 0, 0],
        &half(14),
        &half(8),
        &offset,
        &half(0),
        &half(0),
    ]
    .concat();
    let interface = [&half(101)[..], &half(0), &word(0), &options].concat();
    let mut file = [block(0x0A0D_0D0A, &section), block(1, &interface)].concat();
    for packet in packets {
        let len = word(packet.len() as u32);
        let id = if obsolete { [half(0), half(7)].concat() } else { word(0).to_vec() };
        // 1.5 s in units of 2^-10 s.
        let body = [&id[..], &word(0), &word(1_536), &len, &len, packet].concat();
        file.extend(block(if obsolete { 2 } else { 6 }, &body));
    }
    file
}

#[test]
fn the_clocks_and_the_blocks_of_pcapng_are_read() {
    let mut capture = Capture::open("");
    capture.close();
    let mut packets = Vec::new();
    let mut rest = &capture.file[24..];
    while !rest.is_empty() {
        let len = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        packets.push(rest[16..16 + len].to_vec());
        rest = &rest[16 + len..];
    }
    for big_endian in [false, true] {
        for obsolete in [false, true] {
            for (resolution, offset, time) in [
                (0x8A, 0, 1.5),
                (0x8A, 1_000, 1_001.5),
                (0x8A, -1, 0.5),
                (3, 0, 1.536),
                (0xFF, 5, 5.0),
            ] {
                let file = pcapng(big_endian, resolution, offset, obsolete, &packets);
                let (json, status) = check(&["--json"], &file);
                assert_eq!((&lines(&json)[0]["time"], status), (&time.into(), 0), "{json}");
            }
        }
    }
}

/// Bytes of several connections, one after the other: the first is judged, and no endpoint is blamed for the
/// request of the second.
#[test]
fn another_request_is_another_connection() {
    let request = b"GET /a HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let response = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    let frames = b"\x81\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58\x81\x05Hello";
    let connection = [&request[..], response, frames].concat();
    let both = connection.repeat(2);
    let hex: String = both.iter().map(|byte| format!("{byte:02x}")).collect();
    for input in [&both[..], hex.as_bytes()] {
        let (json, status) = check(&["--json"], input);
        assert_eq!(status, 0, "{json}");
        assert_eq!(check(&["--strict"], input).1, 2);
        let lines = lines(&json);
        let of = |event: &str| -> Vec<_> {
            lines.iter().filter(|line| line["event"] == event).collect()
        };
        assert_eq!((of("frame").len(), of("violation").len()), (2, 0), "{json}");
        let strays = of("unjudged");
        assert_eq!(strays.len(), 1, "{json}");
        assert_eq!(strays[0]["why"], "connections-mixed");
        assert_eq!(strays[0]["detail"], format!("from byte {} on", connection.len()));
        let (text, _) = check(&[], input);
        let place = format!("(from byte {} on)", connection.len());
        assert!(text.split_whitespace().collect::<Vec<_>>().join(" ").contains(&place), "{text}");
    }
    // Bytes that only resemble the start of a request are a frame. In a payload, that start is data.
    for word in ["GEX", "GETX"] {
        let broken = [&connection[..], word.as_bytes(), &[b'x'; 80]].concat();
        let (json, _) = check(&["--json"], &broken);
        let lines = lines(&json);
        let broke = lines.iter().find(|line| line["event"] == "violation");
        assert_eq!(broke.unwrap()["rule"], "reserved-bits", "{json}");
    }
    let quoted = [&connection[..], b"\x81\x04GET ", frames].concat();
    let (json, status) = check(&["--json"], &quoted);
    assert_eq!((json.matches("\"event\":\"frame\"").count(), status), (5, 0), "{json}");
}
