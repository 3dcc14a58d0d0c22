//! What is sent is the same however it is written: to a slice, to any buffer, with the payload held
//! or masked in place, or prepared once for many connections.
#![cfg(feature = "std")]

use std::io::{self, IoSlice, Write};

use bytes::{Buf, Bytes, BytesMut};
use proptest::prelude::*;
use wsvet::codec::{Budget, Error, Frames, Messages, Prepared};
use wsvet::encode::{self, SendBuffer};
use wsvet::{CloseCode, CloseFrame, Frame, Header, Message, OpCode, Policy, Role};

const SERVER: Policy = Policy::new(Role::Server);

const CLIENT: Policy = Policy::new(Role::Client);

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// The lengths at which something changes: the forms of a header, what is copied in one piece, and
/// what is held.
const LENGTHS: [usize; 14] =
    [0, 1, 4, 125, 126, 127, 4_095, 4_096, 4_097, 8_191, 8_193, 65_535, 65_536, 70_001];

fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index % 251) as u8).collect()
}

/// A frame as `encode::frame` writes it.
fn written(header: &Header, payload: &[u8]) -> Result<Vec<u8>, encode::Error> {
    let mut out = vec![0; header.header_len() + payload.len()];
    let len = encode::frame(header, payload, &mut out)?;
    assert_eq!(len, out.len());
    Ok(out)
}

