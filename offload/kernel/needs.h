/* SPDX-License-Identifier: ISC
 *
 * What a goal needs of the kernel and of NICs, each asked about once and before anything is changed.
 */
#ifndef SP_OFFLOAD_KERNEL_NEEDS_H
#define SP_OFFLOAD_KERNEL_NEEDS_H

#include "kernel/reconcile.h"

/* After a look at the kernel's SAs. SP_OK: nothing stands against it, or *ret_has_lowered: SAs that take what
 * comes ask for less now. SP_ERR_UNSUPPORTED, SP_ERR_PERMISSION: reason says what is lacking; and what
 * sp_xfrm_link_flush answers. */
enum sp_status sp_kernel_needs_ask(struct sp_xfrm_link *link, const struct sp_kernel_goal *goal,
                                   bool changes_policies, bool *ret_has_lowered, char *reason,
                                   size_t reason_bytes) SP_MUST_USE;

#endif
