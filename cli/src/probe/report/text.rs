//! The report for people.

use std::io::{self, Write};
use std::time::Duration;

use wsvet::generate::{Case, Level};

use super::{Record, Report, Tally, facts, heading, sent};
use crate::probe::outcome::Outcome;
use crate::report::style::{BAD, CODE, DIM, GOOD, HEADING, options, paragraph, plain, width};

/// The most bytes of one direction in a failure.
const MOST: usize = 24;

/// The most ids that are named of cases that came to the same.
const NAMED: usize = 8;

/// Prints the report.
///
/// # Errors
///
/// Any error of the writer.
pub fn text(report: &Report<'_>, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{HEADING}{}{HEADING:#}", plain(report.url))?;
    paragraph(out, "  ", &plain(&facts(report.found).join("; ")))?;
    for level in [Level::Must, Level::Should, Level::Quality] {
        let is_new =
            |record: &&Record<'_>| record.ran.outcome == Outcome::Fail(level) && !record.known;
        for group in groups(report.records.iter().filter(is_new), same_failure) {
            writeln!(out)?;
            failure(out, level, &group)?;
        }
    }
    let mut first = true;
    for (outcome, name) in [(Outcome::Inconclusive, "inconclusive"), (Outcome::Skipped, "skipped")]
    {
        let is_it = |record: &&Record<'_>| record.ran.outcome == outcome;
        let same = |a: &Record<'_>, b: &Record<'_>| a.ran.got == b.ran.got;
        for group in groups(report.records.iter().filter(is_it), same) {
            if std::mem::take(&mut first) {
                writeln!(out)?;
            }
            let [record, ..] = &group[..] else { continue };
            let ids = names(&group);
            let text = format!("{} {name}: {} ({ids})", group.len(), plain(&record.ran.got));
            wrapped(out, "· ", "  ", &text)?;
        }
    }
    let tally = Tally::of(&report.records);
    let sums = sums(&tally, report.took);
    let (style, mark) = match tally.failed {
        [0, 0, _] => (GOOD, "✓"),
        _ => (BAD, "✗"),
    };
    writeln!(out, "\n{style}{mark}{style:#} {sums}")
}

/// Says how many cases came to what.
pub(super) fn sums(tally: &Tally, took: Duration) -> String {
    let mut text =
        format!("{} cases in {:.1} s: {} passed", tally.all(), took.as_secs_f32(), tally.passed);
    let [must, should, quality] = tally.failed;
    for (count, one, many) in [
        (must, "breaks a MUST", "break a MUST"),
        (should, "breaks a SHOULD", "break a SHOULD"),
        (quality, "could do better", "could do better"),
        (tally.known, "failed as before", "failed as before"),
        (tally.inconclusive, "inconclusive", "inconclusive"),
        (tally.skipped, "skipped", "skipped"),
    ] {
        if count > 0 {
            text += &format!(", {count} {}", if count == 1 { one } else { many });
        }
    }
    text
}

/// Puts records that are the same together, in the order of the first of each.
fn groups<'r, 'a: 'r>(
    records: impl Iterator<Item = &'r Record<'a>>,
    same: impl Fn(&Record<'_>, &Record<'_>) -> bool,
) -> Vec<Vec<&'r Record<'a>>> {
    let mut groups: Vec<Vec<&Record<'_>>> = Vec::new();
    for record in records {
        match groups.iter_mut().find(|group| same(group[0], record)) {
            Some(group) => group.push(record),
            None => groups.push(vec![record]),
        }
    }
    groups
}

/// Whether the peer did the same in cases of the same kind.
fn same_failure(a: &Record<'_>, b: &Record<'_>) -> bool {
    let family = |record: &Record<'_>| record.case.id.split('/').next().map(str::to_owned);
    let told = |record: &Record<'_>| match record.ran.broken {
        Some(_) => String::new(),
        None => record.ran.got.clone(),
    };
    (a.rule(), told(a)) == (b.rule(), told(b)) && (a.rule().is_some() || family(a) == family(b))
}

fn failure(out: &mut impl Write, level: Level, group: &[&Record<'_>]) -> io::Result<()> {
    let [record, others @ ..] = group else { return Ok(()) };
    let Record { case, ran, .. } = record;
    let style = if level == Level::Quality { CODE } else { BAD };
    let rule = record.rule().map_or(String::new(), |rule| format!(", {rule}"));
    let id = &case.id;
    writeln!(out, "{style}✗ {id}{style:#} {}", heading(level))?;
    let rows = [
        ("what", format!("{} ({}{rule})", case.title, record.section())),
        ("says", record.sentence().map_or(String::new(), |sentence| format!("\"{sentence}\""))),
        ("sent", sent(record, MOST)),
        ("due", ran.due.clone()),
        ("got", ran.got.clone()),
    ];
    for (name, text) in rows.into_iter().filter(|(_, text)| !text.is_empty()) {
        wrapped(out, &format!("  {DIM}{name:<5}{DIM:#}"), "       ", &plain(&text))?;
    }
    if !others.is_empty() {
        let text = format!("{} more: {}", others.len(), names(others));
        wrapped(out, &format!("  {DIM}also {DIM:#}"), "       ", &text)?;
    }
    Ok(())
}

fn names(group: &[&Record<'_>]) -> String {
    let named: Vec<_> = group.iter().take(NAMED).map(|record| &*record.case.id).collect();
    let more = if group.len() > NAMED { ", …" } else { "" };
    named.join(", ") + more
}

/// Prints a paragraph whose first line begins with `first`, which is as wide as `indent`.
fn wrapped(out: &mut impl Write, first: &str, indent: &str, text: &str) -> io::Result<()> {
    let columns = width().saturating_sub(indent.len()).max(20);
    for (index, line) in textwrap::wrap(text, options(columns)).iter().enumerate() {
        writeln!(out, "{}{line}", if index == 0 { first } else { indent })?;
    }
    Ok(())
}

/// Prints the cases, one a line.
///
/// # Errors
///
/// Any error of the writer.
pub fn list(cases: &[&Case], out: &mut impl Write) -> io::Result<()> {
    let widest = cases.iter().map(|case| case.id.len()).max().unwrap_or_default();
    for case in cases {
        let stress = if case.stress { ", with --stress" } else { "" };
        let rfc = if case.rfc == 6455 { String::new() } else { format!("RFC {} ", case.rfc) };
        let Case { id, title, level, section, .. } = case;
        writeln!(out, "{id:<widest$}  {title} ({level}, {rfc}§{section}{stress})")?;
    }
    Ok(())
}
