//! The validation of payloads: UTF-8 in text messages, and the body of Close frames.

use super::{CLOSED, Validator};
use crate::kernel::{self, Text, unmask_ascii};
use crate::{CloseCode, Rule, Utf8, Violation};

/// The kind of the next byte of the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Expected {
    /// A header: no frame is open.
    Between,
    /// A payload that is not validated, such as binary or compressed data, or that of a Ping or
    /// Pong.
    Opaque,
    /// Text. The message continues after this frame.
    Text,
    /// Text. The message ends with this frame.
    LastText,
    /// The high byte of a close code.
    CodeHigh,
    /// The low byte of a close code. The field is the high byte.
    CodeLow(u8),
    /// The reason of a Close frame.
    Reason,
    /// The rest of the body of a Close frame, which is not validated.
    CloseRest,
}

impl Expected {
    /// Returns what remains if the content of the frame is not validated any more.
    pub(super) const fn lost(self) -> Self {
        match self {
            Self::CodeHigh | Self::CodeLow(_) | Self::Reason | Self::CloseRest => Self::CloseRest,
            _ => Self::Opaque,
        }
    }
}

impl Validator {
    /// Validates the next piece of the payload, which is masked with `key`, and unmasks the piece
    /// in place if it is mutable.
    ///
    /// A `key` of 0 means that the piece is unmasked. After a violation, the end of the piece may
    /// still be masked.
    #[inline(always)]
    pub(super) fn payload_text(&mut self, key: u32, mut piece: impl Text) -> Result<(), Violation> {
        self.still_good()?;
        debug_assert_ne!(self.content, Expected::Between, "payload before begin");
        let start = self.offset;
        self.offset += piece.bytes().len() as u64;
        match self.content {
            Expected::Between | Expected::Opaque | Expected::CloseRest => {
                kernel::unmask(key, &mut piece);
                Ok(())
            }
            Expected::Text | Expected::LastText => {
                if self.utf8.is_complete() && unmask_ascii(key, piece.again()) {
                    return Ok(());
                }
                self.judge_utf8(key, piece, start, Rule::InvalidUtf8)
            }
            Expected::CodeHigh | Expected::CodeLow(_) | Expected::Reason => {
                kernel::unmask(key, &mut piece);
                self.judge_close(piece.bytes(), start)
            }
        }
    }

    /// Validates the next piece of the payload, which is unmasked.
    ///
    /// The function is not inlined, so that a program in a debug build calls the code that was
    /// compiled with the crate.
    #[inline(never)]
    pub(super) fn payload_plain(&mut self, plain: &[u8]) -> Result<(), Violation> {
        self.payload_text(0, plain)
    }

    /// Validates the next piece of the payload, and unmasks it in place if there is a key.
    #[inline(always)]
    pub(crate) fn payload_masked(
        &mut self,
        key: Option<u32>,
        piece: &mut [u8],
    ) -> Result<(), Violation> {
        match key {
            Some(key) => self.payload_text(key, piece),
            None => self.payload(piece),
        }
    }

    /// Unmasks a byte of the payload if it breaks no rule, whatever comes before and after it, and
    /// returns whether it did.
    #[inline(always)]
    pub(crate) fn passes_byte(&mut self, key: Option<u32>, byte: &mut u8) -> bool {
        let plain = *byte ^ key.unwrap_or(0) as u8;
        let passes = match self.content {
            Expected::Opaque => true,
            Expected::Text | Expected::LastText => plain < 0x80 && self.utf8.is_complete(),
            _ => false,
        };
        let passes = passes && self.failed.is_none();
        if passes {
            *byte = plain;
            self.offset += 1;
        }
        passes
    }

    /// Validates and finishes a continuation frame whose payload has arrived completely, and
    /// unmasks the payload in place if there is a key.
    ///
    /// The header must be [admitted](Self::admits_common).
    #[inline(always)]
    pub(crate) fn fragment(
        &mut self,
        header_len: usize,
        last: bool,
        key: Option<u32>,
        payload: &mut [u8],
    ) -> Result<(), Violation> {
        debug_assert!(self.failed.is_none(), "a stream that has ended admits nothing");
        let message = self.message;
        let len = payload.len() as u64;
        self.offset += header_len as u64 + len;
        self.take_room(len, last);
        match key {
            Some(key) if !message.is_judged() => kernel::mask(key, payload),
            None if !message.is_judged() => {}
            Some(key) if self.utf8.is_complete() && unmask_ascii(key, &mut *payload) => {}
            key => self.text_fragment(last, key, payload)?,
        }
        Ok(())
    }

    /// Validates the payload of a continuation frame of a text message, which may be any text.
    ///
    /// The offset and the limits must already include the frame.
    #[inline(never)]
    fn text_fragment(
        &mut self,
        last: bool,
        key: Option<u32>,
        payload: &mut [u8],
    ) -> Result<(), Violation> {
        let start = self.offset - payload.len() as u64;
        match key {
            Some(key) => self.judge_utf8(key, payload, start, Rule::InvalidUtf8)?,
            None => self.judge_utf8(0, &*payload, start, Rule::InvalidUtf8)?,
        }
        if last && !self.utf8.is_complete() {
            return Err(self.fail(Rule::InvalidUtf8, self.offset - 1));
        }
        Ok(())
    }

    /// Stops the validation of the rest of the frame, and of the rest of the message if it is text.
    pub(super) fn lose_content(&mut self) {
        let of_message = matches!(self.content, Expected::Text | Expected::LastText);
        self.content = self.content.lost();
        if of_message {
            self.message.lose();
        }
    }

    /// Validates a piece of text, masked with `key`, that starts at the offset `start`. If it is
    /// not UTF-8, ends the stream with a violation of `rule`.
    #[inline(always)]
    fn judge_utf8(
        &mut self,
        key: u32,
        text: impl Text,
        start: u64,
        rule: Rule,
    ) -> Result<(), Violation> {
        match self.utf8.push_text(key, text) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.lose_content();
                Err(self.fail(rule, start + error.index as u64))
            }
        }
    }

    /// Validates a piece of the body of a Close frame that starts at the offset `start`.
    fn judge_close(&mut self, mut plain: &[u8], mut start: u64) -> Result<(), Violation> {
        while let [byte, rest @ ..] = plain {
            match self.content {
                Expected::CodeHigh => {
                    self.content = Expected::CodeLow(*byte);
                }
                Expected::CodeLow(high) => {
                    let code = CloseCode(u16::from_be_bytes([high, *byte]));
                    if !code.is_sendable() {
                        self.content = Expected::CloseRest;
                        return Err(self.fail(Rule::InvalidCloseCode, start - 1));
                    }
                    self.content = Expected::Reason;
                    self.utf8 = Utf8::new();
                }
                _ => return self.judge_utf8(0, plain, start, Rule::InvalidCloseReason),
            }
            plain = rest;
            start += 1;
        }
        Ok(())
    }

    /// Ends a Close frame. `content` is what the next byte of its body would have been.
    #[inline(never)]
    pub(super) fn finish_close(&mut self, content: Expected) -> Result<(), Violation> {
        self.marks |= CLOSED;
        self.admitted = self.admitted_kinds();
        if content == Expected::Reason && !self.utf8.is_complete() {
            return Err(self.fail(Rule::InvalidCloseReason, self.offset - 1));
        }
        Ok(())
    }
}
