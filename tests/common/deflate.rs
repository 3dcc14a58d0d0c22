//! DEFLATE read bit by bit, as naively as can be (RFC 1951), and a judge of compressed messages
//! (RFC 7692 §7.2.2). Neither shares code with the crate but the names of the rules.

use std::collections::HashMap;

use flate2::{Compress, Compression, FlushCompress};
use wsvet::deflate::{self, Parameters};
use wsvet::{Event, Header, OpCode, Policy, Rule, mask};

use super::place;
use super::reference::not_utf8;

/// What a compressed message is.
#[derive(Default)]
pub struct Inflated {
    /// Each byte with the compressed byte that gives it.
    pub bytes: Vec<(usize, u8)>,
    /// The compressed byte that proves that it is no DEFLATE, or none where only its end does.
    pub broken: Option<Option<usize>>,
    /// How far it reaches back at most.
    pub farthest: usize,
}

impl Inflated {
    pub fn plain(&self) -> Vec<u8> {
        self.bytes.iter().map(|(_, byte)| *byte).collect()
    }
}

/// Inflates a message behind those that have given `window`, and adds to it what comes out.
pub fn inflate(compressed: &[u8], window: &mut Vec<u8>) -> Inflated {
    let mut bits = Bits { bytes: compressed, at: 0 };
    let mut inflated = Inflated::default();
    inflated.broken = match blocks(&mut bits, &mut inflated, window) {
        Ok(()) => None,
        Err(Stop::End) => Some(None),
        Err(Stop::Bad) => Some(Some((bits.at - 1) / 8)),
    };
    inflated
}

enum Stop {
    /// The bits are too few.
    End,
    /// The last bit shows that it is no DEFLATE.
    Bad,
}

struct Bits<'a> {
    bytes: &'a [u8],
    /// How many bits were taken.
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Result<usize, Stop> {
        let mut value = 0;
        for place in 0..count {
            let byte = *self.bytes.get(self.at / 8).ok_or(Stop::End)?;
            value |= usize::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Ok(value)
    }

    /// Passes over what is left of a byte; whether it was the last.
    fn align(&mut self) -> bool {
        self.at = self.at.next_multiple_of(8);
        self.at == 8 * self.bytes.len()
    }
}

fn blocks(bits: &mut Bits<'_>, out: &mut Inflated, window: &mut Vec<u8>) -> Result<(), Stop> {
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => {
                // What is missing here is what is never sent.
                if bits.align() {
                    return Ok(());
                }
                let (len, complement) = (bits.take(16)?, bits.take(16)?);
                if len ^ complement != 0xFFFF {
                    return Err(Stop::Bad);
                }
                for _ in 0..len {
                    let byte = bits.take(8)? as u8;
                    give(bits, out, window, byte);
                }
            }
            1 => {
                let lengths: Vec<u8> =
                    [(8, 144), (9, 112), (7, 24), (8, 8)].into_iter().flat_map(run).collect();
                symbols(bits, out, window, &Code::new(&lengths), &Code::new(&[5; 32]))?;
            }
            2 => {
                let (literals, distances) = codes(bits)?;
                symbols(bits, out, window, &literals, &distances)?;
            }
            _ => return Err(Stop::Bad),
        }
        if last && bits.align() {
            return Ok(());
        }
    }
}

fn run((length, count): (u8, usize)) -> impl Iterator<Item = u8> {
    std::iter::repeat_n(length, count)
}

fn give(bits: &Bits<'_>, out: &mut Inflated, window: &mut Vec<u8>, byte: u8) {
    out.bytes.push(((bits.at - 1) / 8, byte));
    window.push(byte);
}

/// A Huffman code: the symbol of each length and its bits.
struct Code {
    symbols: HashMap<(u8, usize), usize>,
    longest: u8,
    /// How much of the code is used, in 1 / 2^15.
    used: usize,
}

impl Code {
    fn new(lengths: &[u8]) -> Self {
        let mut symbols = HashMap::new();
        let (mut next, mut used) = (0, 0);
        for length in 1..=15 {
            next <<= 1;
            for (symbol, _) in lengths.iter().enumerate().filter(|(_, other)| **other == length) {
                symbols.insert((length, next), symbol);
                next += 1;
                used += 1 << (15 - length);
            }
        }
        Self { symbols, longest: lengths.iter().copied().max().unwrap_or(0), used }
    }

    /// Every code is used, and none twice.
    fn is_complete(&self) -> bool {
        self.used == 1 << 15
    }

    /// The same, or there is no more than a single code, of one bit.
    fn is_good(&self) -> bool {
        self.is_complete() || self.longest == 0 || self.longest == 1 && self.used < 1 << 15
    }

