//! Reassembles one direction of a TCP connection from captured segments.

use std::collections::BTreeMap;

use crate::transport::packet::{Moment, Segment};

/// The most memory for segments after a gap, in bytes. A window is rarely larger, and memory must
/// not grow with a capture that lacks a packet.
const MAX_AFTER_GAP: usize = 32 << 20;

/// The approximate memory that a stored segment takes in addition to its bytes.
const SEGMENT_COST: usize = 88;

/// The most memory for segments while the start of the stream is unknown, in bytes.
const MAX_UNPLACED: usize = 64 << 10;

/// The largest distance of a segment from the next byte: the largest possible window (RFC 7323
/// §2.3). A segment beyond it belongs to another connection between the same endpoints.
const MAX_WINDOW: u64 = 1 << 30;

/// The largest distance of a RST from the next byte, and of a segment that is not counted to another
/// connection between the same endpoints, after a SYN: a window that is larger than the usual ones.
const NEAR: u64 = 16 << 20;

/// A usual window, in bytes.
const WINDOW: u64 = 1 << 20;

/// Puts the segments of one direction in order. A retransmission never changes bytes that were
/// already returned.
///
/// The stream is placed, which means that its first byte is known, by its SYN. If the SYN was not
/// captured, [`place`](Self::place) places it.
#[derive(Default)]
pub struct Stream {
    /// The position of the first byte, after the stream is placed.
    first: Option<u64>,
    /// The position of the next byte. Until the stream is placed, the position of any segment. A
    /// position is a sequence number that does not wrap at 2^32.
    next: Option<u64>,
    /// The segments that came too early, by their positions.
    early: BTreeMap<u64, (Moment, Vec<u8>)>,
    /// The approximate memory that `early` takes.
    early_cost: usize,
    /// The position of the FIN.
    fin: Option<u64>,
    /// The position up to which the receiver has acknowledged, if it is known.
    acked: u64,
    /// The end of a truncated segment. Missing bytes before this position will not come.
    lost: u64,
    /// Whether the segments after a gap take too much memory, so that no more are stored.
    given_up: bool,
    /// Whether nobody needs the bytes, so that gaps do not matter.
    unneeded: bool,
}

/// Where a RST is in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// It has the sequence number of the next byte, so its receiver accepts it.
    Exact,
    /// It has this later position in the window. Its receiver accepts it only if it has bytes that
    /// the capture does not have, and else answers with an ACK (RFC 5961 §3.2).
    Later(u64),
    /// It is not in the window, so its receiver ignores it.
    Outside,
}

/// The bytes of a segment that came early.
pub struct Early {
    /// When the segment came.
    pub at: Moment,
    bytes: Vec<u8>,
    /// The number of bytes that came before, in other segments.
    old: usize,
}

impl Early {
    /// Returns the bytes that are new.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.old..]
    }
}

