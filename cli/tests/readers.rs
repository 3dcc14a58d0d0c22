//! The checks of the fuzz target `readers` without a fuzzer: past findings and recorded captures.

#[path = "../../fuzz/readers.rs"]
mod readers;

use std::path::Path;

fn replay(folder: &str, options: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files =
        std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = files.map(|file| file.expect("a file").path());
    for path in paths.filter(|path| path.is_file()) {
        let input =
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        readers::readers(&[options, &input].concat());
    }
}

#[test]
fn what_was_found_passes() {
    replay("../fuzz/seeds/readers", &[]);
}

#[test]
fn the_recorded_captures_pass() {
    replay("tests/captures", &[0, 9]);
}
