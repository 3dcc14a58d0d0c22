//! The recorded captures, frame by frame as another dissector saw them.
#![cfg(feature = "cli")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

const DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures");

/// What breaks: the rule, who sends it, and its byte.
type Broken = Option<(&'static str, &'static str, u64)>;

/// The captures, with what breaks where neither end has a preference.
const CAPTURES: [(&str, Broken); 10] = [
    ("aiohttp-close-1003", None),
    ("bad-utf8-fragmented", Some(("invalid-utf8", "client", 14))),
    ("chromium-1003", None),
    ("chromium-pmd", None),
    ("node-abnormal-server", Some(("eof-in-frame", "server", 52))),
    ("node-close-1001", None),
    ("node-plain", None),
    ("node-three-clients", None),
    ("pyws-server", None),
    ("raw-split-header", None),
];

fn check(args: &[&str]) -> (Vec<Value>, Option<i32>) {
    let output = common::run(&[&["check", "--json", "--payload"], args].concat(), b"");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let lines = String::from_utf8(output.stdout).unwrap();
    (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), output.status.code())
}

/// The frames of each direction in order: the TCP stream and the sender, then what is compared.
type Frames = BTreeMap<(u64, bool), Vec<Value>>;

/// What the other dissector saw.
fn dissected(name: &str) -> Frames {
    let lines = std::fs::read_to_string(format!("{DIR}/{name}.frames.jsonl")).unwrap();
    let mut frames = Frames::new();
    for line in lines.lines() {
        let frame: Value = serde_json::from_str(line).unwrap();
        let from_server = frame["src_port"].as_u64() < frame["dst_port"].as_u64();
        let seen = serde_json::json!({
            "packet": frame["packet"],
            "fin": frame["fin"],
            "rsv": frame["rsv"],
            "opcode": frame["opcode"],
            "masked": frame["mask"],
            "payload_len": frame["payload_length"],
            "close_code": frame["close_code"],
            "close_reason": frame["close_reason"].as_str().unwrap_or_default(),
        });
        frames.entry((frame["stream"].as_u64().unwrap(), from_server)).or_default().push(seen);
    }
    frames
}

/// What the tool saw of the same.
fn judged(lines: &[Value]) -> Frames {
    let mut frames = Frames::new();
    for frame in lines.iter().filter(|line| line["event"] == "frame") {
        let seen = serde_json::json!({
            "packet": frame["packet"],
            "fin": frame["fin"],
            "rsv": frame["rsv"],
            "opcode": frame["opcode"],
            "masked": frame["masked"],
            "payload_len": frame["payload_len"],
            "close_code": frame["close_code"],
            "close_reason": frame["close_reason"].as_str().unwrap_or_default(),
        });
        let key = (frame["tcp_stream"].as_u64().unwrap(), frame["from"] == "server");
        frames.entry(key).or_default().push(seen);
        let payload = frame["payload"].as_str().unwrap();
        assert_eq!(payload.len() as u64, 2 * frame["payload_len"].as_u64().unwrap());
    }
    frames
}

#[test]
fn every_frame_is_seen_as_another_dissector_saw_it() {
    for (name, broken) in CAPTURES {
        for kind in ["pcap", "pcapng"] {
            let path = format!("{DIR}/{name}.{kind}");
            if !Path::new(&path).exists() {
                continue;
            }
            let (lines, status) = check(&[&path]);
            let mut expected = dissected(name);
            let violations: Vec<_> =
                lines.iter().filter(|line| line["event"] == "violation").collect();
            match (broken, &violations[..]) {
                (None, []) => assert_eq!(status, Some(0), "{path}"),
                (Some((rule, from, offset)), [line]) => {
                    assert_eq!(status, Some(1), "{path}");
                    assert_eq!(line["rule"], rule);
                    assert_eq!(line["from"], from);
                    assert_eq!(line["offset"], offset);
                    // The direction ends there: the other dissector judges nothing and goes on.
                    let stream = line["tcp_stream"].as_u64().unwrap();
                    let key = (stream, from == "server");
                    let seen = judged(&lines).get(&key).map_or(0, Vec::len);
                    expected.get_mut(&key).unwrap().truncate(seen);
                }
                (broken, found) => panic!("{path}: {found:?} instead of {broken:?}"),
            }
            assert_eq!(judged(&lines), expected, "{path}");
        }
    }
}

