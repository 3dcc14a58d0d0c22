//! Masking is §5.3 to the letter, octet by octet.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wsvet_fuzz::oracles::masking(data));
