//! The frames of 802.11, and the headers of the radio before them.
//!
//! Each function returns `None` if the bytes end inside the header.

use crate::transport::inner::{Inner, Unread, be16, llc};

/// The bits of the second byte of a frame.
const MORE_FRAGMENTS: u8 = 0x04;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;

/// Returns what stands inside a frame. `padded` says that the header is filled up to four bytes, as
/// some cards do.
pub(super) fn frame(bytes: &[u8], padded: bool) -> Option<Inner<'_>> {
    const TYPE: u8 = 0x0C;
    const DATA: u8 = 0x08;
    const NO_DATA: u8 = 0x40;
    const QOS: u8 = 0x80;
    const BOTH_SYSTEMS: u8 = 0x03;
    const AGGREGATE: u8 = 0x80;
    let [control, flags, ..] = *bytes else { return None };
    if control & TYPE != DATA || control & NO_DATA != 0 {
        return Some(Inner::Other);
    }
    let has_qos = control & QOS != 0;
    let mut len = if flags & BOTH_SYSTEMS == BOTH_SYSTEMS { 30 } else { 24 };
    let mut aggregate = false;
    if has_qos {
        aggregate = bytes.get(len)? & AGGREGATE != 0;
        len += if flags & ORDER != 0 { 6 } else { 2 };
    }
    let fragment = bytes.get(22)? & 15;
    if flags & PROTECTED != 0 {
        return Some(Inner::Unread(Unread::Wifi));
    }
    if flags & MORE_FRAGMENTS != 0 || fragment != 0 {
        return Some(Inner::Unread(Unread::WifiFragment));
    }
    let body = bytes.get(if padded { len.next_multiple_of(4) } else { len }..)?;
    if aggregate { Some(Inner::Several(aggregated(body))) } else { llc(body) }
}

/// Returns what stands inside each of the frames in an aggregate (A-MSDU): two addresses, a length, and
/// what fills it up to four bytes.
fn aggregated(bytes: &[u8]) -> Vec<Inner<'_>> {
    const HEAD: usize = 14;
    let mut rest = bytes;
    let mut all = Vec::new();
    while let Some(len) = be16(rest, HEAD - 2) {
        let end = HEAD + usize::from(len);
        let body = rest.get(HEAD..end).unwrap_or(&rest[HEAD..]);
        all.push(llc(body).unwrap_or(Inner::Cut));
        rest = rest.get(end.next_multiple_of(4)..).unwrap_or_default();
    }
    all
}

/// Returns what stands inside a header of radiotap.
pub(super) fn radiotap(bytes: &[u8]) -> Option<Inner<'_>> {
    const TIME: u32 = 1;
    const FLAGS: u32 = 2;
    const MORE: u32 = 1 << 31;
    const PADDED: u8 = 0x20;
    const BAD: u8 = 0x40;
    let len = usize::from(u16::from_le_bytes([*bytes.get(2)?, *bytes.get(3)?]));
    let (head, rest) = bytes.split_at_checked(len)?;
    let word = |at: usize| head.get(at..)?.first_chunk().copied().map(u32::from_le_bytes);
    let Some(present) = word(4) else { return Some(Inner::Other) };
    let mut at = 4;
    while word(at)? & MORE != 0 {
        at += 4;
    }
    at += 4;
    if present & TIME != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    let flags = if present & FLAGS != 0 { head.get(at).copied().unwrap_or_default() } else { 0 };
    // A frame with a wrong checksum may have any bytes.
    if flags & BAD != 0 { Some(Inner::Other) } else { frame(rest, flags & PADDED != 0) }
}

/// Returns what stands inside a header of Prism, or of AVS, which has the same link type then.
pub(super) fn prism(bytes: &[u8]) -> Option<Inner<'_>> {
    if bytes.starts_with(&[0x80, 0x21, 0x10]) {
        return avs(bytes);
    }
    let len = bytes.get(4..)?.first_chunk::<4>().copied()?;
    // The byte order is that of the host.
    let len = u32::from_le_bytes(len).min(u32::from_be_bytes(len));
    frame(bytes.get(len.max(8) as usize..)?, false)
}

/// Returns what stands inside a header of AVS.
pub(super) fn avs(bytes: &[u8]) -> Option<Inner<'_>> {
    let len = bytes.get(4..)?.first_chunk().copied().map(u32::from_be_bytes)?;
    frame(bytes.get(len.max(8) as usize..)?, false)
}
