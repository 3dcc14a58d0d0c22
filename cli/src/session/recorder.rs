//! Turns the observations of a conversation in one direction into records for a report.

use std::io;

use wsvet::{
    CloseFrame, Conversation, Direction, Header, Observed, OpCode, Role, Rule, Sent, Violation,
};

use crate::session::inflate::Inflated;
use crate::session::judging::Thoroughness;
use crate::session::record::{Broken, Frame, Incomplete, Record, Within};

/// The receiver of the records.
pub type Sink<'a> = dyn FnMut(Record<'_>) -> io::Result<()> + 'a;

/// Makes records from what a [`Conversation`] observes in one direction.
pub struct Recorder {
    thoroughness: Thoroughness,
    /// The open frame, whose payload is not complete.
    open: Option<Open>,
    /// The unmasked payload of the open frame: its start, or all of it if whole payloads are kept. It
    /// ends at the first byte that the input does not have.
    payload: Vec<u8>,
    /// Whether the input does not have bytes of this payload.
    lacks_payload: bool,
    /// The place of the last piece of this payload.
    piece: Piece,
    /// The last bytes of the open frame and of the fragments before it.
    recent: Recent,
    /// The last bytes of the open message.
    message: Recent,
    inflated: Inflated,
    /// The violation that the first bytes of a cut header prove. It is recorded with the header, or
    /// before something else happens.
    early: Option<Violation>,
    /// Whether a violation of the cut header was recorded before the header was complete.
    told_early: bool,
    /// Whether a rule was broken.
    broken: bool,
    /// Whether no more records are made. The conversation is still observed.
    silent: bool,
    /// Whether the direction has ended, or the start of the next frame is unknown.
    ended: bool,
}

/// A violation, and its frame.
pub struct Found {
    /// The rule and the byte.
    pub violation: Violation,
    /// The byte at which the frame starts, and its header.
    pub header: (u64, Header),
    /// As in [`Broken`].
    pub inflated: Option<u64>,
}

/// A frame whose payload is not complete.
#[derive(Clone, Copy)]
struct Open {
    sent: Sent,
    broken: bool,
}

/// The place of a piece of payload, and the bytes before it.
#[derive(Clone, Copy, Default)]
struct Piece {
    /// The byte of the direction at which it starts.
    offset: u64,
    /// The number of payload bytes before it that were kept.
    kept: usize,
    recent: Recent,
}

/// The last unmasked bytes of a payload.
#[derive(Clone, Copy, Default)]
struct Recent {
    bytes: [u8; BEFORE],
    len: usize,
}

/// The number of payload bytes that are kept for a preview: as many as a control frame can have.
const PREVIEW: usize = CloseFrame::MAX_BODY_LEN;

/// The number of payload bytes that are shown, up to the byte that breaks a rule.
const BEFORE: usize = 8;

/// The approximate memory that the conversation takes to inflate the messages of one endpoint.
const WINDOW: usize = 48 << 10;

