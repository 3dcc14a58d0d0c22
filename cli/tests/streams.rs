//! Generated captures: every link type, and every way in which TCP can deliver the same bytes.

mod common;

use etherparse::PacketBuilder;
use proptest::prelude::*;
use serde_json::Value;
use wsvet::{Header, OpCode, Role};

const REQUEST: &[u8] =
    b"GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
      Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const ANSWER: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// Returns the bytes that both endpoints send, including the opening handshake.
fn conversation() -> [Vec<u8>; 2] {
    let frames = |sender, reply: &[u8]| {
        let plain: [(Header, &[u8]); 4] = [
            (Header::new(OpCode::Text, 5), b"Hello"),
            (Header::new(OpCode::Binary, 300), &[7; 300]),
            (Header::new(OpCode::Text, 0).not_final(), b""),
            (Header::new(OpCode::Continuation, reply.len() as u64), reply),
        ];
        let close = (Header::new(OpCode::Close, 2), &b"\x03\xE8"[..]);
        plain
            .into_iter()
            .chain([close])
            .flat_map(|(header, payload)| common::frame(sender, header, payload))
            .collect::<Vec<u8>>()
    };
    [
        [REQUEST, &frames(Role::Client, "grüße".as_bytes())].concat(),
        [ANSWER, &frames(Role::Server, b"bye")].concat(),
    ]
}

/// A segment: its sender (0 is the client), its position, its bytes and its flags.
#[derive(Clone, Debug)]
struct Piece {
    end: usize,
    start: usize,
    bytes: Vec<u8>,
    flags: &'static str,
}

/// The addresses and first sequence numbers of a connection.
#[derive(Clone, Copy)]
struct Ends {
    v6: bool,
    port: u16,
    isn: [u32; 2],
    /// Whether the client acknowledges the answer.
    acknowledges: bool,
}

const ENDS: Ends = Ends { v6: false, port: 40_000, isn: [1_000, 9_000], acknowledges: true };

/// Returns the IP packet of a segment. Only a SYN has the initial sequence number.
fn packet(ends: Ends, piece: &Piece) -> Vec<u8> {
    let ports = [ends.port, 80];
    let (from, to) = (piece.end, 1 - piece.end);
    let syn = piece.flags.contains('S');
    let seq = ends.isn[from].wrapping_add(piece.start as u32).wrapping_add(u32::from(!syn));
    let ip = |end: usize| [10, 0, 0, 1 + end as u8];
    let ip6 = |end: usize| {
        let mut address = [0; 16];
        address[15] = 1 + end as u8;
        address
    };
    // The client goes on after the answer.
    let is_next = from == 0 && piece.start >= REQUEST.len();
    let acknowledged = if is_next && ends.acknowledges { ANSWER.len() } else { 0 };
    let builder = if ends.v6 {
        PacketBuilder::ipv6(ip6(from), ip6(to), 64)
    } else {
        PacketBuilder::ipv4(ip(from), ip(to), 64)
    };
    let mut builder = builder.tcp(ports[from], ports[to], seq, 65_535);
    for flag in piece.flags.chars() {
        builder = match flag {
            'S' => builder.syn(),
            'F' => builder.fin(),
            'R' => builder.rst(),
            _ => builder.ack(ends.isn[to].wrapping_add(1 + acknowledged as u32)),
        };
    }
    let mut packet = Vec::new();
    builder.write(&mut packet, &piece.bytes).unwrap();
    packet
}

/// Returns an IP packet with the header of this link type before it.
fn link(kind: u32, ip: &[u8]) -> Vec<u8> {
    let v6 = ip[0] >> 4 == 6;
    let ether = if v6 { [0x86, 0xDD] } else { [0x08, 0x00] };
    let head: Vec<u8> = match kind {
        0 => [if v6 { 30u32 } else { 2 }.to_le_bytes()].concat(),
        108 => [if v6 { 24u32 } else { 2 }.to_be_bytes()].concat(),
        1 => [&[0; 12], &ether[..]].concat(),
        113 => [&[0; 14], &ether[..]].concat(),
        276 => [&ether[..], &[0; 18]].concat(),
        _ => Vec::new(),
    };
    let mut framed = [head, ip.to_vec()].concat();
    if kind == 1 {
        // Ethernet pads short frames. The padding is not payload.
        framed.resize(framed.len().max(60), 0xEE);
    }
    framed
}

