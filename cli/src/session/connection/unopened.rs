//! Connections whose opening handshake, or a part of it, was not captured.

use std::io;

use wsvet::{Header, Role};

use super::{Connection, LOOK_AT, Stage, role};
use crate::session::agreement::{Agreement, Uncertain};
use crate::session::backlog::Backlog;
use crate::session::boundary;
use crate::session::judging::Judging;
use crate::session::unjudged::{Unjudged, is_tls};
use crate::transport::http2::is_middle;
use crate::transport::packet::Moment;
use crate::transport::tcp::Stream;

/// The most memory for the segments of a stream that come early before the first frame, in bytes.
const MOST_BEFORE_FRAMES: usize = 1 << 20;

impl Connection {
    /// Returns which endpoint is the client, if the user named the port of the server.
    pub(super) fn forced(&self, judging: &Judging<'_>) -> Option<usize> {
        let server = (0..2).find(|end| judging.ports.contains(&self.ends[*end].address.port()))?;
        Some(1 - server)
    }

    /// Seeks the first frames of a connection that begins in the middle, and judges the connection from
    /// there. `is_last` says whether nothing comes after what is there.
    pub(super) fn join(&mut self, is_last: bool, judging: &mut Judging<'_>) -> io::Result<()> {
        let full = self.backlog.is_full();
        let sides = [0, 1].map(|end| self.backlog.side(end));
        if sides.iter().any(|side| side.segments().any(is_middle)) {
            self.refuse(Unjudged::Http2Begun);
            return Ok(());
        }
        let found = match self.forced(judging) {
            Some(client) if is_last || full => Some(boundary::find_of(&sides, client)),
            _ => boundary::find(&sides, is_last || full),
        };
        let found = found.filter(|found| found.is_settled || is_last || full);
        let Some(boundary::Found { client, from, .. }) = found.filter(|_| self.has_data) else {
            let mut starts = sides.iter().map(|side| Unjudged::of_start(side.start()));
            let start = starts.find(|why| *why != Unjudged::Other);
            if sides.iter().any(|side| side.segments().any(is_tls))
                && let Some(layer) = self.layer(Unjudged::Tls, judging)
            {
                return self.join_layer(layer, judging);
            }
            if let (true, Some(start)) = (is_last || full, start) {
                self.refuse(start);
            } else if full {
                self.refuse(Unjudged::Begun);
            }
            return Ok(());
        };
        let backlog = std::mem::take(&mut self.backlog);
        for (index, from) in from.into_iter().enumerate() {
            let end = &mut self.ends[index];
            end.reset = None;
            match backlog.first(index).zip(from) {
                Some((first, from)) => {
                    end.stream = Stream::starting_at(first.wrapping_add(from as u32));
                }
                None => end.stream.ignore(),
            }
        }
        let skipped = [client, 1 - client].map(|end| from[end].map(|from| from as u64));
        let agreement = Agreement::unknown(Uncertain { why: Unjudged::Begun, skipped });
        let start = Moment { packet: 0, time: self.first };
        self.open(agreement, client, start, judging)?;
        self.replay(backlog, judging)
    }

    /// Judges the frames of the only endpoint whose packets were captured, after its part of the opening
    /// handshake.
    pub(super) fn go_alone(&mut self, judging: &mut Judging<'_>) -> io::Result<()> {
        let Stage::Http(handshake, client) = &self.stage else { return Ok(()) };
        let client = *client;
        let end = match self.ends.each_ref().map(|end| end.packets > 0) {
            [true, true] => return Ok(()),
            seen if seen[client] => client,
            _ => 1 - client,
        };
        let sender = role(end, client);
        let skipped = [client, 1 - client].map(|of| (of == end).then_some(0));
        let agreement = handshake.without(sender.peer(), skipped);
        let rest = handshake.rest(sender);
        let seq = self.ends[end].stream.next().map(|next| next.wrapping_sub(rest.len() as u32));
        let (Some(agreement), Some(seq), true) = (agreement, seq, is_frame(rest, sender)) else {
            return Ok(());
        };
        let backlog = std::mem::take(&mut self.backlog);
        let one = &mut self.ends[end];
        (one.stream, one.ended, one.reset) = (Stream::starting_at(seq), None, None);
        self.ends[1 - end].stream.ignore();
        self.open(agreement, client, Moment { packet: 0, time: self.first }, judging)?;
        self.replay(backlog, judging)
    }

