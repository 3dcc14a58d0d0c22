//! One direction of a conversation, judged: bytes in, records out.
//!
//! What is judged is kept by the `Conversation`, which both directions share.

use std::io;

use wsvet::deflate::Content;
use wsvet::{CloseFrame, Conversation, Header, OpCode, Role, Rule, Sent, Violation, mask};

use crate::session::inflate::Inflated;
use crate::session::judging::Thoroughness;
use crate::session::record::{Broken, Frame, Incomplete, Record, Within};

/// Where the records go.
pub type Sink<'a> = dyn FnMut(Record<'_>) -> io::Result<()> + 'a;

/// Judges one direction, from bytes that come in pieces of any size.
pub struct Judge {
    sender: Role,
    thoroughness: Thoroughness,
    /// A header that is cut.
    cut: [u8; Header::MAX_LEN],
    cut_len: usize,
    open: Option<Open>,
    /// The payload of the open frame, plain: its start, or all of it where that was asked for.
    payload: Vec<u8>,
    /// The last bytes of the open frame so far, with those of the fragment before it.
    recent: Recent,
    /// The last bytes of the message that is open.
    message: Recent,
    inflated: Inflated,
    /// Something was broken.
    broken: bool,
    /// Nothing more is reported; how the conversation goes on is still followed.
    silent: bool,
    /// Nothing more comes, or nobody can say where the next frame starts.
    ended: bool,
}

/// A frame whose payload is coming.
#[derive(Clone, Copy)]
struct Open {
    offset: u64,
    header: Header,
    remaining: u64,
    phase: usize,
    broken: bool,
}

/// A violation that is to be reported.
pub struct Found {
    /// The rule and the byte.
    pub violation: Violation,
    /// The header of the frame, and where it starts.
    pub header: (u64, Header),
    /// As in [`Broken::inflated`].
    pub inflated: Option<u64>,
}

/// The last plain bytes of a payload.
#[derive(Clone, Copy, Default)]
struct Recent {
    bytes: [u8; BEFORE],
    len: usize,
}

/// What of a payload is kept for a preview: as much as a control frame has.
const PREVIEW: usize = CloseFrame::MAX_BODY_LEN;

/// How much payload is unmasked at once.
const PIECE: usize = 64 << 10;

/// How much payload before an offending byte is shown.
const BEFORE: usize = 8;

impl Judge {
    /// The start of what this end sends; where its messages may be compressed, with their judge.
    pub fn new(sender: Role, content: Option<Content>, thoroughness: Thoroughness) -> Self {
        Self {
            sender,
            thoroughness,
            cut: [0; Header::MAX_LEN],
            cut_len: 0,
            open: None,
            payload: Vec::new(),
            recent: Recent::default(),
            message: Recent::default(),
            inflated: Inflated::new(content),
            broken: false,
            silent: false,
            ended: false,
        }
    }

    /// How many bytes came that are too few for a header.
    pub fn unread(&self) -> usize {
        self.cut_len
    }

    /// How many bytes were judged.
    pub fn offset(&self, conversation: &Conversation) -> u64 {
        conversation.direction(self.sender).validator().offset() + self.cut_len as u64
    }

    /// Whether so many bytes of the open frame's payload are still to come.
    pub fn is_inside_payload(&self, len: u64) -> bool {
        !self.ended && self.open.is_some_and(|open| open.remaining >= len)
    }

    /// What the compressed messages held.
    pub fn into_inflated(self) -> Inflated {
        self.inflated.done()
    }

    /// Judges the next bytes; `scratch` is where payload is unmasked.
    pub fn feed(
        &mut self,
        conversation: &mut Conversation,
        mut bytes: &[u8],
        scratch: &mut Vec<u8>,
        sink: &mut Sink<'_>,
    ) -> io::Result<()> {
        while !bytes.is_empty() && !self.ended {
            bytes = match self.open.take() {
                None => self.header(conversation, bytes, sink)?,
                Some(open) => self.payload(conversation, open, bytes, scratch, sink)?,
            };
        }
        Ok(())
    }

    /// Passes over so many bytes of the payload that is open: nobody has them.
    pub fn skip(
        &mut self,
        conversation: &mut Conversation,
        len: u64,
        sink: &mut Sink<'_>,
    ) -> io::Result<()> {
        if self.ended {
            return Ok(());
        }
        let Some(mut open) = self.open.take() else { return Ok(()) };
        let len = len.min(open.remaining);
        if len > 0 {
            conversation.skip(self.sender, len);
            self.inflated.skip(&open.header, len);
            open.remaining -= len;
        }
        self.open_or_finish(conversation, open, sink)
    }

