//! The handshake of permessage-deflate: what is accepted, declined and agreed on (RFC 7692 §7.1).
#![cfg(feature = "deflate")]

use proptest::prelude::*;
use wsvet::Role;
use wsvet::deflate::{Fault, InvalidExtension, Parameters};

const NAMES: [&str; 4] = [
    "server_no_context_takeover",
    "client_no_context_takeover",
    "server_max_window_bits",
    "client_max_window_bits",
];

/// Values, and whether they are 8 to 15 in decimal without leading zeros.
const VALUES: [(&str, bool); 24] = [
    ("=8", true),
    ("=9", true),
    ("=10", true),
    ("=15", true),
    ("=\"10\"", true),
    ("=\"\\1\\0\"", true),
    (" = 10", true),
    ("\t=\t\"15\"", true),
    ("=7", false),
    ("=16", false),
    ("=0", false),
    ("=08", false),
    ("=010", false),
    ("=+9", false),
    ("=-9", false),
    ("=9.0", false),
    ("=0x9", false),
    ("=99999999999999999999", false),
    ("=1e1", false),
    ("=true", false),
    ("=\"\"", false),
    ("=\" 10\"", false),
    ("=\"10 \"", false),
    ("=\"1\\\\0\"", false),
];

fn fault(offers: &str, answer: &str) -> Option<(Fault, usize)> {
    let invalid = Parameters::agreed(offers, answer).err();
    invalid.map(|InvalidExtension { fault, offset }| (fault, offset))
}

#[test]
fn every_parameter_has_its_values() {
    for name in NAMES {
        let takes_bits = name.ends_with("bits");
        for (value, good) in VALUES.into_iter().chain([("", false)]) {
            let header = format!("permessage-deflate; {name}{value}");
            let optional = value.is_empty() && name == NAMES[3];
            let offer_good = if takes_bits { good || optional } else { value.is_empty() };
            let accepted = Parameters::new().accept(&header);
            assert_eq!(accepted.is_some(), offer_good, "{header}");
            let answer_good = if takes_bits { good } else { value.is_empty() };
            let offers = "permessage-deflate; client_max_window_bits";
            let expected = (!answer_good).then_some((Fault::BadValue, 20));
            assert_eq!(fault(offers, &header), expected, "{header}");
        }
    }
}

#[test]
fn an_unknown_or_repeated_parameter_declines_the_offer() {
    for parameters in [
        "x",
        "x=1",
        "server_max_window_bits=10; x",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; Client_No_Context_Takeover",
        "server_max_window_bits=10; server_max_window_bits=10",
        "client_max_window_bits; client_max_window_bits=10",
    ] {
        let header = format!("permessage-deflate; {parameters}");
        assert_eq!(Parameters::new().accept(&header), None, "{header}");
        let with_another = format!("{header}, permessage-deflate");
        assert_eq!(Parameters::new().accept(&with_another), Some(Parameters::new()), "{header}");
    }
    // Names have no case (RFC 5234 §2.3).
    let accepted = Parameters::new().accept("PerMessage-Deflate; Server_No_Context_Takeover");
    assert_eq!(accepted, Some(Parameters::new().server_no_context_takeover(true)));
    let offers = "permessage-deflate; client_max_window_bits";
    for (answer, expected) in [
        ("permessage-deflate; x", (Fault::Unknown, 20)),
        ("permessage-deflate;x=1", (Fault::Unknown, 19)),
        ("permessage-deflate; client_max_window_bits", (Fault::BadValue, 20)),
        (
            "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
            (Fault::Repeated, 46),
        ),
        ("permessage-deflate, permessage-deflate", (Fault::Repeated, 20)),
        ("x-other", (Fault::NotOffered, 0)),
        ("permessage-deflate, x-other", (Fault::NotOffered, 20)),
        ("permessage-bzip2", (Fault::NotOffered, 0)),
    ] {
        assert_eq!(fault(offers, answer), Some(expected), "{answer}");
    }
}

