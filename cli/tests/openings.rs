//! Opening handshakes that are broken, refused or not answered: generated captures, judged from the
//! capture and again from the JSON lines.

mod common;

use common::capture::{Capture, TEXT, check, lines};
use serde_json::Value;
use wsvet::Role;
use wsvet::handshake::Rule;

use Role::{Client, Server};

const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
const KEY: &str = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

fn request(headers: &str) -> String {
    format!("GET /chat HTTP/1.1\r\nHost: x\r\n{headers}\r\n")
}

fn switching(headers: &str) -> String {
    format!("HTTP/1.1 101 Switching Protocols\r\n{headers}\r\n")
}

/// A connection with this request and this answer, if any.
fn opening(request: &str, answer: &str) -> Capture {
    let mut capture = Capture::new();
    capture.packet(Client, "S", b"").packet(Server, "SA", b"");
    capture.packet(Client, "A", request.as_bytes());
    if !answer.is_empty() {
        capture.wait(10).packet(Server, "A", answer.as_bytes());
    }
    capture
}

/// The verdict of each connection, and what was found in its handshake, in few words.
fn told(json: &str) -> Vec<String> {
    let word = |line: &Value, key: &str| match &line[key] {
        Value::Null => String::new(),
        Value::String(text) => format!(" {text}"),
        other => format!(" {other}"),
    };
    let lines = lines(json).into_iter().filter_map(|line| {
        let keys: &[&str] = match line["event"].as_str()? {
            "handshake" => &["by", "rule", "status", "status_before", "declined"],
            "violation" => &["from", "rule"],
            "verdict" => &["outcome", "by", "why", "rule"],
            _ => return None,
        };
        let words: String = keys.iter().map(|key| word(&line, key)).collect();
        Some(format!("{}:{words}", line["event"].as_str()?))
    });
    lines.collect()
}

