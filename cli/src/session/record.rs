//! The records of one direction of a connection.

use wsvet::{CloseFrame, Header, Place, Rule, Violation};

use crate::session::inflate::{Message, Start};

/// A record of one direction.
pub enum Record<'a> {
    /// A complete frame that breaks no rule.
    Frame(Frame<'a>),
    /// A violation.
    Broken(Broken<'a>),
    /// A Close frame that breaks no rule, from an endpoint that broke a rule before.
    LateClose(Frame<'a>),
    /// The end of the bytes inside a frame or a message, without a violation.
    Incomplete(Incomplete<'a>),
}

/// A complete frame that breaks no rule.
pub struct Frame<'a> {
    /// The byte of the direction at which its header starts.
    pub offset: u64,
    /// The header.
    pub header: Header,
    /// The unmasked payload: all of it if it is short or whole payloads are kept, otherwise its start.
    pub payload: &'a [u8],
    /// The inflated payload, if it is compressed and known.
    pub inflated: Option<&'a Start>,
    /// The message that this frame completes, if compression was negotiated.
    pub message: Option<Message>,
    /// The body of a Close frame.
    pub close: Option<CloseFrame<'a>>,
}

/// A violation, and the bytes around it.
pub struct Broken<'a> {
    /// The rule and the byte.
    pub violation: Violation,
    /// The header of the frame, if there is one, and the byte at which it starts.
    pub header: Option<(u64, Header)>,
    /// The byte at which an incomplete header starts, and its bytes.
    pub cut: (u64, &'a [u8]),
    /// The last bytes of the unmasked message, up to the byte that breaks the rule. It is empty if
    /// the header breaks the rule.
    pub before: &'a [u8],
    /// The unmasked payload up to that byte: all of it if it is short or whole payloads are kept,
    /// otherwise its start.
    pub payload: &'a [u8],
    /// The number of inflated bytes before the violation, if it is in a compressed message. `before`
    /// is then empty, and `payload` too unless the violation is found at the end of the frame.
    pub inflated: Option<u64>,
}

/// Returns whether a violation is in the payload of a frame. `inflated` is as in [`Broken`].
pub fn is_in_payload(rule: Rule, inflated: Option<u64>) -> bool {
    rule.place() == Place::Payload || inflated.is_some()
}

/// The end of the bytes inside a frame or a message.
#[derive(Clone, Copy)]
pub struct Incomplete<'a> {
    /// The number of bytes of the direction.
    pub offset: u64,
    /// Whether they end inside a frame or a message.
    pub within: Within,
    /// The number of missing bytes of the frame, if its header is complete.
    pub missing: Option<u64>,
    /// The header of the frame, if there is one, and the byte at which it starts.
    pub header: Option<(u64, Header)>,
    /// The byte at which an incomplete header starts, and its bytes.
    pub cut: (u64, &'a [u8]),
    /// The unmasked payload that has come: all of it if it is short or whole payloads are kept,
    /// otherwise its start.
    pub payload: &'a [u8],
}

/// The place at which the bytes of a direction end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// Inside a frame.
    Frame,
    /// Inside a message, between two of its frames.
    Message,
}

impl Within {
    /// Returns its name in the output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::Message => "message",
        }
    }
}
