//! How things are said, on a page as in a terminal.

use std::fmt::Write as _;
use std::time::Duration;

use wsvet::{Accepts, CloseCode, Header, OpCode, Place as RulePlace, Rule, Subprotocol, Verdict};

use crate::frames::Side;
use crate::http::Agreement;
use crate::judge::{Broken, Frame, Incomplete, Within};

/// So many of something.
pub(super) fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

pub(super) fn bytes(len: u64) -> String {
    format!("{len} B")
}

/// A span of time, in the unit that fits it.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match time.as_secs() {
        0 => format!("{:.1} ms", seconds * 1e3),
        1..60 => format!("{seconds:.2} s"),
        60..3600 => format!("{} min {} s", time.as_secs() / 60, time.as_secs() % 60),
        _ => format!("{} h {} min", time.as_secs() / 3600, time.as_secs() % 3600 / 60),
    }
}

/// What an input has no name for.
pub(super) const UNKNOWN: &str = "?";

/// The request's target.
pub(super) fn target(agreement: &Agreement) -> &str {
    agreement.target.as_deref().unwrap_or(UNKNOWN)
}

/// What was agreed on: the subprotocol, with the type of data that it fixes, and the extensions.
pub(super) fn agreed(agreement: &Agreement) -> Vec<String> {
    let subprotocol = agreement.subprotocol.as_deref().map(|name| {
        match Subprotocol::from_name(name).map(|row| row.accepts) {
            Some(Accepts::TextOnly) => format!("{name} (text only)"),
            Some(Accepts::BinaryOnly) => format!("{name} (binary only)"),
            _ => name.to_owned(),
        }
    });
    subprotocol.into_iter().chain(agreement.extensions.iter().cloned()).collect()
}

/// How much an end has sent.
pub(super) fn sent(side: &Side) -> String {
    let mut text = format!("sent {}, {}", count(side.frames, "frame"), bytes(side.bytes));
    let inflated = &side.inflated;
    if inflated.messages > 0 {
        let messages = count(inflated.messages, "compressed message");
        let _ = write!(text, "; {messages} of {}", bytes(inflated.compressed));
        match inflated.ratio() {
            Some(ratio) => {
                let hold = if inflated.messages == 1 { "holds" } else { "hold" };
                let _ = write!(text, " {hold} {} ({ratio:.1} : 1)", bytes(inflated.inflated));
            }
            None => text.push_str(", which cannot be inflated"),
        }
    }
    text
}

/// What an end sent last, and how long before the connection ended.
pub(super) fn last_frame(side: &Side) -> String {
    let from = side.from;
    match side.last.zip(side.before) {
        None => format!("; the {from} sent no frame"),
        Some((sent, before)) => {
            let kind = sent.header.opcode();
            format!("; the {from}'s last frame, {kind}, came {} before", span(before))
        }
    }
}

/// How a connection ended, in two or three words.
pub(super) fn ending(verdict: &Verdict) -> String {
    let due = || verdict.violation().map_or(0, |violation| violation.rule.close_code().0);
    let id = verdict.id();
    match verdict {
        Verdict::LetPass { .. } => format!("{id}, {} due", due()),
        Verdict::RefusedOtherwise { code, .. } => format!("{id} {}, {} due", code.0, due()),
        _ => match verdict.code() {
            Some(code) => format!("{id} {}", code.0),
            None => id.to_owned(),
        },
    }
}

/// What a person can do about a verdict, where there is something.
pub(super) fn advice(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::WronglyRefused { by, code: CloseCode::UNSUPPORTED_DATA } => {
            Some(format!("if it accepts one type only, say so with --{by}-accepts"))
        }
        Verdict::WronglyRefused { code: CloseCode::MESSAGE_TOO_BIG, .. } => {
            Some("if it has a limit, say so with --max-message or --max-frame".to_owned())
        }
        _ => None,
    }
}

