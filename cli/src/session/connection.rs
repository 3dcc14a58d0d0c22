//! Judges one TCP connection: finds the upgrade in its segments, and judges both directions.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use wsvet::{End as Ending, Role};

use crate::session::agreement::{Agreement, HandshakeFinding};
use crate::session::frames::Frames;
use crate::session::handshake::{Handshake, Progress};
use crate::session::judging::Judging;
use crate::session::report::Opening;
use crate::transport::packet::{Moment, Segment};
use crate::transport::tcp::{self, Stream};

/// One TCP connection of a capture.
pub struct Connection {
    /// The number of the TCP stream in the capture, from 0. Other dissectors count the same way.
    pub stream: usize,
    ends: [End; 2],
    stage: Stage,
    /// The last packet.
    last: Moment,
}

/// One endpoint of the connection, and its TCP stream.
struct End {
    address: SocketAddr,
    stream: Stream,
    /// How the stream ended, and when.
    ended: Option<(Ending, Moment)>,
    /// The last RST that its receiver perhaps did not accept, if nothing followed it.
    reset: Option<Reset>,
}

/// A RST of which the capture does not prove that its receiver accepted it (RFC 5961 §3.2).
struct Reset {
    at: Moment,
    position: u64,
}

/// Whether a segment opens another connection between the same endpoints.
pub enum Succession {
    /// It does not.
    No,
    /// It is a SYN, but perhaps a stray one: an endpoint answers a SYN inside a connection with an ACK,
    /// and the connection goes on (RFC 5961 §4.2).
    Perhaps,
    /// It does.
    Yes,
}

/// Why a connection of a capture was not judged.
pub struct Unjudged {
    /// Whether it is, or may be, a WebSocket connection.
    pub websocket: bool,
    /// The reason.
    pub why: &'static str,
}

enum Stage {
    /// It is not known yet which endpoint is the client.
    Unknown,
    /// HTTP, and which endpoint is the client.
    Http(Box<Handshake>, usize),
    /// Frames, and which endpoint is the client.
    Frames(Box<Frames>, usize),
    /// No WebSocket connection, and why.
    Other(&'static str),
    /// Both streams have ended, and the verdict was reported.
    Over,
}

impl Connection {
    /// Creates the connection that starts with this segment. `stream` is its number in the capture.
    pub fn new(stream: usize, first: &Segment<'_>) -> Self {
        let end = |address| End { address, stream: Stream::default(), ended: None, reset: None };
        Self {
            stream,
            ends: [end(first.from), end(first.to)],
            stage: Stage::Unknown,
            last: first.at,
        }
    }

    /// Returns whether this segment opens another connection between the same endpoints.
    pub fn is_succeeded_by(&self, segment: &Segment<'_>) -> Succession {
        let over = self.ends.iter().all(|end| end.ended.is_some());
        let may_start = self.ends[self.sender(segment)].stream.may_start_with(segment);
        match segment {
            Segment { syn: true, rst: false, ack, .. } if over && (!ack || !may_start) => {
                Succession::Yes
            }
            Segment { syn: true, rst: false, .. } if !may_start => Succession::Perhaps,
            _ => Succession::No,
        }
    }

    /// Returns whether this segment belongs to this connection, which a SYN has perhaps opened, and
    /// not to the one `before` it between the same endpoints.
    pub fn takes_over(&mut self, before: &mut Self, segment: &Segment<'_>) -> bool {
        let before = &mut before.ends[before.sender(segment)].stream;
        let stream = &self.ends[self.sender(segment)].stream;
        if segment.syn {
            stream.may_start_with(segment) && !before.started_with(segment)
        } else {
            (!stream.is_placed() || stream.is_next(segment)) && !before.is_near(segment)
        }
    }

    /// Returns whether this segment proves that a SYN opened this connection: whether it is the SYN of
    /// the other endpoint, or what comes after a SYN.
    pub fn is_proven_by(&self, segment: &Segment<'_>) -> bool {
        let other = &self.ends[1 - self.sender(segment)].stream;
        !segment.rst && (!segment.syn || other.is_placed())
    }

