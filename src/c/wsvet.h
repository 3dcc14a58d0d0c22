/*
 * wsvet vets WebSocket frames: it decodes, judges and answers one direction of a connection by
 * RFC 6455, whose sections are meant where no other RFC is named. A guide with a whole program is
 * in src/guide/c.md, and another one in examples/c/echo.c.
 *
 * Nothing is allocated, so nothing is freed: you give the memory of every object, and `..._init`
 * fills it. There is no I/O, no lock and no state but in objects; use one on one thread at a time.
 *
 * A pointer is not NULL and points to what its type says, but where a comment allows NULL. Lengths
 * are in bytes. NULL with a length that is not 0 aborts. What was not initialised, and a buffer that
 * is shorter than its length, nobody can see.
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
     * RFC 6455 section 5.5, 1002: the payload of a control frame is over 125 bytes.
     */
    WSVET_OVERSIZED_CONTROL = 4,
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
     * RFC 6455 section 5.1, 1002: a client sends a frame that is not masked.
     */
    WSVET_UNMASKED_CLIENT_FRAME = 8,
    /**
     * RFC 6455 section 5.1, 1002: a server sends a frame that is masked.
     */
    WSVET_MASKED_SERVER_FRAME = 9,
    /**
     * RFC 6455 section 5.2, 1002: the length is not in its shortest form.
     */
    WSVET_NON_MINIMAL_LENGTH = 10,
    /**
     * RFC 6455 section 5.2, 1002: the top bit of a 64-bit length is set.
     */
    WSVET_LENGTH_OVERFLOW = 11,
    /**
     * RFC 6455 section 5.5.1, 1002: a data frame comes after a Close frame.
     */
    WSVET_DATA_AFTER_CLOSE = 12,
    /**
     * RFC 6455 section 7.4.1, 1003: a text message comes to an endpoint that accepts only binary, or the other way round.
     */
    WSVET_UNSUPPORTED_DATA = 13,
    /**
     * RFC 6455 section 7.4.1, 1009: the payload of a frame is over the endpoint's limit.
     */
    WSVET_FRAME_TOO_BIG = 14,
    /**
     * RFC 6455 section 7.4.1, 1009: the fragments of a message add up to more than the endpoint's limit.
     */
    WSVET_MESSAGE_TOO_BIG = 15,
    /**
     * RFC 6455 section 7.4.1, 1008: a message has more fragments than the endpoint's limit.
     */
    WSVET_TOO_MANY_FRAGMENTS = 16,
    /**
     * RFC 6455 section 8.1, 1007: a text message is not UTF-8, or ends inside a character.
     */
    WSVET_INVALID_UTF8 = 17,
    /**
     * RFC 7692 section 7.2.2, 1007: a compressed message is not DEFLATE, or does not end with a block.
     */
    WSVET_INVALID_DEFLATE = 18,
    /**
     * RFC 6455 section 5.5.1, 1002: the body of a Close frame is one byte long.
     */
    WSVET_CLOSE_BODY_ONE_BYTE = 19,
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
 * The most bytes a header has (section 5.2).
 */
#define WSVET_MAX_HEADER_LEN 14

/**
 * The most bytes a control frame has: with a masking key and 125 bytes of payload (section 5.5).
 */
#define WSVET_MAX_CONTROL_LEN 131

/**
 * Which end of the connection we are: the receiver of the frames that are judged (section 5.1).
 *
 * None of them is 0, so that a policy that was never made is refused.
 */
enum wsvet_role {
    /**
     * We are the client: the frames come from the server, and are not masked.
     */
    WSVET_CLIENT = 1,
    /**
     * We are the server: the frames come from the client, and are masked.
     */
    WSVET_SERVER = 2,
};

/**
 * The types of data that an endpoint accepts; the others are answered with 1003 (section 7.4.1).
 */
