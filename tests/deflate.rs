//! permessage-deflate: a compressed stream, however it is cut, is what a naive judge and another
//! implementation make of it; what is deflated, both inflate.
#![cfg(feature = "deflate")]

mod common;

use common::deflate::{self as naive, Judged, Packed, flate2, flate2_final, reaching, validate};
use common::{frame, place};
use flate2::{Compress, Compression as Level, Decompress, FlushDecompress};
use proptest::prelude::*;
use wsvet::deflate::{Content, Deflater, Inflater, InvalidDeflate, Parameters, Validator};
use wsvet::{Compression, Event, Header, OpCode, Policy, Role, Rule, StreamDecoder};

const WHOLE: usize = usize::MAX;

/// The examples of RFC 7692 §7.2.3 that need no message before, each with its text.
const EXAMPLES: [(&[u8], &str); 6] = [
    (b"\xF2\x48\xCD\xC9\xC9\x07\x00", "Hello"),
    (b"\x00\x05\x00\xFA\xFF\x48\x65\x6C\x6C\x6F\x00", "Hello"),
    (b"\xF3\x48\xCD\xC9\xC9\x07\x00\x00", "Hello"),
    (b"\xF2\x48\x05\x00\x00\x00\xFF\xFF\xCA\xC9\xC9\x07\x00", "Hello"),
    (b"\x00", ""),
    (b"\x02\x00", ""),
];

/// "Hello" again, out of the window (§7.2.3.2).
const AGAIN: &[u8] = b"\xF2\x00\x11\x00\x00";

const TAIL: &[u8] = b"\x00\x00\xFF\xFF";

fn takeover(context_takeover: bool) -> Parameters {
    Parameters::new().server_no_context_takeover(!context_takeover)
}

/// A message of a server in frames that end at these bytes, a ping behind each but the last.
fn fragments(opcode: OpCode, rsv: u8, payload: &[u8], ends: &[usize]) -> Vec<(Header, Vec<u8>)> {
    let mut ends: Vec<_> = ends.iter().map(|end| (*end).min(payload.len())).collect();
    ends.sort_unstable();
    let starts = [0].into_iter().chain(ends.iter().copied());
    let mut frames = Vec::new();
    for (index, (start, end)) in starts.zip(ends.iter().copied().chain([payload.len()])).enumerate()
    {
        let opcode = if index == 0 { opcode } else { OpCode::Continuation };
        let header = Header::new(opcode, (end - start) as u64);
        let header = if index == 0 { header.with_rsv(rsv) } else { header };
        let last = index == ends.len();
        let header = if last { header } else { header.not_final() };
        frames.push((header, payload[start..end].to_vec()));
        if !last {
            frames.push((Header::new(OpCode::Ping, 1), vec![index as u8]));
        }
    }
    frames
}

fn wire(frames: &naive::Frames) -> Vec<u8> {
    frames.iter().flat_map(|(header, payload)| frame(Role::Server, *header, payload)).collect()
}

/// A stream as all say it is, in pieces of these sizes.
fn agree(max_message: u64, parameters: Parameters, stream: &[u8], sizes: &[usize]) -> Judged {
    let policy = Policy::new(Role::Client).max_message(max_message);
    let judged = validate(policy, parameters, stream, sizes);
    assert_eq!(naive::decode_stream(policy, parameters, stream, sizes), judged);
    #[cfg(feature = "codec")]
    {
        let decoded = naive::decode(policy, parameters, stream, sizes);
        assert_eq!(decoded, Judged { open: Vec::new(), ..judged.clone() });
    }
    judged
}

/// The same of compressed text messages in one frame each.
fn judge(max_message: u64, messages: &[&[u8]]) -> Judged {
    let frames = messages.iter().flat_map(|message| fragments(OpCode::Text, 4, message, &[]));
    agree(max_message, Parameters::new(), &wire(&frames.collect::<Vec<_>>()), &[WHOLE])
}

fn texts(judged: &Judged) -> Vec<&str> {
    let text = |(opcode, text): &'_ (OpCode, Vec<u8>)| *opcode == OpCode::Text && !text.is_empty();
    let texts = judged.messages.iter().filter(|message| text(message));
    texts.map(|(_, text)| std::str::from_utf8(text).unwrap()).collect()
}

#[test]
fn the_examples_of_the_rfc_inflate() {
    for (compressed, text) in EXAMPLES {
        assert_eq!(naive::inflate(compressed, &mut Vec::new()).plain(), text.as_bytes());
        for context_takeover in [true, false] {
            let frames = fragments(OpCode::Text, 4, compressed, &[]);
            for size in 1..=compressed.len() {
                let judged = agree(5, takeover(context_takeover), &wire(&frames), &[size]);
                let messages = vec![(OpCode::Text, text.as_bytes().to_vec())];
                assert_eq!(judged, Judged { messages, ..Judged::default() });
            }
        }
    }
}

/// §7.2.3.2, and a block with BFINAL leaves the window as it is (§7.2.3.4).
#[test]
fn the_examples_share_a_window() {
    for (first, _) in &EXAMPLES[..4] {
        for (between, text) in EXAMPLES {
            let judged = judge(5, &[first, AGAIN, between, AGAIN]);
            let texts_expected = ["Hello", "Hello", text, "Hello"];
            assert_eq!(
                texts(&judged),
                texts_expected.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>()
            );
            assert_eq!((judged.messages.len(), judged.violation), (4, None));
        }
    }
    assert_eq!(judge(5, &[AGAIN]).violation, Some((Rule::InvalidDeflate, 2)));
    let frames: Vec<_> = [EXAMPLES[0].0, AGAIN]
        .iter()
        .flat_map(|compressed| fragments(OpCode::Text, 4, compressed, &[]))
        .collect();
    let alone = agree(5, takeover(false), &wire(&frames), &[WHOLE]);
    assert_eq!(alone.violation, Some((Rule::InvalidDeflate, 11)));
}

