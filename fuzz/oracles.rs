//! The oracles: each takes any bytes and panics where the crate is not what it says it is.
//!
//! The fuzz targets call them, and `tests/fuzz.rs` replays seeds and finds through them on stable.

#![allow(unreachable_pub)] // the fuzz targets are crates of their own

use wsvet::{
    Accepts, CloseFrame, Decoder, Event, Header, OpCode, Policy, Role, Utf8, Validator, Violation,
    encode, mask, parse,
};

use crate::reference;

/// A policy and the bytes that come under it: the first three bytes are the policy.
///
/// Bits 0 to 5 of the first byte: server, text only, binary only, permessage-deflate, and RSV2 and
/// RSV3 of another extension. The second and the third limit the bytes of a frame and the
/// fragments of a message; zero is no limit.
pub fn under_policy(data: &[u8]) -> Option<(Policy, &[u8])> {
    let [bits, bytes, fragments, stream @ ..] = data else { return None };
    let bit = |bit: u8| bits >> bit & 1 == 1;
    let limit = |byte: u8| byte.checked_sub(1);
    let most = limit(*bytes).map_or(u64::MAX, u64::from);
    let policy = Policy::new(if bit(0) { Role::Server } else { Role::Client })
        .accepts(match (bit(1), bit(2)) {
            (true, false) => Accepts::TextOnly,
            (false, true) => Accepts::BinaryOnly,
            _ => Accepts::Any,
        })
        .permessage_deflate(bit(3))
        .rsv(bits >> 4 & 3)
        .max_frame(most)
        .max_message(most.saturating_mul(2))
        .max_fragments(limit(*fragments).map_or(u32::MAX, u32::from));
    Some((policy, stream))
}

/// Any bytes are a header or too few of one, nothing is lost, and nom sees the same.
pub fn header(data: &[u8]) {
    match Header::decode(data) {
        Ok((header, rest)) => {
            let mut out = [0; Header::MAX_LEN];
            let len = header.encode(&mut out);
            assert_eq!(out[..len], data[..len]);
            assert_eq!(rest, &data[len..]);
            assert_eq!(parse::header::<()>(data), Ok((rest, header)));
        }
        Err(incomplete) => {
            let longer = [data, &vec![0; incomplete.needed()]].concat();
            assert!(data.len() < 2 || Header::decode(&longer).is_ok());
            assert!(Header::decode(&longer[..longer.len() - 1]).is_err());
        }
    }
}

/// What a stream is in the end, however it came.
type Outcome = (Vec<(OpCode, Vec<u8>)>, Result<(), Violation>, Option<OpCode>, bool);

fn decode(policy: Policy, stream: &[u8], size: usize) -> Outcome {
    let mut decoder = Decoder::new(policy);
    let (mut stream, mut open, mut messages) = (stream.to_vec(), Vec::new(), Vec::new());
    let mut ended = Ok(());
    'stream: for mut chunk in stream.chunks_mut(size) {
        while !chunk.is_empty() {
            let (used, event) = match decoder.decode(chunk) {
                Ok(decoded) => decoded,
                Err(violation) => {
                    ended = Err(violation);
                    break 'stream;
                }
            };
            match event {
                Some(Event::Data { opcode, bytes, end, .. }) => {
                    open.extend_from_slice(bytes);
                    if end {
                        messages.push((opcode, std::mem::take(&mut open)));
                    }
                }
                Some(Event::Ping(body)) => messages.push((OpCode::Ping, body.to_vec())),
                Some(Event::Pong(body)) => messages.push((OpCode::Pong, body.to_vec())),
                Some(Event::Close(close)) => {
                    let reason = close.map_or("", |close| close.reason).as_bytes();
                    messages.push((OpCode::Close, reason.to_vec()));
                }
                _ => {}
            }
            chunk = &mut chunk[used..];
        }
    }
    let (message, closed) = (decoder.validator().message(), decoder.validator().is_closed());
    (messages, ended.and_then(|()| decoder.eof()), message, closed)
}

/// A stream gives the same messages and the same violation at the same byte, however it is cut.
pub fn chunks(data: &[u8]) {
    let Some((size, data)) = data.split_first() else { return };
    let Some((policy, stream)) = under_policy(data) else { return };
    let whole = decode(policy, stream, usize::MAX);
    assert_eq!(decode(policy, stream, 1), whole);
    assert_eq!(decode(policy, stream, usize::from(*size).max(1)), whole);
}

