//! Whether a segment belongs to a connection, or to another one between the same endpoints.

use super::{Connection, LOOK_AT, Stage};
use crate::transport::packet::Segment;

/// Whether a segment opens another connection between the same endpoints.
pub enum Succession {
    /// It does not.
    No,
    /// It is a SYN, but perhaps a stray one: an endpoint answers a SYN inside a connection with an ACK,
    /// and the connection goes on (RFC 5961 §4.2).
    Perhaps,
    /// It does.
    Yes,
}

impl Connection {
    /// Returns whether this segment of another capture may be the next of this connection.
    pub fn may_go_on_with(&mut self, segment: &Segment<'_>) -> bool {
        let from = self.sender(segment);
        let [one, other] = [from, 1 - from].map(|end| &self.ends[end]);
        // The answer to the last packet before.
        let is_answer =
            segment.ack && one.packets == 0 && other.stream.next() == Some(segment.acked);
        (!segment.syn || is_answer) && self.ends[from].stream.may_go_on_with(segment)
    }

    /// Returns whether the numbers of this segment, which came from another network, are those of this
    /// connection: whether a SYN is the SYN of its sender again, or the sequence number and the
    /// acknowledgment number are near the next bytes of both streams.
    pub fn has_numbers_of(&self, segment: &Segment<'_>) -> bool {
        let from = self.sender(segment);
        let [stream, other] = [from, 1 - from].map(|end| &self.ends[end].stream);
        let fits = if segment.syn && stream.is_placed() {
            stream.started_with(segment)
        } else {
            stream.is_near_number(segment.seq)
        };
        fits && (!segment.ack || other.is_near_number(segment.acked))
    }

    /// Returns whether this segment opens another connection between the same endpoints.
    pub fn is_succeeded_by(&self, segment: &Segment<'_>) -> Succession {
        if let (Stage::Unknown, Segment { syn: true, ack: false, rst: false, .. }) =
            (&self.stage, segment)
            && let Some(first) = self.backlog.first(self.sender(segment))
        {
            // The SYN of these segments may have come late.
            let late = first.wrapping_sub(segment.seq.wrapping_add(1)) as usize <= LOOK_AT;
            return if late { Succession::No } else { Succession::Yes };
        }
        let over = self.is_over();
        let may_start = self.ends[self.sender(segment)].stream.may_start_with(segment);
        match segment {
            Segment { syn: true, rst: false, ack, .. } if over && (!ack || !may_start) => {
                Succession::Yes
            }
            Segment { syn: true, rst: false, .. } if !may_start => Succession::Perhaps,
            _ => Succession::No,
        }
    }

    /// Returns whether this segment belongs to this connection, which a SYN has perhaps opened, and
    /// not to the one `before` it between the same endpoints.
    pub fn takes_over(&mut self, before: &mut Self, segment: &Segment<'_>) -> bool {
        let before = &mut before.ends[before.sender(segment)].stream;
        let stream = &self.ends[self.sender(segment)].stream;
        if segment.syn {
            stream.may_start_with(segment) && !before.started_with(segment)
        } else {
            (!stream.is_placed() || stream.is_next(segment)) && !before.is_near(segment)
        }
    }

    /// Returns whether this segment proves that a SYN opened this connection: whether it is the SYN of
    /// the other endpoint, or what comes after a SYN.
    pub fn is_proven_by(&self, segment: &Segment<'_>) -> bool {
        let other = &self.ends[1 - self.sender(segment)].stream;
        !segment.rst && (!segment.syn || other.is_placed())
    }
}
