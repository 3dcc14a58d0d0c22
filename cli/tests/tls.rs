//! Captures of wss, decrypted with key logs. The recordings in `tests/captures/tls` are those of OpenSSL, in
//! each version and with each kind of cipher suite; `tests/captures/record/tls.py` makes them.

mod common;
#[path = "../../fuzz/tls.rs"]
mod fuzz;

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use common::run as output_of;
use proptest::prelude::*;
use serde_json::Value;
use wsvet_cli::transport::packet::Moment;
use wsvet_cli::transport::tls::decryptor::{Decryptor, Found, What};
use wsvet_cli::transport::tls::keylog::KeyLog;

/// The frames of each recording, as both endpoints sent them, and tshark shows them.
const FRAMES: [(&str, u64, u64); 6] = [
    ("client", 1, 5),
    ("server", 1, 5),
    ("client", 2, 300),
    ("server", 1, 300),
    ("server", 8, 11),
    ("client", 8, 11),
];

/// The length of the binary frame in the long recordings, whose frames go over several records.
const LONG: u64 = 20_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures/tls")
}

/// The names of the recordings.
fn recordings() -> Vec<String> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let pcaps = files.filter(|path| path.extension().is_some_and(|extension| extension == "pcap"));
    let mut names: Vec<_> =
        pcaps.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn path(name: &str, extension: &str) -> String {
    folder().join(format!("{name}.{extension}")).to_str().unwrap().to_owned()
}

/// Runs the tool, and returns what it prints, what it complains, and its exit status.
fn run(args: &[&str], input: &[u8]) -> (String, String, i32) {
    let output = output_of(args, input);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr), output.status.code().unwrap())
}

fn lines(json: &str) -> Vec<Value> {
    json.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Judges a recording with this key log, and returns its lines.
fn decrypted(capture: &str, keys: &str) -> (Vec<Value>, i32) {
    let (out, _, status) = run(&["check", "--json", "--tls-keylog", keys, capture], b"");
    (lines(&out), status)
}

fn of<'a>(lines: &'a [Value], event: &'a str) -> impl Iterator<Item = &'a Value> {
    lines.iter().filter(move |line| line["event"] == event)
}

fn frames(lines: &[Value]) -> Vec<(&str, u64, u64)> {
    let number = |line: &Value, name: &str| line[name].as_u64().unwrap();
    of(lines, "frame")
        .map(|line| {
            let from = line["from"].as_str().unwrap();
            (from, number(line, "opcode"), number(line, "payload_len"))
        })
        .collect()
}

fn expected(long: bool) -> Vec<(&'static str, u64, u64)> {
    let len = |opcode, len| if long && opcode == 2 { LONG } else { len };
    FRAMES.iter().map(|frame| (frame.0, frame.1, len(frame.1, frame.2))).collect()
}

#[test]
fn each_recording_is_judged_as_if_it_were_in_the_clear() {
    let names = recordings();
    assert!(names.len() >= 22, "{names:?}");
    for name in names {
        let (lines, status) = decrypted(&path(&name, "pcap"), &path(&name, "keys"));
        let long = name.ends_with("AES_128_GCM_SHA256") || name == "tls12-AES128-GCM-SHA256";
        assert_eq!(frames(&lines), expected(long), "{name}");
        let verdict = of(&lines, "verdict").next().unwrap();
        assert_eq!(verdict["outcome"], "wrongly-refused", "{name}");
        assert_eq!(of(&lines, "unjudged").count(), 0, "{name}");
        assert_eq!(status, 1, "{name}");
    }
}

#[test]
fn without_keys_each_is_named() {
    for name in recordings() {
        let (out, err, status) = run(&["check", "--json", &path(&name, "pcap")], b"");
        let lines = lines(&out);
        let [why] = of(&lines, "unjudged").collect::<Vec<_>>()[..] else { panic!("{name}") };
        let version = if name.starts_with("tls13") { "TLS 1.3" } else { "TLS 1.2" };
        assert_eq!(why["why"], "tls", "{name}");
        assert_eq!(why["detail"], format!("{version} to example.test"), "{name}");
        assert!(err.contains("give the key log with --tls-keylog FILE"), "{name}: {err}");
        assert_eq!(status, 2, "{name}");
    }
}

#[test]
fn other_keys_and_damaged_keys_are_told_apart() {
    let name = "tls13-AES_256_GCM_SHA384";
    let other = decrypted(&path(name, "pcap"), &path("tls13-retry", "keys"));
    assert_eq!(of(&other.0, "unjudged").next().unwrap()["why"], "tls-key-missing");
    assert_eq!((of(&other.0, "frame").count(), other.1), (0, 2));
    for name in [name, "tls12-AES128-GCM-SHA256", "tls12-AES128-SHA256", "tls13-early-data"] {
        let keys = fs::read_to_string(path(name, "keys")).unwrap();
        // The last digit of each secret.
        let wrong: String = keys
            .lines()
            .map(|line| match line.strip_suffix('0') {
                Some(rest) if !line.starts_with('#') => format!("{rest}1\n"),
                None if !line.starts_with('#') => format!("{}0\n", &line[..line.len() - 1]),
                _ => format!("{line}\n"),
            })
            .collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), wrong).unwrap();
        let (lines, status) = decrypted(&path(name, "pcap"), file.path().to_str().unwrap());
        assert_eq!(of(&lines, "unjudged").next().unwrap()["why"], "tls-wrong-key", "{name}");
        assert_eq!((of(&lines, "frame").count(), status), (0, 2), "{name}");
    }
}

