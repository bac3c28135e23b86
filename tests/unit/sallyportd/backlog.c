/* SPDX-License-Identifier: ISC
 *
 * Tests of tools/sallyportd/datapath/backlog.c: a queue may be late for a moment, and not for long.
 */
#include "datapath/backlog.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define START_NS 1000000000000u

/* A packet that waited so long is looked at so long after the start, and more wait behind it. */
static bool stands(struct backlog *backlog, uint64_t at_ns, uint64_t waited_ns)
{
    const uint64_t now_ns = START_NS + at_ns;
    return backlog_stands(backlog, now_ns - waited_ns, now_ns, false);
}

Test(backlog, packets_may_wait_up_to_the_limit_for_ever)
{
    struct backlog backlog = {0};
    for (uint64_t at_ns = 0; at_ns < 100u * BACKLOG_GRACE_NS; at_ns += BACKLOG_GRACE_NS / 2)
        cr_assert_not(stands(&backlog, at_ns, BACKLOG_LATE_NS));
}

Test(backlog, a_queue_that_is_late_for_a_moment_is_left_alone)
{
    struct backlog backlog = {0};
    cr_assert_not(stands(&backlog, 0, 100u * BACKLOG_LATE_NS));
    cr_assert_not(stands(&backlog, BACKLOG_GRACE_NS, BACKLOG_LATE_NS + 1));
    cr_assert_not(stands(&backlog, BACKLOG_GRACE_NS + 1, BACKLOG_LATE_NS), "it has caught up");
    cr_assert_not(stands(&backlog, BACKLOG_GRACE_NS + 2, BACKLOG_LATE_NS + 1), "so the time counts anew");
    cr_assert_not(stands(&backlog, 2 * BACKLOG_GRACE_NS + 2, BACKLOG_LATE_NS + 1));
    cr_assert(stands(&backlog, 2 * BACKLOG_GRACE_NS + 3, BACKLOG_LATE_NS + 1));
}

Test(backlog, one_that_stays_late_stands_until_it_has_caught_up)
{
    struct backlog backlog = {0};
    cr_assert_not(stands(&backlog, 0, BACKLOG_LATE_NS + 1));
    cr_assert_not(stands(&backlog, BACKLOG_GRACE_NS, BACKLOG_LATE_NS + 1));
    for (uint64_t at_ns = BACKLOG_GRACE_NS + 1; at_ns < 50u * BACKLOG_GRACE_NS; at_ns += 1000)
        cr_assert(stands(&backlog, at_ns, BACKLOG_LATE_NS + 1));
    cr_assert_not(stands(&backlog, 50u * BACKLOG_GRACE_NS, 0));
    cr_assert_not(stands(&backlog, 50u * BACKLOG_GRACE_NS + 1, BACKLOG_LATE_NS + 1));
}

Test(backlog, a_time_that_is_unknown_or_in_the_future_is_not_late)
{
    struct backlog backlog = {0};
    cr_assert_not(stands(&backlog, 0, BACKLOG_LATE_NS + 1));
    cr_assert_not(backlog_stands(&backlog, 0, START_NS + 2 * BACKLOG_GRACE_NS, false));
    cr_assert_not(
        backlog_stands(&backlog, START_NS + 3 * BACKLOG_GRACE_NS, START_NS, false)); /* the clock was set */
    cr_assert_eq(backlog.late_since_ns, 0);
}

Test(backlog, a_queue_that_has_been_emptied_does_not_stand_however_late)
{
    const uint64_t late_ns = 100u * BACKLOG_LATE_NS;
    struct backlog backlog = {0};
    cr_assert_not(stands(&backlog, 0, late_ns));
    cr_assert_not(backlog_stands(&backlog, START_NS, START_NS + late_ns, true));
    cr_assert_not(stands(&backlog, late_ns + 1, late_ns), "so the time counts anew");
    cr_assert(stands(&backlog, late_ns + 2 + BACKLOG_GRACE_NS, late_ns));
}

Test(backlog, the_kernel_tells_when_a_packet_arrived)
{
    char byte = 'x', control[BACKLOG_CONTROL_BYTES];
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct timespec before, after;
    int fds[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
    cr_assert(backlog_watch(fds[1]));
    clock_gettime(CLOCK_REALTIME, &before);
    cr_assert_eq(write(fds[0], &byte, 1), 1);
    cr_assert_eq(recvmsg(fds[1], &message, 0), 1);
    clock_gettime(CLOCK_REALTIME, &after);
    const uint64_t arrival_ns = backlog_arrival_ns(&message);
    cr_assert_geq(arrival_ns, (uint64_t)before.tv_sec * 1000000000u + (uint64_t)before.tv_nsec);
    cr_assert_leq(arrival_ns, (uint64_t)after.tv_sec * 1000000000u + (uint64_t)after.tv_nsec);
    message.msg_controllen = 0;
    cr_assert_eq(backlog_arrival_ns(&message), 0);
    cr_assert_not(backlog_watch(-1));
    close(fds[0]);
    close(fds[1]);
}
