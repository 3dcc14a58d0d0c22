//! Keeps the last bytes of one direction, and finds the causes of its violations.

use wsvet::{Header, OpCode, Role, Violation};

use super::Cause;
use super::scene::{Scene, open_after};
use crate::session::agreement::Agreement;
use crate::session::record::Record;
use crate::session::report::Place;

/// The number of bytes that are kept before a violation.
const BEFORE: usize = 2 << 10;

/// The number of bytes after a violation that are waited for.
const AFTER: u64 = 4 << 10;

/// The most violations of a direction whose causes are told.
const TOLD: u32 = 16;

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
    /// The number of bytes so far.
    end: u64,
    before: Option<(u64, Header)>,
    open: Option<OpCode>,
    compressed: Vec<(u64, Header)>,
    pending: Option<Box<Pending>>,
    told: u32,
    /// The number of bytes after the violation when its causes were last looked for.
    looked: u64,
    /// Whether the bytes that follow are not known.
    full: bool,
}

/// A violation whose causes are not told yet.
struct Pending {
    place: Place,
    violation: Violation,
    start: u64,
    header: Option<Header>,
    before: Option<(u64, Header)>,
    open: Option<OpCode>,
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
                let start = broken.header.map_or(broken.cut.0, |(start, _)| start);
                if self.waiting().is_none() && self.told < TOLD {
                    self.told += 1;
                    self.pending = Some(Box::new(Pending {
                        place: *place,
                        violation: broken.violation,
                        start,
                        header: broken.header.map(|(_, header)| header),
                        before: self.before,
                        open: self.open,
                        settled: false,
                    }));
                }
                if let Some((start, header)) = &broken.header {
                    self.frame(*start, header);
                }
            }
            Record::LateClose(_) | Record::Incomplete(_) => {}
        }
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
        if self.full || !rest && self.waiting().is_none() {
            return;
        }
        match self.waiting() {
            None => {
                if bytes.len() > BEFORE {
                    self.kept.clear();
                }
                let bytes = &bytes[bytes.len().saturating_sub(BEFORE)..];
                if self.kept.len() + bytes.len() > 2 * BEFORE {
                    let len = BEFORE - bytes.len();
                    self.kept.drain(..self.kept.len().saturating_sub(len));
                }
                self.kept.extend_from_slice(bytes);
                self.first = self.end - self.kept.len() as u64;
            }
            Some(pending) => {
                let offset = pending.violation.offset;
                let there = self.first.saturating_add(self.kept.len() as u64);
                let wanted = offset.saturating_add(AFTER).saturating_sub(there);
                let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
                self.full = wanted <= bytes.len();
                self.kept.extend_from_slice(&bytes[..bytes.len().min(wanted)]);
                let start = offset.saturating_sub(BEFORE as u64).saturating_sub(self.first);
                let start = usize::try_from(start).unwrap_or(usize::MAX).min(self.kept.len());
                self.kept.drain(..start);
                self.first += start as u64;
            }
        }
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
        let pending = self.pending.as_mut()?;
        let Pending { place, violation, .. } = **pending;
        if violation.offset != offset {
            return None;
        }
        pending.settled = true;
        Some(Causes { place, violation, causes: vec![cause] })
    }

    /// Returns the header at a byte, if it is kept.
    fn header_at(&self, offset: u64) -> Option<Header> {
        let at = usize::try_from(offset.checked_sub(self.first)?).ok()?;
        Header::decode(self.kept.get(at..)?).ok().map(|(header, _)| header)
    }

    /// Returns the causes of the last violation as soon as they are certain.
    pub fn tell(&mut self, from: Role, known: Known, agreement: &Agreement) -> Option<Causes> {
        let pending = self.waiting()?;
        let last = self.full || known != Known::SoFar;
        // The cost must not grow with the number of pieces.
        let after = self.end.saturating_sub(pending.violation.offset);
        if !last && after < self.looked + self.looked / 16 {
            return None;
        }
        let Pending { place, violation, start, header, before, open, .. } = *pending;
        self.looked = after;
        let deflate = agreement.permessage_deflate();
        let offers = agreement.offered.iter().flatten();
        let mut offers = offers.map(|offer| offer.split(';').next().unwrap_or_default().trim());
        let scene = Scene {
            from,
            rule: violation.rule,
            offset: violation.offset,
            start,
            header: header.or_else(|| self.header_at(start)),
            before,
            open,
            last,
            whole: !self.full && known == Known::Whole,
            raw: place.stream.is_none() && place.at.is_none(),
            deflate,
            offered: offers.any(|name| name.eq_ignore_ascii_case("permessage-deflate")),
            compressed: &self.compressed,
            wire: &self.kept,
            first: self.first,
        };
        let causes = Cause::find(&scene)?;
        self.looked = 0;
        if causes.is_empty() {
            // An earlier run may have seen more.
            self.pending.as_mut()?.settled = true;
        } else {
            self.pending = None;
        }
        self.full = false;
        self.kept = Vec::new();
        self.first = self.end;
        (!causes.is_empty()).then_some(Causes { place, violation, causes })
    }

    /// Returns the violation whose causes are looked for.
    fn waiting(&self) -> Option<&Pending> {
        self.pending.as_deref().filter(|pending| !pending.settled)
    }
}