    fn read(&self, bits: &mut Bits<'_>) -> Result<usize, Stop> {
        let mut code = 0;
        for length in 1..=self.longest.max(1) {
            code = code << 1 | bits.take(1)?;
            if let Some(symbol) = self.symbols.get(&(length, code)) {
                return Ok(*symbol);
            }
        }
        Err(Stop::Bad)
    }
}

/// The codes of a dynamic block (RFC 1951 §3.2.7).
fn codes(bits: &mut Bits<'_>) -> Result<(Code, Code), Stop> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let (literals, distances) = (bits.take(5)? + 257, bits.take(5)? + 1);
    let count = bits.take(4)? + 4;
    if literals > 286 || distances > 30 {
        return Err(Stop::Bad);
    }
    let mut lengths = [0; 19];
    for symbol in &ORDER[..count] {
        lengths[*symbol] = bits.take(3)? as u8;
    }
    let code = Code::new(&lengths);
    if code.longest == 0 {
        // It is no error yet: each bit is a length of 0, and so the block has no end.
        (0..literals + distances).try_for_each(|_| bits.take(1).map(drop))?;
        return Err(Stop::Bad);
    }
    if !code.is_complete() {
        return Err(Stop::Bad);
    }
    let mut lengths = Vec::new();
    while lengths.len() < literals + distances {
        let (length, count) = match code.read(bits)? {
            16 => match lengths.last() {
                // That there is none before is known before how often it comes.
                None => return bits.take(2).and(Err(Stop::Bad)),
                Some(last) => (*last, 3 + bits.take(2)?),
            },
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length as u8, 1),
        };
        if lengths.len() + count > literals + distances {
            return Err(Stop::Bad);
        }
        lengths.extend(run((length, count)));
    }
    let (literals, distances) = lengths.split_at(literals);
    // A block has to end.
    if literals[256] == 0 {
        return Err(Stop::Bad);
    }
    let (literals, distances) = (Code::new(literals), Code::new(distances));
    if literals.is_good() && distances.is_good() {
        Ok((literals, distances))
    } else {
        Err(Stop::Bad)
    }
}

/// What a block holds (RFC 1951 §3.2.5).
fn symbols(
    bits: &mut Bits<'_>,
    out: &mut Inflated,
    window: &mut Vec<u8>,
    literals: &Code,
    distances: &Code,
) -> Result<(), Stop> {
    loop {
        let symbol = literals.read(bits)?;
        let length = match symbol {
            0..256 => {
                give(bits, out, window, symbol as u8);
                continue;
            }
            256 => return Ok(()),
            257..265 => symbol - 254,
            265..285 => {
                let extra = (symbol - 261) / 4;
                3 + ((4 + (symbol - 261) % 4) << extra) + bits.take(extra)?
            }
            285 => 258,
            _ => return Err(Stop::Bad),
        };
        let distance = match distances.read(bits)? {
            symbol @ 0..4 => symbol + 1,
            symbol @ 4..30 => {
                let extra = symbol / 2 - 1;
                1 + ((2 + symbol % 2) << extra) + bits.take(extra)?
            }
            _ => return Err(Stop::Bad),
        };
        out.farthest = out.farthest.max(distance);
        for _ in 0..length {
            let from = window.len().checked_sub(distance).ok_or(Stop::Bad)?;
            let byte = window[from];
            give(bits, out, window, byte);
        }
    }
}

/// What a receiver makes of a stream.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Judged {
    /// Whole messages and control frames, but for the Close.
    pub messages: Vec<(OpCode, Vec<u8>)>,
    /// The message that is not finished; empty after a violation.
    pub open: Vec<u8>,
    pub violation: Option<(Rule, u64)>,
}

/// A header that breaks nothing, and what has come of its payload: all of it, but for the last.
pub type Frames = [(Header, Vec<u8>)];

