//! A text that was pasted, and the bytes that it stands for.

use wsvet::Role;

/// The bytes of a text, and how they were written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pasted {
    /// The notation, for people.
    pub notation: String,
    /// The bytes, in order: one block for each dump, array or labelled line.
    pub blocks: Vec<Vec<u8>>,
    /// Who sent each block, if the labels name both endpoints. Otherwise empty.
    pub senders: Vec<Role>,
    /// What was left out, one phrase each.
    pub notes: Vec<String>,
}

impl Pasted {
    pub(super) fn one(notation: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { notation: notation.into(), blocks: vec![bytes], ..Self::default() }
    }

    /// Returns the bytes that an endpoint sent, if the labels name both.
    pub(crate) fn of(&self, sender: Role) -> Vec<u8> {
        let blocks = self.blocks.iter().zip(&self.senders);
        blocks.filter(|(_, of)| **of == sender).flat_map(|(bytes, _)| bytes).copied().collect()
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> usize {
        self.blocks.iter().map(Vec::len).sum()
    }

    /// Returns whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A text without what surrounds a paste: quote marks and line ends.
pub(super) struct Text<'a> {
    /// The numbers and the contents of the lines.
    pub(super) lines: Vec<(usize, &'a str)>,
    /// The most bytes that a text may stand for.
    pub(super) most: u64,
}

impl<'a> Text<'a> {
    pub(super) fn new(text: &'a str, most: u64) -> Self {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        let mut lines: Vec<_> = lines.collect();
        let quoted =
            |(_, line): &(usize, &str)| line.is_empty() || line.starts_with("> ") || *line == ">";
        if lines.iter().all(quoted) {
            for (_, line) in &mut lines {
                *line = line
                    .strip_prefix('>')
                    .map_or(*line, |rest| rest.strip_prefix(' ').unwrap_or(rest));
            }
        }
        Self { lines, most }
    }

    /// Returns all lines as one text, without the white space and the backticks around it.
    pub(super) fn joined(&self) -> String {
        let lines: Vec<&str> = self.lines.iter().map(|(_, line)| *line).collect();
        lines.join("\n").trim().trim_matches('`').trim().to_owned()
    }

    /// Returns the line and the column of a word, after `skipped` others like it.
    pub(super) fn find(&self, word: &str, skipped: usize) -> Option<(usize, usize)> {
        let part = |c: char| c.is_alphanumeric() || c == '_';
        let mut found = self.lines.iter().flat_map(|(number, line)| {
            let whole = move |at: &usize| {
                !line[..*at].ends_with(part) && !line[at + word.len()..].starts_with(part)
            };
            let places = line.match_indices(word).map(|(at, _)| at).filter(whole);
            places.map(|at| (*number, line[..at].chars().count() + 1))
        });
        found.nth(skipped)
    }
}
