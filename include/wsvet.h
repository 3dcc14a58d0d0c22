/*
 * wsvet parses and validates WebSocket frames: it decodes and validates one direction of a connection
 * by RFC 6455, and writes the replies. A section without the number of an RFC is one of RFC 6455. The
 * guide, with a whole program, is in src/guide/c.md. Other programs are in examples/c and
 * examples/python.
 *
 * The caller provides the memory of an object that `..._init` fills. It allocates nothing, and needs no
 * cleanup. An object that `..._new` returns allocates memory, and `..._free` frees it. There is no I/O.
 * Use an object from one thread at a time.
 *
 * A pointer must not be NULL and must point to an initialised object of its type, unless a comment says
 * otherwise. Lengths are in bytes. The program aborts if a pointer is NULL and its length is not 0. The
 * library cannot detect an object that was not initialised, or a buffer that is shorter than its length.
 */

#ifndef WSVET_H
#define WSVET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
#define WSVET_MUST_USE __attribute__((warn_unused_result))
#else
#define WSVET_MUST_USE
#endif

/** The version of this header: see `wsvet_version`. */
#define WSVET_VERSION "0.1.0"

/**
 * The opcode of a frame; 3-7 and 11-15 are reserved (section 5.2).
 */
enum wsvet_opcode {
    WSVET_CONTINUATION = 0,
    WSVET_TEXT = 1,
    WSVET_BINARY = 2,
    WSVET_CLOSE = 8,
    WSVET_PING = 9,
    WSVET_PONG = 10,
};

/**
 * A rule that a stream can break, in order of precedence. The numbers are stable.
 */
enum wsvet_rule {
    /**
     * No rule is broken.
     */
    WSVET_NO_RULE = 0,
    /**
     * RFC 6455 section 5.2, 1002: an RSV bit is set that no negotiated extension defines.
     */
    WSVET_RESERVED_BITS = 1,
    /**
     * RFC 6455 section 5.2, 1002: the opcode is one of 3-7 or B-F.
     */
    WSVET_RESERVED_OPCODE = 2,
    /**
     * RFC 6455 section 5.5, 1002: a control frame has FIN clear.
     */
    WSVET_FRAGMENTED_CONTROL = 3,
    /**
     * RFC 6455 section 5.4, 1002: a continuation frame continues no message.
     */
    WSVET_UNEXPECTED_CONTINUATION = 5,
    /**
     * RFC 6455 section 5.4, 1002: a text or binary frame comes while a fragmented message is open.
     */
    WSVET_INTERRUPTED_MESSAGE = 6,
    /**
     * RFC 7692 section 6, 1002: with permessage-deflate negotiated, RSV1 is set on a control or continuation frame.
     */
    WSVET_MISPLACED_RSV1 = 7,
    /**
     * RFC 6455 section 5.5.1, 1002: a data frame comes after a Close frame.
     */
    WSVET_DATA_AFTER_CLOSE = 12,
    /**
     * RFC 6455 section 7.4.1, 1003: a text message comes to an endpoint that accepts only binary, or the other way round.
     */
    WSVET_UNSUPPORTED_DATA = 13,
    /**
     * RFC 6455 section 7.4.1, 1008: a message has more fragments than the endpoint's limit.
     */
    WSVET_TOO_MANY_FRAGMENTS = 16,
    /**
     * RFC 6455 section 5.1, 1002: a client sends a frame that is not masked.
     */
    WSVET_UNMASKED_CLIENT_FRAME = 8,
    /**
     * RFC 6455 section 5.1, 1002: a server sends a frame that is masked.
     */
    WSVET_MASKED_SERVER_FRAME = 9,
    /**
     * RFC 6455 section 5.5, 1002: the payload length of a control frame is not in 7 bits, the form for up to 125 bytes.
     */
    WSVET_OVERSIZED_CONTROL = 4,
    /**
     * RFC 6455 section 5.5.1, 1002: the body of a Close frame is one byte long.
     */
    WSVET_CLOSE_BODY_ONE_BYTE = 19,
    /**
     * RFC 6455 section 5.2, 1002: the length is not in its shortest form.
     */
    WSVET_NON_MINIMAL_LENGTH = 10,
    /**
     * RFC 6455 section 5.2, 1002: the top bit of a 64-bit length is set.
     */
    WSVET_LENGTH_OVERFLOW = 11,
    /**
     * RFC 6455 section 7.4.1, 1009: the payload of a frame is over the endpoint's limit.
     */
    WSVET_FRAME_TOO_BIG = 14,
    /**
     * RFC 6455 section 7.4.1, 1009: the fragments of a message add up to more than the endpoint's limit.
     */
    WSVET_MESSAGE_TOO_BIG = 15,
    /**
     * RFC 6455 section 8.1, 1007: a text message is not UTF-8, or ends inside a character.
     */
    WSVET_INVALID_UTF8 = 17,
    /**
     * RFC 7692 section 7.2.2, 1007: a compressed message is not DEFLATE, or does not end with a block.
     */
    WSVET_INVALID_DEFLATE = 18,
    /**
     * RFC 6455 section 7.4, 1002: the code of a Close frame may not stand on the wire.
     */
    WSVET_INVALID_CLOSE_CODE = 20,
    /**
     * RFC 6455 section 5.5.1, 1007: the reason of a Close frame is not UTF-8.
     */
    WSVET_INVALID_CLOSE_REASON = 21,
    /**
     * RFC 6455 section 7.1.5, 1006: the connection ends inside a frame.
     */
    WSVET_EOF_IN_FRAME = 22,
    /**
     * RFC 6455 section 7.1.5, 1006: the connection ends without a Close frame.
     */
    WSVET_EOF_WITHOUT_CLOSE = 23,
};

/**
 * A rule of the opening handshake, in order of precedence. The numbers are stable, and none is that of a `wsvet_rule`.
 */
