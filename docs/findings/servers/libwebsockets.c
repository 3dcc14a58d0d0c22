// Sends each fragment back as it comes.
#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

struct session {
    unsigned char *data;
    size_t length;
    int binary;
};

static int echo(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
    struct session *session = user;
    switch (reason) {
    case LWS_CALLBACK_RECEIVE:
        if (lws_is_first_fragment(wsi)) {
            session->binary = lws_frame_is_binary(wsi);
        }
        session->data = realloc(session->data, LWS_PRE + session->length + length);
        memcpy(session->data + LWS_PRE + session->length, in, length);
        session->length += length;
        if (lws_is_final_fragment(wsi)) {
            lws_write(wsi, session->data + LWS_PRE, session->length, session->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);
            session->length = 0;
        }
        break;
    case LWS_CALLBACK_CLOSED:
        free(session->data);
        break;
    default:
        break;
    }
    return 0;
}

static const struct lws_protocols protocols[] = {{"echo", echo, sizeof(struct session), 4096}, {0}};

int main(int count, char **arguments) {
    struct lws_context_creation_info info = {0};
    lws_set_log_level(0, NULL);
    info.port = atoi(arguments[1]);
    info.iface = "127.0.0.1";
    info.protocols = protocols;
    struct lws_context *context = lws_create_context(&info);
    while (lws_service(context, 0) >= 0) {
    }
}
