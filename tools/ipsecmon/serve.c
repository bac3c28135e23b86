/* SPDX-License-Identifier: ISC
 *
 * One loop: looks each interval whether or not anybody asks, so that who opens the page sees what was, and so
 * that any number of readers costs the daemon one question an interval. What is served is what was seen last.
 */
#include "serve.h"

#include "http.h"
#include "live.h"
#include "tool.h"
#include "views.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A stream without news says at least so often that it is there. */
#define QUIET_MS 10000u
#define PATH_METRICS "/metrics"
#define PATH_HEALTH "/healthz"

struct serve {
    struct source *source;
    const struct wish *wish;
    struct snapshot *now;
    struct live *live;
    struct http_server *metrics, *web;
    uint64_t looked_ms, told_ms;
};

static volatile sig_atomic_t is_ended;

static void on_end(int signal_number)
{
    (void)signal_number;
    is_ended = 1;
}

static uint64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* ---- what is served ------------------------------------------------------------------------------------ */

static void set_text(struct http_reply *reply, unsigned status, const char *type, char *body)
{
    reply->status = status;
    reply->type = type;
    reply->body = body;
    reply->len_bytes = strlen(body);
}

/* Good for a probe: 200 only while figures are there, and fresh. */
static void health(const struct serve *serve, struct http_reply *reply)
{
    const struct snapshot *now = serve->now;
    const char *fault = !now->is_up ? now->reason : now->warning;
    set_text(reply, *fault ? HTTP_UNAVAILABLE : HTTP_OK, "text/plain; charset=utf-8",
             tool_text("%s\n", *fault ? fault : "ok"));
}

static void metrics(const struct serve *serve, const struct http_request *request, struct http_reply *reply)
{
    const bool is_open = http_wants_openmetrics(request->accept);
    char *text = NULL;
    size_t len_bytes;
    FILE *out = tool_need(open_memstream(&text, &len_bytes));
    view_metrics(out, serve->now, is_open ? METRICS_OPENMETRICS : METRICS_TEXT);
    if (fclose(out) != 0)
        tool_need(NULL);
    set_text(reply, HTTP_OK,
             is_open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                     : "text/plain; version=0.0.4; charset=utf-8",
             text);
    http_add_header(reply, "Vary", "Accept");
}

static void on_metrics(void *context, const struct http_request *request, struct http_reply *reply)
{
    const struct serve *serve = context;
    if (strcmp(request->path, PATH_METRICS) == 0)
        metrics(serve, request, reply);
    else if (strcmp(request->path, PATH_HEALTH) == 0)
        health(serve, reply);
    else if (strcmp(request->path, "/") == 0)
        set_text(reply, HTTP_OK, "text/plain; charset=utf-8",
                 tool_text("ipsecmon: " PATH_METRICS ", " PATH_HEALTH "\n"));
}

/* Only the page's own script and style run, and it can talk to nobody but us. */
static void page(struct http_reply *reply)
{
    unsigned char random[16];
    char nonce[2 * sizeof random + 1];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(nonce + 2 * i, 3, "%02x", random[i]);
    set_text(reply, HTTP_OK, "text/html; charset=utf-8", live_page(nonce));
    http_add_header(reply, "Content-Security-Policy",
                    "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; connect-src 'self'; "
                    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                    nonce, nonce);
    http_add_header(reply, "X-Frame-Options", "DENY");
    http_add_header(reply, "Cross-Origin-Opener-Policy", "same-origin");
}

static void on_web(void *context, const struct http_request *request, struct http_reply *reply)
{
    const struct serve *serve = context;
    if (strcmp(request->path, "/") == 0) {
        page(reply);
    } else if (strcmp(request->path, "/events") == 0) {
        set_text(reply, HTTP_OK, "text/event-stream",
                 live_start(serve->live, serve->now, serve->wish->filter, serve->wish->interval_ms));
        reply->is_stream = true;
    } else if (strcmp(request->path, PATH_HEALTH) == 0) {
        health(serve, reply);
    }
}

/* ---- the loop ------------------------------------------------------------------------------------------ */

static void look(struct serve *serve)
{
    serve->looked_ms = monotonic_ms();
    struct snapshot *now = source_take(serve->source, serve->now);
    snapshot_destroy(&serve->now);
    serve->now = now;
    live_remember(serve->live, now);
    if (!serve->web || http_stream_count(serve->web) == 0)
        return;
    char *text = live_look(now, serve->wish->filter);
    http_publish(serve->web, text, strlen(text));
    serve->told_ms = serve->looked_ms;
    free(text);
}

