//! fastwebsockets: its `Frame`, which writes its header.

use fastwebsockets::{Frame, OpCode, Payload};

use super::{Encode, Outgoing, room};
use crate::contender::{About, Judges};

/// `Frame::mask` and `Frame::fmt_head`.
pub struct Fastwebsockets;

impl Encode for Fastwebsockets {
    const ABOUT: About = About {
        name: "fastwebsockets",
        package: "fastwebsockets",
        interface: "Frame::mask, Frame::fmt_head into &mut [u8], then a copy of the payload",
        does: "masks the payload where it lies, before it is copied",
        differs: "owns the payload, and frees it; Frame::write does the same but only to the front \
                  of a Vec; takes the key from the caller, or draws one",
        judges: Judges::NOTHING,
    };

    type Output = (Vec<Frame<'static>>, Vec<u8>, usize);

    fn prepare(outgoing: &Outgoing) -> Self::Output {
        let frames = outgoing.frames().map(|(key, payload)| {
            Frame::new(true, OpCode::Binary, key, Payload::Owned(payload.to_vec()))
        });
        (frames.collect(), room(outgoing), 0)
    }

    fn encode((frames, out, at): &mut Self::Output, outgoing: &Outgoing) -> Result<(), String> {
        for mut frame in frames.drain(..) {
            if outgoing.masked {
                frame.mask();
            }
            let body = *at + frame.fmt_head(&mut out[*at..]);
            *at = body + frame.payload.len();
            out[body..*at].copy_from_slice(&frame.payload);
        }
        Ok(())
    }

    fn written((_, out, at): &Self::Output) -> &[u8] {
        &out[..*at]
    }
}
