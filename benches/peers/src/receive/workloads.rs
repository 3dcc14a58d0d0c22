//! The bytes that everybody gets: masked frames, as a server receives them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use wsvet::deflate::Deflater;
use wsvet::{Header, OpCode, encode};

use super::sink::{Digest, Kind, Sink};
use crate::bound;
use crate::contender::Judges;
use crate::measure::Work;
use crate::random::Random;

/// How many bytes of frames a workload has, about: they fit the L2 cache, as after a read.
const BUFFER: usize = 256 << 10;

/// How many bytes a workload has, about, that does not fit the L2 cache.
const OUT_OF_L2: usize = 16 << 20;

/// Letters of four scripts, and an emoji: characters of one to four bytes.
const MIXED: &str = "grüße, Καλημέρα, привет, 你好, 😀 ";
const ASCII: &str = "{\"id\":1,\"text\":\"the quick brown fox\"} ";

/// A stream of masked client frames, and what must come out of it.
pub struct Workload {
    /// What is in it.
    pub name: &'static str,
    /// The frames, one behind the other.
    pub bytes: Vec<u8>,
    /// How many frames there are, control frames too.
    pub frames: usize,
    /// The longest payload of a frame.
    pub longest: usize,
    /// How many bytes arrive at a time, if not all at once.
    chunk: Option<usize>,
    /// How many bytes its messages hold, if they are compressed.
    inflated: Option<usize>,
    /// The checksum over its messages, made from the plain payloads.
    pub digest: Digest,
    needs: Judges,
}

impl Workload {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            bytes: Vec::new(),
            frames: 0,
            longest: 0,
            chunk: None,
            inflated: None,
            digest: Digest::new(),
            needs: Judges::HEADERS,
        }
    }

    /// Whether all bytes are there at once.
    pub fn is_whole(&self) -> bool {
        self.chunk.is_none()
    }

    /// The most bytes that arrive at a time.
    pub fn chunk_len(&self) -> usize {
        self.chunk.unwrap_or(usize::MAX)
    }

    /// Appends a frame under a key of its own.
    fn frame(&mut self, random: &mut Random, opcode: OpCode, fin: bool, payload: &[u8]) {
        let mut header = Header::new(opcode, payload.len() as u64).masked(random.key());
        if !fin {
            header = header.not_final();
        }
        let start = self.bytes.len();
        self.bytes.resize(start + header.header_len() + payload.len(), 0);
        encode::frame(&header, payload, &mut self.bytes[start..]).expect("it was made to fit");
        self.frames += 1;
        self.longest = self.longest.max(payload.len());
    }

    /// Appends a message of one frame.
    fn message(&mut self, random: &mut Random, kind: Kind, payload: &[u8]) {
        self.digest.data(kind, payload, true);
        self.needs.text |= kind == Kind::Text;
        self.frame(random, opcode(kind), true, payload);
    }

    /// Appends a text message of two to four frames, cut at any byte.
    fn fragmented(&mut self, random: &mut Random, payload: &[u8]) {
        self.digest.data(Kind::Text, payload, true);
        self.needs = Judges::ALL;
        let fragments = random.within(2, 4);
        let mut rest = payload;
        for left in (1..=fragments).rev() {
            let len =
                if left == 1 { rest.len() } else { random.within(1, rest.len() - (left - 1)) };
            let opcode = if left == fragments { OpCode::Text } else { OpCode::Continuation };
            let (fragment, behind) = rest.split_at(len);
            self.frame(random, opcode, left == 1, fragment);
            rest = behind;
        }
    }
}

impl Work for Workload {
    fn name(&self) -> &'static str {
        self.name
    }

    fn frames(&self) -> usize {
        self.frames
    }

    fn bytes(&self) -> usize {
        self.bytes.len()
    }

    fn needs(&self) -> Judges {
        self.needs
    }

    fn bound(&self) -> Duration {
        let mut bytes = self.bytes.clone();
        let start = Instant::now();
        let found = match (self.inflated, self.chunk) {
            (Some(inflated), _) => bound::inflate_all(&mut bytes, inflated),
            (None, Some(chunk)) => bound::copy_in_chunks(&self.bytes, &mut bytes, chunk),
            (None, None) => bound::unmask_all(&mut bytes),
        };
        let elapsed = start.elapsed();
        black_box(&bytes);
        let expected = if self.is_whole() { self.frames } else { self.bytes.len() };
        assert_eq!(found, expected, "the bound must not miss anything");
        elapsed
    }
}

/// The workloads that are there at once.
pub fn whole() -> Vec<Workload> {
    vec![
        binary("binary 16 B", 16, BUFFER),
        binary("binary 64 B", 64, BUFFER),
        binary("binary 125 B", 125, BUFFER),
        binary("binary 1 KiB", 1 << 10, BUFFER),
        binary("binary 4 KiB", 4 << 10, BUFFER),
        binary("binary 64 KiB", 64 << 10, BUFFER),
        binary("binary 1 MiB", 1 << 20, BUFFER),
        binary("out of L2: 1 KiB", 1 << 10, OUT_OF_L2),
        binary("out of L2: 4 KiB", 4 << 10, OUT_OF_L2),
        binary("out of L2: 16 KiB", 16 << 10, OUT_OF_L2),
        text("ASCII text 125 B", ASCII, 125),
        text("mixed text 64 B", MIXED, 64),
        text("mixed text 125 B", MIXED, 125),
        text("mixed text 16 KiB", MIXED, 16 << 10),
        mix("realistic mix"),
    ]
}

