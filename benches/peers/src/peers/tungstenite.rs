//! tungstenite: its `WebSocketContext`, which is handed the bytes as if read with the handshake.

use std::io::{self, Empty};

use tungstenite::Message;
use tungstenite::protocol::{Role, WebSocketContext};

use super::{About, Peer, room};
use crate::sink::{Kind, Sink};
use crate::workloads::Workload;

/// `WebSocketContext::read`.
pub struct Tungstenite;

impl Peer for Tungstenite {
    const ABOUT: About = About {
        name: "tungstenite",
        package: "tungstenite",
        interface: "WebSocketContext::from_partially_read, then read",
        does: "unmasks in place; checks RSV, opcodes, masks, control frames, the order of \
               fragments, UTF-8 (std) and Close; takes messages off its buffer without a copy",
        differs: "accepts lengths that are not minimal; joins fragments by copying; answers Ping",
    };

    type Input = (WebSocketContext, Empty);

    fn prepare(workload: &Workload) -> Self::Input {
        let bytes = room(workload);
        (WebSocketContext::from_partially_read(bytes, Role::Server, None), io::empty())
    }

    fn receive((context, end): &mut Self::Input, sink: &mut impl Sink) -> Result<(), String> {
        loop {
            match context.read(end) {
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
