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
    let mut name = String::new();
    let mut hosts: [Option<IpAddr>; 2] = [None; 2];
    let mut ports = [0u16; 2];
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
            _ => {}
        }
    }
    // The protocol below follows the name.
    let below = ["_tcp", "_tls", "-over-tcp", "-over-tls"];
    let base = below.iter().find_map(|below| name.strip_suffix(below)).unwrap_or(&name);
    Some(match base {
        "eth" | "eth_withoutfcs" | "eth_maybefcs" => Exported::Packet(1, rest),
        "ip" | "ipv6" => Exported::Packet(101, rest),
        "http" | "websocket" | "tls" | "ssl" | "http2" | "data" | "socks" | "proxy" => {
            let [Some(from), Some(to)] = hosts else { return Some(Exported::Other(name)) };
            let (from, to) = (SocketAddr::new(from, ports[0]), SocketAddr::new(to, ports[1]));
            Exported::Bytes { from, to, bytes: rest }
        }
        _ => Exported::Other(name),
    })
}
