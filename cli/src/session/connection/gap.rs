//! Bytes that the capture lacks.
//!
//! If all of them are in one payload, judging goes on after it. Otherwise it goes on at the next place at
//! which a frame most likely starts, as in a connection that begins in the middle.
//!
//! An endpoint that acknowledges bytes has received them, so what it sends next may answer what came after
//! the gap. From there the segments of both endpoints are held back until it is known where judging goes
//! on, so that the frames are judged in the order of the capture.

use std::io;
use std::time::Duration;

use wsvet::Role;

use super::{Connection, End, Stage, role};
use crate::session::boundary::{self, Side};
use crate::session::judging::Judging;
use crate::session::kept::Kept;
use crate::session::unjudged::{Stray, Unjudged};
use crate::transport::packet::{Moment, Segment};

/// The time after which bytes do not come any more that the receiver has acknowledged. Captures put
/// packets in the wrong order, but not for long.
const PATIENCE: Duration = Duration::from_secs(2);

/// The memory of the segments after a gap at which the bytes before them are not waited for if the
/// receiver has acknowledged them.
const ENOUGH: usize = 1 << 20;

/// The memory of the segments that are held back, and the time, at which they are judged although it is
/// not known where judging goes on after the gap.
const MOST_HELD: (usize, Duration) = (4 << 20, Duration::from_secs(60));

/// The bytes after a gap in which a frame is sought: first, because looking at more costs time at each gap,
/// and at most.
const SEARCHED: [usize; 2] = [64 << 10, 4 << 20];

/// A gap in the stream of an endpoint that its receiver has acknowledged.
#[derive(Clone, Copy, Default)]
pub(super) struct Acknowledged {
    /// When that was seen first.
    since: Option<Duration>,
    /// The memory of the segments after it, and the time, at which a frame is sought again.
    again: (usize, Duration),
    /// Whether segments are no longer held back for it.
    is_given_up: bool,
}

impl Connection {
    /// Returns whether the capture lacks bytes before others.
    pub(super) fn has_gap(&self) -> bool {
        self.ends.iter().any(|end| end.stream.gap().or(end.stream.lost()).is_some())
    }

    /// Skips missing bytes if all of them are in one payload, or in a layer. Returns whether they are.
    pub(super) fn pass_over(
        &mut self,
        from: usize,
        missing: u64,
        tell: bool,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<bool> {
        let passed = match &mut self.stage {
            Stage::Frames(frames, client) => {
                frames.pass_over(role(from, *client), missing, tell, at, judging)?
            }
            Stage::Http2(streams, client) => streams.lack(role(from, *client), missing, judging)?,
            Stage::Layered(layered) => {
                let done = layered.lost(from, missing, at, judging);
                self.unless_stopped(done, judging)?;
                true
            }
            _ => false,
        };
        if passed {
            self.ends[from].stream.pass_over(missing);
            self.lack();
        }
        Ok(passed)
    }

    /// Takes a segment, or holds it back if it comes after a gap.
    pub(super) fn take(
        &mut self,
        from: usize,
        segment: &Segment<'_>,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        if self.held.is_empty() {
            if !self.comes_after_gap(from, segment) {
                return self.deliver(from, segment, judging);
            }
        } else if self.waits(from) && self.ends[from].stream.has_next(segment) {
            // The receiver has had its bytes since before the segments that are held back.
            self.deliver(from, segment, judging)?;
            return self.release(false, judging);
        }
        self.held.push(Kept::new(from, segment));
        self.release(false, judging)
    }

    /// Judges the segments that are held back, as far as it is known where judging goes on. `is_last`
    /// says whether nothing comes after them.
    pub(super) fn release(&mut self, is_last: bool, judging: &mut Judging<'_>) -> io::Result<()> {
        let ends = self.ends.each_ref().map(|end| end.address);
        loop {
            if let Some(from) = self.waiting() {
                if !self.seek(from, is_last, judging)? {
                    return Ok(());
                }
                continue;
            }
            let Some(kept) = self.held.pop() else { return Ok(()) };
            let segment = kept.segment(ends);
            if self.comes_after_gap(kept.from, &segment) {
                self.held.put_back(kept);
            } else {
                self.deliver(kept.from, &segment, judging)?;
            }
        }
    }