enum wsvet_handshake_rule {
    /**
     * RFC 6455 section 4.1, status 405: the method of the request is not GET.
     */
    WSVET_METHOD_NOT_GET = 101,
    /**
     * RFC 6455 section 4.1, status 400: the HTTP version of the request is less than 1.1.
     */
    WSVET_HTTP_VERSION_TOO_LOW = 102,
    /**
     * RFC 6455 section 3, status 400: the target of the request contains `#`.
     */
    WSVET_FRAGMENT_IN_TARGET = 103,
    /**
     * RFC 6455 section 4.2.1, status 400: the request has no header Host, or an empty one.
     */
    WSVET_MISSING_HOST = 104,
    /**
     * RFC 9112 section 3.2, status 400: the request has the header Host more than once.
     */
    WSVET_REPEATED_HOST = 105,
    /**
     * RFC 6455 section 4.2.1, status 426: the header Upgrade of the request does not contain `websocket`.
     */
    WSVET_MISSING_UPGRADE = 106,
    /**
     * RFC 6455 section 4.2.1, status 426: the header Connection of the request does not contain the token `Upgrade`.
     */
    WSVET_MISSING_CONNECTION_UPGRADE = 107,
    /**
     * RFC 6455 section 4.2.1, status 426: the request has no header Sec-WebSocket-Version.
     */
    WSVET_MISSING_VERSION = 108,
    /**
     * RFC 6455 section 4.4, status 426: the value of Sec-WebSocket-Version is not 13.
     */
    WSVET_UNSUPPORTED_VERSION = 109,
    /**
     * RFC 6455 section 11.3.5, status 400: the request has the header Sec-WebSocket-Version more than once.
     */
    WSVET_REPEATED_VERSION = 110,
    /**
     * RFC 6455 section 4.2.1, status 400: the request has no header Sec-WebSocket-Key.
     */
    WSVET_MISSING_KEY = 111,
    /**
     * RFC 6455 section 4.2.1, status 400: the value of Sec-WebSocket-Key is not 16 bytes in base64.
     */
    WSVET_INVALID_KEY = 112,
    /**
     * RFC 6455 section 11.3.1, status 400: the request has the header Sec-WebSocket-Key more than once.
     */
    WSVET_REPEATED_KEY = 113,
    /**
     * RFC 6455 section 4.1, status 400: Sec-WebSocket-Protocol in the request is not a list of one or more tokens.
     */
    WSVET_INVALID_PROTOCOL_LIST = 114,
    /**
     * RFC 6455 section 4.1, status 400: Sec-WebSocket-Protocol in the request has the same name twice.
     */
    WSVET_REPEATED_PROTOCOL = 115,
    /**
     * RFC 6455 section 9.1, status 400: Sec-WebSocket-Extensions in the request is not a list of one or more extensions.
     */
    WSVET_INVALID_EXTENSION_OFFER = 116,
    /**
     * RFC 6455 section 4.1, status 400: the client sends data after its request and before the server's response.
     */
    WSVET_DATA_BEFORE_RESPONSE = 127,
    /**
     * RFC 6455 section 4.2.2, the client fails the connection: the header Upgrade of a response with status 101 is missing, or is not `websocket`.
     */
    WSVET_UPGRADE_NOT_CONFIRMED = 117,
    /**
     * RFC 6455 section 4.2.2, the client fails the connection: the header Connection of a response with status 101 does not contain the token `Upgrade`.
     */
    WSVET_CONNECTION_NOT_CONFIRMED = 118,
    /**
     * RFC 6455 section 4.2.2, the client fails the connection: a response with status 101 has no header Sec-WebSocket-Accept.
     */
    WSVET_MISSING_ACCEPT = 119,
    /**
     * RFC 6455 section 4.2.2, the client fails the connection: Sec-WebSocket-Accept is not the hash of the request's Sec-WebSocket-Key.
     */
    WSVET_WRONG_ACCEPT = 120,
    /**
     * RFC 6455 section 11.3.3, the client fails the connection: a response has the header Sec-WebSocket-Accept more than once.
     */
    WSVET_REPEATED_ACCEPT = 121,
    /**
     * RFC 6455 section 11.3.4, the client fails the connection: Sec-WebSocket-Protocol in the response occurs more than once, or has more than one name.
     */
    WSVET_REPEATED_SUBPROTOCOL = 122,
    /**
     * RFC 6455 section 4.2.2, the client fails the connection: the response names a subprotocol that the client did not offer.
     */
    WSVET_SUBPROTOCOL_NOT_OFFERED = 123,
    /**
     * RFC 6455 section 9.1, the client fails the connection: Sec-WebSocket-Extensions in the response is not a list of one or more extensions.
     */
    WSVET_INVALID_EXTENSION_ANSWER = 124,
    /**
     * RFC 6455 section 4.2.2, the client fails the connection: the response names an extension that the client did not offer.
     */
    WSVET_EXTENSION_NOT_OFFERED = 125,
    /**
     * RFC 7692 section 7.1, the client fails the connection: the parameters of permessage-deflate in the response do not fit any offer of the client.
     */
    WSVET_EXTENSION_DOES_NOT_FIT = 126,
};

/**
 * A duty that an endpoint did not fulfil in time. The numbers are stable, and none is that of a `wsvet_rule` or a `wsvet_handshake_rule`.
 */
enum wsvet_lapse {
    /**
     * RFC 6455 section 5.5.2: an endpoint answers a Ping neither with a Pong of its data nor with that of a later Ping, although it could.
     */
    WSVET_UNANSWERED_PING = 201,
    /**
     * RFC 6455 section 7.1.1: the server does not close the TCP connection after both endpoints have sent a Close frame.
     */
    WSVET_SERVER_LEFT_OPEN = 202,
};

/**
 * The close codes that IANA has registered; an application's own are 4000-4999 (section 7.4).
 */
enum wsvet_code {
    /**
     * The purpose for which the connection was opened has been fulfilled.
     */
    WSVET_CODE_NORMAL_CLOSURE = 1000,
    /**
     * The endpoint goes away: a server shuts down, or a browser leaves the page.
     */
    WSVET_CODE_GOING_AWAY = 1001,
    /**
     * The peer broke the protocol: the frames themselves are malformed or out of order.
     */
    WSVET_CODE_PROTOCOL_ERROR = 1002,
    /**
     * The endpoint was sent a type of data that it cannot accept: a binary message where it takes only text, or text where it takes only binary.
     */
    WSVET_CODE_UNSUPPORTED_DATA = 1003,
    /**
     * A Close frame came, and its body was empty: no code was given.
     */
    WSVET_CODE_NO_STATUS_RECEIVED = 1005,
    /**
     * The connection ended without a Close frame.
     */
    WSVET_CODE_ABNORMAL_CLOSURE = 1006,
    /**
     * The content of a message does not fit its type, above all text that is not UTF-8.
     */
    WSVET_CODE_INVALID_FRAME_PAYLOAD_DATA = 1007,
    /**
     * A message breaks a policy of the endpoint, and no other code says it better.
     */
    WSVET_CODE_POLICY_VIOLATION = 1008,
    /**
     * A message is too big for the endpoint to process.
     */
    WSVET_CODE_MESSAGE_TOO_BIG = 1009,
    /**
     * The client needed an extension, and the server did not negotiate it.
     */
    WSVET_CODE_MANDATORY_EXTENSION = 1010,
    /**
     * The endpoint met a condition that keeps it from fulfilling the request.
     */
    WSVET_CODE_INTERNAL_ERROR = 1011,
    /**
     * The service restarts; a client may connect again.
     */
    WSVET_CODE_SERVICE_RESTART = 1012,
    /**
     * The server is overloaded, and asks the client to come back later.
     */
    WSVET_CODE_TRY_AGAIN_LATER = 1013,
    /**
     * The server is a gateway or proxy, and got an invalid response from the server behind it.
     */
    WSVET_CODE_BAD_GATEWAY = 1014,
    /**
     * The TLS handshake failed.
     */
    WSVET_CODE_TLS_HANDSHAKE = 1015,
    /**
     * The endpoint must be authorized to perform the request: HTTP 401 for an open connection.
     */
    WSVET_CODE_UNAUTHORIZED = 3000,
    /**
     * The endpoint is authorized, but not for this request: HTTP 403 for an open connection.
     */
    WSVET_CODE_FORBIDDEN = 3003,
    /**
     * The endpoint took too long to respond: HTTP 408 for an open connection.
     */
    WSVET_CODE_TIMEOUT = 3008,
};


/**
 * The maximum length of a header in bytes (section 5.2).
 */
#define WSVET_MAX_HEADER_LEN 14

/**
 * The maximum length of a control frame in bytes: with a masking key and 125 bytes of payload
 * (section 5.5).
 */
#define WSVET_MAX_CONTROL_LEN 131

/**
 * The size of the string that `wsvet_key` writes, in bytes: 24 characters and a NUL.
 */
#define WSVET_KEY_SIZE 25

/**
 * The size of the string that `wsvet_accept_key` writes, in bytes: 28 characters and a NUL.
 */
#define WSVET_ACCEPT_KEY_SIZE 29

/**
 * The most findings of a conversation.
 */
#define WSVET_MAX_FINDINGS 3

/**
 * The role of the receiving endpoint, which validates the frames (section 5.1).
 *
 * No role is 0, so that a policy that is all 0 is refused.
 */
enum wsvet_role {
    /**
     * The endpoint is a client. It receives frames from a server, which are not masked.
     */
    WSVET_CLIENT = 1,
    /**
     * The endpoint is a server. It receives frames from a client, which are masked.
     */
    WSVET_SERVER = 2,
};

/**
 * The types of data that an endpoint accepts. It refuses other types with the close code 1003
 * (section 7.4.1).
 */
enum wsvet_accepts {
    /**
     * Text and binary messages.
     */
    WSVET_ANY = 0,
    /**
     * Only text messages. A binary message is refused with 1003.
     */
    WSVET_TEXT_ONLY = 1,
    /**
     * Only binary messages. A text message is refused with 1003.
     */
    WSVET_BINARY_ONLY = 2,
};

