//! What a peer owes to bytes that are legal: the sentences of the RFCs on which the levels of the cases rest.
//!
//! A case that breaks a rule rests on the row of that rule, and is not here. What no sentence asks for is
//! a matter of quality: that a server accepts each legal request, knows each registered close code, or takes
//! control characters in a text.
//!
//! Where a sentence says what a sender MAY do, the receiver "MUST be prepared to interoperate" (RFC 2119
//! §5).

use super::Level;

/// What is due, and what a peer breaks that does not do it.
pub(super) struct Duty {
    pub(super) rfc: u16,
    pub(super) section: &'static str,
    /// The words of the RFC.
    pub(super) sentence: &'static str,
    /// The most that a peer breaks.
    pub(super) level: Level,
    /// What a peer breaks that refuses the bytes, but does so properly.
    pub(super) refusal: Level,
}

impl Duty {
    /// A refusal fails the duty as much as anything else.
    const fn new(rfc: u16, section: &'static str, sentence: &'static str, level: Level) -> Self {
        Self { rfc, section, sentence, level, refusal: level }
    }

    /// The sentence is about what an endpoint does with the bytes, and not about that it takes them.
    const fn may_refuse(self) -> Self {
        Self { refusal: Level::Quality, ..self }
    }
}

/// Letters, order, spaces, lists and lines of header fields.
pub(super) const HTTP: Duty = Duty::new(
    9110,
    "2.4",
    "A recipient MUST interpret a received protocol element according to the semantics defined for it \
     by this specification",
    Level::Must,
);

pub(super) const UNKNOWN_FIELD: Duty = Duty::new(
    9110,
    "5.1",
    "Other recipients SHOULD ignore unrecognized header and trailer fields.",
    Level::Should,
);

pub(super) const REASON: Duty =
    Duty::new(9112, "4", "A client SHOULD ignore the reason-phrase content", Level::Should);

pub(super) const ABSOLUTE_FORM: Duty =
    Duty::new(9112, "3.2.2", "A server MUST accept the absolute-form in requests", Level::Must);

/// What it is due for is no rule of WebSocket: the request cannot be parsed.
pub(super) const SPACE_BEFORE_COLON: Duty = Duty::new(
    9112,
    "5.1",
    "A server MUST reject, with a response status code of 400 (Bad Request), any received request \
     message that contains whitespace between a header field name and colon.",
    Level::Must,
);

/// A server may refuse a client with what it offers, in two lines as in one.
pub(super) const EXTENSIONS_IN_LINES: Duty = Duty::new(
    6455,
    "9.1",
    "this header field MAY be split or combined across multiple lines",
    Level::Must,
)
.may_refuse();

/// A server may refuse a client with what it offers. It must not accept what it does not know.
pub(super) const EXTENSIONS: Duty = Duty::new(
    6455,
    "9.1",
    "The parameters supplied with any given extension MUST be defined for that extension.",
    Level::Must,
)
.may_refuse();

/// A server may refuse a client with what it offers. What it accepts must fit.
pub(super) const OFFER: Duty =
    Duty::new(7692, "7", "A server MUST decline an extension negotiation offer", Level::Must)
        .may_refuse();

pub(super) const FRAMES: Duty = Duty::new(
    6455,
    "6.2",
    "Incoming data MUST be parsed as WebSocket frames as defined in Section 5.2.",
    Level::Must,
);

pub(super) const MASKED: Duty = Duty::new(
    6455,
    "6.2",
    "A server MUST remove masking for data frames received from a client",
    Level::Must,
);

pub(super) const FRAGMENTS: Duty = Duty::new(
    6455,
    "5.4",
    "Clients and servers MUST support receiving both fragmented and unfragmented messages.",
    Level::Must,
);

pub(super) const CONTROL_BETWEEN: Duty = Duty::new(
    6455,
    "5.4",
    "An endpoint MUST be capable of handling control frames in the middle of a fragmented message.",
    Level::Must,
);

pub(super) const PING: Duty = Duty::new(
    6455,
    "5.5.2",
    "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response",
    Level::Must,
);

pub(super) const PONG: Duty = Duty::new(
    6455,
    "6.2",
    "If a control frame (Section 5.5) is received, the frame MUST be handled as defined by Section 5.5.",
    Level::Must,
);

/// A Close with another code is an answer, too: an endpoint "typically echos the status code it received".
pub(super) const CLOSE: Duty = Duty::new(
    6455,
    "5.5.1",
    "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST \
     send a Close frame in response.",
    Level::Must,
)
.may_refuse();

pub(super) const COMPRESSED: Duty = Duty::new(
    7692,
    "6.2",
    "An endpoint MUST use the following algorithm to receive a message in the form of a compressed message.",
    Level::Must,
);

/// A client may refuse what it asked for. What it agreed on must work.
pub(super) const ANSWER: Duty = COMPRESSED.may_refuse();
