//! websocket-codec: its `FrameHeaderCodec`, which takes headers off a buffer.

use bytes::{Buf, BytesMut};
use tokio_util::codec::Decoder;
use websocket_codec::protocol::{DataLength, FrameHeader, FrameHeaderCodec};

use super::{Decode, Fields};
use crate::contender::{About, Judges};

/// `FrameHeaderCodec::decode`.
pub struct WebsocketCodec;

impl Decode for WebsocketCodec {
    const ABOUT: About = About {
        name: "websocket-codec",
        package: "websocket-codec",
        interface: "protocol::FrameHeaderCodec::decode over BytesMut",
        does: "judges nothing; takes the header off the buffer",
        differs: "the step over the payload moves the buffer's start, which is more than an index",
        judges: Judges::NOTHING,
    };

    type Input = BytesMut;

    type Header = FrameHeader;

    fn prepare(bytes: &[u8]) -> BytesMut {
        bytes.into()
    }

    fn decode(buffer: &mut BytesMut, mut each: impl FnMut(&FrameHeader)) -> Result<(), String> {
        while let Some(header) = FrameHeaderCodec.decode(buffer).map_err(|e| e.to_string())? {
            buffer.advance(len(&header) as usize);
            each(&header);
        }
        Ok(())
    }

    fn fields(header: &FrameHeader) -> Fields {
        Fields {
            fin: header.fin(),
            opcode: header.opcode(),
            len: len(header),
            key: header.mask().map(|mask| u32::from(mask).to_ne_bytes()),
        }
    }
}

fn len(header: &FrameHeader) -> u64 {
    match header.data_len() {
        DataLength::Small(len) => len.into(),
        DataLength::Medium(len) => len.into(),
        DataLength::Large(len) => len,
    }
}