/// The decoder and the validator say what a naive judge says.
pub fn judge(data: &[u8]) {
    let Some((policy, stream)) = under_policy(data) else { return };
    let (_, expected) = reference::judge(&policy, stream);
    let (_, ended, ..) = decode(policy, stream, usize::MAX);
    let violation = match (ended, expected) {
        // What the end of the stream breaks, the naive judge leaves to another.
        (Err(violation), None) => {
            assert_eq!(Some(violation.rule), reference::judge_end(stream));
            None
        }
        (ended, _) => ended.err().map(|violation| (violation.rule, violation.offset)),
    };
    assert_eq!(violation, expected);

    let mut validator = Validator::new(policy);
    let mut rest = stream;
    let judged = loop {
        let Ok((header, after)) = Header::decode(rest) else { break Ok(()) };
        let len = header.payload_len().min(after.len() as u64) as usize;
        let (payload, after) = after.split_at(len);
        let mut plain = payload.to_vec();
        if let Some(key) = header.masking_key() {
            mask::apply(key, 0, &mut plain);
        }
        let broken = validator.broken(&header);
        let begun = validator.begin(&header);
        assert_eq!(begun.map_err(|violation| violation.rule).err(), broken.first());
        if let Err(violation) = begun {
            break Err(violation);
        }
        if let Err(violation) = validator.payload(&plain) {
            break Err(violation);
        }
        if (len as u64) < header.payload_len() {
            break Ok(());
        }
        if let Err(violation) = validator.finish() {
            break Err(violation);
        }
        rest = after;
    };
    assert_eq!(judged.err().map(|violation| (violation.rule, violation.offset)), expected);
}

/// Masking is §5.3 to the letter, octet by octet, in pieces of any size.
pub fn masking(data: &[u8]) {
    let [a, b, c, d, size, payload @ ..] = data else { return };
    let key = [*a, *b, *c, *d];
    let naive: Vec<u8> = payload.iter().zip(key.iter().cycle()).map(|(o, key)| o ^ key).collect();
    let mut masked = payload.to_vec();
    let mut phase = 0;
    for piece in masked.chunks_mut(usize::from(*size) * 8 + 1) {
        phase = mask::apply(key, phase, piece);
    }
    assert_eq!(masked, naive);
}

/// UTF-8 in pieces is what the standard library says of the whole.
pub fn utf8(data: &[u8]) {
    let Some((size, text)) = data.split_first() else { return };
    let mut utf8 = Utf8::new();
    let mut pushed = 0;
    for piece in text.chunks(usize::from(*size) * 4 + 1) {
        if let Err(error) = utf8.push(piece) {
            // The byte proves it, and the one before it did not.
            let proof = pushed + error.index;
            let start = |end: usize| std::str::from_utf8(&text[..end]).err();
            assert!(start(proof + 1).is_some_and(|error| error.error_len().is_some()));
            assert!(start(proof).is_none_or(|error| error.error_len().is_none()));
            return;
        }
        pushed += piece.len();
    }
    match std::str::from_utf8(text) {
        Ok(_) => assert!(utf8.is_complete()),
        Err(error) => {
            assert!(error.error_len().is_none() && !utf8.is_complete(), "{error}");
        }
    }
}

/// The body of a Close decodes to what encodes to it, and what is encoded the other role accepts.
pub fn close(data: &[u8]) {
    let Ok(Some(close)) = CloseFrame::decode(data) else { return };
    let sendable = close.code.is_sendable();
    let mut body = [0; CloseFrame::MAX_BODY_LEN];
    let len = close.encode(&mut body);
    assert!(data.len() > body.len() || body[..len] == *data);
    for (key, role) in [(None, Role::Client), (Some([1, 2, 3, 4]), Role::Server)] {
        let mut out = [0; encode::MAX_CONTROL_LEN];
        let len = encode::close(&close, key, &mut out).expect("there is room");
        let (messages, ended, _, closed) = decode(Policy::new(role), &out[..len], usize::MAX);
        assert_eq!((ended.is_ok(), messages.len() == 1), (sendable, sendable), "{close:?}");
        assert!(closed);
    }
}

/// What is encoded is accepted by the other role, and is what was given.
pub fn encoding(data: &[u8]) {
    let [server, fin, payload @ ..] = data else { return };
    let role = if server & 1 == 0 { Role::Client } else { Role::Server };
    let key = (role == Role::Server).then_some([*server, *fin, 3, 4]);
    let mut out = vec![0; payload.len() + Header::MAX_LEN];
    let len = encode::single(OpCode::Binary, payload, key, &mut out).expect("there is room");
    let (messages, ended, ..) = decode(Policy::new(role), &out[..len], usize::from(*fin).max(1));
    assert_eq!(messages, [(OpCode::Binary, payload.to_vec())]);
    assert_eq!(ended.map_err(|violation| violation.rule), Err(wsvet::Rule::EofWithoutClose));
}
