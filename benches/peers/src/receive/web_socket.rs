//! web-socket: its `WebSocket::recv`, which reads each part of a frame from a stream.

use std::io::ErrorKind;

use web_socket::{DataType, Event, MessageType, Stream, WebSocket};

use super::Receive;
use super::memory::{Memory, complete};
use super::sink::{Kind, Sink};
use super::workloads::Workload;
use crate::contender::{About, Judges};

/// `WebSocket::recv`.
pub struct WebSocketPeer;

impl Receive for WebSocketPeer {
    const ABOUT: About = About {
        name: "web-socket",
        package: "web-socket",
        interface: "WebSocket::recv over a tokio AsyncRead",
        does: "allocates, zeroes and fills a box for each payload, and unmasks it there a byte at \
               a time; checks RSV, opcodes, masks, control frames, the order of fragments and \
               Close",
        differs: "has no buffer, so it reads header, key and payload from the stream one by one; \
                  checks neither minimal lengths nor the UTF-8 of messages; accepts 1015, and a \
                  Close of one byte; joins nothing",
        judges: Judges { fragments: true, ..Judges::NOTHING },
    };

    type Input = WebSocket<Memory>;

    fn prepare(workload: &Workload) -> Self::Input {
        WebSocket::server(Memory::new(workload))
    }

    fn receive(socket: &mut Self::Input, sink: &mut impl Sink) -> Result<(), String> {
        complete(async {
            loop {
                match socket.recv().await {
                    Ok(Event::Data { ty, data }) => {
                        let (kind, end) = match ty {
                            DataType::Complete(kind) => (kind, true),
                            DataType::Stream(Stream::End(kind)) => (kind, true),
                            DataType::Stream(stream) => (stream.ty(), false),
                        };
                        let kind = match kind {
                            MessageType::Text => Kind::Text,
                            MessageType::Binary => Kind::Binary,
                        };
                        sink.data(kind, &data, end);
                    }
                    Ok(Event::Error(error)) => return Err(error.into()),
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
                    Err(error) => return Err(error.to_string()),
                }
            }
        })
    }
}
