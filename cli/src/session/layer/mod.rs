//! Protocols that carry connections inside a TCP connection, for example TLS.
//!
//! A [`Layer`] takes the ordered bytes of both endpoints, and returns those of the connections inside.
//! [`Layered`] passes them to an inner [`Connection`] as the segments of a capture are passed to an outer
//! one: the sequence numbers are positions in the inner stream. So layers nest.

mod prefix;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use wsvet::End as Ending;

use crate::session::connection::Connection;
use crate::session::judging::Judging;
use crate::session::unjudged::Unjudged;
use crate::transport::packet::{Moment, Segment};

use prefix::{Kind, Prefixed};

/// The sequence number of the first byte of an inner stream.
const FIRST: u32 = 1;

/// The approximate memory of an inner connection in addition to its own, in bytes.
const INNER_COST: usize = 64;

/// A protocol that carries connections. An endpoint is 0 or 1, as in the connection outside.
pub trait Layer {
    /// Takes the next bytes of an endpoint.
    fn bytes(
        &mut self,
        from: usize,
        bytes: &[u8],
        at: Moment,
        inner: &mut Inner<'_>,
    ) -> Result<(), Stop>;

    /// Takes that the next bytes of an endpoint are missing, and will not come.
    fn lost(
        &mut self,
        from: usize,
        missing: u64,
        at: Moment,
        inner: &mut Inner<'_>,
    ) -> Result<(), Stop>;

    /// Takes the end of the stream of an endpoint.
    fn end(
        &mut self,
        from: usize,
        how: Ending,
        at: Moment,
        inner: &mut Inner<'_>,
    ) -> Result<(), Stop>;

    /// Takes that nothing more comes.
    fn finish(&mut self, inner: &mut Inner<'_>) -> Result<(), Stop>;

    /// Returns the approximate memory that it takes, without that of the inner connections, in bytes.
    fn memory(&self) -> usize;

    /// Returns which endpoint is the client, if it is known.
    fn client(&self) -> Option<usize>;

    /// Returns what it is, for a connection that is not judged: for example `TLS 1.3 to example.test`.
    fn detail(&self) -> Option<String>;

    /// Returns once what was skipped before the inner connection, if the user must know it.
    fn note(&mut self) -> Option<String> {
        None
    }

    /// Returns why the connection is not judged if nothing more is kept of it.
    fn given_up(&self) -> Unjudged {
        Unjudged::Memory
    }
}

/// Receives what a layer finds. An error comes from the report.
pub type Inner<'a> = dyn FnMut(Event<'_>) -> io::Result<()> + 'a;

/// What a layer found in the bytes of an outer connection.
pub struct Event<'a> {
    /// The inner connection, by a number that the layer chooses.
    pub id: u64,
    /// The packet that completed it.
    pub at: Moment,
    /// What it is.
    pub what: What<'a>,
}

/// What happened to an inner connection.
pub enum What<'a> {
    /// It starts.
    Open {
        /// The endpoint that is the client.
        client: usize,
        /// Whether the next bytes of both endpoints are the first of their streams.
        is_whole: bool,
    },
    /// The next bytes of an endpoint.
    Bytes {
        /// The endpoint.
        from: usize,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Bytes of an endpoint are missing.
    Lost {
        /// The endpoint.
        from: usize,
        /// The number of missing bytes.
        missing: u64,
    },
    /// The end of the stream of an endpoint.
    End {
        /// The endpoint.
        from: usize,
        /// How it ended.
        how: Ending,
    },
}

/// Why a layer goes no further.
pub enum Stop {
    /// The report failed.
    Report(io::Error),
    /// The rest of the connection cannot be judged.
    Unjudged(Unjudged),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Report(error)
    }
}

/// The most layers inside each other.
pub const MOST_LAYERS: u32 = 8;

