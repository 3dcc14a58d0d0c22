//! The phrases about the opening handshake.

use wsvet::Role;
use wsvet::handshake::{Due, Rule};

use crate::report::words::count;
use crate::session::agreement::{Agreement, HandshakeFinding, describe};

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
