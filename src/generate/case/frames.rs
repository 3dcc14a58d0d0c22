//! Headers that break a rule, and their legal neighbours (RFC 6455 §5.1, §5.2).

use std::format;
use std::vec::Vec;

use super::wire::{
    CLOSE, FIN, LAST, MIDDLE, PING, PONG, RSV1, RSV2, RSV3, announcing, first, frame,
    frame_in_form, single, unmasked, with_key,
};
use super::{Case, Level, Setup};
use crate::{OpCode, Rule};

pub(super) fn add(setup: &Setup, cases: &mut Vec<Case>) {
    add_bits(setup, cases);
    add_opcodes(setup, cases);
    add_masking(setup, cases);
    add_control(setup, cases);
    add_order(setup, cases);
    add_forms(setup, cases);
}

fn add_bits(setup: &Setup, cases: &mut Vec<Case>) {
    let data = setup.data;
    for (name, bits) in
        [("rsv1", RSV1), ("rsv2", RSV2), ("rsv3", RSV3), ("all", RSV1 | RSV2 | RSV3)]
    {
        let mut illegal = |what: &str, title: &str, case: Case| {
            let case = Case {
                id: format!("reserved-bits/{name}-{what}"),
                title: format!("{name} set on {title}"),
                ..case
            };
            cases.push(case.refuse(Rule::ReservedBits));
        };
        let new = || Case::new(setup, format!("reserved-bits/{name}"), "");
        illegal("data", "a message", new().needs(data).send(frame(single(data) | bits, b"rsv")));
        illegal(
            "empty",
            "an empty message",
            new().needs(data).send(frame(single(data) | bits, b"")),
        );
        illegal("ping", "a Ping", new().send(frame(PING | bits, b"rsv")));
        illegal("close", "a Close", new().send(frame(CLOSE | bits, &[3, 0xE8])));
        let fragments = [frame(first(data), b"a"), frame(LAST | bits, b"b")].concat();
        illegal("continuation", "a continuation frame", new().needs(data).send(fragments));
    }
}

fn add_opcodes(setup: &Setup, cases: &mut Vec<Case>) {
    for opcode in (3..8).chain(0xB..0x10) {
        let kind = if opcode < 8 { "data" } else { "control" };
        let title = format!("a frame with the reserved {kind} opcode {opcode:X}");
        let case = Case::new(setup, format!("reserved-opcode/{opcode:x}"), title);
        cases.push(case.send(frame(FIN | opcode, b"")).refuse(Rule::ReservedOpcode));
    }
    for (name, title, bytes) in [
        ("with-payload", "a reserved opcode with payload", frame(FIN | 3, b"data")),
        ("fragment", "a reserved opcode without FIN", frame(3, b"data")),
    ] {
        let case = Case::new(setup, format!("reserved-opcode/{name}"), title);
        cases.push(case.send(bytes).refuse(Rule::ReservedOpcode));
    }
    let inside = [frame(first(setup.data), b"a"), frame(FIN | 3, b"")].concat();
    let title = "a reserved opcode inside a fragmented message";
    let case = Case::new(setup, "reserved-opcode/inside-message", title).needs(setup.data);
    cases.push(case.send(inside).refuse(Rule::ReservedOpcode));
}

