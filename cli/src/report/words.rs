//! The phrases that the page and the terminal output share.

use std::fmt::Write as _;
use std::time::Duration;

use wsvet::{
    Accepts, Act, CloseCode, End, Header, OpCode, Place as RulePlace, Role, Rule, Step,
    Subprotocol, Unopened, Verdict,
};

use crate::report::codes::of_subprotocol;
use crate::report::stream::{self, outcome};
use crate::report::style::plain;
use crate::report::time::{silence, span};
use crate::session::agreement::{Agreement, HandshakeFinding};
use crate::session::record::{Broken, Frame, Incomplete, Within};
use crate::session::report::{Closing, GoAway, Opening, Side, Tally};
use crate::session::report::{Gap, Next, Place, ReadAs, Reported};

/// Returns a number and a noun, in the plural if necessary.
pub(super) fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Returns a number of bytes with its unit.
pub(super) fn bytes(len: u64) -> String {
    format!("{len} B")
}

/// The placeholder for an unknown value.
pub(super) const UNKNOWN: &str = "?";

/// Returns the request with this target: its method, and the stream if it is one of HTTP/2.
pub(super) fn request(opening: &Opening, target: &str) -> String {
    match &opening.http2 {
        Some(http2) => format!("CONNECT {target} on HTTP/2 stream {}", http2.stream),
        None => format!("GET {target}"),
    }
}

/// Says how the endpoints ended the stream of HTTP/2 and its connection, except for END_STREAM.
pub(super) fn http2(opening: &Opening) -> Vec<String> {
    let Some(http2) = &opening.http2 else { return Vec::new() };
    let stream = http2.stream;
    let mut texts = Vec::new();
    for from in [Role::Client, Role::Server] {
        if let Some(code) = http2.resets[from as usize] {
            texts.push(format!("the {from} reset HTTP/2 stream {stream} with {code}"));
        }
        if let Some(GoAway { code, debug, processed }) = &http2.goaways[from as usize] {
            let debug =
                if debug.is_empty() { String::new() } else { format!(" \"{}\"", plain(debug)) };
            let processed = if *processed { "" } else { ", and did not process this stream" };
            texts.push(format!("the {from} sent GOAWAY with {code}{debug}{processed}"));
        }
    }
    texts
}

/// Returns the target of the request.
pub(super) fn target(agreement: &Agreement) -> &str {
    agreement.target.as_deref().unwrap_or(UNKNOWN)
}

/// Returns the negotiated subprotocol, with the type of data that it fixes, and the extensions.
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

/// Returns how much an endpoint sent.
pub(super) fn sent(side: &Side) -> String {
    let mut text = format!("sent {}, {}", count(side.frames, "frame"), bytes(side.bytes));
    let inflated = &side.inflated;
    if inflated.messages > 0 {
        let messages = count(inflated.messages, "compressed message");
        let _ = write!(text, "; {messages} of {}", bytes(inflated.compressed));
        match inflated.ratio() {
            Some(ratio) => {
                let inflates = if inflated.messages == 1 { "inflates" } else { "inflate" };
                let len = bytes(inflated.inflated);
                let _ = write!(text, " {inflates} to {len} ({ratio:.1}:1)");
            }
            None => text.push_str(", which could not all be inflated"),
        }
    }
    text
}

/// Returns what an endpoint sent last, and how long before the end of the connection.
fn last_frame(side: &Side) -> String {
    let from = side.from;
    match side.last.zip(side.before) {
        None => format!("; the {from} sent no frame"),
        Some((sent, before)) => {
            let kind = sent.header.opcode();
            format!("; the {from} sent its last frame ({kind}) {} before the end", span(before))
        }
    }
}

/// Returns the outcome of a connection, and the duties that were neglected, in a few words.
pub(super) fn ending(closing: &Closing) -> String {
    let verdict = &closing.verdict;
    let due = || verdict.violation().map_or(0, |violation| violation.rule.close_code().0);
    let id = verdict.id();
    let mut ending = match verdict {
        Verdict::LetPass { .. } => format!("{id}, {} due", due()),
        Verdict::RefusedOtherwise { code: CloseCode::NO_STATUS_RECEIVED, .. } => {
            format!("{id}, no code (1005), {} due", due())
        }
        Verdict::RefusedOtherwise { code, .. } => format!("{id} {}, {} due", code.0, due()),
        _ => match verdict.code() {
            Some(CloseCode::NO_STATUS_RECEIVED) => format!("{id}, no code (1005)"),
            Some(code) => format!("{id} {}", code.0),
            None => id.to_owned(),
        },
    };
    if let (Verdict::Open, Some(code)) = (verdict, reported_code(closing)) {
        ending = format!("reported {}", code.0);
    } else if *verdict == Verdict::Open && closing.has_failed() {
        ending = "reported failure".to_owned();
    }
    for finding in &closing.findings {
        let _ = write!(ending, ", {}", finding.lapse);
    }
    ending
}

