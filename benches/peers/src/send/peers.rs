//! Those that send to a stream.

use fastwebsockets::{Frame, Payload, WebSocket};
use futures_util::SinkExt;
use tokio_websockets::{ClientBuilder, ServerBuilder, WebSocketStream};
use wsvet::encode::SendBuffer;
use wsvet::{Policy, Role, codec};

use super::stream::Stream;
use super::{Messages, Send};
use crate::contender::{About, Judges};
use crate::receive::memory::complete;

/// `codec::Messages` into a `SendBuffer`.
pub struct Wsvet;

impl Send for Wsvet {
    const ABOUT: About = About {
        name: "wsvet",
        package: "wsvet",
        interface: "codec::Messages::encode into encode::SendBuffer, then write_to",
        does: "holds a payload of 4 KiB and more, and masks it in place; copies a shorter one",
        differs: "what the others are compared with: takes the key from the caller; keeps the \
                  state of the closing handshake",
        judges: Judges::NOTHING,
    };

    type Input = (codec::Messages, Vec<wsvet::Message>, SendBuffer, Stream);

    fn prepare(messages: &Messages, stream: Stream) -> Self::Input {
        let role = if messages.masked { Role::Client } else { Role::Server };
        let mut key = 0u32;
        let keys = move || {
            key = key.wrapping_add(0x9E37_79B9);
            key.to_le_bytes()
        };
        let codec = codec::Messages::new(Policy::new(role)).with_keys(keys);
        let owned = messages.payloads().map(wsvet::Message::binary).collect();
        (codec, owned, SendBuffer::new(), stream)
    }

    fn send((codec, messages, buffer, stream): &mut Self::Input) -> Result<(), String> {
        for message in messages.drain(..) {
            codec.encode(message, buffer).map_err(|e| e.to_string())?;
            while !buffer.is_empty() {
                buffer.write_to(stream).map_err(|e| e.to_string())?;
            }
        }
        Ok(())
    }

    fn stream(input: &mut Self::Input) -> &mut Stream {
        &mut input.3
    }
}

/// `WebSocket::write_frame`.
pub struct Fastwebsockets;

impl Send for Fastwebsockets {
    const ABOUT: About = About {
        name: "fastwebsockets",
        package: "fastwebsockets",
        interface: "WebSocket::write_frame to a tokio AsyncWrite",
        does: "writes header and payload as two parts if the payload is over 1 KiB; masks in place",
        differs: "draws its own random key for each frame",
        judges: Judges::NOTHING,
    };

    type Input = (WebSocket<Stream>, Vec<Frame<'static>>, Stream);

    fn prepare(messages: &Messages, stream: Stream) -> Self::Input {
        let role = if messages.masked {
            fastwebsockets::Role::Client
        } else {
            fastwebsockets::Role::Server
        };
        let frames = messages.payloads().map(|payload| Frame::binary(Payload::Owned(payload)));
        let frames = frames.collect();
        (WebSocket::after_handshake(stream, role), frames, Stream::counting())
    }

    fn send((socket, frames, _): &mut Self::Input) -> Result<(), String> {
        complete(async {
            for frame in frames.drain(..) {
                socket.write_frame(frame).await.map_err(|e| e.to_string())?;
            }
            Ok(())
        })
    }

    fn stream((socket, _, out): &mut Self::Input) -> &mut Stream {
        let empty = WebSocket::after_handshake(Stream::counting(), fastwebsockets::Role::Server);
        *out = std::mem::replace(socket, empty).into_inner();
        out
    }
}

/// `SinkExt::send` of its stream.
pub struct TokioWebsockets;

impl Send for TokioWebsockets {
    const ABOUT: About = About {
        name: "tokio-websockets",
        package: "tokio-websockets",
        interface: "SinkExt::send of WebSocketStream, to a tokio AsyncWrite",
        does: "queues header and payload, and writes them as parts; copies what is masked",
        differs: "draws its own random key for each frame",
        judges: Judges::NOTHING,
    };

    type Input = (WebSocketStream<Stream>, Vec<tokio_websockets::Message>);

    fn prepare(messages: &Messages, stream: Stream) -> Self::Input {
        let socket = if messages.masked {
            ClientBuilder::new().take_over(stream)
        } else {
            ServerBuilder::new().serve(stream)
        };
        let owned = messages
            .payloads()
            .map(|payload| tokio_websockets::Message::binary(bytes::Bytes::from(payload)));
        (socket, owned.collect())
    }

    fn send((socket, messages): &mut Self::Input) -> Result<(), String> {
        complete(async {
            for message in messages.drain(..) {
                socket.send(message).await.map_err(|e| e.to_string())?;
            }
            Ok(())
        })
    }

    fn stream(input: &mut Self::Input) -> &mut Stream {
        input.0.get_mut()
    }
}

/// `WebSocket::send`.
pub struct WebSocketPeer;

impl Send for WebSocketPeer {
    const ABOUT: About = About {
        name: "web-socket",
        package: "web-socket",
        interface: "WebSocket::send to a tokio AsyncWrite",
        does: "allocates a Vec for each masked frame, masks the payload into it a byte at a time, \
               and writes that; writes header and payload of an unmasked one as two parts",
        differs: "draws its own random key for each frame; the payload stays with the caller",
        judges: Judges::NOTHING,
    };

    type Input = (web_socket::WebSocket<Stream>, Vec<Vec<u8>>);

    fn prepare(messages: &Messages, stream: Stream) -> Self::Input {
        let socket = if messages.masked {
            web_socket::WebSocket::client(stream)
        } else {
            web_socket::WebSocket::server(stream)
        };
        (socket, messages.payloads().collect())
    }

    fn send((socket, payloads): &mut Self::Input) -> Result<(), String> {
        complete(async {
            for payload in payloads.drain(..) {
                socket.send(&payload[..]).await.map_err(|e| e.to_string())?;
            }
            Ok(())
        })
    }

    fn stream(input: &mut Self::Input) -> &mut Stream {
        &mut input.0.stream
    }
}

/// `WebSocket::send`.
pub struct Tungstenite;

impl Send for Tungstenite {
    const ABOUT: About = About {
        name: "tungstenite",
        package: "tungstenite",
        interface: "WebSocket::send to a Write",
        does: "copies header and payload into its buffer, and writes that",
        differs: "draws its own random key for each frame",
        judges: Judges::NOTHING,
    };

    type Input = (tungstenite::WebSocket<Stream>, Vec<tungstenite::Message>);

    fn prepare(messages: &Messages, stream: Stream) -> Self::Input {
        use tungstenite::protocol::Role;

        let role = if messages.masked { Role::Client } else { Role::Server };
        let owned = messages.payloads().map(tungstenite::Message::binary).collect();
        (tungstenite::WebSocket::from_raw_socket(stream, role, None), owned)
    }

    fn send((socket, messages): &mut Self::Input) -> Result<(), String> {
        messages.drain(..).try_for_each(|message| socket.send(message).map_err(|e| e.to_string()))
    }

    fn stream(input: &mut Self::Input) -> &mut Stream {
        input.0.get_mut()
    }
}
