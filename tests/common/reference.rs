//! A judge that is as naive as can be: it reads RFC 6455 frame by frame, keeps whole messages, and
//! shares no code with the crate but the names of the rules.

use wsvet::{Accepts, Policy, Role, Rule};

/// A whole frame that breaks nothing: where it starts, and its first two bytes.
pub type Seen = (u64, [u8; 2]);

/// What the naive judge makes of a stream: its whole frames, and the rule with its byte.
pub fn judge(policy: &Policy, stream: &[u8]) -> (Vec<Seen>, Option<(Rule, u64)>) {
    let (frames, broken) = prove(policy, stream);
    (frames, broken.map(|(rule, byte, _)| (rule, byte)))
}

/// The rule that a stream breaks, its byte, and how many bytes of the stream prove it.
pub fn proof(policy: &Policy, stream: &[u8]) -> Option<(Rule, u64, usize)> {
    prove(policy, stream).1
}

fn prove(policy: &Policy, stream: &[u8]) -> (Vec<Seen>, Option<(Rule, u64, usize)>) {
    let mut frames = Vec::new();
    // The message that is open: is it text, has an extension changed it, its frames, and each of its bytes
    // with its place in the stream.
    let mut message: Option<Message> = None;
    let mut closed = false;
    let mut at = 0;
    loop {
        let state = State { message: message.as_ref(), closed };
        if let Some((rule, byte, known)) = header_rule(policy, &state, &stream[at..]) {
            return (frames, Some((rule, (at + byte) as u64, at + known)));
        }
        let Some(frame) = Frame::read(stream, at) else { break };
        let Frame { first, second, len, payload, .. } = &frame;
        let (opcode, fin, rsv) = (first & 15, first & 128 != 0, first >> 4 & 7);

        let whole = payload.len() as u64 == *len;
        let end = at + frame.header_len + payload.len();
        let bytes = payload.iter().enumerate().map(|(i, byte)| (at + frame.header_len + i, *byte));
        if opcode == 8 {
            closed = true;
            if let [high, low, ..] = payload[..] {
                let code = u16::from(high) * 256 + u16::from(low);
                if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                    let byte = at + frame.header_len;
                    return (frames, Some((Rule::InvalidCloseCode, byte as u64, byte + 2)));
                }
            }
            let reason: Vec<_> = bytes.skip(2).collect();
            if let Some(byte) = not_utf8(&reason, whole, end) {
                return (frames, Some((Rule::InvalidCloseReason, byte as u64, byte + 1)));
            }
        } else if opcode < 8 {
            let mut open = message.take().unwrap_or_else(|| Message {
                text: opcode == 1,
                extended: rsv != 0,
                frames: 0,
                claimed: 0,
                bytes: Vec::new(),
            });
            open.frames += 1;
            open.claimed = open.claimed.saturating_add(*len);
            open.bytes.extend(bytes);
            if open.text
                && !open.extended
                && let Some(byte) = not_utf8(&open.bytes, whole && fin, end)
            {
                return (frames, Some((Rule::InvalidUtf8, byte as u64, byte + 1)));
            }
            if !fin {
                message = Some(open);
            }
        }
        if !whole {
            break;
        }
        frames.push((at as u64, [*first, *second]));
        at = end;
    }
    (frames, None)
}

/// What is known of a stream at the start of a frame.
struct State<'a> {
    message: Option<&'a Message>,
    closed: bool,
}

/// The rule that the header breaks which starts here, its byte, and how many bytes prove it: of the rules that the fewest bytes
/// prove, the first in the order of `broken_rules`. Bytes prove a rule if each header that starts
/// with them breaks it.
fn header_rule(policy: &Policy, state: &State<'_>, stream: &[u8]) -> Option<(Rule, usize, usize)> {
    let form = stream.get(1).map_or(0, |second| second & 127);
    let extended = if form == 126 {
        2
    } else if form == 127 {
        8
    } else {
        0
    };
    for cut in 1..=stream.len().min(2 + extended) {
        let known = &stream[..cut];
        // The extremes first: they have the fewest rules in common.
        let seconds = if cut == 1 { 0..=127 } else { 0..=0 };
        let seconds = seconds.flat_map(|second| [second, 255 - second]);
        let mut proven: Option<Vec<(Rule, usize)>> = None;
        for second in seconds.map(|any| if cut == 1 { any } else { known[1] }) {
            if proven.as_ref().is_some_and(Vec::is_empty) {
                break;
            }
            let extended = match second & 127 {
                126 => 2,
                127 => 8,
                _ => 0,
            };
            // The rules of the length are about least and greatest lengths, so the extremes suffice.
            for fill in [0, 255] {
                let length = (2..2 + extended).map(|i| known.get(i).copied().unwrap_or(fill));
                let len = match second & 127 {
                    126 | 127 => length.fold(0, |len, byte| len << 8 | u64::from(byte)),
                    len => u64::from(len),
                };
                let broken = broken_rules(policy, state, known[0], second, len);
                proven = Some(match proven {
                    None => broken,
                    Some(before) => before.into_iter().filter(|it| broken.contains(it)).collect(),
                });
            }
        }
        if let Some((rule, byte)) = proven.unwrap_or_default().first() {
            return Some((*rule, *byte, cut));
        }
    }
    None
}

