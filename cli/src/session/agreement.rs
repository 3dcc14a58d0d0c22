//! The result of the opening handshake: what the endpoints negotiated, and what was found.

use std::time::Duration;

use wsvet::deflate::{Fault, InvalidExtension, Parameters};
use wsvet::handshake::Rule;

use crate::session::unjudged::Unjudged;

/// The result of the opening handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The target of the request, if the request was captured.
    pub target: Option<String>,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<String>,
    /// The extensions that the client offered, with their parameters, if known.
    pub offered: Option<Vec<String>>,
    /// The extensions that the server accepted, with their parameters.
    pub extensions: Vec<String>,
    /// When the client asked, on the clock of the input, if the request is known.
    pub asked: Option<Duration>,
    /// Whether the server accepted the request: with 101, or over HTTP/2 with 2xx.
    pub opened: bool,
    /// What is found in the messages of the handshake.
    pub found: Vec<HandshakeFinding>,
    /// What is not known, if the input lacks the opening handshake or a part of it.
    pub uncertain: Option<Uncertain>,
    invalid: Option<InvalidExtension>,
    permessage_deflate: Option<Parameters>,
}

/// What is not known of a connection whose opening handshake, or a part of it, was not captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncertain {
    /// What was not captured: `Begun`, `NoAnswer` or `NoRequest`.
    pub why: Unjudged,
    /// The number of captured bytes of the client and of the server before the first frame that is
    /// judged. Without it, the bytes of this endpoint are not judged.
    pub skipped: [Option<u64>; 2],
}

impl Uncertain {
    /// Returns whether compression and the subprotocol are unknown.
    pub fn is_blind(&self) -> bool {
        self.why != Unjudged::NoRequest
    }
}

/// Something about the opening handshake that people must be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandshakeFinding {
    /// The request or the response breaks this rule.
    Broken(Rule),
    /// The server refused the request with this HTTP status.
    Refused(u16),
    /// The server refused an earlier request on the same connection with this HTTP status.
    RefusedBefore(u16),
    /// The client offered these subprotocols, and the server named none.
    Declined(Vec<String>),
}

impl Agreement {
    /// Parses the extensions in the offer, if it is known, and in the answer.
    pub fn new(
        target: Option<String>,
        subprotocol: Option<String>,
        offered: Option<Vec<String>>,
        extensions: Vec<String>,
    ) -> Self {
        let answer = extensions.join(", ");
        let negotiation = match &offered {
            Some(offered) => Parameters::agreed(&offered.join(", "), &answer),
            None => answered(&answer),
        };
        let permessage_deflate = negotiation.or_else(|_| answered(&answer)).unwrap_or_else(|_| {
            let mut names = answer.split([',', ';']).map(str::trim);
            let named = names.any(|name| name.eq_ignore_ascii_case("permessage-deflate"));
            named.then(Parameters::new)
        });
        let invalid = negotiation.err();
        let rule = invalid.map(|wrong| rule_of(wrong, &answer));
        Self {
            target,
            subprotocol,
            offered,
            extensions,
            asked: None,
            opened: true,
            found: rule.map(HandshakeFinding::Broken).into_iter().collect(),
            uncertain: None,
            invalid,
            permessage_deflate,
        }
    }

    /// Creates the result of a handshake that was not captured.
    pub fn unknown(uncertain: Uncertain) -> Self {
        let mut agreement = Self::new(None, None, None, Vec::new());
        agreement.uncertain = Some(uncertain);
        agreement
    }

    /// Adds what is found in the handshake, once.
    pub fn add(&mut self, found: HandshakeFinding) -> bool {
        let new = !self.found.contains(&found);
        if new {
            self.found.push(found);
        }
        new
    }

    /// Adds that the server refused earlier requests with these HTTP statuses.
    pub fn add_refused_before(&mut self, statuses: &[u16]) {
        for status in statuses {
            self.add(HandshakeFinding::RefusedBefore(*status));
        }
    }

    /// Returns how messages may be compressed (RFC 7692). If the answer is invalid, this is the part
    /// of it that can be parsed.
    pub fn permessage_deflate(&self) -> Option<Parameters> {
        self.permessage_deflate
    }

    /// Returns what is wrong with the server's [answer](Self::answer). If something is wrong, the
    /// client must fail the connection (RFC 7692 §7.1).
    pub fn invalid_extension(&self) -> Option<&InvalidExtension> {
        self.invalid.as_ref()
    }

