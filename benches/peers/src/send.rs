//! Messages out, to a stream.

mod peers;
mod stream;

use std::hint::black_box;
use std::io::{IoSlice, Write};
use std::time::{Duration, Instant};

use wsvet::{Event, Header, OpCode, Policy, Role, StreamDecoder, encode};

use crate::contender::{About, Contender, Judges};
use crate::measure::{Kind, Work};
use crate::random::Random;
use stream::Stream;

/// How the figures are to be read.
pub const SEND: Kind = Kind {
    name: "send",
    says: "Binary messages are sent to a stream, each by itself. The stream takes all at once, also \
           from several parts, and only counts the bytes: what is measured is what happens before \
           the system is called. The messages, which own their payload, are made before the time \
           starts, and freed in it. The bound writes header and payload as two parts; for a client \
           it masks the payload in place.",
    head: ("of the", "bound"),
    bound: "writes header and payload apart, checks nothing but the length",
    absent: &[
        ("sockudo-ws", "its encode_frame copies into a BytesMut: see the rows before"),
        ("yawc", "its encoder copies into a BytesMut: see the rows before"),
        ("websocket-codec", "its encoder copies into a BytesMut: see the rows before"),
        ("soketto", "it sends only after a handshake"),
        ("embedded-websocket", "it writes into a slice: see the rows before"),
    ],
};

/// How many bytes are sent, about.
const TOTAL: usize = 1 << 20;

/// Messages to be sent.
pub struct Messages {
    name: &'static str,
    payload: Vec<u8>,
    /// Whether a client sends them.
    pub masked: bool,
    count: usize,
}

/// Of three lengths, by a server and by a client.
pub fn all() -> Vec<Messages> {
    let rows = [
        ("server 1 KiB", 1 << 10, false),
        ("server 16 KiB", 16 << 10, false),
        ("server 64 KiB", 64 << 10, false),
        ("client 1 KiB", 1 << 10, true),
        ("client 16 KiB", 16 << 10, true),
        ("client 64 KiB", 64 << 10, true),
    ];
    let messages = |(name, len, masked)| Messages {
        name,
        payload: Random::new(len as u64).bytes(len),
        masked,
        count: TOTAL / len,
    };
    rows.map(messages).into()
}

impl Messages {
    /// The payload of each.
    pub fn payloads(&self) -> impl Iterator<Item = Vec<u8>> {
        (0..self.count).map(|_| self.payload.clone())
    }

    /// Whether this is all messages, whatever their keys are.
    fn check(&self, mut written: Vec<u8>) -> Result<(), String> {
        let role = if self.masked { Role::Server } else { Role::Client };
        let mut decoder = StreamDecoder::new(Policy::new(role));
        let mut rest = &mut written[..];
        for i in 0..self.count {
            let (used, event) = decoder.decode(rest).map_err(|e| e.to_string())?;
            match event {
                Some(Event::Data { bytes, end: true, .. }) if bytes == self.payload => {}
                _ => return Err(format!("message {i} is another")),
            }
            rest = &mut rest[used..];
        }
        if rest.is_empty() { Ok(()) } else { Err(format!("{} bytes too many", rest.len())) }
    }
}

impl Work for Messages {
    fn name(&self) -> &'static str {
        self.name
    }

    fn frames(&self) -> usize {
        self.count
    }

    fn bytes(&self) -> usize {
        self.count * self.payload.len()
    }

    fn needs(&self) -> Judges {
        Judges::NOTHING
    }

    fn bound(&self) -> Duration {
        let payloads: Vec<_> = self.payloads().collect();
        let mut stream = Stream::counting();
        let start = Instant::now();
        for (i, mut payload) in payloads.into_iter().enumerate() {
            let header = Header::new(OpCode::Binary, payload.len() as u64);
            let key = (i as u32).wrapping_mul(0x9E37_79B9).to_le_bytes();
            let header = if self.masked { header.masked(key) } else { header };
            let head = encode::in_place(&header, &mut payload).expect("a legal frame");
            let parts = [IoSlice::new(&head), IoSlice::new(&payload)];
            stream.write_vectored(&parts).expect("it takes all");
        }
        let elapsed = start.elapsed();
        assert!(stream.count() > self.bytes());
        elapsed
    }
}

/// A crate that sends messages to a stream.
trait Send {
    /// What it is.
    const ABOUT: About;

    /// An open connection, and the messages as it takes them.
    type Input;

    fn prepare(messages: &Messages, stream: Stream) -> Self::Input;

    /// Sends all messages; this is timed.
    fn send(input: &mut Self::Input) -> Result<(), String>;

    fn stream(input: &mut Self::Input) -> &mut Stream;
}

/// All of them; wsvet, which the others are compared with, comes first.
pub fn contenders() -> Vec<Contender<Messages>> {
    vec![
        of::<peers::Wsvet>(),
        of::<peers::Fastwebsockets>(),
        of::<peers::TokioWebsockets>(),
        of::<peers::WebSocketPeer>(),
        of::<peers::Tungstenite>(),
    ]
}

fn of<P: Send>() -> Contender<Messages> {
    Contender::new(P::ABOUT, check::<P>, time::<P>)
}

fn check<P: Send>(messages: &Messages) -> Result<(), String> {
    let mut input = P::prepare(messages, Stream::keeping());
    P::send(&mut input)?;
    messages.check(P::stream(&mut input).take())
}

fn time<P: Send>(messages: &Messages) -> Duration {
    let mut input = P::prepare(messages, Stream::counting());
    let start = Instant::now();
    let sent = P::send(&mut input);
    let elapsed = start.elapsed();
    black_box(P::stream(&mut input).count());
    sent.expect("it was checked");
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
