//! Reads lines with a label or a time before the bytes: `bytes[16]=818a`, `12:00:01 recv 81 05`.

use super::error::HexError;
use super::pasted::{Pasted, Text};
use super::value::one;

/// Words before the bytes that say that an endpoint received them.
const RECEIVED: [&str; 15] = [
    "recv",
    "received",
    "receive",
    "receiving",
    "rx",
    "in",
    "incoming",
    "<",
    "<-",
    "<<",
    "<<<",
    "<--",
    "<=",
    "<==",
    "←",
];
/// Words before the bytes that say that an endpoint sent them.
const SENT: [&str; 16] = [
    "send", "sent", "sending", "tx", "out", "outgoing", "write", "wrote", ">", "->", ">>", ">>>",
    "-->", "=>", "==>", "→",
];
/// Other words that may stand before the bytes without a colon.
const OTHERS: [&str; 20] = [
    "c2s",
    "s2c",
    "data",
    "payload",
    "bytes",
    "hex",
    "frame",
    "raw",
    "debug",
    "info",
    "trace",
    "warn",
    "error",
    "client",
    "server",
    "ws",
    "websocket",
    "read",
    "message",
    "buffer",
];

/// The most characters of a label.
const LONGEST: usize = 200;

/// Reads lines with a label each. Several lines are the parts of one stream.
pub(super) fn read(text: &Text<'_>) -> Option<Result<Pasted, HexError>> {
    let mut notation = None;
    let (mut blocks, mut notes) = (Vec::new(), Vec::new());
    let (mut sent, mut received) = (false, false);
    let (mut client, mut server) = (false, false);
    let lines = text.lines.iter().filter(|(_, line)| !is_comment(line));
    for &(number, line) in lines {
        let line = line.trim();
        let (label, read) = split(line)?;
        match read {
            Ok(read) => {
                notation.get_or_insert(read.notation);
                blocks.extend(read.blocks);
                notes.extend(read.notes);
            }
            Err(error) => {
                return Some(Err(HexError::told(number, error.to_string())));
            }
        }
        sent |= has(label, &SENT);
        received |= has(label, &RECEIVED);
        match is_of_client(label) {
            Some(true) => client = true,
            Some(false) => server = true,
            None => {}
        }
    }
    if sent && received || client && server {
        let told =
            "the labels name both directions: give the lines of one direction, with --receiver";
        return Some(Err(HexError::told(0, told)));
    }
    // A text that ends with an empty string, as the characters of a dump may, has no label.
    if blocks.iter().all(Vec::is_empty) {
        return None;
    }
    let notation = format!("{} after a label", notation?);
    Some(Ok(Pasted { notation, blocks, notes }))
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

fn words(label: &str) -> impl Iterator<Item = String> + '_ {
    label.split_ascii_whitespace().map(|word| {
        let word = word.trim_matches(|c: char| "[]():,|".contains(c));
        word.to_lowercase()
    })
}

fn has(label: &str, known: &[&str]) -> bool {
    words(label).any(|word| known.contains(&&*word))
}

/// Returns whether a label names the client, as in `client → server`, or the server. Returns `None` if it
/// names neither.
fn is_of_client(label: &str) -> Option<bool> {
    let label = label.to_lowercase();
    match ["client", "server"].map(|role| label.find(role)) {
        [Some(client), Some(server)] => {
            let between = &label[client.min(server)..client.max(server)];
            Some((client < server) != between.contains(['<', '←']))
        }
        [Some(_), None] => Some(true),
        [None, Some(_)] => Some(false),
        [None, None] if has(&label, &["c", "c2s"]) => Some(true),
        [None, None] if has(&label, &["s", "s2c"]) => Some(false),
        [None, None] => None,
    }
}

/// Splits a line into its label and the bytes after it: the longest end of the line that stands for
/// bytes, after a colon, an equals sign, or words and times that are known.
fn split(line: &str) -> Option<(&str, Result<Pasted, HexError>)> {
    let timed = line.len() - after_times(line).len();
    if timed > 0
        && let Some(read) = one(line[timed..].trim())
    {
        return Some((&line[..timed], read));
    }
    let ends = line[timed..].char_indices().filter(|(_, c)| ":=> ]\t".contains(*c));
    let mut tried = 0;
    for (at, end) in ends.take_while(|(at, _)| *at < LONGEST) {
        let (label, rest) = line.split_at(timed + at + end.len_utf8());
        let rest = rest.trim();
        let known = words(&label[timed..]).all(|word| {
            let lists = [&RECEIVED[..], &SENT, &OTHERS];
            word.is_empty() || lists.iter().any(|list| list.contains(&&*word))
        });
        let code = label.contains(['#', ';', '"', '{', '}', '/', '\\']);
        let named = matches!(end, ':' | '=') && label.chars().any(|c| c.is_alphabetic()) && !code;
        if rest.is_empty() || !(known || named) {
            continue;
        }
        // A long line must not be read for each of its colons.
        tried += 1;
        if tried > 8 {
            return None;
        }
        if let Some(read) = one(rest) {
            return Some((label, read));
        }
    }
    None
}

/// Returns the text after the dates and times at the start of a line.
fn after_times(line: &str) -> &str {
    let mut rest = line;
    loop {
        let trimmed = rest.trim_start_matches([' ', '\t', ',']);
        let end = trimmed.find([' ', '\t']).unwrap_or(trimmed.len());
        let word = trimmed[..end].trim_matches(['[', ']', '(', ')']);
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        let time = word.matches(':').count() == 2 || word.matches('-').count() == 2;
        let plain = word.bytes().all(|byte| byte.is_ascii_digit() || b":-.,TZ+/".contains(&byte));
        let epoch = digits >= 10 && word.matches('.').count() == 1;
        // Bytes with colons have pairs of hex digits too, but more than three.
        let is_time = plain && digits >= 6 && (time || epoch);
        if !is_time || end == trimmed.len() {
            return rest;
        }
        rest = &trimmed[end..];
    }
}
