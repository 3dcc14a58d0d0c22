//! Judges one TCP connection: finds the upgrade in its segments, and judges both directions.

mod account;
mod ending;
mod gap;
mod held;
mod http2;
mod layered;
mod succession;
mod unopened;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use wsvet::{End as Ending, Role};

use crate::session::agreement::{Agreement, Uncertain};
use crate::session::backlog::Backlog;
use crate::session::frames::Frames;
use crate::session::handshake::{Handshake, Progress};
use crate::session::http2::Streams;
use crate::session::judging::Judging;
use crate::session::layer::Layered;
use crate::session::report::{Opening, OverHttp2};
use crate::session::unjudged::{Stray, Unjudged};
use crate::transport::packet::{Moment, Segment};
use crate::transport::tcp::Stream;

use gap::Acknowledged;
use held::Held;

pub use succession::Succession;

/// One TCP connection of a capture.
pub struct Connection {
    /// The number of the TCP stream in the capture, from 0. Other dissectors count the same way.
    pub stream: usize,
    ends: [End; 2],
    stage: Stage,
    /// The segments that wait for the first frame, if the connection begins in the middle.
    backlog: Backlog,
    /// The segments that are held back after a gap.
    held: Held,
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
    /// Why a part of the connection is not judged, if it is so.
    lacking: Option<Unjudged>,
    /// The stream of HTTP/2 that this connection is.
    http2: Option<Box<OverHttp2>>,
    /// What is known of it besides, if it is not judged.
    detail: Option<String>,
    /// The number of layers around it.
    depth: u32,
}

/// The early segments after which a stream is looked at that lacks its first bytes, in bytes.
const LOOK_AT: usize = 16 << 10;

/// One endpoint of the connection, and its TCP stream.
struct End {
    address: SocketAddr,
    stream: Stream,
    /// The number of its packets.
    packets: u64,
    /// The packet of its last bytes before the upgrade.
    before: Moment,
    /// The packet of its last FIN.
    fin: Option<Moment>,
    /// How the stream ended, and when.
    ended: Option<(Ending, Moment)>,
    /// The last RST that its receiver perhaps did not accept, if nothing followed it.
    reset: Option<Reset>,
    acknowledged: Acknowledged,
}

