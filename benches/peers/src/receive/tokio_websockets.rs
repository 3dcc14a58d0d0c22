//! tokio-websockets: its `WebSocketStream`, a `Stream` of messages over a stream of bytes.

use futures_util::StreamExt;
use tokio_websockets::{ServerBuilder, WebSocketStream};

use super::Receive;
use super::memory::{Memory, complete};
use super::sink::{Kind, Sink};
use super::workloads::Workload;
use crate::contender::{About, Judges};

/// `WebSocketStream::next`.
pub struct TokioWebsockets;

impl Receive for TokioWebsockets {
    const ABOUT: About = About {
        name: "tokio-websockets",
        package: "tokio-websockets",
        interface: "ServerBuilder::serve over a tokio AsyncRead, then Stream::next",
        does: "unmasks in place; checks RSV, opcodes, masks, lengths, control frames, the order \
               of fragments, UTF-8 (simdutf8) and Close",
        differs: "copies the stream into its buffer, which starts with 8 KiB; joins fragments by \
                  copying; answers Ping; a text that ends inside a character passes where its last \
                  fragment is empty",
        judges: Judges::ALL,
    };

    type Input = WebSocketStream<Memory>;

    fn prepare(workload: &Workload) -> Self::Input {
        ServerBuilder::new().serve(Memory::new(workload))
    }

    fn receive(socket: &mut Self::Input, sink: &mut impl Sink) -> Result<(), String> {
        complete(async {
            while let Some(message) = socket.next().await {
                let message = message.map_err(|e| e.to_string())?;
                let (text, binary) = (message.is_text(), message.is_binary());
                let payload = message.into_payload();
                if text {
                    sink.data(Kind::Text, &payload, true);
                } else if binary {
                    sink.data(Kind::Binary, &payload, true);
                }
            }
            Ok(())
        })
    }
}
