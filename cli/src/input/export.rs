//! Reads the packets that Wireshark and tshark write for Export PDUs: tags that name the protocol and the
//! endpoints, and then the bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The link type of these packets.
pub(super) const LINK: i32 = 252;

/// What a packet tells.
pub(super) enum Exported<'a> {
    /// A packet of this link type.
    Packet(i32, &'a [u8]),
    /// The next bytes of a TCP connection.
    Bytes {
        /// The endpoint that sent them.
        from: SocketAddr,
        /// The endpoint that received them.
        to: SocketAddr,
        /// The bytes.
        bytes: &'a [u8],
        /// The sequence numbers of the first byte, and of the byte for which the sender waits, if they are
        /// known. They are relative.
        numbers: Option<[u32; 2]>,
        /// Whether these are frames of HTTP/2.
        is_http2: bool,
    },
    /// Another protocol, by its name.
    Other(String),
    /// The packet ends inside the tags.
    Cut,
}

/// Parses a packet.
pub(super) fn exported(bytes: &[u8]) -> Exported<'_> {
    parse(bytes).unwrap_or(Exported::Cut)
}

fn parse(bytes: &[u8]) -> Option<Exported<'_>> {
    const END: u16 = 0;
    const DISSECTOR: u16 = 12;
    const HEURISTIC: u16 = 13;
    const TABLE: u16 = 14;
    const SOURCE_4: u16 = 20;
    const DESTINATION_4: u16 = 21;
    const SOURCE_6: u16 = 22;
    const DESTINATION_6: u16 = 23;
    const SOURCE_PORT: u16 = 25;
    const DESTINATION_PORT: u16 = 26;
    const TCP: u16 = 34;
    let mut name = String::new();
    let mut hosts: [Option<IpAddr>; 2] = [None; 2];
    let mut ports = [0u16; 2];
    let mut tcp = None;
    let mut rest = bytes;
    loop {
        let ([a, b, c, d], after) = rest.split_first_chunk::<4>()?;
        let (tag, len) = (u16::from_be_bytes([*a, *b]), usize::from(u16::from_be_bytes([*c, *d])));
        let (value, after) = after.split_at_checked(len)?;
        rest = after;
        let v4 = || value.first_chunk::<4>().map(|ip| Ipv4Addr::from(*ip).into());
        let v6 = || value.first_chunk::<16>().map(|ip| Ipv6Addr::from(*ip).into());
        let port = || value.first_chunk::<4>().map_or(0, |port| u32::from_be_bytes(*port) as u16);
        match tag {
            END => break,
            DISSECTOR | HEURISTIC | TABLE => {
                name = String::from_utf8_lossy(value).trim_end_matches('\0').to_owned();
            }
            SOURCE_4 => hosts[0] = v4(),
            DESTINATION_4 => hosts[1] = v4(),
            SOURCE_6 => hosts[0] = v6(),
            DESTINATION_6 => hosts[1] = v6(),
            SOURCE_PORT => ports[0] = port(),
            DESTINATION_PORT => ports[1] = port(),
            TCP => tcp = numbers(value),
            _ => {}
        }
    }
    // The protocol below follows the name.
    let below = ["_tcp", "_tls", "-over-tcp", "-over-tls"];
    let base = below.iter().find_map(|below| name.strip_suffix(below)).unwrap_or(&name);
    Some(match base {
        "eth" | "eth_withoutfcs" | "eth_maybefcs" => Exported::Packet(1, rest),
        "ip" | "ipv6" => Exported::Packet(101, rest),
        // Those of a table are for whatever has this port.
        "http" | "websocket" | "tls" | "ssl" | "http2" | "data" | "socks" | "proxy"
        | "tcp.port" | "tls.port" => {
            let [Some(from), Some(to)] = hosts else { return Some(Exported::Other(name)) };
            let (from, to) = (SocketAddr::new(from, ports[0]), SocketAddr::new(to, ports[1]));
            let numbers = tcp.filter(|(_, len)| *len == rest.len() as u32);
            let numbers = numbers.map(|(numbers, _)| numbers);
            Exported::Bytes { from, to, bytes: rest, numbers, is_http2: base == "http2" }
        }
        _ => Exported::Other(name),
    })
}

/// Parses what TCP tells its dissectors: a version, the sequence numbers of the first byte, of the byte after
/// the last one and of the byte for which the sender waits. Returns the first and the third one, and the
/// number of bytes.
fn numbers(value: &[u8]) -> Option<([u32; 2], u32)> {
    let (version, rest) = value.split_first_chunk::<2>()?;
    let (words, _) = rest.as_chunks::<4>();
    let [first, end, acked] = *words.first_chunk::<3>()?;
    let [first, end, acked] = [first, end, acked].map(u32::from_be_bytes);
    (u16::from_be_bytes(*version) == 1).then_some(([first, acked], end.wrapping_sub(first)))
}
