//! Makes segments of TCP of what passes, as a capture between the client and the server would have them.

use std::io;
use std::net::{IpAddr, SocketAddr};

use wsvet::{End, Role};

use crate::transport::packet::{Moment, Segment};

/// The most bytes of a segment: what fits into a packet of IPv4, with the headers of IPv4 and TCP.
const MOST: usize = 65_535 - 20 - 20;

/// What receives the segments.
type Take<'a> = dyn FnMut(&Segment<'_>) -> io::Result<()> + 'a;

/// The sequence numbers of a connection.
pub(super) struct Packets {
    /// The addresses of the client and of the server.
    ends: [SocketAddr; 2],
    /// The sequence number of the next byte of the client and of the server.
    next: [u32; 2],
    /// The sequence number up to which the bytes of the client and of the server were delivered.
    delivered: [u32; 2],
}

impl Packets {
    /// Creates the connection with this number between a client and a server.
    pub(super) fn new(connection: u64, ends: [SocketAddr; 2]) -> Self {
        // A client may use a port again. The next connection starts far from the last byte of this one.
        let start = (connection as u32).wrapping_mul(0x9E37_79B9);
        let next = [start, start.wrapping_add(1 << 31)];
        Self { ends: same_family(ends), next, delivered: next }
    }

    /// Returns the addresses of the client and of the server, as the segments have them.
    pub(super) fn ends(&self) -> [SocketAddr; 2] {
        self.ends
    }

    /// The client opens the connection.
    pub(super) fn open(&mut self, at: Moment, take: &mut Take<'_>) -> io::Result<()> {
        let syn = Segment { syn: true, ack: false, acked: 0, ..self.empty(Role::Client, at) };
        self.next[0] = self.next[0].wrapping_add(1);
        self.delivered[0] = self.next[0];
        take(&syn)
    }

    /// The server accepts it.
    pub(super) fn accept(&mut self, at: Moment, take: &mut Take<'_>) -> io::Result<()> {
        let syn = Segment { syn: true, ..self.empty(Role::Server, at) };
        self.next[1] = self.next[1].wrapping_add(1);
        self.delivered[1] = self.next[1];
        take(&syn)
    }

    /// An endpoint sends bytes.
    pub(super) fn bytes(
        &mut self,
        from: Role,
        bytes: &[u8],
        at: Moment,
        take: &mut Take<'_>,
    ) -> io::Result<()> {
        for (payload, packet) in bytes.chunks(MOST).zip(at.packet..) {
            take(&Segment { payload, ..self.empty(from, Moment { packet, ..at }) })?;
            let next = &mut self.next[from as usize];
            *next = next.wrapping_add(payload.len() as u32);
        }
        Ok(())
    }

    /// An endpoint acknowledges all bytes that came for it.
    pub(super) fn acknowledge(
        &mut self,
        by: Role,
        at: Moment,
        take: &mut Take<'_>,
    ) -> io::Result<()> {
        let peer = by.peer() as usize;
        self.delivered[peer] = self.next[peer];
        take(&self.empty(by, at))
    }

    /// The stream of an endpoint ends.
    pub(super) fn end(
        &mut self,
        from: Role,
        how: End,
        at: Moment,
        take: &mut Take<'_>,
    ) -> io::Result<()> {
        let empty = self.empty(from, at);
        if how == End::Reset {
            return take(&Segment { rst: true, ..empty });
        }
        let next = &mut self.next[from as usize];
        *next = next.wrapping_add(1);
        take(&Segment { fin: true, ..empty })
    }

    fn empty(&self, from: Role, at: Moment) -> Segment<'static> {
        let (from, to) = (from as usize, from.peer() as usize);
        let (seq, acked) = (self.next[from], self.delivered[to]);
        Segment { seq, acked, ..Segment::empty(at, self.ends[from], self.ends[to]) }
    }
}

/// Returns these addresses in one version of IP, as a packet needs them: an IPv4 address beside one of IPv6
/// is mapped to IPv6 (RFC 4291 §2.5.5.2).
fn same_family(ends: [SocketAddr; 2]) -> [SocketAddr; 2] {
    if ends[0].is_ipv4() == ends[1].is_ipv4() {
        return ends;
    }
    ends.map(|end| match end.ip() {
        IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), end.port()),
        IpAddr::V6(_) => end,
    })
}
