//! The properties of the message that a frame belongs to.

use super::content::Expected;
use crate::OpCode;

/// The first byte of the first frame of a message. The flag `JUDGED` replaces the FIN bit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct MessageState(u8);

/// The message is text, and its payload is validated as UTF-8.
const JUDGED: u8 = 0x80;

impl MessageState {
    /// The value before a message has begun.
    pub(super) const NONE: Self = Self(0);

    /// Creates the message whose first frame starts with this byte.
    ///
    /// If an RSV bit is set, an extension has changed the payload, so text is not validated.
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

    /// Returns whether the payload is validated as UTF-8.
    #[inline]
    pub(super) const fn is_judged(self) -> bool {
        self.0 & JUDGED != 0
    }

    /// Stops the validation of the payload.
    pub(super) const fn lose(&mut self) {
        self.0 &= !JUDGED;
    }

    /// Returns the kind of the payload of a fragment. `last` is whether it is the last fragment.
    #[inline]
    pub(super) const fn content(self, last: bool) -> Expected {
        match (self.is_judged(), last) {
            (true, true) => Expected::LastText,
            (true, false) => Expected::Text,
            _ => Expected::Opaque,
        }
    }
}
