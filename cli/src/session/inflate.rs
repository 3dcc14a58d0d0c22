//! What messages hold: permessage-deflate taken off, and the content judged (RFC 7692).

use wsvet::deflate::Content;
use wsvet::{CloseFrame, Header, OpCode, Validator, Violation};

/// The messages of one direction, and what they hold.
#[derive(Default)]
pub struct Inflated {
    /// How many are compressed.
    pub messages: u64,
    /// Their payload on the wire, in bytes.
    pub compressed: u64,
    /// The same inflated, in bytes; of no meaning where no [ratio](Self::ratio) is known.
    pub inflated: u64,
    /// Of some it is not known what they hold, so that was not judged.
    pub lost: bool,
    /// Where compression was agreed on.
    content: Option<Content>,
    /// The message that is open.
    message: Option<Message>,
    start: Start,
}

/// A message on a connection where compression was agreed on.
#[derive(Clone, Copy)]
pub struct Message {
    /// The opcode of its first frame.
    pub opcode: OpCode,
    /// Whether RSV1 of its first frame is set.
    pub compressed: bool,
    /// Its payload on the wire, in bytes.
    pub wire_len: u64,
    /// How many bytes it holds, where that is known.
    pub len: Option<u64>,
}

/// What the payload of a frame inflates to.
#[derive(Default)]
pub struct Start {
    /// Its start.
    pub bytes: Vec<u8>,
    /// How many bytes it is.
    pub len: u64,
    /// The opcode of the message, where it is compressed and can be inflated.
    opcode: Option<OpCode>,
}

impl Start {
    /// Whether it is the start of a text message.
    pub fn is_text(&self) -> bool {
        self.opcode == Some(OpCode::Text)
    }
}

/// How much of it is kept, in bytes: as much as of a control frame.
const KEPT: usize = CloseFrame::MAX_BODY_LEN;

impl Inflated {
    /// The start of a direction, where messages may be compressed with their judge.
    pub fn new(content: Option<Content>) -> Self {
        Self { content, ..Self::default() }
    }

    /// How many bytes each byte on the wire holds, where all could be inflated.
    pub fn ratio(&self) -> Option<f64> {
        let known = self.messages > 0 && self.compressed > 0 && !self.lost;
        known.then(|| self.inflated as f64 / self.compressed as f64)
    }

    /// Nothing more comes: only the figures are kept.
    pub fn done(self) -> Self {
        Self { content: None, start: Start::default(), ..self }
    }

    /// What the payload of the last frame inflates to, where it is compressed and that is known.
    pub fn start(&self) -> Option<&Start> {
        Some(&self.start).filter(|start| start.opcode.is_some())
    }

    /// The header of the next frame, after the judge of frames has had it.
    pub fn begin(&mut self, frames: &Validator, header: &Header) {
        let Some(content) = &mut self.content else { return };
        content.begin(frames, header);
        if header.opcode().starts_message() {
            if self.is_compressed() {
                // The message that it interrupts never ends.
                self.lose();
            }
            let compressed = header.rsv() & 4 != 0;
            self.messages += u64::from(compressed);
            let opcode = header.opcode();
            self.message = Some(Message { opcode, compressed, wire_len: 0, len: Some(0) });
        }
        let compressed = self.message.filter(|message| message.compressed);
        self.start.opcode =
            compressed.filter(|_| header.opcode().is_data()).map(|message| message.opcode);
        self.start.bytes.clear();
        self.start.len = 0;
    }

    /// The next piece of its payload, plain; what it breaks.
    pub fn payload(&mut self, header: &Header, plain: &[u8]) -> Result<(), Violation> {
        let Some(message) = self.count(header, plain.len() as u64) else { return Ok(()) };
        if message.compressed {
            self.inflate(|content, held| content.payload(plain, held))
        } else {
            Ok(())
        }
    }

    /// Passes over so many bytes of its payload: nobody has them.
    pub fn skip(&mut self, header: &Header, len: u64) {
        if self.count(header, len).is_some_and(|message| message.compressed) {
            self.lose();
        }
    }

    /// The end of the frame: the message that is whole with it; what that breaks.
    pub fn finish(
        &mut self,
        frames: &Validator,
        header: &Header,
    ) -> Result<Option<Message>, Violation> {
        if !(header.opcode().is_data() && header.fin()) {
            return Ok(None);
        }
        let judged = if self.is_compressed() {
            self.inflate(|content, held| content.finish(frames, held))
        } else {
            Ok(())
        };
        let message = self.message.take();
        judged.map(|()| message)
    }

    /// What the open message holds is not known, nor what those hold that reach back to it.
    pub fn lose(&mut self) {
        let Some(content) = &mut self.content else { return };
        content.lose();
        self.start.opcode = None;
        if let Some(message) = self.message.as_mut().filter(|message| message.compressed) {
            message.len = None;
            self.lost = true;
        }
    }

    /// How many bytes the open message has held so far.
    pub fn held(&self) -> Option<u64> {
        self.message?.len
    }

    fn is_compressed(&self) -> bool {
        self.message.is_some_and(|message| message.compressed)
    }