/**
 * The kind of an event. Later versions may add kinds, so a `switch` needs a `default`.
 */
enum wsvet_kind {
    /**
     * No event. The decoder has used the whole chunk, and needs more bytes.
     */
    WSVET_NO_EVENT = 0,
    /**
     * The next piece of a text or binary message: the part of a frame's payload that is in the
     * chunk.
     */
    WSVET_EVENT_DATA = 1,
    /**
     * A Ping. Reply with a Pong that has the same payload (section 5.5.2).
     */
    WSVET_EVENT_PING = 2,
    /**
     * A Pong (section 5.5.3).
     */
    WSVET_EVENT_PONG = 3,
    /**
     * A Close frame. Reply with a Close frame if you have not sent one, and stop decoding (section
     * 5.5.1).
     */
    WSVET_EVENT_CLOSE = 4,
};

/**
 * What the answer of a server says about permessage-deflate.
 */
enum wsvet_agreed {
    /**
     * It is not in use. No message may be compressed.
     */
    WSVET_NOT_AGREED = 0,
    /**
     * It is in use.
     */
    WSVET_AGREED = 1,
    /**
     * The answer does not fit the offer. The client must fail the connection (RFC 7692 section 7.1).
     */
    WSVET_WRONG_ANSWER = 2,
};

/**
 * How an endpoint stops sending.
 */
enum wsvet_end {
    /**
     * The endpoint sent FIN. Everything that it sent before has arrived.
     */
    WSVET_FIN = 0,
    /**
     * The endpoint sent RST.
     */
    WSVET_RST = 1,
};

/**
 * The kind of a verdict. Later versions may add kinds, so a `switch` needs a `default`.
 */
enum wsvet_verdict_kind {
    /**
     * The conversation does not show how the connection ended: it was still open.
     */
    WSVET_VERDICT_OPEN = 0,
    /**
     * Both endpoints sent a legal Close frame. `by` is the first, and `code` is its code.
     */
    WSVET_VERDICT_CLEAN = 1,
    /**
     * `by` answered the violation of its peer with the close code that is due.
     */
    WSVET_VERDICT_REFUSED = 2,
    /**
     * `by` answered the violation of its peer with another code, or dropped the connection.
     */
    WSVET_VERDICT_REFUSED_OTHERWISE = 3,
    /**
     * `by` did not refuse the violation of its peer.
     */
    WSVET_VERDICT_LET_PASS = 4,
    /**
     * `by` closed with a code that blames its peer, which had broken no rule.
     */
    WSVET_VERDICT_WRONGLY_REFUSED = 5,
    /**
     * `by` closed with 1009, for a limit that its policy does not state. `len` is the length of the
     * message.
     */
    WSVET_VERDICT_OWN_LIMIT = 6,
    /**
     * `by` answered a Close frame with one that breaks a rule.
     */
    WSVET_VERDICT_BROKEN_CLOSE = 7,
    /**
     * `by` did not complete the closing handshake. `why` says what it did.
     */
    WSVET_VERDICT_ABNORMAL = 8,
    /**
     * The opening handshake was not completed. `why` says what `by` did.
     */
    WSVET_VERDICT_NEVER_OPENED = 9,
};

/**
 * The reason of a verdict. Later versions may add reasons, so a `switch` needs a `default`.
 */
enum wsvet_why {
    /**
     * The verdict needs no reason.
     */
    WSVET_NO_REASON = 0,
    /**
     * Abnormal: the stream of the endpoint ended inside a frame.
     */
    WSVET_WHY_IN_FRAME = 1,
    /**
     * Abnormal: the stream of the endpoint ended without a Close frame.
     */
    WSVET_WHY_WITHOUT_CLOSE = 2,
    /**
     * Abnormal: the endpoint reset the connection, without a Close frame.
     */
    WSVET_WHY_RESET = 3,
    /**
     * Abnormal: the endpoint did not answer the Close frame of its peer.
     */
    WSVET_WHY_UNANSWERED = 4,
    /**
     * Abnormal: the endpoint reset the connection before its Close frame could be answered.
     */
    WSVET_WHY_RESET_UNANSWERED = 5,
    /**
     * Never opened: the server answered with the HTTP status in `status`.
     */
    WSVET_WHY_REFUSED = 11,
    /**
     * Never opened: the client closed the connection before the server answered.
     */
    WSVET_WHY_NO_ANSWER = 12,
    /**
     * Never opened: the server closed the connection without an answer.
     */
    WSVET_WHY_DROPPED = 13,
    /**
     * Never opened: the endpoint reset the connection before the server answered.
     */
    WSVET_WHY_RESET_UNOPENED = 14,
    /**
     * Never opened: the response breaks the rule in `handshake_rule`, and the client failed the
     * connection, as it must.
     */
    WSVET_WHY_BROKEN_RESPONSE = 15,
};

/**
 * A validator of both directions of a connection, which determines whether the endpoints closed the
 * connection correctly (section 7).
 *
 * Pass it what each endpoint sends, in the order of observation. It does not change the bytes, so a
 * proxy can forward them. It goes on after a violation, because the frames after it show how the
 * receiver answered.
 *
 * It allocates memory. `wsvet_conversation_free` frees it.
 */
struct wsvet_conversation;

/**
 * A decoder that parses, unmasks, inflates and validates one direction of a connection with
 * permessage-deflate, from chunks of any size (RFC 7692 section 6).
 *
 * It is a `wsvet_decoder` for compressed messages. It validates the inflated text, and `max_message`
 * of the policy counts the inflated bytes. The offset of a violation in a compressed message is that
 * of the first byte of the frame's payload.
 *
 * It allocates memory. `wsvet_inflating_decoder_free` frees it.
 */
struct wsvet_inflating_decoder;

/**
 * The policy of the receiving endpoint: its role, the types of data that it accepts, the
 * extensions that it has negotiated, and its limits.
 *
 * The function `wsvet_policy` returns a policy. Then change the fields as you need.
 */
struct wsvet_policy {
    /**
     * The maximum number of payload bytes of a frame, also of a control frame. A longer frame is
     * refused with 1009.
     */
    uint64_t max_frame;
    /**
     * The maximum number of payload bytes of a message: of all its fragments together, as on the
     * wire. A longer message is refused with 1009.
     */
    uint64_t max_message;
    /**
     * The maximum number of frames of a message. Empty frames count. A message with more frames is
     * refused with 1008.
     */
    uint32_t max_fragments;
    /**
     * The role of the endpoint, one of `enum wsvet_role`.
     */
    uint8_t role;
    /**
     * The types of data that the endpoint accepts, one of `enum wsvet_accepts`.
     */
    uint8_t accepts;
    /**
     * The RSV bits that negotiated extensions other than permessage-deflate define: RSV1 = 4,
     * RSV2 = 2, RSV3 = 1. Higher bits are ignored.
     */
    uint8_t rsv;
    /**
     * Not 0 if permessage-deflate is negotiated. RSV1 then marks a compressed message (RFC 7692
     * section 6). Compressed messages are not inflated, so their contents are not validated.
     */
    uint8_t permessage_deflate;
};

/**
 * The header of a frame: every bit that is on the wire (section 5.2).
 *
 * If you create a header, you need to set only `opcode`, `fin` and `payload_len`. If all other
 * fields are 0, the header is unmasked and in its shortest form.
 */
struct wsvet_header {
    /**
     * The length of the payload in bytes that the header states. It is not checked: it may be up
     * to 2^64 - 1.
     */
    uint64_t payload_len;
    /**
     * The masking key if `masked` is not 0 (section 5.3).
     */
    uint8_t masking_key[4];
    /**
     * The opcode, one of `enum wsvet_opcode` or a reserved one: 0 to 15. Higher bits are ignored.
     */
    uint8_t opcode;
    /**
     * Not 0 if this frame is the last of its message.
     */
    uint8_t fin;
    /**
     * The RSV bits: RSV1 = 4, RSV2 = 2, RSV3 = 1. Higher bits are ignored.
     */
    uint8_t rsv;
    /**
     * Not 0 if the mask bit is set.
     */
    uint8_t masked;
    /**
     * The length of the extended payload length in bytes: 0, 2 or 8. If `payload_len` does not fit
     * into it, or if it is another number, the header is in its shortest form.
     */
    uint8_t extended_len;
};

