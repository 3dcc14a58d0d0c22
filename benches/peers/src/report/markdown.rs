//! One table of the best times in Markdown, for a README: with the fastest peer that judges all
//! that a row needs, and the fastest of all.

use super::{best, is_marked, ns_per_frame};
use crate::contender::About;
use crate::measure::{Row, Table};

/// Prints it.
pub fn markdown(tables: &[Table]) {
    let heads =
        ["work", "wsvet, ns", "fastest that judges as much", "fastest of all", "of the bound"];
    line(&heads.map(Into::into));
    println!("|---|---:|---:|---:|---:|");
    for table in tables {
        for row in &table.rows {
            if let Some(cells) = cells(table, row) {
                line(&cells);
            }
        }
    }
}

fn line(cells: &[String; 5]) {
    println!("| {} |", cells.join(" | "));
}

fn cells(table: &Table, row: &Row) -> Option<[String; 5]> {
    let ours = best(row.times[0].as_ref().ok()?);
    let fastest = |of: &dyn Fn(&About) -> bool| {
        let peers = table.contenders.iter().zip(&row.times);
        let fastest = peers
            .filter(|(about, _)| about.package != "wsvet" && of(about))
            .filter_map(|(about, times)| Some((about, best(times.as_ref().ok()?))))
            .min_by(|(_, one), (_, other)| one.total_cmp(other));
        fastest.map_or("-".into(), |(about, theirs)| {
            let mark = if is_marked(row, about) { "\\*" } else { "" };
            format!("{:.2}x{mark} {}", theirs / ours, about.name)
        })
    };
    Some([
        format!("{}: {}", table.kind.name, row.name),
        format!("{:.1}", ns_per_frame(row, ours)),
        fastest(&|about| about.judges.covers(row.needs)),
        fastest(&|_| true),
        format!("{:.2}", best(&row.bound) / ours),
    ])
}
