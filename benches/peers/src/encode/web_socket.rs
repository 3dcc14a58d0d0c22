//! web-socket: its `WebSocket::send`, into a `Vec` that stands for the stream.

use web_socket::WebSocket;

use super::{Encode, Outgoing, room};
use crate::contender::{About, Judges};
use crate::receive::memory::complete;

/// `WebSocket::send`.
pub struct WebSocketPeer;

impl Encode for WebSocketPeer {
    const ABOUT: About = About {
        name: "web-socket",
        package: "web-socket",
        interface: "WebSocket::send to a tokio AsyncWrite, which is a Vec",
        does: "allocates a Vec for each masked frame, masks the payload into it a byte at a time, \
               and writes that; writes header and payload of an unmasked one at once",
        differs: "draws its own random key for each frame; grows the buffer where it must",
        judges: Judges::NOTHING,
    };

    type Output = WebSocket<Vec<u8>>;

    fn prepare(outgoing: &Outgoing) -> Self::Output {
        let mut out = room(outgoing);
        out.clear();
        if outgoing.masked { WebSocket::client(out) } else { WebSocket::server(out) }
    }

    fn encode(socket: &mut Self::Output, outgoing: &Outgoing) -> Result<(), String> {
        complete(async {
            for (_, payload) in outgoing.frames() {
                socket.send(payload).await.map_err(|e| e.to_string())?;
            }
            Ok(())
        })
    }

    fn written(socket: &Self::Output) -> &[u8] {
        &socket.stream
    }
}
