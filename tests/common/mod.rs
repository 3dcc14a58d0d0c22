//! What the tests share: streams from parts, and a whole-stream run of the crate's own parts.
#![allow(dead_code, unreachable_pub, unused_imports)] // each test binary uses its own share

pub mod bytes;
#[cfg(feature = "deflate")]
pub mod deflate;
pub mod handshake;
pub mod outcome;
pub mod reference;
pub mod sockets;
pub mod vectors;

pub use bytes::{frame, hex, wire};

use wsvet::{
    Event, Frame, Header, OpCode, Policy, Role, Rule, StreamDecoder, Validator, Violation, mask,
};

/// All rules that are found without a look into compressed messages: what breaks the one that is
/// left out is found by `wsvet::deflate` alone, and `tests/deflate.rs` has it.
pub fn rules() -> impl Iterator<Item = Rule> {
    Rule::ALL.iter().copied().filter(|rule| *rule != Rule::InvalidDeflate)
}

/// A violation as the naive judge gives it.
pub fn place(violation: Violation) -> (Rule, u64) {
    (violation.rule, violation.offset)
}

/// What a stream is in the end: whole messages and control frames, and why it ended.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    pub messages: Vec<(OpCode, Vec<u8>)>,
    /// The message that is not finished; empty after a violation, because how much of the frame
    /// that breaks a rule is given before it depends on the chunks.
    pub open: Vec<u8>,
    pub violation: Option<Violation>,
    /// What the stream breaks if it ends here, where it has broken nothing before.
    pub end: Option<Violation>,
    /// The message that is open to the validator, and whether a Close has arrived. After a
    /// violation it is not compared: whether the state includes the header depends on the cuts.
    pub state: (Option<OpCode>, bool),
}

/// Runs a `StreamDecoder` over the stream in chunks of these sizes, the last one repeated.
pub fn decode(policy: Policy, stream: &[u8], sizes: &[usize]) -> Outcome {
    let mut decoder = StreamDecoder::new(policy);
    let mut outcome = Outcome::default();
    let mut stream = stream.to_vec();
    let mut rest = &mut stream[..];
    let mut sizes = sizes.iter().copied().chain(std::iter::repeat(*sizes.last().unwrap()));
    while !rest.is_empty() {
        let size = sizes.next().unwrap().clamp(1, rest.len());
        let (mut chunk, later) = rest.split_at_mut(size);
        rest = later;
        while !chunk.is_empty() {
            let len = chunk.len();
            match decoder.decode(chunk) {
                Ok((used, event)) => {
                    assert!(event.is_some() || used == len, "no event before the end");
                    outcome.take(event);
                    chunk = &mut chunk[used..];
                }
                Err(violation) => {
                    let validator = decoder.validator();
                    outcome.violation = Some(violation);
                    outcome.state = (None, false);
                    let header = Header::MAX_LEN as u64;
                    assert!(violation.offset < validator.offset() + header, "it was judged");
                    outcome.open.clear();
                    assert_eq!(decoder.decode(&mut []), Err(violation), "it stays");
                    assert_eq!(decoder.eof(), Err(violation), "it stays at the end");
                    return outcome;
                }
            }
        }
    }
    outcome.state = (decoder.validator().open_message(), decoder.validator().is_closed());
    outcome.end = decoder.eof().err();
    outcome
}

impl Outcome {
    /// Takes a whole, plain frame that breaks nothing.
    pub fn take_frame(&mut self, frame: &Frame<&[u8]>) {
        let (opcode, payload) = (frame.header.opcode(), frame.payload);
        if opcode.is_control() {
            self.messages.push((opcode, payload.to_vec()));
            return;
        }
        if opcode.starts_message() {
            self.state.0 = Some(opcode);
        }
        self.open.extend_from_slice(payload);
        if frame.header.fin() {
            let opcode = self.state.0.take().expect("a message is open");
            self.messages.push((opcode, std::mem::take(&mut self.open)));
        }
    }

    fn take(&mut self, event: Option<Event<'_>>) {
        match event {
            None => {}
            Some(Event::Data { opcode, bytes, end, .. }) => {
                assert!(end || !bytes.is_empty(), "an empty fragment is no event");
                self.open.extend_from_slice(bytes);
                if end {
                    self.messages.push((opcode, std::mem::take(&mut self.open)));
                }
            }
            Some(Event::Ping(body)) => self.messages.push((OpCode::Ping, body.to_vec())),
            Some(Event::Pong(body)) => self.messages.push((OpCode::Pong, body.to_vec())),
            Some(Event::Close(close)) => {
                let body = close.map_or(Vec::new(), |close| {
                    [&close.code.0.to_be_bytes(), close.reason.as_bytes()].concat()
                });
                self.messages.push((OpCode::Close, body));
            }
            Some(event) => panic!("an event that the tests do not know: {event:?}"),
        }
    }
}

/// Judges a stream by hand with `Header::decode`, `mask` and `Validator`: the whole frames, and the
/// violation.
pub fn validate(policy: Policy, stream: &[u8]) -> (Vec<(u64, Header)>, Option<Violation>) {
    let mut validator = Validator::new(policy);
    let mut frames = Vec::new();
    let mut rest = stream;
    let violation = loop {
        let Ok((header, after)) = Header::decode(rest) else {
            break validator.cut_header(rest).err();
        };
        let start = validator.offset();
        let len = header.payload_len().min(after.len() as u64) as usize;
        let (payload, after) = after.split_at(len);
        let mut plain = payload.to_vec();
        if let Some(key) = header.masking_key() {
            mask::apply(key, 0, &mut plain);
        }
        let judged = validator.begin(&header).and_then(|()| validator.payload(&plain));
        if let Err(violation) = judged {
            break Some(violation);
        }
        if (len as u64) < header.payload_len() {
            break None;
        }
        if let Err(violation) = validator.finish() {
            break Some(violation);
        }
        frames.push((start, header));
        rest = after;
    };
    (frames, violation)
}
