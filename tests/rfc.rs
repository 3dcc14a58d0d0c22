//! The examples of RFC 6455 §5.7, and each rule with its nearest legal neighbour.

mod common;

use common::{decode, frame, hex, validate, wire};
use wsvet::{Accepts, CloseCode, Header, OpCode, Place, Policy, Role, Rule, Violation};

const SERVER: Policy = Policy::new(Role::Server);
const CLIENT: Policy = Policy::new(Role::Client);

/// §5.7: what each example decodes to, and that it breaks nothing.
#[test]
fn the_examples_of_section_5_7() {
    let binary: Vec<u8> = (0..=255).collect();
    let large = vec![0xA5; 65_536];
    let cases: Vec<(Policy, Vec<u8>, OpCode, &[u8])> = vec![
        (CLIENT, hex("81 05 48 65 6c 6c 6f"), OpCode::Text, b"Hello"),
        (SERVER, hex("81 85 37 fa 21 3d 7f 9f 4d 51 58"), OpCode::Text, b"Hello"),
        (CLIENT, hex("01 03 48 65 6c 80 02 6c 6f"), OpCode::Text, b"Hello"),
        (CLIENT, hex("89 05 48 65 6c 6c 6f"), OpCode::Ping, b"Hello"),
        (SERVER, hex("8a 85 37 fa 21 3d 7f 9f 4d 51 58"), OpCode::Pong, b"Hello"),
        (CLIENT, [hex("82 7e 01 00"), binary.clone()].concat(), OpCode::Binary, &binary),
        (
            CLIENT,
            [hex("82 7f 00 00 00 00 00 01 00 00"), large.clone()].concat(),
            OpCode::Binary,
            &large,
        ),
    ];
    for (policy, stream, opcode, payload) in cases {
        for size in [1, 2, 5, 1_000, usize::MAX] {
            let outcome = decode(policy, &stream, &[size]);
            assert_eq!(outcome.messages, [(opcode, payload.to_vec())]);
            assert_eq!(outcome.violation, None);
        }
    }
}

/// The violation of a stream: the same from the validator and from the decoder, by the byte and
/// whole.
fn violation(policy: Policy, stream: &[u8]) -> Option<(Rule, u64)> {
    let (_, violation) = validate(policy, stream);
    for size in [1, 2, 3, 7, usize::MAX] {
        assert_eq!(decode(policy, stream, &[size]).violation, violation, "in pieces of {size}");
    }
    violation.map(|Violation { rule, offset, .. }| (rule, offset))
}

/// A stream of frames as the peer of `policy.role` sends them.
fn stream(policy: Policy, frames: &[(Header, &[u8])]) -> Vec<u8> {
    frames
        .iter()
        .flat_map(|(header, payload)| frame(policy.role.peer(), *header, payload))
        .collect()
}

fn header(opcode: OpCode, len: usize) -> Header {
    Header::new(opcode, len as u64)
}

fn text(payload: &str) -> (Header, &[u8]) {
    (header(OpCode::Text, payload.len()), payload.as_bytes())
}