    /// Counts so many bytes of the open message, if the frame is a part of one.
    fn count(&mut self, header: &Header, len: u64) -> Option<Message> {
        let message = self.message.as_mut().filter(|_| header.opcode().is_data())?;
        message.wire_len = message.wire_len.saturating_add(len);
        if message.compressed {
            self.compressed = self.compressed.saturating_add(len);
        } else {
            message.len = Some(message.wire_len);
        }
        Some(*message)
    }

    fn inflate(
        &mut self,
        inflate: impl FnOnce(&mut Content, &mut dyn FnMut(&[u8])) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        let Self { content: Some(content), message: Some(message), .. } = self else {
            return Ok(());
        };
        if content.is_lost() {
            message.len = None;
        }
        let start = &mut self.start;
        let judged = inflate(content, &mut |piece| {
            let room = KEPT.saturating_sub(start.bytes.len()).min(piece.len());
            start.bytes.extend_from_slice(&piece[..room]);
            start.len += piece.len() as u64;
            self.inflated += piece.len() as u64;
            message.len = message.len.map(|len| len + piece.len() as u64);
        });
        if message.len.is_none() {
            start.opcode = None;
        }
        self.lost |= judged.is_err() || message.len.is_none();
        judged
    }
}

#[cfg(test)]
mod tests {
    use wsvet::deflate::Parameters;
    use wsvet::{Compression, Policy, Role, Rule};

    use super::*;

    fn inflated() -> (Inflated, Validator) {
        let policy = Policy::new(Role::Client).compression(Compression::Inflated);
        let content = Content::new(policy, Parameters::new());
        (Inflated::new(Some(content)), Validator::new(policy))
    }

    /// The header of the next frame, and all of its payload for the judge of frames.
    fn begin(found: &mut Inflated, frames: &mut Validator, header: &Header) {
        frames.begin(header).unwrap();
        found.begin(frames, header);
        frames.skip(header.payload_len());
        frames.finish().unwrap();
    }

    /// The examples of RFC 7692 §7.2.3, one after the other: "Hello" each time.
    #[test]
    fn what_messages_hold_is_counted() {
        let (mut found, mut frames) = inflated();
        let hello: [&[u8]; 5] = [
            &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
            &[0xF2, 0x00, 0x11, 0x00, 0x00],
            &[0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
            &[0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
            &[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
        ];
        for (index, message) in hello.into_iter().enumerate() {
            let header = Header::new(OpCode::Text, message.len() as u64).with_rsv(4);
            begin(&mut found, &mut frames, &header);
            message.chunks(3).for_each(|piece| found.payload(&header, piece).unwrap());
            assert_eq!(found.start().unwrap().bytes, b"Hello");
            let message = found.finish(&frames, &header).unwrap().unwrap();
            assert_eq!((message.len, message.wire_len), (Some(5), header.payload_len()));
            let ping = Header::new(OpCode::Ping, 1);
            begin(&mut found, &mut frames, &ping);
            found.payload(&ping, b"x").unwrap();
            assert!(found.start().is_none() && found.finish(&frames, &ping).unwrap().is_none());
            let count = index as u64 + 1;
            assert_eq!((found.messages, found.inflated, found.lost), (count, 5 * count, false));
        }
        assert_eq!(found.compressed, hello.concat().len() as u64);
    }

    #[test]
    fn what_cannot_be_inflated_is_told() {
        let (mut found, mut frames) = inflated();
        let header = Header::new(OpCode::Binary, 2).with_rsv(4);
        begin(&mut found, &mut frames, &header);
        let broken = found.payload(&header, &[0xFF, 0xFF]).unwrap_err();
        assert_eq!((broken.rule, broken.offset), (Rule::InvalidDeflate, 2));
        assert_eq!(found.finish(&frames, &header).unwrap().unwrap().len, None);
        assert_eq!(found.ratio(), None);
        let plain = Header::new(OpCode::Text, 2);
        begin(&mut found, &mut frames, &plain);
        found.payload(&plain, b"hi").unwrap();
        assert_eq!(found.finish(&frames, &plain).unwrap().unwrap().len, Some(2));
        assert_eq!((found.messages, found.compressed), (1, 2));
    }

    /// What is missing of a plain message, or of a Ping, is not missing of a compressed one.
    #[test]
    fn what_is_missing_of_a_compressed_message_alone_loses_the_next() {
        let hello = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];
        let compressed = Header::new(OpCode::Text, 7).with_rsv(4);
        for (header, lost) in [
            (Header::new(OpCode::Text, 7), false),
            (Header::new(OpCode::Ping, 7), false),
            (compressed, true),
        ] {
            let (mut found, mut frames) = inflated();
            begin(&mut found, &mut frames, &header);
            found.skip(&header, 7);
            found.finish(&frames, &header).unwrap();
            begin(&mut found, &mut frames, &compressed);
            found.payload(&compressed, &hello).unwrap();
            let len = found.finish(&frames, &compressed).unwrap().unwrap().len;
            assert_eq!((len, found.lost), ((!lost).then_some(5), lost), "{header:?}");
        }
    }
}
