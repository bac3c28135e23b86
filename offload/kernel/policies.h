/* SPDX-License-Identifier: ISC
 *
 * The policies that a kernel shall have for a policy of ours.
 *
 * Directions: what this host sends (out), what is for it (in), and what it passes on (fwd), to which the
 * inbound rules apply that don't speak of "me" alone. The default, where it is block, is the last policy of
 * each. IPv6 neighbour discovery and ::1 are let through before all rules where one of these would hold them
 * up.
 */
#ifndef SP_OFFLOAD_KERNEL_POLICIES_H
#define SP_OFFLOAD_KERNEL_POLICIES_H

#include "xfrm/xfrm.h"

#include <sallyport/offload.h>

/* Lower ones are tried first: before what IKE daemons and people choose by habit. */
#define SP_KERNEL_PRIORITY_FIRST 0x1000u

struct sp_kernel_policies {
    struct sp_xfrm_policy *policies;
    uint32_t count;
};

/* rule_policies, for each rule how many it becomes, may be NULL. SP_ERR_MEMORY; SP_ERR_LIMIT and
 * SP_ERR_UNSUPPORTED: the report says which rule is too much, or can't be told to a kernel. */
enum sp_status sp_kernel_policies_make(const struct sp_policy *policy, const struct sp_me *me,
                                       uint64_t *rule_policies, struct sp_report *report,
                                       struct sp_kernel_policies *ret_policies) SP_MUST_USE;
void sp_kernel_policies_free(struct sp_kernel_policies *policies);

#endif
