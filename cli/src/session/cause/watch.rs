//! Keeps the last bytes of one direction, and finds the causes of its violations.

use wsvet::{Header, OpCode, Role, Violation};

use super::Cause;
use super::scene::{Scene, open_after};
use crate::session::agreement::Agreement;
use crate::session::record::{Broken, Record};
use crate::session::report::Place;

/// The number of bytes before a violation that are looked at.
const BEFORE: u64 = 2 << 10;

/// The number of bytes that are kept while no violation waits. A violation may be recorded as late as
/// at the end of its header.
const KEPT: usize = BEFORE as usize + Header::MAX_LEN;

/// The most bytes that are kept in addition, so that old ones are dropped many at once.
const SLACK: usize = 512;

/// The numbers of bytes after a violation at which its causes are looked for, until they are certain.
/// What is found depends on these bytes alone, and not on the pieces in which they come.
const STEPS: [u64; 9] = [16, 32, 64, 128, 256, 512, 1 << 10, 2 << 10, AFTER];

/// The most bytes after a violation that are waited for.
const AFTER: u64 = 4 << 10;

/// The most violations of a direction whose causes are looked for.
const MOST: usize = 16;

/// The offset from which on no bytes are kept. Only an input that lies about a length reaches it.
const FAR: u64 = 1 << 62;

/// The most compressed frames that are remembered.
const COMPRESSED: usize = 16;

/// Keeps the last bytes of one direction.
#[derive(Default)]
pub struct Watch {
    kept: Vec<u8>,
    /// The offset of the first byte that is kept.
    first: u64,
    /// The last bytes so far, if the kept ones do not reach to them.
    tail: Vec<u8>,
    /// The number of bytes so far.
    end: u64,
    before: Option<(u64, Header)>,
    open: Option<OpCode>,
    compressed: Vec<(u64, Header)>,
    /// The violations whose causes are not told.
    pending: Vec<Pending>,
    /// The number of violations whose causes were looked for, and the offset of the last one.
    watched: (usize, u64),
    /// Whether the bytes that follow are not known.
    full: bool,
}

/// A violation whose causes are not told.
struct Pending {
    place: Place,
    violation: Violation,
    start: u64,
    header: Option<Header>,
    before: Option<(u64, Header)>,
    open: Option<OpCode>,
    /// The last compressed frames before it.
    compressed: Vec<(u64, Header)>,
    /// The number of steps at which its causes were looked for.
    steps: usize,
    /// Whether nothing more is looked for. An earlier run may have told its causes.
    settled: bool,
}

/// The causes of a violation.
pub struct Causes {
    /// The place of the violation.
    pub place: Place,
    /// The violation.
    pub violation: Violation,
    /// Its causes, the most likely first.
    pub causes: Vec<Cause>,
}

/// How much of a direction is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// More bytes may follow.
    SoFar,
    /// No more bytes are known.
    Part,
    /// All bytes are known.
    Whole,
}

impl Watch {
    /// Notes a record, before the bytes that it is about are [kept](Self::keep).
    pub fn record(&mut self, place: &Place, record: &Record<'_>) {
        match record {
            Record::Frame(frame) => self.frame(frame.offset, &frame.header),
            Record::Broken(broken) => {
                self.wait(place, broken);
                if let Some((start, header)) = &broken.header {
                    self.frame(*start, header);
                }
            }
            Record::LateClose(_) | Record::Incomplete(_) => {}
        }
    }

    /// Waits for the causes of a violation. Those of another one that follows at once are not looked
    /// for.
    fn wait(&mut self, place: &Place, broken: &Broken) {
        let Violation { offset, .. } = broken.violation;
        let (count, last) = self.watched;
        if count == MOST || count > 0 && offset < last.saturating_add(STEPS[0]) {
            return;
        }
        self.watched = (count + 1, offset);
        self.pending.push(Pending {
            place: *place,
            violation: broken.violation,
            start: broken.header.map_or(broken.cut.0, |(start, _)| start),
            header: broken.header.map(|(_, header)| header),
            before: self.before,
            open: self.open,
            compressed: self.compressed.clone(),
            steps: 0,
            settled: false,
        });
    }

