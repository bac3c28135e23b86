/* SPDX-License-Identifier: ISC
 *
 * The guard behind the guard: policies of the kernel's own IPsec, by which nothing that the policy protects
 * or blocks leaves by another device than ours (sallyport/offload.h). It knows nothing of nftables, and
 * stands when those are flushed, and when the daemon is dead.
 */
#ifndef SALLYPORTD_SECOND_GUARD_H
#define SALLYPORTD_SECOND_GUARD_H

#include <sallyport/policy.h>

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct second_guard {
    bool is_up;
    uint32_t policy_count;
    char why[256];  /* it is not up */
    int setting_fd; /* net.core.xfrm_larval_drop; -1: the kernel has none */
    char former_setting;
    int watch_fd;
};

/* What it shall be like. device_index 0: there is no device yet, and nothing that is protected leaves. */
struct second_guard_goal {
    const struct sp_policy *policy;
    const struct sp_me *me;
    uint32_t device_index;
};

/* Finds out whether the kernel has what it takes; nothing is put up yet. */
void second_guard_open(struct second_guard *guard);
void second_guard_close(struct second_guard *guard);

/* Puts it up, or changes it. When that fails, the log says why, and what stood before stands. */
void second_guard_follow(struct second_guard *guard, const struct second_guard_goal *goal);
/* Is it as it was put up? If not it is put up again. True: something was missing or changed. */
bool second_guard_repair(struct second_guard *guard, const struct second_guard_goal *goal);
/* Each second: is it not up though it might be, or has somebody changed the kernel's setting, of which
 * nobody tells? */
bool second_guard_needs_look(const struct second_guard *guard);
void second_guard_remove(struct second_guard *guard);

/* Takes what waits at watch_fd, which is readable when some kernel policy was changed by anybody. */
void second_guard_read_watch(const struct second_guard *guard);

/* {"is_up", "policies", "refused_packets", "why"}: for the status. */
json_t *second_guard_status(const struct second_guard *guard);

#endif
