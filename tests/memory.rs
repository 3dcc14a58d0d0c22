//! Zero-copy, and no allocation in the steady state: proven by addresses and by a counting
//! allocator.

mod common;
#[path = "common/counting.rs"]
mod counting;

use counting::allocations;
use wsvet::{
    Event, Frame, FrameMut, FrameRef, Header, Masked, OpCode, Policy, Role, StreamDecoder,
    Validator, encode, parse,
};

/// A stream with every kind of frame, as a client sends it.
fn stream() -> Vec<u8> {
    let text = "grüße ".repeat(100);
    let frames = [
        (Header::new(OpCode::Text, text.len() as u64), text.as_bytes()),
        (Header::new(OpCode::Text, 3).not_final(), b"a\xE2\x82"),
        (Header::new(OpCode::Ping, 4), b"ping"),
        (Header::new(OpCode::Continuation, 1), b"\xAC"),
        (Header::new(OpCode::Binary, 600), &[7; 600]),
        (Header::new(OpCode::Pong, 0), b""),
        (Header::new(OpCode::Close, 5), b"\x03\xE8bye"),
    ];
    frames.iter().flat_map(|(header, body)| common::frame(Role::Client, *header, body)).collect()
}

#[test]
fn nothing_allocates() {
    let mut stream = stream();
    let pristine = stream.clone();
    for size in [1, 7, 100, pristine.len()] {
        stream.copy_from_slice(&pristine);
        let count = allocations(|| {
            let mut decoder = StreamDecoder::new(Policy::new(Role::Server));
            for mut chunk in stream.chunks_mut(size) {
                while !chunk.is_empty() {
                    let (used, _) = decoder.decode(chunk).unwrap();
                    chunk = &mut chunk[used..];
                }
            }
            decoder.eof().unwrap();
        });
        assert_eq!(count, 0, "in chunks of {size}");
    }
    let count = allocations(|| {
        let mut rest = &pristine[..];
        while let Ok((after, frame)) = parse::frame::<()>(rest) {
            let mut out = [0; 2_000];
            let mut plain = [0; 2_000];
            let plain = &mut plain[..frame.payload.len()];
            plain.copy_from_slice(frame.payload.into_raw());
            let frame = Frame { header: frame.header, payload: Masked::new(plain) }.unmask();
            let len = encode::frame(&frame.header, frame.payload, &mut out).unwrap();
            assert_eq!(out[..len], rest[..len]);
            rest = after;
        }
        assert!(rest.is_empty());
    });
    assert_eq!(count, 0);
}

#[test]
fn a_header_reserves_nothing_and_a_violation_allocates_nothing() {
    let count = allocations(|| {
        let mut decoder = StreamDecoder::new(Policy::new(Role::Client));
        let mut huge = *b"\x82\x7F\x00\x20\x00\x00\x00\x00\x00\x00payload";
        assert_eq!(decoder.decode(&mut huge).unwrap().0, huge.len());
        let mut validator = Validator::new(Policy::new(Role::Server));
        let violation = validator.begin(&Header::new(OpCode::Text, 0)).unwrap_err();
        let mut out = [0; encode::MAX_CONTROL_LEN];
        encode::close(&violation.reply().unwrap(), None, &mut out).unwrap();
    });
    assert_eq!(count, 0);
}

#[test]
fn payloads_lie_inside_the_input() {
    let mut stream = stream();
    let range = stream.as_ptr_range();
    let inside = |bytes: &[u8]| {
        let part = bytes.as_ptr_range();
        range.start <= part.start && part.end <= range.end
    };
    let mut rest = &stream[..];
    while let Ok((frame, after)) = FrameRef::decode(rest) {
        assert!(inside(frame.payload.into_raw()));
        assert!(inside(parse::frame::<()>(rest).unwrap().1.payload.into_raw()));
        rest = after;
    }
    let (frame, _) = FrameMut::decode(&mut stream).unwrap();
    assert!(inside(frame.unmask().payload));

    let mut stream = self::stream();
    let range = stream.as_ptr_range();
    let mut decoder = StreamDecoder::new(Policy::new(Role::Server));
    let mut chunk = &mut stream[..];
    while !chunk.is_empty() {
        let (used, event) = decoder.decode(chunk).unwrap();
        let bytes = match event {
            Some(Event::Data { bytes, .. } | Event::Ping(bytes) | Event::Pong(bytes)) => bytes,
            Some(Event::Close(Some(close))) => close.reason.as_bytes(),
            _ => &[],
        };
        let part = bytes.as_ptr_range();
        assert!(bytes.is_empty() || range.start <= part.start && part.end <= range.end);
        chunk = &mut chunk[used..];
    }
}

#[cfg(feature = "alloc")]
#[test]
fn a_frame_buf_shares_the_read_buffer() {
    let mut buffer = bytes::BytesMut::from(&stream()[..]);
    let range = buffer.as_ptr_range();
    while let Ok(frame) = wsvet::FrameBuf::decode(&mut buffer) {
        let part = frame.payload.as_ptr_range();
        assert!(frame.payload.is_empty() || range.start <= part.start && part.end <= range.end);
    }
    assert!(buffer.is_empty());
}

#[test]
fn a_decoder_is_at_most_256_bytes() {
    assert!(size_of::<StreamDecoder>() <= 256, "{}", size_of::<StreamDecoder>());
}

/// What a client sends before it waits.
#[cfg(feature = "tokio")]
struct Quiet(&'static [u8]);

#[cfg(feature = "tokio")]
mod quiet {
    use std::io::Result;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    impl AsyncRead for super::Quiet {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<Result<()>> {
            if self.0.is_empty() {
                return Poll::Pending;
            }
            let (now, later) = self.0.split_at(self.0.len().min(100).min(buffer.remaining()));
            buffer.put_slice(now);
            self.0 = later;
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for super::Quiet {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
}

#[cfg(feature = "tokio")]
#[test]
fn an_idle_connection_is_at_most_256_bytes() {
    use std::task::{Context, Poll, Waker};
    use wsvet::endpoint::{Endpoint, WebSocket};

    let mut received = stream();
    received.truncate(received.len() - 11); // not the Close frame
    let received: &[u8] = received.leak();
    let mut size = 0;
    // The first connection of a thread allocates its read buffer.
    for _ in 0..2 {
        let before = counting::allocated();
        let endpoint = Endpoint::new(Policy::new(Role::Server).max_message(1 << 20));
        let mut socket = WebSocket::from_endpoint(Quiet(received), endpoint);
        let mut messages = 0;
        loop {
            let mut next = std::pin::pin!(socket.next());
            match next.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(message) => messages += usize::from(message.unwrap().is_some()),
                Poll::Pending => break,
            }
        }
        assert_eq!(messages, 5);
        size = usize::try_from(counting::allocated() - before).unwrap() + size_of_val(&socket);
    }
    assert!(size - size_of::<Quiet>() <= 256, "{size} bytes");
}
