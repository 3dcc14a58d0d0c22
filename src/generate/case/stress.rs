//! What can harm a server that has no limits. These cases are sent only if they are asked for.

use std::format;
use std::vec::Vec;

use super::wire::{LAST, MIDDLE, PING, RSV1, first, single};
use super::{Case, Setup, Step};
use crate::deflate::Deflater;
use crate::{CloseCode, OpCode};

/// The codes with which a server may refuse too much.
const TOO_MUCH: &[CloseCode] = &[CloseCode::MESSAGE_TOO_BIG, CloseCode::POLICY_VIOLATION];

/// The length of the text that the bombs inflate to, in bytes.
const BOMB: usize = 32 << 20;

/// The length of the text of each of their blocks, in bytes.
const BLOCK: usize = 64 << 10;

pub(super) fn add(setup: &Setup, cases: &mut Vec<Case>) {
    let data = setup.data;
    let new = |name: &str, title: &str| {
        Case::new(setup, format!("stress/{name}"), title).section("10.4").stress()
    };
    for (name, len) in [("1-tib", 1_u64 << 40), ("max", (1 << 63) - 1)] {
        let title = format!("the header of a message of {len} bytes");
        let case = new(&format!("length-{name}"), &title).needs(data);
        let case = case.send(setup.announcing(single(data), len, b"x"));
        cases.push(case.step(Step::RefuseEarly(TOO_MUCH)));
    }
    let empty = [setup.frame(first(data), b""), setup.frame(MIDDLE, b"").repeat(100_000)].concat();
    let case = new("empty-fragments", "a message of 100,000 empty fragments").needs(data);
    cases.push(case.send([empty, setup.frame(LAST, b"")].concat()).step(Step::GoOnOr(TOO_MUCH)));
    let case = new("pings", "50,000 Pings of 125 bytes");
    let pings = setup.frame(PING, &[b'p'; 125]).repeat(50_000);
    cases.push(case.send(pings).step(Step::GoOnOr(TOO_MUCH)));
    let case = new("small-messages", "100,000 messages of one byte").needs(data);
    let messages = setup.frame(single(data), b"x").repeat(100_000);
    cases.push(case.send(messages).step(Step::GoOnOr(TOO_MUCH)));
    // Each block refers only to itself, so the same one can follow again and again.
    let mut block = Vec::new();
    Deflater::new(15, false).deflate(&[b'0'; BLOCK], true, &mut block);
    block.extend_from_slice(b"\x00\x00\xFF\xFF");
    let bomb = block.repeat(BOMB / BLOCK);
    let bomb = &bomb[..bomb.len() - 4];
    let case = new("bomb", "a message that inflates to 32 MiB");
    let case = super::deflate::deflating(setup, case).needs(OpCode::Text);
    cases.push(
        case.send(setup.frame(single(OpCode::Text) | RSV1, bomb)).step(Step::GoOnOr(TOO_MUCH)),
    );
}
