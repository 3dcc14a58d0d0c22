//! The recorded captures, compared frame by frame with the output of another dissector.

mod common;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde_json::Value;

const DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures");

/// A violation: the rule, the sender, and the byte.
type Broken = (&'static str, &'static str, u64);

/// The captures, with their violations if both endpoints accept all types of data.
const CAPTURES: [(&str, &[Broken]); 43] = [
    ("aiohttp-1001-unanswered", &[("eof-without-close", "server", 7)]),
    ("aiohttp-1003-for-nothing", &[]),
    ("aiohttp-bad-utf8-1007", &[("invalid-utf8", "client", 21)]),
    ("aiohttp-close-1003", &[]),
    ("aiohttp-deflate", &[]),
    ("aiohttp-handler-raises", &[("eof-without-close", "server", 7)]),
    ("aiohttp-mqtt-text-1003", &[("unsupported-data", "client", 0)]),
    ("aiohttp-opcode-3", &[("reserved-opcode", "client", 11)]),
    ("aiohttp-sends-on-after-close", &[]),
    ("aiohttp-shutdown-1001", &[]),
    ("aiohttp-unmasked", &[("unmasked-client-frame", "client", 12)]),
    ("bad-utf8-fragmented", &[("invalid-utf8", "client", 14)]),
    ("chromium-1003", &[]),
    ("chromium-bad-utf8-from-server", &[("invalid-utf8", "server", 19)]),
    ("chromium-node-text-only-1003", &[]),
    ("chromium-pmd", &[]),
    ("chromium-pyws-deflate", &[]),
    ("node-1002-for-nothing", &[]),
    ("node-abnormal-server", &[("eof-in-frame", "server", 52)]),
    ("node-bad-utf8-1007", &[("invalid-utf8", "client", 21)]),
    ("node-close-1001", &[]),
    ("node-close-without-code", &[]),
    ("node-echoes-binary", &[]),
    ("node-five-clients", &[("eof-without-close", "server", 10)]),
    ("node-max-payload-1009", &[]),
    (
        "node-mqtt-text-let-pass",
        &[("unsupported-data", "client", 0), ("unsupported-data", "server", 0)],
    ),
    ("node-plain", &[]),
    ("node-pyws-ping-1000", &[]),
    ("node-rsv2-1002", &[("reserved-bits", "client", 11)]),
    ("node-terminates", &[("eof-without-close", "server", 11)]),
    ("node-text-only-1000", &[]),
    ("node-text-only-1008", &[]),
    ("node-three-clients", &[]),
    ("pyws-bad-utf8-1007", &[("invalid-utf8", "client", 21)]),
    ("pyws-handler-raises-1011", &[]),
    ("pyws-ipv6-pings", &[]),
    ("pyws-left-open", &[]),
    ("pyws-server", &[]),
    ("pyws-server-killed", &[("eof-without-close", "server", 7)]),
    ("pyws-unmasked-1002", &[("unmasked-client-frame", "client", 12)]),
    ("raw-server-ends-in-frame", &[("eof-in-frame", "server", 59)]),
    ("raw-server-resets", &[("eof-without-close", "server", 7)]),
    ("raw-split-header", &[]),
];

