//! Tests a server on tungstenite with the cases of `wsvet probe`, in memory.
//!
//! ```sh
//! cargo run --features cases --example probe_tungstenite
//! cargo test --features cases --example probe_tungstenite
//! ```
//!
//! To test another stack, write another [`Server`]. Nothing else knows of tungstenite. It gets only the
//! cases that come after the opening handshake, and compresses nothing: the others need a server that reads
//! the request of [`Case::request`].

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;

use tungstenite::WebSocket;
use tungstenite::protocol::Role;
use wsvet::generate::{Answer, Case, Level, Setup, Step};
use wsvet::{CloseCode, CloseFrame, Event, OpCode, Policy, StreamDecoder, encode};

/// The masking key of all frames that are not of a case. Any will do.
const KEY: Option<[u8; 4]> = Some([0x37, 0xFA, 0x21, 0x3D]);

fn main() {
    for (level, id, failure) in failures() {
        println!("{level:<8} {id:<36} {failure}");
    }
}

/// A server that sends each message back.
struct Server {
    socket: WebSocket<Memory>,
    /// Whether it has ended TCP.
    ended: bool,
}

impl Server {
    fn new() -> Self {
        let socket = WebSocket::from_raw_socket(Memory::default(), Role::Server, None);
        Self { socket, ended: false }
    }

    /// Takes what arrives in a segment, and does all that is to do.
    fn receive(&mut self, segment: &[u8]) {
        self.socket.get_mut().arrived.extend(segment);
        self.run();
    }

    /// Learns that the client has ended its side of TCP.
    fn end(&mut self) {
        self.socket.get_mut().is_over = true;
        self.run();
    }

    /// Takes the bytes that it has sent since the last call.
    fn take_sent(&mut self) -> Vec<u8> {
        mem::take(&mut self.socket.get_mut().sent)
    }

    fn run(&mut self) {
        while !self.ended {
            match self.socket.read() {
                Ok(message) if message.is_text() || message.is_binary() => {
                    self.ended = self.socket.send(message).is_err();
                }
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    return;
                }
                Err(_) => self.ended = true,
            }
        }
    }
}

/// A stream in memory.
#[derive(Default)]
struct Memory {
    arrived: VecDeque<u8>,
    sent: Vec<u8>,
    is_over: bool,
}

impl Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.arrived.is_empty() && !self.is_over {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.arrived.read(buffer)
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sent.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a server does wrong, and what that breaks.
struct Failure(Level, String);

/// Plays all cases, and returns what the server fails.
fn failures() -> Vec<(Level, String, String)> {
    let cases = Case::all(&Setup::new("example.com", "/"));
    let fits = |case: &&Case| {
        let opens = case.about_opening || case.answer != Answer::Accept;
        !opens && !case.needs.deflate && !case.stress
    };
    let failure = |case: &Case| {
        let Failure(level, failure) = Prober::new().play(case).err()?;
        Some((level.max(case.level), case.id.clone(), failure))
    };
    cases.iter().filter(fits).filter_map(failure).collect()
}

/// A client that plays a case, and what came of the server and is not used yet.
struct Prober {
    server: Server,
    decoder: StreamDecoder,
    messages: VecDeque<(OpCode, Vec<u8>)>,
    /// The message whose end did not come yet.
    message: Vec<u8>,
    pongs: VecDeque<Vec<u8>>,
    /// The code of the Close frame, if one came.
    close: Option<Option<CloseCode>>,
    /// Whether a Ping or another Close frame came after it.
    more_after_close: bool,
}

impl Prober {
    fn new() -> Self {
        Self {
            server: Server::new(),
            decoder: StreamDecoder::new(Policy::new(wsvet::Role::Client)),
            messages: VecDeque::new(),
            message: Vec::new(),
            pongs: VecDeque::new(),
            close: None,
            more_after_close: false,
        }
    }

    fn play(mut self, case: &Case) -> Result<(), Failure> {
        for step in &case.steps {
            match step {
                Step::Send(segments) => {
                    segments.iter().try_for_each(|segment| self.send(segment))?;
                }
                Step::GoOn => self.go_on()?,
                Step::Pong(payload) => self.pong(payload)?,
                // This server sends back whatever it gets.
                Step::Echo(opcode, payload) | Step::MayEcho(opcode, payload) => {
                    self.echo(*opcode, payload)?;
                }
                Step::Refuse(codes) => self.refuse(codes)?,
                // A server that waits for the end of the message does what the RFC permits.
                Step::RefuseEarly(_) if !self.is_closed() => {}
                Step::RefuseEarly(codes) => return self.refuse(codes),
                Step::NoPong(payload) if self.pongs.contains(payload) => {
                    return must("it refused, but also answered a Ping that came later");
                }
                Step::NoPong(_) => {}
                Step::Silence if self.more_after_close => {
                    let failure = "a Ping or another Close after its Close".to_owned();
                    return Err(Failure(Level::Quality, failure));
                }
                Step::Silence => {}
                Step::Close(code) => self.close(*code, case.refusal)?,
                Step::EndSending => {
                    self.server.end();
                    self.read()?;
                }
                Step::End => self.end()?,
                // There is no TCP here.
                Step::NoReset => {}
                step => panic!("{}: {step:?} is not known here", case.id),
            }
        }
        Ok(())
    }

    /// Sends a segment, and reads what the server sends because of it.
    fn send(&mut self, segment: &[u8]) -> Result<(), Failure> {
        self.server.receive(segment);
        self.read()
    }

