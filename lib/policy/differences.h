/* SPDX-License-Identifier: ISC
 *
 * Differences of two policies while they are gathered. */
#ifndef SP_POLICY_DIFFERENCES_H
#define SP_POLICY_DIFFERENCES_H

#include "policy/sieve.h"

/* A region whose pieces have the first policy's rule, the other's rule, and a sp_difference_kind; one for
 * each direction. Becomes the caller's result and is freed either way. */
enum sp_status sp_differences_create(struct sp_region found[2], const struct sp_policy *first,
                                     const struct sp_policy *second,
                                     struct sp_differences **ret_differences) SP_MUST_USE;

#endif
