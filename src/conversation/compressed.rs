//! The compressed messages of a direction, inflated and judged if that was asked for.

use crate::deflate::{Content, Parameters};
use crate::{Header, Policy, Rule, RuleSet, Validator, Violation};

/// The judge of what compressed messages hold; `None` if nothing is inflated.
#[derive(Debug)]
pub(super) struct Compressed(Option<Content>);

impl Compressed {
    pub(super) const NONE: Self = Self(None);

    pub(super) fn new(policy: Policy, parameters: Parameters) -> Self {
        Self(Some(Content::new(policy, parameters)))
    }

    /// Takes a header after `frames` has judged it, and returns whether the content of a compressed
    /// message is judged from here on.
    pub(super) fn begin(&mut self, frames: &Validator, header: &Header, broken: RuleSet) -> bool {
        let Some(content) = &mut self.0 else { return false };
        content.begin(frames, header);
        // What its payload means is unknown, or what it does to the message that is open.
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

    pub(super) fn finish(
        &mut self,
        frames: &Validator,
        inflated: impl FnMut(&[u8]),
    ) -> Result<(), Violation> {
        self.0.as_mut().map_or(Ok(()), |content| content.finish(frames, inflated))
    }
}
