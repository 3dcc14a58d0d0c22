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
}

/// How a [`Conversation`] ended (§7.1).
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

impl fmt::Display for Abnormality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::InFrame => "its stream ended inside a frame",
            Self::WithoutClose => "its stream ended without a Close",
            Self::Reset => "the connection was reset without a Close",
            Self::Unanswered => "it did not answer the Close of the other",
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
