//! Makes segments of the bytes of TCP connections that another program wrote down in their order, so that
//! they are judged as those of a capture are.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::input::connections::Ends;
use crate::transport::packet::{Moment, Segment};

/// The most connections.
const MOST: usize = 1 << 16;

/// What a client sends first: the methods and the prefixes of HTTP, TLS, SOCKS.
const OF_CLIENTS: [&[u8]; 9] = [
    b"GET ",
    b"CONNECT ",
    b"POST ",
    b"PRI * HTTP/2",
    b"PROXY ",
    b"\r\n\r\n\0\r\nQUIT\n",
    b"\x16\x03",
    b"\x05\x01\0",
    b"\x05\x02\0",
];

/// The connections, whose bytes come in order.
#[derive(Default)]
pub(super) struct Retold {
    /// The sequence numbers of the next bytes of the lower and of the higher address.
    next: HashMap<Ends, [u32; 2]>,
}

/// What receives the segments.
type Take<'a> = dyn FnMut(&Segment<'_>) -> io::Result<()> + 'a;

/// A piece of the bytes of an endpoint.
pub(super) struct Piece<'a> {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) bytes: &'a [u8],
    /// The sequence numbers of the first byte, and of the byte for which the sender waits, if the program wrote
    /// them.
    pub(super) numbers: Option<[u32; 2]>,
    /// The packet from which they are.
    pub(super) at: Moment,
}

impl Retold {
    /// Takes the next bytes of an endpoint, and passes them on as segments.
    pub(super) fn piece(&mut self, piece: &Piece<'_>, take: &mut Take<'_>) -> io::Result<()> {
        /// The most bytes of a segment.
        const SEGMENT: usize = 1 << 16;
        let &Piece { from, to, bytes, numbers, at } = piece;
        let end = usize::from(from > to);
        let ends = if from <= to { (from, to) } else { (to, from) };
        if !self.next.contains_key(&ends) {
            if self.next.len() == MOST {
                return Ok(());
            }
            let [first, acked] = numbers.unwrap_or([1; 2]);
            self.next.insert(ends, if end == 0 { [first, acked] } else { [acked, first] });
            // The endpoints are known by their first bytes, as by the SYN that is not there.
            if OF_CLIENTS.iter().any(|start| bytes.starts_with(start)) {
                open([(from, first), (to, acked)], at, take)?;
            } else if bytes.starts_with(b"HTTP/1.") || is_settings(bytes) {
                open([(to, acked), (from, first)], at, take)?;
            }
        }
        let Some(next) = self.next.get_mut(&ends) else { return Ok(()) };
        if let Some([first, acked]) = numbers {
            next[end] = first;
            next[1 - end] = acked;
        }
        for payload in bytes.chunks(SEGMENT) {
            let (seq, acked) = (next[end], next[1 - end]);
            next[end] = seq.wrapping_add(payload.len() as u32);
            take(&Segment { seq, acked, payload, ..Segment::empty(at, from, to) })?;
        }
        Ok(())
    }
}

/// Returns whether this is a SETTINGS frame of HTTP/2, with which a server may be the first to speak.
fn is_settings(bytes: &[u8]) -> bool {
    const SETTINGS: u8 = 4;
    const SETTING: u8 = 6;
    matches!(bytes, [0, 0, len, SETTINGS, 0, 0, 0, 0, 0, ..] if len % SETTING == 0)
}

/// Opens the connection of a client and a server, whose first bytes have these numbers.
fn open(
    [(client, asked), (server, answered)]: [(SocketAddr, u32); 2],
    at: Moment,
    take: &mut Take<'_>,
) -> io::Result<()> {
    let (seq, acked) = (asked.wrapping_sub(1), asked);
    take(&Segment { syn: true, ack: false, seq, ..Segment::empty(at, client, server) })?;
    let seq = answered.wrapping_sub(1);
    take(&Segment { syn: true, seq, acked, ..Segment::empty(at, server, client) })
}

/// Returns an address that stands for an endpoint of which none is known.
pub(super) const fn unknown_end(number: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), number)
}