/// The captures, with the arguments and the verdict of each connection: the outcome, the code, the
/// required code if it is another one, and the endpoint.
const VERDICTS: [(&str, &[&str], &[&str]); 44] = [
    ("aiohttp-1001-unanswered", &[], &["abnormal 1006 server unanswered"]),
    ("aiohttp-1003-for-nothing", &[], &["wrongly-refused 1003 server"]),
    ("aiohttp-bad-utf8-1007", &[], &["refused 1007 server"]),
    ("aiohttp-close-1003", TEXT_ONLY, &["refused 1003 server"]),
    ("aiohttp-close-1003", &[], &["wrongly-refused 1003 server"]),
    ("aiohttp-deflate", &[], &["clean 1000 client"]),
    ("aiohttp-handler-raises", TEXT_ONLY, &["refused-otherwise 1006, 1003 due server"]),
    ("aiohttp-handler-raises", &[], &["abnormal 1006 server without-close"]),
    ("aiohttp-mqtt-text-1003", &[], &["refused 1003 server"]),
    ("aiohttp-mqtt-text-1003", TEXT_ONLY, &["wrongly-refused 1003 server"]),
    ("aiohttp-opcode-3", &[], &["refused 1002 server"]),
    ("aiohttp-sends-on-after-close", &[], &["clean 1000 client"]),
    ("aiohttp-shutdown-1001", &[], &["clean 1001 server"]),
    ("aiohttp-unmasked", &[], &["let-pass, 1002 due server"]),
    ("bad-utf8-fragmented", &[], &["refused 1007 server"]),
    ("chromium-1003", TEXT_ONLY, &["refused 1003 server"]),
    ("chromium-bad-utf8-from-server", &[], &["refused-otherwise 1002, 1007 due client"]),
    ("chromium-node-text-only-1003", TEXT_ONLY, &["refused 1003 server"]),
    ("chromium-pmd", &[], &["clean 1000 server"]),
    ("chromium-pyws-deflate", &[], &["clean 1000 client"]),
    ("node-1002-for-nothing", &[], &["wrongly-refused 1002 server"]),
    ("node-abnormal-server", &[], &["abnormal 1006 server in-frame"]),
    ("node-bad-utf8-1007", &[], &["refused 1007 server"]),
    ("node-close-1001", &[], &["clean 1001 client"]),
    ("node-close-without-code", &[], &["clean 1005 client"]),
    ("node-echoes-binary", TEXT_ONLY, &["let-pass, 1003 due server"]),
    (
        "node-five-clients",
        TEXT_ONLY,
        &[
            "clean 1000 client",
            "refused 1003 server",
            "abnormal 1006 server without-close",
            "clean 1001 server",
            "open",
        ],
    ),
    ("node-max-payload-1009", &["--max-message", "1000"], &["refused 1009 server"]),
    ("node-mqtt-text-let-pass", &[], &["let-pass, 1003 due server"]),
    ("node-plain", &[], &["clean 1000 server"]),
    ("node-plain", TEXT_ONLY, &["let-pass, 1003 due server"]),
    ("node-pyws-ping-1000", &[], &["clean 1000 client"]),
    ("node-rsv2-1002", &[], &["refused 1002 server"]),
    ("node-terminates", &[], &["abnormal 1006 server without-close"]),
    ("node-text-only-1000", TEXT_ONLY, &["refused-otherwise 1000, 1003 due server"]),
    ("node-text-only-1008", TEXT_ONLY, &["refused-otherwise 1008, 1003 due server"]),
    ("node-three-clients", &[], &["clean 1000 server"; 3]),
    ("pyws-handler-raises-1011", TEXT_ONLY, &["refused-otherwise 1011, 1003 due server"]),
    ("pyws-left-open", &[], &["open"]),
    ("pyws-server-killed", &[], &["abnormal 1006 server without-close"]),
    ("pyws-unmasked-1002", &[], &["refused 1002 server"]),
    ("raw-server-ends-in-frame", &[], &["abnormal 1006 server in-frame"]),
    ("raw-server-resets", &[], &["abnormal 1006 server reset"]),
    ("raw-split-header", &[], &["clean 1000 client"]),
];

const TEXT_ONLY: &[&str] = &["--server-accepts", "text"];

fn check(args: &[&str]) -> (Vec<Value>, Option<i32>) {
    let output = common::run(&[&["check", "--json", "--payload"], args].concat(), b"");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), output.status.code())
}

/// The frames of each direction in order. The key is the TCP stream, and whether the server sends.
type Frames = BTreeMap<(u64, bool), Vec<Value>>;

/// Returns the frames that the other dissector found.
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

/// Returns the frames that the tool found.
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
        assert_eq!(payload.len() as u64, 2 * frame["payload_len"].as_u64().unwrap(), "{frame}");
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
            let found: Vec<_> = violations
                .iter()
                .map(|line| (&line["rule"], &line["from"], line["offset"].as_u64().unwrap()))
                .collect();
            let broken: Vec<_> =
                broken.iter().map(|(rule, from, at)| (*rule, *from, *at)).collect();
            assert_eq!(found.len(), broken.len(), "{path}: {found:?}");
            for ((rule, from, offset), expected) in found.iter().zip(&broken) {
                assert_eq!(
                    (rule.as_str(), from.as_str(), *offset),
                    (Some(expected.0), Some(expected.1), expected.2),
                    "{path}"
                );
            }
            // A verdict that blames an endpoint counts, too.
            let blames = lines.iter().any(|line| {
                line["event"] == "verdict"
                    && !["clean", "refused", "own-limit", "open"]
                        .iter()
                        .any(|id| line["outcome"] == *id)
            });
            assert_eq!(status, Some(i32::from(blames || !broken.is_empty())), "{path}");
            for line in violations {
                // The tool stops there; the other dissector judges nothing and continues.
                let key = (line["tcp_stream"].as_u64().unwrap(), line["from"] == "server");
                let seen = judged(&lines).get(&key).map_or(0, Vec::len);
                if let Some(frames) = expected.get_mut(&key) {
                    frames.truncate(seen);
                }
            }
            expected.retain(|_, frames| !frames.is_empty());
            assert_eq!(judged(&lines), expected, "{path}");
        }
    }
}

