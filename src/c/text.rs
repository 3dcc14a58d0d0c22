//! Rules and codes as text, which C wants with a NUL behind.

use core::ffi::{CStr, c_char};

use super::violation::rule_of;
use crate::{CloseCode, Rule};

/// What the row of a rule has.
pub(crate) struct RuleText {
    pub(crate) id: &'static CStr,
    pub(crate) section: &'static CStr,
    pub(crate) breaks: &'static CStr,
    pub(crate) text: &'static CStr,
    pub(crate) explain: &'static CStr,
    pub(crate) resolve: &'static CStr,
}

/// What the row of a close code has.
pub(crate) struct CodeText {
    pub(crate) name: &'static CStr,
    pub(crate) meaning: &'static CStr,
    pub(crate) seen: &'static CStr,
    pub(crate) resolve: &'static CStr,
    pub(crate) send_when: &'static CStr,
}

/// The text in front of its only NUL, which is its last byte.
pub(crate) const fn c_str(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("one NUL, at the end"),
    }
}

/// The version of the library, as `WSVET_VERSION` is that of the header: `"1.2.3"`.
///
/// The numbers of the rules and the storage of objects belong to a version: where the library is
/// shared, compare the two.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_version() -> *const c_char {
    const { c_str(concat!(env!("CARGO_PKG_VERSION"), "\0")) }.as_ptr()
}

/// A text of the rule; empty where there is no such rule.
fn of_rule(rule: u8, text: impl FnOnce(&RuleText) -> &'static CStr) -> *const c_char {
    rule_of(rule).map_or(c"", |rule| text(rule.c_text())).as_ptr()
}

/// The stable name of a rule, in lower case with hyphens, for logs and metrics:
/// `"unsupported-data"`.
///
/// It ends with a NUL and stays for ever, as every text does that a function here gives; of a number
/// that is no rule's, `WSVET_NO_RULE` too, it is empty.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_id(rule: u8) -> *const c_char {
    of_rule(rule, |text| text.id)
}

/// The number of the RFC that states the rule: 6455, or 7692 for permessage-deflate; 0 where there is
/// no such rule.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_rfc(rule: u8) -> u16 {
    rule_of(rule).map_or(0, Rule::rfc)
}

/// The section of that RFC that states the rule: `"8.1"`.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_section(rule: u8) -> *const c_char {
    of_rule(rule, |text| text.section)
}

/// The close code that the receiver answers with, or that its application is told (1006); 0 where
/// there is no such rule (section 7.4.1).
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_close_code(rule: u8) -> u16 {
    rule_of(rule).map_or(0, |rule| rule.close_code().0)
}

/// The condition under which the rule is broken, as a clause.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_breaks(rule: u8) -> *const c_char {
    of_rule(rule, |text| text.breaks)
}

/// What is said to the peer: the reason of the Close frame, at most 123 bytes.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_text(rule: u8) -> *const c_char {
    of_rule(rule, |text| text.text)
}

/// What the rule says and why, in a few sentences.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_explain(rule: u8) -> *const c_char {
    of_rule(rule, |text| text.explain)
}

/// What to do about it, mostly at the sender.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_resolve(rule: u8) -> *const c_char {
    of_rule(rule, |text| text.resolve)
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
    CloseCode(code).c_text().name.as_ptr()
}

/// What the code means.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_code_meaning(code: u16) -> *const c_char {
    CloseCode(code).c_text().meaning.as_ptr()
}

/// When you see the code.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_code_seen(code: u16) -> *const c_char {
    CloseCode(code).c_text().seen.as_ptr()
}

/// How to resolve what the code tells.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_code_resolve(code: u16) -> *const c_char {
    CloseCode(code).c_text().resolve.as_ptr()
}

/// When to send the code, and what to send instead where it does not fit.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_code_send_when(code: u16) -> *const c_char {
    CloseCode(code).c_text().send_when.as_ptr()
}
