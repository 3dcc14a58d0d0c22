//! The headers of tunnels over UDP: what stands inside VXLAN, Geneve, GTP-U, TZSP, L2TP, Teredo, LISP,
//! GUE, FOU, GRE and CAPWAP; and the tunnels that encrypt.
//!
//! Each function returns `None` if the bytes end inside the header.

use etherparse::{EtherType, IpNumber};

use crate::transport::inner::{Inner, Unread, be16, be32, of_ip_number};
use crate::transport::network::{Kind, Network};
use crate::transport::tunnel;

/// What reads the header of a tunnel.
type Read = for<'a> fn(&'a [u8], &mut Network) -> Option<Inner<'a>>;

/// Returns what reads a tunnel over UDP, by the port that is registered for it or in common use.
pub(super) fn over_udp(port: u16) -> Option<Read> {
    Some(match port {
        // Linux used 8472 before the port was registered.
        4789 | 8472 => vxlan,
        4790 => vxlan_gpe,
        6081 => geneve,
        2152 => gtp,
        6635 => tunnel::mpls,
        37008 => tzsp,
        1701 => l2tp,
        3544 => teredo,
        4341 => lisp,
        4754 => tunnel::gre,
        5247 => capwap,
        // FOU.
        5555 => |bytes, _| tunnel::ip(bytes),
        6080 => gue,
        443 => quic,
        1194 => openvpn,
        4500 => ipsec,
        51820 => wireguard,
        _ => return None,
    })
}

/// Returns what stands inside VXLAN (RFC 7348).
fn vxlan<'a>(bytes: &'a [u8], network: &mut Network) -> Option<Inner<'a>> {
    const HAS_NETWORK: u8 = 0x08;
    let rest = bytes.get(8..)?;
    if bytes[0] & HAS_NETWORK == 0 {
        return Some(Inner::Other);
    }
    network.enter(Kind::Vxlan, be32(bytes, 4)? >> 8);
    Some(Inner::Ethernet(rest))
}

/// Returns what stands inside VXLAN with its protocol extension.
fn vxlan_gpe<'a>(bytes: &'a [u8], network: &mut Network) -> Option<Inner<'a>> {
    const HAS_PROTOCOL: u8 = 0x04;
    let rest = bytes.get(8..)?;
    if bytes[0] & HAS_PROTOCOL == 0 {
        return vxlan(bytes, network);
    }
    network.enter(Kind::Vxlan, be32(bytes, 4)? >> 8);
    tunnel::next(bytes[3], rest, network)
}

/// Returns what stands inside Geneve (RFC 8926).
fn geneve<'a>(bytes: &'a [u8], network: &mut Network) -> Option<Inner<'a>> {
    let first = *bytes.first()?;
    let options = 4 * usize::from(first & 0x3F);
    let protocol = be16(bytes, 2)?;
    let rest = bytes.get(8 + options..)?;
    network.enter(Kind::Geneve, be32(bytes, 4)? >> 8);
    Some(if first >> 6 == 0 { Inner::Ether(EtherType(protocol), rest) } else { Inner::Other })
}

/// Returns what stands inside GTP-U (3GPP TS 29.281).
fn gtp<'a>(bytes: &'a [u8], network: &mut Network) -> Option<Inner<'a>> {
    const VERSION_1: u8 = 0b0011_0000;
    const USER_DATA: u8 = 255;
    let [flags, kind, ..] = *bytes else { return None };
    if flags & 0xF0 != VERSION_1 || kind != USER_DATA {
        return Some(Inner::Other);
    }
    let mut rest = bytes.get(8..)?;
    if flags & 7 != 0 {
        let mut extension = *rest.get(3)?;
        rest = rest.get(4..)?;
        while extension != 0 {
            let len = 4 * usize::from(*rest.first()?);
            if len == 0 {
                return Some(Inner::Other);
            }
            extension = *rest.get(len - 1)?;
            rest = rest.get(len..)?;
        }
    }
    network.enter(Kind::Gtp, be32(bytes, 4)?);
    // A session may be of the type Ethernet.
    tunnel::ip_or_ethernet(rest)
}

/// Returns what stands inside TZSP, with which routers send what they capture.
fn tzsp<'a>(bytes: &'a [u8], _: &mut Network) -> Option<Inner<'a>> {
    const PADDING: u8 = 0;
    const END: u8 = 1;
    let [version, kind, ..] = *bytes else { return None };
    let link = be16(bytes, 2)?;
    let mut rest = bytes.get(4..)?;
    if version != 1 || kind > 1 {
        return Some(Inner::Other);
    }
    loop {
        match *rest {
            [END, ..] => break,
            [PADDING, ..] => rest = &rest[1..],
            [_, len, ..] => rest = rest.get(2 + usize::from(len)..)?,
            _ => return None,
        }
    }
    Some(match link {
        1 => Inner::Ethernet(&rest[1..]),
        18 => Inner::Packet(105, &rest[1..]),
        _ => Inner::Other,
    })
}

