//! The Pings that wait for a Pong, in both directions (RFC 6455 §5.5.2, §5.5.3).

use core::time::Duration;

use crate::{Header, OpCode, Role};

/// The number of waiting Pings of an endpoint whose data is remembered.
const MOST: usize = 8;

/// The waiting Pings of the client and of the server.
#[derive(Debug)]
pub(super) struct Pings {
    asked: [Asked; 2],
    /// The open frame of each endpoint, if it is a Ping or a Pong.
    open: [Open; 2],
}

/// The waiting Pings of one endpoint, in order. The peer has to answer them.
#[derive(Debug)]
struct Asked {
    /// The latest Pings.
    latest: [Ping; MOST],
    /// The number of Pings in `latest`.
    len: usize,
    /// The Pings before the latest, whose data is forgotten.
    forgotten: Option<Forgotten>,
    /// The number of Pings in `latest` that a Pong with other data may answer, because a Ping with
    /// unknown data came after them.
    vague: usize,
    /// The number of Pongs that answered nothing.
    other_pongs: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Ping {
    /// The hash of the data.
    data: u64,
    /// The time from which on the peer could send a Pong.
    pub(super) since: Duration,
    /// The start of the first frame of the peer that began too late after `since`.
    pub(super) late: Option<Duration>,
    /// Whether the peer is still inside the frame that it was sending when the Ping came. It cannot
    /// send a Pong before the end of that frame.
    held: bool,
    /// Whether the peer has to answer the Ping.
    owed: bool,
    /// The value of `other_pongs` before the Ping.
    other_pongs: u64,
}

#[derive(Clone, Copy, Debug)]
struct Forgotten {
    first: Ping,
    last: Ping,
    count: u64,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    opcode: OpCode,
    /// The hash of the data so far, or `None` if a part of the data is unknown.
    data: Option<u64>,
}

/// The Pings that wait for one endpoint.
pub(super) struct Unanswered {
    /// The first Ping.
    pub(super) first: Ping,
    /// The number of Pings.
    pub(super) count: u64,
    /// The number of Pongs with other data that came after the first Ping.
    pub(super) other_pongs: u64,
}

impl Ping {
    const NONE: Self = Self {
        data: 0,
        since: Duration::ZERO,
        late: None,
        held: false,
        owed: false,
        other_pongs: 0,
    };

    /// Processes a frame of the peer that begins at this time.
    fn see(&mut self, at: Duration, patience: Duration) {
        if self.late.is_none() && at.saturating_sub(self.since) > patience {
            self.late = Some(at);
        }
    }

    /// Processes the end of a frame of the peer.
    fn release(&mut self, at: Duration) {
        if self.held {
            (self.held, self.since) = (false, at);
        }
    }
}

impl Pings {
    pub(super) const fn new() -> Self {
        const ASKED: Asked =
            Asked { latest: [Ping::NONE; MOST], len: 0, forgotten: None, vague: 0, other_pongs: 0 };
        Self { asked: [ASKED; 2], open: [Open { opcode: OpCode::Text, data: None }; 2] }
    }

    /// Begins a frame of this endpoint. `known` says whether its payload has a known meaning. A frame
    /// that begins more than `patience` after a waiting Ping is late.
    pub(super) fn begin(
        &mut self,
        from: Role,
        header: &Header,
        known: bool,
        at: Duration,
        patience: Duration,
    ) {
        let data = known.then_some(FNV_OFFSET);
        self.open[from as usize] = Open { opcode: header.opcode(), data };
        self.asked[from.peer() as usize].each(|ping| ping.see(at, patience));
    }

    /// Processes a piece of the unmasked payload.
    pub(super) fn payload(&mut self, from: Role, plain: &[u8]) {
        let open = &mut self.open[from as usize];
        if matches!(open.opcode, OpCode::Ping | OpCode::Pong) {
            open.data = open.data.map(|data| hash(data, plain));
        }
    }

    /// Skips bytes of the payload, whose data is then unknown.
    pub(super) fn skip(&mut self, from: Role, len: u64) {
        if len > 0 {
            self.open[from as usize].data = None;
        }
    }