/// Returns the layer of a connection that is not judged as it is, for this reason. `client` is the client,
/// if its first bytes and those of the server come first. `target` is where its tunnel leads.
pub fn of(
    why: Unjudged,
    client: Option<usize>,
    target: Option<String>,
    judging: &Judging<'_>,
) -> Option<Box<dyn Layer>> {
    let is_whole = client.is_some();
    let prefixed =
        |kind| -> Option<Box<dyn Layer>> { Some(Box::new(Prefixed::new(kind, client?, target))) };
    match why {
        Unjudged::Tunnel => prefixed(Kind::Tunnel),
        Unjudged::Proxy => prefixed(Kind::Proxy),
        Unjudged::Socks => prefixed(Kind::Socks),
        Unjudged::Tls => Some(Box::new(tls::Tls::new(Rc::clone(&judging.keys), is_whole))),
        _ => None,
    }
}

/// A layer, and the connections inside.
pub struct Layered {
    layer: Box<dyn Layer>,
    /// The endpoint that is the client outside, if it is known.
    client: Option<usize>,
    inside: Inside,
}

/// The connections inside.
struct Inside {
    /// The number of the TCP stream.
    stream: usize,
    ends: [SocketAddr; 2],
    /// The number of layers around them.
    depth: u32,
    all: Vec<One>,
}

/// A connection inside.
struct One {
    id: u64,
    connection: Connection,
    /// The sequence number of the next byte of each endpoint.
    next: [u32; 2],
}

impl Layered {
    /// Creates the layer of the TCP stream with this number, between these endpoints. `client` is the one
    /// that opened the stream, if it is known. `depth` is the number of layers with this one.
    pub fn new(
        layer: Box<dyn Layer>,
        client: Option<usize>,
        stream: usize,
        ends: [SocketAddr; 2],
        depth: u32,
    ) -> Self {
        Self { layer, client, inside: Inside { stream, ends, depth, all: Vec::new() } }
    }

