//! A rule that was broken, and at which byte.

use crate::{Rule, Violation};

/// A rule that was broken, and at which byte; or that none was.
///
/// It is the peer's fault, never the caller's. `wsvet_responder_reply_to_violation` writes the Close frame to
/// answer with.
#[repr(C)]
pub struct wsvet_violation {
    /// The byte that breaks the rule, counted from 0 at the first byte of the first frame of this
    /// direction. It is the same however the stream was cut into chunks.
    pub offset: u64,
    /// The rule that is broken, one of `enum wsvet_rule`: `WSVET_NO_RULE`, which is 0, where none
    /// is.
    pub rule: u8,
}

impl From<Result<(), Violation>> for wsvet_violation {
    fn from(judged: Result<(), Violation>) -> Self {
        match judged {
            Ok(()) => Self { offset: 0, rule: 0 },
            Err(Violation { offset, rule }) => Self { offset, rule: rule.number() },
        }
    }
}

impl wsvet_violation {
    /// The crate's own, if a rule is broken.
    pub(super) fn read(&self) -> Option<Violation> {
        Rule::from_number(self.rule).map(|rule| Violation { offset: self.offset, rule })
    }
}
