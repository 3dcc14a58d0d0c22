//! A server of HTTP/2 around the server in memory: what it reads and writes has frames, and the rest is the same.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::time::Duration;

use wsvet::{End, Role};
use wsvet_cli::probe::link::{Link, Received};
use wsvet_cli::transport::http2::{Control, Event, Fields, Http2};

use super::endpoint::Memory;
use crate::common::http2::{
    CONTINUATION, Compressor, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING,
    RST_STREAM, SETTINGS, WINDOW_UPDATE, allowance, frame,
};

/// What a server of HTTP/2 does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Manner {
    /// Nothing but what is needed.
    Plain,
    /// Opens its windows by a few bytes each time, and makes them smaller first.
    SmallWindows,
    /// Pads its DATA, cuts it, and sends empty ones.
    Padded,
    /// Sends PINGs, frames of unknown types, and SETTINGS again.
    Chatty,
    /// Cuts its header blocks.
    Continued,
    /// Responds with 103 first.
    EarlyHints,
    /// Does not allow an extended CONNECT.
    NoConnect,
    /// Responds with a field of HTTP/1.1.
    ForeignField,
    /// Responds with status 101.
    Switches,
    /// Resets the stream instead of ending it.
    Resets,
    /// Does not end the stream.
    NeverEnds,
    /// Ends TCP instead of the stream.
    EndsTcp,
    /// Sends GOAWAY with an error, and then ends TCP.
    GoesAway,
    /// Sends GOAWAY before it reads the request.
    Refuses,
    /// Sends bytes that are no frames after a Close.
    Breaks,
    /// Takes no bytes after the request.
    Stalls,
}

/// A connection with the server. What it sends arrives in pieces of at most `cut` bytes.
pub struct Http2Server {
    inner: Memory,
    manner: Manner,
    reader: Http2,
    compressor: Compressor,
    out: VecDeque<u8>,
    cut: usize,
    /// The head of the response, and what came after it.
    head: Option<Vec<u8>>,
    stream: u32,
    ended: bool,
    tcp: Option<End>,
    now: Duration,
    acks: usize,
    pings: usize,
}

impl Http2Server {
    pub fn new(inner: Memory, manner: Manner, cut: usize) -> Self {
        let reader = Http2::default();
        let out = match manner {
            Manner::NoConnect => frame(SETTINGS, 0, 0, b""),
            Manner::SmallWindows => frame(SETTINGS, 0, 0, &[0, 8, 0, 0, 0, 1, 0, 4, 0, 0, 0, 100]),
            Manner::Stalls => frame(SETTINGS, 0, 0, &[0, 8, 0, 0, 0, 1, 0, 4, 0, 0, 0, 0]),
            _ => allowance(),
        };
        Self {
            inner,
            manner,
            reader,
            compressor: Compressor::default(),
            out: out.into(),
            cut,
            head: Some(Vec::new()),
            stream: 0,
            ended: false,
            tcp: None,
            now: Duration::ZERO,
            acks: 0,
            pings: 0,
        }
    }

