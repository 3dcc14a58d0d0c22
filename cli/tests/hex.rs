//! Bytes in each notation, as naive printers write them, come back the same or are refused, and are
//! never other bytes.

use proptest::prelude::*;
use wsvet::Role;
use wsvet_cli::input::hex::{self, HexError, Pasted};

fn read(text: &[u8]) -> Result<Pasted, HexError> {
    hex::read(text, 1 << 28)
}

type Printer = fn(&[u8]) -> String;

fn join(bytes: &[u8], separator: &str, one: impl Fn(u8) -> String) -> String {
    bytes.iter().map(|byte| one(*byte)).collect::<Vec<_>>().join(separator)
}

fn pairs(bytes: &[u8], separator: &str) -> String {
    join(bytes, separator, |byte| format!("{byte:02x}"))
}

fn shown(bytes: &[u8]) -> String {
    let character = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '.',
    };
    bytes.iter().map(character).collect()
}

/// Lines of 16 bytes, and the offset after them.
fn rows(bytes: &[u8], row: impl Fn(usize, &[u8]) -> String, end: Option<String>) -> String {
    let lines = bytes.chunks(16).enumerate().map(|(index, line)| row(16 * index, line) + "\n");
    lines.chain(end.map(|end| end + "\n")).collect()
}

fn groups(bytes: &[u8], len: usize) -> String {
    bytes.chunks(len).map(|group| pairs(group, "")).collect::<Vec<_>>().join(" ")
}

fn words(bytes: &[u8]) -> String {
    let word = |pair: &[u8]| format!("{:02x}{:02x}", pair.get(1).copied().unwrap_or(0), pair[0]);
    bytes.chunks(2).map(word).collect::<Vec<_>>().join(" ")
}

fn xxd(bytes: &[u8]) -> String {
    let row =
        |at: usize, line: &[u8]| format!("{at:08x}: {:<39}  {}", groups(line, 2), shown(line));
    rows(bytes, row, None)
}

fn hexdump_c(bytes: &[u8]) -> String {
    let row = |at: usize, line: &[u8]| {
        let (left, right) = line.split_at(line.len().min(8));
        let both = format!("{:<23}  {}", pairs(left, " "), pairs(right, " "));
        format!("{at:08x}  {both:<48}  |{}|", shown(line))
    };
    rows(bytes, row, Some(format!("{:08x}", bytes.len())))
}

fn wireshark(bytes: &[u8]) -> String {
    rows(bytes, |at, line| format!("{at:04x}   {:<47}  {}", pairs(line, " "), shown(line)), None)
}

fn tcpdump(bytes: &[u8]) -> String {
    let row =
        |at: usize, line: &[u8]| format!("\t0x{at:04x}:  {:<39}  {}", groups(line, 2), shown(line));
    rows(bytes, row, None)
}

fn od_c(bytes: &[u8]) -> String {
    let column = |byte: u8| match byte {
        0 => "  \\0".to_owned(),
        7 => "  \\a".to_owned(),
        8 => "  \\b".to_owned(),
        9 => "  \\t".to_owned(),
        10 => "  \\n".to_owned(),
        11 => "  \\v".to_owned(),
        12 => "  \\f".to_owned(),
        13 => "  \\r".to_owned(),
        b'\\' => "  \\\\".to_owned(),
        b' '..=b'~' => format!("   {}", char::from(byte)),
        _ => format!(" {byte:03o}"),
    };
    let end = Some(format!("{:07o}", bytes.len()));
    rows(bytes, |at, line| format!("{at:07o}{}", join(line, "", column)), end)
}

