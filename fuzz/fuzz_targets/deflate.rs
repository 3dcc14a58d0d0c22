//! Compressed messages are what a naive reader of DEFLATE makes of them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wsvet_fuzz::deflate::deflate(data));
