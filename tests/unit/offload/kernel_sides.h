/* SPDX-License-Identifier: ISC
 *
 * Two sides, a policy with its SAs each, that a kernel is brought from and to, and what may be seen on the
 * way: for tests of reconciliation against the kernel that they run on, in a network namespace of their own.
 *
 * The host's kernel takes policies even where it has no ESP; where it has (in the guest), SAs take part.
 */
#ifndef TESTS_KERNEL_SIDES_H
#define TESTS_KERNEL_SIDES_H

#include "kernel/reconcile.h"

struct side {
    struct sp_policy *policy;
    struct sp_kernel_policies policies;
    struct sp_kernel_sas sas;
};
extern struct side old_side, new_side, none;
/* The new side has other keys for this one of the old side. */
#define REPLACED_SPI 0x1002u
extern struct sp_report *sides_report;

/* Of a test suite; skips what can't be done here. */
void sides_begin(void);
void sides_end(void);

/* Brings the kernel there, over the wire of kernel_wire.h. */
enum sp_status reach(struct side *side, struct sp_offload_changes *ret_changes);
/* The same, and all goes well. */
void start_from(struct side *side);
/* Policies and SAs. */
uint32_t changed(const struct sp_offload_changes *changes);

/* The throw-away SA by which the kernel is asked what it can do is to this host itself, and has no part in
 * what follows. It ends by itself, at the latest with the next reconciliation. */
bool is_of_a_trial(const struct sp_xfrm_sa *sa);

/* What the kernel has, without what changes by itself. */
#define STATE_MAX 256
struct state {
    struct sp_xfrm_policy policies[STATE_MAX];
    uint32_t policy_count;
    struct {
        uint32_t spi;
        struct sp_address destination, source;
        struct sp_xfrm_limits limits;
        uint8_t key[20];
    } sas[STATE_MAX];
    uint32_t sa_count;
};
void look(struct state *ret_state);
bool has_policy(const struct state *state, const struct sp_xfrm_policy *policy);
/* By all that a state has of them. */
bool has_same_sa(const struct state *state, const struct state *other, uint32_t other_index);

/* No packet passes in clear that neither side lets pass, and each SA and policy is one of either side. */
void check_is_between(const struct side *from, const struct side *to);

#endif
