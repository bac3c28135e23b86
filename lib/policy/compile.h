/* SPDX-License-Identifier: ISC
 *
 * From rules to selector boxes. A protect rule gives boxes to both directions: as written, and mirrored (RFC
 * 4301 4.4.1: what is sent under an SA must also come back under one). */
#ifndef SP_POLICY_COMPILE_H
#define SP_POLICY_COMPILE_H

#include "selector/selector.h"

#include <sallyport/policy.h>

/* The boxes of one direction in the order in which they are tried. *ret_boxes is the caller's to free()
 * (NULL: there are none). SP_ERR_MEMORY, SP_ERR_LIMIT as below. */
enum sp_status sp_policy_boxes(const struct sp_policy *policy, enum sp_direction direction,
                               const struct sp_me *me, struct sp_selector_box **ret_boxes,
                               uint32_t *ret_count) SP_MUST_USE;

/* One table for each direction, [SP_OUTBOUND] and [SP_INBOUND]; former: those of a policy that may differ
 * little, or NULL. SP_ERR_MEMORY; SP_ERR_LIMIT when a direction would need over 1,000,000 boxes. */
enum sp_status sp_policy_compile(const struct sp_policy *policy, const struct sp_me *me,
                                 struct sp_selector_table *const former[2],
                                 struct sp_selector_table *ret_tables[2]) SP_MUST_USE;

#endif