/// Feeds the next bytes of one endpoint to the conversation, and records the observations.
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
    /// Creates the recorder of a direction. `deflate` says whether compression was negotiated.
    pub fn new(deflate: bool, thoroughness: Thoroughness) -> Self {
        Self {
            thoroughness,
            open: None,
            payload: Vec::new(),
            lacks_payload: false,
            piece: Piece::default(),
            recent: Recent::default(),
            message: Recent::default(),
            inflated: Inflated::new(deflate),
            early: None,
            told_early: false,
            broken: false,
            silent: false,
            ended: false,
        }
    }

    /// Returns whether recording has ended, for example because the start of the next frame is
    /// unknown.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Returns the approximate memory that it takes in addition to its own size, in bytes.
    pub fn memory(&self) -> usize {
        let window = if self.inflated.messages > 0 { WINDOW } else { 0 };
        self.payload.capacity() + window
    }

    /// Returns whether violations are still recorded.
    pub fn records_violations(&self) -> bool {
        !self.silent && !self.ended
    }

    /// Returns the totals of the compressed messages.
    pub fn into_inflated(self) -> Inflated {
        self.inflated
    }

    /// Records the next observation.
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

    /// Skips bytes of the open payload that the input does not have.
    pub fn skip(&mut self, len: u64) {
        if let Some(open) = self.open.as_ref().filter(|_| len > 0) {
            self.inflated.skip(&open.sent.header, len);
            self.lacks_payload = true;
            self.recent = Recent::default();
        }
    }

    /// Records a violation of the open frame that an earlier run found.
    pub fn broke(&mut self, found: Found, sink: &mut Sink<'_>) -> io::Result<()> {
        self.report(found, &[], usize::MAX, sink)
    }

    /// Returns whether the first bytes of a cut header prove a violation that is not recorded yet.
    pub fn is_early(&self) -> bool {
        self.early.is_some()
    }

    /// Records the violation that the first bytes of a cut header prove, if there is one.
    pub fn tell_early(&mut self, direction: &Direction, sink: &mut Sink<'_>) -> io::Result<()> {
        let Some(violation) = self.early.take() else { return Ok(()) };
        self.told_early = true;
        self.broken = true;
        if self.silent || self.ended {
            return Ok(());
        }
        self.silent = !self.thoroughness.keep_going;
        let cut = (direction.validator().offset(), direction.reader().cut_header());
        let (header, before, payload, inflated) = (None, &[][..], &[][..], None);
        sink(Record::Broken(Broken { violation, header, cut, before, payload, inflated }))
    }

    /// Ends the open frame and the open message without a judgement, because bytes are missing.
    pub fn lose(&mut self, direction: &Direction, sink: &mut Sink<'_>) -> io::Result<()> {
        self.tell_early(direction, sink)?;
        if !self.broken && !self.silent && !direction.reader().is_between_frames() {
            self.incomplete(direction, Within::Frame, sink)?;
        }
        self.open = None;
        self.payload.clear();
        self.piece = Piece::default();
        self.recent = Recent::default();
        self.message = Recent::default();
        self.told_early = false;
        self.inflated.lose_message();
        Ok(())
    }

    /// Ends the direction. `violation` is the rule that the end of the stream breaks.
    pub fn end(
        &mut self,
        direction: &Direction,
        violation: Option<Violation>,
        sink: &mut Sink<'_>,
    ) -> io::Result<()> {
        self.tell_early(direction, sink)?;
        if std::mem::replace(&mut self.ended, true) || self.silent {
            return Ok(());
        }
        let (validator, reader) = (direction.validator(), direction.reader());
        let header = self.open.as_ref().map(|open| (open.sent.offset, open.sent.header));
        let cut = (validator.offset(), reader.cut_header());
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
        self.incomplete(direction, within, sink)
    }

    /// Records that the bytes end inside a frame or a message.
    fn incomplete(
        &self,
        direction: &Direction,
        within: Within,
        sink: &mut Sink<'_>,
    ) -> io::Result<()> {
        let reader = direction.reader();
        let header = self.open.as_ref().map(|open| (open.sent.offset, open.sent.header));
        let cut = (direction.validator().offset(), reader.cut_header());
        let payload = if header.is_some() { &self.payload[..] } else { &[] };
        let offset = direction.offset();
        let missing = header.map(|_| reader.remaining());
        sink(Record::Incomplete(Incomplete { offset, within, missing, header, cut, payload }))
    }

    /// Processes a header, and records the rules that it breaks.
    fn header(&mut self, sent: Sent, sink: &mut Sink<'_>) -> io::Result<()> {
        self.payload.clear();
        self.lacks_payload = false;
        self.recent = match sent.header.opcode() {
            OpCode::Continuation => std::mem::take(&mut self.message),
            _ => Recent::default(),
        };
        self.piece = Piece::default();
        self.early = None;
        let told = std::mem::take(&mut self.told_early);
        self.open = Some(Open { sent, broken: told });
        self.inflated.begin(&sent);
        if sent.broken.is_empty() { Ok(()) } else { self.broken_header(&sent, told, sink) }
    }

    /// Records the rules that a header breaks. `told` says whether the first of them was recorded.
    #[cold]
    fn broken_header(&mut self, sent: &Sent, told: bool, sink: &mut Sink<'_>) -> io::Result<()> {
        let shown = if self.thoroughness.keep_going { usize::MAX } else { 1 };
        for rule in sent.broken.iter().take(shown).skip(told.into()) {
            let violation = Violation::in_header(rule, sent.offset);
            self.report(Found::of(sent, violation, None), &[], 0, sink)?;
        }
        // The end of a frame with an invalid length is unknown.
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
        let room = match whole {
            _ if self.lacks_payload => 0,
            true => usize::MAX,
            false => PREVIEW.saturating_sub(kept),
        };
        self.payload.extend_from_slice(&plain[..plain.len().min(room)]);
        self.recent.push(plain);
    }

    /// Records a violation, in this piece of payload or at the end of the frame.
    fn violation(
        &mut self,
        violation: Violation,
        piece: &[u8],
        sink: &mut Sink<'_>,
    ) -> io::Result<()> {
        let Some(Open { sent, .. }) = self.open else {
            self.early = Some(violation);
            return Ok(());
        };
        if sent.broken.contains(violation.rule) && piece.is_empty() {
            return Ok(()); // recorded with the header
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

    /// Processes the end of the frame.
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

    /// Records a violation of the open frame, with the first `shown` bytes of the payload. Without
    /// the option to keep going, it is the last record.
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
        sink(Record::Broken(Broken { violation, header, cut: (0, &[]), before, payload, inflated }))
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
        if let Some(last) = plain.last_chunk() {
            (self.bytes, self.len) = (*last, BEFORE);
            return;
        }
        let kept = self.len.min(BEFORE - plain.len());
        self.bytes.copy_within(self.len - kept..self.len, 0);
        self.len = kept + plain.len();
        self.bytes[kept..self.len].copy_from_slice(plain);
    }
}