#[test]
fn text_is_what_the_other_dissector_read() {
    for (name, _) in CAPTURES {
        let (lines, _) = check(&[&format!("{DIR}/{name}.pcap")]);
        let texts: Vec<_> = lines
            .iter()
            .filter(|line| line["opcode"] == 1 && line["fin"] == true && line["rsv"] == 0)
            .map(|line| common::hex(line["payload"].as_str().unwrap()))
            .map(|text| String::from_utf8(text).unwrap().chars().take(200).collect::<String>())
            .collect();
        let seen = std::fs::read_to_string(format!("{DIR}/{name}.frames.jsonl")).unwrap();
        let expected: Vec<_> = seen
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|line| line["opcode"] == 1 && line["fin"] == true && line["rsv"] == 0)
            .map(|line| line["text"].as_str().unwrap_or_default().to_owned())
            // It marks a text that it has cut.
            .map(|text| text.strip_suffix("...").map_or(text.clone(), str::to_owned))
            .collect();
        assert_eq!(texts.len(), expected.len(), "{name}");
        for (text, expected) in texts.iter().zip(&expected) {
            assert!(text.starts_with(expected), "{name}: {text} {expected}");
        }
    }
}

#[test]
fn a_text_only_server_refuses_the_browsers_binary_message() {
    let path = format!("{DIR}/chromium-1003.pcap");
    let (lines, status) = check(&["--server-accepts", "text", &path]);
    assert_eq!(status, Some(1));
    let violations: Vec<_> = lines.iter().filter(|line| line["event"] == "violation").collect();
    let [violation] = violations[..] else { panic!("{violations:?}") };
    assert_eq!(violation["rule"], "unsupported-data");
    assert_eq!(violation["section"], "7.4.1");
    assert_eq!(violation["close_code"], 1003);
    assert_eq!(violation["from"], "client");
    // The first frame whose opcode is binary, by the other reading.
    let binary = dissected("chromium-1003")[&(0, false)]
        .iter()
        .position(|frame| frame["opcode"] == 2)
        .unwrap();
    let before: Vec<_> =
        lines.iter().filter(|line| line["event"] == "frame" && line["from"] == "client").collect();
    assert_eq!(before.len(), binary);
    let last = before.last().unwrap();
    let at = ["offset", "header_len", "payload_len"].map(|key| last[key].as_u64().unwrap());
    assert_eq!(violation["offset"].as_u64(), Some(at.iter().sum()));
}

/// How each connection of each capture was closed: the outcome, the code, and by whom.
#[test]
fn the_verdicts_are_what_happened() {
    let text_only = &["--server-accepts", "text"][..];
    let verdicts = [
        ("aiohttp-close-1003", text_only, "refused", 1003, "server"),
        ("aiohttp-close-1003", &[], "wrongly-refused", 1003, "server"),
        ("bad-utf8-fragmented", &[], "refused", 1007, "server"),
        ("chromium-1003", text_only, "refused", 1003, "server"),
        ("chromium-pmd", &[], "clean", 1000, "server"),
        ("node-abnormal-server", &[], "abnormal", 1006, "server"),
        ("node-close-1001", &[], "clean", 1001, "client"),
        ("node-plain", &[], "clean", 1000, "server"),
        ("node-plain", text_only, "refused-otherwise", 1000, "server"),
        ("node-three-clients", &[], "clean", 1000, "server"),
        ("pyws-server", &[], "clean", 1000, "server"),
        ("raw-split-header", &[], "clean", 1000, "client"),
    ];
    for (name, args, outcome, code, by) in verdicts {
        let file = format!("{DIR}/{name}.pcap");
        let (lines, _) = check(&[args, &[file.as_str()]].concat());
        let (mut verdicts, mut connections) = (0, 0);
        for line in lines {
            connections = connections.max(line["connection"].as_u64().unwrap() + 1);
            if line["event"] == "verdict" {
                verdicts += 1;
                assert_eq!(line["outcome"], outcome, "{name}");
                assert_eq!((&line["code"], &line["by"]), (&code.into(), &by.into()), "{name}");
                let due = (outcome == "refused-otherwise").then_some(1003);
                assert!(due.is_none_or(|due| line["due"] == due), "{name}");
                assert_eq!(line["gap"], false, "{name}");
            }
        }
        assert_eq!(verdicts, connections, "{name}: a verdict for each connection");
    }
}