fn pcap(kind: u32, packets: &[Vec<u8>]) -> Vec<u8> {
    let header = [0xA1B2_C3D4, 0x0004_0002, 0, 0, 65_535, kind];
    let mut file: Vec<u8> = header.iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
    for packet in packets {
        let bytes = link(kind, packet);
        let len = bytes.len() as u32;
        file.extend([0, 0, len, len].iter().flat_map(|word: &u32| word.to_le_bytes()));
        file.extend(bytes);
    }
    file
}

/// Returns the SYN of the client, and the SYN and ACK of the server.
fn opening() -> [Piece; 2] {
    let piece = |end, flags| Piece { end, start: 0, bytes: Vec::new(), flags };
    [piece(0, "S"), piece(1, "SA")]
}

/// Returns everything that both endpoints send in pieces of this size, the HTTP headers first.
fn pieces(size: usize) -> Vec<Piece> {
    let [client, server] = conversation();
    let mut pieces = Vec::new();
    for (end, bytes, head) in
        [(0, &client, ..REQUEST.len()), (1, &server, ..ANSWER.len())].map(|(e, b, h)| (e, b, h.end))
    {
        pieces.extend(cut(end, bytes, 0, head, size));
    }
    for (end, bytes, head) in [(0, &client, REQUEST.len()), (1, &server, ANSWER.len())] {
        pieces.extend(cut(end, bytes, head, bytes.len(), size));
    }
    pieces
}

/// Returns the FIN of an endpoint.
fn closing(end: usize) -> Piece {
    Piece { end, start: conversation()[end].len(), bytes: Vec::new(), flags: "FA" }
}

fn cut(end: usize, bytes: &[u8], from: usize, to: usize, size: usize) -> Vec<Piece> {
    bytes[from..to]
        .chunks(size)
        .enumerate()
        .map(|(n, chunk)| Piece { end, start: from + n * size, bytes: chunk.to_vec(), flags: "A" })
        .collect()
}

fn check(args: &[&str], capture: &[u8]) -> (Vec<Value>, String, Option<i32>) {
    let output = common::run(&[&["check", "--json", "--payload"], args, &["-"]].concat(), capture);
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (lines, String::from_utf8(output.stderr).unwrap(), output.status.code())
}

/// Returns the lines of one endpoint in order, without packet numbers and times.
fn lines_of(from: &str, lines: &[Value]) -> Vec<Value> {
    lines
        .iter()
        .filter(|line| line["from"] == from)
        .map(|line| {
            let mut line = line.clone();
            for key in ["packet", "tcp_stream", "input", "time"] {
                line.as_object_mut().unwrap().remove(key);
            }
            line
        })
        .collect()
}

/// Returns the lines for the bytes of one endpoint alone.
fn expected(end: usize) -> Vec<Value> {
    let bytes = &conversation()[end];
    let (receiver, from, head) =
        [("server", "client", REQUEST.len()), ("client", "server", ANSWER.len())][end];
    let (lines, _, status) = check(&["--format", "raw", "--receiver", receiver], &bytes[head..]);
    assert_eq!(status, Some(0));
    assert_eq!(lines.len(), 5);
    lines_of(from, &lines)
}

fn assert_seen(capture: &[u8], what: &str) {
    let (lines, complaint, status) = check(&[], capture);
    assert_eq!((status, complaint.as_str()), (Some(0), ""), "{what}");
    assert_eq!(lines_of("client", &lines), expected(0), "{what}");
    assert_eq!(lines_of("server", &lines), expected(1), "{what}");
}

