/* SPDX-License-Identifier: ISC
 *
 * The control thread's loop. Nothing in here is in a packet's way.
 */
#include "loop.h"

#include "audit/audit.h"
#include "audit/last_drops.h"
#include "control/server.h"
#include "datapath/encap.h"
#include "datapath/path_mtu.h"
#include "events/events.h"
#include "host/upkeep.h"
#include "host/watch.h"
#include "log.h"
#include "notify.h"
#include "policy_source.h"
#include "reload.h"
#include "segment.h"
#include "state.h"

#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define QUARTERS_A_SECOND 4
#define NS_A_QUARTER 250000000
/* How often the path is asked for: every second, or now and then where there are many peers to ask about. */
#define FEW_SAS 256u
#define TICKS_BETWEEN_MANY 60u

enum source {
    SOURCE_SIGNAL,
    SOURCE_TIMER,
    SOURCE_HOST,
    SOURCE_CONTROL, /* from here on the descriptors belong to others */
    SOURCE_GUARD,
    SOURCE_SECOND_GUARD,
    SOURCE_FAILURE,
    SOURCE_REPORTS, /* four: IPv4, IPv6; about ESP, about ESP in UDP */
    SOURCE_REPORTS_LAST = SOURCE_REPORTS + 3,
    SOURCE_COUNT
};

struct loop {
    struct daemon *daemon;
    int epoll_fd;
    int fds[SOURCE_COUNT];
    bool addresses_changed;
    uint32_t quarters; /* of seconds */
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

/* ---- sources ------------------------------------------------------------------------------------------- */

static void on_signal(struct loop *loop)
{
    struct signalfd_siginfo info;
    while (read(loop->fds[SOURCE_SIGNAL], &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            struct reload_outcome ignored;
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
    (void)state_save(loop->daemon);
    const bool is_second = ++loop->quarters % QUARTERS_A_SECOND == 0;
    events_tick(loop->daemon, is_second);
    if (!is_second)
        return;
    notify_tick();
    last_drops_take(loop->daemon);
    audit_tick(loop->daemon);
    control_server_tick(loop->daemon->server);
    reload_tick(loop->daemon);
    segment_tick(loop->daemon);
    if (loop->addresses_changed)
        policy_refresh_addresses(loop->daemon);
    upkeep_tick(loop->daemon);
    path_tick(loop->daemon);
    encap_tick(loop->daemon);
    if (sp_sad_count(loop->daemon->sad) <= FEW_SAS || ++loop->ticks % TICKS_BETWEEN_MANY == 0)
        path_follow(loop->daemon);
    loop->addresses_changed = false;
}

/* Addresses change in flocks, so the timer acts on that; which they are is read again then. */
static void on_host(struct loop *loop)
{
    const struct host_news news = host_watch_read(loop->fds[SOURCE_HOST], loop->daemon->routes.device_index);
    loop->addresses_changed |= news.addresses_changed;
    if (news.ways_changed)
        upkeep_look_at_ways(loop->daemon);
}

static void on_guard(struct loop *loop)
{
    upkeep_look_at_guard(loop->daemon);
}

static void on_second_guard(struct loop *loop)
{
    upkeep_look_at_second_guard(loop->daemon);
}

/* ---- the loop ------------------------------------------------------------------------------------------ */

static int open_timer(void)
{
    const struct itimerspec every_quarter = {.it_interval.tv_nsec = NS_A_QUARTER,
                                             .it_value.tv_nsec = NS_A_QUARTER};
    const int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd >= 0)
        timerfd_settime(fd, 0, &every_quarter, NULL);
    return fd;
}

static bool watch(struct loop *loop, enum source source, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u32 = source};
    loop->fds[source] = fd;
    return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* What there need not be: no IPv6, no XFRM. */
static bool watch_if_there(struct loop *loop, enum source source, int fd, uint32_t events)
{
    return fd < 0 || watch(loop, source, fd, events);
}

static uint8_t report_family(uint32_t number)
{
    return number % 2 ? 6 : 4;
}

static bool watch_gate(struct loop *loop)
{
    const struct gate *gate = loop->daemon->gate;
    bool is_watched = watch(loop, SOURCE_FAILURE, gate_failure_fd(gate), EPOLLIN);
    for (uint32_t i = 0; i < 4; i++) /* of these only errors count, which are always told */
        is_watched = is_watched && watch_if_there(loop, (enum source)(SOURCE_REPORTS + i),
                                                  gate_report_fd(gate, report_family(i), i / 2 == 1), 0);
    return is_watched;
}

static void on_failure(struct loop *loop)
{
    if (upkeep_reopen_gate(loop->daemon) && watch_gate(loop))
        return;
    loop->is_over = true;
    loop->end = LOOP_BROKEN;
}

static bool watch_sources(struct loop *loop)
{
    sigset_t set;
    signals_taken(&set);
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (watch(loop, SOURCE_SIGNAL, signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), EPOLLIN) &&
        watch(loop, SOURCE_TIMER, open_timer(), EPOLLIN) &&
        watch(loop, SOURCE_HOST, host_watch_open(), EPOLLIN) &&
        watch(loop, SOURCE_CONTROL, control_server_fd(loop->daemon->server), EPOLLIN) &&
        watch(loop, SOURCE_GUARD, guard_watch_fd(loop->daemon->guard), EPOLLIN) &&
        watch_if_there(loop, SOURCE_SECOND_GUARD, loop->daemon->second_guard.watch_fd, EPOLLIN) &&
        watch_gate(loop))
        return true;
    log_errno("can't watch what the daemon must react to");
    return false;
}

enum loop_end loop_run(struct daemon *daemon)
{
    static void (*const handlers[])(struct loop *) = {[SOURCE_SIGNAL] = on_signal,
                                                      [SOURCE_TIMER] = on_timer,
                                                      [SOURCE_HOST] = on_host,
                                                      [SOURCE_GUARD] = on_guard,
                                                      [SOURCE_SECOND_GUARD] = on_second_guard,
                                                      [SOURCE_FAILURE] = on_failure};
    struct loop loop = {.daemon = daemon, .end = LOOP_BROKEN};
    for (int i = 0; i < SOURCE_COUNT; i++)
        loop.fds[i] = -1;
    loop.is_over = !watch_sources(&loop);
    loop.addresses_changed = true; /* between reading them and watching them, one may have come */
    while (!loop.is_over) {
        struct epoll_event events[SOURCE_COUNT];
        const int count = epoll_wait(loop.epoll_fd, events, SOURCE_COUNT, -1);
        for (int i = 0; i < count && !loop.is_over; i++) { /* once it is over there may be no gate */
            const uint32_t source = events[i].data.u32;
            if (source == SOURCE_CONTROL)
                control_server_work(daemon->server);
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
