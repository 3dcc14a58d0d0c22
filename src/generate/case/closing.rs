//! The closing handshake (RFC 6455 §5.5.1, §7.1, §7.4).

use std::format;
use std::vec::Vec;

use super::wire::{CLOSE, PING, first};
use super::{Case, Level, Setup, Step, duty};
use crate::{CloseCode, OpCode, Rule};

/// Codes that an endpoint may send.
const LEGAL: [u16; 20] = [
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3003, 3008, 3999,
    4000, 4001, 4500, 4999,
];

/// Codes that must not stand on the wire.
const ILLEGAL: [u16; 17] = [
    0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 9999, 32_768, 61_187,
    65_535,
];

pub(super) fn add(setup: &Setup, cases: &mut Vec<Case>) {
    add_legal(setup, cases);
    add_illegal(setup, cases);
    add_after(setup, cases);
}

fn new(setup: &Setup, name: &str, title: &str) -> Case {
    Case::new(setup, format!("close/{name}"), title).owed(&duty::CLOSE)
}

fn add_legal(setup: &Setup, cases: &mut Vec<Case>) {
    for code in LEGAL {
        let title = format!("a Close with {code}");
        let case = new(setup, &format!("code-{code}"), &title);
        cases.push(case.send(setup.close(code, b"")).step(Step::Close(Some(CloseCode(code)))));
    }
    let normal = Step::Close(Some(CloseCode::NORMAL_CLOSURE));
    let case = new(setup, "no-code", "a Close without a code").send(setup.frame(CLOSE, b""));
    cases.push(case.step(Step::Close(None)));
    for (name, title, reason) in [
        ("reason", "a Close with a reason", &b"done"[..]),
        ("reason-123", "a Close with a reason of 123 bytes", &[b'x'; 123]),
        ("reason-utf8", "a Close with a reason in other scripts", "мир 世界 🌍".as_bytes()),
    ] {
        let case = new(setup, name, title).send(setup.close(1000, reason));
        cases.push(case.step(normal.clone()));
    }
    let case = new(setup, "bytewise", "each byte of a Close alone");
    cases.push(case.send_bytewise(&setup.close(1000, b"bye")).step(normal.clone()));
    let case =
        new(setup, "after-message", "a message and a Close in one segment").needs(setup.data);
    let bytes = [setup.message(setup.data, b"last"), setup.close(1000, b"")].concat();
    let case = case.send(bytes);
    cases.push(case.step(normal.clone()));
    let case = new(setup, "after-echo", "a message, and then a Close").needs(setup.data);
    let case = case.message(setup, setup.data, b"last").go_on().send(setup.close(1000, b""));
    cases.push(case.step(normal));
}

fn add_illegal(setup: &Setup, cases: &mut Vec<Case>) {
    for code in ILLEGAL {
        let title = format!("a Close with the illegal code {code}");
        let case = new(setup, &format!("illegal-code-{code}"), &title);
        // Nothing is said of these but that they are not used (§7.4.2).
        let case = if code >= 5000 { case.level(Level::Quality) } else { case };
        cases.push(case.send(setup.close(code, b"")).refuse(Rule::InvalidCloseCode));
    }
    let case = new(setup, "illegal-code-with-reason", "a Close with the code 1005 and a reason");
    cases.push(case.send(setup.close(1005, b"none")).refuse(Rule::InvalidCloseCode));
    let case = new(setup, "body-one-byte", "a Close with a body of one byte");
    cases.push(case.send(setup.frame(CLOSE, &[3])).refuse(Rule::CloseBodyOneByte));
    for (name, reason) in [
        ("ff", &b"\xFF"[..]),
        ("latin-1", b"caf\xE9"),
        ("cut", b"cut \xE2\x82"),
        ("surrogate", b"\xED\xA0\x80"),
        ("overlong", b"\xC0\x80"),
    ] {
        let case = new(setup, &format!("reason-not-utf8-{name}"), "a reason that is not UTF-8");
        cases.push(case.send(setup.close(1000, reason)).refuse(Rule::InvalidCloseReason));
    }
    let case = new(setup, "illegal-inside-message", "an illegal Close inside a fragmented message");
    let bytes = [setup.frame(first(setup.data), b"a"), setup.close(1006, b"")].concat();
    cases.push(case.needs(setup.data).send(bytes).refuse(Rule::InvalidCloseCode));
}

