//! The opening handshake: each rule beside its nearest legal neighbours, and what changes nothing.

mod common;

#[cfg(feature = "deflate")]
use common::handshake as naive;
use proptest::prelude::*;
use proptest::sample::select;
#[cfg(feature = "deflate")]
use serde_json::json;
use wsvet::Role;
use wsvet::handshake::{
    AcceptKey, Broken, Due, Headers, Key, Outcome, Request, Response, Rule, accept_key,
    choose_protocol,
};

type Fields = Vec<(String, String)>;

/// A whole handshake, with owned parts.
#[derive(Clone, Debug)]
struct Handshake {
    method: &'static str,
    target: &'static str,
    http_version: (u8, u8),
    request: Fields,
    status: u16,
    response: Fields,
}

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const OFFER: &str =
    "permessage-deflate; server_max_window_bits=10; server_no_context_takeover, x-y; a=\"b\"";
const ANSWER: &str = "permessage-deflate; server_max_window_bits=10; server_no_context_takeover";

impl Handshake {
    /// The handshake that the vectors change.
    fn legal() -> Self {
        let owned = |fields: &[(&str, &str)]| {
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        Self {
            method: "GET",
            target: "/chat?a=%23",
            http_version: (1, 1),
            request: owned(&[
                ("Host", "example.com"),
                ("Upgrade", "websocket"),
                ("Connection", "Upgrade"),
                ("Sec-WebSocket-Version", "13"),
                ("Sec-WebSocket-Key", KEY),
                ("Sec-WebSocket-Protocol", "mqtt, chat"),
                ("Sec-WebSocket-Extensions", OFFER),
            ]),
            status: 101,
            response: owned(&[
                ("Upgrade", "websocket"),
                ("Connection", "Upgrade"),
                ("Sec-WebSocket-Accept", ACCEPT),
                ("Sec-WebSocket-Protocol", "chat"),
                ("Sec-WebSocket-Extensions", ANSWER),
            ]),
        }
    }

    /// Replaces the lines of this name with one line for each value.
    fn with(mut self, sender: Role, name: &str, values: &[&str]) -> Self {
        let fields = match sender {
            Role::Client => &mut self.request,
            Role::Server => &mut self.response,
        };
        fields.retain(|(field, _)| field != name);
        fields.extend(values.iter().map(|value| (name.to_owned(), (*value).to_owned())));
        self
    }

    fn request(&self) -> Request<'_, impl Headers<'_>> {
        Request::new(self.method, self.target, self.http_version, pairs(&self.request))
    }

    fn response(&self) -> Response<impl Headers<'_>> {
        Response::new(self.status, pairs(&self.response))
    }

    /// What the message of this endpoint breaks.
    fn broken(&self, sender: Role) -> Broken {
        match sender {
            Role::Client => self.request().broken(),
            Role::Server => self.response().broken(&self.request()),
        }
    }
}

fn pairs(fields: &Fields) -> impl Headers<'_> {
    fields.iter().map(|(name, value)| (name, value))
}

/// A rule, values of the field that it is about that break it and no other, and legal values. A value
/// is a list of lines.
type Vector = (Rule, &'static [&'static [&'static str]], &'static [&'static [&'static str]]);

