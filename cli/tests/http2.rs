//! HTTP/2 connections: what their WebSocket streams carry, and what cannot be read.

mod common;
#[path = "../../fuzz/http2.rs"]
mod oracle;

use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::prelude::*;
use wsvet::Role;
use wsvet_cli::transport::http2::{ErrorCode, Event, Http2, PREFACE};

use Role::{Client, Server};
use common::http2::{
    CONTINUATION, Compressor, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING,
    PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, allowance, connect, frame,
    preface,
};

/// What is told of a stream: its request and responses, and of each endpoint the bytes and the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    path: String,
    statuses: Vec<u16>,
    bytes: [Vec<u8>; 2],
    ends: [Vec<String>; 2],
}

type Streams = BTreeMap<u32, Told>;

/// Feeds these bytes, and returns what is told of each stream, or where it cannot be read.
fn read(pieces: &[(Role, Vec<u8>)]) -> Result<Streams, String> {
    let mut http2 = Http2::default();
    let mut streams = Streams::new();
    for (from, bytes) in pieces {
        let mut out = |event: Event<'_>| -> Result<(), Infallible> {
            match event {
                Event::Request(id, fields) => {
                    let path = fields.text(":path").unwrap_or_default().to_owned();
                    streams.insert(id, Told { path, ..Told::default() });
                }
                Event::Response(id, status, _) => {
                    streams.get_mut(&id).unwrap().statuses.push(status);
                }
                Event::Data(id, from, bytes) => {
                    assert!(!bytes.is_empty());
                    streams.get_mut(&id).unwrap().bytes[from as usize].extend(bytes);
                }
                Event::Lack(..) => unreachable!("nothing is missing"),
                Event::End(id, from) => {
                    streams.get_mut(&id).unwrap().ends[from as usize].push("end".to_owned());
                }
                Event::Reset(id, from, code) => {
                    streams.get_mut(&id).unwrap().ends[from as usize].push(code.to_string());
                }
                Event::GoAway(..) | Event::Control(..) => {}
            }
            Ok(())
        };
        let Ok(outcome) = http2.feed(*from, bytes, &mut out);
        outcome.map_err(|malformed| format!("{from}: {malformed}"))?;
    }
    Ok(streams)
}

/// Something that an endpoint does next.
#[derive(Clone, Debug)]
enum Turn {
    /// The client opens a stream for WebSocket, or for an ordinary request.
    Open { websocket: bool, fields: usize },
    /// The server answers a stream.
    Answer(prop::sample::Index, u16),
    /// An endpoint sends bytes, and perhaps ends its direction.
    Data(prop::sample::Index, bool, Vec<u8>, bool),
    /// An endpoint resets a stream.
    Reset(prop::sample::Index, bool, u32),
    /// A frame that is not about a stream's bytes.
    Other(bool, u8),
}

fn turn() -> impl Strategy<Value = Turn> {
    let index = any::<prop::sample::Index>;
    let bytes = prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        2 => (any::<bool>(), 0..6usize).prop_map(|(websocket, fields)| Turn::Open { websocket, fields }),
        2 => (index(), prop_oneof![Just(200), Just(103), Just(404)]).prop_map(|(at, status)| Turn::Answer(at, status)),
        6 => (index(), any::<bool>(), bytes, prop::bool::weighted(0.1))
            .prop_map(|(at, server, bytes, last)| Turn::Data(at, server, bytes, last)),
        1 => (index(), any::<bool>(), 0..16u32).prop_map(|(at, server, code)| Turn::Reset(at, server, code)),
        2 => (any::<bool>(), 0..7u8).prop_map(|(server, which)| Turn::Other(server, which)),
    ]
}

/// How a frame is written: its padding, and where its header block is cut.
type Shape = (Option<u8>, Vec<prop::sample::Index>);

fn shape() -> impl Strategy<Value = Shape> {
    let cuts = prop::collection::vec(any::<prop::sample::Index>(), 0..3);
    (prop::option::weighted(0.3, any::<u8>()), cuts)
}

/// A payload with padding.
fn padded(pad: Option<u8>, payload: &[u8]) -> (u8, Vec<u8>) {
    match pad {
        None => (0, payload.to_vec()),
        Some(len) => (PADDED, [&[len], payload, &vec![0; len.into()]].concat()),
    }
}

