use super::known::Known;
use super::*;
use crate::{Accepts, Compression, Role};

/// Returns windows with this first byte, every second byte, and the extended lengths at which the
/// result can change.
fn windows(first: u8) -> impl Iterator<Item = [u8; Header::MAX_LEN]> {
    const EDGES: [u64; 14] =
        [0, 1, 2, 3, 4, 125, 126, 127, 0xFFFF, 0x1_0000, 1 << 62, (1 << 63) - 1, 1 << 63, u64::MAX];
    (0..=255u8).flat_map(move |second| {
        let form = second & 0x7F;
        let lens = if form < 126 { &EDGES[..1] } else { &EDGES[..] };
        lens.iter().filter_map(move |len| {
            let mut window = [0; Header::MAX_LEN];
            window[..2].copy_from_slice(&[first, second]);
            match form {
                126 => window[2..4].copy_from_slice(&u16::try_from(*len).ok()?.to_be_bytes()),
                127 => window[2..10].copy_from_slice(&len.to_be_bytes()),
                _ => {}
            }
            Some(window)
        })
    })
}

fn headers(first: u8) -> impl Iterator<Item = Header> {
    windows(first).map(|window| Header::from_window(&window).0)
}

fn policies() -> impl Iterator<Item = Policy> {
    let roles = [Role::Client, Role::Server];
    let accepts = [Accepts::Any, Accepts::TextOnly, Accepts::BinaryOnly];
    use Compression::{Inflated, None, Opaque};
    let rsvs =
        [(0, None), (2, None), (4, None), (0, Opaque), (5, Opaque), (0, Inflated), (5, Inflated)];
    let limits = [(u64::MAX, u64::MAX, u32::MAX), (3, u64::MAX, u32::MAX), (u64::MAX, 3, 2)];
    roles.into_iter().flat_map(move |role| {
        accepts.into_iter().flat_map(move |accepts| {
            rsvs.into_iter().flat_map(move |(rsv, deflate)| {
                limits.into_iter().map(move |(frame, message, fragments)| {
                    Policy::new(role)
                        .accepts(accepts)
                        .rsv(rsv)
                        .compression(deflate)
                        .max_frame(frame)
                        .max_message(message)
                        .max_fragments(fragments)
                })
            })
        })
    })
}

/// Returns the states that a stream can have at the start of a frame.
fn states(policy: Policy) -> impl Iterator<Item = Validator> {
    let text = MessageState::new(0x01);
    let binary = MessageState::new(0x02);
    let open = [
        (MessageState::NONE, 0, 0, 0),
        (text, OPEN, 0, 1),
        (text, OPEN, 2, 1),
        (binary, OPEN, 3, 2),
        (binary, OPEN, u64::MAX, u32::MAX),
    ];
    open.into_iter().flat_map(move |(message, open, len, fragments)| {
        [0, CLOSED].into_iter().map(move |closed| {
            let message_room = policy.max_message.saturating_sub(len);
            let fragment_room = policy.max_fragments.saturating_sub(fragments);
            let fresh = Validator::new(policy);
            let marks = open | closed;
            let mut state = Validator { message, message_room, fragment_room, marks, ..fresh };
            state.admitted = state.admitted_kinds();
            state.room = least_u16(policy.max_frame, message_room);
            state
        })
    })
}

#[test]
fn the_fast_gate_and_the_explained_rules_agree_on_every_header_in_every_state() {
    for policy in policies() {
        for state in states(policy) {
            for header in (0..=255).flat_map(headers) {
                let broken = state.broken(&header);
                assert_eq!(state.admits(&header), broken.is_empty(), "{state:?} {header:?}");
            }
        }
    }
}

#[test]
fn the_shortest_gate_admits_what_breaks_no_rule_and_all_that_is_common_of_it() {
    for policy in policies() {
        for state in states(policy) {
            for window in (0..=255).flat_map(windows) {
                let (header, _) = Header::from_window(&window);
                let len = header.payload_len();
                let common = match header.opcode() {
                    OpCode::Text | OpCode::Binary => header.fin() && len <= policy.max_message,
                    OpCode::Continuation => true,
                    _ => false,
                };
                let admitted = state.broken(&header).is_empty() && common && len <= 0xFFFF;
                let place = admitted.then_some((header.header_len(), len as usize));
                assert_eq!(state.admits_common(&window), place, "{state:?} {header:?}");
            }
        }
    }
}

#[test]
fn begin_gives_the_first_broken_rule_at_its_byte() {
    for policy in policies().step_by(7) {
        for state in states(policy) {
            for header in (0..=255).flat_map(headers).step_by(3) {
                let violation = state.clone().begin(&header).err();
                let first = state.broken(&header).first();
                assert_eq!(violation, first.map(|rule| Violation::in_header(rule, 0)));
            }
        }
    }
}