    /// Takes over a violation that an earlier judge has found in the open frame.
    pub fn broke(
        &mut self,
        conversation: &mut Conversation,
        found: Found,
        sink: &mut Sink<'_>,
    ) -> io::Result<()> {
        conversation.broke(self.sender, found.violation);
        if let Some(open) = &mut self.open {
            open.broken = true;
        }
        self.report(found, &[], usize::MAX, sink)
    }

    /// Ends the direction: with the TCP stream, or because no more was captured.
    pub fn end(
        &mut self,
        conversation: &Conversation,
        eof: bool,
        sink: &mut Sink<'_>,
    ) -> io::Result<()> {
        if std::mem::replace(&mut self.ended, true) || self.silent {
            return Ok(());
        }
        let header = self.open.as_ref().map(|open| (open.offset, open.header));
        let cut = &self.cut[..self.cut_len];
        let payload = if header.is_some() { &self.payload[..] } else { &[] };
        let validator = conversation.direction(self.sender).validator();
        if eof && let Err(violation) = validator.clone().eof(self.cut_len) {
            let broken = Broken { violation, header, cut, before: &[], payload, inflated: None };
            return sink(Record::Broken(broken));
        }
        if self.broken {
            return Ok(());
        }
        let offset = self.offset(conversation);
        let missing = self.open.as_ref().map(|open| open.remaining);
        let within = if missing.is_some() || self.cut_len > 0 {
            Within::Frame
        } else if validator.open_message().is_some() {
            Within::Message
        } else {
            return Ok(());
        };
        sink(Record::Incomplete(Incomplete { offset, within, missing, header, cut, payload }))
    }

