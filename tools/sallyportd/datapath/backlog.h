/* SPDX-License-Identifier: ISC
 *
 * How long packets wait in a socket's queue, and when that is too long.
 *
 * A queue that is long for a moment is good: it keeps a burst. One that stays long only makes each packet
 * late, because more comes than can be opened. Its length in bytes doesn't tell one from the other: a
 * megabyte is a few milliseconds for one processor and hundreds for another. So the time is measured, as in
 * CoDel (RFC 8289), but what stands is shed at once rather than little by little, since a flood doesn't mind
 * losses. A queue that has just been emptied doesn't stand, however late its packets are (RFC 8289 5.6 has
 * that rule, too): they waited for the processor, not for one another.
 */
#ifndef SALLYPORTD_BACKLOG_H
#define SALLYPORTD_BACKLOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

/* A packet may wait so long, and longer only as long as the queue hasn't been late for this time. */
#define BACKLOG_LATE_NS 5000000u
#define BACKLOG_GRACE_NS 5000000u

#define BACKLOG_CONTROL_BYTES CMSG_SPACE(sizeof(struct timespec))

struct backlog {
    uint64_t late_since_ns; /* 0: it isn't late */
};

/* The kernel tells when packets arrived. False: it can't. */
bool backlog_watch(int fd);
/* When this one did, since the epoch; 0: the kernel didn't say. */
uint64_t backlog_arrival_ns(struct msghdr *message);

/* Has the queue whose first packet arrived then been late for too long? is_emptied: none is left in it. */
bool backlog_stands(struct backlog *backlog, uint64_t arrival_ns, uint64_t now_ns, bool is_emptied);

#endif