    /// Takes the next segment, in the order of the capture.
    pub fn segment(&mut self, segment: &Segment<'_>, judging: &mut Judging<'_>) -> io::Result<()> {
        let from = self.sender(segment);
        self.last = segment.at;
        if segment.rst {
            return self.reset(from, segment, judging);
        }
        self.go_on(from, segment);
        if let Stage::Frames(frames, client) = &mut self.stage {
            frames.heard_from(role(from, *client), segment.at);
        }
        let stream = &mut self.ends[from].stream;
        let bytes = stream.segment(segment);
        let mut client = segment.syn.then_some(if segment.ack { 1 - from } else { from });
        if !stream.is_placed()
            && let Some(role) = stream.peek().and_then(Handshake::sender)
        {
            stream.place();
            client = Some(if role == Role::Client { from } else { 1 - from });
        }
        if let (Stage::Unknown, Some(client)) = (&self.stage, client) {
            self.stage = Stage::Http(Box::default(), client);
        }
        self.bytes(from, bytes, segment.at, judging)?;
        self.catch_up(from, judging)?;
        // No gap is reported: a notice counts the truncated packets of the whole capture.
        while let Some(lost) = self.ends[from].stream.lost()
            && self.pass_over(from, lost, false, judging)?
        {
            self.catch_up(from, judging)?;
        }
        let End { stream, reset, .. } = &self.ends[from];
        if stream.is_finished() {
            self.end(from, Ending::Fin, segment.at, judging)?;
        } else if reset.as_ref().is_some_and(|reset| stream.has_reached(reset.position)) {
            self.end(from, Ending::Reset, segment.at, judging)?;
        }
        Ok(())
    }

