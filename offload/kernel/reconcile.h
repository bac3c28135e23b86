/* SPDX-License-Identifier: ISC
 *
 * From what the kernel has to what it shall have.
 *
 * In this order: policies that take packets out of the clear without needing SAs, SAs, policies that need
 * them, policies that let packets into the clear, SAs that nobody wants any more. Wherever it is cut off, no
 * packet passes in clear that neither the old policy nor the new one lets pass (xfrm/plan.h), and doing it
 * again from there leads to the end.
 */
#ifndef SP_OFFLOAD_KERNEL_RECONCILE_H
#define SP_OFFLOAD_KERNEL_RECONCILE_H

#include "kernel/policies.h"
#include "kernel/sas.h"
#include "xfrm/link.h"

struct sp_kernel_goal {
    const struct sp_kernel_policies *policies;
    struct sp_kernel_sas *sas;
    bool is_trial; /* only says what it would do */
    sp_offload_on_step *on_step;
    void *context;
};

/* SP_OK: the kernel has what it shall have. When a message is lost, or others change policies at the same
 * time, it looks again and goes on. When the kernel refuses something, all is put back as it was; when that
 * is to end an SA that nobody wants any more, what is new stays. The report says what failed, and what the
 * kernel has when it isn't what it had. Answers as of sp_offload_kernel_load. */
enum sp_status sp_kernel_reconcile(struct sp_xfrm_link *link, const struct sp_kernel_goal *goal,
                                   struct sp_report *report,
                                   struct sp_offload_changes *ret_changes) SP_MUST_USE;

/* Dumps until the kernel's list held still meanwhile; begin is called before each try. */
typedef void sp_kernel_begin(void *context);
enum sp_status sp_kernel_dump(struct sp_xfrm_link *link, uint16_t type, sp_kernel_begin *begin,
                              sp_xfrm_on_message *on_message, void *context) SP_MUST_USE;

#endif
