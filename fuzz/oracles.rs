//! The oracles: each takes any bytes and panics where the crate is not what it says it is.
//!
//! The fuzz targets call them, and `tests/fuzz.rs` replays seeds and finds through them on stable.

#![allow(unreachable_pub)] // the fuzz targets are crates of their own

use arbitrary::{Arbitrary, Unstructured};
use wsvet::bytes::BytesMut;
use wsvet::generate::{Connection, Stream};
use wsvet::nom::{self, Needed};
use wsvet::{
    Accepts, CloseFrame, End, FrameBuf, FrameMut, FrameRef, Header, OpCode, Place, Policy, Role,
    Rule, Utf8, Validator, Verdict, encode, mask, parse,
};

use crate::common::{self, Outcome, outcome, place, reference};

/// A stream in one chunk.
const WHOLE: usize = usize::MAX;

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

/// The three bytes that [`under_policy`] reads as this policy, or as the nearest that it can.
pub fn policy_bytes(policy: &Policy) -> [u8; 3] {
    let bits = [
        policy.role == Role::Server,
        policy.accepts == Accepts::TextOnly,
        policy.accepts == Accepts::BinaryOnly,
        policy.negotiates_deflate(),
        policy.rsv & 1 != 0,
        policy.rsv & 2 != 0,
    ];
    let bits = bits.iter().rev().fold(0, |bits, bit| bits << 1 | u8::from(*bit));
    let limit = |most: u64| u8::try_from(most).map_or(0, |most| most.saturating_add(1));
    let most = policy.max_frame.min(policy.max_message.div_ceil(2));
    [bits, limit(most), limit(policy.max_fragments.into())]
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

/// A stream gives the same messages and the same violation at the same byte, however it is cut.
pub fn chunks(data: &[u8]) {
    let Some((size, data)) = data.split_first() else { return };
    let Some((policy, stream)) = under_policy(data) else { return };
    let whole = common::decode(policy, stream, &[WHOLE]);
    assert_eq!(common::decode(policy, stream, &[1]), whole);
    assert_eq!(common::decode(policy, stream, &[usize::from(*size)]), whole);
}

/// Frame by frame and by hand, through every door, a stream is what the decoder makes of it.
pub fn frames(data: &[u8]) {
    let Some((policy, stream)) = under_policy(data) else { return };
    let whole = common::decode(policy, stream, &[WHOLE]);
    let mut validator = Validator::new(policy);
    let (mut by_hand, mut rest) = (Outcome::default(), &mut stream.to_vec()[..]);
    let mut buffer = BytesMut::from(stream);
    while by_hand.violation.is_none() {
        let parsed = parse::frame::<()>(rest);
        let (frame, after) = match FrameRef::decode(rest) {
            Ok(decoded) => decoded,
            Err(incomplete) => {
                let needed = Needed::new(incomplete.needed());
                assert_eq!(parsed, Err(nom::Err::Incomplete(needed)));
                assert_eq!(FrameBuf::decode(&mut buffer), Err(incomplete));
                assert_eq!(&buffer[..], rest);
                break;
            }
        };
        assert_eq!(parsed, Ok((after, frame)));
        let (frame, after) = FrameMut::decode(rest).expect("it is whole");
        let frame = frame.unmask();
        let shared = FrameBuf::decode(&mut buffer).expect("it is whole");
        assert_eq!((shared.header, &shared.payload[..]), (frame.header, frame.payload));
        by_hand.violation = validator.frame(&frame.header, frame.payload).err();
        if by_hand.violation.is_none() {
            by_hand.take_frame(&frame);
        }
        rest = after;
    }
    assert_eq!(by_hand.messages, whole.messages);
    match by_hand.violation {
        // Of a frame that is cut the decoder has judged what is there.
        None => {
            assert!(whole.violation.is_none_or(|found| found.offset >= validator.offset()));
            assert!(whole.violation.is_some() || whole.open.starts_with(&by_hand.open));
        }
        found => assert_eq!(found, whole.violation),
    }
}

/// The decoder and the validator say what a naive judge says.
pub fn judge(data: &[u8]) {
    let Some((policy, stream)) = under_policy(data) else { return };
    let (_, expected) = reference::judge(&policy, stream);
    let decoded = common::decode(policy, stream, &[WHOLE]);
    assert_eq!(decoded.violation.map(place), expected);
    assert_eq!(common::validate(policy, stream).1.map(place), expected);
    if expected.is_none() {
        assert_eq!(decoded.end.map(place), reference::judge_whole(&policy, stream));
    }
    broken(policy, stream);
}

/// A header is refused exactly where it breaks a rule, with the first of them.
fn broken(policy: Policy, stream: &[u8]) {
    let mut validator = Validator::new(policy);
    let mut rest = stream;
    while let Ok((frame, after)) = FrameRef::decode(rest) {
        let broken = validator.broken(&frame.header);
        let begun = validator.begin(&frame.header);
        assert_eq!(begun.map_err(|violation| violation.rule).err(), broken.first());
        // A linter goes on, whatever was broken.
        validator.resume();
        let mut plain = frame.payload.into_raw().to_vec();
        mask::apply(frame.header.masking_key().unwrap_or_default(), 0, &mut plain);
        let _ = validator.payload(&plain);
        validator.resume();
        let _ = validator.finish();
        validator.resume();
        assert_eq!(validator.offset() as usize, stream.len() - after.len());
        rest = after;
    }
}

/// What is generated is what it says it is: to the naive judge, and to the decoder however it is
/// cut.
pub fn generated(data: &[u8]) {
    let mut u = Unstructured::new(data);
    let (Ok(size), Ok(stream)) = (u.arbitrary::<u8>(), u.arbitrary::<Stream>()) else { return };
    let (policy, bytes) = (*stream.policy(), stream.bytes());
    let expected = stream.violation();
    let by_the_end = expected.is_some_and(|found| found.rule.place() == Place::End);

    let naive = if by_the_end {
        reference::judge_whole(&policy, bytes)
    } else {
        reference::judge(&policy, bytes).1
    };
    assert_eq!(naive, expected.map(place), "{stream:?}");
    for size in [WHOLE, usize::from(size), 1] {
        let outcome = common::decode(policy, bytes, &[size]);
        let found = outcome.violation.or(outcome.end.filter(|_| by_the_end));
        assert_eq!(found, expected, "{stream:?}");
        assert_eq!(outcome.messages, stream.messages(), "{stream:?}");
    }
}

/// Both ends of a connection find what is said: a violation at one of them, or none and a Close.
pub fn connections(data: &[u8]) {
    let Ok(connection) = Connection::arbitrary(&mut Unstructured::new(data)) else { return };
    for role in [Role::Client, Role::Server] {
        let stream = connection.stream(role.peer());
        let sent = connection.turns().filter(|(from, _)| *from != role);
        assert_eq!(sent.flat_map(|(_, bytes)| bytes).copied().collect::<Vec<_>>(), stream.bytes());
        let outcome = common::decode(*stream.policy(), stream.bytes(), &[WHOLE]);
        let found = connection.violation().filter(|(from, _)| *from != role);
        let found = found.map(|(_, violation)| violation);
        assert_eq!(outcome.violation.or(outcome.end.filter(|end| Some(*end) == found)), found);
    }
    let verdict = [WHOLE, 1].map(|size| verdict(&connection, size));
    assert_eq!(verdict[0], verdict[1], "{connection:?}");
    if let Some((from, violation)) = connection.violation() {
        let answer = connection.stream(from.peer()).messages().last();
        // Where the limit on a frame allows it no code, the Close is empty.
        let answered =
            answer.is_some_and(|(opcode, body)| *opcode == OpCode::Close && body.len() > 1);
        let refused = Verdict::Refused { by: from.peer(), violation };
        let behind_close = violation.rule == Rule::DataAfterClose;
        assert!(!answered || behind_close || verdict[0] == refused, "{connection:?}");
    }
}

/// The verdict over a connection, its turns in pieces of this size.
fn verdict(connection: &Connection, size: usize) -> Verdict {
    let (ends, events) = events(connection, size);
    outcome::observed(ends, &events)
}

/// The endpoints of a connection and its turns, in pieces of this size.
fn events(connection: &Connection, size: usize) -> ([Policy; 2], Vec<outcome::Event>) {
    let policy = |role: Role| *connection.stream(role.peer()).policy();
    let pieces = connection.turns().flat_map(|(from, bytes)| {
        bytes.chunks(size).map(move |piece| outcome::Event::Bytes(from, piece.to_vec()))
    });
    ([policy(Role::Client), policy(Role::Server)], pieces.collect())
}

/// A whole conversation ends as a naive judge says: legal and broken frames in any pieces, any end at any
/// moment, with and without a handshake; and a generated connection that is cut anywhere.
pub fn outcomes(data: &[u8]) {
    outcome::agree(data);
    let mut u = Unstructured::new(data);
    let (Ok(cut), Ok(by), Ok(reset)) = (u.arbitrary::<u8>(), u.arbitrary(), u.arbitrary()) else {
        return;
    };
    let Ok(connection) = Connection::arbitrary(&mut u) else { return };
    let (ends, mut events) = events(&connection, 9);
    // The naive judge is slow.
    events.truncate(usize::from(cut).min(64));
    assert_eq!(outcome::observed(ends, &events), outcome::verdict(ends, &events), "{connection:?}");
    let end = if reset { End::Reset } else { End::Fin };
    events.push(outcome::Event::End(by, end));
    assert_eq!(outcome::observed(ends, &events), outcome::verdict(ends, &events), "{connection:?}");
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
    let decoded = CloseFrame::decode(data);
    match parse::close::<nom::error::Error<_>>(data) {
        Ok((rest, close)) => assert_eq!((decoded, rest), (Ok(close), &[][..])),
        Err(nom::Err::Error(error)) => {
            assert_eq!(decoded.map_err(|error| error.index), Err(data.len() - error.input.len()));
        }
        Err(_) => assert!(data.len() == 1 && decoded.is_err()),
    }
    let Ok(Some(close)) = decoded else { return };
    let sendable = close.code.is_sendable();
    let mut body = [0; CloseFrame::MAX_BODY_LEN];
    let len = close.encode(&mut body);
    assert!(data.len() > body.len() || body[..len] == *data);
    for (key, role) in [(None, Role::Client), (Some([1, 2, 3, 4]), Role::Server)] {
        let mut out = [0; encode::MAX_CONTROL_LEN];
        let header = Header::new(OpCode::Close, len as u64);
        let header = key.map_or(header, |key| header.masked(key));
        let wire = encode::raw::frame(&header, &body[..len], &mut out).expect("there is room");
        let mut checked = [0; encode::MAX_CONTROL_LEN];
        match encode::close(&close, key, &mut checked) {
            Ok(len) => assert_eq!(checked[..len], out[..wire]),
            Err(error) => assert_eq!((error, sendable), (encode::Error::InvalidCloseCode, false)),
        }
        let outcome = common::decode(Policy::new(role), &out[..wire], &[WHOLE]);
        let messages = sendable.then(|| (OpCode::Close, body[..len].to_vec()));
        assert_eq!(outcome.messages, Vec::from_iter(messages), "{close:?}");
        assert_eq!(outcome.violation.is_none(), sendable, "{close:?}");
        assert_eq!(outcome.state.1, sendable);
    }
}

/// What is encoded, whole or in fragments, is accepted by the other role, and is what was given.
pub fn encoding(data: &[u8]) {
    let [server, size, payload @ ..] = data else { return };
    let role = if server & 1 == 0 { Role::Client } else { Role::Server };
    let key = (role == Role::Server).then_some([*server, *size, 3, 4]);
    let text = String::from_utf8_lossy(payload);
    let ping = &payload[..payload.len().min(CloseFrame::MAX_BODY_LEN)];
    let whole = [(OpCode::Binary, payload), (OpCode::Text, text.as_bytes()), (OpCode::Ping, ping)];
    let mut stream = Vec::new();
    for (opcode, payload) in whole {
        let mut out = vec![0; payload.len() + Header::MAX_LEN];
        let len = encode::single(opcode, payload, key, &mut out).expect("there is room");
        stream.extend_from_slice(&out[..len]);
        let small = encode::single(opcode, payload, key, &mut out[..len - 1]);
        assert_eq!(small, Err(encode::Error::BufferTooSmall { needed: len }));
        assert!(stream.ends_with(&out[..len]), "nothing was written");
    }
    let mut opcode = OpCode::Text;
    for piece in text.as_bytes().chunks(usize::from(*size) + 1) {
        stream.extend(fragment(Header::new(opcode, piece.len() as u64).not_final(), piece, key));
        opcode = OpCode::Continuation;
    }
    let mut expected: Vec<_> =
        whole.iter().map(|(opcode, payload)| (*opcode, payload.to_vec())).collect();
    if opcode == OpCode::Continuation {
        stream.extend(fragment(Header::new(opcode, 0), b"", key));
        expected.push((OpCode::Text, text.as_bytes().to_vec()));
    }
    let outcome = common::decode(Policy::new(role), &stream, &[usize::from(*size)]);
    assert_eq!((outcome.messages, outcome.violation), (expected, None));
}

fn fragment(header: Header, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let header = key.map_or(header, |key| header.masked(key));
    let mut out = vec![0; payload.len() + Header::MAX_LEN];
    let len = encode::frame(&header, payload, &mut out).expect("there is room");
    out.truncate(len);
    out
}