fn add_masking(setup: &Setup, cases: &mut Vec<Case>) {
    let data = setup.data;
    for (name, title, bytes) in [
        ("data", "a message", unmasked(single(data), b"bare")),
        ("empty", "an empty message", unmasked(single(data), b"")),
        ("ping", "a Ping", unmasked(PING, b"bare")),
        ("empty-ping", "an empty Ping", unmasked(PING, b"")),
        ("pong", "a Pong", unmasked(PONG, b"bare")),
        ("close", "a Close", unmasked(CLOSE, &[3, 0xE8])),
        ("first-fragment", "a first fragment", unmasked(first(data), b"bare")),
        (
            "continuation",
            "a continuation frame",
            [frame(first(data), b"a"), unmasked(LAST, b"b")].concat(),
        ),
    ] {
        let title = format!("{title} that is not masked");
        let case = Case::new(setup, format!("masking/unmasked-{name}"), title);
        let case = case.send(bytes);
        cases.push(case.refuse(Rule::UnmaskedClientFrame));
    }
    let case =
        Case::new(setup, "masking/unmasked-after-masked", "a second message that is not masked");
    let case = case.message(data, b"masked").send(unmasked(single(data), b"bare"));
    cases.push(case.refuse(Rule::UnmaskedClientFrame));
    for (name, key) in [
        ("zeros", [0; 4]),
        ("ones", [0xFF; 4]),
        ("first-byte-zero", [0, 1, 2, 3]),
        ("like-text", *b"text"),
    ] {
        let title = format!("a message masked with the key {key:02x?}");
        let case = Case::new(setup, format!("masking/key-{name}"), title).section("5.3");
        let payload = b"0123456789abcdefg";
        let bytes = with_key(single(data), key, payload);
        cases.push(case.needs(data).send(bytes).echo(data, payload).go_on());
    }
    let case = Case::new(setup, "masking/key-changes", "each frame with a key of its own");
    let case = (0..8_u8).fold(case.section("5.3").needs(data), |case, number| {
        let payload = [b'a' + number; 9];
        case.send(with_key(single(data), [number, 0x5A, 0xA5, !number], &payload))
            .echo(data, &payload)
    });
    cases.push(case.go_on());
}

fn add_control(setup: &Setup, cases: &mut Vec<Case>) {
    for (name, byte) in [("ping", PING), ("pong", PONG), ("close", CLOSE)] {
        let body: &[u8] = if byte == CLOSE { &[3, 0xE8] } else { b"x" };
        for (what, title, body) in [("", "", body), ("-empty", "an empty ", b"")] {
            let title = format!("{title}{name} without FIN");
            let case = Case::new(setup, format!("control/fragmented-{name}{what}"), title.trim());
            cases.push(case.send(frame(byte & !FIN, body)).refuse(Rule::FragmentedControl));
        }
        let mut long = if byte == CLOSE { [3, 0xE8].to_vec() } else { Vec::new() };
        long.resize(126, b'x');
        let title = format!("a {name} with 126 bytes of payload");
        let case = Case::new(setup, format!("control/oversized-{name}"), title);
        cases.push(case.send(frame(byte, &long)).refuse(Rule::OversizedControl));
        for (form, bits) in [(126, 16), (127, 64)] {
            let title = format!("a short {name} with its length in {bits} bits");
            let case = Case::new(setup, format!("control/length-in-{bits}-bits-{name}"), title);
            cases.push(case.send(frame_in_form(byte, form, body)).refuse(Rule::OversizedControl));
        }
    }
    let case = Case::new(setup, "control/oversized-ping-65536", "a ping of 65,536 bytes");
    cases.push(case.send(frame(PING, &[b'x'; 65_536])).refuse(Rule::OversizedControl));
    let case = Case::new(
        setup,
        "control/oversized-inside-message",
        "a ping of 126 bytes between fragments",
    );
    let bytes = [frame(first(setup.data), b"a"), frame(PING, &[b'x'; 126])].concat();
    cases.push(case.needs(setup.data).send(bytes).refuse(Rule::OversizedControl));
}