/// Returns what the user can do about a verdict, if anything.
fn advice(verdict: &Verdict, sides: &[Side; 2]) -> Option<String> {
    match verdict {
        Verdict::WronglyRefused { by, code: CloseCode::UNSUPPORTED_DATA } => {
            Some(format!("if the {by} accepts only one type of data, set --{by}-accepts"))
        }
        Verdict::OwnLimit { by, .. } => {
            Some(format!("to judge the limit of the {by}, set --max-message or --max-frame"))
        }
        Verdict::WronglyRefused { by, code: CloseCode::MESSAGE_TOO_BIG } => {
            Some(format!("if the {by} has a limit, set --max-message or --max-frame"))
        }
        Verdict::WronglyRefused { by, .. } => {
            let lost = sides[by.peer() as usize].inflated.lost;
            lost.then(|| "the content of some compressed messages was not judged".to_owned())
        }
        _ => None,
    }
}

/// Describes a step of the closing, with the reason in a Close frame.
pub(super) fn step(closing: &Closing, step: &Step) -> String {
    let more = match step.act {
        // Nobody sends 1005: a library reports it where no code came (§7.1.5).
        Act::Closed(None) => {
            format!(": the application of the {} is told 1005", step.from.peer())
        }
        Act::Closed(Some(_)) => match closing.reasons[step.from as usize].as_str() {
            "" => String::new(),
            reason => format!(" \"{}\"", plain(reason)),
        },
        _ => String::new(),
    };
    let meaning = of_subprotocol(closing, step).map_or(String::new(), |text| format!(" ({text})"));
    let act = stream::step(closing.opening.http2.as_deref(), step);
    let act = act.unwrap_or_else(|| step.act.to_string());
    format!("the {} {act}{meaning}{more}", step.from)
}

/// Returns the endpoint that reset the connection within a second after its own Close frame, before the
/// peer ended its stream. A RST discards what the peer has not read yet (RFC 9293 §3.10.7).
fn reset_after_close(timeline: &[Step]) -> Option<Role> {
    let reset = timeline.iter().find(|step| matches!(step.act, Act::Ended(_)))?;
    let closed = |step: &&Step| step.from == reset.from && matches!(step.act, Act::Closed(_));
    let close = timeline.iter().find(closed)?;
    let soon = reset.at.saturating_sub(close.at) <= Duration::from_secs(1);
    (reset.act == Act::Ended(End::Reset) && soon).then_some(reset.from)
}

