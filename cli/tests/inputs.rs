//! Inputs whose bytes do not say what they are: raw frames or something else, HTTP heads before them,
//! pasted packets, and what a HAR file says beside its messages.

mod common;

use common::capture::{Capture, TEXT, check, lines};
use common::run;
use wsvet::Role::{Client, Server};

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Version: 13\r\n\r\n";
const RESPONSE: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
    Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

/// "Hello" from a client, and compressed from a server.
const HELLO: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
const DEFLATED: &[u8] = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The events of the lines, with who sent the frames and how much was inflated, and the status.
fn told(input: &[u8]) -> (Vec<String>, i32) {
    let (json, status) = check(&["--json"], input);
    let tell = |line: &serde_json::Value| {
        let [event, from] = ["event", "from"].map(|key| line[key].as_str().unwrap_or(""));
        format!("{event} {from}").trim().to_owned()
    };
    (lines(&json).iter().map(tell).collect(), status)
}

fn complaint(input: &[u8]) -> String {
    let output = run(&["check", "-"], input);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn heads_before_the_frames_say_who_sent_them() {
    let (events, status) = told(&[REQUEST.as_bytes(), HELLO].concat());
    assert_eq!((events.join(", ").as_str(), status), ("input, frame client", 0));
    let events = told(&[RESPONSE.as_bytes(), DEFLATED].concat()).0.join(", ");
    assert_eq!(events, "input, frame server, message server");
    // The request offers compression, and the frame uses it.
    let compressed = b"\xc1\x87\0\0\0\0\xf2\x48\xcd\xc9\xc9\x07\x00";
    let (text, status) = check(&[], &[REQUEST.as_bytes(), compressed].concat());
    assert!(text.contains("\"Hello\"") && text.contains("its use is assumed"), "{text}");
    assert_eq!(status, 0);
    // The same in hex.
    let text = hex(&[REQUEST.as_bytes(), HELLO].concat());
    assert!(told(text.as_bytes()).0.join(", ").starts_with("input, frame client"));
}

#[test]
fn heads_of_both_endpoints_are_followed_by_frames_of_both() {
    let heads = [REQUEST, RESPONSE].concat();
    let (events, status) = told(&[heads.as_bytes(), HELLO, DEFLATED, HELLO].concat());
    let frames: Vec<&str> =
        events.iter().map(String::as_str).filter(|event| event.starts_with("frame")).collect();
    assert_eq!((frames, status), (vec!["frame client", "frame server", "frame client"], 0));
    let (text, status) = check(&[], &[heads.replace("s3pP", "xxxx").as_bytes(), HELLO].concat());
    assert!(text.contains("wrong-accept") && text.contains("GET /chat"), "{text}");
    assert_eq!(status, 1);
    let (events, _) = told(&[heads.as_bytes(), &HELLO[..4]].concat());
    assert_eq!(events.last().unwrap(), "verdict");
}

#[test]
fn lines_with_labels_are_frames_of_both_endpoints() {
    // An endpoint that receives text alone, and its log.
    let log = "10:00:00.1 < 81 82 01 02 03 04 69 6b\n10:00:00.2 > 81 02 68 69\n\
               10:00:01.0 < 82 80 00 00 00 00\n10:00:01.1 > 88 02 03 eb\n";
    let (events, status) = told(log.as_bytes());
    let events = events.join(", ");
    assert_eq!((events.matches("frame client").count(), status), (2, 1), "{events}");
    assert!(events.contains("frame server") && events.ends_with("verdict"), "{events}");
    let (text, status) = check(&["--server-accepts", "text"], log.as_bytes());
    assert!(text.contains("refused as it must be: unsupported-data"), "{text}");
    assert_eq!(status, 1);
    // The labels, and not the mask, say who sent a frame.
    let (text, status) = check(&[], b"client: 81 02 68 69\nserver: 81 02 68 69\n");
    assert!(text.contains("unmasked-client-frame at byte 1 from the client"), "{text}");
    assert_eq!(status, 1);
    let deflated = b"client: c1 80 00 00 00 00\nserver: c1 07 f2 48 cd c9 c9 07 00\n";
    let (text, _) = check(&["--permessage-deflate"], deflated);
    assert!(text.contains("\"Hello\""), "{text}");
    // Other protocols are logged so, too.
    assert!(complaint(b"sent: 0a 0b 0c\nreceived: 1f 9f\n").contains("give --format hex"));
}

#[test]
fn other_bytes_are_not_judged_as_frames() {
    let zip = [&b"PK\x03\x04\x14\0\0\0\x08\0"[..], &[0x5A; 200]].concat();
    assert!(complaint(&zip).contains("a zip archive"));
    let noise: Vec<u8> =
        (0u32..4000).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    assert!(complaint(&noise).contains("give --format raw if these are frames"));
    assert_ne!(check(&["--format", "raw"], &noise).1, 2);
    assert!(complaint(b"Dear reader,\nthis is no traffic.\n").contains("neither a HAR file"));
    // A long text is refused after its start.
    let long = [b"81 00 ".repeat(20_000), b"and so on".to_vec()].concat();
    assert!(complaint(&long).contains("'n' is not a hex digit"));
    let key = hex(&noise[..200]);
    assert!(complaint(key.as_bytes()).contains("give --format hex"));
    assert_ne!(check(&["--format", "hex"], key.as_bytes()).1, 2);
}

#[test]
fn code_in_prose_is_not_judged_as_frames() {
    for code in ["--cfg getrandom_backend=\"wasm_js\"", "x = [1, 2, 3, 4]", "1234 5678"] {
        let error = complaint(format!("Write\n\n```\n{code}\n```\n\ninstead.\n").as_bytes());
        assert!(error.contains("--format"), "{error}");
    }
}

#[test]
fn frames_are_read_without_an_option() {
    let frame = [&[0x82, 100][..], &[7; 100]].concat();
    let (events, _) = told(&frame);
    assert_eq!(events[0], "input");
    let (text, _) = check(&["--receiver", "client"], &frame);
    assert!(text.contains("read as raw frames"), "{text}");
}

/// The dump of a packet, as Wireshark copies it.
fn dump(packet: &[u8]) -> String {
    let line = |(at, line): (usize, &[u8])| {
        let pairs: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{:04x}   {}\n", 16 * at, pairs.join(" "))
    };
    packet.chunks(16).enumerate().map(line).collect()
}

#[test]
fn pasted_packets_are_a_capture() {
    let mut capture = Capture::open("");
    capture.frame(Client, TEXT, b"hi").frame(Server, TEXT, b"ho").close();
    let mut rest = &capture.file[24..];
    let mut text = String::new();
    while let [_, _, _, _, _, _, _, _, a, b, c, d, _, _, _, _, after @ ..] = rest {
        let len = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        text += &(dump(&after[..len]) + "\n");
        rest = &after[len..];
    }
    let (told, status) = check(&[], text.as_bytes());
    assert!(told.contains("packets") && told.contains("a clean close"), "{told}");
    assert_eq!(status, 0);
}

fn har(entry: &str) -> (String, Vec<serde_json::Value>, i32) {
    let file = format!(
        r#"{{"log":{{"entries":[{{"request":{{"url":"wss://a/b","headers":[{{"name":"Upgrade","value":"websocket"}}]}},{entry}}}]}}}}"#
    );
    let (text, status) = check(&[], file.as_bytes());
    let (json, again) = check(&["--json"], file.as_bytes());
    assert_eq!(status, again);
    (text, lines(&json), status)
}

#[test]
fn a_har_tells_why_a_connection_was_never_opened() {
    for entry in [
        r#""response":{"status":0,"_error":"net::ERR_NAME_NOT_RESOLVED"}"#,
        r#""response":{"status":0},"_error":"net::ERR_NAME_NOT_RESOLVED","_webSocketMessages":[]"#,
        r#""response":null,"_error":{"message":"net::ERR_NAME_NOT_RESOLVED"}"#,
    ] {
        let (text, json, status) = har(entry);
        assert!(text.contains("never opened"), "{text}");
        assert!(text.contains("✗ the input reports: net::ERR_NAME_NOT_RESOLVED"), "{text}");
        assert_eq!(json.last().unwrap()["outcome"], "never-opened");
        assert_eq!(json.last().unwrap()["reported"][0]["text"], "net::ERR_NAME_NOT_RESOLVED");
        assert_eq!(status, 1, "{text}");
    }
    let (text, _, status) = har(r#""response":{"status":502,"_error":"net::ERR_TUNNEL"}"#);
    assert!(text.contains("HTTP 502") && text.contains("net::ERR_TUNNEL"), "{text}");
    assert_eq!(status, 1);
}

#[test]
fn a_har_tells_how_a_connection_was_closed() {
    let messages = r#""response":{"status":101},"_webSocketMessages":[{"type":"send","data":"a"}]"#;
    let close = r#""_webSocketClose":{"code":1003,"reason":"text only","timestamp":1.5}"#;
    let (text, json, status) = har(&format!("{messages},{close}"));
    assert!(text.contains("a close with 1003 Unsupported Data \"text only\""), "{text}");
    assert!(text.contains("connection 0: closed with 1003 Unsupported Data, as the input reports"));
    assert_eq!(json.last().unwrap()["reported"][0]["code"], 1003);
    assert_eq!(status, 0);
    let (text, _, status) = har(&format!("{messages},\"_webSocketClose\":\"aborted\""));
    assert!(text.contains("✗ the input reports: aborted"), "{text}");
    assert_eq!(status, 1);
}

#[test]
fn rows_of_a_har_are_read_as_programs_write_them() {
    let rows =
        |rows: &str| har(&format!(r#""response":{{"status":101}},"_webSocketMessages":[{rows}]"#));
    // A missing opcode is text, and times have several forms.
    let (_, json, status) = rows(
        r#"{"type":"send","data":"a","time":"2023-11-14T22:13:20Z"},
           {"type":"receive","opcode":"binary","data":"AAEC","time":1700000000500}"#,
    );
    let frames: Vec<_> = json.iter().filter(|line| line["event"] == "frame").collect();
    assert_eq!((&frames[0]["opcode"], &frames[1]["opcode"]), (&1.into(), &2.into()));
    assert_eq!(frames[1]["time"], 1_700_000_000.5);
    assert_eq!((&frames[0]["time"], status), (&1_700_000_000.0.into(), 0));
    // A code beside a Close, with and without a sender.
    let (text, _, _) = rows(r#"{"type":"receive","opcode":8,"code":1001,"data":"away"}"#);
    assert!(text.contains("1001") && text.contains("away"), "{text}");
    let (text, _, _) = rows(r#"{"type":"close","code":1001,"reason":"away"}"#);
    assert!(text.contains("closed with 1001 Going Away, as the input reports"), "{text}");
    // The browser found an error.
    let (text, _, status) = rows(r#"{"type":"error","data":"Invalid frame header","opcode":-1}"#);
    assert!(text.contains("✗ the input reports: Invalid frame header"), "{text}");
    assert!(text.contains("connection 0: failed, as the input reports"), "{text}");
    assert_eq!(status, 1);
    let (text, _, _) = har(r#""response":{"status":101}"#);
    assert!(text.contains("the file has no messages of this connection"), "{text}");
}

#[test]
fn what_a_har_reports_is_read_again_from_json_lines() {
    let entry = r#"{"log":{"entries":[{"request":{"url":"ws://a/"},"response":{"status":101},
        "_webSocketClose":{"code":1003,"reason":"no"},"_webSocketMessages":[]}]}}"#;
    let (json, _) = check(&["--json"], entry.as_bytes());
    assert!(check(&[], json.as_bytes()).0.contains("closed with 1003"), "{json}");
}

#[test]
fn a_missing_header_of_a_har_breaks_no_rule() {
    let headers = |asked: &str, answered: &str| {
        let line = |text: &str| {
            let lines = text.split_terminator('|').filter_map(|line| line.split_once(": "));
            let lines: Vec<_> = lines
                .map(|(name, value)| format!(r#"{{"name":"{name}","value":"{value}"}}"#))
                .collect();
            lines.join(",")
        };
        let file = format!(
            r#"{{"log":{{"entries":[{{"request":{{"url":"wss://a/b","headers":[{}]}},"response":{{"status":101,"headers":[{}]}},"_webSocketMessages":[]}}]}}}}"#,
            line(asked),
            line(answered)
        );
        let (json, _) = check(&["--json"], file.as_bytes());
        let rules =
            lines(&json).into_iter().filter_map(|line| Some(line["rule"].as_str()?.to_owned()));
        let mut rules: Vec<_> = rules.collect();
        rules.dedup();
        rules.join(" ")
    };
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==|";
    assert_eq!(headers("", ""), "");
    assert_eq!(headers(key, "Date: today|"), "");
    assert_eq!(headers(key, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=|"), "");
    assert_eq!(headers("", "Sec-WebSocket-Accept: wrong|"), "");
    assert_eq!(headers(key, "Sec-WebSocket-Accept: wrong|"), "wrong-accept");
    let chat = "Sec-WebSocket-Protocol: chat|";
    assert_eq!(headers("", chat), "");
    assert_eq!(headers("Sec-WebSocket-Protocol: a, chat|", chat), "");
    assert_eq!(headers("Sec-WebSocket-Protocol: a|", chat), "subprotocol-not-offered");
}
