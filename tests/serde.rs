//! The feature `serde`: what is stored is read again, by names that stay.
#![cfg(feature = "serde")]

use std::fmt::Debug;
use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, from_value, json, to_value};
use wsvet::{
    Abnormality, Accepts, CloseCode, Compression, Conversation, Lapse, Policy, Role, Rule,
    Unopened, Verdict, Violation, handshake,
};

fn is_written_as<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T, written: Value) {
    assert_eq!(to_value(&value).unwrap(), written);
    assert_eq!(from_value::<T>(written).unwrap(), value);
}

#[test]
fn codes_rules_and_violations() {
    is_written_as(CloseCode::UNSUPPORTED_DATA, json!(1003));
    for &rule in Rule::ALL {
        is_written_as(rule, json!(rule.id()));
        is_written_as(Violation::new(rule, 7), json!({ "rule": rule.id(), "offset": 7 }));
    }
    for &rule in handshake::Rule::ALL {
        is_written_as(rule, json!(rule.id()));
    }
    assert!(from_value::<handshake::Rule>(json!("unsupported-data")).is_err());
    let error = from_value::<Rule>(json!("unsupported")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid value: string \"unsupported\", expected the id of a rule, such as \
         \"unsupported-data\"",
    );
}

#[test]
fn lapses_and_findings() {
    for &lapse in Lapse::ALL {
        is_written_as(lapse, json!(lapse.id()));
    }
    let mut conversation = Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
    conversation.bytes(Role::Client, b"\x88\x80\0\0\0\0");
    conversation.bytes(Role::Server, b"\x88\0");
    conversation.at(Duration::from_millis(2_500));
    let written = json!({
        "lapse": "server-left-open",
        "by": "server",
        "at": { "secs": 0, "nanos": 0 },
        "waited": { "secs": 2, "nanos": 500_000_000 },
        "count": 1,
        "other_pongs": 0,
    });
    is_written_as(conversation.findings().next().unwrap(), written);
}

#[test]
fn verdicts_by_their_id() {
    let (by, first) = (Role::Server, Role::Client);
    let violation = Violation::new(Rule::UnsupportedData, 8);
    let code = CloseCode::PROTOCOL_ERROR;
    let broken = json!({ "rule": "unsupported-data", "offset": 8 });
    for (verdict, fields) in [
        (Verdict::Clean { first, code }, json!({ "first": "client", "code": 1002 })),
        (Verdict::Refused { by, violation }, json!({ "by": "server", "violation": broken })),
        (
            Verdict::RefusedOtherwise { by, violation, code },
            json!({ "by": "server", "violation": broken, "code": 1002 }),
        ),
        (Verdict::LetPass { by, violation }, json!({ "by": "server", "violation": broken })),
        (Verdict::WronglyRefused { by, code }, json!({ "by": "server", "code": 1002 })),
        (Verdict::OwnLimit { by, len: 9 }, json!({ "by": "server", "len": 9 })),
        (
            Verdict::BrokenClose { by, violation, code },
            json!({ "by": "server", "violation": broken, "code": 1002 }),
        ),
    ] {
        is_written_as(verdict, json!({ verdict.id(): fields }));
    }
    for why in [
        Abnormality::InFrame,
        Abnormality::WithoutClose,
        Abnormality::Reset,
        Abnormality::Unanswered,
        Abnormality::ResetUnanswered,
    ] {
        let written = json!({ "abnormal": { "by": "server", "why": why.id() } });
        is_written_as(Verdict::Abnormal { by, why }, written);
    }
    for (why, written) in [
        (Unopened::Refused(403), json!({ "refused": 403 })),
        (Unopened::NoAnswer, json!("no-answer")),
        (Unopened::Dropped, json!("dropped")),
        (Unopened::Reset, json!("reset")),
        (
            Unopened::BrokenResponse(handshake::Rule::WrongAccept),
            json!({ "broken-response": "wrong-accept" }),
        ),
    ] {
        let written = json!({ "never-opened": { "by": "server", "why": written } });
        is_written_as(Verdict::NeverOpened { by, why }, written);
    }
    is_written_as(Verdict::Open, json!("open"));
}

#[test]
fn policies_in_full_and_by_hand() {
    let policy = Policy::new(Role::Client)
        .accepts(Accepts::TextOnly)
        .max_frame(1 << 16)
        .max_message(1 << 20)
        .max_fragments(100)
        .rsv(3)
        .compression(Compression::Inflated);
    let written = json!({
        "role": "client",
        "accepts": "text-only",
        "max_frame": 65_536,
        "max_message": 1_048_576,
        "max_fragments": 100,
        "rsv": 3,
        "compression": "inflated",
    });
    is_written_as(policy, written);
    let bare = Policy::new(Role::Server);
    assert_eq!(to_value(bare).unwrap()["max_message"], Value::Null);
    assert_eq!(to_value(bare.no_limit()).unwrap()["max_message"], "unlimited");
    for policy in [
        bare.no_limit(),
        bare.no_limit().max_frame(7),
        bare.no_limit().max_message(7),
        bare.no_limit().max_fragments(7),
    ] {
        assert_eq!(from_value::<Policy>(to_value(policy).unwrap()).unwrap(), policy);
    }
    assert_eq!(from_value::<Policy>(to_value(bare).unwrap()).unwrap(), bare);
    let read: Policy = from_value(json!({ "role": "server", "accepts": "binary-only" })).unwrap();
    assert_eq!(read, bare.accepts(Accepts::BinaryOnly));
    for wrong in [
        json!({}),
        json!({ "role": "server", "rsv": 8 }),
        json!({ "role": "server", "max_messages": 1 }),
        json!({ "role": "proxy" }),
        json!({ "role": "server", "max_frame": "none" }),
        json!({ "role": "server", "max_fragments": 4_294_967_296_u64 }),
    ] {
        from_value::<Policy>(wrong).unwrap_err();
    }
}
