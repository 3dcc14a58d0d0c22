//! Renders the original text of the RFC sections that define the rules.

use std::collections::BTreeSet;

use maud::{Markup, html};
use wsvet::{Lapse, Rule};

/// A section: the number of the RFC, and the number of the section.
pub(super) type Section = (u16, &'static str);

const RFC_6455: &str = include_str!("rfc6455.txt");
const RFC_7692: &str = include_str!("rfc7692.txt");

/// Returns the section that defines a rule.
pub(super) fn of(rule: Rule) -> Section {
    (rule.rfc(), rule.section())
}

/// Returns the section that states a duty.
pub(super) fn of_lapse(lapse: Lapse) -> Section {
    (lapse.rfc(), lapse.section())
}

/// Returns the anchor of a section on the page.
pub(super) fn anchor((rfc, number): Section) -> String {
    format!("rfc{rfc}-{number}")
}

/// Renders a link to the text of a section.
pub(super) fn link(section: Section) -> Markup {
    let (rfc, number) = section;
    html! { a href={ "#" (anchor(section)) } { "RFC " (rfc) " §" (number) } }
}

/// Renders the text of these sections.
pub(super) fn texts(sections: &BTreeSet<Section>) -> Markup {
    html! {
        @if !sections.is_empty() {
            section.rfc {
                h2 { "What the RFC says" }
                @for section in sections {
                    article id=(anchor(*section)) {
                        pre tabindex="0" { (text(*section).unwrap_or("")) }
                    }
                }
                p.note {
                    "From RFC 6455, © 2011, and RFC 7692, © 2015, IETF Trust and the persons \
                     identified as the document authors."
                }
            }
        }
    }
}

/// Returns the text of a section, from its heading to the next heading.
fn text((rfc, number): Section) -> Option<&'static str> {
    let text = if rfc == 6455 { RFC_6455 } else { RFC_7692 };
    let heading = |line: &str| line.starts_with(|c: char| c.is_ascii_digit());
    let starts = text.match_indices('\n').map(|(at, _)| at + 1);
    let mut headings = std::iter::once(0).chain(starts).filter(|start| heading(&text[*start..]));
    let start = headings.by_ref().find(|start| {
        text[*start..].strip_prefix(number).is_some_and(|rest| rest.starts_with(".  "))
    })?;
    Some(text[start..headings.next().unwrap_or(text.len())].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_the_text_of_its_section() {
        let rules = Rule::ALL.iter().map(|rule| of(*rule));
        for section in rules.chain(Lapse::ALL.iter().map(|lapse| of_lapse(*lapse))) {
            let text = text(section).unwrap_or_default();
            assert!(text.starts_with(section.1) && text.len() > 100, "{section:?}");
            let headings = text.lines().filter(|line| line.starts_with(char::is_numeric));
            assert_eq!(headings.count(), 1, "{section:?}");
        }
    }
}