    /// Starts the frames without the request or the response of the upgrade, whose sender this is, if all
    /// of it is in the first gap of its stream, and the bytes after that are certainly frames. `is_last`
    /// says whether nothing comes after them.
    pub(super) fn open_without(
        &mut self,
        from: usize,
        gap: u64,
        is_last: bool,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<bool> {
        let Stage::Http(handshake, client) = &self.stage else { return Ok(false) };
        let sender = role(from, *client);
        if !handshake.lacks_part_of(sender) {
            return Ok(false);
        }
        let Some(agreement) = handshake.without(sender, [Some(0); 2]) else { return Ok(false) };
        let stream = &self.ends[from].stream;
        let after = stream.next().map(|next| next.wrapping_add(gap as u32));
        // The server acknowledges the request with its response.
        let ends_there = sender == Role::Client && self.answered == after;
        let other = sender.peer();
        let is_certain = match stream.first_early() {
            Some((_, bytes)) if ends_there => is_frame(bytes, sender),
            Some(_) => self.frame_after(from, gap, sender, is_last).is_some(),
            None => is_last && (ends_there || is_frame(handshake.rest(other), other)),
        };
        if !is_certain {
            return Ok(false);
        }
        if ends_there {
            self.ends[from].stream.pass_over(gap);
        }
        self.upgrade(agreement, at, judging)?;
        Ok(true)
    }

    /// Seeks the first frames of a connection whose SYN was captured, but no part of its opening
    /// handshake.
    pub(super) fn join_after_syn(&mut self, judging: &mut Judging<'_>) -> io::Result<()> {
        let Stage::Http(handshake, _) = &self.stage else { return Ok(()) };
        if handshake.is_blank() && self.ends.iter().all(|end| end.stream.gap().is_some()) {
            let http = std::mem::replace(&mut self.stage, Stage::Unknown);
            self.join(true, judging)?;
            if let Stage::Unknown = self.stage {
                self.stage = http;
            }
        }
        Ok(())
    }

    /// Judges the segments that have waited.
    pub(super) fn replay(&mut self, backlog: Backlog, judging: &mut Judging<'_>) -> io::Result<()> {
        let ends = self.ends.each_ref().map(|end| end.address);
        let last = self.last;
        for kept in backlog.into_segments() {
            self.take(kept.from, &kept.segment(ends), judging)?;
        }
        self.last = last;
        Ok(())
    }

    /// Goes on without a part of the opening handshake that was not captured, if the frames after it
    /// are certain; and gives up if too much waits for missing segments.
    pub(super) fn go_without(&mut self, judging: &mut Judging<'_>) -> io::Result<()> {
        let Stage::Http(handshake, client) = &self.stage else { return Ok(()) };
        let client = *client;
        if let (Some(acked), Some((seq, bytes))) =
            (self.answered, self.ends[client].stream.first_early())
            && !self.ends[client].stream.is_placed()
            && acked == seq
            && is_frame(bytes, Role::Client)
            && let Some(agreement) = handshake.without(Role::Client, [Some(0); 2])
        {
            self.ends[client].stream.place();
            self.upgrade(agreement, self.last, judging)?;
            return self.catch_up(client, judging);
        }
        for end in 0..2 {
            let stream = &self.ends[end].stream;
            let Some((_, bytes)) = stream.first_early().filter(|_| stream.memory() > LOOK_AT)
            else {
                continue;
            };
            if is_tls(bytes)
                && let Some(layer) = self.layer(Unjudged::Tls, judging)
            {
                return self.wrap(layer, self.last, judging);
            }
            if stream.memory() > MOST_BEFORE_FRAMES {
                self.refuse(if self.is_cut { Unjudged::Cut } else { Unjudged::Lost });
            }
        }
        Ok(())
    }
}

/// Returns whether the bytes may start with a frame of this sender.
fn is_frame(bytes: &[u8], sender: Role) -> bool {
    Header::decode(bytes).is_ok_and(|(header, _)| {
        !header.opcode().is_reserved() && header.is_masked() == (sender == Role::Client)
    })
}