    /// Returns the extensions of the answer as the value of one header.
    pub fn answer(&self) -> String {
        self.extensions.join(", ")
    }
}

/// Describes what is wrong with a part of Sec-WebSocket-Extensions. `place` says where it is.
pub fn describe(part: &str, place: &str, fault: Fault) -> String {
    let name = part.split('=').next().unwrap_or_default().trim();
    match fault {
        Fault::Syntax => {
            format!("invalid extension `{part}` {place}: must be `name; parameter=value`")
        }
        Fault::Unknown => format!(
            "unknown parameter `{name}` {place}: must be server_no_context_takeover, \
             client_no_context_takeover, server_max_window_bits or client_max_window_bits"
        ),
        Fault::Repeated => format!("`{name}` {place} occurs twice: must occur once"),
        Fault::BadValue if name.to_ascii_lowercase().ends_with("_max_window_bits") => {
            format!("invalid value for `{name}` {place}: must be 8 to 15")
        }
        Fault::BadValue => format!("invalid value for `{name}` {place}: must have no value"),
        Fault::NotOffered => format!("`{part}` {place} was not offered by the client"),
        Fault::InvalidOffer => {
            format!("`{part}` {place} accepts an offer of the client that is invalid")
        }
        Fault::NotAccepted => {
            format!("`{part}` {place} leaves out or exceeds what the client offered")
        }
        _ => format!("`{part}` {place} {fault}"),
    }
}

/// Parses an answer whose offer is unknown.
pub fn answered(answer: &str) -> Result<Option<Parameters>, InvalidExtension> {
    Parameters::agreed(answer, answer)
}

/// Returns the rule that an answer with this fault breaks.
fn rule_of(wrong: InvalidExtension, answer: &str) -> Rule {
    let part = answer.get(wrong.offset..).unwrap_or_default();
    let name = part.split([',', ';', '=']).next().unwrap_or_default().trim();
    match wrong.fault {
        Fault::Syntax => Rule::InvalidExtensionAnswer,
        // A parameter may be what was not offered, and not the extension.
        Fault::NotOffered if !name.to_ascii_lowercase().ends_with("_max_window_bits") => {
            Rule::ExtensionNotOffered
        }
        _ => Rule::ExtensionDoesNotFit,
    }
}

#[cfg(test)]
mod tests {
    use wsvet::Role;

    use super::*;

    #[test]
    fn the_valid_part_of_an_invalid_answer_is_used() {
        let agreement = |offered: Option<&str>, answer: &str| {
            let offered = offered.map(|offered| vec![offered.to_owned()]);
            Agreement::new(None, None, offered, vec![answer.to_owned()])
        };
        let bits = "permessage-deflate; client_max_window_bits=9";
        let told = agreement(Some("permessage-deflate"), bits);
        assert_eq!(told.invalid_extension().unwrap().offset, 20);
        assert_eq!(told.permessage_deflate().unwrap().max_window_bits(Role::Client), Some(9));
        let told = agreement(None, "permessage-deflate; x");
        assert_eq!(told.invalid_extension().unwrap().offset, 20);
        assert_eq!(told.permessage_deflate(), Some(Parameters::new()));
        let told = agreement(None, bits);
        assert_eq!((told.invalid_extension(), told.permessage_deflate()), (None, told_by(bits)));
        for offered in ["permessage-deflate; x", "permessage-deflate;"] {
            let told = agreement(Some(offered), "permessage-deflate");
            assert_eq!(told.invalid_extension().unwrap().fault, Fault::InvalidOffer, "{offered}");
            assert_eq!(told.permessage_deflate(), Some(Parameters::new()), "{offered}");
        }
        // What the client offered for itself is a hint, which the answer need not repeat.
        let offered = "permessage-deflate; client_no_context_takeover";
        let told = agreement(Some(offered), "permessage-deflate");
        assert_eq!(told.invalid_extension(), None);
        assert!(told.permessage_deflate().unwrap().context_takeover(Role::Client));
        let told = agreement(Some("permessage-deflate"), "x-other");
        assert!(told.invalid_extension().is_some());
        assert_eq!(told.permessage_deflate(), None);
    }

    fn told_by(answer: &str) -> Option<Parameters> {
        answered(answer).unwrap()
    }
}
