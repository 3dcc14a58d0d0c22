//! permessage-deflate below the messages: inflated as they come, deflated as they go.

use std::vec::Vec;

use bytes::BytesMut;

use crate::deflate::{Content, Deflater, Parameters, Sink};
use crate::message::{GrowingText, InvalidMessage};
use crate::{Header, InvalidUtf8, Message, OpCode, Policy, Rule, Validator, Violation};

/// The most memory that is kept for what is deflated, in bytes.
const MOST_KEPT: usize = 16 << 10;

/// Both directions of a connection on which permessage-deflate was agreed.
#[derive(Debug)]
pub(super) struct DeflateState {
    content: Content,
    inflated: Inflated,
    deflater: Deflater,
    /// What is deflated reaches back to nothing, so it need not be sent.
    independent: bool,
    deflated: Vec<u8>,
    /// Messages of fewer bytes are sent as they are.
    pub(super) least: usize,
}

/// What has come out of the message that is open.
#[derive(Debug, Default)]
struct Inflated {
    text: GrowingText,
    binary: BytesMut,
}

impl Sink for Inflated {
    fn take(&mut self, piece: &[u8], text: bool) -> Result<(), InvalidUtf8> {
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

    pub(super) fn set_max_message(&mut self, frames: &Validator, bytes: u64) {
        self.content.set_max_message(frames, bytes);
    }

    /// Takes the header of the next frame, after `frames` has judged it.
    pub(super) fn begin(&mut self, frames: &Validator, header: &Header) {
        self.content.begin(frames, header);
    }

    /// Returns whether the frame that has begun belongs to a compressed message: what it inflates to
    /// is all that is wanted of it.
    pub(super) fn takes_frame(&self) -> bool {
        self.content.is_compressed()
    }

    /// Inflates the next piece of a frame's payload.
    pub(super) fn payload(&mut self, plain: &[u8]) -> Result<(), Violation> {
        self.content.payload_into(plain, &mut self.inflated)
    }

    /// Ends the frame, after `frames` has.
    pub(super) fn finish(&mut self, frames: &Validator) -> Result<(), Violation> {
        self.content.finish_into(frames, &mut self.inflated)
    }

    /// Returns whether the frame that was judged last belongs to a compressed message, and the
    /// message if it ends with this frame.
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
        if frames.message_opcode() == OpCode::Text {
            let text = self.inflated.text.take();
            let invalid = InvalidMessage { rule: Rule::InvalidUtf8 };
            Some(text.map(|text| Some(Message::Text(text))).ok_or(invalid))
        } else {
            Some(Ok(Some(Message::Binary(core::mem::take(&mut self.inflated.binary).freeze()))))
        }
    }

    /// The payload of a message, deflated; nothing, where it goes as it is.
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

    pub(super) fn set_level(&mut self, level: u8) {
        self.deflater.set_level(level);
    }

    /// Takes the memory of what was sent back.
    pub(super) fn take_back(&mut self, mut deflated: Vec<u8>) {
        deflated.clear();
        deflated.shrink_to(MOST_KEPT);
        self.deflated = deflated;
    }
}
