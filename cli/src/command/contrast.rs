//! What sets two close codes apart, for the pairs that are often confused.

use wsvet::CloseCode;

/// The difference between two codes in a few sentences, where it has been written down; the lesser
/// code is `left`.
pub(crate) fn between(left: CloseCode, right: CloseCode) -> Option<&'static str> {
    let pair = (left.0, right.0);
    CONTRASTS.iter().find(|(a, b, _)| (*a, *b) == pair).map(|(_, _, text)| *text)
}

const CONTRASTS: &[(u16, u16, &str)] = &[
    (
        1000,
        1001,
        "Both are friendly. 1000 says that the work is done; 1001 says that the endpoint leaves, done or not. After 1000 a client stays away, after 1001 it usually comes back.",
    ),
    (
        1000,
        1002,
        "1000 says that all went well, 1002 that the peer's frames were broken. An endpoint that answers a broken frame with 1000 hides the bug from whoever could mend it.",
    ),
    (
        1000,
        1003,
        "1000 says that all went well and the work is done; 1003 says that the connection ends because a message had a type (text or binary) that the endpoint does not accept. 1000 is nobody's fault; with 1003 the sender of that message has to change something, or the connection will end the same way next time. A client must not retry after 1003 without a change. A server that answers such a message with 1000 makes a refusal look like success: the client believes that its data arrived.",
    ),
    (
        1000,
        1005,
        "Both are clean closes. 1000 stands in the Close frame; 1005 is what a library reports when the Close frame had no code at all, so it is never sent.",
    ),
    (
        1000,
        1006,
        "1000 stands in a Close frame that was received; 1006 is what a library reports when no Close frame came at all. With 1000 the peer said goodbye, with 1006 the connection broke.",
    ),
    (
        1001,
        1006,
        "An endpoint that goes away and says so sends 1001; one that vanishes without a Close frame leaves its peer with 1006. A server that stops should send 1001 before it closes its sockets.",
    ),
    (
        1001,
        1012,
        "1001 says that the endpoint leaves, without a word about coming back; 1012 says that the service restarts and will be there again, so clients should reconnect after a random pause.",
    ),
    (
        1002,
        1003,
        "1002 blames the frames, 1003 the type of what they carry. With 1003 every frame was well formed and its opcode is a known type of data, text or binary, that this endpoint does not accept: the application chose the wrong type. With 1002 the peer's WebSocket stack is broken, whatever its application does. A reserved opcode is no type of data: it is 1002.",
    ),
    (
        1002,
        1007,
        "1002 is about the frames, 1007 about what is inside: the frames were in order, but the text was not UTF-8. A Close body of one byte is 1002, a close reason that is not UTF-8 is 1007.",
    ),
    (
        1003,
        1006,
        "With 1003 the endpoint said why it refused; with 1006 nobody said anything. A server that drops the socket when it is sent the wrong type leaves its client with 1006 and no idea: it should send 1003 first.",
    ),
    (
        1003,
        1007,
        "1003 refuses a type of data, by the opcode, before the payload is read; 1007 refuses content that contradicts its type, by the bytes. Binary sent to a text-only endpoint is 1003; text that is not UTF-8 is 1007.",
    ),
    (
        1003,
        1008,
        "1003 is precise: the type of data is not accepted. 1008 is the general refusal for when neither 1003 nor 1009 fits, or when the endpoint does not want to say more.",
    ),
    (
        1003,
        1009,
        "1003 refuses the type of a message, 1009 its length. A message of a type that is not accepted is refused with 1003 whatever its length.",
    ),
    (
        1003,
        1011,
        "With 1003 the peer has to change what it sends; with 1011 the endpoint that closes is itself at fault. A handler that throws because it was given bytes instead of a string often ends in 1011, where 1003 was due.",
    ),
    (
        1005,
        1006,
        "Both are only reported. With 1005 a Close frame came, without a code: a clean close. With 1006 no Close frame came: the connection broke.",
    ),
    (
        1006,
        1011,
        "1006 is what a library reports when the connection broke without a Close; 1011 is sent by an endpoint that failed but could still say so.",
    ),
    (
        1007,
        1008,
        "1007 says that the content contradicts its type, above all text that is not UTF-8. Content that is valid but not welcome is 1008.",
    ),
    (
        1008,
        1009,
        "1009 says that the message is too big, and the peer can send less; 1008 says that some other policy was broken. Too many fragments are 1008, too many bytes 1009.",
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
        "1011 is an accident, 1012 is a plan: both are the server's, and after both a client may come back.",
    ),
    (
        1012,
        1013,
        "1012 says that the service restarts and will soon be there; 1013 says that it is there, but has too much to do.",
    ),
    (
        3000,
        3003,
        "3000 says that signing in would help, 3003 that it would not: as 401 and 403 in HTTP.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lesser_code_stands_first_and_no_pair_stands_twice() {
        let pairs: Vec<_> = CONTRASTS.iter().map(|(left, right, _)| (left, right)).collect();
        assert!(pairs.iter().all(|(left, right)| left < right));
        assert!(pairs.is_sorted_by(|a, b| a < b));
    }
}