/// The frames of a header block: cut into CONTINUATION frames, and padded.
fn block_frames(stream: u32, flags: u8, block: &[u8], (pad, cuts): &Shape) -> Vec<u8> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(block.len() + 1)).collect();
    cuts.sort_unstable();
    cuts.push(block.len());
    let mut start = 0;
    let mut out = Vec::new();
    for (index, end) in cuts.iter().enumerate() {
        let last = if index + 1 == cuts.len() { END_HEADERS } else { 0 };
        let part = &block[start..*end];
        start = *end;
        out.extend(match index {
            0 => {
                let (padding, payload) = padded(*pad, part);
                frame(HEADERS, flags | last | padding, stream, &payload)
            }
            _ => frame(CONTINUATION, last, stream, part),
        });
    }
    out
}

/// Writes a connection, and what must be told of its streams.
fn write(turns: &[(Turn, Shape)]) -> (Vec<(Role, Vec<u8>)>, Streams) {
    let mut compressor = Compressor::default();
    let mut out = vec![(Client, preface()), (Server, allowance())];
    let mut expected = Streams::new();
    // All streams, and whether the client and the server may still send.
    let mut open: Vec<(u32, [bool; 2])> = Vec::new();
    let role = |server: bool| if server { Server } else { Client };
    for (turn, shape) in turns {
        match turn {
            Turn::Open { websocket, fields } => {
                let id = 2 * open.len() as u32 + 1;
                let path = format!("/{}", open.len() % 3);
                let names: Vec<_> = (0..*fields).map(|n| format!("x-{n}")).collect();
                let more: Vec<_> = names.iter().map(|name| (name.as_str(), "value")).collect();
                let mut head = connect(&path, &more);
                if !websocket {
                    head.splice(0..2, [(":method", "POST")]);
                }
                let block = compressor.block(Client, &head);
                out.push((Client, block_frames(id, 0, &block, shape)));
                open.push((id, [true; 2]));
                if *websocket {
                    expected.insert(id, Told { path, ..Told::default() });
                }
            }
            Turn::Other(server, which) => {
                let other = match which {
                    0 => frame(PING, 0, 0, &[7; 8]),
                    1 => frame(SETTINGS, 1, 0, b""),
                    2 => frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9, 0xFF, 0, 1, 2, 3, 4]),
                    3 => frame(WINDOW_UPDATE, 0, 0, &[0, 0, 1, 0]),
                    4 => frame(0xF0, 0xFF, 3, b"what is this"),
                    5 => frame(PRIORITY, 0, 99, &[0, 0, 0, 1, 9]),
                    _ => frame(GOAWAY, 0, 0, b"\0\0\0\x09\0\0\0\0bye"),
                };
                out.push((role(*server), other));
            }
            Turn::Answer(at, _) | Turn::Data(at, ..) | Turn::Reset(at, ..) if open.is_empty() => {
                let _ = at;
            }
            Turn::Answer(at, status) => {
                let (id, sends) = open[at.index(open.len())];
                let answered = |told: &Told| told.statuses.iter().any(|status| *status >= 200);
                let again = expected.get(&id).is_some_and(answered);
                if !sends[1] || again {
                    continue;
                }
                let status_text = status.to_string();
                let block =
                    compressor.block(Server, &[(":status", &status_text), ("x-served", "1")]);
                out.push((Server, block_frames(id, 0, &block, shape)));
                if let Some(told) = expected.get_mut(&id) {
                    told.statuses.push(*status);
                }
            }
            Turn::Data(at, server, bytes, last) => {
                let index = at.index(open.len());
                let (id, sends) = &mut open[index];
                let from = role(*server);
                if !std::mem::replace(&mut sends[from as usize], !last) {
                    sends[from as usize] = false;
                    continue;
                }
                let (padding, payload) = padded(shape.0, bytes);
                let flags = if *last { END_STREAM } else { 0 };
                out.push((from, frame(DATA, flags | padding, *id, &payload)));
                if let Some(told) = expected.get_mut(id) {
                    if !told.statuses.contains(&404) {
                        told.bytes[from as usize].extend(bytes);
                    }
                    if *last {
                        told.ends[from as usize].push("end".to_owned());
                    }
                }
            }
            Turn::Reset(at, server, code) => {
                let index = at.index(open.len());
                let (id, sends) = &mut open[index];
                let from = role(*server);
                let over = *sends == [false; 2];
                sends[from as usize] = false;
                let reset = expected
                    .get(id)
                    .is_some_and(|told| told.ends[from as usize].iter().any(|end| end != "end"));
                out.push((from, frame(RST_STREAM, 0, *id, &code.to_be_bytes())));
                if over || reset {
                    continue;
                }
                if let Some(told) = expected.get_mut(id) {
                    told.ends[from as usize].push(ErrorCode(*code).to_string());
                }
            }
        }
    }
    (out, expected)
}

