/* SPDX-License-Identifier: ISC
 *
 * What happens to the kernel's IPsec, as it tells its listeners. It tells them keys too, so the buffer is
 * guarded memory and is wiped after each message.
 */
#include "kernel/view.h"
#include "xfrm/listen.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#define RECEIVE_BYTES (1u << 20)
#define GROUPS                                                                                               \
    (SP_XFRM_TELLS_ACQUIRE | SP_XFRM_TELLS_EXPIRE | SP_XFRM_TELLS_SA | SP_XFRM_TELLS_POLICY |                \
     SP_XFRM_TELLS_MAPPING)

struct sp_offload_monitor {
    int descriptor;
    char *buffer;
    struct sp_xfrm_message message;
};

enum sp_status sp_offload_monitor_open(struct sp_offload_monitor **ret_monitor)
{
    struct sp_offload_monitor *monitor = sodium_init() < 0 ? NULL : calloc(1, sizeof *monitor);

    if (monitor == NULL)
        return SP_ERR_MEMORY;
    monitor->descriptor = -1;
    monitor->buffer = sodium_malloc(SP_XFRM_HEARD_BYTES);
    enum sp_status status =
        monitor->buffer == NULL ? SP_ERR_MEMORY : sp_xfrm_listen(GROUPS, RECEIVE_BYTES, &monitor->descriptor);
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

enum sp_status sp_offload_monitor_next(struct sp_offload_monitor *monitor, struct sp_offload_event *ret_event)
{
    for (;;) {
        ssize_t len_bytes = sp_xfrm_hear(monitor->descriptor, monitor->buffer, SP_XFRM_HEARD_BYTES);
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
        sodium_memzero(monitor->buffer, SP_XFRM_HEARD_BYTES);
        if (is_event)
            return SP_OK;
    }
}
