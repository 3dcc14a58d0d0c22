//! What is known of the message that a frame belongs to.

use super::content::Content;
use crate::OpCode;

/// The first byte of a message's first frame, with FIN replaced by `JUDGED`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Message(u8);

/// The message is text whose payload is judged as UTF-8.
const JUDGED: u8 = 0x80;

impl Message {
    /// No message has begun.
    pub(super) const NONE: Self = Self(0);

    /// Creates the message whose first frame starts with this byte. An RSV bit means that an
    /// extension has changed the payload.
    #[inline]
    pub(super) const fn new(first: u8) -> Self {
        let first = first & 0x7F;
        Self(if first == OpCode::Text as u8 { first | JUDGED } else { first })
    }

    #[inline]
    pub(super) const fn opcode(self) -> OpCode {
        OpCode::from_low_bits(self.0)
    }

    #[inline]
    pub(super) const fn rsv(self) -> u8 {
        self.0 >> 4 & 7
    }

    /// Returns whether its payload is judged as UTF-8.
    #[inline]
    pub(super) const fn is_judged(self) -> bool {
        self.0 & JUDGED != 0
    }

    /// Its payload is not judged any further.
    pub(super) const fn lose(&mut self) {
        self.0 &= !JUDGED;
    }

    /// Returns what a fragment of it holds: the last fragment, or another.
    #[inline]
    pub(super) const fn content(self, last: bool) -> Content {
        match (self.is_judged(), last) {
            (true, true) => Content::LastText,
            (true, false) => Content::Text,
            _ => Content::Opaque,
        }
    }
}
