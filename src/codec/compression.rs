//! permessage-deflate for the codec of messages: inflates received messages, and deflates messages
//! to send.

use std::boxed::Box;
use std::vec::Vec;

use bytes::{Bytes, BytesMut};

use super::Prepared;
use super::budget::{Budget, Share, grown};
use crate::deflate::{Content, Deflater, Parameters, Sink};
use crate::message::{GrowingText, InvalidMessage};
use crate::{Header, InvalidUtf8, Message, OpCode, Policy, Rule, Validator, Violation};

/// The maximum size in bytes of the buffer for deflated messages that is kept between messages.
const MOST_KEPT: usize = 16 << 10;

/// The compression of both directions of a connection that has negotiated permessage-deflate.
#[derive(Debug)]
pub(super) struct DeflateState {
    content: Content,
    inflated: Inflated,
    deflater: Deflater,
    /// Whether each message is deflated without the context of the messages before. The peer then
    /// does not need a deflated message to inflate the next, so the codec may send it uncompressed.
    independent: bool,
    deflated: Vec<u8>,
    /// The minimum length in bytes of a message to deflate. Shorter ones are sent uncompressed.
    pub(super) least: usize,
}

/// The inflated bytes of the open message so far.
#[derive(Debug, Default)]
struct Inflated {
    text: GrowingText,
    binary: BytesMut,
    /// What they take of the budget, if there is one.
    share: Option<Box<Share>>,
    /// Whether a piece was dropped, because the budget has too little left.
    is_over_budget: bool,
}

impl Inflated {
    /// Takes of the budget what a piece needs.
    fn pay(&mut self, piece: &[u8], text: bool) {
        let Some(share) = &mut self.share else { return };
        let (len, capacity) = match text {
            true => self.text.size(),
            false => (self.binary.len(), self.binary.capacity()),
        };
        if !share.hold(grown(len, capacity, piece.len())) {
            (self.text, self.binary) = Default::default();
            share.hold(0);
            self.is_over_budget = true;
        }
    }

    /// Gives back what the message took, after it was taken.
    fn give_back(&mut self) {
        if let Some(share) = &mut self.share {
            share.hold(0);
        }
    }
}

impl Sink for Inflated {
    fn take(&mut self, piece: &[u8], text: bool) -> Result<(), InvalidUtf8> {
        self.pay(piece, text);
        if self.is_over_budget {
            return Ok(());
        }
        if text {
            return self.text.push(piece);
        }
        self.binary.extend_from_slice(piece);
        Ok(())
    }

    fn end(&mut self) -> bool {
        self.text.is_complete()
    }
}

impl DeflateState {
    pub(super) fn new(policy: Policy, parameters: Parameters) -> Self {
        Self {
            content: Content::new(policy, parameters),
            inflated: Inflated::default(),
            deflater: parameters.deflater(policy.role),
            independent: !parameters.context_takeover(policy.role),
            deflated: Vec::new(),
            least: 0,
        }
    }

    pub(super) fn set_budget(&mut self, budget: &Budget) {
        self.inflated.share = Some(Box::new(Share::new(budget)));
    }

    /// Returns whether a piece of the message was dropped, because the budget has too little left.
    pub(super) const fn is_over_budget(&self) -> bool {
        self.inflated.is_over_budget
    }

    pub(super) fn set_max_message(&mut self, frames: &Validator, bytes: u64) {
        self.content.set_max_message(frames, bytes);
    }

    /// Begins the next frame. `frames` must have validated its header.
    pub(super) fn begin(&mut self, frames: &Validator, header: &Header) {
        self.content.begin(frames, header);
    }

    /// Returns whether the frame that has begun belongs to a compressed message. Its payload then
    /// need not be kept, because only the inflated bytes are used.
    pub(super) fn takes_frame(&self) -> bool {
        self.content.is_compressed()
    }

    /// Inflates the next piece of the frame's payload.
    ///
    /// # Errors
    ///
    /// The [`Violation`] if the piece breaks a rule.
    pub(super) fn payload(&mut self, plain: &[u8]) -> Result<(), Violation> {
        self.content.payload_into(plain, &mut self.inflated)
    }

    /// Finishes the frame. `frames` must have finished it.
    ///
    /// # Errors
    ///
    /// The [`Violation`] if the end of the frame breaks a rule.
    pub(super) fn finish(&mut self, frames: &Validator) -> Result<(), Violation> {
        self.content.finish_into(frames, &mut self.inflated)
    }

    /// Returns the message that ends with the frame that was validated last.
    ///
    /// Returns `None` if the frame does not belong to a compressed message, and `Some(Ok(None))` if
    /// it does but the message does not end with it.
    pub(super) fn message(
        &mut self,
        frames: &Validator,
        header: &Header,
    ) -> Option<Result<Option<Message>, InvalidMessage>> {
        if !frames.is_compressed(header) {
            return None;
        }
        if !header.fin() {
            return Some(Ok(None));
        }
        let message = if frames.message_opcode() == OpCode::Text {
            let text = self.inflated.text.take();
            let invalid = InvalidMessage { rule: Rule::InvalidUtf8 };
            text.map(|text| Some(Message::Text(text))).ok_or(invalid)
        } else {
            Ok(Some(Message::Binary(core::mem::take(&mut self.inflated.binary).freeze())))
        };
        self.inflated.give_back();
        Some(message)
    }

    /// Deflates the payload of a message, or returns `None` if the message is to be sent
    /// uncompressed.
    ///
    /// After the payload is written, pass it to [`take_back`](Self::take_back).
    pub(super) fn deflate(&mut self, plain: &[u8]) -> Option<Vec<u8>> {
        if plain.len() < self.least {
            return None;
        }
        let mut deflated = core::mem::take(&mut self.deflated);
        self.deflater.deflate(plain, true, &mut deflated);
        if self.independent && deflated.len() >= plain.len() {
            self.take_back(deflated);
            return None;
        }
        Some(deflated)
    }

    /// Returns the frame of a prepared message and the length of its payload, or `None` if the
    /// message must be deflated with the context of the messages before.
    pub(super) fn prepared<'a>(&self, prepared: &'a Prepared) -> Option<(usize, &'a Bytes)> {
        if prepared.plain().0 < self.least {
            return Some(prepared.plain());
        }
        self.independent.then(|| prepared.deflated(&self.deflater))
    }

    pub(super) fn set_level(&mut self, level: u8) {
        self.deflater.set_level(level);
    }

    /// Takes back the memory of a deflated payload, to use it for the next message.
    pub(super) fn take_back(&mut self, mut deflated: Vec<u8>) {
        deflated.clear();
        deflated.shrink_to(MOST_KEPT);
        self.deflated = deflated;
    }
}
