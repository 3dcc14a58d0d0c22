//! The hot paths: header, mask, UTF-8, encoder, and all of it as a server receives it.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use wsvet::{Decoder, Header, OpCode, Policy, Role, Utf8, encode, mask};

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// How many bytes of frames are decoded in one go: in the L2 cache, as after a read.
const BUFFER: usize = 256 << 10;

fn header(c: &mut Criterion) {
    let mut group = c.benchmark_group("header");
    for len in [125u64, 300, 70_000] {
        let mut wire = [0; Header::MAX_LEN];
        Header::new(OpCode::Binary, len).masked(KEY).encode(&mut wire);
        group.throughput(Throughput::Elements(1));
        group.bench_with_input(BenchmarkId::new("decode", len), &wire, |b, wire| {
            b.iter(|| Header::decode(black_box(wire)));
        });
    }
    group.finish();
}

/// Masked frames with this payload, as many as the buffer holds.
fn frames(opcode: OpCode, payload: &[u8]) -> (Vec<u8>, u64) {
    let header = Header::new(opcode, payload.len() as u64).masked(KEY);
    let mut frame = vec![0; header.header_len() + payload.len()];
    encode::frame(&header, payload, &mut frame).expect("it fits");
    let count = (BUFFER / frame.len()).max(1);
    (frame.repeat(count), count as u64)
}

fn receive(c: &mut Criterion) {
    let mixed = "grüße, Καλημέρα, привет, 你好, 😀 ".repeat(2_000);
    let ascii = "{\"id\":1,\"text\":\"the quick brown fox\"} ".repeat(2_000);
    let mut group = c.benchmark_group("server receives");
    for (name, opcode, text) in [
        ("binary", OpCode::Binary, ascii.as_bytes()),
        ("ascii text", OpCode::Text, ascii.as_bytes()),
        ("mixed text", OpCode::Text, mixed.as_bytes()),
    ] {
        for len in [16, 125, 1_024, 16_384] {
            let mut end = len;
            while std::str::from_utf8(&text[..end]).is_err() {
                end -= 1;
            }
            let (stream, count) = frames(opcode, &text[..end]);
            group.throughput(Throughput::ElementsAndBytes {
                elements: count,
                bytes: stream.len() as u64,
            });
            group.bench_with_input(BenchmarkId::new(name, len), &stream, |b, stream| {
                b.iter_batched_ref(
                    || stream.clone(),
                    |stream| {
                        let mut decoder = Decoder::new(Policy::new(Role::Server));
                        let mut chunk = &mut stream[..];
                        while !chunk.is_empty() {
                            let (used, event) = decoder.decode(chunk).expect("legal frames");
                            black_box(event);
                            chunk = &mut chunk[used..];
                        }
                    },
                    BatchSize::LargeInput,
                );
            });
        }
    }
    group.finish();
}

fn kernels(c: &mut Criterion) {
    let mixed = "grüße, Καλημέρα, привет, 你好, 😀 ".repeat(400);
    let mut group = c.benchmark_group("kernels");
    for len in [125, 16_384] {
        let mut payload = mixed.as_bytes()[..len].to_vec();
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(BenchmarkId::new("mask", len), |b| {
            b.iter(|| mask::apply(black_box(KEY), 0, black_box(&mut payload)));
        });
        let text = &mixed.as_bytes()[..len];
        group.bench_function(BenchmarkId::new("utf8", len), |b| {
            b.iter(|| Utf8::new().push(black_box(text)));
        });
    }
    for (name, header) in [
        ("encode, client", Header::new(OpCode::Binary, 125).masked(KEY)),
        ("encode, server", Header::new(OpCode::Binary, 125)),
    ] {
        let mut out = [0; 256];
        group.throughput(Throughput::Elements(1));
        group.bench_function(name, |b| {
            b.iter(|| encode::frame(black_box(&header), black_box(&[7; 125]), &mut out));
        });
    }
    group.finish();
}

criterion_group!(benches, header, receive, kernels);
criterion_main!(benches);
