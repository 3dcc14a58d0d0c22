//! How the streams of a connection end.

use std::io;

use wsvet::End as Ending;

use super::{Connection, End, Reset, Stage, role};
use crate::session::judging::Judging;
use crate::session::unjudged::Unjudged;
use crate::transport::packet::{Moment, Segment};
use crate::transport::tcp;

impl Connection {
    /// Takes a RST of one endpoint. If the capture does not prove that its receiver accepted it, the
    /// stream ends with it only if nothing follows it.
    pub(super) fn reset(
        &mut self,
        from: usize,
        rst: &Segment<'_>,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let End { stream, reset, .. } = &mut self.ends[from];
        match stream.reset(rst) {
            tcp::Reset::Exact => self.end(from, Ending::Reset, rst.at, judging),
            tcp::Reset::Later(position) => {
                *reset = Some(Reset { at: rst.at, position });
                Ok(())
            }
            tcp::Reset::Outside => Ok(()),
        }
    }

    /// Discards the RST of either endpoint that this segment follows: an endpoint that has reset a
    /// connection sends nothing but RST, and answers what the other one still sends with RST. A
    /// segment of the same endpoint from before its RST was only late.
    pub(super) fn go_on(&mut self, from: usize, segment: &Segment<'_>) {
        for (index, End { stream, reset, .. }) in self.ends.iter_mut().enumerate() {
            if let Some(Reset { position, .. }) = *reset
                && (index != from || !stream.is_before(segment, position))
            {
                *reset = None;
            }
        }
    }

    /// Ends the stream of one endpoint if all bytes before its FIN or RST are there.
    pub(super) fn end_if_complete(
        &mut self,
        from: usize,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let End { stream, reset, .. } = &self.ends[from];
        if stream.is_finished() {
            self.end(from, Ending::Fin, at, judging)
        } else if reset.as_ref().is_some_and(|reset| stream.has_reached(reset.position)) {
            self.end(from, Ending::Reset, at, judging)
        } else {
            Ok(())
        }
    }

    /// Ends the stream of one endpoint.
    pub(super) fn end(
        &mut self,
        from: usize,
        how: Ending,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let Self { ends, stage, .. } = self;
        if ends[from].ended.is_some() {
            return Ok(());
        }
        ends[from].ended = Some((how, at));
        if let Stage::Layered(layered) = stage {
            let End { stream, reset, .. } = &ends[from];
            let gap = reset.as_ref().and_then(|reset| stream.gap_before(reset.position));
            let lost = gap.map_or(Ok(()), |gap| layered.lost(from, gap, at, judging));
            let done = lost.and_then(|()| layered.end(from, how, at, judging));
            self.unless_stopped(done, judging)?;
            return if self.is_over() { self.finish_layer(at.time, judging) } else { Ok(()) };
        }
        let End { stream, reset, .. } = &ends[from];
        let before_reset = |reset: &Reset| stream.gap_before(reset.position);
        let gap = stream.gap().or_else(|| reset.as_ref().and_then(before_reset));
        if let Stage::Http2(streams, client) = stage {
            return match gap {
                Some(_) => streams.abandon(Unjudged::Http2Lost, None, judging),
                None => streams.end(role(from, *client), how, at, judging),
            };
        }
        let Stage::Frames(frames, client) = stage else { return Ok(()) };
        if ends[1 - from].stream.gap().is_some() {
            frames.doubt_end();
        }
        frames.end(role(from, *client), how, gap, at, judging)?;
        if gap.is_some() {
            self.lack();
        }
        if !self.is_over() {
            return Ok(());
        }
        self.tell_lacking(judging)?;
        if let Stage::Frames(frames, _) = std::mem::replace(&mut self.stage, Stage::Over) {
            frames.finish([None; 2], None, judging)?;
            self.forget();
        }
        Ok(())
    }
}
