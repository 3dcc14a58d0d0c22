//! The complete output of the tool, and its exit status.
//!
//! The expected outputs are in `tests/output`. After an intended change, accept the new outputs with
//! `WSVET_BLESS=1 cargo test -p wsvet-cli --test tool`, and read the diff.

mod common;

use std::path::Path;
use std::process::{Command, Stdio};

use common::run;
use similar_asserts::SimpleDiff;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Compares the output with `tests/output/NAME`, or writes this file if WSVET_BLESS is set.
#[track_caller]
fn expect(name: &str, actual: &str) {
    expect_file(&Path::new(ROOT).join("tests/output").join(name), actual);
}

/// Compares the output with a file, or writes the file if WSVET_BLESS is set.
#[track_caller]
fn expect_file(path: &Path, actual: &str) {
    if std::env::var_os("WSVET_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        actual == expected,
        "{} differs from the output:\n{}\nto accept the output, run: WSVET_BLESS=1 cargo test -p \
         wsvet-cli --test tool",
        path.display(),
        SimpleDiff::from_str(&expected, actual, "expected file", "output")
    );
}

/// Returns the text that a run prints on both streams, and its exit status.
fn transcript(args: &[&str], input: &[u8]) -> String {
    let output = run(args, input);
    let out = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    let status = output.status.code().unwrap_or_else(|| panic!("{args:?}: ended by a signal"));
    assert!(!err.contains("panicked"), "{args:?}: {err}");
    format!("$ wsvet {}\n{out}{err}[exit status {status}]\n", args.join(" "))
}

#[test]
fn help() {
    expect("help.txt", &transcript(&["help"], b""));
    expect("help-check.txt", &transcript(&["help", "check"], b""));
    expect("help-probe.txt", &transcript(&["help", "probe"], b""));
    #[cfg(unix)]
    expect("help-tap.txt", &transcript(&["help", "tap"], b""));
}

/// Nothing is sent for what cannot be probed.
#[test]
fn probe_of_what_is_no_server() {
    let wrong: [&[&str]; 5] = [
        &["probe"],
        &["probe", "ftp://127.0.0.1/"],
        &["probe", "ws://127.0.0.1/#room"],
        &["probe", "ws://me:secret@127.0.0.1/"],
        &["probe", "--case", "no such case", "--list"],
    ];
    let all: String = wrong.iter().map(|args| transcript(args, b"")).collect();
    expect("probe-wrong.txt", &all);
    let list = transcript(&["probe", "--list", "--case", "ping/", "--case", "stress/"], b"");
    expect("probe-list.txt", &list);
}

#[test]
fn demo() {
    expect("demo.txt", &transcript(&["demo"], b""));
}

/// The picture in the README shows the output of the demo in a terminal.
#[test]
fn the_picture_is_what_the_demo_prints() {
    let output = run(&["demo", "--color", "always"], b"");
    let ansi = String::from_utf8(output.stdout).unwrap();
    expect_file(
        &Path::new(ROOT).join("../docs/demo.svg"),
        &(anstyle_svg::Term::new().palette(anstyle_svg::WIN10_CONSOLE).render_svg(&ansi) + "\n"),
    );
}

#[test]
fn explain() {
    for what in ["1003", "1005", "4123", "unsupported-data", "eof-in-frame", "wrong-accept", "106"]
    {
        expect(&format!("explain-{what}.txt"), &transcript(&["explain", what], b""));
    }
    let wrong = ["unsuported-data", "Invalid-UTF8", "wrong-acept", "xyzzy", "70000", "", "-1"];
    let wrong: String = wrong.iter().map(|what| transcript(&["explain", what], b"")).collect();
    expect("explain-wrong.txt", &wrong);
}

#[test]
fn compare() {
    for (left, right) in [("1000", "1003"), ("1003", "1002"), ("1006", "4000"), ("4001", "4002")] {
        let name = format!("compare-{left}-{right}.txt");
        expect(&name, &transcript(&["compare", left, right], b""));
    }
}

#[test]
fn tables() {
    expect("codes.txt", &transcript(&["codes"], b""));
    expect("rules.txt", &transcript(&["rules"], b""));
}

