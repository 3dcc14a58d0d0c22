//! Keeps the segments of a connection that begins in the middle, until its first frame is found.

use std::time::Duration;

use crate::session::boundary::Side;
use crate::session::kept::Kept;
use crate::transport::packet::Segment;

/// The most memory for the segments of a connection, in bytes.
const MOST: usize = 256 << 10;

/// The payload after which a first frame is sought, in bytes, and the time; then again after each
/// doubling of either. Segments that come late are not later than this.
const FIRST_LOOK: (usize, Duration) = (16 << 10, Duration::from_secs(1));

/// The segments of a connection, in the order of the capture.
pub struct Backlog {
    kept: Vec<Kept>,
    cost: usize,
    bytes: usize,
    /// The number of bytes and the time since the first segment at which a first frame is sought.
    look: (usize, Duration),
}

impl Default for Backlog {
    fn default() -> Self {
        Self { kept: Vec::new(), cost: 0, bytes: 0, look: FIRST_LOOK }
    }
}

impl Backlog {
    /// Keeps a segment. A segment without an effect on the streams is not kept.
    pub fn push(&mut self, from: usize, segment: &Segment<'_>) {
        let kept = Kept::new(from, segment);
        if kept.has_effect() {
            self.cost += kept.memory();
            self.bytes += kept.stream_len();
            self.kept.push(kept);
        }
    }

    /// Returns the approximate memory that the segments take, in bytes.
    pub fn memory(&self) -> usize {
        self.cost
    }

    /// Returns whether no more segments may be kept.
    pub fn is_full(&self) -> bool {
        self.cost > MOST
    }

    /// Returns whether it is time to seek the first frame.
    pub fn is_due(&mut self) -> bool {
        let (Some(first), Some(last)) = (self.kept.first(), self.kept.last()) else { return false };
        let passed = last.at.time.saturating_sub(first.at.time);
        let due = self.bytes >= self.look.0 || passed >= self.look.1;
        if due {
            self.look = (self.look.0.max(self.bytes * 2), self.look.1.max(passed * 2));
        }
        due
    }

    /// Returns the sequence number of the first payload byte of this endpoint.
    pub fn first(&self, from: usize) -> Option<u32> {
        let mut seqs = self.of(from).map(|kept| kept.seq);
        let first = seqs.next()?;
        Some(first.wrapping_add_signed(
            seqs.map(|seq| seq.wrapping_sub(first) as i32).min().unwrap_or_default().min(0),
        ))
    }

    /// Returns the bytes of this endpoint, in order.
    pub fn side(&self, from: usize) -> Side {
        let first = self.first(from).unwrap_or_default();
        let mut pieces: Vec<_> =
            self.of(from).map(|kept| (kept.seq.wrapping_sub(first) as usize, kept)).collect();
        pieces.sort_by_key(|(start, _)| *start);
        let mut side = Side::default();
        for (start, kept) in pieces {
            side.push(start, &kept.payload, 4 * MOST);
        }
        side
    }

    /// Returns the segments, in the order of the capture.
    pub fn into_segments(self) -> impl Iterator<Item = Kept> {
        self.kept.into_iter()
    }

    fn of(&self, from: usize) -> impl Iterator<Item = &Kept> {
        self.kept.iter().filter(move |kept| kept.from == from && kept.has_bytes())
    }
}
