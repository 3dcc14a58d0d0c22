//! Any stream, however it is cut: the crate, its parts and a naive judge say the same.

mod common;

use common::reference;
use proptest::prelude::*;
use wsvet::{
    Accepts, Frame, FrameRef, Header, Masked, OpCode, Policy, Role, StreamDecoder, Validator,
    encode,
};

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Server), Just(Role::Client)]
}

fn policy() -> impl Strategy<Value = Policy> {
    let accepts = prop_oneof![
        4 => Just(Accepts::Any),
        1 => Just(Accepts::TextOnly),
        1 => Just(Accepts::BinaryOnly),
    ];
    let limit = || prop_oneof![3 => Just(u64::MAX), 1 => 0u64..300];
    let fragments = prop_oneof![3 => Just(u32::MAX), 1 => 0u32..5];
    let rsv = prop_oneof![4 => Just(0u8), 1 => 0u8..8, 1 => Just(4u8)];
    (role(), accepts, limit(), limit(), fragments, rsv, any::<bool>()).prop_map(
        |(role, accepts, frame, message, fragments, rsv, deflate)| {
            Policy::new(role)
                .accepts(accepts)
                .max_frame(frame)
                .max_message(message)
                .max_fragments(fragments)
                .rsv(rsv)
                .permessage_deflate(deflate)
        },
    )
}

/// One thing that a sender does; most are legal, so that streams get deep.
#[derive(Clone, Debug)]
enum Op {
    Message { text: bool, rsv1: bool, payload: Vec<u8>, cuts: Vec<usize>, control: Vec<u8> },
    Close(Vec<u8>),
    Header { first: u8, second: u8, payload: Vec<u8> },
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => ".{0,30}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => (100usize..400).prop_map(|len| vec![b'x'; len]),
        1 => Just(vec![b'y'; 65_536]),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let cuts = prop::collection::vec(0usize..40, 0..4);
    let control = prop::collection::vec(any::<u8>(), 0..9);
    let message = (any::<bool>(), prop::bool::weighted(0.1), payload(), cuts, control).prop_map(
        |(text, rsv1, payload, cuts, control)| Op::Message { text, rsv1, payload, cuts, control },
    );
    let body = prop_oneof![
        Just(Vec::new()),
        (990u16..5010, ".{0,12}")
            .prop_map(|(code, reason)| { [&code.to_be_bytes(), reason.as_bytes()].concat() }),
        prop::collection::vec(any::<u8>(), 0..6),
    ];
    let header = (any::<u8>(), any::<u8>(), prop::collection::vec(any::<u8>(), 0..20))
        .prop_map(|(first, second, payload)| Op::Header { first, second, payload });
    prop_oneof![8 => message, 1 => body.prop_map(Op::Close), 1 => header]
}

/// The bytes of these operations as `sender` sends them.
fn stream(sender: Role, ops: &[Op]) -> Vec<u8> {
    ops.iter().flat_map(|op| bytes(sender, op)).collect()
}

fn bytes(sender: Role, op: &Op) -> Vec<u8> {
    let (text, rsv1, payload, cuts, control) = match op {
        Op::Message { text, rsv1, payload, cuts, control } => (text, rsv1, payload, cuts, control),
        Op::Close(body) => {
            return common::frame(sender, Header::new(OpCode::Close, body.len() as u64), body);
        }
        Op::Header { first, second, payload } => {
            return [&[*first, *second], &payload[..]].concat();
        }
    };
    let mut cuts: Vec<_> = cuts.iter().map(|cut| (*cut).min(payload.len())).collect();
    cuts.sort_unstable();
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([payload.len()]);
    let mut out = Vec::new();
    for (index, (start, end)) in starts.zip(ends).enumerate() {
        let opcode = match (index, text) {
            (0, true) => OpCode::Text,
            (0, false) => OpCode::Binary,
            _ => OpCode::Continuation,
        };
        let mut header = Header::new(opcode, (end - start) as u64);
        if *rsv1 && index == 0 {
            header = header.with_rsv(4);
        }
        if index == cuts.len() {
            out.extend(common::frame(sender, header, &payload[start..end]));
        } else {
            out.extend(common::frame(sender, header.not_final(), &payload[start..end]));
            let ping = Header::new(OpCode::Ping, control.len() as u64);
            out.extend(common::frame(sender, ping, control));
        }
    }
    out
}

