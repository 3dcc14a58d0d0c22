//! Bytes that the capture lacks.
//!
//! If all of them are in one payload, judging goes on after it. Otherwise it goes on at the next place at
//! which a frame most likely starts, as in a connection that begins in the middle.

use std::io;
use std::time::Duration;

use super::{Connection, Stage, role};
use crate::session::boundary::{self, Side};
use crate::session::judging::Judging;
use crate::session::unjudged::{Stray, Unjudged};
use crate::transport::packet::Segment;

/// The time after which bytes do not come any more that the receiver has acknowledged. Captures put
/// packets in the wrong order, but not for long.
const PATIENCE: Duration = Duration::from_secs(2);

/// The early bytes after which those before them are not waited for if the receiver has acknowledged
/// them.
const ENOUGH: usize = 1 << 20;

/// The most bytes after a gap in which a frame is sought.
const SEARCHED: usize = 4 << 20;

/// A gap in the stream of an endpoint that its receiver has acknowledged.
#[derive(Clone, Copy, Default)]
pub(super) struct Acknowledged {
    /// When that was seen first.
    since: Option<Duration>,
    /// The memory of the early segments, and the time, at which a frame is sought again.
    again: (usize, Duration),
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
        judging: &mut Judging<'_>,
    ) -> io::Result<bool> {
        let passed = match &mut self.stage {
            Stage::Frames(frames, client) => {
                frames.pass_over(role(from, *client), missing, tell, self.last, judging)?
            }
            Stage::Http2(streams, client) => streams.lack(role(from, *client), missing, judging)?,
            Stage::Layered(layered) => {
                let done = layered.lost(from, missing, self.last, judging);
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

    /// Goes on after the gap in the bytes of the receiver of this segment, if it proves that they do not
    /// come any more.
    pub(super) fn go_on_after_gap(
        &mut self,
        from: usize,
        segment: &Segment<'_>,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let end = &mut self.ends[1 - from];
        if segment.ack {
            end.stream.acknowledge(segment.acked);
        }
        let memory = end.stream.memory();
        if memory == 0 {
            end.acknowledged = Acknowledged::default();
            return Ok(());
        }
        if !end.stream.is_gap_acknowledged() {
            return Ok(());
        }
        let now = segment.at.time;
        let Acknowledged { since, again } = &mut end.acknowledged;
        let waited = now.saturating_sub(*since.get_or_insert(now));
        if waited < PATIENCE.max(again.1) && memory < ENOUGH.max(again.0) {
            return Ok(());
        }
        *again = (2 * memory, 2 * waited);
        self.resume(1 - from, false, judging)?;
        self.end_if_complete(1 - from, segment.at, judging)
    }

    /// Goes on after the gaps in the bytes of an endpoint, as far as it can be proven where. `is_last`
    /// says whether nothing comes after what is there.
    pub(super) fn resume(
        &mut self,
        from: usize,
        is_last: bool,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        while let Some(gap) = self.ends[from].stream.gap() {
            if let Stage::Frames(frames, _) = &mut self.stage
                && self.ends[from].stream.memory() > 0
            {
                frames.came_late();
            }
            if self.pass_over(from, gap, true, judging)? {
                self.catch_up_late(from, judging)?;
                continue;
            }
            let at = self.last;
            let Stage::Frames(frames, client) = &mut self.stage else { return Ok(()) };
            let sender = role(from, *client);
            let stream = &mut self.ends[from].stream;
            let mut side = Side::default();
            for (start, bytes) in stream.early() {
                side.push((start - gap) as usize, bytes, SEARCHED);
            }
            let Some(found) = boundary::find_after(&side, sender, is_last) else { return Ok(()) };
            let missing = gap + side.missing_before(found) as u64;
            let skipped = gap + found as u64;
            let to = frames.offset(sender) + skipped;
            if !frames.resume(sender, missing, to, at, judging)? {
                return Ok(());
            }
            stream.pass_over(skipped);
            self.ends[from].acknowledged = Acknowledged::default();
            self.lack();
            self.catch_up_late(from, judging)?;
        }
        Ok(())
    }

    /// Judges bytes that were held back because others before them are missing.
    fn catch_up_late(&mut self, from: usize, judging: &mut Judging<'_>) -> io::Result<()> {
        let is_late = self.ends[from].stream.memory() > 0;
        self.catch_up(from, judging)?;
        if let Stage::Frames(frames, _) = &mut self.stage
            && is_late
        {
            frames.caught_up();
        }
        Ok(())
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
