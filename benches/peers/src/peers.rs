//! Everybody who is measured, behind one trait.
//!
//! Of a peer's interfaces the one nearest to "bytes in memory, messages out" is taken that still
//! judges text, if the peer has one; where a simpler interface is nearer to memory, it is shown
//! too. The checks that each does were read in its source.

mod embedded_websocket;
mod fastwebsockets;
mod sockudo;
mod soketto;
mod tokio_websockets;
mod tungstenite;
mod web_socket;
mod websocket_codec;
mod wsvet;
mod yawc;

use std::time::{Duration, Instant};

use crate::sink::{Digest, Kind, Nowhere, Sink};
use crate::workloads::Workload;

/// What a reader must know of a peer to read its figures.
#[derive(Clone, Copy)]
pub struct About {
    /// The column's name.
    pub name: &'static str,
    /// The package.
    pub package: &'static str,
    /// The interface that is used.
    pub interface: &'static str,
    /// What it does with a frame.
    pub does: &'static str,
    /// What it does less or more than wsvet.
    pub differs: &'static str,
}

/// A crate that receives WebSocket frames.
pub trait Peer {
    /// What it is.
    const ABOUT: About;

    /// An open connection, and a copy of the workload's bytes for it to receive.
    type Input;

    /// Makes that; this is not timed.
    fn prepare(workload: &Workload) -> Self::Input;

    /// Receives everything and gives the messages to `sink`; this is timed.
    fn receive(input: &mut Self::Input, sink: &mut impl Sink) -> Result<(), String>;
}

/// A peer whose type is forgotten, so that all fit in one list.
#[derive(Clone, Copy)]
pub struct Contender {
    /// What it is.
    pub about: About,
    check: fn(&Workload) -> Result<(), String>,
    time: fn(&Workload) -> Duration,
}

impl Contender {
    fn of<P: Peer>() -> Self {
        Self { about: P::ABOUT, check: check::<P>, time: time::<P> }
    }

    /// Whether it takes the workload, and gives the messages that are in it.
    pub fn check(&self, workload: &Workload) -> Result<(), String> {
        (self.check)(workload)
    }

    /// How long it takes for the workload, once.
    pub fn time(&self, workload: &Workload) -> Duration {
        (self.time)(workload)
    }
}

/// All of them; wsvet, which the others are compared with, comes first.
pub fn all() -> Vec<Contender> {
    vec![
        Contender::of::<wsvet::Wsvet>(),
        Contender::of::<sockudo::SockudoFrames>(),
        Contender::of::<sockudo::SockudoProtocol>(),
        Contender::of::<yawc::YawcCodec>(),
        Contender::of::<yawc::YawcSocket>(),
        Contender::of::<websocket_codec::WebsocketCodec>(),
        Contender::of::<tokio_websockets::TokioWebsockets>(),
        Contender::of::<fastwebsockets::Fastwebsockets>(),
        Contender::of::<tungstenite::Tungstenite>(),
        Contender::of::<soketto::Soketto>(),
        Contender::of::<embedded_websocket::EmbeddedWebsocket>(),
        Contender::of::<web_socket::WebSocketPeer>(),
    ]
}

fn check<P: Peer>(workload: &Workload) -> Result<(), String> {
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

fn time<P: Peer>(workload: &Workload) -> Duration {
    let mut input = P::prepare(workload);
    let start = Instant::now();
    let received = P::receive(&mut input, &mut Nowhere);
    let elapsed = start.elapsed();
    received.expect("the workload was checked");
    elapsed
}

/// The workload's bytes with room for one more frame behind them.
///
/// Buffers that grow make room for the frame that they wait for; with this room they need not move
/// all bytes to a larger one while they are measured.
fn room(workload: &Workload) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(workload.bytes.len() + workload.longest + (4 << 10));
    bytes.extend_from_slice(&workload.bytes);
    bytes
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
