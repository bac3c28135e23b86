/* SPDX-License-Identifier: ISC
 *
 * What the offload bench gives the kernel, said twice: as our messages and as lines of `ip -batch`.
 *
 * SA n of a host with many peers is 3DES-CBC with HMAC-SHA1-96 to a peer of its own, and policy n protects
 * TCP to that peer's port 80.
 */
#ifndef SP_BENCH_OFFLOAD_SUBJECTS_H
#define SP_BENCH_OFFLOAD_SUBJECTS_H

#include "xfrm/xfrm.h"

#include <stdio.h>

enum subject_kind { SUBJECT_SA, SUBJECT_POLICY, SUBJECT_KINDS };

#define SUBJECTS_MAX (1u << 20)

extern const char *const subject_names[SUBJECT_KINDS]; /* in the plural */

/* A request about number n; type is XFRM_MSG_NEWSA or XFRM_MSG_DELSA, for policies XFRM_MSG_NEWPOLICY or
 * XFRM_MSG_DELPOLICY. */
void subject_message(enum subject_kind kind, bool is_deletion, uint32_t number,
                     struct sp_xfrm_message *ret_message);
void subject_batch_line(enum subject_kind kind, bool is_deletion, uint32_t number, FILE *out);

/* A number for what such a message means, the same whoever told the kernel: indices and times are left out.
 */
uint64_t subject_sum(const struct sp_xfrm_message *message);

#endif
