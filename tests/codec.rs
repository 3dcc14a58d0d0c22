//! The codec: what the corpus says, however the bytes are cut; what is written is read again.
#![cfg(feature = "codec")]

mod common;

use std::io;

use bytes::{Bytes, BytesMut};
use common::vectors::{self, Vector};
use proptest::prelude::*;
use tokio_util::codec::Decoder;
use wsvet::codec::{Error, Frames, Messages};
use wsvet::{
    Accepts, CloseCode, Closing, Frame, FrameBuf, Header, Message, OpCode, Policy, Role, Rule,
    Validator, Violation, encode,
};

/// Everything that a decoder makes of a stream in pieces of this size, and what ends it.
fn decode<D: Decoder<Error = Error>>(
    decoder: &mut D,
    stream: &[u8],
    size: usize,
) -> (Vec<D::Item>, Option<Violation>) {
    let mut input = BytesMut::new();
    let mut items = Vec::new();
    for piece in stream.chunks(size) {
        input.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(Error::Violation(violation)) => return (items, Some(violation)),
                Err(error) => panic!("{error}"),
            }
        }
    }
    (items, None)
}

#[test]
fn the_corpus_is_judged_as_it_says() {
    for Vector { mut policy, stream, case } in vectors::all() {
        if policy.max_message == u64::MAX {
            policy.max_message -= 1; // it is judged, and nothing is refused by default
        }
        let frames = case["frames"].as_array().unwrap();
        let close = frames.iter().position(|frame| frame["opcode"] == 8);
        // What comes behind a Close is discarded, and the end of a stream is not told.
        let at_the_end = case["section"] == "7.1.5";
        let expected = match case["rule"].as_str().and_then(Rule::from_id) {
            Some(rule) if close.is_none() && !at_the_end => {
                Some(Violation::new(rule, case["offset"].as_u64().unwrap()))
            }
            _ => None,
        };
        let frames = &frames[..close.map_or(frames.len(), |close| close + 1)];
        for size in [1, 3, 7, 64, stream.len().max(1)] {
            let name = format!("{} by {size}", case["name"]);
            let (seen, violation) = decode(&mut Frames::new(policy), &stream, size);
            assert_eq!(violation, expected, "{name}");
            assert_eq!(seen.len(), frames.len(), "{name}");
            for (FrameBuf { header, payload }, frame) in seen.iter().zip(frames) {
                assert_eq!(header.fin(), frame["fin"], "{name}");
                assert_eq!(u8::from(header.opcode()), frame["opcode"], "{name}");
                assert_eq!(payload.len(), frame["len"], "{name}");
                if let Some(hex) = frame["payload"].as_str() {
                    assert_eq!(payload, &common::hex(hex), "{name}");
                }
            }
            if policy.rsv == 0 && !policy.negotiates_deflate() {
                let (messages, violation) = decode(&mut Messages::new(policy), &stream, size);
                assert_eq!(violation, expected, "{name}");
                let ends = |frame: &&serde_json::Value| frame["fin"] == true;
                assert_eq!(messages.len(), frames.iter().filter(ends).count(), "{name}");
            }
        }
    }
}

fn message() -> impl Strategy<Value = Message> {
    let short = || prop::collection::vec(any::<u8>(), 0..126).prop_map(Bytes::from);
    prop_oneof![
        ".{0,200}".prop_map(Message::text),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Message::binary),
        (65_530usize..65_540).prop_map(|len| Message::binary(vec![7; len])),
        short().prop_map(Message::Ping),
        short().prop_map(Message::Pong),
    ]
}

