//! A text that was pasted, and the bytes that it stands for.

/// The most bytes that a text may stand for, and that a text may have.
pub const BOUND: usize = 256 << 20;

/// The bytes of a text, and how they were written.
#[derive(Debug, PartialEq, Eq)]
pub struct Pasted {
    /// The notation, for people.
    pub notation: String,
    /// The bytes, in order: one block for each dump, array or labelled line.
    pub blocks: Vec<Vec<u8>>,
    /// What was left out, one phrase each.
    pub notes: Vec<String>,
}

impl Pasted {
    pub(super) fn one(notation: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { notation: notation.into(), blocks: vec![bytes], notes: Vec::new() }
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

/// A text without what surrounds a paste: fences, quote marks and line ends.
pub(super) struct Text<'a> {
    /// The numbers and the contents of the lines.
    pub(super) lines: Vec<(usize, &'a str)>,
}

impl<'a> Text<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        let is_fence = |line: &str| line.starts_with("```") || line.starts_with("~~~");
        let mut lines: Vec<_> = lines.filter(|(_, line)| !is_fence(line.trim_start())).collect();
        let quoted =
            |(_, line): &(usize, &str)| line.is_empty() || line.starts_with("> ") || *line == ">";
        if lines.iter().all(quoted) {
            for (_, line) in &mut lines {
                *line = line
                    .strip_prefix('>')
                    .map_or(*line, |rest| rest.strip_prefix(' ').unwrap_or(rest));
            }
        }
        Self { lines }
    }

    /// Returns all lines as one text, without the white space and the backticks around it.
    pub(super) fn joined(&self) -> String {
        let lines: Vec<&str> = self.lines.iter().map(|(_, line)| *line).collect();
        lines.join("\n").trim().trim_matches('`').trim().to_owned()
    }
}
