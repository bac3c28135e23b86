/* SPDX-License-Identifier: ISC
 *
 * The parts of the HMAC kernels' tests.
 */
#ifndef SP_TESTS_KERNELS_HMAC_H
#define SP_TESTS_KERNELS_HMAC_H

#include "harness.h"

#include "crypto/hmac/kernels.h"

/* hmac_plan.c, hmac_measure.c */
void hmac_plan(struct harness *harness, const struct sp_hash *hash, const struct sp_hmac *ops);
void hmac_measure(const struct sp_hash *hash, const struct sp_hmac *reference, const struct sp_hmac *chosen);

#endif
