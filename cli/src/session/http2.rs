//! Judges the WebSocket streams of an HTTP/2 connection, each as a connection of its own (RFC 8441).

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use wsvet::{End as Ending, Role};

use crate::session::connection::Connection;
use crate::session::judging::Judging;
use crate::session::report::GoAway;
use crate::session::unjudged::Unjudged;
use crate::transport::http2::{Event, Http2, Malformed, Seen};
use crate::transport::packet::{Moment, Segment};

/// The most WebSocket streams that one endpoint has reset and whose other direction is still read.
const RESET: usize = 64;

/// The sequence number of the first byte of each direction.
const FIRST: u32 = 1;

/// An HTTP/2 connection.
pub struct Streams {
    http2: Http2,
    inner: Connections,
    /// What cannot be read, and who sent it.
    broken: Option<(Role, Malformed)>,
    /// Whether a connection on a stream was given up, which tells it.
    told: bool,
    last: Moment,
}

/// The connections on the streams.
struct Connections {
    /// The addresses of the client and of the server.
    ends: [SocketAddr; 2],
    /// The number of the TCP stream in the capture.
    stream: usize,
    open: BTreeMap<u32, Inner>,
    /// The streams that one endpoint has reset.
    reset: VecDeque<u32>,
    /// The approximate memory of the open connections, in bytes.
    memory: usize,
    /// When each host sent its last packet. A stream is told with its next event, because there may be many.
    heard: [Option<Moment>; 2],
}

/// The connection on one stream.
struct Inner {
    connection: Connection,
    /// When each host sent the last packet that the connection knows of.
    heard: [Option<Moment>; 2],
    /// The next sequence numbers of the client and of the server.
    next: [u32; 2],
    memory: usize,
}

impl Streams {
    /// Creates an HTTP/2 connection between these addresses, the client first. `stream` is the number of
    /// its TCP stream. `upgraded` says whether it began as HTTP/1.1.
    pub fn new(ends: [SocketAddr; 2], stream: usize, upgraded: bool, at: Moment) -> Self {
        let (open, reset) = Default::default();
        Self {
            http2: Http2::new(upgraded.into()),
            inner: Connections { ends, stream, open, reset, memory: 0, heard: [None; 2] },
            broken: None,
            told: false,
            last: at,
        }
    }

    /// Returns why the connection is not judged, or not as a whole. `gap` says whether the capture
    /// lacks bytes that could not be skipped.
    pub fn why_not(&self, gap: bool) -> Option<Unjudged> {
        let Seen { websockets, connect_protocol, .. } = self.http2.seen();
        match (self.broken, websockets, connect_protocol) {
            _ if self.told => None,
            (Some(_), ..) => Some(Unjudged::Http2Malformed),
            _ if gap => Some(Unjudged::Http2Lost),
            (None, 0, Some(false)) => Some(Unjudged::Http2NoConnect),
            (None, 0, _) => Some(Unjudged::Http2),
            _ => None,
        }
    }

    /// Returns what cannot be read, if there is anything.
    pub fn detail(&self) -> Option<String> {
        self.broken.map(|(from, malformed)| format!("from the {from} at {malformed}"))
    }