#[test]
fn every_link_type_and_both_versions_of_ip() {
    for kind in [0, 1, 12, 14, 101, 108, 113, 276, 228] {
        for v6 in [false, true] {
            let kind = if kind == 228 && v6 { 229 } else { kind };
            let ends = Ends { v6, ..ENDS };
            let all = opening().into_iter().chain(pieces(100));
            let packets: Vec<_> = all.map(|piece| packet(ends, &piece)).collect();
            assert_seen(&pcap(kind, &packets), &format!("link type {kind}, IPv6 {v6}"));
        }
    }
}

#[test]
fn vlan_tags() {
    let packets: Vec<_> =
        opening().into_iter().chain(pieces(100)).map(|p| packet(ENDS, &p)).collect();
    let mut file = pcap(1, &[]);
    for ip in packets {
        let tagged = [&[0; 12], &b"\x88\xA8\x00\x02\x81\x00\x00\x01\x08\x00"[..], &ip].concat();
        let len = (tagged.len() as u32).to_le_bytes();
        file.extend([&[0; 8], &len[..], &len].concat());
        file.extend(tagged);
    }
    assert_seen(&file, "VLAN in VLAN");
}

#[test]
fn segments_of_one_byte_and_sequence_numbers_that_wrap() {
    for isn in [0, u32::MAX - 200, u32::MAX, 1 << 31] {
        let ends = Ends { isn: [isn, isn.wrapping_mul(3)], ..ENDS };
        let all = opening().into_iter().chain(pieces(1));
        let packets: Vec<_> = all.map(|piece| packet(ends, &piece)).collect();
        assert_seen(&pcap(1, &packets), &format!("from {isn}"));
    }
}

#[test]
fn without_the_syn() {
    let packets: Vec<_> = pieces(50).iter().map(|piece| packet(ENDS, piece)).collect();
    assert_seen(&pcap(1, &packets), "no SYN");
}

/// The second piece of the request comes last but one, after the server's answer.
#[test]
fn without_the_syn_a_late_piece_of_the_request_is_no_frame() {
    for size in 1..60 {
        let mut all = pieces(size);
        let last = all.len() - 1;
        all.swap(last - 1, 1);
        let packets: Vec<_> = all.iter().map(|piece| packet(ENDS, piece)).collect();
        assert_seen(&pcap(1, &packets), &format!("pieces of {size} bytes"));
    }
}

#[test]
fn a_frame_in_the_segment_of_the_head() {
    let packets: Vec<_> = opening()
        .into_iter()
        .chain(conversation().into_iter().enumerate().map(|(end, bytes)| Piece {
            end,
            start: 0,
            bytes,
            flags: "A",
        }))
        .map(|piece| packet(ENDS, &piece))
        .collect();
    let (lines, _, status) = check(&[], &pcap(1, &packets));
    assert_eq!(status, Some(1));
    // The client did not wait for the response.
    let rules = lines.iter().map(|line| &line["rule"]).filter(|rule| rule.is_string());
    assert_eq!(rules.collect::<Vec<_>>(), ["data-before-response"]);
    assert_eq!(lines_of("client", &lines), expected(0));
    assert_eq!(lines_of("server", &lines), expected(1));
}

#[test]
fn several_connections_between_each_other() {
    let all: Vec<_> = (0..3)
        .map(|n| Ends { port: 40_000 + n, v6: n == 1, isn: [n.into(), 7], ..ENDS })
        .map(|ends| {
            let all = opening().into_iter().chain(pieces(60));
            all.map(|piece| packet(ends, &piece)).collect::<Vec<_>>()
        })
        .collect();
    let packets: Vec<_> =
        (0..all[0].len()).flat_map(|n| all.iter().map(move |one| one[n].clone())).collect();
    let (lines, _, status) = check(&[], &pcap(101, &packets));
    assert_eq!(status, Some(0));
    for number in 0..3 {
        let mut of_one: Vec<_> =
            lines.iter().filter(|line| line["connection"] == number).cloned().collect();
        of_one.iter_mut().for_each(|line| line["connection"] = 0.into());
        assert_eq!(lines_of("client", &of_one), expected(0), "connection {number}");
        assert_eq!(lines_of("server", &of_one), expected(1), "connection {number}");
    }
}

