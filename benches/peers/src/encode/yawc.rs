//! yawc: the `Encoder` of its codec.

use bytes::BytesMut;
use tokio_util::codec::Encoder as _;
use yawc::Role;
use yawc::codec::Encoder;
use yawc::frame::Frame;

use super::{Encode, Outgoing, empty};
use crate::contender::{About, Judges};

/// `codec::Encoder::encode`.
pub struct Yawc;

impl Encode for Yawc {
    const ABOUT: About = About {
        name: "yawc",
        package: "yawc",
        interface: "codec::Encoder::encode of a Frame, into BytesMut",
        does: "masks the payload while it copies it",
        differs: "owns the payload, and frees it; grows the buffer where it must; takes the key \
                  from the caller, or draws one",
        judges: Judges::NOTHING,
    };

    type Output = (Encoder, Vec<Frame>, BytesMut);

    fn prepare(outgoing: &Outgoing) -> Self::Output {
        let role = if outgoing.masked { Role::Client } else { Role::Server };
        let frames = outgoing.frames().map(|(key, payload)| {
            let frame = Frame::binary(payload.to_vec());
            match key {
                Some(key) => frame.with_mask(key),
                None => frame,
            }
        });
        let frames = frames.collect();
        (Encoder::new(role), frames, empty(outgoing))
    }

    fn encode((encoder, frames, out): &mut Self::Output, _: &Outgoing) -> Result<(), String> {
        for frame in frames.drain(..) {
            encoder.encode(frame, out).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    fn written((_, _, out): &Self::Output) -> &[u8] {
        out
    }
}
