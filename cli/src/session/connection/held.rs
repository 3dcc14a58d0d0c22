//! Segments that are held back until it is known where judging goes on after a gap.

use std::collections::VecDeque;
use std::time::Duration;

use crate::session::kept::Kept;

/// The segments of both endpoints after a gap that was acknowledged, in the order of the capture.
#[derive(Default)]
pub(super) struct Held {
    kept: VecDeque<Kept>,
    memory: usize,
}

impl Held {
    /// Holds a segment back.
    pub(super) fn push(&mut self, kept: Kept) {
        self.memory += kept.memory();
        self.kept.push_back(kept);
    }

    /// Returns the first segment, and no longer holds it back.
    pub(super) fn pop(&mut self) -> Option<Kept> {
        let kept = self.kept.pop_front()?;
        self.memory -= kept.memory();
        Some(kept)
    }

    /// Holds the first segment back again.
    pub(super) fn put_back(&mut self, kept: Kept) {
        self.memory += kept.memory();
        self.kept.push_front(kept);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Returns the approximate memory that the segments take, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }

    /// Returns the times of the first and the last segment.
    pub(super) fn times(&self) -> Option<(Duration, Duration)> {
        Some((self.kept.front()?.at.time, self.kept.back()?.at.time))
    }

    /// Returns the segments of this endpoint that have bytes, each with the distance of its first byte
    /// from the byte with this sequence number.
    pub(super) fn of(&self, from: usize, next: u32) -> impl Iterator<Item = (u64, &[u8])> {
        let of = self.kept.iter().filter(move |kept| kept.from == from && kept.has_bytes());
        of.filter_map(move |kept| {
            let distance = kept.seq.wrapping_sub(next) as i32;
            Some((u64::try_from(distance).ok()?, &kept.payload[..]))
        })
    }
}
