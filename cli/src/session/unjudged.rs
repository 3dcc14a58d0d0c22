//! The reasons why a connection is not judged, one row each, and what a stream is by its first bytes.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::session::report::Tally;
use crate::transport::prefix::{is_proxy, is_socks};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident $id:literal $perhaps:literal $text:literal,)*) => {
        /// Why a connection is not judged.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Unjudged { $($(#[$doc])* $name,)* }

        impl Unjudged {
            /// All reasons, in the order of the output.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns its name in the output, which never changes.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// Returns what the connection is or lacks, and what to do.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Returns whether the connection is, or may be, a WebSocket connection.
            pub const fn is_perhaps_websocket(self) -> bool {
                match self { $(Self::$name => $perhaps,)* }
            }
        }
    };
}

reasons! {
    /// TLS.
    Tls "tls" true
        "TLS: give the key log with --tls-keylog FILE ('wsvet help tls' says how to get one)",
    /// TLS, and no keys of this connection.
    TlsNoKey "tls-key-missing" true
        "TLS, and the key log has no keys for it: the client or the server must write the key log while the \
         connection is opened",
    /// TLS, and the keys do not fit.
    TlsWrongKey "tls-wrong-key" true
        "TLS, and its keys in the key log are wrong: they do not decrypt the first record",
    /// TLS that is not decrypted.
    TlsSuite "tls-suite" true
        "TLS with a version or a cipher suite that wsvet does not decrypt: let an endpoint choose TLS 1.3",
    /// TLS that is broken at a record.
    TlsBroken "tls-broken" true "TLS that cannot be decrypted from here on",
    /// TLS whose handshake was not captured.
    TlsBegun "tls-begun-before-capture" true
        "TLS whose handshake was not captured, and no key in the key log fits: capture it from its start",
    /// TLS whose handshake failed.
    TlsFailed "tls-failed" true "the TLS handshake failed, so nothing was sent over it",
    /// TLS to a server without TLS.
    TlsToHttp "tls-to-http" true
        "TLS to a server that answers with HTTP without TLS: use ws://, or the port of the server for TLS",
    /// HTTP to a server with TLS.
    HttpToTls "http-to-tls" true
        "HTTP without TLS to a server that answers with TLS: use wss://, or the port of the server without TLS",
    /// HTTP/2 whose frames cannot be read.
    Http2Malformed "http2-malformed" true "HTTP/2 that cannot be read any further",
    /// HTTP/2 whose start was not captured.
    Http2Begun "http2-begun-before-capture" true
        "HTTP/2 that begins before the capture, so that its compressed headers cannot be read: start the \
         capture before the connection",
    /// HTTP/2 of which packets are missing.
    Http2Lost "http2-packets-lost" true
        "HTTP/2 of which the capture lacks packets: its streams cannot be told apart after them",
    /// The opening handshake was not captured, and no frame is found.
    Begun "begun-before-capture" true
        "the capture begins after the opening handshake, and no frame boundary was found: if these are \
         frames, name the port of the server with --port",
    /// The packets of one endpoint were not captured.
    OneDirection "one-direction" true
        "only one direction was captured, and it cannot be judged alone: capture both",
    /// The request was not captured.
    NoRequest "request-missing" true "the upgrade request was not captured",
    /// The answer was not captured.
    NoAnswer "answer-missing" true "the answer to the upgrade request was not captured",
    /// Packets are missing.
    Lost "packets-lost" true "the capture lacks packets of the opening handshake",
    /// Packets are truncated.
    Cut "packets-cut" true
        "packets of the opening handshake are cut at the snapshot length: capture whole packets, with -s 0",
    /// Packets with frames are missing.
    FramesLost "frames-lost" true
        "packets that carry its frames are missing, and what was in them is not judged: capture again with \
         a larger buffer, for example tcpdump -B 65536",
    /// Packets with frames are truncated.
    FramesCut "frames-cut" true
        "packets that carry its frames are cut at the snapshot length, and what is missing is not judged: \
         capture whole packets, with -s 0",
    /// The bytes of several connections follow each other.
    Mixed "connections-mixed" true
        "the request of another connection, where a frame is due: give the bytes of each connection by \
         themselves, for example tshark -Y 'tcp.stream eq 0', or give the capture",
    /// It did not fit into memory.
    Memory "memory" true
        "no more was kept: the packets that wait for others do not fit into --max-memory",
    /// The PROXY protocol.
    Proxy "proxy-protocol" true
        "a header of the PROXY protocol that is damaged or not whole: capture before the proxy",
    /// SOCKS.
    Socks "socks" true
        "the handshake of SOCKS did not lead to a connection, or was not captured whole: capture at the \
         other side of the proxy",
    /// A tunnel through a proxy.
    Tunnel "tunnel" false "a tunnel through a proxy (CONNECT) in which nothing was sent",
    /// HTTP/2 whose server does not allow an extended CONNECT.
    Http2NoConnect "http2-no-connect" false
        "HTTP/2 without a WebSocket stream: the server does not send SETTINGS_ENABLE_CONNECT_PROTOCOL \
         (RFC 8441 §3), so browsers open WebSocket connections over HTTP/1.1",
    /// HTTP/2 without an extended CONNECT for WebSocket.
    Http2 "http2" false "HTTP/2 without a WebSocket stream",
    /// HTTP without an upgrade.
    Http "http" false "HTTP without an upgrade to WebSocket",
    /// HTTP with another upgrade.
    OtherUpgrade "other-upgrade" false "HTTP that was upgraded to another protocol",
    /// SSH.
    Ssh "ssh" false "SSH",
    /// SMTP, FTP, POP3 or IMAP.
    Mail "mail-or-ftp" false "SMTP, FTP, POP3 or IMAP",
    /// MQTT over TCP.
    Mqtt "mqtt" false "MQTT without WebSocket",
    /// A database.
    Database "database" false "the protocol of a database",
    /// Another protocol.
    Other "not-http" false "another protocol: no HTTP/1.1",
    /// A SYN without an answer.
    NeverEstablished "never-established" false "never established: a SYN without an answer",
    /// A SYN that was answered with RST.
    TcpRefused "tcp-refused" false
        "the server refused the TCP connection (RST): nothing listens at its port, or a firewall is before it",
    /// No data.
    NoData "no-data" false "no data was sent",
}