/// What a direction that ends too early is inside of.
pub(super) fn inside(incomplete: &Incomplete<'_>) -> String {
    match (incomplete.within, incomplete.missing) {
        (Within::Frame, Some(missing)) => {
            format!("inside a frame: {} of it are missing", bytes(missing))
        }
        (Within::Frame, None) => "inside the header of a frame".to_owned(),
        (Within::Message, _) => "inside a fragmented message".to_owned(),
    }
}

/// The frame's opcode, its place in a fragmented message, and its RSV bits.
pub(super) fn kind(header: &Header) -> String {
    let mut kind = header.opcode().name().to_owned();
    match (header.opcode(), header.fin()) {
        (OpCode::Continuation, true) => kind.push_str(", last"),
        (OpCode::Text | OpCode::Binary, false) => kind.push_str(", first"),
        (opcode, false) if opcode != OpCode::Continuation => kind.push_str(", no FIN"),
        _ => {}
    }
    for name in rsv(header) {
        kind.push(' ');
        kind.push_str(name);
    }
    kind
}

/// The RSV bits that are set.
fn rsv(header: &Header) -> impl Iterator<Item = &'static str> {
    let bits = header.rsv();
    [(4, "RSV1"), (2, "RSV2"), (1, "RSV3")]
        .into_iter()
        .filter(move |(bit, _)| bits & bit != 0)
        .map(|(_, name)| name)
}

/// Whether the payload of this frame is text that can be read.
pub(super) fn is_readable(frame: &Frame<'_>) -> bool {
    frame.header.rsv() == 0 && frame.header.opcode() != OpCode::Binary
}

/// The bytes around the one that breaks a rule.
pub(super) struct Evidence<'a> {
    pub(super) bytes: &'a [u8],
    /// Which of them break it.
    pub(super) at: std::ops::Range<usize>,
    pub(super) note: String,
}

/// What shows that the rule is broken; nothing, where the stream just ends. `wire` is where the
/// header is written.
pub(super) fn evidence<'a>(
    broken: &'a Broken<'_>,
    wire: &'a mut [u8; Header::MAX_LEN],
) -> Option<Evidence<'a>> {
    let rule = broken.violation.rule;
    let (start, header) = broken.header.as_ref()?;
    if rule.place() == RulePlace::End {
        return None;
    }
    let len = header.encode(wire);
    let at = broken.violation.offset.checked_sub(*start).filter(|at| *at < len as u64);
    let before = broken.before;
    Some(match at {
        Some(at) => {
            let at = at as usize;
            Evidence { bytes: &wire[..len], at: at..at + 1, note: note(rule, header) }
        }
        None if rule == Rule::InvalidCloseCode => {
            let code = before.last_chunk::<2>().copied().map(u16::from_be_bytes);
            let note = code.map_or(String::new(), |code| CloseCode(code).to_string());
            let at = before.len().saturating_sub(2)..before.len();
            Evidence { bytes: before, at, note }
        }
        None => {
            let at = before.len().saturating_sub(1)..before.len();
            let note = "in the unmasked payload".to_owned();
            Evidence { bytes: before, at, note }
        }
    })
}

/// What the offending byte of a header says.
fn note(rule: Rule, header: &Header) -> String {
    let opcode = header.opcode();
    match rule.place() {
        RulePlace::FirstByte => {
            let mut note = String::new();
            for name in header.fin().then_some("FIN").into_iter().chain(rsv(header)) {
                let comma = if note.is_empty() {
                    ""
                } else if note == "FIN" {
                    ", "
                } else {
                    " "
                };
                let _ = write!(note, "{comma}{name}");
            }
            let comma = if note.is_empty() { "" } else { ", " };
            format!("{note}{comma}opcode {:X}: {opcode}", u8::from(opcode))
        }
        RulePlace::SecondByte => {
            let mask = if header.is_masked() { "MASK set" } else { "MASK clear" };
            format!("{mask}, payload of {}", bytes(header.payload_len()))
        }
        RulePlace::ExtendedLength => format!("payload of {}", bytes(header.payload_len())),
        _ => "the message ends here".to_owned(),
    }
}