const VECTORS: &[Vector] = &[
    (Rule::MissingHost, &[&[], &[""], &["  "]], &[&["example.com"], &["[::1]:8080"], &["a,b"]]),
    (Rule::RepeatedHost, &[&["a", "a"], &["a", ""]], &[&["a, a"]]),
    (
        Rule::MissingUpgrade,
        &[&[], &[""], &["h2c"], &["websocket/13"], &["web socket"], &["websockets"]],
        &[&["WebSocket"], &["h2c, WEBSOCKET"], &["h2c", "websocket"], &["websocket,"]],
    ),
    (
        Rule::MissingConnectionUpgrade,
        &[&[], &["keep-alive"], &["close"], &["Upgraded"], &["Upgrade keep-alive"]],
        &[&["upgrade"], &["keep-alive, Upgrade"], &["keep-alive", "UPGRADE"], &[",upgrade"]],
    ),
    (Rule::MissingVersion, &[&[]], &[&["13"], &[" 13\t"]]),
    (
        Rule::UnsupportedVersion,
        &[&["12"], &["14"], &["8"], &["013"], &["13.0"], &[""], &["+13"], &["1 3"], &["\"13\""]],
        &[&["13"]],
    ),
    (Rule::RepeatedVersion, &[&["13", "13"], &["13, 13"], &["13,13,13"]], &[&["13"]]),
    (Rule::MissingKey, &[&[]], &[&[KEY]]),
    (
        Rule::InvalidKey,
        &[
            &[""],
            &["dGhlIHNhbXBsZSBub25jZQ"],
            &["dGhlIHNhbXBsZSBub25jZQ="],
            &["dGhlIHNhbXBsZSBub25jZQ==="],
            &["dGhlIHNhbXBsZSBub25jZQ=A"],
            &["dGhlIHNhbXBsZSBub25jZSE="],
            &["dGhlIHNhbXBsZSBub25jZSEh"],
            &["dGhlIHNhbXBsZSBub25j"],
            &["dGhlIHNhbXBsZSBub25-ZQ=="],
            &["dGhlIHNhbXBsZSBub25_ZQ=="],
            &["dGhlIHNhbXBs ZSBub25jZQ=="],
            &["\"dGhlIHNhbXBsZSBub25jZQ==\""],
        ],
        // The unused bits may be set: the example in §4.1 does.
        &[
            &["AQIDBAUGBwgJCgsMDQ4PEC=="],
            &[" dGhlIHNhbXBsZSBub25jZQ== "],
            &["+///////////////+A/+/w=="],
        ],
    ),
    (
        Rule::RepeatedKey,
        &[&[KEY, KEY], &["dGhlIHNhbXBsZSBub25jZQ==,dGhlIHNhbXBsZSBub25jZQ=="]],
        &[&[KEY]],
    ),
    (
        Rule::InvalidProtocolList,
        &[&[""], &[","], &["a b"], &["a", "b/c"], &["\"a\""], &["a;b"], &["Bearer x="], &["é"]],
        &[&[], &["a"], &["a,b"], &[",a, ,b,"], &["a", ""], &["!#$%&'*+-.^_`|~"]],
    ),
    (
        Rule::RepeatedProtocol,
        &[&["a, a"], &["a", "a"], &["a, b, c, b"]],
        &[&["a, A"], &["a, b, ab"], &["a, , b"]],
    ),
    (
        Rule::InvalidExtensionOffer,
        &[
            &[""],
            &[" , "],
            &["x;"],
            &["x y"],
            &["x; a="],
            &["x; a=\"\""],
            &["x; a=\"b"],
            &["x; a=\"b c\""],
            &["x; a=b c"],
            &["x; =b"],
            &["x; a=\"b\\"],
            &["x; a=\"b\"c"],
            &["x, y=1"],
            &["\"x\""],
            &["x; a=\"b,c\""],
        ],
        &[&[], &["x"], &["x, y;a ; b = 1"], &["x", ""], &["x;a=\"b\\c\""], &["x;a;a", "x"]],
    ),
    (
        Rule::UpgradeNotConfirmed,
        &[&[], &[""], &["h2c"], &["websocket, h2c"], &["websocket", "h2c"], &["websocket/13"]],
        &[&["WebSocket"]],
    ),
    (
        Rule::ConnectionNotConfirmed,
        &[&[], &["close"], &["keep-alive"], &["Upgrades"]],
        &[&["upgrade"], &["keep-alive, Upgrade"], &["keep-alive", "Upgrade"]],
    ),
    (Rule::MissingAccept, &[&[]], &[&[ACCEPT]]),
    (
        Rule::WrongAccept,
        &[
            &[""],
            &["s3pPLMBiTxaQ9kYGzzhZRbK+xOo"],
            &["S3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
            &["dGhlIHNhbXBsZSBub25jZQ=="],
            // That of the decoded key.
            &["BXhwxM0SZasKmCD9S4BfpPmCnEw="],
        ],
        &[&[ACCEPT], &[" s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\t"]],
    ),
    (Rule::RepeatedAccept, &[&[ACCEPT, ACCEPT]], &[&[ACCEPT]]),
    (Rule::RepeatedSubprotocol, &[&["chat", "chat"], &["mqtt, chat"]], &[&["chat"]]),
    (
        Rule::SubprotocolNotOffered,
        &[&[""], &["Chat"], &["xmpp"], &["mqtt chat"], &["cha"], &["chats"]],
        &[&[], &["mqtt"], &[" chat "]],
    ),
    (
        Rule::InvalidExtensionAnswer,
        &[&[""], &[","], &["x-y;"], &["x-y; a=\"b c\""], &["x-y; a=\"b"], &["x-y z"]],
        &[&[], &["x-y"], &["x-y; c=\"d\""], &[ANSWER, "x-y"]],
    ),
    (
        Rule::ExtensionNotOffered,
        &[&["x-z"], &["x"], &["x-y, x-z; a"], &[ANSWER, "x-webkit-deflate-frame"]],
        &[&["x-y"], &["X-Y; z"]],
    ),
    #[cfg(feature = "deflate")]
    (
        Rule::ExtensionDoesNotFit,
        &[
            &["permessage-deflate"],
            &["permessage-deflate; server_max_window_bits=11; server_no_context_takeover"],
            &["permessage-deflate; server_max_window_bits=10; server_no_context_takeover; x"],
            &[ANSWER, ANSWER],
        ],
        &[
            &[ANSWER],
            &["x-y, permessage-deflate; server_no_context_takeover; server_max_window_bits=\"9\""],
        ],
    ),
];

/// The vectors of the first line, and of fields.
fn vectors() -> Vec<(Rule, Handshake, bool)> {
    let legal = Handshake::legal();
    let line = |rule, method, target, http_version, broken| {
        (rule, Handshake { method, target, http_version, ..legal.clone() }, broken)
    };
    let mut vectors = vec![
        line(Rule::MethodNotGet, "POST", "/", (1, 1), true),
        line(Rule::MethodNotGet, "get", "/", (1, 1), true),
        line(Rule::MethodNotGet, "", "/", (1, 1), true),
        line(Rule::MethodNotGet, "GET", "http://example.com/", (1, 1), false),
        line(Rule::HttpVersionTooLow, "GET", "/", (1, 0), true),
        line(Rule::HttpVersionTooLow, "GET", "/", (0, 9), true),
        line(Rule::HttpVersionTooLow, "GET", "/", (1, 2), false),
        line(Rule::HttpVersionTooLow, "GET", "/", (2, 0), false),
        line(Rule::FragmentInTarget, "GET", "/chat#top", (1, 1), true),
        line(Rule::FragmentInTarget, "GET", "/#", (1, 1), true),
        line(Rule::FragmentInTarget, "GET", "/%23", (1, 1), false),
    ];
    for &(rule, broken, good) in VECTORS {
        let field = rule.field().unwrap();
        let with = |values| legal.clone().with(rule.sender(), field, values);
        // The response is that to a request that is legal, whatever the vector changes in it.
        vectors.extend(broken.iter().map(|values| (rule, with(values), true)));
        vectors.extend(good.iter().map(|values| (rule, with(values), false)));
    }
    vectors
}

#[test]
fn every_rule_is_broken_alone_and_its_neighbours_break_nothing() {
    for (rule, handshake, is_broken) in vectors() {
        let broken: Vec<_> = handshake.broken(rule.sender()).collect();
        assert_eq!(broken, if is_broken { vec![rule] } else { vec![] }, "{rule}: {handshake:?}");
    }
}

#[test]
fn every_rule_has_vectors_of_both_kinds() {
    let vectors = vectors();
    for rule in Rule::ALL {
        if *rule == Rule::ExtensionDoesNotFit && !cfg!(feature = "deflate")
            || *rule == Rule::DataBeforeResponse
        {
            continue;
        }
        for kind in [true, false] {
            assert!(vectors.iter().any(|(of, _, is)| (of, *is) == (rule, kind)), "{rule} {kind}");
        }
    }
}

/// A line of the public corpus. What is expected comes from the naive judge, not from the crate.
#[cfg(feature = "deflate")]
fn line(name: &str, sender: Role, handshake: &Handshake) -> String {
    let bytes = |fields: &Fields| -> naive::Fields {
        fields.iter().map(|(name, value)| (name.clone().into(), value.clone().into())).collect()
    };
    let Handshake { method, target, http_version, request, status, response } = handshake;
    let broken = match sender {
        Role::Client => naive::request(method, target, *http_version, &bytes(request)),
        Role::Server => naive::response(*status, &bytes(response), &bytes(request)),
    };
    let rule = broken.first().copied();
    let due = rule.and_then(|rule| match rule.due() {
        Due::Status(status) => Some(status),
        _ => None,
    });
    // Written by hand, so that the order of the keys does not depend on a feature of the library.
    let keys = [
        ("name", json!(name)),
        ("sender", json!(sender.name())),
        ("method", json!(method)),
        ("target", json!(target)),
        ("http_version", json!([http_version.0, http_version.1])),
        ("request", json!(request)),
        ("status", json!((sender == Role::Server).then_some(status))),
        ("response", json!((sender == Role::Server).then_some(response))),
        ("rule", json!(rule.map(Rule::id))),
        ("rfc", json!(rule.map(Rule::rfc))),
        ("section", json!(rule.map(Rule::section))),
        ("due_status", json!(due)),
    ];
    let keys: Vec<_> = keys.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("{{{}}}\n", keys.join(","))
}

/// `WSVET_BLESS=1` writes the file anew.
#[cfg(feature = "deflate")]
#[test]
fn the_corpus_is_what_the_vectors_make() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/handshake.jsonl");
    let mut counts = std::collections::BTreeMap::new();
    // The naive judge knows nothing of the parameters of extensions: `negotiation.rs` has them.
    let lines: String = vectors()
        .iter()
        .filter(|(rule, ..)| *rule != Rule::ExtensionDoesNotFit)
        .map(|(rule, handshake, is_broken)| {
            let name = if *is_broken { rule.id().to_owned() } else { format!("legal/{rule}") };
            let count = counts.entry(name.clone()).or_insert(0);
            *count += 1;
            line(&format!("{name}/{count}"), rule.sender(), handshake)
        })
        .collect();
    if std::env::var_os("WSVET_BLESS").is_some() {
        std::fs::write(file, &lines).unwrap();
    }
    let kept = std::fs::read_to_string(file).unwrap();
    for (number, (made, kept)) in lines.lines().zip(kept.lines()).enumerate() {
        assert_eq!(made, kept, "line {}", number + 1);
        let said: serde_json::Value = serde_json::from_str(kept).unwrap();
        let expected = said["name"].as_str().unwrap().split('/').next().unwrap();
        assert_eq!(said["rule"].as_str().unwrap_or("legal"), expected, "line {}", number + 1);
    }
    assert_eq!(lines.lines().count(), kept.lines().count(), "lines in the file");
}

