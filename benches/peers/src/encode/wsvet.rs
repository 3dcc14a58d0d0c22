//! This crate: `encode::frame`.

use wsvet::{Header, OpCode, encode};

use super::{Encode, Outgoing, room};
use crate::contender::{About, Judges};

/// `encode::frame`.
pub struct Wsvet;

impl Encode for Wsvet {
    const ABOUT: About = About {
        name: "wsvet",
        package: "wsvet",
        interface: "encode::frame into &mut [u8]",
        does: "copies the payload behind the header and masks it there; allocates nothing",
        differs: "what the others are compared with: takes the key from the caller",
        judges: Judges::NOTHING,
    };

    type Output = (Vec<u8>, usize);

    fn prepare(outgoing: &Outgoing) -> Self::Output {
        (room(outgoing), 0)
    }

    fn encode((out, at): &mut Self::Output, outgoing: &Outgoing) -> Result<(), String> {
        for (key, payload) in outgoing.frames() {
            let header = Header::new(OpCode::Binary, payload.len() as u64);
            let header = key.map_or(header, |key| header.masked(key));
            *at += encode::frame(&header, payload, &mut out[*at..]).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    fn written((out, at): &Self::Output) -> &[u8] {
        &out[..*at]
    }
}