    fn read(&mut self) -> Result<(), Failure> {
        let mut bytes = self.server.take_sent();
        let mut rest = &mut bytes[..];
        while !rest.is_empty() {
            let (used, event) = self.decoder.decode(rest).map_err(|violation| {
                Failure(Level::Must, format!("its own frames break a rule: {violation}"))
            })?;
            match event {
                Some(Event::Data { opcode, bytes, end, .. }) => {
                    self.message.extend_from_slice(bytes);
                    if end {
                        self.messages.push_back((opcode, mem::take(&mut self.message)));
                    }
                }
                Some(Event::Ping(_) | Event::Close(_)) if self.close.is_some() => {
                    self.more_after_close = true;
                }
                Some(Event::Pong(payload)) => self.pongs.push_back(payload.to_vec()),
                Some(Event::Close(close)) => self.close = Some(close.map(|close| close.code)),
                _ => {}
            }
            rest = &mut rest[used..];
        }
        Ok(())
    }

    fn is_closed(&self) -> bool {
        self.close.is_some() || self.server.ended
    }

    /// Says how the server closed the connection, or that it did not.
    fn ending(&self) -> String {
        match self.close {
            Some(Some(code)) => format!("a Close with {}", code.0),
            Some(None) => "a Close without a code".to_owned(),
            None if self.server.ended => "the end of TCP without a Close".to_owned(),
            None => "nothing".to_owned(),
        }
    }

    /// Sends a Ping.
    fn ping(&mut self, payload: &[u8]) -> Result<(), Failure> {
        let mut frame = Vec::new();
        encode::append_single(OpCode::Ping, payload, KEY, &mut frame).expect("a Ping is short");
        self.send(&frame)
    }

    /// The server must answer a Ping.
    fn go_on(&mut self) -> Result<(), Failure> {
        self.ping(b"still there?")?;
        self.pong(b"still there?")
    }

    /// The Pong with this payload must have come. The server may leave out those before it.
    fn pong(&mut self, payload: &[u8]) -> Result<(), Failure> {
        while let Some(pong) = self.pongs.pop_front() {
            if pong == payload {
                return Ok(());
            }
        }
        must(&format!("no Pong, but {}", self.ending()))
    }

    /// This message must have come next.
    fn echo(&mut self, opcode: OpCode, payload: &[u8]) -> Result<(), Failure> {
        match self.messages.pop_front() {
            Some(message) if message == (opcode, payload.to_vec()) => Ok(()),
            Some(_) => must("another message than was sent"),
            None => must(&format!("no message, but {}", self.ending())),
        }
    }

    /// The server must have refused what was sent, and should have sent one of these codes.
    fn refuse(&mut self, codes: &[CloseCode]) -> Result<(), Failure> {
        if !self.is_closed() {
            self.ping(b"did you accept it?")?;
        }
        if !self.messages.is_empty() {
            return must("it delivered what breaks a rule");
        }
        match self.close {
            _ if !self.is_closed() => must("it accepted what breaks a rule"),
            Some(Some(code)) if codes.contains(&code) => Ok(()),
            _ => Err(Failure(Level::Should, self.ending())),
        }
    }

    /// The server must have answered the Close frame, usually with this code, and ended TCP.
    /// Another one refuses what was sent.
    fn close(&mut self, due: Option<CloseCode>, refusal: Level) -> Result<(), Failure> {
        let refusals = [CloseCode::PROTOCOL_ERROR, CloseCode::INVALID_FRAME_PAYLOAD_DATA];
        match self.close {
            None => must(&format!("no Close, but {}", self.ending())),
            Some(code) if code != due && code.is_some_and(|code| refusals.contains(&code)) => {
                Err(Failure(refusal, self.ending()))
            }
            Some(_) if !self.server.ended => must("TCP is still open"),
            Some(code) if due.is_some() && code != due => {
                Err(Failure(Level::Quality, self.ending()))
            }
            Some(_) => Ok(()),
        }
    }

    /// The server must end TCP. If it has sent a Close frame, it gets an answer first.
    fn end(&mut self) -> Result<(), Failure> {
        if let Some(code) = self.close {
            let close = CloseFrame::new(code.unwrap_or(CloseCode::NORMAL_CLOSURE), "");
            let mut frame = Vec::new();
            encode::append_close(&close, KEY, &mut frame).expect("a code that came is legal");
            self.send(&frame)?;
        }
        if self.server.ended { Ok(()) } else { must("TCP is still open") }
    }
}

fn must(failure: &str) -> Result<(), Failure> {
    Err(Failure(Level::Must, failure.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases in which tungstenite 0.30 breaks a MUST of the RFC.
    const KNOWN: [&str; 16] = [
        // It takes a length in any form (§5.2), also of a control frame (§5.5).
        "control/length-in-16-bits-ping",
        "control/length-in-64-bits-ping",
        "control/length-in-16-bits-pong",
        "control/length-in-64-bits-pong",
        "length-form/0-in-16-bits",
        "length-form/1-in-16-bits",
        "length-form/124-in-16-bits",
        "length-form/125-in-16-bits",
        "length-form/0-in-64-bits",
        "length-form/1-in-64-bits",
        "length-form/125-in-64-bits",
        "length-form/126-in-64-bits",
        "length-form/127-in-64-bits",
        "length-form/65534-in-64-bits",
        "length-form/65535-in-64-bits",
        "length-form/continuation",
    ];

    #[test]
    fn the_server_fails_only_what_is_known() {
        let failures = failures();
        let must = failures.iter().filter(|(level, ..)| *level == Level::Must);
        let ids: Vec<_> = must.map(|(_, id, _)| &**id).collect();
        assert_eq!(ids, KNOWN);
    }
}
