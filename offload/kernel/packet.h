/* SPDX-License-Identifier: ISC
 *
 * The kernel's policies when a NIC does the ESP, policies and all.
 */
#ifndef SP_OFFLOAD_KERNEL_PACKET_H
#define SP_OFFLOAD_KERNEL_PACKET_H

#include "kernel/policies.h"

/* ret_policies: those of plain, where each inbound and outbound one that protects is the NIC's, and once more
 * the kernel's own behind it. SP_ERR_UNSUPPORTED: reason says why a NIC would not keep to these policies'
 * order. SP_ERR_MEMORY. */
enum sp_status sp_kernel_packet_policies(const struct sp_kernel_policies *plain, int32_t interface,
                                         struct sp_kernel_policies *ret_policies, char *reason,
                                         size_t reason_bytes) SP_MUST_USE;

#endif