/// Cuts pieces that follow each other into others, so that no byte overtakes one of the other endpoint.
fn cut(pieces: &[(Role, Vec<u8>)], sizes: impl IntoIterator<Item = usize>) -> Vec<(Role, Vec<u8>)> {
    let mut joined: Vec<(Role, Vec<u8>)> = Vec::new();
    for (from, bytes) in pieces {
        match joined.last_mut() {
            Some((last, before)) if last == from => before.extend(bytes),
            _ => joined.push((*from, bytes.clone())),
        }
    }
    let mut sizes = sizes.into_iter();
    let mut out = Vec::new();
    for (from, bytes) in joined {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(sizes.next().unwrap_or(usize::MAX).min(rest.len()));
            out.push((from, piece.to_vec()));
            rest = after;
        }
    }
    out
}

/// These pieces, without the preface of the client, as the fuzz target `http2` reads them.
fn seed(pieces: &[(Role, Vec<u8>)]) -> Vec<u8> {
    let mut seed = vec![6];
    for (index, (from, bytes)) in pieces.iter().enumerate() {
        let bytes = &bytes[if index == 0 { PREFACE.len() } else { 0 }..];
        for turn in bytes.chunks(127) {
            seed.push((turn.len() as u8) << 1 | *from as u8);
            seed.extend(turn);
        }
    }
    seed
}

proptest! {
    /// Whatever streams, padding, CONTINUATION and other frames stand between them, and wherever the
    /// bytes are cut, the WebSocket streams carry what was written.
    #[test]
    fn each_stream_carries_what_was_written(
        turns in prop::collection::vec((turn(), shape()), 0..40),
        sizes in prop::collection::vec(1usize..50, 0..200),
    ) {
        let (pieces, expected) = write(&turns);
        prop_assert_eq!(read(&pieces), Ok(expected.clone()));
        prop_assert_eq!(read(&cut(&pieces, sizes)), Ok(expected.clone()));
        prop_assert_eq!(read(&cut(&pieces, std::iter::repeat(1))), Ok(expected));
    }

    /// Bytes that were changed anywhere, or any bytes, come to the same end however they are cut.
    #[test]
    fn what_cannot_be_read_is_found_at_the_same_byte(
        turns in prop::collection::vec((turn(), shape()), 0..12),
        changed in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        sizes in prop::collection::vec(1usize..50, 0..200),
    ) {
        let (mut pieces, _) = write(&turns);
        for (at, byte) in changed {
            let (_, bytes) = at.get(&pieces);
            let (index, at) = (at.index(pieces.len()), at.index(bytes.len()));
            pieces[index].1[at] = byte;
        }
        if pieces[0].1.starts_with(PREFACE) {
            oracle::http2(&seed(&pieces));
        }
        let whole = read(&cut(&pieces, []));
        prop_assert_eq!(read(&cut(&pieces, sizes)), whole.clone());
        prop_assert_eq!(read(&cut(&pieces, std::iter::repeat(1))), whole);
    }
}

/// A connection that starts well, and then has these bytes of an endpoint.
fn after_start(from: Role, bytes: &[u8]) -> String {
    let mut compressor = Compressor::default();
    let open = compressor.headers(Client, 1, 0, &connect("/", &[]));
    let pieces = [
        (Client, [preface(), open].concat()),
        (Server, allowance()),
        (from, bytes.to_vec()),
        (from, vec![]),
    ];
    let start: usize =
        pieces[..2].iter().filter(|(by, _)| *by == from).map(|(_, bytes)| bytes.len()).sum();
    let told = read(&pieces).expect_err("it is malformed");
    assert_eq!(read(&cut(&pieces, std::iter::repeat(1))), Err(told.clone()));
    let at = format!("{from}: byte {start}: ");
    told.strip_prefix(&at).unwrap_or_else(|| panic!("{told} is not at {start}")).to_owned()
}

