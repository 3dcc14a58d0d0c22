//! What a conversation has observed of the opening handshake, and why it was never completed.

use core::fmt;
use core::time::Duration;

use super::timeline::{Act, Mark, Step};
use crate::Role;
use crate::handshake::{Broken, Rule};

/// The status of a response that accepts a request.
const SWITCHING_PROTOCOLS: u16 = 101;

/// The reason for which a connection never became a WebSocket connection (RFC 6455 §4.1).
///
/// A browser reports each of them to the page as close code 1006.
///
/// ```
/// use wsvet::Unopened;
///
/// assert_eq!(Unopened::Refused(403).to_string(), "the server refused the upgrade with HTTP 403");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Unopened {
    /// The server answered with this HTTP status, which is not 101. The verdict is about the server.
    Refused(u16),
    /// The client closed the TCP connection before the server answered. The verdict is about the
    /// server, which let the client wait.
    NoAnswer,
    /// The server closed the TCP connection without an answer. The verdict is about the server.
    Dropped,
    /// An endpoint reset the TCP connection before the server answered. The verdict is about that
    /// endpoint.
    Reset,
    /// The server answered with 101, but the response breaks this rule. The client failed the
    /// connection, as it must. The verdict is about the server.
    ///
    /// The client failed the connection if its stream was the first to end, before any Close frame, or
    /// if it sent the first Close frame, with the code 1002 or 1010. If it sent a data frame more than
    /// a second after the response, it did not fail the connection.
    BrokenResponse(Rule),
}

impl Unopened {
    /// Returns the stable name of the reason, in lower case with hyphens.
    ///
    /// ```
    /// assert_eq!(wsvet::Unopened::NoAnswer.id(), "no-answer");
    /// ```
    #[must_use]
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::NoAnswer => "no-answer",
            Self::Dropped => "dropped",
            Self::Reset => "reset",
            Self::BrokenResponse(_) => "broken-response",
        }
    }
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(status) => write!(f, "the server refused the upgrade with HTTP {status}"),
            Self::NoAnswer => {
                f.pad("the client closed the connection before the server answered the request")
            }
            Self::Dropped => f.pad("the server closed the connection without an answer"),
            Self::Reset => f.pad("the connection was reset before the server answered the request"),
            Self::BrokenResponse(rule) => write!(
                f,
                "the 101 of the server breaks {rule}, and the client failed the connection, as it \
                 must"
            ),
        }
    }
}

/// The messages of the opening handshake that were observed.
#[derive(Clone, Debug, Default)]
pub(super) struct Opening {
    request: Option<(Broken, Mark)>,
    response: Option<(u16, Broken, Mark)>,
}

impl Opening {
    pub(super) fn request(&mut self, rules: impl IntoIterator<Item = Rule>, mark: Mark) {
        let (broken, _) = self.request.get_or_insert((Broken::default(), mark));
        broken.extend(rules);
    }

    pub(super) fn response(
        &mut self,
        status: u16,
        rules: impl IntoIterator<Item = Rule>,
        mark: Mark,
    ) {
        let (last, broken, _) = self.response.get_or_insert((status, Broken::default(), mark));
        *last = status;
        broken.extend(rules);
    }

    /// Returns the rules that the message of this endpoint breaks.
    pub(super) fn broken(&self, from: Role) -> Broken {
        let broken = match from {
            Role::Client => self.request.as_ref().map(|(broken, _)| broken),
            Role::Server => self.response.as_ref().map(|(_, broken, _)| broken),
        };
        broken.cloned().unwrap_or_default()
    }

    /// Returns the status of a response that refuses the request.
    pub(super) fn refusal(&self) -> Option<u16> {
        let status = self.response.as_ref().map(|(status, ..)| *status);
        status.filter(|status| *status != SWITCHING_PROTOCOLS)
    }

    /// Returns whether a request waits for its response.
    pub(super) fn waits(&self) -> bool {
        self.request.is_some() && self.response.is_none()
    }

    /// Returns the first rule that a response with status 101 breaks, and the time of the response.
    pub(super) fn broken_response(&self) -> Option<(Rule, Duration)> {
        let (_, broken, mark) = self.response.as_ref()?;
        broken.clone().next().map(|rule| (rule, mark.at))
    }

    /// Returns the steps of a handshake that was not completed, each with its number.
    pub(super) fn steps(&self) -> [Option<(u64, Step)>; 2] {
        let completed = self.refusal().is_none() && self.broken_response().is_none();
        if completed && !self.waits() {
            return [None; 2];
        }
        let step = |from, act, mark: Mark| (mark.step, Step { from, at: mark.at, act });
        [
            self.request.as_ref().map(|(_, mark)| step(Role::Client, Act::Requested, *mark)),
            self.response
                .as_ref()
                .map(|(status, _, mark)| step(Role::Server, Act::Responded(*status), *mark)),
        ]
    }
}
