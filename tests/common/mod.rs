//! What the tests share: streams from parts, and a whole-stream run of the crate's own parts.
#![allow(dead_code, unreachable_pub)] // each test binary uses its own share

#[cfg(feature = "deflate")]
pub mod deflate;
pub mod reference;
pub mod vectors;

use wsvet::{
    Decoder, Event, FrameRef, Header, OpCode, Policy, Role, Rule, Validator, Violation, mask,
};

/// Runs the tool with this on its standard input; it has to be built, with the feature `cli`.
pub fn run(args: &[&str], input: &[u8]) -> std::process::Output {
    use std::io::Write;
    use std::process::{Command, Stdio};

    let Some(tool) = option_env!("CARGO_BIN_EXE_wsvet") else { panic!("needs the feature `cli`") };
    let mut child = Command::new(tool)
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // The tool need not read all of it, and writes while it reads.
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().unwrap()
    })
}

/// All rules that are found without a look into compressed messages: what breaks the one that is
/// left out is found by `wsvet::deflate` alone, and `tests/deflate.rs` has it.
pub fn rules() -> impl Iterator<Item = Rule> {
    Rule::ALL.iter().copied().filter(|rule| *rule != Rule::InvalidDeflate)
}

/// A violation as the naive judge gives it.
pub fn place(violation: Violation) -> (Rule, u64) {
    (violation.rule, violation.offset)
}

/// Bytes from hex, white space between.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// A frame as `sender` sends it: a client masks it.
pub fn frame(sender: Role, header: Header, plain: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
    let header = if sender == Role::Client { header.masked(KEY) } else { header };
    wire(&header, plain)
}

/// A frame with this header, its payload masked where the header has a key.
pub fn wire(header: &Header, plain: &[u8]) -> Vec<u8> {
    let mut out = [0; Header::MAX_LEN];
    let len = header.encode(&mut out);
    let mut payload = plain.to_vec();
    if let Some(key) = header.masking_key() {
        mask::apply(key, 0, &mut payload);
    }
    [&out[..len], &payload].concat()
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
    /// The message that is open to the validator, and whether a Close has begun.
    pub state: (Option<OpCode>, bool),
}

/// Runs a `Decoder` over the stream in chunks of these sizes, the last one repeated.
pub fn decode(policy: Policy, stream: &[u8], sizes: &[usize]) -> Outcome {
    let mut decoder = Decoder::new(policy);
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
                    outcome.state = (validator.open_message(), validator.is_closed());
                    assert!(violation.offset < validator.offset(), "it was judged");
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
    pub fn take_frame(&mut self, frame: &FrameRef<'_>) {
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
        let Ok((header, after)) = Header::decode(rest) else { break None };
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