/// A part of the secrets decrypts everything or nothing: what one endpoint says is not judged alone.
#[test]
fn a_part_of_the_secrets_is_enough_or_is_told() {
    for name in ["tls13-AES_128_GCM_SHA256", "tls13-client-certificate"] {
        let keys = fs::read_to_string(path(name, "keys")).unwrap();
        let labels = ["CLIENT_HANDSHAKE", "SERVER_HANDSHAKE", "CLIENT_TRAFFIC", "SERVER_TRAFFIC"];
        let whole = frames(&decrypted(&path(name, "pcap"), &path(name, "keys")).0).len();
        for subset in 0..16 {
            let in_subset = |line: &&str| {
                let bit = labels.iter().position(|label| line.starts_with(label));
                bit.is_none_or(|bit| subset >> bit & 1 == 1)
            };
            let chosen: Vec<_> = keys.lines().filter(in_subset).collect();
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(file.path(), chosen.join("\n")).unwrap();
            let keys = file.path().to_str().unwrap();
            let capture = path(name, "pcap");
            let (out, err, _) = run(&["check", "--json", "--tls-keylog", keys, &capture], b"");
            let lines = lines(&out);
            let found = frames(&lines).len();
            let told = of(&lines, "unjudged").any(|line| line["why"] == "tls-key-missing");
            let is_enough = subset & 12 == 12;
            assert_eq!((found == whole, told), (is_enough, !is_enough), "{name} {subset}: {out}");
            let never = of(&lines, "verdict").any(|line| line["outcome"] == "never-opened");
            assert!(!never, "{name} {subset}: {out}");
            assert!(is_enough || !err.contains("decrypted with"), "{subset}: {err}");
        }
    }
}

/// What is cut from a handshake hides its keys, and not the key log lacks them.
#[test]
fn a_handshake_that_is_cut_is_told() {
    let name = "tls12-AES128-GCM-SHA256";
    let pcap = fs::read(path(name, "pcap")).unwrap();
    let cut = packets(&pcap).into_iter().map(|packet| {
        let len = packet.len().min(16 + 100);
        [&packet[..8], &(len as u32 - 16).to_le_bytes(), &packet[12..len]].concat()
    });
    let cut: Vec<_> = cut.collect();
    let lines = judged(name, &pcap[..24], &cut.iter().map(Vec::as_slice).collect::<Vec<_>>());
    assert_eq!(of(&lines, "unjudged").next().unwrap()["why"], "packets-cut", "{lines:?}");
}

#[test]
fn a_key_log_that_is_none_or_cannot_be_read_is_told() {
    let capture = path("tls13-retry", "pcap");
    let (_, err, status) = run(&["check", "--tls-keylog", "/no/such/file", &capture], b"");
    assert!(err.contains("/no/such/file: the key log cannot be read"), "{err}");
    assert_eq!(status, 2);
    let (_, err, status) = run(&["check", "--tls-keylog", &capture, &capture], b"");
    assert!(err.contains("no keys in ") && err.contains("not those of a key log"), "{err}");
    assert_eq!(status, 2);
}

/// A pcapng of the packets in a pcap, with keys in a Decryption Secrets Block before them.
fn with_secrets(pcap: &[u8], keys: &[u8]) -> Vec<u8> {
    fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
        let padded = body.len().next_multiple_of(4);
        let len = (12 + padded as u32).to_le_bytes();
        out.extend(kind.to_le_bytes());
        out.extend(len);
        out.extend(body);
        out.resize(out.len() + padded - body.len(), 0);
        out.extend(len);
    }
    let word = |at: usize| u32::from_le_bytes(pcap[at..at + 4].try_into().unwrap());
    let mut out = Vec::new();
    block(
        &mut out,
        0x0A0D_0D0A,
        &[&0x1A2B_3C4Du32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xFF; 8]].concat(),
    );
    block(&mut out, 1, &[&[word(20) as u8, 0, 0, 0][..], &[0; 4]].concat());
    let secrets = [&0x544C_534Bu32.to_le_bytes()[..], &(keys.len() as u32).to_le_bytes(), keys];
    block(&mut out, 10, &secrets.concat());
    let mut at = 24;
    while at < pcap.len() {
        let (seconds, part, len) = (u64::from(word(at)), u64::from(word(at + 4)), word(at + 8));
        let time = seconds * 1_000_000 + part;
        let head = [0, (time >> 32) as u32, time as u32, len, len];
        let mut body: Vec<u8> = head.iter().flat_map(|word| word.to_le_bytes()).collect();
        body.extend(&pcap[at + 16..at + 16 + len as usize]);
        block(&mut out, 6, &body);
        at += 16 + len as usize;
    }
    out
}