/// Several faults at once: the first in the order of the table counts.
#[test]
fn the_first_row_counts() {
    let broken = Request::new("PUT", "#", (1, 0), [("Connection", "close")]).broken();
    let all: Vec<_> = broken.collect();
    assert!(all.is_sorted());
    assert_eq!(all.len(), 8);
    let response = Response::new(101, [("Connection", "close")]);
    let request = Handshake::legal();
    let broken = response.broken(&request.request());
    assert_eq!(response.validate(&request.request()).err(), broken.clone().next());
    assert_eq!(broken.clone().next(), Some(Rule::UpgradeNotConfirmed));
    assert!(response.broken_without_request().eq(broken));
}

/// Redirects, refusals and logins break no rule, whatever their fields are.
#[test]
fn any_other_status_is_an_outcome() {
    for (_, handshake, _) in vectors() {
        for status in [200, 301, 400, 401, 403, 426, 503] {
            let response = Response::new(status, pairs(&handshake.response));
            assert!(response.broken(&handshake.request()).is_empty());
            assert!(response.broken_without_request().is_empty());
            let outcome = response.validate(&handshake.request()).unwrap();
            assert!(matches!(outcome, Outcome::Refused(told) if told == status));
        }
    }
}

/// The rules about what an extended CONNECT and its response do not have (RFC 8441 §5).
const OF_UPGRADE: [Rule; 13] = [
    Rule::MethodNotGet,
    Rule::HttpVersionTooLow,
    Rule::MissingHost,
    Rule::RepeatedHost,
    Rule::MissingUpgrade,
    Rule::MissingConnectionUpgrade,
    Rule::MissingKey,
    Rule::InvalidKey,
    Rule::RepeatedKey,
    Rule::UpgradeNotConfirmed,
    Rule::ConnectionNotConfirmed,
    Rule::MissingAccept,
    Rule::RepeatedAccept,
];