/// §7.2.3.1, with a ping in the middle.
#[test]
fn a_message_inflates_over_its_fragments() {
    let stream = b"\x41\x03\xF2\x48\xCD\x89\x01!\x80\x04\xC9\xC9\x07\x00";
    for size in 1..=stream.len() {
        let judged = agree(5, Parameters::new(), stream, &[size]);
        let messages = vec![(OpCode::Ping, b"!".to_vec()), (OpCode::Text, b"Hello".to_vec())];
        assert_eq!(judged, Judged { messages, ..Judged::default() });
    }
    for (compressed, text) in EXAMPLES {
        for first in 0..=compressed.len() {
            for second in first..=compressed.len() {
                let frames = fragments(OpCode::Text, 4, compressed, &[first, second]);
                let judged = agree(5, Parameters::new(), &wire(&frames), &[1]);
                assert_eq!(judged.messages.last(), Some(&(OpCode::Text, text.as_bytes().to_vec())));
                assert_eq!(judged.violation, None);
            }
        }
    }
}

/// The codes of so many equal bytes take so few bits that one byte of them gives more than is left
/// of the window, and the end of the message with it.
#[test]
fn a_message_ends_wherever_the_window_does() {
    for len in (32_000..33_600).chain(65_500..66_100) {
        for level in [1, 6] {
            let compressed = flate2(&mut Compress::new(Level::new(level), false), &vec![b'a'; len]);
            let judged = judge(WHOLE as u64, &[&compressed]);
            assert_eq!(judged.violation, None, "{len} bytes");
            assert_eq!(judged.messages[0].1.len(), len);
        }
    }
}

/// Of the empty block that ends a message only the header is sent, and that may say that it is the
/// last (§7.2.1): nothing is left out behind it, and the window stays.
#[test]
fn the_empty_block_at_the_end_may_be_a_final_one() {
    let mut hello = EXAMPLES[1].0.to_vec();
    *hello.last_mut().unwrap() = 1;
    let judged = judge(5, &[b"\x01", &hello, b"\x01", AGAIN]);
    assert_eq!((texts(&judged), judged.messages.len()), (vec!["Hello", "Hello"], 4));
    assert_eq!(judged.violation, None);
}

/// Who compresses a message.
#[derive(Clone, Debug)]
enum By {
    /// The crate, with this level, in pieces of this size.
    Crate(u8, usize),
    /// Another implementation, with this level.
    Other(u32),
    /// The same in a stream of its own, which ends with a final block.
    Final(u32),
    /// Nobody: the bytes are what they are.
    Nobody,
    /// Nobody, and it is no compressed message.
    Plain,
}

/// What happens to a compressed message on its way: to the byte at an index, or from there.
#[derive(Clone, Debug)]
enum Change {
    Flip(u8),
    Truncate,
    Duplicate(usize),
    Insert(u8),
}

#[derive(Clone, Debug)]
struct Message {
    text: bool,
    plain: Vec<u8>,
    by: By,
    change: Option<(prop::sample::Index, Change)>,
    ends: Vec<usize>,
}

fn plain() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::collection::vec(prop_oneof!["[a-e]{1,9} ", ".{1,5}"], 0..80);
    prop_oneof![
        4 => ".{0,60}".prop_map(String::into_bytes),
        4 => words.prop_map(|words| words.concat().into_bytes()),
        2 => (1usize..70_000, any::<char>()).prop_map(|(len, character)| {
            character.to_string().repeat(len / character.len_utf8()).into_bytes()
        }),
        // One byte of DEFLATE gives what is left of the window, and more.
        1 => (32_000usize..34_000).prop_map(|len| vec![b'a'; len]),
        1 => prop::collection::vec(any::<u8>(), 0..2_000),
        1 => (repeated(), 0usize..3).prop_map(|(plain, cut)| plain[..plain.len() - cut].to_vec()),
    ]
}

/// The same bytes again and again, so that the distances are long.
fn repeated() -> impl Strategy<Value = Vec<u8>> {
    let period = prop_oneof![3usize..40, 200usize..600, 900usize..5_000, 7_000usize..33_000];
    (period, any::<u32>()).prop_map(|(period, mut seed)| {
        let mut bytes: Vec<u8> = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(0x0019_660D).wrapping_add(0x3C6E_F35F);
            b' ' + (seed >> 26) as u8
        })
        .take(period)
        .collect();
        bytes.extend_from_within(..);
        bytes.extend_from_within(..period / 2);
        bytes
    })
}

fn message() -> impl Strategy<Value = Message> {
    let by = prop_oneof![
        3 => (1u8..=9, 1usize..3_000).prop_map(|(level, size)| By::Crate(level, size)),
        3 => (0u32..=9).prop_map(By::Other),
        2 => (0u32..=9).prop_map(By::Final),
        1 => Just(By::Nobody),
        1 => Just(By::Plain),
    ];
    let change = prop_oneof![
        (0u8..8).prop_map(Change::Flip),
        Just(Change::Truncate),
        (1usize..9).prop_map(Change::Duplicate),
        any::<u8>().prop_map(Change::Insert),
    ];
    let change = prop::option::weighted(0.2, (any::<prop::sample::Index>(), change));
    let ends = prop::collection::vec(prop_oneof![0usize..12, 0usize..600], 0..4);
    (prop::bool::weighted(0.8), plain(), by, change, ends)
        .prop_map(|(text, plain, by, change, ends)| Message { text, plain, by, change, ends })
}

