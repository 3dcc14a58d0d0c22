//! Violations, and sets of rules.

use core::fmt;
use core::iter::FusedIterator;
use core::ops::{BitOr, BitOrAssign};

use crate::{Place, Rule};

/// A set of rules, in the order of their precedence.
///
/// [`Validator::broken`](crate::Validator::broken) returns the set of rules that a header breaks.
///
/// ```
/// use wsvet::{Rule, RuleSet};
///
/// let set = RuleSet::EMPTY.with(Rule::InvalidUtf8).with(Rule::ReservedBits);
/// assert_eq!(set.first(), Some(Rule::ReservedBits));
/// assert_eq!(set.len(), 2);
/// for rule in set {
///     println!("{}", rule.id());
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RuleSet(u32);

const _: () = assert!(Rule::ALL.len() <= 32, "a RuleSet has 32 bits");

impl RuleSet {
    /// The empty set.
    ///
    /// ```
    /// assert!(wsvet::RuleSet::EMPTY.is_empty());
    /// ```
    pub const EMPTY: Self = Self(0);

    /// Returns the set with `rule` added.
    ///
    /// ```
    /// # use wsvet::{Rule, RuleSet};
    /// assert!(RuleSet::EMPTY.with(Rule::InvalidUtf8).contains(Rule::InvalidUtf8));
    /// ```
    #[must_use]
    pub const fn with(self, rule: Rule) -> Self {
        Self(self.0 | 1 << rule as u32)
    }

    /// Returns whether the set contains no rule.
    ///
    /// ```
    /// # use wsvet::{Rule, RuleSet};
    /// assert!(!RuleSet::EMPTY.with(Rule::InvalidUtf8).is_empty());
    /// ```
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the number of rules in the set.
    ///
    /// ```
    /// # use wsvet::{Rule, RuleSet};
    /// assert_eq!(RuleSet::EMPTY.with(Rule::InvalidUtf8).len(), 1);
    /// ```
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Returns whether `rule` is in the set.
    ///
    /// ```
    /// # use wsvet::{Rule, RuleSet};
    /// assert!(!RuleSet::EMPTY.contains(Rule::InvalidUtf8));
    /// ```
    #[must_use]
    pub const fn contains(self, rule: Rule) -> bool {
        self.0 >> rule as u32 & 1 == 1
    }

    /// Returns the rule that takes precedence over the others, or `None` if the set is empty.
    ///
    /// ```
    /// # use wsvet::RuleSet;
    /// assert_eq!(RuleSet::EMPTY.first(), None);
    /// ```
    #[must_use]
    pub fn first(self) -> Option<Rule> {
        self.iter().next()
    }

    /// Returns an iterator over the rules in the order of their precedence.
    ///
    /// ```
    /// # use wsvet::{Rule, RuleSet};
    /// let set = RuleSet::EMPTY.with(Rule::EofInFrame).with(Rule::InvalidUtf8);
    /// assert!(set.iter().eq([Rule::InvalidUtf8, Rule::EofInFrame]));
    /// ```
    #[must_use]
    pub const fn iter(self) -> RuleSetIter {
        RuleSetIter(self)
    }
}

impl FromIterator<Rule> for RuleSet {
    /// Creates a set of the rules. A rule that occurs twice is in the set once.
    ///
    /// ```
    /// # use wsvet::{CloseCode, Rule, RuleSet};
    /// let too_big = |rule: &Rule| rule.close_code() == CloseCode::MESSAGE_TOO_BIG;
    /// let set: RuleSet = Rule::ALL.iter().copied().filter(too_big).collect();
    /// assert!(set.iter().eq([Rule::FrameTooBig, Rule::MessageTooBig]));
    /// ```
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        rules.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl Extend<Rule> for RuleSet {
    /// Adds the rules to the set.
    ///
    /// ```
    /// # use wsvet::{Rule, RuleSet};
    /// let mut set = RuleSet::EMPTY;
    /// set.extend([Rule::InvalidUtf8, Rule::InvalidUtf8]);
    /// assert_eq!(set.len(), 1);
    /// ```
    fn extend<I: IntoIterator<Item = Rule>>(&mut self, rules: I) {
        *self |= rules.into_iter().collect::<Self>();
    }
}

impl BitOr for RuleSet {
    type Output = Self;

