//! The violation: the rule that is broken, and the byte that breaks it.

use crate::{Rule, Violation};

/// A violation: the rule that is broken, and the byte that breaks it. Or no violation, if `rule` is
/// `WSVET_NO_RULE`.
///
/// A violation is an error of the peer, never of the caller. `wsvet_responder_reply_to_violation`
/// writes the Close frame to reply with.
#[repr(C)]
pub struct wsvet_violation {
    /// The offset of the byte that breaks the rule. The first byte of the first frame of this
    /// direction has the offset 0. The offset does not depend on how the stream is cut into chunks.
    pub offset: u64,
    /// The rule that is broken, one of `enum wsvet_rule`. `WSVET_NO_RULE`, which is 0, means that
    /// no rule is broken.
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
    /// Returns the violation as the type of the crate, or `None` if no rule is broken.
    pub(super) fn read(&self) -> Option<Violation> {
        Rule::from_number(self.rule).map(|rule| Violation { offset: self.offset, rule })
    }
}
