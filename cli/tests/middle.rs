//! Connections that begin in the middle, of which one direction was captured, or that go on in the next
//! capture: generated captures, judged from the capture and again from the JSON lines.

mod common;

use common::capture::{CLOSE, Capture, TEXT, all_lines, check, lines};
use serde_json::Value;
use wsvet::Role;

use Role::{Client, Server};

const BINARY: u8 = 0x82;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

/// The frames, the violations, the verdicts and what was not judged, in few words, and the exit status.
fn told(json: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
    let told = |line: &Value| {
        let of =
            |keys: &[&str]| keys.iter().map(|key| text(&line[*key])).collect::<Vec<_>>().join(" ");
        Some(match line["event"].as_str()? {
            "connection" if !line["uncertain"].is_null() => {
                let doubt = &line["uncertain"];
                format!("uncertain {} {} {}", text(&doubt["why"]), doubt["client"], doubt["server"])
            }
            "connection" => "connection".to_owned(),
            "frame" => of(&["from", "opcode", "payload_len"]),
            "violation" => of(&["from", "rule", "offset"]),
            "finding" => of(&["by", "rule"]),
            "verdict" => of(&["outcome", "code"]),
            "unjudged" => of(&["event", "why"]),
            _ => return None,
        })
    };
    lines(json).iter().filter_map(told).collect()
}

/// Judges a capture, and its JSON lines, and checks what is told and the exit status.
#[track_caller]
fn tells(args: &[&str], capture: &Capture, expected: &[&str], status: i32) -> String {
    let args = [&["--json", "--payload"], args].concat();
    let (json, actual) = check(&args, &capture.file);
    assert_eq!((told(&json), actual), (expected.iter().map(|is| is.to_string()).collect(), status));
    let (again, actual) = check(&["--json", "--payload"], json.as_bytes());
    assert_eq!((told(&again), actual), (told(&json), status), "from the JSON lines");
    json
}

/// The capture begins after the opening handshake.
fn begun() -> Capture {
    Capture::new()
}

#[test]
fn a_connection_is_judged_from_its_first_plausible_frames() {
    let mut capture = begun();
    capture.frame(Client, TEXT, b"hello").frame(Server, TEXT, b"and hello to you");
    capture.close();
    let frames = ["client 1 5", "server 1 16", "client 8 2", "server 8 2"];
    let all = [&["uncertain begun-before-capture 0 0"], &frames[..], &["clean 1000"]].concat();
    let json = tells(&[], &capture, &all, 0);
    assert_eq!(lines(&json)[1]["packet"], 1, "{json}");
    let (text, _) = check(&[], &capture.file);
    let says = "begins in the middle: judged from byte 0 of the client's bytes and byte 0 of the server's, the \
                first plausible frame boundaries; compression and the subprotocol are unknown";
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(says), "{text}");
    assert!(
        flat.contains("nothing is broken in what could be judged; 1 connection lacks"),
        "{text}"
    );
}

/// The capture begins inside a frame of each endpoint, and the frames are in segments with others.
#[test]
fn the_rest_of_a_frame_is_skipped() {
    let mut capture = begun();
    capture.packet(Server, "A", &[b'x'; 700]);
    capture.packet(Client, "A", b"the rest of a frame");
    capture.frame(Client, TEXT, b"hello").frame(Server, BINARY, &[7; 100]);
    capture.frame(Client, PING, b"1").frame(Server, PONG, b"1").close();
    let frames =
        ["client 1 5", "server 2 100", "client 9 1", "server 10 1", "client 8 2", "server 8 2"];
    let all = [&["uncertain begun-before-capture 19 700"], &frames[..], &["clean 1000"]].concat();
    tells(&[], &capture, &all, 0);
    // No segment starts with a frame.
    let mut bytes = b"ends here".to_vec();
    for text in ["one of them", "two of them", "three of them", "four of them", "five"] {
        bytes.extend(common::frame(
            Server,
            wsvet::Header::new(wsvet::OpCode::Text, text.len() as u64),
            text.as_bytes(),
        ));
    }
    let mut capture = begun();
    bytes.chunks(6).for_each(|piece| {
        capture.packet(Server, "A", piece);
    });
    capture.frame(Client, TEXT, b"yes, that is so");
    let json = check(&["--json"], &capture.file).0;
    // The first header that is found may be chance.
    assert_eq!(told(&json)[0], "uncertain begun-before-capture 0 22", "{json}");
    assert_eq!(told(&json).iter().filter(|line| line.starts_with("server 1")).count(), 4);
}

