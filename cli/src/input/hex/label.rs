//! Reads lines with a label or a time before the bytes: `bytes[16]=818a`, `12:00:01 recv 81 05`.

use wsvet::Role;

use super::error::HexError;
use super::pasted::{Pasted, Text};
use super::value::one;
use crate::input::chain::sender;
use crate::input::head::may_start;

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

/// The error if the labels name both directions, but it is not certain which endpoint sent which.
pub(super) const UNCLEAR: &str = "the labels name both directions, but not which of them the client sent: give the \
     lines of one direction, with --receiver";

/// The most characters of a label.
const LONGEST: usize = 200;

/// What a label says of the sender of the bytes.
struct Label {
    role: Option<Role>,
    /// Whether the program that wrote the text sent the bytes (true) or received them (false).
    is_sent: Option<bool>,
}

/// Reads lines with a label each. Several lines are the parts of one stream, or of two if the labels name
/// both endpoints.
pub(super) fn read(text: &Text<'_>) -> Option<Result<Pasted, HexError>> {
    let mut notation = None;
    let (mut blocks, mut notes, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    let lines = text.lines.iter().filter(|(_, line)| !is_comment(line));
    for &(number, line) in lines {
        let line = line.trim();
        let (label, read) = split(line)?;
        match read {
            Ok(read) => {
                notation.get_or_insert(read.notation);
                labels.extend(read.blocks.iter().map(|_| Label::new(whole_label(line, label))));
                blocks.extend(read.blocks);
                notes.extend(read.notes);
            }
            Err(error) => {
                return Some(Err(HexError::told(number, error.to_string())));
            }
        }
    }
    // A text that ends with an empty string, as the characters of a dump may, has no label.
    if blocks.iter().all(Vec::is_empty) {
        return None;
    }
    let Some(senders) = senders(&labels, &blocks) else {
        return Some(Err(HexError::told(0, UNCLEAR)));
    };
    let notation = format!("{} after a label", notation?);
    Some(Ok(Pasted { notation, blocks, senders, notes }))
}

/// Returns the sender of each block. The list is empty if the labels do not name both directions. Returns
/// `None` if they do, but it is not certain which endpoint sent which.
fn senders(labels: &[Label], blocks: &[Vec<u8>]) -> Option<Vec<Role>> {
    let has_role = |role| labels.iter().any(|label| label.role == Some(role));
    let is_there = |is_sent| labels.iter().any(|label| label.is_sent == Some(is_sent));
    let both_roles = has_role(Role::Client) && has_role(Role::Server);
    let has_received = is_there(false);
    if !(both_roles || is_there(true) && has_received) {
        return Some(Vec::new());
    }
    // HTTP heads among the lines are not read.
    if blocks.iter().any(|bytes| may_start(bytes)) {
        return None;
    }
    if both_roles {
        // `server received` may name the sender or the receiver.
        return labels.iter().map(|label| label.role.filter(|_| !has_received)).collect();
    }
    let first_sender = |is_sent| {
        let first = labels.iter().position(|label| label.is_sent == Some(is_sent))?;
        sender(&blocks[first])
    };
    let (writer, peer) = (first_sender(true)?, first_sender(false)?);
    if writer == peer {
        return None;
    }
    let role = |is_sent| if is_sent { writer } else { peer };
    labels.iter().map(|label| label.is_sent.map(role)).collect()
}

impl Label {
    fn new(label: &str) -> Self {
        let lower = label.to_lowercase();
        // The arrow in `client -> server` is no word of its own.
        let is_named = lower.contains("client") && lower.contains("server");
        let [sent, received] = [has(label, &SENT), has(label, &RECEIVED)];
        let is_sent = (sent != received && !is_named).then_some(sent);
        Self { role: role(&lower), is_sent }
    }
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

/// Returns the sender that a label names: the first of `client → server`.
fn role(label: &str) -> Option<Role> {
    match ["client", "server"].map(|role| label.find(role)) {
        [Some(client), Some(server)] => {
            let between = &label[client.min(server)..client.max(server)];
            let is_client = (client < server) != between.contains(['<', '←']);
            Some(if is_client { Role::Client } else { Role::Server })
        }
        // `to server` names the receiver.
        _ if has(label, &["to"]) => None,
        [Some(_), None] => Some(Role::Client),
        [None, Some(_)] => Some(Role::Server),
        [None, None] if has(label, &["c", "c2s"]) => Some(Role::Client),
        [None, None] if has(label, &["s", "s2c"]) => Some(Role::Server),
        [None, None] => None,
    }
}

/// Returns the label of a line with the known words after it, which the reader of the bytes has skipped.
fn whole_label<'a>(line: &'a str, label: &str) -> &'a str {
    let mut end = label.len();
    for word in line[end..].split_inclusive(char::is_whitespace) {
        if !is_known(word) {
            break;
        }
        end += word.len();
    }
    &line[..end]
}

/// Returns whether all words are known, so that a colon need not follow them.
fn is_known(label: &str) -> bool {
    let lists = [&RECEIVED[..], &SENT, &OTHERS];
    words(label).all(|word| word.is_empty() || lists.iter().any(|list| list.contains(&&*word)))
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
        let known = is_known(&label[timed..]);
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
