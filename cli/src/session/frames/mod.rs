//! Judges the frames of both directions of a connection, and returns the verdict.

mod closing;

use std::io;
use std::rc::Rc;
use std::time::Duration;

use wsvet::{
    Act, Conversation, Direction, End, Finding, Header, OpCode, Role, Verdict, Violation, mask,
};

use crate::session::agreement::{Agreement, HandshakeFinding};
use crate::session::cause::{Cause, Known, Watch};
use crate::session::judging::Judging;
use crate::session::lacking::{Lack, Lacking};
use crate::session::pings::Pings;
use crate::session::record::{Record, is_in_payload};
use crate::session::recorder::{Found, Recorder, Sink, observe};
use crate::session::report::{Gap, Next, Opening, OverHttp2, Place, Reported};
use crate::session::silence::Silence;
use crate::session::unjudged::Unjudged;
use crate::transport::packet::Moment;

/// Both directions of a WebSocket connection.
pub struct Frames {
    opening: Opening,
    conversation: Conversation,
    pings: Pings,
    /// The reasons in the Close frames of the client and of the server.
    reasons: [String; 2],
    /// The recorders for the client's frames and the server's frames.
    recorders: [Recorder; 2],
    /// What finds the causes of violations in them.
    watches: [Watch; 2],
    /// The byte of the last recorded violation in a payload of each endpoint.
    broken_at: [Option<u64>; 2],
    /// When the first bytes of a cut header of the client and of the server proved a violation that is
    /// not recorded yet.
    proven: [Option<Moment>; 2],
    /// Whether an endpoint ended its stream without a Close frame. The end of the other stream is then
    /// not judged.
    abandoned: bool,
    /// The time at which the first stream ended.
    ended: Option<Duration>,
    /// Whether the input lacks data.
    gap: bool,
    /// Whether frames are missing, so that an answer may be among them.
    partial: bool,
    /// What the capture lacks, and where judging went on.
    lacking: Lacking,
    /// The findings of an earlier run.
    found: Option<Vec<Finding>>,
    /// What the input itself says of the connection.
    reported: Vec<Reported>,
    silence: Silence,
    /// The times of the last packets of the client and of the server, if the input has packets.
    heard: [Option<Duration>; 2],
    /// The time of the last event.
    now: Duration,
}

impl Frames {
    /// Starts a connection, and reports it and what is found in its opening handshake.
    pub fn open(mut opening: Opening, judging: &mut Judging<'_>) -> io::Result<Self> {
        judging.report.opening(&opening)?;
        judging.tally.uncertain += u64::from(opening.agreement.uncertain.is_some());
        let found = std::mem::take(&mut opening.agreement.found);
        let mut frames = Self {
            conversation: judging.limits.conversation(&opening.agreement),
            recorders: [(); 2].map(|()| {
                let deflate = opening.agreement.permessage_deflate().is_some();
                Recorder::new(deflate, judging.thoroughness)
            }),
            watches: Default::default(),
            broken_at: [None; 2],
            silence: Silence::new(opening.time),
            heard: [None; 2],
            now: opening.time,
            opening,
            pings: Pings::default(),
            reasons: Default::default(),
            proven: [None; 2],
            abandoned: false,
            ended: None,
            gap: false,
            partial: false,
            lacking: Lacking::default(),
            found: None,
            reported: Vec::new(),
        };
        if let Some(uncertain) = &frames.opening.agreement.uncertain {
            for from in [Role::Client, Role::Server] {
                if uncertain.skipped[from as usize].is_none() {
                    frames.lacking.note(from, Lack::Frames);
                }
            }
        }
        let Agreement { asked, opened, .. } = frames.opening.agreement;
        if let Some(asked) = asked {
            frames.conversation.at(asked);
            frames.conversation.request([]);
        }
        frames.conversation.at(frames.now);
        if asked.is_some() && opened {
            frames.conversation.response(101, []);
        }
        for found in found {
            frames.handshake(found, judging)?;
        }
        Ok(frames)
    }

