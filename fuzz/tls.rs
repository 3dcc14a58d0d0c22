//! The oracle of TLS: a key log, and the bytes of two endpoints.

#![allow(unreachable_pub)] // the fuzz targets are crates of their own

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use wsvet_cli::transport::packet::Moment;
use wsvet_cli::transport::tls::decryptor::{Decryptor, Failure, Found, What};
use wsvet_cli::transport::tls::keylog::KeyLog;

/// The most memory of a connection, in bytes.
const MOST_MEMORY: usize = 8 << 20;

/// The lengths of the key log, and of the bytes of an endpoint: two bytes each, little-endian.
const LEN: usize = 2;

/// What comes from an endpoint.
enum Input<'a> {
    Bytes(&'a [u8]),
    Lost(u64),
    End(bool),
}

/// What was found: an endpoint, and what; the bytes of an endpoint are joined.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Open(usize, bool),
    Bytes(usize, Vec<u8>),
    Lost(usize, u64),
    End(usize, bool),
}

/// Any bytes come to an end, and to the same plaintext and the same fault in whatever pieces they come.
pub fn tls(data: &[u8]) {
    let [size, data @ ..] = data else { return };
    let (keys, mut rest) = taken(data);
    let mut inputs = Vec::new();
    while let [kind, after @ ..] = rest {
        let from = usize::from(kind & 1);
        let (input, after) = match kind >> 1 & 7 {
            0 => match after {
                [high, low, after @ ..] => {
                    (Input::Lost(u16::from_le_bytes([*high, *low]).into()), after)
                }
                _ => break,
            },
            1 => (Input::End(kind & 16 != 0), after),
            _ => {
                let (bytes, after) = taken(after);
                (Input::Bytes(bytes), after)
            }
        };
        inputs.push((from, input));
        rest = after;
    }
    let whole = told(keys, &inputs, usize::MAX);
    assert_eq!(told(keys, &inputs, usize::from(*size) + 1), whole);
}

/// Splits off what has its length before it.
fn taken(data: &[u8]) -> (&[u8], &[u8]) {
    let Some((len, rest)) = data.split_first_chunk::<LEN>() else { return (data, &[]) };
    rest.split_at(rest.len().min(u16::from_le_bytes(*len).into()))
}

/// Returns what is told of these inputs if the bytes come in pieces of this size.
fn told(keys: &[u8], inputs: &[(usize, Input<'_>)], size: usize) -> (Vec<Told>, Option<String>) {
    let mut all = Vec::new();
    let mut sink = |found: Found<'_>| {
        let from = found.from;
        match (found.what, all.last_mut()) {
            (What::Bytes(bytes), Some(Told::Bytes(before, joined))) if *before == from => {
                joined.extend_from_slice(bytes);
            }
            (What::Bytes(bytes), _) => all.push(Told::Bytes(from, bytes.to_vec())),
            (What::Open { is_whole }, _) => all.push(Told::Open(from, is_whole)),
            (What::Lost(missing), _) => all.push(Told::Lost(from, missing)),
            (What::End { is_reset }, _) => all.push(Told::End(from, is_reset)),
        }
        Ok(())
    };
    let mut log = KeyLog::new(false);
    log.add_text("the fuzzer", keys);
    let mut decryptor = Decryptor::new(Rc::new(RefCell::new(log)));
    let at = Moment { packet: 1, time: Duration::ZERO };
    let mut fed = || {
        for (from, input) in inputs {
            match input {
                Input::Bytes(bytes) => {
                    for piece in bytes.chunks(size.min(bytes.len()).max(1)) {
                        decryptor.bytes(*from, piece, at, &mut sink)?;
                        assert!(decryptor.memory() < MOST_MEMORY);
                    }
                }
                Input::Lost(missing) => decryptor.lost(*from, *missing, at, &mut sink)?,
                Input::End(is_reset) => decryptor.end(*from, *is_reset, at, &mut sink)?,
            }
        }
        decryptor.finish(&mut sink)
    };
    let fault = match fed() {
        Ok(()) => None,
        Err(Failure::Fault(fault)) => Some(format!("{fault:?}")),
        Err(Failure::Sink(error)) => panic!("the sink takes all: {error}"),
    };
    (all, fault)
}