/// These messages as the frames of a server; what cannot be compressed is not there.
fn frames(messages: &[Message], context_takeover: bool) -> Vec<(Header, Vec<u8>)> {
    let mut other = Compress::new(Level::new(6), false);
    let mut frames = Vec::new();
    for Message { text, plain, by, change, ends } in messages {
        let mut payload = Vec::new();
        match by {
            // Each starts anew, so that the other may be alone with the window.
            By::Crate(level, size) => {
                let mut deflater = Deflater::new(15, false).level(*level);
                for piece in plain.chunks(*size) {
                    deflater.deflate(piece, false, &mut payload);
                }
                deflater.deflate(b"", true, &mut payload);
            }
            By::Other(level) => {
                if !context_takeover {
                    other = Compress::new(Level::new(*level), false);
                }
                payload = flate2(&mut other, plain);
            }
            By::Final(level) => {
                payload = flate2_final(*level, plain);
                payload.push(0);
            }
            By::Nobody | By::Plain => payload.clone_from(plain),
        }
        if let Some((index, change)) = change
            && !payload.is_empty()
        {
            let at = index.index(payload.len());
            match change {
                Change::Flip(bit) => payload[at] ^= 1 << bit,
                Change::Truncate => payload.truncate(at),
                Change::Duplicate(len) => {
                    let end = payload.len().min(at + len);
                    let again = payload[at..end].to_vec();
                    payload.splice(at..at, again);
                }
                Change::Insert(byte) => payload.insert(at, *byte),
            }
        }
        let opcode = if *text { OpCode::Text } else { OpCode::Binary };
        let rsv = if matches!(by, By::Plain) { 0 } else { 4 };
        frames.extend(fragments(opcode, rsv, &payload, ends));
    }
    frames
}

/// What another implementation makes of a message.
fn by_another(decompress: &mut Decompress, compressed: &[u8]) -> Vec<u8> {
    let compressed = [compressed, TAIL].concat();
    let mut out = Vec::new();
    let start = decompress.total_in();
    loop {
        out.reserve(1 << 16);
        let rest = &compressed[(decompress.total_in() - start) as usize..];
        let before = out.len();
        decompress.decompress_vec(rest, &mut out, FlushDecompress::Sync).unwrap();
        if out.len() == before {
            assert_eq!((decompress.total_in() - start) as usize, compressed.len());
            return out;
        }
    }
}

fn keep(text: &mut Vec<u8>, piece: &[u8]) -> Result<(), InvalidDeflate> {
    assert!((1..=16 << 10).contains(&piece.len()));
    text.extend_from_slice(piece);
    Ok(())
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1usize..4, 1usize..40, 1usize..70_000], 1..20)
}

fn limit() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(usize::MAX), 1 => 0usize..100, 1 => 20_000usize..70_000]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// However the stream is cut, the validator and the codec say what a naive judge says.
    #[test]
    fn a_naive_judge_says_the_same(
        messages in prop::collection::vec(message(), 0..6),
        context_takeover: bool,
        limit in limit(),
        sizes in sizes(),
        keep in prop::option::weighted(0.3, any::<prop::sample::Index>()),
    ) {
        let mut frames = frames(&messages, context_takeover);
        if let Some(keep) = keep.filter(|_| !frames.is_empty()) {
            frames.truncate(keep.index(frames.len()) + 1);
            let (_, payload) = frames.last_mut().unwrap();
            payload.truncate(keep.index(payload.len() + 1));
        }
        let expected = naive::judge(&frames, context_takeover, limit);
        let stream = wire(&frames);
        let parameters = takeover(context_takeover);
        let judged = agree(limit as u64, parameters, &stream, &sizes);
        prop_assert_eq!(&judged, &expected);
        prop_assert_eq!(&agree(limit as u64, parameters, &stream, &[WHOLE]), &judged);
        if stream.len() < 2_000 {
            prop_assert_eq!(&agree(limit as u64, parameters, &stream, &[1]), &judged);
        }
    }

    /// The same with the bytes of the stream changed anywhere, its headers too.
    #[test]
    fn a_broken_stream_is_judged_the_same_however_it_is_cut(
        messages in prop::collection::vec(message(), 1..5),
        context_takeover: bool,
        limit in limit(),
        sizes in sizes(),
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut stream = wire(&frames(&messages, context_takeover));
        for (index, byte) in noise {
            let at = index.index(stream.len());
            stream[at] = byte;
        }
        let parameters = takeover(context_takeover);
        let judged = agree(limit as u64, parameters, &stream, &[WHOLE]);
        prop_assert_eq!(&agree(limit as u64, parameters, &stream, &sizes), &judged);
        if stream.len() < 2_000 {
            prop_assert_eq!(&agree(limit as u64, parameters, &stream, &[1]), &judged);
        }
    }

    /// `Content` says the same of what the messages of a `StreamDecoder` hold, each event as a fragment.
    #[test]
    fn content_beside_a_decoder_says_the_same(
        mut messages in prop::collection::vec(message(), 0..5),
        context_takeover: bool,
        limit in prop_oneof![Just(usize::MAX), 20_000usize..70_000],
        size in 1usize..3_000,
    ) {
        messages.retain(|message| !matches!(message.by, By::Plain));
        let frames = frames(&messages, context_takeover);
        let mut stream = wire(&frames);
        let policy = Policy::new(Role::Client).permessage_deflate(true);
        let mut decoder = StreamDecoder::new(policy);
        let mut content = Beside::new(policy.max_message(limit as u64), takeover(context_takeover));
        let (mut seen, mut text) = (Vec::new(), Vec::new());
        let mut broken = None;
        for mut chunk in stream.chunks_mut(size) {
            while broken.is_none() && !chunk.is_empty() {
                let (used, event) = decoder.decode(chunk).unwrap();
                if let Some(Event::Data { opcode, bytes, end, .. }) = event {
                    let take = |piece: &[u8]| text.extend_from_slice(piece);
                    broken = content.piece(opcode, bytes, end, take).err();
                    if broken.is_none() && end {
                        seen.push((opcode, std::mem::take(&mut text)));
                    }
                }
                chunk = &mut chunk[used..];
            }
        }
        let expected = naive::judge(&frames, context_takeover, limit);
        let held = expected.messages.into_iter().filter(|(opcode, _)| opcode.is_data());
        prop_assert_eq!(broken, expected.violation.map(|(rule, _)| rule));
        prop_assert_eq!(seen, held.collect::<Vec<_>>());
        if context_takeover {
            prop_assert_eq!(content.content.is_lost(), broken.is_some());
        }
    }

    /// What is deflated is what was given: to the crate, to a naive reader and to another
    /// implementation; and no distance is over the window that was agreed on.
    #[test]
    fn what_is_deflated_inflates(
        plains in prop::collection::vec(prop_oneof![plain(), repeated()], 1..5),
        bits in 8u8..=15,
        level in 1u8..=9,
        context_takeover: bool,
        sizes in sizes(),
    ) {
        let mut deflater = Deflater::new(bits, context_takeover).level(level);
        let mut inflater = Inflater::new(context_takeover);
        let mut window = Vec::new();
        let mut other = Decompress::new(false);
        let mut sizes = sizes.iter().copied().cycle();
        for plain in plains {
            // The last piece may be empty, or not.
            let mut compressed = Vec::new();
            let mut rest = &plain[..];
            let mut end = false;
            while !end {
                let (piece, after) = rest.split_at(sizes.next().unwrap().min(rest.len()));
                rest = after;
                end = rest.is_empty() && (piece.len() % 2 == 0 || piece.is_empty());
                deflater.deflate(piece, end, &mut compressed);
            }
            if !context_takeover {
                window.clear();
                other.reset(false);
            }
            let inflated = naive::inflate(&compressed, &mut window);
            prop_assert_eq!(inflated.broken, None);
            prop_assert_eq!(&inflated.plain(), &plain);
            let farthest = if bits == 8 { 250 } else { 1 << bits };
            prop_assert!(inflated.farthest <= farthest, "{} of {bits}", inflated.farthest);
            prop_assert_eq!(by_another(&mut other, &compressed), &plain[..]);
            let mut own = Vec::new();
            for piece in compressed.chunks(sizes.next().unwrap()) {
                inflater.inflate(piece, false, |piece| keep(&mut own, piece)).unwrap();
            }
            inflater.inflate(b"", true, |piece| keep(&mut own, piece)).unwrap();
            prop_assert_eq!(own, plain);
        }
    }
}

