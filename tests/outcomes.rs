//! A conversation says of any connection what a naive judge says.

mod common;

use common::outcome;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(5_000)
    ))]

    /// Legal and broken frames in any pieces, any end at any moment, with and without a handshake.
    #[test]
    fn any_conversation_ends_as_the_naive_judge_says(
        data in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        outcome::agree(&data);
    }
}

/// The generator reaches each verdict, each reason, and each endpoint.
#[test]
fn every_verdict_is_reached() {
    use std::collections::BTreeSet;

    use wsvet::Verdict;

    let mut seed = 6_455u64;
    let mut random = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 56) as u8
    };
    let mut reached = BTreeSet::new();
    for _ in 0..5_000 {
        let data: Vec<u8> = (0..random() / 2).map(|_| random()).collect();
        let (ends, events) = outcome::connection(&data);
        let verdict = outcome::verdict(ends, &events);
        let why = match verdict {
            Verdict::Abnormal { why, .. } => why.id(),
            Verdict::NeverOpened { why, .. } => why.id(),
            _ => "",
        };
        reached.insert((verdict.id(), why, verdict.by()));
    }
    // The server alone refuses, drops and breaks a response, and it alone does not answer.
    let never = reached.iter().filter(|(id, ..)| *id == "never-opened").count();
    let abnormal = reached.iter().filter(|(id, ..)| *id == "abnormal").count();
    assert_eq!((never, abnormal, reached.len()), (6, 10, 6 + 10 + 7 * 2 + 1), "{reached:?}");
}