#[test]
fn keys_in_the_capture_are_used() {
    let name = "tls13-retry";
    let [pcap, keys] = ["pcap", "keys"].map(|extension| fs::read(path(name, extension)).unwrap());
    let (out, err, status) = run(&["check", "--json", "-"], &with_secrets(&pcap, &keys));
    assert_eq!(frames(&lines(&out)), expected(false));
    assert!(err.contains("1 TLS connection was decrypted with the keys of the capture"), "{err}");
    assert_eq!(status, 1);
}

/// The packets of a pcap, without the header of the file.
fn packets(pcap: &[u8]) -> Vec<&[u8]> {
    let mut packets = Vec::new();
    let mut rest = &pcap[24..];
    while rest.len() > 16 {
        let len = 16 + u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        packets.push(&rest[..len]);
        rest = &rest[len..];
    }
    packets
}

/// The payload of a packet, and whether the server sent it.
fn payload(packet: &[u8]) -> (bool, &[u8]) {
    let tcp = &packet[16 + 14 + 20..];
    (tcp[..2] == 18_443u16.to_be_bytes(), &tcp[usize::from(tcp[12] >> 4) * 4..])
}

/// Judges these packets with the keys of a recording.
fn judged(name: &str, head: &[u8], packets: &[&[u8]]) -> Vec<Value> {
    let input = [head, &packets.concat()].concat();
    let keys = path(name, "keys");
    lines(&run(&["check", "--json", "--tls-keylog", &keys, "-"], &input).0)
}

/// The recordings that lack packets in the tests below.
const LACKING: [&str; 5] = [
    "tls13-AES_128_GCM_SHA256",
    "tls13-padding",
    "tls13-key-update",
    "tls12-AES128-GCM-SHA256",
    "tls12-mac-then-encrypt",
];

#[test]
fn what_a_capture_lacks_breaks_no_rule_and_is_told() {
    for name in LACKING {
        let pcap = fs::read(path(name, "pcap")).unwrap();
        let packets = packets(&pcap);
        let whole = frames(&judged(name, &pcap[..24], &packets)).len();
        assert_eq!(whole, FRAMES.len());
        for lost in 0..packets.len() {
            if payload(packets[lost]).1.is_empty() {
                continue;
            }
            let rest = [&packets[..lost], &packets[lost + 1..]].concat();
            let lines = judged(name, &pcap[..24], &rest);
            let broken: Vec<_> = of(&lines, "violation").chain(of(&lines, "finding")).collect();
            assert!(broken.is_empty(), "{name} without packet {}: {broken:?}", lost + 1);
            let told = of(&lines, "unjudged").count() + of(&lines, "gap").count();
            let uncertain = of(&lines, "connection").any(|line| !line["uncertain"].is_null());
            let found = of(&lines, "frame").count();
            // The frames after a KeyUpdate that is missing are there.
            let is_enough = name != "tls13-key-update" || found == 0 || lost == 0;
            assert!(is_enough || found + 1 >= whole, "{name} without packet {}: {found}", lost + 1);
            assert!(
                found == whole || told > 0 || uncertain,
                "{name} without packet {}: {lines:?}",
                lost + 1
            );
        }
    }
}

#[test]
fn a_capture_that_begins_after_the_handshake_is_judged_if_a_key_fits() {
    let name = "tls13-AES_128_GCM_SHA256";
    let pcap = fs::read(path(name, "pcap")).unwrap();
    let packets = packets(&pcap);
    let mut judged_from_the_middle = 0;
    let mut last_whole = 0;
    for first in 1..packets.len() {
        let lines = judged(name, &pcap[..24], &packets[first..]);
        let broken: Vec<_> = of(&lines, "violation").chain(of(&lines, "finding")).collect();
        assert!(broken.is_empty(), "from packet {}: {broken:?}", first + 1);
        judged_from_the_middle += usize::from(of(&lines, "frame").count() > 0);
        if of(&lines, "connection").any(|line| line["uncertain"].is_null()) {
            last_whole = first + 1;
        }
    }
    // The request is the first record with the keys of the data.
    assert_eq!(last_whole, 12);
    assert!(judged_from_the_middle > 3, "{judged_from_the_middle}");
}

