/* SPDX-License-Identifier: ISC
 *
 * What the sockets of raw ESP and of ESP in UDP set up alike.
 */
#ifndef SALLYPORTD_SOCKET_OPTION_H
#define SALLYPORTD_SOCKET_OPTION_H

#include <sallyport/offload.h>

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

#endif