enum wsvet_accepts {
    /**
     * Text and binary messages.
     */
    WSVET_ANY = 0,
    /**
     * Text messages; a binary message is refused with 1003.
     */
    WSVET_TEXT_ONLY = 1,
    /**
     * Binary messages; a text message is refused with 1003.
     */
    WSVET_BINARY_ONLY = 2,
};

/**
 * What an event is. More kinds may come: a `switch` needs a `default`.
 */
enum wsvet_kind {
    /**
     * No event: all of the chunk was used, and more is needed.
     */
    WSVET_NO_EVENT = 0,
    /**
     * The next piece of a text or binary message: as much of a frame as the chunk has.
     */
    WSVET_EVENT_DATA = 1,
    /**
     * A Ping: to be answered with a Pong that has the same payload (section 5.5.2).
     */
    WSVET_EVENT_PING = 2,
    /**
     * A Pong (section 5.5.3).
     */
    WSVET_EVENT_PONG = 3,
    /**
     * A Close: to be answered with a Close, if none was sent yet; read no further (section 5.5.1).
     */
    WSVET_EVENT_CLOSE = 4,
};

/**
 * What the receiving endpoint is, accepts, has negotiated and limits.
 *
 * `wsvet_policy` makes one; set what you want otherwise.
 */
struct wsvet_policy {
    /**
     * The most payload bytes of one frame, control frames included; more is refused with 1009.
     */
    uint64_t max_frame;
    /**
     * The most payload bytes of one message, all its fragments together and as they stand on the
     * wire; more is refused with 1009.
     */
    uint64_t max_message;
    /**
     * The most frames of one message, empty ones counted; more is refused with 1008.
     */
    uint32_t max_fragments;
    /**
     * Which end we are: one of `enum wsvet_role`.
     */
    uint8_t role;
    /**
     * The types of data that are accepted: one of `enum wsvet_accepts`.
     */
    uint8_t accepts;
    /**
     * The RSV bits that negotiated extensions other than permessage-deflate define: RSV1 = 4,
     * RSV2 = 2, RSV3 = 1; higher bits do not count.
     */
    uint8_t rsv;
    /**
     * Not 0 where permessage-deflate is negotiated, so that RSV1 marks a compressed message
     * (RFC 7692 section 6). What is compressed is not inflated, so its content is not judged.
     */
    uint8_t permessage_deflate;
};

/**
 * The header of a frame: what stands on the wire, bit for bit (section 5.2).
 *
 * One that is all 0 but for `opcode`, `fin` and `payload_len` is in its shortest form.
 */
struct wsvet_header {
    /**
     * The length of the payload in bytes, as the header says it: up to 2^64 - 1, not judged.
     */
    uint64_t payload_len;
    /**
     * The masking key, where `masked` is not 0 (section 5.3).
     */
    uint8_t masking_key[4];
    /**
     * The opcode, one of `enum wsvet_opcode` or a reserved one: 0 to 15. Higher bits do not count.
     */
    uint8_t opcode;
    /**
     * Not 0 where this frame is the last of its message.
     */
    uint8_t fin;
    /**
     * The RSV bits: RSV1 = 4, RSV2 = 2, RSV3 = 1. Higher bits do not count.
     */
    uint8_t rsv;
    /**
     * Not 0 where the mask bit is set.
     */
    uint8_t masked;
    /**
     * The bytes of the extended payload length: 0, 2 or 8. Where `payload_len` does not fit them,
     * or it is another number, the header has its shortest form.
     */
    uint8_t extended_len;
};

/**
 * A rule that was broken, and at which byte; or that none was.
 *
 * It is the peer's fault, never the caller's. `wsvet_responder_reply_to_violation` writes the Close frame to
 * answer with.
 */
struct wsvet_violation {
    /**
     * The byte that breaks the rule, counted from 0 at the first byte of the first frame of this
     * direction. It is the same however the stream was cut into chunks.
     */
    uint64_t offset;
    /**
     * The rule that is broken, one of `enum wsvet_rule`: `WSVET_NO_RULE`, which is 0, where none
     * is.
     */
    uint8_t rule;
};

