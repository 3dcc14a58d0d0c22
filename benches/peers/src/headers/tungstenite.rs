//! tungstenite: its `FrameHeader::parse`.

use std::io::Cursor;

use tungstenite::protocol::frame::FrameHeader;

use super::{Decode, Fields};
use crate::contender::{About, Judges};

/// `FrameHeader::parse`.
pub struct Tungstenite;

impl Decode for Tungstenite {
    const ABOUT: About = About {
        name: "tungstenite",
        package: "tungstenite",
        interface: "protocol::frame::FrameHeader::parse over Cursor<&[u8]>",
        does: "checks opcodes",
        differs: "judges more than Header::decode, and less than the Validator; reads its input piece by \
                  piece, as it would a stream",
        judges: Judges::NOTHING,
    };

    type Input = Vec<u8>;

    type Header = (FrameHeader, u64);

    fn prepare(bytes: &[u8]) -> Vec<u8> {
        bytes.into()
    }

    fn decode(bytes: &mut Vec<u8>, mut each: impl FnMut(&Self::Header)) -> Result<(), String> {
        let mut cursor = Cursor::new(&bytes[..]);
        while let Some(header) = FrameHeader::parse(&mut cursor).map_err(|e| e.to_string())? {
            cursor.set_position(cursor.position() + header.1);
            each(&header);
        }
        Ok(())
    }

    fn fields((header, len): &Self::Header) -> Fields {
        Fields { fin: header.is_final, opcode: header.opcode.into(), len: *len, key: header.mask }
    }
}
