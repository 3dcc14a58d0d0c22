//! The frames that are written.

use std::time::{Duration, Instant};

use wsvet::{Event, Header, OpCode, Policy, Role, StreamDecoder};

use super::room;
use crate::bound;
use crate::contender::Judges;
use crate::measure::Work;
use crate::random::Random;

/// How many bytes of frames are written, about.
const BUFFER: usize = 256 << 10;

/// From how many places in the source payloads are taken, so that not all are alike.
const PLACES: usize = 64;

/// Binary frames that are to be written.
pub struct Outgoing {
    name: &'static str,
    /// What the payloads are taken from.
    source: Vec<u8>,
    /// The length of each payload.
    len: usize,
    /// Whether a client writes them.
    pub masked: bool,
    /// How many there are.
    pub count: usize,
}

/// Messages as a client sends them, and small ones as a server does.
pub fn all() -> Vec<Outgoing> {
    vec![
        outgoing("client 125 B", 125, true),
        outgoing("client 1 KiB", 1 << 10, true),
        outgoing("client 16 KiB", 16 << 10, true),
        outgoing("client 1 MiB", 1 << 20, true),
        outgoing("server 16 B", 16, false),
    ]
}

fn outgoing(name: &'static str, len: usize, masked: bool) -> Outgoing {
    let source = Random::new(len as u64).bytes(len + PLACES);
    let count = (BUFFER / header_len(len, masked).strict_add(len)).max(1);
    Outgoing { name, source, len, masked, count }
}

fn header_len(payload_len: usize, masked: bool) -> usize {
    let header = Header::new(OpCode::Binary, payload_len as u64);
    if masked { header.masked([0; 4]).header_len() } else { header.header_len() }
}

impl Outgoing {
    /// The key of each frame, where it has one, and its payload. The keys are cheap, and not
    /// random: they come from the caller.
    pub fn frames(&self) -> impl Iterator<Item = (Option<[u8; 4]>, &[u8])> {
        (0..self.count).map(|i| {
            let key = (i as u32).wrapping_mul(0x9E37_79B9).to_le_bytes();
            (self.masked.then_some(key), &self.source[i % PLACES..][..self.len])
        })
    }

    /// How many bytes are enough for all frames, and for what a peer wants to have free behind the
    /// last.
    pub fn room(&self) -> usize {
        self.bytes().max(BUFFER) + (4 << 10)
    }

    /// Whether this is all frames, whatever their keys are.
    pub fn check(&self, written: &[u8]) -> Result<(), String> {
        let role = if self.masked { Role::Server } else { Role::Client };
        let mut decoder = StreamDecoder::new(Policy::new(role));
        let mut written = written.to_vec();
        let mut rest = &mut written[..];
        for (i, (_, payload)) in self.frames().enumerate() {
            let (used, event) = decoder.decode(rest).map_err(|e| e.to_string())?;
            match event {
                Some(Event::Data { bytes, end: true, .. }) if bytes == payload => {}
                event => return Err(format!("frame {i} is {event:?}")),
            }
            rest = &mut rest[used..];
        }
        if rest.is_empty() { Ok(()) } else { Err(format!("{} bytes too many", rest.len())) }
    }
}

impl Work for Outgoing {
    fn name(&self) -> &'static str {
        self.name
    }

    fn frames(&self) -> usize {
        self.count
    }

    fn bytes(&self) -> usize {
        self.count * (self.len + header_len(self.len, self.masked))
    }

    fn needs(&self) -> Judges {
        Judges::NOTHING
    }

    fn bound(&self) -> Duration {
        let mut out = room(self);
        let start = Instant::now();
        let len = bound::encode_all(self, &mut out);
        let elapsed = start.elapsed();
        assert_eq!(self.check(&out[..len]), Ok(()), "the bound must write what it has to");
        elapsed
    }
}