proptest! {
    /// What one end writes the other reads, in fragments of any length and pieces of any size.
    #[test]
    fn what_is_written_is_read(
        messages in prop::collection::vec(message(), 0..8),
        close in prop::option::of((".{0,60}", 3000u16..5000)),
        client: bool,
        fragment in prop_oneof![Just(usize::MAX), 1usize..200, 1_000usize..70_000],
        size in 1usize..5_000,
    ) {
        let (here, there) =
            if client { (Role::Client, Role::Server) } else { (Role::Server, Role::Client) };
        let mut writer = Messages::new(Policy::new(here)).fragments_of(fragment);
        if client {
            writer = writer.with_keys(|| [0xA5, 0x5A, 0xC3, 0x3C]);
        }
        let close = close.map(|(reason, code)| Message::close(CloseCode(code), reason));
        let all: Vec<_> = messages.into_iter().chain([close.unwrap_or(Message::Close(None))]).collect();
        let mut wire = BytesMut::new();
        for message in &all {
            writer.encode(message.clone(), &mut wire).unwrap();
        }
        let (read, violation) = decode(&mut Messages::new(Policy::new(there)), &wire, size);
        prop_assert_eq!(violation, None);
        prop_assert_eq!(read, all);
    }
}

/// Payloads lie in the memory that was read into, and headers are refused before their payload.
#[test]
fn nothing_is_copied_or_waited_for() {
    let mut input = BytesMut::with_capacity(4096);
    input.extend_from_slice(b"\x82\x03abc\x81\x02hi");
    let memory = input.as_ptr_range();
    let mut messages = Messages::new(Policy::new(Role::Client));
    for expected in [Message::binary("abc"), Message::text("hi")] {
        let message = messages.decode(&mut input).unwrap().unwrap();
        assert_eq!(message, expected);
        assert!(memory.contains(&message.payload().as_ptr()));
    }
    let policy = Policy::new(Role::Client).accepts(Accepts::TextOnly);
    let mut header = BytesMut::from(&b"\x82\x7F\0\x20\0\0\0\0\0\0"[..]);
    let error = Messages::new(policy).decode(&mut header).unwrap_err();
    assert_eq!(error.reply(), Some(Message::close(CloseCode(1003), Rule::UnsupportedData.text())));
}

/// Who has sent nothing costs no more than the buffer that was given.
#[test]
fn an_idle_connection_holds_no_room() {
    let mut input = BytesMut::with_capacity(64);
    assert!(Messages::new(Policy::new(Role::Client)).decode(&mut input).unwrap().is_none());
    assert_eq!(input.capacity(), 64);
}

/// A length of 2^53 costs no more than any other, and neither do many small fragments.
#[test]
fn no_memory_is_reserved_on_the_word_of_a_header() {
    let mut messages = Messages::new(Policy::new(Role::Client).no_limit());
    let mut input = BytesMut::from(&b"\x82\x7F\0\x20\0\0\0\0\0\0"[..]);
    assert!(messages.decode(&mut input).unwrap().is_none());
    assert!(input.capacity() <= 128 << 10, "{}", input.capacity());

    let policy = Policy::new(Role::Client).no_limit().max_message(1 << 20);
    let mut messages = Messages::new(policy);
    let mut input = BytesMut::new();
    let mut most = 0;
    let refused = (0..).find_map(|n| {
        input.extend_from_slice(if n == 0 { b"\x02\x01" } else { b"\x00\x01" });
        input.extend_from_slice(b"a");
        let decoded = messages.decode(&mut input);
        most = most.max(input.capacity());
        decoded.err()
    });
    let Some(Error::Violation(violation)) = refused else { panic!() };
    assert_eq!(violation.rule, Rule::MessageTooBig);
    assert!(most <= 128 << 10, "{most}");
}

