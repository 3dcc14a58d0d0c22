//! Generated streams and connections are what they say they are, and reach everything.
#![cfg(feature = "arbitrary")]

mod common;
#[path = "../examples/fuzz_a_server/src/main.rs"]
#[allow(dead_code)] // its `main`
mod fuzz_a_server;
#[path = "../fuzz/handshake.rs"]
#[allow(dead_code)] // the oracle for any bytes
mod oracle;

use std::collections::HashSet;

use arbitrary::{Error, Unstructured};
use common::{place, reference};
use fuzz_a_server::{Server, judge, random};
use proptest::prelude::*;
use wsvet::bytes::BytesMut;
use wsvet::generate::{Connection, Handshake, Stream};
use wsvet::{
    Accepts, Conversation, End, Finding, FrameBuf, Header, Lapse, OpCode, Place, Policy, Role,
    Rule, handshake,
};

/// A policy under which each rule but those of the other role can be broken.
fn strict(role: Role) -> Policy {
    Policy::new(role)
        .accepts(Accepts::TextOnly)
        .permessage_deflate(true)
        .max_frame(1_000)
        .max_message(5_000)
        .max_fragments(10)
}

proptest! {
    /// Whatever the policy and the bytes, a rule that can be broken is broken, and first.
    #[test]
    fn every_rule_is_broken_as_it_is_asked_for(seed: [u8; 24], data: Vec<u8>) {
        let policy: Policy = Unstructured::new(&seed).arbitrary().unwrap();
        for rule in Rule::ALL {
            let stream = Stream::breaking(policy, *rule, &mut Unstructured::new(&data));
            if !Stream::breakable(&policy).contains(*rule) {
                prop_assert_eq!(stream.err(), Some(Error::IncorrectFormat));
                continue;
            }
            let stream = stream.unwrap();
            let bytes = stream.bytes();
            let naive = match rule.place() {
                Place::End => {
                    prop_assert_eq!(reference::judge(&policy, bytes).1, None);
                    reference::judge_whole(&policy, bytes)
                }
                _ => reference::judge(&policy, bytes).1,
            };
            prop_assert_eq!(stream.violation().map(|found| found.rule), Some(*rule));
            prop_assert_eq!(naive, stream.violation().map(place));
            let messages = common::decode(policy, bytes, &[usize::MAX]).messages;
            prop_assert_eq!(&messages[..], stream.messages());
            prop_assert_eq!(stream.inflated().count(), messages.len());
        }
    }

    #[test]
    fn what_is_legal_breaks_nothing(seed: [u8; 24], data: Vec<u8>) {
        let policy: Policy = Unstructured::new(&seed).arbitrary().unwrap();
        let stream = Stream::legal(policy, &mut Unstructured::new(&data)).unwrap();
        prop_assert_eq!(stream.violation(), None);
        prop_assert_eq!(reference::judge(&policy, stream.bytes()).1, None);
        let outcome = common::decode(policy, stream.bytes(), &[usize::MAX]);
        prop_assert_eq!(&outcome.messages[..], stream.messages());
    }

    /// Who breaks a rule is answered with its code; without one each end sends a Close.
    #[test]
    fn connections_end_as_they_must(data: Vec<u8>, rule in 0..common::rules().count()) {
        let mut u = Unstructured::new(&data);
        let ends = [strict(Role::Client), strict(Role::Server)];
        let connection = Connection::legal(ends, &mut u).unwrap();
        prop_assert_eq!(connection.violation(), None);
        for role in [Role::Client, Role::Server] {
            let mut messages = connection.stream(role).messages().iter();
            prop_assert!(messages.any(|(opcode, _)| *opcode == OpCode::Close));
        }
        pongs(&connection);

        let rule = common::rules().nth(rule).unwrap();
        for from in [Role::Client, Role::Server] {
            let Ok(connection) = Connection::breaking(ends, from, rule, &mut u) else {
                prop_assert!(matches!(rule, Rule::MaskedServerFrame | Rule::UnmaskedClientFrame));
                continue;
            };
            let (breaker, violation) = connection.violation().unwrap();
            prop_assert_eq!((breaker, violation.rule), (from, rule));
            let answer = connection.stream(from.peer()).messages().last();
            if rule == Rule::DataAfterClose {
                let closes = connection.stream(from).messages().iter();
                let close = closes.rev().find(|(opcode, _)| *opcode == OpCode::Close).unwrap();
                prop_assert_eq!(&answer.unwrap().1[..], &close.1[..close.1.len().min(2)]);
            } else if rule.place() != Place::End {
                let (opcode, body) = answer.unwrap();
                prop_assert_eq!(*opcode, OpCode::Close);
                prop_assert_eq!(&body[..2], rule.close_code().0.to_be_bytes());
                prop_assert_eq!(&body[2..], rule.text().as_bytes());
            }
            pongs(&connection);
        }
    }

    /// Any header that can be decoded is one that can be generated.
    #[test]
    fn headers_are_as_they_come(data: [u8; 14]) {
        let header: Header = Unstructured::new(&data).arbitrary().unwrap();
        let mut wire = [0; Header::MAX_LEN];
        let len = header.encode(&mut wire);
        prop_assert_eq!(Header::decode(&wire[..len]), Ok((header, &[][..])));
    }
}

