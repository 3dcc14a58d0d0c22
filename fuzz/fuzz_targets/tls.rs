//! What two endpoints send over TLS comes to the same plaintext in whatever pieces it comes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wsvet_fuzz::tls::tls(data));
