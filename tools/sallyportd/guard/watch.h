/* SPDX-License-Identifier: ISC
 *
 * Listens to nftables: has somebody else had their hands on our table?
 */
#ifndef SALLYPORTD_GUARD_WATCH_H
#define SALLYPORTD_GUARD_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct guard_watch {
    int fd;           /* nonblocking; -1: none */
    uint32_t own_pid; /* as the kernel tells of us, which is not as a container counts; 0: not known yet */
    bool is_touched;  /* by the transaction whose end hasn't been heard yet */
};

void guard_watch_open(struct guard_watch *watch);
void guard_watch_close(struct guard_watch *watch);

enum guard_watch_news {
    GUARD_WATCH_QUIET,
    GUARD_WATCH_TOUCHED,   /* by somebody else */
    GUARD_WATCH_OVERFLOWN, /* more was told than could be heard */
};
enum guard_watch_news guard_watch_read(struct guard_watch *watch);
/* After a transaction of our own, of which the kernel has told by now: takes that. What others did behind it
 * is news. */
enum guard_watch_news guard_watch_settle(struct guard_watch *watch);

#endif