    /// Takes what a frame of the client says.
    fn take(&mut self, told: Told) {
        match told {
            Told::Request(stream, fields) => {
                self.stream = stream;
                if self.manner == Manner::Refuses {
                    self.out.extend(frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 0xB]));
                    return;
                }
                if self.manner == Manner::SmallWindows {
                    // Less than nothing is left of the window of the stream.
                    self.out.extend(frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 3]));
                }
                self.inner.send(&request(&fields)).unwrap();
            }
            Told::Data(bytes) => {
                self.inner.send(&bytes).unwrap();
                if self.manner == Manner::Stalls {
                    panic!("the server takes no bytes");
                }
                let more = (bytes.len() as u32).to_be_bytes();
                for stream in [0, self.stream] {
                    self.out.extend(frame(WINDOW_UPDATE, 0, stream, &more));
                }
            }
            Told::End => self.inner.end_sending().unwrap(),
            Told::Settings => {
                self.acks += 1;
                self.out.extend(frame(SETTINGS, 1, 0, b""));
            }
        }
        self.pump();
    }

    /// Sends what the server in memory sends.
    fn pump(&mut self) {
        let mut bytes = Vec::new();
        while !self.ended && self.tcp.is_none() {
            match self.inner.receive(&mut bytes, Duration::ZERO) {
                Received::Bytes => self.send_on(std::mem::take(&mut bytes)),
                Received::Late => return,
                Received::End(end) => self.end(end),
            }
        }
    }

    fn send_on(&mut self, bytes: Vec<u8>) {
        let Some(mut head) = self.head.take() else { return self.data(&bytes, 0) };
        head.extend(bytes);
        let Some(at) = head.windows(4).position(|window| window == b"\r\n\r\n") else {
            self.head = Some(head);
            return;
        };
        self.respond(std::str::from_utf8(&head[..at]).unwrap());
        if head.len() > at + 4 {
            self.data(&head[at + 4..], 0);
        }
    }

    fn respond(&mut self, head: &str) {
        let mut lines = head.split("\r\n");
        let status = match &lines.next().unwrap()[9..12] {
            "101" if self.manner != Manner::Switches => "200",
            status => status,
        };
        if self.manner == Manner::EarlyHints {
            let hints = [(":status", "103"), ("link", "</style.css>")];
            self.out.extend(self.compressor.headers(Role::Server, self.stream, 0, &hints));
        }
        let lower: Vec<_> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .filter(|(name, _)| {
                let own = ["upgrade", "connection", "sec-websocket-accept"].contains(&&**name);
                !own || self.manner == Manner::ForeignField
            })
            .collect();
        let mut fields = vec![(":status", status)];
        fields.extend(lower.iter().map(|(name, value)| (name.as_str(), *value)));
        let block = self.compressor.block(Role::Server, &fields);
        match self.manner {
            Manner::Continued => {
                let (first, rest) = block.split_at(1);
                self.out.extend(frame(HEADERS, 0, self.stream, first));
                self.out.extend(frame(CONTINUATION, 0, self.stream, b""));
                self.out.extend(frame(CONTINUATION, END_HEADERS, self.stream, rest));
            }
            _ => self.out.extend(frame(HEADERS, END_HEADERS, self.stream, &block)),
        }
    }

    fn data(&mut self, bytes: &[u8], flags: u8) {
        if self.manner == Manner::Chatty {
            self.pings += 1;
            self.out.extend(frame(PING, 0, 0, &[self.pings as u8; 8]));
            self.out.extend(frame(0xEE, 0xFF, self.stream, b"unknown"));
            self.out.extend(frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]));
        }
        if self.manner == Manner::Padded {
            for byte in bytes.chunks(1_000) {
                let padded = [&[3][..], byte, &[0; 3]].concat();
                self.out.extend(frame(DATA, PADDED, self.stream, &padded));
            }
            self.out.extend(frame(DATA, PADDED | flags, self.stream, &[0]));
            return;
        }
        let mut chunks = bytes.chunks(16_384).peekable();
        if bytes.is_empty() {
            self.out.extend(frame(DATA, flags, self.stream, b""));
        }
        while let Some(chunk) = chunks.next() {
            let flags = if chunks.peek().is_none() { flags } else { 0 };
            self.out.extend(frame(DATA, flags, self.stream, chunk));
        }
    }

    fn end(&mut self, end: End) {
        self.ended = true;
        let reset = |code: u8| frame(RST_STREAM, 0, self.stream, &[0, 0, 0, code]);
        match (self.manner, end) {
            (Manner::NeverEnds, _) => {}
            (Manner::EndsTcp, _) => self.tcp = Some(End::Fin),
            (Manner::GoesAway, _) => {
                let last = self.stream.to_be_bytes();
                self.out.extend(frame(GOAWAY, 0, 0, &[&last[..], &[0, 0, 0, 2], b"oh"].concat()));
                self.tcp = Some(End::Fin);
            }
            (Manner::Breaks, _) => self.out.extend(frame(DATA, PADDED, self.stream, &[9, 0])),
            (Manner::Resets, _) => self.out.extend(reset(2)),
            (_, End::Reset) => self.out.extend(reset(8)),
            _ => self.data(b"", END_STREAM),
        }
    }
}

/// What a frame of the client says.
enum Told {
    Request(u32, Fields),
    Data(Vec<u8>),
    End,
    Settings,
}

/// The request of HTTP/1.1 that says the same.
fn request(fields: &Fields) -> Vec<u8> {
    let text = |name: &str| fields.text(name).unwrap();
    assert_eq!((text(":method"), text(":protocol")), ("CONNECT", "websocket"));
    assert!(["http", "https"].contains(&text(":scheme")));
    let mut head = format!("GET {} HTTP/1.1\r\nHost: {}\r\n", text(":path"), text(":authority"));
    head += "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    head += "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    for (name, value) in fields.0.iter().filter(|(name, _)| !name.starts_with(':')) {
        for own in ["upgrade", "connection", "host", "sec-websocket-key"] {
            assert_ne!(name, own);
        }
        assert!(!name.bytes().any(|byte| byte.is_ascii_uppercase()), "{name}");
        // The server in memory knows the names as HTTP/1.1 has them.
        let name: Vec<_> = name.split('-').map(capital).collect();
        let name = name.join("-").replace("Websocket", "WebSocket");
        head += &format!("{name}: {}\r\n", std::str::from_utf8(value).unwrap());
    }
    (head + "\r\n").into_bytes()
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_ascii_uppercase() + rest
}

impl Link for Http2Server {
    fn send(&mut self, segment: &[u8]) -> io::Result<()> {
        let mut told = Vec::new();
        let read = self.reader.feed(Role::Client, segment, &mut |event| {
            told.extend(match event {
                Event::Request(stream, fields) => Some(Told::Request(stream, fields)),
                Event::Data(_, _, bytes) => Some(Told::Data(bytes.to_vec())),
                Event::End(..) => Some(Told::End),
                Event::Control(_, Control::Settings(_)) => Some(Told::Settings),
                _ => None,
            });
            Ok::<_, Infallible>(())
        });
        assert_eq!(read, Ok(Ok(())), "the prober breaks HTTP/2");
        told.into_iter().for_each(|told| self.take(told));
        Ok(())
    }

    fn end_sending(&mut self) -> io::Result<()> {
        panic!("TCP goes on when a stream ends")
    }

    fn receive(&mut self, buffer: &mut Vec<u8>, wait: Duration) -> Received {
        if !self.out.is_empty() {
            let len = self.out.len().min(self.cut);
            buffer.extend(self.out.drain(..len));
            return Received::Bytes;
        }
        match self.tcp {
            Some(end) => Received::End(end),
            None => {
                self.now += wait;
                Received::Late
            }
        }
    }

    fn elapsed(&self) -> Duration {
        self.now
    }
}