/// What comes after a Close, and how the TCP connection ends.
fn add_after(setup: &Setup, cases: &mut Vec<Case>) {
    let normal = Step::Close(Some(CloseCode::NORMAL_CLOSURE));
    let data = setup.data;
    for (name, title, after) in [
        ("then-message", "a message after a Close", setup.message(data, b"late")),
        ("then-ping", "a Ping after a Close", setup.frame(PING, b"late")),
        ("then-close", "a second Close", setup.close(1001, b"")),
        ("then-fragment", "a fragment after a Close", setup.frame(first(data), b"late")),
    ] {
        let case = new(setup, name, title);
        let bytes = [setup.close(1000, b""), after].concat();
        cases.push(case.send(bytes).step(normal.clone()));
    }
    for (name, title, bytes) in [
        ("tcp-ends-after-refusal", "TCP ends after a refusal", setup.frame(0x83, b"")),
        ("tcp-ends-after-bad-close", "TCP ends after an illegal Close", setup.close(1005, b"")),
    ] {
        let rule = if bytes[0] == CLOSE { Rule::InvalidCloseCode } else { Rule::ReservedOpcode };
        let case = new(setup, name, title).send(bytes).refuse(rule).step(Step::End);
        cases.push(case.section("7.1.7"));
    }
    let title = "a Close: nothing follows the Close that answers it";
    let case = new(setup, "then-nothing", title).send(setup.close(1000, b""));
    cases.push(case.step(normal.clone()).step(Step::Silence));
    let title = "a Close: TCP ends without a reset";
    let case = new(setup, "no-reset", title).send(setup.close(1000, b"")).step(normal.clone());
    let case = case.step(Step::NoReset).section("7.1.1").level(Level::Quality);
    cases.push(case);
    // An endpoint that has failed the connection must not go on (§7.1.7).
    for (name, title, needs, bytes, rule) in [
        (
            "frame",
            "a Ping after a frame that was refused",
            None,
            setup.frame(0x83, b""),
            Rule::ReservedOpcode,
        ),
        (
            "text",
            "a Ping after a text that was refused",
            Some(OpCode::Text),
            setup.message(OpCode::Text, b"\xFF"),
            Rule::InvalidUtf8,
        ),
        (
            "close",
            "a Ping after a Close that was refused",
            None,
            setup.close(1005, b""),
            Rule::InvalidCloseCode,
        ),
    ] {
        let case = new(setup, &format!("ping-after-refused-{name}"), title);
        let case = needs.into_iter().fold(case, Case::needs).send(bytes).refuse(rule);
        let case = case.send(setup.frame(PING, b"late")).step(Step::Silence);
        cases.push(case.step(Step::NoPong(b"late".to_vec())).section("7.1.7"));
    }
    let (prober, peer) = (setup.role.peer().name(), setup.role.name());
    let title =
        format!("the {prober} ends its side of TCP without a Close: the {peer} ends its side");
    let case = new(setup, "half-closed", &title).section("7.1.5").level(Level::Quality);
    cases.push(case.go_on().step(Step::EndSending).step(Step::End));
    let title =
        format!("the {prober} ends its side of TCP inside a frame: the {peer} ends its side");
    let case = new(setup, "half-closed-in-frame", &title).section("7.1.5").level(Level::Quality);
    let part = setup.message(data, b"incomplete");
    let case = case.needs(data).go_on().send(&part[..part.len() - 3]);
    cases.push(case.step(Step::EndSending).step(Step::End));
}
