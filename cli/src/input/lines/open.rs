//! The connections of JSON lines that may go on, within a bound of memory.

use std::collections::{BTreeMap, VecDeque};
use std::io;

use super::Connection;
use crate::session::judging::Judging;

/// The number of connections that stay open after both of their streams have ended, so that the lines
/// after that belong to them.
const ENDED: usize = 1024;

/// The memory of a connection without its payloads, in bytes.
pub(super) const EACH: u64 = 8 << 10;

/// The memory of the windows and buffers of a connection with compression, in bytes.
pub(super) const COMPRESSED: u64 = 160 << 10;

/// The open connections, by their numbers in the lines.
pub(super) struct Open {
    most: u64,
    memory: u64,
    connections: BTreeMap<u64, Box<Connection>>,
    /// The connections in the order of their starts, each with a line in which it was known to go on.
    started: VecDeque<(u64, u64)>,
    /// The connections whose streams have ended, in this order.
    ended: VecDeque<(u64, u64)>,
    over: Ranges,
    late: Late,
}

/// What is known of a number that no open connection has.
pub(super) enum Number {
    New,
    /// Its connection was over.
    Over,
}

/// The lines that came after their connection was over.
#[derive(Clone, Default)]
pub(super) struct Late {
    lines: u64,
    connections: Ranges,
}

impl Open {
    /// Creates a collection for `most` bytes.
    pub(super) fn new(most: u64) -> Self {
        Self {
            most,
            memory: 0,
            connections: BTreeMap::new(),
            started: VecDeque::new(),
            ended: VecDeque::new(),
            over: Ranges::default(),
            late: Late::default(),
        }
    }

    pub(super) fn get(&mut self, key: u64) -> Option<&mut Connection> {
        self.connections.get_mut(&key).map(|connection| &mut **connection)
    }

    pub(super) fn number(&self, key: u64) -> Number {
        if self.over.contains(key) { Number::Over } else { Number::New }
    }

    /// Adds a connection. If memory does not suffice, the connections with the oldest lines are
    /// finished.
    pub(super) fn insert(
        &mut self,
        key: u64,
        connection: Connection,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        self.memory += connection.memory;
        self.started.push_back((key, connection.line));
        self.connections.insert(key, Box::new(connection));
        self.make_room(key, judging)
    }

    /// Counts the memory of a payload that its connection keeps.
    pub(super) fn keep(
        &mut self,
        key: u64,
        payload: u64,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let Some(connection) = self.connections.get_mut(&key) else { return Ok(()) };
        let more = (EACH + 2 * payload).saturating_sub(connection.memory);
        connection.memory += more;
        self.memory += more;
        self.make_room(key, judging)
    }

    /// Removes a connection that is over.
    pub(super) fn remove(&mut self, key: u64) -> Option<Connection> {
        let connection = self.connections.remove(&key)?;
        self.memory -= connection.memory;
        self.over.insert(key);
        Some(*connection)
    }

    /// Notes that both streams of a connection have ended. It is finished when many others have ended
    /// after it.
    pub(super) fn leave(&mut self, key: u64, judging: &mut Judging<'_>) -> io::Result<()> {
        let Some(connection) = self.connections.get(&key) else { return Ok(()) };
        self.ended.push_back((key, connection.line));
        if self.ended.len() > ENDED
            && let Some((key, line)) = self.ended.pop_front()
            && self.connections.get(&key).is_some_and(|connection| connection.line == line)
        {
            self.finish_one(key, judging)?;
        }
        Ok(())
    }

    /// Notes a line of a connection that was over.
    pub(super) fn tell_late(&mut self, key: u64) {
        self.late.lines += 1;
        self.late.connections.insert(key);
    }

    pub(super) fn late(&self) -> Late {
        self.late.clone()
    }

    /// Finishes all connections, in the order of their numbers.
    pub(super) fn finish(self, judging: &mut Judging<'_>) -> io::Result<()> {
        self.connections.into_values().try_for_each(|connection| connection.finish(judging))
    }

    /// Finishes the connections with the oldest lines, except for this one, until memory suffices.
    fn make_room(&mut self, except: u64, judging: &mut Judging<'_>) -> io::Result<()> {
        // Those that are over need no place in the order.
        if self.started.len() > 2 * self.connections.len() + ENDED {
            let connections = &self.connections;
            self.started.retain(|(key, _)| connections.contains_key(key));
        }
        while self.memory > self.most
            && self.connections.len() > 1
            && let Some((key, line)) = self.started.pop_front()
        {
            match self.connections.get(&key) {
                Some(connection) if connection.line > line || key == except => {
                    self.started.push_back((key, connection.line));
                }
                Some(_) => self.finish_one(key, judging)?,
                None => {}
            }
        }
        Ok(())
    }

    fn finish_one(&mut self, key: u64, judging: &mut Judging<'_>) -> io::Result<()> {
        self.remove(key).map_or(Ok(()), |connection| connection.finish(judging))
    }
}

impl Late {
    /// Returns the number of connections to which the lines belong.
    pub(super) fn connections(&self) -> u64 {
        self.connections.count()
    }

    /// Returns the notice about the lines, if there are any.
    pub(super) fn notices(&self) -> Option<String> {
        (self.lines > 0).then(|| {
            format!(
                "lines that were not judged: {} of {} connections, which were taken for finished \
                 before: their numbers came again after their ends, or more connections were open \
                 than --max-memory allows",
                self.lines,
                self.connections()
            )
        })
    }
}

/// A set of numbers, most of which are next to each other: the first and the last of each range.
#[derive(Clone, Default)]
struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    fn contains(&self, number: u64) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, last)| *last >= number)
    }

    fn insert(&mut self, number: u64) {
        if self.contains(number) {
            return;
        }
        let before = self.0.range(..number).next_back().map(|(first, last)| (*first, *last));
        let first = match before {
            Some((first, last)) if last + 1 == number => first,
            _ => number,
        };
        let after = number.checked_add(1).and_then(|next| self.0.remove(&next));
        self.0.insert(first, after.unwrap_or(number));
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|(first, last)| (last - first).saturating_add(1)).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_are_a_set(numbers in prop::collection::vec(0_u64..40, 0..60)) {
            let mut ranges = Ranges::default();
            ranges.insert(u64::MAX);
            let mut set = BTreeSet::from([u64::MAX]);
            for number in numbers {
                ranges.insert(number);
                set.insert(number);
                prop_assert_eq!(ranges.count(), set.len() as u64);
            }
            for number in (0..41).chain([u64::MAX - 1, u64::MAX]) {
                prop_assert_eq!(ranges.contains(number), set.contains(&number));
            }
        }
    }
}
