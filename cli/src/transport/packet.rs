//! Extracts the TCP segment from a packet of a capture.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use etherparse::{
    EtherType, IpNumber, LaxNetSlice, LaxSlicedPacket, LinuxSllHeader, TransportSlice, ether_type,
};

/// A TCP segment, and its packet.
pub struct Segment<'a> {
    /// The packet.
    pub at: Moment,
    /// The source address and port.
    pub from: SocketAddr,
    /// The destination address and port.
    pub to: SocketAddr,
    /// The sequence number.
    pub seq: u32,
    /// The acknowledgment number.
    pub acked: u32,
    /// Whether SYN is set.
    pub syn: bool,
    /// Whether ACK is set.
    pub ack: bool,
    /// Whether FIN is set.
    pub fin: bool,
    /// Whether RST is set.
    pub rst: bool,
    /// The payload, as far as it was captured.
    pub payload: &'a [u8],
    /// The number of payload bytes beyond the snapshot length, which the capture does not have.
    pub not_captured: usize,
}

/// The position of a packet in the capture.
#[derive(Clone, Copy)]
pub struct Moment {
    /// The number of the packet, from 1.
    pub packet: u64,
    /// The time at which it was captured, on the clock of the capture.
    pub time: Duration,
}

/// Converts seconds since 1970 to a duration. It is rounded to microseconds, the precision of the
/// float.
pub fn time_of(seconds: f64) -> Duration {
    Duration::from_micros((seconds * 1e6).round() as u64)
}

/// The content of a packet.
pub enum Content<'a> {
    /// A TCP segment.
    Tcp(Segment<'a>),
    /// Another protocol, or a packet that is truncated inside the TCP header.
    Other,
    /// A fragment of an IP packet with TCP. Fragments are not reassembled.
    Fragment,
    /// A link type that is not supported.
    UnknownLink,
}

/// The length of the header of Linux cooked mode, version 2, in bytes.
const SLL2_LEN: usize = 20;

/// Parses the headers of a packet. `link` is the link type, numbered as in the capture formats.
pub fn dissect(at: Moment, link: i32, bytes: &[u8]) -> Content<'_> {
    let sliced = match link {
        // Ethernet.
        1 => LaxSlicedPacket::from_ethernet(bytes).ok(),
        // BSD loopback, either byte order: four bytes of address family.
        0 | 108 => bytes.get(4..).and_then(from_ip),
        // Raw IP, and other numbers that some systems write for it.
        12 | 14 | 101 | 228 | 229 => from_ip(bytes),
        // Linux cooked mode: the protocol is the last field of the header, or the first.
        113 => from_cooked(bytes, LinuxSllHeader::LEN - 2, LinuxSllHeader::LEN),
        276 => from_cooked(bytes, 0, SLL2_LEN),
        _ => return Content::UnknownLink,
    };
    let Some(sliced) = sliced else { return Content::Other };
    let (from, to, payload, claimed) = match &sliced.net {
        Some(LaxNetSlice::Ipv4(ip)) => (
            IpAddr::from(ip.header().source_addr()),
            IpAddr::from(ip.header().destination_addr()),
            ip.payload(),
            usize::from(ip.header().total_len())
                .saturating_sub(ip.header().slice().len())
                .saturating_sub(ip.extensions().auth.map_or(0, |auth| auth.slice().len())),
        ),
        Some(LaxNetSlice::Ipv6(ip)) => (
            IpAddr::from(ip.header().source_addr()),
            IpAddr::from(ip.header().destination_addr()),
            ip.payload(),
            usize::from(ip.header().payload_length()).saturating_sub(ip.extensions().slice().len()),
        ),
        _ => return Content::Other,
    };
    if payload.fragmented {
        let tcp = payload.ip_number == IpNumber::TCP;
        return if tcp { Content::Fragment } else { Content::Other };
    }
    let Some(TransportSlice::Tcp(tcp)) = &sliced.transport else { return Content::Other };
    Content::Tcp(Segment {
        at,
        from: SocketAddr::new(from, tcp.source_port()),
        to: SocketAddr::new(to, tcp.destination_port()),
        seq: tcp.sequence_number(),
        acked: tcp.acknowledgment_number(),
        syn: tcp.syn(),
        ack: tcp.ack(),
        fin: tcp.fin(),
        rst: tcp.rst(),
        payload: tcp.payload(),
        not_captured: claimed.saturating_sub(payload.payload.len()),
    })
}

fn from_ip(bytes: &[u8]) -> Option<LaxSlicedPacket<'_>> {
    LaxSlicedPacket::from_ip(bytes).ok()
}

fn from_cooked(bytes: &[u8], protocol_at: usize, len: usize) -> Option<LaxSlicedPacket<'_>> {
    let protocol = bytes.get(protocol_at..)?.first_chunk::<2>()?;
    let protocol = EtherType(u16::from_be_bytes(*protocol));
    let known = [ether_type::IPV4, ether_type::IPV6, ether_type::VLAN_TAGGED_FRAME];
    let bytes = bytes.get(len..)?;
    known.contains(&protocol).then(|| LaxSlicedPacket::from_ether_type(protocol, bytes))
}
