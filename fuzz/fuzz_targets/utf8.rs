//! UTF-8 in pieces is what the standard library says of the whole.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wsvet_fuzz::oracles::utf8(data));
