//! sockudo-ws: its `Protocol`, which takes all messages off a buffer at once, and the
//! `FrameParser` below it.

use sockudo_ws::frame::FrameParser;
use sockudo_ws::protocol::Protocol;
use sockudo_ws::{Message, OpCode, Role};

use super::arriving::Arriving;
use super::sink::{Kind, Sink};
use super::workloads::Workload;
use super::{Join, Receive};
use crate::contender::{About, Judges};

const LIMIT: usize = 64 << 20;

/// `Protocol::process_into`.
pub struct SockudoProtocol;

impl Receive for SockudoProtocol {
    const ABOUT: About = About {
        name: "sockudo-ws",
        package: "sockudo-ws",
        interface: "Protocol::process_into over BytesMut, into a Vec that has room for all",
        does: "unmasks in place; checks RSV, opcodes, masks, lengths, control frames, the order \
               of fragments, UTF-8 (simdutf8) and Close; takes messages off the buffer without \
               a copy",
        differs: "accepts frames after a Close; joins fragments by copying",
        judges: Judges::ALL,
    };

    type Input = (Protocol, Arriving, Vec<Message>);

    fn prepare(workload: &Workload) -> Self::Input {
        let protocol = Protocol::new(Role::Server, LIMIT, LIMIT);
        (protocol, Arriving::new(workload), Vec::with_capacity(workload.frames))
    }

    fn receive(
        (protocol, arriving, messages): &mut Self::Input,
        sink: &mut impl Sink,
    ) -> Result<(), String> {
        loop {
            let buffer = &mut arriving.buffer;
            protocol.process_into(buffer, messages).map_err(|e| e.to_string())?;
            for message in messages.drain(..) {
                match &message {
                    Message::Text(bytes) => sink.data(Kind::Text, bytes, true),
                    Message::Binary(bytes) => sink.data(Kind::Binary, bytes, true),
                    _ => {}
                }
            }
            if !arriving.more() {
                return Ok(());
            }
        }
    }
}

/// `FrameParser::parse`.
pub struct SockudoFrames;

impl Receive for SockudoFrames {
    const ABOUT: About = About {
        name: "sockudo-ws frames",
        package: "sockudo-ws",
        interface: "FrameParser::parse over BytesMut",
        does: "unmasks in place; checks RSV, opcodes, masks, lengths and control frames; takes \
               frames off the buffer without a copy",
        differs: "checks neither UTF-8 nor the order of fragments nor Close; joins nothing",
        judges: Judges::HEADERS,
    };

    type Input = (FrameParser, Arriving);

    fn prepare(workload: &Workload) -> Self::Input {
        (FrameParser::new(LIMIT, true), Arriving::new(workload))
    }

    fn receive((parser, arriving): &mut Self::Input, sink: &mut impl Sink) -> Result<(), String> {
        let mut join = Join::new();
        loop {
            let buffer = &mut arriving.buffer;
            while let Some(frame) = parser.parse(buffer).map_err(|e| e.to_string())? {
                let kind = match frame.header.opcode {
                    OpCode::Text => Some(Kind::Text),
                    OpCode::Binary => Some(Kind::Binary),
                    OpCode::Continuation => None,
                    _ => continue,
                };
                join.frame(kind, &frame.payload, frame.header.fin, sink);
            }
            if !arriving.more() {
                return Ok(());
            }
        }
    }
}
