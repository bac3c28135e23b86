/* SPDX-License-Identifier: ISC
 *
 * What two versions of a policy don't have in common. */
#ifndef SP_POLICY_CHANGED_H
#define SP_POLICY_CHANGED_H

#include "policy/sieve.h"

/* Boxes of either version such that the two treat every packet outside of them alike, if their defaults do.
 * Each piece's rule is its own number. The caller frees *ret_boxes. SP_ERR_MEMORY. */
enum sp_status sp_changed_boxes(const struct sp_policy *first_policy, const struct sp_sieve *first,
                                const struct sp_policy *second_policy, const struct sp_sieve *second,
                                struct sp_piece **ret_boxes, uint32_t *ret_count) SP_MUST_USE;

#endif
