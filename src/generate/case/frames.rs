//! Headers that break a rule, and their legal neighbours (RFC 6455 §5.1, §5.2).

use std::format;
use std::vec::Vec;

use super::wire::{
    CLOSE, FIN, LAST, MIDDLE, PING, PONG, RSV1, RSV2, RSV3, first, single, with_key,
};
use super::{Case, Level, Setup, Step, duty};
use crate::{OpCode, Role, Rule};

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
        illegal(
            "data",
            "a message",
            new().needs(data).send(setup.frame(single(data) | bits, b"rsv")),
        );
        illegal(
            "empty",
            "an empty message",
            new().needs(data).send(setup.frame(single(data) | bits, b"")),
        );
        illegal("ping", "a Ping", new().send(setup.frame(PING | bits, b"rsv")));
        illegal("close", "a Close", new().send(setup.frame(CLOSE | bits, &[3, 0xE8])));
        let fragments = [setup.frame(first(data), b"a"), setup.frame(LAST | bits, b"b")].concat();
        illegal("continuation", "a continuation frame", new().needs(data).send(fragments));
    }
    let title = "rsv2 set on a second message";
    let case = Case::new(setup, "reserved-bits/after-message", title);
    let case = case.message(setup, data, b"legal").send(setup.frame(single(data) | RSV2, b"rsv"));
    cases.push(case.refuse(Rule::ReservedBits));
}

fn add_opcodes(setup: &Setup, cases: &mut Vec<Case>) {
    for opcode in (3..8).chain(0xB..0x10) {
        let kind = if opcode < 8 { "data" } else { "control" };
        let title = format!("a frame with the reserved {kind} opcode {opcode:X}");
        let case = Case::new(setup, format!("reserved-opcode/{opcode:x}"), title);
        cases.push(case.send(setup.frame(FIN | opcode, b"")).refuse(Rule::ReservedOpcode));
    }
    for (name, title, bytes) in [
        ("with-payload", "a reserved opcode with payload", setup.frame(FIN | 3, b"data")),
        (
            "control-with-payload",
            "a reserved control opcode with payload",
            setup.frame(FIN | 0xB, b"data"),
        ),
        ("fragment", "a reserved opcode without FIN", setup.frame(3, b"data")),
    ] {
        let case = Case::new(setup, format!("reserved-opcode/{name}"), title);
        cases.push(case.send(bytes).refuse(Rule::ReservedOpcode));
    }
    let title = "a reserved opcode, a message and a Ping in one segment";
    let case = Case::new(setup, "reserved-opcode/then-ping", title);
    let bytes =
        [setup.frame(FIN | 3, b""), setup.message(setup.data, b"late"), setup.frame(PING, b"late")];
    let case = case.needs(setup.data).send(bytes.concat()).refuse(Rule::ReservedOpcode);
    cases.push(case.step(Step::NoPong(b"late".to_vec())));
    let case =
        Case::new(setup, "reserved-opcode/after-message", "a reserved opcode after a message");
    let case = case.message(setup, setup.data, b"legal").send(setup.frame(FIN | 3, b""));
    cases.push(case.refuse(Rule::ReservedOpcode));
    let inside = [setup.frame(first(setup.data), b"a"), setup.frame(FIN | 3, b"")].concat();
    let title = "a reserved opcode inside a fragmented message";
    let case = Case::new(setup, "reserved-opcode/inside-message", title).needs(setup.data);
    cases.push(case.send(inside).refuse(Rule::ReservedOpcode));
}

