/* SPDX-License-Identifier: ISC
 *
 * SAs on a NIC: which one, in which mode, and what became of it.
 */
#ifndef SP_OFFLOAD_KERNEL_NIC_H
#define SP_OFFLOAD_KERNEL_NIC_H

#include "kernel/reconcile.h"

/* Brings the kernel to the goal with its SAs on NICs as nic says. me tells which SAs are inbound. Answers as
 * sp_offload_kernel_load. */
enum sp_status sp_kernel_nic_bring(struct sp_xfrm_link *link, const struct sp_kernel_goal *goal,
                                   const struct sp_offload_nic *nic, const struct sp_me *me,
                                   struct sp_report *report,
                                   struct sp_offload_changes *ret_changes) SP_MUST_USE;

/* Afterwards: what was granted for each SA, or of a trial would be. */
typedef void sp_kernel_on_grant(const struct sp_offload_grant *grant, void *context);
void sp_kernel_nic_tell(const struct sp_kernel_sas *sas, enum sp_offload_mode requested, bool is_trial,
                        sp_kernel_on_grant *on_grant, void *context);
/* The same when the kernel refused a request of SP_OFFLOAD_AUTO as well, for this reason. */
void sp_kernel_nic_tell_refused(const struct sp_kernel_sas *sas, const char *why,
                                sp_kernel_on_grant *on_grant, void *context);

#endif
