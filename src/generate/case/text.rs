//! Texts that are UTF-8, and texts that are not (RFC 6455 §5.6, §8.1).

use std::format;
use std::vec::Vec;

use super::wire::{LAST, MIDDLE, PING, first, single};
use super::{Case, Level, Setup, Step, duty};
use crate::{OpCode, Rule};

/// Texts at the edges of what is UTF-8.
const VALID: [(&str, &str); 8] = [
    ("u-7ff", "\u{7FF}"),
    ("u-800", "\u{800}"),
    ("u-d7ff", "\u{D7FF}"),
    ("u-e000", "\u{E000}"),
    ("u-fffd", "\u{FFFD}"),
    ("u-10000", "\u{10000}"),
    ("u-100000", "\u{100000}"),
    ("mixed", "κόσμε, мир, 世界, 🌍, world"),
];

/// Valid texts that a program may have a reason to change or not to take: with control characters,
/// noncharacters, or what a normalisation changes.
const UNUSUAL: [(&str, &str); 11] = [
    ("nul", "\0"),
    ("u-7f", "\u{7F}"),
    ("u-80", "\u{80}"),
    ("u-fffe", "\u{FFFE}"),
    ("u-ffff", "\u{FFFF}"),
    ("u-10ffff", "\u{10FFFF}"),
    ("noncharacters", "\u{FDD0}\u{1FFFE}\u{10FFFE}"),
    // The last character of each plane: they have each first byte from F0 to F4.
    (
        "planes",
        "\u{1FFFF}\u{2FFFF}\u{3FFFF}\u{4FFFF}\u{5FFFF}\u{6FFFF}\u{7FFFF}\u{8FFFF}\
         \u{9FFFF}\u{AFFFF}\u{BFFFF}\u{CFFFF}\u{DFFFF}\u{EFFFF}\u{FFFFF}\u{10FFFF}",
    ),
    ("byte-order-mark", "\u{FEFF}text"),
    ("controls", "\t\r\n\u{1B}[0m\u{2028}"),
    ("combining", "e\u{301}\u{200D}\u{1F469}\u{200D}\u{1F680}"),
];

/// What is not UTF-8.
const INVALID: [(&str, &[u8]); 26] = [
    ("continuation-80", b"\x80"),
    ("continuation-bf", b"\xBF"),
    ("overlong-2", b"\xC0\x80"),
    ("overlong-2-last", b"\xC1\xBF"),
    ("overlong-3", b"\xE0\x80\x80"),
    ("overlong-3-last", b"\xE0\x9F\xBF"),
    ("overlong-4", b"\xF0\x80\x80\x80"),
    ("overlong-4-last", b"\xF0\x8F\xBF\xBF"),
    ("surrogate-first", b"\xED\xA0\x80"),
    ("surrogate-last", b"\xED\xBF\xBF"),
    ("surrogate-pair", b"\xED\xA0\xBD\xED\xB8\x80"),
    ("above-10ffff", b"\xF4\x90\x80\x80"),
    ("lead-f5", b"\xF5\x80\x80\x80"),
    ("five-bytes", b"\xF8\x88\x80\x80\x80"),
    ("six-bytes", b"\xFC\x84\x80\x80\x80\x80"),
    ("fe", b"\xFE"),
    ("ff", b"\xFF"),
    ("latin-1", b"caf\xE9 au lait"),
    ("lead-then-ascii", b"\xC3A"),
    ("lead-3-then-ascii", b"\xE2\x82A"),
    ("lead-4-then-ascii", b"\xF0\x9F\x8CA"),
    ("lead-then-lead", b"\xE2\x82\xE2\x82\xAC"),
    ("cut-2", b"text\xC3"),
    ("cut-3", b"text\xE2\x82"),
    ("cut-4", b"text\xF0\x9F\x8C"),
    ("cut-4-after-1", b"text\xF0"),
];

pub(super) fn add(setup: &Setup, cases: &mut Vec<Case>) {
    add_valid(setup, cases);
    add_invalid(setup, cases);
    add_split(setup, cases);
    add_early(setup, cases);
}

