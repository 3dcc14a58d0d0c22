//! soketto: its `base::Codec`, which encodes headers and masks slices.

use soketto::base::{Codec, Header, OpCode};

use super::{Encode, Outgoing, room};
use crate::contender::{About, Judges};

/// `Codec::encode_header` and `Codec::apply_mask`.
pub struct Soketto;

impl Encode for Soketto {
    const ABOUT: About = About {
        name: "soketto",
        package: "soketto",
        interface: "base::Codec::encode_header and apply_mask, each copied into a Vec",
        does: "masks in place, a byte at a time",
        differs: "grows the buffer where it must; takes the key from the caller",
        judges: Judges::NOTHING,
    };

    type Output = (Codec, Vec<u8>);

    fn prepare(outgoing: &Outgoing) -> Self::Output {
        let mut out = room(outgoing);
        out.clear();
        (Codec::new(), out)
    }

    fn encode((codec, out): &mut Self::Output, outgoing: &Outgoing) -> Result<(), String> {
        for (key, payload) in outgoing.frames() {
            let mut header = Header::new(OpCode::Binary);
            header.set_payload_len(payload.len());
            if let Some(key) = key {
                header.set_masked(true).set_mask(u32::from_be_bytes(key));
            }
            out.extend_from_slice(codec.encode_header(&header));
            let start = out.len();
            out.extend_from_slice(payload);
            Codec::apply_mask(&header, &mut out[start..]);
        }
        Ok(())
    }

    fn written((_, out): &Self::Output) -> &[u8] {
        out
    }
}