#[test]
fn text_is_what_the_other_dissector_read() {
    let at_the_end = |(rule, ..): &Broken| rule.starts_with("eof");
    // The other dissector continues after a violation.
    for (name, _) in CAPTURES.iter().filter(|(_, broken)| broken.iter().all(at_the_end)) {
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
            // The other dissector ends a text that it has cut with three dots.
            .map(|text| text.strip_suffix("...").map_or(text.clone(), str::to_owned))
            .collect();
        assert_eq!(texts.len(), expected.len(), "{name}");
        for (text, expected) in texts.iter().zip(&expected) {
            assert!(text.starts_with(expected), "{name}: {text} {expected}");
        }
    }
}

/// The captures with compressed messages: how many each endpoint sends, and their inflated bytes.
const COMPRESSED: [(&str, [(u64, u64); 2]); 4] = [
    ("aiohttp-deflate", [(4, 1_105), (4, 1_105)]),
    ("chromium-pmd", [(12, 131_440), (12, 131_480)]),
    ("chromium-pyws-deflate", [(5, 4_722), (5, 4_722)]),
    ("pyws-server", [(13, 337), (13, 358)]),
];

#[test]
fn compressed_messages_are_told_with_what_they_hold() {
    for (name, expected) in COMPRESSED {
        let (lines, _) = check(&[&format!("{DIR}/{name}.pcap")]);
        let messages: Vec<_> = lines.iter().filter(|line| line["event"] == "message").collect();
        for (from, (count, len)) in ["client", "server"].into_iter().zip(expected) {
            let sent = messages.iter().filter(|line| line["from"] == from);
            assert!(sent.clone().all(|line| line["compressed"] == true), "{name}");
            assert_eq!(sent.clone().count() as u64, count, "{name} {from}");
            let sum: u64 = sent.map(|line| line["len"].as_u64().unwrap()).sum();
            assert_eq!(sum, len, "{name} {from}");
            let verdict = lines.iter().find(|line| line["event"] == "verdict").unwrap();
            assert_eq!(verdict[from]["compressed"]["inflated"], len, "{name} {from}");
        }
        // The other dissector inflates only messages of one frame, and cuts long ones.
        let seen = std::fs::read_to_string(format!("{DIR}/{name}.frames.jsonl")).unwrap();
        let seen = seen.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut compared = 0;
        for frame in seen.filter(|frame| frame["rsv"] == 4 && frame["fin"] == true) {
            let Some(text) = frame["text"].as_str().filter(|text| !text.ends_with("...")) else {
                continue;
            };
            let len = text.len() as u64;
            let told = messages.iter().any(|line| {
                line["packet"] == frame["packet"] && line["opcode"] == 1 && line["len"] == len
            });
            assert!(told, "{name}: {frame}");
            compared += 1;
        }
        assert!(compared >= 2, "{name}: {compared}");
    }
    // Without negotiated compression, there is no such line.
    let (lines, _) = check(&[&format!("{DIR}/chromium-1003.pcap")]);
    assert!(lines.iter().all(|line| line["event"] != "message"));
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
    // The first binary frame that the other dissector found.
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

#[test]
fn the_verdicts_are_what_happened() {
    for (name, args, expected) in VERDICTS {
        let file = format!("{DIR}/{name}.pcap");
        let (lines, _) = check(&[args, &[file.as_str()]].concat());
        let mut verdicts: Vec<_> = lines.iter().filter(|line| line["event"] == "verdict").collect();
        verdicts.sort_by_key(|line| line["connection"].as_u64());
        assert!(verdicts.iter().all(|line| line["gap"] == false), "{name}");
        let said: Vec<_> = verdicts.into_iter().map(ending).collect();
        assert_eq!(said, expected, "{name}");
    }
}

/// Returns a verdict in the form of the table above.
fn ending(line: &Value) -> String {
    let mut said = line["outcome"].as_str().unwrap().to_owned();
    if let Some(code) = line["code"].as_u64() {
        said += &format!(" {code}");
    }
    if let Some(due) = line["due"].as_u64().filter(|due| Some(*due) != line["code"].as_u64()) {
        said += &format!(", {due} due");
    }
    for key in ["by", "why"] {
        if let Some(word) = line[key].as_str() {
            said += &format!(" {word}");
        }
    }
    said
}

/// The JSON lines of a capture give the same result as the capture.
#[test]
fn json_lines_are_read_back() {
    // Without --keep-going, the frames after a violation are not written.
    let all = ["--payload", "--keep-going"];
    let options = [&all[..], &[&all[..], TEXT_ONLY].concat()];
    let hars = ["mitmproxy-1003.har", "playwright-echo.har", "devtools-bad-utf8.har"];
    let files = CAPTURES.iter().map(|(name, _)| format!("{name}.pcap"));
    for file in files.chain(hars.map(str::to_owned)) {
        for args in options {
            let path = format!("{DIR}/{file}");
            let check = |input: &str, bytes: &[u8]| {
                let output = common::run(&[&["check", "--json"], args, &[input]].concat(), bytes);
                output.stdout
            };
            let written = check(&path, b"");
            assert_eq!(comparable(&check("-", &written)), comparable(&written), "{file} {args:?}");
        }
    }
}

/// JSON lines without payloads give the same verdicts.
#[test]
fn json_lines_without_payloads_have_the_same_verdict() {
    for (name, args, expected) in VERDICTS {
        let path = format!("{DIR}/{name}.pcap");
        let written = common::run(&[&["check", "--json"], args, &[path.as_str()]].concat(), b"");
        let again = common::run(&[&["check", "--json"], args, &["-"]].concat(), &written.stdout);
        let verdicts = comparable(&again.stdout);
        let verdicts: Vec<_> = verdicts.iter().filter(|line| line["event"] == "verdict").collect();
        assert_eq!(verdicts.into_iter().map(ending).collect::<Vec<_>>(), expected, "{name}");
    }
}

/// Returns the lines in the order of their connections, without the name of the input and without
/// what a violation hides.
fn comparable(lines: &[u8]) -> Vec<Value> {
    // What is said of an input is not said of its lines.
    let mut lines = common::capture::lines(std::str::from_utf8(lines).unwrap());
    let mut broken = HashSet::new();
    for line in &mut lines {
        let direction = (line["connection"].as_u64(), line["from"] == "server");
        if line["event"] == "violation" {
            broken.insert(direction);
        }
        // After a violation, the length of a compressed message that refers back is unknown.
        if line["event"] == "message" && broken.contains(&direction) {
            line.as_object_mut().unwrap().remove("len");
        }
        line.as_object_mut().unwrap().remove("input");
        for end in ["client", "server"] {
            let Some(side) = line.get_mut(end).and_then(Value::as_object_mut) else { continue };
            // The payload of a frame whose header breaks a rule is not written.
            side.remove("compressed");
            if let Some(last) = side.get_mut("last") {
                last.as_object_mut().unwrap().remove("seconds_before_the_end");
            }
        }
    }
    lines.sort_by_key(|line| (line["connection"].as_u64(), line["event"] == "verdict"));
    lines
}

/// HAR files that three programs wrote of the same conversation; none has a Close frame.
#[test]
fn messages_of_a_har() {
    for program in ["mitmproxy", "playwright", "devtools"] {
        for (file, args, status) in
            [("1003", TEXT_ONLY, 1), ("1003", &[], 0), ("echo", TEXT_ONLY, 1), ("echo", &[], 0)]
        {
            let path = format!("{DIR}/{program}-{file}.har");
            let args = [&["check", "--json", "--payload"], args, &[path.as_str()]].concat();
            let output = common::run(&args, b"");
            assert_eq!(output.status.code(), Some(status), "{path}");
            let told = String::from_utf8(output.stderr).unwrap();
            assert!(told.contains("a HAR file contains whole messages only"), "{path}: {told}");
            let lines = comparable(&output.stdout);
            let frames: Vec<_> = lines.iter().filter(|line| line["event"] == "frame").collect();
            let hello = frames[0]["payload"].as_str().unwrap();
            assert!(hello.starts_with("48656c6c6f"), "{path}");
            let first = (&frames[0]["message"], &frames[0]["from"]);
            assert_eq!(first, (&1.into(), &"client".into()), "{path}");
            let verdict = lines.iter().find(|line| line["event"] == "verdict").unwrap();
            assert_eq!(verdict["gap"], true, "{path}");
            if status == 1 {
                let violation = lines.iter().find(|line| line["event"] == "violation").unwrap();
                assert_eq!(violation["rule"], "unsupported-data", "{path}");
                // The server echoes the binary message, or the HAR file ends with it.
                let outcome = if file == "echo" { "let-pass" } else { "open" };
                assert_eq!(verdict["outcome"], outcome, "{path}");
            }
        }
    }
}
