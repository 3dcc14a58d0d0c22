//! What was measured: as tables for people, as JSON for programs, and for a README.

mod json;
mod markdown;
mod picture;
mod text;

pub use json::json;
pub use markdown::markdown;
pub use picture::picture;
pub use text::text;

use crate::contender::{About, Judges};
use crate::measure::{Row, Times};

/// What stands for peers that judge no text, where there is text.
const MARK: &str = "*";

/// What that says.
const MARK_SAYS: &str = "* judges no UTF-8 in this interface, though the row has text";

/// Whether the peer does less in this row than its figure lets think.
fn is_marked(row: &Row, about: &About) -> bool {
    let text = Judges { text: true, ..Judges::NOTHING };
    row.needs.text && !about.judges.covers(text)
}

/// How many times as long as wsvet a peer takes.
fn ratio(row: &Row, about: &About, ours: f64, theirs: f64) -> String {
    let mark = if is_marked(row, about) { MARK } else { "" };
    format!("{:.2}x{mark}", theirs / ours)
}

fn ns_per_frame(row: &Row, seconds: f64) -> f64 {
    seconds * 1e9 / row.frames as f64
}

fn best(times: &Times) -> f64 {
    times.best.as_secs_f64()
}

fn median(times: &Times) -> f64 {
    times.median.as_secs_f64()
}