    /// Returns the rules that are in either set.
    ///
    /// ```
    /// # use wsvet::{Rule, RuleSet};
    /// let set = RuleSet::EMPTY.with(Rule::InvalidUtf8) | RuleSet::EMPTY.with(Rule::EofInFrame);
    /// assert_eq!(set.len(), 2);
    /// ```
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for RuleSet {
    /// Adds the rules of the other set to this set.
    ///
    /// ```
    /// # use wsvet::{Rule, RuleSet};
    /// let mut set = RuleSet::EMPTY;
    /// set |= RuleSet::EMPTY.with(Rule::InvalidUtf8);
    /// assert!(set.contains(Rule::InvalidUtf8));
    /// ```
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

impl IntoIterator for RuleSet {
    type Item = Rule;
    type IntoIter = RuleSetIter;

    /// Returns an iterator over the rules, as [`iter`](Self::iter) does.
    ///
    /// ```
    /// # use wsvet::{Rule, RuleSet};
    /// let ids = RuleSet::EMPTY.with(Rule::InvalidUtf8).into_iter().map(Rule::id);
    /// assert!(ids.eq(["invalid-utf8"]));
    /// ```
    fn into_iter(self) -> RuleSetIter {
        self.iter()
    }
}

impl IntoIterator for &RuleSet {
    type Item = Rule;
    type IntoIter = RuleSetIter;

    /// Returns an iterator over the rules, as [`iter`](RuleSet::iter) does.
    ///
    /// ```
    /// # use wsvet::{Rule, RuleSet};
    /// for rule in &RuleSet::EMPTY.with(Rule::InvalidUtf8) {
    ///     assert_eq!(rule, Rule::InvalidUtf8);
    /// }
    /// ```
    fn into_iter(self) -> RuleSetIter {
        self.iter()
    }
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self).finish()
    }
}

/// An iterator over the rules of a [`RuleSet`], in the order of their precedence.
///
/// [`RuleSet::iter`] returns it.
///
/// ```
/// use wsvet::{Rule, RuleSet};
///
/// let mut rules = RuleSet::EMPTY.with(Rule::ReservedBits).with(Rule::InvalidUtf8).iter();
/// assert_eq!(rules.len(), 2);
/// assert_eq!(rules.next_back(), Some(Rule::InvalidUtf8));
/// assert_eq!(rules.next(), Some(Rule::ReservedBits));
/// assert_eq!(rules.next(), None);
/// ```
#[derive(Clone, Debug)]
pub struct RuleSetIter(
    /// The rules that the iterator has not returned.
    RuleSet,
);

impl RuleSetIter {
    /// Removes the rule of this bit from the set, and returns it.
    fn take(&mut self, bit: u32) -> Rule {
        self.0.0 &= !(1 << bit);
        Rule::ALL[bit as usize]
    }
}

impl Iterator for RuleSetIter {
    type Item = Rule;

