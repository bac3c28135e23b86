/* SPDX-License-Identifier: ISC
 *
 * From the policies that the kernel has to those that it shall have: which requests, in which order.
 *
 * Ours are those whose index is in a range of ours; all others are somebody else's and are never touched. To
 * the kernel two policies of one direction with equal selectors are the same one, whatever their priority.
 *
 * Each step can only make packets that went in clear stop doing so (it tightens), or only the other way round
 * (it loosens): a policy that lets packets pass in clear, moved behind others, tightens, and one that doesn't
 * loosens. All steps that tighten come before all that loosen. So at no point, and wherever the steps are cut
 * off, does a packet pass in clear that passed in clear neither before nor is to afterwards.
 */
#ifndef SP_OFFLOAD_XFRM_PLAN_H
#define SP_OFFLOAD_XFRM_PLAN_H

#include "xfrm/xfrm.h"

/* The low three bits of an index are the direction, XFRM_POLICY_IN and so on. */
#define SP_XFRM_INDEX_FIRST 0x53000000u
#define SP_XFRM_INDEX_LAST 0x53ffffffu

/* Whose policies: the kernel backend's, or the guard's of a data path in user space. Neither touches the
 * other's. */
struct sp_xfrm_range {
    uint32_t index_first, index_last;
};
extern const struct sp_xfrm_range sp_xfrm_backend_range, sp_xfrm_guard_range;

/* The steps of a phase may be sent in any order, but only after all of the phase before have been done. */
enum sp_xfrm_phase {
    SP_XFRM_TIGHTEN,
    SP_XFRM_LOOSEN,
    SP_XFRM_REPLACE, /* clear stays clear and the rest stays the rest; last, as the kernel puts a replaced
                        policy behind others of its priority, and by now there are none of ours */
};

struct sp_xfrm_step {
    enum sp_xfrm_phase phase;
    uint16_t type;                       /* XFRM_MSG_NEWPOLICY, XFRM_MSG_UPDPOLICY, XFRM_MSG_DELPOLICY */
    const struct sp_xfrm_policy *policy; /* of the caller's arrays */
    uint32_t index;                      /* that it has or gets */
};

struct sp_xfrm_plan {
    struct sp_xfrm_step *steps; /* phase by phase */
    uint32_t step_count;
    uint32_t kept_count;     /* are as they shall be */
    uint32_t shadowed_count; /* wanted, but behind another of the same selector: never reached */
    uint32_t foreign_count;  /* somebody else's */
};

/* wanted: each with a priority of its own. Its indices don't matter; actual is a dump. SP_ERR_EXISTS: the
 * selector of *ret_conflict, one of wanted, is taken by somebody else's policy; nothing may be done.
 * SP_ERR_MEMORY, SP_ERR_LIMIT (no index of ours is left). */
enum sp_status sp_xfrm_plan_policies(const struct sp_xfrm_policy *wanted, uint32_t wanted_count,
                                     const struct sp_xfrm_policy *actual, uint32_t actual_count,
                                     struct sp_xfrm_plan *ret_plan,
                                     const struct sp_xfrm_policy **ret_conflict) SP_MUST_USE;
/* The same about those of one range; all that are not in it are somebody else's. */
enum sp_status sp_xfrm_plan_range(const struct sp_xfrm_range *range, const struct sp_xfrm_policy *wanted,
                                  uint32_t wanted_count, const struct sp_xfrm_policy *actual,
                                  uint32_t actual_count, struct sp_xfrm_plan *ret_plan,
                                  const struct sp_xfrm_policy **ret_conflict) SP_MUST_USE;
void sp_xfrm_plan_free(struct sp_xfrm_plan *plan);

/* The request that does a step. */
void sp_xfrm_step_message(const struct sp_xfrm_step *step, struct sp_xfrm_message *ret_message);

/* Of the kernel backend. */
bool sp_xfrm_policy_is_ours(const struct sp_xfrm_policy *policy);
/* May a packet that it decides go or come without ESP? */
bool sp_xfrm_policy_passes_clear(const struct sp_xfrm_policy *policy);

#endif
