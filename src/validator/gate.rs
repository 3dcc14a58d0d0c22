//! The hot path of the validation of headers: whether a header breaks a rule.
//!
//! A table maps the first byte of a header to the kind of the frame. The state of the validator
//! includes the set of admitted kinds, so one look-up replaces the checks of most rules.

use super::Validator;
use super::known::Known;
use crate::header::is_minimal;
use crate::policy::Compression;
use crate::{Header, OpCode};

impl Validator {
    /// Returns the index and the length of the payload, if the header at the front of `window`
    /// breaks no rule and is of a common kind.
    ///
    /// The common kinds are unfragmented messages and continuation frames, with a payload of less
    /// than 64 KiB. The state does not change.
    #[inline(always)]
    pub(crate) fn admits_common(&self, window: &[u8; Header::MAX_LEN]) -> Option<(usize, usize)> {
        let [first, second, high, low, ..] = *window;
        let mask = self.policy.role.mask_bit();
        let key = usize::from(mask >> 5);
        // If the mask bit is wrong, the result is greater than 127.
        let (start, len) = match second ^ mask {
            len @ 0..=125 => (2 + key, u16::from(len)),
            126 if u16::from_be_bytes([high, low]) > 125 => {
                (4 + key, u16::from_be_bytes([high, low]))
            }
            _ => return None,
        };
        let kind = COMMON[usize::from(first & self.telling)];
        let admitted = kind & self.admitted != 0 && len <= self.room;
        admitted.then_some((start, usize::from(len)))
    }

    /// Returns whether the header breaks no rule, that is, whether [`broken`](Self::broken) returns
    /// the empty set.
    #[inline]
    pub(super) fn admits(&self, header: &Header) -> bool {
        let len = header.payload_len();
        self.admits_kind(header.first_byte())
            && self.admits_lengths(header.first_byte(), header.second_byte(), len, len)
    }

    /// Returns whether the first bytes of a header break no rule yet, that is, whether
    /// [`proven`](Self::proven) returns the empty set.
    pub(super) fn admits_start(&self, known: &Known) -> bool {
        let Known { first, second, least, most } = *known;
        self.admits_kind(first)
            && second.is_none_or(|second| self.admits_lengths(first, second, least, most))
    }

    /// Returns whether the first byte of a header breaks no rule.
    #[inline(always)]
    fn admits_kind(&self, first: u8) -> bool {
        self.kind(first) & self.admitted != 0
    }

    #[inline(always)]
    fn kind(&self, first: u8) -> u8 {
        KINDS[usize::from(first & self.telling)]
    }

    /// Returns whether the second byte of a header, and a payload length from `least` to `most`,
    /// break no rule. The first byte must be admitted.
    #[inline(always)]
    fn admits_lengths(&self, first: u8, second: u8, least: u64, most: u64) -> bool {
        let policy = &self.policy;
        let kind = self.kind(first);
        let control = kind & (CONTROL | CLOSE) != 0;
        let short = second & 0x7F <= 125;
        second & 0x80 == policy.role.mask_bit()
            && (short || (!control && is_minimal(second, most) && least >> 63 == 0))
            && least <= policy.max_frame
            && match kind {
                CONTROL => true,
                CLOSE => least != 1,
                DEFLATED_TEXT | DEFLATED_BINARY => least <= self.compressed_room(),
                _ => least <= self.message_room,
            }
    }

    /// Returns the maximum number of payload bytes of the message that starts with this header.
    pub(super) const fn whole_room(&self, first: &Header) -> u64 {
        if self.policy.negotiates_deflate() && first.rsv() & 4 != 0 {
            self.compressed_room()
        } else {
            self.policy.max_message
        }
    }

    /// Returns the maximum number of payload bytes of a compressed message on the wire.
    const fn compressed_room(&self) -> u64 {
        let room = self.policy.max_message;
        match self.policy.compression {
            // A stored block of DEFLATE with one byte has six bytes.
            Compression::Inflated => room.saturating_mul(6).saturating_add(64),
            _ => room,
        }
    }

    /// Returns the kinds of first bytes that the next frame may have.
    pub(super) const fn admitted_kinds(&self) -> u8 {
        let policy = &self.policy;
        if self.is_closed() {
            return CONTROL | CLOSE;
        }
        let mut kinds = CONTROL | CLOSE;
        if self.fragment_room == 0 {
            return kinds;
        }
        if self.is_open() {
            return kinds | CONTINUATION;
        }
        if policy.accepts.admits(OpCode::Text) {
            kinds |= if policy.negotiates_deflate() { TEXT | DEFLATED_TEXT } else { TEXT };
        }
        if policy.accepts.admits(OpCode::Binary) {
            kinds |= if policy.negotiates_deflate() { BINARY | DEFLATED_BINARY } else { BINARY };
        }
        kinds
    }
}

/// Ping and Pong.
const CONTROL: u8 = 1;
const CLOSE: u8 = 1 << 1;
const CONTINUATION: u8 = 1 << 2;
const TEXT: u8 = 1 << 3;
const BINARY: u8 = 1 << 4;
const DEFLATED_TEXT: u8 = 1 << 5;
const DEFLATED_BINARY: u8 = 1 << 6;

/// The kind of the frame for each first byte: one bit, or 0 if the first byte always breaks a rule.
static KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut fin = 0;
    while fin <= 0x80 {
        kinds[fin] = CONTINUATION;
        kinds[fin | 0x1] = TEXT;
        kinds[fin | 0x2] = BINARY;
        kinds[fin | 0x41] = DEFLATED_TEXT;
        kinds[fin | 0x42] = DEFLATED_BINARY;
        fin += 0x80;
    }
    kinds[0x88] = CLOSE;
    kinds[0x89] = CONTROL;
    kinds[0x8A] = CONTROL;
    kinds
};

/// The entries of [`KINDS`] for unfragmented messages and continuation frames. All others are 0.
static COMMON: [u8; 256] = {
    let mut kinds = KINDS;
    let mut first = 0;
    while first < 256 {
        let is_first_fragment = first < 0x80 && kinds[first] != CONTINUATION;
        if is_first_fragment || kinds[first] & (CONTROL | CLOSE) != 0 {
            kinds[first] = 0;
        }
        first += 1;
    }
    kinds
};