/// What a conversation finds of these turns at these times.
fn findings(connection: &Connection) -> Vec<Finding> {
    let policy = |role: Role| *connection.stream(role.peer()).policy();
    let mut conversation = Conversation::new(policy(Role::Client), policy(Role::Server));
    for (at, (from, bytes)) in connection.times().zip(connection.turns()) {
        conversation.at(at);
        conversation.bytes(from, bytes);
    }
    conversation.at(connection.end());
    conversation.end(Role::Server, End::Fin, 0);
    assert!(connection.times().is_sorted() && connection.times().last() < Some(connection.end()));
    conversation.findings().collect()
}

/// Each duty is neglected as it is asked for, whatever the policies; nobody else neglects one.
#[test]
fn duties_are_neglected_as_it_is_asked_for() {
    let mut found = HashSet::new();
    for seed in 0..4_000 {
        let data = random(seed);
        let mut u = Unstructured::new(&data);
        let connection: Connection = u.arbitrary().unwrap();
        assert_eq!((findings(&connection), connection.finding()), (vec![], None), "{connection:?}");
        let ends = [Role::Server, Role::Client].map(|from| *connection.stream(from).policy());
        for lapse in Lapse::ALL {
            let connection = Connection::neglecting(ends, *lapse, &mut Unstructured::new(&data));
            let connection = connection.unwrap();
            let finding = connection.finding().unwrap();
            assert_eq!(findings(&connection), [finding], "{connection:?}");
            assert_eq!((finding.lapse, connection.violation()), (*lapse, None));
            found.insert((*lapse, finding.by));
        }
    }
    assert_eq!(found.len(), 3, "{found:?}");
}

/// A Ping is answered at once, until one end breaks a rule.
fn pongs(connection: &Connection) {
    let mut sent = [0, 0];
    let before_the_violation = |(from, bytes): &(Role, &[u8])| {
        sent[*from as usize] += bytes.len() as u64;
        connection
            .violation()
            .is_none_or(|(by, violation)| by != *from || sent[by as usize] <= violation.offset)
    };
    let turns: Vec<_> = connection
        .turns()
        .take_while(before_the_violation)
        .map(|(from, bytes)| (from, FrameBuf::decode(&mut BytesMut::from(bytes))))
        .collect();
    for (index, (from, frame)) in turns.iter().enumerate() {
        // The end of the stream may cut a frame.
        let Ok(frame) = frame else { break };
        // The violation may come instead of the Pong.
        let Some((peer, Ok(pong))) = turns.get(index + 1) else { continue };
        if frame.header.opcode() == OpCode::Ping {
            assert_eq!(
                (*peer, pong.header.opcode()),
                (from.peer(), OpCode::Pong),
                "{connection:?}"
            );
            assert_eq!(pong.payload, frame.payload, "{connection:?}");
        }
    }
}

/// Whether a fragment of a text ends inside a character.
fn cuts_a_character(stream: &Stream) -> bool {
    let mut rest = BytesMut::from(stream.bytes());
    let cut = |payload: &[u8]| {
        std::str::from_utf8(payload).is_err_and(|error| error.error_len().is_none())
    };
    std::iter::from_fn(|| FrameBuf::decode(&mut rest).ok()).any(|frame| {
        let first = frame.header.opcode() == OpCode::Text && frame.header.rsv() == 0;
        first && !frame.header.fin() && cut(&frame.payload)
    })
}