/**
 * What a decoder found: a piece of a message, or a whole control frame.
 */
struct wsvet_event {
    /**
     * The plain bytes of the piece; the payload of a Ping or Pong; the reason of a Close, which is
     * UTF-8. There are `len` of them and no NUL behind. Of a text a character may be cut.
     *
     * They lie in the chunk, but for a control frame that came in several chunks, which lies in the
     * decoder: they are there until the decoder is called again and while the chunk is. Never
     * `NULL`.
     */
    const uint8_t *bytes;
    /**
     * How many bytes there are.
     */
    size_t len;
    /**
     * The code of a Close; 0 where its body is empty, and of all other events.
     */
    uint16_t close_code;
    /**
     * What it is: one of `enum wsvet_kind`.
     */
    uint8_t kind;
    /**
     * The opcode: of data that of the message, `WSVET_TEXT` or `WSVET_BINARY`, for its continuation
     * frames too.
     */
    uint8_t opcode;
    /**
     * Of data, the RSV bits of the message's first frame: 4 where permessage-deflate is negotiated
     * and has compressed the message. 0 of all other events.
     */
    uint8_t rsv;
    /**
     * Not 0 where the message ends with this piece; a message can end with an empty one. A control
     * frame is whole.
     */
    uint8_t end;
};

/**
 * Decodes one direction of a connection from chunks of any size, and judges all of it.
 *
 * Data is unmasked where it lies in the chunk and never copied. What is kept between chunks is at
 * most a cut header or the body of a cut control frame, in here: nothing is allocated, whatever a
 * header says.
 *
 * The storage is the library's. It may be moved and copied, and needs no end.
 */
struct wsvet_decoder {
    uint64_t opaque[32];
};

/**
 * Judges one direction of a connection: headers, and plain payloads in pieces of any size. For
 * those who have a parser of their own; a decoder has one inside.
 *
 * For each frame call `wsvet_validator_begin` once, `wsvet_validator_payload` for each piece, then
 * `wsvet_validator_finish`; at the end of the stream `wsvet_validator_eof`. Another order is a
 * mistake of the caller's: the verdicts then mean nothing, and a library built with debug
 * assertions aborts. The first violation ends the stream (section 7.1.7): every later call gives it
 * again.
 *
 * The storage is the library's. It may be moved and copied, and needs no end.
 */
struct wsvet_validator {
    uint64_t opaque[16];
};

/**
 * Writes the answers that an endpoint owes, and keeps the closing handshake: one Close is sent, and
 * nothing behind it (sections 5.5, 7.1).
 *
 * It does no I/O: what a function writes is to be sent. Each takes `out`, with room for
 * `WSVET_MAX_CONTROL_LEN` bytes, all of which may be written, and gives how many bytes are to be
 * sent: 0 where there is nothing to send. A client gives a fresh masking key of four bytes, a server
 * `NULL` (section 5.1).
 *
 * A peer that has broken a rule sees the code and the reason only if the Close reaches it. After
 * sending it, shut the sending half down and read on until the peer's end comes, for some seconds at
 * most: a socket that is closed with bytes unread is reset, and a reset can overtake the Close
 * (section 7.1.1).
 *
 * The storage is the library's. It may be moved and copied, and needs no end.
 */
struct wsvet_responder {
    uint64_t opaque[1];
};

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Everything that RFC 6455 allows, received at this end, one of `enum wsvet_role`: no extension,
 * no limit, and all types of data accepted.
 *
 * A role that is none of them is kept as it is; what takes the policy refuses it.
 */
struct wsvet_policy wsvet_policy(uint8_t role);

/**
 * Takes a header off the front of `len` bytes, and gives how many bytes more are certainly needed:
 * 0 where the header is whole. Nothing is judged, and there is no error (section 5.2).
 *
 * `*header` is written only where 0 is given; `wsvet_header_len` says where the payload starts.
 * `input` may be `NULL` where `len` is 0.
 */
