//! Judges one TCP connection: finds the upgrade in its segments, and judges both directions.

mod http2;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use wsvet::{End as Ending, Header, Role};

use crate::session::agreement::{Agreement, HandshakeFinding, Uncertain};
use crate::session::backlog::Backlog;
use crate::session::boundary;
use crate::session::frames::Frames;
use crate::session::handshake::{Handshake, Progress};
use crate::session::http2::Streams;
use crate::session::judging::Judging;
use crate::session::report::{Opening, OverHttp2};
use crate::session::unjudged::{Stray, Unjudged, is_tls};
use crate::transport::http2::is_middle;
use crate::transport::packet::{Moment, Segment};
use crate::transport::tcp::{self, Stream};

/// One TCP connection of a capture.
pub struct Connection {
    /// The number of the TCP stream in the capture, from 0. Other dissectors count the same way.
    pub stream: usize,
    ends: [End; 2],
    stage: Stage,
    /// The segments that wait for the first frame, if the connection begins in the middle.
    backlog: Backlog,
    /// The acknowledgment number of the answer with 101, if the request before it was not captured.
    answered: Option<u32>,
    /// The time of the first packet.
    first: Duration,
    /// The last packet.
    last: Moment,
    /// Whether an endpoint sent data.
    has_data: bool,
    /// Whether a packet is truncated.
    is_cut: bool,
    /// The stream of HTTP/2 that this connection is.
    http2: Option<Box<OverHttp2>>,
}

/// The most memory for the segments of a stream that come early before the first frame, in bytes.
const MOST_BEFORE_FRAMES: usize = 1 << 20;

/// The early segments after which a stream is looked at that lacks its first bytes, in bytes.
const LOOK_AT: usize = 16 << 10;

/// One endpoint of the connection, and its TCP stream.
struct End {
    address: SocketAddr,
    stream: Stream,
    /// The number of its packets.
    packets: u64,
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

enum Stage {
    /// It is not known yet which endpoint is the client.
    Unknown,
    /// HTTP, and which endpoint is the client.
    Http(Box<Handshake>, usize),
    /// Frames, and which endpoint is the client.
    Frames(Box<Frames>, usize),
    /// HTTP/2, and which endpoint is the client.
    Http2(Box<Streams>, usize),
    /// It is not judged, and why; and which endpoint is the client, if that is known.
    Other(Unjudged, Option<usize>),
    /// Both streams have ended, and the verdict was reported.
    Over,
}

impl Connection {
    /// Creates the connection that starts with this segment. `stream` is its number in the capture.
    pub fn new(stream: usize, first: &Segment<'_>) -> Self {
        let end = |address| End {
            address,
            stream: Stream::default(),
            packets: 0,
            ended: None,
            reset: None,
        };
        Self {
            stream,
            ends: [end(first.from), end(first.to)],
            stage: Stage::Unknown,
            backlog: Backlog::default(),
            answered: None,
            first: first.at.time,
            last: first.at,
            has_data: false,
            is_cut: false,
            http2: None,
        }
    }

    /// Sets its number, if it goes on in another capture.
    pub fn set_stream(&mut self, stream: usize) {
        self.stream = stream;
        match &mut self.stage {
            Stage::Frames(frames, _) => frames.set_stream(stream),
            Stage::Http2(streams, _) => streams.set_stream(stream),
            _ => {}
        }
    }

    /// Returns whether this segment of another capture may be the next of this connection.
    pub fn may_go_on_with(&mut self, segment: &Segment<'_>) -> bool {
        let from = self.sender(segment);
        let [one, other] = [from, 1 - from].map(|end| &self.ends[end]);
        // The answer to the last packet before.
        let is_answer =
            segment.ack && one.packets == 0 && other.stream.next() == Some(segment.acked);
        (!segment.syn || is_answer) && self.ends[from].stream.may_go_on_with(segment)
    }

    /// Returns the time of its last packet.
    pub fn last_time(&self) -> Duration {
        self.last.time
    }

    /// Returns whether an endpoint sent data.
    pub fn has_data(&self) -> bool {
        self.has_data
    }

    /// Returns whether both streams have ended.
    pub fn is_over(&self) -> bool {
        self.ends.iter().all(|end| end.ended.is_some())
    }

    /// Returns the approximate memory that it takes, in bytes.
    pub fn memory(&self) -> usize {
        let stage = match &self.stage {
            Stage::Http(handshake, _) => size_of::<Handshake>() + handshake.memory(),
            Stage::Frames(frames, _) => size_of::<Frames>() + frames.memory(),
            Stage::Http2(streams, _) => streams.memory(),
            _ => 0,
        };
        let early: usize = self.ends.iter().map(|end| end.stream.memory()).sum();
        size_of::<Self>() + stage + early + self.backlog.memory()
    }

