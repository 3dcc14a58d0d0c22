//! What `tests/c/streams.c` reads, and what it must print: the same by the crate itself.

use std::fmt::Write;

use wsvet::{
    Accepts, Event, OpCode, Policy, Responder, Role, StreamDecoder, Violation,
    encode::MAX_CONTROL_LEN,
};

/// A stream, how it is judged, and the size of its chunks.
pub(crate) type Stream = (Policy, Vec<u8>, usize);

/// The streams with one byte changed, each at another place.
pub(crate) fn damaged(streams: &[Stream]) -> Vec<Stream> {
    let change = |(index, stream): (usize, &Stream)| {
        let (policy, mut bytes, size) = stream.clone();
        let at = index * 31 % bytes.len().max(1);
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << (index % 8);
        }
        (policy, bytes, size)
    };
    streams.iter().enumerate().map(change).collect()
}

/// Generated ones, legal and breaking every rule, under many policies.
#[cfg(feature = "arbitrary")]
pub(crate) fn generated() -> Vec<Stream> {
    use arbitrary::{Arbitrary, Unstructured};
    use wsvet::{Rule, generate};

    let mut streams = Vec::new();
    for seed in 0..200u32 {
        let mut number = seed.wrapping_mul(0x9E37_79B9) | 1;
        let random: Vec<u8> = std::iter::repeat_with(|| {
            number ^= number << 13;
            number ^= number >> 17;
            number ^= number << 5;
            number as u8
        })
        .take(600)
        .collect();
        let mut u = Unstructured::new(&random);
        let policy = Policy::arbitrary(&mut u).unwrap();
        let rule = Rule::ALL[seed as usize % Rule::ALL.len()];
        let stream = generate::Stream::breaking(policy, rule, &mut u)
            .or_else(|_| generate::Stream::legal(policy, &mut u))
            .unwrap();
        streams.push((policy, stream.bytes().to_vec(), 1 + seed as usize % 50));
    }
    streams
}

pub(crate) fn input((policy, bytes, size): &Stream) -> Vec<u8> {
    let role = match policy.role {
        Role::Client => 1,
        Role::Server => 2,
    };
    let accepts = match policy.accepts {
        Accepts::TextOnly => 1,
        Accepts::BinaryOnly => 2,
        _ => 0,
    };
    [
        &[role, accepts, policy.rsv, policy.negotiates_deflate().into()][..],
        &policy.max_fragments.to_le_bytes(),
        &policy.max_frame.to_le_bytes(),
        &policy.max_message.to_le_bytes(),
        &(*size as u64).to_le_bytes(),
        &(bytes.len() as u64).to_le_bytes(),
        bytes,
    ]
    .concat()
}

pub(crate) fn output((policy, bytes, size): &Stream) -> String {
    let mut out = String::new();
    let mut decoder = StreamDecoder::new(*policy);
    let violation = match decode(&mut decoder, policy.role, bytes, *size, &mut out) {
        Err(violation) => Err(violation),
        Ok(()) => {
            let end = decoder.eof();
            let offset = decoder.validator().offset();
            writeln!(out, "{offset} {}", verdict("eof", end)).unwrap();
            end
        }
    };
    out + &verdict("validator", violation) + "\n\n"
}

/// Decodes and answers all of it, and prints each step.
fn decode(
    decoder: &mut StreamDecoder,
    role: Role,
    bytes: &[u8],
    size: usize,
    out: &mut String,
) -> Result<(), Violation> {
    let key = match role {
        Role::Client => Some([0x37, 0xFA, 0x21, 0x3D]),
        Role::Server => None,
    };
    let mut responder = Responder::new();
    let mut answer = [0; MAX_CONTROL_LEN];
    let mut bytes = bytes.to_vec();
    for mut chunk in bytes.chunks_mut(size) {
        while !chunk.is_empty() {
            let (used, event) = match decoder.decode(chunk) {
                Ok(decoded) => decoded,
                Err(violation) => {
                    let close = responder.reply_to_violation(&violation, key, &mut answer);
                    writeln!(out, "{}{}", verdict("violation", Err(violation)), hex(close))
                        .unwrap();
                    return Err(violation);
                }
            };
            if let Some(event) = event {
                let answer = responder.reply(&event, key, &mut answer);
                let (answer, done) = (hex(answer), u8::from(responder.is_done()));
                writeln!(out, "event {}{answer} {done}", fields(&event)).unwrap();
            }
            chunk = &mut chunk[used..];
        }
    }
    Ok(())
}

fn fields(event: &Event<'_>) -> String {
    let (kind, opcode, rsv, end, code, bytes) = match event {
        Event::Data { opcode, bytes, end, rsv, .. } => (1, *opcode, *rsv, *end, 0, *bytes),
        Event::Ping(payload) => (2, OpCode::Ping, 0, true, 0, *payload),
        Event::Pong(payload) => (3, OpCode::Pong, 0, true, 0, *payload),
        Event::Close(None) => (4, OpCode::Close, 0, true, 0, &b""[..]),
        Event::Close(Some(close)) => {
            (4, OpCode::Close, 0, true, close.code.0, close.reason.as_bytes())
        }
        event => panic!("an event that C does not know: {event:?}"),
    };
    format!("{kind} {} {rsv} {} {code}{}", opcode as u8, u8::from(end), hex(bytes))
}

fn verdict(who: &str, judged: Result<(), Violation>) -> String {
    match judged {
        Ok(()) => format!("{who}  0"),
        Err(Violation { rule, offset, .. }) => format!("{who} {rule} {offset}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(" ".to_owned(), |hex, byte| hex + &format!("{byte:02x}"))
}