#[test]
fn after_a_close_nothing_is_sent() {
    let mut messages = Messages::new(Policy::new(Role::Server));
    let mut out = BytesMut::new();
    messages.encode(Message::close(CloseCode::GOING_AWAY, ""), &mut out).unwrap();
    messages.encode(Message::Close(None), &mut out).unwrap();
    messages.encode(Message::Pong("late".into()), &mut out).unwrap();
    assert_eq!(out[..], *b"\x88\x02\x03\xE9");
    let error = messages.encode(Message::text("late"), &mut out).unwrap_err();
    assert_eq!(error.to_string(), "data was to be sent after a Close");
    assert!(!messages.frames().is_done());
    let mut input = BytesMut::from(&b"\x88\x80\0\0\0\0\x81\x85"[..]);
    assert_eq!(messages.decode(&mut input).unwrap(), Some(Message::Close(None)));
    assert!(messages.frames().is_done());
    assert_eq!(messages.decode(&mut input).unwrap(), None);
    assert_eq!(messages.decode_eof(&mut input).unwrap(), None);
}

/// Whole frames too, which are taken in fewer steps.
#[test]
fn after_a_close_nothing_is_received() {
    let stream = b"\x88\x00\x81\x02hi\x82\x02hi\x01\x02hi\x80\x0A0123456789";
    for size in [1, 4, stream.len()] {
        let policy = Policy::new(Role::Client);
        let (frames, violation) = decode(&mut Frames::new(policy), stream, size);
        assert_eq!((frames.len(), violation), (1, None));
        let (messages, violation) = decode(&mut Messages::new(policy), stream, size);
        assert_eq!((messages, violation), (vec![Message::Close(None)], None));
    }
}

/// A text that is not UTF-8 is found in the frame as it came, and nothing after it is lost.
#[test]
fn text_that_is_refused_is_left_as_it_was() {
    for len in [1, 7, 20, 64, 125, 126, 300, 5_000] {
        for bad in [0, len / 2, len - 1] {
            let mut text = vec![b'a'; len];
            text[bad] = 0xFF;
            for role in [Role::Client, Role::Server] {
                let header = Header::new(OpCode::Text, len as u64);
                let stream = common::frame(role.peer(), header, &text);
                let mut input = BytesMut::from(&stream[..]);
                input.extend_from_slice(b"the rest, long enough for a header");
                let error = Messages::new(Policy::new(role)).decode(&mut input).unwrap_err();
                let Error::Violation(violation) = error else { panic!("{error}") };
                let start = stream.len() - len;
                assert_eq!(violation, Violation::new(Rule::InvalidUtf8, (start + bad) as u64));
                assert!(input.ends_with(b"the rest, long enough for a header"));
            }
        }
    }
}

#[test]
fn a_control_frame_that_is_too_long_is_not_sent() {
    let mut messages = Messages::new(Policy::new(Role::Server));
    let mut out = BytesMut::new();
    messages.encode(Message::Ping(vec![7; 125].into()), &mut out).unwrap();
    assert_eq!(out.len(), 127);
    let error = messages.encode(Message::Pong(vec![7; 126].into()), &mut out).unwrap_err();
    assert_eq!(error.to_string(), "a control frame has at most 125 bytes of payload");
    assert_eq!(out.len(), 127);
}

#[test]
fn what_may_not_be_sent_is_not_sent() {
    let mut out = BytesMut::new();
    let mut server = Messages::new(Policy::new(Role::Server)).with_keys(|| [1, 2, 3, 4]);
    let error = server.encode(Message::close(CloseCode(1006), ""), &mut out).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the close code must not be sent: use 1000-1003, 1007-1014 or 3000-4999"
    );
    let error =
        Messages::new(Policy::new(Role::Client)).encode(Message::text("hi"), &mut out).unwrap_err();
    assert_eq!(error.to_string(), "a client was to send without masking keys");
    assert!(out.is_empty());
    // Keys or not, a server masks nothing.
    server.encode(Message::text("hi"), &mut out).unwrap();
    assert_eq!(out[..], *b"\x81\x02hi");
}

