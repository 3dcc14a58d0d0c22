//! tungstenite: its `WebSocketContext`, which is handed the bytes as if read with the handshake.

use tungstenite::Message;
use tungstenite::protocol::{Role, WebSocketContext};

use super::Receive;
use super::arriving::room;
use super::memory::Memory;
use super::sink::{Kind, Sink};
use super::workloads::Workload;
use crate::contender::{About, Judges};

/// `WebSocketContext::read`.
pub struct Tungstenite;

impl Receive for Tungstenite {
    const ABOUT: About = About {
        name: "tungstenite",
        package: "tungstenite",
        interface: "WebSocketContext::from_partially_read (in chunks: new), then read",
        does: "unmasks in place; checks RSV, opcodes, masks, control frames, the order of \
               fragments, UTF-8 (std) and Close; takes messages off its buffer without a copy",
        differs: "accepts lengths that are not minimal; joins fragments by copying; answers Ping; \
                  zeroes what is free of its buffer, 128 KiB unless told \
                  otherwise, before each read",
        judges: Judges { headers: false, ..Judges::ALL },
    };

    type Input = (WebSocketContext, Memory);

    fn prepare(workload: &Workload) -> Self::Input {
        if workload.is_whole() {
            let bytes = room(workload);
            (WebSocketContext::from_partially_read(bytes, Role::Server, None), Memory::empty())
        } else {
            (WebSocketContext::new(Role::Server, None), Memory::new(workload))
        }
    }

    fn receive((context, stream): &mut Self::Input, sink: &mut impl Sink) -> Result<(), String> {
        loop {
            match context.read(stream) {
                Ok(Message::Text(text)) => sink.data(Kind::Text, text.as_bytes(), true),
                Ok(Message::Binary(bytes)) => sink.data(Kind::Binary, &bytes, true),
                Ok(_) => {}
                Err(tungstenite::Error::Protocol(
                    tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
                )) => return Ok(()),
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}