/// Returns what stands inside L2TP version 2 (RFC 2661).
fn l2tp<'a>(bytes: &'a [u8], network: &mut Network) -> Option<Inner<'a>> {
    const CONTROL: u16 = 0x8000;
    const LENGTH: u16 = 0x4000;
    const SEQUENCE: u16 = 0x0800;
    const OFFSET: u16 = 0x0200;
    const VERSION: u16 = 0x000F;
    let flags = be16(bytes, 0)?;
    match (flags & CONTROL, flags & VERSION) {
        (0, 2) => {}
        (0, 3) => return Some(Inner::Unread(Unread::L2tp)),
        _ => return Some(Inner::Other),
    }
    let mut at = 6;
    for (bit, len) in [(LENGTH, 2), (SEQUENCE, 4)] {
        at += if flags & bit != 0 { len } else { 0 };
    }
    if flags & OFFSET != 0 {
        at += 2 + usize::from(be16(bytes, at)?);
    }
    let numbers = if flags & LENGTH != 0 { 4 } else { 2 };
    network.enter(Kind::L2tp, be32(bytes, numbers)?);
    tunnel::ppp(bytes.get(at..)?, network)
}

/// Returns what stands inside Teredo (RFC 4380).
fn teredo<'a>(bytes: &'a [u8], _: &mut Network) -> Option<Inner<'a>> {
    const ORIGIN: u16 = 0;
    const AUTHENTICATION: u16 = 1;
    let mut rest = bytes;
    if be16(rest, 0)? == AUTHENTICATION {
        let [id, value] = *rest.get(2..)?.first_chunk()?;
        rest = rest.get(13 + usize::from(id) + usize::from(value)..)?;
    }
    if be16(rest, 0)? == ORIGIN {
        rest = rest.get(8..)?;
    }
    tunnel::ip(rest)
}

/// Returns what stands inside LISP (RFC 9300), and in its protocol extension (RFC 9305).
fn lisp<'a>(bytes: &'a [u8], network: &mut Network) -> Option<Inner<'a>> {
    const HAS_INSTANCE: u8 = 0x08;
    const HAS_PROTOCOL: u8 = 0x04;
    let rest = bytes.get(8..)?;
    if bytes[0] & HAS_INSTANCE != 0 {
        network.enter(Kind::Lisp, be32(bytes, 4)? >> 8);
    }
    if bytes[0] & HAS_PROTOCOL == 0 {
        tunnel::ip(rest)
    } else {
        tunnel::next(bytes[3], rest, network)
    }
}

/// Returns what stands inside GUE, of both versions.
fn gue<'a>(bytes: &'a [u8], network: &mut Network) -> Option<Inner<'a>> {
    const CONTROL: u8 = 0x20;
    let first = *bytes.first()?;
    if first >> 6 == 1 {
        return tunnel::ip(bytes);
    }
    if first >> 6 != 0 || first & CONTROL != 0 {
        return Some(Inner::Other);
    }
    let rest = bytes.get(4 + 4 * usize::from(first & 0x1F)..)?;
    Some(of_ip_number(IpNumber(bytes[1]), rest, network))
}

/// Returns what stands inside the data channel of CAPWAP (RFC 5415).
fn capwap<'a>(bytes: &'a [u8], _: &mut Network) -> Option<Inner<'a>> {
    const FRAGMENT: u8 = 0x80;
    const KEEP_ALIVE: u8 = 0x08;
    const NATIVE: u8 = 0x01;
    let [preamble, len, native, flags] = *bytes.first_chunk()?;
    if preamble != 0 || flags & FRAGMENT != 0 {
        return Some(Inner::Unread(Unread::Capwap));
    }
    let rest = bytes.get(4 * usize::from(len >> 3)..)?;
    Some(match native & NATIVE {
        _ if flags & KEEP_ALIVE != 0 => Inner::Other,
        0 => Inner::Ethernet(rest),
        // Data of 802.11. Some access points swap the two bytes.
        _ if rest.first()? & 0x0F == 8 => Inner::Packet(105, rest),
        _ if rest.get(1)? & 0x0F == 8 => Inner::Unread(Unread::Capwap),
        _ => Inner::Other,
    })
}

/// Returns why a packet cannot be read, if it is of the protocol that its port names.
fn named(is_of_protocol: bool, why: Unread) -> Inner<'static> {
    if is_of_protocol { Inner::Unread(why) } else { Inner::Other }
}

/// Names the packets of QUIC by the bit that is always set (RFC 9000, §17.2).
fn quic<'a>(bytes: &'a [u8], _: &mut Network) -> Option<Inner<'a>> {
    const FIXED: u8 = 0x40;
    let is_quic = bytes.first()? & FIXED != 0;
    Some(named(is_quic, Unread::Quic))
}

/// Names the packets of OpenVPN by their opcode.
fn openvpn<'a>(bytes: &'a [u8], _: &mut Network) -> Option<Inner<'a>> {
    let is_openvpn = (1..=11).contains(&(bytes.first()? >> 3));
    Some(named(is_openvpn, Unread::OpenVpn))
}

/// Names the packets of ESP inside UDP (RFC 3948). Others are keep-alives, or exchange keys.
fn ipsec<'a>(bytes: &'a [u8], _: &mut Network) -> Option<Inner<'a>> {
    const KEEP_ALIVE: &[u8] = &[0xFF];
    if bytes == KEEP_ALIVE {
        return Some(Inner::Other);
    }
    let is_esp = bytes.first_chunk::<4>()? != &[0; 4];
    Some(named(is_esp, Unread::Ipsec))
}

/// Names the packets of WireGuard by their type, and the three zeros after it.
fn wireguard<'a>(bytes: &'a [u8], _: &mut Network) -> Option<Inner<'a>> {
    let is_wireguard = matches!(bytes.first_chunk()?, [1..=4, 0, 0, 0]);
    Some(named(is_wireguard, Unread::WireGuard))
}