/// Each rule that a stream can break: the broken stream with its byte, and the nearest legal one.
#[test]
fn every_rule_has_its_byte_and_a_legal_neighbour() {
    let first = |opcode| (header(opcode, 0).not_final(), &b""[..]);
    let last = (header(OpCode::Continuation, 0), &b""[..]);
    let empty = |opcode| (header(opcode, 0), &b""[..]);
    let close = |body: &'static [u8]| (header(OpCode::Close, body.len()), body);
    let long = [b'x'; 126];
    let deflate = CLIENT.permessage_deflate(true);
    let control = |len| (header(OpCode::Ping, len), &long[..len]);
    let cut = (header(OpCode::Text, 3).not_final(), &b"a\xE2\x82"[..]);
    let rest = |payload: &'static [u8]| (header(OpCode::Continuation, payload.len()), payload);

    #[allow(clippy::type_complexity)]
    let cases: Vec<(Rule, u64, (Policy, Vec<u8>), (Policy, Vec<u8>))> = vec![
        (
            Rule::ReservedBits,
            2,
            (
                CLIENT,
                stream(CLIENT, &[empty(OpCode::Ping), (header(OpCode::Text, 0).with_rsv(1), b"")]),
            ),
            (
                CLIENT.rsv(1),
                stream(CLIENT, &[empty(OpCode::Ping), (header(OpCode::Text, 0).with_rsv(1), b"")]),
            ),
        ),
        (
            Rule::ReservedOpcode,
            0,
            (CLIENT, stream(CLIENT, &[empty(OpCode::Reserved3)])),
            (CLIENT, stream(CLIENT, &[empty(OpCode::Binary)])),
        ),
        (
            Rule::FragmentedControl,
            0,
            (CLIENT, stream(CLIENT, &[first(OpCode::Pong)])),
            (CLIENT, stream(CLIENT, &[empty(OpCode::Pong)])),
        ),
        (
            Rule::OversizedControl,
            1,
            (CLIENT, stream(CLIENT, &[control(126)])),
            (CLIENT, stream(CLIENT, &[control(125)])),
        ),
        (
            Rule::UnexpectedContinuation,
            6,
            (CLIENT, stream(CLIENT, &[text("done"), last])),
            (CLIENT, stream(CLIENT, &[first(OpCode::Text), last])),
        ),
        (
            Rule::InterruptedMessage,
            2,
            (CLIENT, stream(CLIENT, &[first(OpCode::Text), empty(OpCode::Binary)])),
            (CLIENT, stream(CLIENT, &[first(OpCode::Text), empty(OpCode::Ping), last])),
        ),
        (
            Rule::MisplacedRsv1,
            2,
            (deflate, stream(CLIENT, &[first(OpCode::Text), (last.0.with_rsv(4), b"")])),
            (deflate, stream(CLIENT, &[(first(OpCode::Text).0.with_rsv(4), b""), last])),
        ),
        (
            Rule::UnmaskedClientFrame,
            1,
            (SERVER, stream(CLIENT, &[empty(OpCode::Ping)])),
            (SERVER, stream(SERVER, &[empty(OpCode::Ping)])),
        ),
        (
            Rule::MaskedServerFrame,
            1,
            (CLIENT, stream(SERVER, &[empty(OpCode::Ping)])),
            (CLIENT, stream(CLIENT, &[empty(OpCode::Ping)])),
        ),
        (
            Rule::NonMinimalLength,
            1,
            (CLIENT, [hex("82 7e 00 7d"), vec![0; 125]].concat()),
            (CLIENT, [hex("82 7e 00 7e"), vec![0; 126]].concat()),
        ),
        (
            Rule::NonMinimalLength,
            1,
            (CLIENT, hex("82 7f 00 00 00 00 00 00 ff ff")),
            (CLIENT, hex("82 7f 00 00 00 00 00 01 00 00")),
        ),
        (
            Rule::LengthOverflow,
            2,
            (CLIENT, hex("82 7f 80 00 00 00 00 00 00 00")),
            (CLIENT, hex("82 7f 7f ff ff ff ff ff ff ff")),
        ),
        (
            Rule::DataAfterClose,
            4,
            (CLIENT, stream(CLIENT, &[close(b"\x03\xE8"), text("late")])),
            (CLIENT, stream(CLIENT, &[close(b"\x03\xE8"), empty(OpCode::Ping), close(b"")])),
        ),
        (
            Rule::UnsupportedData,
            4,
            (
                CLIENT.accepts(Accepts::TextOnly),
                stream(CLIENT, &[text("hi"), empty(OpCode::Binary)]),
            ),
            (CLIENT.accepts(Accepts::BinaryOnly), stream(CLIENT, &[empty(OpCode::Binary)])),
        ),
        (
            Rule::UnsupportedData,
            0,
            (CLIENT.accepts(Accepts::BinaryOnly), stream(CLIENT, &[first(OpCode::Text)])),
            (
                CLIENT.accepts(Accepts::TextOnly),
                stream(CLIENT, &[first(OpCode::Text), rest(b"hi")]),
            ),
        ),
        (
            Rule::FrameTooBig,
            1,
            (CLIENT.max_frame(4), stream(CLIENT, &[text("12345")])),
            (CLIENT.max_frame(4), stream(CLIENT, &[text("1234"), text("5")])),
        ),
        (
            Rule::MessageTooBig,
            6,
            (CLIENT.max_message(4), stream(CLIENT, &[cut, rest(b"\xACb")])),
            (CLIENT.max_message(4), stream(CLIENT, &[cut, control(9), rest(b"\xAC")])),
        ),
        (
            Rule::TooManyFragments,
            4,
            (
                CLIENT.max_fragments(2),
                stream(CLIENT, &[first(OpCode::Text), first(OpCode::Continuation), last]),
            ),
            (
                CLIENT.max_fragments(2),
                stream(CLIENT, &[first(OpCode::Text), control(1), last, text("")]),
            ),
        ),
        (
            Rule::InvalidUtf8,
            7,
            (CLIENT, stream(CLIENT, &[cut, rest(b"\xC0")])),
            (CLIENT, stream(CLIENT, &[cut, rest(b"\xAC")])),
        ),
        (
            Rule::InvalidUtf8,
            6,
            (CLIENT, stream(CLIENT, &[cut, last])),
            (
                CLIENT,
                stream(CLIENT, &[(header(OpCode::Binary, 3).not_final(), b"a\xE2\x82"), last]),
            ),
        ),
        (
            Rule::InvalidUtf8,
            4,
            (CLIENT, stream(CLIENT, &[(header(OpCode::Text, 3), b"a\xE2\x82")])),
            (deflate, stream(CLIENT, &[(header(OpCode::Text, 3).with_rsv(4), b"a\xE2\x82")])),
        ),
        (
            Rule::CloseBodyOneByte,
            1,
            (CLIENT, stream(CLIENT, &[close(b"\x03")])),
            (CLIENT, stream(CLIENT, &[close(b"")])),
        ),
        (
            Rule::InvalidCloseCode,
            2,
            (CLIENT, stream(CLIENT, &[close(b"\x03\xED")])),
            (CLIENT, stream(CLIENT, &[close(b"\x03\xEB")])),
        ),
        (
            Rule::InvalidCloseReason,
            5,
            (CLIENT, stream(CLIENT, &[close(b"\x03\xE8a\xFF")])),
            (CLIENT, stream(CLIENT, &[close(b"\x03\xE8a\xC3\xBC")])),
        ),
        (
            Rule::InvalidCloseReason,
            5,
            (CLIENT, stream(CLIENT, &[close(b"\x03\xE8a\xC3")])),
            (CLIENT, stream(CLIENT, &[close(b"\x03\xE8ab")])),
        ),
    ];
    for (rule, offset, (policy, broken), (legal_policy, legal)) in &cases {
        assert_eq!(violation(*policy, broken), Some((*rule, *offset)), "{broken:02x?}");
        assert_eq!(violation(*legal_policy, legal), None, "beside {rule}: {legal:02x?}");
        let start = validate(*policy, broken)
            .0
            .last()
            .map_or(0, |(start, header)| start + header.header_len() as u64 + header.payload_len());
        let (header, _) = Header::decode(&broken[start as usize..]).unwrap();
        let (at, header_len) = (offset - start, header.header_len() as u64);
        let lies_there = match rule.place() {
            Place::FirstByte => at == 0,
            Place::SecondByte => at == 1,
            Place::ExtendedLength => at == 2 && header_len > 2,
            Place::Payload if header.payload_len() == 0 => at == header_len - 1,
            Place::Payload => at >= header_len,
            place => panic!("{rule}: {place:?}"),
        };
        assert!(lies_there, "{rule}: byte {at} of {header:?}");
    }
    let ends = [Rule::EofInFrame, Rule::EofWithoutClose];
    for rule in common::rules().filter(|rule| !ends.contains(rule)) {
        assert!(cases.iter().any(|(tested, ..)| *tested == rule), "{rule} has no case");
    }
}