/// What both endpoints sent, as far as it was decrypted, and whether it came to its end.
fn plain(
    log: KeyLog,
    inputs: &[(usize, &[u8])],
    before_end: impl FnOnce(),
) -> ([Vec<u8>; 2], bool) {
    let mut plain = [Vec::new(), Vec::new()];
    let mut sink = |found: Found<'_>| {
        if let What::Bytes(bytes) = found.what {
            plain[found.from].extend_from_slice(bytes);
        }
        Ok(())
    };
    let mut decryptor = Decryptor::new(Rc::new(RefCell::new(log)));
    let at = Moment { packet: 1, time: Duration::ZERO };
    let done = inputs.iter().try_for_each(|(from, bytes)| {
        assert!(decryptor.memory() < 8 << 20);
        decryptor.bytes(*from, bytes, at, &mut sink)
    });
    before_end();
    let done = done.and_then(|()| decryptor.finish(&mut sink));
    (plain, done.is_ok())
}

/// A key log with a file.
fn key_log(path: &str) -> KeyLog {
    let mut log = KeyLog::new(false);
    log.add_file(Path::new(path)).unwrap();
    log
}

#[test]
fn keys_may_come_after_all_that_they_decrypt() {
    for name in recordings() {
        let pcap = fs::read(path(&name, "pcap")).unwrap();
        let inputs: Vec<_> = packets(&pcap).into_iter().map(payload).collect();
        let inputs: Vec<_> =
            inputs.iter().map(|(from, bytes)| (usize::from(*from), *bytes)).collect();
        let expected = plain(key_log(&path(&name, "keys")), &inputs, || {});
        assert!(expected.1 && expected.0.iter().all(|bytes| bytes.len() > 300), "{name}");
        let dir = tempfile::tempdir().unwrap();
        let late = dir.path().join("keys.log");
        let mut log = KeyLog::new(true);
        log.add_file(&late).unwrap();
        let copy = || assert!(fs::copy(path(&name, "keys"), &late).unwrap() > 0);
        assert_eq!(plain(log, &inputs, copy), expected, "{name}");
    }
}

/// A recording as the fuzz target `tls` reads it.
fn seed(name: &str, size: u8) -> Vec<u8> {
    let with_len = |bytes: &[u8]| [&(bytes.len() as u16).to_le_bytes()[..], bytes].concat();
    let mut seed = vec![size];
    seed.extend(with_len(&fs::read(path(name, "keys")).unwrap()));
    let pcap = fs::read(path(name, "pcap")).unwrap();
    for (from, bytes) in packets(&pcap).into_iter().map(payload) {
        if !bytes.is_empty() {
            seed.push(4 | u8::from(from));
            seed.extend(with_len(bytes));
        }
    }
    seed
}

#[test]
fn the_oracle_of_the_fuzz_target_holds_for_the_recordings() {
    for name in recordings() {
        fuzz::tls(&seed(&name, 6));
    }
}

/// After both endpoints have failed, neither says anything more.
#[test]
fn two_endpoints_may_fail() {
    let mut seed = seed("tls13-CHACHA20_POLY1305_SHA256", 9);
    // A secret is wrong, and a byte between two inputs is missing.
    seed[838] = 3;
    seed.remove(1243);
    fuzz::tls(&seed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Also with bytes that are changed, inserted or missing.
    #[test]
    fn the_oracle_of_the_fuzz_target_holds_for_damaged_recordings(
        which in any::<prop::sample::Index>(),
        size in 0u8..200,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..6),
    ) {
        let names = recordings();
        let mut seed = seed(&names[which.index(names.len())], size);
        for (at, byte, how) in damage {
            let at = 1 + at.index(seed.len() - 1);
            match how {
                0 => seed[at] = byte,
                1 => seed.insert(at, byte),
                _ => {
                    seed.remove(at);
                }
            }
        }
        fuzz::tls(&seed);
    }

    #[test]
    fn records_may_be_cut_anywhere(
        which in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(1usize..4_000, 1..40),
    ) {
        let names = recordings();
        let name = &names[which.index(names.len())];
        let pcap = fs::read(path(name, "pcap")).unwrap();
        let inputs: Vec<_> = packets(&pcap).into_iter().map(payload).collect();
        let inputs: Vec<_> = inputs.iter().map(|(from, bytes)| (usize::from(*from), *bytes)).collect();
        let expected = plain(key_log(&path(name, "keys")), &inputs, || {});
        let mut sizes = cuts.iter().cycle();
        let mut pieces = Vec::new();
        for (from, mut bytes) in inputs {
            while !bytes.is_empty() {
                let (piece, rest) = bytes.split_at(bytes.len().min(*sizes.next().unwrap()));
                pieces.push((from, piece));
                bytes = rest;
            }
        }
        prop_assert_eq!(plain(key_log(&path(name, "keys")), &pieces, || {}), expected);
    }
}