fn python(bytes: &[u8]) -> String {
    let one = |byte: u8| match byte {
        b'\'' | b'\\' => format!("\\{}", char::from(byte)),
        b'\n' => "\\n".to_owned(),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    format!("b'{}'", join(bytes, "", one))
}

fn decimal(bytes: &[u8], separator: &str) -> String {
    join(bytes, separator, |byte| byte.to_string())
}

fn base64(bytes: &[u8], alphabet: &[u8; 64], pad: bool) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let value = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..=group.len() {
            text.push(char::from(alphabet[(value >> (18 - 6 * digit) & 63) as usize]));
        }
        text.extend((group.len()..3).filter(|_| pad).map(|_| '='));
    }
    text
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The notations that are always read.
const SURE: [(&str, Printer); 33] = [
    ("digits", |bytes| pairs(bytes, " ")),
    ("xxd -p", |bytes| pairs(bytes, "")),
    ("xxd", xxd),
    ("hexdump -C", hexdump_c),
    ("wireshark", wireshark),
    ("tcpdump -X", tcpdump),
    ("od -tx1", |bytes| {
        let end = Some(format!("{:07o}", bytes.len()));
        rows(bytes, |at, line| format!("{at:07o} {}", pairs(line, " ")), end)
    }),
    ("od -Ax -tx1", |bytes| {
        let end = Some(format!("{:06x}", bytes.len()));
        rows(bytes, |at, line| format!("{at:06x} {}", pairs(line, " ")), end)
    }),
    ("hexdump", |bytes| {
        let end = Some(format!("{:07x}", bytes.len()));
        rows(bytes, |at, line| format!("{at:07x} {}", words(line)), end)
    }),
    ("Buffer", |bytes| format!("<Buffer {}>", pairs(bytes, " "))),
    ("python", python),
    ("bytearray", |bytes| format!("bytearray({})", python(bytes))),
    ("fromhex", |bytes| format!("bytes.fromhex(\"{}\")", pairs(bytes, " "))),
    ("escapes", |bytes| join(bytes, "", |byte| format!("\\x{byte:02x}"))),
    ("string", |bytes| format!("\"{}\"", join(bytes, "", |byte| format!("\\x{byte:02x}")))),
    ("octal string", |bytes| format!("\"{}\"", join(bytes, "", |byte| format!("\\{byte:03o}")))),
    ("xxd -i", |bytes| {
        let list = join(bytes, ", ", |byte| format!("{byte:#04x}"));
        let len = bytes.len();
        format!("unsigned char f_bin[] = {{\n  {list}\n}};\nunsigned int f_bin_len = {len};\n")
    }),
    ("C", |bytes| {
        let list = join(bytes, ", ", |byte| format!("{byte:#04X}"));
        format!("uint8_t data[{}] = {{{}}};", bytes.len(), list.replace("0X", "0x"))
    }),
    ("go", |bytes| format!("[]byte{{{}}}", join(bytes, ", ", |byte| format!("{byte:#x}")))),
    ("rust", |bytes| {
        let list = join(bytes, ", ", |byte| format!("{byte:#04x}"));
        format!("let frame: [u8; {}] = [{list}];", bytes.len())
    }),
    ("java", |bytes| {
        let list = join(bytes, ", ", |byte| format!("(byte) {byte:#04x}"));
        format!("byte[] frame = new byte[] {{ {list} }};")
    }),
    ("java signed", |bytes| {
        format!("new byte[] {{{}}}", join(bytes, ", ", |byte| (byte as i8).to_string()))
    }),
    ("kotlin", |bytes| {
        format!("byteArrayOf({})", join(bytes, ", ", |byte| format!("{byte:#04x}.toByte()")))
    }),
    ("c#", |bytes| format!("byte[] data = {{ {} }};", decimal(bytes, ", "))),
    ("Uint8Array", |bytes| format!("Uint8Array({}) [\n  {}\n]", bytes.len(), decimal(bytes, ", "))),
    ("Buffer.toJSON", |bytes| {
        format!("{{\"type\":\"Buffer\",\"data\":[{}]}}", decimal(bytes, ","))
    }),
    ("object", |bytes| {
        let items: Vec<_> =
            bytes.iter().enumerate().map(|(at, byte)| format!("\"{at}\":{byte}")).collect();
        format!("{{{}}}", items.join(","))
    }),
    ("colons", |bytes| pairs(bytes, ":")),
    ("dashes", |bytes| pairs(bytes, "-")),
    ("data URL", |bytes| {
        format!("data:application/octet-stream;base64,{}", base64(bytes, STANDARD, true))
    }),
    ("label", |bytes| format!("Received: {}", pairs(bytes, " "))),
    ("log", |bytes| {
        format!("2026-11-27 10:11:12.345 [debug] recv {}: {}", bytes.len(), pairs(bytes, " "))
    }),
    ("fence", |bytes| format!("```\n{}\n```\n", pairs(bytes, " "))),
];