    /// Returns the endpoint for whose gap segments are held back.
    fn waiting(&self) -> Option<usize> {
        (0..2).find(|end| self.waits(*end))
    }

    /// Returns whether segments are held back for a gap of this endpoint.
    fn waits(&self, from: usize) -> bool {
        let End { stream, acknowledged, ended, .. } = &self.ends[from];
        stream.is_gap_acknowledged()
            && !acknowledged.is_given_up
            && ended.is_none()
            && match &self.stage {
                Stage::Frames(..) | Stage::Http2(..) | Stage::Layered(_) => true,
                Stage::Http(handshake, client) => handshake.lacks_part_of(role(from, *client)),
                _ => false,
            }
    }

    /// Takes what the sender of this segment has received. Returns whether the segment is to be held back.
    fn comes_after_gap(&mut self, from: usize, segment: &Segment<'_>) -> bool {
        if segment.ack {
            self.ends[1 - from].stream.acknowledge(segment.acked);
        }
        self.waiting().is_some()
    }

    /// Seeks where judging goes on after the gap of this endpoint, if its bytes do not come any more.
    /// Returns whether segments are no longer held back for it.
    fn seek(&mut self, from: usize, is_last: bool, judging: &mut Judging<'_>) -> io::Result<bool> {
        let now = self.last.time;
        let (first, last) = self.held.times().unwrap_or((now, now));
        let End { stream, acknowledged, .. } = &mut self.ends[from];
        let memory = stream.memory() + self.held.memory();
        let waited = last.saturating_sub(*acknowledged.since.get_or_insert(first));
        if !(is_last || acknowledged.is_due(memory, waited)) {
            return Ok(false);
        }
        if !self.resume(from, is_last, true, judging)? {
            let is_given_up = is_last || memory >= MOST_HELD.0 || waited >= MOST_HELD.1;
            self.ends[from].acknowledged.is_given_up = is_given_up;
        }
        Ok(!self.waits(from))
    }

    /// Goes on after the gap of the receiver of this segment for which segments are no longer held back,
    /// if it is known now where.
    pub(super) fn go_on_after_gap(
        &mut self,
        from: usize,
        segment: &Segment<'_>,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let of = 1 - from;
        let End { stream, acknowledged, .. } = &mut self.ends[of];
        let memory = stream.memory();
        if memory == 0 {
            *acknowledged = Acknowledged::default();
        }
        if !acknowledged.is_given_up || !stream.is_gap_acknowledged() {
            return Ok(());
        }
        let now = segment.at.time;
        let waited = now.saturating_sub(*acknowledged.since.get_or_insert(now));
        if acknowledged.is_due(memory, waited) {
            self.resume(of, false, false, judging)?;
        }
        Ok(())
    }

    /// Goes on after the gaps in the bytes of an endpoint that the end of the capture leaves, as far as it
    /// can be proven where.
    pub(super) fn resume_at_end(
        &mut self,
        from: usize,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        while self.resume(from, true, false, judging)? {}
        Ok(())
    }

    /// Goes on after the first gap in the bytes of an endpoint, if it can be proven where. Returns whether
    /// judging goes on. `is_last` says whether nothing comes after what is there; and `in_order`,
    /// whether what the other endpoint sent after it is held back.
    fn resume(
        &mut self,
        from: usize,
        is_last: bool,
        in_order: bool,
        judging: &mut Judging<'_>,
    ) -> io::Result<bool> {
        let stream = &self.ends[from].stream;
        let Some(gap) = stream.gap() else { return Ok(false) };
        let early = stream.first_early_at();
        let at = early.unwrap_or(self.last);
        if let Stage::Http(..) = self.stage
            && !self.open_without(from, gap, is_last, at, judging)?
        {
            return Ok(false);
        }
        if let Stage::Frames(frames, _) = &mut self.stage
            && early.is_some()
            && !in_order
        {
            frames.came_late();
        }
        // Without a part of the opening handshake, the frames may start right after the gap.
        if let Some(gap) = self.ends[from].stream.gap()
            && !self.pass_over(from, gap, true, at, judging)?
            && !self.resume_at_frame(from, gap, at, is_last, judging)?
        {
            return Ok(false);
        }
        self.ends[from].acknowledged = Acknowledged::default();
        let is_late = self.ends[from].stream.memory() > 0 && !in_order;
        while let Some(early) = self.ends[from].stream.caught_up() {
            self.bytes(from, early.bytes(), early.at, judging)?;
        }
        if let Stage::Frames(frames, _) = &mut self.stage
            && is_late
        {
            frames.caught_up();
        }
        let fin = self.ends[from].fin.filter(|_| in_order);
        self.end_if_complete(from, fin.unwrap_or(self.last), judging)?;
        Ok(true)
    }