    /// Returns the approximate memory that it takes, in bytes.
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.http2.memory() + self.inner.memory
    }

    /// Sets the number of the TCP stream, if it goes on in another capture.
    pub fn set_stream(&mut self, stream: usize) {
        self.inner.stream = stream;
        self.inner.open.values_mut().for_each(|inner| inner.connection.set_stream(stream));
    }

    /// Takes the next bytes of an endpoint.
    pub fn bytes(
        &mut self,
        from: Role,
        bytes: &[u8],
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        self.last = at;
        if self.broken.is_some() {
            return Ok(());
        }
        let Self { http2, inner, .. } = self;
        let outcome = http2.feed(from, bytes, &mut |event| inner.event(event, at, judging))?;
        if let Err(malformed) = outcome {
            self.broken = Some((from, malformed));
            let detail = self.detail();
            self.abandon(Unjudged::Http2Malformed, detail.as_deref(), judging)?;
        }
        Ok(())
    }

    /// Notes that the next bytes may be in another order than that in which they were sent and received.
    pub fn doubt_order(&mut self) {
        self.inner.open.values_mut().for_each(|inner| inner.connection.doubt_order());
    }

    /// Takes that an endpoint sent a packet.
    pub fn heard_from(&mut self, from: Role, at: Moment) {
        self.inner.heard[from as usize] = Some(at);
    }

    /// Skips bytes of an endpoint that the capture lacks. Returns whether they can be skipped.
    pub fn lack(
        &mut self,
        from: Role,
        missing: u64,
        judging: &mut Judging<'_>,
    ) -> io::Result<bool> {
        let Self { http2, inner, last, .. } = self;
        http2.lack(from, missing, &mut |event| inner.event(event, *last, judging))
    }

    /// Ends the TCP stream of an endpoint, and with it its direction of each stream.
    pub fn end(
        &mut self,
        from: Role,
        how: Ending,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        self.last = at;
        if self.broken.is_some() {
            return Ok(());
        }
        let streams: Vec<_> = self.inner.open.keys().copied().collect();
        streams.into_iter().try_for_each(|stream| self.inner.close(stream, from, how, at, judging))
    }

    /// Ends all streams at the end of the capture, whose last packet came at the time `until`.
    pub fn finish(self, until: Duration, judging: &mut Judging<'_>) -> io::Result<()> {
        let Connections { open, heard, .. } = self.inner;
        open.into_values().try_for_each(|mut inner| {
            inner.hear(heard);
            inner.connection.finish(until, judging)
        })
    }

    /// Does not judge the open streams any further.
    pub fn abandon(
        &mut self,
        why: Unjudged,
        detail: Option<&str>,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let heard = self.inner.heard;
        let until = heard.iter().flatten().map(|at| at.time).fold(self.last.time, Duration::max);
        self.told |= !self.inner.open.is_empty();
        self.inner.memory = 0;
        self.inner.reset.clear();
        std::mem::take(&mut self.inner.open).into_values().try_for_each(|mut inner| {
            inner.hear(heard);
            inner.connection.give_up(why, detail, judging)?;
            inner.connection.finish(until, judging)
        })
    }
}

impl Connections {
    fn event(&mut self, event: Event<'_>, at: Moment, judging: &mut Judging<'_>) -> io::Result<()> {
        let stream = match event {
            Event::Request(stream, fields) => {
                let first = self.segment(Role::Client, at);
                let connection =
                    Connection::over_http2(self.stream, stream, self.ends, fields, &first);
                let heard = self.heard;
                let inner = Inner { connection, heard, next: [FIRST; 2], memory: 0 };
                self.open.insert(stream, inner);
                for from in [Role::Client, Role::Server] {
                    let syn = Segment { syn: true, seq: FIRST - 1, ..self.segment(from, at) };
                    self.send(stream, &syn, judging)?;
                }
                stream
            }
            Event::Response(stream, status, fields) => {
                let Some(inner) = self.open.get_mut(&stream) else { return Ok(()) };
                inner.connection.respond(status, fields, at, judging)?;
                stream
            }
            Event::Data(stream, from, bytes) => {
                let seq = self.pass(stream, from, bytes.len() as u32);
                let segment = Segment { seq, payload: bytes, ..self.segment(from, at) };
                self.send(stream, &segment, judging)?;
                stream
            }
            Event::Lack(stream, from, missing) => {
                let seq = self.pass(stream, from, missing as u32);
                let segment =
                    Segment { seq, not_captured: missing as usize, ..self.segment(from, at) };
                self.send(stream, &segment, judging)?;
                stream
            }
            Event::End(stream, from) => {
                if let Some(inner) = self.open.get_mut(&stream) {
                    inner.connection.note_end(from);
                }
                self.close(stream, from, Ending::Fin, at, judging)?;
                stream
            }
            Event::Reset(stream, from, code) => {
                if let Some(inner) = self.open.get_mut(&stream) {
                    inner.connection.note_reset(from, code);
                }
                self.close(stream, from, Ending::Reset, at, judging)?;
                self.keep_few_reset(stream, at, judging)?;
                stream
            }
            Event::GoAway(from, last, code, debug) => {
                for (stream, inner) in &mut self.open {
                    // That of a client is about the streams that the server opens.
                    let processed = from == Role::Client || *stream <= last;
                    let went = GoAway { code, debug: debug.clone(), processed };
                    inner.connection.note_goaway(from, went);
                }
                return Ok(());
            }
            Event::Control(..) => return Ok(()),
        };
        self.measure(stream, at, judging)
    }

