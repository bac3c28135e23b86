/* SPDX-License-Identifier: ISC
 *
 * Can this kernel do it? Found out by adding an SA that nobody knows and taking it away again, before
 * anything that matters is changed: a kernel says only then what it was built without.
 */
#ifndef SP_OFFLOAD_KERNEL_PREFLIGHT_H
#define SP_OFFLOAD_KERNEL_PREFLIGHT_H

#include "kernel_suite.h"
#include "xfrm_link.h"

/* SP_OK; SP_ERR_UNSUPPORTED: reason, of reason_bytes, says what the kernel lacks; and what sp_xfrm_link_flush
 * answers. */
enum sp_status sp_kernel_preflight(struct sp_xfrm_link *link, uint8_t family,
                                   const struct sp_kernel_suite *suite, char *reason,
                                   size_t reason_bytes) SP_MUST_USE;

#endif
