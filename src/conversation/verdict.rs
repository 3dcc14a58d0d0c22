//! How a conversation ended.

use core::fmt;

use crate::{CloseCode, Role, Violation};

/// Why the application is told 1006 (§7.1.5).
///
/// ```
/// use wsvet::Abnormality;
///
/// assert_eq!(Abnormality::InFrame.to_string(), "its stream ended inside a frame");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Abnormality {
    /// The stream ended inside a frame.
    InFrame,
    /// The stream ended between two frames, without a Close.
    WithoutClose,
    /// The connection was reset without a Close.
    Reset,
    /// The other end had sent a Close, and got none back.
    Unanswered,
    /// The connection was reset by the end that had sent a Close, before it could be answered.
    ResetUnanswered,
}

/// How a [`Conversation`](crate::Conversation) ended (§7.1).
///
/// Its `Display` is a sentence.
///
/// ```
/// use wsvet::{CloseCode, Role, Verdict};
///
/// let verdict = Verdict::Clean { first: Role::Client, code: CloseCode::NORMAL_CLOSURE };
/// assert_eq!(
///     verdict.to_string(),
///     "a clean close: the client closed with 1000 Normal Closure, and the server answered",
/// );
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// Both ends have sent a Close.
    Clean {
        /// Who sent his first.
        first: Role,
        /// Its code; 1005 where it has none.
        code: CloseCode,
    },
    /// A rule was broken, and the receiver answered with the code that was due.
    Refused {
        /// Who refused it.
        by: Role,
        /// What the other had broken.
        violation: Violation,
    },
    /// A rule was broken, and the receiver answered with another code than was due, or dropped the
    /// connection.
    RefusedOtherwise {
        /// Who refused it.
        by: Role,
        /// What the other had broken; its rule has the code that was due.
        violation: Violation,
        /// The code that was sent; 1005 where the Close had none, 1006 where none was sent.
        code: CloseCode,
    },
    /// A rule was broken, and the receiver went on as if nothing had been.
    LetPass {
        /// Who let it pass.
        by: Role,
        /// What the other had broken.
        violation: Violation,
    },
    /// A Close says that the other broke a rule, and nothing that can be seen was broken.
    WronglyRefused {
        /// Who refused.
        by: Role,
        /// With which code: 1002, 1003, 1007 or 1009.
        code: CloseCode,
    },
    /// The connection was not closed by a handshake: the application is told 1006.
    Abnormal {
        /// Whose Close is missing.
        by: Role,
        /// Why it is missing.
        why: Abnormality,
    },
    /// The connection was still open when nothing more was seen.
    Open,
}

impl Abnormality {
    /// The stable name, in lower case with hyphens.
    ///
    /// ```
    /// assert_eq!(wsvet::Abnormality::WithoutClose.id(), "without-close");
    /// ```
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::InFrame => "in-frame",
            Self::WithoutClose => "without-close",
            Self::Reset => "reset",
            Self::Unanswered => "unanswered",
            Self::ResetUnanswered => "reset-unanswered",
        }
    }
}

