//! What `tests/c/inflating.c` reads, and what it must print: the same by the crate itself.

use std::fmt::Write;

use wsvet::deflate::{Parameters, StreamDecoder};
use wsvet::{Event, Header, OpCode, Policy, Role};

/// A stream, who receives it, the limit, the context takeovers that are given up, and the size of the
/// chunks.
pub(crate) struct Compressed {
    role: Role,
    max_message: u64,
    given_up: [bool; 2],
    size: usize,
    bytes: Vec<u8>,
}

impl Compressed {
    fn parameters(&self) -> Parameters {
        let [server, client] = self.given_up;
        Parameters::new().server_no_context_takeover(server).client_no_context_takeover(client)
    }

    fn policy(&self) -> Policy {
        Policy::new(self.role).max_message(self.max_message)
    }
}

/// Messages of both kinds, compressed, in fragments and not, with a Ping between and a Close behind;
/// and the same with a byte changed here and there.
pub(crate) fn streams() -> Vec<Compressed> {
    let mut streams = Vec::new();
    for role in [Role::Client, Role::Server] {
        for given_up in [[false; 2], [true; 2]] {
            for (size, max_message) in [(1, u64::MAX), (7, 15_000), (1 << 20, u64::MAX), (100, 99)]
            {
                let sent = Compressed { role, max_message, given_up, size, bytes: Vec::new() };
                let bytes = stream(&sent);
                for at in (0..bytes.len()).step_by(41) {
                    let mut bytes = bytes.clone();
                    bytes[at] ^= 1 << (at % 8);
                    streams.push(Compressed { bytes, ..sent });
                }
                streams.push(Compressed { bytes: bytes[..bytes.len() / 2].to_vec(), ..sent });
                streams.push(Compressed { bytes, ..sent });
            }
        }
    }
    streams
}

fn stream(sent: &Compressed) -> Vec<u8> {
    let sender = sent.role.peer();
    let frame = |header, payload: &[u8]| super::common::frame(sender, header, payload);
    let mut deflater = sent.parameters().deflater(sender);
    let mut bytes = Vec::new();
    for (opcode, plain) in [
        (OpCode::Text, "grüße, grüße".as_bytes().to_vec()),
        (OpCode::Binary, vec![7; 20_000]),
        (OpCode::Text, "grüße, grüße".as_bytes().to_vec()),
        (OpCode::Text, Vec::new()),
    ] {
        let mut payload = Vec::new();
        deflater.deflate(&plain, true, &mut payload);
        let (start, rest) = payload.split_at(payload.len() / 2);
        let header = Header::new(opcode, start.len() as u64).with_rsv(4).not_final();
        bytes.extend(frame(header, start));
        bytes.extend(frame(Header::new(OpCode::Ping, 2), b"hi"));
        bytes.extend(frame(Header::new(OpCode::Continuation, rest.len() as u64), rest));
        bytes.extend(frame(Header::new(OpCode::Text, 5), b"plain"));
    }
    bytes.extend(frame(Header::new(OpCode::Close, 5), b"\x03\xE9bye"));
    bytes
}

pub(crate) fn input(sent: &Compressed) -> Vec<u8> {
    let role = match sent.role {
        Role::Client => 1,
        Role::Server => 2,
    };
    [
        &[role][..],
        &sent.max_message.to_le_bytes(),
        &sent.given_up.map(u8::from),
        &(sent.size as u64).to_le_bytes(),
        &(sent.bytes.len() as u64).to_le_bytes(),
        &sent.bytes,
    ]
    .concat()
}

pub(crate) fn output(sent: &Compressed) -> String {
    let mut decoder = StreamDecoder::new(sent.policy(), sent.parameters());
    let (mut out, mut open) = (String::new(), false);
    let mut each = |event: Event<'_>| {
        let (kind, opcode, bytes, end, code) = match event {
            Event::Data { opcode, bytes, end, .. } => (1, opcode, bytes, end, 0),
            Event::Ping(payload) => (2, OpCode::Ping, payload, true, 0),
            Event::Pong(payload) => (3, OpCode::Pong, payload, true, 0),
            Event::Close(close) => {
                let reason = close.map_or("", |close| close.reason).as_bytes();
                (4, OpCode::Close, reason, true, close.map_or(0, |close| close.code.0))
            }
            event => panic!("an event that C does not know: {event:?}"),
        };
        if !open {
            write!(out, "{kind} {} ", opcode as u8).unwrap();
        }
        out.extend(bytes.iter().map(|byte| format!("{byte:02x}")));
        if end {
            writeln!(out, " {code}").unwrap();
        }
        open = !end;
    };
    let mut bytes = sent.bytes.clone();
    let mut chunks = bytes.chunks_mut(sent.size);
    let violation = chunks.find_map(|chunk| decoder.decode(chunk, &mut each).err());
    if open {
        out += " open\n";
    }
    let violation = violation.or_else(|| decoder.eof().err());
    let (rule, at) = violation.map_or((String::new(), 0), |it| (it.rule.to_string(), it.offset));
    let offset = decoder.validator().frames().offset();
    writeln!(out, "{rule} {at} of {offset}\n").unwrap();
    out
}
