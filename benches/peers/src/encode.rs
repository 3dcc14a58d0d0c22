//! Frames out: the peers that show an interface for it, many frames into one buffer.

mod embedded_websocket;
mod fastwebsockets;
mod outgoing;
mod sockudo;
mod soketto;
mod tungstenite;
mod web_socket;
mod websocket_codec;
mod wsvet;
mod yawc;

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::BytesMut;

use crate::contender::{About, Contender};
use crate::measure::Kind;
pub use outgoing::{Outgoing, all};

/// How the figures are to be read.
pub const ENCODE: Kind = Kind {
    name: "encode",
    says: "Binary frames are written one behind the other into a buffer of about 256 KiB that has \
           been written to before; a client's are masked, each with its own key. Frames and \
           messages that own their payload are made before the time starts. The bound writes two \
           bytes and the key, copies the payload and masks the copy.",
    head: ("of the", "bound"),
    bound: "writes header and payload, checks nothing",
    absent: &[("tokio-websockets", "it writes only to the stream that it owns, through a Sink")],
};

/// A crate that writes frames.
trait Encode {
    /// What it is.
    const ABOUT: About;

    /// Its encoder, the buffer, and what it must own of the frames.
    type Output;

    /// Makes that; this is not timed.
    fn prepare(outgoing: &Outgoing) -> Self::Output;

    /// Writes all frames; this is timed.
    fn encode(output: &mut Self::Output, outgoing: &Outgoing) -> Result<(), String>;

    /// What was written.
    fn written(output: &Self::Output) -> &[u8];
}

/// All of them; wsvet, which the others are compared with, comes first.
pub fn contenders() -> Vec<Contender<Outgoing>> {
    vec![
        of::<wsvet::Wsvet>(),
        of::<wsvet::WsvetAppend>(),
        of::<sockudo::Sockudo>(),
        of::<yawc::Yawc>(),
        of::<websocket_codec::WebsocketCodec>(),
        of::<fastwebsockets::Fastwebsockets>(),
        of::<tungstenite::Tungstenite>(),
        of::<soketto::Soketto>(),
        of::<embedded_websocket::EmbeddedWebsocket>(),
        of::<web_socket::WebSocketPeer>(),
    ]
}

fn of<P: Encode>() -> Contender<Outgoing> {
    Contender::new(P::ABOUT, check::<P>, time::<P>)
}

fn check<P: Encode>(outgoing: &Outgoing) -> Result<(), String> {
    let mut output = P::prepare(outgoing);
    P::encode(&mut output, outgoing)?;
    outgoing.check(P::written(&output))
}

fn time<P: Encode>(outgoing: &Outgoing) -> Duration {
    let mut output = P::prepare(outgoing);
    let start = Instant::now();
    let encoded = P::encode(&mut output, outgoing);
    let elapsed = start.elapsed();
    black_box(P::written(&output));
    encoded.expect("it was checked");
    elapsed
}

/// A buffer with room for all frames, which the system has given for good: it was written to.
fn room(outgoing: &Outgoing) -> Vec<u8> {
    let mut room = Vec::with_capacity(outgoing.room());
    room.resize(outgoing.room(), 1);
    room
}

/// The same, empty, for those that append to it.
fn empty(outgoing: &Outgoing) -> BytesMut {
    let mut buffer = BytesMut::from_iter(room(outgoing));
    buffer.clear();
    buffer
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
