//! A generated stream is what it says it is: to the naive judge, and to the decoder however it is cut.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wsvet_fuzz::oracles::generated(data));