#[test]
fn nobody_is_blamed_for_what_is_not_known() {
    // A message that began before, and RSV bits of an extension.
    let mut capture = begun();
    capture.frame(Client, 0, b"of a message").frame(Client, PING, b"x").frame(Client, 0x80, b"end");
    capture
        .frame(Client, TEXT, b"hello")
        .frame(Server, 0xC1, b"\xFF\xFE")
        .frame(Server, PONG, b"x");
    capture.frame(Server, 0xC2, b"\x01\x02");
    capture.close();
    let frames =
        ["client 1 5", "server 1 2", "server 10 1", "server 2 2", "client 8 2", "server 8 2"];
    let all = [&["uncertain begun-before-capture 34 0"], &frames[..], &["clean 1000"]].concat();
    tells(&[], &capture, &all, 0);
    // A refusal of what came before, or of what the subprotocol does not allow.
    let mut capture = begun();
    capture.frame(Client, BINARY, b"hello").frame(Client, BINARY, b"hello");
    capture.frame(Server, CLOSE, b"\x03\xEBtext only").frame(Client, CLOSE, b"\x03\xEB");
    capture.packet(Server, "FA", b"").packet(Client, "FA", b"");
    let frames = ["client 2 5", "client 2 5", "server 8 11", "client 8 2"];
    let all = [&["uncertain begun-before-capture 0 0"], &frames[..], &["clean 1003"]].concat();
    tells(&[], &capture, &all, 0);
    // The user knows what the server accepts.
    let (json, status) = check(&["--json", "--server-accepts", "text"], &capture.file);
    assert!(json.contains("\"outcome\":\"refused\"") && status == 1, "{json}");
    // The Close of the server was perhaps sent before.
    let mut capture = begun();
    capture.frame(Client, TEXT, b"hello").frame(Client, TEXT, b"hello").frame(
        Client,
        CLOSE,
        b"\x03\xE8",
    );
    capture.packet(Server, "FA", b"").packet(Client, "FA", b"");
    let frames = ["client 1 5", "client 1 5", "client 8 2", "open null"];
    let all = [&["uncertain begun-before-capture 0 null"], &frames[..]].concat();
    tells(&[], &capture, &all, 0);
}

#[test]
fn what_is_certain_is_told() {
    let mut capture = begun();
    capture
        .frame(Client, TEXT, b"hello")
        .frame(Server, TEXT, b"hello")
        .frame(Client, TEXT, b"hello");
    capture.frame(Server, TEXT, b"\xC3\x28");
    capture.frame(Client, CLOSE, b"\x03\xEF").frame(Server, CLOSE, b"\x03\xEF");
    capture.packet(Server, "FA", b"").packet(Client, "FA", b"");
    let all = [
        "uncertain begun-before-capture 0 0",
        "client 1 5",
        "server 1 5",
        "client 1 5",
        "server invalid-utf8 10",
        "client 8 2",
        "refused 1007",
    ];
    tells(&[], &capture, &all, 1);
}

