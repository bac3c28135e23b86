/* SPDX-License-Identifier: ISC
 *
 * Packets that wait too long in a socket's queue: backlog.h says why.
 */
#include "datapath/backlog.h"

#include "datapath/socket_option.h"

#include <string.h>

#define NS_A_SECOND 1000000000u

bool backlog_watch(int fd)
{
    return socket_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
}

uint64_t backlog_arrival_ns(struct msghdr *message)
{
    for (struct cmsghdr *item = CMSG_FIRSTHDR(message); item; item = CMSG_NXTHDR(message, item)) {
        struct timespec arrival;
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&arrival, CMSG_DATA(item), sizeof arrival);
        return (uint64_t)arrival.tv_sec * NS_A_SECOND + (uint64_t)arrival.tv_nsec;
    }
    return 0;
}

bool backlog_stands(struct backlog *backlog, uint64_t arrival_ns, uint64_t now_ns, bool is_emptied)
{
    const bool is_late =
        !is_emptied && arrival_ns != 0 && now_ns > arrival_ns && now_ns - arrival_ns > BACKLOG_LATE_NS;
    if (!is_late)
        backlog->late_since_ns = 0;
    else if (backlog->late_since_ns == 0)
        backlog->late_since_ns = now_ns;
    return is_late && now_ns - backlog->late_since_ns > BACKLOG_GRACE_NS;
}
