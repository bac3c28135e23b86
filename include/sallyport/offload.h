/* SPDX-License-Identifier: ISC
 *
 * Sallyport offload: who can do the ESP, this process, the Linux kernel or a NIC. Library
 * libsallyport-offload.
 *
 * This version only looks: it tells what the running kernel offers, so that a tool can say why a backend
 * is or isn't to be had.
 */
#ifndef SALLYPORT_OFFLOAD_H
#define SALLYPORT_OFFLOAD_H

#include <sallyport/status.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the kernel of this network namespace answered. */
struct sp_offload_kernel {
    bool has_xfrm; /* policies and SAs can be asked for over netlink (CONFIG_XFRM_USER) */
    uint32_t sa_count, policy_count;
    char text[256]; /* one sentence for people */
};

/* Asks the kernel over NETLINK_XFRM. SP_OK also when it has none (has_xfrm is false then); SP_ERR_PERMISSION,
 * SP_ERR_SYSTEM. Makes and closes its own socket; any thread. */
SP_API enum sp_status sp_offload_kernel_probe(struct sp_offload_kernel *ret_kernel) SP_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
