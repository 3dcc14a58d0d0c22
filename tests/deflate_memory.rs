//! What compressed messages cost in memory, counted by the allocator; the figures are printed.
#![cfg(feature = "deflate")]

#[path = "common/counting.rs"]
mod counting;

use counting::memory;
use wsvet::deflate::{Deflater, Inflater, InvalidDeflate, Parameters, Validator};
use wsvet::{CloseCode, Header, OpCode, Policy, Role, Rule};

fn ignore(_: &[u8]) -> Result<(), InvalidDeflate> {
    Ok(())
}

/// So many zeros, compressed.
fn zeros(len: usize) -> Vec<u8> {
    let mut deflater = Deflater::new(15, true).level(9);
    let mut bomb = Vec::new();
    let piece = [0; 1 << 20];
    (0..len / piece.len()).for_each(|_| deflater.deflate(&piece, false, &mut bomb));
    deflater.deflate(b"", true, &mut bomb);
    bomb
}

const HELLO: &[u8] = b"\xF2\x48\xCD\xC9\xC9\x07\x00";

/// 1 GiB in about 1 MB: it is refused behind 1 MiB, and what comes out is not held.
#[test]
fn a_bomb_costs_no_more_than_the_limit() {
    let bomb = zeros(1 << 30);
    println!("1 GiB of zeros is {} bytes", bomb.len());
    assert!(bomb.len() < 2 << 20);
    let policy = Policy::new(Role::Client).max_message(1 << 20);
    let header = Header::new(OpCode::Binary, bomb.len() as u64).with_rsv(4);
    for size in [1, 1_000, bomb.len()] {
        let mut given = 0;
        let (_, most) = memory(|| {
            let mut validator = Validator::new(policy, Parameters::new());
            validator.begin(&header).unwrap();
            let violation = bomb
                .chunks(size)
                .find_map(|piece| validator.payload(piece, |piece| given += piece.len()).err());
            let violation = violation.unwrap();
            assert_eq!((violation.rule, violation.offset), (Rule::MessageTooBig, 10));
            assert_eq!(violation.reply().unwrap().code, CloseCode::MESSAGE_TOO_BIG);
        });
        println!("in pieces of {size}: {most} bytes at most");
        assert_eq!(given, 1 << 20);
        assert!(most < 100 << 10, "{most}");
    }
}

/// Of a frame that has been inflated the codec holds nothing, though its end has not come.
#[cfg(feature = "codec")]
#[test]
fn what_was_inflated_is_not_held() {
    use bytes::BytesMut;
    use wsvet::codec::Messages;

    let policy = Policy::new(Role::Client).max_message(64 << 20);
    let mut wire = [0; Header::MAX_LEN];
    let len = Header::new(OpCode::Text, 300 << 20).with_rsv(4).encode(&mut wire);
    let mut messages = Messages::deflate(policy, Parameters::new());
    let mut input = BytesMut::from(&wire[..len]);
    let (_, most) = memory(|| {
        for _ in 0..3_000 {
            // Empty blocks.
            input.extend_from_slice(&b"\x00\x00\x00\xFF\xFF".repeat(1_000));
            assert!(messages.decode(&mut input).unwrap().is_none());
        }
    });
    println!("15 MB of empty blocks: {most} bytes at most");
    assert!(most < 400 << 10, "{most}");
}

/// The codec has to hold the message: up to the limit, and what doubling it costs.
#[cfg(feature = "codec")]
#[test]
fn a_bomb_costs_the_codec_little_more_than_the_limit() {
    use bytes::BytesMut;
    use wsvet::Message;
    use wsvet::codec::Messages;

    let bomb = zeros(1 << 30);
    let policy = Policy::new(Role::Client).max_message(1 << 20);
    let mut wire = [0; Header::MAX_LEN];
    let len = Header::new(OpCode::Text, bomb.len() as u64).with_rsv(4).encode(&mut wire);
    let mut input = BytesMut::from(&wire[..len]);
    input.extend_from_slice(&bomb);
    let mut messages = Messages::deflate(policy, Parameters::new());
    let (_, most) = memory(|| {
        let error = messages.decode(&mut input).unwrap_err();
        let Some(Message::Close(Some(close))) = error.reply() else { panic!("{error}") };
        assert_eq!(close.code, CloseCode::MESSAGE_TOO_BIG);
        assert_eq!(close.reason.as_str(), Rule::MessageTooBig.text());
    });
    println!("the codec: {most} bytes at most");
    assert!(most < 4 << 20, "{most}");
}

/// Neither the header's length nor that of a stored block is believed.
#[test]
fn nothing_is_allocated_on_the_word_of_a_length() {
    let (_, most) = memory(|| {
        let mut validator = Validator::new(Policy::new(Role::Client), Parameters::new());
        let header = Header::new(OpCode::Text, 1 << 60).with_rsv(4);
        assert_eq!(memory(|| validator.begin(&header).unwrap()), (0, 0));
        validator.payload(b"\x00\xFF\xFF\x00\x00a", |_| {}).unwrap();
    });
    assert!(most < 100 << 10, "{most}");
    assert_eq!(memory(|| drop(Validator::new(Policy::new(Role::Client), Parameters::new()))).1, 0);
}

