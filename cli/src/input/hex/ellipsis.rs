//! Finds the ellipsis at the end of a text, for which somebody left out bytes.

/// The end of a text that is cut.
pub(super) struct Cut<'a> {
    /// The text before the ellipsis.
    pub(super) shown: &'a str,
    /// What stands after the ellipsis, if anything does.
    left_out: &'a str,
    /// Whether nothing else is in the line of the ellipsis.
    pub(super) alone: bool,
}

impl<'a> Cut<'a> {
    /// Finds the ellipsis. Only words that speak of the rest may follow it.
    pub(super) fn new(text: &'a str) -> Option<Self> {
        const WORDS: [&str; 7] = ["more", "byte", "truncated", "cut", "omitted", "snip", "total"];
        const LONGEST: usize = 40;
        let text = text.trim_end();
        let start = text.len().saturating_sub(2 * LONGEST);
        let tail = (start..text.len()).find_map(|start| text.get(start..))?;
        let at = text.len() - tail.len() + tail.rfind("...").max(tail.rfind('…'))?;
        let after = text[at..].trim_start_matches(['.', '…']);
        let left_out = after.trim_matches(|c: char| c.is_whitespace() || "()[]<>".contains(c));
        let lower = left_out.to_lowercase();
        let told = lower.is_empty() || WORDS.iter().any(|word| lower.contains(word));
        let brackets = after.trim().len() - left_out.len();
        let before = text[..at].trim_end_matches('.').trim_end_matches([' ', '\t']);
        // A bracket that is open before the ellipsis belongs to it.
        let opened = before.strip_suffix(['[', '(', '<']).filter(|_| brackets == 1);
        let shown = opened.unwrap_or(before).trim_end_matches([' ', '\t']);
        let fits = !after.contains('\n') && after.len() <= LONGEST && told;
        let whole = opened.is_some() || brackets == 0 || after.trim().starts_with(['(', '[', '<']);
        (fits && whole && !shown.trim().is_empty()).then(|| Self {
            shown,
            left_out,
            alone: shown.ends_with(['\n', '\r']),
        })
    }

    /// Returns the note about it.
    pub(super) fn note(&self) -> String {
        let what = if self.left_out.is_empty() { "the rest" } else { self.left_out };
        format!("the text ends with an ellipsis: whoever wrote it left out {what}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_ellipsis_at_the_end_is_one() {
        let cut =
            |text: &'static str| Cut::new(text).map(|cut| (cut.shown, cut.left_out, cut.alone));
        assert_eq!(cut("81 05 ..."), Some(("81 05", "", false)));
        assert_eq!(cut("81 05…\n"), Some(("81 05", "", false)));
        assert_eq!(cut("8105.... (truncated)"), Some(("8105", "truncated", false)));
        assert_eq!(cut("81 05 ... 258 more bytes"), Some(("81 05", "258 more bytes", false)));
        assert_eq!(cut("81 05 [...]"), Some(("81 05", "", false)));
        assert_eq!(cut("81 05\n..."), Some(("81 05\n", "", true)));
        assert_eq!(cut("81 05 ... 48 65"), None);
        assert_eq!(cut("[0x81, ...]"), None);
        assert_eq!(cut("... 81"), None);
        assert_eq!(cut("..."), None);
        assert_eq!(cut("81 05 .."), None);
        assert_eq!(cut("81 05 ... more\nbytes"), None);
    }
}
