//! Pings and Pongs (RFC 6455 §5.5.2, §5.5.3).

use std::format;
use std::vec::Vec;

use super::lengths::payload;
use super::wire::{PING, PONG};
use super::{Case, Setup, Step, duty};

/// The length of a message that a peer may not send back at once, in bytes.
const LONG: usize = 65_536;

pub(super) fn add(setup: &Setup, cases: &mut Vec<Case>) {
    let data = setup.data;
    let new =
        |name: &str, title: &str| Case::new(setup, format!("ping/{name}"), title).owed(&duty::PING);
    let every: Vec<u8> = (0..=255).step_by(3).collect();
    for (name, title, payload) in [
        ("empty", "a Ping without payload", &b""[..]),
        ("one-byte", "a Ping of one byte", b"p"),
        ("text", "a Ping with text", b"are you there?"),
        ("zeros", "a Ping of zeros", &[0; 16]),
        ("binary", "a Ping with bytes of any value", &every),
        ("124", "a Ping of 124 bytes", &[b'x'; 124]),
        ("125", "a Ping of 125 bytes", &[0xFE; 125]),
    ] {
        let case = new(name, title).send(setup.frame(PING, payload));
        cases.push(case.step(Step::Pong(payload.to_vec())).go_on());
    }
    let case =
        new("bytewise", "each byte of a Ping alone").send_bytewise(&setup.frame(PING, b"slowly"));
    cases.push(case.step(Step::Pong(b"slowly".to_vec())).go_on());
    let pings: Vec<u8> =
        (0..10_u8).flat_map(|number| setup.frame(PING, &[b'0' + number])).collect();
    // A server may answer only the newest Ping (§5.5.3).
    let case = new("ten-at-once", "ten Pings in one segment").send(pings);
    cases.push(case.step(Step::Pong(b"9".to_vec())).go_on());
    let case = (0..10_u8)
        .fold(new("ten-in-turn", "ten Pings, each after a Pong"), |case, number| {
            case.send(setup.frame(PING, &[number])).step(Step::Pong([number].to_vec()))
        });
    cases.push(case.go_on());
    let case = new("with-message", "a Ping and a message in one segment").needs(data);
    let bytes = [setup.frame(PING, b"first"), setup.message(data, b"second")].concat();
    cases.push(case.send(bytes).step(Step::Pong(b"first".to_vec())).echo(data, b"second").go_on());
    if setup.takes(LONG) {
        let title =
            "a long message and a Ping in one segment: the Pong does not cut what comes back";
        let long = payload(data, LONG);
        let bytes = [setup.message(data, &long), setup.frame(PING, b"after")].concat();
        let case = new("after-long-message", title).needs(data).send(bytes).echo(data, &long);
        // Its Pong may come late, behind all of the message.
        cases.push(case.go_on());
    }
    for (name, title, bytes) in [
        ("unsolicited-pong", "a Pong without a Ping", setup.frame(PONG, b"unasked")),
        ("unsolicited-empty-pong", "an empty Pong without a Ping", setup.frame(PONG, b"")),
        (
            "unsolicited-long-pong",
            "a Pong of 125 bytes without a Ping",
            setup.frame(PONG, &[b'x'; 125]),
        ),
        ("many-pongs", "ten Pongs without a Ping", setup.frame(PONG, b"again").repeat(10)),
    ] {
        cases.push(new(name, title).owed(&duty::PONG).send(bytes).go_on());
    }
    let title = "a Ping with the payload of an earlier one";
    let case = new("same-again", title).send(setup.frame(PING, b"same"));
    let case = case.step(Step::Pong(b"same".to_vec())).send(setup.frame(PING, b"same"));
    cases.push(case.step(Step::Pong(b"same".to_vec())).go_on());
}
