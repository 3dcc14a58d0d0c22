//! This crate: `Header::decode`, alone and with the validator behind it.

use wsvet::{Header, Policy, Role, Validator};

use super::{Decode, Fields};
use crate::contender::{About, Judges};

/// `Header::decode`.
pub struct Headers;

impl Decode for Headers {
    const ABOUT: About = About {
        name: "wsvet",
        package: "wsvet",
        interface: "Header::decode over &[u8]",
        does: "keeps what stood on the wire; judges nothing",
        differs: "what the others are compared with; the caller judges, by the Validator or by hand",
        judges: Judges::NOTHING,
    };

    type Input = Vec<u8>;

    type Header = Header;

    fn prepare(bytes: &[u8]) -> Vec<u8> {
        bytes.into()
    }

    fn decode(bytes: &mut Vec<u8>, mut each: impl FnMut(&Header)) -> Result<(), String> {
        let mut rest = &bytes[..];
        while let Ok((header, behind)) = Header::decode(rest) {
            rest = behind.get(header.payload_len() as usize..).ok_or("the last frame is cut")?;
            each(&header);
        }
        Ok(())
    }

    fn fields(header: &Header) -> Fields {
        fields(header)
    }
}

/// `Header::decode`, then `Validator::frame`.
pub struct Judged;

impl Decode for Judged {
    const ABOUT: About = About {
        name: "wsvet Validator",
        package: "wsvet",
        interface: "Header::decode over &[u8], then Validator::frame",
        does: "judges every rule; of binary payloads it counts the bytes only",
        differs: "keeps the offset in the stream, for what it would say of a violation",
        judges: Judges::ALL,
    };

    type Input = (Validator, Vec<u8>);

    type Header = Header;

    fn prepare(bytes: &[u8]) -> Self::Input {
        (Validator::new(Policy::new(Role::Server)), bytes.into())
    }

    fn decode(
        (validator, bytes): &mut Self::Input,
        mut each: impl FnMut(&Header),
    ) -> Result<(), String> {
        let mut rest = &bytes[..];
        while let Ok((header, behind)) = Header::decode(rest) {
            let (payload, behind) = behind
                .split_at_checked(header.payload_len() as usize)
                .ok_or("the last frame is cut")?;
            validator.frame(&header, payload).map_err(|e| e.to_string())?;
            rest = behind;
            each(&header);
        }
        Ok(())
    }

    fn fields(header: &Header) -> Fields {
        fields(header)
    }
}

fn fields(header: &Header) -> Fields {
    Fields {
        fin: header.fin(),
        opcode: header.first_byte() & 0x0F,
        len: header.payload_len(),
        key: header.masking_key(),
    }
}
