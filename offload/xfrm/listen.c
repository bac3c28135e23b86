/* SPDX-License-Identifier: ISC
 *
 * Listening to the kernel.
 */
#include "xfrm/listen.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

/* Beyond the system's limit where we may (CAP_NET_ADMIN), else up to it. The more fits, the less is lost. */
static void make_room(int descriptor, int bytes)
{
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        (void)setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

enum sp_status sp_xfrm_listen(uint32_t groups, uint32_t receive_bytes, int *ret_descriptor)
{
    const struct sockaddr_nl own = {.nl_family = AF_NETLINK, .nl_groups = groups};
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_XFRM);

    if (descriptor < 0)
        return errno == EPROTONOSUPPORT ? SP_ERR_UNSUPPORTED : SP_ERR_SYSTEM;
    make_room(descriptor, (int)receive_bytes);
    if (bind(descriptor, (const struct sockaddr *)&own, sizeof own) != 0) {
        int why = errno;
        (void)close(descriptor);
        errno = why;
        return why == EPERM || why == EACCES ? SP_ERR_PERMISSION : SP_ERR_SYSTEM;
    }
    *ret_descriptor = descriptor;
    return SP_OK;
}

/* Others can send to our port too: only port 0 is the kernel. */
ssize_t sp_xfrm_hear(int descriptor, void *buffer, size_t capacity_bytes)
{
    struct sockaddr_nl sender;
    socklen_t sender_bytes;
    ssize_t len_bytes;

    do {
        sender = (struct sockaddr_nl){.nl_pid = 0};
        sender_bytes = sizeof sender;
        len_bytes =
            recvfrom(descriptor, buffer, capacity_bytes, 0, (struct sockaddr *)&sender, &sender_bytes);
    } while ((len_bytes < 0 && errno == EINTR) || (len_bytes >= 0 && sender.nl_pid != 0));
    return len_bytes;
}
