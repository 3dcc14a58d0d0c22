//! Headers alone: the peers that show an interface for them.

mod frames;
mod soketto;
mod tungstenite;
mod websocket_codec;
mod wsvet;

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::contender::{About, Contender};
use crate::measure::Kind;
pub use frames::{Frames, all};

/// How the figures are to be read.
pub const HEADERS: Kind = Kind {
    name: "headers",
    says: "The headers of masked binary frames are decoded, in about 256 KiB of frames. The \
           payloads are stepped over and not read, so the figure is per header; the frames of the \
           first row have none. The bound adds up the lengths and the keys.",
    head: ("of the", "bound"),
    bound: "adds up the lengths and the keys, checks nothing",
    absent: &[
        ("sockudo-ws, yawc", "their parsers take whole frames"),
        (
            "tokio-websockets, fastwebsockets, web-socket, embedded-websocket",
            "they read headers in private",
        ),
    ],
};

/// What a header says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Fields {
    fin: bool,
    opcode: u8,
    len: u64,
    key: Option<[u8; 4]>,
}

/// A crate that decodes headers.
trait Decode {
    /// What it is.
    const ABOUT: About;

    /// What it has for the decoder and the bytes.
    type Input;

    /// A header as it gives it.
    type Header;

    /// Makes the input; this is not timed.
    fn prepare(bytes: &[u8]) -> Self::Input;

    /// Decodes all headers, and gives each after the step over its payload; this is timed.
    fn decode(input: &mut Self::Input, each: impl FnMut(&Self::Header)) -> Result<(), String>;

    /// What is in a header; this is not timed.
    fn fields(header: &Self::Header) -> Fields;
}

/// All of them; wsvet, which the others are compared with, comes first.
pub fn contenders() -> Vec<Contender<Frames>> {
    vec![
        of::<wsvet::Headers>(),
        of::<wsvet::Judged>(),
        of::<soketto::Soketto>(),
        of::<tungstenite::Tungstenite>(),
        of::<websocket_codec::WebsocketCodec>(),
    ]
}

fn of<P: Decode>() -> Contender<Frames> {
    Contender::new(P::ABOUT, check::<P>, time::<P>)
}

fn check<P: Decode>(frames: &Frames) -> Result<(), String> {
    let mut found = Vec::new();
    P::decode(&mut P::prepare(&frames.bytes), |header| found.push(P::fields(header)))?;
    if found != frames.fields {
        return Err(format!("other headers, {} of {}", found.len(), frames.fields.len()));
    }
    Ok(())
}

fn time<P: Decode>(frames: &Frames) -> Duration {
    let mut input = P::prepare(&frames.bytes);
    let start = Instant::now();
    let decoded = P::decode(&mut input, |header| {
        black_box(header);
    });
    let elapsed = start.elapsed();
    decoded.expect("the frames were checked");
    elapsed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_does_what_is_measured() {
        for work in all() {
            for contender in contenders() {
                assert_eq!(contender.check(&work), Ok(()), "{}", contender.about.name);
            }
        }
    }
}
