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
