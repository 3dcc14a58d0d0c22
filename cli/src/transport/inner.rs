//! What stands inside a header of a packet, and the headers that an EtherType or an IP protocol number
//! names.

use etherparse::{EtherType, IpNumber, UdpSlice, ip_number};

use crate::transport::network::{Kind, Network};
use crate::transport::over_udp::over_udp;
use crate::transport::tunnel;

/// What stands inside a packet, or inside one of its headers.
pub(super) enum Inner<'a> {
    /// A frame of Ethernet.
    Ethernet(&'a [u8]),
    /// What this EtherType names.
    Ether(EtherType, &'a [u8]),
    /// A packet of IPv4 or IPv6.
    Ip(&'a [u8]),
    /// A packet of this link type.
    Packet(i32, &'a [u8]),
    /// Several of them.
    Several(Vec<Self>),
    /// What cannot be read.
    Unread(Unread),
    /// Nothing, because the packet ends inside a header.
    Cut,
    /// Another protocol.
    Other,
}

/// Why the content of a packet cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// Too many headers stand inside each other.
    Depth,
    /// It is encrypted with IPsec (ESP).
    Ipsec,
    /// It is encrypted or changed by MACsec.
    Macsec,
    /// It is encrypted on the air.
    Wifi,
    /// It is a fragment of 802.11.
    WifiFragment,
    /// It is compressed or encrypted by PPP.
    Ppp,
    /// It is compressed with IPComp.
    IpComp,
    /// It is encrypted with WireGuard.
    WireGuard,
    /// It is encrypted with OpenVPN.
    OpenVpn,
    /// It is L2TP version 3, whose header has no fixed length.
    L2tp,
    /// It is encrypted or fragmented by CAPWAP, or in the format of a vendor.
    Capwap,
    /// It is QUIC.
    Quic,
}

impl Unread {
    /// All reasons, in the order of the output.
    pub const ALL: [Self; 12] = [
        Self::Depth,
        Self::Ipsec,
        Self::Macsec,
        Self::Wifi,
        Self::WifiFragment,
        Self::Ppp,
        Self::IpComp,
        Self::WireGuard,
        Self::OpenVpn,
        Self::L2tp,
        Self::Capwap,
        Self::Quic,
    ];

    /// Returns what the packet is, and what to do.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Depth => {
                "more headers inside each other than are read: capture closer to the endpoints"
            }
            Self::Ipsec => "encrypted with IPsec: capture inside the tunnel",
            Self::Macsec => "encrypted with MACsec: capture at an endpoint",
            Self::Wifi => {
                "encrypted on the air (802.11): capture at an endpoint, or decrypt them with `airdecap-ng`"
            }
            Self::WifiFragment => {
                "fragments of 802.11, which are not put together: capture at an endpoint"
            }
            Self::Ppp => "compressed or encrypted by PPP: capture inside the tunnel",
            Self::IpComp => "compressed with IPComp: capture inside the tunnel",
            Self::WireGuard => "encrypted with WireGuard: capture inside the tunnel",
            Self::OpenVpn => "encrypted with OpenVPN: capture inside the tunnel",
            Self::L2tp => {
                "L2TP version 3, whose header depends on the configuration: capture inside the tunnel"
            }
            Self::Capwap => {
                "encrypted or fragmented by CAPWAP, or in the format of a vendor: capture at an endpoint"
            }
            Self::Quic => {
                "QUIC, and WebSocket over HTTP/3 is not judged: turn QUIC off in the client"
            }
        }
    }
}

/// Returns the big-endian number at this place.
pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_be_bytes)
}

/// Returns the big-endian number at this place.
pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
}

