//! Messages of each length at which the form of the header, or a buffer, changes (RFC 6455 §5.2).

use std::format;
use std::vec::Vec;

use super::wire::{LAST, first};
use super::{Case, Level, Setup, duty};
use crate::OpCode;

/// The lengths that every server must take, unless it says that they are over its limit.
const LENS: [usize; 14] = [0, 1, 2, 3, 4, 7, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536];

/// Lengths of which a buffer of a power of two takes a part.
const LONG: [usize; 5] = [4_095, 4_097, 16_385, 131_072, 262_145];

pub(super) fn add(setup: &Setup, cases: &mut Vec<Case>) {
    for (name, opcode) in [("text", OpCode::Text), ("binary", OpCode::Binary)] {
        for len in LENS.into_iter().filter(|len| setup.takes(*len)) {
            let title = format!("a {name} message of {len} bytes");
            let case = Case::new(setup, format!("length/{name}-{len}"), title);
            cases.push(case.message(setup, opcode, &payload(opcode, len)).go_on());
        }
    }
    let data = setup.data;
    for len in LONG.into_iter().filter(|len| setup.takes(*len)) {
        let case = Case::new(setup, format!("length/{len}"), format!("a message of {len} bytes"));
        cases.push(case.level(Level::Quality).message(setup, data, &payload(data, len)).go_on());
    }
    for len in [0, 125, 126, 65_535, 65_536].into_iter().filter(|len| setup.takes(len + 1)) {
        let title = format!("a last fragment of {len} bytes");
        let case = Case::new(setup, format!("length/fragment-{len}"), title).needs(data);
        let payload = payload(data, len);
        let bytes = [setup.frame(first(data), b"a"), setup.frame(LAST, &payload)].concat();
        let whole = [b"a", &payload[..]].concat();
        cases.push(case.owed(&duty::FRAGMENTS).send(bytes).echo(data, &whole).go_on());
    }
    let title = "messages of 0 to 130 bytes, one after the other";
    let mut case = Case::new(setup, "length/every-to-130", title).needs(data);
    for len in (0..=130).filter(|len| setup.takes(*len)) {
        case = case.message(setup, data, &payload(data, len));
    }
    cases.push(case.go_on());
    let title = "100 messages in one segment";
    let mut case = Case::new(setup, "length/many-at-once", title).needs(data);
    let messages: Vec<_> = (0..100).map(|number| payload(data, number % 7 + 1)).collect();
    case =
        case.send(messages.iter().flat_map(|each| setup.message(data, each)).collect::<Vec<_>>());
    case = messages.iter().fold(case, |case, each| case.echo(data, each));
    cases.push(case.go_on());
}

/// A payload in which a byte that is lost, repeated or moved shows: it has no short period.
pub(super) fn payload(opcode: OpCode, len: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_u32;
    let bytes = (0..len).map(|_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        match opcode {
            OpCode::Text => b'a' + (state >> 8) as u8 % 26,
            _ => (state >> 8) as u8,
        }
    });
    bytes.collect()
}