    /// Returns whether this segment opens another connection between the same endpoints.
    pub fn is_succeeded_by(&self, segment: &Segment<'_>) -> Succession {
        if let (Stage::Unknown, Segment { syn: true, ack: false, rst: false, .. }) =
            (&self.stage, segment)
            && let Some(first) = self.backlog.first(self.sender(segment))
        {
            // The SYN of these segments may have come late.
            let late = first.wrapping_sub(segment.seq.wrapping_add(1)) as usize <= LOOK_AT;
            return if late { Succession::No } else { Succession::Yes };
        }
        let over = self.is_over();
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
        self.ends[from].packets += 1;
        self.has_data |= !segment.rst && segment.payload.len() + segment.not_captured > 0;
        self.is_cut |= segment.not_captured > 0;
        let alone = self.ends[1 - from].packets == 0;
        match self.stage {
            Stage::Unknown => self.backlog.push(from, segment),
            Stage::Http(..) if alone => self.backlog.push(from, segment),
            Stage::Http(..) => self.backlog = Backlog::default(),
            _ => {}
        }
        self.deliver(from, segment, judging)?;
        match self.stage {
            Stage::Unknown if self.backlog.is_full() || self.backlog.is_due() => {
                self.join(false, judging)
            }
            Stage::Http(..) if alone && (self.backlog.is_full() || self.backlog.is_due()) => {
                self.go_alone(judging)
            }
            _ => Ok(()),
        }
    }

    /// Passes a segment to its stream, and the bytes that are in order to their judge.
    fn deliver(
        &mut self,
        from: usize,
        segment: &Segment<'_>,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
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
        if let Stage::Http(handshake, client) = &self.stage {
            if self.answered.is_none() && from != *client && handshake.agreed().is_some() {
                self.answered = Some(segment.acked);
            }
            self.go_without(judging)?;
        }
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
        let passed = match &mut self.stage {
            Stage::Frames(frames, client) => {
                frames.pass_over(role(from, *client), missing, tell, self.last, judging)?
            }
            Stage::Http2(streams, client) => streams.lack(role(from, *client), missing, judging)?,
            _ => false,
        };
        if passed {
            self.ends[from].stream.pass_over(missing);
        }
        Ok(passed)
    }

    /// Ends the connection at the end of the capture, whose last packet came at the time `until`. If
    /// it was not a WebSocket connection, or cannot be judged, returns the reason.
    pub fn finish(mut self, until: Duration, judging: &mut Judging<'_>) -> io::Result<()> {
        match self.stage {
            Stage::Unknown => self.join(true, judging)?,
            Stage::Http(..) => self.go_alone(judging)?,
            _ => {}
        }
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
        if let Stage::Frames(frames, client) = self.stage {
            let of_open = |end: usize| {
                let End { stream, ended, .. } = &self.ends[end];
                stream.gap().filter(|_| ended.is_none())
            };
            return frames.finish([client, 1 - client].map(of_open), Some(until), judging);
        }
        let stray = self.why_not().map(|why| self.stray(why));
        if let Stage::Http2(mut streams, _) = self.stage {
            if self.ends.iter().any(|end| end.stream.gap().or(end.stream.lost()).is_some()) {
                streams.abandon(Unjudged::Http2Lost, judging)?;
            }
            streams.finish(until, judging)?;
        }
        stray.map_or(Ok(()), |stray| judging.stray(&stray))
    }

    /// Ends the connection because it takes too much memory. Its later segments are ignored.
    pub fn give_up(&mut self, judging: &mut Judging<'_>) -> io::Result<()> {
        self.abandon(Unjudged::Memory, judging)
    }

    /// Ends the connection for this reason. Its later segments are ignored.
    pub fn abandon(&mut self, why: Unjudged, judging: &mut Judging<'_>) -> io::Result<()> {
        if let Stage::Unknown = self.stage {
            self.join(true, judging)?;
        }
        let frames = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Frames(mut frames, client) => {
                frames.lack();
                frames.lack_frames();
                let stray = Stray { connection: Some(frames.number()), ..self.stray(why) };
                judging.stray(&stray)?;
                let gap = |end: usize| self.ends[end].stream.gap();
                frames.finish([client, 1 - client].map(gap), Some(self.last.time), judging)
            }
            Stage::Http2(mut streams, client) => {
                self.stage = Stage::Other(why, Some(client));
                streams.abandon(why, judging)
            }
            stage => {
                self.stage = stage;
                if let Stage::Unknown | Stage::Http(..) = self.stage {
                    self.refuse(why);
                }
                Ok(())
            }
        };
        self.forget();
        frames
    }