/// Messages with no flush inside, of each kind of block; none ends with a final one.
fn unbroken() -> Vec<Vec<u8>> {
    let mut seed = 7u32;
    let mut letter = || {
        seed = seed.wrapping_mul(0x0019_660D).wrapping_add(0x3C6E_F35F);
        b'a' + (seed >> 24) as u8 % 20
    };
    let letters: Vec<u8> = std::iter::repeat_with(&mut letter).take(2_000).collect();
    let mut messages = vec![EXAMPLES[0].0.to_vec(), EXAMPLES[1].0.to_vec()];
    for plain in [&letters[..], &[b'a'; 40_000], b"grute, gruetze, gruete"] {
        for level in [1, 6, 9] {
            messages.push(flate2(&mut Compress::new(Level::new(level), false), plain));
        }
        let mut own = Vec::new();
        Deflater::new(12, false).level(5).deflate(plain, true, &mut own);
        messages.push(own);
    }
    messages
}

/// Wherever a message is cut, its end tells; but for the header of a stored block, which is one.
#[test]
fn a_message_that_is_cut_is_no_deflate() {
    for message in unbroken() {
        assert_eq!(judge(WHOLE as u64, &[&message]).violation, None);
        for len in 0..message.len() {
            if message[..len] == [0] {
                continue;
            }
            let judged = judge(WHOLE as u64, &[&message[..len]]);
            let last = wire(&fragments(OpCode::Text, 4, &message[..len], &[])).len() as u64 - 1;
            assert_eq!(
                judged.violation,
                Some((Rule::InvalidDeflate, last)),
                "{len} of {message:x?}"
            );
        }
        // A byte more is the start of a block that does not end.
        for more in [0x00, 0x02, 0x04, 0xFF] {
            let longer = [&message[..], &[more]].concat();
            let violation = judge(WHOLE as u64, &[&longer]).violation;
            assert_eq!(violation.map(|(rule, _)| rule), Some(Rule::InvalidDeflate));
        }
    }
}

/// What is cut behind a flush or a final block is a message of its own; so is one that is sent with
/// the tail that should have been left out, and an empty block more.
#[test]
fn a_message_may_end_where_a_block_does() {
    let flushed = EXAMPLES[3].0;
    let passing = |message: &[u8]| {
        let cuts =
            (0..message.len()).filter(|len| judge(5, &[&message[..*len]]).violation.is_none());
        cuts.collect::<Vec<_>>()
    };
    assert_eq!(passing(flushed), [4]); // F2 48 05 00, with the tail that is behind it
    assert_eq!(passing(EXAMPLES[2].0), [7]); // F3 48 CD C9 C9 07 00
    assert_eq!(passing(b"\xF2\x48\xCD\xC9\xC9\x07\x00\x00\x00\xFF\xFF\x00"), [7]);
    assert_eq!(judge(5, &[b"\xF2\x48\xCD\xC9\xC9\x07\x00\x00\x00\xFF\xFF\x00"]).violation, None);
    // The tail itself is no message's end.
    let with_tail = [EXAMPLES[0].0, TAIL].concat();
    assert_eq!(judge(5, &[&with_tail]).violation, Some((Rule::InvalidDeflate, 12)));
}