#[test]
fn a_malformed_frame_is_told_with_what_is_wrong() {
    let cases: [(Vec<u8>, &str); 24] = [
        (frame(DATA, 0, 1, &[0; 16_385]), "a DATA frame of 16385 B, and the peer allows 16384 B"),
        (frame(DATA, 0, 0, b"x"), "a DATA frame cannot have the stream 0"),
        (frame(DATA, 0, 3, b"x"), "a DATA frame of stream 3, which has no request"),
        (frame(DATA, PADDED, 1, b""), "the padding of a DATA frame exceeds the frame"),
        (frame(DATA, PADDED, 1, b"\x03ab"), "the padding of a DATA frame exceeds the frame"),
        (frame(HEADERS, PADDED, 3, b"\x03ab"), "the padding of a HEADERS frame exceeds the frame"),
        (frame(HEADERS, 0x20, 3, b"abcd"), "the padding of a HEADERS frame exceeds the frame"),
        (frame(HEADERS, END_HEADERS, 0, b""), "a HEADERS frame cannot have the stream 0"),
        (frame(PRIORITY, 0, 1, b"abcd"), "a PRIORITY frame cannot have 4 B"),
        (frame(RST_STREAM, 0, 1, b"abcde"), "a RST_STREAM frame cannot have 5 B"),
        (frame(RST_STREAM, 0, 0, b"abcd"), "a RST_STREAM frame cannot have the stream 0"),
        (frame(SETTINGS, 0, 0, b"abcde"), "a SETTINGS frame cannot have 5 B"),
        (frame(SETTINGS, 1, 0, b"abcdef"), "a SETTINGS frame cannot have 6 B"),
        (frame(SETTINGS, 0, 1, b""), "a SETTINGS frame must have the stream 0, and has 1"),
        (frame(SETTINGS, 0, 0, &[0, 8, 0, 0, 0, 2]), "the setting 0x8 cannot be 2"),
        (frame(SETTINGS, 0, 0, &[0, 5, 0, 0, 0, 2]), "the setting 0x5 cannot be 2"),
        (frame(PING, 0, 0, b"abc"), "a PING frame cannot have 3 B"),
        (frame(PING, 0, 7, b"abcdefgh"), "a PING frame must have the stream 0, and has 7"),
        (frame(GOAWAY, 0, 0, b"abcd"), "a GOAWAY frame cannot have 4 B"),
        (frame(WINDOW_UPDATE, 0, 0, b"abc"), "a WINDOW_UPDATE frame cannot have 3 B"),
        (frame(PUSH_PROMISE, 4, 1, b"abc"), "a PUSH_PROMISE frame cannot have 3 B"),
        (
            frame(CONTINUATION, END_HEADERS, 1, b""),
            "a CONTINUATION frame without a header block before it",
        ),
        (
            frame(HEADERS, END_HEADERS, 3, b"\xFF\xFF\xFF\xFF\xFF\xFF"),
            "a header block that cannot be decompressed (HPACK): Integer decoding error: Too many \
             octets in the integer encoding",
        ),
        (
            frame(HEADERS, END_HEADERS, 3, b"\x3F"),
            "a header block that cannot be decompressed (HPACK): Integer decoding error: Not enough \
             octets in the buffer",
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(after_start(Client, &bytes), expected);
    }
    let request = Compressor::default().headers(Client, 1, 0, &connect("/", &[]));
    assert_eq!(after_start(Client, &request), "a request on stream 1, which was used before");
    for status in ["101", "099", "2000", "OK", ""] {
        let answer = Compressor::default().headers(Server, 1, 0, &[(":status", status)]);
        assert_eq!(
            after_start(Server, &answer),
            "a response without a valid :status on stream 1",
            "{status}"
        );
    }
}

#[test]
fn nothing_may_stand_inside_a_header_block() {
    let open = frame(HEADERS, 0, 3, b"\x82");
    for (kind, stream) in [(DATA, 1), (PING, 0), (CONTINUATION, 1), (0xF0, 0)] {
        let len = if kind == PING { 8 } else { 0 };
        let inside = frame(kind, 0, stream, &vec![0; len]);
        let pieces = [(Client, preface()), (Client, open.clone()), (Client, inside)];
        let at = preface().len() + open.len();
        let told = read(&pieces).unwrap_err();
        assert!(told.starts_with(&format!("client: byte {at}: a ")), "{told}");
        assert!(told.ends_with("frame inside the header block of stream 3"), "{told}");
    }
}

#[test]
fn a_wrong_preface_is_told_at_its_byte() {
    for at in 0..24 {
        let mut bytes = preface();
        bytes[at] ^= 0x20;
        let expected = format!("client: byte {at}: not the connection preface `PRI * HTTP/2.0`");
        assert_eq!(read(&[(Client, bytes)]), Err(expected));
    }
}

#[test]
fn memory_is_bounded() {
    let mut http2 = Http2::default();
    let mut feed = |bytes: &[u8]| {
        let Ok(outcome) = http2.feed(Client, bytes, &mut |_| Ok::<_, Infallible>(()));
        (outcome, http2.memory())
    };
    feed(&preface()).0.unwrap();
    feed(&frame(HEADERS, 0, 1, b"\x82")).0.unwrap();
    let more = frame(CONTINUATION, 0, 1, &[0x82; 16_384]);
    let mut outcome = Ok(());
    for _ in 0..100 {
        let memory;
        (outcome, memory) = feed(&more);
        assert!(memory < 1 << 20, "{memory}");
        if outcome.is_err() {
            break;
        }
    }
    let told = outcome.unwrap_err().to_string();
    assert!(told.ends_with("a header block of more than 262144 B"), "{told}");

    // Each byte of a header block stands for a field of the table, which is long.
    let long = "x".repeat(4_000);
    let mut compressor = Compressor::default();
    let mut http2 = Http2::default();
    let first = compressor.headers(Client, 1, 0, &connect("/", &[("x", &long)]));
    let bomb = frame(HEADERS, END_HEADERS, 3, &[0xBE; 16_000]);
    let bytes = [preface(), first, bomb].concat();
    let Ok(outcome) = http2.feed(Client, &bytes, &mut |_| Ok::<_, Infallible>(()));
    let told = outcome.unwrap_err().to_string();
    assert!(told.ends_with("field lines of more than 262144 B"), "{told}");
}

#[test]
fn a_gap_in_data_is_skipped_and_any_other_is_not() {
    let mut compressor = Compressor::default();
    let open = compressor.headers(Client, 1, 0, &connect("/", &[]));
    let data = frame(DATA, 0, 1, b"abcdefgh");
    let mut start = [preface(), open].concat();
    start.extend(&data[..11]);
    for (missing, skipped) in [(1, true), (6, true), (7, false), (u64::MAX, false)] {
        let mut http2 = Http2::default();
        let mut told = Vec::new();
        let mut out = |event: Event<'_>| {
            told.push(format!("{event:?}"));
            Ok::<_, Infallible>(())
        };
        let Ok(outcome) = http2.feed(Client, &start, &mut out);
        outcome.unwrap();
        assert_eq!(http2.lack(Client, missing, &mut out), Ok(skipped), "{missing}");
        if skipped {
            let Ok(outcome) = http2.feed(Client, &data[11 + missing as usize..], &mut out);
            outcome.unwrap();
            assert!(told.contains(&format!("Lack(1, Client, {missing})")), "{told:?}");
        }
    }
}

