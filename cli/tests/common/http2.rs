//! Writes HTTP/2 connections.

use loona_hpack::Encoder;
use wsvet::Role;
use wsvet_cli::transport::http2::PREFACE;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
pub const PADDED: u8 = 8;

/// A frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = (payload.len() as u32).to_be_bytes();
    let mut frame = vec![len[1], len[2], len[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The fields of an extended CONNECT for WebSocket, and others after them.
pub fn connect<'a>(path: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "example.test"),
        ("sec-websocket-version", "13"),
    ];
    fields.extend(more);
    fields
}

/// Compresses the header blocks of both endpoints.
pub struct Compressor([Encoder<'static>; 2]);

impl Default for Compressor {
    fn default() -> Self {
        Self([Encoder::new(), Encoder::new()])
    }
}

impl Compressor {
    /// A header block.
    pub fn block(&mut self, from: Role, fields: &[(&str, &str)]) -> Vec<u8> {
        let fields = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        self.0[from as usize].encode(fields)
    }

    /// A HEADERS frame.
    pub fn headers(
        &mut self,
        from: Role,
        stream: u32,
        flags: u8,
        fields: &[(&str, &str)],
    ) -> Vec<u8> {
        frame(HEADERS, END_HEADERS | flags, stream, &self.block(from, fields))
    }
}

/// What a client sends first.
pub fn preface() -> Vec<u8> {
    [PREFACE, &frame(SETTINGS, 0, 0, b"")].concat()
}

/// What a server sends first, if it allows an extended CONNECT.
pub fn allowance() -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[0, 8, 0, 0, 0, 1])
}
