/* SPDX-License-Identifier: ISC
 *
 * The kernel policies of a guard behind a data path in user space.
 *
 * XFRM_POLICY_BLOCK can't be what holds packets back: a socket asks for its route, and with it for these
 * policies, before the packet is steered to the device, so a protected connection would fail at once. A
 * template that no SA fits gives the socket a route of the right device and MTU that goes nowhere by itself.
 * A packet that is steered gets another one, and asks again with the device's name.
 */
#ifndef SP_OFFLOAD_GUARD_POLICIES_H
#define SP_OFFLOAD_GUARD_POLICIES_H

#include "kernel/policies.h"

/* Free them with sp_kernel_policies_free. SP_ERR_MEMORY; SP_ERR_LIMIT: the report says so. */
enum sp_status sp_guard_policies_make(const struct sp_offload_guard *guard, struct sp_report *report,
                                      struct sp_kernel_policies *ret_policies) SP_MUST_USE;

#endif
