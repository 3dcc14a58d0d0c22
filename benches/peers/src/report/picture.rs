//! A picture: for a few of the rows a bar for each crate, in SVG.

use super::{MARK, best, is_marked, ns_per_frame};
use crate::measure::{Row, Table};

/// The rows that are drawn.
const ROWS: [&str; 5] =
    ["binary 125 B", "ASCII text 125 B", "mixed text 125 B", "binary 1 KiB", "realistic mix"];

const WIDTH: usize = 900;

/// There are two panels side by side.
const PANEL: usize = WIDTH / 2;

/// Where the bars start in a panel, and how long the longest is.
const BARS: usize = 160;
const LONGEST: f64 = 230.0;

/// From one bar to the next, and how much of that is the bar.
const STEP: usize = 18;
const BAR: usize = 13;

/// Above the first bar of a panel, and below its last.
const ABOVE: usize = 34;
const BELOW: usize = 22;

/// The greys and the orange can be read on a white page and on a dark one.
const HEAD: &str = r##"<style>
text { font: 12px sans-serif; fill: #757d86 }
.title { font-size: 14px; font-weight: bold }
.peer, .unjudged { fill: #8b949e }
.unjudged { fill: url(#hatch); stroke: #8b949e }
.ours { fill: #e8762c }
text.ours { font-weight: bold }
</style>
<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="2" height="5" fill="#8b949e"/>
</pattern></defs>
"##;

/// Draws those of the rows that were measured.
pub fn picture(tables: &[Table]) -> String {
    let mut body = String::new();
    let (mut top, mut drawn, mut highest) = (0, 0, 0);
    let rows = tables.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row)));
    for (table, row) in rows.filter(|(_, row)| ROWS.contains(&row.name)) {
        let left = drawn % 2 * PANEL;
        highest = highest.max(panel(&mut body, table, row, left, top));
        drawn += 1;
        if drawn % 2 == 0 {
            (top, highest) = (top + highest, 0);
        }
    }
    // The legend takes the place beside the last panel, or a line of its own.
    legend(&mut body, drawn % 2 * PANEL, top);
    let height = top + highest.max(ABOVE + 4 * STEP);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\n\
         <title>Nanoseconds a frame, wsvet and other WebSocket crates</title>\n{HEAD}{body}</svg>\n"
    )
}

/// Draws a row, the fastest first, and gives how high the panel is.
fn panel(svg: &mut String, table: &Table, row: &Row, left: usize, top: usize) -> usize {
    let mut bars: Vec<_> = table
        .contenders
        .iter()
        .zip(&row.times)
        .filter_map(|(about, times)| Some((about, ns_per_frame(row, best(times.as_ref().ok()?)))))
        .collect();
    bars.sort_by(|(_, one), (_, other)| one.total_cmp(other));
    let slowest = bars.last().map_or(1.0, |(_, time)| *time);
    text(svg, left + BARS, top + 20, "title", "start", row.name);
    for (i, (about, time)) in bars.iter().enumerate() {
        let y = top + ABOVE + i * STEP;
        let (class, mark) = match about.package {
            "wsvet" => ("ours", ""),
            _ if is_marked(row, about) => ("unjudged", MARK),
            _ => ("peer", ""),
        };
        let label = if class == "ours" { "ours" } else { "label" };
        let length = (time / slowest * LONGEST).max(1.0);
        let x = left + BARS;
        let base = y + BAR - 2;
        text(svg, x - 8, base, label, "end", &format!("{}{mark}", about.name));
        put(svg, &rect(class, x, y, length));
        text(svg, x + length as usize + 6, base, label, "start", &in_digits(*time));
    }
    ABOVE + bars.len() * STEP + BELOW
}

/// Three digits, or all that stand before the point.
fn in_digits(time: f64) -> String {
    let places = match time {
        0.0..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{time:.places$}")
}

fn legend(svg: &mut String, left: usize, top: usize) {
    let x = left + BARS;
    text(svg, x, top + 20, "title", "start", "ns a frame, shorter is better");
    let lines = [
        ("ours", "wsvet"),
        ("peer", "another crate, the same bytes"),
        ("unjudged", "* does not judge the UTF-8 of the text"),
    ];
    for (i, (class, says)) in lines.into_iter().enumerate() {
        let y = top + ABOVE + i * STEP;
        put(svg, &rect(class, x, y, 24.0));
        text(svg, x + 32, y + BAR - 2, "label", "start", says);
    }
}

fn rect(class: &str, x: usize, y: usize, width: f64) -> String {
    format!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\"/>")
}

fn text(svg: &mut String, x: usize, y: usize, class: &str, anchor: &str, text: &str) {
    put(
        svg,
        &format!(
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{text}</text>"
        ),
    );
}

fn put(svg: &mut String, line: &str) {
    svg.push_str(line);
    svg.push('\n');
}
