//! The frames of one connection of a capture: both directions judged, and the verdict.

use std::io;
use std::time::Duration;

use wsvet::{Conversation, End, Role, Sent, Verdict};

use crate::connection::Judging;
use crate::http::Agreement;
use crate::judge::{Judge, Record};
use crate::packet::Moment;
use crate::report::Place;

/// Both directions of a WebSocket connection.
pub(crate) struct Frames {
    /// The number of the WebSocket connection.
    connection: usize,
    /// The number of the TCP stream.
    stream: usize,
    conversation: Conversation,
    /// The judge of what the client sends, and of what the server sends.
    judges: [Judge; 2],
    /// An end went without a Close: how the other goes then says nothing about it.
    abandoned: bool,
    /// When the first of the ends went.
    ended: Option<Duration>,
    /// The capture lacks something.
    gap: bool,
}

/// How a connection was closed, as far as it was captured.
pub(crate) struct Closing {
    pub(crate) connection: usize,
    pub(crate) stream: usize,
    pub(crate) verdict: Verdict,
    /// The last frame of the client and of the server, and how long before the end it came.
    pub(crate) last: [Option<(Sent, Option<Duration>)>; 2],
    /// The capture lacks something that the verdict would need.
    pub(crate) gap: bool,
}

impl Frames {
    pub(crate) fn new(
        connection: usize,
        stream: usize,
        agreement: &Agreement,
        judging: &Judging<'_>,
    ) -> Self {
        Self {
            connection,
            stream,
            conversation: judging.limits.conversation(agreement),
            judges: [Role::Client, Role::Server]
                .map(|sender| Judge::new(sender, judging.thoroughness)),
            abandoned: false,
            ended: None,
            gap: false,
        }
    }

    /// Takes bytes of one end that are in order.
    pub(crate) fn feed(
        &mut self,
        from: Role,
        bytes: &[u8],
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let place = self.place(from, Some(at));
        self.conversation.at(at.time);
        let mut sink = |record: Record<'_>| judging.record(&place, &record);
        self.judges[from as usize].feed(&mut self.conversation, bytes, &mut sink)
    }

    /// One end sends no more; `gap` is what the capture lacks of what it has sent.
    pub(crate) fn end(
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
    pub(crate) fn finish(
        mut self,
        gaps: [Option<u64>; 2],
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        for from in [Role::Client, Role::Server] {
            self.finish_direction(from, false, gaps[from as usize], None, judging)?;
        }
        judging.report.verdict(&self.closing())
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
            judging.gap(&place, self.judges[from as usize].offset(&self.conversation), missing)?;
        }
        let mut sink = |record: Record<'_>| judging.record(&place, &record);
        self.judges[from as usize].end(&self.conversation, eof, &mut sink)
    }

    fn closing(&self) -> Closing {
        let last = |from| {
            let sent = *self.conversation.direction(from).last()?;
            Some((sent, self.ended.map(|end| end.saturating_sub(sent.at))))
        };
        Closing {
            connection: self.connection,
            stream: self.stream,
            verdict: self.conversation.verdict(),
            last: [last(Role::Client), last(Role::Server)],
            gap: self.gap,
        }
    }

    fn place(&self, from: Role, at: Option<Moment>) -> Place {
        let packet = at.map(|at| at.packet);
        Place { connection: self.connection, from, stream: Some(self.stream), packet }
    }
}