#[test]
fn the_same_ports_are_used_again() {
    let one: Vec<_> =
        opening().into_iter().chain(pieces(60)).chain([closing(0), closing(1)]).collect();
    for isn in [ENDS.isn, [500_000, 3]] {
        let packets: Vec<_> = one
            .iter()
            .map(|piece| packet(ENDS, piece))
            .chain(one.iter().map(|piece| packet(Ends { isn, ..ENDS }, piece)))
            .collect();
        let (lines, _, status) = check(&[], &pcap(1, &packets));
        assert_eq!(status, Some(0), "isn {isn:?}");
        for number in 0..2 {
            let of_one = lines.iter().filter(|line| line["connection"] == number).count();
            assert_eq!(of_one, 12, "connection {number}, isn {isn:?}");
        }
    }
}

#[test]
fn what_the_capture_lacks_is_said() {
    // A segment of the client: one with only payload, and one with frame headers.
    for (at, passed_over) in [(100, true), (300, false)] {
        let mut all: Vec<_> = opening().into_iter().chain(pieces(100)).collect();
        let is_lost = |piece: &Piece| piece.end == 0 && piece.start == REQUEST.len() + at;
        all.remove(all.iter().position(is_lost).unwrap());
        all.extend([closing(0), closing(1)]);
        let packets: Vec<_> = all.iter().map(|piece| packet(ENDS, piece)).collect();
        let (lines, _, status) = check(&[], &pcap(1, &packets));
        assert_eq!(status, Some(0), "segment at {at}");
        let gap: Vec<_> = lines.iter().filter(|line| line["event"] == "gap").collect();
        let [gap] = gap[..] else { panic!("{lines:?}") };
        let missing = if at == 100 { 100 } else { conversation()[0].len() - REQUEST.len() - 300 };
        assert_eq!(
            (&gap["from"], &gap["offset"], &gap["missing"], &gap["passed_over"]),
            (&"client".into(), &at.into(), &missing.into(), &passed_over.into()),
            "segment at {at}"
        );
        assert_eq!(lines_of("server", &lines), expected(1), "segment at {at}");
        let mut client = lines_of("client", &lines);
        let verdict = lines.iter().find(|line| line["event"] == "verdict").unwrap();
        assert_eq!(verdict["gap"], true, "segment at {at}");
        if passed_over {
            // Only 100 bytes of a payload are missing.
            client.retain(|line| line["event"] == "frame");
            client[1]["payload"] = "07".repeat(300).into();
            assert_eq!(client, expected(0), "segment at {at}");
            let outcome = (&verdict["outcome"], &verdict["code"]);
            assert_eq!(outcome, (&"clean".into(), &1000.into()), "segment at {at}");
        }
    }
}

/// The end of a TCP stream, with and without a Close frame before it.
#[test]
fn fin_and_rst() {
    let ping = common::frame(Role::Server, Header::new(OpCode::Ping, 0), b"");
    let closing = common::frame(Role::Server, Header::new(OpCode::Close, 0), b"");
    let end = ANSWER.len();
    for (frames, flags, expected) in [
        (&ping[..], "FA", Some(("eof-without-close", 2))),
        (&ping[..], "R", Some(("eof-without-close", 2))),
        (&ping[..1], "FA", Some(("eof-in-frame", 1))),
        (&closing[..], "FA", None),
        (&closing[..], "R", None),
        (&ping[..], "A", None),
    ] {
        let piece =
            |end, start, bytes: &[u8], flags| Piece { end, start, bytes: bytes.to_vec(), flags };
        let all = opening().into_iter().chain([
            piece(0, 0, REQUEST, "A"),
            piece(1, 0, ANSWER, "A"),
            piece(1, end, frames, "A"),
            piece(1, end + frames.len(), b"", flags),
        ]);
        let packets: Vec<_> = all.map(|piece| packet(ENDS, &piece)).collect();
        let (lines, _, status) = check(&[], &pcap(1, &packets));
        let violation = lines.iter().find(|line| line["event"] == "violation").map(|line| {
            let told = (&line["close_code"], &line["from"]);
            assert_eq!(told, (&1006.into(), &"server".into()), "{frames:02x?} {flags}");
            (line["rule"].as_str().unwrap(), line["offset"].as_u64().unwrap())
        });
        assert_eq!(violation, expected, "{frames:02x?} {flags}");
        // A server that resets the connection right after its Close leaves no time for an answer.
        let broken = expected.is_some() || (frames, flags) == (&closing[..], "R");
        assert_eq!(status, Some(i32::from(broken)), "{frames:02x?} {flags}");
    }
}

