//! One JSON object a line: each contender and the bound with each work.

use std::time::Duration;

use serde_json::json;

use crate::measure::{Row, Table, Times};
use crate::versions;

/// Prints them.
pub fn json(tables: &[Table]) {
    for table in tables {
        for row in &table.rows {
            for (about, times) in table.contenders.iter().zip(&row.times) {
                let version = versions::of(about.package);
                let judges_text = Some(about.judges.text);
                line(table, row, about.name, version, about.interface, judges_text, times);
            }
            line(table, row, "bound", "", table.kind.bound, None, &Ok(row.bound));
        }
    }
}

fn line(
    table: &Table,
    row: &Row,
    name: &str,
    version: &str,
    interface: &str,
    judges_text: Option<bool>,
    times: &Result<Times, String>,
) {
    let per_frame = |time: Duration| {
        let picoseconds = time.as_secs_f64() * 1e12 / row.frames as f64;
        picoseconds.round() / 1e3
    };
    let line = json!({
        "kind": table.kind.name,
        "workload": row.name,
        "frames": row.frames,
        "bytes": row.bytes,
        "rounds": row.rounds,
        "name": name,
        "version": version,
        "interface": interface,
        "judges_text": judges_text,
        "best_ns_per_frame": times.as_ref().ok().map(|times| per_frame(times.best)),
        "median_ns_per_frame": times.as_ref().ok().map(|times| per_frame(times.median)),
        "reason": times.as_ref().err(),
    });
    println!("{line}");
}
