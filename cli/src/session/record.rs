//! What was found in one direction of a connection.

use wsvet::{CloseFrame, Header, Violation};

use crate::session::inflate::{Message, Start};

/// What was found in one direction.
pub enum Record<'a> {
    /// A frame that is complete and breaks nothing.
    Frame(Frame<'a>),
    /// A rule that is broken.
    Broken(Broken<'a>),
    /// A Close that breaks nothing, of an end that has broken a rule before.
    LateClose(Frame<'a>),
    /// The bytes end inside a frame or a message, and nothing was broken.
    Incomplete(Incomplete<'a>),
}

/// A frame that is complete and breaks nothing.
pub struct Frame<'a> {
    /// Where its header starts.
    pub offset: u64,
    /// Its header.
    pub header: Header,
    /// The unmasked payload: all of it where it was asked for or is short, else its start.
    pub payload: &'a [u8],
    /// What the payload inflates to, where it is compressed and that is known.
    pub inflated: Option<&'a Start>,
    /// The message that is whole with this frame, where compression was agreed on.
    pub message: Option<Message>,
    /// The body of a Close frame.
    pub close: Option<CloseFrame<'a>>,
}

/// A rule that is broken, and what stands around the byte.
pub struct Broken<'a> {
    /// The rule and the byte.
    pub violation: Violation,
    /// The header of the frame, if there is one, and where it starts.
    pub header: Option<(u64, Header)>,
    /// The bytes of a header that is cut.
    pub cut: &'a [u8],
    /// The last bytes of the unmasked message up to the one that breaks the rule; empty where the
    /// header breaks it.
    pub before: &'a [u8],
    /// The unmasked payload up to that byte: all of it where it was asked for or is short, else its
    /// start.
    pub payload: &'a [u8],
    /// Of what a compressed message holds: how many bytes come before. Where they do not end with
    /// the frame, `before` and `payload` are empty.
    pub inflated: Option<u64>,
}

/// The bytes end inside a frame or a message.
#[derive(Clone, Copy)]
pub struct Incomplete<'a> {
    /// How many bytes the direction has.
    pub offset: u64,
    /// What they end inside.
    pub within: Within,
    /// How many bytes of the frame are missing, as far as its header tells.
    pub missing: Option<u64>,
    /// The header of the frame, if there is one, and where it starts.
    pub header: Option<(u64, Header)>,
    /// The bytes of a header that is cut.
    pub cut: &'a [u8],
    /// The unmasked payload as far as it has come: all of it where it was asked for or is short,
    /// else its start.
    pub payload: &'a [u8],
}

/// What the bytes of a direction end inside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// A frame.
    Frame,
    /// A message, between two of its frames.
    Message,
}

impl Within {
    /// Its name in the output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::Message => "message",
        }
    }
}