#[test]
fn check_of_a_capture() {
    let capture = "tests/captures/chromium-1003.pcap";
    let text_only = ["check", "--server-accepts", "text", capture];
    expect("check-1003.txt", &transcript(&text_only, b""));
    let json = ["check", "--server-accepts", "text", "--json", capture];
    expect("check-1003.json.txt", &transcript(&json, b""));
    let plain = ["check", "tests/captures/node-plain.pcap"];
    expect("check-plain.txt", &transcript(&plain, b""));
    let utf8 = ["check", "--payload", "tests/captures/bad-utf8-fragmented.pcapng"];
    expect("check-utf8.txt", &transcript(&utf8, b""));
    let abnormal = ["check", "tests/captures/node-abnormal-server.pcap"];
    expect("check-abnormal.txt", &transcript(&abnormal, b""));
    let three = ["check", "tests/captures/node-three-clients.pcap"];
    expect("check-three.txt", &transcript(&three, b""));
}

#[test]
fn check_of_many_connections() {
    let many = ["--server-accepts", "text", "tests/captures/node-five-clients.pcap"];
    expect("check-many.txt", &transcript(&[&["check"], &many[..]].concat(), b""));
    let summary = [&["check", "--summary"], &many[..]].concat();
    expect("check-summary.txt", &transcript(&summary, b""));
    // With --follow, the table comes after the frames.
    let pipe = ["check", "--follow", "--server-accepts", "text", "-"];
    let capture = std::fs::read(Path::new(ROOT).join(many[2])).unwrap();
    let follow = transcript(&pipe, &capture);
    let at = |text: &str| follow.find(text).unwrap();
    assert!(at("\"terminate me\"") < at(" conn  target"));
    assert!(at(" conn  target") < at("connection 0: a clean close"));
}

#[test]
fn check_of_messages_and_lines() {
    let har = ["check", "--payload", "tests/captures/devtools-bad-utf8.har"];
    expect("check-har.txt", &transcript(&har, b""));
    let log = br#"
        {"event":"connection","client":"10.0.0.7:1234","target":"/chat","subprotocol":"wamp.2.json"}
        {"event":"frame","from":"client","opcode":1,"payload":"5b315d"}
        {"event":"frame","from":"server","opcode":2,"payload_len":70000}
        {"event":"frame","from":"client","opcode":8,"close_code":1003,"close_reason":"text only"}
        {"event":"frame","connection":1,"from":"client","opcode":1,"fin":false,"masked":false}
        {"event":"note","what":"of another program"}
        {"event":"frame","connection":1,"from":"client","opcode":"ping","text":"hi"}
        {"event":"end","connection":1,"from":"client","how":"reset"}"#;
    expect("check-lines.txt", &transcript(&["check", "-"], log));
    // Some programs write a byte order mark before UTF-8.
    let marked = run(&["check", "-"], &[b"\xEF\xBB\xBF", &log[..]].concat());
    assert_eq!(marked.stdout, run(&["check", "-"], log).stdout);
    // An offset that is too large for any stream does not stop the tool.
    let far = br#"{"event":"violation","from":"client","offset":5,"rule":"invalid-utf8","frame_offset":18446744073709551615,"header":"8100"}"#;
    assert!(transcript(&["check", "-"], far).ends_with("[exit status 1]\n"));
    // The tool reports what it cannot read in a HAR file, and reads the rest.
    let har = br#"{"log":{"entries":[
        {"request":null,"response":{"headers":[null]}},
        {"request":{"url":"http://x/"},"response":null},
        {"request":{"url":"ws://me:secret@x/a"},"serverIPAddress":"","response":{"headers":null},
         "_webSocketMessages":[
            {"type":"send","opcode":2,"data":"&"},
            {"type":"send","opcode":-1,"data":""},
            {"type":"receive","opcode":1,"data":"\ud800"},
            {"type":"close"},
            {"type":"receive","opcode":1.0,"time":-1,"data":"hi"},
            {"type":"send","opcode":9,"data":null}]},
        {"request":{"url":7},"_webSocketMessages":[]}]}}"#;
    expect("check-har-odd.txt", &transcript(&["check", "-"], har));
}

