//! What was measured, as tables for people and as JSON for programs.

use std::time::Duration;

use serde_json::json;

use crate::measure::{Row, Times};
use crate::peers::Contender;
use crate::versions;

/// Prints a table of the best times and one of the medians, and what each peer does.
pub fn tables(peers: &[Contender], rows: &[Row], rounds: usize) {
    println!(
        "What wsvet takes for a frame, how many times as long each peer takes for the same bytes,\n\
         and which part of wsvet's time a loop takes that unmasks and checks nothing.\n"
    );
    println!("Best of {rounds} rounds:\n");
    table(peers, rows, |times| times.best.as_secs_f64());
    println!("\nMedian of {rounds} rounds:\n");
    table(peers, rows, |times| times.median.as_secs_f64());
    println!();
    for peer in peers {
        let about = peer.about;
        println!("{} {}: {}", about.name, versions::of(about.package), about.interface);
        println!("    {}", about.does);
        println!("    {}", about.differs);
    }
    for (row, peer, reason) in failures(peers, rows) {
        println!("{} does not take {}: {reason}", peer.about.name, row.workload);
    }
}

fn table(peers: &[Contender], rows: &[Row], seconds: impl Fn(&Times) -> f64) {
    let (_, others) = peers.split_first().expect("wsvet is the first");
    let mut heads: Vec<_> = others.iter().map(|peer| head(peer.about.name)).collect();
    heads.push(("of the", "bound"));
    let widths: Vec<_> = heads.iter().map(|(upper, lower)| upper.len().max(lower.len())).collect();
    print!("{:<18}{:>9}", "", "wsvet");
    for ((upper, _), width) in heads.iter().zip(&widths) {
        print!("  {upper:>width$}");
    }
    print!("\n{:<18}{:>9}", "", "ns/frame");
    for ((_, lower), width) in heads.iter().zip(&widths) {
        print!("  {lower:>width$}");
    }
    println!();
    for row in rows {
        print!("{:<18}", row.workload);
        let Ok(ours) = &row.times[0] else {
            println!("{:>9}", "-");
            continue;
        };
        let ours = seconds(ours);
        print!("{:>9.1}", ours * 1e9 / row.frames as f64);
        let ratios = row.times[1..].iter().map(|times| match times {
            Ok(times) => format!("{:.2}x", seconds(times) / ours),
            Err(_) => "-".into(),
        });
        let bound = format!("{:.2}", seconds(&row.bound) / ours);
        for (cell, width) in ratios.chain([bound]).zip(&widths) {
            print!("  {cell:>width$}");
        }
        println!();
    }
}

/// The two lines of a column's head: a name is cut at its space, and a long one at its hyphen.
fn head(name: &str) -> (&str, &str) {
    match (name.split_once(' '), name.find('-')) {
        (Some(head), _) => head,
        (None, Some(hyphen)) if name.len() > 10 => name.split_at(hyphen + 1),
        _ => ("", name),
    }
}

/// Prints one object a line: each contender and the bound with each workload.
pub fn json(peers: &[Contender], rows: &[Row], rounds: usize) {
    for row in rows {
        let print = |name: &str, version: &str, interface: &str, times: &Result<Times, String>| {
            let per_frame = |time: Duration| {
                let picoseconds = time.as_secs_f64() * 1e12 / row.frames as f64;
                picoseconds.round() / 1e3
            };
            let best = times.as_ref().ok().map(|times| per_frame(times.best));
            let median = times.as_ref().ok().map(|times| per_frame(times.median));
            let line = json!({
                "workload": row.workload,
                "frames": row.frames,
                "bytes": row.bytes,
                "rounds": rounds,
                "name": name,
                "version": version,
                "interface": interface,
                "best_ns_per_frame": best,
                "median_ns_per_frame": median,
                "reason": times.as_ref().err(),
            });
            println!("{line}");
        };
        for (peer, times) in peers.iter().zip(&row.times) {
            let about = peer.about;
            print(about.name, versions::of(about.package), about.interface, times);
        }
        print("bound", "", "unmasks in place, checks nothing", &Ok(row.bound));
    }
}

fn failures<'a>(
    peers: &'a [Contender],
    rows: &'a [Row],
) -> impl Iterator<Item = (&'a Row, &'a Contender, &'a str)> {
    rows.iter().flat_map(move |row| {
        let failed = peers.iter().zip(&row.times);
        failed.filter_map(move |(peer, times)| Some((row, peer, times.as_ref().err()?.as_str())))
    })
}
