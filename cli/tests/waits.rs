//! What did not happen in time: generated captures with times, judged from the capture and again from
//! the JSON lines.

mod common;

use common::capture::{CLOSE, Capture, TEXT, check, lines};
use serde_json::Value;
use wsvet::Role;

use Role::{Client, Server};

const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

/// The findings of a capture as JSON, without the names of the input.
fn of_lines(text: &str) -> Vec<Value> {
    let mut found = lines(text);
    found.retain(|line| line["event"] == "finding" || line["event"] == "verdict");
    for line in &mut found {
        line.as_object_mut().unwrap().remove("input");
        line["gap"] = Value::Null; // the lines have no payloads
    }
    found
}

/// Judges a capture, and its JSON lines with and without payloads, and checks the findings: each as
/// `rule by count`.
#[track_caller]
fn finds(capture: &Capture, expected: &[&str]) -> String {
    let (text, status) = check(&[], &capture.file);
    for args in [&["--json"][..], &["--json", "--payload"]] {
        let (json, json_status) = check(args, &capture.file);
        assert_eq!(json_status, status, "{text}");
        let (again, again_status) = check(args, json.as_bytes());
        assert_eq!(of_lines(&again), of_lines(&json));
        assert_eq!(again_status, status, "{again}");
        let found: Vec<_> = lines(&json)
            .iter()
            .filter(|line| line["event"] == "finding")
            .map(|line| {
                let [rule, by] = ["rule", "by"].map(|key| line[key].as_str().unwrap());
                format!("{rule} {by} {}", line["count"])
            })
            .collect();
        assert_eq!(found, expected, "{text}");
    }
    assert_eq!(status, i32::from(!expected.is_empty()), "{text}");
    for finding in expected {
        let rule = finding.split(' ').next().unwrap();
        assert!(text.contains(&format!("✗ {rule}: ")), "{text}");
        assert!(!text.contains("nothing is broken"), "{text}");
    }
    // Paragraphs are wrapped.
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn says(text: &str, phrases: &[&str]) {
    for phrase in phrases {
        assert!(text.contains(phrase), "'{phrase}' is not in: {text}");
    }
}

/// A SYN with the same ports proves that the connection before it has ended, but not when.
#[test]
fn a_connection_whose_ports_are_used_again_was_not_left_open() {
    let closed = || {
        let mut capture = Capture::open("");
        capture.frame(Client, CLOSE, b"\x03\xE8").frame(Server, CLOSE, b"\x03\xE8").wait(100_000);
        capture
    };
    let mut again = closed();
    again.seq = [5_000_000, 7_000_000];
    again.upgrade("");
    again.close();
    finds(&again, &[]);
    let mut alive = closed();
    alive.packet(Server, "FA", b"").packet(Client, "FA", b"");
    finds(&alive, &["server-left-open server 1"]);
}

#[test]
fn pings_that_the_client_never_answers() {
    let mut capture = Capture::open("");
    capture.frame(Client, TEXT, b"hello").wait(20_000).frame(Server, PING, b"a");
    capture.wait(10_000).frame(Client, TEXT, b"still here").wait(10_000).frame(Server, PING, b"b");
    capture.wait(20_000).frame(Server, CLOSE, b"\x03\xF3keepalive ping timeout");
    capture.frame(Client, CLOSE, b"\x03\xF3").packet(Server, "FA", b"").packet(Client, "FA", b"");
    let text = finds(&capture, &["unanswered-ping client 2"]);
    says(
        &text,
        &[
            "the client did not answer 2 pings from the server, the first of which waited 40.00 s",
            "the client is at fault (RFC 6455 §5.5.2)",
            "Keep reading from the connection",
            "✗ 1 duty was neglected",
        ],
    );
}

#[test]
fn pongs_with_other_data() {
    let mut capture = Capture::open("");
    for second in 0..3u8 {
        capture.frame(Server, PING, &[second]).wait(50).frame(Client, PONG, b"pong").wait(5_000);
    }
    capture.close();
    let text = finds(&capture, &["unanswered-ping client 3"]);
    says(&text, &["; the client sent 3 pongs with other data, which answer nothing"]);
    // Beside Pings that are answered, other Pongs are nobody's business.
    let mut capture = Capture::open("");
    capture.frame(Client, PONG, b"unsolicited").frame(Server, PING, b"a").wait(40);
    capture.frame(Client, PONG, b"a").wait(9_000).frame(Client, PONG, b"unsolicited").close();
    let text = finds(&capture, &[]);
    assert!(!text.contains("other data"), "{text}");
    says(&text, &["1 ping was answered in 40.0 ms", "nothing is broken"]);
}

#[test]
fn pings_that_need_no_answer() {
    let mut capture = Capture::open("");
    capture.frame(Client, TEXT, b"hi").frame(Server, PING, b"a").wait(900).close();
    let text = finds(&capture, &[]);
    says(&text, &["1 ping from the server was never answered (sent 900.0 ms before the end)"]);
    // Only the newest is answered.
    let mut capture = Capture::open("");
    capture.frame(Server, PING, b"a").frame(Server, PING, b"b").wait(900);
    capture.frame(Client, TEXT, b"hi").frame(Client, PONG, b"b").wait(90_000).close();
    finds(&capture, &[]);
    // Only the direction of the server was captured.
    let mut capture = Capture::open("");
    capture.frame(Server, PING, b"a").wait(60_000).frame(Server, PING, b"b").wait(60_000);
    capture.frame(Server, TEXT, b"hi");
    let text = finds(&capture, &[]);
    says(
        &text,
        &["2 pings from the server were never answered; no frame from the client was seen"],
    );
}

#[test]
fn a_host_that_is_gone_is_not_blamed() {
    let mut capture = Capture::open("");
    capture.frame(Client, TEXT, b"hi").wait(20_000).frame(Server, PING, b"a");
    capture.wait(20_000).frame(Server, PING, b"b").wait(20_000).frame(Server, TEXT, b"hi");
    let text = finds(&capture, &[]);
    says(
        &text,
        &[
            "2 pings from the server were never answered",
            "not even an acknowledgement of TCP: its host or the network was gone",
        ],
    );
    // It acknowledges the first, and is gone then.
    let mut capture = Capture::open("");
    capture.frame(Client, TEXT, b"hi").wait(20_000).frame(Server, PING, b"a").wait(1);
    capture.packet(Client, "A", b"").wait(20_000).frame(Server, PING, b"b").wait(20_000);
    capture.frame(Server, CLOSE, b"\x03\xF3");
    finds(&capture, &["unanswered-ping client 1"]);
}

#[test]
fn an_answer_may_be_in_a_gap() {
    let mut capture = Capture::open("");
    capture.frame(Client, TEXT, b"hi").frame(Server, PING, b"a").wait(40);
    capture.seq[0] += 7; // the Pong was not captured
    capture.wait(9_000).frame(Client, TEXT, b"more").wait(9_000).frame(Server, TEXT, b"hi");
    let (text, status) = check(&[], &capture.file);
    assert_eq!(status, 0, "{text}");
    assert!(!text.contains('✗'), "{text}");
}

#[test]
fn without_times_nothing_is_late() {
    let lines = r#"
        {"event":"frame","from":"server","opcode":"ping","text":"a"}
        {"event":"frame","from":"client","opcode":"text","text":"hi"}
        {"event":"frame","from":"client","opcode":"close","close_code":1000}
        {"event":"frame","from":"server","opcode":"close","close_code":1000}
    "#;
    let (text, status) = check(&[], lines.as_bytes());
    says(&text, &["1 ping from the server was never answered"]);
    assert!(status == 0 && !text.contains('✗'), "{text}");
    // The same lines with times, and without a verdict: those of another program.
    let timed = lines.replacen("\"from\"", "\"time\":1.5,\"from\"", 1).replacen(
        "\"frame\",\"from\":\"client\",\"opcode\":\"text\"",
        "\"frame\",\"time\":9.5,\"from\":\"client\",\"opcode\":\"text\"",
        1,
    );
    let (text, status) = check(&[], timed.as_bytes());
    assert!(status == 1 && text.contains("✗ unanswered-ping: "), "{text}");
    // After a violation the lines of a run lack frames. Without its verdict, nobody is blamed.
    let broken =
        r#"{"event":"violation","from":"client","offset":0,"rule":"reserved-bits","time":2}"#;
    let (text, _) = check(&[], format!("{broken}\n{timed}").as_bytes());
    assert!(!text.contains("unanswered-ping"), "{text}");
}

#[test]
fn tcp_that_the_server_leaves_open() {
    let closes = || {
        let mut capture = Capture::open("");
        capture.frame(Client, TEXT, b"hi").frame(Client, CLOSE, b"\x03\xE8").wait(10);
        capture.frame(Server, CLOSE, b"\x03\xE8");
        capture
    };
    let mut capture = closes();
    capture.wait(10_000).packet(Client, "FA", b"").packet(Server, "FA", b"");
    let text = finds(&capture, &["server-left-open server 1"]);
    says(
        &text,
        &[
            "the server left the TCP connection open for 10.00 s after both Close frames",
            "the server is at fault (RFC 6455 §7.1.1)",
        ],
    );
    // It is clean if either end closes within 2 s, or the capture ends.
    finds(&closes(), &[]);
    for from in [Client, Server] {
        for flags in ["FA", "RA"] {
            let mut capture = closes();
            capture.wait(1_900).packet(from, flags, b"").wait(60_000).packet(from.peer(), "A", b"");
            finds(&capture, &[]);
        }
    }
    // The capture goes on with another connection.
    let mut capture = closes();
    (capture.port, capture.seq) = (40_001, [1_000, 9_000]);
    capture.wait(10_000).upgrade("");
    capture.close();
    finds(&capture, &["server-left-open server 1"]);
}

#[test]
fn a_silence_before_the_end_is_told() {
    let silent = |gap: u64, silence: u64| {
        let mut capture = Capture::open("");
        capture.frame(Client, TEXT, b"hi").wait(gap).frame(Server, TEXT, b"hi").wait(silence);
        capture.packet(Server, "FA", b"").packet(Client, "FA", b"");
        let (text, _) = check(&[], &capture.file);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    says(
        &silent(1_000, 600_400),
        &[
            "after 10 min 0 s of silence",
            "AWS's API Gateway",
            "send pings more often than that, or raise the limit",
        ],
    );
    says(&silent(1_000, 60_000), &["after 1 min 0 s of silence", "nginx (proxy_read_timeout)"]);
    for (silence, name) in
        [(30_000, "Google Cloud"), (55_900, "Heroku"), (99_100, "Cloudflare"), (350_000, "AWS")]
    {
        says(&silent(1_000, silence), &[name]);
    }
    let text = silent(1_000, 45_000);
    says(&text, &["after 45.00 s of silence"]);
    assert!(!text.contains("usual"), "{text}");
    for (gap, silence) in [(1_000, 4_900), (20_100, 60_000)] {
        let text = silent(gap, silence);
        assert!(!text.contains("silence"), "{text}");
    }
    // Before a Close, too.
    let mut capture = Capture::open("");
    capture.frame(Client, TEXT, b"hi").wait(20_000).close();
    says(&finds(&capture, &[]), &["after 20.00 s of silence"]);
}

#[test]
fn a_close_without_a_code_is_told_as_1005() {
    let mut capture = Capture::open("");
    capture.frame(Client, CLOSE, b"").frame(Server, CLOSE, b"");
    let text = finds(&capture, &[]);
    says(
        &text,
        &[
            "the client sent a Close without a code: the application of the server is told 1005",
            "the server sent a Close without a code: the application of the client is told 1005",
        ],
    );
}

#[test]
fn codes_of_a_subprotocol_are_named() {
    let closed = |subprotocol: &str, code: u16| {
        let mut capture = Capture::open(subprotocol);
        capture.frame(Server, CLOSE, &code.to_be_bytes());
        capture.frame(Client, CLOSE, &code.to_be_bytes()).packet(Server, "FA", b"");
        finds(&capture, &[])
    };
    says(
        &closed("graphql-transport-ws", 4429),
        &["in graphql-transport-ws: Too Many Initialisation Requests"],
    );
    says(&closed("obswebsocket.json", 4009), &["in obswebsocket.json: Authentication Failed"]);
    for (subprotocol, code) in [("", 4429), ("graphql-ws", 4429), ("graphql-transport-ws", 1000)] {
        let text = closed(subprotocol, code);
        assert!(!text.contains(": Too Many"), "{text}");
    }
}

#[test]
fn findings_are_on_the_page() {
    let mut capture = Capture::open("");
    capture.frame(Client, CLOSE, b"\x03\xE8").frame(Server, CLOSE, b"\x03\xE8").wait(10_000);
    capture.packet(Client, "FA", b"");
    let page = concat!(env!("CARGO_TARGET_TMPDIR"), "/waits.html");
    let (_, status) = check(&["--html", page], &capture.file);
    assert_eq!(status, 1);
    let html = std::fs::read_to_string(page).unwrap();
    for part in [
        "✗ server-left-open",
        "href=\"#rfc6455-7.1.1\"",
        "id=\"rfc6455-7.1.1\"",
        "holds the TIME_WAIT state",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

#[test]
fn a_reset_right_after_ones_own_close_is_told() {
    let told = "reset the connection right after its Close";
    let closed = || {
        let mut capture = Capture::open("");
        capture.frame(Client, CLOSE, b"\x03\xE8").frame(Server, CLOSE, b"\x03\xE8");
        capture
    };
    let text = |capture: &Capture| {
        let (text, _) = check(&[], &capture.file);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    for by in [Client, Server] {
        let mut capture = closed();
        capture.packet(by, "R", b"");
        assert!(text(&capture).contains(&format!("the {by} {told}")));
        let mut capture = closed();
        capture.packet(by.peer(), "FA", b"").packet(by, "R", b"");
        assert!(!text(&capture).contains(told), "the peer has read all");
        let mut capture = closed();
        capture.wait(1_500).packet(by, "R", b"");
        assert!(!text(&capture).contains(told), "there was time");
    }
}
