//! The fuzz targets' oracles on stable: every find, and the seeds from which fuzzing starts.
//!
//! `WSVET_SEEDS=1` writes the seeds to `fuzz/corpus`, where cargo-fuzz looks for them.
#![cfg(feature = "arbitrary")]

mod common;
#[cfg(feature = "deflate")]
#[path = "../fuzz/deflate.rs"]
mod deflate;
#[path = "../fuzz/handshake.rs"]
mod handshake;
#[path = "../fuzz/oracles.rs"]
mod oracles;
#[path = "../fuzz/peers.rs"]
mod peers;
#[path = "../fuzz/verdict.rs"]
mod verdict;

use std::fs;
use std::path::{Path, PathBuf};

use common::vectors::{self, Vector};

type Oracle = fn(&[u8]);

const ORACLES: &[(&str, Oracle)] = &[
    ("header", oracles::header),
    ("chunks", oracles::chunks),
    ("frames", oracles::frames),
    ("judge", oracles::judge),
    ("generated", oracles::generated),
    ("connections", oracles::connections),
    ("outcomes", oracles::outcomes),
    ("masking", oracles::masking),
    ("utf8", oracles::utf8),
    ("close", oracles::close),
    ("encoding", oracles::encoding),
    ("handshake", handshake::handshake),
    ("peers", peers::peers),
    #[cfg(feature = "deflate")]
    ("deflate", deflate::deflate),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

/// `fuzz/seeds/TARGET` has what was found; where nothing was, it is not there.
fn found(target: &str) -> Vec<Vec<u8>> {
    let files = fs::read_dir(folder("seeds").join(target)).into_iter().flatten();
    files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn what_was_found_passes() {
    for &(target, oracle) in ORACLES {
        found(target).iter().for_each(|data| oracle(data));
    }
}

/// What was found shows each known difference; one that is gone with a peer's new version is no row.
#[test]
fn the_known_differences_are_there() {
    let found = found("peers");
    let shown: Vec<_> = found.iter().flat_map(|data| peers::differences(data)).collect();
    for known in &peers::KNOWN {
        let peers::Known { peer, rule, does, section, why } = known;
        assert!(shown.contains(&known), "{peer}: {rule:?} {does:?}, §{section}: {why}");
    }
}

/// Each rule with its nearest legal neighbours, each boundary, the RFC's examples: the public
/// corpus, as each target reads it.
#[test]
fn the_seeds_pass() {
    let vectors = vectors::all();
    for &(target, oracle) in ORACLES {
        let seeds = vectors.iter().map(|vector| seed(target, vector));
        for (number, seed) in seeds.filter(|seed| seed.len() < 1_000).enumerate() {
            oracle(&seed);
            write_seed(target, &format!("vector-{number}"), &seed);
        }
    }
}

/// The bytes by which a target sees this stream, under this policy where it reads one.
fn seed(target: &str, Vector { policy, stream, .. }: &Vector) -> Vec<u8> {
    let policy = oracles::policy_bytes(policy);
    // Under a client's policy a frame is not masked: its payload starts at the third byte.
    let payload = &stream[stream.len().min(2)..];
    match target {
        "frames" | "judge" => [&policy, &stream[..]].concat(),
        "chunks" => [&[7], &policy[..], stream].concat(),
        "peers" => [&policy[..1], stream].concat(),
        "close" | "utf8" => payload.to_vec(),
        _ => stream.clone(),
    }
}

/// The recorded captures are seeds of the target `readers`; the tests of the tool replay them.
#[test]
fn the_captures_are_seeds() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("cli/tests/captures");
    for file in fs::read_dir(captures).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        let capture = fs::read(&path).unwrap();
        if !name.ends_with(".jsonl") && capture.len() < 10_000 {
            write_seed("readers", name, &[&[0, 9], &capture[..]].concat());
        }
    }
    for (number, Vector { stream, .. }) in vectors::all().iter().enumerate().step_by(7) {
        let text: String = stream.iter().take(500).map(|byte| format!("{byte:02x} ")).collect();
        write_seed("readers", &format!("vector-{number}"), &[&[0, 2], text.as_bytes()].concat());
    }
    let upgrade =
        b"GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\xFF\
        HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    write_seed("readers", "upgrade", &[&[0, 2], &upgrade[..]].concat());
}

