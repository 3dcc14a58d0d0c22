//! Measures the messages of one direction of a connection with permessage-deflate (RFC 7692): their
//! lengths on the wire, and their inflated lengths.

use wsvet::{CloseFrame, Header, OpCode, Sent};

/// The messages of one direction, and their inflated lengths.
#[derive(Default)]
pub struct Inflated {
    /// The number of compressed messages.
    pub messages: u64,
    /// The payload of the compressed messages on the wire, in bytes.
    pub compressed: u64,
    /// The inflated payload, in bytes. It has no meaning if the [ratio](Self::ratio) is unknown.
    pub inflated: u64,
    /// Whether the content of some messages is unknown, so that it was not judged.
    pub lost: bool,
    /// Whether compression was negotiated.
    agreed: bool,
    /// The open message.
    message: Option<Message>,
    start: Start,
}

/// A message on a connection with negotiated compression.
#[derive(Clone, Copy)]
pub struct Message {
    /// The opcode of its first frame.
    pub opcode: OpCode,
    /// Whether RSV1 of its first frame is set.
    pub compressed: bool,
    /// The length of the payload on the wire, in bytes.
    pub wire_len: u64,
    /// The inflated length in bytes, if known.
    pub len: Option<u64>,
}

/// The inflated payload of a frame.
#[derive(Default)]
pub struct Start {
    /// The start of it.
    pub bytes: Vec<u8>,
    /// The length in bytes.
    pub len: u64,
    /// The opcode of the message, if it is compressed and can be inflated.
    opcode: Option<OpCode>,
}

impl Start {
    /// Returns whether the frame is part of a text message.
    pub fn is_text(&self) -> bool {
        self.opcode == Some(OpCode::Text)
    }
}

/// The number of inflated bytes that are kept: as many as a control frame can have.
const KEPT: usize = CloseFrame::MAX_BODY_LEN;

impl Inflated {
    /// Starts a direction. `agreed` says whether compression was negotiated.
    pub fn new(agreed: bool) -> Self {
        Self { agreed, ..Self::default() }
    }

    /// Returns the number of inflated bytes for each byte on the wire, if all messages could be
    /// inflated.
    pub fn ratio(&self) -> Option<f64> {
        let known = self.messages > 0 && self.compressed > 0 && !self.lost;
        known.then(|| self.inflated as f64 / self.compressed as f64)
    }

    /// Returns the inflated payload of the last frame, if it is compressed and known.
    pub fn start(&self) -> Option<&Start> {
        Some(&self.start).filter(|start| start.opcode.is_some())
    }

    /// Processes the header of the next frame.
    pub fn begin(&mut self, Sent { header, compressed, validated, .. }: &Sent) {
        if !self.agreed {
            return;
        }
        if header.opcode().starts_message() {
            if self.is_compressed() {
                // The frame interrupts a message, which never ends.
                self.lose();
            }
            let compressed = header.rsv() & 4 != 0;
            self.messages += u64::from(compressed);
            let opcode = header.opcode();
            self.message = Some(Message { opcode, compressed, wire_len: 0, len: Some(0) });
        }
        self.start.opcode = self.message.filter(|_| *compressed).map(|message| message.opcode);
        self.start.bytes.clear();
        self.start.len = 0;
        if *compressed && !validated {
            self.lose();
        }
    }

    /// Counts the next `len` bytes of the payload.
    pub fn payload(&mut self, header: &Header, len: u64) {
        let Some(message) = self.message.as_mut().filter(|_| header.opcode().is_data()) else {
            return;
        };
        message.wire_len = message.wire_len.saturating_add(len);
        if message.compressed {
            self.compressed = self.compressed.saturating_add(len);
        } else {
            message.len = Some(message.wire_len);
        }
    }

    /// Counts the next inflated piece of a compressed message.
    pub fn push(&mut self, piece: &[u8]) {
        let Self { message: Some(message), start, .. } = self else { return };
        let room = KEPT.saturating_sub(start.bytes.len()).min(piece.len());
        start.bytes.extend_from_slice(&piece[..room]);
        start.len += piece.len() as u64;
        self.inflated += piece.len() as u64;
        message.len = message.len.map(|len| len + piece.len() as u64);
    }

    /// Skips `len` bytes of the payload that the input does not have.
    pub fn skip(&mut self, header: &Header, len: u64) {
        self.payload(header, len);
        if header.opcode().is_data() && self.is_compressed() {
            self.lose();
        }
    }

    /// Ends the frame. Returns the message if this frame completes it.
    pub fn finish(&mut self, header: &Header) -> Option<Message> {
        if header.opcode().is_data() && header.fin() { self.message.take() } else { None }
    }

    /// Notes that the content of the open message is unknown.
    pub fn lose(&mut self) {
        self.start.opcode = None;
        if let Some(message) = self.message.as_mut().filter(|message| message.compressed) {
            message.len = None;
            self.lost = true;
        }
    }

