/* SPDX-License-Identifier: ISC
 *
 * Why a rule matches and what follows, in one sentence each.
 */
#ifndef IPSECCTL_REASONS_H
#define IPSECCTL_REASONS_H

#include <sallyport/policy.h>

/* Which parts of the rule the packet met. The caller frees it. */
char *reason_of_match(const struct sp_policy *policy, const struct sp_me *me, const struct sp_flow *flow,
                      const struct sp_match *match);
/* What becomes of the packet. The caller frees it. */
char *outcome_of_match(const struct sp_policy *policy, enum sp_direction direction,
                       const struct sp_match *match);

#endif
