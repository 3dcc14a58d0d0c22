//! A stream gives the same messages and the same violation at the same byte, however it is cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wsvet::{Accepts, Decoder, Event, OpCode, Policy, Role, Violation};

type Outcome = (Vec<(OpCode, Vec<u8>)>, Result<(), Violation>);

fn decode(policy: Policy, data: &[u8], size: usize) -> Outcome {
    let mut decoder = Decoder::new(policy);
    let (mut stream, mut open, mut messages) = (data.to_vec(), Vec::new(), Vec::new());
    for mut chunk in stream.chunks_mut(size) {
        while !chunk.is_empty() {
            let (used, event) = match decoder.decode(chunk) {
                Ok(decoded) => decoded,
                Err(violation) => return (messages, Err(violation)),
            };
            match event {
                Some(Event::Data { opcode, bytes, end, .. }) => {
                    open.extend_from_slice(bytes);
                    if end {
                        messages.push((opcode, std::mem::take(&mut open)));
                    }
                }
                Some(Event::Ping(body)) => messages.push((OpCode::Ping, body.to_vec())),
                Some(Event::Pong(body)) => messages.push((OpCode::Pong, body.to_vec())),
                Some(Event::Close(close)) => {
                    let reason = close.map_or("", |close| close.reason).as_bytes();
                    messages.push((OpCode::Close, reason.to_vec()));
                }
                _ => {}
            }
            chunk = &mut chunk[used..];
        }
    }
    (messages, decoder.eof())
}

fuzz_target!(|data: ([bool; 4], u8, Option<u8>, &[u8])| {
    let ([server, text, binary, deflate], size, limit, stream) = data;
    let limit = limit.map_or(u64::MAX, u64::from);
    let policy = Policy::new(if server { Role::Server } else { Role::Client })
        .accepts(match (text, binary) {
            (true, false) => Accepts::TextOnly,
            (false, true) => Accepts::BinaryOnly,
            _ => Accepts::Any,
        })
        .permessage_deflate(deflate)
        .max_frame(limit)
        .max_message(limit.saturating_mul(2));
    let whole = decode(policy, stream, usize::MAX);
    assert_eq!(decode(policy, stream, 1), whole);
    assert_eq!(decode(policy, stream, usize::from(size).max(1)), whole);
});
