//! This crate: `encode::single` and `encode::append_single`.

use bytes::BytesMut;
use wsvet::{OpCode, encode};

use super::{Encode, Outgoing, empty, room};
use crate::contender::{About, Judges};

/// `encode::single`.
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

/// `encode::append_single`.
pub struct WsvetAppend;

impl Encode for WsvetAppend {
    const ABOUT: About = About {
        name: "wsvet append",
        package: "wsvet",
        interface: "encode::append_single into BytesMut",
        does: "masks the payload while it copies it behind the header",
        differs: "grows the buffer where it must; takes the key from the caller",
        judges: Judges::NOTHING,
    };

    type Output = BytesMut;

    fn prepare(outgoing: &Outgoing) -> BytesMut {
        empty(outgoing)
    }

    fn encode(out: &mut BytesMut, outgoing: &Outgoing) -> Result<(), String> {
        for (key, payload) in outgoing.frames() {
            encode::append_single(OpCode::Binary, payload, key, out)
                .map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn written(out: &BytesMut) -> &[u8] {
        out
    }
}
