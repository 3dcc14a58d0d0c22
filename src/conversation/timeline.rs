//! The steps that lead to the end of a conversation.

use core::fmt;
use core::time::Duration;

use super::End;
use crate::{CloseCode, Role, Violation};

/// A step towards the end of a [`Conversation`](crate::Conversation): an act of one endpoint, and
/// its time.
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
    /// The endpoint that acted.
    pub from: Role,
    /// The time of the act, on the clock of [`Conversation::at`](crate::Conversation::at).
    pub at: Duration,
    /// The act.
    pub act: Act,
}

/// An act of one endpoint that leads to the end of a conversation.
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
    /// The client sent the request of the opening handshake (§4.1).
    Requested,
    /// The server answered the request of the opening handshake with this HTTP status (§4.2.2).
    Responded(u16),
    /// The endpoint broke a rule for the first time, before its first Close frame.
    Broke(Violation),
    /// The endpoint sent its first Close frame: with this code, or `None` if the frame has no code.
    Closed(Option<CloseCode>),
    /// The endpoint sent data after its Close frame for the first time (§5.5.1).
    SentDataAfterClose,
    /// The endpoint stopped sending.
    Ended(End),
}

impl Act {
    /// Returns the stable name of the act, in lower case with hyphens.
    ///
    /// ```
    /// assert_eq!(wsvet::Act::SentDataAfterClose.id(), "data-after-close");
    /// ```
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Requested => "request",
            Self::Responded(_) => "response",
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
            Self::Requested => f.pad("asked for the upgrade"),
            Self::Responded(status) => write!(f, "answered with HTTP {status}"),
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

/// The time of a call to a conversation, and the number of the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mark {
    /// The time on the caller's clock.
    pub(super) at: Duration,
    /// The number of the call. It orders the calls of both directions.
    pub(super) step: u64,
}

/// Returns the earliest of the results that `of` returns for the two endpoints: the endpoint, the
/// result and the number of its step.
pub(super) fn earliest<T>(of: impl Fn(Role) -> Option<(T, Mark)>) -> Option<(Role, T, u64)> {
    [Role::Client, Role::Server]
        .into_iter()
        .filter_map(|role| of(role).map(|(what, mark)| (role, what, mark.step)))
        .min_by_key(|(.., step)| *step)
}
