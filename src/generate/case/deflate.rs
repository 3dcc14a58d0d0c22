//! Compressed messages (RFC 7692).

use std::format;
use std::vec::Vec;

use super::lengths::payload;
use super::opening::Head;
use super::reply::{DEFLATE, EXTENSIONS, Reply, Value};
use super::wire::{CLOSE, LAST, MIDDLE, PING, PONG, RSV1, RSV2, first, single};
use super::{Case, Level, Setup, Step, duty};
use crate::deflate::Deflater;
use crate::{OpCode, Role, Rule};

/// "Hello", compressed (RFC 7692 §7.2.3.1).
const HELLO: &[u8] = b"\xF2\x48\xCD\xC9\xC9\x07\x00";

/// "Hello" by a reference to the message before it (§7.2.3.2).
const HELLO_AGAIN: &[u8] = b"\xF2\x00\x11\x00\x00";

/// The case is about compressed messages: it needs that both endpoints agree on them.
pub(super) fn deflating(setup: &Setup, case: Case) -> Case {
    let mut case = match setup.role {
        Role::Server => offering(setup, case, DEFLATE),
        Role::Client => case.reply(Reply::new(setup).set(EXTENSIONS, Value::Deflate)),
    };
    case.needs.deflate = true;
    case
}

/// The request of the case has this offer.
fn offering(setup: &Setup, case: Case, offer: &str) -> Case {
    let request = Head::new(setup, &case.id).set(EXTENSIONS, offer).build();
    Case { request: std::vec![request], ..case }.about_opening()
}

fn deflated(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Deflater::new(15, false).deflate(plain, true, &mut out);
    out
}

pub(super) fn add(setup: &Setup, cases: &mut Vec<Case>) {
    match setup.role {
        Role::Server => add_offers(setup, cases),
        Role::Client => super::responses::add_deflate(setup, cases),
    }
    add_legal(setup, cases);
    add_long(setup, cases);
    add_context(setup, cases);
    add_illegal(setup, cases);
    add_limits(setup, cases);
}

fn new(setup: &Setup, name: &str, title: &str) -> Case {
    let case = Case::new(setup, format!("deflate/{name}"), title).owed(&duty::COMPRESSED);
    deflating(setup, case.needs(setup.data))
}

/// Offers, of which the server may accept one. Its answer is judged with each response.
fn add_offers(setup: &Setup, cases: &mut Vec<Case>) {
    for (name, offer, must_decline) in [
        ("plain", DEFLATE, false),
        ("client-bits", "permessage-deflate; client_max_window_bits", false),
        ("client-bits-value", "permessage-deflate; client_max_window_bits=10", false),
        ("server-bits", "permessage-deflate; server_max_window_bits=10", false),
        ("server-bits-9", "permessage-deflate; server_max_window_bits=9", false),
        ("server-bits-15", "permessage-deflate; server_max_window_bits=15", false),
        ("server-bits-8", "permessage-deflate; server_max_window_bits=8", false),
        ("server-no-context", "permessage-deflate; server_no_context_takeover", false),
        ("client-no-context", "permessage-deflate; client_no_context_takeover", false),
        (
            "everything",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
             server_max_window_bits=12; client_max_window_bits=12",
            false,
        ),
        ("quoted", "permessage-deflate; server_max_window_bits=\"10\"", false),
        ("fallback", "permessage-deflate; server_max_window_bits=10, permessage-deflate", false),
        ("after-unknown", "x-wsvet, permessage-deflate", false),
        ("bad-then-good", "permessage-deflate; x-wsvet, permessage-deflate", true),
        ("unknown-parameter", "permessage-deflate; x-wsvet", true),
        ("bits-7", "permessage-deflate; server_max_window_bits=7", true),
        ("bits-16", "permessage-deflate; server_max_window_bits=16", true),
        ("bits-leading-zero", "permessage-deflate; server_max_window_bits=010", true),
        ("bits-missing", "permessage-deflate; server_max_window_bits", true),
        ("client-bits-16", "permessage-deflate; client_max_window_bits=16", true),
        ("value-not-allowed", "permessage-deflate; server_no_context_takeover=1", true),
        (
            "parameter-twice",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            true,
        ),
    ] {
        let title = format!("the offer `{offer}`");
        let title = if must_decline {
            format!("{title}, in which the server must decline what is invalid")
        } else {
            title
        };
        let case = Case::new(setup, format!("deflate/offer-{name}"), title);
        let case = offering(setup, case.owed(&duty::OFFER), offer).needs(setup.data);
        let case = case.message(setup, setup.data, b"Hello, hello, hello");
        cases.push(case.message(setup, setup.data, b"Hello, hello, hello").go_on());
    }
    for (bits, text) in wide(setup) {
        let offer = format!("permessage-deflate; server_max_window_bits={bits}");
        let title = format!("the offer `{offer}`, and a text that repeats itself farther back");
        let case = Case::new(setup, format!("deflate/offer-window-{bits}"), title);
        let mut case = offering(setup, case.owed(&duty::OFFER), &offer).needs(setup.data);
        case.needs.deflate = true;
        cases.push(case.message(setup, setup.data, &text).go_on());
    }
}