/// Which endpoint masks its frames (§5.1).
fn add_masking(setup: &Setup, cases: &mut Vec<Case>) {
    let data = setup.data;
    let (rule, is, breach, legal) = match setup.role {
        Role::Server => (Rule::UnmaskedClientFrame, "is not", "unmasked", "masked"),
        Role::Client => (Rule::MaskedServerFrame, "is", "masked", "unmasked"),
    };
    for (name, title, needs, bytes) in [
        ("data", "a message", Some(data), setup.turned(single(data), b"bare")),
        ("empty", "an empty message", Some(data), setup.turned(single(data), b"")),
        ("ping", "a Ping", None, setup.turned(PING, b"bare")),
        ("empty-ping", "an empty Ping", None, setup.turned(PING, b"")),
        ("pong", "a Pong", None, setup.turned(PONG, b"bare")),
        ("close", "a Close", None, setup.turned(CLOSE, &[3, 0xE8])),
        ("first-fragment", "a first fragment", Some(data), setup.turned(first(data), b"bare")),
        (
            "continuation",
            "a continuation frame",
            Some(data),
            [setup.frame(first(data), b"a"), setup.turned(LAST, b"b")].concat(),
        ),
    ] {
        let title = format!("{title} that {is} masked");
        let case = Case::new(setup, format!("masking/{breach}-{name}"), title);
        let case = needs.into_iter().fold(case, Case::needs);
        cases.push(case.send(bytes).refuse(rule));
    }
    let title = format!("a second message that {is} masked");
    let case = Case::new(setup, format!("masking/{breach}-after-{legal}"), title);
    let case =
        case.message(setup, data, legal.as_bytes()).send(setup.turned(single(data), b"bare"));
    cases.push(case.refuse(rule));
    match setup.role {
        Role::Server => add_keys(setup, cases),
        Role::Client => {
            let title = "a message that is masked with a key of zeros";
            let case = Case::new(setup, "masking/masked-key-zeros", title).needs(data);
            cases.push(case.send(with_key(single(data), [0; 4], b"bare")).refuse(rule));
        }
    }
}

/// Masking keys of any value.
fn add_keys(setup: &Setup, cases: &mut Vec<Case>) {
    let data = setup.data;
    for (name, key) in [
        ("zeros", [0; 4]),
        ("ones", [0xFF; 4]),
        ("first-byte-zero", [0, 1, 2, 3]),
        ("like-text", *b"text"),
    ] {
        let title = format!("a message masked with the key {key:02x?}");
        let case = Case::new(setup, format!("masking/key-{name}"), title).owed(&duty::MASKED);
        let payload = b"0123456789abcdefg";
        let bytes = with_key(single(data), key, payload);
        cases.push(case.needs(data).send(bytes).echo(data, payload).go_on());
    }
    let case = Case::new(setup, "masking/key-changes", "each frame with a key of its own");
    let case = (0..8_u8).fold(case.owed(&duty::MASKED).needs(data), |case, number| {
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
            cases.push(case.send(setup.frame(byte & !FIN, body)).refuse(Rule::FragmentedControl));
        }
        let mut long = if byte == CLOSE { [3, 0xE8].to_vec() } else { Vec::new() };
        long.resize(126, b'x');
        let title = format!("a {name} with 126 bytes of payload");
        let case = Case::new(setup, format!("control/oversized-{name}"), title);
        cases.push(case.send(setup.frame(byte, &long)).refuse(Rule::OversizedControl));
        for (form, bits) in [(126, 16), (127, 64)] {
            let title = format!("a short {name} with its length in {bits} bits");
            let case = Case::new(setup, format!("control/length-in-{bits}-bits-{name}"), title);
            cases.push(
                case.send(setup.frame_in_form(byte, form, body)).refuse(Rule::OversizedControl),
            );
        }
    }
    let case = Case::new(setup, "control/oversized-ping-65536", "a ping of 65,536 bytes");
    cases.push(case.send(setup.frame(PING, &[b'x'; 65_536])).refuse(Rule::OversizedControl));
    let case = Case::new(
        setup,
        "control/oversized-inside-message",
        "a ping of 126 bytes between fragments",
    );
    let bytes = [setup.frame(first(setup.data), b"a"), setup.frame(PING, &[b'x'; 126])].concat();
    cases.push(case.needs(setup.data).send(bytes).refuse(Rule::OversizedControl));
}

