//! What brought a conversation to its end, in order.

use core::fmt;
use core::time::Duration;

use super::End;
use crate::{CloseCode, Role, Violation};

/// A step towards the end of a [`Conversation`](crate::Conversation): who did what, and when.
///
/// ```
/// use wsvet::{Act, CloseCode, Conversation, End, Policy, Role};
///
/// let mut conversation =
///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
/// conversation.bytes(Role::Server, b"\x88\x02\x03\xE9");
/// conversation.end(Role::Client, End::Reset, 0);
///
/// let steps: Vec<_> = conversation.timeline().map(|step| (step.from, step.act)).collect();
/// assert_eq!(steps, [
///     (Role::Server, Act::Closed(Some(CloseCode::GOING_AWAY))),
///     (Role::Client, Act::Ended(End::Reset)),
/// ]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Step {
    /// Who did it.
    pub from: Role,
    /// When, on the clock of [`Conversation::at`](crate::Conversation::at).
    pub at: Duration,
    /// What was done.
    pub act: Act,
}

/// What one end did on the way to the end of a conversation.
///
/// ```
/// use wsvet::{Act, CloseCode};
///
/// let close = Act::Closed(Some(CloseCode::NORMAL_CLOSURE));
/// assert_eq!(close.to_string(), "sent a Close, 1000 Normal Closure");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Act {
    /// It broke a rule, for the first time, and before its Close.
    Broke(Violation),
    /// It sent its first Close: with this code, or without one.
    Closed(Option<CloseCode>),
    /// It sent data after its Close, for the first time.
    SentDataAfterClose,
    /// It stopped sending.
    Ended(End),
}

impl Act {
    /// The stable name, in lower case with hyphens.
    ///
    /// ```
    /// assert_eq!(wsvet::Act::SentDataAfterClose.id(), "data-after-close");
    /// ```
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Broke(_) => "violation",
            Self::Closed(_) => "close",
            Self::SentDataAfterClose => "data-after-close",
            Self::Ended(End::Fin) => "fin",
            Self::Ended(End::Reset) => "reset",
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broke(violation) => {
                write!(f, "broke {} at byte {}", violation.rule, violation.offset)
            }
            Self::Closed(Some(code)) => write!(f, "sent a Close, {code}"),
            Self::Closed(None) => f.pad("sent a Close without a code"),
            Self::SentDataAfterClose => f.pad("sent data after its Close"),
            Self::Ended(End::Fin) => f.pad("sent FIN: nothing more comes"),
            Self::Ended(End::Reset) => f.pad("sent RST: the connection is gone"),
        }
    }
}

/// When something happened: on the caller's clock, and among all that has happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mark {
    pub(super) at: Duration,
    pub(super) step: u64,
}
