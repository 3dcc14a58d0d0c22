//! How much compressed messages hold: permessage-deflate taken off, and only counted (RFC 7692).

use flate2::{Decompress, FlushDecompress, Status};
use wsvet::{Header, OpCode};

/// The compressed messages of one direction, and what they hold.
#[derive(Default)]
pub(crate) struct Inflated {
    pub(crate) messages: u64,
    /// Their payload on the wire, in bytes.
    pub(crate) compressed: u64,
    /// The same inflated, in bytes; of no meaning where no [ratio](Self::ratio) is known.
    pub(crate) inflated: u64,
    /// With the window that messages share, once there is one that is compressed.
    inflater: Option<Box<Decompress>>,
    /// Compression was agreed on.
    agreed: bool,
    /// The message that is open is compressed.
    open: bool,
    /// What cannot be inflated leaves the rest without meaning.
    lost: bool,
}

/// What ends each message, and is not sent (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

impl Inflated {
    /// The start of a direction on which messages may be compressed, or may not.
    pub(crate) fn new(agreed: bool) -> Self {
        Self { agreed, ..Self::default() }
    }

    /// How many bytes each byte on the wire holds, where all could be inflated.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let known = self.messages > 0 && self.compressed > 0 && !self.lost;
        known.then(|| self.inflated as f64 / self.compressed as f64)
    }

    /// Nothing more comes: only the figures are kept.
    pub(crate) fn done(self) -> Self {
        Self { inflater: None, ..self }
    }

    /// The header of the next frame.
    pub(crate) fn begin(&mut self, header: &Header) {
        if header.opcode().is_data() && header.opcode() != OpCode::Continuation {
            self.open = self.agreed && header.rsv() == 4;
            self.messages += u64::from(self.open);
        }
    }

    /// The next piece of its payload, plain.
    pub(crate) fn payload(&mut self, header: &Header, plain: &[u8]) {
        if self.open && header.opcode().is_data() {
            self.compressed += plain.len() as u64;
            self.inflate(plain);
        }
    }

    /// The end of the frame.
    pub(crate) fn finish(&mut self, header: &Header) {
        if self.open && header.opcode().is_data() && header.fin() {
            self.inflate(&TAIL);
            self.open = false;
        }
    }

    /// Something of a payload is missing.
    pub(crate) fn lose(&mut self) {
        self.lost |= self.open;
    }

    fn inflate(&mut self, mut bytes: &[u8]) {
        let inflater = self.inflater.get_or_insert_with(|| Box::new(Decompress::new(false)));
        let mut out = [0; 4096];
        while !self.lost {
            let before = (inflater.total_in(), inflater.total_out());
            let status = inflater.decompress(bytes, &mut out, FlushDecompress::None);
            let taken = (inflater.total_in() - before.0) as usize;
            let given = inflater.total_out() - before.1;
            bytes = &bytes[taken..];
            self.inflated += given;
            match status {
                // A final block: what follows starts anew (§7.2.3.4).
                Ok(Status::StreamEnd) => inflater.reset(false),
                Ok(_) => {}
                Err(_) => self.lost = true,
            }
            let all = bytes.is_empty() && given < out.len() as u64;
            if all || taken == 0 && given == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 7692 §7.2.3, one after the other: "Hello" each time.
    #[test]
    fn what_messages_hold_is_counted() {
        let mut found = Inflated::new(true);
        let hello: [&[u8]; 5] = [
            &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
            &[0xF2, 0x00, 0x11, 0x00, 0x00],
            &[0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
            &[0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
            &[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
        ];
        for (index, message) in hello.into_iter().enumerate() {
            let header = Header::new(OpCode::Text, message.len() as u64).with_rsv(4);
            found.begin(&header);
            message.chunks(3).for_each(|piece| found.payload(&header, piece));
            found.begin(&Header::new(OpCode::Ping, 1));
            found.payload(&Header::new(OpCode::Ping, 1), b"x");
            found.finish(&header);
            let count = index as u64 + 1;
            assert_eq!((found.messages, found.inflated, found.lost), (count, 5 * count, false));
        }
        assert_eq!(found.compressed, hello.concat().len() as u64);
    }

    #[test]
    fn what_cannot_be_inflated_is_told() {
        let mut found = Inflated::new(true);
        let header = Header::new(OpCode::Binary, 2).with_rsv(4);
        found.begin(&header);
        found.payload(&header, &[0xFF, 0xFF]);
        found.finish(&header);
        assert_eq!(found.ratio(), None);
        let plain = Header::new(OpCode::Text, 2);
        found.begin(&plain);
        found.payload(&plain, b"hi");
        assert_eq!((found.messages, found.compressed), (1, 2));
    }
}