/// What a server sends after a refusal is the body of the response, also after a redirection.
#[test]
fn the_body_of_a_refusal_is_no_stream() {
    for status in [200, 204, 299, 300, 302, 399, 403, 500] {
        let mut compressor = Compressor::default();
        let open = compressor.headers(Client, 1, 0, &connect("/", &[]));
        let text = status.to_string();
        let answer = compressor.headers(Server, 1, 0, &[(":status", &text)]);
        let body = frame(DATA, END_STREAM, 1, b"<html>");
        let server = [allowance(), answer, body].concat();
        let told = read(&[(Client, [preface(), open].concat()), (Server, server)]).unwrap();
        let expected: &[u8] = if status < 300 { b"<html>" } else { b"" };
        assert_eq!(told[&1].bytes[1], expected, "{status}");
        assert_eq!(told[&1].ends[1], ["end"], "{status}");
    }
}

/// HEADERS may end a stream, the highest bit of its number means nothing, and a frame may be as long as the
/// peer once allowed.
#[test]
fn the_flags_and_the_reserved_bit_of_headers_are_read() {
    let mut compressor = Compressor::default();
    let open = compressor.headers(Client, 1, 0, &connect("/", &[]));
    let answer = compressor.headers(Server, 1, END_STREAM, &[(":status", "403")]);
    let reserved = 1 << 31 | 1;
    let long = vec![7; 20_000];
    let allow =
        |most: u16| frame(SETTINGS, 0, 0, &[&[0, 5, 0, 0][..], &most.to_be_bytes()].concat());
    let pieces = [
        (Client, [preface(), open].concat()),
        (Server, [allowance(), allow(20_000), allow(16_384)].concat()),
        (Client, frame(DATA, 0, reserved, b"data")),
        (Client, frame(DATA, 0, 1, &long)),
        (Server, answer),
    ];
    let told = read(&pieces).unwrap();
    assert_eq!(told[&1].bytes[0], [b"data", &long[..]].concat());
    assert_eq!(told[&1].ends, [vec![], vec!["end".to_owned()]]);
}

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures/http2");

