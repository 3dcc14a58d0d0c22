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
            let asked = given_client.is_none_or(|given| {
                offered_client.is_some_and(|offered| offered.is_none_or(|most| given <= most))
            });
            let agreed = Parameters::agreed(&offer, &answer);
            assert_eq!(agreed.is_ok(), kept && asked, "{name}");
            if let Err(InvalidExtension { fault, .. }) = agreed {
                let unasked = given_client.is_some() && offered_client.is_none();
                let expected = if kept && unasked { Fault::NotOffered } else { Fault::NotAccepted };
                assert_eq!(fault, expected, "{name}");
            } else {
                let agreed = agreed.unwrap().unwrap();
                assert_eq!(!agreed.context_takeover(Role::Server), given_server_none, "{name}");
                assert_eq!(
                    !agreed.context_takeover(Role::Client),
                    given_client_none || client_none,
                    "{name}"
                );
                assert_eq!(agreed.max_window_bits(Role::Server), given_server, "{name}");
                let promised = offered_client.flatten();
                assert_eq!(
                    agreed.max_window_bits(Role::Client),
                    given_client.or(promised),
                    "{name}"
                );
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