/// A violation is told once. What comes after it is discarded, and so is the end.
#[test]
fn a_violation_is_told_once() {
    let refused = |error| {
        let Error::Violation(violation) = error else { panic!("{error}") };
        assert_eq!(violation, Violation::new(Rule::ReservedOpcode, 0));
    };
    let mut frames = Frames::new(Policy::new(Role::Client));
    refused(frames.decode(&mut BytesMut::from(&b"\x83\x00"[..])).unwrap_err());
    let mut messages = Messages::new(Policy::new(Role::Client));
    refused(messages.decode(&mut BytesMut::from(&b"\x83\x00"[..])).unwrap_err());
    for stream in [&b"\x83\x00"[..], b"\x81\x0C0123456789ab", b"\x82\x0C0123456789ab", b"\x82", b""]
    {
        let mut input = BytesMut::from(stream);
        assert!(frames.decode(&mut input.clone()).unwrap().is_none(), "{stream:?}");
        assert!(messages.decode(&mut input).unwrap().is_none(), "{stream:?}");
        assert!(input.is_empty(), "{stream:?}");
    }
    assert!(frames.decode_eof(&mut BytesMut::from(&b"\x82"[..])).unwrap().is_none());
    assert!(messages.decode_eof(&mut BytesMut::new()).unwrap().is_none());
}

/// After a violation `Framed` returns the error, `None`, and then `None` again when the peer has
/// ended: all that the peer still sends is read.
#[tokio::test(flavor = "current_thread")]
async fn a_peer_is_drained_after_a_violation() {
    use futures_util::StreamExt;
    use tokio::io::AsyncWriteExt;

    let (mut peer, socket) = tokio::io::duplex(64);
    let mut messages =
        tokio_util::codec::Framed::new(socket, Messages::new(Policy::new(Role::Client)));
    let sends = async move {
        peer.write_all(b"\x83\x00").await.unwrap();
        for _ in 0..100 {
            peer.write_all(b"\x82\x7E\x00\x7E").await.unwrap();
            peer.write_all(&[7; 126]).await.unwrap();
        }
    };
    let reads = async {
        assert!(matches!(messages.next().await, Some(Err(Error::Violation(_)))));
        assert!(messages.next().await.is_none());
        assert!(messages.next().await.is_none(), "all was read");
    };
    tokio::join!(sends, reads);
}

/// After `Framed::split`, and with a codec for each half, the closing handshake is still known.
#[test]
fn two_codecs_share_the_closing_handshake() {
    let policy = Policy::new(Role::Server);
    let mut reads = Messages::new(policy);
    let closing = reads.closing_handle();
    let mut writes = Messages::new(policy).with_closing(reads.closing_handle());
    let mut out = BytesMut::new();
    writes.encode(Message::Close(None), &mut out).unwrap();
    assert_eq!(closing.get(), Closing::Sent);
    assert_eq!(reads.frames().closing(), Closing::Sent);
    reads.decode(&mut BytesMut::from(&b"\x88\x80\0\0\0\0"[..])).unwrap();
    assert!(closing.get().is_done() && writes.frames().is_done());
    // A handle that is taken late has what was before.
    let mut late = Messages::new(policy);
    late.encode(Message::Close(None), &mut out).unwrap();
    assert_eq!(late.closing_handle().get(), Closing::Sent);
}