#[test]
fn what_is_no_list_of_extensions_is_declined_and_fails() {
    for header in [
        "permessage-deflate;",
        "permessage-deflate; ;",
        "permessage-deflate; =10",
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate; server_max_window_bits=\"10",
        "permessage-deflate; server_max_window_bits=10 11",
        "permessage-deflate server_no_context_takeover",
        "permessage deflate",
        "permessage-deflate\u{a0}",
        "permessage-deflate\r\n",
        "(permessage-deflate)",
        ";",
        "=",
        "\"permessage-deflate\"",
    ] {
        assert_eq!(Parameters::new().accept(header), None, "{header:?}");
        assert_eq!(fault("permessage-deflate", header), Some((Fault::Syntax, 0)), "{header:?}");
    }
    // The list is bad as a whole, and its element is told.
    let answer = "permessage-deflate, ;";
    assert_eq!(fault("permessage-deflate", answer), Some((Fault::Syntax, 20)));
    assert_eq!(Parameters::new().accept(answer), None);
}

#[test]
fn lists_are_read_as_lists() {
    for header in [
        "permessage-deflate",
        "Permessage-Deflate",
        "PERMESSAGE-DEFLATE",
        " permessage-deflate\t",
        ",, permessage-deflate ,,",
        "x; y=\"a, permessage-deflate; b\\\"\", permessage-deflate",
        "x, permessage-deflate, z",
    ] {
        assert_eq!(Parameters::new().accept(header), Some(Parameters::new()), "{header}");
        let agreed = Parameters::agreed(header, "permessage-DEFLATE");
        assert_eq!(agreed, Ok(Some(Parameters::new())), "{header}");
    }
    for header in ["", ",", " ,\t", "x", "permessage-deflate-2", "x; permessage-deflate"] {
        assert_eq!(Parameters::new().accept(header), None, "{header}");
        let offers = "permessage-deflate, x, permessage-deflate-2";
        assert_eq!(Parameters::agreed(offers, header), Ok(None), "{header}");
    }
    let answer =
        "permessage-deflate; server_max_window_bits = \"1\\2\" ; server_no_context_takeover";
    let agreed = Parameters::agreed("permessage-deflate", answer).unwrap().unwrap();
    let expected = Parameters::new().server_max_window_bits(12).server_no_context_takeover(true);
    assert_eq!(agreed, expected);
}

/// All offers and answers that name each parameter or not, with two sizes of window.
#[test]
fn an_answer_is_agreed_to_where_it_keeps_what_was_demanded() {
    let bits = [None, Some(9), Some(10)];
    let flags = [false, true];
    let mut tried = 0;
    let offered_bits = [None, Some(None), Some(Some(9)), Some(Some(10))];
    for (index, offered_client) in (0..2 * 2 * 3).flat_map(|i| offered_bits.map(|bits| (i, bits))) {
        let (server_none, client_none, server) =
            (flags[index & 1], flags[index >> 1 & 1], bits[index >> 2]);
        let mut offer = header(server_none, client_none, server, offered_client.flatten());
        if offered_client == Some(None) {
            offer.push_str("; client_max_window_bits");
        }
        for (index, given_client) in (0..2 * 2 * 3).flat_map(|i| bits.map(|bits| (i, bits))) {
            let (given_server_none, given_client_none, given_server) =
                (flags[index & 1], flags[index >> 1 & 1], bits[index >> 2]);
            let answer = header(given_server_none, given_client_none, given_server, given_client);
            let name = format!("{offer} / {answer}");
            let kept = (given_server_none || !server_none)
                && server.is_none_or(|most| given_server.is_some_and(|given| given <= most));
            // The value of the offer is a hint (§7.1.2.2).
            let asked = given_client.is_none() || offered_client.is_some();
            let agreed = Parameters::agreed(&offer, &answer);
            assert_eq!(agreed.is_ok(), kept && asked, "{name}");
            if let Err(InvalidExtension { fault, .. }) = agreed {
                let expected = if kept { Fault::NotOffered } else { Fault::NotAccepted };
                assert_eq!(fault, expected, "{name}");
            } else {
                let agreed = agreed.unwrap().unwrap();
                // What the answer says, and nothing else (§5).
                let given = (given_server_none, given_client_none, given_server, given_client);
                assert_eq!(agreed, parameters(given), "{name}");
            }
            tried += 1;
        }
    }
    assert_eq!(tried, 48 * 36);
}