#[test]
fn the_end_of_the_stream() {
    let ping = frame(Role::Server, header(OpCode::Ping, 2), b"hi");
    let close = frame(Role::Server, header(OpCode::Close, 0), b"");
    for (stream, expected) in [
        (vec![], Some((Rule::EofWithoutClose, 0))),
        (ping.clone(), Some((Rule::EofWithoutClose, 4))),
        (ping[..1].to_vec(), Some((Rule::EofInFrame, 1))),
        (ping[..2].to_vec(), Some((Rule::EofInFrame, 2))),
        (ping[..3].to_vec(), Some((Rule::EofInFrame, 3))),
        (close[..1].to_vec(), Some((Rule::EofInFrame, 1))),
        (hex("88 02"), Some((Rule::EofInFrame, 2))),
        (hex("88 02 03"), Some((Rule::EofInFrame, 3))),
        (hex("88 05 03 e8 61"), Some((Rule::EofInFrame, 5))),
        (close.clone(), None),
        ([close.clone(), ping[..1].to_vec()].concat(), None),
        ([close, ping[..3].to_vec()].concat(), None),
    ] {
        let mut decoder = wsvet::StreamDecoder::new(CLIENT);
        let mut chunk = stream.clone();
        let mut rest = &mut chunk[..];
        while !rest.is_empty() {
            let (used, _) = decoder.decode(rest).unwrap();
            rest = &mut rest[used..];
        }
        let violation = decoder.eof().err();
        assert_eq!(violation.map(|end| (end.rule, end.offset)), expected, "{stream:02x?}");
        assert_eq!(violation.and_then(|end| end.reply()), None, "there is nobody to reply to");
    }
}

