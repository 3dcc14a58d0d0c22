//! What a conversation observed in one direction, as records: with what a report shows around it.

use std::io;

use wsvet::{
    CloseFrame, Conversation, Direction, Header, Observed, OpCode, Role, Rule, Sent, Violation,
};

use crate::session::inflate::Inflated;
use crate::session::judging::Thoroughness;
use crate::session::record::{Broken, Frame, Incomplete, Record, Within};

/// Where the records go.
pub type Sink<'a> = dyn FnMut(Record<'_>) -> io::Result<()> + 'a;

/// Makes records of what a [`Conversation`](wsvet::Conversation) observed in one direction.
pub struct Recorder {
    thoroughness: Thoroughness,
    /// The frame whose payload is coming.
    open: Option<Open>,
    /// Its payload, plain: the start, or all of it where that was asked for.
    payload: Vec<u8>,
    /// The last piece of it.
    piece: Piece,
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

/// A violation, with what stands around it.
pub struct Found {
    /// The rule and the byte.
    pub violation: Violation,
    /// Where the frame starts, and its header.
    pub header: (u64, Header),
    /// As in [`Broken`].
    pub inflated: Option<u64>,
}

/// A frame whose payload is coming.
#[derive(Clone, Copy)]
struct Open {
    sent: Sent,
    broken: bool,
}

/// What stands before a piece of payload.
#[derive(Clone, Copy, Default)]
struct Piece {
    /// The byte of the direction at which it starts.
    offset: u64,
    /// How much of the payload before it was kept, in bytes.
    kept: usize,
    recent: Recent,
}

/// The last plain bytes of a payload.
#[derive(Clone, Copy, Default)]
struct Recent {
    bytes: [u8; BEFORE],
    len: usize,
}

/// What of a payload is kept for a preview: as much as a control frame has.
const PREVIEW: usize = CloseFrame::MAX_BODY_LEN;

/// How much payload before an offending byte is shown.
const BEFORE: usize = 8;

/// Takes the next bytes of one end, and records what they are.
pub fn observe(
    conversation: &mut Conversation,
    from: Role,
    bytes: &[u8],
    recorder: &mut Recorder,
    sink: &mut Sink<'_>,
) -> io::Result<()> {
    let mut outcome = Ok(());
    conversation.observe(from, bytes, |seen| {
        if outcome.is_ok() {
            outcome = recorder.see(seen, sink);
        }
    });
    outcome
}

impl Recorder {
    /// Creates the recorder of a direction; `deflate` is whether its messages may be compressed.
    pub fn new(deflate: bool, thoroughness: Thoroughness) -> Self {
        Self {
            thoroughness,
            open: None,
            payload: Vec::new(),
            piece: Piece::default(),
            recent: Recent::default(),
            message: Recent::default(),
            inflated: Inflated::new(deflate),
            broken: false,
            silent: false,
            ended: false,
        }
    }

    /// Whether nothing more is recorded, because nobody can say where the next frame starts.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// What the compressed messages held.
    pub fn into_inflated(self) -> Inflated {
        self.inflated
    }

    /// Takes what was observed next.
    pub fn see(&mut self, seen: Observed<'_>, sink: &mut Sink<'_>) -> io::Result<()> {
        match seen {
            _ if self.ended => Ok(()),
            Observed::Header(sent) => self.header(sent, sink),
            Observed::Payload { plain, offset } => {
                self.payload(plain, offset);
                Ok(())
            }
            Observed::Inflated(piece) => {
                self.inflated.push(piece);
                Ok(())
            }
            Observed::Violation { violation, piece } => self.violation(violation, piece, sink),
            Observed::End { .. } => self.finish(sink),
            _ => Ok(()),
        }
    }

    /// Passes over bytes of the payload that is open: nobody has them.
    pub fn skip(&mut self, len: u64) {
        if let Some(open) = &self.open {
            self.inflated.skip(&open.sent.header, len);
        }
    }

    /// Takes over a violation of the open frame that stands in a log.
    pub fn broke(&mut self, found: Found, sink: &mut Sink<'_>) -> io::Result<()> {
        self.report(found, &[], usize::MAX, sink)
    }

