//! The fuzz targets' oracles on stable: every seed and every find, and every public vector.

#![cfg(feature = "arbitrary")]

mod common;
#[path = "../fuzz/oracles.rs"]
mod oracles;

use std::fs;
use std::path::Path;

type Oracle = fn(&[u8]);

const ORACLES: [(&str, Oracle); 10] = [
    ("header", oracles::header),
    ("chunks", oracles::chunks),
    ("frames", oracles::frames),
    ("judge", oracles::judge),
    ("generated", oracles::generated),
    ("connections", oracles::connections),
    ("masking", oracles::masking),
    ("utf8", oracles::utf8),
    ("close", oracles::close),
    ("encoding", oracles::encoding),
];

/// `fuzz/seeds/TARGET` has what is worth keeping; a target need not have any.
#[test]
fn the_seeds_pass() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (name, oracle) in ORACLES {
        let Ok(files) = fs::read_dir(seeds.join(name)) else { continue };
        for file in files {
            oracle(&fs::read(file.unwrap().path()).unwrap());
        }
    }
}

/// Each stream of the public corpus, for every oracle, under policies that are not its own too.
#[test]
fn the_vectors_pass() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/rfc6455.jsonl");
    for line in fs::read_to_string(file).unwrap().lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let stream = common::hex(case["hex"].as_str().unwrap());
        if stream.len() > 1_000 {
            continue;
        }
        for start in [[3, 0, 0, 0], [1, 1, 0, 3], [2, 9, 6, 0], [7, 2 | 1, 0, 2]] {
            let data = [&start, &stream[..]].concat();
            for (_, oracle) in ORACLES {
                oracle(&data);
                oracle(&data[1..]);
                oracle(&stream);
            }
        }
    }
}
