//! What is said of an input beside its records.

use std::io;

/// What else is to be said of an input that was judged, or why it cannot be.
pub type Answer = Result<Vec<String>, String>;

/// The error for an input that can be read and holds no WebSocket traffic.
pub fn no_traffic(why: &str) -> String {
    format!("no WebSocket traffic: {why}")
}

/// The error for an input that cannot be read.
pub fn reason(error: &io::Error) -> String {
    format!("cannot be read: {error}")
}
