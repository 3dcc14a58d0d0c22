//! The texts of rules and close codes, as strings that end with a NUL.

use core::ffi::c_char;

use super::bytes_mut;
use crate::handshake::Due;
use crate::table::Text;
use crate::{CloseCode, Lapse, Rule, handshake};

/// Returns the version of the library, such as `"1.2.3"`. `WSVET_VERSION` is the version of the
/// header.
///
/// Another version may have other sizes of objects and other rules. If you link the library
/// dynamically, compare the two versions.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_version() -> *const c_char {
    const { Text::new(concat!(env!("CARGO_PKG_VERSION"), "\0")).as_c_str() }.as_ptr()
}

/// Writes the text and a NUL to the front of `out`, if both fit, and returns the length of the text.
///
/// # Safety
///
/// `out` must point to `out_len` writable bytes, or `out_len` must be 0.
pub(super) unsafe fn put_text(text: &str, out: *mut c_char, out_len: usize) -> usize {
    // SAFETY: the caller ensures that the bytes can be written.
    let out = unsafe { bytes_mut(out.cast(), out_len) };
    if let Some((end, front)) = out.get_mut(..=text.len()).and_then(<[u8]>::split_last_mut) {
        front.copy_from_slice(text.as_bytes());
        *end = 0;
    }
    text.len()
}

/// Returns a text of the rule, or an empty string if there is no such rule.
fn of_rule(rule: u8, text: impl FnOnce([Text; 6]) -> Text) -> *const c_char {
    let texts = Rule::from_number(rule)
        .map(Rule::texts)
        .or_else(|| of_handshake(rule).map(handshake::Rule::texts))
        .or_else(|| Lapse::from_number(rule).map(Lapse::texts));
    texts.map_or(c"", |texts| text(texts).as_c_str()).as_ptr()
}

/// Returns the rule of the opening handshake with this number.
fn of_handshake(rule: u8) -> Option<handshake::Rule> {
    handshake::Rule::from_number(rule)
}

/// Returns the stable name of a rule for logs and metrics, in lower case with hyphens, such as
/// `"unsupported-data"`.
///
/// Every string that a function of this header returns ends with a NUL, and is valid until the
/// program ends. If a number is not a rule, as `WSVET_NO_RULE`, the string is empty. The functions for
/// rules know the numbers of `wsvet_rule`, `wsvet_handshake_rule` and `wsvet_lapse`.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_id(rule: u8) -> *const c_char {
    of_rule(rule, |[id, ..]| id)
}

/// Returns the number of the RFC that states the rule: 6455, 7692 for permessage-deflate, or 9112
/// for HTTP. Returns 0 if there is no such rule.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_rfc(rule: u8) -> u16 {
    Rule::from_number(rule)
        .map(Rule::rfc)
        .or_else(|| of_handshake(rule).map(handshake::Rule::rfc))
        .or_else(|| Lapse::from_number(rule).map(Lapse::rfc))
        .unwrap_or(0)
}

/// Returns the section of the RFC of `wsvet_rule_rfc` that states the rule, such as `"8.1"`.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_section(rule: u8) -> *const c_char {
    of_rule(rule, |[_, section, ..]| section)
}

/// Returns the close code that the receiver replies with, or 1006 if it cannot reply and only its
/// application is told (section 7.4.1). Returns 0 if there is no such rule, and for a rule of the
/// opening handshake or a `wsvet_lapse`.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_close_code(rule: u8) -> u16 {
    Rule::from_number(rule).map_or(0, |rule| rule.close_code().0)
}

/// Returns the HTTP status with which a server refuses a request that breaks this rule of the opening
/// handshake, such as 426 (section 4.2.1). Returns 0 if there is no such rule, for a rule about
/// frames, and for a rule about the response: the client then closes the connection (section 4.1).
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_status(rule: u8) -> u16 {
    match of_handshake(rule).map(handshake::Rule::due) {
        Some(Due::Status(status)) => status,
        _ => 0,
    }
}

/// Returns the condition under which the rule is broken, as a clause.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_breaks(rule: u8) -> *const c_char {
    of_rule(rule, |[_, _, breaks, ..]| breaks)
}

/// Returns the text for the peer, at most 123 bytes: the reason of the Close frame, or the body of the
/// HTTP response that refuses a request.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_text(rule: u8) -> *const c_char {
    of_rule(rule, |[_, _, _, text, ..]| text)
}

/// Returns an explanation of what the rule requires and why, in a few sentences.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_explain(rule: u8) -> *const c_char {
    of_rule(rule, |[.., explain, _]| explain)
}

/// Returns what to do if the rule is broken, mostly at the sender.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_rule_resolve(rule: u8) -> *const c_char {
    of_rule(rule, |[.., resolve]| resolve)
}

/// Returns a text of the table row that the code belongs to.
fn of_code(code: u16, text: impl FnOnce([Text; 5]) -> Text) -> *const c_char {
    text(CloseCode(code).info().texts()).as_c_str().as_ptr()
}

/// Returns `true` if an endpoint may send this code in a Close frame: 1000-1003, 1007-1014 or
/// 3000-4999 (section 7.4).
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_code_is_sendable(code: u16) -> bool {
    CloseCode(code).is_sendable()
}

/// Returns the registered name of a close code, such as `"Unsupported Data"`, or the purpose of the
/// range that the code is in. The code may be any number from 0 to 65535.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_code_name(code: u16) -> *const c_char {
    of_code(code, |[name, ..]| name)
}

/// Returns what the code means.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_code_meaning(code: u16) -> *const c_char {
    of_code(code, |[_, meaning, ..]| meaning)
}

/// Returns the situations in which you see the code.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_code_seen(code: u16) -> *const c_char {
    of_code(code, |[_, _, seen, ..]| seen)
}

/// Returns how to resolve the problem that the code reports.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_code_resolve(code: u16) -> *const c_char {
    of_code(code, |[.., resolve, _]| resolve)
}

/// Returns when to send the code, and what to send instead if the code does not fit.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_code_send_when(code: u16) -> *const c_char {
    of_code(code, |[.., send_when]| send_when)
}