    /// Finishes the stream that was reset first, if many wait for their other direction.
    fn keep_few_reset(
        &mut self,
        stream: u32,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        if self.open.contains_key(&stream) {
            self.reset.push_back(stream);
        }
        if self.reset.len() > RESET
            && let Some(first) = self.reset.pop_front()
        {
            self.remove(first, at, judging)?;
        }
        Ok(())
    }

    fn close(
        &mut self,
        stream: u32,
        from: Role,
        how: Ending,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let seq = self.pass(stream, from, 0);
        let reset = how == Ending::Reset;
        let segment = Segment { seq, fin: !reset, rst: reset, ..self.segment(from, at) };
        self.send(stream, &segment, judging)?;
        self.measure(stream, at, judging)
    }

    /// Returns a segment of this endpoint without bytes.
    fn segment(&self, from: Role, at: Moment) -> Segment<'static> {
        let [from_address, to] = [from, from.peer()].map(|end| self.ends[end as usize]);
        Segment { ack: from == Role::Server, ..Segment::empty(at, from_address, to) }
    }

    /// Returns the next sequence number of this endpoint on a stream, before `len` bytes.
    fn pass(&mut self, stream: u32, from: Role, len: u32) -> u32 {
        let Some(inner) = self.open.get_mut(&stream) else { return FIRST };
        let next = &mut inner.next[from as usize];
        let seq = *next;
        *next = next.wrapping_add(len);
        seq
    }

    fn send(
        &mut self,
        stream: u32,
        segment: &Segment<'_>,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let Some(inner) = self.open.get_mut(&stream) else { return Ok(()) };
        inner.hear(self.heard);
        inner.connection.segment(segment, judging)
    }

    /// Counts the memory of a stream anew, or finishes it if it is over.
    fn measure(&mut self, stream: u32, at: Moment, judging: &mut Judging<'_>) -> io::Result<()> {
        let Some(inner) = self.open.get_mut(&stream) else { return Ok(()) };
        if inner.connection.is_over() {
            return self.remove(stream, at, judging);
        }
        let memory = inner.connection.memory();
        self.memory = self.memory - inner.memory + memory;
        inner.memory = memory;
        Ok(())
    }

    fn remove(&mut self, stream: u32, at: Moment, judging: &mut Judging<'_>) -> io::Result<()> {
        let Some(mut inner) = self.open.remove(&stream) else { return Ok(()) };
        inner.hear(self.heard);
        self.memory -= inner.memory;
        inner.connection.finish(at.time, judging)
    }
}

impl Inner {
    /// Takes when each host sent its last packet.
    fn hear(&mut self, heard: [Option<Moment>; 2]) {
        for from in [Role::Client, Role::Server] {
            let now = heard[from as usize];
            let is_new = |at: &Moment| {
                self.heard[from as usize].is_none_or(|known| known.packet < at.packet)
            };
            if let Some(at) = now.filter(is_new) {
                self.connection.heard_from(from as usize, at);
                self.heard[from as usize] = now;
            }
        }
    }
}
