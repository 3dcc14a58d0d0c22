//! What this crate's peers make of a stream.

#![allow(unreachable_pub)] // the fuzz targets are crates of their own

use std::{fmt, io};

use bytes::BytesMut;
use sockudo_ws::protocol::Protocol;
use tungstenite::error::ProtocolError;
use tungstenite::protocol::{WebSocketConfig, WebSocketContext};
use wsvet::{CloseCode, OpCode, Role};

/// The most payload bytes of a frame and of a message: lengths of all three forms are below it.
pub const LIMIT: usize = 70_000;

/// The Close that tungstenite gives in place of one whose code it refuses.
pub const REPLACEMENT: &[u8] = b"\x03\xEAProtocol violation";

/// What a peer makes of a stream in this role.
pub type Peer = fn(Role, &[u8]) -> Verdict;

/// The peers.
pub const PEERS: [(&str, Peer); 2] = [("tungstenite", tungstenite), ("sockudo-ws", sockudo)];

/// What somebody makes of a stream.
#[derive(PartialEq, Eq, Default)]
pub struct Verdict {
    /// Whole messages and control frames; a Close has its body.
    pub messages: Vec<(OpCode, Vec<u8>)>,
    /// The code that it is refused with, if it is.
    pub refused: Option<CloseCode>,
}

fn tungstenite(role: Role, stream: &[u8]) -> Verdict {
    use tungstenite::{Error, Message, protocol};

    let role = match role {
        Role::Client => protocol::Role::Client,
        Role::Server => protocol::Role::Server,
    };
    let config = WebSocketConfig::default()
        .max_frame_size(Some(LIMIT))
        .max_message_size(Some(LIMIT))
        .read_buffer_size(0);
    let mut context = WebSocketContext::from_partially_read(stream.to_vec(), role, Some(config));
    let mut messages = Vec::new();
    let error = loop {
        messages.push(match context.read(&mut io::empty()) {
            Ok(Message::Text(text)) => (OpCode::Text, text.as_bytes().to_vec()),
            Ok(Message::Binary(bytes)) => (OpCode::Binary, bytes.to_vec()),
            Ok(Message::Ping(body)) => (OpCode::Ping, body.to_vec()),
            Ok(Message::Pong(body)) => (OpCode::Pong, body.to_vec()),
            Ok(Message::Close(close)) => {
                (OpCode::Close, close.map_or(Vec::new(), |c| body(c.code.into(), &c.reason)))
            }
            Ok(Message::Frame(frame)) => panic!("frames are only written: {frame}"),
            Err(error) => break error,
        });
    };
    let refused = match error {
        Error::ConnectionClosed | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            None
        }
        Error::Protocol(_) => Some(CloseCode::PROTOCOL_ERROR),
        Error::Utf8(_) => Some(CloseCode::INVALID_FRAME_PAYLOAD_DATA),
        Error::Capacity(_) => Some(CloseCode::MESSAGE_TOO_BIG),
        error => panic!("nothing else can fail: {error}"),
    };
    Verdict { messages, refused }
}

fn sockudo(role: Role, stream: &[u8]) -> Verdict {
    use sockudo_ws::{Error, Message};

    let role = match role {
        Role::Client => sockudo_ws::Role::Client,
        Role::Server => sockudo_ws::Role::Server,
    };
    let mut given = Vec::new();
    let mut protocol = Protocol::new(role, LIMIT, LIMIT);
    let judged = protocol.process_into(&mut BytesMut::from(stream), &mut given);
    let messages = given.into_iter().map(|message| match message {
        Message::Text(text) => (OpCode::Text, text.to_vec()),
        Message::Binary(bytes) => (OpCode::Binary, bytes.to_vec()),
        Message::Ping(body) => (OpCode::Ping, body.to_vec()),
        Message::Pong(body) => (OpCode::Pong, body.to_vec()),
        Message::Close(close) => {
            (OpCode::Close, close.map_or(Vec::new(), |c| body(c.code, &c.reason)))
        }
    });
    let refused = judged.err().map(|error| match error {
        Error::Protocol(_) | Error::InvalidFrame(_) | Error::InvalidCloseCode(_) => {
            CloseCode::PROTOCOL_ERROR
        }
        Error::InvalidUtf8 => CloseCode::INVALID_FRAME_PAYLOAD_DATA,
        Error::FrameTooLarge | Error::MessageTooLarge => CloseCode::MESSAGE_TOO_BIG,
        error => panic!("nothing else can fail: {error}"),
    });
    Verdict { messages: messages.collect(), refused }
}

/// The body of a Close that has a code.
fn body(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (opcode, payload) in &self.messages {
            write!(f, "{opcode:?} {}, ", Hex(payload))?;
        }
        match self.refused {
            Some(code) => write!(f, "refused with {}", code.0),
            None => f.write_str("not refused"),
        }
    }
}

/// Bytes, as hex.
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
