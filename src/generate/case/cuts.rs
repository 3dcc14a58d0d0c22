//! The same bytes in other segments: what a server does must not depend on them.

use std::format;
use std::vec::Vec;

use super::lengths::payload;
use super::wire::{LAST, PING, first};
use super::{Case, Setup, Step, duty};
use crate::{CloseCode, OpCode, Role, Rule};

pub(super) fn add(setup: &Setup, cases: &mut Vec<Case>) {
    let data = setup.data;
    let new = |name: &str, title: &str| Case::new(setup, format!("cuts/{name}"), title);
    for (name, len) in [("short", 9), ("in-16-bits", 126)] {
        let body = payload(data, len);
        let whole = setup.message(data, &body);
        let title = format!("a message of {len} bytes in two segments, cut at each byte in turn");
        let cuts = (1..whole.len().min(24)).chain([whole.len() - 1]);
        let case = cuts.fold(new(name, &title).needs(data), |case, at| {
            case.send_cut(&whole, at).echo(data, &body)
        });
        cases.push(case.go_on());
        let title = format!("each byte of a message of {len} bytes alone");
        let case = new(&format!("{name}-bytewise"), &title).needs(data);
        cases.push(case.send_bytewise(&whole).echo(data, &body).go_on());
    }
    let len = 65_536;
    if setup.takes(len) {
        let body = payload(data, len);
        let whole = setup.message(data, &body);
        let title = format!("a message of {len} bytes, cut in its header");
        let case = (1..16).fold(new("in-64-bits", &title).needs(data), |case, at| {
            case.send_cut(&whole, at).echo(data, &body)
        });
        cases.push(case.go_on());
        let title = format!("a message of {len} bytes in segments of 997 bytes");
        let segments = whole.chunks(997).map(<[u8]>::to_vec).collect();
        let case = new("in-segments", &title).needs(data).step(Step::Send(segments));
        cases.push(case.echo(data, &body).go_on());
    }
    let title = "a message with a fragment and a Ping, each byte alone";
    let bytes =
        [setup.frame(first(data), b"ab"), setup.frame(PING, b"p"), setup.frame(LAST, b"cd")]
            .concat();
    let case = new("fragments-bytewise", title)
        .needs(data)
        .owed(&duty::CONTROL_BETWEEN)
        .send_bytewise(&bytes);
    cases.push(case.step(Step::Pong(b"p".to_vec())).echo(data, b"abcd").go_on());
    let case = new("two-frames", "two messages, cut inside the header of the second").needs(data);
    let bytes = [setup.message(data, b"first"), setup.message(data, b"second")].concat();
    let case = case.send_cut(&bytes, 11 + 1).echo(data, b"first").echo(data, b"second");
    cases.push(case.go_on());
    add_illegal(setup, cases);
}

/// Each byte at which the bytes that break a rule can be cut.
fn add_illegal(setup: &Setup, cases: &mut Vec<Case>) {
    let data = setup.data;
    let (name, rule) = match setup.role {
        Role::Server => ("unmasked", Rule::UnmaskedClientFrame),
        Role::Client => ("masked", Rule::MaskedServerFrame),
    };
    for (name, rule, needs, bytes) in [
        ("reserved-opcode", Rule::ReservedOpcode, None, setup.frame(0x83, b"ab")),
        (name, rule, Some(data), setup.turned(first(data) | 0x80, b"abcd")),
        (
            "invalid-utf8",
            Rule::InvalidUtf8,
            Some(OpCode::Text),
            setup.message(OpCode::Text, b"a\xED\xA0"),
        ),
        ("invalid-close-code", Rule::InvalidCloseCode, None, setup.close(1005, b"")),
    ] {
        for at in 1..bytes.len() {
            let title = format!("{} cut at byte {at}", name.replace('-', " "));
            let case = Case::new(setup, format!("cuts/{name}-at-{at}"), title);
            let case = needs.into_iter().fold(case, Case::needs);
            cases.push(case.send_cut(&bytes, at).refuse(rule));
        }
    }
    let whole = setup.close(1000, b"bye");
    for at in 1..whole.len() {
        let case =
            Case::new(setup, format!("cuts/close-at-{at}"), format!("a Close cut at byte {at}"));
        let case = case.owed(&duty::CLOSE).send_cut(&whole, at);
        cases.push(case.step(Step::Close(Some(CloseCode::NORMAL_CLOSURE))));
    }
}
