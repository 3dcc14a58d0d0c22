//! The link types of captures: the headers that each puts before a packet.
//!
//! Each function returns `None` if the bytes end inside the header.

use etherparse::EtherType;

use crate::transport::inner::{Inner, be16, llc};
use crate::transport::network::Network;
use crate::transport::{tunnel, wifi};

/// Returns what stands inside a packet of this link type, numbered as in the capture formats, or `None`
/// if the type is not read.
pub(super) fn of_link<'a>(link: i32, bytes: &'a [u8], network: &mut Network) -> Option<Inner<'a>> {
    let inner = match link {
        1 => Some(Inner::Ethernet(bytes)),
        // BSD loopback, either byte order: four bytes of address family.
        0 | 108 => bytes.get(4..).map(Inner::Ip),
        // Raw IP, and other numbers that some systems write for it.
        12 | 14 | 101 | 228 | 229 => Some(Inner::Ip(bytes)),
        // PPP, with a byte for the direction, or with PPPoE before it.
        9 => tunnel::ppp(bytes, network),
        50 => serial(bytes, network),
        51 => tunnel::pppoe(bytes, network),
        // The direction stands before the header, or in the place of its first byte.
        204 => bytes.get(1..).and_then(|bytes| tunnel::ppp(bytes, network)),
        166 => bytes.get(2..).and_then(|bytes| tunnel::ppp(bytes, network)),
        104 => serial(bytes, network),
        205 => bytes.get(1..).and_then(|bytes| serial(bytes, network)),
        105 => wifi::frame(bytes, false),
        119 => wifi::prism(bytes),
        127 => wifi::radiotap(bytes),
        163 => wifi::avs(bytes),
        192 => per_packet(bytes),
        // OpenBSD's encapsulation, and its packet filter.
        109 => bytes.get(12..).map(Inner::Ip),
        117 => bytes
            .first()
            .and_then(|len| bytes.get(usize::from(*len).next_multiple_of(4)..).map(Inner::Ip)),
        // Linux cooked mode: the protocol is the last field of the header, or the first.
        113 => cooked(bytes, 14, 16),
        276 => cooked(bytes, 0, 20),
        // IP over FireWire: two addresses, and an EtherType.
        138 => cooked(bytes, 16, 18),
        100 => llc(bytes),
        // MPLS.
        219 => tunnel::mpls(bytes, network),
        239 => nflog(bytes),
        // What stands before Ethernet: a tap, a preamble.
        240 => bytes.get(4..).map(Inner::Ethernet),
        259 | 274 => bytes.get(8..).map(Inner::Ethernet),
        258 => pktap(bytes),
        // The number that macOS writes for it is one of those for private use.
        149 if is_pktap(bytes) => pktap(bytes),
        _ => return None,
    };
    Some(inner.unwrap_or(Inner::Cut))
}

/// Returns the name of a link type that is not read.
pub fn name_of(link: i32) -> Option<&'static str> {
    Some(match link {
        7 | 129 => "ARCNET",
        8 => "SLIP",
        10 => "FDDI",
        107 | 206 => "frame relay",
        11 | 106 | 123 => "ATM",
        122 => "IP over Fibre Channel",
        143 => "DOCSIS",
        144 => "IrDA",
        147..=162 => "private use",
        186 | 189 | 220 | 249 | 266 | 288 | 292..=295 => "USB",
        187 | 201 | 254 | 255 => "Bluetooth",
        251 | 256 | 272 => "Bluetooth Low Energy",
        190 | 227 => "CAN",
        195 | 215 | 230 | 283 => "IEEE 802.15.4",
        248 => "SCTP",
        231 => "D-Bus",
        247 => "InfiniBand",
        252 => "what Wireshark exports with Export PDUs",
        253 => "netlink",
        271 => "virtual sockets",
        _ => return None,
    })
}

/// Returns what follows a header in which the EtherType stands at this place.
fn cooked(bytes: &[u8], protocol_at: usize, len: usize) -> Option<Inner<'_>> {
    /// Linux writes this for LLC.
    const LLC: u16 = 4;
    let protocol = be16(bytes, protocol_at)?;
    let rest = bytes.get(len..)?;
    if protocol == LLC { llc(rest) } else { Some(Inner::Ether(EtherType(protocol), rest)) }
}

/// Returns what stands inside PPP or Cisco's HDLC: the first byte is an address that tells which.
fn serial<'a>(bytes: &'a [u8], network: &mut Network) -> Option<Inner<'a>> {
    const CISCO: [u8; 2] = [0x0F, 0x8F];
    if CISCO.contains(bytes.first()?) {
        return Some(Inner::Ether(EtherType(be16(bytes, 2)?), bytes.get(4..)?));
    }
    tunnel::ppp(bytes, network)
}

/// Returns what stands inside a header of PPI, which names the link type of the rest.
fn per_packet(bytes: &[u8]) -> Option<Inner<'_>> {
    let link = bytes.get(4..)?.first_chunk().copied().map(i32::from_le_bytes)?;
    let len = u16::from_le_bytes([bytes[2], bytes[3]]);
    Some(Inner::Packet(link, bytes.get(usize::from(len.max(8))..)?))
}

/// Returns the payload among the attributes of Linux's netfilter log.
fn nflog(bytes: &[u8]) -> Option<Inner<'_>> {
    const HEAD: usize = 4;
    const PAYLOAD: u16 = 9;
    let mut rest = bytes.get(HEAD..)?;
    while let Some((head, body)) = rest.split_first_chunk::<HEAD>() {
        let [a, b, c, d] = *head;
        // The byte order is that of the host. There are few types, so that a byte of them is zero.
        let little = d & 0x7F == 0;
        let number = |pair: [u8; 2]| {
            if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }
        };
        let len = usize::from(number([a, b]));
        if len < HEAD {
            return Some(Inner::Other);
        }
        if number([c, d]) & 0x7FFF == PAYLOAD {
            return Some(Inner::Ip(body.get(..len - HEAD).unwrap_or(body)));
        }
        rest = rest.get(len.next_multiple_of(4)..)?;
    }
    None
}

/// Returns what stands inside a header of PKTAP of macOS, which names the link type of the rest.
fn pktap(bytes: &[u8]) -> Option<Inner<'_>> {
    const PACKET: u32 = 1;
    let word = |at: usize| bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes);
    let (len, next, link) = (word(0)?, word(4)?, word(8)?);
    let rest = bytes.get(usize::try_from(len.max(12)).ok()?..)?;
    let Some(link) = i32::try_from(link).ok().filter(|_| next == PACKET) else {
        return Some(Inner::Other);
    };
    Some(Inner::Packet(link, rest))
}

/// Returns whether these bytes may start with a header of PKTAP: its length and its type fit.
fn is_pktap(bytes: &[u8]) -> bool {
    let lens = 108..=512;
    bytes.first_chunk::<8>().is_some_and(|&[a, b, c, d, next, zeros @ ..]| {
        lens.contains(&u32::from_le_bytes([a, b, c, d])) && next <= 1 && zeros == [0; 3]
    })
}