static void stay_in_touch(struct serve *serve)
{
    static const char nothing[] = ":\n\n";
    const uint64_t now_ms = monotonic_ms();
    if (!serve->web || now_ms - serve->told_ms < QUIET_MS)
        return;
    serve->told_ms = now_ms;
    http_publish(serve->web, nothing, strlen(nothing));
}

static void wait_for_work(const struct serve *serve, const sigset_t *awake)
{
    const struct http_server *const servers[] = {serve->metrics, serve->web};
    struct pollfd watched[2];
    nfds_t count = 0;
    const uint64_t spent_ms = monotonic_ms() - serve->looked_ms;
    const uint64_t left_ms = spent_ms < serve->wish->interval_ms ? serve->wish->interval_ms - spent_ms : 0;
    int patience_ms = (int)(left_ms < QUIET_MS ? left_ms : QUIET_MS);
    for (size_t i = 0; i < 2; i++) {
        if (!servers[i])
            continue;
        watched[count++] = (struct pollfd){.fd = http_fd(servers[i]), .events = POLLIN};
        patience_ms = http_patience_ms(servers[i], patience_ms);
    }
    const struct timespec patience = {.tv_sec = patience_ms / 1000, .tv_nsec = patience_ms % 1000 * 1000000L};
    (void)ppoll(watched, count, &patience, awake);
}

static void run(struct serve *serve, const sigset_t *awake)
{
    while (!is_ended) {
        if (monotonic_ms() - serve->looked_ms >= serve->wish->interval_ms)
            look(serve);
        stay_in_touch(serve);
        if (serve->metrics)
            http_run(serve->metrics);
        if (serve->web)
            http_run(serve->web);
        wait_for_work(serve, awake);
    }
}

static bool is_loopback(const struct sp_address *address)
{
    static const uint8_t six[16] = {[15] = 1};
    return address->family == 6 ? memcmp(address->bytes, six, sizeof six) == 0 : address->bytes[0] == 127;
}

static struct http_server *open_at(const struct http_place *place, enum http_names names,
                                   http_handler *handler, struct serve *serve, const char *path)
{
    char reason[256], where[64];
    struct http_server *server = http_open(place, names, handler, serve, reason);
    if (!server) {
        tool_say("%s", reason);
        return NULL;
    }
    tool_say("http://%s%s%s", http_where(server, where), path,
             is_loopback(&place->address) ? "" : " is open to whoever reaches it: there is no password");
    return server;
}

/* Prometheus may know this host by any name; where nobody but this host can ask, a browser's pages may not.
 */
static bool open_servers(struct serve *serve)
{
    const struct wish *wish = serve->wish;
    if (wish->is_metrics_served) {
        const enum http_names names = is_loopback(&wish->metrics.address) ? HTTP_OWN_NAMES : HTTP_ANY_NAME;
        serve->metrics = open_at(&wish->metrics, names, on_metrics, serve, PATH_METRICS);
        if (!serve->metrics)
            return false;
    }
    if (wish->is_web)
        serve->web = open_at(&wish->web, HTTP_OWN_NAMES, on_web, serve, "/");
    return !wish->is_web || serve->web;
}

/* Ends by a signal only while we wait, so that none is missed in between. */
static sigset_t catch_signals(void)
{
    const struct sigaction end = {.sa_handler = on_end};
    sigset_t ends, before;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaction(SIGINT, &end, NULL);
    sigaction(SIGTERM, &end, NULL);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &ends, &before);
    return before;
}

/* Whoever finds a way in through HTTP should find nothing: of root's rights only that remains by which the
 * kernel answers, where it is the one that is asked. The daemon's socket is root's own and takes none. */
static bool drop_rights(const struct wish *wish)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct rights[_LINUX_CAPABILITY_U32S_3] = {{0}}, held[_LINUX_CAPABILITY_U32S_3];
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(SYS_capget, &head, held) != 0)
        return false;
    if (wish->source == SOURCE_KERNEL)
        rights[0].effective = rights[0].permitted = held[0].permitted & (1u << CAP_NET_ADMIN);
    return syscall(SYS_capset, &head, rights) == 0;
}

int serve(struct source *source, const struct wish *wish)
{
    struct serve serve = {.source = source, .wish = wish, .live = live_create()};
    const sigset_t awake = catch_signals();
    look(&serve);
    const bool is_open = open_servers(&serve);
    const bool is_harmless = is_open && drop_rights(wish);
    if (is_open && !is_harmless)
        tool_say("can't give up root's rights: %s", strerror(errno));
    if (is_harmless)
        run(&serve, &awake);
    http_close(&serve.web);
    http_close(&serve.metrics);
    live_destroy(&serve.live);
    snapshot_destroy(&serve.now);
    return is_harmless ? TOOL_OK : TOOL_NOT_APPLIED;
}
