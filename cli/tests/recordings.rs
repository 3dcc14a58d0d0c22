//! What other programs write of a connection tells the same as its capture, as far as they write it. The
//! scripts in `tests/data/record` made the files.

mod common;
#[path = "../../fuzz/readers.rs"]
mod readers;

use std::path::Path;

use common::capture::lines;
use common::run;
use serde_json::Value;

/// The capture of which tshark wrote the other files.
const CAPTURE: &str = "tests/captures/node-close-1001.pcap";

fn json(file: &str, input: &[u8]) -> Vec<Value> {
    let output = run(&["check", "--json", "--payload", file], input);
    lines(&String::from_utf8(output.stdout).unwrap())
}

/// Returns the frames of a file: the sender, the byte, the opcode and the payload of each.
fn frames(file: &str) -> Vec<[Value; 4]> {
    frames_of(file, b"")
}

/// Returns the same of a file, or of the input if the file is `-`.
fn frames_of(file: &str, input: &[u8]) -> Vec<[Value; 4]> {
    let is_frame = |line: &Value| line["event"] == "frame" || line["event"] == "close";
    let frames = json(file, input).into_iter().filter(is_frame);
    let fields = |line: Value| ["from", "offset", "opcode", "payload"].map(|key| line[key].clone());
    frames.map(fields).collect()
}

fn said(file: &str) -> (String, i32) {
    let output = run(&["check", file], b"");
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    let text = text.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    (text, output.status.code().unwrap())
}

#[test]
fn what_tshark_writes_has_the_frames_of_the_capture() {
    let expected = frames(CAPTURE);
    assert_eq!(expected.len(), 10);
    for file in [
        "follow-raw.txt",
        "follow-hex.txt",
        "follow-yaml.txt",
        "tshark.json.gz",
        "tshark-x.json.zst",
        "exported-pdus.pcapng",
    ] {
        assert_eq!(frames(&format!("tests/data/{file}")), expected, "{file}");
    }
}

/// People often paste only the digits. The lines of the second endpoint are indented.
#[test]
fn a_followed_stream_needs_no_lines_around_its_digits() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let raw = std::fs::read_to_string(folder.join("follow-raw.txt")).unwrap();
    let digits = |from: usize, indent: &str| {
        let is_hex = |line: &&str| line.trim().bytes().all(|byte| byte.is_ascii_hexdigit());
        let lines = raw.lines().filter(is_hex).filter(|line| !line.trim().is_empty());
        lines.skip(from).map(|line| line.replace('\t', indent) + "\n").collect::<String>()
    };
    for indent in ["\t", "    "] {
        assert_eq!(frames_of("-", digits(0, indent).as_bytes()), frames(CAPTURE));
        // The same without the opening handshake.
        let frames = frames_of("-", digits(2, indent).as_bytes());
        assert_eq!(frames.len(), 10);
    }
    // A frame over two lines has one sender, and so have two frames with a mask.
    for text in ["8182010203\n    04696b8180\n    00000000\n", "818000000000\n    818000000000\n"] {
        let wrapped = frames_of("-", text.as_bytes());
        assert_eq!(wrapped.len(), 2, "{text}");
        assert!(wrapped.iter().all(|[from, ..]| from == "client"), "{wrapped:?}");
    }
}

#[test]
fn what_tshark_decrypted_is_judged() {
    let exported = frames("tests/data/exported-pdus-tls.pcapng");
    assert_eq!(exported.len(), 5);
    assert_eq!(frames("tests/data/tshark-tls-x.json.gz"), exported);
    let (text, status) = said("tests/data/tshark-tls-x.json.gz");
    assert_eq!(status, 1);
    assert!(text.contains("GET /chat"), "{text}");
    assert!(text.contains("what tshark decrypted is judged by its fields"), "{text}");
}