fn header(server_none: bool, client_none: bool, server: Option<u8>, client: Option<u8>) -> String {
    parameters((server_none, client_none, server, client)).to_string()
}

fn parameters(
    (server_none, client_none, server, client): (bool, bool, Option<u8>, Option<u8>),
) -> Parameters {
    let parameters = Parameters::new()
        .server_no_context_takeover(server_none)
        .client_no_context_takeover(client_none);
    let parameters = server.into_iter().fold(parameters, Parameters::server_max_window_bits);
    client.into_iter().fold(parameters, Parameters::client_max_window_bits)
}

/// The client's parameters in an offer are hints (§7.1.1.2, §7.1.2.2): each value with each other one,
/// and the server's with them, which are no hints (§7.1.2.1).
#[test]
fn the_client_s_parameters_in_an_offer_are_hints() {
    for offered in 8..=15 {
        for given in (8..=15).map(Some).chain([None]) {
            let both = |name: &str| {
                let answer = given.map(|given| format!("; {name}={given}")).unwrap_or_default();
                let offer = format!("permessage-deflate; {name}={offered}");
                (offer, format!("permessage-deflate{answer}"))
            };
            let (offer, answer) = both("client_max_window_bits");
            let agreed = Parameters::agreed(&offer, &answer);
            let expected = parameters((false, false, None, given));
            assert_eq!(agreed, Ok(Some(expected)), "{offer} / {answer}");
            assert_eq!(expected.window_bits(Role::Client), given.unwrap_or(15));
            let (offer, answer) = both("server_max_window_bits");
            let agreed = Parameters::agreed(&offer, &answer);
            let smaller = given.is_some_and(|given| given <= offered);
            assert_eq!(agreed.is_ok(), smaller, "{offer} / {answer}");
        }
    }
    let offer = "permessage-deflate; client_no_context_takeover; client_max_window_bits=9";
    let agreed = Parameters::agreed(offer, "permessage-deflate").unwrap().unwrap();
    assert!(agreed.context_takeover(Role::Client));
    let agreed = Parameters::agreed(offer, "permessage-deflate; client_no_context_takeover");
    assert!(!agreed.unwrap().unwrap().context_takeover(Role::Client));
}

/// The server must decline an offer that is invalid (§7.1), and fail the connection if it cannot
/// read the offers (RFC 6455 §9.1). It is at fault if it accepts them, but not for an extension that
/// was not offered.
#[test]
fn an_invalid_offer_must_not_be_accepted() {
    for (offers, invalid) in [
        ("permessage-deflate;", "permessage-deflate"),
        ("permessage-deflate; server_max_window_bits=\"10", "permessage-deflate"),
        ("permessage-deflate, ;", "permessage-deflate"),
        ("permessage-deflate; x", "permessage-deflate"),
        ("permessage-deflate; server_max_window_bits=16", "permessage-deflate"),
        (
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=10",
        ),
        ("permessage-deflate; client_no_context_takeover=1", "permessage-deflate"),
        ("x; ;", "x"),
    ] {
        assert_eq!(Parameters::new().accept(offers), None, "{offers}");
        assert_eq!(fault(offers, invalid), Some((Fault::InvalidOffer, 0)), "{offers}");
        assert_eq!(Parameters::agreed(offers, ""), Ok(None), "{offers}");
    }
    // Another offer is valid, or the other extension is.
    let offers = "permessage-deflate; x, permessage-deflate";
    assert_eq!(fault(offers, "permessage-deflate"), None);
    let offers = "x-other, permessage-deflate; x";
    assert_eq!(fault(offers, "x-other"), None);
    let answer = "x-other, permessage-deflate";
    assert_eq!(fault(offers, answer), Some((Fault::InvalidOffer, 9)));
}

