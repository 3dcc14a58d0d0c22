//! The oracle of compressed messages: what a naive reader of DEFLATE makes of them.

#![allow(unreachable_pub)] // the fuzz targets are crates of their own

use wsvet::deflate::{Deflater, Inflater, InvalidDeflate, Parameters};
use wsvet::{Header, OpCode, Policy, Role};

use crate::common::deflate as naive;
use crate::common::frame;

/// A stream in one piece.
const WHOLE: usize = usize::MAX;

/// Any bytes are compressed messages, a text to compress, and an offer with its answer.
///
/// Bits of the first byte: without context takeover, binary, in fragments, with a limit; the second
/// is the size of pieces, and of fragments.
pub fn deflate(data: &[u8]) {
    let [choices, size, rest @ ..] = data else { return };
    let size = usize::from(*size) + 1;
    inflated(*choices, size, rest);
    deflated(*choices, size, rest);
    parameters(&String::from_utf8_lossy(rest));
}

/// However the messages are cut, they are what a naive judge says. Each starts with its length; the
/// last one is as long as it is.
fn inflated(choices: u8, size: usize, mut rest: &[u8]) {
    let bit = |bit: u8| choices >> bit & 1 == 1;
    let context_takeover = !bit(0);
    let limit = if bit(3) { 40 * size } else { 1 << 20 };
    let mut frames = Vec::new();
    while let [len, after @ ..] = rest {
        let (message, after) = after.split_at(after.len().min((*len).into()));
        rest = after;
        let fragment = if bit(2) { size } else { message.len().max(1) };
        let count = message.len().div_ceil(fragment).max(1);
        for index in 0..count {
            let payload = &message[index * fragment..message.len().min((index + 1) * fragment)];
            let opcode = match (index, bit(1)) {
                (0, true) => OpCode::Binary,
                (0, false) => OpCode::Text,
                _ => OpCode::Continuation,
            };
            let header = Header::new(opcode, payload.len() as u64);
            let header = if index == 0 { header.with_rsv(4) } else { header };
            let header = if index + 1 == count { header } else { header.not_final() };
            frames.push((header, payload.to_vec()));
        }
    }
    let expected = naive::judge(&frames, context_takeover, limit);
    let stream: Vec<u8> =
        frames.iter().flat_map(|(header, payload)| frame(Role::Server, *header, payload)).collect();
    let policy = Policy::new(Role::Client).max_message(limit as u64);
    let parameters = Parameters::new().server_no_context_takeover(!context_takeover);
    for size in [WHOLE, size, 1] {
        let judged = naive::validate(policy, parameters, &stream, &[size]);
        assert_eq!(judged, expected);
        #[cfg(feature = "codec")]
        {
            let decoded = naive::decode(policy, parameters, &stream, &[size]);
            assert_eq!(decoded, naive::Judged { open: Vec::new(), ..judged });
        }
    }
}

/// What is deflated inflates to what it was, and reaches back no further than was agreed on.
fn deflated(choices: u8, size: usize, plain: &[u8]) {
    let (bits, level) = (8 + (choices >> 4 & 7), 1 + size as u8 % 9);
    let context_takeover = choices & 1 == 0;
    let mut deflater = Deflater::new(bits, context_takeover).level(level);
    let mut inflater = Inflater::new(context_takeover);
    let mut window = Vec::new();
    for _ in 0..2 {
        let mut compressed = Vec::new();
        plain.chunks(size).for_each(|piece| deflater.deflate(piece, false, &mut compressed));
        deflater.deflate(b"", true, &mut compressed);
        if !context_takeover {
            window.clear();
        }
        let inflated = naive::inflate(&compressed, &mut window);
        assert_eq!((&inflated.plain()[..], inflated.broken), (plain, None));
        assert!(inflated.farthest <= 1 << bits);
        let mut own = Vec::new();
        let mut take = |piece: &[u8]| -> Result<(), InvalidDeflate> {
            own.extend_from_slice(piece);
            Ok(())
        };
        for piece in compressed.chunks(size) {
            inflater.inflate(piece, false, &mut take).unwrap();
        }
        inflater.inflate(b"", true, take).unwrap();
        assert_eq!(own, plain);
    }
}

/// What a server accepts the client agrees to, and that is what the server has accepted.
fn parameters(headers: &str) {
    let (offers, answer) = headers.split_once('\n').unwrap_or((headers, headers));
    let _ = Parameters::agreed(offers, answer);
    for wanted in [
        Parameters::new(),
        Parameters::new().server_max_window_bits(9).client_max_window_bits(10),
        Parameters::new().server_no_context_takeover(true).client_no_context_takeover(true),
    ] {
        if let Some(accepted) = wanted.accept(offers) {
            assert_eq!(Parameters::agreed(offers, &accepted.to_string()), Ok(Some(accepted)));
        }
    }
}
