/* SPDX-License-Identifier: ISC
 *
 * The control thread's loop. Nothing in here is in a packet's way.
 */
#include "loop.h"

#include "encap.h"
#include "log.h"
#include "path.h"
#include "policy_source.h"
#include "reload.h"
#include "segment.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Events are told in the log, but no more than so many a second: a missing SA makes one a packet. */
#define EVENT_LINES_PER_TICK 5
#define EVENTS_PER_CALL 256
/* How often the path is asked for: every second, or now and then where there are many peers to ask about. */
#define FEW_SAS 256u
#define TICKS_BETWEEN_MANY 60u

enum source {
    SOURCE_SIGNAL,
    SOURCE_TIMER,
    SOURCE_ADDRESSES,
    SOURCE_GUARD,
    SOURCE_CONTROL, /* from here on the descriptors belong to others */
    SOURCE_FAILURE,
    SOURCE_REPORTS, /* four: IPv4, IPv6; about ESP, about ESP in UDP */
    SOURCE_REPORTS_LAST = SOURCE_REPORTS + 3,
    SOURCE_COUNT
};

struct loop {
    struct daemon *daemon;
    struct control_server *server;
    int epoll_fd;
    int fds[SOURCE_COUNT];
    bool addresses_changed;
    uint32_t ticks;
    bool is_over;
    enum loop_end end;
};

static void signals_taken(sigset_t *ret_set)
{
    sigemptyset(ret_set);
    sigaddset(ret_set, SIGTERM);
    sigaddset(ret_set, SIGINT);
    sigaddset(ret_set, SIGHUP);
}

