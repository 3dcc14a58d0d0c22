//! The error about an input that must be read as a whole and does not fit into memory.

use std::io::{self, Read};

/// The most bytes that are counted beyond what fits, in units of what fits.
const COUNTED: u64 = 16;

/// Returns the refusal of an input whose first bytes, one more than `most`, were read. `parts` is the
/// number of times that an input stands in memory.
pub(super) fn too_large(
    what: &str,
    rest: impl Read,
    most: u64,
    parts: u64,
    instead: &str,
) -> io::Result<String> {
    let there = most.saturating_add(1);
    let limit = most.saturating_mul(COUNTED);
    let more = io::copy(&mut rest.take(limit), &mut io::sink())?;
    let len = there.saturating_add(more);
    let size = if more == limit { format!("more than {len}") } else { len.to_string() };
    let share = if parts == 1 { "--max-memory" } else { "half of --max-memory" };
    let needed = len.saturating_mul(parts).checked_next_power_of_two().unwrap_or(u64::MAX);
    Ok(format!(
        "the {what} has {size} bytes, and at most {most} fit into {share}: give more, for example \
         --max-memory {needed}, or {instead}"
    ))
}