fn new(setup: &Setup, name: &str, title: &str) -> Case {
    Case::new(setup, format!("utf8/{name}"), title).needs(OpCode::Text)
}

fn add_valid(setup: &Setup, cases: &mut Vec<Case>) {
    let text = OpCode::Text;
    let valid = |name: &str, valid: &str| {
        let title = format!("the text {}", valid.escape_unicode());
        let title = if valid.len() > 16 { format!("a text: {name}") } else { title };
        let case = new(setup, &format!("valid-{name}"), &title);
        case.send(setup.message(text, valid.as_bytes()))
    };
    for (name, usual) in VALID {
        cases.push(valid(name, usual).echo(text, usual.as_bytes()).go_on());
    }
    for (name, unusual) in UNUSUAL {
        let case = valid(name, unusual).section("8.1").level(Level::Quality);
        cases.push(case.step(Step::MayEcho(text, unusual.into())).go_on());
    }
    let binary = OpCode::Binary;
    let title = "bytes that are not UTF-8, in a binary message";
    let case = Case::new(setup, "utf8/invalid-in-binary", title);
    cases.push(case.message(setup, binary, b"\xC0\x80\xFF\xED\xA0\x80\xF4\x90").go_on());
    let case = Case::new(setup, "utf8/invalid-in-binary-fragments", title).owed(&duty::FRAGMENTS);
    let bytes = [setup.frame(first(binary), b"\xF0\x9F"), setup.frame(LAST, b"\xFF")].concat();
    cases.push(case.needs(binary).send(bytes).echo(binary, b"\xF0\x9F\xFF").go_on());
    let title = "bytes that are not UTF-8, in a Ping";
    let case = Case::new(setup, "utf8/invalid-in-ping", title).owed(&duty::PING);
    let payload = b"\xC0\x80\xFF";
    cases.push(case.send(setup.frame(PING, payload)).step(Step::Pong(payload.to_vec())).go_on());
}

fn add_invalid(setup: &Setup, cases: &mut Vec<Case>) {
    for (name, invalid) in INVALID {
        let title = format!("a text that is not UTF-8: {}", name.replace('-', " "));
        let case = new(setup, name, &title).send(setup.message(OpCode::Text, invalid));
        cases.push(case.refuse(Rule::InvalidUtf8));
    }
    let ends = |name: &str, before: usize, after: usize| {
        let long = [&"x".repeat(before).into_bytes()[..], b"\xFF", &"x".repeat(after).into_bytes()];
        let title = format!("an invalid byte after {before} bytes of ASCII, and {after} after it");
        new(setup, name, &title).send(setup.message(OpCode::Text, &long.concat()))
    };
    for (name, before, after) in [
        ("far-15", 15, 0),
        ("far-63", 63, 70),
        ("far-64", 64, 0),
        ("far-300", 300, 300),
        ("far-1023", 1023, 1),
        ("far-4096", 4096, 4096),
        ("far-65536", 65_536, 1),
    ] {
        if setup.takes(before + after + 1) {
            cases.push(ends(name, before, after).refuse(Rule::InvalidUtf8));
        }
    }
    let title = "a text that is not UTF-8, after ones that are";
    let case = new(setup, "after-valid", title).message(setup, OpCode::Text, "né".as_bytes());
    let case = case.send(setup.message(OpCode::Text, b"n\xE9"));
    cases.push(case.refuse(Rule::InvalidUtf8));
}

