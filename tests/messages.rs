//! Messages, their texts, and what is said of a peer that breaks a rule: nothing that a peer sends
//! becomes a text unless it is UTF-8, and nothing panics.
#![cfg(feature = "alloc")]

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use wsvet::{
    Assembler, Close, CloseCode, Frame, FrameBuf, Header, InvalidMessage, Message, OpCode, Place,
    Policy, Role, Rule, RuleSet, Utf8Bytes, Validator, Violation,
};

fn frame(header: Header, payload: &[u8]) -> FrameBuf {
    Frame { header, payload: Bytes::copy_from_slice(payload) }
}

/// A validator does not know what an extension does to a text, so it lets any bytes pass.
#[test]
fn text_of_an_extension_is_no_text() {
    let mut validator = Validator::new(Policy::new(Role::Client).rsv(2));
    let mut input = BytesMut::from(&b"\xA1\x01\xFF"[..]);
    let received = FrameBuf::decode(&mut input).unwrap();
    validator.frame(&received.header, &received.payload).unwrap();
    let error = Assembler::new().frame(received.clone()).unwrap_err();
    assert_eq!(error.rule, Rule::ReservedBits);
    // Nor is it once somebody has cleared the bit and not undone the extension.
    let cleared = Frame { header: received.header.with_rsv(0), ..received };
    assert_eq!(Assembler::new().frame(cleared).unwrap_err().rule, Rule::InvalidUtf8);
}

#[test]
fn what_cannot_be_part_of_a_message_is_refused() {
    let ping = Header::new(OpCode::Ping, 0);
    let close = Header::new(OpCode::Close, 0);
    let reserved = Header::new(OpCode::from_low_bits(3), 0);
    for (header, payload, rule) in [
        (ping.with_rsv(1), &b""[..], Rule::ReservedBits),
        (reserved, b"", Rule::ReservedOpcode),
        (ping.not_final(), b"", Rule::FragmentedControl),
        (ping, &[0; 126], Rule::OversizedControl),
        (close, &[b'a'; 126], Rule::OversizedControl),
        (close, b"\x03", Rule::CloseBodyOneByte),
        (close, b"\x03\xE8\xFF", Rule::InvalidCloseReason),
        (Header::new(OpCode::Continuation, 0), b"", Rule::UnexpectedContinuation),
        (Header::new(OpCode::Text, 0), b"\xC3", Rule::InvalidUtf8),
    ] {
        let error = Assembler::new().frame(frame(header, payload)).unwrap_err();
        assert_eq!(error.rule, rule);
        assert_eq!(error.reply().unwrap().code, rule.close_code());
    }
}

/// A message inside a message is dropped, and the one that is open goes on.
#[test]
fn an_error_does_not_mix_two_messages() {
    let mut assembler = Assembler::new();
    let start = frame(Header::new(OpCode::Text, 2).not_final(), b"hi");
    assert_eq!(assembler.frame(start.clone()), Ok(None));
    assert_eq!(assembler.frame(start).unwrap_err().rule, Rule::InterruptedMessage);
    let end = frame(Header::new(OpCode::Continuation, 1), b"!");
    assert_eq!(assembler.frame(end.clone()), Ok(Some(Message::text("hi!"))));
    // A text that is not UTF-8 as a whole leaves nothing.
    let cut = frame(Header::new(OpCode::Text, 1).not_final(), b"\xC3");
    assert_eq!(assembler.frame(cut), Ok(None));
    assert_eq!(assembler.frame(end.clone()).unwrap_err().rule, Rule::InvalidUtf8);
    assert_eq!(assembler.kept(), 0);
    assert_eq!(assembler.frame(end).unwrap_err().rule, Rule::UnexpectedContinuation);
}

fn any_frame() -> impl Strategy<Value = FrameBuf> {
    let payload = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        ".{0,40}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..200),
    ];
    let opcode = prop_oneof![4 => 0u8..3, 1 => 0u8..16];
    let rsv = prop_oneof![4 => Just(0u8), 1 => 0u8..8];
    (opcode, any::<bool>(), rsv, payload).prop_map(|(opcode, fin, rsv, payload)| {
        let header = Header::new(OpCode::from_low_bits(opcode), payload.len() as u64).with_rsv(rsv);
        frame(if fin { header } else { header.not_final() }, &payload)
    })
}

