//! A page with all cases.

use std::io::{self, Write};

use maud::{DOCTYPE, html as markup};

use super::{Record, Report, Tally, bytes, facts, heading, sent};
use crate::probe::outcome::Outcome;
use crate::report::html::head;

const STYLE: &str = "\
:root { color-scheme: light dark } \
body { font: 15px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem } \
h1 { font-size: 1.3rem; overflow-wrap: anywhere } h2 { font-size: 1.1rem; margin-top: 2rem } \
code, .mono { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere } \
article { border-left: 3px solid #b3261e; padding: .1rem 0 .1rem .8rem; margin: 1rem 0 } \
article.should { border-color: #b26a00 } article.quality { border-color: #777 } \
dl { display: grid; grid-template-columns: 5rem 1fr; gap: .1rem .8rem; margin: .3rem 0 } \
dt { opacity: .7 } dd { margin: 0; overflow-wrap: anywhere } \
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .15rem .6rem .15rem 0; \
vertical-align: top; border-bottom: 1px solid #8883 } \
.pass { color: #1a7f37 } .fail { color: #b3261e } .inconclusive, .skipped { opacity: .75 }";

/// The most bytes of one direction in a failure.
const MOST: usize = 256;

/// Writes the page.
///
/// # Errors
///
/// Any error of the writer.
pub fn html(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let failures: Vec<_> = failures(&report.records);
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            (head(&format!("wsvet probe {}", report.url), STYLE))
            body {
                h1 { (report.url) }
                p { "The " (report.found.peer.role.name()) " " (facts(report.found).join("; ")) "." }
                p { (super::text::sums(&Tally::of(&report.records), report.took)) }
                @if !failures.is_empty() { h2 { "Failures" } }
                @for record in &failures { (failure(record)) }
                h2 { "All cases" }
                table {
                    thead { tr { th { "case" } th { "what is sent" } th { "RFC" } th { "outcome" } } }
                    tbody {
                        @for record in &report.records {
                            tr {
                                td.mono { (record.case.id) }
                                td { (record.case.title) }
                                td { (record.section()) }
                                td class=(record.ran.outcome.name()) { (outcome(record)) }
                            }
                        }
                    }
                }
                footer { p { "Written by wsvet " (env!("CARGO_PKG_VERSION")) "." } }
            }
        }
    };
    out.write_all(page.into_string().as_bytes())
}

/// The failures, the gravest first.
fn failures<'r, 'a>(records: &'r [Record<'a>]) -> Vec<&'r Record<'a>> {
    let is_failure = |record: &&Record<'_>| matches!(record.ran.outcome, Outcome::Fail(_));
    let mut failures: Vec<_> = records.iter().filter(is_failure).collect();
    failures.sort_by_key(|record| record.level());
    failures
}

fn failure(record: &Record<'_>) -> maud::Markup {
    let Record { case, ran, known } = record;
    markup! {
        article class=(record.level()) {
            strong.mono { (case.id) } " " (heading(record.level()))
            @if *known { " (known)" }
            dl {
                dt { "what" } dd { (case.title) " (" (record.section()) ")" }
                @if let Some(rule) = record.rule() { dt { "rule" } dd { (rule) } }
                dt { "sent" } dd.mono { (sent(record, MOST)) }
                dt { "due" } dd { (ran.due) }
                dt { "got" } dd { (ran.got) }
                dt { "received" } dd.mono { (bytes(&ran.received, MOST)) }
            }
        }
    }
}

fn outcome(record: &Record<'_>) -> String {
    match record.ran.outcome {
        Outcome::Pass => "pass".to_owned(),
        Outcome::Fail(level) => heading(level).to_owned(),
        _ => format!("{}: {}", record.ran.outcome.name(), record.ran.got),
    }
}
