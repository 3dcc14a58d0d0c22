//! The headers of tunnels that follow Ethernet or IP: GRE, ERSPAN, MPLS, PPP, PPPoE, NSH and TRILL.
//!
//! Each function returns `None` if the bytes end inside the header.

use etherparse::EtherType;

use crate::transport::inner::{Inner, Unread, be16, be32};
use crate::transport::network::{Kind, Network};

/// Returns what stands inside a header of NSH (RFC 8300).
pub(super) fn nsh<'a>(bytes: &'a [u8], network: &mut Network) -> Option<Inner<'a>> {
    let len = 4 * usize::from(*bytes.get(1)? & 0x3F);
    let protocol = *bytes.get(3)?;
    if len < 8 { Some(Inner::Other) } else { next(protocol, bytes.get(len..)?, network) }
}

/// Returns what this number names in NSH, and in the protocol extensions of VXLAN and LISP.
pub(super) fn next<'a>(protocol: u8, rest: &'a [u8], network: &mut Network) -> Option<Inner<'a>> {
    Some(match protocol {
        1 | 2 => Inner::Ip(rest),
        3 => Inner::Ethernet(rest),
        4 => return nsh(rest, network),
        5 => return mpls(rest, network),
        _ => Inner::Other,
    })
}

/// Returns what stands inside GRE (RFC 2784, 2890; and RFC 2637 for PPTP).
pub(super) fn gre<'a>(bytes: &'a [u8], network: &mut Network) -> Option<Inner<'a>> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    const ACKNOWLEDGMENT: u16 = 0x0080;
    const PPP: u16 = 0x880B;
    const ERSPAN: u16 = 0x88BE;
    const ERSPAN_3: u16 = 0x22EB;
    let (flags, protocol) = (be16(bytes, 0)?, be16(bytes, 2)?);
    let words = |bits: &[u16]| 4 * bits.iter().filter(|bit| flags & **bit != 0).count();
    if flags & KEY != 0 {
        let key = be32(bytes, 4 + words(&[CHECKSUM]))?;
        // In version 1, its first half is the length of the payload.
        network.enter(Kind::Gre, if flags & 7 == 0 { key } else { key & 0xFFFF });
    }
    Some(match flags & 7 {
        0 if flags & ROUTING == 0 => {
            let rest = bytes.get(4 + words(&[CHECKSUM, KEY, SEQUENCE])..)?;
            match protocol {
                // Type I has no header of its own, and no sequence number.
                ERSPAN if flags & SEQUENCE == 0 => Inner::Ethernet(rest),
                ERSPAN => Inner::Ethernet(rest.get(8..)?),
                ERSPAN_3 => return erspan_3(rest),
                _ => Inner::Ether(EtherType(protocol), rest),
            }
        }
        1 if protocol == PPP && flags & SEQUENCE != 0 => {
            return ppp(bytes.get(8 + words(&[SEQUENCE, ACKNOWLEDGMENT])..)?, network);
        }
        _ => Inner::Other,
    })
}

/// Returns what stands inside ERSPAN type III.
fn erspan_3(bytes: &[u8]) -> Option<Inner<'_>> {
    const HEAD: usize = 12;
    const SUBHEADER: usize = 8;
    let last = be16(bytes, HEAD - 2)?;
    let rest = bytes.get(HEAD + usize::from(last & 1) * SUBHEADER..)?;
    Some(match last >> 10 & 0x1F {
        0 => Inner::Ethernet(rest),
        2 => Inner::Ip(rest),
        _ => Inner::Other,
    })
}

/// Returns what stands inside labels of MPLS. No label names it, so that its first bytes must tell
/// (RFC 4928).
pub(super) fn mpls<'a>(bytes: &'a [u8], network: &mut Network) -> Option<Inner<'a>> {
    let mut rest = bytes;
    loop {
        let (label, after) = rest.split_first_chunk::<4>()?;
        rest = after;
        network.enter(Kind::Mpls, u32::from_be_bytes(*label) >> 12);
        if label[2] & 1 == 1 {
            break;
        }
    }
    Some(match ip_or_ethernet(rest)? {
        // A control word (RFC 4448).
        Inner::Other if rest[0] >> 4 == 0 => Inner::Ethernet(rest.get(4..)?),
        inner => inner,
    })
}

/// Returns the packet of IP that follows without another header, if it is one.
pub(super) fn ip(bytes: &[u8]) -> Option<Inner<'_>> {
    let version = bytes.first()? >> 4;
    Some(if matches!(version, 4 | 6) { Inner::Ip(bytes) } else { Inner::Other })
}

/// Returns the packet of IP or the frame of Ethernet that follows, if it is one of them.
pub(super) fn ip_or_ethernet(bytes: &[u8]) -> Option<Inner<'_>> {
    Some(match ip(bytes)? {
        Inner::Other if is_ethernet(bytes)? => Inner::Ethernet(bytes),
        inner => inner,
    })
}

/// Returns whether these bytes may be a frame of Ethernet: whether it has a usual type.
fn is_ethernet(bytes: &[u8]) -> Option<bool> {
    const USUAL: [u16; 8] = [0x0800, 0x0806, 0x8100, 0x86DD, 0x8847, 0x8864, 0x88A8, 0x88E7];
    Some(USUAL.contains(&be16(bytes, 12)?))
}

/// Returns what stands inside the session stage of PPPoE (RFC 2516).
pub(super) fn pppoe<'a>(bytes: &'a [u8], network: &mut Network) -> Option<Inner<'a>> {
    let rest = bytes.get(6..)?;
    if bytes[..2] != [0x11, 0] {
        return Some(Inner::Other);
    }
    network.enter(Kind::Pppoe, be16(bytes, 2)?.into());
    let len = usize::from(be16(bytes, 4)?);
    ppp(rest.get(..len).unwrap_or(rest), network)
}

/// Returns what stands inside PPP, with or without its address and its compressible fields (RFC 1661,
/// 1662).
pub(super) fn ppp<'a>(bytes: &'a [u8], network: &mut Network) -> Option<Inner<'a>> {
    let bytes = bytes.strip_prefix(&[0xFF, 3]).unwrap_or(bytes);
    let (protocol, rest) = match bytes {
        // The address, if the packet is cut after it.
        [0xFF] => return None,
        [one, rest @ ..] if one & 1 == 1 => (u16::from(*one), rest),
        [high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]), rest),
        _ => return None,
    };
    Some(match protocol {
        0x0021 | 0x0057 => Inner::Ip(rest),
        0x0281 | 0x0283 => return mpls(rest, network),
        // Headers or packets that are compressed, packets that are encrypted, and parts of packets.
        0x0003 | 0x002D | 0x002F | 0x003D | 0x0053 | 0x0055 | 0x00FB | 0x00FD => {
            Inner::Unread(Unread::Ppp)
        }
        _ => Inner::Other,
    })
}

/// Returns what stands inside TRILL (RFC 6325).
pub(super) fn trill(bytes: &[u8]) -> Option<Inner<'_>> {
    let options = 4 * usize::from(be16(bytes, 0)? >> 6 & 0x1F);
    bytes.get(6 + options..).map(Inner::Ethernet)
}
