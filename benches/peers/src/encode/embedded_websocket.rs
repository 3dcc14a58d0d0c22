//! embedded-websocket: its `WebSocket::write`, from one slice into another.

use embedded_websocket::{
    WebSocket, WebSocketClient, WebSocketSendMessageType, WebSocketServer, WebSocketState,
    WebSocketType,
};
use rand_core::RngCore;

use super::{Encode, Outgoing, room};
use crate::contender::{About, Judges};

/// `WebSocket::write`.
pub struct EmbeddedWebsocket;

impl Encode for EmbeddedWebsocket {
    const ABOUT: About = About {
        name: "embedded-websocket",
        package: "embedded-websocket",
        interface: "WebSocket::write from &[u8] into &mut [u8]",
        does: "copies the payload while it masks it, a byte at a time; allocates nothing",
        differs: "takes the key from a generator of the caller's, here a counter",
        judges: Judges::NOTHING,
    };

    type Output = (Socket, Vec<u8>, usize);

    fn prepare(outgoing: &Outgoing) -> Self::Output {
        let socket = if outgoing.masked {
            let mut socket = WebSocketClient::new_client(Counter(0));
            socket.state = WebSocketState::Open;
            Socket::Client(socket)
        } else {
            let mut socket = WebSocketServer::new_server();
            socket.state = WebSocketState::Open;
            Socket::Server(socket)
        };
        (socket, room(outgoing), 0)
    }

    fn encode((socket, out, at): &mut Self::Output, outgoing: &Outgoing) -> Result<(), String> {
        *at = match socket {
            Socket::Client(socket) => write(socket, out, outgoing)?,
            Socket::Server(socket) => write(socket, out, outgoing)?,
        };
        Ok(())
    }

    fn written((_, out, at): &Self::Output) -> &[u8] {
        &out[..*at]
    }
}

/// Either end, which are two types.
pub enum Socket {
    Client(WebSocketClient<Counter>),
    Server(WebSocketServer),
}

fn write<R: RngCore, T: WebSocketType>(
    socket: &mut WebSocket<R, T>,
    out: &mut [u8],
    outgoing: &Outgoing,
) -> Result<usize, String> {
    let mut at = 0;
    for (_, payload) in outgoing.frames() {
        at += socket
            .write(WebSocketSendMessageType::Binary, true, payload, &mut out[at..])
            .map_err(|e| e.to_string())?;
    }
    Ok(at)
}

/// Keys that cost nothing.
pub struct Counter(u32);

impl RngCore for Counter {
    fn next_u32(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9);
        self.0
    }

    fn next_u64(&mut self) -> u64 {
        self.next_u32().into()
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        for chunk in dest.chunks_mut(4) {
            chunk.copy_from_slice(&self.next_u32().to_le_bytes()[..chunk.len()]);
        }
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}
