//! One direction of a TCP connection: segments in as they were captured, bytes out in order.

use std::collections::BTreeMap;

use crate::transport::packet::Segment;

/// The most memory that is kept behind a gap, in bytes: a window is rarely larger, and memory must
/// not grow with a capture that lost a packet.
const MAX_BEHIND_GAP: usize = 32 << 20;

/// What keeping a segment costs beside its bytes, about.
const SEGMENT_COST: usize = 64;

/// The most memory that is kept while nobody knows where the stream starts, in bytes.
const MAX_UNPLACED: usize = 64 << 10;

/// The furthest that a segment can lie ahead, in bytes: the largest window there is (RFC 7323
/// §2.3). What lies further is of another connection between the same ends.
const MAX_WINDOW: u64 = 1 << 30;

/// Puts the segments of one direction in order. A retransmission never changes what was passed on
/// before.
///
/// A stream is placed by its SYN, or where that was not captured by [`place`](Self::place).
#[derive(Default)]
pub struct Stream {
    /// Where the stream starts, once it is placed.
    first: Option<u64>,
    /// The position of the next byte, or of any segment until the stream is placed: a sequence
    /// number, counted on past 2^32.
    next: Option<u64>,
    /// What came too early, by its position.
    early: BTreeMap<u64, Vec<u8>>,
    /// The memory that `early` takes, about.
    early_cost: usize,
    /// The position of the FIN.
    fin: Option<u64>,
    /// The capture has cut a segment: what lies before this position will not come.
    lost: u64,
    /// Too much lies behind a gap: nothing more is kept.
    given_up: bool,
}

/// Bytes that had come early.
pub struct Early {
    bytes: Vec<u8>,
    /// How many of them came before, with others.
    old: usize,
}

impl Early {
    /// The bytes that are new.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.old..]
    }
}