/// The bits of windows, and for each a text in which each part was there before, but farther back than the
/// window reaches (§7.1.2).
pub(super) fn wide(setup: &Setup) -> Vec<(u8, Vec<u8>)> {
    let text = |bits: u8| {
        let mut state = 1_u32;
        let mut letter = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b'A' + (state >> 24) as u8 % 58
        };
        let once: Vec<u8> = (0..(1 << bits) + 100).map(|_| letter()).collect();
        (bits, once.repeat(2))
    };
    [9, 10, 12].map(text).into_iter().filter(|(_, text)| setup.takes(text.len())).collect()
}

fn add_legal(setup: &Setup, cases: &mut Vec<Case>) {
    let data = setup.data;
    let compressed = single(data) | RSV1;
    let new = |name: &str, title: &str| new(setup, name, title);
    let long = payload(data, 3_000);
    let long = &long[..if setup.takes(3_000) { 3_000 } else { 100 }];
    let mut two_blocks = HELLO[..6].to_vec();
    two_blocks.extend_from_slice(b"\x00\x00\x00\xFF\xFF");
    two_blocks.extend_from_slice(&deflated(b" and more"));
    for (name, title, bytes, plain) in [
        ("hello", "a compressed message", HELLO.to_vec(), &b"Hello"[..]),
        ("empty", "an empty compressed message: one byte", b"\x00".to_vec(), b""),
        ("empty-long", "an empty message in two bytes", b"\x02\x00".to_vec(), b""),
        (
            "stored",
            "a message in a block that is not compressed",
            b"\x00\x05\x00\xFA\xFFHello\x00".to_vec(),
            b"Hello",
        ),
        (
            "final-block",
            "a message that ends with a final block",
            b"\xF3\x48\xCD\xC9\xC9\x07\x00\x00".to_vec(),
            b"Hello",
        ),
        ("two-blocks", "a message of two blocks", two_blocks, b"Hello and more"),
        ("long", "a message that is longer than its window entry", deflated(long), long),
    ] {
        let case = new(name, title).send(setup.frame(compressed, &bytes));
        cases.push(case.echo(data, plain).go_on());
    }
    for (name, title, bytes) in [
        (
            "fragments",
            "a compressed message in two fragments",
            [setup.frame(first(data) | RSV1, &HELLO[..3]), setup.frame(LAST, &HELLO[3..])].concat(),
        ),
        (
            "fragments-empty",
            "a compressed message with empty fragments",
            [
                setup.frame(first(data) | RSV1, b""),
                setup.frame(MIDDLE, HELLO),
                setup.frame(LAST, b""),
            ]
            .concat(),
        ),
        (
            "fragments-ping",
            "a compressed message with a Ping between two fragments",
            [
                setup.frame(first(data) | RSV1, &HELLO[..1]),
                setup.frame(PING, b"p"),
                setup.frame(LAST, &HELLO[1..]),
            ]
            .concat(),
        ),
    ] {
        let case = new(name, title).send(bytes);
        let case =
            if name == "fragments-ping" { case.step(Step::Pong(b"p".to_vec())) } else { case };
        cases.push(case.echo(data, b"Hello").go_on());
    }
    let case = new("each-byte", "a compressed message with a fragment for each byte");
    let bytes: Vec<u8> = HELLO
        .iter()
        .enumerate()
        .flat_map(|(index, byte)| {
            let opcode = if index == 0 { first(data) | RSV1 } else { MIDDLE };
            setup.frame(if index + 1 == HELLO.len() { LAST } else { opcode }, &[*byte])
        })
        .collect();
    cases.push(case.send(bytes).echo(data, b"Hello").go_on());
    let case = new("bytewise", "each byte of a compressed message alone");
    cases.push(case.send_bytewise(&setup.frame(compressed, HELLO)).echo(data, b"Hello").go_on());
    let case = new("plain-message", "a message that is not compressed");
    cases.push(case.message(setup, data, b"plain").go_on());
    let case = new("mixed", "compressed and plain messages in turn");
    let case = case
        .send(setup.frame(compressed, HELLO))
        .echo(data, b"Hello")
        .message(setup, data, b"plain");
    let case =
        case.send(setup.frame(compressed, HELLO)).echo(data, b"Hello").message(setup, data, b"");
    cases.push(case.go_on());
    let case =
        new("split-character", "a character in two compressed fragments").needs(OpCode::Text);
    let bytes = deflated("€€".as_bytes());
    let (a, b) = bytes.split_at(2);
    let frames = [setup.frame(first(OpCode::Text) | RSV1, a), setup.frame(LAST, b)].concat();
    cases.push(case.send(frames).echo(OpCode::Text, "€€".as_bytes()).go_on());
}

