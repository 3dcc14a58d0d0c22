/*
 * A text-only echo server, for one connection whose handshake is done: the client's bytes come on
 * standard input, the server's go to standard output, and what happens is said on standard error.
 *
 *     cargo rustc --release --lib --features c --crate-type staticlib
 *     cc -Iinclude examples/c/echo.c target/release/libwsvet.a -o target/echo
 *     printf '\201\202\001\002\003\004ik' | target/echo | od -c
 *
 * Last comes a text message, "hi" under the masking key 01 02 03 04, and "hi" comes back.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wsvet.h>

/* The largest message that is taken: the policy keeps longer ones away. */
#define MAX_MESSAGE 65536

static bool send_all(const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = write(STDOUT_FILENO, bytes, len);
        if (sent <= 0)
            return false;
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

static void say(struct wsvet_violation violation)
{
    fprintf(stderr, "%s at byte %llu: %s (RFC %d section %s, close code %d)\n",
            wsvet_rule_id(violation.rule), (unsigned long long)violation.offset,
            wsvet_rule_text(violation.rule), wsvet_rule_rfc(violation.rule),
            wsvet_rule_section(violation.rule), wsvet_rule_close_code(violation.rule));
}

int main(void)
{
    static uint8_t chunk[4096], message[MAX_MESSAGE], out[MAX_MESSAGE + WSVET_MAX_HEADER_LEN];
    size_t message_len = 0, len;

    struct wsvet_policy policy = wsvet_policy(WSVET_SERVER);
    policy.accepts = WSVET_TEXT_ONLY;
    policy.max_message = MAX_MESSAGE;

    struct wsvet_decoder decoder;
    struct wsvet_responder responder;
    if (!wsvet_decoder_init(&decoder, &policy))
        return 2;
    wsvet_responder_init(&responder);

    while (!wsvet_responder_is_done(&responder)) {
        ssize_t received = read(STDIN_FILENO, chunk, sizeof chunk);
        if (received <= 0) {
            say(wsvet_decoder_eof(&decoder));
            return 1;
        }
        size_t at = 0;
        while (at < (size_t)received && !wsvet_responder_is_done(&responder)) {
            struct wsvet_event event;
            size_t used;
            struct wsvet_violation violation =
                wsvet_decode(&decoder, chunk + at, (size_t)received - at, &used, &event);
            if (violation.rule != WSVET_NO_RULE) {
                /* On a socket: shut the sending half down then, and read on until the end. */
                len = wsvet_responder_reply_to_violation(&responder, violation, NULL, out);
                send_all(out, len);
                say(violation);
                return 1;
            }
            at += used;

            switch (event.kind) {
            case WSVET_EVENT_DATA:
                /* It fits: max_message says so. */
                memcpy(message + message_len, event.bytes, event.len);
                message_len += event.len;
                if (!event.end)
                    continue;
                len = wsvet_encode_single(event.opcode, message, message_len, NULL, out, sizeof out);
                message_len = 0;
                break;
            case WSVET_EVENT_CLOSE:
                fprintf(stderr, "closed with %d %s: \"%.*s\"\n", event.close_code,
                        event.close_code ? wsvet_code_name(event.close_code) : "(no code)",
                        (int)event.len, (const char *)event.bytes);
                len = wsvet_responder_reply(&responder, &event, NULL, out);
                break;
            default:
                /* A Pong to a Ping, and nothing to all else. */
                len = wsvet_responder_reply(&responder, &event, NULL, out);
                break;
            }
            if (!send_all(out, len))
                return 2;
        }
    }
    return 0;
}