impl Unjudged {
    /// Returns whether only a part of a connection that is judged is not.
    pub const fn is_partial(self) -> bool {
        matches!(self, Self::FramesLost | Self::FramesCut)
    }

    /// Returns the reason with this name.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|why| why.id() == id)
    }

    /// Returns whether the bytes may be frames if the user says so.
    pub const fn is_forced(self) -> bool {
        !matches!(self, Self::Tls | Self::HttpToTls | Self::OtherUpgrade)
    }

    /// Returns what a stream is that starts with these bytes and is not HTTP/1.1.
    pub fn of_start(start: &[u8]) -> Self {
        let known = [
            (is_tls(start), Self::Tls),
            (is_proxy(start), Self::Proxy),
            (is_socks(start), Self::Socks),
            (start.starts_with(b"SSH-"), Self::Ssh),
            (
                [&b"220"[..], b"+OK", b"* OK", b"EHLO ", b"HELO "]
                    .iter()
                    .any(|is| start.starts_with(is)),
                Self::Mail,
            ),
            (
                start.first() == Some(&0x10)
                    && start.get(3..).is_some_and(|rest| {
                        rest.starts_with(b"\x04MQTT") || rest.starts_with(b"\x06MQIsdp")
                    }),
                Self::Mqtt,
            ),
            (is_database(start), Self::Database),
        ];
        known.into_iter().find(|(is, _)| *is).map_or(Self::Other, |(_, why)| why)
    }
}

/// Returns whether this is the start of a TLS record.
pub fn is_tls(start: &[u8]) -> bool {
    matches!(start, [0x14..=0x17, 3, 0..=4, high, low, ..]
        if (1..=0x4900).contains(&u16::from_be_bytes([*high, *low])))
}

/// Returns whether this is the start of a connection to MySQL, PostgreSQL or Redis.
fn is_database(start: &[u8]) -> bool {
    matches!(
        start,
        [_, _, 0, 0, 10, b'0'..=b'9', ..]
            | [0, 0, 0, 8, 4, 0xD2, 0x16, 0x2F, ..]
            | [0, 0, _, _, 0, 3, 0, 0, ..]
            | [b'*', b'0'..=b'9', b'\r' | b'0'..=b'9', ..]
    )
}

/// A connection that is not judged, or not to its end.
#[derive(Clone)]
pub struct Stray {
    /// The number of the TCP stream, if the input is a capture.
    pub stream: Option<usize>,
    /// The number of the WebSocket connection, if its start was judged.
    pub connection: Option<usize>,
    /// The addresses of both endpoints, if they are known: the client first, if that is known.
    pub ends: [Option<String>; 2],
    /// Whether it is known which endpoint is the client.
    pub has_roles: bool,
    /// Why it is not judged.
    pub why: Unjudged,
    /// What is known of it besides, for example `TLS 1.3 to example.test`.
    pub detail: Option<String>,
    /// The number of its packets.
    pub packets: u64,
    /// The time of its first packet, on the clock of the input.
    pub time: Duration,
}

/// The connections of an input that are not judged, by their reasons.
#[derive(Clone, Default)]
pub struct Strays {
    /// The number of them, and what is known of the first besides.
    groups: BTreeMap<Unjudged, (u64, Option<String>)>,
}

impl Strays {
    /// Counts a connection.
    pub fn add(&mut self, why: Unjudged, detail: Option<&str>) {
        let (count, first) = self.groups.entry(why).or_default();
        *count += 1;
        if *count == 1 {
            *first = detail.map(str::to_owned);
        }
    }

    /// Returns why nothing was judged, or nothing if there is no connection.
    pub fn why(&self) -> Option<String> {
        let total: u64 = self.groups.values().map(|(count, _)| count).sum();
        let (most, (count, detail)) = self
            .groups
            .iter()
            .max_by_key(|(why, (count, _))| (why.is_perhaps_websocket(), *count))?;
        let detail = detail.as_ref().map_or_else(String::new, |detail| format!(" ({detail})"));
        let text = format!("{}{detail}", most.text());
        Some(match (total, count) {
            (1, _) => text,
            (total, count) if total == *count => format!("all {total} connections: {text}"),
            _ => format!("none of {total} connections can be judged; {count} of them: {text}"),
        })
    }
}

impl Tally {
    /// Counts a connection that is not judged, or not whole.
    pub fn stray(&mut self, why: Unjudged) {
        let count = if why.is_partial() { &mut self.partly } else { &mut self.unjudged };
        *count += u64::from(why.is_perhaps_websocket());
    }
}
