//! tungstenite: its `Frame`, which formats itself.

use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::{Frame, FrameHeader};

use super::{Encode, Outgoing, room};
use crate::contender::{About, Judges};

/// `Frame::format`.
pub struct Tungstenite;

impl Encode for Tungstenite {
    const ABOUT: About = About {
        name: "tungstenite",
        package: "tungstenite",
        interface: "protocol::frame::Frame::format into a Vec",
        does: "masks the payload where it lies, as nobody shares it, four bytes at a time, and then \
               copies it",
        differs: "owns the payload, and frees it; grows the buffer where it must; takes the key \
                  from the caller (its WebSocket draws one)",
        judges: Judges::NOTHING,
    };

    type Output = (Vec<Frame>, Vec<u8>);

    fn prepare(outgoing: &Outgoing) -> Self::Output {
        let frames = outgoing.frames().map(|(mask, payload)| {
            let opcode = OpCode::Data(Data::Binary);
            let header = FrameHeader { opcode, mask, ..FrameHeader::default() };
            Frame::from_payload(header, payload.to_vec().into())
        });
        let frames = frames.collect();
        let mut out = room(outgoing);
        out.clear();
        (frames, out)
    }

    fn encode((frames, out): &mut Self::Output, _: &Outgoing) -> Result<(), String> {
        for frame in frames.drain(..) {
            frame.format(out).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    fn written((_, out): &Self::Output) -> &[u8] {
        out
    }
}
