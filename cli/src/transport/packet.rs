//! Extracts the TCP segments from a packet of a capture.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use etherparse::err::ip::LaxHeaderSliceError;
use etherparse::err::{Layer, packet::SliceError};
use etherparse::{
    IpFragOffset, Ipv6ExtensionSlice, LaxIpPayloadSlice, LaxLinkExtSlice, LaxNetSlice,
    LaxSlicedPacket, TcpSlice, TransportSlice, ip_number,
};

use crate::transport::fragments::{Fragment, Fragments, Key};
use crate::transport::inner::{Inner, of_ether_type, of_ip_number};
use crate::transport::link::of_link;
use crate::transport::network::{Kind, Network};

pub use crate::transport::inner::Unread;
pub use crate::transport::link::name_of;

/// The most headers that carry other packets, inside each other.
const MOST_INSIDE: u32 = 16;

/// A TCP segment, and its packet.
pub struct Segment<'a> {
    /// The packet.
    pub at: Moment,
    /// The source address and port.
    pub from: SocketAddr,
    /// The destination address and port.
    pub to: SocketAddr,
    /// The network in which it was captured.
    pub network: Network,
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

impl Segment<'_> {
    /// Creates a segment without payload that acknowledges. Its sequence numbers are 0.
    pub const fn empty(at: Moment, from: SocketAddr, to: SocketAddr) -> Self {
        Self {
            at,
            from,
            to,
            network: Network::NONE,
            seq: 0,
            acked: 0,
            syn: false,
            ack: true,
            fin: false,
            rst: false,
            payload: &[],
            not_captured: 0,
        }
    }
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
    /// Another protocol.
    Other,
    /// A packet that ends inside a header.
    Cut,
    /// A fragment of an IP packet that is not complete.
    Fragment,
    /// What cannot be read, and why.
    Unread(Unread),
    /// A link type that is not supported.
    UnknownLink(i32),
}

/// The packets of a capture, of which some are parts of others.
#[derive(Default)]
pub struct Packets {
    fragments: Fragments,
}

impl Packets {
    /// Parses the headers of a packet, and of those inside it. `link` is the link type, numbered as in the
    /// capture formats. `take` receives the content, more than once if there are several packets in one.
    pub fn dissect<E>(
        &mut self,
        at: Moment,
        link: i32,
        bytes: &[u8],
        take: &mut impl FnMut(Content<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.open(at, Inner::Packet(link, bytes), Network::NONE, 0, take)
    }

    /// Returns the number of fragmented packets that were not put together, although they may have TCP
    /// inside.
    pub fn incomplete(&self) -> u64 {
        self.fragments.incomplete()
    }

    fn open<E, F: FnMut(Content<'_>) -> Result<(), E>>(
        &mut self,
        at: Moment,
        inner: Inner<'_>,
        mut network: Network,
        depth: u32,
        take: &mut F,
    ) -> Result<(), E> {
        if depth > MOST_INSIDE {
            return take(Content::Unread(Unread::Depth));
        }
        let sliced = match inner {
            Inner::Ethernet(bytes) => match LaxSlicedPacket::from_ethernet(bytes) {
                Ok(sliced) => sliced,
                Err(_) => return take(Content::Cut),
            },
            Inner::Ip(bytes) => match LaxSlicedPacket::from_ip(bytes) {
                Ok(sliced) => sliced,
                Err(LaxHeaderSliceError::Len(_)) => return take(Content::Cut),
                Err(LaxHeaderSliceError::Content(_)) => return take(Content::Other),
            },
            Inner::Ether(typed, bytes) => LaxSlicedPacket::from_ether_type(typed, bytes),
            Inner::Packet(link, bytes) => {
                return match of_link(link, bytes, &mut network) {
                    Some(inner) => self.open(at, inner, network, depth + 1, take),
                    None => take(Content::UnknownLink(link)),
                };
            }
            Inner::Several(all) => {
                return all
                    .into_iter()
                    .try_for_each(|inner| self.open(at, inner, network, depth + 1, take));
            }
            Inner::Unread(why) => return take(Content::Unread(why)),
            Inner::Cut => return take(Content::Cut),
            Inner::Other => return take(Content::Other),
        };
        for tag in &sliced.link_exts {
            if let LaxLinkExtSlice::Vlan(tag) = tag
                && let number @ 1.. = tag.vlan_identifier().value()
            {
                network.enter(Kind::Vlan, number.into());
            }
        }
        let Some(ip) = Ip::of(&sliced) else {
            let inner = match (&sliced.stop_err, sliced.ether_payload()) {
                (Some((SliceError::Len(_), layer)), _) if *layer != Layer::Arp => Inner::Cut,
                (None, Some(payload)) => {
                    of_ether_type(payload.ether_type, payload.payload, &mut network)
                }
                (None, None) if is_protected(&sliced) => Inner::Unread(Unread::Macsec),
                _ => Inner::Other,
            };
            return self.open(at, inner, network, depth + 1, take);
        };
        if let Some(TransportSlice::Tcp(tcp)) = &sliced.transport {
            return take(Content::Tcp(ip.segment(at, network, tcp)));
        }
        if let Some((offset, more, id)) = ip.fragment(&sliced) {
            let (number, payload) = (ip.payload.ip_number, ip.payload.payload);
            let key = Key { from: ip.from, to: ip.to, number, id, network };
            let is_whole = ip.claimed <= payload.len();
            let fragment = Fragment { key, offset, more, payload, is_whole };
            return match self.fragments.add(&fragment, at.time) {
                Some(bytes) => self.whole(at, &ip, network, &bytes, depth + 1, take),
                None => take(Content::Fragment),
            };
        }
        let inner = match &sliced.stop_err {
            Some((SliceError::Len(_), layer)) if is_before_tcp(*layer) => Inner::Cut,
            _ => of_ip_number(ip.payload.ip_number, ip.payload.payload, &mut network),
        };
        self.open(at, inner, network, depth + 1, take)
    }

    /// Parses the payload of a packet that was put together. `ip` is that of its last fragment.
    fn whole<E, F: FnMut(Content<'_>) -> Result<(), E>>(
        &mut self,
        at: Moment,
        ip: &Ip<'_>,
        mut network: Network,
        bytes: &[u8],
        depth: u32,
        take: &mut F,
    ) -> Result<(), E> {
        let number = ip.payload.ip_number;
        if number != ip_number::TCP {
            let inner = of_ip_number(number, bytes, &mut network);
            return self.open(at, inner, network, depth, take);
        }
        match TcpSlice::from_slice(bytes) {
            Ok(tcp) => {
                let mut segment = ip.segment(at, network, &tcp);
                segment.not_captured = 0;
                take(Content::Tcp(segment))
            }
            Err(_) => take(Content::Cut),
        }
    }
}

/// The addresses in the header of IP, and what follows it.
struct Ip<'a> {
    from: IpAddr,
    to: IpAddr,
    payload: &'a LaxIpPayloadSlice<'a>,
    /// The length of the payload, as the header says.
    claimed: usize,
}

