/* SPDX-License-Identifier: ISC
 *
 * The order in which rules are tried: as listed, or the most specific one first. */
#ifndef SP_POLICY_ORDER_H
#define SP_POLICY_ORDER_H

#include "policy/model.h"

#include <stdbool.h>

/* Fills policy->ordered as policy->order says; false when memory is out. */
bool sp_policy_sort(struct sp_policy *policy) SP_MUST_USE;

#endif
