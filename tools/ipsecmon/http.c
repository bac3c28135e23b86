/* SPDX-License-Identifier: ISC
 *
 * HTTP by libmicrohttpd, driven from outside through its epoll descriptor.
 *
 * A stream's connection is suspended while there is nothing to tell, and resumed by the next text. Texts are
 * shared between the streams and let go by the last one; a reader that is too slow misses some, and never has
 * more than two kept for it.
 */
#include "http.h"

#include "tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64u
#define STREAMS_MAX 16u
#define CONNECTION_MEMORY_BYTES ((size_t)32 * 1024)
#define IDLE_SECONDS 30u
#define STREAM_BLOCK_BYTES 8192u

struct text {
    size_t holders, len_bytes;
    char bytes[];
};

struct stream {
    struct http_server *server;
    struct stream *next;
    struct MHD_Connection *connection;
    struct text *current, *following;
    size_t offset_bytes; /* of current */
    bool is_suspended;
};

struct http_server {
    struct MHD_Daemon *daemon;
    enum http_names names;
    http_handler *handler;
    void *context;
    struct http_place place; /* with the port that it got */
    char own_name[256];
    struct stream *streams;
    size_t stream_count;
    bool is_ending;
};

/* ---- texts --------------------------------------------------------------------------------------------- */

static struct text *text_create(const char *bytes, size_t len_bytes)
{
    struct text *text = tool_need(malloc(sizeof *text + len_bytes));
    *text = (struct text){.holders = 1, .len_bytes = len_bytes};
    memcpy(text->bytes, bytes, len_bytes);
    return text;
}

static struct text *text_hold(struct text *text)
{
    text->holders++;
    return text;
}

static void text_release(struct text **text)
{
    if (*text && --(*text)->holders == 0)
        free(*text);
    *text = NULL;
}

/* ---- streams ------------------------------------------------------------------------------------------- */

static ssize_t read_stream(void *context, uint64_t position, char *buffer, size_t room_bytes)
{
    struct stream *stream = context;
    (void)position;
    if (stream->server->is_ending)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (stream->current && stream->offset_bytes == stream->current->len_bytes)
        text_release(&stream->current);
    if (!stream->current) {
        stream->current = stream->following;
        stream->following = NULL;
        stream->offset_bytes = 0;
    }
    if (!stream->current) {
        stream->is_suspended = true;
        MHD_suspend_connection(stream->connection);
        return 0;
    }
    const size_t left_bytes = stream->current->len_bytes - stream->offset_bytes;
    const size_t taken_bytes = left_bytes < room_bytes ? left_bytes : room_bytes;
    memcpy(buffer, stream->current->bytes + stream->offset_bytes, taken_bytes);
    stream->offset_bytes += taken_bytes;
    return (ssize_t)taken_bytes;
}

static void free_stream(void *context)
{
    struct stream *stream = context;
    struct stream **link = &stream->server->streams;
    while (*link != stream)
        link = &(*link)->next;
    *link = stream->next;
    stream->server->stream_count--;
    text_release(&stream->current);
    text_release(&stream->following);
    free(stream);
}

static void wake(struct stream *stream)
{
    if (!stream->is_suspended)
        return;
    stream->is_suspended = false;
    MHD_resume_connection(stream->connection);
}

static struct MHD_Response *stream_response(struct http_server *server, struct MHD_Connection *connection,
                                            const struct http_reply *reply)
{
    struct stream *stream = tool_need(calloc(1, sizeof *stream));
    stream->server = server;
    stream->connection = connection;
    stream->following = text_create(reply->body ? reply->body : "", reply->len_bytes);
    struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES,
                                                                      read_stream, stream, free_stream);
    if (!response) {
        text_release(&stream->following);
        free(stream);
        return NULL;
    }
    stream->next = server->streams;
    server->streams = stream;
    server->stream_count++;
    return response;
}

void http_publish(struct http_server *server, const char *text, size_t len_bytes)
{
    struct text *shared = text_create(text, len_bytes);
    for (struct stream *stream = server->streams; stream; stream = stream->next) {
        text_release(&stream->following);
        stream->following = text_hold(shared);
        wake(stream);
    }
    text_release(&shared);
}

size_t http_stream_count(const struct http_server *server)
{
    return server->stream_count;
}

/* ---- requests ------------------------------------------------------------------------------------------ */

void http_add_header(struct http_reply *reply, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reply->headers[reply->header_count].value, sizeof reply->headers[0].value, format, arguments);
    va_end(arguments);
    reply->headers[reply->header_count++].name = name;
}

static void refuse(struct http_reply *reply, unsigned status, const char *why)
{
    free(reply->body);
    *reply = (struct http_reply){.status = status, .type = "text/plain; charset=utf-8"};
    reply->body = tool_need(strdup(why));
    reply->len_bytes = strlen(why);
}