/**
 * A violation: the rule that is broken, and the byte that breaks it. Or no violation, if `rule` is
 * `WSVET_NO_RULE`.
 *
 * A violation is an error of the peer, never of the caller. `wsvet_responder_reply_to_violation`
 * writes the Close frame to reply with.
 */
struct wsvet_violation {
    /**
     * The offset of the byte that breaks the rule. The first byte of the first frame of this
     * direction has the offset 0. The offset does not depend on how the stream is cut into chunks.
     */
    uint64_t offset;
    /**
     * The rule that is broken, one of `enum wsvet_rule`. `WSVET_NO_RULE`, which is 0, means that
     * no rule is broken.
     */
    uint8_t rule;
};

/**
 * An event that a decoder returns: a piece of a message, or a whole control frame.
 */
struct wsvet_event {
    /**
     * The unmasked bytes: the piece of a message, the payload of a Ping or Pong, or the reason of
     * a Close frame, which is UTF-8. There are `len` bytes, and no NUL follows them. A piece of a
     * text message may start or end inside a character.
     *
     * The bytes are in the chunk. The bytes of a control frame that arrived in several chunks are
     * in the decoder. They are valid until the next call of the decoder, and only as long as the
     * chunk is valid. Never `NULL`.
     */
    const uint8_t *bytes;
    /**
     * The number of bytes.
     */
    size_t len;
    /**
     * The code of a Close frame. It is 0 if the body of the Close frame is empty, and for all
     * other events.
     */
    uint16_t close_code;
    /**
     * The kind of the event, one of `enum wsvet_kind`.
     */
    uint8_t kind;
    /**
     * The opcode. For data it is the opcode of the message, `WSVET_TEXT` or `WSVET_BINARY`, also
     * in the continuation frames of the message.
     */
    uint8_t opcode;
    /**
     * The RSV bits of the first frame of the message. If permessage-deflate is negotiated, the bit
     * 4 (RSV1) means that the message is compressed. It is 0 for all events but data.
     */
    uint8_t rsv;
    /**
     * Not 0 if the message ends with this piece. The last piece of a message can be empty. It is
     * never 0 for a control frame.
     */
    uint8_t end;
};

/**
 * The parameters of permessage-deflate, negotiated or wanted (RFC 7692 section 7.1).
 *
 * If all fields are 0, both endpoints take over the context, and both windows have 15 bits.
 */
struct wsvet_deflate {
    /**
     * Not 0 if no message of the server refers to earlier messages.
     */
    uint8_t server_no_context_takeover;
    /**
     * Not 0 if no message of the client refers to earlier messages.
     */
    uint8_t client_no_context_takeover;
    /**
     * The bits of the window of the server, 8 to 15, or 0 if they are not stated.
     */
    uint8_t server_max_window_bits;
    /**
     * The bits of the window of the client, 8 to 15, or 0 if they are not stated.
     */
    uint8_t client_max_window_bits;
};

/**
 * A function of the caller that receives the events of a chunk, one after the other.
 *
 * `context` is the pointer that was passed to `wsvet_inflating_decode`. The event and its bytes are
 * valid only during the call. The function must return: it must not call `longjmp` or throw an
 * exception, and must not use the decoder.
 */
typedef void (*wsvet_each)(void *context, const struct wsvet_event *event);

/**
 * What one endpoint has sent.
 */
struct wsvet_direction {
    /**
     * The first violation of the endpoint before its first Close frame, or no violation.
     */
    struct wsvet_violation violation;
    /**
     * The number of frames, the last of which may be unfinished.
     */
    uint64_t frames;
    /**
     * The number of bytes.
     */
    uint64_t bytes;
    /**
     * The code of its first Close frame. It is 0 if the Close frame has no code, or if there is none.
     */
    uint16_t close_code;
    /**
     * Not 0 if the endpoint has sent a Close frame.
     */
    uint8_t closed;
    /**
     * Not 0 if the endpoint has sent data after its Close frame (section 5.5.1).
     */
    uint8_t data_after_close;
};

/**
 * The verdict on a conversation: how the connection was closed (section 7.1).
 */
struct wsvet_verdict {
    /**
     * The violation, if the verdict is about one.
     */
    struct wsvet_violation violation;
    /**
     * The length of the message in bytes, for `WSVET_VERDICT_OWN_LIMIT`, or 0.
     */
    uint64_t len;
    /**
     * The code with which the connection was closed: 1005 if the Close frame has no code, or 1006
     * without a complete closing handshake. It is 0 for `WSVET_VERDICT_LET_PASS` and
     * `WSVET_VERDICT_OPEN`.
     */
    uint16_t code;
    /**
     * The HTTP status, for `WSVET_WHY_REFUSED`, or 0.
     */
    uint16_t status;
    /**
     * The kind, one of `enum wsvet_verdict_kind`.
     */
    uint8_t kind;
    /**
     * The endpoint that the verdict is about, one of `enum wsvet_role`, or 0 for
     * `WSVET_VERDICT_OPEN`. It is not always the endpoint at fault.
     */
    uint8_t by;
    /**
     * The reason, one of `enum wsvet_why`.
     */
    uint8_t why;
    /**
     * One of `enum wsvet_handshake_rule`, for `WSVET_WHY_BROKEN_RESPONSE`, or 0.
     */
    uint8_t handshake_rule;
};

/**
 * A duty that an endpoint did not fulfil in time.
 */
struct wsvet_finding {
    /**
     * The time at which the duty began, in nanoseconds on the clock of `wsvet_conversation_at`: that of
     * the first Ping without an answer, or of the second Close frame.
     */
    uint64_t at;
    /**
     * The time in nanoseconds that passed from then to the end of the duty.
     */
    uint64_t waited;
    /**
     * How many Pings have no answer. A lower bound if it is over 8. It is 1 for
     * `WSVET_SERVER_LEFT_OPEN`.
     */
    uint64_t count;
    /**
     * The number of Pongs with other data that the endpoint sent after the first of these Pings.
     */
    uint64_t other_pongs;
    /**
     * The duty, one of `enum wsvet_lapse`. The functions for the texts of rules know its number.
     */
    uint8_t lapse;
    /**
     * The endpoint at fault, one of `enum wsvet_role`.
     */
    uint8_t by;
};

/**
 * A decoder that parses, unmasks and validates one direction of a connection, from chunks of any
 * size.
 *
 * The decoder unmasks data in place in the chunk, and never copies it. Between chunks it holds at
 * most a cut header or the body of a cut control frame, inside this object. It never allocates
 * memory, whatever length a header states.
 *
 * The contents are private to the library. You may move and copy the object. It needs no cleanup.
 */
struct wsvet_decoder {
    uint64_t opaque[32];
};

/**
 * A validator of one direction of a connection. It validates headers, and unmasked payloads in
 * pieces of any size.
 *
 * It is for programs that have their own parser. A `wsvet_decoder` contains a validator.
 *
 * For each frame call `wsvet_validator_begin` once, then `wsvet_validator_payload` for each piece,
 * then `wsvet_validator_finish`. At the end of the stream call `wsvet_validator_eof`. In another
 * order the results are meaningless, and a library that is built with debug assertions aborts.
 *
 * The first violation ends the stream (section 7.1.7). Every later call returns it again.
 *
 * The contents are private to the library. You may move and copy the object. It needs no cleanup.
 */
struct wsvet_validator {
    uint64_t opaque[16];
};