/// Messages that are longer than the window (§7.1.2), and than what a peer may inflate at once.
fn add_long(setup: &Setup, cases: &mut Vec<Case>) {
    let (data, len) = (setup.data, 131_072);
    if !setup.takes(len) {
        return;
    }
    let plain = payload(data, len);
    let bytes = deflated(&plain);
    let new = |name: &str, title: &str| new(setup, name, title).level(Level::Quality);
    let case = new("131072", "a compressed message of 131,072 bytes");
    let case = case.send(setup.frame(single(data) | RSV1, &bytes)).echo(data, &plain);
    cases.push(case.go_on());
    let case = new("131072-in-fragments", "a compressed message of 131,072 bytes in fragments");
    let (begin, rest) = bytes.split_at(1_000);
    let frames: Vec<_> = [setup.frame(first(data) | RSV1, begin)]
        .into_iter()
        .chain(rest.chunks(1_000).map(|piece| setup.frame(MIDDLE, piece)))
        .chain([setup.frame(LAST, b"")])
        .collect();
    cases.push(case.send(frames.concat()).echo(data, &plain).go_on());
}

/// Messages that refer to earlier ones (§7.1.1, §7.2.3.2).
fn add_context(setup: &Setup, cases: &mut Vec<Case>) {
    let data = setup.data;
    let compressed = single(data) | RSV1;
    let new = |name: &str, title: &str| {
        let mut case = new(setup, name, title);
        case.needs.context = true;
        case
    };
    let case = new("context", "a message that refers to the one before");
    let case = case.send(setup.frame(compressed, HELLO)).echo(data, b"Hello");
    cases.push(case.send(setup.frame(compressed, HELLO_AGAIN)).echo(data, b"Hello").go_on());
    let case = new(
        "context-after-plain",
        "a message that refers to one before a message that is not compressed",
    );
    let case = case
        .send(setup.frame(compressed, HELLO))
        .echo(data, b"Hello")
        .message(setup, data, b"between");
    cases.push(case.send(setup.frame(compressed, HELLO_AGAIN)).echo(data, b"Hello").go_on());
    let case =
        new("context-after-final", "a message that refers to one that ended with a final block");
    let case = case.send(setup.frame(compressed, b"\xF3\x48\xCD\xC9\xC9\x07\x00\x00"));
    let case = case.echo(data, b"Hello").send(setup.frame(compressed, HELLO_AGAIN));
    // The window outlives a final block, but no sentence says so. Nothing may come of it but the message.
    cases.push(case.owed(&duty::ANSWER).echo(data, b"Hello").go_on());
    let case = new("context-after-ping", "a message that refers to the one before a Ping");
    let case = case.send(setup.frame(compressed, HELLO)).echo(data, b"Hello");
    let case = case.send(setup.frame(PING, b"p")).step(Step::Pong(b"p".to_vec()));
    cases.push(case.send(setup.frame(compressed, HELLO_AGAIN)).echo(data, b"Hello").go_on());
    let title = "a message that refers to the one before, which came in fragments";
    let case = new("context-after-fragments", title);
    let fragments =
        [setup.frame(first(data) | RSV1, &HELLO[..3]), setup.frame(LAST, &HELLO[3..])].concat();
    let case = case.send(fragments).echo(data, b"Hello");
    cases.push(case.send(setup.frame(compressed, HELLO_AGAIN)).echo(data, b"Hello").go_on());
    let case = new("context-after-empty", "a message that refers to one before an empty message");
    let case = case.send(setup.frame(compressed, HELLO)).echo(data, b"Hello");
    let case = case.send(setup.frame(compressed, b"\x00")).echo(data, b"");
    cases.push(case.send(setup.frame(compressed, HELLO_AGAIN)).echo(data, b"Hello").go_on());
    let title = "twenty messages that refer to earlier ones";
    let mut deflater = Deflater::new(15, true);
    let case = (0..20).fold(new("context-20", title), |case, number| {
        let plain = format!("message number {number} of twenty messages");
        let mut bytes = Vec::new();
        deflater.deflate(plain.as_bytes(), true, &mut bytes);
        case.send(setup.frame(compressed, &bytes)).echo(data, plain.as_bytes())
    });
    cases.push(case.go_on());
    if !setup.takes(2_000) {
        return;
    }
    let title = "messages that refer to earlier ones, over more than a window";
    let mut deflater = Deflater::new(15, true);
    let text = payload(data, 4_000);
    let case = (0..40).fold(new("context-slides", title), |case, number| {
        let plain = &text[number * 50..][..2_000];
        let mut bytes = Vec::new();
        deflater.deflate(plain, true, &mut bytes);
        case.send(setup.frame(compressed, &bytes)).echo(data, plain)
    });
    cases.push(case.go_on());
    if !setup.takes(33_000) {
        return;
    }
    let title = "a reference to nearly 32 KiB back";
    let mut deflater = Deflater::new(15, true).level(9);
    let far = payload(data, 32_000);
    let case = [&far[..], &far[..200]].iter().fold(new("context-far", title), |case, plain| {
        let mut bytes = Vec::new();
        deflater.deflate(plain, true, &mut bytes);
        case.send(setup.frame(compressed, &bytes)).echo(data, plain)
    });
    cases.push(case.go_on());
}