static struct http_reply answer(struct http_server *server, struct MHD_Connection *connection,
                                const char *path, const char *method)
{
    struct http_reply reply = {0};
    const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
    const struct http_request request = {.path = path, .accept = accept ? accept : ""};
    const bool is_get = strcmp(method, MHD_HTTP_METHOD_GET) == 0;
    if (!is_get && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        refuse(&reply, MHD_HTTP_METHOD_NOT_ALLOWED, "this is only to be read: GET or HEAD\n");
        http_add_header(&reply, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
        return reply;
    }
    const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
    if (server->names == HTTP_OWN_NAMES && !http_is_own_name(host, server->own_name)) {
        refuse(&reply, MHD_HTTP_MISDIRECTED_REQUEST, "call this host by its address, or localhost\n");
        return reply;
    }
    server->handler(server->context, &request, &reply);
    if (reply.status == 0)
        refuse(&reply, HTTP_NOT_FOUND, "there is nothing here\n");
    if (reply.is_stream && is_get && server->stream_count >= STREAMS_MAX) {
        refuse(&reply, HTTP_UNAVAILABLE, "too many are watching already\n");
        http_add_header(&reply, MHD_HTTP_HEADER_RETRY_AFTER, "10");
    }
    reply.is_stream = reply.is_stream && is_get;
    return reply;
}

static void add_headers(struct MHD_Response *response, const struct http_reply *reply)
{
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    for (size_t i = 0; i < reply->header_count; i++)
        MHD_add_response_header(response, reply->headers[i].name, reply->headers[i].value);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_bytes, void **state)
{
    static int seen;
    (void)version;
    (void)upload;
    if (!*state && strcmp(method, MHD_HTTP_METHOD_GET) == 0) { /* the headers alone, so far */
        *state = &seen;
        return MHD_YES;
    }
    if (*state && *upload_bytes > 0) { /* nobody asked for it */
        *upload_bytes = 0;
        return MHD_YES;
    }
    struct http_server *server = context;
    struct http_reply reply = answer(server, connection, path, method);
    struct MHD_Response *response;
    if (reply.is_stream) {
        response = stream_response(server, connection, &reply);
        free(reply.body);
    } else {
        response = MHD_create_response_from_buffer(reply.len_bytes, reply.body, MHD_RESPMEM_MUST_FREE);
    }
    if (!response)
        return MHD_NO;
    add_headers(response, &reply);
    const enum MHD_Result is_queued = MHD_queue_response(connection, reply.status, response);
    MHD_destroy_response(response);
    return is_queued;
}

/* ---- listening ----------------------------------------------------------------------------------------- */

struct any_address {
    struct sockaddr_storage storage;
    socklen_t len_bytes;
};

static struct any_address socket_address(const struct http_place *place)
{
    struct any_address any = {0};
    if (place->address.family == 6) {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)&any.storage;
        *six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(place->port)};
        memcpy(&six->sin6_addr, place->address.bytes, sizeof six->sin6_addr);
        any.len_bytes = sizeof *six;
        return any;
    }
    struct sockaddr_in *four = (struct sockaddr_in *)&any.storage;
    *four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(place->port)};
    memcpy(&four->sin_addr, place->address.bytes, sizeof four->sin_addr);
    any.len_bytes = sizeof *four;
    return any;
}

/* -1: errno tells. */
static int listen_at(struct http_place *place)
{
    struct any_address any = socket_address(place);
    const int on = 1;
    const int fd = socket(any.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&any.storage, any.len_bytes) == 0 &&
        listen(fd, (int)CONNECTIONS_MAX) == 0 &&
        getsockname(fd, (struct sockaddr *)&any.storage, &any.len_bytes) == 0) {
        place->port = ntohs(place->address.family == 6 ? ((struct sockaddr_in6 *)&any.storage)->sin6_port
                                                       : ((struct sockaddr_in *)&any.storage)->sin_port);
        return fd;
    }
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
}

const char *http_where(const struct http_server *server, char *text)
{
    char address[SP_ADDRESS_TEXT_BYTES];
    sp_address_format(&server->place.address, address);
    snprintf(text, 64, server->place.address.family == 6 ? "[%s]:%u" : "%s:%u", address, server->place.port);
    return text;
}

struct http_server *http_open(const struct http_place *place, enum http_names names, http_handler *handler,
                              void *context, char *reason)
{
    char where[64];
    struct http_server *server = tool_need(calloc(1, sizeof *server));
    *server = (struct http_server){.names = names, .handler = handler, .context = context, .place = *place};
    if (gethostname(server->own_name, sizeof server->own_name - 1) != 0)
        server->own_name[0] = '\0';
    const int fd = listen_at(&server->place);
    if (fd >= 0)
        server->daemon =
            MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, server,
                             MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY_BYTES,
                             MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_END);
    if (server->daemon)
        return server;
    snprintf(reason, 256, "can't listen at %s: %s", http_where(server, where),
             fd < 0 ? strerror(errno) : "the HTTP library does not start");
    if (fd >= 0)
        close(fd);
    free(server);
    return NULL;
}

void http_close(struct http_server **server)
{
    if (!*server)
        return;
    (*server)->is_ending = true;
    for (struct stream *stream = (*server)->streams; stream; stream = stream->next)
        wake(stream);
    MHD_run((*server)->daemon);
    MHD_stop_daemon((*server)->daemon);
    free(*server);
    *server = NULL;
}

int http_fd(const struct http_server *server)
{
    return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

int http_patience_ms(const struct http_server *server, int most_ms)
{
    MHD_UNSIGNED_LONG_LONG left_ms;
    if (MHD_get_timeout(server->daemon, &left_ms) != MHD_YES || left_ms > (MHD_UNSIGNED_LONG_LONG)most_ms)
        return most_ms;
    return (int)left_ms;
}

void http_run(struct http_server *server)
{
    MHD_run(server->daemon);
}
