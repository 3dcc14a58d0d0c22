//! permessage-deflate: a compressed stream, however it is cut, is what a naive judge and another
//! implementation make of it; what is deflated, both inflate.
#![cfg(feature = "deflate")]

mod common;

use common::deflate::{self as naive, Judged, flate2, validate};
use common::{frame, place};
use flate2::{Compress, Compression, Decompress, FlushDecompress};
use proptest::prelude::*;
use wsvet::deflate::{Content, Deflater, Inflater, InvalidDeflate, Parameters, Validator};
use wsvet::{CloseCode, Decoder, Event, Header, OpCode, Policy, Role, Rule};

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
            let compressed =
                flate2(&mut Compress::new(Compression::new(level), false), &vec![b'a'; len]);
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
