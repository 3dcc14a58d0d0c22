//! Zero-copy, and no allocation in the steady state: proven by addresses and by a counting
//! allocator.
#![allow(unsafe_code)] // a `GlobalAlloc` cannot be written without

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use wsvet::{
    Event, Frame, FrameMut, FrameRef, Header, Masked, OpCode, Policy, Role, StreamDecoder,
    Validator, encode, parse,
};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to `System` as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(run: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.with(Cell::get);
    run();
    ALLOCATIONS.with(Cell::get) - before
}

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