    /// Ends the direction; `violation` is what that breaks, if it is the end of the stream.
    pub fn end(
        &mut self,
        direction: &Direction,
        violation: Option<Violation>,
        sink: &mut Sink<'_>,
    ) -> io::Result<()> {
        if std::mem::replace(&mut self.ended, true) || self.silent {
            return Ok(());
        }
        let (validator, reader) = (direction.validator(), direction.reader());
        let header = self.open.as_ref().map(|open| (open.sent.offset, open.sent.header));
        let cut = reader.cut_header();
        let payload = if header.is_some() { &self.payload[..] } else { &[] };
        if let Some(violation) = violation {
            let broken = Broken { violation, header, cut, before: &[], payload, inflated: None };
            return sink(Record::Broken(broken));
        }
        if self.broken {
            return Ok(());
        }
        let within = if !reader.is_between_frames() {
            Within::Frame
        } else if validator.open_message().is_some() {
            Within::Message
        } else {
            return Ok(());
        };
        let offset = direction.offset();
        let missing = header.map(|_| reader.remaining());
        sink(Record::Incomplete(Incomplete { offset, within, missing, header, cut, payload }))
    }

    /// A header, and all rules that it breaks.
    fn header(&mut self, sent: Sent, sink: &mut Sink<'_>) -> io::Result<()> {
        self.payload.clear();
        self.recent = match sent.header.opcode() {
            OpCode::Continuation => std::mem::take(&mut self.message),
            _ => Recent::default(),
        };
        self.piece = Piece::default();
        self.open = Some(Open { sent, broken: false });
        self.inflated.begin(&sent);
        let shown = if self.thoroughness.keep_going { usize::MAX } else { 1 };
        for rule in sent.broken.iter().take(shown) {
            let violation = Violation::in_header(rule, sent.offset);
            self.report(Found::of(&sent, violation, None), &[], 0, sink)?;
        }
        // Nobody can say where a frame of 2^63 bytes and more ends.
        self.ended = sent.broken.contains(Rule::LengthOverflow);
        Ok(())
    }

    fn payload(&mut self, plain: &[u8], offset: u64) {
        if let Some(open) = &self.open {
            self.inflated.payload(&open.sent.header, plain.len() as u64);
        }
        let kept = self.payload.len();
        self.piece = Piece { offset, kept, recent: self.recent };
        let whole = self.thoroughness.payload;
        let room = if whole { usize::MAX } else { PREVIEW.saturating_sub(kept) };
        self.payload.extend_from_slice(&plain[..plain.len().min(room)]);
        self.recent.push(plain);
    }

    /// A violation, in this piece of payload or at the end of the frame.
    fn violation(
        &mut self,
        violation: Violation,
        piece: &[u8],
        sink: &mut Sink<'_>,
    ) -> io::Result<()> {
        let Some(Open { sent, .. }) = self.open else { return Ok(()) };
        if sent.broken.contains(violation.rule) && piece.is_empty() {
            return Ok(()); // reported with the header
        }
        if sent.compressed {
            let held = self.inflated.held();
            let shown = if piece.is_empty() { usize::MAX } else { 0 };
            self.inflated.lose();
            return self.report(Found::of(&sent, violation, held), &[], shown, sink);
        }
        let found = Found::of(&sent, violation, None);
        if piece.is_empty() {
            let before = self.recent;
            return self.report(found, before.bytes(), self.payload.len(), sink);
        }
        let Piece { offset, kept, mut recent } = self.piece;
        let proof = violation.offset + u64::from(violation.rule == Rule::InvalidCloseCode);
        let index = proof.saturating_sub(offset) as usize;
        recent.push(&piece[..piece.len().min(index + 1)]);
        self.report(found, recent.bytes(), kept + index + 1, sink)
    }

    /// The end of the frame.
    fn finish(&mut self, sink: &mut Sink<'_>) -> io::Result<()> {
        let Some(Open { sent, broken }) = self.open.take() else { return Ok(()) };
        let Sent { header, offset, .. } = sent;
        let message = self.inflated.finish(&header);
        if header.opcode().is_data() {
            self.message = self.recent;
        }
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

    /// Reports a violation of the open frame, with so many bytes of the payload; nothing more, where
    /// it was not asked to go on.
    fn report(
        &mut self,
        found: Found,
        before: &[u8],
        shown: usize,
        sink: &mut Sink<'_>,
    ) -> io::Result<()> {
        if let Some(open) = &mut self.open {
            open.broken = true;
        }
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

impl Found {
    fn of(sent: &Sent, violation: Violation, inflated: Option<u64>) -> Self {
        Self { violation, header: (sent.offset, sent.header), inflated }
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