#[test]
fn an_extended_connect_breaks_the_other_rules_alone() {
    for (_, handshake, _) in vectors() {
        let request = Request::connect(handshake.target, pairs(&handshake.request));
        let expected = |sender| {
            let broken = handshake.broken(sender);
            broken.filter(|rule| !OF_UPGRADE.contains(rule) && *rule != Rule::WrongAccept)
        };
        assert!(request.broken().eq(expected(Role::Client)), "{handshake:?}");
        for status in [200, 204, 299] {
            let response = Response::new(status, pairs(&handshake.response));
            let broken = response.broken(&request);
            assert!(broken.eq(expected(Role::Server)), "{handshake:?}");
            let accepted = matches!(response.validate(&request), Ok(Outcome::Accepted(_)));
            assert_eq!(accepted, expected(Role::Server).next().is_none());
        }
        for status in [101, 103, 199, 300, 403] {
            let response = Response::new(status, pairs(&handshake.response));
            assert!(response.broken(&request).is_empty());
            let outcome = response.validate(&request).unwrap();
            assert!(matches!(outcome, Outcome::Refused(told) if told == status));
        }
    }
}

#[test]
fn what_was_agreed_is_told() {
    let handshake = Handshake::legal();
    let (request, response) = (handshake.request(), handshake.response());
    assert_eq!(request.validate().unwrap(), ACCEPT);
    assert!(request.is_upgrade() && !request.lost_upgrade());
    assert!(request.protocols().eq(["mqtt", "chat"]));
    assert!(request.extensions().eq(OFFER.split(", ")));
    let Ok(Outcome::Accepted(accepted)) = response.validate(&request) else { panic!() };
    assert_eq!(accepted.subprotocol(), Some("chat"));
    assert!(!accepted.declined_subprotocols());
    assert!(accepted.extensions().eq([ANSWER]));
    #[cfg(feature = "deflate")]
    assert_eq!(accepted.permessage_deflate().unwrap().window_bits(Role::Server), 10);

    let silent = handshake.clone().with(Role::Server, "Sec-WebSocket-Protocol", &[]);
    let response = silent.response();
    let Ok(Outcome::Accepted(accepted)) = response.validate(&request) else { panic!() };
    assert_eq!(accepted.subprotocol(), None);
    assert!(accepted.declined_subprotocols());

    let asked_none = silent.clone().with(Role::Client, "Sec-WebSocket-Protocol", &[]);
    let (request, response) = (asked_none.request(), asked_none.response());
    let Ok(Outcome::Accepted(accepted)) = response.validate(&request) else { panic!() };
    assert!(!accepted.declined_subprotocols());
}

/// A reverse proxy removes Upgrade and replaces Connection; what it leaves still asks.
#[test]
fn a_removed_upgrade_is_recognised() {
    let handshake = Handshake::legal().with(Role::Client, "Upgrade", &[]);
    assert!(handshake.request().is_upgrade() && handshake.request().lost_upgrade());
    let plain = handshake.with(Role::Client, "Sec-WebSocket-Key", &[]);
    assert!(!plain.request().is_upgrade() && !plain.request().lost_upgrade());
    assert_eq!(plain.request().key(), None);
}

/// The accept is that of the key as it stands in the request, even if that is no key.
#[test]
fn an_accept_of_an_invalid_key_is_right() {
    for key in ["", "short", "dGhlIHNhbXBsZSBub25jZQ"] {
        let accept = accept_key(key);
        let handshake = Handshake::legal().with(Role::Client, "Sec-WebSocket-Key", &[key]).with(
            Role::Server,
            "Sec-WebSocket-Accept",
            &[accept.as_str()],
        );
        assert!(handshake.request().broken().eq([Rule::InvalidKey]));
        assert!(handshake.broken(Role::Server).is_empty());
    }
    let keyless = Handshake::legal().with(Role::Client, "Sec-WebSocket-Key", &[]);
    assert!(keyless.broken(Role::Server).is_empty());
    // Of two keys, the server may have accepted either.
    let other = "AQIDBAUGBwgJCgsMDQ4PEC==";
    for keys in [[KEY, other], [other, KEY]] {
        let two = Handshake::legal().with(Role::Client, "Sec-WebSocket-Key", &keys);
        assert!(two.broken(Role::Server).is_empty());
    }
}

/// Each value of a list counts, not the first or the last alone.
#[test]
fn one_wrong_value_is_enough() {
    use Rule::{
        ExtensionNotOffered, InvalidKey, RepeatedAccept, RepeatedKey, RepeatedSubprotocol,
        RepeatedVersion, SubprotocolNotOffered, UnsupportedVersion, WrongAccept,
    };
    for (wrong, right, bad, repeated) in [
        (UnsupportedVersion, "13", "12", Some(RepeatedVersion)),
        (InvalidKey, KEY, "short", Some(RepeatedKey)),
        (WrongAccept, ACCEPT, KEY, Some(RepeatedAccept)),
        (SubprotocolNotOffered, "chat", "xmpp", Some(RepeatedSubprotocol)),
        (ExtensionNotOffered, "x-y", "x-z", None),
    ] {
        let (sender, field) = (wrong.sender(), wrong.field().unwrap());
        for values in [[right, bad], [bad, right]] {
            let broken = Handshake::legal().with(sender, field, &values).broken(sender);
            let mut expected: Vec<_> = [Some(wrong), repeated].into_iter().flatten().collect();
            expected.sort();
            assert!(broken.eq(expected), "{values:?}");
        }
    }
}