    /// Continues at the first frame after a gap, if its start is certain.
    fn resume_at_frame(
        &mut self,
        from: usize,
        gap: u64,
        at: Moment,
        is_last: bool,
        judging: &mut Judging<'_>,
    ) -> io::Result<bool> {
        let Stage::Frames(_, client) = &self.stage else { return Ok(false) };
        let sender = role(from, *client);
        let Some((side, found)) = self.frame_after(from, gap, sender, is_last) else {
            return Ok(false);
        };
        let Stage::Frames(frames, _) = &mut self.stage else { return Ok(false) };
        let stream = &mut self.ends[from].stream;
        let missing = gap + side.missing_before(found) as u64;
        let skipped = gap + found as u64;
        let to = frames.offset(sender) + skipped;
        let goes_on = frames.resume(sender, missing, to, at, judging)?;
        if goes_on {
            stream.pass_over(skipped);
            self.lack();
        }
        Ok(goes_on)
    }

    /// Seeks the first frame of an endpoint after the first gap. Returns the bytes after the gap, and the
    /// one at which the frame starts.
    pub(super) fn frame_after(
        &self,
        from: usize,
        gap: u64,
        sender: Role,
        is_last: bool,
    ) -> Option<(Side, usize)> {
        let [few, most] = SEARCHED;
        let seek = |most: usize, is_last: bool| {
            let side = self.after_gap(from, gap, most);
            boundary::find_after(&side, sender, is_last).map(|found| (side, found))
        };
        seek(few, false).or_else(|| seek(most, is_last))
    }

    /// Returns the bytes of an endpoint after the first gap, at most as many.
    fn after_gap(&self, from: usize, gap: u64, most: usize) -> Side {
        let stream = &self.ends[from].stream;
        let held = stream.next().into_iter().flat_map(|next| self.held.of(from, next));
        let mut pieces: Vec<_> = stream.early().chain(held).collect();
        pieces.sort_by_key(|(start, _)| *start);
        let mut side = Side::default();
        for (start, bytes) in pieces {
            if let Some(start) = start.checked_sub(gap) {
                side.push(start as usize, bytes, most);
            }
        }
        side
    }

    /// Notes that a part of the connection is not judged.
    pub(super) fn lack(&mut self) {
        let why = if self.is_cut { Unjudged::FramesCut } else { Unjudged::FramesLost };
        self.lacking = Some(why);
    }

    /// Reports that a part of the connection was not judged, before its verdict.
    pub(super) fn tell_lacking(&mut self, judging: &mut Judging<'_>) -> io::Result<()> {
        let Stage::Frames(frames, _) = &self.stage else { return Ok(()) };
        let connection = Some(frames.number());
        let full = self.ends.iter().any(|end| end.stream.has_given_up());
        let Some(why) = full.then_some(Unjudged::Memory).or(self.lacking) else { return Ok(()) };
        judging.stray(&Stray { connection, ..self.stray(why) })
    }
}

impl Acknowledged {
    /// Returns whether its bytes do not come any more, and it is time to seek a frame after it. `memory` is
    /// that of the segments after it.
    fn is_due(&mut self, memory: usize, waited: Duration) -> bool {
        let due = waited >= PATIENCE.max(self.again.1) || memory >= ENOUGH.max(self.again.0);
        if due {
            self.again = (2 * memory, 2 * waited);
        }
        due
    }
}
