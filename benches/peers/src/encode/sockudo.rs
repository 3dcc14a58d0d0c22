//! sockudo-ws: its `frame::encode_frame`.

use bytes::BytesMut;
use sockudo_ws::OpCode;
use sockudo_ws::frame::encode_frame;

use super::{Encode, Outgoing, empty};
use crate::contender::{About, Judges};

/// `encode_frame`.
pub struct Sockudo;

impl Encode for Sockudo {
    const ABOUT: About = About {
        name: "sockudo-ws",
        package: "sockudo-ws",
        interface: "frame::encode_frame into BytesMut",
        does: "masks the payload while it copies it",
        differs: "grows the buffer where it must; takes the key from the caller",
        judges: Judges::NOTHING,
    };

    type Output = BytesMut;

    fn prepare(outgoing: &Outgoing) -> BytesMut {
        empty(outgoing)
    }

    fn encode(out: &mut BytesMut, outgoing: &Outgoing) -> Result<(), String> {
        for (key, payload) in outgoing.frames() {
            encode_frame(out, OpCode::Binary, payload, true, key);
        }
        Ok(())
    }

    fn written(out: &BytesMut) -> &[u8] {
        out
    }
}
