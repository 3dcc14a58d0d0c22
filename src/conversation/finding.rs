//! What the endpoints of a conversation neglected while time passed (RFC 6455 §5.5, §7.1.1).

use core::fmt;
use core::time::Duration;

use super::Conversation;
use super::lapse::Lapse;
use super::pings::{Ping, Unanswered};
use super::timeline::earliest;
use crate::{OpCode, Role};

/// A duty that an endpoint did not fulfil in time.
///
/// ```
/// use std::time::Duration;
/// use wsvet::{Conversation, Lapse, Policy, Role};
///
/// let mut conversation =
///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
/// conversation.bytes(Role::Server, b"\x89\x01a");
/// conversation.at(Duration::from_secs(10)); // the client sends other data, but no Pong
/// conversation.bytes(Role::Client, b"\x81\x82\x01\x02\x03\x04ik");
///
/// let finding = conversation.findings().next().unwrap();
/// assert_eq!((finding.lapse, finding.by), (Lapse::UnansweredPing, Role::Client));
/// assert_eq!(finding.to_string(), "unanswered-ping: the client left 1 Ping without an answer for 10s");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// The duty.
    pub lapse: Lapse,
    /// The endpoint at fault, which had the duty.
    pub by: Role,
    /// The time at which the duty began, on the clock of [`Conversation::at`]: that of the first
    /// Ping without an answer, or of the second Close frame.
    pub at: Duration,
    /// The time that passed from then to the end of the duty.
    pub waited: Duration,
    /// The number of times: how many Pings have no answer. A lower bound if it is over 8. It is 1
    /// for [`Lapse::ServerLeftOpen`].
    pub count: u64,
    /// The number of Pongs with other data that the endpoint sent after the first of these Pings. It
    /// is 0 for [`Lapse::ServerLeftOpen`].
    pub other_pongs: u64,
}

impl Finding {
    /// Creates a finding that another program made, or that is in a log. [`count`](Self::count) is
    /// 1.
    ///
    /// ```
    /// use std::time::Duration;
    /// use wsvet::{Finding, Lapse, Role};
    ///
    /// let (at, waited) = (Duration::ZERO, Duration::from_secs(9));
    /// let finding = Finding::new(Lapse::ServerLeftOpen, Role::Server, at, waited);
    /// assert_eq!(finding.count, 1);
    /// ```
    #[must_use]
    pub const fn new(lapse: Lapse, by: Role, at: Duration, waited: Duration) -> Self {
        Self { lapse, by, at, waited, count: 1, other_pongs: 0 }
    }
}

/// The Pings of an endpoint to which no Pong has come.
///
/// ```
/// use wsvet::{Conversation, Policy, Role};
///
/// let mut conversation =
///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
/// conversation.bytes(Role::Server, b"\x89\x01a\x89\x01b");
/// conversation.bytes(Role::Client, b"\x8A\x81\0\0\0\0c");
/// let waiting = conversation.waiting_pings(Role::Server).unwrap();
/// assert_eq!((waiting.count, waiting.other_pongs), (2, 1));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct WaitingPings {
    /// The number of Pings.
    pub count: u64,
    /// The time of the first of them, on the clock of [`Conversation::at`].
    pub since: Duration,
    /// The number of Pongs with other data that the peer sent after the first of them.
    pub other_pongs: u64,
}

/// The times after which a duty counts as neglected.
///
/// ```
/// use std::time::Duration;
/// use wsvet::Patience;
///
/// const PATIENCE: Patience = Patience::new().fin(Duration::from_secs(30));
/// assert_eq!(PATIENCE.pong, Duration::from_secs(1));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Patience {
    /// A Ping is unanswered if the peer begins another frame more than this time after it, 1 second
    /// by default.
    pub pong: Duration,
    /// A Ping is unanswered if this time passes before the end, 5 seconds by default.
    pub silence: Duration,
    /// The TCP connection is left open if this time passes after the second Close frame, 2 seconds
    /// by default.
    pub fin: Duration,
}