/// A dissector that waits for the rest of a message is given its start twice, and the table of ports names
/// the PDUs of a server on port 80.
#[test]
fn what_a_dissector_was_given_twice_is_judged_once() {
    for file in ["exported-pdus-parts.pcapng.gz", "exported-pdus-parts-tls.pcapng.gz"] {
        let frames = frames(&format!("tests/data/{file}"));
        let offsets = |sender: &str| {
            let of = frames.iter().filter(|[from, ..]| from == sender);
            of.map(|[_, offset, ..]| offset.as_u64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(offsets("client"), [0, 11, 70_025, 70_036, 70_046], "{file}");
        assert_eq!(offsets("server"), [0, 7, 70_017, 70_024, 70_030], "{file}");
        let (text, status) = said(&format!("tests/data/{file}"));
        assert_eq!(status, 0, "{text}");
    }
}

/// A display filter may leave out the opening handshake, so that compression and the subprotocol are unknown.
#[test]
fn what_tshark_decrypted_without_the_opening_handshake_is_uncertain() {
    for file in ["tshark-filtered.json.gz", "tshark-filtered-x.json.gz"] {
        let (text, status) = said(&format!("tests/data/{file}"));
        assert_eq!(status, 0, "{text}");
        assert!(text.contains("compression and the subprotocol are unknown"), "{text}");
        assert!(text.contains("text RSV1"), "{text}");
    }
}

/// A stream that was saved as text has lost the bytes that are no characters.
#[test]
fn frames_that_were_saved_as_text_are_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let digits = std::fs::read_to_string(folder.join("follow-raw.txt")).unwrap();
    let is_hex = |line: &&str| !line.is_empty() && line.bytes().all(|b| b.is_ascii_hexdigit());
    let bytes: Vec<u8> = digits
        .lines()
        .map(str::trim)
        .filter(is_hex)
        .flat_map(|line| {
            (0..line.len() / 2).map(|at| u8::from_str_radix(&line[2 * at..][..2], 16).unwrap())
        })
        .collect();
    let shown = |byte: &u8| if matches!(byte, b'\r' | b'\n' | b' '..=b'~') { *byte } else { b'.' };
    let ascii: Vec<u8> = bytes.iter().map(shown).collect();
    let utf8 = String::from_utf8_lossy(&bytes).into_owned().into_bytes();
    assert_eq!(run(&["check", "-"], &bytes).status.code(), Some(0));
    for text in [ascii, utf8] {
        let output = run(&["check", "-"], &text);
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("the frames are shown as text"), "{told}");
    }
}

#[test]
fn flows_of_mitmproxy_are_judged() {
    let (text, status) = said("tests/data/mitmproxy.flow");
    assert_eq!(status, 1);
    for words in [
        "GET /echo",
        "the client sent a Close, 1000 Normal Closure \"done\"",
        "the server sent a Close, 1003 Unsupported Data \"text only\"",
        "the server refused the upgrade with HTTP 403",
        "whole messages only",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

/// With these codes mitmproxy answers a frame that it cannot read and does not record, and it names the
/// endpoint that sent the frame: nobody is blamed.
#[test]
fn nobody_is_blamed_for_a_close_of_mitmproxy_itself() {
    let flow = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mitmproxy.flow");
    let flow = std::fs::read(flow).unwrap();
    let at = flow.windows(7).position(|number| number == b"4:1003#").unwrap();
    for (code, expected) in [(b"1002", "reported 1002"), (b"1007", "reported 1007")] {
        let changed = [&flow[..at + 2], code, &flow[at + 6..]].concat();
        let output = run(&["check", "-"], &changed);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(expected) && !text.contains("refused: "), "{text}");
        assert_eq!(output.status.code(), Some(1));
    }
}

/// A 2xx opens a WebSocket over HTTP/2 (RFC 8441 §5), and refuses it elsewhere.
#[test]
fn a_browser_records_connections_over_http2() {
    for file in ["chromium-http2.har", "chromium-http2-netlog.json"] {
        let (text, status) = said(&format!("tests/data/{file}"));
        assert!(text.contains("GET /echo") && text.contains("2 connections"), "{file}: {text}");
        assert!(!text.contains("never opened"), "{file}: {text}");
        assert_eq!(status, 0, "{file}: {text}");
    }
    let entry = |request: &str, response: &str, messages: &str| {
        let har = format!(
            r#"{{"log": {{"entries": [{{"_resourceType": "websocket",
            "request": {{"method": "GET", "url": "wss://a/", "headers": [
                {{"name": "Sec-WebSocket-Version", "value": "13"}} {request}]}},
            "response": {{"status": 200, "headers": [] {response}}} {messages}}}]}}}}"#
        );
        let output = run(&["check", "--json", "-"], har.as_bytes());
        let lines = lines(&String::from_utf8(output.stdout).unwrap());
        lines.iter().find(|line| line["event"] == "verdict").unwrap()["outcome"].clone()
    };
    let key = r#", {"name": "Sec-WebSocket-Key", "value": "dGhlIHNhbXBsZSBub25jZQ=="}"#;
    let message = r#", "_webSocketMessages": [{"type": "send", "opcode": 1, "data": "a"}]"#;
    assert_eq!(entry(key, "", ""), "never-opened");
    assert_eq!(entry("", "", ""), "open");
    assert_eq!(entry(key, "", message), "open");
    assert_eq!(entry(key, r#", "httpVersion": "h2""#, ""), "open");
    assert_eq!(entry(key, r#", "httpVersion": "http/1.1""#, ""), "never-opened");
}

/// `-T ek` tells what `-T json` tells, also of what tshark decrypted.
#[test]
fn lines_of_tshark_have_the_frames_of_the_capture() {
    for file in ["tshark.ek.gz", "tshark-x.ek.gz"] {
        assert_eq!(frames(&format!("tests/data/{file}")), frames(CAPTURE), "{file}");
    }
    let capture = "tests/data/wss/python-bad-utf8.pcap";
    let keys = "tests/data/wss/python-bad-utf8.keys";
    let output = run(&["check", "--json", "--payload", "--tls-keylog", keys, capture], b"");
    let lines = lines(&String::from_utf8(output.stdout).unwrap());
    let of = |event: &str, lines: &[Value]| {
        let of = lines.iter().filter(|line| line["event"] == event);
        let fields =
            |line: &Value| ["from", "offset", "payload", "rule"].map(|key| line[key].clone());
        of.map(fields).collect::<Vec<_>>()
    };
    let expected = of("frame", &lines);
    assert_eq!((expected.len(), of("violation", &lines).len()), (3, 1));
    for file in ["tshark-utf8-x.ek.gz", "tshark-utf8-x.json.gz"] {
        let found = json(&format!("tests/data/{file}"), b"");
        assert_eq!(of("frame", &found), expected, "{file}");
        assert_eq!(of("violation", &found), of("violation", &lines), "{file}");
    }
}

/// A file of `-T ek` that still grows ends somewhere in a line.
#[test]
fn lines_of_tshark_may_be_cut() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tshark.ek.gz");
    let mut text = String::new();
    let mut gzip = flate2::read::GzDecoder::new(std::fs::File::open(file).unwrap());
    std::io::Read::read_to_string(&mut gzip, &mut text).unwrap();
    let (cut, _) = text.split_at(text.len() - 100);
    let output = run(&["check", "-"], cut.as_bytes());
    assert_eq!(output.status.code(), Some(0));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("the JSON of tshark is cut short"), "{told}");
    // Fields that were chosen are not enough.
    let fields = "{\"index\":{\"_index\":\"packets-2026-11-22\"}}\n\
                  {\"timestamp\":\"1\",\"layers\":{\"frame_number\":[\"1\"]}}\n";
    let output = run(&["check", "-"], fields.as_bytes());
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("write the JSON without -e"), "{told}");
}

