//! Rules and codes as text, which C wants with a NUL behind.

use core::ffi::c_char;

use crate::table::Text;
use crate::{CloseCode, Rule};

/// The version of the library, as `WSVET_VERSION` is that of the header: `"1.2.3"`.
///
/// The sizes of objects, and which rules there are, can change with a version. If the library is
/// shared, compare the two.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_version() -> *const c_char {
    const { Text::new(concat!(env!("CARGO_PKG_VERSION"), "\0")).as_c_str() }.as_ptr()
}

/// A text of the rule; empty where there is no such rule.
fn of_rule(rule: u8, text: impl FnOnce([Text; 6]) -> Text) -> *const c_char {
    Rule::from_number(rule).map_or(c"", |rule| text(rule.texts()).as_c_str()).as_ptr()
}

/// The stable name of a rule, in lower case with hyphens, for logs and metrics:
/// `"unsupported-data"`.
///
/// It ends with a NUL and stays for ever, as every text does that a function here gives; of a number
/// that is no rule's, `WSVET_NO_RULE` too, it is empty.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_id(rule: u8) -> *const c_char {
    of_rule(rule, |[id, ..]| id)
}

/// The number of the RFC that states the rule: 6455, or 7692 for permessage-deflate; 0 where there is
/// no such rule.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_rfc(rule: u8) -> u16 {
    Rule::from_number(rule).map_or(0, Rule::rfc)
}

/// The section of that RFC that states the rule: `"8.1"`.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_section(rule: u8) -> *const c_char {
    of_rule(rule, |[_, section, ..]| section)
}

/// The close code that the receiver answers with, or that its application is told (1006); 0 where
/// there is no such rule (section 7.4.1).
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_close_code(rule: u8) -> u16 {
    Rule::from_number(rule).map_or(0, |rule| rule.close_code().0)
}

/// The condition under which the rule is broken, as a clause.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_breaks(rule: u8) -> *const c_char {
    of_rule(rule, |[_, _, breaks, ..]| breaks)
}

/// What is said to the peer: the reason of the Close frame, at most 123 bytes.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_text(rule: u8) -> *const c_char {
    of_rule(rule, |[_, _, _, text, ..]| text)
}

/// What the rule says and why, in a few sentences.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_explain(rule: u8) -> *const c_char {
    of_rule(rule, |[.., explain, _]| explain)
}

/// What to do about it, mostly at the sender.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_resolve(rule: u8) -> *const c_char {
    of_rule(rule, |[.., resolve]| resolve)
}

/// A text of the row that the code belongs to.
fn of_code(code: u16, text: impl FnOnce([Text; 5]) -> Text) -> *const c_char {
    text(CloseCode(code).info().texts()).as_c_str().as_ptr()
}

/// Whether this code may stand in a Close frame: 1000-1003, 1007-1014 and 3000-4999 may
/// (section 7.4).
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_code_is_sendable(code: u16) -> bool {
    CloseCode(code).is_sendable()
}

/// The registered name of a close code, any number from 0 to 65535, or what its range is for:
/// `"Unsupported Data"`.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_code_name(code: u16) -> *const c_char {
    of_code(code, |[name, ..]| name)
}

/// What the code means.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_code_meaning(code: u16) -> *const c_char {
    of_code(code, |[_, meaning, ..]| meaning)
}

/// When you see the code.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_code_seen(code: u16) -> *const c_char {
    of_code(code, |[_, _, seen, ..]| seen)
}

/// How to resolve what the code tells.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_code_resolve(code: u16) -> *const c_char {
    of_code(code, |[.., resolve, _]| resolve)
}

/// When to send the code, and what to send instead where it does not fit.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_code_send_when(code: u16) -> *const c_char {
    of_code(code, |[.., send_when]| send_when)
}