impl Patience {
    /// Creates the default: 1, 5 and 2 seconds.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wsvet::Patience;
    /// assert_eq!(Patience::new().silence, Duration::from_secs(5));
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        let [pong, silence, fin] =
            [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(2)];
        Self { pong, silence, fin }
    }

    /// Sets the time after a Ping within which the peer may begin other frames before the Pong.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wsvet::Patience;
    /// assert_eq!(Patience::new().pong(Duration::ZERO).pong, Duration::ZERO);
    /// ```
    #[must_use]
    pub const fn pong(self, pong: Duration) -> Self {
        Self { pong, ..self }
    }

    /// Sets the time after a Ping within which a silent peer has to send the Pong.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wsvet::Patience;
    /// let minute = Duration::from_secs(60);
    /// assert_eq!(Patience::new().silence(minute).silence, minute);
    /// ```
    #[must_use]
    pub const fn silence(self, silence: Duration) -> Self {
        Self { silence, ..self }
    }

    /// Sets the time after the second Close frame within which the TCP connection has to be closed.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wsvet::Patience;
    /// let minute = Duration::from_secs(60);
    /// assert_eq!(Patience::new().fin(minute).fin, minute);
    /// ```
    #[must_use]
    pub const fn fin(self, fin: Duration) -> Self {
        Self { fin, ..self }
    }
}

impl Default for Patience {
    /// Returns [`Patience::new`].
    fn default() -> Self {
        Self::new()
    }
}

impl Conversation {
    /// Sets the times after which a duty counts as neglected. Call it before the first frame.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wsvet::{Conversation, Patience, Policy, Role};
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// conversation.set_patience(Patience::new().silence(Duration::from_secs(60)));
    /// conversation.bytes(Role::Client, b"\x8A\x80\0\0\0\0");
    /// conversation.bytes(Role::Server, b"\x89\0");
    /// conversation.at(Duration::from_secs(59));
    /// assert_eq!(conversation.findings().next(), None);
    /// ```
    pub fn set_patience(&mut self, patience: Patience) {
        self.patience = patience;
    }

    /// Notes that something came from the host of this endpoint, such as a TCP acknowledgement.
    ///
    /// If you see packets, call it for each, before you pass what the packet contains. A Ping after
    /// which nothing came from the peer's host was not delivered, so the peer is not blamed for it.
    /// If you do not call it for an endpoint, everything counts as delivered to it.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wsvet::{Conversation, Policy, Role};
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// conversation.heard_from(Role::Client);
    /// conversation.bytes(Role::Client, b"\x81\x80\0\0\0\0");
    /// conversation.at(Duration::from_secs(1));
    /// conversation.bytes(Role::Server, b"\x89\0");
    /// conversation.at(Duration::from_secs(60));
    /// assert_eq!(conversation.findings().next(), None); // the client is gone
    ///
    /// conversation.heard_from(Role::Client);
    /// assert!(conversation.findings().next().is_some()); // it only does not answer
    /// ```
    pub fn heard_from(&mut self, host: Role) {
        self.heard[host as usize] = Some(self.now);
    }

    /// Returns the duties that the endpoints neglected, as of the time of the last
    /// [`at`](Self::at).
    ///
    /// There are at most three: unanswered Pings of each endpoint, and a TCP connection that the
    /// server left open. A later Pong or FIN can take a finding back. Without a call of `at`, no
    /// time passes, and there are none.
    ///
    /// **[`Lapse::UnansweredPing`]** (§5.5.2): no Pong with the data of the Ping came, nor one with
    /// that of a later Ping (§5.5.3), and the peer began another frame more than
    /// [`Patience::pong`] after it, or [`Patience::silence`] passed before the end. The end is the
    /// first Close frame of either endpoint, the end of either stream, or the time of the last `at`.
    /// The peer is blamed only if it could have answered:
    ///
    /// * The time counts from the end of the frame that the peer was sending when the Ping came.
    ///   A frame that is still open at the end is no silence.
    /// * After the endpoint that sent the Ping has broken a rule, the peer has to fail the
    ///   connection and owes no Pong (§7.1.7).
    /// * The Ping was delivered, as far as [`heard_from`](Self::heard_from) tells.
    /// * If nothing was passed of the peer's direction, neither bytes nor its end, the Pongs may
    ///   not have been observed.
    /// * A Ping whose payload was skipped, or is meaningless because its header breaks a rule, is
    ///   not counted. Such a Pong answers all Pings before it.
    ///
    /// **[`Lapse::ServerLeftOpen`]** (§5.5.1, §7.1.1): after both Close frames, more than
    /// [`Patience::fin`] passed before the end of either stream. A client that closes the TCP
    /// connection first, within this time, is right.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wsvet::{Conversation, Lapse, Policy, Role};
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// conversation.bytes(Role::Client, b"\x88\x80\0\0\0\0");
    /// conversation.bytes(Role::Server, b"\x88\0");
    /// assert_eq!(conversation.findings().count(), 0);
    ///
    /// conversation.at(Duration::from_secs(10)); // and still no FIN
    /// let finding = conversation.findings().next().unwrap();
    /// assert_eq!((finding.lapse, finding.by), (Lapse::ServerLeftOpen, Role::Server));
    /// ```
    pub fn findings(&self) -> impl Iterator<Item = Finding> + use<> {
        let client = self.unanswered(Role::Client);
        [client, self.unanswered(Role::Server), self.left_open()].into_iter().flatten()
    }

