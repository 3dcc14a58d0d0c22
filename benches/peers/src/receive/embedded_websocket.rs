//! embedded-websocket: its `WebSocket::read`, from one slice into another.

use embedded_websocket::{
    WebSocketReceiveMessageType as MessageType, WebSocketServer, WebSocketState,
};

use super::Receive;
use super::sink::{Kind, Sink};
use super::workloads::Workload;
use crate::contender::{About, Judges};

/// `WebSocket::read`.
pub struct EmbeddedWebsocket;

impl Receive for EmbeddedWebsocket {
    const ABOUT: About = About {
        name: "embedded-websocket",
        package: "embedded-websocket",
        interface: "WebSocket::read from &[u8] into &mut [u8]",
        does: "copies the payload out while it unmasks it, a byte at a time; checks reserved \
               opcodes, and that a continuation continues something; allocates nothing",
        differs: "checks neither RSV nor masks nor lengths nor control frames nor interrupted \
                  messages nor UTF-8 nor the code of a Close; joins nothing",
        judges: Judges::NOTHING,
    };

    const NOT_IN_PIECES: Option<&'static str> = Some(
        "it keeps no cut header, and never ends a cut frame that is not the last of its message",
    );

    type Input = (WebSocketServer, Vec<u8>, Vec<u8>);

    fn prepare(workload: &Workload) -> Self::Input {
        let mut socket = WebSocketServer::new_server();
        socket.state = WebSocketState::Open;
        (socket, workload.bytes.clone(), vec![0; workload.longest.max(1)])
    }

    fn receive(
        (socket, bytes, payload): &mut Self::Input,
        sink: &mut impl Sink,
    ) -> Result<(), String> {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let read = socket.read(rest, payload).map_err(|e| e.to_string())?;
            rest = &rest[read.len_from..];
            let kind = match read.message_type {
                MessageType::Text => Kind::Text,
                MessageType::Binary => Kind::Binary,
                _ => continue,
            };
            sink.data(kind, &payload[..read.len_to], read.end_of_message);
        }
        Ok(())
    }
}
