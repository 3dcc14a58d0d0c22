//! The TCP connections of a capture, within a bound of memory.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::session::connection::{Connection, Succession};
use crate::session::judging::Judging;
use crate::session::unjudged::Unjudged;
use crate::transport::packet::Segment;

/// The most connections that are over or without data and are remembered, so that late packets are not
/// taken for new connections.
const IDLE: usize = 1 << 14;

/// The approximate memory of an entry in addition to its connection, in bytes.
const ENTRY_COST: usize = 384;

/// The memory above which giving up a connection frees some, in bytes.
const WORTH: usize = 2 << 10;

/// The addresses and ports of both endpoints, the lower one first.
pub(crate) type Ends = (SocketAddr, SocketAddr);

/// The connections of a capture that are not forgotten.
#[derive(Default)]
pub(crate) struct Connections {
    known: HashMap<Ends, Box<Latest>>,
    /// The number of connections in this capture so far.
    count: usize,
    /// The number of segments so far.
    segments: u64,
    /// The approximate memory that all of them take, in bytes.
    memory: usize,
    /// All connections, and the number of the last segment that was seen when they were looked at.
    oldest: VecDeque<(Ends, u64)>,
    /// The connections in the order in which they were opened or were over.
    idle: VecDeque<Ends>,
}

/// The latest connection between two endpoints.
struct Latest {
    /// The connection to which segments belong.
    now: Connection,
    /// The connection that the last SYN has perhaps opened.
    perhaps: Option<Connection>,
    /// The memory that was counted for both, in bytes.
    memory: usize,
    /// The number of the last segment.
    last: u64,
    /// Whether it began in the capture before, and had no segment in this one.
    is_carried: bool,
}

/// Returns the addresses and ports of both endpoints.
pub(crate) fn ends(segment: &Segment<'_>) -> Ends {
    let (from, to) = (segment.from, segment.to);
    if from <= to { (from, to) } else { (to, from) }
}

