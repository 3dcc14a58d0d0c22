/* Every function of wsvet.h does what its comment says; prints what does not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wsvet.h>

static int failed = 0;

#define CHECK(condition)                                                                            \
    do {                                                                                            \
        if (!(condition)) {                                                                         \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);                                  \
            failed++;                                                                               \
        }                                                                                           \
    } while (0)

/* RFC 6455 section 5.7. */
static const uint8_t KEY[4] = {0x37, 0xFA, 0x21, 0x3D};
static const uint8_t MASKED_HELLO[] = "\x81\x85\x37\xFA\x21\x3D\x7F\x9F\x4D\x51\x58";

/* What stands behind the room for an answer, and has to stay there. */
#define BEYOND 0xEE

static bool is(struct wsvet_violation violation, int rule, uint64_t offset)
{
    return violation.rule == rule && violation.offset == offset;
}

static bool good(struct wsvet_violation violation)
{
    return is(violation, WSVET_NO_RULE, 0);
}

static bool same(const uint8_t *bytes, size_t len, const char *expected, size_t expected_len)
{
    return len == expected_len && memcmp(bytes, expected, len) == 0;
}

/* A string literal may have NULs inside. */
#define SAME(bytes, len, literal) same(bytes, len, literal, sizeof(literal) - 1)

static void version(void)
{
    CHECK(strcmp(wsvet_version(), WSVET_VERSION) == 0);
}

static void policy(void)
{
    struct wsvet_policy policy = wsvet_policy(WSVET_CLIENT);
    CHECK(policy.role == WSVET_CLIENT && policy.accepts == WSVET_ANY);
    CHECK(policy.max_frame == UINT64_MAX && policy.max_message == UINT64_MAX);
    CHECK(policy.max_fragments == UINT32_MAX && policy.rsv == 0 && policy.permessage_deflate == 0);

    /* What is out of range is refused, and then so is all data. */
    static const uint8_t wrong[] = {0, 3, 200, 255};
    for (size_t i = 0; i < sizeof wrong; i++) {
        struct wsvet_decoder decoder;
        struct wsvet_validator validator;
        struct wsvet_event event;
        size_t used;
        uint8_t chunk[sizeof MASKED_HELLO - 1];
        memcpy(chunk, MASKED_HELLO, sizeof chunk);

        policy = wsvet_policy(wrong[i]);
        CHECK(policy.role == wrong[i]);
        CHECK(!wsvet_decoder_init(&decoder, &policy));
        CHECK(is(wsvet_decode(&decoder, chunk, sizeof chunk, &used, &event),
                 WSVET_TOO_MANY_FRAGMENTS, 0));
        CHECK(!wsvet_validator_init(&validator, &policy));

        policy = wsvet_policy(WSVET_SERVER);
        CHECK(wsvet_validator_init(&validator, &policy));
        policy.accepts = wrong[i] == 0 ? 99 : wrong[i];
        CHECK(!wsvet_validator_init(&validator, &policy));
        CHECK(!wsvet_decoder_init(&decoder, &policy));
    }

    /* No field of it is without effect. */
    struct wsvet_header binary = {.payload_len = 10, .opcode = WSVET_BINARY, .fin = 1};
    struct wsvet_validator validator;
#define JUDGE(field, value, rule, offset)                                                           \
    do {                                                                                            \
        policy = wsvet_policy(WSVET_CLIENT);                                                        \
        policy.field = value;                                                                       \
        CHECK(wsvet_validator_init(&validator, &policy));                                           \
        CHECK(is(wsvet_validator_begin(&validator, &binary), rule, offset));                        \
    } while (0)
    JUDGE(role, WSVET_CLIENT, WSVET_NO_RULE, 0);
    JUDGE(role, WSVET_SERVER, WSVET_UNMASKED_CLIENT_FRAME, 1);
    JUDGE(accepts, WSVET_BINARY_ONLY, WSVET_NO_RULE, 0);
    JUDGE(accepts, WSVET_TEXT_ONLY, WSVET_UNSUPPORTED_DATA, 0);
    JUDGE(max_frame, 10, WSVET_NO_RULE, 0);
    JUDGE(max_frame, 9, WSVET_FRAME_TOO_BIG, 1);
    JUDGE(max_message, 9, WSVET_MESSAGE_TOO_BIG, 1);
    JUDGE(max_fragments, 1, WSVET_NO_RULE, 0);
    JUDGE(max_fragments, 0, WSVET_TOO_MANY_FRAGMENTS, 0);
    binary.rsv = 2;
    JUDGE(rsv, 0, WSVET_RESERVED_BITS, 0);
    JUDGE(rsv, 0xFA, WSVET_NO_RULE, 0);
    binary.rsv = 4;
    JUDGE(permessage_deflate, 0, WSVET_RESERVED_BITS, 0);
    JUDGE(permessage_deflate, 7, WSVET_NO_RULE, 0);
}

