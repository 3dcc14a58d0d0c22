//! Tables for a terminal, and what each peer does.

use super::{MARK_SAYS, best, is_marked, median, ns_per_frame, ratio};
use crate::contender::About;
use crate::measure::{Row, Table, Times};
use crate::versions;

/// Prints, for each kind of work, a table of the best times and one of the medians, and what each
/// peer does.
pub fn text(tables: &[Table]) {
    println!("What wsvet takes for a frame, how many times as long each peer takes for the same,");
    println!("and which part of wsvet's time a loop takes that checks nothing: the bound.");
    for table in tables {
        println!("\n== {} ==\n", table.kind.name);
        paragraph(table.kind.says);
        let rounds = table.rows.iter().map(|row| row.rounds);
        let (least, most) = (rounds.clone().min().unwrap_or(0), rounds.max().unwrap_or(0));
        let rounds = if least < most { format!("{least} to {most}") } else { least.to_string() };
        println!("\nBest of {rounds} rounds:\n");
        figures(table, best);
        println!("\nMedian of {rounds} rounds:\n");
        figures(table, median);
    }
    println!();
    for (i, table) in tables.iter().enumerate() {
        // Both kinds of receiving have the same contenders.
        let names =
            |table: &Table| table.contenders.iter().map(|c| c.interface).collect::<Vec<_>>();
        if tables[..i].iter().all(|earlier| names(earlier) != names(table)) {
            println!("== who does it: {} ==\n", table.kind.name);
            table.contenders.iter().for_each(explain);
        }
        reasons(table);
        println!();
    }
}

/// Prints a text in lines of at most 96 letters.
fn paragraph(text: &str) {
    let mut line = String::new();
    for word in text.split(' ') {
        if line.len() + 1 + word.len() > 96 {
            println!("{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    println!("{line}");
}

fn explain(about: &About) {
    println!("{} {}: {}", about.name, versions::of(about.package), about.interface);
    println!("    {}", about.does);
    println!("    {}", about.differs);
}

/// Prints who could not be measured, and why.
fn reasons(table: &Table) {
    for (i, about) in table.contenders.iter().enumerate() {
        let mut left: Vec<(&str, &str)> = table
            .rows
            .iter()
            .filter_map(|row| Some((row.name, row.times[i].as_ref().err()?.as_str())))
            .collect();
        while let Some(&(_, reason)) = left.first() {
            let names: Vec<_> =
                left.iter().filter(|(_, other)| *other == reason).map(|(name, _)| *name).collect();
            println!("{} does not take {}: {reason}", about.name, names.join(", "));
            left.retain(|(_, other)| *other != reason);
        }
    }
    for (name, reason) in table.kind.absent {
        println!("not measured with {}: {name}: {reason}", table.kind.name);
    }
}

fn figures(table: &Table, seconds: impl Fn(&Times) -> f64) {
    let (_, others) = table.contenders.split_first().expect("wsvet is the first");
    let mut heads: Vec<_> = others.iter().map(|about| head(about.name)).collect();
    heads.push(table.kind.head);
    let rows: Vec<_> =
        table.rows.iter().map(|row| cells(row, &table.contenders, &seconds)).collect();
    let width = |column: usize| {
        let (upper, lower) = heads[column];
        let cells = rows.iter().map(|cells| cells[column + 1].len());
        cells.chain([upper.len(), lower.len()]).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..heads.len()).map(width).collect();
    let line = |name: &str, ours: &str, cells: &[&str]| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("  {cell:>width$}"));
        println!("{name:<17}{ours:>9}{}", cells.collect::<String>());
    };
    let (upper, lower): (Vec<_>, Vec<_>) = heads.iter().copied().unzip();
    line("", "wsvet", &upper);
    line("", "ns/frame", &lower);
    for (row, cells) in table.rows.iter().zip(&rows) {
        let cells: Vec<_> = cells.iter().map(String::as_str).collect();
        line(row.name, cells[0], &cells[1..]);
    }
    let marked = |row: &Row| table.contenders.iter().any(|about| is_marked(row, about));
    if table.rows.iter().any(marked) {
        println!("{MARK_SAYS}");
    }
}

/// What wsvet takes, how that compares for each peer, and the bound's part.
fn cells(row: &Row, contenders: &[About], seconds: impl Fn(&Times) -> f64) -> Vec<String> {
    let Ok(ours) = &row.times[0] else {
        return vec!["-".into(); contenders.len() + 1];
    };
    let ours = seconds(ours);
    let mut cells = vec![format!("{:.1}", ns_per_frame(row, ours))];
    for (about, times) in contenders.iter().zip(&row.times).skip(1) {
        cells.push(match times {
            Ok(times) => ratio(row, about, ours, seconds(times)),
            Err(_) => "-".into(),
        });
    }
    cells.push(format!("{:.2}", seconds(&row.bound) / ours));
    cells
}

/// The two lines of a column's head: a name is cut at its space, and a long one at its hyphen.
fn head(name: &str) -> (&str, &str) {
    match (name.split_once(' '), name.find('-')) {
        (Some(head), _) => head,
        (None, Some(hyphen)) if name.len() > 10 => name.split_at(hyphen + 1),
        _ => ("", name),
    }
}