/// A RST of which the capture does not prove that its receiver accepted it (RFC 5961 §3.2).
struct Reset {
    at: Moment,
    position: u64,
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
    /// A protocol that carries connections, which are judged.
    Layered(Box<Layered>),
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
            before: first.at,
            fin: None,
            ended: None,
            reset: None,
            acknowledged: Acknowledged::default(),
        };
        Self {
            stream,
            ends: [end(first.from), end(first.to)],
            stage: Stage::Unknown,
            backlog: Backlog::default(),
            held: Held::default(),
            answered: None,
            first: first.at.time,
            last: first.at,
            has_data: false,
            is_cut: false,
            lacking: None,
            http2: None,
            detail: None,
            depth: 0,
        }
    }

    /// Sets its number, if it goes on in another capture.
    pub fn set_stream(&mut self, stream: usize) {
        self.stream = stream;
        match &mut self.stage {
            Stage::Frames(frames, _) => frames.set_stream(stream),
            Stage::Http2(streams, _) => streams.set_stream(stream),
            Stage::Layered(layered) => layered.set_stream(stream),
            _ => {}
        }
    }

    /// Returns the time of its last packet.
    pub fn last_time(&self) -> Duration {
        self.held.times().map_or(self.last.time, |(_, last)| last)
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
            Stage::Layered(layered) => size_of::<Layered>() + layered.memory(),
            _ => 0,
        };
        let early: usize = self.ends.iter().map(|end| end.stream.memory()).sum();
        size_of::<Self>() + stage + early + self.backlog.memory() + self.held.memory()
    }

    /// Returns the part of it that is kept only to find the causes of violations, without that of HTTP/2.
    pub fn evidence(&self) -> usize {
        match &self.stage {
            Stage::Frames(frames, _) => frames.evidence(),
            Stage::Layered(layered) => layered.evidence(),
            _ => 0,
        }
    }

    /// Forgets as much of that as no violation waits for.
    pub fn forget_evidence(&mut self) {
        match &mut self.stage {
            Stage::Frames(frames, _) => frames.forget_evidence(),
            Stage::Layered(layered) => layered.forget_evidence(),
            _ => {}
        }
    }

    /// Takes the next segment, in the order of the capture.
    pub fn segment(&mut self, segment: &Segment<'_>, judging: &mut Judging<'_>) -> io::Result<()> {
        let from = self.sender(segment);
        self.ends[from].packets += 1;
        self.has_data |= !segment.rst && segment.payload.len() + segment.not_captured > 0;
        self.is_cut |= segment.not_captured > 0;
        let alone = self.ends[1 - from].packets == 0;
        match &self.stage {
            Stage::Unknown => self.backlog.push(from, segment),
            Stage::Http(handshake, _) if alone || handshake.is_blank() => {
                self.backlog.push(from, segment);
            }
            Stage::Http(..) => self.backlog = Backlog::default(),
            _ => {}
        }
        self.take(from, segment, judging)?;
        match self.stage {
            Stage::Unknown if self.backlog.is_full() || self.backlog.is_due() => {
                self.join(false, judging)
            }
            Stage::Http(..) if alone && (self.backlog.is_full() || self.backlog.is_due()) => {
                self.go_alone(judging)
            }
            Stage::Http(..) if self.backlog.is_full() => self.join_after_syn(judging),
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
        self.last = segment.at;
        if segment.rst {
            return self.reset(from, segment, judging);
        }
        if segment.fin {
            self.ends[from].fin = Some(segment.at);
        }
        self.go_on(from, segment);
        self.go_on_after_gap(from, segment, judging)?;
        self.heard_from(from, segment.at);
        if !segment.payload.is_empty() && self.ends[1 - from].stream.may_be_ahead() {
            self.doubt_order();
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
        // What comes first is the start for a layer.
        if let Stage::Layered(_) = self.stage {
            stream.place();
        }
        if let (Stage::Unknown, Some(client)) = (&self.stage, client) {
            self.stage = Stage::Http(Box::default(), client);
            if !segment.syn {
                // The acknowledgments before it were not seen.
                self.doubt_order();
            }
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
            && self.pass_over(from, lost, false, segment.at, judging)?
        {
            self.catch_up(from, judging)?;
        }
        self.end_if_complete(from, segment.at, judging)
    }

    /// Takes that an endpoint sent a packet.
    pub fn heard_from(&mut self, from: usize, at: Moment) {
        match &mut self.stage {
            Stage::Frames(frames, client) => frames.heard_from(role(from, *client), at),
            Stage::Layered(layered) => layered.heard_from(from, at),
            Stage::Http2(streams, client) => streams.heard_from(role(from, *client), at),
            _ => {}
        }
    }

    /// Notes that the next bytes may be in another order than that in which the endpoints sent and received
    /// them.
    pub fn doubt_order(&mut self) {
        match &mut self.stage {
            Stage::Http(handshake, _) => handshake.doubt_order(),
            Stage::Http2(streams, _) => streams.doubt_order(),
            Stage::Layered(layered) => layered.doubt_order(),
            _ => {}
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

    /// Ends the connection at the end of the capture, whose last packet came at the time `until`. If
    /// it was not a WebSocket connection, or cannot be judged, returns the reason.
    pub fn finish(mut self, until: Duration, judging: &mut Judging<'_>) -> io::Result<()> {
        match self.stage {
            Stage::Unknown => self.join(true, judging)?,
            Stage::Http(..) => {
                self.go_alone(judging)?;
                self.join_after_syn(judging)?;
            }
            _ => {}
        }
        self.release(true, judging)?;
        for from in 0..2 {
            self.resume_at_end(from, judging)?;
        }
        for from in 0..2 {
            if self.ends[from].stream.is_finished() {
                self.end(from, Ending::Fin, self.last, judging)?;
            } else if let Some(reset) = &self.ends[from].reset {
                self.end(from, Ending::Reset, reset.at, judging)?;
            }
        }
        if let Some((agreement, at)) = self.unopened() {
            self.upgrade(agreement, at, judging)?;
        }
        if self.ends.iter().any(|end| end.ended.is_none() && end.stream.gap().is_some()) {
            self.lack();
        }
        self.tell_lacking(judging)?;
        self.finish_layer(until, judging)?;
        if let Stage::Frames(frames, client) = self.stage {
            let of_open = |end: usize| {
                let End { stream, ended, .. } = &self.ends[end];
                stream.gap().filter(|_| ended.is_none())
            };
            return frames.finish([client, 1 - client].map(of_open), Some(until), judging);
        }
        let stray = self.why_not().map(|why| self.stray(why));
        let has_gap = self.has_gap();
        if let Stage::Http2(mut streams, _) = self.stage {
            if has_gap {
                streams.abandon(Unjudged::Http2Lost, None, judging)?;
            }
            streams.finish(until, judging)?;
        }
        stray.map_or(Ok(()), |stray| judging.stray(&stray))
    }

    /// Ends the connection because another one between the same endpoints was opened at this time. If its
    /// end was not captured, it is not known when that was.
    pub fn finish_before_next(
        mut self,
        next: Duration,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        self.release(true, judging)?;
        if self.ends.iter().any(|end| end.ended.is_none()) {
            self.lack_end();
        }
        self.finish(next, judging)
    }

    /// Notes that its end was not captured.
    pub fn lack_end(&mut self) {
        match &mut self.stage {
            Stage::Frames(frames, _) => frames.lack_frames(),
            Stage::Layered(layered) => layered.lack_ends(),
            _ => {}
        }
    }

    /// Ends the connection because the rest of it cannot be judged, or takes too much memory. Its later
    /// segments are ignored.
    pub fn give_up(
        &mut self,
        why: Unjudged,
        detail: Option<&str>,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        if let Stage::Unknown = self.stage {
            self.join(true, judging)?;
        }
        self.detail = detail.map(str::to_owned);
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
                streams.abandon(why, detail, judging)
            }
            Stage::Layered(layered) => self.give_up_layer(layered, why, judging),
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
        self.held = Held::default();
        self.ends.iter_mut().for_each(|end| end.stream.ignore());
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
            Stage::Layered(layered) => {
                let done = layered.bytes(from, bytes, at, judging);
                self.unless_stopped(done, judging)
            }
            Stage::Http(handshake, client) => {
                self.ends[from].before = at;
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
                        _ => match self.layer(why, judging) {
                            Some(layer) => self.wrap(layer, at, judging),
                            None => {
                                self.refuse(why);
                                Ok(())
                            }
                        },
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
        let mut first =
            [(client, handshake.take(Role::Client)), (1 - client, handshake.take(Role::Server))];
        // A stream that has ended is ended again below, after its bytes are judged.
        let ended = [0, 1].map(|end| self.ends[end].ended.take());
        self.open(agreement, client, at, judging)?;
        if opened {
            first.sort_by_key(|(from, _)| self.ends[*from].before.packet);
            for (from, bytes) in first {
                self.bytes(from, &bytes, self.ends[from].before, judging)?;
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
}

/// Returns the role of an endpoint.
fn role(end: usize, client: usize) -> Role {
    if end == client { Role::Client } else { Role::Server }
}