#[test]
fn what_is_due_fits_the_message() {
    for rule in Rule::ALL {
        match rule.due() {
            Due::Status(status) => {
                assert_eq!(rule.sender(), Role::Client);
                assert!([400, 405, 426].contains(&status), "{rule}");
            }
            _ => assert_eq!(rule.sender(), Role::Server, "{rule}"),
        }
    }
    let status = |rule: Rule| rule.due();
    assert_eq!(status(Rule::MethodNotGet), Due::Status(405));
    for rule in [Rule::MissingUpgrade, Rule::MissingVersion, Rule::UnsupportedVersion] {
        assert_eq!(status(rule), Due::Status(426));
    }
}

#[test]
fn the_order_of_the_first_list_counts() {
    let (offered, supported) = (["a", "b", "c"], ["c", "b"]);
    assert_eq!(choose_protocol(offered, &supported), Some("b"));
    assert_eq!(choose_protocol(supported, &offered), Some("c"));
    assert_eq!(choose_protocol(offered, &["B"]), None);
    assert_eq!(choose_protocol([], &supported), None);
}

/// A list of 30,000 names, as long as a head can be: no more than its square root is compared.
#[test]
fn a_long_list_of_protocols_is_judged_at_once() {
    let names: Vec<_> = (0..30_000).map(|name: u32| format!("{name:x}")).collect();
    let list = names.join(",");
    let long = Handshake::legal().with(Role::Client, "Sec-WebSocket-Protocol", &[&list]);
    assert!(long.request().broken().is_empty());
    let list = format!("{list},7");
    let long = Handshake::legal().with(Role::Client, "Sec-WebSocket-Protocol", &[&list]);
    assert!(long.request().broken().eq([Rule::RepeatedProtocol]));
}

/// What a change is that changes nothing, from random numbers.
fn vary(fields: &Fields, sender: Role, mut next: impl FnMut(usize) -> usize) -> Fields {
    let mut varied: Vec<(String, String)> = Vec::new();
    for (name, value) in fields {
        let splits = name != "Host" && next(2) == 0;
        let mut values: Vec<String> = if splits { split(value) } else { vec![value.clone()] };
        let is_list = name.ends_with("Extensions")
            || sender == Role::Client
                && matches!(&**name, "Upgrade" | "Connection" | "Sec-WebSocket-Protocol");
        for value in &mut values {
            if matches!(&**name, "Upgrade" | "Connection") {
                *value = recase(value, &mut next);
            }
            let spaces = ["", " ", "\t ", "  "];
            let is_blank = value.trim().is_empty();
            if is_list && !is_blank && next(3) == 0 {
                *value = format!("{value} ,{}", spaces[next(4)]);
            }
            *value = format!("{}{value}{}", spaces[next(4)], spaces[next(4)]);
        }
        for value in values {
            varied.push((recase(name, &mut next), value));
        }
        if next(3) == 0 {
            varied.push(("X-Other".to_owned(), "Sec-WebSocket-Key: x, \"".to_owned()));
        }
    }
    // Two fields of different names may change places.
    for index in 1..varied.len() {
        if next(2) == 0 && !varied[index - 1].0.eq_ignore_ascii_case(&varied[index].0) {
            varied.swap(index - 1, index);
        }
    }
    varied
}

fn recase(text: &str, next: &mut impl FnMut(usize) -> usize) -> String {
    let mut case = |letter: char| match next(3) {
        0 => letter.to_ascii_uppercase(),
        1 => letter.to_ascii_lowercase(),
        _ => letter,
    };
    text.chars().map(&mut case).collect()
}

