/* SPDX-License-Identifier: ISC
 *
 * The netlink socket under a link to the kernel.
 */
#include "xfrm/link.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* The kernel answers before a send returns; the limit only keeps a broken one from hanging us. */
#define ANSWER_SECONDS 5

static int descriptor_of(const void *context)
{
    return (int)(intptr_t)context;
}

static ssize_t send_to_kernel(void *context, const void *bytes, size_t len_bytes)
{
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

    return sendto(descriptor_of(context), bytes, len_bytes, 0, (const struct sockaddr *)&kernel,
                  sizeof kernel);
}

/* Other processes can send to our port too: only port 0 is the kernel. */
static ssize_t receive_from_kernel(void *context, void *buffer, size_t capacity_bytes)
{
    struct sockaddr_nl sender;
    struct iovec part = {.iov_base = buffer, .iov_len = capacity_bytes};
    struct msghdr message;
    ssize_t len_bytes;

    do {
        message = (struct msghdr){
            .msg_name = &sender, .msg_namelen = sizeof sender, .msg_iov = &part, .msg_iovlen = 1};
        len_bytes = recvmsg(descriptor_of(context), &message, 0);
    } while (len_bytes >= 0 && (message.msg_namelen != sizeof sender || sender.nl_pid != 0));
    if (len_bytes >= 0 && message.msg_flags & MSG_TRUNC) {
        errno = EMSGSIZE;
        return -1;
    }
    return len_bytes;
}

static void drain_socket(void *context)
{
    char byte;

    while (recv(descriptor_of(context), &byte, sizeof byte, MSG_DONTWAIT | MSG_TRUNC) >= 0 || errno == EINTR)
        continue;
}

static void close_socket(void *context)
{
    (void)close(descriptor_of(context));
}

/* NETLINK_CAP_ACK: an answer otherwise quotes its request, keys and all. NETLINK_EXT_ACK: the kernel says in
 * words what it refuses. */
static bool prepare(int descriptor)
{
    const struct sockaddr_nl own = {.nl_family = AF_NETLINK};
    const struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    const int yes = 1;

    return bind(descriptor, (const struct sockaddr *)&own, sizeof own) == 0 &&
           setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
           setsockopt(descriptor, SOL_NETLINK, NETLINK_CAP_ACK, &yes, sizeof yes) == 0 &&
           setsockopt(descriptor, SOL_NETLINK, NETLINK_EXT_ACK, &yes, sizeof yes) == 0;
}

enum sp_status sp_xfrm_socket_open(struct sp_xfrm_transport *ret_transport)
{
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_XFRM);

    if (descriptor < 0)
        return errno == EPROTONOSUPPORT ? SP_ERR_UNSUPPORTED
               : errno == EPERM         ? SP_ERR_PERMISSION
                                        : SP_ERR_SYSTEM;
    if (!prepare(descriptor)) {
        int why = errno;
        (void)close(descriptor);
        errno = why;
        return SP_ERR_SYSTEM;
    }
    *ret_transport = (struct sp_xfrm_transport){.send = send_to_kernel,
                                                .receive = receive_from_kernel,
                                                .drain = drain_socket,
                                                .close = close_socket,
                                                .context = (void *)(intptr_t)descriptor};
    return SP_OK;
}

enum sp_status sp_xfrm_link_open(struct sp_xfrm_link **ret_link)
{
    struct sp_xfrm_transport transport;
    enum sp_status status = sp_xfrm_socket_open(&transport);

    if (status != SP_OK)
        return status;
    status = sp_xfrm_link_over(&transport, ret_link);
    if (status != SP_OK)
        transport.close(transport.context);
    return status;
}
