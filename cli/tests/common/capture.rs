//! Generated captures of one connection, whose packets have times.

use etherparse::PacketBuilder;
use serde_json::Value;
use wsvet::{Header, Role};

use Role::{Client, Server};

use super::frame;

pub const TEXT: u8 = 0x81;
pub const CLOSE: u8 = 0x88;

/// A capture of one connection, whose packets have times.
pub struct Capture {
    pub file: Vec<u8>,
    /// The next sequence numbers of the client and the server.
    pub seq: [u32; 2],
    pub port: u16,
    /// The time in milliseconds.
    now: u64,
}

impl Capture {
    /// Starts a capture without a packet.
    pub fn new() -> Self {
        let header = [0xA1B2_C3D4u32, 0x0004_0002, 0, 0, 65_535, 101];
        let file = header.iter().flat_map(|word| word.to_le_bytes()).collect();
        Self { file, seq: [1_000, 9_000], port: 40_000, now: 0 }
    }

    /// Opens a connection with this subprotocol, if any.
    pub fn open(subprotocol: &str) -> Self {
        let mut capture = Self::new();
        capture.upgrade(subprotocol);
        capture
    }

    /// Opens a connection with this extension, if any.
    pub fn open_with_extension(extension: &str) -> Self {
        let mut capture = Self::new();
        capture.upgrade_with(&match extension {
            "" => String::new(),
            name => format!("Sec-WebSocket-Extensions: {name}\r\n"),
        });
        capture
    }

    pub fn upgrade(&mut self, subprotocol: &str) {
        self.upgrade_with(&match subprotocol {
            "" => String::new(),
            name => format!("Sec-WebSocket-Protocol: {name}\r\n"),
        });
    }

    /// Writes an opening handshake whose request and response have these header fields, too.
    fn upgrade_with(&mut self, fields: &str) {
        let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
        self.packet(Client, "S", b"");
        self.packet(Server, "SA", b"");
        let key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let request = format!("GET / HTTP/1.1\r\nHost: x\r\n{upgrade}{key}{fields}\r\n");
        self.packet(Client, "A", request.as_bytes());
        let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
        let answer = format!("HTTP/1.1 101 Switching Protocols\r\n{upgrade}{accept}{fields}\r\n");
        self.packet(Server, "A", answer.as_bytes());
    }

    pub fn packet(&mut self, from: Role, flags: &str, bytes: &[u8]) -> &mut Self {
        let (end, peer) = (from as usize, from.peer() as usize);
        let ports = [self.port, 80];
        let ip = |end: usize| [10, 0, 0, 1 + end as u8];
        let seq = self.seq[end];
        let mut builder =
            PacketBuilder::ipv4(ip(end), ip(peer), 64).tcp(ports[end], ports[peer], seq, 65_535);
        for flag in flags.chars() {
            builder = match flag {
                'S' => builder.syn(),
                'F' => builder.fin(),
                'R' => builder.rst(),
                _ => builder.ack(self.seq[peer]),
            };
        }
        let counted = flags.contains(['S', 'F']);
        self.seq[end] += bytes.len() as u32 + u32::from(counted);
        let mut packet = Vec::new();
        builder.write(&mut packet, bytes).unwrap();
        let time = 1_700_000_000_000 + self.now;
        let (seconds, micros) = ((time / 1_000) as u32, (time % 1_000) as u32 * 1_000);
        let len = packet.len() as u32;
        self.file.extend([seconds, micros, len, len].iter().flat_map(|word| word.to_le_bytes()));
        self.file.extend(packet);
        self
    }

    pub fn frame(&mut self, from: Role, first: u8, payload: &[u8]) -> &mut Self {
        let header = Header::from_wire(first, payload.len() as u8, 0, [0; 4]);
        let bytes = frame(from, header, payload);
        self.packet(from, "A", &bytes)
    }

    pub fn wait(&mut self, millis: u64) -> &mut Self {
        self.now += millis;
        self
    }

    /// Closes the connection with these codes, the client first, and ends both streams.
    pub fn close(&mut self) -> &mut Self {
        self.frame(Client, CLOSE, b"\x03\xE8").frame(Server, CLOSE, b"\x03\xE8");
        self.packet(Server, "FA", b"").packet(Client, "FA", b"")
    }
}

/// Runs `check` with this standard input: the output and the exit status.
pub fn check(args: &[&str], input: &[u8]) -> (String, i32) {
    let output = super::run(&[&["check"], args, &["-"]].concat(), input);
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

/// Returns the lines of `--json` about connections, without the notices about inputs.
pub fn lines(text: &str) -> Vec<Value> {
    let all = all_lines(text).into_iter();
    all.filter(|line| line["event"] != "notice").collect()
}

/// Returns the lines of `--json`.
pub fn all_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
