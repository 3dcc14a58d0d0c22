//! The streams of HTTP/2 are the same in whatever pieces their bytes are read.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wsvet_fuzz::http2::http2(data));