#[test]
fn what_comes_behind_a_final_block_is_judged() {
    for behind in [&b"\xFF"[..], b"\x06", b"\x00\x00", b"\x02", b"\x01\x00"] {
        let message = [&EXAMPLES[2].0[..7], behind].concat();
        let violation = judge(5, &[&message]).violation;
        assert_eq!(violation.map(|(rule, _)| rule), Some(Rule::InvalidDeflate), "{behind:x?}");
    }
    let twice = [&EXAMPLES[2].0[..7], EXAMPLES[2].0].concat();
    assert_eq!(texts(&judge(10, &[&twice])), ["HelloHello"]);
    let back = [&EXAMPLES[2].0[..7], AGAIN].concat();
    assert_eq!(texts(&judge(10, &[&back])), ["HelloHello"]);
}

/// RSV1 on a message without a byte: even the empty message has one (§7.2.3.6).
#[test]
fn a_compressed_message_without_a_byte_is_no_deflate() {
    assert_eq!(judge(5, &[b""]).violation, Some((Rule::InvalidDeflate, 1)));
    assert_eq!(judge(5, &[EXAMPLES[0].0, b""]).violation, Some((Rule::InvalidDeflate, 10)));
    // That the one before has ended with a final block is no end of this.
    assert_eq!(judge(5, &[&EXAMPLES[2].0[..7], b""]).violation, Some((Rule::InvalidDeflate, 10)));
    assert_eq!(judge(5, &[b"\x01", b""]).violation, Some((Rule::InvalidDeflate, 4)));
    let empty = b"\x41\x00\x00\x00\x80\x00";
    assert_eq!(agree(5, Parameters::new(), empty, &[1]).violation, Some((Rule::InvalidDeflate, 5)));
}

/// The one end that is taken for good and is none: a message that stops inside the codes of a block,
/// made so that the tail is the rest of them and the end of the block. §7.2.2 inflates it too.
#[test]
fn codes_that_the_tail_completes_pass() {
    let mut message = Packed::default();
    message.number(0b100, 3);
    // 257 lengths of literals, 28 of distances; codes for 0 (0), 1, 2, 3, 4, 5, and 17 (1111).
    message.number(0, 5);
    message.number(27, 5);
    message.number(14, 4);
    for length in [0, 4, 0, 1, 0, 0, 0, 0, 0, 4, 0, 4, 0, 4, 0, 3, 0, 3] {
        message.number(length, 3);
    }
    for length in ["100", "101", "1100", "1101", "1110"] {
        message.code(length);
    }
    for _ in 0..6 {
        message.code("1111");
        message.number(7, 3);
    }
    message.code(&"0".repeat(251 - 6 * 10));
    message.code("1110");
    // The lengths of two distances; the tail has 16, and 17 stands for 10 more.
    message.code("00");
    assert_eq!(message.bits % 8, 0, "{}", message.bits);
    assert_eq!(judge(5, &[&message.bytes]).violation, None);
    let strict = naive::inflate(&message.bytes, &mut Vec::new());
    assert_eq!(strict.broken, Some(None));
}

#[test]
fn the_limit_counts_what_comes_out() {
    let policy = |limit| Policy::new(Role::Client).max_message(limit);
    let mut zeros = Vec::new();
    Deflater::new(15, true).deflate(&[0; 1_000], true, &mut zeros);
    let random: Vec<u8> = (0..200u32).map(|n| ((n * n * 7_919) >> 9) as u8 & 0x7F).collect();
    let stored = flate2(&mut Compress::new(Level::new(0), false), &random);
    assert!(zeros.len() < 30 && stored.len() > 200);
    for (message, len) in [(&zeros, 1_000), (&stored, 200)] {
        for limit in [len, u64::MAX] {
            assert_eq!(judge(limit, &[message, message]).violation, None);
        }
        assert_eq!(
            judge(len - 1, &[message]).violation,
            Some((Rule::MessageTooBig, if len == 200 { 4 } else { 2 }))
        );
        // What comes out before the limit is given, and no byte more.
        for limit in [len / 2, len - 1] {
            let mut given = 0;
            let mut validator = Validator::new(policy(limit), Parameters::new());
            let header = Header::new(OpCode::Text, message.len() as u64).with_rsv(4);
            validator.begin(&header).unwrap();
            let judged = validator.payload(message, |piece| given += piece.len() as u64);
            assert_eq!(
                judged.map_err(place),
                Err((Rule::MessageTooBig, if len == 200 { 4 } else { 2 }))
            );
            assert_eq!(given, limit);
        }
    }
    // Fragments and what lies between count together, and each message for itself.
    let frames = fragments(OpCode::Text, 4, &stored, &[50, 100, 150]);
    for (limit, violation) in [(200, None), (120, Some(Rule::MessageTooBig))] {
        let judged = agree(limit, Parameters::new(), &wire(&frames), &[7]);
        assert_eq!(judged.violation.map(|(rule, _)| rule), violation);
    }
}

/// Stored in blocks of a byte each a message is six times as long on the wire: that passes, and what
/// is longer is refused by its header.
#[test]
fn the_wire_has_room_for_what_is_stored() {
    let mut stored = Vec::new();
    (0..50).for_each(|_| stored.extend_from_slice(b"\x00\x01\x00\xFE\xFFa"));
    stored.push(0);
    assert_eq!(judge(50, &[&stored]).violation, None);
    assert_eq!(judge(49, &[&stored]).violation, Some((Rule::MessageTooBig, 4)));
    for (len, violation) in [(364, None), (365, Some((Rule::MessageTooBig, 1)))] {
        let policy = Policy::new(Role::Client).max_message(50);
        let mut validator = Validator::new(policy, Parameters::new());
        let header = Header::new(OpCode::Text, len).with_rsv(4);
        assert_eq!(validator.begin(&header).map_err(place).err(), violation);
    }
}

