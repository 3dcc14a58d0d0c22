//! Messages in fragments (RFC 6455 §5.4).

use std::format;
use std::vec::Vec;

use super::lengths::payload;
use super::wire::{FIN, LAST, MIDDLE, PING, PONG, first};
use super::{Case, Level, Setup, Step, duty};
use crate::{CloseCode, OpCode};

/// The fragments of a message.
fn fragments(setup: &Setup, opcode: OpCode, pieces: &[&[u8]]) -> Vec<u8> {
    let frames = pieces.iter().enumerate().map(|(index, piece)| {
        let opcode = if index == 0 { first(opcode) } else { MIDDLE };
        setup.frame(if index + 1 == pieces.len() { opcode | FIN } else { opcode }, piece)
    });
    frames.collect::<Vec<_>>().concat()
}

pub(super) fn add(setup: &Setup, cases: &mut Vec<Case>) {
    let data = setup.data;
    let new = |name: &str, title: &str| {
        Case::new(setup, format!("fragments/{name}"), title).owed(&duty::FRAGMENTS)
    };
    for (name, title, pieces) in [
        ("two", "two fragments", &[&b"ab"[..], b"cd"][..]),
        ("three", "three fragments", &[b"ab", b"cd", b"ef"]),
        ("empty-first", "an empty first fragment", &[b"", b"ab"]),
        ("empty-middle", "an empty middle fragment", &[b"ab", b"", b"cd"]),
        ("empty-last", "an empty last fragment", &[b"ab", b""]),
        ("only-empty", "only empty fragments", &[b"", b"", b""]),
        ("empty-but-middle", "empty fragments around one", &[b"", b"ab", b""]),
        ("twice-empty", "two empty middle fragments", &[b"ab", b"", b"", b"cd"]),
    ] {
        let title = format!("a message of {title}");
        let case = new(name, &title).needs(data).send(fragments(setup, data, pieces));
        cases.push(case.echo(data, &pieces.concat()).go_on());
    }
    for (name, opcode) in [("text", OpCode::Text), ("binary", OpCode::Binary)] {
        let title = format!("a {name} message in two fragments");
        let case = new(name, &title).needs(opcode).send(fragments(setup, opcode, &[b"ab", b"cd"]));
        cases.push(case.echo(opcode, b"abcd").go_on());
    }
    for (count, len) in [(100, 1), (1_000, 3), (20, 1_000)] {
        let whole = payload(data, count * len);
        if !setup.takes(whole.len()) {
            continue;
        }
        let pieces: Vec<_> = whole.chunks(len).collect();
        let title = format!("a message of {count} fragments of {len} bytes");
        let case = new(&format!("{count}-of-{len}"), &title).needs(data);
        let case = if count > 100 { case.level(Level::Quality) } else { case };
        cases.push(case.send(fragments(setup, data, &pieces)).echo(data, &whole).go_on());
    }
    let title = "a fragmented message with the last fragment in a segment of its own";
    let case = new("two-segments", title).needs(data).send(setup.frame(first(data), b"ab"));
    cases.push(case.send(setup.frame(LAST, b"cd")).echo(data, b"abcd").go_on());
    let title = "a fragmented message, and one in a single frame";
    let case = new("then-single", title).needs(data);
    let bytes = [fragments(setup, data, &[b"ab", b"cd"]), setup.message(data, b"ef")].concat();
    cases.push(case.send(bytes).echo(data, b"abcd").echo(data, b"ef").go_on());
    let title = "two fragmented messages in one segment";
    let bytes =
        [fragments(setup, data, &[b"ab", b"cd"]), fragments(setup, data, &[b"ef", b"", b"g"])]
            .concat();
    let case = new("two-messages", title).needs(data).send(bytes);
    cases.push(case.echo(data, b"abcd").echo(data, b"efg").go_on());
    add_control_between(setup, cases);
}

fn add_control_between(setup: &Setup, cases: &mut Vec<Case>) {
    let data = setup.data;
    let new = |name: &str, title: &str| {
        let case = Case::new(setup, format!("fragments/{name}"), title);
        case.owed(&duty::CONTROL_BETWEEN).needs(data)
    };
    for (name, title, between, pong) in [
        ("ping-between", "a Ping", setup.frame(PING, b"between"), Some(&b"between"[..])),
        ("empty-ping-between", "an empty Ping", setup.frame(PING, b""), Some(b"")),
        (
            "long-ping-between",
            "a Ping of 125 bytes",
            setup.frame(PING, &[b'p'; 125]),
            Some(&[b'p'; 125][..]),
        ),
        ("pong-between", "a Pong", setup.frame(PONG, b"between"), None),
    ] {
        let title = format!("{title} between two fragments");
        let case = new(name, &title);
        let bytes = [setup.frame(first(data), b"ab"), between, setup.frame(LAST, b"cd")].concat();
        let case = case.send(bytes);
        let case = match pong {
            Some(payload) => case.step(Step::Pong(payload.to_vec())),
            None => case,
        };
        cases.push(case.echo(data, b"abcd").go_on());
    }
    let title = "the Pong comes before the message is complete";
    let case = new("pong-at-once", title).owed(&duty::PING);
    let case = case.send([setup.frame(first(data), b"ab"), setup.frame(PING, b"now")].concat());
    let case = case.step(Step::Pong(b"now".to_vec())).send(setup.frame(LAST, b"cd"));
    cases.push(case.echo(data, b"abcd").go_on());
    let title = "a Ping after each of ten fragments";
    let mut case = new("ping-after-each", title);
    for number in 0..10_u8 {
        let opcode = if number == 0 { first(data) } else { MIDDLE };
        let payload = [b'0' + number];
        case = case.send([setup.frame(opcode, &payload), setup.frame(PING, &payload)].concat());
        case = case.step(Step::Pong(payload.to_vec()));
    }
    cases.push(case.send(setup.frame(LAST, b"!")).echo(data, b"0123456789!").go_on());
    let title = "a Close inside a fragmented message";
    let case = new("close-between", title);
    let bytes = [setup.frame(first(data), b"ab"), setup.close(1000, b"")].concat();
    cases.push(case.send(bytes).step(Step::Close(Some(CloseCode::NORMAL_CLOSURE))));
    let title = "a Ping and a Close inside a fragmented message";
    let case = new("ping-and-close-between", title);
    let bytes =
        [setup.frame(first(data), b"ab"), setup.frame(PING, b"p"), setup.close(1000, b"")].concat();
    // No Pong is due after a Close (§5.5.2).
    let case = case.send(bytes);
    cases.push(case.step(Step::Close(Some(CloseCode::NORMAL_CLOSURE))));
}