/// What both endpoints sent in a recording on loopback: whether it was the server, whose port this is, and
/// the bytes.
fn payloads(pcap: &[u8], port: u16) -> Vec<(bool, Vec<u8>)> {
    const FILE: usize = 24;
    const PACKET: usize = 16;
    const ETHERNET_AND_IP: usize = 14 + 20;
    let mut payloads = Vec::new();
    let mut rest = &pcap[FILE..];
    while let Some(len) = rest.get(8..12) {
        let end = PACKET + u32::from_le_bytes(len.try_into().unwrap()) as usize;
        let tcp = &rest[PACKET + ETHERNET_AND_IP..end];
        let bytes = &tcp[usize::from(tcp[12] >> 4) * 4..];
        if !bytes.is_empty() {
            payloads.push((tcp[..2] == port.to_be_bytes(), bytes.to_vec()));
        }
        rest = &rest[end..];
    }
    payloads
}

/// The recordings in this folder of the tool's tests, by their names.
fn recordings(folder: &str) -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cli/tests/captures").join(folder);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let pcaps = files.filter(|path| path.extension().is_some_and(|extension| extension == "pcap"));
    pcaps.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path)).collect()
}

/// The recorded connections are seeds of the targets `tls` and `http2`; the tests of the tool replay them.
#[test]
fn recorded_connections_are_seeds() {
    const TLS: u16 = 18_443;
    const HTTP2: [u16; 2] = [8_080, 8_081];
    // The longest input that is worth its time. Recordings without certificates are shorter.
    const LONGEST: usize = 5_000;
    let with_len = |bytes: &[u8]| [&(bytes.len() as u16).to_le_bytes()[..], bytes].concat();
    let mut written = [0, 0];
    for (name, path) in recordings("tls") {
        let keys = fs::read_to_string(path.with_extension("keys")).unwrap();
        let is_used = |line: &&str| !line.starts_with(['#', 'E']);
        let keys: String = keys.lines().filter(is_used).flat_map(|line| [line, "\n"]).collect();
        let mut seed = [&[99], &with_len(keys.as_bytes())[..]].concat();
        for (server, bytes) in payloads(&fs::read(path).unwrap(), TLS) {
            seed.push(4 | u8::from(server));
            seed.extend(with_len(&bytes));
        }
        if seed.len() < LONGEST {
            written[0] += 1;
            write_seed("tls", &name, &seed);
        }
    }
    for (name, path) in recordings("http2") {
        const PREFACE: usize = 24;
        let pcap = fs::read(path).unwrap();
        let all = HTTP2.map(|port| payloads(&pcap, port));
        let Some(all) = all.iter().find(|all| all.iter().any(|(server, _)| *server)) else {
            continue;
        };
        let mut seed = vec![99];
        let mut preface = PREFACE;
        for (server, bytes) in all {
            let skipped = if *server { 0 } else { std::mem::take(&mut preface) };
            let bytes = &bytes[skipped..];
            for turn in bytes.chunks(127) {
                seed.push((turn.len() as u8) << 1 | u8::from(*server));
                seed.extend(turn);
            }
        }
        if seed.len() < LONGEST {
            written[1] += 1;
            write_seed("http2", &name, &seed);
        }
    }
    assert!(written[0] > 5 && written[1] > 3, "{written:?}");
}

/// Each field with values that break a rule, and with the nearest that break none.
#[test]
fn handshakes_are_seeds() {
    let request = [("H", "h"), ("U", "websocket"), ("C", "Upgrade"), ("V", "13"), ("K", "!")];
    let request = [&request[..], &[("P", "a, b"), ("E", "permessage-deflate, x;y=\"z\"")]].concat();
    let response = [("U", "websocket"), ("C", "Upgrade"), ("A", "!"), ("P", "b"), ("E", "x")];
    let values = [
        "",
        "websocket, h2c",
        "h2c",
        "keep-alive, upgrade",
        "12",
        "13, 13",
        "AQIDBAUGBwgJCgsMDQ4PEC==",
        "dGhlIHNhbXBsZSBub25jZQ",
        "a, a",
        "A",
        "x; y=\"\\z\", permessage-deflate; client_max_window_bits=9",
        "x; y=\"z z\"",
        "x;",
    ];
    let all = [&request[..], &response].concat();
    for (at, (name, _)) in all.iter().enumerate() {
        for (number, value) in [None, Some("!")].into_iter().chain(values.map(Some)).enumerate() {
            let mut text = String::new();
            for (index, (name, legal)) in all.iter().enumerate() {
                if index == request.len() {
                    text.push('\n');
                }
                match value {
                    None if index == at => {}
                    Some(value) if index == at => text += &format!("{name}: {value}\n"),
                    _ => text += &format!("{name}:{legal}\n"),
                }
            }
            for (choices, line) in
                [(0x0A, "GET /"), (0x0A, "GET /#"), (0x02, "POST /"), (0x0B, "GET /")]
            {
                let seed = [&[choices], line.as_bytes(), b"\n", text.as_bytes()].concat();
                handshake::handshake(&seed);
                write_seed("handshake", &format!("{at}-{name}-{number}-{choices}"), &seed);
            }
        }
    }
}

