//! What came of a case.

use std::time::Duration;

use wsvet::generate::Level;

/// What came of a case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    /// The peer did what was due.
    Pass,
    /// The peer did not do what was due.
    Fail(Level),
    /// It cannot be said whether the peer did what was due.
    Inconclusive,
    /// The case was not run.
    Skipped,
}

impl Outcome {
    /// Returns the name: `pass`, `fail`, `inconclusive` or `skipped`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Skipped => "skipped",
        }
    }
}

/// One run of a case, or several of one that fails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ran {
    /// What came of it.
    pub outcome: Outcome,
    /// What was due, at the step that decided.
    pub due: String,
    /// What the peer did, or the reason why nothing can be said.
    pub got: String,
    /// The rule that the peer broke itself, by its id.
    pub broken: Option<&'static str>,
    /// What the case sent.
    pub sent: Log,
    /// What the peer sent.
    pub received: Log,
    /// How long it took.
    pub took: Duration,
}

impl Ran {
    /// Creates the outcome of a case that is not run, for this reason.
    #[must_use]
    pub fn without(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self {
            outcome,
            due: String::new(),
            got: reason.into(),
            broken: None,
            sent: Log::default(),
            received: Log::default(),
            took: Duration::ZERO,
        }
    }
}

/// The first bytes of one direction after the opening handshake, and how many there were.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Log {
    first: Vec<u8>,
    len: u64,
}

impl Log {
    /// The most bytes that are kept.
    const MOST: usize = 256;

    /// Adds bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        let room = Self::MOST.saturating_sub(self.first.len());
        self.first.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.len += bytes.len() as u64;
    }

    /// Returns the number of bytes.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Returns whether there were no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the first bytes, at most `most`, in hexadecimal digits, and how many more there were.
    #[must_use]
    pub fn hex(&self, most: usize) -> (String, u64) {
        let shown = &self.first[..self.first.len().min(most)];
        let digits = shown.iter().map(|byte| format!("{byte:02x}")).collect();
        (digits, self.len - shown.len() as u64)
    }
}
