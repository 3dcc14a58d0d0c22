//! A judge that is as naive as can be: it reads RFC 6455 frame by frame, keeps whole messages, and
//! shares no code with the crate but the names of the rules.

use wsvet::{Accepts, Policy, Role, Rule};

/// A whole frame that breaks nothing: where it starts, and its first two bytes.
pub type Seen = (u64, [u8; 2]);

/// What the naive judge makes of a stream: its whole frames, and the rule with its byte.
pub fn judge(policy: &Policy, stream: &[u8]) -> (Vec<Seen>, Option<(Rule, u64)>) {
    let mut frames = Vec::new();
    // The message that is open: is it text, has an extension changed it, its frames, and each of its bytes
    // with its place in the stream.
    let mut message: Option<Message> = None;
    let mut closed = false;
    let mut at = 0;
    while let Some(frame) = Frame::read(stream, at) {
        let broken = |rule, byte: usize| Some((rule, (at + byte) as u64));
        let Frame { first, second, len, payload, .. } = &frame;
        let (opcode, fin, rsv) = (first & 15, first & 128 != 0, first >> 4 & 7);
        let mut rsv_known = policy.rsv;
        if policy.negotiates_deflate() {
            rsv_known |= 4;
        }
        let (limit, grown, count) = match (&message, opcode) {
            (_, 1 | 2) => (true, *len, 1),
            (Some(message), 0) => (true, message.claimed.saturating_add(*len), message.frames + 1),
            (None, 0) => (true, *len, 1),
            _ => (false, 0, 0),
        };
        let header_rule = if rsv & !rsv_known != 0 {
            broken(Rule::ReservedBits, 0)
        } else if matches!(opcode, 3..=7 | 11..=15) {
            broken(Rule::ReservedOpcode, 0)
        } else if opcode >= 8 && !fin {
            broken(Rule::FragmentedControl, 0)
        } else if opcode >= 8 && *len > 125 {
            broken(Rule::OversizedControl, 1)
        } else if opcode == 0 && message.is_none() {
            broken(Rule::UnexpectedContinuation, 0)
        } else if matches!(opcode, 1 | 2) && message.is_some() {
            broken(Rule::InterruptedMessage, 0)
        } else if policy.negotiates_deflate() && rsv & 4 != 0 && !matches!(opcode, 1 | 2) {
            broken(Rule::MisplacedRsv1, 0)
        } else if policy.role == Role::Server && second & 128 == 0 {
            broken(Rule::UnmaskedClientFrame, 1)
        } else if policy.role == Role::Client && second & 128 != 0 {
            broken(Rule::MaskedServerFrame, 1)
        } else if (second & 127 == 126 && *len < 126) || (second & 127 == 127 && *len < 65_536) {
            broken(Rule::NonMinimalLength, 1)
        } else if *len >= 1 << 63 {
            broken(Rule::LengthOverflow, 2)
        } else if opcode < 8 && closed {
            broken(Rule::DataAfterClose, 0)
        } else if (opcode == 1 && policy.accepts == Accepts::BinaryOnly)
            || (opcode == 2 && policy.accepts == Accepts::TextOnly)
        {
            broken(Rule::UnsupportedData, 0)
        } else if *len > policy.max_frame {
            broken(Rule::FrameTooBig, 1)
        } else if limit && grown > policy.max_message {
            broken(Rule::MessageTooBig, 1)
        } else if limit && count > policy.max_fragments {
            broken(Rule::TooManyFragments, 0)
        } else if opcode == 8 && *len == 1 {
            broken(Rule::CloseBodyOneByte, 1)
        } else {
            None
        };
        if header_rule.is_some() {
            return (frames, header_rule);
        }

        let whole = payload.len() as u64 == *len;
        let end = at + frame.header_len + payload.len();
        let bytes = payload.iter().enumerate().map(|(i, byte)| (at + frame.header_len + i, *byte));
        if opcode == 8 {
            closed = true;
            if let [high, low, ..] = payload[..] {
                let code = u16::from(high) * 256 + u16::from(low);
                if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                    return (frames, broken(Rule::InvalidCloseCode, frame.header_len));
                }
            }
            let reason: Vec<_> = bytes.skip(2).collect();
            if let Some(byte) = not_utf8(&reason, whole, end) {
                return (frames, Some((Rule::InvalidCloseReason, byte as u64)));
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
                return (frames, Some((Rule::InvalidUtf8, byte as u64)));
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

/// What a stream breaks that ends with these bytes: its rule, and its byte.
pub fn judge_whole(policy: &Policy, stream: &[u8]) -> Option<(Rule, u64)> {
    let (_, broken) = judge(policy, stream);
    broken.or_else(|| judge_end(stream).map(|rule| (rule, stream.len() as u64)))
}

/// What is broken where a stream that breaks nothing else ends.
fn judge_end(stream: &[u8]) -> Option<Rule> {
    let mut at = 0;
    while let Some(frame) = Frame::read(stream, at) {
        if frame.first & 15 == 8 {
            return None;
        }
        if (frame.payload.len() as u64) < frame.len {
            return Some(Rule::EofInFrame);
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

struct Frame {
    first: u8,
    second: u8,
    header_len: usize,
    len: u64,
    /// What is there of the payload, unmasked.
    payload: Vec<u8>,
}

impl Frame {
    /// The frame at `at`, if its header is all there.
    fn read(stream: &[u8], at: usize) -> Option<Self> {
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