/// Returns what an EtherType names, if it is neither IP nor a VLAN.
pub(super) fn of_ether_type<'a>(
    typed: EtherType,
    bytes: &'a [u8],
    network: &mut Network,
) -> Inner<'a> {
    /// Up to this number, the field is a length, and LLC follows.
    const LENGTH: u16 = 1500;
    let inner = match typed.0 {
        ..=LENGTH => llc(bytes),
        0x6558 => Some(Inner::Ethernet(bytes)),
        0x8847 | 0x8848 => tunnel::mpls(bytes, network),
        0x8864 => tunnel::pppoe(bytes, network),
        0x880B => tunnel::ppp(bytes, network),
        // The tag of a backbone service instance (802.1ah).
        0x88E7 => be32(bytes, 0).map(|tag| {
            network.enter(Kind::Service, tag & 0xFF_FFFF);
            Inner::Ethernet(&bytes[4..])
        }),
        0x894F => tunnel::nsh(bytes, network),
        0x22F3 => tunnel::trill(bytes),
        // More tags, with the type of what follows: VLAN of some vendors, HSR (IEC 62439-3), VN-Tag,
        // 802.1BR, Cisco's metadata.
        0x9200 | 0x9300 => be16(bytes, 0).and_then(|tag| {
            network.enter(Kind::Vlan, (tag & 0xFFF).into());
            tagged(bytes, 2)
        }),
        0x892F | 0x8926 => tagged(bytes, 4),
        0x893F | 0x8909 => tagged(bytes, 6),
        _ => Some(Inner::Other),
    };
    inner.unwrap_or(Inner::Cut)
}

/// Returns what follows a tag of this length.
fn tagged(bytes: &[u8], len: usize) -> Option<Inner<'_>> {
    Some(Inner::Ether(EtherType(be16(bytes, len)?), bytes.get(len + 2..)?))
}

/// Returns what follows a header of LLC.
pub(super) fn llc(bytes: &[u8]) -> Option<Inner<'_>> {
    Some(match bytes {
        // SNAP: an organization, and an EtherType.
        [0xAA, 0xAA, 3, _, _, _, high, low, rest @ ..] => {
            Inner::Ether(EtherType(u16::from_be_bytes([*high, *low])), rest)
        }
        [6, 6, 3, rest @ ..] => Inner::Ip(rest),
        [] | [0xAA] | [0xAA, 0xAA] | [0xAA, 0xAA, 3, ..] => return None,
        _ => Inner::Other,
    })
}

/// Returns what follows the header of IP, if it is not TCP.
pub(super) fn of_ip_number<'a>(
    number: IpNumber,
    bytes: &'a [u8],
    network: &mut Network,
) -> Inner<'a> {
    let inner = match number {
        ip_number::IPV4 | ip_number::IPV6 => Some(Inner::Ip(bytes)),
        ip_number::GRE => tunnel::gre(bytes, network),
        ip_number::UDP => match UdpSlice::from_slice_lax(bytes) {
            Ok(udp) => {
                of_ports([udp.source_port(), udp.destination_port()], udp.payload(), network)
            }
            Err(_) => None,
        },
        ip_number::ENCAP_SEC => Some(Inner::Unread(Unread::Ipsec)),
        ip_number::IP_COMP => Some(Inner::Unread(Unread::IpComp)),
        ip_number::LAYER2_TUNNELING_PROTOCOL => Some(Inner::Unread(Unread::L2tp)),
        ip_number::MPLS_IN_IP => tunnel::mpls(bytes, network),
        // EtherIP.
        ip_number::ETHER_IP => bytes.get(2..).map(Inner::Ethernet),
        // Ethernet inside IPv6 with segment routing (RFC 8986).
        IpNumber(143) => Some(Inner::Ethernet(bytes)),
        _ => Some(Inner::Other),
    };
    inner.unwrap_or(Inner::Cut)
}

/// Returns what a tunnel over UDP has.
fn of_ports<'a>(ports: [u16; 2], bytes: &'a [u8], network: &mut Network) -> Option<Inner<'a>> {
    let tunnel = ports.iter().rev().find_map(|port| over_udp(*port));
    tunnel.map_or(Some(Inner::Other), |read| read(bytes, network))
}

/// Returns whether the start of this UDP packet has the port of a tunnel.
pub(super) fn is_tunnel(udp: &[u8]) -> bool {
    [0, 2].iter().any(|at| be16(udp, *at).and_then(over_udp).is_some())
}