/// Returns how a connection was closed, and what the user can do.
pub(super) fn verdict(closing: &Closing) -> String {
    let Closing { verdict, timeline, sides, opening, gap, .. } = closing;
    let captured = opening.stream.is_some();
    let mut text = match verdict {
        Verdict::Open if *gap && captured => {
            "unknown how it was closed: the capture lacks bytes".to_owned()
        }
        Verdict::Open if reported_code(closing).is_some() => {
            let code = reported_code(closing).unwrap_or(CloseCode::NO_STATUS_RECEIVED);
            format!("closed with {code}, as the input reports; it does not say by whom")
        }
        Verdict::Open if closing.has_failed() => "failed, as the input reports".to_owned(),
        Verdict::NeverOpened { why: Unopened::NoAnswer, .. } if closing.ended.is_none() => {
            "never opened: the input has no answer of the server (a browser reports 1006)"
                .to_owned()
        }
        Verdict::Open if *gap => "unknown how it was closed: the input does not say it".to_owned(),
        _ => outcome(closing),
    };
    text.push_str(&silence(closing));
    for step in timeline.iter().filter(|step| step.act == Act::SentDataAfterClose) {
        let _ = write!(text, "; the {} {}", step.from, step.act);
    }
    if let Some(by) = reset_after_close(timeline) {
        let peer = by.peer();
        let what = if opening.http2.is_some() { "stream" } else { "connection" };
        let _ = write!(
            text,
            "; the {by} reset the {what} right after its Close, so the {peer} may have lost that \
             Close and been told 1006"
        );
    }
    if matches!(verdict, Verdict::Abnormal { .. }) {
        text.extend(sides.iter().map(last_frame));
    }
    let declined = |found: &HandshakeFinding| matches!(found, HandshakeFinding::Declined(_));
    if matches!(verdict, Verdict::Abnormal { by: Role::Client, .. })
        && opening.agreement.found.iter().any(declined)
    {
        text.push_str(
            "; a likely reason: the server chose none of the subprotocols that the client offered, \
             and browsers then fail the connection",
        );
    }
    if let Some(advice) = advice(verdict, sides) {
        text.push_str("; ");
        text.push_str(&advice);
    }
    if *gap && !matches!(verdict, Verdict::Open | Verdict::NeverOpened { .. }) {
        text.push_str(if opening.agreement.uncertain.is_some() {
            " (whether the code is right is unknown: what it answers was perhaps not captured)"
        } else if closing.beyond_window {
            " (whether the code is right is unknown: references to data outside of the negotiated window are \
             not judged)"
        } else if captured {
            " (the capture lacks bytes)"
        } else {
            " (the input is incomplete)"
        });
    }
    text
}

/// Returns the close code that the input itself reports.
fn reported_code(closing: &Closing) -> Option<CloseCode> {
    closing.reported.iter().find_map(|reported| reported.code)
}

/// Says what the input itself reports of a connection.
pub(super) fn reported(reported: &Reported) -> String {
    match (reported.code, reported.text.as_str()) {
        (Some(code), "") => format!("the input reports a close with {code}"),
        (Some(code), reason) => format!("the input reports a close with {code} \"{reason}\""),
        (None, text) => format!("the input reports: {text}"),
    }
}

/// Returns the place of a violation in the inflated data of a compressed message.
pub(super) fn within(inflated: u64) -> String {
    match inflated {
        0 => "in a compressed message, before the first inflated byte".to_owned(),
        len => format!("in a compressed message, after {} of inflated data", bytes(len)),
    }
}

/// Returns the summary of a run: the good part and the bad part.
pub(super) fn found(tally: &Tally) -> [Option<String>; 2] {
    let faults = match tally.faults {
        _ if tally.violations > 0 => None,
        0 => None,
        1 => Some("1 connection was not closed correctly".to_owned()),
        n => Some(format!("{n} connections were not closed correctly")),
    };
    let unopened = match tally.unopened {
        0 => None,
        1 => Some("1 connection was never opened".to_owned()),
        n => Some(format!("{n} connections were never opened")),
    };
    let neglected = match tally.findings {
        0 => None,
        1 => Some("1 duty was neglected".to_owned()),
        n => Some(format!("{n} duties were neglected")),
    };
    let good = match (tally.violations, tally.findings) {
        (0, 0) if faults.is_some() || unopened.is_some() => Some("no rule is broken"),
        (0, 0)
            if tally.gaps + tally.lacking > 0
                && tally.unjudged + tally.uncertain + tally.partly == 0 =>
        {
            Some("nothing is broken in the bytes that the input has")
        }
        (0, 0) => Some("nothing is broken"),
        _ => None,
    };
    let violations = (tally.violations > 0).then(|| count(tally.violations, "violation"));
    let bad: Vec<_> = [violations, faults, unopened, neglected].into_iter().flatten().collect();
    let were = |n, one: &str, many: &str| match n {
        0 => None,
        1 => Some(format!("1 connection {one}")),
        n => Some(format!("{n} connections {many}")),
    };
    let lacking = [
        were(tally.unjudged, "was not", "were not"),
        were(tally.partly, "was judged only in part", "were judged only in part"),
        were(tally.uncertain, "lacks its opening handshake", "lack their opening handshakes"),
    ];
    let lacking = lacking.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let good = good.map(|good| match lacking.as_str() {
        "" => good.to_owned(),
        lacking => format!("{good} in what could be judged; {lacking}"),
    });
    [good, (!bad.is_empty()).then(|| bad.join(", "))]
}

