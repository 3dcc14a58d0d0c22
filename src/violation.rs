//! A rule that was broken, and at which byte; and the set of rules that one header breaks.

use core::fmt;

use crate::{Place, Rule};

/// A set of rules, in the order of their precedence: what one header breaks.
///
/// ```
/// use wsvet::{Rule, RuleSet};
///
/// let set = RuleSet::EMPTY.with(Rule::InvalidUtf8).with(Rule::ReservedBits);
/// assert_eq!(set.first(), Some(Rule::ReservedBits));
/// assert_eq!(set.iter().count(), 2);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RuleSet(u32);

const _: () = assert!(Rule::ALL.len() <= 32, "a RuleSet has 32 bits");

impl RuleSet {
    /// No rule.
    ///
    /// ```
    /// assert!(wsvet::RuleSet::EMPTY.is_empty());
    /// ```
    pub const EMPTY: Self = Self(0);

    /// The same set and `rule`.
    ///
    /// ```
    /// # use wsvet::{Rule, RuleSet};
    /// assert!(RuleSet::EMPTY.with(Rule::InvalidUtf8).contains(Rule::InvalidUtf8));
    /// ```
    #[must_use]
    pub const fn with(self, rule: Rule) -> Self {
        Self(self.0 | 1 << rule as u32)
    }

    /// Whether no rule is in the set.
    ///
    /// ```
    /// # use wsvet::{Rule, RuleSet};
    /// assert!(!RuleSet::EMPTY.with(Rule::InvalidUtf8).is_empty());
    /// ```
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `rule` is in the set.
    ///
    /// ```
    /// # use wsvet::{Rule, RuleSet};
    /// assert!(!RuleSet::EMPTY.contains(Rule::InvalidUtf8));
    /// ```
    #[must_use]
    pub const fn contains(self, rule: Rule) -> bool {
        self.0 >> rule as u32 & 1 == 1
    }

    /// The rule that counts before the others, if there is any.
    ///
    /// ```
    /// # use wsvet::RuleSet;
    /// assert_eq!(RuleSet::EMPTY.first(), None);
    /// ```
    #[must_use]
    pub fn first(self) -> Option<Rule> {
        self.iter().next()
    }

    /// The rules of the set in the order of their precedence.
    ///
    /// ```
    /// # use wsvet::{Rule, RuleSet};
    /// let set = RuleSet::EMPTY.with(Rule::EofInFrame).with(Rule::InvalidUtf8);
    /// assert!(set.iter().eq([Rule::InvalidUtf8, Rule::EofInFrame]));
    /// ```
    pub fn iter(self) -> impl Iterator<Item = Rule> {
        Rule::ALL.iter().copied().filter(move |rule| self.contains(*rule))
    }
}

impl FromIterator<Rule> for RuleSet {
    /// The set of these rules; one that comes twice is in it once.
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

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// A rule that was broken, and at which byte.
///
/// It is the peer's fault, never the caller's. [`reply`](Self::reply) is the Close frame to answer
/// with.
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
pub struct Violation {
    /// The byte that breaks the rule ([`Rule::place`] says which one it is), counted from 0 at the
    /// first byte of the first frame of this direction.
    pub offset: u64,
    /// The rule that is broken.
    pub rule: Rule,
}

impl Violation {
    /// The violation of `rule` by a header whose first byte is byte `start` of the stream: at the
    /// byte that [`Rule::place`] names.
    ///
    /// For linters that report every rule of [`Validator::broken`](crate::Validator::broken).
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
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, rule } = self;
        let (id, rfc, section) = (rule.id(), rule.rfc(), rule.section());
        let (text, code) = (rule.text(), rule.close_code().0);
        write!(f, "{id} at byte {offset}: {text} (RFC {rfc} §{section}, close code {code})")
    }
}

impl core::error::Error for Violation {}
