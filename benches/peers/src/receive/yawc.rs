//! yawc: its `WebSocket` over a stream, with the check of UTF-8 that it has off unless asked, and
//! the codec below it.

use tokio_util::codec::Decoder as _;
use yawc::codec::Decoder;
use yawc::frame::OpCode;
use yawc::{Options, Role, WebSocket, WebSocketError};

use super::arriving::Arriving;
use super::memory::{Memory, complete};
use super::sink::{Kind, Sink};
use super::workloads::Workload;
use super::{Join, Receive};
use crate::contender::{About, Judges};

const LIMIT: usize = 64 << 20;

/// `WebSocket::next_frame`.
pub struct YawcSocket;

impl Receive for YawcSocket {
    const ABOUT: About = About {
        name: "yawc",
        package: "yawc",
        interface: "WebSocket::next_frame over a tokio AsyncRead, Options::with_utf8",
        does: "unmasks in place; checks RSV, opcodes, masks, fragmented control frames, the \
               length of Ping, the order of fragments, UTF-8 (simdutf8, when a message is \
               whole) and Close",
        differs: "copies the stream into its buffer, which starts with 8 KiB; accepts RSV1 on \
                  control frames, lengths that are not minimal, and Pong and Close over 125 \
                  bytes; joins fragments by copying; answers Ping",
        judges: Judges { headers: false, ..Judges::ALL },
    };

    type Input = WebSocket<Memory>;

    fn prepare(workload: &Workload) -> Self::Input {
        let options = Options::default().with_utf8().with_limits(LIMIT, LIMIT);
        WebSocket::from_stream(Memory::new(workload), Role::Server, options)
            .expect("no extension is asked for")
    }

    fn receive(socket: &mut Self::Input, sink: &mut impl Sink) -> Result<(), String> {
        take_all(socket, sink)
    }
}

/// Takes all messages that have come.
pub(super) fn take_all(socket: &mut WebSocket<Memory>, sink: &mut impl Sink) -> Result<(), String> {
    complete(async {
        loop {
            match socket.next_frame().await {
                Ok(frame) => match frame.opcode() {
                    OpCode::Text => sink.data(Kind::Text, frame.payload(), true),
                    OpCode::Binary => sink.data(Kind::Binary, frame.payload(), true),
                    _ => {}
                },
                Err(WebSocketError::ConnectionClosed) => return Ok(()),
                Err(error) => return Err(error.to_string()),
            }
        }
    })
}

/// `codec::Decoder::decode`.
pub struct YawcCodec;

impl Receive for YawcCodec {
    const ABOUT: About = About {
        name: "yawc codec",
        package: "yawc",
        interface: "codec::Decoder::decode over BytesMut",
        does: "unmasks in place; checks RSV2, RSV3, opcodes, masks, fragmented control frames and \
               the length of Ping; takes frames off the buffer without a copy",
        differs: "checks neither RSV1 nor UTF-8 nor minimal lengths nor the order of fragments \
                  nor Close; joins nothing",
        judges: Judges::NOTHING,
    };

    type Input = (Decoder, Arriving);

    fn prepare(workload: &Workload) -> Self::Input {
        (Decoder::new(Role::Server, LIMIT), Arriving::new(workload))
    }

    fn receive((decoder, arriving): &mut Self::Input, sink: &mut impl Sink) -> Result<(), String> {
        let mut join = Join::new();
        loop {
            let buffer = &mut arriving.buffer;
            while let Some(frame) = decoder.decode(buffer).map_err(|e| e.to_string())? {
                let kind = match frame.opcode() {
                    OpCode::Text => Some(Kind::Text),
                    OpCode::Binary => Some(Kind::Binary),
                    OpCode::Continuation => None,
                    _ => continue,
                };
                join.frame(kind, frame.payload(), frame.is_fin(), sink);
            }
            if !arriving.more() {
                return Ok(());
            }
        }
    }
}
