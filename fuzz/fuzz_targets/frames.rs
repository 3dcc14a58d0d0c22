//! Frame by frame and by hand, through every door, a stream is what the decoder makes of it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| wsvet_fuzz::oracles::frames(data));
