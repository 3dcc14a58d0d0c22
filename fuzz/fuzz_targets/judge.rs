//! The decoder and the validator say what a naive judge says.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wsvet_fuzz::oracles::judge(data));
