/* SPDX-License-Identifier: ISC
 *
 * What the sockets of raw ESP and of ESP in UDP set up alike.
 */
#ifndef SALLYPORTD_SOCKET_OPTION_H
#define SALLYPORTD_SOCKET_OPTION_H

#include <sallyport/offload.h>

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

static inline bool socket_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* What the kernel's policies hold back is not what has been sealed. */
static inline bool socket_exempt(int fd, uint8_t family)
{
    const enum sp_status status = sp_offload_guard_exempt(fd, family);
    return status == SP_OK || status == SP_ERR_UNSUPPORTED;
}

/* Of what it sends, also when the kernel itself had no room for it. */
static inline bool socket_hears_errors(int fd, uint8_t family)
{
    return family == 4 ? socket_option(fd, IPPROTO_IP, IP_RECVERR, 1)
                       : socket_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
}

/* How many packets its queue had no room for since *known, the kernel's count of them, which is brought up to
 * date. */
static inline uint32_t socket_take_overflowed(int fd, uint32_t *known)
{
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t len_bytes = sizeof memory;
    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &len_bytes) != 0)
        return 0;
    const uint32_t more = memory[SK_MEMINFO_DROPS] - *known; /* it may have wrapped */
    *known = memory[SK_MEMINFO_DROPS];
    return more;
}

#endif
