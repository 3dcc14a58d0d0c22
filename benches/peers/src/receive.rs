//! Frames in, messages out: the peers as a server that reads.
//!
//! Of a peer's interfaces the one nearest to "bytes in memory, messages out" is taken that still
//! judges text, if the peer has one; where a simpler interface is nearer to memory, it is shown
//! too. The checks that each does were read in its source.

mod arriving;
pub mod compressed;
mod embedded_websocket;
mod fastwebsockets;
pub mod memory;
mod sink;
mod sockudo;
mod soketto;
mod tokio_websockets;
mod tungstenite;
mod web_socket;
mod websocket_codec;
pub mod workloads;
mod wsvet;
mod yawc;

use std::time::{Duration, Instant};

use crate::contender::{About, Contender};
use crate::measure::Kind as WorkKind;
use sink::{Digest, Kind, Nowhere, Sink};
use workloads::Workload;

/// The workloads that are there at once.
pub const WHOLE: WorkKind = WorkKind {
    name: "receive",
    says: "A server receives about 256 KiB of masked frames that are all in memory: they fit the L2 \
           cache. The rows \"out of L2\" have 16 MiB of binary frames.",
    head: ("of the", "bound"),
    bound: "unmasks in place, checks nothing",
    absent: &[],
};

/// Those that arrive piece by piece.
pub const IN_CHUNKS: WorkKind = WorkKind {
    name: "receive in chunks",
    says: "The mix arrives in chunks. wsvet takes each where it lies; peers that take frames off a \
           buffer have it appended to that buffer, and peers that read from a stream get no more \
           with a read: the copy is how they receive, so it is theirs. wsvet gives a piece of the \
           message with each chunk, the others a message or a frame once it is whole. The bound does not unmask: \
           it is one copy of all chunks.",
    head: ("of one", "copy"),
    bound: "copies each chunk once",
    absent: &[],
};

/// A crate that receives WebSocket frames.
trait Receive {
    /// What it is.
    const ABOUT: About;

    /// Why it cannot receive a frame that arrives in pieces, if so.
    const NOT_IN_PIECES: Option<&'static str> = None;

    /// An open connection, and a copy of the workload's bytes for it to receive.
    type Input;

    /// Makes that; this is not timed.
    fn prepare(workload: &Workload) -> Self::Input;

    /// Receives everything and gives the messages to `sink`; this is timed.
    fn receive(input: &mut Self::Input, sink: &mut impl Sink) -> Result<(), String>;
}

/// All of them; wsvet, which the others are compared with, comes first.
pub fn contenders() -> Vec<Contender<Workload>> {
    vec![
        of::<wsvet::Wsvet>(),
        of::<sockudo::SockudoFrames>(),
        of::<sockudo::SockudoProtocol>(),
        of::<yawc::YawcCodec>(),
        of::<yawc::YawcSocket>(),
        of::<websocket_codec::WebsocketCodec>(),
        of::<tokio_websockets::TokioWebsockets>(),
        of::<fastwebsockets::Fastwebsockets>(),
        of::<tungstenite::Tungstenite>(),
        of::<soketto::Soketto>(),
        of::<embedded_websocket::EmbeddedWebsocket>(),
        of::<web_socket::WebSocketPeer>(),
    ]
}

fn of<P: Receive>() -> Contender<Workload> {
    Contender::new(P::ABOUT, check::<P>, time::<P>)
}

fn check<P: Receive>(workload: &Workload) -> Result<(), String> {
    if let Some(reason) = P::NOT_IN_PIECES
        && !workload.is_whole()
    {
        return Err(reason.into());
    }
    let mut digest = Digest::new();
    P::receive(&mut P::prepare(workload), &mut digest)?;
    if digest != workload.digest {
        return Err(format!(
            "another checksum, over {} messages of {}",
            digest.messages, workload.digest.messages
        ));
    }
    Ok(())
}

fn time<P: Receive>(workload: &Workload) -> Duration {
    let mut input = P::prepare(workload);
    let start = Instant::now();
    let received = P::receive(&mut input, &mut Nowhere);
    let elapsed = start.elapsed();
    received.expect("the workload was checked");
    elapsed
}

/// Gives a continuation frame the kind of its message, for peers that leave this to the caller.
struct Join(Kind);

impl Join {
    fn new() -> Self {
        Self(Kind::Binary)
    }

    /// Hands a data frame on; `kind` is `None` for a continuation.
    #[inline]
    fn frame(&mut self, kind: Option<Kind>, bytes: &[u8], fin: bool, sink: &mut impl Sink) {
        self.0 = kind.unwrap_or(self.0);
        sink.data(self.0, bytes, fin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_may_be_cut_anywhere_but_for_two() {
        let mut mix = workloads::whole();
        mix.retain(|workload| workload.name == "realistic mix");
        mix.extend(workloads::in_chunks());
        // One peer takes too long for single bytes, without optimization.
        mix.retain(|workload| workload.chunk_len() > 1);
        assert_eq!(mix.len(), 5);
        for workload in mix {
            for contender in contenders() {
                let name = contender.about.name;
                let refuses = ["soketto", "embedded-websocket"].contains(&name);
                let checked = contender.check(&workload);
                assert_eq!(
                    checked.is_err(),
                    refuses && !workload.is_whole(),
                    "{name}: {checked:?}"
                );
            }
        }
    }
}
