/* SPDX-License-Identifier: ISC
 *
 * A small HTTP server for pages that are only read: GET and HEAD, bounded in connections and memory, and
 * streams of server-sent events (WHATWG HTML, 9.2). It has no thread: whoever runs the loop waits for
 * http_fd() and calls http_run(), so handlers need no lock.
 */
#ifndef IPSECMON_HTTP_H
#define IPSECMON_HTTP_H

#include <sallyport/sa.h>

#include <stdbool.h>
#include <stddef.h>

struct http_place {
    struct sp_address address;
    uint16_t port; /* 0: any free one */
};

struct http_request {
    const char *path;
    const char *accept; /* "" when there is none */
};

enum { HTTP_OK = 200, HTTP_NOT_FOUND = 404, HTTP_UNAVAILABLE = 503 };
#define HTTP_HEADERS_MAX 8

/* What a handler answers; all zero is 404. */
struct http_reply {
    unsigned status;
    const char *type; /* static: of the body */
    char *body;       /* malloc'd, taken over; of a stream, its first events */
    size_t len_bytes;
    bool is_stream; /* what is published follows */
    struct {
        const char *name; /* static */
        char value[256];
    } headers[HTTP_HEADERS_MAX];
    size_t header_count;
};
void http_add_header(struct http_reply *reply, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

typedef void http_handler(void *context, const struct http_request *request, struct http_reply *reply);

/* Whose names a request may call us by. Names that others can make point here would let their pages read this
 * one (DNS rebinding). */
enum http_names {
    HTTP_ANY_NAME,
    HTTP_OWN_NAMES, /* addresses, localhost, and what this host calls itself */
};

struct http_server;

/* Listens. NULL: reason[256] has a sentence. */
struct http_server *http_open(const struct http_place *place, enum http_names names, http_handler *handler,
                              void *context, char *reason);
void http_close(struct http_server **server);
/* "127.0.0.1:9750" to text[64]; returns text. */
const char *http_where(const struct http_server *server, char *text);
int http_fd(const struct http_server *server);
/* How long may be waited for the descriptor before http_run() is due; at most most_ms. */
int http_patience_ms(const struct http_server *server, int most_ms);
void http_run(struct http_server *server);
/* Sends text to each stream. One that has not yet taken the former text gets this one instead. */
void http_publish(struct http_server *server, const char *text, size_t len_bytes);
size_t http_stream_count(const struct http_server *server);

/* Is the Host header (NULL: there is none) a name of HTTP_OWN_NAMES? own_name: of this host. */
bool http_is_own_name(const char *host, const char *own_name);
/* Which of both an Accept header (RFC 9110 12.5.1) likes better: OpenMetrics only where it is named. */
bool http_wants_openmetrics(const char *accept);

#endif