    fn frame(&mut self, offset: u64, header: &Header) {
        self.before = Some((offset, *header));
        self.open = open_after(self.open, header);
        if header.opcode().is_data() && header.rsv() & 4 != 0 {
            if self.compressed.len() == COMPRESSED {
                self.compressed.remove(0);
            }
            self.compressed.push((offset, *header));
        }
    }

    /// Keeps the next bytes. `rest` is whether violations may follow.
    pub fn keep(&mut self, bytes: &[u8], rest: bool) {
        self.end = self.end.saturating_add(bytes.len() as u64);
        if self.end >= FAR {
            self.kept.clear();
            self.first = self.end;
            return;
        }
        if self.full {
            return;
        }
        if !rest && self.waiting().is_none() {
            return self.forget();
        }
        let Some(last) = self.pending.iter().rfind(|pending| !pending.settled) else {
            return self.keep_last(bytes);
        };
        let there = self.first.saturating_add(self.kept.len() as u64);
        let wanted = last.violation.offset.saturating_add(AFTER).saturating_sub(there);
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX).min(bytes.len());
        if bytes.len() - wanted <= KEPT {
            self.kept.extend_from_slice(bytes);
        } else {
            self.kept.extend_from_slice(&bytes[..wanted]);
            self.tail = bytes[bytes.len() - KEPT..].to_vec();
        }
        if let Some(Pending { violation, .. }) = self.waiting() {
            let first = violation.offset.saturating_sub(BEFORE);
            let len = usize::try_from(first.saturating_sub(self.first)).unwrap_or(usize::MAX);
            let len = len.min(self.kept.len());
            self.kept.drain(..len);
            self.first += len as u64;
        }
    }

    /// Keeps the last of these bytes and of those before them, while no violation waits.
    fn keep_last(&mut self, bytes: &[u8]) {
        let excess = (self.kept.len() + bytes.len()).saturating_sub(KEPT);
        let dropped = if excess > SLACK { excess } else { 0 };
        let old = dropped.min(self.kept.len());
        self.kept.drain(..old);
        let tail = &bytes[dropped - old..];
        let needed = self.kept.len() + tail.len();
        if needed > self.kept.capacity() {
            // Never more than is needed: a capture can have very many connections.
            let capacity = (2 * self.kept.capacity()).min(KEPT + SLACK).max(needed);
            self.kept.reserve_exact(capacity - self.kept.len());
        }
        self.kept.extend_from_slice(tail);
        self.first = self.end - self.kept.len() as u64;
    }

    /// Forgets the last bytes, unless a violation waits for its causes. Those of the next one may then
    /// not be found.
    pub fn forget(&mut self) {
        if self.waiting().is_none() {
            self.kept = Vec::new();
            self.first = self.end;
        }
    }

    /// Returns the approximate memory that it takes in addition to its own size, in bytes.
    pub fn memory(&self) -> usize {
        let compressed = (1 + self.pending.len()) * self.compressed.len();
        let lists = compressed * size_of::<(u64, Header)>() + size_of_val(&self.pending[..]);
        self.kept.capacity() + self.tail.capacity() + lists
    }

    /// Skips bytes that are not known.
    pub fn skip(&mut self, len: u64) {
        self.end = self.end.saturating_add(len);
        if self.waiting().is_some() {
            self.full = true;
        } else {
            self.kept.clear();
            self.first = self.end;
        }
    }

    /// Skips bytes of which it is not known what they are.
    pub fn lose(&mut self, len: u64) {
        self.skip(len);
        self.before = None;
        self.open = None;
        self.compressed.clear();
    }

    /// Returns a cause that an earlier run told, if none is told of this violation yet.
    pub fn adopt(&mut self, offset: u64, cause: Cause) -> Option<Causes> {
        let pending = self.pending.iter_mut().find(|one| one.violation.offset == offset)?;
        pending.settled = true;
        let Pending { place, violation, .. } = *pending;
        Some(Causes { place, violation, causes: vec![cause] })
    }

    /// Returns the causes of a violation if they are certain. To be called until it returns `None`.
    pub fn tell(&mut self, from: Role, known: Known, agreement: &Agreement) -> Option<Causes> {
        while let Some(index) = self.pending.iter().position(|pending| !pending.settled) {
            let pending = &self.pending[index];
            let Pending { place, violation, .. } = *pending;
            let there = self.first.saturating_add(self.kept.len() as u64);
            let step = violation.offset.saturating_add(STEPS[pending.steps]);
            let there_is_more = !self.full && known == Known::SoFar;
            if there < step && there_is_more {
                return None;
            }
            let end = there.min(step);
            let all = there < step;
            let last = all || pending.steps + 1 == STEPS.len();
            let whole = all && !self.full && known == Known::Whole;
            let found = Cause::find(&self.scene(pending, from, agreement, end, last, whole));
            let pending = &mut self.pending[index];
            pending.steps += 1;
            let Some(causes) = found else { continue };
            // If nothing is found, an earlier run may have seen more.
            pending.settled = true;
            pending.compressed = Vec::new();
            if !causes.is_empty() {
                self.pending.remove(index);
                for later in &mut self.pending {
                    later.settled |= later.violation.offset < end;
                }
                return Some(Causes { place, violation, causes });
            }
        }
        if self.full || !self.tail.is_empty() {
            self.full = false;
            self.kept = std::mem::take(&mut self.tail);
            self.first = self.end - self.kept.len() as u64;
        }
        None
    }

    /// Returns what is known of a violation in the bytes before `end`.
    fn scene<'a>(
        &'a self,
        pending: &'a Pending,
        from: Role,
        agreement: &Agreement,
        end: u64,
        last: bool,
        whole: bool,
    ) -> Scene<'a> {
        let Pending { violation, start, before, open, ref compressed, .. } = *pending;
        let first = violation.offset.saturating_sub(BEFORE).max(self.first);
        let index = |offset: u64| {
            let index = usize::try_from(offset.saturating_sub(self.first)).unwrap_or(usize::MAX);
            index.min(self.kept.len())
        };
        let wire = &self.kept[index(first)..index(end).max(index(first))];
        let header = pending.header.or_else(|| {
            let start = usize::try_from(start.checked_sub(first)?).ok()?;
            Header::decode(wire.get(start..)?).ok().map(|(header, _)| header)
        });
        let offers = agreement.offered.iter().flatten();
        let mut offers = offers.map(|offer| offer.split(';').next().unwrap_or_default().trim());
        Scene {
            from,
            rule: violation.rule,
            offset: violation.offset,
            start,
            header,
            before,
            open,
            last,
            whole,
            raw: pending.place.stream.is_none() && pending.place.at.is_none(),
            deflate: agreement.permessage_deflate(),
            offered: offers.any(|name| name.eq_ignore_ascii_case("permessage-deflate")),
            compressed,
            wire,
            first,
        }
    }

    /// Returns the first violation whose causes are looked for.
    fn waiting(&self) -> Option<&Pending> {
        self.pending.iter().find(|pending| !pending.settled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tries all sequences of three pieces of these lengths.
    #[test]
    fn the_last_bytes_are_kept_and_little_more() {
        let lens = [1, 37, 512, 513, KEPT - 1, KEPT, KEPT + 1, KEPT + SLACK, KEPT + 513, 6_000];
        let stream: Vec<u8> = (0..18_000_u32).map(|i| (i * i / 7) as u8).collect();
        for pieces in lens.iter().flat_map(|a| lens.map(|b| [*a, b])) {
            for last in lens {
                let mut watch = Watch::default();
                let mut end = 0;
                for len in pieces.into_iter().chain([last]) {
                    watch.keep(&stream[end..end + len], true);
                    end += len;
                }
                let kept = &watch.kept;
                assert!(kept.len() >= end.min(KEPT), "{pieces:?}, {last}");
                assert_eq!(*kept, stream[end - kept.len()..end], "{pieces:?}, {last}");
                assert_eq!(watch.first, (end - kept.len()) as u64, "{pieces:?}, {last}");
                assert!(kept.capacity() <= KEPT + SLACK, "{pieces:?}, {last}");
            }
        }
    }
}
