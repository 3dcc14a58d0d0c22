//! Captures of wss, decrypted with key logs. The recordings in `tests/captures/tls` are those of OpenSSL, in
//! each version and with each kind of cipher suite; `tests/captures/record/tls.py` makes them.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::run as output_of;
use serde_json::Value;

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