/// Compressed messages of one direction: the arguments, the hex text, and the output.
#[test]
fn check_of_compressed_messages() {
    // "Hello", and again from the window (RFC 7692 §7.2.3).
    let twice = "c1 07 f248cdc9c90700 c1 05 f200110000";
    let cases: [(&[&str], &str); 15] = [
        (&["--permessage-deflate"], twice),
        (&["--permessage-deflate=server_no_context_takeover"], twice),
        (&["--permessage-deflate=client_no_context_takeover; server_max_window_bits=9"], twice),
        // With BFINAL set, and once more from the window.
        (&["--permessage-deflate"], "c1 08 f348cdc9c9070000 c1 05 f200110000"),
        (&["--permessage-deflate", "--payload"], "41 03 f248cd 89 02 6869 80 04 c9c90700"),
        (&["--permessage-deflate"], "41 03 f248cd 81 02 6869"),
        (&["--permessage-deflate"], "c1 07 f248cd"),
        (&["--permessage-deflate"], "c1 09 000300fcff6772ff00"),
        (&["--permessage-deflate"], "41 07 000100feffc300 80 00"),
        (&["--permessage-deflate"], "c2 07 000100feffc300"),
        (&["--permessage-deflate"], "c1 00"),
        (
            &["--permessage-deflate", "--keep-going"],
            "c1 02 ffff c1 07 f248cdc9c90700 81 01 ff 82 00",
        ),
        (
            &["--permessage-deflate=server_no_context_takeover", "--keep-going"],
            "c1 02 ffff c1 07 f248cdc9c90700 81 01 ff 82 00",
        ),
        // 1,000 times "a" in 11 bytes.
        (&["--permessage-deflate", "--max-message", "500"], "c1 0b 4a4c1c05a360140c770000"),
        // Five inflated bytes, seven on the wire.
        (&["--permessage-deflate", "--max-message", "5"], "c1 07 f248cdc9c90700"),
    ];
    let all: String = cases
        .iter()
        .map(|(args, hex)| {
            let args = [&["check", "--receiver", "client"], *args, &["-"]].concat();
            format!("{}# {hex}\n\n", transcript(&args, hex.as_bytes()))
        })
        .collect();
    expect("check-deflate.txt", &all);
    let capture = "tests/captures/pyws-server.pcap";
    expect("check-deflate-capture.txt", &transcript(&["check", capture], b""));
    let page = html(&[capture], b"");
    assert!(page.contains("13 compressed messages of 172 B inflate to 337 B (2.0:1)"));
    assert!(page.contains(r#", 13 B → 11 B <bdi class="payload mono">onetwothree</bdi>"#));
}

/// A violation inside a compressed message is read from its JSON line, which has no payload.
#[test]
fn compressed_messages_are_judged_from_lines() {
    let log = |payload: &str| {
        let payload = if payload.is_empty() { "" } else { &format!(r#","payload":"{payload}""#) };
        format!(
            r#"{{"event":"connection","offered":["permessage-deflate"],"extensions":["permessage-deflate"]}}
               {{"event":"frame","from":"server","opcode":1,"rsv":4,"payload_len":11{payload}}}
               {{"event":"frame","from":"client","opcode":8,"close_code":1009}}"#
        )
    };
    let limited = ["check", "--json", "--max-message", "500", "-"];
    let first = run(&limited, log("4a4c1c05a360140c770000").as_bytes());
    let lines = String::from_utf8(first.stdout.clone()).unwrap();
    let found = lines.lines().find(|line| line.contains(r#""event":"violation""#)).unwrap();
    let found: serde_json::Value = serde_json::from_str(found).unwrap();
    assert_eq!((&found["rule"], &found["offset"]), (&"message-too-big".into(), &2.into()));
    assert_eq!(found["inflated"], 500);
    assert!(lines.contains(r#""outcome":"refused","code":1009"#), "{lines}");
    // The second run has no limit: the violation is in the line.
    let again = run(&["check", "--json", "-"], &first.stdout);
    assert_eq!(again.status.code(), Some(1));
    let again = String::from_utf8(again.stdout).unwrap();
    assert!(again.contains(r#""outcome":"refused","code":1009"#), "{again}");
    // A payload that is missing is not judged, so the close code is not judged as wrong.
    let unknown = String::from_utf8(run(&limited, log("").as_bytes()).stdout).unwrap();
    assert!(unknown.contains(r#""len":null,"compressed":true,"wire_len":11"#), "{unknown}");
    assert!(unknown.contains(r#""gap":true"#), "{unknown}");
}

/// The tool reports an answer that the client must reject, and inflates messages with it.
#[test]
fn check_of_a_wrong_negotiation() {
    let log = |offered: &str, answer: &str| {
        format!(
            r#"{{"event":"connection","target":"/","offered":["{offered}"],"extensions":["{answer}"]}}
               {{"event":"frame","from":"server","opcode":1,"rsv":4,"payload":"f248cdc9c90700"}}
               {{"event":"frame","from":"server","opcode":1,"rsv":4,"payload":"f200110000"}}"#
        )
    };
    let cases = [
        ("permessage-deflate", "permessage-deflate; client_max_window_bits=9"),
        ("permessage-deflate; server_max_window_bits=9", "permessage-deflate"),
        ("x-other", "permessage-deflate; server_no_context_takeover"),
        ("permessage-deflate", "permessage-deflate; server_max_window_bits=99; x=\\\"y\\\""),
        ("permessage-deflate", "permessage-deflate, permessage-deflate"),
        ("permessage-deflate", r"=\u001b[31m"),
    ];
    let all: String = cases
        .iter()
        .map(|(offered, answer)| {
            let log = log(offered, answer);
            let text = transcript(&["check", "-"], log.as_bytes());
            assert!(text.ends_with("[exit status 1]\n"), "{offered}: {text}");
            format!("{text}# {offered}\n\n")
        })
        .collect();
    let json = transcript(&["check", "--json", "-"], log(cases[0].0, cases[0].1).as_bytes());
    expect("check-negotiation.txt", &(all + &json));
    let good = "permessage-deflate; client_max_window_bits";
    let good = log(good, "permessage-deflate; client_max_window_bits=9");
    assert!(transcript(&["check", "-"], good.as_bytes()).ends_with("[exit status 0]\n"));
}

/// The page without its style and without the text of the RFC at its end.
#[test]
fn page() {
    let page = html(&["tests/captures/chromium-node-text-only-1003.pcap"], b"");
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    let (body, rfc) = body.split_once("<pre tabindex=\"0\">7.4.1.").unwrap();
    assert!(rfc.contains("1003 indicates that an endpoint is terminating"));
    expect("page.html", &format!("{head}{body}").replace('>', ">\n"));
}

/// Everything that a peer sends is only text on the page.
#[test]
fn payloads_are_text_on_the_page() {
    let bad = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&lt;</style>";
    let hex = bad.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let bad = bad.replace('"', "\\\"");
    let log = format!(
        r#"{{"event":"connection","client":"{bad}","server":"{bad}","target":"{bad}","subprotocol":"{bad}","extensions":["{bad}"]}}
           {{"event":"frame","from":"client","opcode":1,"payload":"{hex}"}}
           {{"event":"frame","from":"server","opcode":1,"payload":"{hex}ff"}}
           {{"event":"frame","from":"server","opcode":8,"close_code":1000,"close_reason":"{bad}"}}"#
    );
    let page = html(&["-"], log.as_bytes());
    assert!(page.contains("default-src 'none'"));
    assert!(page.matches("&lt;script&gt;alert(1)&lt;/script&gt;").count() >= 6);
    let known = "html head meta title style body header h1 h2 h3 p ul ol li div span table caption \
        thead tbody tr th td dl dt dd section article pre code mark b bdi a details summary footer";
    let known: Vec<&str> = known.split_whitespace().collect();
    for tag in page.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap();
        let name = tag.trim_start_matches('/').split(' ').next().unwrap();
        assert!(known.contains(&name) || name == "!DOCTYPE", "{tag}");
        assert!(!tag.contains(" on") && !tag.contains("javascript:"), "{tag}");
    }
}

/// A page shows only the first and the last frames of a long connection, and says so.
#[test]
fn a_page_holds_so_much_and_says_what_it_leaves_out() {
    let frame = r#"{"event":"frame","from":"server","opcode":2,"payload":""}"#;
    let page = html(&["-"], [frame; 2_000].join("\n").as_bytes());
    assert_eq!(page.matches("class=\"server binary\"").count(), 500);
    assert!(page.contains("1500 more rows are not shown"));
    let page = html(&["tests/captures/node-pyws-ping-1000.pcap"; 60], b"");
    assert_eq!(page.matches("too many connections").count(), 20);
    let output = run(&["check", "--html", "no/such/folder.html", "-"], b"8100");
    assert_eq!(output.status.code(), Some(2));
    // A capture is not overwritten with a page.
    let capture = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kept.pcap");
    std::fs::copy("tests/captures/node-terminates.pcap", &capture).unwrap();
    let output = run(&["check", "--html", capture.to_str().unwrap(), "-"], b"8100");
    assert_eq!(output.status.code(), Some(2));
    let kept = std::fs::read(&capture).unwrap();
    assert_eq!(kept, std::fs::read("tests/captures/node-terminates.pcap").unwrap());
}

/// Returns the page that the tool writes for these inputs.
fn html(inputs: &[&str], input: &[u8]) -> String {
    let name = std::thread::current().name().unwrap().to_owned();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name + ".html");
    let args = ["check", "--server-accepts", "text", "--html", file.to_str().unwrap()];
    let output = run(&[&args[..], inputs].concat(), input);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    std::fs::read_to_string(file).unwrap()
}

/// The keys of `--json` lines, in the documented order.
#[test]
fn json_lines_have_the_keys_that_are_promised() {
    let hex = b"# Hello, then binary\n81 85 37fa213d 7f9f4d5158 0x82 0x80 00000000";
    let output = run(&["check", "--json", "--server-accepts", "text", "-"], hex);
    assert_eq!(output.status.code(), Some(1));
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    let [read_as, frame, violation] = lines[..] else { panic!("{lines:?}") };
    assert!(read_as.starts_with(r#"{"event":"input","read_as":"hex digits","bytes":17,"input":""#));
    assert!(frame.starts_with(
        r#"{"event":"frame","connection":0,"from":"client","offset":0,"header_len":6,"fin":true,"rsv":0,"opcode":1,"masked":true,"payload_len":5"#
    ));
    assert!(violation.starts_with(
        r#"{"event":"violation","connection":0,"from":"client","offset":11,"rule":"unsupported-data","section":"7.4.1","close_code":1003,"text":""#
    ));
    let output = run(&["check", "--json", "--format", "raw", "-"], b"\x81\x80abcd\x82\x81abcd");
    assert_eq!(output.status.code(), Some(0));
    let last = String::from_utf8(output.stdout).unwrap();
    assert!(last.lines().last().unwrap().starts_with(
        r#"{"event":"incomplete","connection":0,"from":"client","offset":12,"within":"frame""#
    ));
}

/// Frames in hex text: the arguments, the hex text, and the output.
#[test]
fn check_of_hex_text() {
    let cases: [(&[&str], &str); 17] = [
        (&["--payload"], "81 85 37fa213d 7f9f4d5158 # Hello"),
        (&["--receiver", "client"], "89 02 68 69 8a 00 88 05 03e8 62 79 65"),
        (&["--receiver", "client"], "01 03 48 65 6c 89 00 80 02 6c 6f"),
        (&["--receiver", "client"], "01 03 48 65 6c"),
        (&["--receiver", "client"], "81 05 48 65"),
        (&["--receiver", "client"], "81"),
        (&["--receiver", "client"], "81 03 61 c3 28"),
        (&["--receiver", "client"], "01 02 61 c3 80 00"),
        (&["--receiver", "client"], "88 02 03ed"),
        (&["--receiver", "client"], "82 7f 80 00 00 00 00 00 00 00"),
        (&["--receiver", "client", "--client-accepts", "binary"], "81 00"),
        (&["--keep-going", "--receiver", "client"], "f9 fe ff00 00000000 8a 00"),
        (&["--keep-going"], "81 02 c3 28 81 80 00000000 80 80 00000000"),
        (&["--permessage-deflate", "--receiver", "client"], "c1 07 f248cdc9c90700 c9 00"),
        (&[], "8a80 00000000 83"),
        (&["--keep-going"], "89 fe"),
        (&["--max-frame", "16384", "--json"], "81 fe 40 01"),
    ];
    let all: String = cases
        .iter()
        .map(|(args, hex)| {
            let args = [&["check"], *args, &["-"]].concat();
            format!("{}# {hex}\n\n", transcript(&args, hex.as_bytes()))
        })
        .collect();
    expect("check-hex.txt", &all);
}

/// Each stage processes every frame that `check` prints. The measured times are not tested.
#[test]
fn bench_replays_what_check_sees() {
    let captures = ["tests/captures/chromium-pmd.pcap", "tests/captures/node-plain.pcap"];
    let checked = run(&[&["check", "--json"], &captures[..]].concat(), b"");
    let checked = String::from_utf8(checked.stdout).unwrap();
    let frames = checked.lines().filter(|line| line.contains(r#""event":"frame""#)).count();
    let replayed = [&["bench", "--json", "--repetitions", "1"], &captures[..]].concat();
    for (args, frames) in [(&replayed[..], Some(frames)), (&replayed[..4], None)] {
        let output = run(args, b"");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        let lines = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let stages: Vec<_> = lines.iter().map(|line| line["stage"].as_str().unwrap()).collect();
        assert_eq!(stages, ["header", "unmask", "validate", "all"], "{args:?}");
        for line in &lines {
            assert_eq!(line["frames"], lines[0]["frames"], "{args:?}: {line}");
            assert!(frames.is_none_or(|frames| line["frames"] == frames), "{args:?}: {line}");
            assert!(line["ns_per_frame"].as_f64().unwrap() > 0.0, "{args:?}: {line}");
        }
    }
    let nothing = run(&["bench", "-"], b"");
    assert_eq!(nothing.status.code(), Some(2));
}

#[test]
fn limits() {
    let hex = b"02 03 616263 80 02 6465 89 04 70696e67";
    let check = |args: &[&str]| {
        let output =
            run(&[&["check", "--json", "--receiver", "client"], args, &["-"]].concat(), hex);
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().filter(|line| line.contains("violation")).count()
    };
    assert_eq!(check(&["--max-frame", "4", "--max-message", "5", "--max-fragments", "2"]), 0);
    assert_eq!(check(&["--max-frame", "3"]), 1);
    assert_eq!(check(&["--max-message", "4"]), 1);
    assert_eq!(check(&["--max-fragments", "1"]), 1);
}

/// An input that cannot be judged: one clear line, and exit status 2.
#[test]
fn input_that_cannot_be_judged() {
    let http = b"81 85\n81 8g";
    let cases: [(&[&str], &[u8]); 27] = [
        (&["-"], b""),
        (&["-"], http),
        (&["-"], b"8185 8"),
        (&["-"], b"# only a comment"),
        (&["-"], b"GET / HTTP/1.1\r\n\r\n"),
        (&["-"], b"\xA1\xB2\xC3\xD4"),
        (&["--format", "pcap", "-"], b"\x81\x00 this is no capture at all"),
        (&["no-such-file.pcap"], b""),
        (&["src"], b""),
        (&[], b""),
        (&["--max-frame", "-1", "-"], b"8100"),
        (&["--permessage-deflate=x", "-"], b"8100"),
        (&["--permessage-deflate=client_max_window_bits", "-"], b"8100"),
        (&["--permessage-deflate=server_max_window_bits=16", "-"], b"8100"),
        (&["--permessage-deflate=server_no_context_takeover, x", "-"], b"8100"),
        (&["--permessage-deflate=server_no_context_takeover; client max", "-"], b"8100"),
        (
            &["--permessage-deflate=client_no_context_takeover;client_no_context_takeover", "-"],
            b"8100",
        ),
        (&["--receiver", "client", "-", "no-such-file"], b"8100"),
        (&["-"], b"{\"log\":{\"entries\":[]}}"),
        (&["-"], b"{\"log\":{\"entries\":[{\"request\":{\"url\":1}}]}}"),
        (&["-"], b"{\"log\":"),
        (&["-"], b"\xFF\xFE{\0"),
        (&["-"], br#"{"event":"verdict"}"#),
        (&["-"], b"{\"event\":\"frame\",\"from\":\"client\",\"opcode\":9}\n{\"event\":\"frame\",\"from\":\"proxy\",\"opcode\":9}"),
        (&["-"], br#"{"event":"frame","from":"client","opcode":16}"#),
        (&["-"], br#"{"event":"frame","from":"client","opcode":2,"payload":"0g"}"#),
        (&["-"], br#"{"event":"frame","from":"client","opcode":2,"payload":"0000","payload_len":1}"#),
    ];
    let all: String = cases
        .iter()
        .map(|(args, input)| {
            let text = transcript(&[&["check"], *args].concat(), input);
            assert!(text.ends_with("[exit status 2]\n"), "{text}");
            text + "\n"
        })
        .collect();
    expect("check-unusable.txt", &all);
}

/// A capture that is cut anywhere is judged up to the cut, which one line reports.
#[test]
fn a_capture_that_is_cut_or_garbled() {
    for name in ["aiohttp-close-1003.pcap", "bad-utf8-fragmented.pcapng"] {
        let whole = std::fs::read(format!("{ROOT}/tests/captures/{name}")).unwrap();
        for end in (0..whole.len()).step_by(61) {
            let output = run(&["check", "--json", "-"], &whole[..end]);
            let err = String::from_utf8(output.stderr).unwrap();
            assert!(matches!(output.status.code(), Some(0..=2)), "{name} cut at {end}: {err}");
            assert!(
                err.lines().count() <= 1 && !err.contains("panicked"),
                "{name} cut at {end}: {err}"
            );
        }
        let mut garbled = whole.clone();
        let at = whole.len() / 2;
        garbled[at..at + 40].fill(0xFF);
        let output = run(&["check", "--json", "-"], &garbled);
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(err.lines().count() <= 1 && !err.contains("panicked"), "{name} garbled: {err}");
    }
}

#[test]
fn colours_are_for_terminals_and_for_those_who_ask() {
    let colourful = |args: &[&str]| run(args, b"").stdout.contains(&0x1B);
    assert!(!colourful(&["demo"]));
    assert!(!colourful(&["demo", "--color", "never"]));
    assert!(colourful(&["--color", "always", "demo"]));
    let json = ["check", "--json", "--color", "always", "tests/captures/node-plain.pcap"];
    assert!(!colourful(&json));
}

/// Frames are printed as they arrive, before the capture ends.
#[test]
fn a_capture_that_goes_on_is_followed() {
    use std::io::{BufRead, BufReader, Write};
    use std::sync::mpsc;
    use std::time::Duration;

    for mode in [&["--follow"][..], &["--follow", "--json"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wsvet"))
            .args([&["check"], mode, &["-"]].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let capture = std::fs::read("tests/captures/node-pyws-ping-1000.pcap").unwrap();
        stdin.write_all(&capture).unwrap();
        let (send, lines) = mpsc::channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || output.lines().try_for_each(|line| send.send(line.unwrap())));
        loop {
            let line = lines
                .recv_timeout(Duration::from_secs(20))
                .unwrap_or_else(|error| panic!("{mode:?}: no line in time: {error}"));
            // The client's Close frame; the answer is not in the capture yet.
            if line.contains("close") && line.contains("client") {
                break;
            }
        }
        drop(stdin);
        assert_eq!(child.wait().unwrap().code(), Some(0), "{mode:?}");
    }
}

/// Everything that a peer sends reaches the terminal only as text.
#[test]
fn payloads_cannot_steer_the_terminal() {
    let text = "8a 00 81 08 1b5b33316d c28d 07 88 09 03e8 1b5b326a c285 7f";
    let output = run(&["check", "--receiver", "client", "-"], text.as_bytes());
    assert_eq!(output.status.code(), Some(0));
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.chars().all(|c| c == '\n' || !c.is_control()), "{out:?}");
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_wsvet"))
        .args(["check", "--json", "--payload", "tests/captures/node-plain.pcap"])
        .current_dir(ROOT)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.code().is_some(), "no signal ends it");
}
