//! The verdict on the end of a conversation.

use core::fmt;

use super::Unopened;
use crate::{CloseCode, Role, Violation};

/// The reason for which a connection ended with the code 1006, that is, without a complete closing
/// handshake (§7.1.5).
///
/// The endpoint in the descriptions is the one in the field `by` of [`Verdict::Abnormal`].
///
/// ```
/// use wsvet::Abnormality;
///
/// assert_eq!(Abnormality::InFrame.to_string(), "its stream ended inside a frame");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Abnormality {
    /// The stream of the endpoint ended inside a frame.
    InFrame,
    /// The stream of the endpoint ended between two frames, without a Close frame.
    WithoutClose,
    /// The endpoint reset the connection, without a Close frame.
    Reset,
    /// The peer sent a Close frame, and the endpoint did not answer it with a Close frame.
    Unanswered,
    /// The endpoint sent a Close frame, and reset the connection before the peer could answer.
    ResetUnanswered,
}

/// The verdict on a [`Conversation`](crate::Conversation): how the connection was closed (§7.1).
///
/// The `Display` implementation writes what happened. While the connection is open, what the
/// endpoints send next can change the verdict. [`by`](Self::by) says which endpoint is at fault.
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
    /// Both endpoints sent a Close frame that breaks no rule, no rule was broken before the first of
    /// them, and neither code blames the peer. Data after a Close frame changes nothing
    /// ([`Direction::data_after_close`](crate::Direction::data_after_close)), unless the peer refuses
    /// it.
    Clean {
        /// The endpoint that sent its Close frame first.
        first: Role,
        /// The code of the first Close frame, or 1005 if it has none.
        code: CloseCode,
    },
    /// An endpoint broke a rule, and the receiver answered with the close code of that rule
    /// ([`Rule::close_code`](crate::Rule::close_code)).
    Refused {
        /// The receiver.
        by: Role,
        /// The violation that the receiver answered.
        violation: Violation,
    },
    /// An endpoint broke a rule, and the receiver answered with a different close code than that of
    /// the rule, or dropped the connection before the endpoint did.
    RefusedOtherwise {
        /// The receiver.
        by: Role,
        /// The violation. Its rule has the code that the receiver had to send.
        violation: Violation,
        /// The code that the receiver sent, 1005 if its Close frame has no code, or 1006 if it sent
        /// no Close frame.
        code: CloseCode,
    },
    /// An endpoint broke a rule, and the receiver did not refuse it. One of these holds:
    ///
    /// - The receiver sent a data frame after the violation, and no Close frame, or one whose code is
    ///   not that of a refusal (1002, 1003, 1007, 1008, 1009 or 1011).
    /// - The receiver answered a Close frame that the endpoint sent after the violation. Its Close
    ///   frame has the same code, or it sent a data frame after the violation.
    ///
    /// The data may have been sent before the violation arrived. If the receiver sends a Close frame
    /// later, the verdict becomes [`Refused`](Self::Refused) or another one. It is `Refused` whenever
    /// the Close frame of the receiver has the close code of the rule.
    LetPass {
        /// The receiver.
        by: Role,
        /// The violation that the receiver let pass.
        violation: Violation,
    },
    /// An endpoint sent a Close frame whose code says that the peer broke a rule, and the
    /// conversation found no violation of the peer before it. A Close frame that answers one with the
    /// same code refuses nothing.
    WronglyRefused {
        /// The endpoint that sent the Close frame.
        by: Role,
        /// The code of the Close frame: 1002, 1003, 1007 or 1009.
        code: CloseCode,
    },
    /// An endpoint sent a Close frame with the code 1009, but its [`Policy`](crate::Policy) limits
    /// neither frames nor messages. The endpoint has a limit that the policy does not state. The
    /// conversation shows no fault.
    ///
    /// If the peer has sent no message, or an empty one, the verdict is
    /// [`WronglyRefused`](Self::WronglyRefused).
    OwnLimit {
        /// The endpoint that sent the Close frame.
        by: Role,
        /// The payload length of the last message that the peer began before any Close frame, in
        /// bytes, as far as its headers state it.
        len: u64,
    },
    /// Both endpoints sent a Close frame, neither blames the peer, and the second breaks a rule. The
    /// endpoint that sent the first cannot answer with another Close frame.
    BrokenClose {
        /// The endpoint that sent the second Close frame.
        by: Role,
        /// The first violation of that Close frame.
        violation: Violation,
        /// The code of the first Close frame, or 1005 if it has none.
        code: CloseCode,
    },
    /// The connection ended without a complete closing handshake. The application receives the code
    /// 1006.
    Abnormal {
        /// The endpoint that did not complete the closing handshake, as `why` says.
        by: Role,
        /// What the endpoint did instead.
        why: Abnormality,
    },
    /// The opening handshake was not completed. The application of the client is told 1006.
    ///
    /// It needs [`Conversation::request`](crate::Conversation::request) and
    /// [`Conversation::response`](crate::Conversation::response).
    NeverOpened {
        /// The endpoint that did not complete the handshake, as `why` says.
        by: Role,
        /// What the endpoint did.
        why: Unopened,
    },
    /// The conversation does not show how the connection ended: it was still open. An endpoint may
    /// have broken a rule that the other has not answered yet: see
    /// [`Direction::violation`](crate::Direction::violation).
    Open,
}

