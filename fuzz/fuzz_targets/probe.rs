//! The prober says nothing bad of a server that breaks no rule.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wsvet_fuzz::probe::probe(data));
