/*
 * Reads streams, each with a policy and the size of its chunks, and prints what comes of them: first
 * by a decoder and a responder, then by a validator under a parser of one's own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wsvet.h>

static const uint8_t KEY[4] = {0x37, 0xFA, 0x21, 0x3D};

/* Of this many bytes, the lowest first; or the end of the input. */
static bool number(uint64_t *value, int bytes)
{
    *value = 0;
    for (int i = 0; i < bytes; i++) {
        int byte = getchar();
        if (byte == EOF)
            return false;
        *value |= (uint64_t)byte << (8 * i);
    }
    return true;
}

static void hex(const uint8_t *bytes, size_t len)
{
    putchar(' ');
    for (size_t i = 0; i < len; i++)
        printf("%02x", bytes[i]);
}

static void verdict(const char *who, struct wsvet_violation violation)
{
    printf("%s %s %llu", who, wsvet_rule_id(violation.rule), (unsigned long long)violation.offset);
}

static void decode(const struct wsvet_policy *policy, const uint8_t *stream, size_t len, size_t size)
{
    const uint8_t *key = policy->role == WSVET_CLIENT ? KEY : NULL;
    uint8_t out[WSVET_MAX_CONTROL_LEN];
    struct wsvet_decoder decoder;
    struct wsvet_responder responder;
    if (!wsvet_decoder_init(&decoder, policy))
        abort();
    wsvet_responder_init(&responder);
    for (size_t start = 0; start < len; start += size) {
        /* Memory of its own, so that valgrind sees who reads or writes beyond it. */
        size_t rest = len - start < size ? len - start : size;
        uint8_t *chunk = malloc(rest), *at = chunk;
        memcpy(chunk, stream + start, rest);
        while (rest > 0) {
            struct wsvet_event event;
            size_t used;
            struct wsvet_violation violation = wsvet_decode(&decoder, at, rest, &used, &event);
            if (violation.rule != WSVET_NO_RULE) {
                verdict("violation", violation);
                hex(out, wsvet_responder_reply_to_violation(&responder, violation, key, out));
                putchar('\n');
                free(chunk);
                return;
            }
            if (used > rest || (used < rest && event.kind == WSVET_NO_EVENT)) {
                printf("%zu of %zu bytes used\n", used, rest);
                free(chunk);
                return;
            }
            at += used;
            rest -= used;
            if (event.kind == WSVET_NO_EVENT)
                continue;
            printf("event %d %d %d %d %d", event.kind, event.opcode, event.rsv, event.end,
                   event.close_code);
            hex(event.bytes, event.len);
            hex(out, wsvet_responder_reply(&responder, &event, key, out));
            printf(" %d\n", wsvet_responder_is_done(&responder));
        }
        free(chunk);
    }
    printf("%llu ", (unsigned long long)wsvet_decoder_offset(&decoder));
    verdict("eof", wsvet_decoder_eof(&decoder));
    putchar('\n');
}

/* Judges the payload in pieces; whether it breaks no rule. */
static struct wsvet_violation payload(struct wsvet_validator *validator,
                                      const struct wsvet_header *header, const uint8_t *masked,
                                      size_t len, size_t size)
{
    struct wsvet_violation violation = {0, WSVET_NO_RULE};
    size_t phase = 0;
    for (size_t start = 0; start < len && violation.rule == WSVET_NO_RULE; start += size) {
        size_t piece = len - start < size ? len - start : size;
        uint8_t *plain = malloc(piece);
        memcpy(plain, masked + start, piece);
        if (header->masked)
            phase = wsvet_mask(header->masking_key, phase, plain, piece);
        violation = wsvet_validator_payload(validator, plain, piece);
        free(plain);
    }
    return violation;
}

static struct wsvet_violation validate(const struct wsvet_policy *policy, const uint8_t *stream,
                                       size_t len, size_t size)
{
    struct wsvet_validator validator;
    struct wsvet_violation violation;
    struct wsvet_header header;
    size_t needed;
    if (!wsvet_validator_init(&validator, policy))
        abort();
    while ((needed = wsvet_header_decode(stream, len, &header)) == 0) {
        uint8_t wire[WSVET_MAX_HEADER_LEN];
        size_t header_len = wsvet_header_encode(&header, wire);
        if (memcmp(wire, stream, header_len) != 0)
            printf("a header was lost\n");
        stream += header_len;
        len -= header_len;
        violation = wsvet_validator_begin(&validator, &header);
        if (violation.rule != WSVET_NO_RULE)
            return violation;
        bool whole = header.payload_len <= len;
        size_t here = whole ? (size_t)header.payload_len : len;
        violation = payload(&validator, &header, stream, here, size);
        stream += here;
        len -= here;
        if (violation.rule != WSVET_NO_RULE)
            return violation;
        if (!whole)
            return wsvet_validator_eof(&validator, 0);
        violation = wsvet_validator_finish(&validator);
        if (violation.rule != WSVET_NO_RULE)
            return violation;
    }
    violation = wsvet_validator_cut_header(&validator, stream, len);
    return violation.rule != WSVET_NO_RULE ? violation : wsvet_validator_eof(&validator, len);
}

int main(void)
{
    uint64_t role, accepts, rsv, deflate, max_fragments, size, len;
    while (number(&role, 1)) {
        struct wsvet_policy policy = wsvet_policy((uint8_t)role);
        if (!(number(&accepts, 1) && number(&rsv, 1) && number(&deflate, 1) &&
              number(&max_fragments, 4) && number(&policy.max_frame, 8) &&
              number(&policy.max_message, 8) && number(&size, 8) && number(&len, 8)))
            return 1;
        policy.accepts = (uint8_t)accepts;
        policy.rsv = (uint8_t)rsv;
        policy.permessage_deflate = (uint8_t)deflate;
        policy.max_fragments = (uint32_t)max_fragments;
        uint8_t *stream = malloc(len + 1);
        if (fread(stream, 1, len, stdin) != len)
            return 1;
        decode(&policy, stream, len, size);
        verdict("validator", validate(&policy, stream, len, size));
        printf("\n\n");
        free(stream);
    }
    return 0;
}