/// Judges frames of a sender with this context takeover; the limit counts for what a message
/// inflates to.
pub fn judge(frames: &Frames, context_takeover: bool, max_message: usize) -> Judged {
    let mut judged = Judged::default();
    let mut window = Vec::new();
    let mut at = 0;
    // The message that is open: its first header, and each byte with its place in the
    // stream: where it is compressed, that of its frame's payload.
    let mut open: Option<(Header, Vec<(u64, u8)>)> = None;
    // Where each of the messages given starts its last frame.
    let mut starts = Vec::new();
    // What the headers of the open message claim.
    let mut claimed = 0;
    for (index, (header, payload)) in frames.iter().enumerate() {
        let frame = at;
        let start = at + header.header_len() as u64;
        starts.resize(judged.messages.len(), at);
        at = start + payload.len() as u64;
        let whole = payload.len() as u64 == header.payload_len();
        let mut too_big = None;
        if header.opcode().is_control() {
            judged.messages.extend(whole.then(|| (header.opcode(), payload.clone())));
        } else {
            let (first, bytes) = open.get_or_insert((*header, Vec::new()));
            let compressed = first.rsv() != 0;
            claimed += header.payload_len();
            // Compressed it may be longer: as many stored blocks as bytes.
            let most = max_message as u64;
            let most = if compressed { most.saturating_mul(6).saturating_add(64) } else { most };
            too_big = (claimed > most).then_some((Rule::MessageTooBig, frame + 1));
            if too_big.is_none() {
                // What comes out has no bytes of its own on the wire.
                let step = u64::from(!compressed);
                bytes.extend((0..).zip(payload).map(|(index, byte)| (start + step * index, *byte)));
            }
        }
        let finished = header.opcode().is_data() && header.fin() && whole && too_big.is_none();
        if !finished && too_big.is_none() && index + 1 < frames.len() {
            continue;
        }
        let Some((first, bytes)) = open.take() else { continue };
        claimed = 0;
        let compressed: Vec<u8> = bytes.iter().map(|(_, byte)| *byte).collect();
        let opcode = first.opcode();
        if !context_takeover {
            window.clear();
        }
        let inflated = if first.rsv() == 0 {
            let bytes = compressed.iter().copied().enumerate().collect();
            Inflated { bytes, ..Inflated::default() }
        } else {
            inflate(&compressed, &mut window)
        };
        let text = opcode == OpCode::Text;
        let within = &inflated.bytes[..inflated.bytes.len().min(max_message)];
        let not_text = |finished| text.then(|| not_utf8(within, finished, 1)).flatten();
        judged.violation = if let Some(by) = not_text(false) {
            Some((Rule::InvalidUtf8, bytes[by].0))
        } else if let Some((by, _)) = inflated.bytes.get(max_message) {
            Some((Rule::MessageTooBig, bytes[*by].0))
        } else {
            match inflated.broken {
                Some(Some(by)) => Some((Rule::InvalidDeflate, bytes[by].0)),
                Some(None) if finished => Some((Rule::InvalidDeflate, at - 1)),
                _ if finished => not_text(true).map(|_| (Rule::InvalidUtf8, at - 1)),
                _ => too_big,
            }
        };
        if let Some((_, place)) = judged.violation {
            starts.resize(judged.messages.len(), at);
            let before = starts.iter().filter(|start| **start < place).count();
            judged.messages.truncate(before);
            return judged;
        }
        if finished {
            judged.messages.push((opcode, inflated.plain()));
        } else {
            judged.open = inflated.plain();
        }
    }
    judged
}

/// Judges a stream by hand with `Header::decode`, `mask` and `deflate::Validator`, payloads in pieces
/// of these sizes, the last one repeated; nothing behind a Close.
pub fn validate(policy: Policy, parameters: Parameters, stream: &[u8], sizes: &[usize]) -> Judged {
    let mut validator = deflate::Validator::new(policy, parameters);
    let mut judged = Judged::default();
    let mut opcode = OpCode::Text;
    let mut rest = stream;
    let mut sizes = sizes.iter().copied().chain(std::iter::repeat(*sizes.last().unwrap()));
    let mut whole = true;
    while whole && let Ok((header, after)) = Header::decode(rest) {
        let len = header.payload_len().min(after.len() as u64) as usize;
        whole = header.payload_len() == len as u64;
        let (payload, after) = after.split_at(len);
        rest = after;
        let mut plain = payload.to_vec();
        if let Some(key) = header.masking_key() {
            mask::apply(key, 0, &mut plain);
        }
        if header.opcode().starts_message() {
            opcode = header.opcode();
        }
        let open = &mut judged.open;
        let mut broken = validator.begin(&header).err();
        let mut pieces = &plain[..];
        while broken.is_none() && !pieces.is_empty() {
            let size = sizes.next().unwrap().clamp(1, pieces.len());
            broken =
                validator.payload(&pieces[..size], |piece| open.extend_from_slice(piece)).err();
            pieces = &pieces[size..];
        }
        if broken.is_none() && whole {
            broken = validator.finish(|piece| open.extend_from_slice(piece)).err();
        }
        if let Some(violation) = broken {
            assert_eq!(validator.begin(&header), Err(violation), "it stays");
            assert_eq!(validator.frames().violation(), Some(violation));
            judged.violation = Some(place(violation));
            judged.open.clear();
            return judged;
        }
        match header.opcode() {
            OpCode::Close => return judged,
            control if control.is_control() => {
                judged.messages.extend(whole.then_some((control, plain)));
            }
            _ if header.fin() && whole => {
                judged.messages.push((opcode, std::mem::take(&mut judged.open)));
            }
            _ => {}
        }
    }
    if whole && let Err(violation) = validator.cut_header(rest) {
        judged.violation = Some(place(violation));
        judged.open.clear();
    }
    judged
}

