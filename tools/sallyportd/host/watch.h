/* SPDX-License-Identifier: ISC
 *
 * Listens to what happens to this host's addresses, devices, routing rules and routes.
 */
#ifndef SALLYPORTD_HOST_WATCH_H
#define SALLYPORTD_HOST_WATCH_H

#include <stdbool.h>
#include <stdint.h>

/* Nonblocking; -1: none. */
int host_watch_open(void);

struct host_news {
    bool addresses_changed; /* of any device */
    bool ways_changed;      /* our device, or our rules and routes, were changed by anybody */
};
/* Takes what waits there. device_index is ours. */
struct host_news host_watch_read(int fd, uint32_t device_index);

#endif
