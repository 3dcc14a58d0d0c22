//! The frames of one connection of a capture: both directions judged, and the verdict.

use std::io;
use std::time::Duration;

use wsvet::{Conversation, End, Role, Sent, Verdict};

use crate::connection::Judging;
use crate::http::Agreement;
use crate::judge::{Judge, Record};
use crate::packet::Moment;
use crate::pings::Pings;
use crate::report::Place;

/// Both directions of a WebSocket connection.
pub(crate) struct Frames {
    /// The number of the WebSocket connection.
    connection: usize,
    /// The number of the TCP stream.
    stream: usize,
    conversation: Conversation,
    pings: Pings,
    /// The judge of what the client sends, and of what the server sends.
    judges: [Judge; 2],
    /// An end went without a Close: how the other goes then says nothing about it.
    abandoned: bool,
    /// When the first of the ends went.
    ended: Option<Duration>,
    /// The capture lacks something.
    gap: bool,
}

/// What a connection was, and how it was closed, as far as it was captured.
pub(crate) struct Closing {
    pub(crate) connection: usize,
    pub(crate) stream: usize,
    pub(crate) verdict: Verdict,
    /// What the client has sent, and the server.
    pub(crate) sides: [Side; 2],
    pub(crate) pings: Pings,
    /// The capture lacks something that the verdict would need.
    pub(crate) gap: bool,
}

/// What one end has sent.
pub(crate) struct Side {
    pub(crate) from: Role,
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
    pub(crate) last: Option<Sent>,
    /// How long before the end of the connection the last frame came.
    pub(crate) before: Option<Duration>,
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
            pings: Pings::default(),
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
        let Self { conversation, judges, pings, .. } = self;
        conversation.at(at.time);
        let mut sink = |record: Record<'_>| {
            if let Record::Frame(frame) = &record {
                pings.see(from, frame, at.time);
            }
            judging.record(&place, &record)
        };
        judges[from as usize].feed(conversation, bytes, &mut sink)
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

    fn closing(self) -> Closing {
        let side = |from| {
            let direction = self.conversation.direction(from);
            let last = direction.last().copied();
            let before = self.ended.zip(last).map(|(end, sent)| end.saturating_sub(sent.at));
            let bytes = self.judges[from as usize].offset(&self.conversation);
            Side { from, frames: direction.frames(), bytes, last, before }
        };
        Closing {
            connection: self.connection,
            stream: self.stream,
            verdict: self.conversation.verdict(),
            sides: [side(Role::Client), side(Role::Server)],
            pings: self.pings,
            gap: self.gap,
        }
    }

    fn place(&self, from: Role, at: Option<Moment>) -> Place {
        let packet = at.map(|at| at.packet);
        Place { connection: self.connection, from, stream: Some(self.stream), packet }
    }
}