/// Splits at commas that are not in quotes.
fn split(value: &str) -> Vec<String> {
    let mut quoted = false;
    let parts = value.split(|letter| {
        quoted ^= letter == '"';
        letter == ',' && !quoted
    });
    parts.map(str::to_owned).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The case of names and tokens, the number of lines, whitespace, order and other fields.
    #[test]
    fn spelling_and_lines_change_nothing(
        (rule, handshake, is_broken) in select(vectors()),
        choices in prop::collection::vec(any::<u16>(), 1..60),
    ) {
        let mut choices = choices.iter().cycle();
        let mut next = |most: usize| usize::from(*choices.next().unwrap()) % most;
        let varied = Handshake {
            request: vary(&handshake.request, Role::Client, &mut next),
            response: vary(&handshake.response, Role::Server, &mut next),
            ..handshake.clone()
        };
        let broken: Vec<_> = varied.broken(rule.sender()).collect();
        prop_assert_eq!(broken, if is_broken { vec![rule] } else { vec![] }, "{:?}", varied);
        prop_assert!(varied.request().protocols().eq(handshake.request().protocols()));
        // What stands in open quotes is no list.
        if rule != Rule::InvalidExtensionOffer {
            prop_assert!(varied.request().extensions().eq(handshake.request().extensions()));
        }
    }

    /// Two faults give both rules.
    #[test]
    fn faults_add_up(
        (one, first, _) in select(faults(Role::Client)),
        (other, second, _) in select(faults(Role::Client)),
    ) {
        prop_assume!(one.field() != other.field() || one.field().is_none());
        let take = |field: &str| {
            let from = if Some(field) == other.field() { &second } else { &first };
            from.request.iter().filter(move |(name, _)| name == field).cloned().collect::<Vec<_>>()
        };
        let names = ["Host", "Upgrade", "Connection", "Sec-WebSocket-Version", "Sec-WebSocket-Key",
            "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"];
        let line = if other.field().is_none() { &second } else { &first };
        let both = Handshake { request: names.into_iter().flat_map(take).collect(), ..line.clone() };
        let broken = both.request().broken();
        prop_assert!(broken.contains(one) || one.field().is_none(), "{:?}", both);
        prop_assert!(broken.contains(other), "{:?}", both);
        prop_assert_eq!(both.request().validate(), Err(broken.clone().next().unwrap()));
    }

    #[test]
    fn any_key_is_accepted(random: [u8; 16]) {
        let key = Key::new(random);
        prop_assert_eq!(Key::parse(key), Some(key));
        let accept: AcceptKey = key.accept();
        let handshake = Handshake::legal()
            .with(Role::Client, "Sec-WebSocket-Key", &[key.as_str()])
            .with(Role::Server, "Sec-WebSocket-Accept", &[accept.as_str()]);
        prop_assert_eq!(handshake.request().validate(), Ok(accept));
        prop_assert!(handshake.broken(Role::Server).is_empty());
    }

    /// Bytes of any kind, in every field, as names too.
    #[test]
    fn any_bytes_are_judged(
        method in ".*", target in ".*", status in select(vec![101, 200]),
        values in prop::collection::vec((0..12_usize, prop::collection::vec(any::<u8>(), 0..40)), 0..12),
    ) {
        let names = ["Host", "Upgrade", "Connection", "Sec-WebSocket-Version", "Sec-WebSocket-Key",
            "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Sec-WebSocket-Accept", "\u{0}"];
        let fields = || values.iter().map(|(name, value)| {
            (names.get(*name).map_or(&value[..], |name| name.as_bytes()), value)
        });
        let request = Request::new(&method, &target, (1, 1), fields());
        let response = Response::new(status, fields());
        prop_assert_eq!(request.validate().err(), request.broken().next());
        prop_assert_eq!(response.validate(&request).err(), response.broken(&request).next());
        prop_assert!(request.protocols().count() + request.extensions().count() <= 480);
    }
}

/// The vectors that break a rule of this endpoint.
fn faults(sender: Role) -> Vec<(Rule, Handshake, bool)> {
    let is_fault = |(rule, _, broken): &(Rule, Handshake, bool)| *broken && rule.sender() == sender;
    vectors().into_iter().filter(is_fault).collect()
}

/// What is written, read by another parser: the first line, the fields, and what follows.
#[cfg(feature = "alloc")]
mod build {
    use httparse::{EMPTY_HEADER, Status};
    use wsvet::handshake::{InvalidHead, RequestBuilder, ResponseBuilder, Server};

    use super::*;

    /// Strings that want to be more than a value, and any strings.
    fn strings() -> impl Strategy<Value = String> {
        let hostile = [
            "",
            "a",
            "a b",
            "a\r\nX: y",
            "a\nX: y",
            "a\rb",
            "a\0b",
            "\u{7f}",
            "é",
            "/",
            "/chat?x",
            "/#",
            "/\r\nX: y",
            "/ HTTP/1.1\r\nX: y",
            "/\n",
            "/\r",
            "/\t",
            "/é",
            "http://h/",
            "a, b",
            "a, a",
            "chat",
            "x; y=\"z\"",
            "x;",
            "Cookie",
            "host",
            "upgrade",
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Protocol",
            "Content-Length",
            "content-type",
            "Transfer-Encoding",
            "example.com:80",
            "\t",
            "permessage-deflate",
            ":",
            "a:b",
            "\r\n\r\n",
        ];
        prop_oneof![4 => select(hostile.to_vec()).prop_map(str::to_owned), 1 => ".*", 1 => "[ -~]{0,9}"]
    }

    /// Whether this text could end a line or a field.
    fn is_hostile(text: &str) -> bool {
        text.contains(['\r', '\n', '\0'])
    }