/// Returns the headers that start with these bytes and have the least and the greatest length, for
/// each second byte if it is not among them. Each rule holds for an interval of lengths, so a rule
/// that these headers break is broken by all that start so.
fn completions(start: &[u8]) -> Vec<Header> {
    let seconds = match start {
        [_, second, ..] => *second..=*second,
        _ => 0..=255,
    };
    let of = |(second, fill): (u8, u8)| {
        let mut window = [fill; Header::MAX_LEN];
        window[..start.len()].copy_from_slice(start);
        window[1] = second;
        Header::from_window(&window).0
    };
    seconds.flat_map(|second| [(second, 0), (second, 0xFF)]).map(of).collect()
}

/// The definition of proof: a rule is proven by the first bytes of a header if every header that
/// starts with them breaks it.
#[test]
fn the_first_bytes_prove_what_every_header_breaks_that_starts_with_them() {
    for policy in policies().step_by(5) {
        for state in states(policy) {
            for window in (0..=255).flat_map(windows).step_by(5) {
                let (_, len) = Header::from_window(&window);
                // The first byte alone is tested once, and not with each second byte.
                let least = if window[1] < 5 { 1 } else { 2 };
                for start in (least..=len).map(|cut| &window[..cut]) {
                    let known = Known::of(start).unwrap();
                    let broken = |header: &Header| state.proven(&Known::whole(header));
                    let all = completions(start).iter().map(broken).reduce(|all, broken| {
                        all.iter().filter(|rule| broken.contains(*rule)).collect()
                    });
                    let proven = state.proven(&known);
                    assert_eq!(Some(proven), all, "{start:02x?} {state:?}");
                    assert_eq!(state.admits_start(&known), proven.is_empty(), "{start:02x?}");
                }
            }
        }
    }
}

/// The order of the rows is the order of proof: the first rule that a header breaks is the first of
/// those that its fewest bytes prove. So the violation does not depend on the cuts.
#[test]
fn the_first_rule_that_is_broken_is_the_first_that_is_proven() {
    for policy in policies().step_by(2) {
        for state in states(policy) {
            for window in (0..=255).flat_map(windows) {
                let (header, len) = Header::from_window(&window);
                let starts = (1..=len).map(|cut| &window[..cut]);
                let proven = starts.map(|start| state.proven(&Known::of(start).unwrap()));
                let earliest = proven.filter_map(RuleSet::first).next();
                assert_eq!(state.broken(&header).first(), earliest, "{header:?} {state:?}");
            }
        }
    }
}

#[test]
fn a_cut_header_gives_the_violation_of_the_whole_header() {
    for policy in policies().step_by(7) {
        for state in states(policy) {
            for window in (0..=255).flat_map(windows).step_by(11) {
                let (header, len) = Header::from_window(&window);
                let whole = state.clone().begin(&header);
                for start in (0..=len).map(|cut| &window[..cut]) {
                    let mut cut = state.clone();
                    let judged = cut.cut_header(start);
                    if judged.is_err() {
                        assert_eq!(judged, whole, "{start:02x?} {state:?}");
                        assert_eq!(cut.begin(&header), whole, "it ended the stream");
                        cut.resume();
                        assert_eq!(cut.begin(&header), whole, "a linter passes the whole header");
                    } else {
                        assert!(start.len() < len || whole.is_ok(), "{start:02x?} {state:?}");
                        assert_eq!(cut.begin(&header), whole, "the state has not changed");
                    }
                }
            }
        }
    }
}

/// The smaller limit may be proven by an earlier byte of the length, and is told then.
#[test]
fn the_limit_that_the_earlier_byte_exceeds_is_told() {
    let policy = Policy::new(Role::Client).max_frame(0x4050).max_message(0x3000);
    let state = Validator::new(policy);
    let header = Header::new(OpCode::Binary, 0x4060);
    assert!(state.broken(&header).iter().eq([Rule::MessageTooBig]));
    assert!(state.clone().cut_header(&[0x82, 126]).is_ok());
    let violation = state.clone().cut_header(&[0x82, 126, 0x40]).unwrap_err();
    assert_eq!(violation, Violation::new(Rule::MessageTooBig, 1));
    assert_eq!(state.clone().begin(&header), Err(violation));
    // Both are proven by the same byte.
    let header = Header::new(OpCode::Binary, 0x5000);
    let state = Validator::new(policy.max_frame(0x4000));
    let both = [Rule::FrameTooBig, Rule::MessageTooBig];
    assert!(state.broken(&header).iter().eq(both));
}

#[test]
fn offsets_do_not_overflow() {
    let mut validator = Validator::new(Policy::new(Role::Client));
    let text = Header::new(OpCode::Text, 3);
    for _ in 0..3 {
        validator.begin(&text).unwrap();
        validator.skip(u64::MAX);
        assert_eq!(validator.offset(), super::FARTHEST);
        validator.payload(b"abc").unwrap();
        validator.finish().unwrap();
        validator.frame(&text, b"abc").unwrap();
        validator.frame(&Header::new(OpCode::Ping, 1), b"a").unwrap();
        validator.pass_single(9);
        validator.fragment(2, true, None, &mut [b'a'; 3]).unwrap();
    }
    let header = Header::new(OpCode::Close, 3);
    let violation = validator.frame(&header, b"\x03\xE8\xFF").unwrap_err();
    assert_eq!(violation, Violation::new(Rule::InvalidCloseReason, super::FARTHEST + 29));
    validator.resume();
    assert_eq!(validator.finish(), Ok(()));
    validator.frame(&Header::new(OpCode::Pong, 0), b"").unwrap();
    assert_eq!(validator.eof(usize::MAX), Ok(()));
}