    /// Reports what was found in the opening handshake, once.
    pub fn handshake(
        &mut self,
        found: HandshakeFinding,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        if !self.opening.agreement.add(found.clone()) {
            return Ok(());
        }
        match found {
            HandshakeFinding::Broken(rule) if rule.sender() == Role::Client => {
                self.conversation.request([rule]);
            }
            HandshakeFinding::Broken(rule) => self.conversation.response(101, [rule]),
            HandshakeFinding::Refused(status) => self.conversation.response(status, []),
            HandshakeFinding::RefusedBefore(_) | HandshakeFinding::Declined(_) => {}
        }
        judging.tally.violations += u64::from(matches!(found, HandshakeFinding::Broken(_)));
        judging.report.handshake(&self.opening, &found)
    }

    /// Judges the next bytes of one endpoint.
    pub fn feed(
        &mut self,
        from: Role,
        bytes: &[u8],
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        self.record(from, at, judging, |conversation, recorder, sink| {
            observe(conversation, from, bytes, recorder, sink)
        })?;
        let follow = self.recorders[from as usize].records_violations();
        self.watches[from as usize].keep(bytes, follow);
        self.tell_causes(from, Known::SoFar, judging)
    }

    /// Judges a header of one endpoint, and the start of its unmasked payload.
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
        self.payload(from, header, 0, plain, at, judging)
    }

    /// Judges unmasked bytes of the open payload of one endpoint. `phase` is the number of bytes of
    /// the payload before them.
    pub fn payload(
        &mut self,
        from: Role,
        header: &Header,
        phase: u64,
        plain: &[u8],
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        match header.masking_key() {
            Some(key) if key != [0; 4] => {
                let mut masked = plain.to_vec();
                mask::apply(key, (phase % 4) as usize, &mut masked);
                self.feed(from, &masked, at, judging)
            }
            _ => self.feed(from, plain, at, judging),
        }
    }

    /// Passes over the rest of a cut header of one endpoint, and its payload, that the input does not
    /// have. What its first bytes prove was recorded.
    pub fn pass_over_header(
        &mut self,
        from: Role,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        while self.conversation.direction(from).reader().unread() > 0 {
            self.feed(from, &[0], at, judging)?;
        }
        let rest = self.conversation.direction(from).reader().remaining();
        self.skip(from, rest, at, judging)
    }

    /// Skips bytes of the open payload of one endpoint that the input does not have.
    pub fn skip(
        &mut self,
        from: Role,
        len: u64,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        self.record(from, at, judging, |conversation, recorder, sink| {
            let len = len.min(conversation.direction(from).reader().remaining());
            conversation.skip(from, len);
            recorder.skip(len);
            observe(conversation, from, &[], recorder, sink)
        })?;
        self.watches[from as usize].skip(len);
        self.tell_causes(from, Known::SoFar, judging)
    }

    /// Records a violation that an earlier run found in the payload of the last frame of this endpoint.
    /// Does nothing if this run has already recorded one at that byte or after it.
    pub fn broke(
        &mut self,
        from: Role,
        found: Found,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        if self.broken_at[from as usize] >= Some(found.violation.offset) {
            return Ok(());
        }
        self.record(from, at, judging, |conversation, recorder, sink| {
            conversation.broke(from, found.violation);
            recorder.broke(found, sink)
        })
    }

    /// Skips bytes that the capture lacks, if all of them are in the open payload of this endpoint.
    /// Returns whether they are. `tell` says whether the gap is reported.
    pub fn pass_over(
        &mut self,
        from: Role,
        missing: u64,
        tell: bool,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<bool> {
        let reader = self.conversation.direction(from).reader();
        // The body of a Close frame is too short to be judged in part.
        let frame = reader.frame().filter(|header| header.opcode() != OpCode::Close);
        let inside = frame.is_some() && reader.remaining() >= missing;
        if !inside || self.recorders[from as usize].has_ended() {
            return Ok(false);
        }
        if tell {
            let offset = self.conversation.direction(from).offset();
            judging.gap(&self.place(from, None), &Gap { offset, missing, next: Next::Inside })?;
        }
        self.lack_payload(from);
        self.skip(from, missing, at, judging)?;
        Ok(true)
    }

    /// Skips bytes that the capture lacks, and those after them up to this byte, at which a frame
    /// starts. Returns whether judging goes on. It does not after a Close frame: no frame may follow
    /// one, so the bytes are most likely those of another connection.
    pub fn resume(
        &mut self,
        from: Role,
        missing: u64,
        to: u64,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<bool> {
        let has_closed = self.conversation.direction(from).close().is_some();
        if has_closed || self.recorders[from as usize].has_ended() {
            return Ok(false);
        }
        let offset = self.offset(from);
        let len = to.saturating_sub(offset);
        self.record(from, at, judging, |conversation, recorder, sink| {
            recorder.lose(conversation.direction(from), sink)?;
            conversation.lose(from, len);
            Ok(())
        })?;
        self.watches[from as usize].lose(len);
        self.lack();
        self.lack_frames();
        self.lacking.note(from, Lack::Frames);
        let gap = Gap { offset, missing, next: Next::Frame(to) };
        judging.gap(&self.place(from, None), &gap)?;
        Ok(true)
    }

    /// Notes that bytes were held back until now, because others before them are missing. If an
    /// endpoint has begun to end the connection, the order of the steps is not known.
    pub fn came_late(&mut self) {
        self.lack_frames();
        if self.conversation.timeline().next().is_some() {
            self.lacking.disorder();
        }
    }

    /// Notes that bytes that were held back were judged. If they break a rule, it is not known what the
    /// receiver sent after that.
    pub fn caught_up(&mut self) {
        if self.conversation.timeline().any(|step| matches!(step.act, Act::Broke(_))) {
            self.lacking.disorder();
        }
    }

    /// Notes that the order of the steps that led to the end of the connection is not known.
    pub fn disorder(&mut self) {
        self.lacking.disorder();
    }

    /// Notes that the input lacks bytes of payloads of this endpoint.
    pub fn lack_payload(&mut self, from: Role) {
        self.lack();
        self.lacking.note(from, Lack::Payload);
    }

    /// Notes that the other endpoint may have ended the connection before, in bytes that have not
    /// come.
    pub fn doubt_end(&mut self) {
        self.abandoned = true;
        self.lacking.disorder();
    }

    /// Notes that the input lacks data that the verdict needs.
    pub fn lack(&mut self) {
        self.gap = true;
    }

    /// Notes that the input may lack whole frames, or the time at which the connection ended.
    /// What an endpoint did not do is then not judged.
    pub fn lack_frames(&mut self) {
        self.partial = true;
    }

    /// Returns the number of bytes of this endpoint so far.
    pub fn offset(&self, from: Role) -> u64 {
        self.conversation.direction(from).offset()
    }

    /// Returns the number of the connection.
    pub fn number(&self) -> usize {
        self.opening.connection
    }

    /// Sets the number of the TCP stream, if the connection goes on in another capture.
    pub fn set_stream(&mut self, stream: usize) {
        self.opening.stream = Some(stream);
    }

    /// Returns what is known of the stream of HTTP/2, if there is one.
    pub fn http2(&mut self) -> Option<&mut OverHttp2> {
        self.opening.http2.as_deref_mut()
    }

    /// Returns the approximate memory that it takes in addition to its own size, in bytes.
    pub fn memory(&self) -> usize {
        let recorders: usize = self.recorders.iter().map(Recorder::memory).sum();
        recorders + self.evidence() + self.pings.memory()
    }

    /// Returns the part of it that is kept only to find the causes of violations.
    pub fn evidence(&self) -> usize {
        self.watches.iter().map(Watch::memory).sum()
    }

    /// Forgets as much of that as no violation waits for.
    pub fn forget_evidence(&mut self) {
        self.watches.iter_mut().for_each(Watch::forget);
    }

    /// Returns whether the end of this endpoint's stream can be judged. If the connection begins in
    /// the middle, a Close may have come before the first byte that was judged.
    fn knows_end_of(&self, from: Role) -> bool {
        if self.lacking.lacks_frames(from) {
            return false;
        }
        let Some(uncertain) = &self.opening.agreement.uncertain else { return true };
        let direction = self.conversation.direction(from);
        let seen = direction.frames() > 0 || !direction.reader().is_between_frames();
        uncertain.skipped[from as usize].is_some() && (uncertain.why != Unjudged::Begun || seen)
    }

    /// Notes what the input itself says of the connection.
    pub fn report(&mut self, reported: Reported) {
        self.reported.push(reported);
    }

    /// Notes that a packet came from the host of this endpoint.
    pub fn heard_from(&mut self, host: Role, at: Moment) {
        self.at(at.time);
        self.conversation.heard_from(host);
        self.heard[host as usize] = Some(at.time);
    }

    /// Takes over what an earlier run found.
    pub fn find(&mut self, found: Vec<Finding>) {
        self.found = Some(found);
    }

    /// Sets the time of what follows.
    fn at(&mut self, time: Duration) {
        self.now = time;
        self.conversation.at(time);
    }

    fn record(
        &mut self,
        from: Role,
        at: Moment,
        judging: &mut Judging<'_>,
        record: impl FnOnce(&mut Conversation, &mut Recorder, &mut Sink<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.tell_early(from.peer(), judging)?;
        let place = self.place(from, Some(at));
        self.at(at.time);
        let before = before_close(self.conversation.direction(from));
        let Self { conversation, recorders, watches, pings, reasons, silence, broken_at, .. } =
            self;
        let watch = &mut watches[from as usize];
        let mut sink = |record: Record<'_>| {
            if let Record::Frame(frame) | Record::LateClose(frame) = &record {
                pings.see(from, frame, at.time);
                if let (Some(close), "") = (&frame.close, reasons[from as usize].as_str()) {
                    reasons[from as usize] = close.reason.to_owned();
                }
            }
            if let Record::Broken(broken) = &record
                && is_in_payload(broken.violation.rule, broken.inflated)
            {
                broken_at[from as usize] = Some(broken.violation.offset);
            }
            watch.record(&place, &record);
            judging.record(&place, &record)
        };
        let recorder = &mut recorders[from as usize];
        let outcome = record(conversation, recorder, &mut sink);
        if recorder.is_early() {
            self.proven[from as usize].get_or_insert(at);
        } else {
            self.proven[from as usize] = None;
        }
        let direction = conversation.direction(from);
        if before_close(direction) > before {
            silence.see(at.time);
        }
        if direction.close().is_some() {
            silence.end(at.time);
        }
        outcome
    }

    /// Records what the first bytes of a cut header of this endpoint prove, before anything else
    /// happens.
    fn tell_early(&mut self, from: Role, judging: &mut Judging<'_>) -> io::Result<()> {
        let Some(at) = self.proven[from as usize].take() else { return Ok(()) };
        let place = self.place(from, Some(at));
        let watch = &mut self.watches[from as usize];
        let mut sink = |record: Record<'_>| {
            watch.record(&place, &record);
            judging.record(&place, &record)
        };
        let direction = self.conversation.direction(from);
        self.recorders[from as usize].tell_early(direction, &mut sink)
    }

    /// Reports a cause that an earlier run found for the violation at this byte of an endpoint.
    pub fn looked_like(
        &mut self,
        from: Role,
        offset: u64,
        cause: Cause,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        self.tell_early(from, judging)?;
        let told = self.watches[from as usize].adopt(offset, cause);
        told.map_or(Ok(()), |told| judging.causes(&told))
    }

    /// Reports the causes of the violations of this endpoint as soon as they are certain.
    fn tell_causes(
        &mut self,
        from: Role,
        known: Known,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let watch = &mut self.watches[from as usize];
        while let Some(told) = watch.tell(from, known, &self.opening.agreement) {
            judging.causes(&told)?;
        }
        Ok(())
    }

    /// Ends the stream of one endpoint. `gap` is the number of its bytes that the capture lacks.
    pub fn end(
        &mut self,
        from: Role,
        how: End,
        gap: Option<u64>,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        self.at(at.time);
        self.silence.end(at.time);
        let violation = self.conversation.end(from, how, 0);
        // Nothing ends that was never opened, and a client that fails the connection just leaves.
        let opened = !matches!(self.conversation.verdict(), Verdict::NeverOpened { .. });
        let known = self.knows_end_of(from);
        let violation = violation.filter(|_| gap.is_none() && !self.abandoned && opened && known);
        self.finish_direction(from, violation, gap, Some(at), judging)?;
        self.ended.get_or_insert(at.time);
        let closed = self.conversation.direction(from).validator().is_closed();
        let lacks = gap.is_some() || self.lacking.lacks_frames(from);
        self.abandoned |= !closed && (known || lacks);
        Ok(())
    }

    /// Ends the connection at the end of the capture. `gaps` has the missing bytes of each stream that
    /// is still open. `until` is the time up to which the connection was observed, if that is later
    /// than its last event.
    pub fn finish(
        mut self,
        gaps: [Option<u64>; 2],
        until: Option<Duration>,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        for from in [Role::Client, Role::Server] {
            self.finish_direction(from, None, gaps[from as usize], None, judging)?;
        }
        if let Some(until) = until {
            self.at(until);
        }
        let closing = self.closing();
        let unopened = matches!(closing.verdict, Verdict::NeverOpened { .. });
        judging.tally.unopened += u64::from(unopened);
        judging.tally.faults += u64::from(!unopened && !closing.is_closed_correctly());
        judging.tally.findings += closing.findings.len() as u64;
        judging.tally.lacking += u64::from(closing.gap);
        judging.report.verdict(&Rc::new(closing))
    }

    /// Ends one direction. `violation` is the rule that the end breaks.
    fn finish_direction(
        &mut self,
        from: Role,
        violation: Option<Violation>,
        gap: Option<u64>,
        at: Option<Moment>,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        for from in [from.peer(), from] {
            self.tell_early(from, judging)?;
        }
        let place = self.place(from, at);
        if let Some(missing) = gap {
            self.gap = true;
            self.partial = true;
            let place = self.place(from, None);
            let offset = self.conversation.direction(from).offset();
            self.lacking.note(from, Lack::Frames);
            judging.gap(&place, &Gap { offset, missing, next: Next::Nowhere })?;
        }
        let watch = &mut self.watches[from as usize];
        let mut sink = |record: Record<'_>| {
            watch.record(&place, &record);
            judging.record(&place, &record)
        };
        let direction = self.conversation.direction(from);
        self.recorders[from as usize].end(direction, violation, &mut sink)?;
        let known = if gap.is_none() { Known::Whole } else { Known::Part };
        self.tell_causes(from, known, judging)
    }

    fn place(&self, from: Role, at: Option<Moment>) -> Place {
        let Opening { connection, stream, .. } = self.opening;
        Place { connection, from, stream, at }
    }
}

/// Returns the number of bytes of a direction, without those of a Close frame at its end.
fn before_close(direction: &Direction) -> u64 {
    let close = direction.last().filter(|sent| sent.header.opcode() == OpCode::Close);
    close.map_or(direction.offset(), |close| close.offset)
}