/// Judges a capture, and its JSON lines, and checks what is told and the exit status.
#[track_caller]
fn tells(capture: &Capture, expected: &[&str], status: i32) -> String {
    let (json, code) = check(&["--json", "--payload"], &capture.file);
    assert_eq!(told(&json), expected);
    assert_eq!(code, status, "{json}");
    let (again, code) = check(&["--json", "--payload"], json.as_bytes());
    assert_eq!(told(&again), expected, "from the JSON lines");
    assert_eq!(code, status, "from the JSON lines");
    let timeline = |json: &str| {
        let mut lines = lines(json);
        lines.retain(|line| line["event"] == "verdict");
        lines.iter().map(|line| line["timeline"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(timeline(&again), timeline(&json));
    for steps in timeline(&json) {
        let times: Vec<_> = steps.as_array().unwrap().iter().map(|step| &step["time"]).collect();
        assert!(times.is_sorted_by_key(|time| time.as_f64()), "{json}");
    }
    let (text, code) = check(&[], &capture.file);
    assert_eq!(code, status, "{text}");
    // Long lines are folded.
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Both endpoints end their streams, this one first.
fn leave(mut capture: Capture, first: Role) -> Capture {
    capture.wait(20).packet(first, "FA", b"").packet(first.peer(), "FA", b"");
    capture
}

#[test]
fn a_client_that_leaves_after_a_broken_answer_does_its_duty() {
    let offer = "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";
    let asked = request(&format!("{UPGRADE}{KEY}{offer}"));
    for (headers, rule) in [
        (format!("{UPGRADE}{offer}"), Rule::MissingAccept),
        (format!("{UPGRADE}{ACCEPT}{ACCEPT}{offer}"), Rule::RepeatedAccept),
        (format!("{UPGRADE}Sec-WebSocket-Accept: x\r\n{offer}"), Rule::WrongAccept),
        (format!("Connection: Upgrade\r\n{ACCEPT}{offer}"), Rule::UpgradeNotConfirmed),
        (format!("Upgrade: websocket\r\n{ACCEPT}{offer}"), Rule::ConnectionNotConfirmed),
        (
            format!("{UPGRADE}{ACCEPT}Sec-WebSocket-Protocol: other\r\n"),
            Rule::SubprotocolNotOffered,
        ),
        (
            format!("{UPGRADE}{ACCEPT}{offer}Sec-WebSocket-Extensions: x-other\r\n"),
            Rule::ExtensionNotOffered,
        ),
        (
            format!("{UPGRADE}{ACCEPT}{}; client_max_window_bits=9\r\n", offer.trim_end()),
            Rule::ExtensionDoesNotFit,
        ),
    ] {
        let id = rule.id();
        let broken = format!("handshake: server {id}");
        let verdict = format!("verdict: never-opened server broken-response {id}");
        for sends in [false, true] {
            let mut capture = opening(&asked, &switching(&headers));
            if sends {
                capture.frame(Client, TEXT, b"under way");
            }
            let text = tells(&leave(capture, Client), &[&broken, &verdict], 1);
            assert!(text.contains(&format!("✗ {id} in the response of the server")), "{text}");
            assert!(!text.contains("without a Close"), "{text}");
        }
        // The client lets it pass, and the closing handshake is complete.
        let mut capture = opening(&asked, &switching(&headers));
        capture.close();
        tells(&capture, &[&broken, "verdict: clean client"], 1);
    }
}

#[test]
fn an_upgrade_that_is_not_answered_was_never_opened() {
    let asked = request(&format!("{UPGRADE}{KEY}"));
    let refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
    let refused = ["handshake: server 403", "verdict: never-opened server refused"];
    let text = tells(&opening(&asked, refusal), &refused, 1);
    assert!(text.contains("HTTP 403"), "{text}");
    tells(&leave(opening(&asked, refusal), Server), &refused, 1);
    let no_answer = ["verdict: never-opened server no-answer"];
    tells(&leave(opening(&asked, ""), Client), &no_answer, 1);
    let dropped = ["verdict: never-opened server dropped"];
    tells(&leave(opening(&asked, ""), Server), &dropped, 1);
    for by in [Client, Server] {
        let mut capture = opening(&asked, "");
        capture.packet(by, "R", b"");
        let reset = format!("verdict: never-opened {by} reset");
        tells(&capture, &[&reset], 1);
    }
    // Nothing is known of an upgrade that the capture ends inside of.
    let (json, status) = check(&["--json"], &opening(&asked, "").file);
    let lines = lines(&json);
    assert_eq!((lines.len(), status), (1, 2), "{json}");
    assert_eq!(lines[0]["why"], "answer-missing");
}

#[test]
fn a_request_that_breaks_a_rule_is_told_beside_its_refusal() {
    let bad = "HTTP/1.1 400 Bad Request\r\n\r\n";
    for (headers, rule) in [
        (format!("Connection: keep-alive\r\n{KEY}"), Rule::MissingUpgrade),
        (format!("{UPGRADE}Sec-WebSocket-Version: 13\r\n"), Rule::MissingKey),
        (format!("{UPGRADE}{}", KEY.replace("13", "8")), Rule::UnsupportedVersion),
    ] {
        let broken = format!("handshake: client {}", rule.id());
        let capture = leave(opening(&request(&headers), bad), Server);
        let (json, status) = check(&["--json"], &capture.file);
        let told = told(&json);
        assert_eq!((&told[0], status), (&broken, 1));
        assert_eq!(told.last().unwrap(), "verdict: never-opened server refused");
    }
}

#[test]
fn what_is_followed_by_an_upgrade_is_no_failure() {
    let asked = request(&format!("{UPGRADE}{KEY}"));
    let login = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    let mut capture = opening(&asked, login);
    capture.packet(Client, "A", asked.as_bytes());
    capture.packet(Server, "A", switching(&format!("{UPGRADE}{ACCEPT}")).as_bytes());
    capture.close();
    tells(&capture, &["handshake: server 401", "verdict: clean client"], 0);
}

/// The verdict is about the last request, but those before it are told, too.
#[test]
fn requests_that_were_refused_before_are_told() {
    let asked = request(&format!("{UPGRADE}{KEY}"));
    let refusal = |status| format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n");
    let mut capture = opening(&asked, &refusal(503));
    for status in [404, 503, 404, 403] {
        capture.packet(Client, "A", asked.as_bytes());
        capture.packet(Server, "A", refusal(status).as_bytes());
    }
    let refused = "handshake: server 403";
    let before = ["handshake: server 503", "handshake: server 404"];
    let verdict = "verdict: never-opened server refused";
    tells(&leave(capture, Server), &[refused, before[0], before[1], verdict], 1);
}

#[test]
fn a_subprotocol_that_is_not_chosen_is_told() {
    let asked = request(&format!("{UPGRADE}{KEY}Sec-WebSocket-Protocol: a, b\r\n"));
    let answer = switching(&format!("{UPGRADE}{ACCEPT}"));
    let declined = "handshake: server [\"a\",\"b\"]";
    let mut capture = opening(&asked, &answer);
    capture.close();
    tells(&capture, &[declined, "verdict: clean client"], 0);
    let left = leave(opening(&asked, &answer), Client);
    let violation = "violation: client eof-without-close";
    let verdict = "verdict: abnormal client without-close";
    let text = tells(&left, &[declined, violation, verdict], 1);
    assert!(text.contains("a likely reason: the server chose none"), "{text}");
}

#[test]
fn strict_counts_what_cannot_be_judged() {
    let mut capture = Capture::open("");
    capture.close();
    assert_eq!(check(&["--strict"], &capture.file).1, 0);
    // Another connection, from the middle on.
    (capture.port, capture.seq) = (40_001, [1_000, 9_000]);
    capture.frame(Client, TEXT, b"hi");
    assert_eq!(check(&[], &capture.file).1, 0);
    assert_eq!(check(&["--strict"], &capture.file).1, 2);
}

/// What it refused is in the bytes of the client, which the capture does not have.
#[test]
fn nobody_is_blamed_if_only_one_endpoint_was_captured() {
    for code in [1000_u16, 1002, 1003, 1007, 1009] {
        let answer = switching(&format!("{UPGRADE}{ACCEPT}"));
        let close = [&b"\x88\x02"[..], &code.to_be_bytes()].concat();
        let mut capture = Capture::new();
        capture.packet(Server, "SA", b"").packet(Server, "A", answer.as_bytes());
        capture.packet(Server, "A", b"\x81\x05Hello").packet(Server, "A", &close);
        capture.packet(Server, "FA", b"");
        let text = tells(&capture, &["verdict: open"], 0);
        assert!(text.contains("unknown how it was closed"), "{text}");
    }
}

/// References to data outside of a window of fewer bits are not judged, so the code may be right.
#[test]
fn a_small_window_leaves_open_whether_a_refusal_is_right() {
    for (bits, expected, status) in
        [(9, "verdict: clean client", 0), (15, "verdict: wrongly-refused client", 1)]
    {
        let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
        let answer = format!(
            "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits={bits}\r\n"
        );
        let mut capture = opening(
            &request(&format!("{UPGRADE}{KEY}{offer}")),
            &switching(&format!("{UPGRADE}{ACCEPT}{answer}")),
        );
        capture.packet(Server, "A", b"\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00");
        capture.packet(Client, "A", b"\x88\x82\0\0\0\0\x03\xEF");
        capture.packet(Server, "A", b"\x88\x02\x03\xEF");
        tells(&leave(capture, Server), &[expected], status);
    }
}

/// A request, two frames of the client, and the response with 101.
fn hasty() -> (Vec<u8>, Vec<u8>, String) {
    let data = b"\x81\x81\0\0\0\0a\x82\x80\0\0\0\0".to_vec();
    let asked = request(&format!("{UPGRADE}{KEY}")).into_bytes();
    (asked, data, switching(&format!("{UPGRADE}{ACCEPT}")))
}

const HASTY: [&str; 2] = ["handshake: client data-before-response", "verdict: open"];

/// RFC 6455 §4.1: the client waits for the response before it sends data.
#[test]
fn data_before_the_response_is_found_at_every_cut() {
    let (asked, data, answer) = hasty();
    let client = [&asked[..], &data].concat();
    for before in asked.len()..=client.len() {
        for cut in [asked.len() / 2, asked.len(), before] {
            let mut capture = opening("", "");
            capture.packet(Client, "A", &client[..cut]).packet(Client, "A", &client[cut..before]);
            capture.packet(Server, "A", answer.as_bytes());
            capture.packet(Client, "A", &client[before..]);
            let expected = if before > asked.len() { &HASTY[..] } else { &HASTY[1..] };
            tells(&capture, expected, i32::from(before > asked.len()));
        }
    }
    for begun in 1..answer.len() {
        let mut capture = opening("", "");
        capture.packet(Client, "A", &asked).packet(Server, "A", &answer.as_bytes()[..begun]);
        capture.packet(Client, "A", &data).packet(Server, "A", &answer.as_bytes()[begun..]);
        assert_eq!(told(&check(&["--json"], &capture.file).0), ["verdict: open"], "{begun}");
    }
}

#[test]
fn what_may_be_in_another_order_is_not_called_early() {
    let (asked, data, answer) = hasty();
    let len = answer.len() as u32;
    // The client has acknowledged the response, which the capture has later.
    let mut capture = opening("", "");
    capture.packet(Client, "A", &asked);
    capture.seq[1] += len;
    capture.packet(Client, "A", &data);
    capture.seq[1] -= len;
    capture.packet(Server, "A", answer.as_bytes());
    tells(&capture, &["verdict: open"], 0);
    // The second part of the response is captured first.
    let mut capture = opening("", "");
    capture.packet(Client, "A", &asked);
    capture.seq[1] += 10;
    capture.packet(Server, "A", &answer.as_bytes()[10..]);
    capture.seq[1] = 9_001;
    capture.packet(Client, "A", &data).packet(Server, "A", &answer.as_bytes()[..10]);
    tells(&capture, &["verdict: open"], 0);
    // The capture has no SYN, so it is not known what of the server came before.
    let mut capture = Capture::new();
    capture.packet(Client, "A", &asked).packet(Client, "A", &data);
    capture.packet(Server, "A", answer.as_bytes());
    tells(&capture, &["verdict: open"], 0);
    // A retransmission of the request, after the response.
    let mut capture = opening("", "");
    capture.packet(Client, "A", &asked).packet(Server, "A", answer.as_bytes());
    capture.seq[0] -= asked.len() as u32;
    capture.packet(Client, "A", &asked).packet(Client, "A", &data);
    tells(&capture, &["verdict: open"], 0);
}

#[test]
fn early_data_counts_only_before_a_101_and_its_interim_responses() {
    let (asked, data, answer) = hasty();
    let early = |before: &str, answers: &[&str]| {
        let mut capture = opening("", "");
        capture.packet(Client, "A", &asked);
        if !before.is_empty() {
            capture.packet(Server, "A", before.as_bytes());
        }
        capture.packet(Client, "A", &data);
        for answer in answers {
            capture.packet(Server, "A", answer.as_bytes());
        }
        told(&check(&["--json"], &capture.file).0).concat()
    };
    let hints = "HTTP/1.1 103 Early Hints\r\n\r\n";
    let is_early = |told: &str| told.contains("data-before-response");
    assert!(is_early(&early("", &[&answer])));
    assert!(is_early(&early("", &[hints, &answer])));
    assert!(!is_early(&early(hints, &[&answer])));
    for refusal in ["403 Forbidden", "200 OK", "302 Found"] {
        assert!(!is_early(&early("", &[&format!("HTTP/1.1 {refusal}\r\n\r\n")])), "{refusal}");
    }
    assert!(!is_early(&early("", &[])));
    // The bytes are the start of the next request.
    let mut capture = opening("", "");
    capture.packet(Client, "A", &asked).packet(Client, "A", &asked[..20]);
    capture.packet(Server, "A", b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    let refused = told(&check(&["--json"], &capture.file).0).concat();
    assert!(!is_early(&refused) && refused.contains("never-opened"), "{refused}");
    // The bytes are the body of the request.
    for body in ["Content-Length: 13\r\n", "Transfer-Encoding: chunked\r\n"] {
        let asked = request(&format!("{UPGRADE}{KEY}{body}"));
        let mut capture = opening(&asked, "");
        capture.packet(Client, "A", &data).packet(Server, "A", answer.as_bytes());
        let told = told(&check(&["--json"], &capture.file).0).concat();
        assert!(!is_early(&told), "{told}");
    }
}

#[test]
fn the_text_about_early_data_says_what_to_do() {
    let (asked, data, answer) = hasty();
    let mut capture = opening("", "");
    capture.packet(Client, "A", &[asked, data].concat()).packet(Server, "A", answer.as_bytes());
    let text = tells(&capture, &HASTY, 1);
    for expected in [
        "the client must wait for the response before it sends data",
        "a server that notices it may refuse the request with HTTP 400",
    ] {
        assert!(text.contains(expected), "{text}");
    }
}
