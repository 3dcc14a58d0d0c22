//! The hot paths.
fn main() {}
