//! The body of a Close decodes to what encodes to it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wsvet_fuzz::oracles::close(data));
