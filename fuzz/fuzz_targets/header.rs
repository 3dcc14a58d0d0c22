//! Any bytes are a header or too few of one, and nothing is lost.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wsvet_fuzz::oracles::header(data));