/// Every kind of block, alone and behind another; every kind of offer with its answer.
#[cfg(feature = "deflate")]
#[test]
fn compressed_messages_and_offers_are_seeds() {
    let text = b"the same and the same again, \xC3\xA9\xE2\x82\xAC ".repeat(9);
    let mut other = flate2::Compress::new(flate2::Compression::new(9), false);
    let messages = [
        b"\xF2\x48\xCD\xC9\xC9\x07\x00".to_vec(),
        b"\xF2\x00\x11\x00\x00".to_vec(),
        b"\x00\x05\x00\xFA\xFFHello\x00".to_vec(),
        b"\xF3\x48\xCD\xC9\xC9\x07\x00\x00".to_vec(),
        b"\xF2\x48\x05\x00\x00\x00\xFF\xFF\xCA\xC9\xC9\x07\x00".to_vec(),
        b"\x00".to_vec(),
        b"\x02\x00".to_vec(),
        common::deflate::flate2(&mut other, &text),
        common::deflate::flate2(&mut other, &[b'a'; 33_000]),
    ];
    let offers = [
        "permessage-deflate; client_max_window_bits\npermessage-deflate; client_max_window_bits=10",
        "permessage-deflate; server_max_window_bits=\"10\", x; y=z\npermessage-deflate",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    ];
    let pair = |first: &Vec<u8>, second: &Vec<u8>| {
        [&[first.len() as u8], &first[..], &[second.len() as u8], second].concat()
    };
    let pairs = messages.iter().flat_map(|first| messages.iter().map(|second| pair(first, second)));
    let offers = offers.iter().map(|offer| offer.as_bytes().to_vec());
    for (number, seed) in pairs.chain(offers).enumerate() {
        for choices in [0x70, 0x01, 0x86, 0x7C] {
            let seed = [&[choices, number as u8], &seed[..]].concat();
            deflate::deflate(&seed);
            write_seed("deflate", &format!("pair-{number}-{choices}"), &seed);
        }
    }
}

fn write_seed(target: &str, name: &str, seed: &[u8]) {
    if std::env::var_os("WSVET_SEEDS").is_some() {
        let folder = folder("corpus").join(target);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), seed).unwrap();
    }
}

/// Fields of values that are nearly right, in any order and number, to the oracle of the handshake.
#[test]
fn any_handshake_is_to_the_views_what_it_is_to_the_naive_judge() {
    use proptest::prelude::*;
    use proptest::sample::select;

    let values = [
        "",
        "!",
        "websocket",
        "WebSocket",
        "h2c",
        "Upgrade",
        "keep-alive",
        "13",
        "12",
        "a",
        "b",
        "A",
        "a b",
        "x",
        "x;y",
        "x; y = \"z\"",
        "x;y=\"\\z\"",
        "x;y=\"",
        "\"",
        "x;",
        ";",
        "=",
        "x=y",
        "permessage-deflate",
        "dGhlIHNhbXBsZSBub25jZQ==",
        "AQIDBAUGBwgJCgsMDQ4PEC==",
        "\u{e9}",
        "\\",
        "\t",
        "\r",
    ];
    let value =
        prop::collection::vec(select(values.to_vec()), 1..4).prop_map(|parts| parts.join(","));
    let field = (select(vec!["H", "U", "C", "V", "K", "A", "P", "E", "host", "X", ""]), value);
    let legal = ["H:h", "U:websocket", "C:Upgrade", "V:13", "K:!", "A:!"].map(str::to_owned);
    let line = prop_oneof![
        3 => field.prop_map(|(name, value)| format!("{name}:{value}")),
        3 => select(legal.to_vec()),
        1 => Just(String::new()),
    ];
    let input = (any::<u8>(), prop::collection::vec(line, 0..20));
    proptest!(ProptestConfig::with_cases(20_000), |((choices, lines) in input)| {
        let seed = [&[choices], &b"GET /\n"[..], lines.join("\n").as_bytes()].concat();
        handshake::handshake(&seed);
    });
}