/// What the assembler does, written as plainly as it can be.
fn naive(open: &mut Option<(OpCode, Vec<u8>)>, frame: &FrameBuf) -> Option<Option<Message>> {
    let Frame { header, payload } = frame;
    if header.rsv() != 0 {
        return None;
    }
    let (opcode, whole) = match (header.opcode(), open.take()) {
        (opcode @ (OpCode::Text | OpCode::Binary), None) => (opcode, payload.to_vec()),
        (OpCode::Continuation, Some((opcode, parts))) => {
            (opcode, [parts, payload.to_vec()].concat())
        }
        (opcode, before) => {
            *open = before;
            let message = match opcode {
                OpCode::Ping => Message::Ping(payload.clone()),
                OpCode::Pong => Message::Pong(payload.clone()),
                OpCode::Close if payload.is_empty() => Message::Close(None),
                OpCode::Close if payload.len() > 1 => {
                    let code = CloseCode(u16::from_be_bytes([payload[0], payload[1]]));
                    let reason = std::str::from_utf8(&payload[2..]).ok()?;
                    Message::close(code, reason)
                }
                _ => return None,
            };
            return (header.fin() && payload.len() <= 125).then_some(Some(message));
        }
    };
    if !header.fin() {
        *open = Some((opcode, whole));
        return Some(None);
    }
    match opcode {
        OpCode::Text => Some(Some(Message::text(String::from_utf8(whole).ok()?))),
        _ => Some(Some(Message::binary(whole))),
    }
}

proptest! {
    /// With no validator before it, too.
    #[test]
    fn any_frames_are_joined_or_refused(frames in prop::collection::vec(any_frame(), 0..12)) {
        let mut assembler = Assembler::new();
        let mut open = None;
        for frame in frames {
            let expected = naive(&mut open, &frame);
            let seen = assembler.frame(frame);
            if let Ok(Some(Message::Text(text))) = &seen {
                prop_assert!(std::str::from_utf8(text.as_bytes()).is_ok());
            }
            prop_assert_eq!(seen.ok(), expected);
        }
    }

    #[test]
    fn bytes_become_a_text_if_they_are_utf8(
        mut text in ".{0,80}".prop_map(String::into_bytes),
        broken in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
    ) {
        if let (Some((at, byte)), false) = (broken, text.is_empty()) {
            let at = at.index(text.len());
            text[at] = byte;
        }
        let judged = Utf8Bytes::try_from(Bytes::from(text.clone()));
        let expected = std::str::from_utf8(&text).map(Utf8Bytes::from);
        prop_assert_eq!(judged, expected);
    }

    /// `Borrow<str>` asks for it.
    #[test]
    fn a_text_is_compared_and_hashed_as_a_str(a in ".{0,4}", b in ".{0,4}") {
        let hash = |value: &dyn Fn(&mut DefaultHasher)| {
            let mut hasher = DefaultHasher::new();
            value(&mut hasher);
            hasher.finish()
        };
        let (text, other) = (Utf8Bytes::from(&*a), Utf8Bytes::from(&*b));
        prop_assert_eq!(text == other, a == b);
        prop_assert_eq!(text == b, a == b);
        prop_assert_eq!(text.cmp(&other), a.cmp(&b));
        prop_assert_eq!(hash(&|to| text.hash(to)), hash(&|to| a.as_str().hash(to)));
    }

    #[test]
    fn a_reason_is_cut_at_a_character(reason in ".{0,80}") {
        let close = Close::new(CloseCode::GOING_AWAY, reason.clone());
        let mut end = reason.len().min(123);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        prop_assert_eq!(close.reason, &reason[..end]);
    }

    #[test]
    fn a_set_of_rules_is_walked_from_both_ends(bits: u32, from_the_back: u32) {
        let rules: Vec<_> =
            Rule::ALL.iter().copied().filter(|rule| bits >> *rule as u32 & 1 == 1).collect();
        let set: RuleSet = rules.iter().copied().collect();
        prop_assert_eq!(set.into_iter().collect::<Vec<_>>(), &rules[..]);
        let mut iter = set.iter();
        let mut rest = &rules[..];
        for n in 0..=Rule::ALL.len() {
            prop_assert_eq!(iter.len(), rest.len());
            let expected = if from_the_back >> (n % 32) & 1 == 1 {
                let (expected, before) = rest.split_last().unzip();
                rest = before.unwrap_or(&[]);
                prop_assert_eq!(iter.next_back(), expected.copied());
                expected
            } else {
                let (expected, after) = rest.split_first().unzip();
                rest = after.unwrap_or(&[]);
                prop_assert_eq!(iter.next(), expected.copied());
                expected
            };
            if expected.is_none() {
                break;
            }
        }
    }
}