impl Stream {
    /// Takes a segment, and returns its bytes that are new and in order. Call
    /// [`caught_up`](Self::caught_up) afterwards for the early segments that follow it.
    pub fn segment<'a>(&mut self, segment: &Segment<'a>) -> &'a [u8] {
        // A SYN has a sequence number of its own.
        let start = self.position(segment.seq.wrapping_add(segment.syn.into()));
        if segment.syn && self.first.is_none() {
            self.first = Some(start);
            self.next = Some(start);
        }
        let next = self.next.unwrap_or_default();
        if self.unneeded {
            self.first.get_or_insert(start);
            let end = start + (segment.payload.len() + segment.not_captured) as u64;
            if end.checked_sub(next).is_some_and(|distance| distance <= MAX_WINDOW) {
                self.next = Some(end);
                self.fin = if segment.fin { self.next } else { self.fin };
            }
            return &[];
        }
        if self.given_up || self.is_placed() && start > next + MAX_WINDOW {
            return &[];
        }
        let end = start + (segment.payload.len() + segment.not_captured) as u64;
        if segment.fin && (!self.is_placed() || end >= next) {
            // A FIN further away may belong to another connection.
            self.fin = Some(self.fin.map_or(end, |fin| fin.min(end)));
        }
        if self.first.is_none() || start > next {
            self.keep(start, segment.at, segment.payload);
            &[]
        } else {
            if segment.not_captured > 0 {
                self.lost = end;
            }
            &segment.payload[self.pass(start, segment.payload.len())..]
        }
    }

    /// Creates a stream whose first byte has this sequence number.
    pub fn starting_at(seq: u32) -> Self {
        let mut stream = Self::default();
        stream.first = Some(stream.position(seq));
        stream
    }

    /// Stops returning bytes, and drops those that came early. The end of the stream is still found.
    pub fn ignore(&mut self) {
        self.unneeded = true;
        self.early = BTreeMap::new();
        self.early_cost = 0;
        self.lost = 0;
    }

    /// Returns the sequence number of the next byte.
    pub fn next(&self) -> Option<u32> {
        self.next.filter(|_| self.is_placed()).map(|next| next as u32)
    }

    /// Returns the approximate memory that the early segments take, in bytes.
    pub fn memory(&self) -> usize {
        self.early_cost
    }

    /// Returns the sequence number and the bytes of the first early segment.
    pub fn first_early(&self) -> Option<(u32, &[u8])> {
        self.early.first_key_value().map(|(start, (_, bytes))| (*start as u32, &bytes[..]))
    }

    /// Returns the number of next bytes that will not come, because their segment is truncated.
    pub fn lost(&self) -> Option<u64> {
        let next = self.next.filter(|_| self.is_placed())?;
        let until =
            self.early.first_key_value().map_or(self.lost, |(start, _)| self.lost.min(*start));
        until.checked_sub(next).filter(|lost| *lost > 0)
    }

    /// Returns the early segments in order, each with the number of bytes from the next byte to its first.
    pub fn early(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let next = self.next.unwrap_or_default();
        self.early.iter().map(move |(start, (_, bytes))| (start.saturating_sub(next), &bytes[..]))
    }

    /// Returns whether there are early segments, and the receiver has acknowledged the bytes before
    /// them, so that those have come to it and not to the capture.
    pub fn is_gap_acknowledged(&self) -> bool {
        let after = self.early.first_key_value().map(|(start, _)| *start);
        after.is_some_and(|after| self.acked >= after) && self.gap().is_some()
    }

    /// Returns when the first early segment came.
    pub fn first_early_at(&self) -> Option<Moment> {
        self.early.first_key_value().map(|(_, (at, _))| *at)
    }

    /// Returns whether the segment has the next byte.
    pub fn has_next(&mut self, segment: &Segment<'_>) -> bool {
        let start = self.position(segment.seq);
        let end = start + (segment.payload.len() + segment.not_captured) as u64;
        self.is_placed() && self.next.is_some_and(|next| (start..end).contains(&next))
    }

    /// Returns whether no more segments are kept, because those after a gap take too much memory.
    pub fn has_given_up(&self) -> bool {
        self.given_up
    }

    /// Skips bytes that are missing.
    pub fn pass_over(&mut self, missing: u64) {
        self.next = self.next.map(|next| next + missing);
    }

    /// Returns the next segment that came early and is in order now. It may have no new bytes.
    pub fn caught_up(&mut self) -> Option<Early> {
        self.first?;
        let entry = self.early.first_entry()?;
        if Some(*entry.key()) > self.next {
            return None;
        }
        let (start, (at, bytes)) = entry.remove_entry();
        self.early_cost -= bytes.len() + SEGMENT_COST;
        let old = self.pass(start, bytes.len());
        Some(Early { at, bytes, old })
    }

    /// Returns the position of a RST in the stream. The payload of a RST is not part of the stream: it
    /// is a diagnostic text (RFC 9293 §3.5.3).
    pub fn reset(&mut self, rst: &Segment<'_>) -> Reset {
        let start = self.position(rst.seq);
        let next = self.next.unwrap_or_default();
        match start.checked_sub(next) {
            _ if !self.is_placed() => Reset::Later(start),
            Some(0) => Reset::Exact,
            Some(..=NEAR) => Reset::Later(start),
            _ => Reset::Outside,
        }
    }

    /// Returns whether the next byte is at or after this position.
    pub fn has_reached(&self, position: u64) -> bool {
        self.is_placed() && self.next.is_some_and(|next| next >= position)
    }

    /// Returns whether the segment has bytes, and all of them are before this position.
    pub fn is_before(&mut self, segment: &Segment<'_>, position: u64) -> bool {
        let len = (segment.payload.len() + segment.not_captured) as u64;
        len > 0 && !segment.fin && self.position(segment.seq) + len <= position
    }

    /// Returns the number of bytes that the capture lacks before this position.
    pub fn gap_before(&self, position: u64) -> Option<u64> {
        let next = self.next.filter(|_| self.is_placed())?;
        position.checked_sub(next).filter(|missing| *missing > 0)
    }

    /// Returns whether the first byte of the stream is known.
    pub fn is_placed(&self) -> bool {
        self.first.is_some()
    }

    /// Returns whether this SYN may be the one that started the stream.
    pub fn may_start_with(&self, syn: &Segment<'_>) -> bool {
        !self.is_placed() || self.started_with(syn)
    }

    /// Returns whether this SYN started the stream.
    pub fn started_with(&self, syn: &Segment<'_>) -> bool {
        self.first.is_some_and(|first| first as u32 == syn.seq.wrapping_add(1))
    }

    /// Returns whether the segment may be one of this stream: whether it is near the next byte, or
    /// nothing is known of the stream.
    pub fn is_near(&mut self, segment: &Segment<'_>) -> bool {
        let start = self.position(segment.seq);
        !self.is_placed() || self.next.is_some_and(|next| next.abs_diff(start) <= NEAR)
    }

    /// Returns whether a sequence number is near the next byte, or nothing is known of the stream.
    pub fn is_near_number(&self, number: u32) -> bool {
        let distance = |next: u64| (number.wrapping_sub(next as u32) as i32).unsigned_abs();
        self.next.is_none_or(|next| u64::from(distance(next)) <= NEAR)
    }

    /// Returns whether the segment may be the first of this stream in the next capture: whether it is
    /// within a usual window of the next byte.
    pub fn may_go_on_with(&mut self, segment: &Segment<'_>) -> bool {
        let start = self.position(segment.seq);
        self.next.is_some_and(|next| next.abs_diff(start) <= WINDOW)
    }

    /// Returns whether the segment has the sequence number of the next byte.
    pub fn is_next(&self, segment: &Segment<'_>) -> bool {
        self.is_placed() && self.next.is_some_and(|next| next as u32 == segment.seq)
    }

    /// Returns the first `N` captured bytes, if there is no gap in them.
    pub fn peek<const N: usize>(&self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        let mut len = 0;
        let mut next = *self.early.first_key_value()?.0;
        for (start, (_, segment)) in &self.early {
            let old = usize::try_from(next.checked_sub(*start)?).ok()?;
            for byte in segment.iter().skip(old) {
                bytes[len] = *byte;
                len += 1;
                next += 1;
                if len == N {
                    return Some(bytes);
                }
            }
        }
        None
    }

    /// Makes the first captured byte the start of the stream.
    pub fn place(&mut self) {
        if let (None, Some((first, _))) = (self.first, self.early.first_key_value()) {
            self.next = Some(*first);
            self.first = self.next;
        }
    }

    /// Returns whether the FIN and every byte before it have come.
    pub fn is_finished(&self) -> bool {
        self.is_placed() && self.fin.is_some() && self.next == self.fin
    }

    /// Notes what the receiver has acknowledged.
    pub fn acknowledge(&mut self, acked: u32) {
        if self.is_placed() && !self.unneeded {
            let acked = self.position(acked);
            if self.next.is_some_and(|next| acked <= next + NEAR) {
                self.acked = self.acked.max(acked);
            }
        }
    }

    /// Returns whether the receiver may have had bytes that the capture does not have, or has later.
    pub fn may_be_ahead(&self) -> bool {
        !self.is_placed()
            || !self.early.is_empty()
            || self.next.is_some_and(|next| self.acked > next)
    }

    /// Returns the number of bytes that are missing before the next early segment or the FIN, or if
    /// there is none, before what the receiver has acknowledged.
    pub fn gap(&self) -> Option<u64> {
        let next = self.next.filter(|_| self.is_placed())?;
        // A FIN that is not known may have been acknowledged, too.
        let acked = Some(self.acked).filter(|acked| *acked > next + 1);
        let early = self.early.first_key_value().map(|(start, _)| *start);
        let after = early.or(self.fin).or(acked)?;
        after.checked_sub(next).filter(|missing| (1..=MAX_WINDOW).contains(missing))
    }

    /// Returns the position of `seq` that is nearest to the next byte: within 2^31 of it.
    fn position(&mut self, seq: u32) -> u64 {
        // Segments from before the first one need positions below it.
        let next = *self.next.get_or_insert((1 << 32) + u64::from(seq));
        let distance = seq.wrapping_sub(next as u32) as i32;
        next.saturating_add_signed(distance.into())
    }

    /// Consumes `len` bytes that start at or before the next byte. Returns how many are old.
    fn pass(&mut self, start: u64, len: usize) -> usize {
        let next = self.next.unwrap_or_default();
        // At most `len`, so that it fits a `usize`.
        let old = next.saturating_sub(start).min(len as u64) as usize;
        if old < len {
            self.next = Some(next + (len - old) as u64);
            // Nothing follows a FIN, so a FIN before these bytes belongs to another connection.
            self.fin = self.fin.filter(|fin| Some(*fin) >= self.next);
        }
        old
    }

    /// Stores a segment that came too early. If a segment with the same position is stored, only the
    /// additional bytes of the new one are stored.
    fn keep(&mut self, mut start: u64, at: Moment, mut bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        while let Some((_, kept)) = self.early.get(&start) {
            if bytes.len() <= kept.len() {
                return;
            }
            start += kept.len() as u64;
            bytes = &bytes[kept.len()..];
        }
        let cost = bytes.len() + SEGMENT_COST;
        let most = if self.is_placed() { MAX_AFTER_GAP } else { MAX_UNPLACED };
        if self.early_cost + cost > most {
            self.given_up = true;
            if !self.is_placed() {
                self.early.clear();
            }
        } else {
            self.early_cost += cost;
            self.early.insert(start, (at, bytes.to_vec()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::transport::network::Network;
    use crate::transport::packet::Moment;
    use proptest::prelude::*;

    fn segment(seq: u32, payload: &[u8]) -> Segment<'_> {
        let end = "127.0.0.1:1".parse().unwrap();
        Segment {
            at: Moment { packet: 1, time: Duration::ZERO },
            from: end,
            to: end,
            network: Network::NONE,
            seq,
            acked: 0,
            syn: false,
            ack: true,
            fin: false,
            rst: false,
            payload,
            not_captured: 0,
        }
    }

    fn started(isn: u32) -> Stream {
        let mut stream = Stream::default();
        stream.segment(&Segment { syn: true, ..segment(isn, b"") });
        stream
    }

    fn feed(stream: &mut Stream, seq: u32, payload: &[u8]) -> Vec<u8> {
        take(stream, &segment(seq, payload))
    }

    /// Feeds a segment, and returns all bytes that are in order now.
    fn take(stream: &mut Stream, segment: &Segment<'_>) -> Vec<u8> {
        let mut out = stream.segment(segment).to_vec();
        while let Some(early) = stream.caught_up() {
            out.extend_from_slice(early.bytes());
        }
        out
    }

    #[test]
    fn the_first_bytes_of_a_position_count() {
        let mut stream = started(9);
        assert_eq!(feed(&mut stream, 10, b"abc"), b"abc");
        assert_eq!(feed(&mut stream, 11, b"XYd"), b"d");
        assert_eq!(feed(&mut stream, 9, b"\0"), b"");
        assert_eq!(feed(&mut stream, 16, b"gh"), b"");
        assert_eq!(feed(&mut stream, 16, b"XYi"), b"");
        assert_eq!(stream.gap(), Some(2));
        assert_eq!(feed(&mut stream, 14, b"ef"), b"efghi");
        assert_eq!(stream.gap(), None);
    }

    #[test]
    fn a_stray_fin_ends_nothing() {
        let mut stream = started(999);
        assert_eq!(feed(&mut stream, 1000, b"abc"), b"abc");
        for stray in [5, 998, 2_000_000_000, 1004] {
            stream.segment(&Segment { fin: true, ..segment(stray, b"") });
            assert!(!stream.is_finished(), "{stray}");
        }
        assert_eq!(feed(&mut stream, 1003, b"de"), b"de");
        stream.segment(&Segment { fin: true, ..segment(1005, b"f") });
        assert!(stream.is_finished());
    }

    #[test]
    fn a_fin_after_bytes_that_were_not_captured_leaves_a_gap() {
        let mut stream = started(9);
        let cut = Segment { fin: true, not_captured: 5, ..segment(10, b"abc") };
        stream.segment(&cut);
        assert!(!stream.is_finished());
        assert_eq!(stream.gap(), Some(5));
    }

    #[test]
    fn without_a_syn_the_first_bytes_captured_can_be_made_the_start() {
        let mut stream = Stream::default();
        assert_eq!(feed(&mut stream, 104, b"EF"), b"");
        assert_eq!(feed(&mut stream, 102, b"CD"), b"");
        assert_eq!(stream.peek(), Some(*b"CDEF"));
        assert_eq!(feed(&mut stream, 100, b"AB"), b"");
        assert_eq!(stream.peek(), Some(*b"ABCDE"));
        assert_eq!(stream.peek::<7>(), None);
        stream.place();
        assert_eq!(take(&mut stream, &segment(106, b"")), b"ABCDEF");
        assert!(
            !stream.may_start_with(&segment(100, b"")) && stream.may_start_with(&segment(99, b""))
        );
    }

    /// A RST with data has the position of its first byte, and its data is no part of the stream.
    #[test]
    fn a_rst_is_exact_or_later_or_outside() {
        for isn in [9, u32::MAX - 12, u32::MAX - 9] {
            let mut stream = started(isn);
            let at = |distance: i64| isn.wrapping_add(4).wrapping_add(distance as u32);
            feed(&mut stream, at(-3), b"abc");
            let next = stream.next.unwrap();
            for (distance, expected) in [
                (0, Reset::Exact),
                (1, Reset::Later(next + 1)),
                (NEAR as i64, Reset::Later(next + NEAR)),
                (NEAR as i64 + 1, Reset::Outside),
                (-1, Reset::Outside),
                (-3, Reset::Outside),
                (1 << 31, Reset::Outside),
            ] {
                for payload in [&b""[..], b"gone"] {
                    let rst = Segment { rst: true, ..segment(at(distance), payload) };
                    assert_eq!(stream.reset(&rst), expected, "{distance} from {isn}");
                }
            }
            assert_eq!(stream.gap_before(next + 5), Some(5));
            assert_eq!((stream.gap_before(next), stream.gap_before(next - 1)), (None, None));
            assert!(stream.has_reached(next) && !stream.has_reached(next + 1));
            assert_eq!(feed(&mut stream, at(0), b"de"), b"de");
        }
        let mut stream = Stream::default();
        assert!(matches!(stream.reset(&segment(7, b"")), Reset::Later(_)));
    }

    #[test]
    fn a_segment_is_before_a_position_if_all_of_its_bytes_are() {
        let mut stream = started(9);
        feed(&mut stream, 10, b"abc");
        let next = stream.next.unwrap();
        for (segment, expected) in [
            (segment(13, b"de"), true),
            (segment(14, b"de"), false),
            (segment(10, b"abc"), true),
            (segment(13, b""), false),
            (Segment { fin: true, ..segment(13, b"d") }, false),
            (Segment { not_captured: 1, ..segment(13, b"d") }, true),
            (Segment { not_captured: 2, ..segment(13, b"d") }, false),
        ] {
            assert_eq!(stream.is_before(&segment, next + 2), expected, "{}", segment.seq);
        }
    }

    #[test]
    fn memory_after_a_gap_is_bounded() {
        for (mut stream, most) in [(started(0), MAX_AFTER_GAP), (Stream::default(), MAX_UNPLACED)] {
            for n in 0..1_000 {
                feed(&mut stream, 2 + n * 60_000, &vec![0; 60_000]);
            }
            assert!(stream.given_up, "limit {most}");
            assert!(
                stream.early.values().map(|(_, bytes)| bytes.len()).sum::<usize>() <= most,
                "limit {most}"
            );
        }
    }

    proptest! {
        /// Segments in any order that together have every byte give the bytes back, for any
        /// initial sequence number.
        #[test]
        fn segments_in_any_order_give_the_stream_back(
            first: u32,
            bytes in prop::collection::vec(any::<u8>(), 1..200),
            extra in prop::collection::vec((0usize..200, 1usize..60), 0..40),
            order in prop::collection::vec(any::<prop::sample::Index>(), 80),
        ) {
            let every = (0..bytes.len()).step_by(7).map(|start| (start, 7));
            let extra = extra.into_iter().filter(|(start, _)| *start < bytes.len());
            let mut pieces: Vec<_> = every.chain(extra).collect();
            for (n, index) in (1..pieces.len()).rev().zip(order) {
                pieces.swap(n, index.index(n + 1));
            }
            let mut stream = started(first.wrapping_sub(1));
            let mut out = Vec::new();
            for (start, len) in pieces {
                let end = bytes.len().min(start + len);
                let seq = first.wrapping_add(start as u32);
                let piece = Segment { fin: end == bytes.len(), ..segment(seq, &bytes[start..end]) };
                out.extend(take(&mut stream, &piece));
            }
            prop_assert_eq!(out, bytes);
            prop_assert!(stream.is_finished());
        }
    }
}
