//! A WebSocket connection in a stream of HTTP/2 (RFC 8441). Each case opens its own HTTP/2 connection, with
//! one stream.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use wsvet::{End, Role};

use crate::probe::connect::Connect;
use crate::probe::link::{Link, Received, Tunnel};
use crate::transport::http2::{
    ACK, Control, END_STREAM, ErrorCode, Event, Fields, Http2, Kind, MAX_FRAME, PREFACE,
    append_frame, append_headers, append_setting, settings,
};

/// The only stream of the connection.
const STREAM: u32 = 1;

/// The bytes that an endpoint takes unless it says something else (RFC 9113 §6.9.2).
const WINDOW: u32 = (1 << 16) - 1;

/// The most bytes that an endpoint can say that it takes (§6.9.1). It is more than the prober takes from a
/// server in a case, so that this window is never opened again.
const MOST_WINDOW: u32 = (1 << 31) - 1;

/// The most bytes that are kept while the prober waits for something else.
const MOST: usize = 256 << 20;

/// How many times as long a server may take to open its window for all that is sent to it at once.
const SLOWEST: u32 = 10;

/// A stream of HTTP/2.
pub struct Stream<L> {
    link: L,
    scheme: &'static str,
    /// How long the server may take nothing.
    limit: Duration,
    http2: Http2,
    came: Came,
    buffer: Vec<u8>,
}

/// What came of the server, and what it takes.
struct Came {
    has_settings: bool,
    response: Option<(u16, Fields)>,
    /// The bytes of the stream.
    bytes: Vec<u8>,
    end: Option<End>,
    ending: Option<String>,
    /// What the server must be answered.
    replies: Vec<u8>,
    /// How many bytes the server takes on the connection and on the stream. A setting can make the latter
    /// negative (§6.9.2).
    windows: [i64; 2],
    /// The window of a new stream.
    initial: i64,
}

impl<L: Link> Stream<L> {
    /// Opens a connection of HTTP/2 over a link. `scheme` is that of the request, and `limit` how long the
    /// server may take nothing.
    ///
    /// # Errors
    ///
    /// Any error of the link. The server does not speak HTTP/2, or does not allow WebSocket over it.
    pub fn open(link: L, scheme: &'static str, limit: Duration) -> io::Result<Self> {
        let came = Came {
            has_settings: false,
            response: None,
            bytes: Vec::new(),
            end: None,
            ending: None,
            replies: Vec::new(),
            windows: [WINDOW.into(); 2],
            initial: WINDOW.into(),
        };
        let http2 = Http2::default();
        let mut stream = Self { link, scheme, limit, http2, came, buffer: Vec::new() };
        let mut own = Vec::new();
        append_setting(2, 0, &mut own); // no pushes
        append_setting(4, MOST_WINDOW, &mut own);
        let mut out = PREFACE.to_vec();
        append_frame(Kind::Settings, 0, 0, &own, &mut out);
        let more = (MOST_WINDOW - WINDOW).to_be_bytes();
        append_frame(Kind::WindowUpdate, 0, 0, &more, &mut out);
        stream.write(&out)?;
        stream.wait(limit, |came| came.has_settings.then_some(())).map_err(|received| {
            let why = match received {
                Received::Late => "it sent no SETTINGS",
                _ => stream.came.ending.as_deref().unwrap_or_default(),
            };
            io::Error::other(format!("the server does not speak HTTP/2: {why}"))
        })?;
        match stream.http2.seen().connect_protocol {
            Some(true) => Ok(stream),
            _ => Err(io::Error::other(
                "the server does not allow WebSocket over HTTP/2: its SETTINGS lack \
                 SETTINGS_ENABLE_CONNECT_PROTOCOL with the value 1 (RFC 8441 §3)",
            )),
        }
    }

    /// Sends frames.
    fn write(&mut self, frames: &[u8]) -> io::Result<()> {
        self.feed(Role::Client, frames);
        self.link.send(frames)
    }

    /// Follows the frames of both endpoints, and answers those of the server.
    fn feed(&mut self, from: Role, bytes: &[u8]) {
        let Self { http2, came, .. } = self;
        let read = http2.feed(from, bytes, &mut |event| {
            came.event(event);
            Ok::<_, Infallible>(())
        });
        if let Ok(Err(malformed)) = read {
            let ending = match came.has_settings {
                true => format!("the {from} broke HTTP/2 at {malformed}"),
                false => "its first bytes are not SETTINGS".to_owned(),
            };
            came.end(End::Reset, ending);
        }
    }

    /// Waits until `found` returns something.
    fn wait<T>(
        &mut self,
        limit: Duration,
        mut found: impl FnMut(&mut Came) -> Option<T>,
    ) -> Result<T, Received> {
        let end = self.link.elapsed() + limit;
        loop {
            if let Some(found) = found(&mut self.came) {
                return Ok(found);
            }
            if let Some(end) = self.came.end {
                return Err(Received::End(end));
            }
            let left = end.saturating_sub(self.link.elapsed());
            if left.is_zero() {
                return Err(Received::Late);
            }
            let mut buffer = std::mem::take(&mut self.buffer);
            let received = self.link.receive(&mut buffer, left);
            self.feed(Role::Server, &buffer);
            buffer.clear();
            self.buffer = buffer;
            match received {
                Received::Bytes => {}
                Received::Late => return Err(Received::Late),
                Received::End(end) => {
                    self.came.end(end, "it ended TCP, and not the stream".to_owned());
                }
            }
            let replies = std::mem::take(&mut self.came.replies);
            if !replies.is_empty() {
                // A connection that the server has ended tells it when something is received.
                let _ = self.write(&replies);
            }
        }
    }

