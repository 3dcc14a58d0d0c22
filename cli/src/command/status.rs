//! The exit status of the tool.

use std::process::ExitCode;

/// The result of a command.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// No rule is broken, or the command judges nothing.
    Fine = 0,
    /// At least one rule is broken, or a duty was neglected.
    Broken = 1,
    /// Wrong usage, or input that cannot be judged.
    Unusable = 2,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}
