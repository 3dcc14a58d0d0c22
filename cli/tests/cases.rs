//! Inputs as people have them, in `tests/cases`: what is told of each, the exit status, and what must
//! not be told.

mod common;

use common::run;

/// The name of an input, the exit status, what the answer says, and what it does not say.
type Case = (&'static str, i32, &'static [&'static str], &'static [&'static str]);

/// The rule of a frame that would be found in bytes that are no frames.
const ANY_RULE: &str = "must close with";

const CASES: &[Case] = &[
    (
        "p01-http-request-after-upgrade.pcap",
        1,
        &["reserved-bits at byte 0", "looks like: an HTTP request where a frame is due"],
        &[],
    ),
    (
        "m1-extra-crlf-after-101.pcap",
        1,
        &[
            "reserved-opcode at byte 0",
            "a line break too many: CR LF stands before the first frame",
        ],
        &[],
    ),
    (
        "k11-length-in-characters.pcap",
        1,
        &[
            "reserved-bits at byte 30",
            "a length in characters",
            "a legal header starts 5 bytes later",
        ],
        &[],
    ),
    (
        "m8-character-split-over-messages.pcap",
        1,
        &["invalid-utf8", "cut inside a character", "goes on with the rest of that character"],
        &[],
    ),
    (
        "p04-close-code-as-text.pcap",
        1,
        &["invalid-close-code", "the close code as text", "\"1000\""],
        &["a clean close"],
    ),
    (
        "r1-follow-client-side-raw.bin",
        0,
        &["HTTP request skipped", "\"Hello\"", "nothing is broken"],
        &["✗"],
    ),
    (
        "p03b-sll2-mid-connection.pcap",
        1,
        &["begins in the middle: judged from byte 0", "reserved-opcode at byte 1056"],
        &["no WebSocket traffic"],
    ),
    (
        "e20b-mid-connection-plus-other.pcap",
        0,
        &[
            "connection 0: a clean close",
            "connection 1: a clean close",
            "begins in the middle",
            "nothing is broken in what could be judged; 1 connection lacks its opening handshake",
        ],
        &["✗"],
    ),
    ("t1-wss.pcap", 2, &["TLS", "key log"], &[ANY_RULE]),
    (
        "i1-h2c-rfc8441.pcap",
        1,
        &["CONNECT /chat on HTTP/2 stream 1", "1003 Unsupported Data", "sent END_STREAM"],
        &[ANY_RULE],
    ),
    (
        "t5-tshark.json",
        1,
        &["tshark decrypted is judged by its fields", "1003 \"text only\"", "01 02 03"],
        &["must close with"],
    ),
    (
        "t3-follow-tls-raw.txt",
        1,
        &["read as a followed stream in hex digits", "GET /chat", "1003 \"text only\""],
        &[ANY_RULE],
    ),
    ("c1-capture.pcap.gz", 1, &["unmasked-client-frame at byte 16"], &["decompress"]),
    ("c2-fiddler.saz", 0, &["GET /chat", "\"Hello\"", "no end of a connection"], &["✗"]),
    (
        "c22-mitmproxy.flow",
        1,
        &[
            "01 ff 02",
            "the server sent a Close, 1003 Unsupported Data \"text only\"",
            "whole messages only",
        ],
        &[ANY_RULE],
    ),
    (
        "c3-chrome-netlog.json",
        1,
        &[
            "reserved-bits at byte 0 from the server",
            "the input reports: One or more reserved bits are on",
            "no payloads",
        ],
        &[],
    ),
    ("h1-bytes-label.txt", 0, &["after a label", "16 bytes", "\"aaaaaaaaaa\""], &["✗"]),
    ("h3-node-buffer-cut.txt", 1, &["Node left out 258 more bytes", "text 300 B"], &[]),
    ("h4-python-bytes.txt", 0, &["a string with escapes", "\"Hello\""], &["✗"]),
    ("h7-c-array.txt", 0, &["an array of numbers", "\"Hello\""], &["✗"]),
    ("h8-colons.txt", 0, &["hex digits with colons", "\"Hello\""], &["✗"]),
    ("h11-hexdump-C.txt", 0, &["hexdump -C", "\"Hello\"", "1000"], &["✗"]),
    ("h15-wireshark-copy.txt", 0, &["a hex dump of Wireshark", "\"Hello\""], &["✗"]),
    ("h16-base64.txt", 0, &["base64", "\"Hello\""], &["✗"]),
    ("h17-wireshark-hexdump-noascii.txt", 0, &["a hex dump", "\"Hello\"", "1000"], &["✗"]),
    ("h19-hexdump.txt", 0, &["16-bit hex words", "\"Hello\"", "1000"], &["✗"]),
    (
        "g06-wrong-accept.pcap",
        1,
        &[
            "wrong-accept in the response of the server",
            "the client failed the connection, as it must",
        ],
        &["its stream ended without a Close"],
    ),
    (
        "g08-protocol-not-answered.pcap",
        1,
        &["a likely reason: the server chose none of the subprotocols"],
        &[],
    ),
    ("c6b-chrome-403.har", 1, &["403", "1 connection was never opened", "1006"], &[]),
    ("httptoolkit.har", 0, &["1003 Unsupported Data", "\"text only\""], &[]),
    ("p11-pings-never-answered.pcap", 1, &["unanswered-ping", "§5.5.2"], &["nothing is broken"]),
    ("m2-server-leaves-tcp-open.pcap", 1, &["server-left-open", "§7.1.1"], &["nothing is broken"]),
    ("e03-vxlan.pcap", 1, &["the client sent a Close, 1003 Unsupported Data"], &[ANY_RULE]),
    ("e05-pppoe.pcap", 1, &["the client sent a Close, 1003 Unsupported Data"], &[ANY_RULE]),
    (
        "e10-ip-fragments.pcap",
        0,
        &["text 1400 B", "✓ nothing is broken ("],
        &["lack fragments", "✗"],
    ),
    (
        "g16-proxy-protocol-v1.pcap",
        0,
        &[
            "skipped in TCP stream 0: a header of the PROXY protocol 1: client 192.0.2.7:56324",
            "a clean close",
        ],
        &["✗"],
    ),
];

#[test]
fn every_case_is_answered() {
    for (file, status, says, never) in CASES {
        let output = run(&["check", &format!("tests/cases/{file}")], b"");
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        // Lines are wrapped between words.
        let text = text.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(output.status.code(), Some(*status), "{file}: {text}");
        for words in *says {
            assert!(text.contains(words), "{file} does not say {words:?}: {text}");
        }
        for words in *never {
            assert!(!text.contains(words), "{file} says {words:?}: {text}");
        }
    }
}

#[test]
fn every_file_is_a_case() {
    let mut files: Vec<_> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let mut cases: Vec<_> = CASES.iter().map(|case| case.0).collect();
    files.sort();
    cases.sort_unstable();
    assert_eq!(files, cases);
}