/**
 * A responder that writes the replies of an endpoint, and tracks the closing handshake: it writes
 * one Close frame, and no frame after it (sections 5.5, 7.1).
 *
 * The responder does no I/O. Each function that writes a frame writes it to `out`, and returns how
 * many bytes of `out` the caller must send. It returns 0 if there is nothing to send. `out` must
 * have `WSVET_MAX_CONTROL_LEN` bytes, and the function may write all of them. `key` is the masking
 * key: a client must pass a fresh key of four bytes, and a server must pass `NULL` (section 5.1).
 *
 * A peer that has broken a rule sees the code and the reason only if the Close frame reaches it.
 * After you have sent the Close frame, shut down the sending half of the socket. Then read until
 * the peer ends the stream, but only for some seconds. If you close a socket that has unread
 * bytes, the system resets the connection, and the reset can overtake the Close frame (section
 * 7.1.1).
 *
 * The contents are private to the library. You may move and copy the object. It needs no cleanup.
 */
struct wsvet_responder {
    uint64_t opaque[1];
};

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Returns a policy that allows everything that RFC 6455 allows, for an endpoint with this role,
 * one of `enum wsvet_role`. It has no extension and no limit, and accepts all types of data.
 *
 * If the role is not one of the constants, the returned policy still contains it. The functions
 * that take the policy then return `false`.
 */
struct wsvet_policy wsvet_policy(uint8_t role);

/**
 * Decodes the header at the start of `len` bytes (section 5.2).
 *
 * Returns 0 if the header is complete, and writes it to `*header`. `wsvet_header_len` then returns
 * the index at which the payload starts. Otherwise returns how many more bytes are needed at
 * least, and does not write `*header`.
 *
 * The function does not validate the header, so there is no error.
 *
 * # Safety
 *
 * - `input` must point to `len` bytes. It may be `NULL` if `len` is 0.
 * - `header` must point to a `wsvet_header`, which need not be initialised. It must not overlap
 *   the input.
 */
size_t wsvet_header_decode(const uint8_t *input, size_t len, struct wsvet_header *header);

/**
 * Writes a header to `out`, and returns its length in bytes: 2 to 14 (section 5.2).
 *
 * The function always writes `WSVET_MAX_HEADER_LEN` bytes: zeros follow the header. A header that
 * `wsvet_header_decode` has decoded is encoded to the same bytes, even if its length is not in its
 * shortest form.
 *
 * # Safety
 *
 * - `header` must point to an initialised `wsvet_header`.
 * - `out` must point to `WSVET_MAX_HEADER_LEN` writable bytes, which must not overlap the header.
 */
size_t wsvet_header_encode(const struct wsvet_header *header, uint8_t *out);

/**
 * Returns the length of the header itself in bytes: 2 to 14 (section 5.2).
 */
size_t wsvet_header_len(const struct wsvet_header *header);

/**
 * Masks or unmasks `len` bytes in place, and returns the phase of the next piece of the payload
 * (section 5.3).
 *
 * `key` is the masking key. If it is `NULL`, the bytes do not change. `phase` is the position of
 * `buf` in the payload in bytes. Pass 0 for the start of the payload. For a later piece pass the
 * phase that the previous call returned, or the number of payload bytes before the piece. Only
 * `phase` modulo 4 matters.
 *
 * # Safety
 *
 * - `key` must be `NULL` or point to four bytes.
 * - `buf` must point to `len` initialised, writable bytes. It may be `NULL` if `len` is 0.
 */
size_t wsvet_mask(const uint8_t *key, size_t phase, uint8_t *buf, size_t len);

/**
 * Initialises a decoder at the start of a stream that is received under this policy.
 *
 * Returns `false` if `role` or `accepts` of the policy is not one of the constants. The decoder
 * then refuses every data frame.
 */
WSVET_MUST_USE
bool wsvet_decoder_init(struct wsvet_decoder *decoder,
                        const struct wsvet_policy *policy);

/**
 * Decodes the chunk up to the end of the next event, and returns the violation, if any.
 *
 * The function writes the event to `*event`, and the number of bytes that it has used to `*used`.
 * Call it again with the rest of the chunk until the rest is empty. If there is no event, the
 * function has used the whole chunk. It unmasks the bytes in place.
 *
 * The first violation ends the stream (section 7.1.7). Every later call returns it again. With a
 * violation, `*event` is no event and `*used` is 0. The decoder returns no more of the frame that
 * breaks a rule, but may have unmasked more of the chunk.
 *
 * # Safety
 *
 * - `decoder` must point to a decoder that `wsvet_decoder_init` has initialised.
 * - `chunk` must point to `len` initialised, writable bytes. It may be `NULL` if `len` is 0.
 * - `used` and `event` must point to objects of their types, which need not be initialised.
 * - None of these objects may overlap another.
 */
struct wsvet_violation wsvet_decode(struct wsvet_decoder *decoder,
                                    uint8_t *chunk,
                                    size_t len,
                                    size_t *used,
                                    struct wsvet_event *event);

/**
 * Validates the end of the stream, and returns the violation, if any (section 7.1.5).
 *
 * Call it when no byte will follow. The end can break `WSVET_EOF_IN_FRAME` or
 * `WSVET_EOF_WITHOUT_CLOSE`. The offset of the violation is then the length of the stream, and no
 * reply is possible. After a Close frame the stream may end anywhere.
 */
struct wsvet_violation wsvet_decoder_eof(struct wsvet_decoder *decoder);

/**
 * Returns the number of bytes of the stream that were validated: complete headers, and the payload
 * bytes after them.
 */
uint64_t wsvet_decoder_offset(const struct wsvet_decoder *decoder);

/**
 * Initialises a responder at the start of a connection: no Close frame was sent or received.
 */
void wsvet_responder_init(struct wsvet_responder *responder);

/**
 * Writes the reply to an event, and returns its length in bytes.
 *
 * The reply to a Ping is a Pong with the same payload (section 5.5.3). The reply to a Close frame
 * is a Close frame with the same code and no reason (section 5.5.1). Returns 0 for any other
 * event, and for every event after a Close frame was sent. Pass the Close frame of the peer even
 * then: `wsvet_responder_is_done` depends on it. Also returns 0 for a Ping of more than
 * 125 bytes, which `wsvet_decode` never returns.
 *
 * # Safety
 *
 * - `responder` must point to a responder that `wsvet_responder_init` has initialised.
 * - `event` must point to an event that `wsvet_decode` has written. Its bytes must still be valid.
 * - `key` must be `NULL` or point to four bytes.
 * - `out` must point to `WSVET_MAX_CONTROL_LEN` writable bytes. They may overlap the bytes of the
 *   event, but neither the event itself nor the responder.
 */
size_t wsvet_responder_reply(struct wsvet_responder *responder,
                             const struct wsvet_event *event,
                             const uint8_t *key,
                             uint8_t *out);

/**
 * Writes the Close frame to reply to a violation with, and returns its length in bytes.
 *
 * The Close frame has the code and the text of the rule. Returns 0 if no rule is broken, if a
 * Close frame was sent before, or if the violation is the end of the stream, to which no reply is
 * possible.
 *
 * # Safety
 *
 * - `responder` must point to a responder that `wsvet_responder_init` has initialised.
 * - `key` must be `NULL` or point to four bytes.
 * - `out` must point to `WSVET_MAX_CONTROL_LEN` writable bytes, which must not overlap the
 *   responder.
 */
size_t wsvet_responder_reply_to_violation(struct wsvet_responder *responder,
                                          struct wsvet_violation violation,
                                          const uint8_t *key,
                                          uint8_t *out);

/**
 * Writes a Close frame that starts the closing handshake, and returns its length in bytes.
 *
 * `code`, `reason` and `len` are those of `wsvet_encode_close`: if `code` is 0, the body is empty.
 *
 * Returns 0 if a Close frame was sent before. Also returns 0 if the code must not be sent; the
 * responder then does not count a Close frame as sent.
 *
 * # Safety
 *
 * - `responder` must point to a responder that `wsvet_responder_init` has initialised.
 * - `reason` must point to `len` bytes. It may be `NULL` if `len` is 0.
 * - `key` must be `NULL` or point to four bytes.
 * - `out` must point to `WSVET_MAX_CONTROL_LEN` writable bytes, which must not overlap the
 *   responder.
 */
