//! fastwebsockets: its `FragmentCollector`, which reads from a stream and judges whole messages.

use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket, WebSocketError};

use super::Receive;
use super::memory::{Memory, complete};
use super::sink::{Kind, Sink};
use super::workloads::Workload;
use crate::contender::{About, Judges};

/// `FragmentCollector::read_frame`.
pub struct Fastwebsockets;

impl Receive for Fastwebsockets {
    const ABOUT: About = About {
        name: "fastwebsockets",
        package: "fastwebsockets",
        interface: "FragmentCollector::read_frame over a tokio AsyncRead",
        does: "unmasks in place; checks RSV, opcodes, fragmented control frames, the length of \
               Ping, the order of fragments, UTF-8 (simdutf8; in fragments std) and Close",
        differs: "copies the stream into its buffer; accepts frames without a mask, lengths that \
                  are not minimal, Pong and Close over 125 bytes, a fragmented message that \
                  starts inside another, and one that ends inside a character; joins fragments \
                  by copying; answers Ping and does not give it",
        judges: Judges { headers: false, ..Judges::ALL },
    };

    type Input = FragmentCollector<Memory>;

    fn prepare(workload: &Workload) -> Self::Input {
        let stream = Memory::new(workload);
        FragmentCollector::new(WebSocket::after_handshake(stream, Role::Server))
    }

    fn receive(socket: &mut Self::Input, sink: &mut impl Sink) -> Result<(), String> {
        complete(async {
            loop {
                match socket.read_frame().await {
                    Ok(frame) => match frame.opcode {
                        OpCode::Text => sink.data(Kind::Text, &frame.payload, true),
                        OpCode::Binary => sink.data(Kind::Binary, &frame.payload, true),
                        _ => {}
                    },
                    Err(WebSocketError::UnexpectedEOF) => return Ok(()),
                    Err(error) => return Err(error.to_string()),
                }
            }
        })
    }
}