/// Texts in fragments: only the message as a whole is UTF-8 (§5.6).
fn add_split(setup: &Setup, cases: &mut Vec<Case>) {
    let text = OpCode::Text;
    let new = |name: &str, title: &str| new(setup, name, title).owed(&duty::FRAGMENTS);
    let whole = "é€🌍";
    let bytes = whole.as_bytes();
    for cut in 1..bytes.len() {
        let title = format!("the text \"{whole}\" in two fragments, cut at byte {cut}");
        let case = new(&format!("split-at-{cut}"), &title);
        let (a, b) = bytes.split_at(cut);
        let frames = [setup.frame(first(text), a), setup.frame(LAST, b)].concat();
        cases.push(case.send(frames).echo(text, bytes).go_on());
    }
    let each = bytes
        .iter()
        .enumerate()
        .map(|(index, byte)| setup.frame(if index == 0 { first(text) } else { MIDDLE }, &[*byte]));
    let frames = [each.collect::<Vec<_>>().concat(), setup.frame(LAST, b"")].concat();
    let case = new("split-everywhere", "a text with a fragment for each byte");
    cases.push(case.send(frames).echo(text, bytes).go_on());
    let title = "a character in two fragments, with an empty one and a Ping between";
    let case = new("split-with-ping", title);
    let frames = [
        setup.frame(first(text), b"\xE2\x82"),
        setup.frame(MIDDLE, b""),
        setup.frame(PING, b"\xFF"),
        setup.frame(LAST, b"\xAC"),
    ];
    let case = case.send(frames.concat()).step(Step::Pong(b"\xFF".to_vec()));
    cases.push(case.echo(text, "€".as_bytes()).go_on());
    for (name, title, a, b) in [
        ("split-invalid", "an invalid sequence over two fragments", &b"\xED"[..], &b"\xA0\x80"[..]),
        ("split-overlong", "an overlong form over two fragments", b"\xF0", b"\x80\x80\x80"),
        ("split-cut", "a last fragment that ends inside a character", b"text", b"\xE2\x82"),
        ("split-empty-end", "an empty last fragment inside a character", b"\xE2\x82", b""),
        ("split-second", "an invalid byte in the last fragment", "né".as_bytes(), b"n\xE9"),
        ("split-restart", "a character that is begun, and another", b"\xE2\x82", "€".as_bytes()),
    ] {
        let frames = [setup.frame(first(text), a), setup.frame(LAST, b)].concat();
        cases.push(new(name, title).send(frames).refuse(Rule::InvalidUtf8));
    }
    let title = "two texts: the first ends inside a character, the second begins with its rest";
    let case = new("split-over-messages", title).send(setup.message(text, b"\xE2\x82"));
    cases.push(case.refuse(Rule::InvalidUtf8));
}

/// Texts that are proven to be invalid before they are complete.
fn add_early(setup: &Setup, cases: &mut Vec<Case>) {
    let text = OpCode::Text;
    for (name, invalid) in [("ff", &b"\xFF"[..]), ("surrogate", b"\xED\xA0"), ("overlong", b"\xC0")]
    {
        let title = "an invalid text, refused before its last fragment comes";
        let case = new(setup, &format!("early-fragment-{name}"), title);
        let case = case.send(setup.frame(first(text), invalid)).refuse_early(Rule::InvalidUtf8);
        cases.push(case.send(setup.frame(LAST, b"x")).refuse(Rule::InvalidUtf8));
        let title = "an invalid text, refused before the rest of its frame comes";
        let case = new(setup, &format!("early-frame-{name}"), title).level(Level::Quality);
        let case = case.send(setup.begun(single(text), 20, invalid));
        cases.push(case.refuse_early(Rule::InvalidUtf8));
    }
    // U+110000, whose second byte proves that it is invalid.
    let title = "a text that the second of three fragments makes invalid, refused before the third";
    let case =
        new(setup, "early-second-fragment", title).send(setup.frame(first(text), b"text\xF4"));
    let case = case.send(setup.frame(MIDDLE, b"\x90")).refuse_early(Rule::InvalidUtf8);
    cases.push(case.send(setup.frame(LAST, b"\x80\x80")).refuse(Rule::InvalidUtf8));
    let title =
        "a text that the second segment of its frame makes invalid, refused before the rest";
    let case = new(setup, "early-second-segment", title).level(Level::Quality);
    let begun = setup.begun(single(text), 20, b"text\xF4\x90");
    cases.push(case.send_cut(&begun, begun.len() - 1).refuse_early(Rule::InvalidUtf8));
}
