//! Recordings of wss between programs as people use them. The frames of each are those that tshark decrypts,
//! which `data/record/wss/record.py` wrote beside it.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::capture::lines;
use common::run;
use serde_json::Value;

const TEXT_ONLY: &[&str] = &["--server-accepts", "text"];

/// The recordings, with the arguments and the verdict of each connection: the outcome, the code and the
/// endpoint.
const RECORDINGS: [(&str, &[&str], &str); 12] = [
    ("aiohttp-deflate", &[], "clean 1000 client"),
    ("chromium-1003", TEXT_ONLY, "refused 1003 server"),
    ("chromium-deflate-tls12", &[], "clean 1000 client"),
    ("curl-1003", TEXT_ONLY, "refused 1003 server"),
    ("firefox-1003", TEXT_ONLY, "refused 1003 server"),
    ("gnutls-resumed", TEXT_ONLY, "refused 1003 server"),
    ("go-cbc", TEXT_ONLY, "refused 1003 server"),
    (HTTP2, TEXT_ONLY, "refused 1003 server"),
    ("node-resumed", TEXT_ONLY, "refused 1003 server"),
    ("openssl-renegotiated", &[], "wrongly-refused 1003 server"),
    ("python-bad-utf8", &[], "refused 1007 server"),
    ("undici-deflate", &[], "clean 1000 client"),
];

/// The recording of HTTP/2, whose WebSocket frames tshark does not find.
const HTTP2: &str = "hypercorn-firefox";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/wss")
}

fn path(name: &str, extension: &str) -> String {
    folder().join(format!("{name}.{extension}")).to_str().unwrap().to_owned()
}

fn of<'a>(lines: &'a [Value], event: &'a str) -> impl Iterator<Item = &'a Value> {
    lines.iter().filter(move |line| line["event"] == event)
}

/// The lines of JSON about a recording.
fn judged(name: &str, args: &[&str]) -> Vec<Value> {
    let (pcap, keys) = (path(name, "pcap"), path(name, "keys"));
    let output = run(
        &[&["check", "--json", "--payload", "--tls-keylog", &keys], args, &[&pcap]].concat(),
        b"",
    );
    lines(&String::from_utf8(output.stdout).unwrap())
}

/// The frames of an endpoint as the recorder writes them: the sender, the first byte, the length and the
/// payload.
fn frames(lines: &[Value], from: &str) -> Vec<String> {
    let number = |line: &Value, key: &str| line[key].as_u64().unwrap();
    of(lines, "frame")
        .filter(|line| line["from"] == from)
        .map(|line| {
            let fin = u64::from(line["fin"] == true) << 7;
            let first = fin | number(line, "rsv") << 4 | number(line, "opcode");
            let len = number(line, "payload_len");
            format!("{from} {first:02x} {len} {}", line["payload"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn the_frames_are_those_that_tshark_decrypts() {
    for (name, args, _) in RECORDINGS.into_iter().filter(|(name, ..)| *name != HTTP2) {
        let lines = judged(name, args);
        let expected = fs::read_to_string(path(name, "frames")).unwrap();
        for from in ["client", "server"] {
            let expected: Vec<_> = expected.lines().filter(|line| line.starts_with(from)).collect();
            assert!(!expected.is_empty(), "{name}");
            let found = frames(&lines, from);
            // What follows a violation of the same endpoint is not told.
            let broke = of(&lines, "violation").any(|line| line["from"] == from);
            let told = if broke { found.len() } else { expected.len() };
            assert_eq!(found, expected[..told], "{name}, {from}");
        }
    }
}

/// The page of the recorder sends these messages, and the server sends the texts back.
#[test]
fn the_messages_over_http2_are_those_of_the_page() {
    let lines = judged(HTTP2, TEXT_ONLY);
    let messages: Vec<_> = of(&lines, "message")
        .map(|line| (line["from"].as_str().unwrap(), line["len"].as_u64().unwrap()))
        .collect();
    let hello = "hello from the page".len() as u64;
    assert_eq!(messages, [("client", hello), ("server", hello), ("client", 600), ("server", 600)]);
    let violation = of(&lines, "violation").next().unwrap();
    assert_eq!(
        (&violation["from"], &violation["rule"]),
        (&"client".into(), &"unsupported-data".into())
    );
    let verdict = of(&lines, "verdict").next().unwrap();
    assert_eq!(verdict["http2"]["stream"], 5);
    // A GOAWAY of the client is not about its own streams.
    assert!(verdict["http2"]["goaway"].to_string().contains("NO_ERROR"), "{verdict}");
    let (pcap, keys) = (path(HTTP2, "pcap"), path(HTTP2, "keys"));
    let text = run(&["check", "--tls-keylog", &keys, &pcap], b"").stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("the client sent GOAWAY") && !text.contains("did not process"), "{text}");
}

#[test]
fn each_recording_has_its_verdict() {
    for (name, args, expected) in RECORDINGS {
        let lines = judged(name, args);
        let verdicts: Vec<_> = of(&lines, "verdict")
            .map(|line| {
                let text = |key: &str| line[key].as_str().unwrap();
                format!("{} {} {}", text("outcome"), line["code"], text("by"))
            })
            .collect();
        assert_eq!(verdicts, [expected], "{name}");
        // A page that a browser opens first, an address that it tries, and a connection by which a program
        // gets a session to resume.
        let mut unjudged = of(&lines, "unjudged").map(|line| line["why"].as_str().unwrap());
        let others = ["http", "never-established", "no-data", "tcp-refused"];
        assert!(unjudged.all(|why| others.contains(&why)), "{name}");
        let told = of(&lines, "gap").chain(of(&lines, "finding")).count();
        assert_eq!(told, 0, "{name}");
    }
}

#[test]
fn each_recording_is_listed() {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "pcap"))
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, RECORDINGS.map(|(name, ..)| name));
}