/// What collects has limits, unless the policy says something else.
#[test]
fn what_collects_has_limits_by_default() {
    let header = |opcode, len| {
        let mut out = [0; Header::MAX_LEN];
        let len = Header::new(opcode, len).encode(&mut out);
        BytesMut::from(&out[..len])
    };
    const MOST: u64 = 64 << 20;
    let policy = Policy::new(Role::Client);
    for (policy, len, refused) in [
        (policy, MOST, None),
        (policy, MOST + 1, Some(1009)),
        (policy.max_message(MOST + 1), MOST + 1, None),
        (policy.no_limit(), 1 << 40, None),
        (policy.max_message(100).no_limit(), 1 << 40, None),
    ] {
        let judged = |result: Result<bool, Error>| {
            let error = result.map(|whole| assert!(!whole)).err()?;
            let Error::Violation(violation) = error else { panic!("{error}") };
            Some(violation.rule.close_code().0)
        };
        let wire = header(OpCode::Binary, len);
        let messages = Messages::new(policy).decode(&mut wire.clone()).map(|item| item.is_some());
        assert_eq!(judged(messages), refused, "{policy:?} {len}");
        let frames = Frames::new(policy).decode(&mut wire.clone()).map(|item| item.is_some());
        assert_eq!(judged(frames), refused, "{policy:?} {len}");
    }
    let mut messages = Messages::new(policy);
    let mut input = BytesMut::from(&b"\x02\x00"[..]);
    input.extend_from_slice(&b"\x00\x00".repeat((128 << 10) - 1));
    assert!(messages.decode(&mut input).unwrap().is_none());
    let Err(Error::Violation(violation)) = messages.decode(&mut BytesMut::from(&b"\x00\x00"[..]))
    else {
        panic!("too many fragments")
    };
    assert_eq!(violation.rule, Rule::TooManyFragments);
    // Where nothing is collected, there is none.
    assert!(Validator::new(policy).begin(&Header::new(OpCode::Binary, 1 << 40)).is_ok());
}

/// A new policy holds for the next message; one that is open keeps its limits.
#[test]
fn a_policy_changes_during_a_connection() {
    let policy = Policy::new(Role::Client);
    let mut messages = Messages::new(policy.max_message(4));
    let take = |messages: &mut Messages, wire: &[u8]| {
        let message = messages.decode(&mut BytesMut::from(wire));
        message.map(|message| message.map(|message| message.payload().len()))
    };
    assert!(take(&mut messages, b"\x02\x03abc").unwrap().is_none());
    messages.set_policy(policy.max_message(8).accepts(Accepts::BinaryOnly));
    let mut copy = Messages::new(policy.max_message(4));
    assert!(take(&mut copy, b"\x02\x03abc").unwrap().is_none());
    copy.set_policy(policy.max_message(8));
    assert!(take(&mut copy, b"\x80\x02de").is_err(), "the limits of the open message stay");
    assert_eq!(take(&mut messages, b"\x80\x01d").unwrap(), Some(4));
    assert_eq!(take(&mut messages, b"\x82\x08abcdefgh").unwrap(), Some(8));
    assert!(take(&mut messages, b"\x81\x01a").is_err(), "text is not accepted any more");
}

/// Where nobody holds the messages, the memory that was read into serves again and again.
#[test]
fn memory_serves_again() {
    let mut frames = Frames::new(Policy::new(Role::Client));
    let stream = [&b"\x82\x7E\x40\x00"[..], &[7; 0x4000]].concat().repeat(400);
    let mut input = BytesMut::new();
    let (mut rest, mut reads, mut grown, mut most) = (&stream[..], 0, 0, 0);
    while !rest.is_empty() {
        // As tokio reads: into the room there is, and 50,000 bytes have come each time.
        input.reserve(1);
        let len = rest.len().min(input.capacity() - input.len()).min(50_000);
        input.extend_from_slice(&rest[..len]);
        rest = &rest[len..];
        reads += 1;
        while let Some(frame) = frames.decode(&mut input).unwrap() {
            assert_eq!(frame.payload.len(), 0x4000);
        }
        grown += usize::from(input.capacity() > most);
        most = most.max(input.capacity());
    }
    assert!(reads <= 140 && grown <= 8 && most <= 256 << 10, "{reads} {grown} {most}");
}

#[test]
fn the_end_of_a_stream_is_judged() {
    for (stream, rule) in [
        (&b""[..], Rule::EofWithoutClose),
        (b"\x81", Rule::EofInFrame),
        (b"\x82\x05ab", Rule::EofInFrame),
        (b"\x02\x01a", Rule::EofWithoutClose),
    ] {
        let mut messages = Messages::new(Policy::new(Role::Client));
        let error = messages.decode_eof(&mut BytesMut::from(stream)).unwrap_err();
        let Error::Violation(violation) = &error else { panic!("{error}") };
        assert_eq!((violation.rule, violation.offset), (rule, stream.len() as u64));
        assert_eq!(error.reply(), None);
    }
}

