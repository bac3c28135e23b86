/* SPDX-License-Identifier: ISC
 *
 * Can this kernel do it? Found out by adding an SA that nobody knows and taking it away again, before
 * anything that matters is changed: a kernel says only then what it was built without.
 */
#ifndef SP_OFFLOAD_KERNEL_PREFLIGHT_H
#define SP_OFFLOAD_KERNEL_PREFLIGHT_H

#include "kernel/sas.h"
#include "xfrm/link.h"

/* SP_OK; SP_ERR_UNSUPPORTED: reason, of reason_bytes, says what the kernel lacks; and what sp_xfrm_link_flush
 * answers. */
enum sp_status sp_kernel_preflight(struct sp_xfrm_link *link, uint8_t family,
                                   const struct sp_kernel_suite *suite, char *reason,
                                   size_t reason_bytes) SP_MUST_USE;

/* The throw-away SA, with keys of chance that are in it: sodium_memzero it. */
struct sp_kernel_trial {
    struct sp_xfrm_sa sa;
    uint8_t encryption_key[SP_KERNEL_KEY_BYTES_MAX], integrity_key[SP_KERNEL_KEY_BYTES_MAX];
};
void sp_kernel_trial_make(uint8_t family, const struct sp_kernel_suite *suite,
                          struct sp_kernel_trial *ret_trial);

/* What a NIC is asked about. */
struct sp_kernel_nic_question {
    struct sp_kernel_suite suite;
    struct sp_kernel_place place;
    bool is_inbound;
    struct sp_address local; /* of this host: the trial is from it to itself, so no packet is concerned */
    uint32_t window_packets;
};
/* Would the NIC take such an SA? *ret_granted is what came of it, and where that isn't what was asked for,
 * reason (of reason_bytes) says why. What the kernel can't do either is for sp_kernel_preflight. Fails as
 * sp_xfrm_link_flush. */
enum sp_status sp_kernel_preflight_nic(struct sp_xfrm_link *link,
                                       const struct sp_kernel_nic_question *question,
                                       enum sp_offload_mode *ret_granted, char *reason,
                                       size_t reason_bytes) SP_MUST_USE;
/* Would it take a policy for this protocol (0: any) that needs such an SA? */
enum sp_status sp_kernel_preflight_nic_policy(struct sp_xfrm_link *link,
                                              const struct sp_kernel_nic_question *question, uint8_t protocol,
                                              bool *ret_is_taken, char *reason,
                                              size_t reason_bytes) SP_MUST_USE;

#endif
