//! The crates that receive on many connections.

use std::cell::Cell;
use std::rc::Rc;

use bytes::BytesMut;
use fastwebsockets::FragmentCollector;
use sockudo_ws::protocol::Protocol;
use tungstenite::protocol::{WebSocketConfig, WebSocketContext};
use wsvet::{Event, Policy, StreamDecoder};

use super::Connections;
use crate::contender::{About, Judges};
use crate::receive::memory::{Source, Stream, complete};

/// wsvet: a `StreamDecoder` for each connection, and one buffer.
pub struct Wsvet {
    decoders: Vec<StreamDecoder>,
    frame: Vec<u8>,
    buffer: Vec<u8>,
}

impl Connections for Wsvet {
    const ABOUT: About = About {
        name: "wsvet",
        package: "wsvet",
        interface: "StreamDecoder::decode over the buffer of the thread",
        does: "unmasks in place and judges every rule; copies and allocates nothing",
        differs: "what the others are compared with",
        judges: Judges::ALL,
    };

    fn open(count: usize, frame: &[u8]) -> Self {
        let decoder = StreamDecoder::new(Policy::new(wsvet::Role::Server));
        Self { decoders: vec![decoder; count], frame: frame.to_vec(), buffer: frame.to_vec() }
    }

    fn receive(&mut self, connection: usize) -> Result<usize, String> {
        self.buffer.copy_from_slice(&self.frame);
        let decoder = &mut self.decoders[connection];
        match decoder.decode(&mut self.buffer).map_err(|e| e.to_string())? {
            (_, Some(Event::Data { bytes, .. })) => Ok(bytes.len()),
            _ => Err("no message".into()),
        }
    }
}

/// sockudo-ws: a `Protocol` for each connection, and one buffer.
pub struct Sockudo {
    protocols: Vec<Protocol>,
    frame: Vec<u8>,
    buffer: BytesMut,
    messages: Vec<sockudo_ws::Message>,
}

impl Connections for Sockudo {
    const ABOUT: About = About {
        name: "sockudo-ws",
        package: "sockudo-ws",
        interface: "Protocol::process_into over the BytesMut of the thread",
        does: "unmasks in place; takes messages off the buffer without a copy",
        differs: "accepts frames after a Close",
        judges: Judges::ALL,
    };

    fn open(count: usize, frame: &[u8]) -> Self {
        const LIMIT: usize = 64 << 20;
        let new = || Protocol::new(sockudo_ws::Role::Server, LIMIT, LIMIT);
        Self {
            protocols: (0..count).map(|_| new()).collect(),
            frame: frame.to_vec(),
            buffer: BytesMut::with_capacity(64 << 10),
            messages: Vec::with_capacity(1),
        }
    }

    fn receive(&mut self, connection: usize) -> Result<usize, String> {
        self.buffer.extend_from_slice(&self.frame);
        let protocol = &mut self.protocols[connection];
        protocol.process_into(&mut self.buffer, &mut self.messages).map_err(|e| e.to_string())?;
        match self.messages.pop() {
            Some(sockudo_ws::Message::Text(text)) => Ok(text.len()),
            _ => Err("no message".into()),
        }
    }
}

/// tungstenite: a `WebSocketContext` for each connection.
pub struct Tungstenite {
    contexts: Vec<WebSocketContext>,
    stream: Stream<Arriving>,
}

impl Connections for Tungstenite {
    const ABOUT: About = About {
        name: "tungstenite",
        package: "tungstenite",
        interface: "WebSocketContext::read, with a read buffer of 4 KiB",
        does: "reads into a buffer of the connection; takes messages off it without a copy",
        differs: "accepts lengths that are not minimal; its read buffer has 128 KiB unless told otherwise",
        judges: Judges { headers: false, ..Judges::ALL },
    };

    fn open(count: usize, frame: &[u8]) -> Self {
        let config = WebSocketConfig::default().read_buffer_size(4 << 10);
        let new = || WebSocketContext::new(tungstenite::protocol::Role::Server, Some(config));
        Self { contexts: (0..count).map(|_| new()).collect(), stream: Stream(Arriving::new(frame)) }
    }

    fn receive(&mut self, connection: usize) -> Result<usize, String> {
        self.stream.0.arrive();
        match self.contexts[connection].read(&mut self.stream).map_err(|e| e.to_string())? {
            tungstenite::Message::Text(text) => Ok(text.len()),
            _ => Err("no message".into()),
        }
    }
}

/// fastwebsockets: a `FragmentCollector` for each connection.
pub struct Fastwebsockets {
    sockets: Vec<FragmentCollector<Stream<Arriving>>>,
    stream: Stream<Arriving>,
}

impl Connections for Fastwebsockets {
    const ABOUT: About = About {
        name: "fastwebsockets",
        package: "fastwebsockets",
        interface: "FragmentCollector::read_frame over a tokio AsyncRead",
        does: "reads into a buffer of the connection, and takes frames off it",
        differs: "accepts frames without a mask, and lengths that are not minimal",
        judges: Judges { headers: false, ..Judges::ALL },
    };

    fn open(count: usize, frame: &[u8]) -> Self {
        let stream = Stream(Arriving::new(frame));
        let new = || {
            let role = fastwebsockets::Role::Server;
            let socket = fastwebsockets::WebSocket::after_handshake(stream.clone(), role);
            FragmentCollector::new(socket)
        };
        Self { sockets: (0..count).map(|_| new()).collect(), stream }
    }

    fn receive(&mut self, connection: usize) -> Result<usize, String> {
        self.stream.0.arrive();
        let read = complete(self.sockets[connection].read_frame());
        Ok(read.map_err(|e| e.to_string())?.payload.len())
    }
}

/// One frame that arrives again and again. All connections share it.
#[derive(Clone)]
struct Arriving {
    frame: Rc<[u8]>,
    read: Rc<Cell<usize>>,
}

impl Arriving {
    fn new(frame: &[u8]) -> Self {
        Self { frame: frame.into(), read: Rc::new(Cell::new(frame.len())) }
    }

    /// Lets the frame arrive.
    fn arrive(&self) {
        self.read.set(0);
    }
}

impl Source for Arriving {
    fn next(&mut self, most: usize) -> &[u8] {
        let rest = &self.frame[self.read.get()..];
        let len = rest.len().min(most);
        self.read.set(self.read.get() + len);
        &rest[..len]
    }
}
