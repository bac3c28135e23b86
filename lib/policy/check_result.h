/* SPDX-License-Identifier: ISC
 *
 * The findings of a check while they are gathered. */
#ifndef SP_POLICY_CHECK_RESULT_H
#define SP_POLICY_CHECK_RESULT_H

#include "policy/box.h"

#define SP_CHECK_FINDINGS_MAX 200000u /* nobody reads more */

struct sp_check {
    struct sp_check_finding *findings;
    size_t count, capacity;
};

/* SP_ERR_MEMORY, SP_ERR_LIMIT. */
enum sp_status sp_check_add(struct sp_check *check, const struct sp_check_finding *finding) SP_MUST_USE;

#endif
