//! The oracle of the fuzz target `probe` without a fuzzer: servers that break no rule fail no case.

#[path = "../../fuzz/probe.rs"]
mod oracle;

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..<_>::default() })]

    #[test]
    fn an_honest_server_fails_nothing(data in prop::collection::vec(any::<u8>(), 300)) {
        oracle::probe(&data);
    }
}