static void headers(void)
{
    struct wsvet_header header;
    uint8_t out[WSVET_MAX_HEADER_LEN + 1];
    out[WSVET_MAX_HEADER_LEN] = BEYOND;

    CHECK(wsvet_header_decode(NULL, 0, &header) == 2);
    CHECK(wsvet_header_decode(MASKED_HELLO, 1, &header) == 1);
    CHECK(wsvet_header_decode(MASKED_HELLO, 2, &header) == 4);
    CHECK(wsvet_header_decode(MASKED_HELLO, 6, &header) == 0);
    CHECK(header.payload_len == 5 && header.opcode == WSVET_TEXT && header.fin == 1);
    CHECK(header.masked == 1 && memcmp(header.masking_key, KEY, 4) == 0);
    CHECK(header.rsv == 0 && header.extended_len == 0 && wsvet_header_len(&header) == 6);

    /* Any two bytes, with all that can follow: nothing is lost. */
    for (int start = 0; start < 0x10000; start++) {
        uint8_t wire[14] = {(uint8_t)(start >> 8), (uint8_t)start, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
        CHECK(wsvet_header_decode(wire, sizeof wire, &header) == 0);
        size_t len = wsvet_header_encode(&header, out);
        CHECK(len == wsvet_header_len(&header) && memcmp(out, wire, len) == 0);
        CHECK(header.opcode == (wire[0] & 15) && header.rsv == (wire[0] >> 4 & 7));
        CHECK(header.fin == wire[0] >> 7 && header.masked == wire[1] >> 7);
    }

    /* One of one's own has its shortest form, whatever does not fit. */
    memset(&header, 0, sizeof header);
    header.opcode = WSVET_BINARY;
    header.payload_len = 256;
    static const uint8_t forms[] = {0, 1, 3, 7, 9, 255};
    for (size_t i = 0; i < sizeof forms; i++) {
        header.extended_len = forms[i];
        CHECK(SAME(out, wsvet_header_encode(&header, out), "\x02\x7E\x01\x00"));
    }
    header.payload_len = 0x10000;
    header.extended_len = 2;
    CHECK(SAME(out, wsvet_header_encode(&header, out), "\x02\x7F\0\0\0\0\0\x01\0\0"));
    /* Higher bits do not count, and all that is not 0 is true. */
    header = (struct wsvet_header){.opcode = 0xF9, .rsv = 0xFB, .fin = 0x80, .masked = 2};
    CHECK(SAME(out, wsvet_header_encode(&header, out), "\xB9\x80\0\0\0\0"));
    CHECK(out[WSVET_MAX_HEADER_LEN] == BEYOND);
}

static void masking(void)
{
    uint8_t payload[] = "Hello";
    size_t phase = wsvet_mask(KEY, 0, payload, 3);
    CHECK(phase == 3);
    CHECK(wsvet_mask(KEY, phase, payload + 3, 2) == 1);
    CHECK(memcmp(payload, MASKED_HELLO + 6, 5) == 0);
    CHECK(wsvet_mask(KEY, 4000, payload, 5) == 1);
    CHECK(memcmp(payload, "Hello", 5) == 0);
    CHECK(wsvet_mask(KEY, 6, NULL, 0) == 2);
    CHECK(wsvet_mask(NULL, 0, payload, 5) == 1);
    CHECK(memcmp(payload, "Hello", 5) == 0);
}

static void decoding(void)
{
    struct wsvet_policy policy = wsvet_policy(WSVET_SERVER);
    policy.accepts = WSVET_TEXT_ONLY;
    struct wsvet_decoder decoder;
    struct wsvet_event event;
    size_t used;
    CHECK(wsvet_decoder_init(&decoder, &policy));

    CHECK(good(wsvet_decode(&decoder, NULL, 0, &used, &event)));
    CHECK(used == 0 && event.kind == WSVET_NO_EVENT && event.len == 0 && event.bytes != NULL);

    uint8_t text[sizeof MASKED_HELLO];
    memcpy(text, MASKED_HELLO, sizeof text);
    CHECK(good(wsvet_decode(&decoder, text, 8, &used, &event)));
    CHECK(used == 8 && event.kind == WSVET_EVENT_DATA && event.opcode == WSVET_TEXT && !event.end);
    CHECK(event.bytes == text + 6 && SAME(event.bytes, event.len, "He"));
    CHECK(good(wsvet_decode(&decoder, text + 8, 3, &used, &event)));
    CHECK(used == 3 && event.end && event.rsv == 0 && event.close_code == 0);
    CHECK(SAME(event.bytes, event.len, "llo"));

    /* A Ping in two chunks lies in the decoder. */
    uint8_t ping[] = {0x89, 0x82, 0, 0, 0, 0, 'h', 'i', 0x8A, 0x80, 0, 0, 0, 0};
    CHECK(good(wsvet_decode(&decoder, ping, 7, &used, &event)));
    CHECK(used == 7 && event.kind == WSVET_NO_EVENT);
    CHECK(good(wsvet_decode(&decoder, ping + 7, sizeof ping - 7, &used, &event)));
    CHECK(used == 1 && event.kind == WSVET_EVENT_PING && event.opcode == WSVET_PING && event.end);
    CHECK(event.bytes != ping + 6 && SAME(event.bytes, event.len, "hi"));
    CHECK(good(wsvet_decode(&decoder, ping + 8, 6, &used, &event)));
    CHECK(event.kind == WSVET_EVENT_PONG && event.opcode == WSVET_PONG && event.len == 0);
    CHECK(wsvet_decoder_offset(&decoder) == 25);

    /* A copy goes its own way. */
    struct wsvet_decoder copy = decoder;
    uint8_t close[] = {0x88, 0x85, 0, 0, 0, 0, 0x03, 0xE9, 'b', 'y', 'e'};
    CHECK(good(wsvet_decode(&copy, close, sizeof close, &used, &event)));
    CHECK(event.kind == WSVET_EVENT_CLOSE && event.opcode == WSVET_CLOSE);
    CHECK(event.close_code == WSVET_CODE_GOING_AWAY && SAME(event.bytes, event.len, "bye"));
    CHECK(good(wsvet_decoder_eof(&copy)));
    copy = decoder;
    uint8_t empty[] = {0x88, 0x80, 0, 0, 0, 0};
    CHECK(good(wsvet_decode(&copy, empty, sizeof empty, &used, &event)));
    CHECK(event.kind == WSVET_EVENT_CLOSE && event.close_code == 0 && event.len == 0);
    copy = decoder;
    CHECK(is(wsvet_decoder_eof(&copy), WSVET_EOF_WITHOUT_CLOSE, 25));
    copy = decoder;
    CHECK(good(wsvet_decode(&copy, empty, 1, &used, &event)));
    CHECK(is(wsvet_decoder_eof(&copy), WSVET_EOF_IN_FRAME, 26));

    /* The header of a binary message, and it stays refused. */
    uint8_t binary[] = {0x82, 0xFE, 0x10, 0x00, 5, 6, 7, 8};
    for (int again = 0; again < 2; again++) {
        CHECK(is(wsvet_decode(&decoder, binary, sizeof binary, &used, &event),
                 WSVET_UNSUPPORTED_DATA, 25));
        CHECK(used == 0 && event.kind == WSVET_NO_EVENT);
    }
    CHECK(is(wsvet_decoder_eof(&decoder), WSVET_UNSUPPORTED_DATA, 25));

    /* The RSV bits of a compressed message. */
    policy = wsvet_policy(WSVET_CLIENT);
    policy.permessage_deflate = 1;
    uint8_t deflated[] = {0xC1, 0x01, 0xFF};
    CHECK(wsvet_decoder_init(&decoder, &policy));
    CHECK(good(wsvet_decode(&decoder, deflated, sizeof deflated, &used, &event)));
    CHECK(event.kind == WSVET_EVENT_DATA && event.rsv == 4 && event.end);
}

static void validating(void)
{
    struct wsvet_policy policy = wsvet_policy(WSVET_CLIENT);
    struct wsvet_validator validator;
    struct wsvet_header first = {.payload_len = 3, .opcode = WSVET_TEXT};
    struct wsvet_header last = {.payload_len = 0, .fin = 1};
    struct wsvet_header text = {.payload_len = 5, .opcode = WSVET_TEXT, .fin = 1};
    struct wsvet_header close = {.payload_len = 2, .opcode = WSVET_CLOSE, .fin = 1};

    CHECK(wsvet_validator_init(&validator, &policy));
    CHECK(good(wsvet_validator_begin(&validator, &first)));
    CHECK(good(wsvet_validator_payload(&validator, (const uint8_t *)"gr", 2)));
    CHECK(good(wsvet_validator_payload(&validator, NULL, 0)));
    CHECK(good(wsvet_validator_payload(&validator, (const uint8_t *)"\xC3", 1)));
    CHECK(good(wsvet_validator_finish(&validator)));
    CHECK(wsvet_validator_offset(&validator) == 5);
    struct wsvet_validator copy = validator;
    CHECK(is(wsvet_validator_frame(&copy, &last, NULL, 0), WSVET_INVALID_UTF8, 6));
    copy = validator;
    CHECK(is(wsvet_validator_begin(&copy, &text), WSVET_INTERRUPTED_MESSAGE, 5));
    CHECK(is(wsvet_validator_finish(&copy), WSVET_INTERRUPTED_MESSAGE, 5));
    CHECK(is(wsvet_validator_eof(&copy, 0), WSVET_INTERRUPTED_MESSAGE, 5));

    CHECK(wsvet_validator_init(&validator, &policy));
    CHECK(good(wsvet_validator_frame(&validator, &text, (const uint8_t *)"Hello", 5)));
    copy = validator;
    CHECK(is(wsvet_validator_frame(&copy, &text, (const uint8_t *)"Hel\xFFo", 5),
             WSVET_INVALID_UTF8, 12));
    copy = validator;
    CHECK(good(wsvet_validator_cut_header(&copy, NULL, 0)));
    CHECK(good(wsvet_validator_cut_header(&copy, (const uint8_t *)"\x89", 1)));
    CHECK(is(wsvet_validator_cut_header(&copy, (const uint8_t *)"\x89\x7E", 2),
             WSVET_OVERSIZED_CONTROL, 8));
    copy = validator;
    CHECK(is(wsvet_validator_eof(&copy, 1), WSVET_EOF_IN_FRAME, 8));
    copy = validator;
    CHECK(is(wsvet_validator_eof(&copy, 0), WSVET_EOF_WITHOUT_CLOSE, 7));
    copy = validator;
    CHECK(is(wsvet_validator_frame(&copy, &close, (const uint8_t *)"\x03\xEE", 2),
             WSVET_INVALID_CLOSE_CODE, 9));

    CHECK(good(wsvet_validator_begin(&validator, &text)));
    wsvet_validator_skip(&validator, 4);
    CHECK(good(wsvet_validator_payload(&validator, (const uint8_t *)"\xFF", 1)));
    CHECK(good(wsvet_validator_finish(&validator)));
    CHECK(wsvet_validator_offset(&validator) == 14 && !wsvet_validator_is_closed(&validator));
    CHECK(good(wsvet_validator_frame(&validator, &close, (const uint8_t *)"\x03\xE8", 2)));
    CHECK(wsvet_validator_is_closed(&validator));
    CHECK(good(wsvet_validator_eof(&validator, 1)));
}

static void responding(void)
{
    struct wsvet_responder responder;
    uint8_t out[WSVET_MAX_CONTROL_LEN + 1];
    out[WSVET_MAX_CONTROL_LEN] = BEYOND;
    uint8_t payload[126] = {'h', 'i'};
    struct wsvet_event event = {.bytes = payload, .len = 2, .kind = WSVET_EVENT_PING};

    wsvet_responder_init(&responder);
    CHECK(SAME(out, wsvet_responder_reply(&responder, &event, NULL, out), "\x8A\x02hi"));
    CHECK(SAME(out, wsvet_responder_reply(&responder, &event, KEY, out),
               "\x8A\x82\x37\xFA\x21\x3D\x5F\x93"));
    event.len = 125;
    CHECK(wsvet_responder_reply(&responder, &event, KEY, out) == WSVET_MAX_CONTROL_LEN);
    event.len = 126;
    CHECK(wsvet_responder_reply(&responder, &event, NULL, out) == 0);
    static const uint8_t silent[] = {WSVET_NO_EVENT, WSVET_EVENT_DATA, WSVET_EVENT_PONG, 5, 255};
    for (size_t i = 0; i < sizeof silent; i++) {
        event.kind = silent[i];
        CHECK(wsvet_responder_reply(&responder, &event, NULL, out) == 0);
    }

    /* A Close with a code, and one without. */
    CHECK(!wsvet_responder_has_sent_close(&responder));
    event = (struct wsvet_event){.kind = WSVET_EVENT_CLOSE, .close_code = 4000};
    struct wsvet_responder copy = responder;
    CHECK(SAME(out, wsvet_responder_reply(&copy, &event, NULL, out), "\x88\x02\x0F\xA0"));
    CHECK(wsvet_responder_is_done(&copy) && wsvet_responder_has_sent_close(&copy));
    CHECK(wsvet_responder_reply(&copy, &event, NULL, out) == 0);
    event.close_code = 0;
    copy = responder;
    CHECK(SAME(out, wsvet_responder_reply(&copy, &event, NULL, out), "\x88\x00"));

    /* A violation, and what is none or cannot be answered. */
    static const int unanswered[] = {WSVET_NO_RULE, WSVET_EOF_IN_FRAME, WSVET_EOF_WITHOUT_CLOSE,
                                     WSVET_EOF_WITHOUT_CLOSE + 1, 255};
    for (size_t i = 0; i < sizeof unanswered / sizeof unanswered[0]; i++) {
        struct wsvet_violation violation = {.offset = 9, .rule = (uint8_t)unanswered[i]};
        copy = responder;
        CHECK(wsvet_responder_reply_to_violation(&copy, violation, NULL, out) == 0);
        CHECK(!wsvet_responder_has_sent_close(&copy));
    }
    struct wsvet_violation violation = {.offset = 9, .rule = WSVET_UNSUPPORTED_DATA};
    copy = responder;
    size_t len = wsvet_responder_reply_to_violation(&copy, violation, NULL, out);
    const char *text = wsvet_rule_text(WSVET_UNSUPPORTED_DATA);
    CHECK(len == 4 + strlen(text) && memcmp(out + 2, "\x03\xEB", 2) == 0);
    CHECK(memcmp(out + 4, text, strlen(text)) == 0);
    CHECK(wsvet_responder_reply_to_violation(&copy, violation, NULL, out) == 0);
    CHECK(!wsvet_responder_is_done(&copy));

    /* A Close of one's own. */
    copy = responder;
    CHECK(SAME(out, wsvet_responder_close(&copy, 1001, "bye", 3, NULL, out), "\x88\x05\x03\xE9" "bye"));
    CHECK(wsvet_responder_close(&copy, 1001, "bye", 3, NULL, out) == 0);
    event = (struct wsvet_event){.bytes = payload, .len = 2, .kind = WSVET_EVENT_PING};
    CHECK(wsvet_responder_reply(&copy, &event, NULL, out) == 0);
    event.kind = WSVET_EVENT_CLOSE;
    CHECK(wsvet_responder_reply(&copy, &event, NULL, out) == 0 && wsvet_responder_is_done(&copy));
    copy = responder;
    CHECK(SAME(out, wsvet_responder_close(&copy, 0, NULL, 0, KEY, out), "\x88\x80\x37\xFA\x21\x3D"));
    CHECK(out[WSVET_MAX_CONTROL_LEN] == BEYOND);
}

static void encoding(void)
{
    uint8_t out[70000], long_payload[65536] = {0};

    memset(out, BEYOND, sizeof out);
    CHECK(wsvet_encode_single(WSVET_TEXT, "Hello", 5, KEY, NULL, 0) == 11);
    CHECK(wsvet_encode_single(WSVET_TEXT, "Hello", 5, KEY, out, 10) == 11 && out[0] == BEYOND);
    CHECK(wsvet_encode_single(WSVET_TEXT, "Hello", 5, KEY, out, 11) == 11 && out[11] == BEYOND);
    CHECK(memcmp(out, MASKED_HELLO, 11) == 0);
    CHECK(SAME(out, wsvet_encode_single(WSVET_PONG, NULL, 0, NULL, out, 2), "\x8A\x00"));
    CHECK(SAME(out, wsvet_encode_single(0xF0 | WSVET_BINARY, "x", 1, NULL, out, 9), "\x82\x01x"));
    CHECK(wsvet_encode_single(WSVET_BINARY, long_payload, 65536, NULL, out, sizeof out) == 65546);
    CHECK(memcmp(out, "\x82\x7F\0\0\0\0\0\x01\0\0", 10) == 0);

    CHECK(SAME(out, wsvet_encode_close(1003, "no", 2, NULL, out, 6), "\x88\x04\x03\xEBno"));
    CHECK(wsvet_encode_close(1003, "no", 2, NULL, NULL, 0) == 6);
    CHECK(SAME(out, wsvet_encode_close(1003, NULL, 0, NULL, out, 9), "\x88\x02\x03\xEB"));
    CHECK(SAME(out, wsvet_encode_close(0, "no", 2, NULL, out, 9), "\x88\x00"));
    CHECK(SAME(out, wsvet_encode_close(0, NULL, 0, KEY, out, 9), "\x88\x80\x37\xFA\x21\x3D"));
    CHECK(SAME(out, wsvet_encode_close(1003, "no\xFF", 3, NULL, out, 9), "\x88\x04\x03\xEBno"));
    CHECK(SAME(out, wsvet_encode_close(1003, "\xFFno", 3, NULL, out, 9), "\x88\x02\x03\xEB"));
    /* 124 bytes, of which the last character has two: it goes as a whole. */
    char reason[124];
    memset(reason, 'a', sizeof reason);
    memcpy(reason + 122, "\xC3\xBC", 2);
    CHECK(wsvet_encode_close(1003, reason, sizeof reason, KEY, out, sizeof out) == 6 + 2 + 122);
}

static void handshake(void)
{
    char key[WSVET_KEY_SIZE], accept[WSVET_ACCEPT_KEY_SIZE];
    wsvet_key((const uint8_t *)"the sample nonce", key);
    CHECK(strcmp(key, "dGhlIHNhbXBsZSBub25jZQ==") == 0);
    CHECK(wsvet_accept_key(key, strlen(key), accept));
    CHECK(strcmp(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == 0);
    CHECK(wsvet_accept_key(" dGhlIHNhbXBsZSBub25jZQ== ", 26, accept));
    CHECK(!wsvet_accept_key(key, strlen(key) - 1, accept) && accept[0] == 0);
    CHECK(!wsvet_accept_key(NULL, 0, accept) && accept[0] == 0);
    CHECK(wsvet_rule_status(WSVET_UNSUPPORTED_VERSION) == 426);
    CHECK(strcmp(wsvet_rule_id(WSVET_WRONG_ACCEPT), "wrong-accept") == 0);
}

/* The value of the header of a client, as it is offered. */
static const char OFFER[] = "x-other, permessage-deflate; client_max_window_bits";

static void deflate(void)
{
    struct wsvet_deflate wanted = {0}, agreed = {9, 9, 9, 9};
    char answer[160];
    CHECK(wsvet_deflate_accept(&wanted, OFFER, sizeof OFFER - 1, &agreed));
    CHECK(agreed.server_no_context_takeover == 0 && agreed.client_no_context_takeover == 0);
    CHECK(agreed.server_max_window_bits == 0 && agreed.client_max_window_bits == 0);
    CHECK(wsvet_deflate_answer(&agreed, answer, sizeof answer) == 18);
    CHECK(strcmp(answer, "permessage-deflate") == 0);

    /* What is wanted and what is agreed may be the same object. */
    wanted = (struct wsvet_deflate){1, 2, 9, 15};
    CHECK(wsvet_deflate_accept(&wanted, OFFER, sizeof OFFER - 1, &wanted));
    CHECK(wanted.server_no_context_takeover == 1 && wanted.client_no_context_takeover == 1);
    CHECK(wanted.server_max_window_bits == 9 && wanted.client_max_window_bits == 15);
    size_t len = wsvet_deflate_answer(&wanted, answer, sizeof answer);
    CHECK(strcmp(answer, "permessage-deflate; server_no_context_takeover; "
                         "client_no_context_takeover; server_max_window_bits=9; "
                         "client_max_window_bits=15") == 0);
    CHECK(len == strlen(answer));
    char longest[160];
    wanted.server_max_window_bits = 10;
    CHECK(wsvet_deflate_answer(&wanted, longest, sizeof longest) < sizeof longest);
    /* With its NUL it does not fit. */
    answer[0] = (char)BEYOND;
    CHECK(wsvet_deflate_answer(&wanted, answer, len + 1) == len + 1 && answer[0] == (char)BEYOND);
    CHECK(wsvet_deflate_answer(&wanted, NULL, 0) == len + 1);

    /* What the client makes of it. */
    struct wsvet_deflate found = {9, 9, 9, 9};
    CHECK(wsvet_deflate_agreed(OFFER, sizeof OFFER - 1, longest, len + 1, &found) == WSVET_AGREED);
    CHECK(memcmp(&found, &wanted, sizeof found) == 0);
    CHECK(wsvet_deflate_agreed(OFFER, sizeof OFFER - 1, NULL, 0, &found) == WSVET_NOT_AGREED);
    CHECK(wsvet_deflate_agreed(NULL, 0, longest, len + 1, &found) == WSVET_WRONG_ANSWER);
    CHECK(wsvet_deflate_agreed(OFFER, sizeof OFFER - 1, "\xFF", 1, &found) == WSVET_WRONG_ANSWER);
    CHECK(memcmp(&found, &wanted, sizeof found) == 0);

    /* Nothing that is out of range is taken, and nothing is written. */
    struct wsvet_policy policy = wsvet_policy(WSVET_CLIENT);
    for (int bits = 1; bits < 256; bits++) {
        bool known = bits >= 8 && bits <= 15;
        struct wsvet_deflate server = {0, 0, (uint8_t)bits, 0}, client = {0, 0, 0, (uint8_t)bits};
        CHECK(wsvet_deflate_accept(&server, OFFER, sizeof OFFER - 1, &found) == known);
        CHECK(wsvet_deflate_accept(&client, OFFER, sizeof OFFER - 1, &found) == known);
        CHECK((wsvet_deflate_answer(&client, answer, sizeof answer) > 0) == known);
        struct wsvet_inflating_decoder *decoder = wsvet_inflating_decoder_new(&policy, &client);
        CHECK((decoder != NULL) == known);
        wsvet_inflating_decoder_free(decoder);
    }
    CHECK(!wsvet_deflate_accept(&wanted, "x-other", 7, &found));
    CHECK(!wsvet_deflate_accept(&wanted, "\xFF", 1, &found));
    CHECK(!wsvet_deflate_accept(&wanted, NULL, 0, &found));
}

/* The text of an event behind that of the events before. */
static void append(void *context, const struct wsvet_event *event)
{
    char *text = context;
    size_t end = strlen(text);
    memcpy(text + end, event->bytes, event->len);
    text[end + event->len] = event->end ? '.' : 0;
    text[end + event->len + event->end] = 0;
}

static void inflating(void)
{
    struct wsvet_policy policy = wsvet_policy(WSVET_CLIENT);
    struct wsvet_deflate agreed = {0};
    char text[100] = "";
    policy.max_message = 5;
    struct wsvet_inflating_decoder *decoder = wsvet_inflating_decoder_new(&policy, &agreed);
    /* "Hello", compressed (RFC 7692 section 7.2.3.1), and then again, from the window. */
    uint8_t hello[] = "\xC1\x07\xF2\x48\xCD\xC9\xC9\x07\x00";
    uint8_t again[] = "\xC1\x05\xF2\x00\x11\x00\x00\x89\x02hi";
    CHECK(good(wsvet_inflating_decode(decoder, hello, 4, append, text)));
    CHECK(good(wsvet_inflating_decode(decoder, hello + 4, 5, append, text)));
    CHECK(good(wsvet_inflating_decode(decoder, NULL, 0, append, text)));
    CHECK(good(wsvet_inflating_decode(decoder, again, sizeof again - 1, append, text)));
    CHECK(strcmp(text, "Hello.Hello.hi.") == 0);
    CHECK(wsvet_inflating_decoder_offset(decoder) == 20);
    CHECK(is(wsvet_inflating_decoder_eof(decoder), WSVET_EOF_WITHOUT_CLOSE, 20));
    wsvet_inflating_decoder_free(decoder);

    policy.max_message = 4;
    decoder = wsvet_inflating_decoder_new(&policy, &agreed);
    for (int turn = 0; turn < 2; turn++)
        CHECK(is(wsvet_inflating_decode(decoder, hello, sizeof hello - 1, append, text),
                 WSVET_MESSAGE_TOO_BIG, 2));
    wsvet_inflating_decoder_free(decoder);
    wsvet_inflating_decoder_free(NULL);
    policy.role = 3;
    CHECK(wsvet_inflating_decoder_new(&policy, &agreed) == NULL);
}

static void conversing(void)
{
    struct wsvet_policy client = wsvet_policy(WSVET_CLIENT), server = wsvet_policy(WSVET_SERVER);
    struct wsvet_deflate agreed = {0};
    struct wsvet_direction direction;
    struct wsvet_finding findings[WSVET_MAX_FINDINGS];
    uint8_t binary[] = "\x82\x81\x01\x02\x03\x04\x00", close[] = "\x88\x02\x03\xE8";
    char text[512];

    server.accepts = WSVET_TEXT_ONLY;
    struct wsvet_conversation *it = wsvet_conversation_new(&client, &server, NULL);
    CHECK(wsvet_conversation_verdict(it).kind == WSVET_VERDICT_OPEN);
    CHECK(wsvet_conversation_verdict(it).by == 0);
    CHECK(wsvet_conversation_request(it, NULL, 0));
    CHECK(wsvet_conversation_response(it, 101, NULL, 0));
    CHECK(wsvet_conversation_bytes(it, WSVET_CLIENT, binary, sizeof binary - 1));
    CHECK(wsvet_conversation_bytes(it, WSVET_SERVER, close, sizeof close - 1));
    struct wsvet_verdict verdict = wsvet_conversation_verdict(it);
    CHECK(verdict.kind == WSVET_VERDICT_REFUSED_OTHERWISE && verdict.by == WSVET_SERVER);
    CHECK(is(verdict.violation, WSVET_UNSUPPORTED_DATA, 0) && verdict.code == 1000);
    CHECK(verdict.why == WSVET_NO_REASON && verdict.status == 0 && verdict.handshake_rule == 0);
    CHECK(wsvet_conversation_verdict_id(it, text, sizeof text) == 17);
    CHECK(strcmp(text, "refused-otherwise") == 0);
    text[0] = (char)BEYOND;
    CHECK(wsvet_conversation_verdict_id(it, text, 17) == 17 && text[0] == (char)BEYOND);
    CHECK(wsvet_conversation_verdict_text(it, text, sizeof text) == strlen(text));
    CHECK(strstr(text, "the server closed with 1000 Normal Closure where 1003") != NULL);
    CHECK(wsvet_conversation_direction(it, WSVET_SERVER, &direction));
    CHECK(direction.frames == 1 && direction.bytes == 4 && direction.closed);
    CHECK(direction.close_code == 1000 && !direction.data_after_close && good(direction.violation));
    CHECK(wsvet_conversation_direction(it, WSVET_CLIENT, &direction));
    CHECK(!direction.closed && is(direction.violation, WSVET_UNSUPPORTED_DATA, 0));
    wsvet_conversation_free(it);

    /* A Ping that is not answered in the time that is set. */
    for (int patient = 0; patient < 2; patient++) {
        it = wsvet_conversation_new(&client, &server, &agreed);
        if (patient)
            wsvet_conversation_set_patience(it, UINT64_MAX, UINT64_MAX, UINT64_MAX);
        CHECK(wsvet_conversation_heard_from(it, WSVET_CLIENT));
        CHECK(wsvet_conversation_bytes(it, WSVET_SERVER, (const uint8_t *)"\x89\x01" "a", 3));
        wsvet_conversation_at(it, 10000000000);
        CHECK(wsvet_conversation_bytes(it, WSVET_CLIENT, (const uint8_t *)"\x81\x80\0\0\0\0", 6));
        CHECK(wsvet_conversation_heard_from(it, WSVET_CLIENT));
        size_t count = wsvet_conversation_findings(it, findings);
        CHECK(count == (patient ? 0 : 1));
        if (count == 1) {
            CHECK(findings[0].lapse == WSVET_UNANSWERED_PING && findings[0].by == WSVET_CLIENT);
            CHECK(findings[0].at == 0 && findings[0].waited == 10000000000);
            CHECK(findings[0].count == 1 && findings[0].other_pongs == 0);
        }
        CHECK(wsvet_conversation_end(it, WSVET_CLIENT, WSVET_RST));
        verdict = wsvet_conversation_verdict(it);
        CHECK(verdict.kind == WSVET_VERDICT_ABNORMAL && verdict.why == WSVET_WHY_RESET);
        CHECK(verdict.by == WSVET_CLIENT && verdict.code == 1006);
        wsvet_conversation_free(it);
    }

    /* What is out of range is refused, and changes nothing. */
    it = wsvet_conversation_new(&client, &server, NULL);
    static const uint8_t wrong[] = {0, 3, 255};
    for (size_t i = 0; i < sizeof wrong; i++) {
        CHECK(!wsvet_conversation_bytes(it, wrong[i], binary, sizeof binary - 1));
        CHECK(!wsvet_conversation_end(it, wrong[i], WSVET_FIN));
        CHECK(!wsvet_conversation_direction(it, wrong[i], &direction));
        CHECK(!wsvet_conversation_heard_from(it, wrong[i]));
        struct wsvet_policy other = client;
        other.role = wrong[i];
        CHECK(wsvet_conversation_new(&other, &server, NULL) == NULL);
        CHECK(wsvet_conversation_new(&client, &other, NULL) == NULL);
        agreed.client_max_window_bits = (uint8_t)(16 + i);
        CHECK(wsvet_conversation_new(&client, &server, &agreed) == NULL);
    }
    CHECK(wsvet_conversation_new(&server, &client, NULL) == NULL);
    CHECK(wsvet_conversation_new(&client, &client, NULL) == NULL);
    CHECK(!wsvet_conversation_end(it, WSVET_CLIENT, 2));
    static const uint8_t rules[] = {WSVET_WRONG_ACCEPT, WSVET_UNSUPPORTED_DATA};
    CHECK(!wsvet_conversation_request(it, rules, 2));
    CHECK(!wsvet_conversation_response(it, 101, rules, 2));
    CHECK(wsvet_conversation_verdict(it).kind == WSVET_VERDICT_OPEN);
    CHECK(wsvet_conversation_end(it, WSVET_CLIENT, WSVET_FIN));
    CHECK(wsvet_conversation_verdict(it).why == WSVET_WHY_WITHOUT_CLOSE);
    wsvet_conversation_free(it);
    wsvet_conversation_free(NULL);
}

static void texts(void)
{
    for (int rule = 0; rule < 256; rule++) {
        uint8_t number = (uint8_t)rule;
        bool of_frames = rule >= WSVET_RESERVED_BITS && rule <= WSVET_EOF_WITHOUT_CLOSE;
        bool of_request = (rule >= WSVET_METHOD_NOT_GET && rule <= WSVET_INVALID_EXTENSION_OFFER) ||
                          rule == WSVET_DATA_BEFORE_RESPONSE;
        bool of_response = rule >= WSVET_UPGRADE_NOT_CONFIRMED && rule <= WSVET_EXTENSION_DOES_NOT_FIT;
        bool of_time = rule >= WSVET_UNANSWERED_PING && rule <= WSVET_SERVER_LEFT_OPEN;
        bool known = of_frames || of_request || of_response || of_time;
        CHECK((strlen(wsvet_rule_id(number)) > 0) == known);
        CHECK((strlen(wsvet_rule_section(number)) > 0) == known);
        CHECK((strlen(wsvet_rule_breaks(number)) > 0) == known);
        CHECK((strlen(wsvet_rule_text(number)) > 0) == known);
        CHECK((strlen(wsvet_rule_explain(number)) > 0) == known);
        CHECK((strlen(wsvet_rule_resolve(number)) > 0) == known);
        CHECK((wsvet_rule_close_code(number) >= 1002) == of_frames);
        CHECK((wsvet_rule_status(number) >= 400) == of_request);
        bool of_deflate = rule == WSVET_MISPLACED_RSV1 || rule == WSVET_INVALID_DEFLATE ||
                          rule == WSVET_EXTENSION_DOES_NOT_FIT;
        bool of_http = rule == WSVET_REPEATED_HOST;
        CHECK(wsvet_rule_rfc(number) == (of_deflate ? 7692 : of_http ? 9112 : known ? 6455 : 0));
    }
    CHECK(strcmp(wsvet_rule_id(WSVET_UNSUPPORTED_DATA), "unsupported-data") == 0);
    CHECK(strcmp(wsvet_rule_section(WSVET_UNSUPPORTED_DATA), "7.4.1") == 0);
    CHECK(wsvet_rule_close_code(WSVET_UNSUPPORTED_DATA) == WSVET_CODE_UNSUPPORTED_DATA);
    for (long code = 0; code < 0x10000; code++) {
        uint16_t number = (uint16_t)code;
        CHECK(strlen(wsvet_code_name(number)) > 0 && strlen(wsvet_code_meaning(number)) > 0);
        CHECK(strlen(wsvet_code_seen(number)) > 0 && strlen(wsvet_code_resolve(number)) > 0);
        CHECK(strlen(wsvet_code_send_when(number)) > 0);
    }
    CHECK(strcmp(wsvet_code_name(WSVET_CODE_UNSUPPORTED_DATA), "Unsupported Data") == 0);
    CHECK(wsvet_code_is_sendable(4999) && !wsvet_code_is_sendable(5000));
    CHECK(!wsvet_code_is_sendable(WSVET_CODE_ABNORMAL_CLOSURE));
}

int main(void)
{
    version();
    policy();
    headers();
    masking();
    decoding();
    validating();
    responding();
    encoding();
    handshake();
    deflate();
    inflating();
    conversing();
    texts();
    printf("%d failed\n", failed);
    return failed != 0;
}