size_t wsvet_responder_close(struct wsvet_responder *responder,
                             uint16_t code,
                             const char *reason,
                             size_t len,
                             const uint8_t *key,
                             uint8_t *out);

/**
 * Returns `true` if a Close frame was sent. The endpoint must then send no more data (section
 * 5.5.1).
 */
bool wsvet_responder_has_sent_close(const struct wsvet_responder *responder);

/**
 * Returns `true` if both endpoints have sent a Close frame. The closing handshake is then
 * complete, and the server closes the TCP connection (section 7.1.1).
 */
bool wsvet_responder_is_done(const struct wsvet_responder *responder);

/**
 * Writes a message or a control frame as a single frame to `out`, and returns the length of the
 * frame in bytes (section 5.4).
 *
 * `payload` is the unmasked payload of `len` bytes. `key` is the masking key: a client must pass a
 * fresh key of four bytes, and a server must pass `NULL` (section 5.1). The function uses the low
 * four bits of `opcode` and ignores the others.
 *
 * If the returned length is over `out_len`, the function has written nothing. To ask for the
 * length only, pass `NULL` as `out` and 0 as `out_len`.
 *
 * Returns 0 and writes nothing if the frame would be illegal: if the opcode is reserved, if a
 * control frame has more than 125 bytes of payload (section 5.5), or if the body of a Close frame
 * is illegal.
 *
 * # Safety
 *
 * - `payload` must point to `len` bytes. It may be `NULL` if `len` is 0.
 * - `key` must be `NULL` or point to four bytes.
 * - `out` must point to `out_len` writable bytes. It may be `NULL` if `out_len` is 0.
 * - `payload` and `out` must not overlap.
 */
size_t wsvet_encode_single(uint8_t opcode,
                           const void *payload,
                           size_t len,
                           const uint8_t *key,
                           uint8_t *out,
                           size_t out_len);

/**
 * Writes a whole Close frame to `out`, and returns the length of the frame in bytes: 2 to
 * `WSVET_MAX_CONTROL_LEN` (section 5.5.1).
 *
 * If `code` is 0, the body is empty and the function ignores the reason. `reason` is UTF-8 text of
 * `len` bytes. The function cuts it before the first byte that is not UTF-8, and at the end of a
 * character if it is over 123 bytes. `key` is the masking key: a client must pass a fresh key of
 * four bytes, and a server must pass `NULL` (section 5.1).
 *
 * If the returned length is over `out_len`, the function has written nothing.
 *
 * Returns 0 and writes nothing if `code` is not 0 and must not be sent (see
 * `wsvet_code_is_sendable`).
 *
 * # Safety
 *
 * - `reason` must point to `len` bytes. It may be `NULL` if `len` is 0.
 * - `key` must be `NULL` or point to four bytes.
 * - `out` must point to `out_len` writable bytes. It may be `NULL` if `out_len` is 0.
 * - `reason` and `out` must not overlap.
 */
size_t wsvet_encode_close(uint16_t code,
                          const char *reason,
                          size_t len,
                          const uint8_t *key,
                          uint8_t *out,
                          size_t out_len);

/**
 * Initialises a validator at the start of a stream that is received under this policy.
 *
 * Returns `false` if `role` or `accepts` of the policy is not one of the constants. The validator
 * then refuses every data frame.
 */
WSVET_MUST_USE
bool wsvet_validator_init(struct wsvet_validator *validator,
                          const struct wsvet_policy *policy);

/**
 * Validates a header, and returns the violation, if any.
 *
 * Call it before you wait for the payload. If the header breaks several rules, the violation names
 * the first in the order of `enum wsvet_rule`.
 */
struct wsvet_violation wsvet_validator_begin(struct wsvet_validator *validator,
                                             const struct wsvet_header *header);

/**
 * Validates the first bytes of a header whose rest has not arrived, `len` bytes, and returns the
 * violation, if any.
 *
 * A rule is broken as soon as every possible rest of the header breaks it. For example, the first
 * byte shows a type of data that the endpoint does not accept. Pass the whole header to
 * `wsvet_validator_begin` when it has arrived.
 *
 * # Safety
 *
 * - `validator` must point to a validator that `wsvet_validator_init` has initialised.
 * - `start` must point to `len` bytes. It may be `NULL` if `len` is 0.
 */
struct wsvet_violation wsvet_validator_cut_header(struct wsvet_validator *validator,
                                                  const uint8_t *start,
                                                  size_t len);

/**
 * Validates the next piece of the payload, `len` unmasked bytes, and returns the violation, if
 * any.
 *
 * A frame without a payload needs no call. The caller must ensure that the lengths of the pieces
 * add up to `payload_len`.
 *
 * The piece can break `WSVET_INVALID_UTF8` or `WSVET_INVALID_CLOSE_REASON`, at the byte that
 * proves it, or `WSVET_INVALID_CLOSE_CODE`, at the first byte of the code.
 *
 * # Safety
 *
 * - `validator` must point to a validator that `wsvet_validator_init` has initialised.
 * - `plain` must point to `len` bytes. It may be `NULL` if `len` is 0.
 */
struct wsvet_violation wsvet_validator_payload(struct wsvet_validator *validator,
                                               const uint8_t *plain,
                                               size_t len);

/**
 * Validates the end of the frame, and returns the violation, if any. Call it after the whole
 * payload.
 *
 * If the message or the reason of a Close frame ends inside a character, the frame breaks
 * `WSVET_INVALID_UTF8` or `WSVET_INVALID_CLOSE_REASON` at its last byte.
 */
struct wsvet_violation wsvet_validator_finish(struct wsvet_validator *validator);

/**
 * Validates a whole frame, and returns the violation, if any.
 *
 * The function calls `wsvet_validator_begin`, `wsvet_validator_payload` and
 * `wsvet_validator_finish`, and returns the first violation that one of them returns. `plain` is
 * the whole unmasked payload of `len` bytes.
 *
 * # Safety
 *
 * - `validator` must point to a validator that `wsvet_validator_init` has initialised.
 * - `header` must point to an initialised `wsvet_header`.
 * - `plain` must point to `len` bytes. It may be `NULL` if `len` is 0.
 */
struct wsvet_violation wsvet_validator_frame(struct wsvet_validator *validator,
                                             const struct wsvet_header *header,
                                             const uint8_t *plain,
                                             size_t len);

/**
 * Skips `len` bytes of the payload that the caller does not have, for example because a capture
 * lacks them, or because a log contains only the headers.
 *
 * The bytes count in the offset, but are not validated. Neither is the rest of the text message or
 * of the Close frame that they belong to.
 */
void wsvet_validator_skip(struct wsvet_validator *validator, uint64_t len);

/**
 * Validates the end of the stream, and returns the violation, if any (section 7.1.5).
 *
 * `unread` is the number of bytes at the end of the stream that are the start of an incomplete
 * header. The end can break `WSVET_EOF_IN_FRAME` or `WSVET_EOF_WITHOUT_CLOSE`. The offset of the
 * violation is then the length of the stream. After a whole Close frame the stream may end anywhere.
 */
struct wsvet_violation wsvet_validator_eof(struct wsvet_validator *validator,
                                           size_t unread);

/**
 * Returns the number of bytes of the stream so far: headers that were begun, and payload bytes that
 * were passed or skipped.
 */
uint64_t wsvet_validator_offset(const struct wsvet_validator *validator);

/**
 * Returns `true` if a whole Close frame has arrived. The peer must then send no more data (section 5.5.1).
 */
bool wsvet_validator_is_closed(const struct wsvet_validator *validator);

