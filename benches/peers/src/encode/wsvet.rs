//! This crate: `encode::frame`.

use wsvet::{OpCode, encode};

use super::{Encode, Outgoing, room};
use crate::contender::{About, Judges};

/// `encode::frame`.
pub struct Wsvet;

impl Encode for Wsvet {
    const ABOUT: About = About {
        name: "wsvet",
        package: "wsvet",
        interface: "encode::single into &mut [u8]",
        does: "masks the payload while it copies it behind the header; allocates nothing",
        differs: "what the others are compared with: takes the key from the caller",
        judges: Judges::NOTHING,
    };

    type Output = (Vec<u8>, usize);

    fn prepare(outgoing: &Outgoing) -> Self::Output {
        (room(outgoing), 0)
    }

    fn encode((out, at): &mut Self::Output, outgoing: &Outgoing) -> Result<(), String> {
        for (key, payload) in outgoing.frames() {
            *at += encode::single(OpCode::Binary, payload, key, &mut out[*at..])
                .map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn written((out, at): &Self::Output) -> &[u8] {
        &out[..*at]
    }
}
