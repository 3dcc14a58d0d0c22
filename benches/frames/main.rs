//! Our own hot paths, each beside a lower bound: hand-written code that does the same work and
//! checks nothing.
//!
//! ```sh
//! cargo bench
//! cargo bench -- "mixed text"   # those whose name contains this
//! ```
//!
//! Compare figures of one run only. `benches/peers` has the same side by side with other crates.
//!
//! What was tried and dropped, with what it cost or gained (median of several runs, two shared
//! cores with AVX-512, a stream of 256 KiB):
//!
//! - Masking with registers of 64 bytes: 42.4 ns for 4 KiB where those of 32 take 40.2; all that
//!   the processor can do is store 32 bytes a cycle.
//! - Text under 256 bytes in registers of 64 bytes: 13.6 ns for a frame of 125 where those of 32
//!   take 13.1; for 16 KiB they take 672 ns instead of 932, so long text keeps them.
//! - Registers of 32 bytes for a payload up to 128: 6.8 ns for a frame of 125 with the call that
//!   they need, 4.8 in line with those of 16.
//! - `decode` as a call: 6.0 ns for a frame of 16 bytes and 3.5 in line, because the event never
//!   goes through memory then. What a caller stores whole costs it 5 ns more.
//! - One loop for both, first ASCII and then other text, that finds out at each block: 2.5 ns more
//!   for 1 KiB of ASCII than with a loop before it that needs no tables.

// Its files are also a part of `benches/peers`, which sees and tests more of them.
#[allow(unreachable_pub, unused_imports)]
mod bound;
#[allow(unreachable_pub)] // it is a part of the tool
#[path = "../../cli/src/command/mix.rs"]
mod mix;
mod stream;

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wsvet::{Header, OpCode, Policy, Role, StreamDecoder, Utf8, Validator, encode, mask};

use stream::{KEY, Stream};

/// Scripts by how many bytes their characters have, and a mix of them.
const SCRIPTS: [(&str, &str); 5] = [
    ("ASCII", "{\"id\":1,\"text\":\"the quick brown fox\"} "),
    ("Cyrillic", "Съешь же ещё этих мягких французских булок, да выпей чаю. "),
    ("Chinese", "天地玄黃宇宙洪荒日月盈昃辰宿列張"),
    ("emoji", "😀🎉🚀🌍🔥"),
    ("mixed", "grüße, Καλημέρα, привет, 你好, 😀 "),
];

/// Every header of a stream, alone and with what the validator says to it.
fn headers(c: &mut Criterion) {
    let mut group = c.benchmark_group("header");
    for len in [0, 125, 300, 70_000] {
        let stream = Stream::of(OpCode::Binary, &vec![0xA5; len]);
        group.throughput(stream.frames());
        let id = |name| BenchmarkId::new(name, format!("payload of {len} B"));
        group.bench_function(id("decode"), |b| {
            b.iter(|| {
                let mut rest = &black_box(&stream.wire)[..];
                while let Ok((header, after)) = Header::decode(rest) {
                    rest = &after[black_box(header).payload_len() as usize..];
                }
            });
        });
        group.bench_function(id("decode and judge"), |b| {
            b.iter(|| {
                let mut validator = Validator::new(Policy::new(Role::Server));
                let mut rest = &black_box(&stream.wire)[..];
                while let Ok((header, after)) = Header::decode(rest) {
                    black_box(validator.begin(&header)).expect("legal frames");
                    black_box(validator.finish()).expect("legal frames");
                    rest = &after[header.payload_len() as usize..];
                }
            });
        });
        group.bench_function(id("bound"), |b| {
            b.iter(|| bound::sum_headers(black_box(&stream.wire)))
        });
    }
    group.finish();
}

/// All of it, as a server receives it: whole frames of one length, and a realistic mix.
fn receive(c: &mut Criterion) {
    let mut group = c.benchmark_group("receive");
    let mut run = |name: &str, stream: &Stream| {
        group.throughput(stream.frames_and_bytes());
        for (who, receive) in [("wsvet", decode as fn(&mut [u8])), ("bound", unmask)] {
            group.bench_function(BenchmarkId::new(name, who), |b| {
                b.iter_batched_ref(
                    || stream.wire.clone(),
                    |wire| receive(wire),
                    BatchSize::LargeInput,
                );
            });
        }
    };
    for len in [16, 64, 125, 1 << 10, 4 << 10, 64 << 10, 1 << 20] {
        run(&format!("binary {len} B"), &Stream::of(OpCode::Binary, &vec![0xA5; len]));
    }
    for (script, text) in SCRIPTS {
        for len in [20, 125, 1 << 10, 16 << 10] {
            run(&format!("{script} text {len} B"), &Stream::of_text(text, len));
        }
    }
    run("realistic mix", &Stream::new(mix::wire()));
    group.finish();
}

