/* SPDX-License-Identifier: ISC
 *
 * What the control thread of a running sallyportd holds.
 */
#ifndef SALLYPORTD_DAEMON_H
#define SALLYPORTD_DAEMON_H

#include "gate.h"
#include "guard.h"
#include "host.h"
#include "options.h"
#include "routes.h"

#include <time.h>

/* Where a rule was written: a policy that is read again from its canonical text would no longer know. */
struct rule_place {
    char *file;
    uint32_t line;
};

struct policy_source {
    char *text; /* canonical, so that a change of addresses needs no file */
    struct rule_place *places;
    uint32_t place_count;
};

struct event_totals {
    uint64_t acquire, soft_expired, hard_expired;
};

struct daemon {
    struct options options;
    struct sp_sad *sad;
    struct sp_engine *engine;
    struct policy_source source;
    struct sp_me me;
    struct host_lock lock;
    struct guard *guard;
    struct routes routes;
    int tun_fd;
    uint32_t device_mtu_bytes;
    struct gate *gate;
    struct event_totals events;
    struct timespec started;
};

#endif
