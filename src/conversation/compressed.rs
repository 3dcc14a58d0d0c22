//! The compressed messages of a direction, which are inflated and validated if the conversation
//! inflates.

use crate::deflate::{Content, Parameters};
use crate::{Header, Policy, Rule, RuleSet, Validator, Violation};

/// The validator of the content of compressed messages, or `None` if the conversation does not
/// inflate.
#[derive(Debug)]
pub(super) struct Compressed(Option<Content>);

impl Compressed {
    pub(super) const NONE: Self = Self(None);

    pub(super) fn new(policy: Policy, parameters: Parameters) -> Self {
        Self(Some(Content::new(policy, parameters)))
    }

    /// Begins a frame after `frames` has validated its header, and returns whether the content of a
    /// compressed message is validated from here on.
    pub(super) fn begin(&mut self, frames: &Validator, header: &Header, broken: RuleSet) -> bool {
        let Some(content) = &mut self.0 else { return false };
        content.begin(frames, header);
        // The meaning of the payload is unknown, or its effect on the open message.
        if header.opcode().is_data() && broken.iter().any(Rule::loses_window) {
            content.lose();
        }
        !content.is_lost()
    }

    pub(super) fn payload(
        &mut self,
        plain: &[u8],
        inflated: impl FnMut(&[u8]),
    ) -> Result<(), Violation> {
        self.0.as_mut().map_or(Ok(()), |content| content.payload(plain, inflated))
    }

    pub(super) fn skip(&mut self, len: u64) {
        if let Some(content) = &mut self.0
            && content.is_compressed()
            && len > 0
        {
            content.lose();
        }
    }

    pub(super) fn lose(&mut self) {
        if let Some(content) = &mut self.0 {
            content.lose_message();
        }
    }

    pub(super) fn finish(
        &mut self,
        frames: &Validator,
        inflated: impl FnMut(&[u8]),
    ) -> Result<(), Violation> {
        self.0.as_mut().map_or(Ok(()), |content| content.finish(frames, inflated))
    }
}