impl Verdict {
    /// The stable name of the outcome, in lower case with hyphens.
    ///
    /// ```
    /// assert_eq!(wsvet::Verdict::Open.id(), "open");
    /// ```
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Clean { .. } => "clean",
            Self::Refused { .. } => "refused",
            Self::RefusedOtherwise { .. } => "refused-otherwise",
            Self::LetPass { .. } => "let-pass",
            Self::WronglyRefused { .. } => "wrongly-refused",
            Self::Abnormal { .. } => "abnormal",
            Self::Open => "open",
        }
    }

    /// The end that the verdict is about: who closed first, who refused, who let pass, or whose
    /// Close is missing.
    ///
    /// ```
    /// # use wsvet::{Abnormality, Role, Verdict};
    /// let verdict = Verdict::Abnormal { by: Role::Server, why: Abnormality::Reset };
    /// assert_eq!(verdict.by(), Some(Role::Server));
    /// ```
    #[must_use]
    pub const fn by(&self) -> Option<Role> {
        match *self {
            Self::Clean { first: by, .. }
            | Self::Refused { by, .. }
            | Self::RefusedOtherwise { by, .. }
            | Self::LetPass { by, .. }
            | Self::WronglyRefused { by, .. }
            | Self::Abnormal { by, .. } => Some(by),
            Self::Open => None,
        }
    }

    /// The code with which the connection was closed: 1005 where the Close has none, 1006 where
    /// there was no Close.
    ///
    /// ```
    /// # use wsvet::{CloseCode, Role, Verdict};
    /// let verdict = Verdict::WronglyRefused { by: Role::Client, code: CloseCode::PROTOCOL_ERROR };
    /// assert_eq!(verdict.code(), Some(CloseCode::PROTOCOL_ERROR));
    /// ```
    #[must_use]
    pub fn code(&self) -> Option<CloseCode> {
        match *self {
            Self::Clean { code, .. }
            | Self::RefusedOtherwise { code, .. }
            | Self::WronglyRefused { code, .. } => Some(code),
            Self::Refused { violation, .. } => Some(violation.rule.close_code()),
            Self::Abnormal { .. } => Some(CloseCode::ABNORMAL_CLOSURE),
            Self::LetPass { .. } | Self::Open => None,
        }
    }

    /// What was broken, where the verdict is about how that was taken.
    ///
    /// ```
    /// # use wsvet::{Role, Rule, Verdict, Violation};
    /// let violation = Violation::new(Rule::InvalidUtf8, 6);
    /// let verdict = Verdict::LetPass { by: Role::Client, violation };
    /// assert_eq!(verdict.violation(), Some(violation));
    /// ```
    #[must_use]
    pub const fn violation(&self) -> Option<Violation> {
        match *self {
            Self::Refused { violation, .. }
            | Self::RefusedOtherwise { violation, .. }
            | Self::LetPass { violation, .. } => Some(violation),
            _ => None,
        }
    }
}

/// Whether a Close with this code says that the other end broke a rule.
pub(super) const fn blames(code: CloseCode) -> bool {
    matches!(
        code,
        CloseCode::PROTOCOL_ERROR
            | CloseCode::UNSUPPORTED_DATA
            | CloseCode::INVALID_FRAME_PAYLOAD_DATA
            | CloseCode::MESSAGE_TOO_BIG
    )
}

/// Whether a Close with this code may be meant as a refusal, of whatever kind.
pub(super) const fn refuses(code: CloseCode) -> bool {
    blames(code) || matches!(code, CloseCode::POLICY_VIOLATION | CloseCode::INTERNAL_ERROR)
}

impl fmt::Display for Abnormality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::InFrame => "its stream ended inside a frame",
            Self::WithoutClose => "its stream ended without a Close",
            Self::Reset => "the connection was reset without a Close",
            Self::Unanswered => "it did not answer the Close of the other",
            Self::ResetUnanswered => "it reset the connection before its Close could be answered",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let due = |violation: &Violation| violation.rule.close_code();
        match self {
            Self::Clean { first, code } => {
                let second = first.peer();
                write!(
                    f,
                    "a clean close: the {first} closed with {code}, and the {second} answered"
                )
            }
            Self::Refused { by, violation } => {
                let (rule, code) = (violation.rule, due(violation));
                write!(f, "refused as it must be: {rule}, and the {by} closed with {code}")
            }
            Self::RefusedOtherwise { by, violation, code } => {
                let (rule, due) = (violation.rule, due(violation));
                match *code {
                    CloseCode::ABNORMAL_CLOSURE => write!(
                        f,
                        "refused without a word: {rule}, and the {by} dropped the connection \
                         (1006) where a Close with {due} was due"
                    ),
                    code => write!(
                        f,
                        "refused with another code: {rule}, and the {by} closed with {code} where \
                         {due} was due"
                    ),
                }
            }
            Self::LetPass { by, violation } => {
                let (rule, due) = (violation.rule, due(violation));
                write!(f, "broken and let pass: {rule}, and the {by} went on where {due} was due")
            }
            Self::WronglyRefused { by, code } => {
                let other = by.peer();
                write!(
                    f,
                    "wrongly refused: the {by} closed with {code}, and the {other} broke nothing \
                     that can be seen"
                )
            }
            Self::Abnormal { by, why } => {
                write!(f, "an abnormal end (1006), at the {by}: {why}")
            }
            Self::Open => f.write_str("still open at the end of what was seen"),
        }
    }
}