    /// Returns the Pings of this endpoint to which no Pong has come, or `None` if there are none.
    ///
    /// A Ping that needs no answer is not among them: one after a Close frame, after the end of a
    /// stream, or after the endpoint has broken a rule. It does not matter why a Ping has no answer,
    /// and for how long: [`findings`](Self::findings) says whether the peer is at fault.
    ///
    /// ```
    /// # use wsvet::{Conversation, Policy, Role};
    /// let mut conversation =
    ///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    /// conversation.bytes(Role::Server, b"\x89\0");
    /// assert_eq!(conversation.waiting_pings(Role::Server).unwrap().count, 1);
    /// conversation.bytes(Role::Client, b"\x8A\x80\0\0\0\0");
    /// assert_eq!(conversation.waiting_pings(Role::Server), None);
    /// ```
    #[must_use]
    pub fn waiting_pings(&self, from: Role) -> Option<WaitingPings> {
        let Unanswered { first, count, other_pongs } = self.pings.unanswered(from, |_| true)?;
        Some(WaitingPings { count, since: first.since, other_pongs })
    }

    /// Returns whether this endpoint still has to answer Pings.
    pub(super) fn owes_pongs(&self, by: Role) -> bool {
        let over = |role| {
            let direction = self.direction(role);
            direction.closed().is_some() || direction.ended().is_some()
        };
        !over(by) && !over(by.peer()) && self.direction(by.peer()).broken().is_none()
    }

    /// Returns the finding that this endpoint did not answer Pings.
    fn unanswered(&self, by: Role) -> Option<Finding> {
        let (here, there) = (self.direction(by), self.direction(by.peer()));
        let open = here.reader().frame();
        let unseen = here.offset() == 0 && here.ended().is_none() || here.is_lost();
        if unseen || open.is_some_and(|header| header.opcode() == OpCode::Pong) {
            return None;
        }
        let closed = [here.closed(), there.closed()].map(|closed| closed.map(|(_, mark)| mark.at));
        let ended = [here.ended(), there.ended()].map(|ended| ended.map(|(_, mark)| mark.at));
        let broken = there.broken().map(|(_, mark)| mark.at);
        let ends = closed.into_iter().chain(ended).chain([broken]).flatten();
        let end = ends.min().unwrap_or(self.now);
        let heard = self.heard[by as usize];
        let at_fault = |ping: &Ping| {
            let delivered = heard.is_none_or(|heard| heard >= ping.since);
            let silent = open.is_none() && end > ping.since;
            let waited = silent && end.saturating_sub(ping.since) >= self.patience.silence;
            delivered && (waited || ping.late.is_some_and(|late| late <= end))
        };
        let found = self.pings.unanswered(by.peer(), at_fault)?;
        let Unanswered { first: Ping { since: at, .. }, count, other_pongs } = found;
        let waited = end.saturating_sub(at);
        Some(Finding { lapse: Lapse::UnansweredPing, by, at, waited, count, other_pongs })
    }

    /// Returns the finding that the server left the TCP connection open.
    fn left_open(&self) -> Option<Finding> {
        let [(_, client), (_, server)] = [self.client.closed()?, self.server.closed()?];
        let at = client.at.max(server.at);
        let ended = earliest(|role| self.direction(role).ended().map(|(_, mark)| (mark.at, mark)));
        let waited = ended.map_or(self.now, |(_, at, _)| at).saturating_sub(at);
        let (lapse, by) = (Lapse::ServerLeftOpen, Role::Server);
        (waited > self.patience.fin).then_some(Finding::new(lapse, by, at, waited))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lapse, by, waited, count, .. } = self;
        match lapse {
            Lapse::UnansweredPing => {
                let plural = if *count == 1 { "" } else { "s" };
                write!(
                    f,
                    "{lapse}: the {by} left {count} Ping{plural} without an answer for {waited:?}"
                )
            }
            Lapse::ServerLeftOpen => {
                write!(f, "{lapse}: the {by} left the TCP connection open for {waited:?}")
            }
        }
    }
}