/// The mix as it arrives from a socket: in single bytes, in small packets, in those of Ethernet,
/// in TLS records, and in large reads.
pub fn in_chunks() -> Vec<Workload> {
    [
        ("mix by 1 B", 1),
        ("mix by 64 B", 64),
        ("mix by 1460 B", 1460),
        ("mix by 16 KiB", 16 << 10),
        ("mix by 64 KiB", 64 << 10),
    ]
    .map(|(name, chunk)| Workload { chunk: Some(chunk), ..mix(name) })
    .into()
}

/// Text messages, compressed with context takeover: small ones, and larger ones.
pub fn compressed() -> Vec<Workload> {
    vec![deflated("JSON 20-300 B", 1, 8_000), deflated("JSON 16 KiB", 80, 100)]
}

fn deflated(name: &'static str, objects: usize, count: usize) -> Workload {
    let (mut workload, mut random) = (Workload::new(name), Random::new(7692));
    let mut deflater = Deflater::new(15, true).level(6);
    workload.needs.text = true;
    let texts = texts(objects, count);
    for text in &texts {
        let mut payload = Vec::new();
        deflater.deflate(text.as_bytes(), true, &mut payload);
        workload.digest.data(Kind::Text, text.as_bytes(), true);
        let start = workload.bytes.len();
        workload.frame(&mut random, OpCode::Text, true, &payload);
        // RSV1: compressed.
        workload.bytes[start] |= 0x40;
    }
    workload.inflated = Some(texts.iter().map(String::len).sum());
    workload
}

/// JSON texts of so many objects each.
pub fn texts(objects: usize, count: usize) -> Vec<String> {
    let mut random = Random::new(1003);
    (0..count).map(|_| (0..objects).map(|_| json(&mut random)).collect()).collect()
}

/// Binary messages of one length, as many as a buffer of so many bytes holds.
fn binary(name: &'static str, len: usize, buffer: usize) -> Workload {
    let (mut workload, mut random) = (Workload::new(name), Random::new(len as u64));
    while workload.frames == 0 || workload.bytes.len() + len < buffer {
        let payload = random.bytes(len);
        workload.message(&mut random, Kind::Binary, &payload);
    }
    workload
}

/// Text messages of one length, or as much of it as ends with a character. Each goes on in the
/// text where the one before ended, so that no two in a row are alike.
fn text(name: &'static str, of: &str, len: usize) -> Workload {
    let (mut workload, mut random) = (Workload::new(name), Random::new(len as u64));
    let text = of.repeat(len / of.len() + 2);
    let mut start = 0;
    while workload.bytes.len() + len < BUFFER {
        let mut end = start + len;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        workload.message(&mut random, Kind::Text, &text.as_bytes()[start..end]);
        start = end % of.len();
    }
    workload
}

/// What a chat or a feed might get: of a hundred messages ninety are JSON of 20 to 300 bytes, five
/// are a Ping or a Pong, four are fragmented JSON and one is 64 KiB of binary data, shuffled.
fn mix(name: &'static str) -> Workload {
    #[derive(Clone, Copy)]
    enum Card {
        Json,
        Control,
        Fragmented,
        Large,
    }
    let mut random = Random::new(1003);
    let mut workload = Workload::new(name);
    let hundred = [(Card::Json, 90), (Card::Control, 5), (Card::Fragmented, 4), (Card::Large, 1)];
    // Three hundred messages are about as many bytes as the buffer has.
    for _ in 0..3 {
        let mut deck: Vec<Card> = Vec::new();
        for (card, count) in hundred {
            deck.resize(deck.len() + count, card);
        }
        for i in (1..deck.len()).rev() {
            deck.swap(i, random.within(0, i));
        }
        for card in deck {
            match card {
                Card::Json => {
                    let payload = json(&mut random);
                    workload.message(&mut random, Kind::Text, payload.as_bytes());
                }
                Card::Control => {
                    let opcode = if random.within(0, 1) == 0 { OpCode::Ping } else { OpCode::Pong };
                    let len = random.within(0, 16);
                    let payload = random.bytes(len);
                    workload.frame(&mut random, opcode, true, &payload);
                }
                Card::Fragmented => {
                    let payload = json(&mut random);
                    workload.fragmented(&mut random, payload.as_bytes());
                }
                Card::Large => {
                    let payload = random.bytes(64 << 10);
                    workload.message(&mut random, Kind::Binary, &payload);
                }
            }
        }
    }
    workload
}

/// A JSON text of 20 to 300 bytes; one in ten is not all ASCII.
fn json(random: &mut Random) -> String {
    let len = random.within(20, 300);
    let words = if random.within(1, 10) == 1 { MIXED } else { "the quick brown fox jumps " };
    let mut json = format!("{{\"n\":{},\"t\":\"", random.within(0, 999));
    for letter in words.chars().cycle() {
        if json.len() + letter.len_utf8() > len - 2 {
            break;
        }
        json.push(letter);
    }
    json.push_str("\"}");
    json
}

fn opcode(kind: Kind) -> OpCode {
    match kind {
        Kind::Text => OpCode::Text,
        Kind::Binary => OpCode::Binary,
    }
}