/// Which frame may follow which (§5.4).
fn add_order(setup: &Setup, cases: &mut Vec<Case>) {
    let data = setup.data;
    let mut alone = |name: &str, title: &str, bytes: Vec<u8>| {
        let case = Case::new(setup, format!("continuation/{name}"), title);
        cases.push(case.send(bytes).refuse(Rule::UnexpectedContinuation));
    };
    alone("alone", "a continuation frame without a message", frame(LAST, b"a"));
    alone("alone-empty", "an empty continuation frame without a message", frame(LAST, b""));
    alone(
        "alone-not-final",
        "a continuation frame without FIN and without a message",
        frame(MIDDLE, b"a"),
    );
    let ping = [frame(PING, b"p"), frame(LAST, b"a")].concat();
    alone("after-ping", "a continuation frame after a Ping", ping);
    let case = Case::new(
        setup,
        "continuation/after-message",
        "a continuation frame after a whole message",
    );
    let case = case.message(data, b"whole").send(frame(LAST, b"more"));
    cases.push(case.refuse(Rule::UnexpectedContinuation));
    let case = Case::new(
        setup,
        "continuation/after-fragments",
        "a continuation frame after a fragmented message",
    );
    let fragments = [frame(first(data), b"a"), frame(LAST, b"b")].concat();
    let case = case.needs(data).send(fragments).echo(data, b"ab").send(frame(LAST, b"c"));
    cases.push(case.refuse(Rule::UnexpectedContinuation));
    for (name, title, begin, next) in [
        ("single", "a message in one frame", &b"a"[..], frame(single(data), b"b")),
        ("first", "the first fragment of another message", b"a", frame(first(data), b"b")),
        (
            "after-empty-first",
            "a message after an empty first fragment",
            b"",
            frame(single(data), b"b"),
        ),
        ("empty", "an empty message", b"a", frame(single(data), b"")),
    ] {
        let title = format!("inside a fragmented message: {title}");
        let case = Case::new(setup, format!("interrupted/{name}"), title).needs(data);
        let bytes = [frame(first(data), begin), next].concat();
        cases.push(case.send(bytes).refuse(Rule::InterruptedMessage));
    }
    let case = Case::new(setup, "interrupted/after-middle", "a message after a middle fragment");
    let bytes = [frame(first(data), b"a"), frame(MIDDLE, b"b"), frame(single(data), b"c")].concat();
    cases.push(case.needs(data).send(bytes).refuse(Rule::InterruptedMessage));
    let case = Case::new(setup, "interrupted/other-type", "text and binary fragments mixed");
    let bytes = [frame(first(OpCode::Text), b"a"), frame(single(OpCode::Binary), b"b")].concat();
    let case = case.needs(OpCode::Text).needs(OpCode::Binary);
    cases.push(case.send(bytes).refuse(Rule::InterruptedMessage));
}

/// The forms of a length (§5.2).
fn add_forms(setup: &Setup, cases: &mut Vec<Case>) {
    let data = setup.data;
    for (form, bits, lens) in
        [(126, 16, &[0, 1, 124, 125][..]), (127, 64, &[0, 1, 125, 126, 127, 65_534, 65_535])]
    {
        for len in lens {
            if !setup.takes(*len) {
                continue;
            }
            let title = format!("a length of {len} in {bits} bits");
            let case = Case::new(setup, format!("length-form/{len}-in-{bits}-bits"), title);
            let payload = std::vec![b'x'; *len];
            let bytes = frame_in_form(single(data), form, &payload);
            cases.push(case.needs(data).send(bytes).refuse(Rule::NonMinimalLength));
        }
    }
    let case = Case::new(setup, "length-form/continuation", "a long form in a continuation frame");
    let bytes = [frame(first(data), b"a"), frame_in_form(LAST, 126, b"b")].concat();
    cases.push(case.needs(data).send(bytes).refuse(Rule::NonMinimalLength));
    for (name, len) in [("2-to-the-63", 1_u64 << 63), ("all-ones", u64::MAX)] {
        let case = Case::new(setup, format!("length-form/{name}"), format!("a length of {len}"));
        let bytes = announcing(single(data), len, b"x");
        // Nothing can follow the frame, so it cannot be seen whether the server goes on.
        let case = case.needs(data).level(Level::Should);
        cases.push(case.send(bytes).refuse(Rule::LengthOverflow));
    }
}