#[test]
fn netlogs_are_judged() {
    let (text, status) = said("tests/data/chromium-netlog.json");
    assert_eq!(status, 1);
    for words in [
        "text RSV1",
        "the server sent a Close, and the input does not have its code",
        "Unexpected response code: 403",
        "the netlog was not finished",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("1005"), "{text}");
}

/// Each file that is cut somewhere comes to an end, and to the same in whatever pieces it is read.
#[test]
fn every_cut_comes_to_an_end() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for (file, step) in [
        ("data/mitmproxy.flow", 61),
        ("data/chromium-netlog.json", 97),
        ("data/follow-raw.txt", 13),
        ("data/follow-hex.txt", 29),
        ("data/follow-yaml.txt", 23),
        ("data/exported-pdus.pcapng", 17),
        ("cases/c2-fiddler.saz", 7),
        ("cases/t5-tshark.json", 997),
    ] {
        let whole = std::fs::read(folder.join(file)).unwrap();
        for len in (1..whole.len()).step_by(step) {
            readers::readers(&[&[0, 99], &whole[..len]].concat());
        }
    }
}

/// A byte that is changed somewhere does no harm.
#[test]
fn every_change_comes_to_an_end() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for (file, step) in
        [("data/mitmproxy.flow", 101), ("data/follow-hex.txt", 41), ("cases/c2-fiddler.saz", 11)]
    {
        let whole = std::fs::read(folder.join(file)).unwrap();
        for at in (0..whole.len()).step_by(step) {
            let mut changed = whole.clone();
            changed[at] = changed[at].wrapping_add(1);
            readers::readers(&[&[0, 99], &changed[..]].concat());
        }
    }
}

#[test]
fn a_stream_whose_form_lacks_bytes_is_refused() {
    let start = "\n=====\nFollow: tcp,ascii\nFilter: tcp.stream eq 0\nNode 0: 1.1.1.1:1\nNode 1: 1.1.1.2:2\n4\nGET \n";
    let output = run(&["check", "-"], start.as_bytes());
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("followed as ascii") && told.contains("save the stream as Raw"),
        "{told}"
    );
}
