//! What the frames of a case carry.

use std::collections::BTreeSet;

use wsvet::generate::{Case, Step};
use wsvet::{Header, OpCode, mask};

/// Returns whether a message of the peer can be what a case sent to it: whether the payloads of its frames
/// contain that of the message.
///
/// Returns true for every message if the case compresses.
pub(super) fn carries(case: &Case, message: &[u8]) -> bool {
    if case.needs.deflate || message.is_empty() {
        return true;
    }
    let (mut data, mut control) = (Vec::new(), Vec::new());
    for (opcode, payload) in frames(case) {
        // A control frame may stand between the fragments of a message.
        if opcode.is_control() { &mut control } else { &mut data }.extend(payload);
    }
    let contains = |payloads: &[u8]| payloads.windows(message.len()).any(|part| part == message);
    contains(&data) || contains(&control)
}

/// Returns whether a case sends a legal message with this payload. The peer may send it back, with any
/// opcode.
pub(super) fn is_legal(case: &Case, message: &[u8]) -> bool {
    case.steps.iter().any(|step| match step {
        Step::Echo(_, payload) | Step::MayEcho(_, payload) => payload == message,
        _ => false,
    })
}

/// The payloads of the Pings and Pongs that a case sends, apart from those of its legal messages.
pub(super) fn controls(case: &Case) -> BTreeSet<Vec<u8>> {
    let is_control =
        |(opcode, _): &(OpCode, Vec<u8>)| matches!(opcode, OpCode::Ping | OpCode::Pong);
    let payloads = frames(case).into_iter().filter(is_control).map(|(_, payload)| payload);
    payloads.filter(|payload| !payload.is_empty() && !is_legal(case, payload)).collect()
}

/// The opcodes and payloads of the frames that a case sends.
fn frames(case: &Case) -> Vec<(OpCode, Vec<u8>)> {
    let segments = case.steps.iter().filter_map(|step| match step {
        Step::Send(segments) => Some(segments.concat()),
        _ => None,
    });
    let bytes = segments.collect::<Vec<_>>().concat();
    let mut frames = Vec::new();
    let mut rest = &bytes[..];
    while let Ok((header, after)) = Header::decode(rest) {
        let len = usize::try_from(header.payload_len()).unwrap_or(usize::MAX).min(after.len());
        let mut payload = after[..len].to_vec();
        if let Some(key) = header.masking_key() {
            mask::apply(key, 0, &mut payload);
        }
        frames.push((header.opcode(), payload));
        rest = &after[len..];
    }
    frames
}
