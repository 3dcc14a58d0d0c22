//! What is encoded is accepted by the other role.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wsvet_fuzz::oracles::encoding(data));