/// The notations that may be refused, because the same text is bytes in another one, or a word.
const AMBIGUOUS: [(&str, Printer); 8] = [
    ("json", |bytes| format!("[{}]", decimal(bytes, ","))),
    ("go %v", |bytes| format!("[{}]", decimal(bytes, " "))),
    ("od -tu1", |bytes| {
        let end = Some(format!("{:07o}", bytes.len()));
        let number = |byte| format!("{byte:4}");
        rows(bytes, |at, line| format!("{at:07o}{}", join(line, "", number)), end)
    }),
    ("od -b", |bytes| {
        let end = Some(format!("{:07o}", bytes.len()));
        let number = |byte| format!("{byte:03o}");
        rows(bytes, |at, line| format!("{at:07o} {}", join(line, " ", number)), end)
    }),
    ("od -x", |bytes| {
        let end = Some(format!("{:07o}", bytes.len()));
        rows(bytes, |at, line| format!("{at:07o} {}", words(line)), end)
    }),
    ("od -c", od_c),
    ("base64", |bytes| base64(bytes, STANDARD, true)),
    ("base64url", |bytes| base64(bytes, URL, false)),
];

/// A frame whose payload is anything, or characters that a text column or a number may have.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let any = proptest::collection::vec(any::<u8>(), 0..100);
    let characters = "[ -~]{0,100}".prop_map(String::into_bytes);
    let digits = "[0-9a-f |.<>]{0,100}".prop_map(String::into_bytes);
    prop_oneof![any, characters, digits]
        .prop_map(|payload| [&[0x82, payload.len() as u8], &payload[..]].concat())
}

proptest! {
    #[test]
    fn bytes_come_back(bytes in frames()) {
        for (name, print) in SURE {
            let text = print(&bytes);
            let pasted = read(text.as_bytes());
            let found = pasted.map(|pasted| pasted.blocks.concat());
            prop_assert_eq!(found.as_ref(), Ok(&bytes), "{}: {}", name, text);
        }
        for (name, print) in AMBIGUOUS {
            let text = print(&bytes);
            if let Ok(pasted) = read(text.as_bytes()) {
                prop_assert_eq!(pasted.blocks.concat(), bytes.clone(), "{}: {}", name, text);
            }
        }
    }

    /// A fence with text around it, white space of web pages and an ellipsis change no byte.
    #[test]
    fn what_surrounds_a_paste_changes_no_byte(bytes in frames(), space in "[\u{A0}\u{2009}\u{3000}]") {
        for (name, print) in SURE {
            let text = print(&bytes);
            if name != "fence" {
                let fenced = format!("This came:\n\n```\n{text}\n```\n\n```js\nws.close();\n```\nWhy?\n");
                let found = read(fenced.as_bytes()).map(|pasted| pasted.blocks.concat());
                prop_assert_eq!(found.as_ref(), Ok(&bytes), "{}: {}", name, fenced);
            }
            let others = [text.replace(' ', &space), format!("{}\n...\n", text.trim_end())];
            for other in others {
                if let Ok(pasted) = read(other.as_bytes()) {
                    prop_assert_eq!(pasted.blocks.concat(), bytes.clone(), "{}: {}", name, other);
                }
            }
        }
    }

    /// Any text has an answer.
    #[test]
    fn any_text_comes_to_an_end(text in "[0-9a-fx\\\\ \\[\\]{}<>\"':,=#*|\n.-]{0,200}") {
        let _ = read(text.as_bytes());
    }
}

fn bytes(text: &str) -> Vec<u8> {
    match read(text.as_bytes()) {
        Ok(pasted) => pasted.blocks.concat(),
        Err(error) => panic!("{text}: {error}"),
    }
}

