//! soketto: its `base::Codec`, which decodes headers and unmasks slices.

use soketto::Parsing;
use soketto::base::{Codec, OpCode};

use super::sink::{Kind, Sink};
use super::workloads::Workload;
use super::{Join, Receive};
use crate::contender::{About, Judges};

/// `Codec::decode_header` and `Codec::apply_mask`.
pub struct Soketto;

impl Receive for Soketto {
    const ABOUT: About = About {
        name: "soketto",
        package: "soketto",
        interface: "base::Codec::decode_header and apply_mask over &mut [u8]",
        does: "unmasks in place, a byte at a time; checks RSV, opcodes and control frames; copies \
               and allocates nothing",
        differs: "checks neither masks nor minimal lengths nor the order of fragments nor Close; \
                  no part of soketto judges the UTF-8 of a message",
        judges: Judges::NOTHING,
    };

    const NOT_IN_PIECES: Option<&'static str> =
        Some("it takes a slice with a whole header in it, and keeps nothing between two");

    type Input = (Codec, Vec<u8>);

    fn prepare(workload: &Workload) -> Self::Input {
        (Codec::new(), workload.bytes.clone())
    }

    fn receive((codec, bytes): &mut Self::Input, sink: &mut impl Sink) -> Result<(), String> {
        let mut join = Join::new();
        let mut rest = &mut bytes[..];
        while let Parsing::Done { value: header, offset } =
            codec.decode_header(rest).map_err(|e| e.to_string())?
        {
            let (payload, behind) = rest[offset..]
                .split_at_mut_checked(header.payload_len())
                .ok_or("the last frame is cut")?;
            Codec::apply_mask(&header, payload);
            rest = behind;
            let kind = match header.opcode() {
                OpCode::Text => Some(Kind::Text),
                OpCode::Binary => Some(Kind::Binary),
                OpCode::Continue => None,
                _ => continue,
            };
            join.frame(kind, payload, header.is_fin(), sink);
        }
        Ok(())
    }
}