/// A stream that takes so many bytes at a time, of one part or of several.
struct Slow {
    taken: Vec<u8>,
    most: usize,
    /// The most parts of one write.
    parts: usize,
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = bytes.len().min(self.most);
        self.taken.extend_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.parts = self.parts.max(parts.len());
        let mut left = self.most;
        for part in parts {
            assert!(!part.is_empty(), "an empty part");
            let len = part.len().min(left);
            self.taken.extend_from_slice(&part[..len]);
            left -= len;
        }
        Ok(self.most - left)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a stream gets that takes so many bytes at a time.
fn sent(mut buffer: SendBuffer, most: usize) -> Vec<u8> {
    let mut stream = Slow { taken: Vec::new(), most, parts: 0 };
    let mut left = buffer.len();
    while !buffer.is_empty() {
        left -= buffer.write_to(&mut stream).unwrap();
        assert_eq!(buffer.len(), left);
    }
    assert_eq!(buffer.write_to(&mut stream).unwrap(), 0);
    stream.taken
}

/// The payload in memory that is the codec's alone, that is shared, or that cannot be written.
fn owned(payload: &[u8], how: u8) -> (Bytes, Option<Bytes>) {
    match how % 4 {
        0 => (payload.to_vec().into(), None),
        1 => (BytesMut::from(payload).freeze(), None),
        2 => {
            let bytes = Bytes::from(payload.to_vec());
            (bytes.clone(), Some(bytes))
        }
        _ => (Bytes::from_static(payload.to_vec().leak()), None),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_buffer_gets_the_same_bytes(
        frames in prop::collection::vec(
            (0..LENGTHS.len(), any::<u8>(), any::<bool>(), any::<[u8; 4]>()), 1..8),
        masked: bool,
        most in prop::sample::select(&[1usize, 7, 4_096, 70_000, usize::MAX][..]),
    ) {
        let mut expected = Vec::new();
        let (mut vec, mut bytes, mut held) = (b"x".to_vec(), BytesMut::new(), SendBuffer::new());
        let (mut by_codec, mut codec_held) = (Vec::new(), SendBuffer::new());
        let role = if masked { CLIENT } else { SERVER };
        let keys: Vec<_> = frames.iter().map(|frame| frame.3).collect();
        let codec = || {
            let mut keys = keys.clone().into_iter();
            Frames::new(role).with_keys(move || keys.next().unwrap())
        };
        let (mut first, mut second) = (codec(), codec());
        for (len, how, control, key) in frames {
            let (opcode, len) = if control {
                (OpCode::Ping, LENGTHS[len].min(125))
            } else {
                (OpCode::Binary, LENGTHS[len])
            };
            let plain = payload(len);
            let header = Header::new(opcode, len as u64);
            let header = if masked { header.masked(key) } else { header };
            expected.extend(written(&header, &plain).unwrap());
            encode::append(&header, &plain, &mut vec).unwrap();
            encode::append(&header, &plain, &mut held).unwrap();
            encode::append_single(opcode, &plain, masked.then_some(key), &mut bytes).unwrap();
            let (shared, other) = owned(&plain, how);
            let frame = Frame { header, payload: shared };
            first.encode(frame.clone(), &mut by_codec).unwrap();
            // Now nothing shares the payload but `other`.
            let Frame { header, payload } = frame;
            second.encode(Frame { header, payload }, &mut codec_held).unwrap();
            prop_assert!(other.is_none_or(|other| other == plain), "shared memory is not written");
        }
        prop_assert_eq!(&vec[1..], &expected[..]);
        prop_assert_eq!(&bytes, &expected);
        prop_assert_eq!(&by_codec, &expected);
        prop_assert_eq!(codec_held.len(), expected.len());
        // As a `Buf`, chunk by chunk.
        let mut copy = codec_held.clone();
        let mut read = Vec::new();
        while copy.has_remaining() {
            let len = copy.chunk().len().min(most);
            prop_assert!(len > 0);
            read.extend_from_slice(&copy.chunk()[..len]);
            copy.advance(len);
        }
        prop_assert_eq!(&read, &expected);
        let whole = codec_held.clone().copy_to_bytes(expected.len());
        prop_assert_eq!(&whole, &expected);
        // One byte at a time takes long for long streams.
        if most > 1 || expected.len() < 10_000 {
            prop_assert_eq!(&sent(codec_held, most), &expected);
            prop_assert_eq!(&sent(held, most), &expected);
        }
    }

    /// The buffer is used again while it is being sent.
    #[test]
    fn what_is_added_while_it_is_sent_comes_behind(
        steps in prop::collection::vec((0..LENGTHS.len(), 0usize..9_000), 1..20),
    ) {
        let (mut expected, mut taken) = (Vec::new(), Vec::new());
        let mut buffer = SendBuffer::new();
        let mut codec = Messages::new(SERVER);
        for (len, advance) in steps {
            let plain = payload(LENGTHS[len]);
            codec.encode(Message::binary(plain.clone()), &mut expected).unwrap();
            codec.encode(Message::binary(plain), &mut buffer).unwrap();
            let mut stream = Slow { taken: Vec::new(), most: advance.max(1), parts: 0 };
            buffer.write_to(&mut stream).unwrap();
            taken.extend(stream.taken);
        }
        taken.extend(sent(buffer, usize::MAX));
        prop_assert_eq!(taken, expected);
    }
}

/// All headers of a byte, with every length at which the answer changes.
#[test]
fn the_header_apart_is_refused_as_the_frame_is() {
    let bodies =
        [&b""[..], b"\x03", b"\x03\xE8", b"\x03\xEE", b"\x03\xE8\xFF", &[b'a'; 125], &[0; 126]];
    for first in 0..=255u8 {
        for body in bodies {
            for stated in [body.len() as u64, body.len() as u64 + 1] {
                let opcode = OpCode::from_low_bits(first);
                let header = Header::new(opcode, stated).with_rsv(first >> 4);
                let header = if first & 0x80 == 0 { header.not_final() } else { header };
                let expected = written(&header, body);
                let apart = encode::header(&header, body);
                let joined = apart.map(|header| [&header, body].concat());
                assert_eq!(joined, expected, "{header:?}");

                let mut appended = Vec::new();
                let result = encode::append(&header, body, &mut appended);
                assert_eq!(result.map(|()| appended.clone()), expected);
                assert!(result.is_ok() || appended.is_empty());

                let masked = header.masked(KEY);
                assert_eq!(encode::header(&masked, body), Err(encode::Error::UnmaskedPayload));
                for header in [header, masked] {
                    let mut payload = body.to_vec();
                    match encode::in_place(&header, &mut payload) {
                        Ok(bytes) => {
                            let joined = [&bytes, &payload[..]].concat();
                            assert_eq!(Ok(joined), written(&header, body));
                        }
                        Err(error) => {
                            assert_eq!(Err(error), written(&header, body));
                            assert_eq!(payload, body);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_single_frame_and_a_close_are_appended_as_they_are_written() {
    for first in 0..16u8 {
        for body in [&b""[..], b"\x03", b"\x03\xE8bye", &[b'a'; 125], &[0; 126], &[7; 70_000]] {
            for key in [None, Some(KEY)] {
                let opcode = OpCode::from_low_bits(first);
                let mut out = vec![0; body.len() + 14];
                let expected = encode::single(opcode, body, key, &mut out).map(|len| &out[..len]);
                let mut appended = Vec::new();
                let result = encode::append_single(opcode, body, key, &mut appended);
                assert_eq!(result.map(|()| &appended[..]), expected);
            }
        }
    }
    for code in 0..=u16::MAX {
        let close = CloseFrame::new(CloseCode(code), "why");
        let mut out = [0; encode::MAX_CONTROL_LEN];
        let expected = encode::close(&close, Some(KEY), &mut out).map(|len| &out[..len]);
        let mut appended = BytesMut::new();
        let result = encode::append_close(&close, Some(KEY), &mut appended);
        assert_eq!(result.map(|()| &appended[..]), expected);
    }
}

/// The parts of a buffer: where each starts, and what it holds.
fn parts(buffer: &SendBuffer) -> Vec<(*const u8, Vec<u8>)> {
    let mut parts = [IoSlice::new(&[]); 8];
    let count = buffer.chunks_vectored(&mut parts);
    parts[..count].iter().map(|part| (part.as_ptr(), part.to_vec())).collect()
}

#[test]
fn a_server_does_not_copy_a_long_payload() {
    let mut codec = Messages::new(SERVER);
    let mut buffer = SendBuffer::new();
    let long = Bytes::from(payload(100_000));
    codec.encode(Message::text("short"), &mut buffer).unwrap();
    codec.encode(Message::Binary(long.clone()), &mut buffer).unwrap();
    codec.encode(Message::close(CloseCode::NORMAL_CLOSURE, ""), &mut buffer).unwrap();
    let parts = parts(&buffer);
    assert_eq!(parts[0].1, b"\x81\x05short\x82\x7F\0\0\0\0\0\x01\x86\xA0");
    assert_eq!((parts[1].0, parts[1].1.len()), (long.as_ptr(), long.len()));
    assert_eq!(parts[2].1, b"\x88\x02\x03\xE8");
    assert_eq!(parts.len(), 3);
}

#[test]
fn fragments_of_a_long_message_are_not_copied() {
    let mut codec = Messages::new(SERVER).fragments_of(50_000);
    let mut buffer = SendBuffer::new();
    let long = Bytes::from(payload(100_001));
    codec.encode(Message::Binary(long.clone()), &mut buffer).unwrap();
    let parts = parts(&buffer);
    assert_eq!(parts[1].0, long.as_ptr());
    assert_eq!(parts[3].0, long[50_000..].as_ptr());
    assert_eq!(parts[4].1, [b"\x80\x01", &long[100_000..]].concat());
}

#[test]
fn a_client_masks_in_place_what_nobody_shares() {
    let new = || Messages::new(CLIENT).with_keys(|| KEY);
    for mut codec in [new(), new().with_budget(&Budget::new(1 << 20)), new().fragments_of(100_000)]
    {
        let mut buffer = SendBuffer::new();
        let own = payload(100_000);
        let start = own.as_ptr();
        codec.encode(Message::binary(own), &mut buffer).unwrap();
        assert_eq!(parts(&buffer)[1].0, start, "{codec:?}");
    }

    let mut codec = new();
    let shared = Bytes::from(payload(100_000));
    let mut buffer = SendBuffer::new();
    codec.encode(Message::Binary(shared.clone()), &mut buffer).unwrap();
    assert_eq!(parts(&buffer).len(), 1);
    assert_eq!(shared, payload(100_000));
}

/// More parts than one write takes.
#[test]
fn many_held_payloads_are_sent_in_order() {
    let mut codec = Messages::new(SERVER);
    let (mut buffer, mut expected) = (SendBuffer::new(), Vec::new());
    for count in 0..200 {
        let message = Message::binary(vec![count; 5_000]);
        codec.encode(message.clone(), &mut expected).unwrap();
        codec.encode(message, &mut buffer).unwrap();
    }
    assert_eq!(sent(buffer.clone(), usize::MAX), expected);
    assert_eq!(sent(buffer, 12_345), expected);
}

#[test]
fn a_stream_that_takes_nothing_is_an_error_and_loses_nothing() {
    let mut buffer = SendBuffer::new();
    encode::append_single(OpCode::Text, b"hi", None, &mut buffer).unwrap();
    let error = buffer.write_to(&mut &mut [][..]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WriteZero);
    assert_eq!(sent(buffer, 1), b"\x81\x02hi");
}

#[test]
#[should_panic(expected = "past the end")]
fn nothing_is_taken_off_that_is_not_there() {
    SendBuffer::new().advance(1);
}

/// What an ordinary message becomes on a connection, and what the prepared one does.
fn both(codec: impl Fn() -> Messages, message: &Message, prepared: &Prepared) -> [Vec<u8>; 2] {
    let (mut ordinary, mut ready) = (Vec::new(), Vec::new());
    codec().encode(message.clone(), &mut ordinary).unwrap();
    codec().encode_prepared(prepared, &mut ready).unwrap();
    [ordinary, ready]
}

#[test]
fn a_prepared_message_is_sent_as_any_other() {
    for len in LENGTHS {
        let text: String = payload(len).iter().map(|byte| char::from(byte % 90 + 32)).collect();
        for (message, prepared) in [
            (Message::text(text.clone()), Prepared::text(text.clone())),
            (Message::binary(payload(len)), Prepared::binary(payload(len))),
        ] {
            assert_eq!(prepared.payload(), message.payload());
            assert_eq!(prepared.opcode(), message.opcode());
            for fragment in [1, len, len + 1, usize::MAX] {
                let fragment = fragment.max(len / 100 + 1);
                let server = || Messages::new(SERVER).fragments_of(fragment);
                let [ordinary, ready] = both(server, &message, &prepared);
                assert!(ordinary == ready, "{len} by {fragment}");
                let client = || Messages::new(CLIENT).with_keys(|| KEY).fragments_of(fragment);
                let [ordinary, ready] = both(client, &message, &prepared);
                assert!(ordinary == ready, "{len} by {fragment}");
            }
        }
    }
}

#[test]
fn a_prepared_message_is_not_sent_after_a_close() {
    let prepared = Prepared::text("hi");
    let mut codec = Messages::new(SERVER);
    let mut out = Vec::new();
    codec.encode(Message::Close(None), &mut out).unwrap();
    assert!(matches!(codec.encode_prepared(&prepared, &mut out), Err(Error::Closed)));
    // The close of another codec of the connection counts, too.
    let mut reads = Messages::new(SERVER);
    let mut writes = Messages::new(SERVER).with_closing(reads.closing_handle());
    reads.encode(Message::Close(None), &mut out).unwrap();
    assert!(matches!(writes.encode_prepared(&prepared, &mut out), Err(Error::Closed)));
    assert_eq!(out, b"\x88\x00\x88\x00");
    let mut client = Messages::new(CLIENT);
    assert!(matches!(client.encode_prepared(&prepared, &mut out), Err(Error::Unmasked)));
}

#[test]
fn all_connections_hold_the_same_bytes() {
    let prepared = Prepared::binary(payload(10_000));
    let mut starts = (0..3).map(|_| {
        let mut buffer = SendBuffer::new();
        Messages::new(SERVER).encode_prepared(&prepared.clone(), &mut buffer).unwrap();
        buffer.chunk().as_ptr()
    });
    let first = starts.next().unwrap();
    assert!(starts.all(|start| start == first));
}

#[cfg(feature = "deflate")]
mod deflate {
    use super::*;
    use std::collections::BTreeMap;
    use std::thread;
    use wsvet::deflate::Parameters;

    /// A message that shrinks to more bytes than are copied.
    fn message() -> Vec<u8> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b'a' + (state >> 24) as u8 % 16
        };
        (0..40_000).map(|_| next()).collect()
    }

    #[test]
    fn a_prepared_message_is_compressed_as_any_other() {
        let random = Bytes::from(message());
        for plain in [Bytes::new(), "a".into(), "hi".repeat(50).into(), random] {
            let prepared = Prepared::binary(&plain);
            let message = Message::Binary(plain.clone());
            for bits in 8..=15 {
                for level in [1, 6, 9] {
                    for (alone, least) in [(true, 0), (false, 0), (true, 100), (true, 101)] {
                        let agreed = Parameters::new()
                            .server_no_context_takeover(alone)
                            .server_max_window_bits(bits);
                        let codec = || {
                            Messages::deflate(SERVER, agreed)
                                .deflate_level(level)
                                .deflate_from(least)
                        };
                        let [ordinary, ready] = both(codec, &message, &prepared);
                        assert!(ordinary == ready, "{bits} {level} {alone} {least}");
                        let short = || codec().fragments_of(1_000);
                        let [ordinary, ready] = both(short, &message, &prepared);
                        assert!(ordinary == ready, "{bits} {level} {alone} {least}");
                    }
                }
            }
        }
    }

    /// With context takeover, other messages come between, and refer to what came before.
    #[test]
    fn the_context_is_kept() {
        for alone in [false, true] {
            let agreed = Parameters::new().server_no_context_takeover(alone);
            let mut server = Messages::deflate(SERVER, agreed);
            let mut client = Messages::deflate(CLIENT, agreed);
            let text = "the same words again and again".repeat(3);
            let prepared = Prepared::text(text.as_str());
            let mut wire = BytesMut::new();
            for _ in 0..5 {
                server.encode(Message::text("words between, again"), &mut wire).unwrap();
                server.encode_prepared(&prepared, &mut wire).unwrap();
            }
            for _ in 0..5 {
                let between = client.decode(&mut wire).unwrap().unwrap();
                assert_eq!(between, Message::text("words between, again"));
                assert_eq!(
                    client.decode(&mut wire).unwrap().unwrap(),
                    Message::text(text.as_str())
                );
            }
            assert!(wire.is_empty());
        }
    }

    /// Each form is compressed once, whichever thread needs it first: all hold the same memory.
    #[test]
    fn each_form_is_made_once_among_threads() {
        for _ in 0..20 {
            let prepared = Prepared::binary(message());
            let sent = thread::scope(|scope| {
                let threads: Vec<_> = (0..8u8)
                    .map(|number| {
                        let prepared = prepared.clone();
                        scope.spawn(move || {
                            let mut starts = Vec::new();
                            for turn in 0..8 {
                                let bits = 9 + (number + turn) % 4;
                                let agreed = Parameters::new()
                                    .server_no_context_takeover(true)
                                    .server_max_window_bits(bits);
                                let mut buffer = SendBuffer::new();
                                Messages::deflate(SERVER, agreed)
                                    .encode_prepared(&prepared, &mut buffer)
                                    .unwrap();
                                // Dropped memory might be used again: all of it is kept.
                                starts.push((bits, buffer));
                            }
                            starts
                        })
                    })
                    .collect();
                threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
            });
            let mut forms = BTreeMap::new();
            for (bits, buffer) in &sent {
                let start = *forms.entry(*bits).or_insert(buffer.chunk().as_ptr());
                assert_eq!(start, buffer.chunk().as_ptr());
            }
            assert_eq!(forms.len(), 4);
        }
    }

    #[test]
    fn a_prepared_message_can_be_shared() {
        fn is<T: Send + Sync + Clone + 'static>() {}
        is::<Prepared>();
        is::<SendBuffer>();
    }
}