    /// Waits until the server takes bytes.
    fn wait_for_room(&mut self) -> io::Result<()> {
        let waited = self.wait(self.limit, |came| (came.room() > 0).then_some(()));
        match waited {
            Ok(()) => Ok(()),
            Err(Received::End(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Came {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Response(_, status, fields) if status >= 200 => {
                self.response = Some((status, fields));
            }
            Event::Data(_, Role::Server, bytes) if self.bytes.len() + bytes.len() <= MOST => {
                self.bytes.extend_from_slice(bytes);
            }
            Event::Data(_, Role::Server, _) => {
                self.end(End::Reset, "it sent more than 256 MiB at once".to_owned());
            }
            Event::End(_, Role::Server) => {
                self.end.get_or_insert(End::Fin);
            }
            Event::Reset(_, Role::Server, code) => {
                self.end(End::Reset, format!("RST_STREAM with {code}"));
            }
            Event::GoAway(Role::Server, last, code, debug) => self.go_away(last, code, &debug),
            Event::Control(Role::Server, control) => self.control(control),
            _ => {}
        }
    }

    fn end(&mut self, end: End, ending: String) {
        if self.end.is_none() {
            self.end = Some(end);
            self.ending.get_or_insert(ending);
        }
    }

    fn go_away(&mut self, last: u32, code: ErrorCode, debug: &str) {
        let colon = if debug.is_empty() { "" } else { ": " };
        let ending = format!("GOAWAY with {code}{colon}{debug}");
        if last < STREAM {
            // The server does not answer the request.
            self.end(End::Reset, ending);
        } else if self.end.is_none() {
            self.ending = Some(ending);
        }
    }

    fn control(&mut self, control: Control<'_>) {
        match control {
            Control::Settings(payload) => {
                for (number, value) in settings(payload) {
                    if number == 4 {
                        self.windows[1] += i64::from(value) - self.initial;
                        self.initial = value.into();
                    }
                }
                self.has_settings = true;
                append_frame(Kind::Settings, ACK, 0, &[], &mut self.replies);
            }
            Control::Ping(payload) => {
                append_frame(Kind::Ping, ACK, 0, &payload, &mut self.replies);
            }
            Control::Window(0, more) => self.windows[0] += i64::from(more),
            Control::Window(STREAM, more) => self.windows[1] += i64::from(more),
            Control::Window(..) => {}
        }
    }

    /// Returns how many bytes the server takes now.
    fn room(&self) -> usize {
        usize::try_from(self.windows[0].min(self.windows[1])).unwrap_or(0)
    }
}

impl<L: Link> Link for Stream<L> {
    fn send(&mut self, mut segment: &[u8]) -> io::Result<()> {
        let end = self.link.elapsed() + SLOWEST * self.limit;
        while !segment.is_empty() {
            if self.came.end == Some(End::Reset) {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            if self.came.room() == 0 {
                if self.link.elapsed() > end {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                self.wait_for_room()?;
                continue;
            }
            let (now, later) = segment.split_at(segment.len().min(self.came.room()));
            segment = later;
            self.came.windows.iter_mut().for_each(|window| *window -= now.len() as i64);
            let mut frames = Vec::with_capacity(now.len());
            for data in now.chunks(MAX_FRAME as usize) {
                append_frame(Kind::Data, 0, STREAM, data, &mut frames);
            }
            self.write(&frames)?;
        }
        Ok(())
    }

    fn pause(&mut self) {
        self.link.pause();
    }

    fn end_sending(&mut self) -> io::Result<()> {
        let mut frame = Vec::new();
        append_frame(Kind::Data, END_STREAM, STREAM, &[], &mut frame);
        self.write(&frame)
    }

    fn receive(&mut self, buffer: &mut Vec<u8>, wait: Duration) -> Received {
        let received = self
            .wait(wait, |came| (!came.bytes.is_empty()).then(|| std::mem::take(&mut came.bytes)));
        match received {
            Ok(mut bytes) => {
                buffer.append(&mut bytes);
                Received::Bytes
            }
            Err(received) => received,
        }
    }

    fn elapsed(&self) -> Duration {
        self.link.elapsed()
    }

    fn tunnel(&mut self) -> Option<&mut dyn Tunnel> {
        Some(self)
    }
}

impl<L: Link> Tunnel for Stream<L> {
    fn connect(&mut self, request: &Connect, limit: Duration) -> Result<(u16, Fields), Received> {
        let start = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", self.scheme),
            (":path", &request.path),
            (":authority", &request.authority),
        ];
        let start = start.iter().map(|(name, value)| (*name, value.as_bytes()));
        let fields = request.fields.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        let mut frames = Vec::new();
        append_headers(STREAM, start.chain(fields), &mut frames);
        // A connection that the server has ended tells it when something is received.
        let _ = self.write(&frames);
        self.wait(limit, |came| came.response.take())
    }

    fn ending(&self) -> Option<&str> {
        self.came.ending.as_deref()
    }
}