impl Stream {
    /// Takes a segment, and gives what of it is in order now and new; what had come early and
    /// follows it is to be taken with [`caught_up`](Self::caught_up).
    pub fn segment<'a>(&mut self, segment: &Segment<'a>) -> &'a [u8] {
        // A SYN takes a sequence number of its own.
        let start = self.position(segment.seq.wrapping_add(segment.syn.into()));
        if segment.syn && self.first.is_none() {
            self.first = Some(start);
            self.next = Some(start);
        }
        let next = self.next.unwrap_or_default();
        if self.given_up || self.is_placed() && start > next + MAX_WINDOW {
            return &[];
        }
        let end = start + (segment.payload.len() + segment.not_captured) as u64;
        if segment.fin && (!self.is_placed() || end >= next) {
            // The nearest counts: what lies beyond may be a stray of another connection.
            self.fin = Some(self.fin.map_or(end, |fin| fin.min(end)));
        }
        if self.first.is_none() || start > next {
            self.keep(start, segment.payload);
            &[]
        } else {
            if segment.not_captured > 0 {
                self.lost = end;
            }
            &segment.payload[self.pass(start, segment.payload.len())..]
        }
    }

    /// How many of the next bytes will not come, because the capture has cut their segment.
    pub fn lost(&self) -> Option<u64> {
        let next = self.next.filter(|_| self.is_placed())?;
        let until =
            self.early.first_key_value().map_or(self.lost, |(start, _)| self.lost.min(*start));
        until.checked_sub(next).filter(|lost| *lost > 0)
    }

    /// Passes over bytes that are missing.
    pub fn pass_over(&mut self, missing: u64) {
        self.next = self.next.map(|next| next + missing);
    }

    /// Gives the next bytes that came early and are in order now; some may be none.
    pub fn caught_up(&mut self) -> Option<Early> {
        self.first?;
        let entry = self.early.first_entry()?;
        if Some(*entry.key()) > self.next {
            return None;
        }
        let (start, bytes) = entry.remove_entry();
        self.early_cost -= bytes.len() + SEGMENT_COST;
        let old = self.pass(start, bytes.len());
        Some(Early { bytes, old })
    }

    /// Whether this segment, a RST for one, belongs to what comes next.
    pub fn is_in_window(&mut self, segment: &Segment<'_>) -> bool {
        let start = self.position(segment.seq);
        let next = self.next.unwrap_or_default();
        !self.is_placed() || (next..=next + MAX_WINDOW).contains(&start)
    }

    /// Whether it is known where the stream starts.
    pub fn is_placed(&self) -> bool {
        self.first.is_some()
    }

    /// Whether this SYN is the one that the stream started with, as far as that is known.
    pub fn may_start_with(&self, syn: &Segment<'_>) -> bool {
        self.first.is_none_or(|first| first as u32 == syn.seq.wrapping_add(1))
    }

    /// The first `N` bytes that were captured, where there are so many without a gap.
    pub fn peek<const N: usize>(&self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        let mut len = 0;
        let mut next = *self.early.first_key_value()?.0;
        for (start, segment) in &self.early {
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

    /// Lets the stream start with the first bytes that were captured.
    pub fn place(&mut self) {
        if let (None, Some((first, _))) = (self.first, self.early.first_key_value()) {
            self.next = Some(*first);
            self.first = self.next;
        }
    }

    /// Whether the FIN has come, and every byte before it.
    pub fn is_finished(&self) -> bool {
        self.is_placed() && self.fin.is_some() && self.next == self.fin
    }

    /// How many bytes are missing before those that came later, if any did.
    pub fn gap(&self) -> Option<u64> {
        let next = self.next.filter(|_| self.is_placed())?;
        let after = self.early.first_key_value().map(|(start, _)| *start).or(self.fin)?;
        after.checked_sub(next).filter(|missing| (1..=MAX_WINDOW).contains(missing))
    }

    /// The position of `seq` that lies nearest to the next byte: within 2^31 of it.
    fn position(&mut self, seq: u32) -> u64 {
        // Room is left below the first, for segments from before it.
        let next = *self.next.get_or_insert((1 << 32) + u64::from(seq));
        let distance = seq.wrapping_sub(next as u32) as i32;
        next.saturating_add_signed(distance.into())
    }

    /// Passes over so many bytes that start at or before the next one; how many of them are old.
    fn pass(&mut self, start: u64, len: usize) -> usize {
        let next = self.next.unwrap_or_default();
        // A segment is far smaller than a `usize`; what is older than all of it is not new.
        let old = next.saturating_sub(start).min(len as u64) as usize;
        if old < len {
            self.next = Some(next + (len - old) as u64);
            // Nothing follows a FIN, so one that bytes go past was a stray.
            self.fin = self.fin.filter(|fin| Some(*fin) >= self.next);
        }
        old
    }

    /// Keeps a segment that came too early; where one is kept from the same position, what is
    /// longer of the new one.
    fn keep(&mut self, mut start: u64, mut bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        while let Some(kept) = self.early.get(&start) {
            if bytes.len() <= kept.len() {
                return;
            }
            start += kept.len() as u64;
            bytes = &bytes[kept.len()..];
        }
        let cost = bytes.len() + SEGMENT_COST;
        let most = if self.is_placed() { MAX_BEHIND_GAP } else { MAX_UNPLACED };
        if self.early_cost + cost > most {
            self.given_up = true;
            if !self.is_placed() {
                self.early.clear();
            }
        } else {
            self.early_cost += cost;
            self.early.insert(start, bytes.to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::transport::packet::Moment;
    use proptest::prelude::*;

    fn segment(seq: u32, payload: &[u8]) -> Segment<'_> {
        let end = "127.0.0.1:1".parse().unwrap();
        Segment {
            at: Moment { packet: 1, time: Duration::ZERO },
            from: end,
            to: end,
            seq,
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

    /// What is in order now.
    fn take(stream: &mut Stream, segment: &Segment<'_>) -> Vec<u8> {
        let mut out = stream.segment(segment).to_vec();
        while let Some(early) = stream.caught_up() {
            out.extend_from_slice(early.bytes());
        }
        out
    }

    #[test]
    fn what_came_first_counts() {
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
    fn a_fin_behind_bytes_that_were_not_captured_leaves_a_gap() {
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

    #[test]
    fn memory_behind_a_gap_is_bounded() {
        for (mut stream, most) in [(started(0), MAX_BEHIND_GAP), (Stream::default(), MAX_UNPLACED)]
        {
            for n in 0..1_000 {
                feed(&mut stream, 2 + n * 60_000, &vec![0; 60_000]);
            }
            assert!(stream.given_up);
            assert!(stream.early.values().map(Vec::len).sum::<usize>() <= most);
        }
    }

    proptest! {
        /// Any segments in any order that together hold every byte give the bytes back, wherever
        /// the sequence numbers start.
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
