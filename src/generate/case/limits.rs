//! The limit of a server for the length of messages (1009, RFC 6455 §7.4.1).

use std::format;
use std::vec::Vec;

use super::lengths::payload;
use super::wire::{LAST, first, single};
use super::{Case, Level, Setup};
use crate::Rule;

/// The longest message that is sent to see whether a limit holds, in bytes.
const MOST: u64 = 16 << 20;

pub(super) fn add(setup: &Setup, cases: &mut Vec<Case>) {
    let Some(limit) = setup.max_message.filter(|limit| *limit < MOST) else { return };
    let limit = limit as usize;
    let data = setup.data;
    let rule = Rule::MessageTooBig;
    let new =
        |name: &str, title: &str| Case::new(setup, format!("limit/{name}"), title).needs(data);
    let most = payload(data, limit);
    let over = payload(data, limit + 1);
    let case = new("exactly", &format!("a message of {limit} bytes, which is the limit"));
    cases.push(case.message(setup, data, &most).go_on());
    let case = new("one-over", &format!("a message of {} bytes, one over the limit", limit + 1));
    cases.push(case.send(setup.message(data, &over)).refuse(rule));
    let (a, b) = over.split_at(over.len() / 2);
    let case = new("one-over-in-fragments", "two fragments that are one byte over the limit");
    let bytes = [setup.frame(first(data), a), setup.frame(LAST, b)].concat();
    cases.push(case.send(bytes).refuse(rule));
    let (a, b) = most.split_at(most.len() / 2);
    let case = new("exactly-in-fragments", "two fragments of as many bytes as the limit");
    let bytes = [setup.frame(first(data), a), setup.frame(LAST, b)].concat();
    cases.push(case.send(bytes).echo(data, &most).go_on());
    let case = new("twice", "two messages, each as long as the limit");
    cases.push(case.message(setup, data, &most).message(setup, data, &most).go_on());
    let title = "the header of a message over the limit, refused before its payload";
    let case = new("early-header", title).level(Level::Quality);
    cases.push(case.send(setup.begun(single(data), limit + 1, b"")).refuse_early(rule));
}
