//! Cuts the bytes of one endpoint into TLS records (RFC 8446 §5.1).

/// The length of the header of a record, in bytes.
pub(super) const HEAD: usize = 5;

/// The longest body of a record, in bytes: RFC 5246 §6.2.3 allows more than RFC 8446 §5.2.
const LONGEST: usize = (1 << 14) + 2048;

/// The shortest encrypted record, in bytes: a header, a byte and a tag of 8 bytes.
const SHORTEST: u64 = 14;

/// The records of one endpoint. The bytes may be cut anywhere.
#[derive(Default)]
pub(super) struct Records {
    bytes: Vec<u8>,
    /// The start of the next record in `bytes`.
    start: usize,
    /// The number of next bytes that are not looked at, because their record is not whole.
    skip: u64,
    /// Whether the start of the next record is unknown.
    seeks: bool,
    /// The number of bytes that are missing or were not read since the last record.
    passed: u64,
    /// The most records before the first one, besides those in the bytes that are missing.
    before: u64,
    /// The number of records so far that were read.
    count: u64,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A whole record, with this header.
    Record([u8; HEAD]),
    /// More bytes are needed.
    More,
    /// The next bytes are not the header of a record.
    Foreign,
}

impl Records {
    /// Creates the records of an endpoint from an unknown position on.
    pub(super) fn in_the_middle() -> Self {
        Self { seeks: true, ..Self::default() }
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let skipped = self.skip.min(bytes.len() as u64) as usize;
        self.skip -= skipped as u64;
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(&bytes[skipped..]);
    }

    /// Takes that the next bytes are missing.
    pub(super) fn lose(&mut self, missing: u64) {
        if self.skip > 0 {
            self.seeks = missing > self.skip;
            self.passed += missing.saturating_sub(self.skip);
            self.skip -= self.skip.min(missing);
            return;
        }
        let rest = &self.bytes[self.start..];
        let whole = match head(rest).filter(|head| !self.seeks && may_be(*head)) {
            Some(head) => (HEAD + len(head)) as u64,
            None => 0,
        };
        let known = rest.len() as u64 + missing;
        // The record is known if its header is there, and the bytes are missing in it alone.
        self.seeks = known > whole;
        self.skip = whole.saturating_sub(known);
        self.passed += known.max(whole);
        self.bytes.clear();
        self.start = 0;
    }

    /// Returns what comes next.
    pub(super) fn next(&mut self) -> Next {
        loop {
            let rest = &self.bytes[self.start..];
            let Some(head) = head(rest) else { return Next::More };
            if !may_be(head) || self.seeks && !is_likely(head) {
                if !self.seeks {
                    return Next::Foreign;
                }
                self.reject();
            } else if rest.len() < HEAD + len(head) {
                return Next::More;
            } else {
                return Next::Record(head);
            }
        }
    }

    /// Returns the body of the record that [`next`](Self::next) returned.
    pub(super) fn body(&mut self) -> &mut [u8] {
        let rest = &mut self.bytes[self.start..];
        let len = head(rest).map_or(0, len);
        &mut rest[HEAD..][..len]
    }

    /// Goes on after the record that [`next`](Self::next) returned. The position is known from now on.
    pub(super) fn accept(&mut self) {
        self.start += HEAD + self.body().len();
        self.seeks = false;
        self.passed = 0;
        self.before = 0;
        self.count += 1;
    }

    /// Seeks another record: what [`next`](Self::next) returned was none, or cannot be read.
    pub(super) fn reject(&mut self) {
        if self.seeks {
            self.start += 1;
            self.passed += 1;
        } else {
            let len = HEAD + self.body().len();
            self.start += len;
            self.passed += len as u64;
            self.count += 1;
        }
    }

    /// Takes that at most this many records came before the next one.
    pub(super) fn may_follow(&mut self, records: u64) {
        self.before = records;
    }