/// What the endpoints got, by the path of their stream and the endpoint: messages, Pings and Pongs.
type Got = BTreeMap<(String, String), Vec<(u64, String)>>;

/// What the tool says that each endpoint got.
fn judged(lines: &[serde_json::Value]) -> (Got, BTreeMap<u64, String>) {
    let mut got = Got::new();
    let mut paths = BTreeMap::new();
    let mut streams = BTreeMap::new();
    for line in lines {
        let connection = line["connection"].as_u64();
        if line["event"] == "connection" {
            let path = line["target"].as_str().unwrap().to_owned();
            streams.insert(line["http2_stream"].as_u64().unwrap(), path.clone());
            paths.insert(connection, path);
        } else if line["event"] == "message" && line["compressed"] == true {
            let by = if line["from"] == "client" { "server" } else { "client" };
            let message = (line["opcode"].as_u64().unwrap(), format!("{} B", line["len"]));
            got.entry((paths[&connection].clone(), by.to_owned())).or_default().push(message);
        } else if line["event"] == "frame" && line["opcode"] != 8 && line["rsv"] == 0 {
            let by = if line["from"] == "client" { "server" } else { "client" };
            let frame =
                (line["opcode"].as_u64().unwrap(), line["payload"].as_str().unwrap().to_owned());
            got.entry((paths[&connection].clone(), by.to_owned())).or_default().push(frame);
        }
    }
    (got, streams)
}

/// What the endpoints wrote that they got. A line without its path has its stream.
fn logged(name: &str, streams: &BTreeMap<u64, String>) -> Got {
    let mut got = Got::new();
    for line in std::fs::read_to_string(format!("{RECORDED}/{name}.jsonl")).unwrap().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let (Some(opcode), Some(payload)) = (line["opcode"].as_u64(), line["payload"].as_str())
        else {
            continue;
        };
        let path = match line["path"].as_str() {
            Some(path) => path.to_owned(),
            None => streams[&line["stream"].as_u64().unwrap()].clone(),
        };
        let by = line["endpoint"].as_str().unwrap().to_owned();
        // The tool tells how long a compressed message is.
        let compressed = name.starts_with("hypercorn") && path == "/echo";
        let len = format!("{} B", payload.len() / 2);
        let payload = if compressed { len } else { payload.to_owned() };
        got.entry((path, by)).or_default().push((opcode, payload));
    }
    got
}

/// The recordings: the verdicts of their connections, in order.
const RECORDINGS: [(&str, &[&str]); 7] = [
    ("node-text-only", &["refused"]),
    ("node-several", &["clean", "clean", "never-opened"]),
    ("node-cancel", &["abnormal", "abnormal"]),
    ("node-goaway", &["abnormal"]),
    ("hypercorn-several", &["abnormal", "clean", "never-opened"]),
    ("h2-node", &["clean"]),
    ("chromium-node", &["let-pass", "refused"]),
];