void loop_block_signals(void)
{
    sigset_t set;
    signals_taken(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* ---- the engine's events ------------------------------------------------------------------------------- */

static void log_event(const struct daemon *daemon, const struct sp_event *event)
{
    char source[SP_ADDRESS_TEXT_BYTES], destination[SP_ADDRESS_TEXT_BYTES], rule[256] = "";
    sp_address_format(&event->source, source);
    sp_address_format(&event->destination, destination);
    switch (event->kind) {
    case SP_EVENT_ACQUIRE:
        if (event->rule != SP_NO_RULE)
            sp_policy_rule_text(sp_engine_policy(daemon->engine), event->rule, rule, sizeof rule);
        log_line("no SA from %s to %s, which the policy protects: %s", source, destination, rule);
        break;
    case SP_EVENT_SOFT_EXPIRED:
        log_line("SA %u (SPI %#x, %s to %s) nears its limits: it needs new keys", event->sa, event->spi,
                 source, destination);
        break;
    case SP_EVENT_HARD_EXPIRED:
        log_line("SA %u (SPI %#x, %s to %s) has reached a limit: it carries nothing any more", event->sa,
                 event->spi, source, destination);
        break;
    }
}

static void take_events(struct daemon *daemon)
{
    struct sp_event events[EVENTS_PER_CALL];
    size_t count, lines = 0, left_out = 0;
    while ((count = sp_engine_events(daemon->engine, events, EVENTS_PER_CALL)) > 0) {
        for (size_t i = 0; i < count; i++) {
            daemon->events.acquire += events[i].kind == SP_EVENT_ACQUIRE;
            daemon->events.soft_expired += events[i].kind == SP_EVENT_SOFT_EXPIRED;
            daemon->events.hard_expired += events[i].kind == SP_EVENT_HARD_EXPIRED;
            if (events[i].kind == SP_EVENT_ACQUIRE && ++lines > EVENT_LINES_PER_TICK)
                left_out++;
            else
                log_event(daemon, &events[i]);
        }
        if (count < EVENTS_PER_CALL)
            break;
    }
    if (left_out)
        log_line("and %zu times more", left_out);
}

/* ---- sources ------------------------------------------------------------------------------------------- */

static void on_signal(struct loop *loop)
{
    struct signalfd_siginfo info;
    while (read(loop->fds[SOURCE_SIGNAL], &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            struct sp_sad_reload_counts ignored;
            (void)reload(loop->daemon, &(struct reload_wish){0}, &ignored);
            continue;
        }
        loop->is_over = true;
        loop->end = LOOP_ASKED;
    }
}

static void on_timer(struct loop *loop)
{
    uint64_t expirations;
    if (read(loop->fds[SOURCE_TIMER], &expirations, sizeof expirations) < 0)
        return;
    take_events(loop->daemon);
    control_server_tick(loop->server);
    reload_tick(loop->daemon);
    segment_tick(loop->daemon);
    if (loop->addresses_changed)
        policy_refresh_addresses(loop->daemon);
    path_tick(loop->daemon);
    encap_tick(loop->daemon);
    if (sp_sad_count(loop->daemon->sad) <= FEW_SAS || ++loop->ticks % TICKS_BETWEEN_MANY == 0)
        path_follow(loop->daemon);
    loop->addresses_changed = false;
}

/* Changes come in flocks, so the timer acts on them. What they say doesn't matter: the list is read again. */
static void on_addresses(struct loop *loop)
{
    char message[8192];
    for (;;) {
        const ssize_t got = recv(loop->fds[SOURCE_ADDRESSES], message, sizeof message, MSG_DONTWAIT);
        if (got < 0 && errno != ENOBUFS)
            return;
        loop->addresses_changed = true;
    }
}

/* A firewall script that begins with "flush ruleset" means its own rules, but takes ours as well. */
static void on_guard(struct loop *loop)
{
    struct daemon *daemon = loop->daemon;
    if (!guard_read_watch(loop->fds[SOURCE_GUARD]) || guard_stands(daemon->guard))
        return;
    log_line("somebody removed the guard; it is put up again");
    (void)guard_install(daemon->guard, sp_engine_policy(daemon->engine));
}

static void on_failure(struct loop *loop)
{
    loop->is_over = true;
    loop->end = LOOP_BROKEN;
}

/* ---- the loop ------------------------------------------------------------------------------------------ */

static int open_timer(void)
{
    const struct itimerspec every_second = {.it_interval.tv_sec = 1, .it_value.tv_sec = 1};
    const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd >= 0)
        timerfd_settime(fd, 0, &every_second, NULL);
    return fd;
}

static int open_address_watch(void)
{
    const struct sockaddr_nl groups = {.nl_family = AF_NETLINK,
                                       .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&groups, sizeof groups) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static uint8_t report_family(uint32_t number)
{
    return number % 2 ? 6 : 4;
}

static bool watch_sources(struct loop *loop)
{
    sigset_t set;
    signals_taken(&set);
    loop->fds[SOURCE_SIGNAL] = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    loop->fds[SOURCE_TIMER] = open_timer();
    loop->fds[SOURCE_ADDRESSES] = open_address_watch();
    loop->fds[SOURCE_GUARD] = guard_open_watch();
    loop->fds[SOURCE_CONTROL] = control_server_fd(loop->server);
    loop->fds[SOURCE_FAILURE] = gate_failure_fd(loop->daemon->gate);
    for (uint32_t i = 0; i < 4; i++)
        loop->fds[SOURCE_REPORTS + i] = gate_report_fd(loop->daemon->gate, report_family(i), i / 2 == 1);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (uint32_t i = 0; i < SOURCE_COUNT; i++) {
        /* of these only errors count, which are always told */
        const bool is_reports = i >= SOURCE_REPORTS;
        struct epoll_event event = {.events = is_reports ? 0 : EPOLLIN, .data.u32 = i};
        if (is_reports && loop->fds[i] < 0)
            continue;
        if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->fds[i], &event) != 0) {
            log_errno("can't watch what the daemon must react to");
            return false;
        }
    }
    return true;
}

enum loop_end loop_run(struct daemon *daemon, struct control_server *server)
{
    static void (*const handlers[])(struct loop *) = {[SOURCE_SIGNAL] = on_signal,
                                                      [SOURCE_TIMER] = on_timer,
                                                      [SOURCE_ADDRESSES] = on_addresses,
                                                      [SOURCE_GUARD] = on_guard,
                                                      [SOURCE_FAILURE] = on_failure};
    struct loop loop = {.daemon = daemon, .server = server, .end = LOOP_BROKEN};
    loop.is_over = !watch_sources(&loop);
    loop.addresses_changed = true; /* between reading them and watching them, one may have come */
    while (!loop.is_over) {
        struct epoll_event events[SOURCE_COUNT];
        const int count = epoll_wait(loop.epoll_fd, events, SOURCE_COUNT, -1);
        for (int i = 0; i < count; i++) {
            const uint32_t source = events[i].data.u32;
            if (source == SOURCE_CONTROL)
                control_server_work(server);
            else if (source >= SOURCE_REPORTS)
                path_read_reports(daemon, loop.fds[source], report_family(source - SOURCE_REPORTS));
            else
                handlers[source](&loop);
        }
    }
    for (int i = SOURCE_SIGNAL; i < SOURCE_CONTROL; i++)
        if (loop.fds[i] >= 0)
            close(loop.fds[i]);
    if (loop.epoll_fd >= 0)
        close(loop.epoll_fd);
    return loop.end;
}
