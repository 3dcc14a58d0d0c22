//! What the frames of a case carry.

use wsvet::generate::{Case, Step};
use wsvet::{Header, mask};

/// Returns whether a message of the peer can be what a case sent to it: whether the payloads of its frames
/// contain that of the message.
///
/// Returns true for every message if the case compresses.
pub(super) fn carries(case: &Case, message: &[u8]) -> bool {
    if case.needs.deflate || message.is_empty() {
        return true;
    }
    let segments = case.steps.iter().filter_map(|step| match step {
        Step::Send(segments) => Some(segments.concat()),
        _ => None,
    });
    let bytes = segments.collect::<Vec<_>>().concat();
    // A control frame may stand between the fragments of a message.
    let (mut data, mut control) = (Vec::new(), Vec::new());
    let mut rest = &bytes[..];
    while let Ok((header, after)) = Header::decode(rest) {
        let len = usize::try_from(header.payload_len()).unwrap_or(usize::MAX).min(after.len());
        let payloads = if header.opcode().is_control() { &mut control } else { &mut data };
        let start = payloads.len();
        payloads.extend_from_slice(&after[..len]);
        if let Some(key) = header.masking_key() {
            mask::apply(key, 0, &mut payloads[start..]);
        }
        rest = &after[len..];
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
