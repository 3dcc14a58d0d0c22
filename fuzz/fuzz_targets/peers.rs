//! Other crates make the same of any stream, but for a list of known differences.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wsvet_fuzz::peers::peers(data));
