//! Data of a type that the server does not accept (1003, RFC 6455 §7.4.1).

use std::format;
use std::vec::Vec;

use super::wire::{LAST, PING, first, single};
use super::{Case, Level, Setup, Step, duty};
use crate::{Accepts, OpCode, Rule};

pub(super) fn add(setup: &Setup, cases: &mut Vec<Case>) {
    let (good, bad) = match setup.accepts {
        Some(Accepts::TextOnly) => (OpCode::Text, OpCode::Binary),
        Some(Accepts::BinaryOnly) => (OpCode::Binary, OpCode::Text),
        _ => return,
    };
    let new = |name: &str, title: &str| {
        let title = title.replace("data", bad.name());
        Case::new(setup, format!("type/{name}"), title)
    };
    let rule = Rule::UnsupportedData;
    for (name, title, bytes) in [
        ("message", "a data message", setup.message(bad, b"wrong")),
        ("empty", "an empty data message", setup.message(bad, b"")),
        (
            "fragments",
            "a data message in two fragments",
            [setup.frame(first(bad), b"wro"), setup.frame(LAST, b"ng")].concat(),
        ),
        (
            "after-ping",
            "a data message after a Ping",
            [setup.frame(PING, b""), setup.message(bad, b"wrong")].concat(),
        ),
        // 1003 is proven by the opcode, before the payload is read (§7.4.1).
        (
            "not-utf8",
            "a data message with bytes that are not UTF-8",
            setup.message(bad, b"\xFF\xC0"),
        ),
    ] {
        cases.push(new(name, title).send(bytes).refuse(rule));
    }
    let case = new("after-good", "a data message after one of the other type")
        .message(setup, good, b"good");
    cases.push(case.send(setup.message(bad, b"wrong")).refuse(rule));
    let case = new("good", "the other type").message(setup, good, b"good");
    cases.push(case.go_on());
    let title = "the first fragment of a data message, refused at once";
    let case = new("early-fragment", title).level(Level::Quality);
    cases.push(case.send(setup.frame(first(bad), b"wrong")).refuse_early(rule));
    let title = "the header of a data message, refused before its payload";
    let case = new("early-header", title).level(Level::Quality);
    cases.push(case.send(setup.begun(single(bad), 100, b"")).refuse_early(rule));
    let title = "the header of a data message of 1 TiB, refused before its payload";
    let case = Case { stress: true, ..new("early-header-1-tib", title) }.level(Level::Quality);
    cases.push(case.send(setup.announcing(single(bad), 1 << 40, b"")).refuse_early(rule));
    let title = "a Ping between two fragments of the type that is accepted";
    let bytes =
        [setup.frame(first(good), b"a"), setup.frame(PING, b"p"), setup.frame(LAST, b"b")].concat();
    let case = new("good-fragments", title).needs(good).owed(&duty::CONTROL_BETWEEN).send(bytes);
    cases.push(case.step(Step::Pong(b"p".to_vec())).echo(good, b"ab").go_on());
}
