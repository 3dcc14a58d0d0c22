//! The differences between pairs of close codes that are often confused.

use wsvet::CloseCode;

/// Returns the difference between two codes in a few sentences, if there is a text for this pair.
/// `left` must be the lower code.
pub(crate) fn between(left: CloseCode, right: CloseCode) -> Option<&'static str> {
    let pair = (left.0, right.0);
    CONTRASTS.iter().find(|(a, b, _)| (*a, *b) == pair).map(|(_, _, text)| *text)
}

const CONTRASTS: &[(u16, u16, &str)] = &[
    (
        1000,
        1001,
        "Neither is an error. 1000 says that the work is done; 1001 says that the endpoint leaves, done or not. After 1000 a client does not reconnect; after 1001 it usually does.",
    ),
    (
        1000,
        1002,
        "1000 says that all went well, 1002 that the peer's frames were broken. An endpoint that answers a broken frame with 1000 hides the bug from the people who can fix it.",
    ),
    (
        1000,
        1003,
        "1000 says that all went well and the work is done; 1003 says that the connection ends because a message had a type (text or binary) that the endpoint does not accept. With 1000 nobody has to change anything; with 1003 the sender of that message has to change something, or the next connection will end the same way. A client must not retry after 1003 without a change. A server that answers such a message with 1000 makes a refusal look like success: the client believes that its data arrived.",
    ),
    (
        1000,
        1005,
        "Both are clean closes. 1000 is in the Close frame. A library reports 1005 if the Close frame had no code, so 1005 is never sent.",
    ),
    (
        1000,
        1006,
        "1000 is in a Close frame that was received. A library reports 1006 if no Close frame came. With 1000 the peer closed the connection; with 1006 the connection broke.",
    ),
    (
        1001,
        1006,
        "An endpoint that leaves and says so sends 1001. If an endpoint leaves without a Close frame, its peer reports 1006. A server that stops should send 1001 before it closes its sockets.",
    ),
    (
        1001,
        1012,
        "1001 says that the endpoint leaves, but not whether it comes back. 1012 says that the service restarts and comes back, so clients should reconnect after a random pause.",
    ),
    (
        1002,
        1003,
        "1002 is about the frames, 1003 is about the type of their data. With 1003 every frame was well formed and its opcode is a known type of data, text or binary, that this endpoint does not accept: the application chose the wrong type. With 1002 the peer's WebSocket stack is broken, whatever its application does. A reserved opcode is not a type of data: it requires 1002.",
    ),
    (
        1002,
        1007,
        "1002 is about the frames, 1007 is about their content: the frames were valid, but the text was not UTF-8. A Close body of one byte requires 1002; a close reason that is not UTF-8 requires 1007.",
    ),
    (
        1003,
        1006,
        "With 1003 the endpoint said why it refused; with 1006 no endpoint said anything. If a server drops the socket after a message of the wrong type, its client reports 1006 and does not know the reason. The server should send 1003 first.",
    ),
    (
        1003,
        1007,
        "1003 refuses a type of data, by the opcode, before the payload is read; 1007 refuses content that contradicts its type, by the bytes. A binary message to a text-only endpoint requires 1003; text that is not UTF-8 requires 1007.",
    ),
    (
        1003,
        1008,
        "1003 is precise: the type of data is not accepted. 1008 is the general refusal if neither 1003 nor 1009 fits, or if the endpoint does not want to say more.",
    ),
    (
        1003,
        1009,
        "1003 refuses the type of a message, 1009 refuses its length. A message of a type that is not accepted is refused with 1003, for any length.",
    ),
    (
        1003,
        1011,
        "With 1003 the peer has to change what it sends; with 1011 the endpoint that closes is at fault. If a handler throws because it received bytes instead of a string, the connection often ends with 1011, but 1003 is correct.",
    ),
    (
        1005,
        1006,
        "Both are only reported. With 1005 a Close frame without a code came: a clean close. With 1006 no Close frame came: the connection broke.",
    ),
    (
        1006,
        1011,
        "A library reports 1006 if the connection broke without a Close frame. An endpoint that failed but could still say so sends 1011.",
    ),
    (
        1007,
        1008,
        "1007 says that the content contradicts its type, above all text that is not UTF-8. Content that is valid but not accepted requires 1008.",
    ),
    (
        1008,
        1009,
        "1009 says that the message is too big, and the peer can send less; 1008 says that some other policy was broken. Too many fragments require 1008, too many bytes require 1009.",
    ),
    (1008, 3000, "1008 is the general refusal; 3000 says that signing in would help."),
    (
        1008,
        3003,
        "1008 is the general refusal; 3003 says that this account may not do this, signed in or not.",
    ),
    (
        1011,
        1012,
        "1011 says that the server failed, 1012 that it restarts as planned. After both, a client may reconnect.",
    ),
    (
        1012,
        1013,
        "1012 says that the service restarts and will be available soon; 1013 says that it is available, but overloaded.",
    ),
    (
        3000,
        3003,
        "3000 says that signing in would help, 3003 that it would not. They are like 401 and 403 in HTTP.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_code_is_first_and_every_pair_is_unique() {
        let pairs: Vec<_> = CONTRASTS.iter().map(|(left, right, _)| (left, right)).collect();
        assert!(pairs.iter().all(|(left, right)| left < right));
        assert!(pairs.is_sorted_by(|a, b| a < b));
    }
}
