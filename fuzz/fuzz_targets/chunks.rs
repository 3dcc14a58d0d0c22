//! A stream gives the same messages and the same violation at the same byte, however it is cut.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wsvet_fuzz::oracles::chunks(data));
