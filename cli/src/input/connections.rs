//! The TCP connections of a capture, within a bound of memory.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::io;
use std::net::SocketAddr;
use std::ops::{AddAssign, SubAssign};
use std::time::Duration;

use crate::session::connection::{Connection, Succession};
use crate::session::judging::Judging;
use crate::session::unjudged::Unjudged;
use crate::transport::network::Network;
use crate::transport::packet::Segment;

/// The most connections that are over or without data and are remembered, so that late packets are not
/// taken for new connections.
const IDLE: usize = 1 << 14;

/// The approximate memory of an entry in addition to its connection, in bytes.
const ENTRY_COST: usize = 384;

/// The bytes that only explain violations are forgotten if they take more than one part in this number of
/// the memory.
const MUCH: u64 = 16;

/// The memory above which giving up a connection frees some, in bytes.
const WORTH: usize = 2 << 10;

/// The most connections between the same endpoints that are told apart by their networks.
const MOST_BESIDE: u16 = 32;

/// The addresses and ports of both endpoints, the lower one first.
pub(crate) type Ends = (SocketAddr, SocketAddr);

/// What tells connections apart. Those between the same endpoints in different networks have different
/// numbers.
///
/// Two networks may have the same addresses, but the network of a segment does not tell its connection:
/// the directions of a connection may have different ones, a segment may have been captured in two, and
/// a path may change. So a segment from a network in which its sender was not seen belongs to the
/// connection that its sequence numbers fit, and begins another one only if they fit none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    ends: Ends,
    number: u16,
}

impl Hash for Key {
    /// Leaves out the number, which is almost always 0.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ends.hash(state);
    }
}

/// The connections of a capture that are not forgotten.
#[derive(Default)]
pub(crate) struct Connections {
    known: HashMap<Key, Box<Latest>>,
    /// The highest number between endpoints that have connections in several networks.
    several: HashMap<Ends, u16>,
    /// The number of connections in this capture so far.
    count: usize,
    /// The number of segments so far.
    segments: u64,
    /// The memory that all of them take.
    memory: Memory,
    /// All connections, and the number of the last segment that was seen when they were looked at.
    oldest: VecDeque<(Key, u64)>,
    /// The connections in the order in which they were opened or were over.
    idle: VecDeque<Key>,
}

/// The approximate memory of connections, in bytes.
#[derive(Clone, Copy, Default)]
struct Memory {
    all: usize,
    /// The part that is kept only to find the causes of violations.
    evidence: usize,
}

impl AddAssign for Memory {
    fn add_assign(&mut self, more: Self) {
        self.all += more.all;
        self.evidence += more.evidence;
    }
}

impl SubAssign for Memory {
    fn sub_assign(&mut self, less: Self) {
        self.all -= less.all;
        self.evidence -= less.evidence;
    }
}

/// The latest connection between two endpoints.
struct Latest {
    /// The connection to which segments belong.
    now: Connection,
    /// The connection that the last SYN has perhaps opened.
    perhaps: Option<Box<Connection>>,
    /// The memory that was counted for both.
    memory: Memory,
    /// The number of the last segment.
    last: u64,
    /// Whether it began in the capture before, and had no segment in this one.
    is_carried: bool,
    /// The networks in which each endpoint was seen last, that with the lower address first.
    networks: [[Network; 3]; 2],
}

/// Returns the addresses and ports of both endpoints.
pub(crate) fn ends(segment: &Segment<'_>) -> Ends {
    let (from, to) = (segment.from, segment.to);
    if from <= to { (from, to) } else { (to, from) }
}

