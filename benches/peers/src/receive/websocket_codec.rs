//! websocket-codec: its `MessageCodec`, which takes messages off a buffer.

use tokio_util::codec::Decoder;
use websocket_codec::{MessageCodec, Opcode};

use super::Receive;
use super::arriving::Arriving;
use super::sink::{Kind, Sink};
use super::workloads::Workload;
use crate::contender::{About, Judges};

/// `MessageCodec::decode`.
pub struct WebsocketCodec;

impl Receive for WebsocketCodec {
    const ABOUT: About = About {
        name: "websocket-codec",
        package: "websocket-codec",
        interface: "MessageCodec::decode over BytesMut",
        does: "unmasks in place; checks RSV, opcodes, lengths, control frames, the order of \
               fragments and UTF-8 (std, when a message is whole); takes messages off the \
               buffer without a copy",
        differs: "accepts frames without a mask, frames after a Close, and any body of a Close; \
                  joins fragments by copying",
        judges: Judges { headers: false, ..Judges::ALL },
    };

    type Input = (MessageCodec, Arriving);

    fn prepare(workload: &Workload) -> Self::Input {
        (MessageCodec::server(), Arriving::new(workload))
    }

    fn receive((codec, arriving): &mut Self::Input, sink: &mut impl Sink) -> Result<(), String> {
        loop {
            let buffer = &mut arriving.buffer;
            while let Some(message) = codec.decode(buffer).map_err(|e| e.to_string())? {
                match message.opcode() {
                    Opcode::Text => sink.data(Kind::Text, message.data(), true),
                    Opcode::Binary => sink.data(Kind::Binary, message.data(), true),
                    _ => {}
                }
            }
            if !arriving.more() {
                return Ok(());
            }
        }
    }
}