/**
 * Writes the value of the header `Sec-WebSocket-Key` to `out`, as a string that ends with a NUL
 * (section 4.1).
 *
 * `random` is 16 random bytes, new for each connection.
 *
 * # Safety
 *
 * - `random` must point to 16 bytes.
 * - `out` must point to `WSVET_KEY_SIZE` writable bytes.
 * - `random` and `out` must not overlap.
 */
void wsvet_key(const uint8_t *random, char *out);

/**
 * Writes the value of the header `Sec-WebSocket-Accept` that accepts a key to `out`, as a string
 * that ends with a NUL (section 4.2.2).
 *
 * `key` is the value of the header `Sec-WebSocket-Key`, of `len` bytes. Whitespace around it is
 * ignored.
 *
 * Returns `false` and writes an empty string if `key` is not 16 bytes in base64. The server then
 * refuses the request with the HTTP status 400.
 *
 * # Safety
 *
 * - `key` must point to `len` bytes. It may be `NULL` if `len` is 0.
 * - `out` must point to `WSVET_ACCEPT_KEY_SIZE` writable bytes.
 * - `key` and `out` must not overlap.
 */
WSVET_MUST_USE bool wsvet_accept_key(const char *key, size_t len, char *out);

/**
 * Accepts the first valid offer of permessage-deflate in the header `Sec-WebSocket-Extensions` of a
 * client, for a server that wants these parameters (RFC 7692 section 7.1).
 *
 * `offers` is the value of the header, of `len` bytes. If there are several such headers, join their
 * values with commas. The function writes what was negotiated to `*agreed`.
 *
 * Returns `false` and writes nothing if no offer is valid, or if a field of `wanted` is out of range.
 * The connection is then not compressed.
 *
 * # Safety
 *
 * - `wanted` must point to an initialised `wsvet_deflate`. `agreed` may be the same object.
 * - `offers` must point to `len` bytes. It may be `NULL` if `len` is 0.
 * - `agreed` must point to a `wsvet_deflate`, which need not be initialised.
 */
WSVET_MUST_USE
bool wsvet_deflate_accept(const struct wsvet_deflate *wanted,
                          const char *offers,
                          size_t len,
                          struct wsvet_deflate *agreed);

/**
 * Writes the value of the header `Sec-WebSocket-Extensions` that accepts these parameters to `out`,
 * as a string that ends with a NUL, and returns its length without the NUL.
 *
 * If the string and its NUL do not fit in `out_len` bytes, the function writes nothing: 160 bytes
 * always suffice. Returns 0 and writes nothing if a field is out of range.
 *
 * # Safety
 *
 * - `out` must point to `out_len` writable bytes. It may be `NULL` if `out_len` is 0.
 */
size_t wsvet_deflate_answer(const struct wsvet_deflate *agreed, char *out, size_t out_len);

/**
 * Checks the answer of a server to the offer of a client: the values of their headers
 * `Sec-WebSocket-Extensions` (RFC 7692 section 7.1).
 *
 * Returns one of `enum wsvet_agreed`. Only if it is `WSVET_AGREED`, the function writes the
 * parameters to `*agreed`.
 *
 * # Safety
 *
 * - `offers` must point to `offers_len` bytes, and `answer` to `answer_len` bytes. They may be `NULL`
 *   if their length is 0.
 */
WSVET_MUST_USE
uint8_t wsvet_deflate_agreed(const char *offers,
                             size_t offers_len,
                             const char *answer,
                             size_t answer_len,
                             struct wsvet_deflate *agreed);

/**
 * Creates a decoder at the start of a stream that is received under this policy, if permessage-deflate
 * was negotiated with these parameters.
 *
 * The field `permessage_deflate` of the policy is ignored.
 *
 * Returns `NULL` if `role` or `accepts` of the policy is not one of the constants, or if a field of
 * `parameters` is out of range.
 */
WSVET_MUST_USE
struct wsvet_inflating_decoder *wsvet_inflating_decoder_new(const struct wsvet_policy *policy,
                                                            const struct wsvet_deflate *parameters);

/**
 * Frees a decoder. Does nothing if it is `NULL`.
 */
void wsvet_inflating_decoder_free(struct wsvet_inflating_decoder *decoder);

/**
 * Decodes the whole chunk, and calls `each` with each event. Returns the violation, if any.
 *
 * The function unmasks the bytes in place. A piece of a message has at most 16 KiB if the message is
 * compressed. Each message ends with an event of data whose `end` is not 0, and which has no bytes.
 *
 * The first violation ends the stream (section 7.1.7). Every later call returns it again.
 *
 * # Safety
 *
 * - `decoder` must point to a decoder that `wsvet_inflating_decoder_new` has returned.
 * - `chunk` must point to `len` initialised, writable bytes. It may be `NULL` if `len` is 0.
 */
struct wsvet_violation wsvet_inflating_decode(struct wsvet_inflating_decoder *decoder,
                                              uint8_t *chunk,
                                              size_t len,
                                              wsvet_each each,
                                              void *context);

/**
 * Validates the end of the stream, and returns the violation, if any (section 7.1.5).
 *
 * It is what `wsvet_decoder_eof` returns.
 */
struct wsvet_violation wsvet_inflating_decoder_eof(struct wsvet_inflating_decoder *decoder);

/**
 * Returns the number of bytes of the stream that were validated, as on the wire.
 */
uint64_t wsvet_inflating_decoder_offset(const struct wsvet_inflating_decoder *decoder);

/**
 * Creates a conversation between a client and a server with these policies.
 *
 * The policy of an endpoint applies to the frames that it receives. The role of `client` must be
 * `WSVET_CLIENT`, and that of `server` must be `WSVET_SERVER`.
 *
 * `deflate` is what was negotiated for permessage-deflate. The conversation then inflates and
 * validates compressed messages. If it is `NULL`, the contents of compressed messages are not
 * validated, and the field `permessage_deflate` of the policies says whether they are legal.
 *
 * Returns `NULL` if a role is another one, if `accepts` of a policy is not one of the constants, or
 * if a field of `deflate` is out of range.
 *
 * # Safety
 *
 * - `deflate` must be `NULL` or point to an initialised `wsvet_deflate`.
 */
WSVET_MUST_USE
struct wsvet_conversation *wsvet_conversation_new(const struct wsvet_policy *client,
                                                  const struct wsvet_policy *server,
                                                  const struct wsvet_deflate *deflate);

/**
 * Frees a conversation. Does nothing if it is `NULL`.
 */
void wsvet_conversation_free(struct wsvet_conversation *conversation);

/**
 * Sets the time of everything that is passed from now on, in nanoseconds on any clock that does not
 * go back.
 *
 * The findings depend on it. The verdict depends on it only if the response of the opening handshake
 * breaks a rule.
 */
void wsvet_conversation_at(struct wsvet_conversation *conversation,
                           uint64_t nanoseconds);

/**
 * Sets the times in nanoseconds after which a duty counts as neglected. Call it before the first
 * frame.
 *
 * `pong` is the time after a Ping within which the peer may begin other frames before the Pong, 1
 * second by default. `silence` is the time within which a silent peer has to send the Pong, 5 seconds
 * by default. `fin` is the time after the second Close frame within which the TCP connection has to
 * be closed, 2 seconds by default.
 */
void wsvet_conversation_set_patience(struct wsvet_conversation *conversation,
                                     uint64_t pong,
                                     uint64_t silence,
                                     uint64_t fin);

/**
 * Notes that something came from the host of this endpoint, one of `enum wsvet_role`, such as a TCP
 * acknowledgement.
 *
 * If you see packets, call it for each, before you pass what the packet contains. If you do not call
 * it for an endpoint, everything counts as delivered to it.
 *
 * Returns `false` and does nothing if there is no such role.
 */
bool wsvet_conversation_heard_from(struct wsvet_conversation *conversation,
                                   uint8_t host);