fn error(text: &str) -> String {
    match read(text.as_bytes()) {
        Ok(pasted) => panic!("{text}: {pasted:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn lines_that_are_left_out_are_filled_in() {
    let zeros = "0000000 0081 0000 0000 0000 0000 0000 0000 0000\n0000010 0000 0000 0000 0000 0000 0000 0000 0000\n*\n0000040 0003\n0000042\n";
    let mut expected = vec![0; 0x42];
    (expected[0], expected[0x40]) = (0x81, 3);
    assert_eq!(bytes(zeros), expected);
    assert!(error("00000000  81 00\n*\n").contains("line 2: * stands for lines"));
    let much = "00000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\nfffffff0  00\n";
    assert!(error(much).contains("too many"));
}

#[test]
fn offsets_that_do_not_fit_are_named() {
    let lacks =
        "00000000: 8185 37fa 213d 7f9f 4d51 5888 8200 0000  ..7.!=..MQX.....\n00000020: 0003  ..\n";
    assert!(error(lacks).starts_with("line 1: the next offset says that this line has 32 bytes"));
    let twice = "0000   81 85 37 fa\n0000   81 85 37 fa\n";
    assert_eq!(bytes(twice).len(), 8);
    assert!(error("0000   81 85 37 fa\n0003   81\n").contains("but it has 4"));
}

/// The text beside a dump may look like another notation.
#[test]
fn a_dump_with_the_white_space_of_web_pages_is_no_other_notation() {
    for (payload, text) in [("3a68 2727", ":h''"), ("3c3c 3c30", "<<<0"), ("5b31 302c", "[10,")] {
        let dump = format!("00000000: 8204 {payload}{}..{text}", " ".repeat(27));
        let expected = bytes(&dump);
        assert_eq!(expected.len(), 6, "{dump}");
        assert_eq!(bytes(&dump.replace(' ', "\u{3000}")), expected, "{dump}");
    }
}

#[test]
fn what_is_not_sure_is_refused() {
    assert!(error("[81, 85, 37, 21]").contains("decimal or hex"));
    assert!(error("0000000 160 161 162\n0000003\n").contains("may be"));
    assert!(error("8581 fa37 3d21 9f7f 514d 0058").contains("last byte first"));
    for [one, other] in [
        ["Sent: 81 00", "Received: 81 00"],
        ["Sent: 81 80 00 00 00 00", "Received: 81 80 00 00 00 00"],
        ["client received: 81 00", "server received: 81 80 00 00 00 00"],
        ["to server: 81 80 00 00 00 00", "from server: 81 00\nclient: 81 00"],
        ["client: 81 80 00 00 00 00", "server: 81 00\nsent: 81 00"],
    ] {
        let text = format!("{one}\n{other}");
        assert!(error(&text).contains("both directions"), "{text}: {}", error(&text));
    }
    assert!(error("see [1] and [2, 3] for more").contains("neither"));
    assert!(error("{\"a\": 1}").contains("JSON"));
}

#[test]
fn labels_say_who_sent_a_line() {
    const ROLES: [[&str; 2]; 8] = [
        ["client: ", "server: "],
        ["C: ", "S: "],
        ["[c2s] ", "[s2c] "],
        ["client → server: ", "server → client: "],
        ["client -> server: ", "client <- server: "],
        ["server<-client: ", "server->client: "],
        ["from client: ", "from server: "],
        ["12:00:01.5 client sent ", "12:00:01.7 server sent "],
    ];
    // A server that writes the text receives what the client sends.
    const WAYS: [[&str; 2]; 7] = [
        ["sent: ", "received: "],
        ["TX ", "RX "],
        ["> ", "< "],
        [">> ", "<< "],
        [">>> ", "<<< "],
        ["--> ", "<-- "],
        ["→ ", "← "],
    ];
    let reversed = WAYS.map(|[one, other]| [other, one]);
    for [client, server] in ROLES.into_iter().chain(WAYS).chain(reversed) {
        let text = format!(
            "{server}81 02 68 69\n{client}81 82 01 02 03 04 69 6b\n{client}88 80 00 00 00 00\n"
        );
        let pasted = read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(pasted.senders, [Role::Server, Role::Client, Role::Client], "{text}");
        assert_eq!(pasted.blocks.concat().len(), 18, "{text}");

        for [of_client, of_server] in [
            ["<Buffer 81 80 00 00 00 00>", "<Buffer 81 02 68 69>"],
            ["<<129,128,0,0,0,0>>", "<<129,2,104,105>>"],
            ["-127, -128, 0, 0, 0, 0", "-127, 2, 104, 105"],
        ] {
            let text = format!("{client}{of_client}\n{server}{of_server}\n");
            let pasted = read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(pasted.senders, [Role::Client, Role::Server], "{text}");
            assert_eq!(pasted.blocks[1], *b"\x81\x02hi", "{text}");
        }
    }
}

#[test]
fn lines_with_labels_are_one_stream() {
    assert_eq!(bytes("recv 1: 81 05 48\nrecv 2: 65 6c 6c 6f\n"), *b"\x81\x05Hello");
    assert_eq!(bytes("<Buffer 81 05 48>\n<Buffer 65 6c 6c 6f>\n"), *b"\x81\x05Hello");
    let both = "client > server: 81 05 48\nclient > server: 65 6c 6c 6f\n";
    assert_eq!(bytes(both), *b"\x81\x05Hello");
    let cut = read(b"<Buffer 81 05 48 ... 4 more bytes>").unwrap();
    assert!(cut.notes[0].contains("4 more bytes"), "{cut:?}");
}

#[test]
fn one_fenced_block_is_read() {
    let text = "It got\n```hex\n81 05\n```\nand\n~~~\nws.send()\n~~~\n";
    let pasted = read(text.as_bytes()).unwrap();
    assert_eq!(pasted.notation, "hex digits in a fenced block");
    assert_eq!((pasted.blocks.concat(), pasted.notes.len()), (vec![0x81, 5], 1));
    assert_eq!(bytes("81 05\n```"), [0x81, 5]);
    assert!(error("```\n81\n```\n```\n05\n```").starts_with("line 4: this is not the first"));
    assert!(error("It got\n```\n81 05 37 fa 0g\n```\n").starts_with("line 3, column 14: 'g'"));
}

#[test]
fn typography_is_read_unless_it_may_be_a_byte() {
    let hello = *b"\x81\x05Hello";
    assert_eq!(bytes("81\u{a0}05&nbsp;48\u{200b}65\u{2028}6c\u{2003}6c 6f"), hello);
    assert_eq!(bytes("data\u{a0}= b\u{2018}\\x81\\x05Hello\u{2019}"), hello);
    assert_eq!(bytes("\u{201c}81 05 48 65 6c 6c 6f\u{201d}"), hello);
    assert!(error("b'\\x81\\x07Hel\u{a0}lo!'").contains("white space in the string"));
}

/// Without quotes, dots are bytes only if the frames end with them.
#[test]
fn escapes_without_quotes_may_be_cut() {
    let cut = read(br"\x81\x05Hel...").unwrap();
    assert_eq!(
        (cut.blocks.concat(), &*cut.notation),
        (b"\x81\x05Hel".to_vec(), "escapes, cut short")
    );
    let whole = read(br"\x81\x06Hel...").unwrap();
    assert_eq!((whole.blocks.concat(), &*whole.notation), (b"\x81\x06Hel...".to_vec(), "escapes"));
    // One `\x` is the mark of PostgreSQL for hex digits.
    assert_eq!(bytes(r"\x810548656c6c6f"), *b"\x81\x05Hello");
    let quoted = read(br#""\x81\x05Hel...""#).unwrap();
    assert_eq!(quoted.blocks.concat(), b"\x81\x05Hel...");
}

#[test]
fn digits_are_read_up_to_an_ellipsis() {
    for text in ["81 05 48...", "81 05 48 6\u{2026}", "0x81, 0x05, 0x48, [...]", "81 05 48\n..."] {
        let pasted = read(text.as_bytes()).unwrap();
        assert_eq!(pasted.blocks.concat(), [0x81, 5, 0x48], "{text}");
        assert!(pasted.notation.ends_with("cut short"), "{text}");
        assert!(pasted.notes[0].contains("left out the rest"), "{text}");
    }
    let told = read(b"8105... (258 more bytes)").unwrap();
    assert!(told.notes[0].contains("258 more bytes"));
    // A word may be base64.
    assert!(error("Address...").contains("neither"));
    assert!(error("81 05 ... 48").contains("'.'") || error("81 05 ... 48").contains("neither"));
}

#[test]
fn an_item_that_is_no_byte_has_a_place() {
    assert!(error("{0x81, 0x37f}").starts_with("line 1, column 8: `0x37f` is no byte"));
    assert!(error("[129, 256]").starts_with("line 1, column 7: `256` is no byte"));
    let sized = "uint8_t frame[300] = {0x81,\n  0x05, 300};";
    assert!(error(sized).starts_with("line 2, column 9: `300` is no byte"));
}

#[test]
fn what_is_derived_of_packets_is_left_out() {
    let frame = "Frame (4 bytes):\n\n0000  81 02 48 69   ..Hi\n\n";
    let derived = "Unmasked data (2 bytes):\n\n0000  48 69   Hi\n\n";
    let other = "Reassembled TCP (2 bytes):\n\n0000  48 69   Hi\n";
    let pasted = read([frame, derived, other].concat().as_bytes()).unwrap();
    assert_eq!(pasted.blocks, [vec![0x81, 2, 0x48, 0x69]]);
    assert!(pasted.notes[0].ends_with("Unmasked data (2 bytes), Reassembled TCP (2 bytes)"));
    assert!(error(derived).contains("without the frames"));
    assert_eq!(bytes(other), *b"Hi");
}
