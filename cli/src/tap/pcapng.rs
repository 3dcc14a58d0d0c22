//! Writes segments as a pcapng capture.
//!
//! <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html>

use std::io::{self, Write};
use std::net::IpAddr;

use etherparse::PacketBuilder;

use crate::transport::packet::Segment;

/// The type of a section header block, with which a file starts.
pub const SECTION: u32 = 0x0A0D_0D0A;

const INTERFACE: u32 = 1;
const ENHANCED_PACKET: u32 = 6;

/// IPv4 or IPv6 without another header before it: nothing else is known of the packets.
const LINK_RAW: u32 = 101;

/// The hop limit of IP and the window of TCP. The tap cannot see the real ones.
const HOPS: u8 = 64;
const WINDOW: u16 = u16::MAX;

/// Writes a capture.
pub struct Pcapng<W> {
    out: W,
    packet: Vec<u8>,
}

impl<W: Write> Pcapng<W> {
    /// Starts a capture: little endian, with nanoseconds.
    ///
    /// # Errors
    ///
    /// Any error of the writer.
    pub fn new(mut out: W) -> io::Result<Self> {
        let unknown_length = [u32::MAX; 2];
        block(&mut out, SECTION, &[0x1A2B_3C4D, 1, unknown_length[0], unknown_length[1]], b"")?;
        // The option if_tsresol: 10^-9 seconds; and the end of the options.
        block(&mut out, INTERFACE, &[LINK_RAW, 0, 9 | 1 << 16, 9, 0], b"")?;
        Ok(Self { out, packet: Vec::new() })
    }

    /// Writes a segment.
    pub(super) fn segment(&mut self, segment: &Segment<'_>) -> io::Result<()> {
        let (from, to) = (segment.from, segment.to);
        let ip = match (from.ip(), to.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                PacketBuilder::ipv4(from.octets(), to.octets(), HOPS)
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                PacketBuilder::ipv6(from.octets(), to.octets(), HOPS)
            }
            _ => return Err(io::Error::other("addresses of IPv4 and IPv6 in one packet")),
        };
        let mut tcp = ip.tcp(from.port(), to.port(), segment.seq, WINDOW);
        if segment.ack {
            tcp = tcp.ack(segment.acked);
        }
        if segment.syn {
            tcp = tcp.syn();
        }
        if segment.fin {
            tcp = tcp.fin();
        }
        if segment.rst {
            tcp = tcp.rst();
        }
        if !segment.payload.is_empty() {
            tcp = tcp.psh();
        }
        self.packet.clear();
        tcp.write(&mut self.packet, segment.payload).map_err(io::Error::other)?;
        let nanos = segment.at.time.as_nanos() as u64;
        let len = self.packet.len() as u32;
        let head = [0, (nanos >> 32) as u32, nanos as u32, len, len];
        block(&mut self.out, ENHANCED_PACKET, &head, &self.packet)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a block: its type, its length, what it has, and its length again.
fn block(out: &mut impl Write, kind: u32, words: &[u32], bytes: &[u8]) -> io::Result<()> {
    let padding = bytes.len().next_multiple_of(4) - bytes.len();
    let len = (12 + 4 * words.len() + bytes.len() + padding) as u32;
    for word in [kind, len].iter().chain(words) {
        out.write_all(&word.to_le_bytes())?;
    }
    out.write_all(bytes)?;
    out.write_all(&[0; 3][..padding])?;
    out.write_all(&len.to_le_bytes())
}