impl Connections {
    /// Takes the next segment, in the order of the capture.
    pub(crate) fn segment(
        &mut self,
        segment: &Segment<'_>,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let ends = ends(segment);
        self.segments += 1;
        let latest = match self.known.entry(ends) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let now = Connection::new(self.count, segment);
                self.count += 1;
                self.oldest.push_back((ends, self.segments));
                self.idle.push_back(ends);
                let latest = Latest { now, perhaps: None, memory: 0, last: 0, is_carried: false };
                entry.insert(Box::new(latest))
            }
        };
        latest.last = self.segments;
        if std::mem::take(&mut latest.is_carried) {
            latest.now.set_stream(self.count);
            self.count += 1;
        }
        let was_over = latest.now.is_over();
        latest.segment(segment, &mut self.count, judging)?;
        if latest.now.is_over() && !was_over {
            self.idle.push_back(ends);
        }
        self.memory -= latest.memory;
        latest.memory = latest.size();
        self.memory += latest.memory;
        if self.memory as u64 > judging.memory {
            self.shrink(judging)?;
        }
        if self.idle.len() > IDLE {
            self.forget_idle(segment.at.time, judging)?;
        }
        Ok(())
    }

    /// Ends all connections. `until` is the time of the last packet.
    pub(crate) fn finish(&mut self, until: Duration, judging: &mut Judging<'_>) -> io::Result<()> {
        let Self { known, .. } = std::mem::take(self);
        let mut all: Vec<_> = known
            .into_values()
            .flat_map(|latest| [Some(latest.now), latest.perhaps])
            .flatten()
            .collect();
        all.sort_by_key(|connection| connection.stream);
        all.into_iter().try_for_each(|connection| connection.finish(until, judging))
    }

    /// Ends the connection between these endpoints, at this time, because no segment of it follows.
    #[cfg(unix)]
    pub(crate) fn settle(
        &mut self,
        ends: Ends,
        until: Duration,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        self.remove(ends, Some(until), judging)?;
        self.drop_stale();
        Ok(())
    }

    /// Returns the connections that are open.
    pub(crate) fn open(&mut self) -> HashMap<Ends, &mut Connection> {
        let open = self.known.iter_mut().filter(|(_, latest)| !latest.now.is_over());
        open.map(|(ends, latest)| (*ends, &mut latest.now)).collect()
    }

    /// Returns these connections for the next capture.
    pub(crate) fn carry_over(&mut self, going_on: &HashSet<Ends>) -> Self {
        let mut carried = Self { segments: self.segments, ..Self::default() };
        for ends in going_on {
            let Some(mut latest) = self.known.remove(ends) else { continue };
            latest.is_carried = true;
            carried.memory += latest.memory;
            carried.oldest.push_back((*ends, latest.last));
            carried.known.insert(*ends, latest);
        }
        carried
    }

    /// Returns whether there is no connection.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Returns the number of connections.
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// Gives up the connections that had no packet for the longest time, until the rest fits.
    fn shrink(&mut self, judging: &mut Judging<'_>) -> io::Result<()> {
        while self.memory as u64 > judging.memory
            && let Some((ends, seen)) = self.oldest.pop_front()
        {
            let Some(latest) = self.known.get_mut(&ends) else { continue };
            let last = latest.last;
            if last > seen {
                self.oldest.push_back((ends, last));
            } else if latest.memory > WORTH {
                latest.give_up(judging)?;
                self.memory -= latest.memory;
                latest.memory = latest.size();
                self.memory += latest.memory;
                self.oldest.push_back((ends, last));
            } else {
                self.remove(ends, None, judging)?;
            }
        }
        Ok(())
    }

    /// Forgets the first connection that is over or has no data.
    fn forget_idle(&mut self, now: Duration, judging: &mut Judging<'_>) -> io::Result<()> {
        if let Some(ends) = self.idle.pop_front()
            && self.known.get(&ends).is_some_and(|latest| latest.is_idle())
        {
            self.remove(ends, Some(now), judging)?;
        }
        self.drop_stale();
        Ok(())
    }

    fn drop_stale(&mut self) {
        if self.oldest.len() > 2 * self.known.len() + IDLE {
            self.oldest.retain(|(ends, _)| self.known.contains_key(ends));
        }
    }

    fn remove(
        &mut self,
        ends: Ends,
        until: Option<Duration>,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let Some(latest) = self.known.remove(&ends) else { return Ok(()) };
        self.memory -= latest.memory;
        let Latest { now, perhaps, .. } = *latest;
        let mut both = [Some(now), perhaps].into_iter().flatten();
        both.try_for_each(|connection| {
            let until = until.unwrap_or(connection.last_time());
            connection.finish(until, judging)
        })
    }
}

impl Latest {
    /// Passes the segment to the connection to which it belongs. `count` is the number of connections
    /// so far.
    fn segment(
        &mut self,
        segment: &Segment<'_>,
        count: &mut usize,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let Self { now, perhaps, .. } = self;
        if let Some(after) = perhaps
            && after.takes_over(now, segment)
        {
            if !after.is_proven_by(segment) {
                return after.segment(segment, judging);
            }
            if let Some(after) = perhaps.take() {
                std::mem::replace(now, after).finish(segment.at.time, judging)?;
            }
            return now.segment(segment, judging);
        }
        let succession = now.is_succeeded_by(segment);
        if let Succession::No = succession {
            return now.segment(segment, judging);
        }
        let mut new = Connection::new(*count, segment);
        *count += 1;
        new.segment(segment, judging)?;
        let time = segment.at.time;
        if let Some(before) = perhaps.take() {
            before.finish(time, judging)?;
        }
        match succession {
            Succession::Perhaps => *perhaps = Some(new),
            _ => std::mem::replace(now, new).finish(time, judging)?,
        }
        Ok(())
    }

    /// Keeps nothing more of the connections.
    fn give_up(&mut self, judging: &mut Judging<'_>) -> io::Result<()> {
        let mut both = [Some(&mut self.now), self.perhaps.as_mut()].into_iter().flatten();
        both.try_for_each(|connection| connection.give_up(Unjudged::Memory, None, judging))
    }

    fn size(&self) -> usize {
        let both = [Some(&self.now), self.perhaps.as_ref()];
        ENTRY_COST + both.into_iter().flatten().map(Connection::memory).sum::<usize>()
    }

    fn is_idle(&self) -> bool {
        self.perhaps.is_none() && (self.now.is_over() || !self.now.has_data())
    }
}
