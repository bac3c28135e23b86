/* SPDX-License-Identifier: ISC
 *
 * What the kernel tells, in our words: between its messages and who shows them.
 */
#ifndef SP_OFFLOAD_KERNEL_VIEW_H
#define SP_OFFLOAD_KERNEL_VIEW_H

#include "xfrm/xfrm.h"

#include <sallyport/offload.h>

/* now: seconds of the epoch. The keys are looked at for the fingerprint only. */
void sp_kernel_view_sa(const struct sp_xfrm_sa *sa, uint64_t now, struct sp_offload_sa *ret_sa);
void sp_kernel_view_policy(const struct sp_xfrm_policy *policy, struct sp_offload_policy *ret_policy);
/* false: nothing that is shown. */
bool sp_kernel_view_event(const struct sp_xfrm_message *message, struct sp_offload_event *ret_event);
/* Visits the counters of a text in the form of /proc/net/xfrm_stat. */
void sp_kernel_view_drops(FILE *in, void (*on_drop)(const struct sp_offload_drop *drop, void *context),
                          void *context);

#endif
