//! The failures of an earlier run, which are known.

use std::collections::BTreeMap;

use serde::Deserialize;
use wsvet::generate::Level;

/// The failures of an earlier run.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    failures: BTreeMap<String, Level>,
}

#[derive(Deserialize)]
struct Line {
    event: String,
    id: Option<String>,
    outcome: Option<String>,
    level: Option<String>,
}

impl Baseline {
    /// Reads the output of `--json`.
    ///
    /// # Errors
    ///
    /// What is wrong with the first line that is no output of `--json`.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut failures = BTreeMap::new();
        let mut cases = 0;
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let Line { event, id, outcome, level } = serde_json::from_str(line)
                .map_err(|error| format!("line {}: {error}", index + 1))?;
            if event != "case" {
                continue;
            }
            cases += 1;
            if outcome.as_deref() != Some("fail") {
                continue;
            }
            let named = |known: &Level| level.as_deref() == Some(known.name());
            let level = [Level::Must, Level::Should, Level::Quality].into_iter().find(named);
            let (Some(id), Some(level)) = (id, level) else {
                return Err(format!("line {}: a failure without an id or a level", index + 1));
            };
            failures.insert(id, level);
        }
        match cases {
            0 => Err("there is no case in it: write it with --json".to_owned()),
            _ => Ok(Self { failures }),
        }
    }

    /// Returns whether the failure of a case is known, and was at least as grave.
    #[must_use]
    pub fn has(&self, id: &str, level: Level) -> bool {
        self.failures.get(id).is_some_and(|known| *known <= level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_known_if_it_was_as_grave() {
        let text = r#"{"event":"server","url":"ws://x/"}
            {"event":"case","id":"a/b","outcome":"fail","level":"should"}
            {"event":"case","id":"a/c","outcome":"pass","level":"must"}
            {"event":"summary"}"#;
        let known = Baseline::read(text).unwrap();
        assert!(known.has("a/b", Level::Should) && known.has("a/b", Level::Quality));
        assert!(!known.has("a/b", Level::Must) && !known.has("a/c", Level::Must));
        assert!(Baseline::read("").is_err() && Baseline::read("x").is_err());
    }
}