    /// Takes a RST of one endpoint. If the capture does not prove that its receiver accepted it, the
    /// stream ends with it only if nothing follows it.
    fn reset(
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
    fn go_on(&mut self, from: usize, segment: &Segment<'_>) {
        for (index, End { stream, reset, .. }) in self.ends.iter_mut().enumerate() {
            if let Some(Reset { position, .. }) = *reset
                && (index != from || !stream.is_before(segment, position))
            {
                *reset = None;
            }
        }
    }

    fn sender(&self, segment: &Segment<'_>) -> usize {
        usize::from(self.ends[0].address != segment.from)
    }

    /// Processes the early segments that are in order now.
    fn catch_up(&mut self, from: usize, judging: &mut Judging<'_>) -> io::Result<()> {
        while let Some(early) = self.ends[from].stream.caught_up() {
            self.bytes(from, early.bytes(), self.last, judging)?;
        }
        Ok(())
    }

    /// Skips missing bytes if all of them are in one payload. Returns whether they are.
    fn pass_over(
        &mut self,
        from: usize,
        missing: u64,
        tell: bool,
        judging: &mut Judging<'_>,
    ) -> io::Result<bool> {
        let Stage::Frames(frames, client) = &mut self.stage else { return Ok(false) };
        let sender = role(from, *client);
        let passed = frames.pass_over(sender, missing, tell, self.last, judging)?;
        if passed {
            self.ends[from].stream.pass_over(missing);
        }
        Ok(passed)
    }

    /// Ends the connection at the end of the capture, whose last packet came at the time `until`. If
    /// it was not a WebSocket connection, or cannot be judged, returns the reason.
    pub fn finish(
        mut self,
        until: Duration,
        judging: &mut Judging<'_>,
    ) -> io::Result<Option<Unjudged>> {
        for from in 0..2 {
            while let Some(gap) = self.ends[from].stream.gap()
                && self.pass_over(from, gap, true, judging)?
            {
                self.catch_up(from, judging)?;
            }
            if self.ends[from].stream.is_finished() {
                self.end(from, Ending::Fin, self.last, judging)?;
            } else if let Some(reset) = &self.ends[from].reset {
                self.end(from, Ending::Reset, reset.at, judging)?;
            }
        }
        if let Some(agreement) = self.unopened() {
            self.upgrade(agreement, self.last, judging)?;
        }
        let gap = |end: usize| self.ends[end].stream.gap();
        let unjudged = |websocket, why| Ok(Some(Unjudged { websocket, why }));
        match self.stage {
            Stage::Frames(frames, client) => {
                let of_open = |end: usize| gap(end).filter(|_| self.ends[end].ended.is_none());
                frames.finish([client, 1 - client].map(of_open), Some(until), judging)?;
                Ok(None)
            }
            Stage::Over => Ok(None),
            Stage::Other(why) => unjudged(false, why),
            _ if gap(0).or(gap(1)).is_some() => {
                unjudged(true, "the capture lacks bytes of the HTTP headers")
            }
            Stage::Http(handshake, _) => unjudged(handshake.waits(), handshake.why_not()),
            Stage::Unknown => {
                unjudged(true, "the capture starts after the HTTP headers of the connection")
            }
        }
    }

    /// Returns the upgrade that the client asked for and did not get, if it is certain: the server
    /// refused it, or an endpoint ended its stream before the answer.
    fn unopened(&self) -> Option<Agreement> {
        let Stage::Http(handshake, _) = &self.stage else { return None };
        let agreement = handshake.unopened()?;
        let refused =
            agreement.found.iter().any(|found| matches!(found, HandshakeFinding::Refused(_)));
        let ended = self.ends.iter().any(|end| end.ended.is_some());
        let whole = self.ends.iter().all(|end| end.stream.gap().is_none());
        (refused || ended && whole).then_some(agreement)
    }

    /// Processes the next bytes of one endpoint.
    fn bytes(
        &mut self,
        from: usize,
        bytes: &[u8],
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        if bytes.is_empty() || self.ends[from].ended.is_some() {
            return Ok(());
        }
        match &mut self.stage {
            Stage::Unknown | Stage::Other(_) | Stage::Over => Ok(()),
            Stage::Frames(frames, client) => frames.feed(role(from, *client), bytes, at, judging),
            Stage::Http(handshake, client) => {
                match handshake.feed(role(from, *client), bytes, at.time) {
                    Progress::Waiting => Ok(()),
                    Progress::Other(why) => {
                        self.stage = Stage::Other(why);
                        Ok(())
                    }
                    Progress::Upgraded(agreement) => self.upgrade(agreement, at, judging),
                }
            }
        }
    }

    /// Starts the frames after the upgrade, or a connection without one, and judges the bytes that
    /// came after the HTTP headers.
    fn upgrade(
        &mut self,
        agreement: Agreement,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let Stage::Http(handshake, client) = &mut self.stage else { return Ok(()) };
        let client = *client;
        let opened = agreement.opened;
        let first =
            [(client, handshake.take(Role::Client)), (1 - client, handshake.take(Role::Server))];
        // A stream that has ended is ended again below, after its bytes are judged.
        let ended = [0, 1].map(|end| self.ends[end].ended.take());
        let address = |end: usize| Some(self.ends[end].address.to_string());
        let opening = Opening {
            connection: judging.next_connection(),
            stream: Some(self.stream),
            client: address(client),
            server: address(1 - client),
            agreement,
            time: at.time,
        };
        let frames = Frames::open(opening, judging)?;
        self.stage = Stage::Frames(Box::new(frames), client);
        if opened {
            for (from, bytes) in first {
                self.bytes(from, &bytes, at, judging)?;
            }
        }
        let mut ended: Vec<_> =
            ended.into_iter().enumerate().filter_map(|(end, how)| Some((end, how?))).collect();
        ended.sort_by_key(|(_, (_, then))| then.packet);
        for (from, (how, then)) in ended {
            self.end(from, how, if opened { at } else { then }, judging)?;
        }
        Ok(())
    }

    /// Ends the stream of one endpoint.
    fn end(
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
        let Stage::Frames(frames, client) = stage else { return Ok(()) };
        let End { stream, reset, .. } = &ends[from];
        let before_reset = |reset: &Reset| stream.gap_before(reset.position);
        let gap = stream.gap().or_else(|| reset.as_ref().and_then(before_reset));
        frames.end(role(from, *client), how, gap, at, judging)?;
        if ends.iter().all(|end| end.ended.is_some())
            && let Stage::Frames(frames, _) = std::mem::replace(stage, Stage::Over)
        {
            frames.finish([None; 2], None, judging)?;
        }
        Ok(())
    }
}

/// Returns the role of an endpoint.
fn role(end: usize, client: usize) -> Role {
    if end == client { Role::Client } else { Role::Server }
}
