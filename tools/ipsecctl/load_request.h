/* SPDX-License-Identifier: ISC
 *
 * What ipsecctl load was asked for, and the two who can do it: the kernel, with a NIC where there is one, and
 * the daemon.
 */
#ifndef IPSECCTL_LOAD_REQUEST_H
#define IPSECCTL_LOAD_REQUEST_H

#include "arguments.h"
#include "backend.h"

struct load_request {
    const char *policy_path, *keys_path, *control_path;
    enum backend backend;
    bool has_backend;
    bool asks_device, asks_mode, asks_daemon, asks_trial; /* by options that not all backends have */
    bool is_trial, as_json, is_strict;
    uint64_t confirm_seconds; /* 0: not on trial */
    struct sp_offload_nic nic;
    struct me_option me;
};

/* Takes whoever does it: a NIC, the kernel, the daemon. */
static inline bool load_goes_down(const struct load_request *request)
{
    return request->backend == BACKEND_AUTO ||
           (request->backend == BACKEND_NIC && request->nic.mode == SP_OFFLOAD_AUTO);
}

/* Both print what came of it. An exit code. */
int load_into_kernel(const struct load_request *request, const struct sp_policy *policy,
                     const struct sp_me *me);

/* Why those above the daemon didn't take it. */
struct load_refusals {
    const json_t *grants; /* of SAs whose reasons are known; may be an empty list */
    const char *why;      /* whatever else was refused */
};
/* refusals: NULL: nobody else was asked. */
int load_into_daemon(const struct load_request *request, const struct sp_policy *policy,
                     const struct load_refusals *refusals);

#endif
