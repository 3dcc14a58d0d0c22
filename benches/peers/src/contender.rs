//! Everybody who is measured, behind one type, and what a reader must know of them.

use std::time::Duration;

/// What a reader must know of a peer to read its figures.
#[derive(Clone, Copy)]
pub struct About {
    /// The column's name.
    pub name: &'static str,
    /// The package.
    pub package: &'static str,
    /// The interface that is used.
    pub interface: &'static str,
    /// What it does with a frame.
    pub does: &'static str,
    /// What it does less or more than wsvet.
    pub differs: &'static str,
    /// Which of the larger groups of rules it judges, in this interface, to the last rule.
    pub judges: Judges,
}

/// The groups of rules that tell the peers apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Judges {
    /// All that one header shows: RSV, opcodes, masks, minimal lengths and control frames.
    pub headers: bool,
    /// The order of fragments.
    pub fragments: bool,
    /// The UTF-8 of text messages.
    pub text: bool,
}

impl Judges {
    /// None of them.
    pub const NOTHING: Self = Self { headers: false, fragments: false, text: false };

    /// The headers, and nothing behind them.
    pub const HEADERS: Self = Self { headers: true, ..Self::NOTHING };

    /// All of them.
    pub const ALL: Self = Self { headers: true, fragments: true, text: true };

    /// Whether this is all that is needed.
    pub fn covers(self, needed: Self) -> bool {
        (self.headers || !needed.headers)
            && (self.fragments || !needed.fragments)
            && (self.text || !needed.text)
    }
}

/// A peer whose type is forgotten, so that all who do a kind of work fit in one list.
pub struct Contender<W> {
    /// What it is.
    pub about: About,
    check: fn(&W) -> Result<(), String>,
    time: fn(&W) -> Duration,
}

impl<W> Contender<W> {
    /// A peer, by what it does with the work.
    pub fn new(
        about: About,
        check: fn(&W) -> Result<(), String>,
        time: fn(&W) -> Duration,
    ) -> Self {
        Self { about, check, time }
    }

    /// Whether it takes the work, and gives what must come out of it.
    pub fn check(&self, work: &W) -> Result<(), String> {
        (self.check)(work)
    }

    /// How long it takes for the work, once.
    pub fn time(&self, work: &W) -> Duration {
        (self.time)(work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_judges_all_covers_any_need() {
        for needed in [Judges::NOTHING, Judges::HEADERS, Judges::ALL] {
            assert!(Judges::ALL.covers(needed));
            assert_eq!(Judges::NOTHING.covers(needed), needed == Judges::NOTHING);
        }
        assert!(!Judges::HEADERS.covers(Judges { fragments: true, ..Judges::NOTHING }));
        assert!(!Judges::HEADERS.covers(Judges { text: true, ..Judges::NOTHING }));
    }
}