/// A message that is not compressed has no such room, alone or between others.
#[test]
fn the_plain_limit_stays() {
    for (len, violation) in [(50usize, None), (51, Some((Rule::MessageTooBig, 10)))] {
        let mut frames = fragments(OpCode::Text, 4, EXAMPLES[0].0, &[]);
        frames.extend(fragments(OpCode::Text, 0, &vec![b'a'; len], &[]));
        frames.extend(fragments(OpCode::Text, 4, AGAIN, &[]));
        let judged = agree(50, Parameters::new(), &wire(&frames), &[WHOLE]);
        assert_eq!(judged.violation, violation);
        let mut frames = fragments(OpCode::Text, 4, EXAMPLES[0].0, &[3]);
        frames.extend(fragments(OpCode::Binary, 0, &vec![b'a'; len], &[20]));
        let judged = agree(50, Parameters::new(), &wire(&frames), &[WHOLE]);
        assert_eq!(judged.violation.map(|(rule, _)| rule), violation.map(|(rule, _)| rule));
    }
}

/// A character may be cut by blocks, fragments and pieces, and not by the end of the message.
#[test]
fn text_is_judged_over_every_border() {
    let euro = "€".as_bytes();
    let mut compressed = Vec::new();
    for byte in euro {
        compressed.extend_from_slice(&[0, 1, 0, 0xFE, 0xFF, *byte]);
    }
    compressed.push(0);
    for end in 0..=compressed.len() {
        let judged = agree(
            3,
            Parameters::new(),
            &wire(&fragments(OpCode::Text, 4, &compressed, &[end])),
            &[1],
        );
        assert_eq!((texts(&judged), judged.violation), (vec!["€"], None));
    }
    let cut = [&compressed[..12], &[0]].concat();
    assert_eq!(judge(3, &[&cut]).violation, Some((Rule::InvalidUtf8, 14)));
    // The limit and the end of the text are one: it is no text.
    assert_eq!(judge(2, &[&cut]).violation, Some((Rule::InvalidUtf8, 14)));
    assert_eq!(judge(2, &[&compressed]).violation, Some((Rule::MessageTooBig, 2)));
    // Binary it is what it is, and so is the next text.
    let mut frames = fragments(OpCode::Binary, 4, &cut, &[]);
    frames.extend(fragments(OpCode::Text, 4, &compressed, &[7]));
    assert_eq!(texts(&agree(3, Parameters::new(), &wire(&frames), &[1])), ["€"]);
}

/// No byte is waited for that cannot change the answer.
#[test]
fn what_is_broken_early_is_found_early() {
    let bad = flate2(&mut Compress::new(Level::new(0), false), b"a\xFFbc");
    let policy = Policy::new(Role::Client);
    for (payload, proof, rule) in [
        (&bad[..], 7, Rule::InvalidUtf8),
        (b"\x07", 1, Rule::InvalidDeflate),
        (b"\x00\x05\x00\xFB\xFFHello\x00", 5, Rule::InvalidDeflate),
    ] {
        let mut validator = Validator::new(policy, Parameters::new());
        let header = Header::new(OpCode::Text, 1 << 30).with_rsv(4).not_final();
        validator.begin(&header).unwrap();
        validator.payload(&payload[..proof - 1], |_| {}).unwrap();
        let violation = validator.payload(&payload[proof - 1..proof], |_| {}).unwrap_err();
        assert_eq!(place(violation), (rule, 10));
    }
}

/// Of what broke first the rule is given.
#[test]
fn the_first_in_the_stream_comes_first() {
    // A byte that is no text, then a block that is none.
    let text_first = b"\x00\x01\x00\xFE\xFF\xFF\x07";
    assert_eq!(judge(9, &[text_first]).violation, Some((Rule::InvalidUtf8, 2)));
    assert_eq!(judge(0, &[text_first]).violation, Some((Rule::MessageTooBig, 2)));
    let frames = fragments(OpCode::Binary, 4, text_first, &[]);
    let judged = agree(9, Parameters::new(), &wire(&frames), &[WHOLE]);
    assert_eq!(judged.violation, Some((Rule::InvalidDeflate, 2)));
    // A block that is none, in a message that a frame interrupts.
    let stream = b"\x41\x01\x07\x41\x00";
    let judged = agree(9, Parameters::new(), stream, &[WHOLE]);
    assert_eq!(judged.violation, Some((Rule::InvalidDeflate, 2)));
    let stream = b"\x41\x01\xF2\xC0\x00";
    let judged = agree(9, Parameters::new(), stream, &[WHOLE]);
    assert_eq!(judged.violation, Some((Rule::MisplacedRsv1, 3)));
}

/// Memory that a message has left holds nothing for the next, whether its stream begins anew inside
/// of it or not, and whoever inflates it.
#[test]
fn nothing_comes_out_of_memory_that_serves_again() {
    let plain: Vec<u8> = (0..40_000u32).map(|n| b'a' + (n * n / 7 % 23) as u8).collect();
    let full = flate2(&mut Compress::new(Level::new(6), false), &plain);
    let behind_final = [&EXAMPLES[2].0[..7], &reaching(20_000)].concat();
    for broken in [&reaching(20_000), &behind_final] {
        let frames: Vec<_> = [&full, &EXAMPLES[2].0[..7]]
            .iter()
            .flat_map(|message| fragments(OpCode::Text, 4, message, &[]))
            .collect();
        let before = wire(&frames);
        assert_eq!(agree(u64::MAX, takeover(false), &before, &[WHOLE]).violation, None);
        for context_takeover in [true, false] {
            let stream = wire(&fragments(OpCode::Text, 4, broken, &[]));
            let judged = agree(u64::MAX, takeover(context_takeover), &stream, &[WHOLE]);
            assert_eq!(judged.violation, Some((Rule::InvalidDeflate, 2)));
        }
    }
}

