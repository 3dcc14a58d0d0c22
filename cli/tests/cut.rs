//! Frames that the stream ends inside of: generated captures, judged from the capture and again from
//! the JSON lines.

mod common;

use common::capture::{CLOSE, Capture, check, lines};
use wsvet::Role;

use Role::{Client, Server};

/// The violations and the verdict of a capture, in few words, and the exit status.
#[track_caller]
fn told(capture: &Capture) -> (Vec<String>, i32) {
    let of = |json: &str| -> Vec<String> {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
        let lines = lines(json).into_iter().filter_map(|line| match line["event"].as_str()? {
            "violation" => {
                Some(format!("{} {} {}", text(&line["from"]), text(&line["rule"]), line["offset"]))
            }
            "verdict" => Some([&line["outcome"], &line["by"], &line["why"]].map(text).join(" ")),
            _ => None,
        });
        lines.collect()
    };
    let (json, status) = check(&["--json"], &capture.file);
    let (again, again_status) = check(&["--json"], json.as_bytes());
    assert_eq!((of(&again), again_status), (of(&json), status), "from the JSON lines");
    (of(&json), status)
}

/// The client sends these bytes and nothing more; the server closes with this code, if any.
fn connection(bytes: &[u8], code: Option<u16>) -> Capture {
    let mut capture = Capture::open("");
    for byte in bytes {
        capture.packet(Client, "A", &[*byte]);
    }
    if let Some(code) = code {
        capture.wait(1).frame(Server, CLOSE, &code.to_be_bytes());
    }
    capture.wait(1).packet(Client, "FA", b"").packet(Server, "FA", b"");
    capture
}

#[test]
fn the_first_bytes_of_a_header_are_enough_to_refuse_it() {
    for (bytes, rule, offset) in [
        (&b"\x83"[..], "reserved-opcode", 0),
        (b"\x83\x80", "reserved-opcode", 0),
        (b"\x89\xFE", "oversized-control", 1),
        (b"\x91\x81", "reserved-bits", 0),
        (b"\x81\x7E", "unmasked-client-frame", 1),
        (b"\x80", "unexpected-continuation", 0),
    ] {
        let violation = format!("client {rule} {offset}");
        let refused = [violation.clone(), "refused server -".to_owned()].to_vec();
        assert_eq!(told(&connection(bytes, Some(1002))), (refused, 1), "{bytes:02x?}");
        let otherwise = [violation.clone(), "refused-otherwise server -".to_owned()].to_vec();
        assert_eq!(told(&connection(bytes, Some(1000))), (otherwise, 1), "{bytes:02x?}");
        let left = [violation, "abnormal client in-frame".to_owned()].to_vec();
        assert_eq!(told(&connection(bytes, None)), (left, 1), "{bytes:02x?}");
    }
}

/// The rest of the header comes after its refusal, and the client answers the Close.
#[test]
fn the_rest_of_a_refused_header_changes_nothing() {
    let mut capture = Capture::open("");
    capture.packet(Client, "A", b"\x83");
    capture.wait(1).frame(Server, CLOSE, b"\x03\xEA");
    capture.packet(Client, "A", b"\x82\0\0\0\0xy").frame(Client, CLOSE, b"\x03\xEA");
    capture.packet(Server, "FA", b"").packet(Client, "FA", b"");
    let expected = ["client reserved-opcode 0", "refused server -"].map(str::to_owned);
    assert_eq!(told(&capture), (expected.to_vec(), 1));
    let closes = |json: &str| json.matches("\"act\":\"close\"").count();
    let (json, _) = check(&["--json"], &capture.file);
    let (again, _) = check(&["--json"], json.as_bytes());
    assert_eq!((closes(&json), closes(&again)), (2, 2));
}

#[test]
fn a_close_that_the_stream_ends_inside_of_is_no_close() {
    for len in [1, 2, 6, 7] {
        let mut capture = Capture::open("");
        let close = b"\x88\x82\0\0\0\0\x03\xE8";
        capture.packet(Client, "A", &close[..len]);
        capture.wait(1).packet(Client, "FA", b"").packet(Server, "FA", b"");
        let expected =
            [format!("client eof-in-frame {len}"), "abnormal client in-frame".to_owned()];
        assert_eq!(told(&capture), (expected.to_vec(), 1));
        // The server had sent its Close, and waited for this one.
        let mut capture = Capture::open("");
        capture.frame(Server, CLOSE, b"\x03\xE8").packet(Client, "A", &close[..len]);
        capture.wait(1).packet(Client, "FA", b"").packet(Server, "FA", b"");
        let expected =
            [format!("client eof-in-frame {len}"), "abnormal client unanswered".to_owned()];
        assert_eq!(told(&capture), (expected.to_vec(), 1));
    }
}