/// The generators reach every rule, opcode, form of a length, and text cut inside a character.
#[test]
fn everything_is_reached() {
    let (mut rules, mut headers, mut cut) = (HashSet::new(), HashSet::new(), false);
    for seed in 0..3_000 {
        let bytes = random(seed);
        let stream: Stream = Unstructured::new(&bytes).arbitrary().unwrap();
        rules.extend(stream.violation().map(|found| found.rule));
        for (_, header) in common::validate(*stream.policy(), stream.bytes()).0 {
            headers.insert((header.first_byte(), header.header_len()));
        }
        cut |= cuts_a_character(&stream);
    }
    let missing: Vec<_> = common::rules().filter(|rule| !rules.contains(rule)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for first in [0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0xC1, 0xC2, 0x41, 0x88, 0x89, 0x8A] {
        for len in [2, 6] {
            assert!(headers.contains(&(first, len)), "{first:02x} with {len}");
        }
    }
    for len in [2, 4, 6, 8, 10, 14] {
        assert!(headers.iter().any(|(_, header)| *header == len), "no header of {len} bytes");
    }
    assert!(cut);
}

/// Each rule of the opening handshake is broken as it is asked for, and by the right endpoint.
#[test]
fn every_rule_of_the_handshake_is_broken_as_it_is_asked_for() {
    // That rule is about the order of the bytes, and no head breaks it.
    let of_heads = |rule: &&handshake::Rule| **rule != handshake::Rule::DataBeforeResponse;
    for rule in handshake::Rule::ALL.iter().filter(of_heads) {
        let mut heads = HashSet::new();
        for seed in 0..2_000 {
            let data = random(seed);
            let handshake = Handshake::breaking(*rule, &mut Unstructured::new(&data)).unwrap();
            assert_eq!(handshake.broken(), Some(*rule));
            oracle::generated(&handshake);
            heads.insert((handshake.request_head(), handshake.response_head()));
        }
        assert!(heads.len() > 500, "{rule}: {}", heads.len());
    }
}

#[test]
fn a_legal_handshake_breaks_nothing() {
    for seed in 0..20_000 {
        let data = random(seed);
        let handshake = Handshake::legal(&mut Unstructured::new(&data)).unwrap();
        assert_eq!(handshake.broken(), None);
        oracle::generated(&handshake);
    }
}

#[test]
fn what_cannot_be_made_is_refused() {
    let mut u = Unstructured::new(&[]);
    let mut stream = Stream::breaking(strict(Role::Server), Rule::ReservedBits, &mut u).unwrap();
    let before = stream.bytes().to_vec();
    assert_eq!(stream.push_legal(&mut u), Err(Error::IncorrectFormat));
    assert_eq!(stream.push_breaking(Rule::ReservedBits, &mut u), Err(Error::IncorrectFormat));
    assert_eq!(stream.bytes(), before);
    let swapped = [strict(Role::Server), strict(Role::Client)];
    assert_eq!(Connection::legal(swapped, &mut u).err(), Some(Error::IncorrectFormat));
}

/// The parts of the crate that are generated by themselves take on each of their values.
#[test]
fn each_opcode_rule_and_role_is_reached() {
    let (mut opcodes, mut rules, mut roles) = (HashSet::new(), HashSet::new(), HashSet::new());
    for seed in 0..1_000 {
        let data = random(seed);
        let mut u = Unstructured::new(&data);
        opcodes.insert(u.arbitrary::<OpCode>().unwrap());
        rules.insert(u.arbitrary::<Rule>().unwrap());
        roles.insert(u.arbitrary::<Role>().unwrap());
    }
    assert_eq!((opcodes.len(), rules.len(), roles.len()), (16, Rule::ALL.len(), 2));
}

/// The example shows what it says: the fault of the one server, and none of the other.
#[test]
fn the_hasty_server_is_found_out() {
    let wrong = (0..20_000).find_map(|seed| judge(Server::Hasty, &random(seed)).err()).unwrap();
    assert!(wrong.starts_with("invalid-utf8 at byte "), "{wrong}");
    assert!(wrong.contains("due: Some(1007)"), "{wrong}");
    for seed in 0..20_000 {
        assert_eq!(judge(Server::Careful, &random(seed)), Ok(()));
    }
}