/// The first offer that can be accepted is, and where another answers to a later one, that counts.
#[test]
fn offers_stand_in_order() {
    let offers = "permessage-deflate; server_max_window_bits=10; x, \
                  permessage-deflate; server_max_window_bits=10, permessage-deflate";
    let accepted = Parameters::new().accept(offers).unwrap();
    assert_eq!(accepted, Parameters::new().server_max_window_bits(10));
    assert_eq!(Parameters::agreed(offers, &accepted.to_string()), Ok(Some(accepted)));
    let answer = "permessage-deflate; server_max_window_bits=11";
    let agreed = Parameters::agreed(offers, answer).unwrap().unwrap();
    assert_eq!(agreed, Parameters::new().server_max_window_bits(11));
}

fn any_parameters() -> impl Strategy<Value = Parameters> {
    let bits = || prop::option::of(8u8..=15);
    (any::<bool>(), any::<bool>(), bits(), bits()).prop_map(parameters)
}

/// An offer, mostly good: parameters in any order, with any values.
fn offer() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        6 => Just(String::new()),
        6 => (8u8..=15).prop_map(|bits| format!("={bits}")),
        1 => prop::sample::select(&VALUES[..]).prop_map(|(value, _)| value.to_owned()),
    ];
    let name = prop_oneof![20 => prop::sample::select(&NAMES[..]), 1 => Just("x")];
    let parameters = prop::collection::vec((name, value), 0..4);
    (prop_oneof![9 => Just("permessage-deflate"), 1 => Just("x-other")], parameters).prop_map(
        |(name, parameters)| {
            let parameters = parameters.iter().map(|(name, value)| format!("; {name}{value}"));
            std::iter::once(name.to_owned()).chain(parameters).collect()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    /// Whatever the server wants: its answer is one that the client agrees to, and both keep it.
    #[test]
    fn what_is_accepted_is_agreed(
        wanted in any_parameters(),
        offers in prop::collection::vec(offer(), 1..4),
    ) {
        let offers = offers.join(", ");
        if let Some(accepted) = wanted.accept(&offers) {
            let agreed = Parameters::agreed(&offers, &accepted.to_string());
            prop_assert_eq!(agreed, Ok(Some(accepted)), "{}", offers);
            let less = |agreed: Option<u8>, wanted: Option<u8>| {
                wanted.is_none_or(|wanted| agreed.is_some_and(|agreed| agreed <= wanted))
            };
            prop_assert!(less(accepted.max_window_bits(Role::Server), wanted.max_window_bits(Role::Server)));
            prop_assert!(!accepted.context_takeover(Role::Server) || wanted.context_takeover(Role::Server));
            prop_assert!(!accepted.context_takeover(Role::Client) || wanted.context_takeover(Role::Client));
        }
    }

    /// What a client offers any server of the crate accepts, within what both want.
    #[test]
    fn what_is_offered_is_accepted(client in any_parameters(), server in any_parameters()) {
        let offer = client.offer();
        let accepted = server.accept(&offer).unwrap();
        prop_assert_eq!(Parameters::agreed(&offer, &accepted.to_string()), Ok(Some(accepted)));
        let lesser = |a: Option<u8>, b: Option<u8>| a.into_iter().chain(b).min();
        prop_assert_eq!(accepted, parameters((
            !client.context_takeover(Role::Server) || !server.context_takeover(Role::Server),
            !client.context_takeover(Role::Client) || !server.context_takeover(Role::Client),
            lesser(client.max_window_bits(Role::Server), server.max_window_bits(Role::Server)),
            lesser(client.max_window_bits(Role::Client), server.max_window_bits(Role::Client)),
        )));
    }

    /// Nothing panics, and what is wrong starts inside the answer.
    #[test]
    fn any_header_is_read(
        offers in prop_oneof![offer(), "(permessage-deflate|[;,= \t\"\\\\a8é])*"],
        answer in prop_oneof![offer(), any::<String>(), "(permessage-deflate|[;,= \t\"\\\\a8é])*"],
    ) {
        let _ = Parameters::new().accept(&answer);
        if let Err(invalid) = Parameters::agreed(&offers, &answer) {
            prop_assert!(answer.is_char_boundary(invalid.offset) && invalid.offset < answer.len());
        }
    }
}
