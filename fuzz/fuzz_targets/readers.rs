//! What the tool reads comes to the same answer in whatever pieces it is read.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wsvet_fuzz::readers::readers(data));