/// Describes a gap in a capture.
pub(super) fn lacks(place: &Place, gap: &Gap) -> String {
    let Gap { offset, missing, next } = *gap;
    let (from, missing) = (place.from, bytes(missing));
    let next = match next {
        Next::Inside => {
            "all of them are in one payload, which is not judged; judging continues after the gap"
                .to_owned()
        }
        Next::Frame(to) => format!(
            "judging continues at byte {to}, the next plausible frame boundary, and what is before it is \
             not judged"
        ),
        Next::Nowhere => {
            "judging stops there, because no frame boundary is certain after it".to_owned()
        }
    };
    format!("the capture lacks {missing} from the {from} at byte {offset}: {next}")
}

/// Returns the place at which a direction ends too early.
pub(super) fn inside(incomplete: &Incomplete<'_>) -> String {
    match (incomplete.within, incomplete.missing) {
        (Within::Frame, Some(missing)) => {
            format!("inside a frame ({} missing)", bytes(missing))
        }
        (Within::Frame, None) => "inside the header of a frame".to_owned(),
        (Within::Message, _) => "inside a fragmented message".to_owned(),
    }
}

/// Returns the opcode of a frame, its place in a fragmented message, and its RSV bits.
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

/// Returns the names of the RSV bits that are set.
fn rsv(header: &Header) -> impl Iterator<Item = &'static str> {
    let bits = header.rsv();
    [(4, "RSV1"), (2, "RSV2"), (1, "RSV3")]
        .into_iter()
        .filter(move |(bit, _)| bits & bit != 0)
        .map(|(_, name)| name)
}

/// Returns the start of the payload, inflated if it is compressed, and the total length.
pub(super) fn content<'a>(frame: &Frame<'a>) -> (&'a [u8], u64) {
    match frame.inflated {
        Some(start) => (&start.bytes, start.len),
        None => (frame.payload, frame.header.payload_len()),
    }
}

/// Returns the inflated length of the compressed message that this frame completes.
pub(super) fn inflated(frame: &Frame<'_>) -> Option<u64> {
    frame.message.filter(|message| message.compressed)?.len
}

/// Returns the start of a frame's [content] as text, if it is valid text. A character that is cut
/// at the end is left out.
pub(super) fn readable<'a>(frame: &Frame<'_>, start: &'a [u8]) -> Option<&'a str> {
    let text = match frame.inflated {
        Some(inflated) => inflated.is_text(),
        None => frame.header.rsv() == 0 && frame.header.opcode() != OpCode::Binary,
    };
    if !text {
        return None;
    }
    match std::str::from_utf8(start) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&start[..error.valid_up_to()]).ok()
        }
        Err(_) => None,
    }
}

/// The bytes around a violation.
pub(super) struct Evidence<'a> {
    pub(super) bytes: &'a [u8],
    /// The range of the bytes that break the rule.
    pub(super) at: std::ops::Range<usize>,
    pub(super) note: String,
}

/// Returns the bytes that show a violation. Returns nothing if the end of the stream or an inflated
/// byte breaks the rule. `wire` is a buffer for the header.
pub(super) fn evidence<'a>(
    broken: &'a Broken<'_>,
    wire: &'a mut [u8; Header::MAX_LEN],
) -> Option<Evidence<'a>> {
    let rule = broken.violation.rule;
    if rule.place() == RulePlace::End || broken.inflated.is_some() {
        return None;
    }
    let Some((start, header)) = broken.header.as_ref() else {
        let (start, bytes) = broken.cut;
        let at = broken.violation.offset.checked_sub(start)? as usize;
        bytes.get(at)?;
        let note = "the bytes end inside this header".to_owned();
        return Some(Evidence { bytes, at: at..at + 1, note });
    };
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

/// Describes the byte of a header that breaks a rule.
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

/// Formats bytes in hex, two digits each.
pub(crate) fn hex_bytes(bytes: &[u8], separator: &str) -> String {
    let mut hex = String::with_capacity(bytes.len() * (2 + separator.len()));
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 {
            hex.push_str(separator);
        }
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Says how an input was read.
pub(crate) fn read_as(how: &ReadAs) -> String {
    let len = how.bytes.map(|len| format!(", {}", count(len, "byte")));
    let mut text = format!("read as {}{}", how.what, len.unwrap_or_default());
    for note in &how.notes {
        text.push_str("; ");
        text.push_str(note);
    }
    text
}
