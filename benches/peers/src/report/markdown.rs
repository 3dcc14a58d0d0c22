//! Tables of the best times in Markdown, with the fastest peer that judges all that a
//! row needs.

use super::{MARK_SAYS, best, is_marked, ns_per_frame, ratio};
use crate::measure::{Row, Table};

/// Prints them.
pub fn markdown(tables: &[Table]) {
    for table in tables {
        println!("### {}\n\n{}\n", table.kind.name, table.kind.says);
        let (upper, lower) = table.kind.head;
        let mut heads = vec!["work".into(), "wsvet, ns/frame".into()];
        heads.extend(table.contenders.iter().skip(1).map(|about| about.name.into()));
        heads.push(format!("{upper} {lower}"));
        heads.push("fastest peer that judges all that the row needs".into());
        line(&heads);
        println!("|---|{}---|", "---:|".repeat(heads.len() - 2));
        for row in &table.rows {
            if let Some(cells) = cells(table, row) {
                line(&cells);
            }
        }
        println!();
        let marked = |row: &Row| table.contenders.iter().any(|about| is_marked(row, about));
        if table.rows.iter().any(marked) {
            println!("{}\n", MARK_SAYS.replace('*', "\\*"));
        }
    }
}

fn line(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}

fn cells(table: &Table, row: &Row) -> Option<Vec<String>> {
    let ours = best(row.times[0].as_ref().ok()?);
    let mut cells = vec![row.name.into(), format!("{:.1}", ns_per_frame(row, ours))];
    let others = || table.contenders.iter().zip(&row.times).skip(1);
    cells.extend(others().map(|(about, times)| match times {
        Ok(times) => ratio(row, about, ours, best(times)).replace('*', "\\*"),
        Err(_) => "-".into(),
    }));
    cells.push(format!("{:.2}", best(&row.bound) / ours));
    let fastest = others()
        .filter(|(about, _)| about.package != "wsvet" && about.judges.covers(row.needs))
        .filter_map(|(about, times)| Some((about, best(times.as_ref().ok()?))))
        .min_by(|(_, one), (_, other)| one.total_cmp(other));
    cells.push(fastest.map_or("-".into(), |(about, theirs)| {
        format!("{} {}", about.name, ratio(row, about, ours, theirs))
    }));
    Some(cells)
}
