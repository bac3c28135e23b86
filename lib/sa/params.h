/* SPDX-License-Identifier: ISC
 *
 * Between the SAD and the judgement of what is to become an SA.
 */
#ifndef SP_SA_PARAMS_H
#define SP_SA_PARAMS_H

#include <sallyport/sa.h>

#define SP_REASON_BYTES 256

/* SP_OK, or why these parameters are refused; reason[SP_REASON_BYTES], which may be NULL, then receives a
 * sentence. */
enum sp_status sp_sa_params_check(const struct sp_sa_params *params, char *reason) SP_MUST_USE;

#endif
