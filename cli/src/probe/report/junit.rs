//! A report in the format of JUnit, which the pages of build servers show.

use std::io::{self, Write};

use maud::html;

use super::{Record, Report, Tally, bytes, heading, sent};
use crate::probe::outcome::Outcome;

/// The most bytes of one direction in a failure.
const MOST: usize = 128;

/// Writes the report. Failures of quality, and those that are known, are skipped cases.
///
/// # Errors
///
/// Any error of the writer.
pub fn junit(report: &Report<'_>, strict: bool, out: &mut impl Write) -> io::Result<()> {
    let tally = Tally::of(&report.records);
    let failures = report.records.iter().filter(|record| fails(record, strict)).count();
    let skipped = tally.all() - tally.passed - failures;
    let markup = html! {
        testsuites {
            testsuite name=(format!("wsvet probe {}", report.url)) tests=(tally.all())
                failures=(failures) skipped=(skipped) time=(report.took.as_secs_f64()) {
                @for record in &report.records {
                    @let (family, name) = record.case.id.split_once('/').unwrap_or_default();
                    testcase classname=(family) name=(name) time=(record.ran.took.as_secs_f64()) {
                        @if fails(record, strict) {
                            failure type=(record.level()) message=(record.ran.got) {
                                (told(record))
                            }
                        } @else if record.ran.outcome != Outcome::Pass {
                            skipped message=(reason(record)) {}
                        }
                    }
                }
            }
        }
    };
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", clean(&markup.into_string()))
}

fn fails(record: &Record<'_>, strict: bool) -> bool {
    let alone = Record { case: record.case, ran: record.ran.clone(), known: record.known };
    Tally::of(&[alone]).fails(strict)
}

fn reason(record: &Record<'_>) -> String {
    match record.ran.outcome {
        Outcome::Fail(level) => {
            let known = if record.known { "known: " } else { "" };
            format!("{known}{}: {}", heading(level), record.ran.got)
        }
        _ => format!("{}: {}", record.ran.outcome.name(), record.ran.got),
    }
}

fn told(record: &Record<'_>) -> String {
    let Record { case, ran, .. } = record;
    format!(
        "{} ({})\nsent: {}\ndue: {}\ngot: {}\nreceived: {}\n",
        case.title,
        record.section(),
        sent(record, MOST),
        ran.due,
        ran.got,
        bytes(&ran.received, MOST),
    )
}

/// Replaces what XML cannot have.
fn clean(text: &str) -> String {
    let allowed = |character: char| {
        matches!(character, '\t' | '\n' | '\r' | ' '..)
            && !matches!(character, '\u{FFFE}' | '\u{FFFF}')
    };
    text.chars().map(|character| if allowed(character) { character } else { '\u{FFFD}' }).collect()
}
