//! The result of reading an input: notices, or the error.

use std::io;

/// The notices about an input that was judged, or the reason why it cannot be judged.
pub type Answer = Result<Vec<String>, String>;

/// Returns the error for an input that can be read but has no WebSocket traffic.
pub fn no_traffic(why: &str) -> String {
    format!("no WebSocket traffic: {why}")
}

/// Returns the error for an input that cannot be read.
pub fn reason(error: &io::Error) -> String {
    format!("cannot read the input: {error}")
}