size_t wsvet_header_decode(const uint8_t *input, size_t len, struct wsvet_header *header);

/**
 * Writes the header to `out`, which has room for `WSVET_MAX_HEADER_LEN` bytes, and gives its length
 * in bytes, 2 to 14 (section 5.2).
 *
 * All that room is written. What was decoded is encoded to the same bytes, a length that is not in
 * its shortest form included.
 */
size_t wsvet_header_encode(const struct wsvet_header *header, uint8_t *out);

/**
 * The length of the header itself in bytes: 2 to 14 (section 5.2).
 */
size_t wsvet_header_len(const struct wsvet_header *header);

/**
 * Masks or unmasks `len` bytes where they lie, and gives the phase at which the payload's next
 * piece goes on (section 5.3).
 *
 * `key` has four bytes; `NULL` is no key, and changes nothing. `phase` is the position of `buf` in the
 * payload: 0 for its start, and for a later piece what the call before gave, or the bytes before it;
 * only its value modulo 4 counts. `buf` may be `NULL` where `len` is 0.
 */
size_t wsvet_mask(const uint8_t *key,
                  size_t phase,
                  uint8_t *buf,
                  size_t len);

/**
 * Starts a stream that is received under this policy.
 *
 * `false` where the role or what it accepts is none of the constants. The decoder then refuses
 * every frame of data.
 */
WSVET_MUST_USE
bool wsvet_decoder_init(struct wsvet_decoder *decoder,
                        const struct wsvet_policy *policy);

/**
 * Decodes up to the next event, and says in `*used` how many bytes of the chunk were used with it.
 *
 * Call it again with the rest of the chunk until that is empty: without an event all of it was
 * used. The bytes used are overwritten with plain ones. `chunk` may be `NULL` where `len` is 0.
 *
 * The first violation ends the stream and is given again by every later call (section 7.1.7), with
 * no event and nothing used. Of the frame that breaks a rule nothing more is given, though the chunk
 * may have been unmasked further.
 */
struct wsvet_violation wsvet_decode(struct wsvet_decoder *decoder,
                                    uint8_t *chunk,
                                    size_t len,
                                    size_t *used,
                                    struct wsvet_event *event);

/**
 * Ends the stream: no byte will follow (section 7.1.5).
 *
 * It breaks `WSVET_EOF_IN_FRAME` or `WSVET_EOF_WITHOUT_CLOSE`, its offset the length of the stream,
 * and there is nobody left to tell. After a Close frame the stream may end anywhere.
 */
struct wsvet_violation wsvet_decoder_eof(struct wsvet_decoder *decoder);

/**
 * How many bytes of the stream were judged: the headers begun and the payload given.
 */
uint64_t wsvet_decoder_offset(const struct wsvet_decoder *decoder);

/**
 * Starts a connection: no Close was sent or received.
 */
void wsvet_responder_init(struct wsvet_responder *responder);

/**
 * Writes the answer to what was received: a Pong with the payload of a Ping (section 5.5.3), a Close
 * with the code of a Close (section 5.5.1), and nothing to all else, or once a Close was sent.
 *
 * A Ping of over 125 bytes, which `wsvet_decode` never gives, has no answer.
 */
size_t wsvet_responder_reply(struct wsvet_responder *responder,
                             const struct wsvet_event *event,
                             const uint8_t *key,
                             uint8_t *out);

/**
 * Writes the Close that a violation must be answered with: with the code and the text of its rule;
 * nothing for an end of the stream, which nobody is left to hear of, and where no rule is broken.
 */
size_t wsvet_responder_reply_to_violation(struct wsvet_responder *responder,
                                          struct wsvet_violation violation,
                                          const uint8_t *key,
                                          uint8_t *out);

/**
 * Writes a Close of one's own; nothing, where one was sent before.
 *
 * Code and reason are as in `wsvet_encode_close`: with the code 0 the body is empty. Returns 0 if the code
 * must not be sent; no Close counts as sent then.
 */
