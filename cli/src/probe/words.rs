//! The phrases for what is due, and for what came.

use wsvet::generate::{Answer, Case, Step};
use wsvet::{CloseCode, OpCode, Violation};

/// The most bytes of a payload that a phrase shows.
const SHOWN: usize = 12;

/// What is due in a case: its refusal, or else its last step.
pub(super) fn due(case: &Case) -> String {
    let is_client = case.request.is_empty();
    match case.answer {
        Answer::Refuse(_) if is_client && case.rule.is_none() => {
            return "the response is not taken for one with status 101".to_owned();
        }
        Answer::Refuse(_) if is_client => return "the end of TCP".to_owned(),
        Answer::Refuse([]) => return "a status other than 101".to_owned(),
        Answer::Refuse(statuses) => {
            let statuses: Vec<_> = statuses.iter().map(ToString::to_string).collect();
            return format!("HTTP {}", statuses.join(" or "));
        }
        Answer::RefuseVersion => {
            return "a status other than 101, and Sec-WebSocket-Version".to_owned();
        }
        _ => {}
    }
    let refuses = |step: &&Step| matches!(step, Step::Refuse(_) | Step::RefuseEarly(_));
    let found = case.steps.iter().rfind(refuses).or_else(|| {
        let is_ending = |step: &&Step| {
            !matches!(step, Step::Send(_) | Step::GoOn | Step::NoPong(_) | Step::Silence)
        };
        case.steps.iter().rfind(is_ending).or(case.steps.last())
    });
    found.map_or_else(|| "HTTP 101".to_owned(), self::step)
}

/// Says the same of a stream of HTTP/2, which takes the place of TCP (RFC 8441 §5).
pub(super) fn over_http2(text: &str) -> String {
    text.replace("TCP", "the stream")
        .replace("HTTP 101", "HTTP 200")
        .replace("other than 101", "other than 200")
}

pub(super) fn step(step: &Step) -> String {
    match step {
        Step::Refuse(codes) => format!("a Close with {}", or(codes)),
        Step::RefuseEarly(codes) => format!("a Close with {}, at once", or(codes)),
        Step::Close(Some(code)) => format!("a Close, usually with {}", code.0),
        Step::Close(None) => "a Close".to_owned(),
        Step::Pong(payload) => pong(payload),
        Step::Echo(opcode, payload) | Step::MayEcho(opcode, payload) => echo(*opcode, payload),
        Step::GoOn => "the connection goes on".to_owned(),
        Step::GoOnOr(codes) => format!("the connection goes on, or a Close with {}", or(codes)),
        Step::Silence => "nothing after its Close but the end of TCP".to_owned(),
        Step::End => "the end of TCP".to_owned(),
        Step::NoReset => "the end of TCP without a reset".to_owned(),
        _ => String::new(),
    }
}

fn or(codes: &[CloseCode]) -> String {
    codes.iter().map(|code| code.0.to_string()).collect::<Vec<_>>().join(" or ")
}

pub(super) fn pong(payload: &[u8]) -> String {
    match payload {
        [] => "an empty Pong".to_owned(),
        _ => format!("a Pong with {}", hex(payload)),
    }
}

pub(super) fn echo(opcode: OpCode, payload: &[u8]) -> String {
    format!("{} back", message(opcode, payload))
}

pub(super) fn message(opcode: OpCode, payload: &[u8]) -> String {
    format!("the {} message {}", opcode.name(), hex(payload))
}

/// Says how an echo differs from what was sent.
pub(super) fn other_echo(opcode: OpCode, payload: &[u8], other: OpCode, bytes: &[u8]) -> String {
    if other != opcode {
        return format!("{}: of another type", message(other, bytes));
    }
    let at = payload.iter().zip(bytes).position(|(a, b)| a != b);
    match at {
        Some(at) => format!("{}: differs at byte {at}", message(other, bytes)),
        None => format!("{} bytes instead of {}", bytes.len(), payload.len()),
    }
}

pub(super) fn close(code: Option<CloseCode>) -> String {
    code.map_or_else(
        || "a Close without a code".to_owned(),
        |code| format!("a Close with {}", code.0),
    )
}

pub(super) fn broken(name: &str, violation: &Violation) -> String {
    let rule = violation.rule;
    format!("the {name} broke {rule} at byte {} of its frames: {}", violation.offset, rule.text())
}

/// The bytes of a payload, or the first of them and its length.
pub(super) fn hex(payload: &[u8]) -> String {
    if payload.is_empty() {
        return "without payload".to_owned();
    }
    let shown: String = payload.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
    match payload.len() {
        len if len > SHOWN => format!("{shown}… ({len} bytes)"),
        _ => shown,
    }
}