#[test]
fn one_direction_is_judged_alone() {
    // From the middle on.
    for (from, doubt) in [(Client, "0 null"), (Server, "null 0")] {
        let mut capture = begun();
        capture
            .frame(from, TEXT, b"hello")
            .frame(from, TEXT, b"how are you")
            .frame(from, TEXT, b"bye");
        capture.frame(from, CLOSE, b"\x03\xE8").packet(from, "FA", b"");
        let doubt = format!("uncertain begun-before-capture {doubt}");
        let frames = ["1 5", "1 11", "1 3", "8 2"].map(|frame| format!("{from} {frame}"));
        let mut all = vec![doubt.as_str()];
        all.extend(frames.iter().map(String::as_str));
        all.push("open null");
        tells(&[], &capture, &all, 0);
    }
    // With the part of the opening handshake.
    let mut whole = Capture::open("");
    whole.frame(Client, TEXT, b"hello").frame(Server, TEXT, b"hello").close();
    for (from, doubt) in [(Client, "answer-missing 0 null"), (Server, "request-missing null 0")] {
        let capture = only(&whole, from);
        let doubt = format!("uncertain {doubt}");
        let frames = ["1 5", "8 2"].map(|frame| format!("{from} {frame}"));
        tells(&[], &capture, &[&doubt, &frames[0], &frames[1], "open null"], 0);
    }
    // One direction without a frame.
    let mut capture = begun();
    capture.packet(Server, "A", b"something else that goes on for a while");
    tells(&[], &capture, &["unjudged one-direction"], 2);
}

/// Returns the packets of one endpoint.
fn only(capture: &Capture, from: Role) -> Capture {
    let mut one = Capture::new();
    let mut rest = &capture.file[24..];
    while !rest.is_empty() {
        let len = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let (packet, after) = rest.split_at(16 + len);
        // The last byte of the source address.
        if packet[16 + 15] == 1 + from as u8 {
            one.file.extend(packet);
        }
        rest = after;
    }
    one
}

/// The capture begins between the request and the answer.
#[test]
fn the_answer_alone_tells_what_was_agreed() {
    let whole = Capture::open("mqtt");
    let mut capture = Capture::new();
    capture.seq = whole.seq;
    let accept = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: mqtt\r\n\
                  Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    let answer = format!("HTTP/1.1 101 Switching Protocols\r\n{accept}\r\n");
    capture.packet(Server, "A", answer.as_bytes());
    capture.frame(Client, TEXT, b"no").close();
    let all = [
        "uncertain request-missing 0 0",
        "client unsupported-data 0",
        "server 8 2",
        "let-pass 1000",
    ];
    let args = ["--json", "--payload"];
    let (json, status) = check(&args, &capture.file);
    let told = told(&json);
    assert_eq!((told[0].as_str(), told[1].as_str(), status), (all[0], all[1], 1), "{told:?}");
}

#[test]
fn the_user_may_name_the_port() {
    // Too little to be taken for frames.
    let mut capture = begun();
    capture.frame(Client, BINARY, b"\x01\x02");
    assert_eq!(check(&[], &capture.file).1, 2);
    let all = ["uncertain begun-before-capture 0 null", "client 2 2", "open null"];
    tells(&["--port", "80"], &capture, &all, 0);
    // The client does not mask.
    let mut capture = begun();
    capture.packet(Client, "A", b"\x81\x02hi").packet(Client, "A", b"\x81\x02hi");
    capture.packet(Server, "A", b"\x81\x02hi");
    let (json, status) = check(&["--json", "--port", "80"], &capture.file);
    assert!(told(&json).contains(&"client unmasked-client-frame 1".to_owned()), "{json}");
    assert_eq!(status, 1);
    // Other ports are not concerned.
    assert_eq!(check(&["--port", "81"], &capture.file).1, 2);
    // Frames from the first byte of TCP on.
    let mut capture = Capture::new();
    capture.packet(Client, "S", b"").packet(Server, "SA", b"");
    capture.frame(Client, TEXT, b"hello").frame(Server, TEXT, b"hello").close();
    tells(&[], &capture, &["unjudged not-http"], 2);
    let all = ["uncertain begun-before-capture 0 0", "client 1 5", "server 1 5", "client 8 2"];
    tells(&["--port", "80"], &capture, &[&all[..], &["server 8 2", "clean 1000"]].concat(), 0);
}