/// Keys come from a generator that changes with each of them.
#[test]
fn the_source_of_keys_has_a_state() {
    let mut last = 0;
    let mut frames = Frames::new(Policy::new(Role::Client)).with_keys(move || {
        last += 1;
        [last; 4]
    });
    let mut out = BytesMut::new();
    for _ in 0..2 {
        let frame = Frame { header: Header::new(OpCode::Ping, 0), payload: Bytes::new() };
        frames.encode(frame, &mut out).unwrap();
    }
    assert_eq!(out[..], *b"\x89\x80\x01\x01\x01\x01\x89\x80\x02\x02\x02\x02");
    assert!(format!("{frames:?}").contains("Keys(..)"));
}

#[test]
fn codecs_can_be_sent_and_shared() {
    fn sent_and_shared<T: Send + Sync + 'static>(_: T) {}
    sent_and_shared(Frames::new(Policy::new(Role::Client)).with_keys(|| [0; 4]));
    sent_and_shared(Messages::new(Policy::new(Role::Client)).with_keys(|| [0; 4]));
}

/// Whoever prints an error and all its causes reads nothing twice.
#[test]
fn an_error_does_not_repeat_its_source() {
    let violation = Violation::new(Rule::InvalidUtf8, 6);
    for error in [
        Error::from(violation),
        Error::Closed,
        Error::Encode(encode::Error::OversizedControl),
        Error::Encode(encode::Error::InvalidCloseCode),
        Error::Unmasked,
        Error::Io(io::ErrorKind::ConnectionReset.into()),
        Error::Io(io::Error::other(violation)),
        Error::Io(io::Error::other(Error::from(violation))),
    ] {
        let mut texts = vec![error.to_string()];
        let mut next = std::error::Error::source(&error);
        while let Some(source) = next {
            texts.push(source.to_string());
            next = source.source();
        }
        let len = texts.len();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), len, "{texts:?}");
    }
}

#[test]
fn an_error_becomes_an_io_error() {
    let kind = |error: Error| io::Error::from(error).kind();
    assert_eq!(kind(Error::Io(io::ErrorKind::TimedOut.into())), io::ErrorKind::TimedOut);
    assert_eq!(kind(Violation::new(Rule::InvalidUtf8, 6).into()), io::ErrorKind::InvalidData);
    assert_eq!(kind(Violation::new(Rule::EofInFrame, 6).into()), io::ErrorKind::UnexpectedEof);
    assert_eq!(kind(Error::Closed), io::ErrorKind::BrokenPipe);
    for error in [Error::Encode(encode::Error::OversizedControl), Error::Unmasked] {
        let text = error.to_string();
        let error = io::Error::from(error);
        assert_eq!((error.kind(), error.to_string()), (io::ErrorKind::InvalidInput, text));
    }
}

/// A proxy passes frames on: what it sends is masked, or not, as its own role wants it.
#[test]
fn frames_are_written_as_they_were_but_for_their_mask() {
    let frame = Frame {
        header: Header::new(OpCode::Text, 2).not_final().with_rsv(4).masked([1, 2, 3, 4]),
        payload: Bytes::from("hi"),
    };
    let mut out = BytesMut::new();
    let policy = Policy::new(Role::Server).permessage_deflate(true);
    Frames::new(policy).encode(frame.clone(), &mut out).unwrap();
    assert_eq!(out[..], *b"\x41\x02hi");
    let policy = Policy::new(Role::Client).permessage_deflate(true);
    let mut client = Frames::new(policy).with_keys(|| [0; 4]);
    out.clear();
    client.encode(frame, &mut out).unwrap();
    assert_eq!(out[..], *b"\x41\x82\0\0\0\0hi");
}
