//! The phrases about the opening handshake.

use wsvet::Role;
use wsvet::handshake::{Due, Rule};

use crate::report::words::count;
use crate::session::agreement::{Agreement, HandshakeFinding, Uncertain, describe};
use crate::session::unjudged::Unjudged;

/// What is found in the opening handshake, in words.
pub(super) struct Told {
    /// The rule that a message breaks, and the endpoint that sent it.
    pub(super) broken: Option<(Rule, Role)>,
    pub(super) text: String,
    /// What the other endpoint must do.
    pub(super) due: Option<String>,
}

/// Describes what is found in the opening handshake.
pub(super) fn handshake(found: &HandshakeFinding, agreement: &Agreement) -> Told {
    match found {
        HandshakeFinding::Broken(rule) => {
            let extensions = rule.field() == Some("Sec-WebSocket-Extensions");
            let exact = negotiation(agreement).filter(|_| extensions);
            let exact = exact.filter(|_| rule.sender() == Role::Server);
            let text = exact.map_or_else(|| rule.text().to_owned(), |(_, text)| text);
            let due = match rule.due() {
                // The RFC does not ask the server to notice.
                Due::Status(status) if *rule == Rule::DataBeforeResponse => {
                    format!("a server that notices it may refuse the request with HTTP {status}")
                }
                Due::Status(status) => {
                    format!("the server must refuse it with HTTP {status} (RFC 6455 §4.2.1)")
                }
                _ => "the client must fail the connection (RFC 6455 §4.1)".to_owned(),
            };
            Told { broken: Some((*rule, rule.sender())), text, due: Some(due) }
        }
        HandshakeFinding::Refused(status) => {
            let text = format!("the server answered the upgrade request with HTTP {status}");
            Told { broken: None, text, due: None }
        }
        HandshakeFinding::RefusedBefore(status) => {
            let text = format!(
                "the server answered an earlier upgrade request on this connection with HTTP {status}"
            );
            Told { broken: None, text, due: None }
        }
        HandshakeFinding::Declined(offered) => Told {
            broken: None,
            text: format!(
                "the client offered {}, and the server chose none: browsers then fail the \
                 connection",
                count(offered.len() as u64, "subprotocol") + " (" + &offered.join(", ") + ")"
            ),
            due: None,
        },
    }
}

/// Describes what is not known of a connection whose opening handshake was not captured.
pub(super) fn uncertainty(uncertain: &Uncertain) -> String {
    let [client, server] = uncertain.skipped;
    let unknown = "compression and the subprotocol are unknown";
    let mut text = match (uncertain.why, client, server) {
        (Unjudged::NoAnswer, ..) => {
            format!("the answer to the upgrade request was not captured: {unknown}")
        }
        (Unjudged::NoRequest, ..) => "the upgrade request was not captured".to_owned(),
        (_, Some(client), Some(server)) => format!(
            "begins in the middle: judged from byte {client} of the client's bytes and byte {server} of \
             the server's, the first plausible frame boundaries; {unknown}"
        ),
        _ => {
            let from = if client.is_some() { Role::Client } else { Role::Server };
            let byte = client.or(server).unwrap_or_default();
            format!(
                "begins in the middle: judged from byte {byte} of the {from}'s bytes, the first plausible \
                 frame boundary; {unknown}"
            )
        }
    };
    for (role, skipped) in [(Role::Client, client), (Role::Server, server)] {
        if skipped.is_none() {
            text.push_str(&format!("; only the {}'s bytes are judged", role.peer()));
        }
    }
    text
}

/// Returns what is wrong with the extensions in the server's answer, if anything, and the byte.
pub(super) fn negotiation(agreement: &Agreement) -> Option<(usize, String)> {
    let wrong = agreement.invalid_extension()?;
    let answer = agreement.answer();
    let rest = answer.get(wrong.offset..).unwrap_or_default();
    let part = rest.split([',', ';']).next().unwrap_or_default().trim();
    let place = format!("at byte {} of the server's Sec-WebSocket-Extensions", wrong.offset);
    Some((wrong.offset, describe(part, &place, wrong.fault)))
}

/// The duty of the client after an invalid answer.
pub(super) const FAIL: &str = "the client must fail the connection (RFC 7692 §7.1)";