    /// Returns whether the number of the next record is unknown: bytes are missing before it, or were
    /// not read.
    pub(super) fn has_gap(&self) -> bool {
        self.passed > 0 || self.seeks || self.before > 0
    }

    /// Returns whether the start of the next record is unknown.
    pub(super) fn seeks(&self) -> bool {
        self.seeks
    }

    /// Returns the number of bytes that are missing, were not read, or belong to a record that is not
    /// whole.
    pub(super) fn unread(&self) -> u64 {
        self.passed + (self.bytes.len() - self.start) as u64
    }

    /// Returns the number of bytes since the last record that was accepted, if any were not read.
    pub(super) fn passed(&self) -> u64 {
        self.passed
    }

    /// Returns the most records that may be missing before the next one.
    pub(super) fn most_missing(&self) -> u64 {
        self.passed / SHORTEST + 1 + self.before
    }

    /// Returns the number of the next record, from 1.
    pub(super) fn number(&self) -> u64 {
        self.count + 1
    }

    /// Returns the memory that it takes, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity()
    }
}

fn head(bytes: &[u8]) -> Option<[u8; HEAD]> {
    bytes.first_chunk().copied()
}

fn len([.., high, low]: [u8; HEAD]) -> usize {
    usize::from(u16::from_be_bytes([high, low]))
}

/// Returns whether this may be the header of a record.
fn may_be(head: [u8; HEAD]) -> bool {
    matches!(head, [20..=24, 3, 0..=4, ..]) && len(head) <= LONGEST
}

/// Returns whether this is the header of a record that other bytes are hardly: only records that
/// are encrypted, or start a handshake.
fn is_likely(head: [u8; HEAD]) -> bool {
    matches!(head, [20..=23, 3, 1 | 3, ..]) && len(head) > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(len: usize) -> Vec<u8> {
        let [high, low] = (len as u16).to_be_bytes();
        [&[23, 3, 3, high, low][..], &vec![7; len]].concat()
    }

    fn lens(records: &mut Records) -> Vec<usize> {
        let mut found = Vec::new();
        while let Next::Record(head) = records.next() {
            found.push(len(head));
            records.accept();
        }
        found
    }

    #[test]
    fn a_record_that_is_not_whole_is_passed_over() {
        for missing in 1..=10 {
            let mut records = Records::default();
            records.push(&record(20)[..15]);
            assert_eq!(records.next(), Next::More);
            records.lose(missing);
            records.push(&record(20)[15 + missing as usize..]);
            records.push(&record(3));
            assert!(records.has_gap());
            assert_eq!(records.passed(), 25);
            assert_eq!(lens(&mut records), [3], "{missing}");
            assert!(!records.has_gap());
        }
    }

    #[test]
    fn a_record_is_sought_after_a_loss_of_unknown_length() {
        let mut records = Records::default();
        records.push(&record(20)[..15]);
        records.lose(100);
        records.push(b"\x17\x03\x03");
        records.push(&[0xFF, 0x17, 3, 9, 0x17]);
        records.push(&record(4));
        assert_eq!(lens(&mut records), [4]);
    }

    #[test]
    fn what_is_no_record_is_told() {
        let mut records = Records::default();
        records.push(b"GET / HTTP/1.1\r\n");
        assert_eq!(records.next(), Next::Foreign);
    }

    proptest! {
        #[test]
        fn records_may_be_cut_anywhere(
            sizes in prop::collection::vec(0usize..70, 1..20),
            cuts in prop::collection::vec(1usize..50, 1..200),
        ) {
            let bytes: Vec<u8> = sizes.iter().flat_map(|len| record(*len)).collect();
            let mut records = Records::default();
            let (mut found, mut at) = (Vec::new(), 0);
            for cut in cuts.iter().cycle() {
                let end = bytes.len().min(at + cut);
                records.push(&bytes[at..end]);
                found.extend(lens(&mut records));
                at = end;
                if at == bytes.len() {
                    break;
                }
            }
            prop_assert_eq!(found, sizes);
        }
    }
}