/// If each of these read all of the text, they would take an hour.
#[test]
fn reading_a_text_does_not_read_its_bytes() {
    // Miri takes minutes for as much as that.
    let (len, rounds) = if cfg!(miri) { (8 << 10, 100) } else { (8 << 20, 1_000_000) };
    let text = Utf8Bytes::from("ü".repeat(len));
    for _ in 0..rounds {
        let text = black_box(&text);
        black_box((text.as_str(), text.len(), text.is_empty(), &text[..2]));
    }
}

#[test]
fn the_same_word_replies_to_everything() {
    assert_eq!(Message::Ping("a".into()).reply(), Some(Message::Pong("a".into())));
    let close = Message::close(CloseCode::NORMAL_CLOSURE, "done");
    assert_eq!(close.reply(), Some(Message::close(CloseCode::NORMAL_CLOSURE, "")));
    for &rule in Rule::ALL {
        let reply = Violation::new(rule, 0).reply().map(Message::from);
        let expected = Message::close(rule.close_code(), rule.text());
        assert_eq!(reply, (rule.place() != Place::End).then_some(expected), "{rule}");
    }
}

#[test]
fn text_and_data_come_back_out() {
    let hi = || Bytes::from_static(b"hi");
    for message in [
        Message::text("hi"),
        Message::Binary(hi()),
        Message::Ping(hi()),
        Message::Pong(hi()),
        Message::close(CloseCode::GOING_AWAY, "hi"),
    ] {
        assert_eq!((message.len(), message.is_empty()), (2, false));
        assert_eq!(message.to_text(), Ok("hi"));
        assert_eq!(message.clone().into_text().unwrap(), "hi");
        assert_eq!(message.payload(), b"hi");
        assert_eq!(message.is_control(), message.opcode().is_control());
        assert_eq!(message.is_data(), !message.is_control());
        assert_eq!(message.into_data(), "hi");
    }
    assert_eq!(Message::Close(None).to_text(), Ok(""));
    assert_eq!(Message::Close(None).into_text().unwrap(), "");
    assert_eq!(
        Message::Ping(Bytes::from_static(b"\xFF")).into_text().unwrap_err().valid_up_to(),
        0
    );
}

/// A text, its bytes and the frame that it came in share one memory.
#[test]
fn a_text_is_not_copied() {
    let received = frame(Header::new(OpCode::Text, 2), b"hi");
    let memory = received.payload.as_ptr();
    let text = Assembler::new().frame(received).unwrap().unwrap().into_text().unwrap();
    assert_eq!(text.as_ptr(), memory);
    assert_eq!(text.clone().as_ptr(), memory);
    assert_eq!(Bytes::from(text).as_ptr(), memory);
}

#[cfg(feature = "std")]
#[test]
fn a_violation_becomes_an_io_error() {
    use std::io::{Error, ErrorKind};
    for &rule in Rule::ALL {
        let violation = Violation::new(rule, 7);
        let error = Error::from(violation);
        let ended = matches!(rule, Rule::EofInFrame | Rule::EofWithoutClose);
        let kind = if ended { ErrorKind::UnexpectedEof } else { ErrorKind::InvalidData };
        assert_eq!(error.kind(), kind, "{rule}");
        assert_eq!(error.to_string(), violation.to_string());
        assert_eq!(error.downcast::<Violation>().unwrap(), violation);
    }
}

#[test]
fn an_invalid_message_is_small() {
    assert_eq!(size_of::<Result<Option<Message>, InvalidMessage>>(), size_of::<Message>());
}