    fn owned(headers: &[httparse::Header<'_>]) -> Fields {
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        headers.iter().map(|header| (header.name.to_owned(), text(header.value))).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn a_request_that_is_written_breaks_nothing(
            host in prop_oneof![strings(), Just("h".to_owned())],
            target in prop_oneof![strings(), Just("/".to_owned())],
            random: [u8; 16],
            origin in prop::option::of(strings()),
            protocols in prop::collection::vec(strings(), 0..3),
            extensions in prop::option::of(strings()),
            others in prop::collection::vec((strings(), strings()), 0..3),
        ) {
            let key = Key::new(random);
            let mut builder = RequestBuilder::new(&host, &target, key)
                .protocols(protocols.iter().map(|name| &**name))
                .extensions(extensions.as_deref());
            if let Some(origin) = &origin {
                builder = builder.origin(origin);
            }
            for (name, value) in &others {
                builder = builder.header(name, value);
            }
            let given = [&host, &target].into_iter().chain(&origin).chain(&protocols);
            let others_given = others.iter().flat_map(|(name, value)| [name, value]);
            let hostile = given.chain(&extensions).chain(others_given).any(|text| is_hostile(text));
            let Ok(head) = builder.build() else { return Ok(()) };
            prop_assert!(!hostile, "{:?}", head);
            let mut headers = [EMPTY_HEADER; 16];
            let mut parsed = httparse::Request::new(&mut headers);
            prop_assert_eq!(parsed.parse(head.as_bytes()), Ok(Status::Complete(head.len())));
            prop_assert_eq!(parsed.path, Some(&*target));
            let fields = owned(parsed.headers);
            let is_typed = |name: &str| name.eq_ignore_ascii_case("content-type");
            let optional = [origin.is_some(), !protocols.is_empty(), extensions.is_some()];
            let optional = optional.into_iter().filter(|is_there| *is_there).count();
            let count = fields.iter().filter(|(name, _)| !is_typed(name)).count();
            let others = others.iter().filter(|(name, _)| !is_typed(name)).count();
            prop_assert_eq!(count, 5 + optional + others);
            let version = (1, parsed.version.unwrap());
            let request = Request::new(parsed.method.unwrap(), &target, version, pairs(&fields));
            prop_assert_eq!(request.validate(), Ok(key.accept()));
            prop_assert_eq!(builder.as_request().validate(), Ok(key.accept()));
            prop_assert!(request.protocols().eq(protocols.iter().map(|name| &**name)));
        }

        #[test]
        fn a_response_that_is_written_breaks_nothing(
            random: [u8; 16],
            subprotocol in prop::option::of(strings()),
            extensions in prop::option::of(strings()),
            name in strings(),
            value in strings(),
        ) {
            let key = Key::new(random);
            let builder = ResponseBuilder::accept(key.accept())
                .subprotocol(subprotocol.as_deref())
                .extensions(extensions.as_deref())
                .header(&name, &value);
            let given = subprotocol.iter().chain(&extensions).chain([&name, &value]);
            let hostile = given.into_iter().any(|text| is_hostile(text));
            let Ok(head) = builder.build() else { return Ok(()) };
            prop_assert!(!hostile, "{:?}", head);
            let mut headers = [EMPTY_HEADER; 16];
            let mut parsed = httparse::Response::new(&mut headers);
            prop_assert_eq!(parsed.parse(head.as_bytes()), Ok(Status::Complete(head.len())));
            let fields = owned(parsed.headers);
            let mut request = Handshake::legal().with(Role::Client, "Sec-WebSocket-Key", &[key.as_str()]);
            for (name, value) in [
                ("Sec-WebSocket-Protocol", &subprotocol),
                ("Sec-WebSocket-Extensions", &extensions),
            ] {
                let values: Vec<_> = value.iter().map(|value| &**value).collect();
                request = request.with(Role::Client, name, &values);
            }
            let response = Response::new(parsed.code.unwrap(), pairs(&fields));
            prop_assert_eq!(response.validate(&request.request()).err(), None);
        }

        #[test]
        fn a_refusal_is_a_whole_response(
            status in 250..650_u16, body in ".*", name in strings(), value in strings(),
        ) {
            let builder = ResponseBuilder::refuse_with(status, &body).header(&name, &value);
            let Ok(response) = builder.build() else { return Ok(()) };
            prop_assert!((300..600).contains(&status) && !is_hostile(&name) && !is_hostile(&value));
            let mut headers = [EMPTY_HEADER; 16];
            let mut parsed = httparse::Response::new(&mut headers);
            let Ok(Status::Complete(len)) = parsed.parse(response.as_bytes()) else { panic!() };
            prop_assert_eq!(&response[len..], &body);
            prop_assert_eq!(parsed.code, Some(status));
            let lengths = parsed.headers.iter().filter(|header| header.name == "Content-Length");
            let lengths: Vec<_> = lengths.map(|header| header.value.to_vec()).collect();
            prop_assert_eq!(lengths, [body.len().to_string().into_bytes()]);
        }
    }

    /// The status that is due, the fields that RFC 9110 wants with it, and the text of the rule.
    #[test]
    fn every_rule_has_its_refusal() {
        for rule in Rule::ALL {
            let response = ResponseBuilder::refuse(*rule).build().unwrap();
            let (head, body) = response.split_once("\r\n\r\n").unwrap();
            assert_eq!(body, rule.text());
            let status = match rule.due() {
                Due::Status(status) => status,
                _ => 502,
            };
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
            assert!(!head.lines().next().unwrap().ends_with(' '), "{status} has a phrase");
            for (field, of) in [
                ("Sec-WebSocket-Version: 13", 426),
                ("Upgrade: websocket", 426),
                ("Connection: Upgrade, close", 426),
                ("Allow: GET", 405),
            ] {
                assert_eq!(head.lines().any(|line| line == field), status == of, "{head}");
            }
            let closes = head.lines().filter(|line| line.starts_with("Connection: "));
            assert!(closes.map(|line| line.ends_with("close")).eq([true]));
        }
    }

    /// A server responds as it accepts, or refuses with the status that is due.
    #[test]
    fn a_server_responds_to_every_request() {
        let server = Server::new().subprotocols(["chat"]);
        for (_, handshake, _) in vectors() {
            let request = handshake.request();
            let (response, agreement) = server.respond(&request);
            match server.accept(&request) {
                Ok((accepting, agreed)) => {
                    assert_eq!(response.build(), accepting.build());
                    assert_eq!(agreement, Some(agreed));
                }
                Err(rule) => {
                    assert_eq!(response.build(), ResponseBuilder::refuse(rule).build());
                    assert_eq!(agreement, None);
                }
            }
        }
    }

    /// HTTP/2 has no upgrade: neither the fields of one nor status 426 (RFC 8441 §5).
    #[test]
    fn an_extended_connect_is_answered_without_an_upgrade() {
        let server = Server::new().subprotocols(["chat"]);
        let (mut accepted, mut refused) = (0, 0);
        for (_, handshake, _) in vectors() {
            let request = Request::connect(handshake.target, pairs(&handshake.request));
            let (response, agreement) = server.respond(&request);
            let Some(rule) = request.broken().next() else {
                assert_eq!(response.build(), Err(InvalidHead::NotHttp1));
                let offers_chat = request.protocols().any(|name| name == "chat");
                assert_eq!(agreement.unwrap().subprotocol.is_some(), offers_chat);
                accepted += 1;
                continue;
            };
            assert_eq!(agreement, None);
            let response = response.build().unwrap();
            assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
            assert!(response.ends_with(rule.text()), "{response}");
            for field in ["\r\nConnection:", "\r\nUpgrade:"] {
                assert!(!response.contains(field), "{response}");
            }
            let is_version = rule == Rule::UnsupportedVersion || rule == Rule::MissingVersion;
            let names_version = response.contains("\r\nSec-WebSocket-Version: 13\r\n");
            assert_eq!(names_version, is_version && rule.due() == Due::Status(426), "{response}");
            refused += 1;
        }
        assert!(accepted > 10 && refused > 10, "{accepted}, {refused}");
    }

    #[test]
    fn a_response_to_an_extended_connect_breaks_no_rule() {
        for (response, error) in [
            (ResponseBuilder::accept_connect(), InvalidHead::NotHttp1),
            (
                ResponseBuilder::accept_connect().extensions("x;"),
                InvalidHead::Broken(Rule::InvalidExtensionAnswer),
            ),
            (
                ResponseBuilder::accept_connect().subprotocol("a b"),
                InvalidHead::Value("Sec-WebSocket-Protocol".to_owned()),
            ),
            (
                ResponseBuilder::accept_connect().header("Upgrade", "websocket"),
                InvalidHead::Reserved("Upgrade".to_owned()),
            ),
        ] {
            assert_eq!(response.build(), Err(error.clone()));
            #[cfg(feature = "http")]
            assert_eq!(
                response.into_http().err(),
                Some(error).filter(|e| *e != InvalidHead::NotHttp1)
            );
        }
    }

    /// A request of the crate `http` is an extended CONNECT where it can be one.
    #[cfg(feature = "http")]
    #[test]
    fn requests_of_the_crate_http_are_told_apart() {
        use http::{Method, Version};
        for (method, version, uri, extended) in [
            (Method::CONNECT, Version::HTTP_2, "https://example.com/chat?a", true),
            (Method::CONNECT, Version::HTTP_3, "https://example.com/chat?a", true),
            (Method::CONNECT, Version::HTTP_11, "https://example.com/chat?a", false),
            (Method::CONNECT, Version::HTTP_2, "example.com:443", false),
            (Method::GET, Version::HTTP_2, "https://example.com/chat?a", false),
        ] {
            let request = http::Request::builder().method(method).version(version).uri(uri);
            let request = request.header("Sec-WebSocket-Version", "13").body(()).unwrap();
            let view = Request::from(&request);
            assert_eq!(view.is_connect(), extended, "{request:?}");
            assert_eq!(view.target(), if uri.contains('/') { "/chat?a" } else { "/" });
            let (response, agreement) = Server::new().respond_http(&request);
            assert_eq!(agreement.is_some(), extended);
            assert_eq!(response.status() == 200, extended);
            // It is malformed over HTTP/2 (RFC 9113 §8.2.2).
            let is_http1 = version < Version::HTTP_2;
            assert_eq!(response.headers().contains_key("Connection"), is_http1);
        }
    }

    #[test]
    fn errors_name_what_is_wrong() {
        let request = |host, target| RequestBuilder::new(host, target, Key::new([0; 16]));
        let good = || request("h", "/");
        let (name, value) = (InvalidHead::Name, InvalidHead::Value);
        let (reserved, broken) = (InvalidHead::Reserved, InvalidHead::Broken);
        let key = "sec-websocket-KEY";
        for (builder, error) in [
            (good().header("a b", ""), name("a b".to_owned())),
            (good().header("", ""), name(String::new())),
            (good().header("a", "\n"), value("a".to_owned())),
            (good().header(key, "x"), reserved(key.to_owned())),
            (good().extensions("x;"), broken(Rule::InvalidExtensionOffer)),
            (good().extensions(""), broken(Rule::InvalidExtensionOffer)),
            (good().protocols(["a", "a"]), broken(Rule::RepeatedProtocol)),
            (good().protocols(["a b"]), value("Sec-WebSocket-Protocol".to_owned())),
            (request("", "/"), broken(Rule::MissingHost)),
            (request("a b", "/"), value("Host".to_owned())),
            (request("h", "/#"), broken(Rule::FragmentInTarget)),
            (request("h", "chat"), InvalidHead::Target),
            (request("h", "/ HTTP/1.1"), InvalidHead::Target),
            // The first one counts.
            (good().header("a b", "").header("a", "\n"), name("a b".to_owned())),
        ] {
            assert_eq!(builder.build(), Err(error.clone()));
            assert!(error.to_string().len() > 20);
        }
        let typed =
            ResponseBuilder::refuse_with(403, "{}").header("content-type", "application/json");
        assert_eq!(typed.build().unwrap().to_lowercase().matches("content-type").count(), 1);
        let hidden = ResponseBuilder::refuse_with(101, "").build();
        assert_eq!(hidden, Err(InvalidHead::Status(101)));
    }
}