    fn next(&mut self) -> Option<Rule> {
        (!self.0.is_empty()).then(|| self.take(self.0.0.trailing_zeros()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len(), Some(self.0.len()))
    }
}

impl DoubleEndedIterator for RuleSetIter {
    fn next_back(&mut self) -> Option<Rule> {
        (!self.0.is_empty()).then(|| self.take(self.0.0.ilog2()))
    }
}

impl ExactSizeIterator for RuleSetIter {}

impl FusedIterator for RuleSetIter {}

/// A rule that a stream breaks, and the offset of the byte that breaks it.
///
/// A violation is always an error of the peer, never of the caller. [`reply`](Self::reply) returns
/// the Close frame to send.
///
/// ```
/// use wsvet::{CloseCode, Header, OpCode, Accepts, Policy, Role, Rule, Validator};
///
/// let policy = Policy::new(Role::Server).accepts(Accepts::TextOnly);
/// let header = Header::new(OpCode::Binary, 4_000).masked([1, 2, 3, 4]);
/// let violation = Validator::new(policy).begin(&header).unwrap_err();
/// assert_eq!(violation.rule, Rule::UnsupportedData);
/// assert_eq!(violation.offset, 0);
/// assert_eq!(violation.rule.close_code(), CloseCode::UNSUPPORTED_DATA);
/// assert_eq!(
///     violation.to_string(),
///     "unsupported-data at byte 0: this endpoint does not accept this type of data \
///      (RFC 6455 §7.4.1, close code 1003)",
/// );
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Violation {
    /// The offset in bytes of the byte that breaks the rule.
    ///
    /// The first byte of the first frame of this direction has the offset 0. [`Rule::place`]
    /// returns which byte of the frame it is.
    pub offset: u64,
    /// The broken rule.
    pub rule: Rule,
}

impl Violation {
    /// Creates a violation of `rule` at byte `offset` of the stream.
    ///
    /// ```
    /// use wsvet::{Rule, Violation};
    ///
    /// assert_eq!(Violation::new(Rule::InvalidUtf8, 6).offset, 6);
    /// ```
    #[must_use]
    pub const fn new(rule: Rule, offset: u64) -> Self {
        Self { offset, rule }
    }

    /// Creates a violation of `rule` by a header that starts at byte `start` of the stream.
    ///
    /// The offset of the violation is that of the byte that [`Rule::place`] returns. If this byte
    /// is not in the header, the offset is `start`. Use this function to report every rule that
    /// [`Validator::broken`](crate::Validator::broken) returns.
    ///
    /// ```
    /// use wsvet::{Rule, Violation};
    ///
    /// assert_eq!(Violation::in_header(Rule::MaskedServerFrame, 100).offset, 101);
    /// ```
    #[must_use]
    pub fn in_header(rule: Rule, start: u64) -> Self {
        let index = match rule.place() {
            Place::FirstByte | Place::Payload | Place::End => 0,
            Place::SecondByte => 1,
            Place::ExtendedLength => 2,
        };
        Self { offset: start.saturating_add(index), rule }
    }
}

impl fmt::Display for Violation {
    /// Writes the id of the rule, the offset, the text, the RFC section and the close code.
    ///
    /// ```
    /// # use wsvet::{Rule, Violation};
    /// assert_eq!(
    ///     Violation::new(Rule::ReservedOpcode, 7).to_string(),
    ///     "reserved-opcode at byte 7: reserved opcode (RFC 6455 §5.2, close code 1002)",
    /// );
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, rule } = self;
        let (id, rfc, section) = (rule.id(), rule.rfc(), rule.section());
        let (text, code) = (rule.text(), rule.close_code().0);
        write!(f, "{id} at byte {offset}: {text} (RFC {rfc} §{section}, close code {code})")
    }
}

impl core::error::Error for Violation {}

#[cfg(feature = "std")]
impl From<Violation> for std::io::Error {
    /// Wraps the violation in an I/O error.
    ///
    /// The kind of the error is `UnexpectedEof` if the stream ended too early, and `InvalidData`
    /// otherwise.
    ///
    /// ```
    /// use std::io;
    /// use wsvet::{Rule, Violation};
    ///
    /// let error = io::Error::from(Violation::new(Rule::InvalidUtf8, 6));
    /// assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    /// assert!(error.get_ref().is_some_and(|inner| inner.is::<Violation>()));
    ///
    /// let error = io::Error::from(Violation::new(Rule::EofInFrame, 9));
    /// assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    /// ```
    fn from(violation: Violation) -> Self {
        let kind = match violation.rule.place() {
            Place::End => std::io::ErrorKind::UnexpectedEof,
            _ => std::io::ErrorKind::InvalidData,
        };
        Self::new(kind, violation)
    }
}
