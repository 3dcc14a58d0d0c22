//! A segment that is kept until it can be judged.

use std::net::SocketAddr;

use crate::transport::network::Network;
use crate::transport::packet::{Moment, Segment};

/// The approximate memory that a kept segment takes in addition to its bytes.
const COST: usize = 96;

/// A segment.
pub struct Kept {
    /// The endpoint that sent it: 0 or 1.
    pub from: usize,
    /// When it came.
    pub at: Moment,
    /// The sequence number of its first byte, which is after that of a SYN.
    pub seq: u32,
    /// Its bytes, as far as they were captured.
    pub payload: Vec<u8>,
    acked: u32,
    ack: bool,
    fin: bool,
    rst: bool,
    not_captured: usize,
}

impl Kept {
    /// Keeps a segment of this endpoint.
    pub fn new(from: usize, segment: &Segment<'_>) -> Self {
        let &Segment { at, seq, acked, syn, ack, fin, rst, payload, not_captured, .. } = segment;
        let seq = seq.wrapping_add(syn.into());
        Self { from, at, seq, payload: payload.to_vec(), acked, ack, fin, rst, not_captured }
    }

    /// Returns it as it came from the capture. `ends` has the addresses of the endpoints.
    pub fn segment(&self, ends: [SocketAddr; 2]) -> Segment<'_> {
        Segment {
            at: self.at,
            from: ends[self.from],
            to: ends[1 - self.from],
            network: Network::NONE,
            seq: self.seq,
            acked: self.acked,
            syn: false,
            ack: self.ack,
            fin: self.fin,
            rst: self.rst,
            payload: &self.payload,
            not_captured: self.not_captured,
        }
    }

    /// Returns whether it has bytes of the stream. The payload of a RST is a diagnostic text (RFC 9293
    /// §3.5.3).
    pub fn has_bytes(&self) -> bool {
        !self.rst && !self.payload.is_empty()
    }

    /// Returns the number of its bytes in the stream, with those that were not captured.
    pub fn stream_len(&self) -> usize {
        self.payload.len() + self.not_captured
    }

    /// Returns whether it has an effect on the streams.
    pub fn has_effect(&self) -> bool {
        self.stream_len() > 0 || self.fin || self.rst
    }

    /// Returns the approximate memory that it takes, in bytes.
    pub fn memory(&self) -> usize {
        self.payload.len() + COST
    }
}