/// A connection between the same endpoints follows one that begins in the middle.
#[test]
fn another_connection_may_follow() {
    let mut capture = begun();
    capture.frame(Client, TEXT, b"hello").frame(Server, TEXT, b"hello").frame(Client, TEXT, b"bye");
    capture.seq = [77_000_000, 88_000_000];
    capture.upgrade("");
    capture.close();
    let all = [
        "uncertain begun-before-capture 0 0",
        "client 1 5",
        "server 1 5",
        "client 1 3",
        "open null",
        "connection",
        "client 8 2",
        "server 8 2",
        "clean 1000",
    ];
    tells(&[], &capture, &all, 0);
}

/// Cuts a capture into two before its packet with this index.
fn cut(file: &[u8], at: usize) -> [Vec<u8>; 2] {
    let mut end = 24;
    for _ in 0..at {
        let len = u32::from_le_bytes(file[end + 8..end + 12].try_into().unwrap());
        end += 16 + len as usize;
    }
    [file[..end].to_vec(), [&file[..24], &file[end..]].concat()]
}

#[test]
fn a_connection_goes_on_in_the_next_capture_of_a_rotation() {
    let dir = tempfile::tempdir().unwrap();
    let run = |files: &[Vec<u8>]| {
        let paths: Vec<_> = (0..files.len())
            .map(|index| dir.path().join(format!("{index}.pcap")).to_str().unwrap().to_owned())
            .collect();
        for (path, file) in paths.iter().zip(files) {
            std::fs::write(path, file).unwrap();
        }
        let args: Vec<_> =
            ["check", "--json"].into_iter().chain(paths.iter().map(String::as_str)).collect();
        let output = common::run(&args, b"");
        let json = String::from_utf8(output.stdout).unwrap();
        (told(&json), output.status.code().unwrap(), json)
    };
    let mut whole = Capture::open("");
    for index in 0..5 {
        whole
            .wait(100)
            .frame(Client, TEXT, format!("{index}").as_bytes())
            .frame(Server, PING, b"1");
        whole.frame(Client, PONG, b"1");
    }
    whole.close();
    let (expected, status, _) = run(&[whole.file.clone()]);
    // Within the handshake, between frames, and within the end.
    for at in 1..22 {
        let files = cut(&whole.file, at);
        let (told, actual, json) = run(&files);
        assert_eq!((told, actual), (expected.clone(), status), "cut before packet {at}");
        let of = |name: &str| json.matches(&format!("{name}.pcap\"")).count();
        assert!(of("0") + of("1") == all_lines(&json).len() && of("1") > 0, "{json}");
    }
    // In three pieces, with the last bytes repeated.
    let [first, rest] = cut(&whole.file, 9);
    let [second, third] = cut(&rest, 4);
    assert_eq!(run(&[first.clone(), second, third]).0, expected);
    // Another time order, another sequence number, a SYN: they are separate.
    let [first, second] = cut(&whole.file, 9);
    assert_ne!(run(&[second.clone(), first.clone()]).0, expected);
    let mut later = Capture::new();
    later.seq = [55_000_000, 66_000_000];
    later.wait(10_000).frame(Client, TEXT, b"hello").frame(Server, TEXT, b"hello").close();
    let (told, ..) = run(&[first.clone(), later.file.clone()]);
    assert_eq!(told.iter().filter(|line| line.starts_with("uncertain")).count(), 1, "{told:?}");
    let mut again = Capture::new();
    again.wait(10_000).upgrade("");
    again.close();
    let (told, ..) = run(&[first, again.file]);
    assert_eq!(told.iter().filter(|line| *line == "connection").count(), 2, "{told:?}");
}