fn add_illegal(setup: &Setup, cases: &mut Vec<Case>) {
    let data = setup.data;
    let compressed = single(data) | RSV1;
    let new = |name: &str, title: &str| new(setup, name, title);
    for (name, title, rule, bytes) in [
        ("rsv1-ping", "RSV1 on a Ping", Rule::MisplacedRsv1, setup.frame(PING | RSV1, b"p")),
        ("rsv1-pong", "RSV1 on a Pong", Rule::MisplacedRsv1, setup.frame(PONG | RSV1, b"p")),
        (
            "rsv1-close",
            "RSV1 on a Close",
            Rule::MisplacedRsv1,
            setup.frame(CLOSE | RSV1, &[3, 0xE8]),
        ),
        (
            "rsv1-continuation",
            "RSV1 on a continuation frame",
            Rule::MisplacedRsv1,
            [setup.frame(first(data) | RSV1, &HELLO[..3]), setup.frame(LAST | RSV1, &HELLO[3..])]
                .concat(),
        ),
        (
            "rsv1-only-continuation",
            "RSV1 on a continuation frame alone",
            Rule::MisplacedRsv1,
            [setup.frame(first(data), b"plain"), setup.frame(LAST | RSV1, b"more")].concat(),
        ),
        (
            "rsv2",
            "RSV2 on a compressed message",
            Rule::ReservedBits,
            setup.frame(compressed | RSV2, HELLO),
        ),
        (
            "reserved-block",
            "a block of the reserved type",
            Rule::InvalidDeflate,
            setup.frame(compressed, b"\x06\x00"),
        ),
        (
            "stored-length",
            "a stored block with a wrong length",
            Rule::InvalidDeflate,
            setup.frame(compressed, b"\x00\x05\x00\x00\x00Hello\x00"),
        ),
        (
            "garbage",
            "bytes that are no DEFLATE",
            Rule::InvalidDeflate,
            setup.frame(compressed, &[0xFF; 16]),
        ),
        (
            "plain-with-rsv1",
            "a plain text with RSV1",
            Rule::InvalidDeflate,
            setup.frame(compressed, b"not compressed"),
        ),
        (
            "too-far",
            "a reference to before the first message",
            Rule::InvalidDeflate,
            setup.frame(compressed, HELLO_AGAIN),
        ),
    ] {
        cases.push(new(name, title).send(bytes).refuse(rule));
    }
    // What inflates a message is not obliged to see that it ends too early.
    for (name, title, bytes) in [
        ("cut-block", "a message that ends inside a block", &HELLO[..4]),
        ("cut-stored", "a message that ends inside a stored block", b"\x00\x0B\x00\xF4\xFFHello"),
    ] {
        let case = new(name, title).level(Level::Quality).send(setup.frame(compressed, bytes));
        cases.push(case.refuse(Rule::InvalidDeflate));
    }
    let case = new("utf8", "a compressed text that is not UTF-8").needs(OpCode::Text);
    let bytes = setup.frame(single(OpCode::Text) | RSV1, &deflated(b"text \xFF"));
    cases.push(case.send(bytes).refuse(Rule::InvalidUtf8));
    let case =
        new("utf8-cut", "a compressed text that ends inside a character").needs(OpCode::Text);
    let bytes = setup.frame(single(OpCode::Text) | RSV1, &deflated(b"text \xE2\x82"));
    cases.push(case.send(bytes).refuse(Rule::InvalidUtf8));
    let title = "a compressed text in two fragments that is not UTF-8";
    let case = new("utf8-fragments", title).needs(OpCode::Text);
    let bytes = deflated(b"text \xFF");
    let (a, b) = bytes.split_at(2);
    let frames = [setup.frame(first(OpCode::Text) | RSV1, a), setup.frame(LAST, b)].concat();
    cases.push(case.send(frames).refuse(Rule::InvalidUtf8));
    let case = new("utf8-plain", "a plain text that is not UTF-8").needs(OpCode::Text);
    let bytes = setup.message(OpCode::Text, b"text \xFF");
    cases.push(case.send(bytes).refuse(Rule::InvalidUtf8));
}

/// The limit counts what a message inflates to.
fn add_limits(setup: &Setup, cases: &mut Vec<Case>) {
    let Some(limit) = setup.max_message.filter(|limit| *limit <= 1 << 20) else { return };
    let compressed = single(setup.data) | RSV1;
    let plain = std::vec![b'a'; limit as usize + 1];
    let case = new(setup, "limit-exactly", "a message that inflates to the limit");
    let most = &plain[1..];
    let case = case.send(setup.frame(compressed, &deflated(most))).echo(setup.data, most);
    cases.push(case.go_on());
    let case =
        new(setup, "limit-one-over", "a message that inflates to one byte more than the limit");
    cases.push(case.send(setup.frame(compressed, &deflated(&plain))).refuse(Rule::MessageTooBig));
}
