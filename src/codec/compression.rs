//! permessage-deflate below the messages: inflated as they come, deflated as they go.

use std::vec::Vec;

use bytes::BytesMut;

use crate::deflate::{Content, Deflater, Parameters};
use crate::message::{self, InvalidMessage};
use crate::{Header, Message, OpCode, Policy, Rule};

/// The most memory that is kept for what is deflated, in bytes.
const MOST_KEPT: usize = 16 << 10;

/// Both directions of a connection on which permessage-deflate was agreed.
#[derive(Debug)]
pub(super) struct Compression {
    content: Content,
    /// The opcode of the last message that has begun, if it is compressed.
    message: Option<OpCode>,
    /// What has come out of it.
    inflated: BytesMut,
    deflater: Deflater,
    /// What is deflated reaches back to nothing, so it need not be sent.
    independent: bool,
    deflated: Vec<u8>,
    /// Messages of fewer bytes are sent as they are.
    pub(super) least: usize,
}

impl Compression {
    pub(super) fn new(policy: Policy, parameters: Parameters) -> Self {
        Self {
            content: Content::new(policy, parameters),
            message: None,
            inflated: BytesMut::new(),
            deflater: parameters.deflater(policy.role),
            independent: !parameters.context_takeover(policy.role),
            deflated: Vec::new(),
            least: 0,
        }
    }

    /// The header of the next frame, which breaks no rule.
    pub(super) fn begin(&mut self, header: &Header) {
        if header.opcode().starts_message() {
            self.message = (header.rsv() & 4 != 0).then_some(header.opcode());
        }
    }

    /// Inflates the next piece of a frame's payload, the last where `end` says so.
    pub(super) fn piece(&mut self, header: &Header, plain: &[u8], end: bool) -> Result<(), Rule> {
        let Some(opcode) = self.takes(header) else { return Ok(()) };
        let end = end && header.fin();
        let inflated = &mut self.inflated;
        self.content.piece(opcode, plain, end, |piece| inflated.extend_from_slice(piece))
    }

    /// Whether a frame is of a compressed message, and that, where it ends with it.
    pub(super) fn message(
        &mut self,
        header: &Header,
    ) -> Option<Result<Option<Message>, InvalidMessage>> {
        let opcode = self.takes(header)?;
        if !header.fin() {
            return Some(Ok(None));
        }
        let inflated = core::mem::take(&mut self.inflated).freeze();
        Some(message::whole(opcode, inflated).map(Some))
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

    /// The opcode of the compressed message that a frame is of, if it is of one: what it inflates to is
    /// all that is wanted of it.
    pub(super) fn takes(&self, header: &Header) -> Option<OpCode> {
        self.message.filter(|_| header.opcode().is_data())
    }

    /// Takes the memory of what was sent back.
    pub(super) fn take_back(&mut self, mut deflated: Vec<u8>) {
        deflated.clear();
        deflated.shrink_to(MOST_KEPT);
        self.deflated = deflated;
    }
}
