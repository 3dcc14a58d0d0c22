//! The oracle of HTTP/2 connections: a naive reader, and the same bytes in other pieces.

#![allow(unreachable_pub)] // the fuzz targets are crates of their own

use std::collections::BTreeMap;
use std::convert::Infallible;

use wsvet::Role;
use wsvet_cli::transport::http2::{Event, Http2, PREFACE};

/// The bytes of both endpoints in turns, and what is told of each stream: of each endpoint its bytes, and
/// 1 if it ended, 2 if it was reset, or both.
type Told = BTreeMap<u32, [(Vec<u8>, u32); 2]>;

/// Any bytes come to the same end in whatever pieces they are read, and the bytes of a stream are those
/// that a naive reader finds in its DATA frames.
///
/// The first byte is the size of the pieces. Each turn of an endpoint then starts with a byte: its lowest
/// bit is the endpoint, and the others are the number of its bytes.
pub fn http2(data: &[u8]) {
    let [size, turns @ ..] = data else { return };
    let mut pieces = vec![(Role::Client, PREFACE.to_vec())];
    let mut rest = turns;
    while let [head, after @ ..] = rest {
        let from = if head & 1 == 0 { Role::Client } else { Role::Server };
        let (turn, after) = after.split_at(after.len().min(usize::from(head >> 1)));
        pieces.push((from, turn.to_vec()));
        rest = after;
    }
    let whole = read(&pieces, usize::MAX);
    assert_eq!(read(&pieces, usize::from(*size) + 1), whole);
    assert_eq!(read(&pieces, 1), whole);
    let (told, ended) = whole;
    if ended.is_none() {
        for (stream, ends) in told {
            for (from, (bytes, _)) in [Role::Client, Role::Server].into_iter().zip(ends) {
                let all = naive(&pieces, from, stream);
                assert!(contains(&all, &bytes), "{from} sent {bytes:x?} on {stream}, of {all:x?}");
            }
        }
    }
}

/// Returns what is told of the streams, and where reading ended.
fn read(pieces: &[(Role, Vec<u8>)], size: usize) -> (Told, Option<String>) {
    let mut http2 = Http2::default();
    let mut told = Told::new();
    for (from, bytes) in pieces {
        for piece in bytes.chunks(size) {
            let mut out = |event: Event<'_>| {
                match event {
                    Event::Request(stream, _) => {
                        assert!(told.insert(stream, Default::default()).is_none());
                    }
                    Event::Data(stream, from, bytes) => {
                        let end = &mut told.get_mut(&stream).expect("a request")[from as usize];
                        assert_eq!(end.1, 0, "nothing comes after the end");
                        end.0.extend_from_slice(bytes);
                    }
                    Event::End(stream, from) => {
                        let end = &mut told.get_mut(&stream).expect("a request")[from as usize];
                        end.1 += 1;
                        assert_eq!(end.1, 1, "it ends once, and not after a reset");
                    }
                    Event::Reset(stream, from, _) => {
                        let end = &mut told.get_mut(&stream).expect("a request")[from as usize];
                        end.1 += 2;
                        assert!(end.1 <= 3, "it is reset once");
                    }
                    Event::Response(stream, ..) => assert!(told.contains_key(&stream)),
                    Event::Lack(..) => unreachable!("nothing is missing"),
                    Event::GoAway(..) | Event::Control(..) => {}
                }
                Ok::<(), Infallible>(())
            };
            let Ok(outcome) = http2.feed(*from, piece, &mut out);
            if let Err(malformed) = outcome {
                return (told, Some(format!("{from}: {malformed}")));
            }
        }
        assert!(http2.memory() < 4 << 20);
    }
    (told, None)
}

/// Returns the bytes of all DATA frames of an endpoint on a stream, without padding.
fn naive(pieces: &[(Role, Vec<u8>)], from: Role, stream: u32) -> Vec<u8> {
    let mine = pieces.iter().filter(|(by, _)| *by == from).map(|(_, bytes)| &bytes[..]);
    let all = mine.collect::<Vec<_>>().concat();
    let mut rest = match from {
        Role::Client => &all[PREFACE.len()..],
        Role::Server => &all[..],
    };
    let mut out = Vec::new();
    while rest.len() >= 9 {
        let len = usize::from(rest[0]) << 16 | usize::from(rest[1]) << 8 | usize::from(rest[2]);
        let id = u32::from_be_bytes([rest[5] & 0x7F, rest[6], rest[7], rest[8]]);
        let (kind, padded) = (rest[3], rest[4] & 8 != 0);
        let payload = &rest[9..rest.len().min(9 + len)];
        if kind == 0 && id == stream {
            let pad = if padded { payload.first().map_or(0, |pad| usize::from(*pad)) } else { 0 };
            let end = payload.len().min(len - pad);
            out.extend_from_slice(&payload[end.min(usize::from(padded))..end]);
        }
        rest = &rest[9 + payload.len()..];
    }
    out
}

/// Returns whether `part` is a part of `all` at one place.
fn contains(all: &[u8], part: &[u8]) -> bool {
    part.is_empty() || all.windows(part.len()).any(|window| window == part)
}