/// Judges a capture of the opening, the handshake and one frame of the server, then these segments of
/// TCP: their sender, their position after that, their bytes and their flags. Returns the outcome,
/// the rule that was broken, and the number of frames of both endpoints.
fn after_a_ping(rest: &[(usize, i64, &[u8], &'static str)]) -> (String, Option<String>, usize) {
    let piece =
        |end, start, bytes: &[u8], flags| Piece { end, start, bytes: bytes.to_vec(), flags };
    let ping = common::frame(Role::Server, Header::new(OpCode::Ping, 0), b"");
    let ends = [REQUEST.len(), ANSWER.len() + ping.len()];
    let all = opening()
        .into_iter()
        .chain([
            piece(0, 0, REQUEST, "A"),
            piece(1, 0, ANSWER, "A"),
            piece(1, ANSWER.len(), &ping, "A"),
        ])
        .chain(rest.iter().map(|(end, at, bytes, flags)| {
            piece(*end, ends[*end].wrapping_add_signed(*at as isize), bytes, flags)
        }));
    let packets: Vec<_> = all.map(|piece| packet(ENDS, &piece)).collect();
    let (lines, complaint, _) = check(&[], &pcap(1, &packets));
    let text = |line: &Value, field: &str| line[field].as_str().unwrap().to_owned();
    let of = |event| lines.iter().filter(move |line| line["event"] == event);
    let [verdict] = of("verdict").collect::<Vec<_>>()[..] else { panic!("{lines:?} {complaint}") };
    let why = verdict["why"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
    (
        text(verdict, "outcome") + &why,
        of("violation").next().map(|line| text(line, "rule")),
        of("frame").count(),
    )
}

/// A RST ends a connection if its receiver accepts it, or if nothing follows it: whether it has data
/// or not, and whether the capture has what came before it.
#[test]
fn a_rst_ends_a_connection() {
    let text = &b"\x81\x81\0\0\0\0a"[..];
    let server_text = &b"\x81\x01a"[..];
    let reset = ("abnormal: reset".to_owned(), Some("eof-without-close".to_owned()));
    for (rest, frames) in [
        // The exact number, without data and with data, and what its receiver had sent before.
        (&[(1, 0, &b""[..], "R")][..], 1),
        (&[(1, 0, b"bye", "RA")], 1),
        (&[(1, 0, b"\x88\0", "RA")], 1),
        (&[(1, 0, b"", "R"), (0, 0, text, "A")], 2),
        (&[(0, 0, b"", "R")], 1),
        // After a retransmission, and before bytes that only came late.
        (&[(1, -2, b"\x89\0", "A"), (1, 0, b"", "R")], 1),
        (&[(1, 3, b"", "R"), (1, 0, server_text, "A")], 2),
        (&[(1, 3, b"", "R"), (1, 0, server_text, "A"), (0, 0, text, "A")], 3),
        (&[(1, 6, b"", "R"), (1, 3, server_text, "A"), (1, 0, server_text, "A")], 3),
        // An endpoint that was not there any more when the first one came.
        (&[(1, 5, b"", "R"), (0, 0, b"", "A"), (1, 0, b"", "R")], 1),
    ] {
        let (outcome, rule, count) = after_a_ping(rest);
        assert_eq!(((outcome, rule), count), (reset.clone(), frames), "{rest:?}");
    }
    // After a Close, a RST breaks no rule; its data is not a frame.
    let (_, rule, count) = after_a_ping(&[(1, 0, b"\x88\0", "A"), (1, 2, b"\x81\0", "RA")]);
    assert_eq!((rule, count), (None, 2));
    // What comes before it may be missing, so that the end is not judged.
    for rest in [&[(1, 5, &b""[..], "R")][..], &[(1, 3, b"\x81\x01a", "A"), (1, 6, b"", "R")]] {
        let (outcome, rule, _) = after_a_ping(rest);
        assert_eq!(rule, None, "{rest:?}");
        assert!(!outcome.contains("clean"), "{rest:?}: {outcome}");
    }
}

/// A RST ends nothing if it is outside of the window, or if its number is not exact and the
/// connection goes on (RFC 5961 §3.2). A SYN ends nothing if no connection follows (§4.2).
#[test]
fn a_stray_segment_ends_nothing() {
    let (text, server_text) = (&b"\x81\x81\0\0\0\0a"[..], &b"\x81\x01a"[..]);
    let closes = |client: i64, server: i64| {
        [(1, server, &b"\x88\0"[..], "FA"), (0, client, b"\x88\x80\0\0\0\0", "FA")]
    };
    for stray in [
        (1, -2, &b""[..], "R"),
        (1, 5, b"", "R"),
        (1, 5, b"bye", "RA"),
        (0, 70_000, b"", "R"),
        (1, 1 << 30, b"", "R"),
        (0, 1 << 30, b"", "S"),
        (0, -1 << 30, b"", "S"),
        (0, 0, b"", "S"),
        (0, 5, b"", "S"),
        (1, 1 << 30, b"", "SA"),
        (1, 3, b"", "SA"),
        (1, 0, b"", "S"),
        (0, 1 << 30, b"", "FA"),
    ] {
        let close = closes(7, 3);
        let clean = ("clean".to_owned(), None, 5);
        let rest = [&[stray, (0, 0, text, "A"), (1, 0, server_text, "A")], &close[..]].concat();
        assert_eq!(after_a_ping(&rest), clean, "{stray:?}");
        // Twice, and only the ACK of one endpoint after it.
        let rest = [&[stray, stray, (1, 0, b"", "A")], &closes(0, 0)[..]].concat();
        let clean = ("clean".to_owned(), None, 3);
        assert_eq!(after_a_ping(&rest), clean, "{stray:?}");
        if stray.3.contains('R') && stray.1 != 1 << 30 && stray.1 != -2 {
            // An ACK after it, and then the capture ends.
            let (outcome, rule, count) = after_a_ping(&[stray, (stray.0, 0, b"", "A")]);
            assert_eq!((rule, count), (None, 1), "{stray:?}");
            assert!(!outcome.contains("reset"), "{stray:?}: {outcome}");
        }
    }
}

/// A connection between the same endpoints after one that the capture does not see end: with both
/// SYN, and with one of them.
#[test]
fn another_connection_may_follow_one_without_an_end() {
    let one: Vec<_> = opening().into_iter().chain(pieces(60)).collect();
    let count = pieces(60).iter().filter(|piece| piece.end == 0).count();
    assert!(count > 0);
    let isn = [900_000_000, 2_000_000_000];
    for without in ["", "S", "SA"] {
        let packets: Vec<_> = one
            .iter()
            .map(|piece| packet(ENDS, piece))
            .chain(
                one.iter()
                    .filter(|piece| piece.flags != without)
                    .map(|piece| packet(Ends { isn, ..ENDS }, piece)),
            )
            .collect();
        let (lines, _, status) = check(&[], &pcap(1, &packets));
        assert_eq!(status, Some(0), "without {without:?}");
        for number in 0..2 {
            let of_one = |line: &&Value| line["connection"] == number && line["event"] == "frame";
            let frames = lines.iter().filter(of_one).count();
            assert_eq!(frames, 10, "connection {number} without {without:?}");
        }
    }
}

#[test]
fn traffic_that_is_no_websocket() {
    let http = |answer: &[u8]| {
        let piece = |end, bytes: &[u8]| Piece { end, start: 0, bytes: bytes.to_vec(), flags: "A" };
        let all = opening().into_iter().chain([piece(0, REQUEST), piece(1, answer)]);
        let packets: Vec<_> = all.map(|piece| packet(ENDS, &piece)).collect();
        pcap(1, &packets)
    };
    for (capture, said) in [
        (pcap(1, &[]), "has no packets"),
        (pcap(1, &[vec![0x45, 0, 0, 20]]), "has no TCP packets (1 packet read)"),
        (pcap(147, &[vec![0x45, 0, 0, 20]]), "link type 147"),
        (http(b"\x16\x03\x01"), "another protocol: no HTTP/1.1"),
    ] {
        let (lines, complaint, status) = check(&[], &capture);
        let is_known = |line: &Value| line["event"] == "unjudged" || line["event"] == "notice";
        assert!(lines.iter().all(is_known), "{said}: {lines:?}");
        assert_eq!(status, Some(2), "{said}");
        assert!(complaint.contains(said), "{said}: {complaint}");
        assert_eq!(complaint.lines().count(), 1, "{said}: {complaint}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Segments in any order, with retransmissions and overlaps, give the same frames.
    #[test]
    fn segments_in_any_order(
        size in 1usize..60,
        extra in prop::collection::vec((0usize..2, 0usize..700, 1usize..80), 0..30),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..1_500),
        syn: bool,
    ) {
        let conversation = conversation();
        let mut all: Vec<_> = pieces(size);
        for (end, start, len) in extra {
            let bytes = &conversation[end];
            let start = start.min(bytes.len());
            // No piece has both bytes of the head and what follows the other one's head.
            let head = [REQUEST.len(), ANSWER.len()][end];
            let most = if start < head { head } else { bytes.len() };
            let bytes = bytes[start..most.min(start + len)].to_vec();
            all.push(Piece { end, start, bytes, flags: "A" });
        }
        for (n, index) in (1..all.len()).rev().zip(order) {
            all.swap(n, index.index(n + 1));
        }
        let opening = opening().into_iter().filter(|_| syn);
        let ends = Ends { acknowledges: syn, ..ENDS };
        let packets: Vec<_> = opening.chain(all).map(|piece| packet(ends, &piece)).collect();
        assert_seen(&pcap(1, &packets), "in another order");
    }
}

/// The specification of the subprotocol fixes the type of data in both directions, unless the
/// command line sets another one.
#[test]
fn the_subprotocol_fixes_the_type_of_data() {
    let capture = |name: &str| {
        let [client, server] = conversation();
        let agreed = format!("\r\nSec-WebSocket-Protocol: {name}\r\n\r\n");
        let server =
            [&ANSWER[..ANSWER.len() - 4], agreed.as_bytes(), &server[ANSWER.len()..]].concat();
        let all = [(0, client), (1, server)].map(|(end, bytes)| Piece {
            end,
            start: 0,
            bytes,
            flags: "A",
        });
        let pieces = opening().into_iter().chain(all);
        pcap(1, &pieces.map(|piece| packet(ENDS, &piece)).collect::<Vec<_>>())
    };
    let refused = |name: &str, args: &[&str]| -> Vec<(Value, Value)> {
        let (lines, ..) = check(args, &capture(name));
        let violations = lines.into_iter().filter(|line| line["event"] == "violation");
        violations.map(|line| (line["from"].clone(), line["rule"].clone())).collect()
    };
    let of = |from: &str| (Value::from(from), Value::from("unsupported-data"));
    for fixed in ["xmpp", "mqtt"] {
        assert_eq!(refused(fixed, &[]), [of("client"), of("server")], "{fixed}");
        assert_eq!(refused(fixed, &["--server-accepts", "any"]), [of("server")], "{fixed}");
    }
    for free in ["chat", "sip", "MQTT"] {
        assert_eq!(refused(free, &[]), [], "{free}");
    }
    assert_eq!(
        refused("mqtt", &["--server-accepts", "text", "--client-accepts", "any"]),
        [of("client")]
    );
}