/// Nor that it had ended, where what came behind a final block was refused.
#[test]
fn an_end_is_no_end_of_the_next_message() {
    let policy = Policy::new(Role::Client);
    let mut content = Beside::new(policy, takeover(false));
    let not_text = [&EXAMPLES[2].0[..7], b"\x00\x01\x00\xFE\xFF\xFF\x00"].concat();
    let judged = content.piece(OpCode::Text, &not_text, true, |_| {});
    assert_eq!(judged, Err(Rule::InvalidUtf8));
    assert_eq!(content.piece(OpCode::Text, b"", true, |_| {}), Err(Rule::InvalidDeflate));
}

/// Behind a message that is broken a linter goes on: with the next, where that reaches back to
/// nothing.
#[test]
fn content_is_lost_for_as_long_as_something_may_reach_back() {
    let cut = b"\x00\x01\x00\xFE\xFF\xC3\x00";
    for context_takeover in [true, false] {
        let policy = Policy::new(Role::Client).max_message(5);
        for (broken, rule) in [(&cut[..], Rule::InvalidUtf8), (b"\x07", Rule::InvalidDeflate)] {
            let mut content = Beside::new(policy, takeover(context_takeover));
            for split in [0, broken.len()] {
                let (first, last) = broken.split_at(split);
                let judged = content.piece(OpCode::Text, first, false, |_| {});
                let judged = judged.and(content.piece(OpCode::Text, last, true, |_| {}));
                let expected = if context_takeover && split > 0 { Ok(()) } else { Err(rule) };
                assert_eq!((judged, content.content.is_lost()), (expected, context_takeover));
                let mut text = Vec::new();
                let take = |piece: &[u8]| text.extend_from_slice(piece);
                content.piece(OpCode::Text, EXAMPLES[0].0, true, take).unwrap();
                assert_eq!(text, if context_takeover { &b""[..] } else { b"Hello" });
            }
        }
        let mut content = Beside::new(policy, takeover(context_takeover));
        content.piece(OpCode::Text, &EXAMPLES[0].0[..3], false, |_| {}).unwrap();
        content.content.lose();
        content.piece(OpCode::Text, b"\xFF", true, |_| panic!()).unwrap();
        assert_eq!(content.content.is_lost(), context_takeover);
    }
}

/// `Content` beside a judge of frames: pieces of messages come as their fragments.
struct Beside {
    frames: wsvet::Validator,
    content: Content,
}

impl Beside {
    fn new(policy: Policy, parameters: Parameters) -> Self {
        let frames = policy.max_message(u64::MAX).compression(Compression::Inflated);
        let frames = wsvet::Validator::new(frames);
        Self { frames, content: Content::new(policy, parameters) }
    }

    fn piece(
        &mut self,
        opcode: OpCode,
        bytes: &[u8],
        end: bool,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), Rule> {
        let Self { frames, content } = self;
        let len = bytes.len() as u64;
        let header = match frames.open_message() {
            Some(_) => Header::new(OpCode::Continuation, len),
            None => Header::new(opcode, len).with_rsv(4),
        };
        let header = if end { header } else { header.not_final() };
        frames.begin(&header).unwrap();
        content.begin(frames, &header);
        let start = frames.offset();
        frames.payload(bytes).unwrap();
        let judged = content.payload(bytes, &mut take);
        if let Err(violation) = judged {
            assert_eq!(violation.offset, start);
        }
        frames.finish().unwrap();
        let ended = content.finish(frames, take);
        if let Err(violation) = ended {
            assert_eq!(violation.offset, frames.offset() - 1);
        }
        judged.and(ended).map_err(|violation| violation.rule)
    }
}

#[cfg(feature = "codec")]
mod codec {
    use bytes::{Bytes, BytesMut};
    use proptest::prelude::*;
    use wsvet::codec::{Error, Messages};
    use wsvet::deflate::Parameters;
    use wsvet::{CloseCode, Header, Message, OpCode, Policy, Role, Rule};

    use super::{AGAIN, EXAMPLES, plain};

    fn parameters() -> impl Strategy<Value = Parameters> {
        let bits = || prop::option::of(8u8..=15);
        (any::<bool>(), any::<bool>(), bits(), bits()).prop_map(|(server, client, ours, theirs)| {
            let parameters = Parameters::new()
                .server_no_context_takeover(server)
                .client_no_context_takeover(client);
            let parameters = ours.into_iter().fold(parameters, Parameters::server_max_window_bits);
            theirs.into_iter().fold(parameters, Parameters::client_max_window_bits)
        })
    }

    fn message() -> impl Strategy<Value = Message> {
        let short = || prop::collection::vec(any::<u8>(), 0..126).prop_map(Bytes::from);
        prop_oneof![
            4 => ".{0,200}".prop_map(Message::text),
            4 => plain().prop_map(Message::binary),
            1 => short().prop_map(Message::Ping),
            1 => short().prop_map(Message::Pong),
        ]
    }