    /// Keeps nothing more of the streams.
    fn forget(&mut self) {
        self.backlog = Backlog::default();
        self.ends.iter_mut().for_each(|end| end.stream.ignore());
    }

    /// Does not judge the connection.
    fn refuse(&mut self, why: Unjudged) {
        self.stage = Stage::Other(why, self.client());
        self.forget();
    }

    /// Returns why the connection was not judged, if it was not.
    fn why_not(&self) -> Option<Unjudged> {
        let silent = self.ends.iter().any(|end| end.packets == 0);
        let reset = self.ends.iter().any(|end| end.reset.is_some());
        let gap = self.ends.iter().any(|end| end.stream.gap().or(end.stream.lost()).is_some());
        Some(match &self.stage {
            Stage::Frames(..) | Stage::Over => return None,
            Stage::Http2(streams, _) => return streams.why_not(gap),
            Stage::Other(why, _) => *why,
            Stage::Http(..) if !self.has_data && (silent || reset) => Unjudged::NeverEstablished,
            _ if !self.has_data => Unjudged::NoData,
            Stage::Http(..) if gap && self.is_cut => Unjudged::Cut,
            Stage::Http(..) if gap => Unjudged::Lost,
            Stage::Http(handshake, _) => handshake.why_not(),
            Stage::Unknown if silent => Unjudged::OneDirection,
            Stage::Unknown => Unjudged::Begun,
        })
    }

    /// Returns which endpoint is the client, if it is known.
    fn client(&self) -> Option<usize> {
        match self.stage {
            Stage::Http(_, client) | Stage::Frames(_, client) | Stage::Http2(_, client) => {
                Some(client)
            }
            Stage::Other(_, client) => client,
            Stage::Unknown | Stage::Over => None,
        }
    }

    /// Returns what is told of the connection if it is not judged.
    fn stray(&self, why: Unjudged) -> Stray {
        let client = self.client();
        let address = |end: usize| Some(self.ends[end].address.to_string());
        Stray {
            stream: Some(self.stream),
            connection: None,
            ends: [client.unwrap_or(0), 1 - client.unwrap_or(0)].map(address),
            has_roles: client.is_some(),
            why,
            packets: self.ends.iter().map(|end| end.packets).sum(),
            time: self.first,
        }
    }

    /// Returns which endpoint is the client, if the user named the port of the server.
    fn forced(&self, judging: &Judging<'_>) -> Option<usize> {
        let server = (0..2).find(|end| judging.ports.contains(&self.ends[*end].address.port()))?;
        Some(1 - server)
    }

