/*
 * Reads what the endpoints of conversations do, step by step, and prints the verdict on each
 * conversation, its findings, and what each endpoint has sent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <wsvet.h>

/* Of this many bytes, the lowest first. */
static uint64_t number(int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) {
        int byte = getchar();
        if (byte == EOF)
            abort();
        value |= (uint64_t)byte << (8 * i);
    }
    return value;
}

/* Bytes of their own memory, so that valgrind sees who reads beyond them. */
static uint8_t *bytes(size_t *len)
{
    *len = (size_t)number(4);
    uint8_t *bytes = malloc(*len + (*len == 0));
    for (size_t i = 0; i < *len; i++)
        bytes[i] = (uint8_t)number(1);
    return bytes;
}

static struct wsvet_conversation *start(void)
{
    struct wsvet_policy client = wsvet_policy(WSVET_CLIENT), server = wsvet_policy(WSVET_SERVER);
    client.accepts = (uint8_t)number(1);
    server.accepts = (uint8_t)number(1);
    client.max_message = server.max_message = number(8);
    bool inflates = number(1);
    struct wsvet_deflate deflate = {0};
    deflate.server_no_context_takeover = (uint8_t)number(1);
    deflate.client_no_context_takeover = (uint8_t)number(1);
    return wsvet_conversation_new(&client, &server, inflates ? &deflate : NULL);
}

static void violation(struct wsvet_violation violation)
{
    printf(" %d %llu", violation.rule, (unsigned long long)violation.offset);
}

static void tell(const struct wsvet_conversation *conversation)
{
    char id[32], text[512];
    if (wsvet_conversation_verdict_id(conversation, id, sizeof id) >= sizeof id ||
        wsvet_conversation_verdict_text(conversation, text, sizeof text) >= sizeof text)
        abort();
    printf("%s: %s\n", id, text);
    struct wsvet_verdict verdict = wsvet_conversation_verdict(conversation);
    printf("%d %d %d %d %d %d %llu", verdict.kind, verdict.by, verdict.why, verdict.code,
           verdict.status, verdict.handshake_rule, (unsigned long long)verdict.len);
    violation(verdict.violation);
    putchar('\n');

    struct wsvet_finding findings[WSVET_MAX_FINDINGS];
    size_t count = wsvet_conversation_findings(conversation, findings);
    for (size_t i = 0; i < count; i++)
        printf("%s %d %llu %llu %llu %llu\n", wsvet_rule_id(findings[i].lapse), findings[i].by,
               (unsigned long long)findings[i].at, (unsigned long long)findings[i].waited,
               (unsigned long long)findings[i].count, (unsigned long long)findings[i].other_pongs);

    for (uint8_t from = WSVET_CLIENT; from <= WSVET_SERVER; from++) {
        struct wsvet_direction direction;
        if (!wsvet_conversation_direction(conversation, from, &direction))
            abort();
        printf("%llu %llu %d %d %d", (unsigned long long)direction.frames,
               (unsigned long long)direction.bytes, direction.closed, direction.close_code,
               direction.data_after_close);
        violation(direction.violation);
        putchar('\n');
    }
    putchar('\n');
}

int main(void)
{
    struct wsvet_conversation *conversation = NULL;
    int step;
    while ((step = getchar()) != EOF) {
        uint8_t from;
        uint16_t status;
        size_t len;
        uint8_t *given = NULL;
        bool done = true;
        switch (step) {
        case 'N':
            conversation = start();
            done = conversation != NULL;
            break;
        case 'A':
            wsvet_conversation_at(conversation, number(8));
            break;
        case 'H':
            done = wsvet_conversation_heard_from(conversation, (uint8_t)number(1));
            break;
        case 'Q':
            given = bytes(&len);
            done = wsvet_conversation_request(conversation, given, len);
            break;
        case 'R':
            status = (uint16_t)number(2);
            given = bytes(&len);
            done = wsvet_conversation_response(conversation, status, given, len);
            break;
        case 'B':
            from = (uint8_t)number(1);
            given = bytes(&len);
            done = wsvet_conversation_bytes(conversation, from, given, len);
            break;
        case 'E':
            from = (uint8_t)number(1);
            done = wsvet_conversation_end(conversation, from, (uint8_t)number(1));
            break;
        case 'V':
            tell(conversation);
            break;
        case 'F':
            wsvet_conversation_free(conversation);
            break;
        default:
            done = false;
        }
        free(given);
        if (!done) {
            printf("the step %c was refused\n", step);
            return 1;
        }
    }
    return 0;
}