/// An inflater keeps what it needs; the second message costs nothing more. Without context takeover
/// all those of a thread share one, which the first of them leaves behind.
#[test]
fn what_an_inflater_keeps() {
    let long = zeros(1 << 20);
    for (message, name) in [(HELLO, "Hello"), (&long, "1 MiB")] {
        let mut inflater = Inflater::new(true);
        let (kept, most) = memory(|| inflater.inflate(message, true, ignore).unwrap());
        println!("inflater, {name}: {kept} bytes kept, {most} at most");
        assert!(kept <= most && most < 100 << 10, "{kept} {most}");
        let again =
            memory(|| (0..9).for_each(|_| inflater.inflate(message, true, ignore).unwrap()));
        assert_eq!(again, (0, 0));
        assert_eq!(memory(|| drop(inflater)).0, -kept);
    }
    let (spare, _) = memory(|| Inflater::new(false).inflate(HELLO, true, ignore).unwrap());
    println!("inflater, without context takeover: {spare} bytes a thread");
    assert!(spare < 100 << 10, "{spare}");
    let mut others = [(); 9].map(|()| Inflater::new(false));
    let all = memory(|| others.iter_mut().for_each(|i| i.inflate(&long, true, ignore).unwrap()));
    assert_eq!(all, (0, 0));
    assert_eq!(memory(|| drop(Inflater::new(true))).1, 0);
    // Final blocks start the stream anew in the memory there is.
    let mut inflater = Inflater::new(true);
    inflater.inflate(HELLO, true, ignore).unwrap();
    let last = b"\xF3\x48\xCD\xC9\xC9\x07\x00".repeat(9);
    assert_eq!(memory(|| inflater.inflate(&last, true, ignore).unwrap()), (0, 0));
}

/// What nothing reaches back to leaves its memory to the next message, of another connection too.
#[test]
fn content_that_nothing_reaches_back_to_costs_a_thread_one_inflater() {
    let parameters = Parameters::new().server_no_context_takeover(true);
    let header = Header::new(OpCode::Text, HELLO.len() as u64).with_rsv(4);
    let message = || {
        let mut validator = Validator::new(Policy::new(Role::Client), parameters);
        for _ in 0..3 {
            validator.frame(&header, HELLO, |_| {}).unwrap();
        }
    };
    memory(message);
    assert_eq!(memory(message), (0, 0));
}

/// What a deflater keeps falls with the bits of its window.
#[test]
fn what_a_deflater_keeps() {
    let mut before = 0;
    let mut out = Vec::with_capacity(1 << 20);
    for (bits, bound) in [(8, 160 << 10), (9, 160 << 10), (12, 240 << 10), (15, 480 << 10)] {
        for level in [1, 6, 9] {
            let mut deflater = Deflater::new(bits, true).level(level);
            let (kept, most) = memory(|| deflater.deflate(&[b'a'; 100_000], true, &mut out));
            println!("deflater, {bits} bits, level {level}: {kept} bytes kept, {most} at most");
            assert!(kept <= most && most < bound, "{kept} {most}");
            let again = memory(|| deflater.deflate(b"Hello", true, &mut out));
            assert_eq!(again, (0, 0));
            if level == 1 {
                assert!(kept >= before);
                before = kept;
            }
        }
    }
    assert_eq!(memory(|| drop(Deflater::new(15, true))).1, 0);
}

/// Those of a thread that keep nothing between messages share what the first of them leaves behind.
#[test]
fn deflaters_without_context_takeover_share_one() {
    let mut out = Vec::with_capacity(1 << 20);
    for (bits, level) in [(8, 1), (15, 1), (15, 6)] {
        let [mut first, mut second] = [(); 2].map(|()| Deflater::new(bits, false).level(level));
        first.deflate(b"Hello", true, &mut out);
        assert_eq!(memory(|| second.deflate(b"Hello", true, &mut out)), (0, 0));
    }
}

/// A connection that is idle, both directions.
#[cfg(feature = "codec")]
#[test]
fn what_a_connection_keeps() {
    use bytes::BytesMut;
    use wsvet::Message;
    use wsvet::codec::Messages;

    let policy = Policy::new(Role::Server);
    let none = Parameters::new().server_no_context_takeover(true).client_no_context_takeover(true);
    for (parameters, name, bound) in [
        (Parameters::new(), "defaults", 640 << 10),
        (Parameters::new().server_max_window_bits(9), "9 bits", 320 << 10),
        (none, "no context takeover", 2 << 10),
    ] {
        let mut out = BytesMut::with_capacity(1 << 10);
        let hello = [b"\xC1\x87\0\0\0\0", HELLO].concat();
        let mut echo = |messages: &mut Messages, input: &mut BytesMut| {
            let message = messages.decode(input).unwrap().unwrap();
            assert_eq!(message, Message::text("Hello"));
            messages.encode(message, &mut out).unwrap();
        };
        // Another connection of the thread was before.
        let mut input = BytesMut::from(&hello[..]);
        echo(&mut Messages::deflate(policy, parameters), &mut input);
        let mut input = BytesMut::from(&hello[..]);
        let mut messages = None;
        let (kept, most) = memory(|| {
            echo(messages.insert(Messages::deflate(policy, parameters)), &mut input);
        });
        println!("codec, {name}: {kept} bytes kept, {most} at most");
        assert!(kept < bound, "{kept}");
        assert!(parameters != none || most < bound, "{most}");
    }
}
