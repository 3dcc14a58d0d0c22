//! The frames of one connection: both directions judged, and the verdict.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use wsvet::{Conversation, End, Header, Role, Verdict, mask};

use crate::session::direction::{Found, Judge, Sink};
use crate::session::judging::Judging;
use crate::session::pings::Pings;
use crate::session::record::Record;
use crate::session::report::{Closing, Gap, Opening, Place, Side};
use crate::transport::packet::Moment;

/// Both directions of a WebSocket connection.
pub struct Frames {
    opening: Opening,
    conversation: Conversation,
    pings: Pings,
    /// The reason of the client's Close, and of the server's.
    reasons: [String; 2],
    /// The judge of what the client sends, and of what the server sends.
    judges: [Judge; 2],
    /// An end went without a Close: how the other goes then says nothing about it.
    abandoned: bool,
    /// When the first of the ends went.
    ended: Option<Duration>,
    /// The capture lacks something.
    gap: bool,
}

impl Frames {
    /// The start of the frames; the report is told of the connection.
    pub fn open(opening: Opening, judging: &mut Judging<'_>) -> io::Result<Self> {
        judging.report.opening(&opening)?;
        // The client had to fail the connection: it counts with what is broken.
        judging.tally.violations += u64::from(opening.agreement.negotiation().is_err());
        Ok(Self {
            conversation: judging.limits.conversation(&opening.agreement),
            judges: [Role::Client, Role::Server].map(|sender| {
                let content = judging.limits.content(sender.peer(), &opening.agreement);
                Judge::new(sender, content, judging.thoroughness)
            }),
            opening,
            pings: Pings::default(),
            reasons: Default::default(),
            abandoned: false,
            ended: None,
            gap: false,
        })
    }

    /// Takes bytes of one end that are in order.
    pub fn feed(
        &mut self,
        from: Role,
        bytes: &[u8],
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let mut scratch = std::mem::take(&mut judging.scratch);
        let fed = self.judge(from, at, judging, |judge, conversation, sink| {
            judge.feed(conversation, bytes, &mut scratch, sink)
        });
        judging.scratch = scratch;
        fed
    }

    /// Takes a header of one end, and the start of its payload, plain.
    pub fn frame(
        &mut self,
        from: Role,
        header: &Header,
        plain: &[u8],
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let mut wire = [0; Header::MAX_LEN];
        let len = header.encode(&mut wire);
        self.feed(from, &wire[..len], at, judging)?;
        match header.masking_key() {
            Some(key) if key != [0; 4] => {
                let mut masked = plain.to_vec();
                mask::apply(key, 0, &mut masked);
                self.feed(from, &masked, at, judging)
            }
            _ => self.feed(from, plain, at, judging),
        }
    }

    /// Passes over so many bytes of the payload that one end is sending: nobody has them.
    pub fn skip(
        &mut self,
        from: Role,
        len: u64,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        self.judge(from, at, judging, |judge, conversation, sink| {
            judge.skip(conversation, len, sink)
        })
    }

    /// Takes over a violation that an earlier judge has found in the last frame of this end.
    pub fn broke(
        &mut self,
        from: Role,
        found: Found,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        self.judge(from, at, judging, |judge, conversation, sink| {
            judge.broke(conversation, found, sink)
        })
    }

    /// Passes over bytes that the capture lacks, where they are all of the payload that this end is
    /// sending; whether they are. The report is told of it, or not.
    pub fn pass_over(
        &mut self,
        from: Role,
        missing: u64,
        tell: bool,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<bool> {
        let judge = &self.judges[from as usize];
        if !judge.is_inside_payload(missing) {
            return Ok(false);
        }
        if tell {
            let offset = judge.offset(&self.conversation);
            judging.gap(&self.place(from, None), &Gap { offset, missing, passed_over: true })?;
        }
        self.lack();
        self.skip(from, missing, at, judging)?;
        Ok(true)
    }

    /// The input does not say all that the verdict would need.
    pub fn lack(&mut self) {
        self.gap = true;
    }

    fn judge(
        &mut self,
        from: Role,
        at: Moment,
        judging: &mut Judging<'_>,
        judge: impl FnOnce(&mut Judge, &mut Conversation, &mut Sink<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let place = self.place(from, Some(at));
        let Self { conversation, judges, pings, reasons, .. } = self;
        conversation.at(at.time);
        let mut sink = |record: Record<'_>| {
            if let Record::Frame(frame) | Record::LateClose(frame) = &record {
                pings.see(from, frame, at.time);
                if let (Some(close), "") = (&frame.close, reasons[from as usize].as_str()) {
                    reasons[from as usize] = close.reason.to_owned();
                }
            }
            judging.record(&place, &record)
        };
        judge(&mut judges[from as usize], conversation, &mut sink)
    }

    /// One end sends no more; `gap` is what the capture lacks of what it has sent.
    pub fn end(
        &mut self,
        from: Role,
        how: End,
        gap: Option<u64>,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let eof = gap.is_none() && !self.abandoned;
        self.finish_direction(from, eof, gap, Some(at), judging)?;
        self.conversation.at(at.time);
        self.conversation.end(from, how, self.judges[from as usize].unread());
        self.ended.get_or_insert(at.time);
        let closed = self.conversation.direction(from).validator().is_closed();
        self.abandoned |= gap.is_none() && !closed;
        Ok(())
    }

    /// The capture ends; `gaps` is what it lacks of each end that has not gone before.
    pub fn finish(mut self, gaps: [Option<u64>; 2], judging: &mut Judging<'_>) -> io::Result<()> {
        for from in [Role::Client, Role::Server] {
            self.finish_direction(from, false, gaps[from as usize], None, judging)?;
        }
        let closing = self.closing();
        judging.tally.faults += u64::from(!closing.is_in_order());
        judging.report.verdict(&Rc::new(closing))
    }

    /// Judges what one end has sent as far as it came.
    fn finish_direction(
        &mut self,
        from: Role,
        eof: bool,
        gap: Option<u64>,
        at: Option<Moment>,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let place = self.place(from, at);
        if let Some(missing) = gap {
            self.gap = true;
            let place = self.place(from, None);
            let offset = self.judges[from as usize].offset(&self.conversation);
            judging.gap(&place, &Gap { offset, missing, passed_over: false })?;
        }
        let mut sink = |record: Record<'_>| judging.record(&place, &record);
        self.judges[from as usize].end(&self.conversation, eof, &mut sink)
    }

    fn closing(self) -> Closing {
        let Self { opening, conversation, judges, ended, .. } = self;
        let side = |(from, judge): (Role, Judge)| {
            let direction = conversation.direction(from);
            let last = direction.last().copied();
            let before = ended.zip(last).map(|(end, sent)| end.saturating_sub(sent.at));
            let (frames, bytes) = (direction.frames(), judge.offset(&conversation));
            Side { from, frames, bytes, inflated: judge.into_inflated(), last, before }
        };
        let [client, server] = judges;
        let sides = [(Role::Client, client), (Role::Server, server)].map(side);
        let verdict = conversation.verdict();
        // It may be what was not judged that was refused.
        let unjudged = match verdict {
            Verdict::WronglyRefused { by, .. } => sides[by.peer() as usize].inflated.lost,
            _ => false,
        };
        Closing {
            opening,
            verdict,
            timeline: conversation.timeline().collect(),
            reasons: self.reasons,
            sides,
            pings: self.pings,
            ended,
            gap: self.gap || unjudged,
        }
    }

    fn place(&self, from: Role, at: Option<Moment>) -> Place {
        let Opening { connection, stream, .. } = self.opening;
        Place { connection, from, stream, at }
    }
}