/// The same with `deflate::StreamDecoder`, the whole stream in chunks of these sizes.
pub fn decode_stream(
    policy: Policy,
    parameters: Parameters,
    stream: &[u8],
    sizes: &[usize],
) -> Judged {
    let mut decoder = deflate::StreamDecoder::new(policy, parameters);
    let (mut judged, mut closed) = (Judged::default(), false);
    let mut stream = stream.to_vec();
    let mut rest = &mut stream[..];
    let mut sizes = sizes.iter().copied().chain(std::iter::repeat(*sizes.last().unwrap()));
    while !rest.is_empty() && !closed {
        let size = sizes.next().unwrap().clamp(1, rest.len());
        let (chunk, after) = rest.split_at_mut(size);
        rest = after;
        let decoded = decoder.decode(chunk, |event| match event {
            _ if closed => {}
            Event::Data { opcode, bytes, end, .. } => {
                judged.open.extend_from_slice(bytes);
                if end {
                    judged.messages.push((opcode, std::mem::take(&mut judged.open)));
                }
            }
            Event::Ping(body) => judged.messages.push((OpCode::Ping, body.to_vec())),
            Event::Pong(body) => judged.messages.push((OpCode::Pong, body.to_vec())),
            Event::Close(_) => closed = true,
            event => panic!("an event that the tests do not know: {event:?}"),
        });
        if let Err(violation) = decoded {
            assert_eq!(decoder.decode(&mut [], |_| {}), Err(violation), "it stays");
            if !closed {
                judged.violation = Some(place(violation));
                judged.open.clear();
            }
            return judged;
        }
    }
    judged
}

/// The same with `codec::Messages`, the whole stream in pieces of these sizes; what is open it does
/// not tell.
#[cfg(feature = "codec")]
pub fn decode(policy: Policy, parameters: Parameters, stream: &[u8], sizes: &[usize]) -> Judged {
    use tokio_util::codec::Decoder as _;

    // Where no limit is set, the codec has one of its own.
    let policy = match policy.max_message {
        u64::MAX => policy.no_limit().max_frame(policy.max_frame),
        _ => policy,
    };
    let mut decoder = wsvet::codec::Messages::deflate(policy, parameters);
    let mut judged = Judged::default();
    let mut input = bytes::BytesMut::new();
    let mut rest = stream;
    let mut sizes = sizes.iter().copied().chain(std::iter::repeat(*sizes.last().unwrap()));
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(sizes.next().unwrap().clamp(1, rest.len()));
        rest = after;
        input.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut input) {
                Ok(None) => break,
                Ok(Some(wsvet::Message::Close(_))) => {}
                Ok(Some(message)) => {
                    judged.messages.push((message.opcode(), message.payload().to_vec()));
                }
                Err(wsvet::codec::Error::Violation(violation)) => {
                    judged.violation = Some(place(violation));
                    return judged;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    judged
}

/// What another implementation makes of a plain text, behind those that it was given before: its
/// last four bytes are not sent.
pub fn flate2(compress: &mut Compress, plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(plain.len() + plain.len() / 100 + 100);
    let before = compress.total_in();
    compress.compress_vec(plain, &mut out, FlushCompress::Sync).unwrap();
    assert_eq!((compress.total_in() - before) as usize, plain.len());
    assert!(out.ends_with(&[0, 0, 0xFF, 0xFF]));
    out.truncate(out.len() - 4);
    out
}

/// The same in a stream of its own, which ends with a final block.
pub fn flate2_final(level: u32, plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(plain.len() + plain.len() / 100 + 100);
    Compress::new(Compression::new(level), false)
        .compress_vec(plain, &mut out, FlushCompress::Finish)
        .unwrap();
    out
}

/// Bits as DEFLATE packs them: numbers from their least bit, codes from their first.
#[derive(Default)]
pub struct Packed {
    pub bytes: Vec<u8>,
    pub bits: usize,
}

impl Packed {
    fn bit(&mut self, bit: bool) {
        if self.bits.is_multiple_of(8) {
            self.bytes.push(0);
        }
        *self.bytes.last_mut().unwrap() |= u8::from(bit) << (self.bits % 8);
        self.bits += 1;
    }

    pub fn number(&mut self, value: usize, bits: usize) {
        (0..bits).for_each(|place| self.bit(value >> place & 1 == 1));
    }

    pub fn code(&mut self, code: &str) {
        code.bytes().for_each(|bit| self.bit(bit == b'1'));
    }
}

/// A message that is a match of 3 at this distance, of over 16,384.
pub fn reaching(distance: usize) -> Vec<u8> {
    let mut packed = Packed::default();
    packed.number(0b010, 3);
    packed.code("0000001");
    let symbol = if distance > 24_576 { (29, 24_577) } else { (28, 16_385) };
    packed.code(&format!("{:05b}", symbol.0));
    packed.number(distance - symbol.1, 13);
    packed.code("0000000");
    packed.number(0, 3);
    packed.bytes
}