/// Which frame may follow which (§5.4).
fn add_order(setup: &Setup, cases: &mut Vec<Case>) {
    let data = setup.data;
    let mut alone = |name: &str, title: &str, bytes: Vec<u8>| {
        let case = Case::new(setup, format!("continuation/{name}"), title);
        cases.push(case.send(bytes).refuse(Rule::UnexpectedContinuation));
    };
    alone("alone", "a continuation frame without a message", setup.frame(LAST, b"a"));
    alone("alone-empty", "an empty continuation frame without a message", setup.frame(LAST, b""));
    alone(
        "alone-not-final",
        "a continuation frame without FIN and without a message",
        setup.frame(MIDDLE, b"a"),
    );
    let ping = [setup.frame(PING, b"p"), setup.frame(LAST, b"a")].concat();
    alone("after-ping", "a continuation frame after a Ping", ping);
    let case = Case::new(
        setup,
        "continuation/after-message",
        "a continuation frame after a whole message",
    );
    let case = case.message(setup, data, b"whole").send(setup.frame(LAST, b"more"));
    cases.push(case.refuse(Rule::UnexpectedContinuation));
    let case = Case::new(
        setup,
        "continuation/after-fragments",
        "a continuation frame after a fragmented message",
    );
    let fragments = [setup.frame(first(data), b"a"), setup.frame(LAST, b"b")].concat();
    let case = case.needs(data).send(fragments).echo(data, b"ab").send(setup.frame(LAST, b"c"));
    cases.push(case.refuse(Rule::UnexpectedContinuation));
    for (name, title, begin, next) in [
        ("single", "a message in one frame", &b"a"[..], setup.frame(single(data), b"b")),
        ("first", "the first fragment of another message", b"a", setup.frame(first(data), b"b")),
        (
            "after-empty-first",
            "a message after an empty first fragment",
            b"",
            setup.frame(single(data), b"b"),
        ),
        ("empty", "an empty message", b"a", setup.frame(single(data), b"")),
    ] {
        let title = format!("inside a fragmented message: {title}");
        let case = Case::new(setup, format!("interrupted/{name}"), title).needs(data);
        let bytes = [setup.frame(first(data), begin), next].concat();
        cases.push(case.send(bytes).refuse(Rule::InterruptedMessage));
    }
    let case = Case::new(setup, "interrupted/after-middle", "a message after a middle fragment");
    let bytes = [
        setup.frame(first(data), b"a"),
        setup.frame(MIDDLE, b"b"),
        setup.frame(single(data), b"c"),
    ]
    .concat();
    cases.push(case.needs(data).send(bytes).refuse(Rule::InterruptedMessage));
    let case = Case::new(setup, "interrupted/other-type", "text and binary fragments mixed");
    let bytes = [setup.frame(first(OpCode::Text), b"a"), setup.frame(single(OpCode::Binary), b"b")]
        .concat();
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
            let bytes = setup.frame_in_form(single(data), form, &payload);
            cases.push(case.needs(data).send(bytes).refuse(Rule::NonMinimalLength));
        }
    }
    let case = Case::new(setup, "length-form/continuation", "a long form in a continuation frame");
    let bytes = [setup.frame(first(data), b"a"), setup.frame_in_form(LAST, 126, b"b")].concat();
    cases.push(case.needs(data).send(bytes).refuse(Rule::NonMinimalLength));
    for (name, len, payload) in [
        ("2-to-the-63", 1_u64 << 63, &b"x"[..]),
        // As many bytes as the low bits say.
        ("2-to-the-63-and-5", (1 << 63) + 5, b"xxxxx"),
        ("all-ones", u64::MAX, b"x"),
    ] {
        let case = Case::new(setup, format!("length-form/{name}"), format!("a length of {len}"));
        let bytes = setup.announcing(single(data), len, payload);
        // Nothing can follow the frame, so it cannot be seen whether the server goes on.
        let case = case.needs(data).level(Level::Should);
        cases.push(case.send(bytes).refuse(Rule::LengthOverflow));
    }
}