    fn read(
        reader: &mut Messages,
        wire: &mut BytesMut,
        size: usize,
    ) -> Result<Vec<Message>, Error> {
        let mut read = Vec::new();
        let mut input = BytesMut::new();
        while !wire.is_empty() {
            input.extend_from_slice(&wire.split_to(size.min(wire.len())));
            while let Some(message) = reader.decode(&mut input)? {
                read.push(message);
            }
        }
        Ok(read)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// What one end writes the other reads, in both directions at once, under any parameters.
        #[test]
        fn what_is_written_is_read(
            turns in prop::collection::vec((any::<bool>(), message()), 0..8),
            parameters in parameters(),
            fragment in prop_oneof![Just(usize::MAX), 1usize..200, 1_000usize..70_000],
            from in prop_oneof![Just(0), 0usize..300],
            level in prop::option::of(1u8..=9),
            size in 1usize..5_000,
        ) {
            let mut ends = [Role::Client, Role::Server].map(|role| {
                let end = Messages::deflate(Policy::new(role).max_message(100_000), parameters);
                let mut end = end.fragments_of(fragment).deflate_from(from);
                if let Some(level) = level {
                    end = end.deflate_level(level);
                }
                if role == Role::Client { end.with_keys(|| [0xA5, 0x5A, 0xC3, 0x3C]) } else { end }
            });
            let close = |from| (from, Message::close(CloseCode(3000), "über"));
            for (from_client, message) in turns.into_iter().chain([close(true), close(false)]) {
                let mut wire = BytesMut::new();
                let [client, server] = &mut ends;
                let (writer, reader) =
                    if from_client { (client, server) } else { (server, client) };
                writer.encode(message.clone(), &mut wire).unwrap();
                let first = wire[0];
                let compressed = !message.opcode().is_control() && message.payload().len() >= from;
                let sender = if from_client { Role::Client } else { Role::Server };
                // What does not get shorter goes as it is, where no other reaches back to it.
                let as_it_is = first & 0x70 == 0 && !parameters.context_takeover(sender);
                let rsv = if compressed && !as_it_is { 0x40 } else { 0 };
                prop_assert_eq!(first & 0x70, rsv);
                prop_assert_eq!(read(reader, &mut wire, size).unwrap(), [message]);
            }
            prop_assert!(ends.iter().all(|end| end.frames().is_done()));
        }
    }

    /// What a server writes, byte by byte: RSV1 on the first fragment alone (§6.1).
    #[test]
    fn the_examples_are_written() {
        let mut server = Messages::deflate(Policy::new(Role::Server), Parameters::new());
        let mut out = BytesMut::new();
        server.encode(Message::text("Hello"), &mut out).unwrap();
        assert_eq!(out[..], *b"\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00");
        out.clear();
        server.encode(Message::text("Hello"), &mut out).unwrap();
        // Out of the window, no longer than the RFC's own.
        assert!(out[0] == 0xC1 && out.len() <= 2 + AGAIN.len(), "{out:x?}");
        out.clear();
        server.encode(Message::binary(""), &mut out).unwrap();
        assert_eq!(out[..], *b"\xC2\x01\x00");
        out.clear();
        let server = Messages::deflate(Policy::new(Role::Server), Parameters::new());
        server.fragments_of(3).encode(Message::text("Hello"), &mut out).unwrap();
        assert_eq!(out[..], *b"\x41\x03\xF2\x48\xCD\x00\x03\xC9\xC9\x07\x80\x01\x00");
    }

    /// Noise does not get shorter: it goes as it is where that is allowed, and else has to be sent.
    #[test]
    fn what_does_not_get_shorter() {
        for (no_takeover, first) in [(true, 0x82), (false, 0xC2)] {
            let parameters = Parameters::new().server_no_context_takeover(no_takeover);
            let mut server = Messages::deflate(Policy::new(Role::Server), parameters);
            let mut out = BytesMut::new();
            let noise: Vec<u8> = (0..200u32)
                .map(|n| (n.wrapping_mul(n).wrapping_mul(2_654_435_761) >> 13) as u8)
                .collect();
            server.encode(Message::binary(noise), &mut out).unwrap();
            assert_eq!(out[0], first);
        }
    }

    /// Each violation is answered with its code and its text, as any other; a second look changes
    /// nothing.
    #[test]
    fn violations_are_answered() {
        let mut not_text = Vec::new();
        let mut deflater = Parameters::new().deflater(Role::Client);
        deflater.deflate(b"\xFF", true, &mut not_text);
        for (compressed, rule, code) in [
            (&b"\x07"[..], Rule::InvalidDeflate, CloseCode::INVALID_FRAME_PAYLOAD_DATA),
            (b"", Rule::InvalidDeflate, CloseCode::INVALID_FRAME_PAYLOAD_DATA),
            (AGAIN, Rule::InvalidDeflate, CloseCode::INVALID_FRAME_PAYLOAD_DATA),
            (&not_text, Rule::InvalidUtf8, CloseCode::INVALID_FRAME_PAYLOAD_DATA),
            (EXAMPLES[0].0, Rule::MessageTooBig, CloseCode::MESSAGE_TOO_BIG),
        ] {
            let policy = Policy::new(Role::Server).max_message(4);
            let mut server = Messages::deflate(policy, Parameters::new());
            let header = Header::new(OpCode::Text, compressed.len() as u64).with_rsv(4);
            let mut input = BytesMut::from(&crate::frame(Role::Client, header, compressed)[..]);
            let error = server.decode(&mut input).unwrap_err();
            assert_eq!(error.reply(), Some(Message::close(code, rule.text())), "{rule}");
            // It is told once.
            assert!(server.decode(&mut input).unwrap().is_none(), "{rule}");
            let mut out = BytesMut::new();
            server.encode(Message::close(code, rule.text()), &mut out).unwrap();
            assert_eq!(out[0], 0x88);
        }
    }

    #[test]
    fn a_stream_that_ends_inside_a_compressed_message_is_told() {
        for (stream, rule) in [
            (&b"\xC1\x07\xF2\x48"[..], Rule::EofInFrame),
            (b"\x41\x03\xF2\x48\xCD", Rule::EofWithoutClose),
        ] {
            let mut client = Messages::deflate(Policy::new(Role::Client), Parameters::new());
            let error = client.decode_eof(&mut BytesMut::from(stream)).unwrap_err();
            let Error::Violation(violation) = error else { panic!("{error}") };
            assert_eq!((violation.rule, violation.offset), (rule, stream.len() as u64));
        }
    }
}