#[test]
fn a_close_that_the_stream_ends_inside_is_no_close() {
    for (len, body) in [(2, &b""[..]), (2, b"\x03"), (5, b"\x03\xE8ab"), (3, b"\x03\xE8")] {
        let mut validator = Validator::new(Policy::new(Role::Client));
        validator.begin(&Header::new(OpCode::Close, len)).unwrap();
        validator.payload(body).unwrap();
        let expected = Violation::new(Rule::EofInFrame, 2 + body.len() as u64);
        assert_eq!(validator.eof(0), Err(expected), "{body:x?}");
    }
    // A body that is not validated any more is still a body.
    let mut validator = Validator::new(Policy::new(Role::Client));
    validator.begin(&Header::new(OpCode::Close, 4)).unwrap();
    validator.skip(2);
    assert_eq!(validator.clone().eof(0).unwrap_err().rule, Rule::EofInFrame);
    validator.skip(2);
    validator.finish().unwrap();
    assert_eq!(validator.eof(0), Ok(()));
    // After the Close, the stream may end anywhere.
    let mut validator = Validator::new(Policy::new(Role::Client));
    validator.frame(&Header::new(OpCode::Close, 0), b"").unwrap();
    validator.begin(&Header::new(OpCode::Close, 2)).unwrap();
    assert_eq!(validator.eof(0), Ok(()));
}

#[test]
fn a_validator_is_at_most_64_bytes_and_a_violation_16() {
    assert!(size_of::<Validator>() <= 64);
    assert!(size_of::<Violation>() <= 16); // 12 with 32-bit pointers
    assert!(size_of::<Result<(), Violation>>() <= 16);
    assert_eq!(size_of::<Header>(), 16);
}

#[test]
fn the_first_violation_is_given_again_until_resume() {
    let mut validator = Validator::new(Policy::new(Role::Client));
    let text = Header::new(OpCode::Text, 2);
    assert_eq!(validator.begin(&text), Ok(()));
    let violation = validator.payload(b"a\xFF").unwrap_err();
    assert_eq!(violation, Violation { rule: Rule::InvalidUtf8, offset: 3 });
    assert_eq!(validator.payload(b"a"), Err(violation));
    assert_eq!(validator.finish(), Err(violation));
    assert_eq!(validator.eof(0), Err(violation));
    assert_eq!(validator.begin(&text), Err(violation));
    for first in [0x81, 0x83] {
        assert_eq!(validator.cut_header(&[first]), Err(violation));
    }
    validator.resume();
    assert_eq!(validator.finish(), Ok(()));
    assert_eq!(validator.begin(&text), Ok(()));
}

#[test]
fn after_a_violation_of_finish_the_frame_is_finished() {
    let mut validator = Validator::new(Policy::new(Role::Client));
    let text = Header::new(OpCode::Text, 1);
    let violation = validator.frame(&text, b"\xC3").unwrap_err();
    assert_eq!(violation, Violation { rule: Rule::InvalidUtf8, offset: 2 });
    validator.resume();
    assert_eq!(validator.frame(&text, b"a"), Ok(()));
}

#[test]
fn text_that_an_extension_has_changed_is_not_judged() {
    let header = Header::new(OpCode::Text, 1);
    for (policy, rsv, valid) in [
        (Policy::new(Role::Client), 0, false),
        (Policy::new(Role::Client).rsv(2), 2, true),
        (Policy::new(Role::Client).permessage_deflate(true), 4, true),
        (Policy::new(Role::Client).permessage_deflate(true), 0, false),
    ] {
        let judged = Validator::new(policy).frame(&header.with_rsv(rsv), b"\xFF");
        assert_eq!(judged.is_ok(), valid, "{rsv} {policy:?}");
    }
}

#[test]
fn resume_goes_on_as_the_header_says() {
    let mut validator = Validator::new(Policy::new(Role::Client));
    let first = Header::new(OpCode::Text, 0).not_final();
    let next = Header::new(OpCode::Continuation, 0);
    for (header, rule) in [
        (first, None),
        (first, Some(Rule::InterruptedMessage)),
        (next, None),
        (next, Some(Rule::UnexpectedContinuation)),
        (Header::new(OpCode::Binary, 0), None),
    ] {
        assert_eq!(validator.begin(&header).err().map(|violation| violation.rule), rule);
        validator.resume();
        assert_eq!(validator.finish(), Ok(()));
    }
}
