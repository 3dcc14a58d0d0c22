//! The table of close codes that a subprotocol defines (RFC 6455 §7.4.2).
//!
//! The library knows the codes of the IANA registry. What a code from 3000 on means depends on what
//! the endpoints agreed on, so it is named only beside that subprotocol. The table has a row for
//! each subprotocol whose specification lists its codes.

use wsvet::{CloseCode, Step};

use crate::session::report::Closing;

/// A subprotocol, and its codes in ascending order.
struct Row {
    /// The names in the header field `Sec-WebSocket-Protocol`.
    names: &'static [&'static str],
    codes: &'static [(u16, &'static str)],
    /// The document that lists the codes.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reader of the table"))]
    source: &'static str,
}

const ROWS: [Row; 3] = [
    Row {
        names: &["graphql-transport-ws"],
        source: "https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md and \
                 https://the-guild.dev/graphql/ws/docs/common/enumerations/CloseCode",
        codes: &[
            (4004, "Bad Response"),
            (4005, "Internal Client Error"),
            (4400, "Bad Request"),
            (4401, "Unauthorized: an operation before the connection was acknowledged"),
            (4403, "Forbidden"),
            (4406, "Subprotocol Not Acceptable"),
            (4408, "Connection Initialisation Timeout"),
            (4409, "Subscriber Already Exists"),
            (4429, "Too Many Initialisation Requests"),
            (4500, "Internal Server Error"),
            (4504, "Connection Acknowledgement Timeout"),
        ],
    },
    Row {
        names: &["obswebsocket.json", "obswebsocket.msgpack"],
        source: "https://github.com/obsproject/obs-websocket/blob/master/docs/generated/protocol.md#websocketclosecode",
        codes: &[
            (4000, "Unknown Reason"),
            (4002, "Message Decode Error"),
            (4003, "Missing Data Field"),
            (4004, "Invalid Data Field Type"),
            (4005, "Invalid Data Field Value"),
            (4006, "Unknown OpCode"),
            (4007, "Not Identified"),
            (4008, "Already Identified"),
            (4009, "Authentication Failed"),
            (4010, "Unsupported RPC Version"),
            (4011, "Session Invalidated"),
            (4012, "Unsupported Feature"),
        ],
    },
    Row {
        names: &["centrifuge-json", "centrifuge-protobuf"],
        source: "https://centrifugal.dev/docs/server/codes",
        codes: &[
            (3000, "Connection Closed"),
            (3001, "Shutdown"),
            (3004, "Internal Server Error"),
            (3005, "Connection Expired"),
            (3006, "Subscription Expired"),
            (3008, "Slow"),
            (3009, "Write Error"),
            (3010, "Insufficient State"),
            (3011, "Force Reconnect"),
            (3012, "No Pong"),
            (3013, "Too Many Requests"),
            (3500, "Invalid Token"),
            (3501, "Bad Request"),
            (3502, "Stale"),
            (3503, "Force Disconnect"),
            (3504, "Connection Limit"),
            (3505, "Channel Limit"),
            (3506, "Inappropriate Protocol"),
            (3507, "Permission Denied"),
            (3508, "Not Available"),
            (3509, "Too Many Errors"),
        ],
    },
];

/// Returns what a code means in this subprotocol, or `None` if its specification does not say.
fn meaning(subprotocol: &str, code: CloseCode) -> Option<&'static str> {
    let row = ROWS.iter().find(|row| row.names.contains(&subprotocol))?;
    row.codes.iter().find(|(number, _)| *number == code.0).map(|(_, meaning)| *meaning)
}

/// Returns what the code of a Close frame means in the subprotocol of the connection.
pub(super) fn of_subprotocol(closing: &Closing, step: &Step) -> Option<String> {
    let wsvet::Act::Closed(Some(code)) = step.act else { return None };
    let subprotocol = closing.opening.agreement.subprotocol.as_deref()?;
    meaning(subprotocol, code).map(|meaning| format!("in {subprotocol}: {meaning}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_sources_and_only_codes_that_a_subprotocol_may_define() {
        for row in ROWS {
            assert!(row.source.starts_with("https://"));
            assert!(row.codes.is_sorted_by(|a, b| a.0 < b.0), "{:?}", row.names);
            assert!(row.codes.iter().all(|(code, _)| (3000..5000).contains(code)));
        }
    }

    #[test]
    fn a_code_has_a_meaning_in_its_subprotocol_alone() {
        let code = CloseCode(4005);
        assert_eq!(meaning("graphql-transport-ws", code), Some("Internal Client Error"));
        assert_eq!(meaning("obswebsocket.json", code), Some("Invalid Data Field Value"));
        assert_eq!(meaning("graphql-ws", code), None);
        assert_eq!(meaning("graphql-transport-ws", CloseCode(4402)), None);
    }
}
