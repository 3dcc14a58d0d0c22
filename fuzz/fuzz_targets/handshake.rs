//! What a request and a response break is what a naive judge says, and nothing illegal is written.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wsvet_fuzz::handshake::handshake(data));