size_t wsvet_responder_close(struct wsvet_responder *responder,
                             uint16_t code,
                             const char *reason,
                             size_t len,
                             const uint8_t *key,
                             uint8_t *out);

/**
 * Whether a Close was sent: no data may follow (section 5.5.1).
 */
bool wsvet_responder_has_sent_close(const struct wsvet_responder *responder);

/**
 * Whether both ends have sent a Close: the closing handshake is over, and the server closes the TCP
 * connection (section 7.1.1).
 */
bool wsvet_responder_is_done(const struct wsvet_responder *responder);

/**
 * Writes a message or a control frame as a single frame to `out`, which has room for `out_len`
 * bytes, and gives how many bytes the frame has (section 5.4).
 *
 * Where that is over `out_len` nothing was written; `out` may be `NULL` where `out_len` is 0, to ask
 * for the length. `payload` is plain, `len` bytes; it may be `NULL` where `len` is 0. A client gives
 * a fresh masking key of four bytes, a server `NULL` (section 5.1). The two must not overlap.
 *
 * The low four bits of `opcode` count. Returns 0 and writes nothing if the frame would be illegal: a
 * reserved opcode, a control frame with more than 125 bytes of payload (section 5.5), or a Close whose
 * body is illegal.
 */
size_t wsvet_encode_single(uint8_t opcode,
                           const void *payload,
                           size_t len,
                           const uint8_t *key,
                           uint8_t *out,
                           size_t out_len);

/**
 * Writes a whole Close frame to `out`, which has room for `out_len` bytes, and gives how many bytes
 * it has, 2 to `WSVET_MAX_CONTROL_LEN` (section 5.5.1).
 *
 * Where that is over `out_len` nothing was written. With the code 0 the body is empty, and the
 * reason does not count. Returns 0 and writes nothing if another code must not be sent
 * (`wsvet_code_is_sendable`). `reason` is UTF-8, `len` bytes, and may be `NULL` where `len` is 0: it is cut before what is not UTF-8, and
 * at a character where it is over 123 bytes. A client gives a fresh masking key of four bytes, a
 * server `NULL` (section 5.1).
 */
size_t wsvet_encode_close(uint16_t code,
                          const char *reason,
                          size_t len,
                          const uint8_t *key,
                          uint8_t *out,
                          size_t out_len);

/**
 * Starts a stream that is received under this policy: nothing has been judged.
 *
 * `false` where the role or what it accepts is none of the constants. The validator then refuses
 * every frame of data.
 */
WSVET_MUST_USE
bool wsvet_validator_init(struct wsvet_validator *validator,
                          const struct wsvet_policy *policy);

/**
 * Judges a header, before a byte of its payload is waited for: it breaks no rule, or this one is the
 * first in precedence that it breaks.
 */
struct wsvet_violation wsvet_validator_begin(struct wsvet_validator *validator,
                                             const struct wsvet_header *header);

/**
 * Judges the next piece of the payload: `len` plain bytes, unmasked.
 *
 * A frame without a payload needs no call. That the pieces add up to `payload_len` is the caller's
 * business. `plain` may be `NULL` where `len` is 0.
 *
 * It can break `WSVET_INVALID_UTF8` and `WSVET_INVALID_CLOSE_REASON`, at the byte that proves it, and
 * `WSVET_INVALID_CLOSE_CODE`, at the first byte of the code.
 */
struct wsvet_violation wsvet_validator_payload(struct wsvet_validator *validator,
                                               const uint8_t *plain,
                                               size_t len);

/**
 * Ends the frame: its whole payload was given.
 *
 * It can break `WSVET_INVALID_UTF8` and `WSVET_INVALID_CLOSE_REASON`, at the last byte of the frame,
 * where the message or the reason ends inside a character.
 */
struct wsvet_violation wsvet_validator_finish(struct wsvet_validator *validator);

