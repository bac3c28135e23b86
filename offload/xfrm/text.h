/* SPDX-License-Identifier: ISC
 *
 * Selectors, policies and SAs of the kernel in words. Never a key.
 */
#ifndef SP_OFFLOAD_XFRM_TEXT_H
#define SP_OFFLOAD_XFRM_TEXT_H

#include "xfrm/xfrm.h"

#define SP_XFRM_TEXT_BYTES 256

/* "tcp 192.0.2.1 -> 0.0.0.0/0 port 80", "icmp type 8 any -> any"; returns text, of SP_XFRM_TEXT_BYTES. */
const char *sp_xfrm_selector_text(const struct sp_xfrm_selector *selector, char *text);
/* "out", "in", "fwd"; "?" else. */
const char *sp_xfrm_direction_name(uint8_t direction);
/* "block", "bypass", "protect": what it does to a packet. */
const char *sp_xfrm_action_name(const struct sp_xfrm_policy *policy);
/* "policy 4097: block out tcp 192.0.2.1 -> 0.0.0.0/0 port 80". */
const char *sp_xfrm_policy_text(const struct sp_xfrm_policy *policy, char *text);
/* "SA 0x00001001 192.0.2.1 -> 192.0.2.2". */
const char *sp_xfrm_sa_text(const struct sp_xfrm_sa *sa, char *text);

#endif