/// Decodes and judges all frames, and lets the compiler drop nothing.
fn decode(wire: &mut [u8]) {
    let mut decoder = StreamDecoder::new(Policy::new(Role::Server));
    decode_chunk(&mut decoder, wire);
}

fn decode_chunk(decoder: &mut StreamDecoder, mut chunk: &mut [u8]) {
    while !chunk.is_empty() {
        let (used, event) = decoder.decode(chunk).expect("legal frames");
        if let Some(wsvet::Event::Data { bytes, .. }) = event {
            black_box(bytes);
        }
        chunk = &mut chunk[used..];
    }
}

fn unmask(wire: &mut [u8]) {
    black_box(bound::unmask_all(wire));
}

/// The mix as a socket gives it; the bound is one copy of the bytes.
fn chunks(c: &mut Criterion) {
    let mut group = c.benchmark_group("chunks");
    let stream = Stream::new(mix::wire());
    group.throughput(stream.frames_and_bytes());
    for size in [1, 64, 1_460, 16 << 10] {
        group.bench_function(BenchmarkId::new(format!("of {size} B"), "wsvet"), |b| {
            b.iter_batched_ref(
                || stream.wire.clone(),
                |wire| {
                    let mut decoder = StreamDecoder::new(Policy::new(Role::Server));
                    for chunk in wire.chunks_mut(size) {
                        decode_chunk(&mut decoder, chunk);
                    }
                },
                BatchSize::LargeInput,
            );
        });
        let mut to = stream.wire.clone();
        group.bench_function(BenchmarkId::new(format!("of {size} B"), "bound"), |b| {
            b.iter(|| bound::copy_in_chunks(black_box(&stream.wire), &mut to, size));
        });
    }
    group.finish();
}

/// A message in fragments beside the same bytes in one frame.
fn fragments(c: &mut Criterion) {
    let mut group = c.benchmark_group("fragments");
    for (script, text) in [SCRIPTS[0], SCRIPTS[4]] {
        let text = text.repeat((4 << 20) / text.len());
        for size in [1 << 10, text.len()] {
            let stream = Stream::of_fragments(&text, size);
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(BenchmarkId::new(script, format!("by {size} B")), |b| {
                b.iter_batched_ref(
                    || stream.wire.clone(),
                    |wire| decode(wire),
                    BatchSize::LargeInput,
                );
            });
        }
    }
    group.finish();
}

/// A frame into the caller's buffer.
fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    for (name, len, key) in [("client 125 B", 125, Some(KEY)), ("server 16 B", 16, None)] {
        let payload = vec![7; len];
        let header = Header::new(OpCode::Binary, len as u64);
        let header = key.map_or(header, |key| header.masked(key));
        let mut out = [0; 256];
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new(name, "wsvet"), |b| {
            b.iter(|| encode::frame(black_box(&header), black_box(&payload), black_box(&mut out)));
        });
        group.bench_function(BenchmarkId::new(name, "bound"), |b| {
            b.iter(|| bound::encode(black_box(key), black_box(&payload), black_box(&mut out)));
        });
    }
    group.finish();
}

/// Masking and UTF-8 by themselves.
fn kernels(c: &mut Criterion) {
    let mut group = c.benchmark_group("kernels");
    for len in [16, 125, 1 << 10, 16 << 10, 256 << 10] {
        let mut payload = vec![0xA5; len];
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(BenchmarkId::new(format!("mask {len} B"), "wsvet"), |b| {
            b.iter(|| mask::apply(black_box(KEY), 0, black_box(&mut payload)));
        });
        group.bench_function(BenchmarkId::new(format!("mask {len} B"), "bound"), |b| {
            b.iter(|| bound::mask(black_box(KEY), black_box(&mut payload)));
        });
        for (script, text) in SCRIPTS {
            let text = stream::text(text, len);
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(
                BenchmarkId::new(format!("UTF-8 {script} {len} B"), "wsvet"),
                |b| {
                    b.iter(|| Utf8::new().push(black_box(text.as_bytes())));
                },
            );
        }
        let text = stream::text(SCRIPTS[0].1, len);
        group.bench_function(BenchmarkId::new(format!("UTF-8 {len} B"), "bound"), |b| {
            b.iter(|| bound::read(black_box(text.as_bytes())));
        });
    }
    group.finish();
}

criterion_group!(benches, headers, receive, chunks, fragments, encode, kernels);
criterion_main!(benches);
