/* SPDX-License-Identifier: ISC
 *
 * What happens to the kernel's IPsec, as it tells its listeners. It tells them keys too, so the buffer is
 * guarded memory and is wiped after each message.
 */
#include "kernel_view.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_BYTES 32768u
#define RECEIVE_BYTES (1 << 20)

struct sp_offload_monitor {
    int descriptor;
    char *buffer;
    struct sp_xfrm_message message;
};

static enum sp_status listen_to_kernel(int descriptor)
{
    const struct sockaddr_nl own = {
        .nl_family = AF_NETLINK,
        .nl_groups = XFRMGRP_ACQUIRE | XFRMGRP_EXPIRE | XFRMGRP_SA | XFRMGRP_POLICY,
    };
    const int receive_bytes = RECEIVE_BYTES;

    /* the more fits, the less is lost; without it it still works */
    (void)setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    if (bind(descriptor, (const struct sockaddr *)&own, sizeof own) == 0)
        return SP_OK;
    return errno == EPERM || errno == EACCES ? SP_ERR_PERMISSION : SP_ERR_SYSTEM;
}

enum sp_status sp_offload_monitor_open(struct sp_offload_monitor **ret_monitor)
{
    struct sp_offload_monitor *monitor = sodium_init() < 0 ? NULL : calloc(1, sizeof *monitor);

    if (monitor == NULL)
        return SP_ERR_MEMORY;
    monitor->descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_XFRM);
    monitor->buffer = sodium_malloc(MESSAGE_BYTES);
    enum sp_status status = monitor->buffer == NULL    ? SP_ERR_MEMORY
                            : monitor->descriptor >= 0 ? listen_to_kernel(monitor->descriptor)
                            : errno == EPROTONOSUPPORT ? SP_ERR_UNSUPPORTED
                                                       : SP_ERR_SYSTEM;
    if (status == SP_OK)
        *ret_monitor = monitor;
    else
        sp_offload_monitor_close(&monitor);
    return status;
}

void sp_offload_monitor_close(struct sp_offload_monitor **monitor)
{
    if (*monitor == NULL)
        return;
    int why = errno;
    if ((*monitor)->descriptor >= 0)
        (void)close((*monitor)->descriptor);
    sodium_free((*monitor)->buffer);
    free(*monitor);
    *monitor = NULL;
    errno = why;
}

int sp_offload_monitor_descriptor(const struct sp_offload_monitor *monitor)
{
    return monitor->descriptor;
}

/* Others can send to our port too: only port 0 is the kernel. */
static ssize_t receive(struct sp_offload_monitor *monitor)
{
    struct sockaddr_nl sender = {.nl_pid = 0};
    socklen_t sender_bytes = sizeof sender;
    ssize_t len_bytes;

    do
        len_bytes = recvfrom(monitor->descriptor, monitor->buffer, MESSAGE_BYTES, 0,
                             (struct sockaddr *)&sender, &sender_bytes);
    while ((len_bytes < 0 && errno == EINTR) || (len_bytes >= 0 && sender.nl_pid != 0));
    return len_bytes;
}

enum sp_status sp_offload_monitor_next(struct sp_offload_monitor *monitor, struct sp_offload_event *ret_event)
{
    for (;;) {
        ssize_t len_bytes = receive(monitor);
        if (len_bytes < 0 && errno == ENOBUFS) {
            *ret_event = (struct sp_offload_event){.kind = SP_OFFLOAD_LOST,
                                                   .text = "more happened than could be told"};
            return SP_OK;
        }
        if (len_bytes < 0)
            return errno == EAGAIN ? SP_ERR_NOT_FOUND : SP_ERR_SYSTEM;
        bool is_event =
            sp_xfrm_decode(monitor->buffer, (size_t)len_bytes, &monitor->message) == SP_XFRM_READ &&
            sp_kernel_view_event(&monitor->message, ret_event);
        sodium_memzero(monitor->buffer, MESSAGE_BYTES);
        if (is_event)
            return SP_OK;
    }
}
