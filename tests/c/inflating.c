/*
 * Reads streams, each with a policy, what was negotiated for permessage-deflate and the size of its
 * chunks, and prints the messages that they inflate to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wsvet.h>

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

/* Whether the event before was a piece of a message. */
static bool open = false;

static void each(void *context, const struct wsvet_event *event)
{
    if (context != &open)
        abort();
    if (!open)
        printf("%d %d ", event->kind, event->opcode);
    for (size_t i = 0; i < event->len; i++)
        printf("%02x", event->bytes[i]);
    if (event->end)
        printf(" %d\n", event->close_code);
    open = !event->end;
}

int main(void)
{
    uint64_t role, max_message, server, client, size, len;
    while (number(&role, 1)) {
        struct wsvet_policy policy = wsvet_policy((uint8_t)role);
        if (!(number(&max_message, 8) && number(&server, 1) && number(&client, 1) &&
              number(&size, 8) && number(&len, 8)))
            return 1;
        policy.max_message = max_message;
        struct wsvet_deflate agreed = {(uint8_t)server, (uint8_t)client, 0, 0};
        struct wsvet_inflating_decoder *decoder = wsvet_inflating_decoder_new(&policy, &agreed);
        if (decoder == NULL)
            return 1;
        uint8_t *stream = malloc(len + 1);
        if (fread(stream, 1, len, stdin) != len)
            return 1;
        struct wsvet_violation violation = {0, WSVET_NO_RULE};
        open = false;
        for (size_t start = 0; start < len && violation.rule == WSVET_NO_RULE; start += size) {
            /* Memory of its own, so that valgrind sees who reads or writes beyond it. */
            size_t rest = len - start < size ? len - start : size;
            uint8_t *chunk = malloc(rest);
            memcpy(chunk, stream + start, rest);
            violation = wsvet_inflating_decode(decoder, chunk, rest, each, &open);
            free(chunk);
        }
        if (open)
            printf(" open\n");
        if (violation.rule == WSVET_NO_RULE)
            violation = wsvet_inflating_decoder_eof(decoder);
        printf("%s %llu of %llu\n\n", wsvet_rule_id(violation.rule),
               (unsigned long long)violation.offset,
               (unsigned long long)wsvet_inflating_decoder_offset(decoder));
        wsvet_inflating_decoder_free(decoder);
        free(stream);
    }
    return 0;
}