/**
 * Judges a whole frame: `wsvet_validator_begin`, `wsvet_validator_payload` and
 * `wsvet_validator_finish` in one, with the first violation that one of them finds.
 *
 * `plain` is the whole payload, `len` bytes, unmasked; it may be `NULL` where `len` is 0.
 */
struct wsvet_violation wsvet_validator_frame(struct wsvet_validator *validator,
                                             const struct wsvet_header *header,
                                             const uint8_t *plain,
                                             size_t len);

/**
 * Passes over `len` bytes of the payload that nobody has: a capture lacks them, or a log kept the
 * headers alone.
 *
 * They count, and are not judged; what text they were a part of is not judged any further.
 */
void wsvet_validator_skip(struct wsvet_validator *validator, uint64_t len);

/**
 * Judges the end of the stream; `unread` is how many bytes came after the last whole header that
 * are too few for another (section 7.1.5).
 *
 * It breaks `WSVET_EOF_IN_FRAME` or `WSVET_EOF_WITHOUT_CLOSE`, its offset the length of the stream.
 * After a Close frame the stream may end anywhere.
 */
struct wsvet_violation wsvet_validator_eof(struct wsvet_validator *validator, size_t unread);

/**
 * How many bytes of the stream were judged: the headers begun and the payload given.
 */
uint64_t wsvet_validator_offset(const struct wsvet_validator *validator);

/**
 * Whether a Close frame has begun: no data may follow (section 5.5.1).
 */
bool wsvet_validator_is_closed(const struct wsvet_validator *validator);

/**
 * The version of the library, as `WSVET_VERSION` is that of the header: `"1.2.3"`.
 *
 * The numbers of the rules and the storage of objects belong to a version: where the library is
 * shared, compare the two.
 */
const char *wsvet_version(void);

/**
 * The stable name of a rule, in lower case with hyphens, for logs and metrics:
 * `"unsupported-data"`.
 *
 * It ends with a NUL and stays for ever, as every text does that a function here gives; of a number
 * that is no rule's, `WSVET_NO_RULE` too, it is empty.
 */
const char *wsvet_rule_id(uint8_t rule);

/**
 * The number of the RFC that states the rule: 6455, or 7692 for permessage-deflate; 0 where there is
 * no such rule.
 */
uint16_t wsvet_rule_rfc(uint8_t rule);

/**
 * The section of that RFC that states the rule: `"8.1"`.
 */
const char *wsvet_rule_section(uint8_t rule);

/**
 * The close code that the receiver answers with, or that its application is told (1006); 0 where
 * there is no such rule (section 7.4.1).
 */
uint16_t wsvet_rule_close_code(uint8_t rule);

/**
 * The condition under which the rule is broken, as a clause.
 */
const char *wsvet_rule_breaks(uint8_t rule);

/**
 * What is said to the peer: the reason of the Close frame, at most 123 bytes.
 */
const char *wsvet_rule_text(uint8_t rule);

/**
 * What the rule says and why, in a few sentences.
 */
const char *wsvet_rule_explain(uint8_t rule);

/**
 * What to do about it, mostly at the sender.
 */
const char *wsvet_rule_resolve(uint8_t rule);

/**
 * Whether this code may stand in a Close frame: 1000-1003, 1007-1014 and 3000-4999 may
 * (section 7.4).
 */
bool wsvet_code_is_sendable(uint16_t code);

/**
 * The registered name of a close code, any number from 0 to 65535, or what its range is for:
 * `"Unsupported Data"`.
 */
const char *wsvet_code_name(uint16_t code);

/**
 * What the code means.
 */
const char *wsvet_code_meaning(uint16_t code);

/**
 * When you see the code.
 */
const char *wsvet_code_seen(uint16_t code);

/**
 * How to resolve what the code tells.
 */
const char *wsvet_code_resolve(uint16_t code);

/**
 * When to send the code, and what to send instead where it does not fit.
 */
const char *wsvet_code_send_when(uint16_t code);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* WSVET_H */
