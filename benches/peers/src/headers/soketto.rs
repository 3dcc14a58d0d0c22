//! soketto: its `base::Codec::decode_header`.

use soketto::Parsing;
use soketto::base::{Codec, Header};

use super::{Decode, Fields};
use crate::contender::{About, Judges};

/// `Codec::decode_header`.
pub struct Soketto;

impl Decode for Soketto {
    const ABOUT: About = About {
        name: "soketto",
        package: "soketto",
        interface: "base::Codec::decode_header over &[u8]",
        does: "checks RSV, opcodes and control frames, and compares the length with a limit",
        differs: "judges more than Header::decode, and less than the Validator",
        judges: Judges::NOTHING,
    };

    type Input = (Codec, Vec<u8>);

    type Header = Header;

    fn prepare(bytes: &[u8]) -> Self::Input {
        (Codec::new(), bytes.into())
    }

    fn decode(
        (codec, bytes): &mut Self::Input,
        mut each: impl FnMut(&Header),
    ) -> Result<(), String> {
        let mut rest = &bytes[..];
        while let Parsing::Done { value: header, offset } =
            codec.decode_header(rest).map_err(|e| e.to_string())?
        {
            rest = rest.get(offset + header.payload_len()..).ok_or("the last frame is cut")?;
            each(&header);
        }
        Ok(())
    }

    fn fields(header: &Header) -> Fields {
        Fields {
            fin: header.is_fin(),
            opcode: header.opcode().into(),
            len: header.payload_len() as u64,
            key: header.is_masked().then(|| header.mask().to_be_bytes()),
        }
    }
}