/// Returns which of its ends sent the segment.
fn side(segment: &Segment<'_>) -> usize {
    usize::from(segment.from > segment.to)
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
        let mut key = Key { ends, number: 0 };
        let latest = match self.known.get_mut(&key) {
            Some(latest) if self.several.is_empty() && latest.was_seen_in(segment) => latest,
            _ => {
                key = self.key(segment);
                let (count, segments) = (&mut self.count, self.segments);
                let (oldest, idle) = (&mut self.oldest, &mut self.idle);
                self.known.entry(key).or_insert_with(|| {
                    let now = Connection::new(*count, segment);
                    *count += 1;
                    oldest.push_back((key, segments));
                    idle.push_back(key);
                    let (perhaps, networks) = (None, [[segment.network; 3]; 2]);
                    let (memory, last, is_carried) = (Memory::default(), 0, false);
                    Box::new(Latest { now, perhaps, memory, last, is_carried, networks })
                })
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
            self.idle.push_back(key);
        }
        self.memory -= latest.memory;
        latest.memory = latest.size();
        self.memory += latest.memory;
        if self.memory.all as u64 > judging.memory {
            self.shrink(judging)?;
        }
        if self.idle.len() > IDLE {
            self.forget_idle(segment.at.time, judging)?;
        }
        Ok(())
    }

    /// Returns the connection to which this segment belongs, by the networks and the sequence numbers.
    #[cold]
    fn key(&mut self, segment: &Segment<'_>) -> Key {
        let ends = ends(segment);
        let mut best = None;
        for key in self.keys(ends) {
            let Some(latest) = self.known.get(&key) else { continue };
            let fit = (latest.has_numbers_of(segment), latest.was_seen_in(segment));
            if fit > best.map_or((false, false), |(fit, _)| fit) {
                best = Some((fit, key));
            }
        }
        if let Some((_, key)) = best {
            if let Some(latest) = self.known.get_mut(&key) {
                latest.see(segment);
            }
            return key;
        }
        let mut keys = (0..MOST_BESIDE).map(|number| Key { ends, number });
        let free = keys.find(|key| !self.known.contains_key(key));
        let key = free.unwrap_or(Key { ends, number: 0 });
        if key.number > 0 {
            let last = self.several.entry(ends).or_default();
            *last = key.number.max(*last);
        }
        key
    }

    /// Returns what the connections between these endpoints may have as their keys.
    fn keys(&self, ends: Ends) -> impl Iterator<Item = Key> + use<> {
        let last = self.several.get(&ends).copied().unwrap_or_default();
        (0..=last).map(move |number| Key { ends, number })
    }

    /// Ends all connections. `until` is the time of the last packet.
    pub(crate) fn finish(&mut self, until: Duration, judging: &mut Judging<'_>) -> io::Result<()> {
        let Self { known, .. } = std::mem::take(self);
        let mut all: Vec<_> = known
            .into_values()
            .flat_map(|latest| [Some(latest.now), latest.perhaps.map(|perhaps| *perhaps)])
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
        self.keys(ends).try_for_each(|key| self.remove(key, Some(until), judging))?;
        self.drop_stale();
        Ok(())
    }

    /// Returns the connections that are open.
    pub(crate) fn open(&mut self) -> HashMap<Ends, Vec<&mut Connection>> {
        let mut open = HashMap::<_, Vec<_>>::new();
        for (key, latest) in self.known.iter_mut().filter(|(_, latest)| !latest.now.is_over()) {
            open.entry(key.ends).or_default().push(&mut latest.now);
        }
        open
    }

    /// Returns these connections for the next capture.
    pub(crate) fn carry_over(&mut self, going_on: &HashSet<Ends>) -> Self {
        let mut carried = Self { segments: self.segments, ..Self::default() };
        for key in going_on.iter().flat_map(|ends| self.keys(*ends)).collect::<Vec<_>>() {
            let Some(mut latest) = self.known.remove(&key) else { continue };
            latest.is_carried = true;
            carried.memory += latest.memory;
            carried.oldest.push_back((key, latest.last));
            carried.known.insert(key, latest);
            if let Some(last) = self.several.get(&key.ends) {
                carried.several.insert(key.ends, *last);
            }
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

    /// Frees memory until the connections fit. If the bytes that only explain violations take much
    /// memory, forgets them first. Then gives up the connections that had no packet for the longest time.
    fn shrink(&mut self, judging: &mut Judging<'_>) -> io::Result<()> {
        if self.memory.evidence as u64 > judging.memory / MUCH {
            self.memory = Memory::default();
            for latest in self.known.values_mut() {
                latest.forget_evidence();
                latest.memory = latest.size();
                self.memory += latest.memory;
            }
        }
        while self.memory.all as u64 > judging.memory
            && let Some((key, seen)) = self.oldest.pop_front()
        {
            let Some(latest) = self.known.get_mut(&key) else { continue };
            let last = latest.last;
            if last > seen {
                self.oldest.push_back((key, last));
            } else if latest.memory.all > WORTH {
                latest.give_up(judging)?;
                self.memory -= latest.memory;
                latest.memory = latest.size();
                self.memory += latest.memory;
                self.oldest.push_back((key, last));
            } else {
                self.remove(key, None, judging)?;
            }
        }
        Ok(())
    }

    /// Forgets the first connection that is over or has no data.
    fn forget_idle(&mut self, now: Duration, judging: &mut Judging<'_>) -> io::Result<()> {
        if let Some(key) = self.idle.pop_front()
            && self.known.get(&key).is_some_and(|latest| latest.is_idle())
        {
            self.remove(key, Some(now), judging)?;
        }
        self.drop_stale();
        Ok(())
    }

    fn drop_stale(&mut self) {
        if self.oldest.len() > 2 * self.known.len() + IDLE {
            self.oldest.retain(|(key, _)| self.known.contains_key(key));
        }
    }

    fn remove(
        &mut self,
        key: Key,
        until: Option<Duration>,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let Some(latest) = self.known.remove(&key) else { return Ok(()) };
        if !self.several.is_empty() && !self.keys(key.ends).any(|key| self.known.contains_key(&key))
        {
            self.several.remove(&key.ends);
        }
        self.memory -= latest.memory;
        let Latest { now, perhaps, .. } = *latest;
        let mut both = [Some(now), perhaps.map(|perhaps| *perhaps)].into_iter().flatten();
        both.try_for_each(|connection| {
            let until = until.unwrap_or(connection.last_time());
            connection.finish(until, judging)
        })
    }
}

impl Latest {
    fn both(&self) -> impl Iterator<Item = &Connection> {
        [Some(&self.now), self.perhaps.as_deref()].into_iter().flatten()
    }

    fn both_mut(&mut self) -> impl Iterator<Item = &mut Connection> {
        [Some(&mut self.now), self.perhaps.as_deref_mut()].into_iter().flatten()
    }

    /// Returns whether the sender of the segment was seen in its network.
    fn was_seen_in(&self, segment: &Segment<'_>) -> bool {
        self.networks[side(segment)].contains(&segment.network)
    }

    /// Notes the network of the segment.
    fn see(&mut self, segment: &Segment<'_>) {
        if !self.was_seen_in(segment) {
            let seen = &mut self.networks[side(segment)];
            seen.rotate_right(1);
            seen[0] = segment.network;
        }
    }

    /// Returns whether the numbers of the segment are those of the connection.
    fn has_numbers_of(&self, segment: &Segment<'_>) -> bool {
        self.both().any(|connection| connection.has_numbers_of(segment))
    }

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
                std::mem::replace(now, *after).finish_before_next(segment.at.time, judging)?;
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
            Succession::Perhaps => *perhaps = Some(Box::new(new)),
            _ => std::mem::replace(now, new).finish_before_next(time, judging)?,
        }
        Ok(())
    }

    /// Forgets the bytes that are kept only to find the causes of violations.
    fn forget_evidence(&mut self) {
        self.both_mut().for_each(Connection::forget_evidence);
    }

    /// Keeps nothing more of the connections.
    fn give_up(&mut self, judging: &mut Judging<'_>) -> io::Result<()> {
        self.both_mut()
            .try_for_each(|connection| connection.give_up(Unjudged::Memory, None, judging))
    }

    fn size(&self) -> Memory {
        Memory {
            all: ENTRY_COST + self.both().map(Connection::memory).sum::<usize>(),
            evidence: self.both().map(Connection::evidence).sum(),
        }
    }

    fn is_idle(&self) -> bool {
        self.perhaps.is_none() && (self.now.is_over() || !self.now.has_data())
    }
}
