//! The interface for C: its header, and programs in C that are compiled against it and run.
#![cfg(all(feature = "c", unix))]

mod common;
#[path = "c/header.rs"]
mod header;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// After a change that is meant, write it anew with `WSVET_BLESS=1 cargo test --features c --test c`.
#[test]
fn the_header_is_that_of_the_source() {
    let path = std::path::Path::new(ROOT).join("include/wsvet.h");
    let header = header::generate();
    if std::env::var_os("WSVET_BLESS").is_some() {
        std::fs::write(&path, &header).unwrap();
    }
    assert!(header == std::fs::read_to_string(&path).unwrap(), "include/wsvet.h is now:\n{header}");
}