/**
 * Records the request of the opening handshake, and the `len` rules that it breaks, each one of `enum
 * wsvet_handshake_rule` (section 4.1).
 *
 * A conversation without a request and a response starts after the opening handshake.
 *
 * Returns `false` and records nothing if a number is not such a rule.
 *
 * # Safety
 *
 * - `conversation` must point to a conversation that `wsvet_conversation_new` has returned.
 * - `broken` must point to `len` bytes. It may be `NULL` if `len` is 0.
 */
bool wsvet_conversation_request(struct wsvet_conversation *conversation,
                                const uint8_t *broken,
                                size_t len);

/**
 * Records the HTTP status of the response of the opening handshake, and the `len` rules that it
 * breaks, each one of `enum wsvet_handshake_rule` (section 4.2.2).
 *
 * Returns `false` and records nothing if a number is not such a rule.
 *
 * # Safety
 *
 * - `conversation` must point to a conversation that `wsvet_conversation_new` has returned.
 * - `broken` must point to `len` bytes. It may be `NULL` if `len` is 0.
 */
bool wsvet_conversation_response(struct wsvet_conversation *conversation,
                                 uint16_t status,
                                 const uint8_t *broken,
                                 size_t len);

/**
 * Validates the next `len` bytes that this endpoint sends, cut into chunks of any size. `from` is one
 * of `enum wsvet_role`.
 *
 * Returns `false` and does nothing if there is no such role.
 *
 * # Safety
 *
 * - `conversation` must point to a conversation that `wsvet_conversation_new` has returned.
 * - `chunk` must point to `len` bytes. It may be `NULL` if `len` is 0.
 */
bool wsvet_conversation_bytes(struct wsvet_conversation *conversation,
                              uint8_t from,
                              const uint8_t *chunk,
                              size_t len);

/**
 * Ends the stream of this endpoint (section 7.1.5). `from` is one of `enum wsvet_role`, and `end` one
 * of `enum wsvet_end`.
 *
 * `wsvet_conversation_direction` returns the violation that the end is, if any.
 *
 * Returns `false` and does nothing if there is no such role or no such end.
 */
bool wsvet_conversation_end(struct wsvet_conversation *conversation,
                            uint8_t from,
                            uint8_t end);

/**
 * Writes what this endpoint, one of `enum wsvet_role`, has sent so far to `*direction`.
 *
 * Returns `false` and writes nothing if there is no such role.
 */
WSVET_MUST_USE
bool wsvet_conversation_direction(const struct wsvet_conversation *conversation,
                                  uint8_t from,
                                  struct wsvet_direction *direction);

/**
 * Returns the verdict: how the conversation ended, as far as it was observed.
 *
 * While the connection is open, what the endpoints send next can change the verdict.
 */
struct wsvet_verdict wsvet_conversation_verdict(const struct wsvet_conversation *conversation);

/**
 * Writes the stable name of the verdict, in lower case with hyphens, such as `"refused-otherwise"`, to
 * `out`, as a string that ends with a NUL. Returns its length without the NUL.
 *
 * If the string and its NUL do not fit in `out_len` bytes, the function writes nothing: 32 bytes
 * always suffice.
 *
 * # Safety
 *
 * - `conversation` must point to a conversation that `wsvet_conversation_new` has returned.
 * - `out` must point to `out_len` writable bytes. It may be `NULL` if `out_len` is 0.
 */
size_t wsvet_conversation_verdict_id(const struct wsvet_conversation *conversation,
                                     char *out,
                                     size_t out_len);

/**
 * Writes the verdict as a sentence to `out`, as a string that ends with a NUL. Returns its length
 * without the NUL.
 *
 * If the string and its NUL do not fit in `out_len` bytes, the function writes nothing: 512 bytes
 * always suffice.
 *
 * # Safety
 *
 * - `conversation` must point to a conversation that `wsvet_conversation_new` has returned.
 * - `out` must point to `out_len` writable bytes. It may be `NULL` if `out_len` is 0.
 */
size_t wsvet_conversation_verdict_text(const struct wsvet_conversation *conversation,
                                       char *out,
                                       size_t out_len);

/**
 * Writes the duties that the endpoints neglected to `out`, as of the time of the last
 * `wsvet_conversation_at`, and returns their number: at most `WSVET_MAX_FINDINGS`.
 *
 * A later Pong or FIN can take a finding back. Without a call of `wsvet_conversation_at`, no time
 * passes, and there are none.
 *
 * # Safety
 *
 * - `conversation` must point to a conversation that `wsvet_conversation_new` has returned.
 * - `out` must point to `WSVET_MAX_FINDINGS` objects, which need not be initialised.
 */
size_t wsvet_conversation_findings(const struct wsvet_conversation *conversation,
                                   struct wsvet_finding *out);

/**
 * Returns the version of the library, such as `"1.2.3"`. `WSVET_VERSION` is the version of the
 * header.
 *
 * Another version may have other sizes of objects and other rules. If you link the library
 * dynamically, compare the two versions.
 */
const char *wsvet_version(void);

/**
 * Returns the stable name of a rule for logs and metrics, in lower case with hyphens, such as
 * `"unsupported-data"`.
 *
 * Every string that a function of this header returns ends with a NUL, and is valid until the
 * program ends. If a number is not a rule, as `WSVET_NO_RULE`, the string is empty. The functions for
 * rules know the numbers of `wsvet_rule`, `wsvet_handshake_rule` and `wsvet_lapse`.
 */
const char *wsvet_rule_id(uint8_t rule);

/**
 * Returns the number of the RFC that states the rule: 6455, 7692 for permessage-deflate, or 9112
 * for HTTP. Returns 0 if there is no such rule.
 */
uint16_t wsvet_rule_rfc(uint8_t rule);

/**
 * Returns the section of the RFC of `wsvet_rule_rfc` that states the rule, such as `"8.1"`.
 */
const char *wsvet_rule_section(uint8_t rule);

/**
 * Returns the close code that the receiver replies with, or 1006 if it cannot reply and only its
 * application is told (section 7.4.1). Returns 0 if there is no such rule, and for a rule of the
 * opening handshake or a `wsvet_lapse`.
 */
uint16_t wsvet_rule_close_code(uint8_t rule);

/**
 * Returns the HTTP status with which a server refuses a request that breaks this rule of the opening
 * handshake, such as 426 (section 4.2.1). Returns 0 if there is no such rule, for a rule about
 * frames, and for a rule about the response: the client then closes the connection (section 4.1).
 */
uint16_t wsvet_rule_status(uint8_t rule);

/**
 * Returns the condition under which the rule is broken, as a clause.
 */
const char *wsvet_rule_breaks(uint8_t rule);

/**
 * Returns the text for the peer, at most 123 bytes: the reason of the Close frame, or the body of the
 * HTTP response that refuses a request.
 */
const char *wsvet_rule_text(uint8_t rule);

/**
 * Returns an explanation of what the rule requires and why, in a few sentences.
 */
const char *wsvet_rule_explain(uint8_t rule);

/**
 * Returns what to do if the rule is broken, mostly at the sender.
 */
const char *wsvet_rule_resolve(uint8_t rule);

/**
 * Returns `true` if an endpoint may send this code in a Close frame: 1000-1003, 1007-1014 or
 * 3000-4999 (section 7.4).
 */
bool wsvet_code_is_sendable(uint16_t code);

/**
 * Returns the registered name of a close code, such as `"Unsupported Data"`, or the purpose of the
 * range that the code is in. The code may be any number from 0 to 65535.
 */
const char *wsvet_code_name(uint16_t code);

/**
 * Returns what the code means.
 */
const char *wsvet_code_meaning(uint16_t code);

/**
 * Returns the situations in which you see the code.
 */
const char *wsvet_code_seen(uint16_t code);

/**
 * Returns how to resolve the problem that the code reports.
 */
const char *wsvet_code_resolve(uint16_t code);

/**
 * Returns when to send the code, and what to send instead if the code does not fit.
 */
const char *wsvet_code_send_when(uint16_t code);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* WSVET_H */