    /// Takes the next bytes of an endpoint.
    pub fn bytes(
        &mut self,
        from: usize,
        bytes: &[u8],
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> Result<(), Stop> {
        let Self { layer, inside, .. } = self;
        let done = layer.bytes(from, bytes, at, &mut |event| inside.take(&event, judging));
        if let Some(note) = layer.note() {
            judging.skipped.push(inside.stream, note);
        }
        done
    }

    /// Takes that the next bytes of an endpoint are missing.
    pub fn lost(
        &mut self,
        from: usize,
        missing: u64,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> Result<(), Stop> {
        let Self { layer, inside, .. } = self;
        layer.lost(from, missing, at, &mut |event| inside.take(&event, judging))
    }

    /// Takes the end of the stream of an endpoint.
    pub fn end(
        &mut self,
        from: usize,
        how: Ending,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> Result<(), Stop> {
        let Self { layer, inside, .. } = self;
        layer.end(from, how, at, &mut |event| inside.take(&event, judging))
    }

    /// Notes that the ends of the connections inside were not captured.
    pub fn lack_ends(&mut self) {
        self.inside.all.iter_mut().for_each(|one| one.connection.lack_end());
    }

    /// Notes that the next bytes may be in another order than that in which they were sent and received.
    pub fn doubt_order(&mut self) {
        self.inside.all.iter_mut().for_each(|one| one.connection.doubt_order());
    }

    /// Takes that an endpoint sent a packet.
    pub fn heard_from(&mut self, from: usize, at: Moment) {
        self.inside.all.iter_mut().for_each(|one| one.connection.heard_from(from, at));
    }

    /// Takes that nothing more comes. Call [`close`](Self::close) afterwards.
    pub fn finish(&mut self, judging: &mut Judging<'_>) -> Result<(), Stop> {
        let Self { layer, inside, .. } = self;
        layer.finish(&mut |event| inside.take(&event, judging))
    }

    /// Ends the inner connections. `until` is the time of the last packet of the capture.
    pub fn close(&mut self, until: Duration, judging: &mut Judging<'_>) -> io::Result<()> {
        let mut all = std::mem::take(&mut self.inside.all).into_iter();
        all.try_for_each(|one| one.connection.finish(until, judging))
    }

    /// Ends the inner connections, because their later bytes cannot be judged. Returns whether there
    /// were any.
    pub fn give_up(&mut self, why: Unjudged, judging: &mut Judging<'_>) -> io::Result<bool> {
        let detail = self.layer.detail();
        let all = std::mem::take(&mut self.inside.all);
        let any = !all.is_empty();
        for One { mut connection, .. } in all {
            let last = connection.last_time();
            connection.give_up(why, detail.as_deref(), judging)?;
            connection.finish(last, judging)?;
        }
        Ok(any)
    }

    /// Sets the number of the TCP stream, if it goes on in another capture.
    pub fn set_stream(&mut self, stream: usize) {
        self.inside.stream = stream;
        self.inside.all.iter_mut().for_each(|one| one.connection.set_stream(stream));
    }

    /// Returns which endpoint is the client, if it is known.
    pub fn client(&self) -> Option<usize> {
        self.layer.client().or(self.client)
    }

    /// Returns the layer.
    pub fn layer(&self) -> &dyn Layer {
        &*self.layer
    }

    /// Returns the approximate memory that it takes, in bytes.
    pub fn memory(&self) -> usize {
        let inner = |one: &One| INNER_COST + one.connection.memory();
        self.layer.memory() + self.inside.all.iter().map(inner).sum::<usize>()
    }

    /// Returns the part of it that is kept only to find the causes of violations.
    pub fn evidence(&self) -> usize {
        self.inside.all.iter().map(|one| one.connection.evidence()).sum()
    }

    /// Forgets as much of that as no violation waits for.
    pub fn forget_evidence(&mut self) {
        self.inside.all.iter_mut().for_each(|one| one.connection.forget_evidence());
    }
}

impl Inside {
    /// Passes to an inner connection what the layer found.
    fn take(&mut self, event: &Event<'_>, judging: &mut Judging<'_>) -> io::Result<()> {
        let Event { id, at, ref what } = *event;
        let (stream, ends) = (self.stream, self.ends);
        if let What::Open { client, is_whole } = *what {
            let next = [FIRST; 2];
            let before = next.map(|next| next.wrapping_sub(1));
            let syn = |from: usize| Segment { syn: true, ..segment(ends, from, before, at) };
            let syns = [
                Segment { ack: false, ..syn(client) },
                Segment { acked: FIRST, ..syn(1 - client) },
            ];
            let mut connection = Connection::inside(stream, &syns[0], self.depth);
            if is_whole {
                syns.iter().try_for_each(|syn| connection.segment(syn, judging))?;
            }
            self.all.push(One { id, connection, next });
            return Ok(());
        }
        let Some(one) = self.all.iter_mut().find(|one| one.id == id) else { return Ok(()) };
        match *what {
            What::Open { .. } => Ok(()),
            What::Lost { from, missing } => {
                one.next[from] = one.next[from].wrapping_add(missing as u32);
                Ok(())
            }
            What::Bytes { from, bytes } => {
                let next = one.next;
                one.next[from] = one.next[from].wrapping_add(bytes.len() as u32);
                let segment = Segment { payload: bytes, ..segment(ends, from, next, at) };
                one.connection.segment(&segment, judging)
            }
            What::End { from, how } => {
                let segment = segment(ends, from, one.next, at);
                let (fin, rst) = (how == Ending::Fin, how != Ending::Fin);
                one.connection.segment(&Segment { fin, rst, ..segment }, judging)
            }
        }
    }
}

/// Returns a segment of an inner connection without payload. `next` has the sequence numbers of the next
/// bytes.
fn segment<'a>(ends: [SocketAddr; 2], from: usize, next: [u32; 2], at: Moment) -> Segment<'a> {
    let (seq, acked) = (next[from], next[1 - from]);
    Segment { seq, acked, ..Segment::empty(at, ends[from], ends[1 - from]) }
}