#[test]
fn frames_are_what_the_endpoints_got() {
    for (name, verdicts) in RECORDINGS {
        let file = format!("{RECORDED}/{name}.pcap");
        let keys = format!("{RECORDED}/{name}.keys");
        let mut args = vec!["check", "--json", "--payload", "--server-accepts", "text"];
        if !name.contains("text-only") && name != "chromium-node" {
            args.truncate(3);
        }
        if std::path::Path::new(&keys).exists() {
            args.extend(["--tls-keylog", &keys]);
        }
        args.push(&file);
        let output = common::run(&args, b"");
        let lines = common::capture::lines(&String::from_utf8(output.stdout).unwrap());
        let mut found: Vec<_> = lines.iter().filter(|line| line["event"] == "verdict").collect();
        found.sort_by_key(|line| line["connection"].as_u64());
        let outcomes: Vec<_> = found.iter().map(|line| line["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, *verdicts, "{name}");
        let (mut got, streams) = judged(&lines);
        let mut expected = logged(name, &streams);
        // Neither ASGI nor the client of h2 tells of frames.
        if name.starts_with("hypercorn") {
            got.values_mut().for_each(|frames| frames.retain(|(opcode, _)| *opcode != 9));
        }
        if name == "h2-node" || name == "chromium-node" {
            got.retain(|(_, by), _| by == "server");
        }
        // What breaks a rule is no frame.
        for frames in expected.values_mut().filter(|_| args.contains(&"text")) {
            frames.retain(|(opcode, _)| *opcode != 2);
        }
        expected.retain(|_, frames| !frames.is_empty());
        assert_eq!(got, expected, "{name}");
    }
}

#[test]
fn a_server_without_an_extended_connect_is_told() {
    let file = format!("{RECORDED}/node-no-connect.pcap");
    let output = common::run(&["check", "--json", &file], b"");
    let lines = common::capture::lines(&String::from_utf8(output.stdout).unwrap());
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(
        (&line["why"], &line["perhaps_websocket"]),
        (&"http2-no-connect".into(), &false.into())
    );
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn resets_and_goaway_are_told_with_their_names() {
    for (name, expected) in [
        ("node-cancel", "the client sent RST_STREAM with CANCEL: the stream is gone"),
        ("node-cancel", "the server reset HTTP/2 stream 1 with CANCEL"),
        ("node-cancel", "at the client: HTTP/2 stream 3 was reset without a Close"),
        ("node-cancel", "the client sent FIN on the TCP connection: nothing more comes"),
        ("node-goaway", "the server sent GOAWAY with ENHANCE_YOUR_CALM"),
    ] {
        let output = common::run(&["check", &format!("{RECORDED}/{name}.pcap")], b"");
        let text = String::from_utf8(output.stdout).unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(expected), "{text}");
    }
}

/// A capture with an open WebSocket connection on stream 1.
fn opened() -> common::capture::Capture {
    opened_at("/")
}

/// The same with this target.
fn opened_at(target: &str) -> common::capture::Capture {
    let mut compressor = Compressor::default();
    let mut capture = common::capture::Capture::new();
    capture.packet(Client, "S", b"").packet(Server, "SA", b"");
    capture.packet(Client, "A", &preface()).packet(Server, "A", &allowance());
    capture.packet(Client, "A", &compressor.headers(Client, 1, 0, &connect(target, &[])));
    capture.packet(Server, "A", &compressor.headers(Server, 1, 0, &[(":status", "200")]));
    capture.packet(Client, "A", &frame(DATA, 0, 1, b"\x81\x80\0\0\0\0"));
    capture
}

/// RFC 8441 §5: what RFC 6455 says about the order holds on the stream.
#[test]
fn data_before_the_response_is_found_on_a_stream() {
    for early in [true, false] {
        let mut compressor = Compressor::default();
        let mut capture = common::capture::Capture::new();
        capture.packet(Client, "S", b"").packet(Server, "SA", b"");
        capture.packet(Client, "A", &preface()).packet(Server, "A", &allowance());
        capture.packet(Client, "A", &compressor.headers(Client, 1, 0, &connect("/", &[])));
        let data = frame(DATA, 0, 1, b"\x81\x80\0\0\0\0");
        let answer = compressor.headers(Server, 1, 0, &[(":status", "200")]);
        if early {
            capture.packet(Client, "A", &data).packet(Server, "A", &answer);
        } else {
            capture.packet(Server, "A", &answer).packet(Client, "A", &data);
        }
        let (json, _) = common::capture::check(&["--json"], &capture.file);
        assert_eq!(json.contains("\"data-before-response\""), early, "{json}");
    }
}

/// The text about a capture, in one line.
fn told(capture: &common::capture::Capture) -> String {
    let (text, _) = common::capture::check(&[], &capture.file);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Packets of a host without bytes of a stream show that the host is there, too.
#[test]
fn a_host_that_answers_no_ping_is_known_by_its_other_packets() {
    let ping = frame(DATA, 0, 1, b"\x89\x01a");
    let close = frame(DATA, 0, 1, b"\x88\x02\x03\xF3");
    let update = frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 9]);
    for (bytes, is_there) in [(Some(&b""[..]), true), (Some(&update), true), (None, false)] {
        let mut capture = opened();
        capture.wait(20_000).packet(Server, "A", &ping).wait(1);
        if let Some(bytes) = bytes {
            capture.packet(Client, "A", bytes);
        }
        capture.wait(20_000).packet(Server, "A", &close);
        let text = told(&capture);
        assert_eq!(text.contains("✗ unanswered-ping"), is_there, "{text}");
        assert_eq!(text.contains("not even an acknowledgement"), !is_there, "{text}");
    }
}

#[test]
fn the_number_of_the_stream_is_shown_after_a_long_target() {
    let text = told(&opened_at(&format!("/{}", "long".repeat(30))));
    assert!(text.contains("CONNECT /longlong"), "{text}");
    assert!(text.contains("… on HTTP/2 stream 1"), "{text}");
}

#[test]
fn a_stream_that_the_server_leaves_open_is_no_tcp_connection() {
    let mut capture = opened();
    capture.packet(Client, "A", &frame(DATA, 0, 1, b"\x88\x82\0\0\0\0\x03\xE8"));
    capture.packet(Server, "A", &frame(DATA, 0, 1, b"\x88\x02\x03\xE8")).wait(9_000);
    capture.packet(Server, "A", &frame(DATA, END_STREAM, 1, b""));
    let text = told(&capture);
    assert!(text.contains("the server left HTTP/2 stream 1 open for 9.00 s"), "{text}");
    assert!(text.contains("Send END_STREAM as soon as"), "{text}");
    assert!(!text.contains("left the TCP connection"), "{text}");
}

/// The verdict of the case in text, JSON and from the JSON lines again.
#[test]
fn what_json_says_is_read_again() {
    for name in ["node-several", "node-cancel", "node-goaway"] {
        let file = format!("{RECORDED}/{name}.pcap");
        let json = common::run(&["check", "--json", "--payload", &file], b"").stdout;
        let again = common::run(&["check", "--json", "--payload", "-"], &json).stdout;
        let http2 = |bytes: &[u8]| -> Vec<_> {
            let lines = common::capture::lines(std::str::from_utf8(bytes).unwrap());
            let ends = lines.iter().map(|line| (line["event"].clone(), line["http2"].clone()));
            ends.filter(|(event, _)| event == "verdict").collect()
        };
        assert!(!http2(&json).is_empty());
        assert_eq!(http2(&again), http2(&json), "{name}");
    }
}

/// Without the start of the connection, header blocks cannot be read.
#[test]
fn a_connection_that_begins_before_the_capture_is_told() {
    let mut capture = common::capture::Capture::new();
    capture.packet(Client, "A", &frame(PING, 0, 0, &[0; 8]).repeat(3));
    capture.packet(Server, "A", &frame(PING, 1, 0, &[0; 8]).repeat(3));
    let (text, status) = common::capture::check(&["--json"], &capture.file);
    assert_eq!(common::capture::lines(&text)[0]["why"], "http2-begun-before-capture");
    assert_eq!(status, 2);
}

/// A malformed frame is told with its byte, and what was judged before it stays.
#[test]
fn a_malformed_frame_ends_its_streams() {
    let mut compressor = Compressor::default();
    let mut capture = common::capture::Capture::new();
    capture.packet(Client, "S", b"").packet(Server, "SA", b"");
    capture.packet(Client, "A", &preface()).packet(Server, "A", &allowance());
    capture.packet(Client, "A", &compressor.headers(Client, 1, 0, &connect("/", &[])));
    capture.packet(Server, "A", &compressor.headers(Server, 1, 0, &[(":status", "200")]));
    capture.packet(Server, "A", &frame(DATA, 0, 1, b"\x81\x02hi"));
    capture.packet(Server, "A", &frame(DATA, 0, 0, b"x"));
    let (text, status) = common::capture::check(&[], &capture.file);
    assert!(text.contains("\"hi\""), "{text}");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains("from the server at byte 38: a DATA frame cannot have the stream 0"),
        "{text}"
    );
    assert_eq!(status, 0, "{text}");
}