    /// Skips bytes of which it is not known what they are.
    pub(super) fn lose(&mut self, from: Role) {
        // Pongs may have answered all Pings of the peer, and any later Pong of the peer may answer a
        // Ping in these bytes.
        self.asked[from.peer() as usize].answer(None);
        let asked = &mut self.asked[from as usize];
        asked.vague = asked.len;
        self.open[from as usize] = Open { opcode: OpCode::Text, data: None };
    }

    /// Ends the frame. `held` says whether the peer is inside a frame, and `owed` whether it still
    /// has to answer.
    pub(super) fn finish(&mut self, from: Role, at: Duration, held: bool, owed: bool) {
        let Open { opcode, data } = self.open[from as usize];
        self.asked[from.peer() as usize].each(|ping| ping.release(at));
        match opcode {
            OpCode::Ping => {
                let ping = Ping { since: at, held, owed, ..Ping::NONE };
                self.asked[from as usize].ask(data, ping);
            }
            OpCode::Pong => self.asked[from.peer() as usize].answer(data),
            _ => {}
        }
    }

    /// Returns the Pings of this endpoint that need an answer, have none and meet a condition. If it
    /// holds for a Ping, it must hold for the Pings before it.
    pub(super) fn unanswered(
        &self,
        from: Role,
        condition: impl Fn(&Ping) -> bool,
    ) -> Option<Unanswered> {
        let asked = &self.asked[from as usize];
        let condition = |ping: &Ping| ping.owed && condition(ping);
        let latest = asked.latest[..asked.len].iter().filter(|ping| condition(ping));
        let forgotten = asked.forgotten.filter(|forgotten| condition(&forgotten.first));
        let first =
            forgotten.map(|forgotten| forgotten.first).or(latest.clone().next().copied())?;
        let before = forgotten
            .map_or(0, |forgotten| if condition(&forgotten.last) { forgotten.count } else { 1 });
        let count = before.saturating_add(latest.count() as u64);
        let other_pongs = asked.other_pongs.saturating_sub(first.other_pongs);
        Some(Unanswered { first, count, other_pongs })
    }
}

impl Asked {
    fn each(&mut self, mut change: impl FnMut(&mut Ping)) {
        if let Some(forgotten) = &mut self.forgotten {
            change(&mut forgotten.first);
            change(&mut forgotten.last);
        }
        self.latest[..self.len].iter_mut().for_each(change);
    }

    /// Adds a Ping. One with unknown data is not counted.
    fn ask(&mut self, data: Option<u64>, ping: Ping) {
        let Some(data) = data else {
            self.vague = self.len;
            return;
        };
        if self.len == MOST {
            let oldest = self.latest[0];
            self.remove(1);
            let forgotten =
                self.forgotten.unwrap_or(Forgotten { first: oldest, last: oldest, count: 0 });
            let count = forgotten.count.saturating_add(1);
            self.forgotten = Some(Forgotten { last: oldest, count, ..forgotten });
        }
        let other_pongs = self.other_pongs;
        self.latest[self.len] = Ping { data, other_pongs, ..ping };
        self.len += 1;
    }

    /// Removes the Pings that a Pong answers.
    fn answer(&mut self, data: Option<u64>) {
        let answered = match data {
            // The Pong may answer any Ping.
            None => Some(self.len),
            // If several Pings have this data, the Pong may answer the latest of them.
            Some(data) => {
                let matches = |ping: &Ping| ping.data == data;
                self.latest[..self.len].iter().rposition(matches).map(|last| last + 1)
            }
        };
        let doubt = self.vague > 0 || self.forgotten.is_some();
        match answered {
            Some(answered) => {
                self.forgotten = None;
                self.remove(answered);
            }
            None if doubt => {
                self.forgotten = None;
                self.remove(self.vague);
            }
            None => self.other_pongs = self.other_pongs.saturating_add(1),
        }
    }

    /// Removes the first Pings of the latest.
    fn remove(&mut self, count: usize) {
        self.latest.copy_within(count..self.len, 0);
        self.len -= count;
        self.vague = self.vague.saturating_sub(count);
    }
}

/// The start and the factor of the hash FNV-1a.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// Continues the hash FNV-1a. The hash of two pieces is that of the whole.
fn hash(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of the authors of the hash.
    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(hash(FNV_OFFSET, b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(FNV_OFFSET, b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash(hash(FNV_OFFSET, b"foo"), b"bar"), 0x8594_4171_f739_67e8);
    }
}