impl Abnormality {
    /// Returns the stable name of the reason, in lower case with hyphens.
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
    /// Returns the stable name of the verdict, in lower case with hyphens.
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
            Self::OwnLimit { .. } => "own-limit",
            Self::BrokenClose { .. } => "broken-close",
            Self::Abnormal { .. } => "abnormal",
            Self::NeverOpened { .. } => "never-opened",
            Self::Open => "open",
        }
    }

    /// Returns the endpoint that the verdict is about, or `None` for [`Open`](Self::Open).
    ///
    /// It is the endpoint that sent the first Close frame, that refused something or let a violation
    /// pass, that sent a broken Close frame, or that did not complete the closing handshake. This is not always the endpoint at fault:
    ///
    /// | verdict | at fault |
    /// |---|---|
    /// | [`Clean`](Self::Clean), [`OwnLimit`](Self::OwnLimit), [`Open`](Self::Open) | neither |
    /// | [`Refused`](Self::Refused) | the peer, which broke the rule |
    /// | [`RefusedOtherwise`](Self::RefusedOtherwise), [`LetPass`](Self::LetPass) | the peer, which broke the rule, and this endpoint |
    /// | [`WronglyRefused`](Self::WronglyRefused), [`BrokenClose`](Self::BrokenClose), [`Abnormal`](Self::Abnormal) | this endpoint |
    /// | [`NeverOpened`](Self::NeverOpened) | this endpoint, unless the server refused a request that breaks a rule |
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
            | Self::OwnLimit { by, .. }
            | Self::BrokenClose { by, .. }
            | Self::Abnormal { by, .. }
            | Self::NeverOpened { by, .. } => Some(by),
            Self::Open => None,
        }
    }

    /// Returns the code with which the connection was closed: 1005 if the Close frame has no code,
    /// or 1006 if the connection ended without a complete closing handshake.
    ///
    /// Returns `None` for [`LetPass`](Self::LetPass) and [`Open`](Self::Open).
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
            | Self::BrokenClose { code, .. }
            | Self::WronglyRefused { code, .. } => Some(code),
            Self::OwnLimit { .. } => Some(CloseCode::MESSAGE_TOO_BIG),
            Self::Refused { violation, .. } => Some(violation.rule.close_code()),
            Self::Abnormal { .. } | Self::NeverOpened { .. } => Some(CloseCode::ABNORMAL_CLOSURE),
            Self::LetPass { .. } | Self::Open => None,
        }
    }

    /// Returns the violation, if the verdict is about one.
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
            | Self::BrokenClose { violation, .. }
            | Self::LetPass { violation, .. } => Some(violation),
            _ => None,
        }
    }
}

/// Returns whether a Close frame with this code says that the peer broke a rule.
pub(super) const fn blames(code: CloseCode) -> bool {
    matches!(
        code,
        CloseCode::PROTOCOL_ERROR
            | CloseCode::UNSUPPORTED_DATA
            | CloseCode::INVALID_FRAME_PAYLOAD_DATA
            | CloseCode::MESSAGE_TOO_BIG
    )
}

/// Returns whether a Close frame with this code may be an answer to a violation.
///
/// These are the codes that blame the peer, and 1008 and 1011, which can have any reason.
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
                let (second, closed) = (first.peer(), Closed(*code));
                write!(f, "a clean close: the {first} {closed}, and the {second} answered")
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
                        "refused with another code: {rule}, and the {by} {} where {due} was due",
                        Closed(code)
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
            Self::OwnLimit { by, len } => {
                let (other, s) = (by.peer(), if *len == 1 { "" } else { "s" });
                write!(
                    f,
                    "refused for a limit of its own: the {by} closed with {}, and the message of \
                     the {other} had {len} byte{s}",
                    CloseCode::MESSAGE_TOO_BIG
                )
            }
            Self::BrokenClose { by, violation, code } => {
                let (first, rule, closed) = (by.peer(), violation.rule, Closed(*code));
                write!(
                    f,
                    "a broken Close: the {first} {closed}, and the Close of the {by} that answered \
                     it breaks {rule}"
                )
            }
            Self::Abnormal { by, why } => {
                write!(f, "an abnormal end (1006), at the {by}: {why}")
            }
            Self::NeverOpened { why, .. } => {
                write!(f, "never opened: {why} (a browser reports 1006)")
            }
            Self::Open => f.write_str("still open at the end of what was seen"),
        }
    }
}

/// That an endpoint sent a Close frame with this code. Nobody sends 1005: it is what the peer's
/// library reports for a Close frame without a code (§7.1.5).
struct Closed(CloseCode);

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            CloseCode::NO_STATUS_RECEIVED => {
                f.write_str("closed without a code (the application of its peer is told 1005)")
            }
            code => write!(f, "closed with {code}"),
        }
    }
}
