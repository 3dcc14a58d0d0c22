//! A substitute for `compressed` without the feature `deflate`. It inflates nothing.

use crate::{Header, RuleSet, Validator, Violation};

#[derive(Debug)]
pub(super) struct Compressed;

#[allow(clippy::unused_self)] // the signatures are those of `compressed`
impl Compressed {
    pub(super) const NONE: Self = Self;

    pub(super) const fn begin(&mut self, _: &Validator, _: &Header, _: RuleSet) -> bool {
        false
    }

    pub(super) fn payload(
        &mut self,
        _: &[u8],
        _inflated: impl FnMut(&[u8]),
    ) -> Result<(), Violation> {
        Ok(())
    }

    pub(super) const fn skip(&mut self, _: u64) {}

    pub(super) const fn lose(&mut self) {}

    pub(super) fn finish(
        &mut self,
        _: &Validator,
        _inflated: impl FnMut(&[u8]),
    ) -> Result<(), Violation> {
        Ok(())
    }
}