/// All 65536 codes in a Close frame of their own, against §7.4 as it is written there.
#[test]
fn every_close_code_is_judged_as_section_7_4_says() {
    for code in 0..=u16::MAX {
        let allowed = match code {
            0..=999 => false,
            1000..=1003 | 1007..=1011 => true,
            // Registered with IANA after the RFC.
            1012..=1014 => true,
            1004..=1006 | 1015..=2999 => false,
            3000..=4999 => true,
            5000.. => false,
        };
        let stream = frame(Role::Server, header(OpCode::Close, 2), &code.to_be_bytes());
        let (_, violation) = validate(CLIENT, &stream);
        let expected = (!allowed).then_some(Violation::new(Rule::InvalidCloseCode, 2));
        assert_eq!(violation, expected, "{code}");
    }
}

#[test]
fn a_length_of_2_to_the_53_costs_nothing_and_is_refused_where_there_is_a_limit() {
    let huge = wire(&Header::new(OpCode::Binary, 1 << 53), b"");
    assert_eq!(violation(CLIENT, &huge), None);
    assert_eq!(violation(CLIENT.max_message(1 << 20), &huge), Some((Rule::MessageTooBig, 1)));
    assert_eq!(violation(CLIENT.max_frame(1 << 20), &huge), Some((Rule::FrameTooBig, 1)));
    let text_only = CLIENT.accepts(Accepts::TextOnly).max_frame(1 << 20);
    assert_eq!(violation(text_only, &huge), Some((Rule::UnsupportedData, 0)));
}

#[test]
fn a_control_frame_with_a_longer_form_of_its_length() {
    assert_eq!(
        violation(CLIENT, &hex("89 7e 00 05 48 65 6c 6c 6f")),
        Some((Rule::OversizedControl, 1))
    );
    assert_eq!(
        violation(CLIENT, &hex("89 7f 80 00 00 00 00 00 00 00")),
        Some((Rule::OversizedControl, 1))
    );
}

#[test]
fn replies_fit_a_close_frame_and_are_accepted_by_the_other_end() {
    for rule in Rule::ALL {
        let Some(reply) = (Violation::new(*rule, 0)).reply() else { continue };
        assert_eq!(reply.code, rule.close_code());
        assert_eq!(reply.reason, rule.text());
        for (key, policy) in [(None, CLIENT), (Some([1, 2, 3, 4]), SERVER)] {
            let mut out = [0; wsvet::encode::MAX_CONTROL_LEN];
            let len = wsvet::encode::close(&reply, key, &mut out).unwrap();
            let outcome = decode(policy, &out[..len], &[usize::MAX]);
            let body = [&reply.code.0.to_be_bytes(), reply.reason.as_bytes()].concat();
            assert_eq!(outcome.messages, [(OpCode::Close, body)]);
            assert_eq!(outcome.violation, None);
        }
    }
    assert_eq!(Rule::UnsupportedData.close_code(), CloseCode(1003));
}