fn case() -> impl Strategy<Value = (Policy, Vec<u8>)> {
    let noise = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    let keep = prop_oneof![3 => Just(None), 1 => any::<prop::sample::Index>().prop_map(Some)];
    (policy(), prop::collection::vec(op(), 0..8), prop::bool::weighted(0.3), noise, keep).prop_map(
        |(policy, ops, noisy, noise, keep)| {
            let mut stream = stream(policy.role.peer(), &ops);
            if noisy && !stream.is_empty() {
                for (index, byte) in noise {
                    let at = index.index(stream.len());
                    stream[at] = byte;
                }
            }
            if let Some(keep) = keep {
                stream.truncate(keep.index(stream.len() + 1));
            }
            (policy, stream)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn the_validator_agrees_with_a_naive_judge((policy, stream) in case()) {
        let (frames, violation) = common::validate(policy, &stream);
        let frames: Vec<_> = frames
            .into_iter()
            .map(|(start, header)| (start, [header.first_byte(), header.second_byte()]))
            .collect();
        let violation = violation.map(|violation| (violation.rule, violation.offset));
        prop_assert_eq!((frames, violation), reference::judge(&policy, &stream));
    }

    #[test]
    fn the_decoder_says_the_same_however_the_stream_is_cut(
        (policy, stream) in case(),
        sizes in prop::collection::vec(prop_oneof![1usize..4, 1usize..40, Just(70_000)], 1..20),
    ) {
        let whole = common::decode(policy, &stream, &[usize::MAX]);
        prop_assert_eq!(&common::decode(policy, &stream, &sizes), &whole);
        prop_assert_eq!(whole.violation, common::validate(policy, &stream).1);
        if stream.len() < 2_000 {
            prop_assert_eq!(&common::decode(policy, &stream, &[1]), &whole);
        }
    }

    /// A linter that judges on sees every frame, and names at least what a receiver names first.
    #[test]
    fn resume_goes_on_to_the_end((policy, stream) in case()) {
        let mut validator = Validator::new(policy);
        let mut violations = Vec::new();
        let mut rest = &stream[..];
        while let Ok((frame, after)) = FrameRef::decode(rest) {
            let mut plain = frame.payload.into_raw().to_vec();
            let plain = Frame { header: frame.header, payload: Masked::new(&mut plain[..]) }.unmask().payload;
            prop_assert_eq!(validator.offset(), (stream.len() - rest.len()) as u64);
            let broken = validator.broken(&frame.header);
            let begun = validator.begin(&frame.header);
            prop_assert_eq!(begun.map_err(|violation| violation.rule).err(), broken.first());
            for judged in [begun, { validator.resume(); validator.payload(plain) }] {
                violations.extend(judged.err());
                validator.resume();
            }
            violations.extend(validator.finish().err());
            validator.resume();
            rest = after;
        }
        let (_, first) = common::validate(policy, &stream[..stream.len() - rest.len()]);
        prop_assert_eq!(violations.first().copied(), first);
        prop_assert!(violations.is_sorted_by_key(|violation| violation.offset));
    }

    /// `find` and `event` are `decode`, wherever the bytes of an event lie.
    #[test]
    fn an_event_that_was_found_is_the_event((policy, stream) in case(), size in 1usize..9) {
        let (mut decoding, mut finding) = (StreamDecoder::new(policy), StreamDecoder::new(policy));
        for chunk in stream.chunks(size) {
            let (mut chunk, mut same) = (chunk.to_vec(), chunk.to_vec());
            let mut start = 0;
            while start < chunk.len() {
                let decoded = decoding.decode(&mut chunk[start..]);
                match finding.find(&mut same[start..]) {
                    Ok((used, found)) => {
                        let event = found.map(|found| finding.event(&found, &same[start..]));
                        prop_assert_eq!(decoded, Ok((used, event)));
                        start += used;
                    }
                    Err(violation) => {
                        prop_assert_eq!(decoded, Err(violation));
                        return Ok(());
                    }
                }
            }
        }
    }

    #[test]
    fn decode_then_encode_gives_the_same_bytes(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut rest = &bytes[..];
        while let Ok((header, after)) = Header::decode(rest) {
            let mut out = [0; Header::MAX_LEN];
            let len = header.encode(&mut out);
            prop_assert_eq!(&out[..len], &rest[..len]);
            prop_assert_eq!(after.len(), rest.len() - len);
            rest = after;
        }
    }

    #[test]
    fn an_encoded_frame_is_the_header_and_the_masked_payload(
        payload in prop::collection::vec(any::<u8>(), 0..10_000),
        key: Option<[u8; 4]>,
    ) {
        let header = Header::new(OpCode::Binary, payload.len() as u64);
        let header = key.map_or(header, |key| header.masked(key));
        let wire = common::wire(&header, &payload);
        let mut out = vec![0xEE; wire.len() + 20];
        prop_assert_eq!(encode::frame(&header, &payload, &mut out), Ok(wire.len()));
        prop_assert_eq!(&out[..wire.len()], &wire[..]);
        prop_assert_eq!(&out[wire.len()..], &[0xEE; 20]);
        let needed = wire.len();
        let too_small = encode::frame(&header, &payload, &mut out[..needed - 1]);
        prop_assert_eq!(too_small, Err(encode::Error::BufferTooSmall { needed }));
        let too_small = encode::single(OpCode::Binary, &payload, key, &mut out[..needed - 1]);
        prop_assert_eq!(too_small, Err(encode::Error::BufferTooSmall { needed }));
        prop_assert_eq!(&out[..needed], &wire[..]);
    }

    #[test]
    fn incomplete_says_exactly_what_is_missing(
        stream in case()
            .prop_map(|(_, stream)| stream)
            .prop_filter("a frame", |stream| FrameRef::decode(stream).is_ok()),
        cut: prop::sample::Index,
    ) {
        let (frame, rest) = FrameRef::decode(&stream).unwrap();
        let len = stream.len() - rest.len();
        let header_len = frame.header.header_len();
        let cut = cut.index(len);
        let needed = FrameRef::decode(&stream[..cut]).unwrap_err().needed();
        let length_known = header_len - if frame.header.is_masked() { 4 } else { 0 };
        if cut >= length_known {
            prop_assert_eq!(needed, len - cut);
        } else {
            prop_assert!(needed > 0 && cut + needed <= header_len.max(2));
        }
    }
}
