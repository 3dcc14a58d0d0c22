//! Finds the fenced blocks of Markdown in a text.

use std::ops::Range;

/// The fenced blocks of a text that has some. Blocks without a character are left out.
pub(super) struct Fences<'a> {
    lines: Vec<&'a str>,
    /// The lines of each block, without its fences, counted from 0.
    pub(super) blocks: Vec<Range<usize>>,
}

impl<'a> Fences<'a> {
    /// Finds the blocks. Returns `None` if no line is a fence.
    pub(super) fn new(text: &'a str) -> Option<Self> {
        let mut lines: Vec<&str> = text.lines().collect();
        let (mut blocks, mut open) = (Vec::new(), None);
        let mut fences = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            let Some((mark, len, info)) = fence(line) else { continue };
            match open {
                None => open = Some((index + 1, mark, len)),
                Some((start, opened, least)) if mark == opened && len >= least && !info => {
                    blocks.push(start..index);
                    open = None;
                }
                Some(_) => continue,
            }
            fences.push(index);
        }
        // A block that is not closed goes on to the end.
        blocks.extend(open.map(|(start, ..)| start..lines.len()));
        for fence in &fences {
            lines[*fence] = "";
        }
        blocks.retain(|block| lines[block.clone()].iter().any(|line| !line.trim().is_empty()));
        (!fences.is_empty()).then_some(Self { lines, blocks })
    }

    /// Returns the text with empty lines for those outside these, so that the numbers of the lines stay.
    pub(super) fn only(&self, kept: &Range<usize>) -> String {
        let lines = self.lines.iter().enumerate();
        let lines = lines.map(|(index, line)| if kept.contains(&index) { line } else { "" });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Returns the text without the fences.
    pub(super) fn all(&self) -> String {
        self.only(&(0..self.lines.len()))
    }

    /// Returns whether there is text outside these lines.
    pub(super) fn has_more(&self, kept: &Range<usize>) -> bool {
        let mut lines = self.lines.iter().enumerate();
        lines.any(|(index, line)| !kept.contains(&index) && !line.trim().is_empty())
    }
}

/// Returns the mark of a fence, how often it stands there, and whether words follow it.
fn fence(line: &str) -> Option<(char, usize, bool)> {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || c == '>');
    let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let info = line.trim_start_matches(mark);
    let len = line.len() - info.len();
    // Backticks after backticks are code in a line.
    (len >= 3 && !info.contains('`')).then_some((mark, len, !info.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_begin_and_end_as_in_markdown() {
        let blocks = |text: &str| {
            let ends = |block: &Range<usize>| (block.start, block.end);
            Fences::new(text).map(|fences| fences.blocks.iter().map(ends).collect::<Vec<_>>())
        };
        assert_eq!(blocks("81 05"), None);
        assert_eq!(blocks("```81 05```"), None);
        assert_eq!(blocks("a\n```\n81\n```\nb"), Some(vec![(2, 3)]));
        assert_eq!(blocks("> ```hex\n> 81\n> ```"), Some(vec![(1, 2)]));
        assert_eq!(blocks("~~~\n```\n~~~~\n````\n81\n```\n````"), Some(vec![(1, 2), (4, 6)]));
        assert_eq!(blocks("a\n```\n81\n05"), Some(vec![(2, 4)]));
        assert_eq!(blocks("81\n```\n"), Some(vec![]));
        assert_eq!(Fences::new("a\n```\n81\n```\nb").unwrap().only(&(2..3)), "\n\n81\n\n");
    }
}