/// All rules that a whole header breaks, each with its byte.
fn broken_rules(
    policy: &Policy,
    state: &State<'_>,
    first: u8,
    second: u8,
    len: u64,
) -> Vec<(Rule, usize)> {
    let State { message, closed } = *state;
    let (opcode, fin, rsv) = (first & 15, first & 128 != 0, first >> 4 & 7);
    let mut rsv_known = policy.rsv;
    if policy.negotiates_deflate() {
        rsv_known |= 4;
    }
    let (limit, grown, count) = match (message, opcode) {
        (_, 1 | 2) => (true, len, 1),
        (Some(message), 0) => (true, message.claimed.saturating_add(len), message.frames + 1),
        (None, 0) => (true, len, 1),
        _ => (false, 0, 0),
    };
    let (server, client) = (policy.role == Role::Server, policy.role == Role::Client);
    let type_refused = (opcode == 1 && policy.accepts == Accepts::BinaryOnly)
        || (opcode == 2 && policy.accepts == Accepts::TextOnly);
    let long_form = (second & 127 == 126 && len < 126) || (second & 127 == 127 && len < 65_536);
    let rsv1 = policy.negotiates_deflate() && rsv & 4 != 0;
    let all = [
        (Rule::ReservedBits, 0, rsv & !rsv_known != 0),
        (Rule::ReservedOpcode, 0, matches!(opcode, 3..=7 | 11..=15)),
        (Rule::FragmentedControl, 0, opcode >= 8 && !fin),
        (Rule::UnexpectedContinuation, 0, opcode == 0 && message.is_none()),
        (Rule::InterruptedMessage, 0, matches!(opcode, 1 | 2) && message.is_some()),
        (Rule::MisplacedRsv1, 0, rsv1 && !matches!(opcode, 1..=7)),
        (Rule::DataAfterClose, 0, opcode < 8 && closed),
        (Rule::UnsupportedData, 0, type_refused),
        (Rule::TooManyFragments, 0, limit && count > policy.max_fragments),
        (Rule::UnmaskedClientFrame, 1, server && second & 128 == 0),
        (Rule::MaskedServerFrame, 1, client && second & 128 != 0),
        (Rule::OversizedControl, 1, opcode >= 8 && second & 127 > 125),
        (Rule::CloseBodyOneByte, 1, opcode == 8 && len == 1),
        (Rule::NonMinimalLength, 1, long_form),
        (Rule::LengthOverflow, 2, len >= 1 << 63),
        (Rule::FrameTooBig, 1, len > policy.max_frame),
        (Rule::MessageTooBig, 1, limit && grown > policy.max_message),
    ];
    all.into_iter().filter(|(.., broken)| *broken).map(|(rule, byte, _)| (rule, byte)).collect()
}

/// What a stream breaks that ends with these bytes: its rule, and its byte.
pub fn judge_whole(policy: &Policy, stream: &[u8]) -> Option<(Rule, u64)> {
    let (_, broken) = judge(policy, stream);
    broken.or_else(|| judge_end(stream).map(|rule| (rule, stream.len() as u64)))
}

/// What is broken where a stream that breaks nothing else ends.
fn judge_end(stream: &[u8]) -> Option<Rule> {
    let mut at = 0;
    while let Some(frame) = Frame::read(stream, at) {
        if (frame.payload.len() as u64) < frame.len {
            return Some(Rule::EofInFrame);
        }
        if frame.first & 15 == 8 {
            return None;
        }
        at += frame.header_len + frame.payload.len();
    }
    Some(if at < stream.len() { Rule::EofInFrame } else { Rule::EofWithoutClose })
}

struct Message {
    text: bool,
    extended: bool,
    frames: u32,
    claimed: u64,
    bytes: Vec<(usize, u8)>,
}

/// A frame of which at least the header is there.
pub struct Frame {
    pub first: u8,
    pub second: u8,
    pub header_len: usize,
    pub len: u64,
    /// What is there of the payload, unmasked.
    pub payload: Vec<u8>,
}

impl Frame {
    /// The frame at `at`, if its header is all there.
    pub fn read(stream: &[u8], at: usize) -> Option<Self> {
        let mut bytes = stream[at..].iter().copied();
        let first = bytes.next()?;
        let second = bytes.next()?;
        let mut number = |count| {
            let mut value = 0u64;
            for _ in 0..count {
                value = value << 8 | u64::from(bytes.next()?);
            }
            Some(value)
        };
        let (len, extended) = match second & 127 {
            126 => (number(2)?, 2),
            127 => (number(8)?, 8),
            len => (u64::from(len), 0),
        };
        let key = if second & 128 != 0 { Some(number(4)? as u32) } else { None };
        let header_len = 2 + extended + if key.is_some() { 4 } else { 0 };
        let key = key.unwrap_or_default().to_be_bytes();
        let payload = stream[at + header_len..]
            .iter()
            .enumerate()
            .take_while(|(i, _)| (*i as u64) < len)
            .map(|(i, byte)| byte ^ key[i % 4])
            .collect();
        Some(Self { first, second, header_len, len, payload })
    }
}

/// The place of the byte that proves that these bytes are not UTF-8: the first that makes what is
/// there no start of any text, or the last byte of the frame (before `end`) where the text is
/// finished inside a character.
pub fn not_utf8(bytes: &[(usize, u8)], finished: bool, end: usize) -> Option<usize> {
    let text: Vec<u8> = bytes.iter().map(|(_, byte)| *byte).collect();
    let valid = std::str::from_utf8(&text).err()?.valid_up_to();
    let proves = |len: &usize| {
        std::str::from_utf8(&text[..*len]).is_err_and(|error| error.error_len().is_some())
    };
    let proof = (valid + 1..=text.len()).find(proves).map(|len| bytes[len - 1].0);
    proof.or(finished.then(|| end - 1))
}