    /// Seeks the first frames of a connection that begins in the middle, and judges the connection from
    /// there. `is_last` says whether nothing comes after what is there.
    fn join(&mut self, is_last: bool, judging: &mut Judging<'_>) -> io::Result<()> {
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
            if sides.iter().any(|side| side.segments().any(is_tls)) {
                self.refuse(Unjudged::Tls);
            } else if let (true, Some(start)) = (is_last || full, start) {
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
    fn go_alone(&mut self, judging: &mut Judging<'_>) -> io::Result<()> {
        let Stage::Http(handshake, client) = &self.stage else { return Ok(()) };
        let client = *client;
        let (end, why, agreement) = match self.ends.each_ref().map(|end| end.packets > 0) {
            [true, true] => return Ok(()),
            seen if seen[client] => (client, Unjudged::NoAnswer, handshake.asked()),
            _ => (1 - client, Unjudged::NoRequest, handshake.agreed()),
        };
        let sender = role(end, client);
        let rest = handshake.rest(sender);
        let seq = self.ends[end].stream.next().map(|next| next.wrapping_sub(rest.len() as u32));
        let is_frame = Header::decode(rest).is_ok_and(|(header, _)| {
            !header.opcode().is_reserved() && header.is_masked() == (sender == Role::Client)
        });
        let (Some(mut agreement), Some(seq), true) = (agreement, seq, is_frame) else {
            return Ok(());
        };
        agreement.opened = true;
        let skipped = [client, 1 - client].map(|of| (of == end).then_some(0));
        agreement.uncertain = Some(Uncertain { why, skipped });
        let backlog = std::mem::take(&mut self.backlog);
        let one = &mut self.ends[end];
        (one.stream, one.ended, one.reset) = (Stream::starting_at(seq), None, None);
        self.ends[1 - end].stream.ignore();
        self.open(agreement, client, Moment { packet: 0, time: self.first }, judging)?;
        self.replay(backlog, judging)
    }

    /// Judges the segments that have waited.
    fn replay(&mut self, backlog: Backlog, judging: &mut Judging<'_>) -> io::Result<()> {
        let ends = self.ends.each_ref().map(|end| end.address);
        let mut segments = backlog.into_segments();
        segments.try_for_each(|kept| self.deliver(kept.from, &kept.segment(ends), judging))
    }

    /// Goes on without a part of the opening handshake that was not captured, if the frames after it
    /// are certain; and gives up if too much waits for missing segments.
    fn go_without(&mut self, judging: &mut Judging<'_>) -> io::Result<()> {
        let Stage::Http(handshake, client) = &self.stage else { return Ok(()) };
        let client = *client;
        if let (Some(acked), Some((seq, _))) =
            (self.answered, self.ends[client].stream.first_early())
            && !self.ends[client].stream.is_placed()
            && acked == seq
            && let Some(mut agreement) = handshake.agreed()
        {
            let skipped = [Some(0); 2];
            agreement.uncertain = Some(Uncertain { why: Unjudged::NoRequest, skipped });
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
            if is_tls(bytes) {
                self.refuse(Unjudged::Tls);
            } else if stream.memory() > MOST_BEFORE_FRAMES {
                self.refuse(if self.is_cut { Unjudged::Cut } else { Unjudged::Lost });
            }
        }
        Ok(())
    }

    /// Returns the upgrade that the client asked for and did not get, if it is certain: the server
    /// refused it, or an endpoint ended its stream before the answer.
    fn unopened(&self) -> Option<Agreement> {
        let Stage::Http(handshake, _) = &self.stage else { return None };
        let agreement = handshake.unopened()?;
        let refused =
            agreement.found.iter().any(|found| matches!(found, HandshakeFinding::Refused(_)));
        let ended = self.ends.iter().any(|end| end.ended.is_some());
        let whole = self.ends.iter().all(|end| end.stream.gap().is_none() && end.packets > 0);
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
            Stage::Unknown | Stage::Other(..) | Stage::Over => Ok(()),
            Stage::Frames(frames, client) => frames.feed(role(from, *client), bytes, at, judging),
            Stage::Http2(streams, client) => streams.bytes(role(from, *client), bytes, at, judging),
            Stage::Http(handshake, client) => {
                match handshake.feed(role(from, *client), bytes, at.time) {
                    Progress::Waiting => Ok(()),
                    Progress::Http2 { upgraded } => self.become_http2(upgraded, at, judging),
                    Progress::Other(why) => match self.forced(judging) {
                        Some(client) if why.is_forced() => {
                            let skipped = [Some(0); 2];
                            let uncertain = Uncertain { why: Unjudged::Begun, skipped };
                            let agreement = Agreement::unknown(uncertain);
                            if let Stage::Http(_, other) = &mut self.stage {
                                *other = client;
                            }
                            self.upgrade(agreement, at, judging)
                        }
                        _ => {
                            self.refuse(why);
                            Ok(())
                        }
                    },
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
        self.open(agreement, client, at, judging)?;
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

    /// Starts the frames.
    fn open(
        &mut self,
        agreement: Agreement,
        client: usize,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let address = |end: usize| Some(self.ends[end].address.to_string());
        let opening = Opening {
            connection: judging.next_connection(),
            stream: Some(self.stream),
            http2: self.http2.clone(),
            client: address(client),
            server: address(1 - client),
            agreement,
            time: at.time,
        };
        let frames = Frames::open(opening, judging)?;
        self.stage = Stage::Frames(Box::new(frames), client);
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
        let End { stream, reset, .. } = &ends[from];
        let before_reset = |reset: &Reset| stream.gap_before(reset.position);
        let gap = stream.gap().or_else(|| reset.as_ref().and_then(before_reset));
        if let Stage::Http2(streams, client) = stage {
            return match gap {
                Some(_) => streams.abandon(Unjudged::Http2Lost, judging),
                None => streams.end(role(from, *client), how, at, judging),
            };
        }
        let Stage::Frames(frames, client) = stage else { return Ok(()) };
        frames.end(role(from, *client), how, gap, at, judging)?;
        if ends.iter().all(|end| end.ended.is_some())
            && let Stage::Frames(frames, _) = std::mem::replace(stage, Stage::Over)
        {
            frames.finish([None; 2], None, judging)?;
            self.forget();
        }
        Ok(())
    }
}

/// Returns the role of an endpoint.
fn role(end: usize, client: usize) -> Role {
    if end == client { Role::Client } else { Role::Server }
}