impl<'a> Ip<'a> {
    fn of(sliced: &'a LaxSlicedPacket<'a>) -> Option<Self> {
        match &sliced.net {
            Some(LaxNetSlice::Ipv4(ip)) => Some(Self {
                from: ip.header().source_addr().into(),
                to: ip.header().destination_addr().into(),
                payload: ip.payload(),
                claimed: usize::from(ip.header().total_len())
                    .saturating_sub(ip.header().slice().len())
                    .saturating_sub(ip.extensions().auth.map_or(0, |auth| auth.slice().len())),
            }),
            Some(LaxNetSlice::Ipv6(ip)) => Some(Self {
                from: ip.header().source_addr().into(),
                to: ip.header().destination_addr().into(),
                payload: ip.payload(),
                claimed: usize::from(ip.header().payload_length())
                    .saturating_sub(ip.extensions().slice().len()),
            }),
            _ => None,
        }
    }

    /// Returns the TCP segment in the payload.
    fn segment<'b>(&self, at: Moment, network: Network, tcp: &TcpSlice<'b>) -> Segment<'b> {
        Segment {
            at,
            from: SocketAddr::new(self.from, tcp.source_port()),
            to: SocketAddr::new(self.to, tcp.destination_port()),
            network,
            seq: tcp.sequence_number(),
            acked: tcp.acknowledgment_number(),
            syn: tcp.syn(),
            ack: tcp.ack(),
            fin: tcp.fin(),
            rst: tcp.rst(),
            payload: tcp.payload(),
            not_captured: self.claimed.saturating_sub(self.payload.payload.len()),
        }
    }

    /// Returns the place of the payload in the packet, whether more follows it, and the number of the
    /// packet, if this is a fragment.
    fn fragment(&self, sliced: &LaxSlicedPacket<'_>) -> Option<(IpFragOffset, bool, u32)> {
        if !self.payload.fragmented {
            return None;
        }
        match &sliced.net {
            Some(LaxNetSlice::Ipv4(ip)) => {
                let header = ip.header();
                let id = header.identification().into();
                Some((header.fragments_offset(), header.more_fragments(), id))
            }
            Some(LaxNetSlice::Ipv6(ip)) => {
                ip.extensions().clone().into_iter().find_map(|extension| match extension {
                    Ipv6ExtensionSlice::Fragment(part) => {
                        Some((part.fragment_offset(), part.more_fragments(), part.identification()))
                    }
                    _ => None,
                })
            }
            _ => None,
        }
    }
}

/// Returns whether the last header is one of MACsec, which hides what follows it.
fn is_protected(sliced: &LaxSlicedPacket<'_>) -> bool {
    matches!(sliced.link_exts.last(), Some(LaxLinkExtSlice::Macsec(_)))
}

/// Returns whether TCP may follow this layer, or is this layer.
fn is_before_tcp(layer: Layer) -> bool {
    use Layer::{
        Icmpv4, Icmpv4Timestamp, Icmpv4TimestampReply, Icmpv6, Igmp, UdpHeader, UdpPayload,
    };
    let after =
        [Icmpv4, Icmpv4Timestamp, Icmpv4TimestampReply, Icmpv6, Igmp, UdpHeader, UdpPayload];
    !after.contains(&layer)
}