    /// Forgets the open message, and notes that whole messages may be missing.
    pub fn lose_message(&mut self) {
        self.lose();
        self.message = None;
    }

    /// Returns the inflated length of the open message so far.
    pub fn held(&self) -> Option<u64> {
        self.message?.len
    }

    fn is_compressed(&self) -> bool {
        self.message.is_some_and(|message| message.compressed)
    }
}

#[cfg(test)]
mod tests {
    use wsvet::deflate::Parameters;
    use wsvet::{Conversation, Observed, Policy, Role, Rule};

    use super::*;

    fn start() -> (Inflated, Conversation) {
        let (client, server) = (Policy::new(Role::Client), Policy::new(Role::Server));
        (Inflated::new(true), Conversation::deflate(client, server, Parameters::new()))
    }

    /// Feeds bytes of the server. Returns the message that they complete, and the broken rules.
    fn see(
        (found, conversation): &mut (Inflated, Conversation),
        bytes: &[u8],
    ) -> (Option<Message>, Vec<Rule>) {
        let (mut header, mut message, mut broken) = (None, None, Vec::new());
        conversation.observe(Role::Server, bytes, |seen| match seen {
            Observed::Header(sent) => {
                header = Some(sent.header);
                found.begin(&sent);
            }
            Observed::Payload { plain, .. } => found.payload(&header.unwrap(), plain.len() as u64),
            Observed::Inflated(piece) => found.push(piece),
            Observed::Violation { violation, .. } => {
                broken.push(violation.rule);
                found.lose();
            }
            Observed::End { .. } => message = found.finish(&header.unwrap()),
            _ => {}
        });
        (message, broken)
    }

    /// Returns the bytes of a frame of the server.
    fn frame(header: Header, payload: &[u8]) -> Vec<u8> {
        let mut wire = [0; Header::MAX_LEN];
        let len = header.encode(&mut wire);
        [&wire[..len], payload].concat()
    }

    const HELLO: [u8; 7] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];

    /// The examples of RFC 7692 §7.2.3 in sequence. Each one inflates to "Hello".
    #[test]
    fn inflated_bytes_are_counted() {
        let mut start = start();
        let hello: [&[u8]; 5] = [
            &HELLO,
            &[0xF2, 0x00, 0x11, 0x00, 0x00],
            &[0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
            &[0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
            &[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
        ];
        for (index, payload) in hello.into_iter().enumerate() {
            let len = payload.len() as u64;
            let (message, broken) =
                see(&mut start, &frame(Header::new(OpCode::Text, len).with_rsv(4), payload));
            assert_eq!(start.0.start().unwrap().bytes, b"Hello", "example {index}");
            let message = message.unwrap();
            let told = (message.len, message.wire_len, broken);
            assert_eq!(told, (Some(5), len, vec![]), "example {index}");
            let ping = frame(Header::new(OpCode::Ping, 1), b"x");
            assert!(see(&mut start, &ping).0.is_none(), "example {index}");
            assert!(start.0.start().is_none(), "example {index}");
            let (count, found) = (index as u64 + 1, &start.0);
            let told = (found.messages, found.inflated, found.lost);
            assert_eq!(told, (count, 5 * count, false), "example {index}");
        }
        assert_eq!(start.0.compressed, hello.concat().len() as u64);
    }

    #[test]
    fn a_message_that_cannot_be_inflated_has_no_length() {
        let mut start = start();
        let compressed = Header::new(OpCode::Binary, 2).with_rsv(4);
        let (message, broken) = see(&mut start, &frame(compressed, &[0xFF, 0xFF]));
        assert_eq!((message.unwrap().len, broken), (None, vec![Rule::InvalidDeflate]));
        assert_eq!(start.0.ratio(), None);
        let (message, _) = see(&mut start, &frame(Header::new(OpCode::Text, 2), b"hi"));
        assert_eq!(message.unwrap().len, Some(2));
        assert_eq!((start.0.messages, start.0.compressed), (1, 2));
    }

    /// Missing bytes make the next compressed message unknown only if they are compressed.
    #[test]
    fn only_missing_compressed_bytes_lose_the_next_message() {
        let compressed = Header::new(OpCode::Text, 7).with_rsv(4);
        for (header, lost) in [
            (Header::new(OpCode::Text, 7), false),
            (Header::new(OpCode::Ping, 7), false),
            (compressed, true),
        ] {
            let mut start = start();
            see(&mut start, &frame(header, b""));
            start.0.skip(&header, 7);
            start.1.skip(Role::Server, 7);
            start.1.finish(Role::Server).unwrap();
            start.0.finish(&header);
            let (message, _) = see(&mut start, &frame(compressed, &HELLO));
            let len = message.unwrap().len;
            assert_eq!((len, start.0.lost), ((!lost).then_some(5), lost), "{header:?}");
        }
    }
}