    /// Reads a header off the front of `bytes`, and gives what is left of them.
    fn header<'a>(
        &mut self,
        conversation: &mut Conversation,
        bytes: &'a [u8],
        sink: &mut Sink<'_>,
    ) -> io::Result<&'a [u8]> {
        let (header, rest) = if self.cut_len == 0
            && let Ok(decoded) = Header::decode(bytes)
        {
            decoded
        } else {
            let len = bytes.len().min(Header::MAX_LEN - self.cut_len);
            let held = self.cut_len + len;
            self.cut[self.cut_len..held].copy_from_slice(&bytes[..len]);
            let Ok((header, _)) = Header::decode(&self.cut[..held]) else {
                self.cut_len = held;
                return Ok(&[]);
            };
            (header, &bytes[header.header_len() - std::mem::take(&mut self.cut_len)..])
        };
        self.payload.clear();
        self.recent = match header.opcode() {
            OpCode::Continuation => std::mem::take(&mut self.message),
            _ => Recent::default(),
        };
        let open = Open {
            offset: conversation.direction(self.sender).validator().offset(),
            header,
            remaining: header.payload_len(),
            phase: 0,
            broken: self.begin(conversation, &header, sink)?,
        };
        self.open_or_finish(conversation, open, sink)?;
        Ok(rest)
    }

    /// Judges a header; whether it breaks a rule.
    fn begin(
        &mut self,
        conversation: &mut Conversation,
        header: &Header,
        sink: &mut Sink<'_>,
    ) -> io::Result<bool> {
        let judged = conversation.begin(self.sender, header);
        self.inflated.begin(conversation.direction(self.sender).validator(), header);
        if judged.is_ok() {
            return Ok(false);
        }
        let Some(&Sent { offset, broken: rules, .. }) = conversation.direction(self.sender).last()
        else {
            return Ok(true);
        };
        let shown = if self.thoroughness.keep_going { usize::MAX } else { 1 };
        for rule in rules.iter().take(shown) {
            let violation = Violation::in_header(rule, offset);
            let header = (offset, *header);
            self.report(Found { violation, header, inflated: None }, &[], 0, sink)?;
        }
        // What its payload means is unknown, or what it does to the message that is open.
        if header.opcode().is_data() && rules.iter().any(Rule::loses_window) {
            self.inflated.lose();
        }
        // Nobody can say where a frame of 2^63 bytes and more ends.
        self.ended |= rules.contains(Rule::LengthOverflow);
        Ok(true)
    }

    /// Judges what `bytes` have of a payload, and gives what is left of them.
    fn payload<'a>(
        &mut self,
        conversation: &mut Conversation,
        mut open: Open,
        bytes: &'a [u8],
        scratch: &mut Vec<u8>,
        sink: &mut Sink<'_>,
    ) -> io::Result<&'a [u8]> {
        let len = open.remaining.min(bytes.len().min(PIECE) as u64) as usize;
        let (piece, rest) = bytes.split_at(len);
        let plain = match open.header.masking_key() {
            None => piece,
            Some(key) => {
                scratch.clear();
                scratch.extend_from_slice(piece);
                open.phase = mask::apply(key, open.phase, scratch);
                &scratch[..]
            }
        };
        let whole = self.thoroughness.payload;
        let kept = self.payload.len();
        let room = if whole { usize::MAX } else { PREVIEW.saturating_sub(kept) };
        self.payload.extend_from_slice(&plain[..len.min(room)]);
        let start = conversation.direction(self.sender).validator().offset();
        if let Err(violation) = conversation.payload(self.sender, plain) {
            let proof = violation.offset + u64::from(violation.rule == Rule::InvalidCloseCode);
            let index = proof.saturating_sub(start) as usize;
            open.broken = true;
            let mut before = self.recent;
            before.push(&plain[..len.min(index + 1)]);
            let shown = kept + index + 1;
            let header = (open.offset, open.header);
            let found = Found { violation, header, inflated: None };
            self.report(found, before.bytes(), shown, sink)?;
        }
        if let Err(violation) = self.inflated.payload(&open.header, plain) {
            let header = (open.offset, open.header);
            let found = Found { violation, header, inflated: self.inflated.held() };
            self.content_broke(conversation, &mut open, found, 0, sink)?;
        }
        self.recent.push(plain);
        open.remaining -= len as u64;
        self.open_or_finish(conversation, open, sink)?;
        Ok(rest)
    }

    /// Waits for more of the frame, or finishes it where all of it is there.
    fn open_or_finish(
        &mut self,
        conversation: &mut Conversation,
        mut open: Open,
        sink: &mut Sink<'_>,
    ) -> io::Result<()> {
        if self.ended || open.remaining > 0 {
            self.open = Some(open);
            return Ok(());
        }
        if let Err(violation) = conversation.finish(self.sender) {
            open.broken = true;
            let before = self.recent;
            let header = (open.offset, open.header);
            let found = Found { violation, header, inflated: None };
            self.report(found, before.bytes(), self.payload.len(), sink)?;
        }
        let inflated = self.inflated.held();
        let frames = conversation.direction(self.sender).validator();
        let message = match self.inflated.finish(frames, &open.header) {
            Ok(message) => message,
            Err(violation) => {
                let found = Found { violation, header: (open.offset, open.header), inflated };
                self.content_broke(conversation, &mut open, found, usize::MAX, sink)?;
                None
            }
        };
        if open.header.opcode().is_data() {
            self.message = self.recent;
        }
        let Open { offset, header, broken, .. } = open;
        let closes = header.opcode() == OpCode::Close;
        if broken || self.silent && !closes {
            return Ok(());
        }
        let close =
            if closes { CloseFrame::decode(&self.payload).unwrap_or_default() } else { None };
        let inflated = self.inflated.start();
        let frame = Frame { offset, header, payload: &self.payload, inflated, message, close };
        sink(if self.silent { Record::LateClose(frame) } else { Record::Frame(frame) })
    }

    /// What a compressed message holds breaks a rule: notes that, and reports it.
    fn content_broke(
        &mut self,
        conversation: &mut Conversation,
        open: &mut Open,
        found: Found,
        shown: usize,
        sink: &mut Sink<'_>,
    ) -> io::Result<()> {
        conversation.broke(self.sender, found.violation);
        open.broken = true;
        self.report(found, &[], shown, sink)
    }

    /// Reports a violation, with so many bytes of the payload; nothing more, where it was not
    /// asked to go on.
    fn report(
        &mut self,
        found: Found,
        before: &[u8],
        shown: usize,
        sink: &mut Sink<'_>,
    ) -> io::Result<()> {
        if self.silent {
            return Ok(());
        }
        self.broken = true;
        self.silent = !self.thoroughness.keep_going;
        let payload = &self.payload[..shown.min(self.payload.len())];
        let Found { violation, header, inflated } = found;
        let header = Some(header);
        sink(Record::Broken(Broken { violation, header, cut: &[], before, payload, inflated }))
    }
}

impl Recent {
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn push(&mut self, plain: &[u8]) {
        let plain = &plain[plain.len().saturating_sub(BEFORE)..];
        let kept = self.len.min(BEFORE - plain.len());
        self.bytes.copy_within(self.len - kept..self.len, 0);
        self.len = kept + plain.len();
        self.bytes[kept..self.len].copy_from_slice(plain);
    }
}
