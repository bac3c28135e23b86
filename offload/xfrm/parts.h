/* SPDX-License-Identifier: ISC
 *
 * The fixed parts of XFRM messages, each written and read beside each other.
 */
#ifndef SP_OFFLOAD_XFRM_PARTS_H
#define SP_OFFLOAD_XFRM_PARTS_H

#include "xfrm/xfrm.h"

/* 4, 6 or 0 for AF_INET, AF_INET6 and AF_UNSPEC. */
uint16_t sp_xfrm_family_number(uint8_t family);
bool sp_xfrm_read_family(uint16_t number, uint8_t *ret_family);
void sp_xfrm_put_address(const struct sp_address *address, xfrm_address_t *out);
struct sp_address sp_xfrm_read_address(const xfrm_address_t *in, uint8_t family);

/* Readers answer false when a value is none that a kernel sends. */
void sp_xfrm_put_selector(const struct sp_xfrm_selector *selector, struct xfrm_selector *out);
bool sp_xfrm_read_selector(const struct xfrm_selector *in, struct sp_xfrm_selector *ret_selector);
void sp_xfrm_put_limits(const struct sp_xfrm_limits *limits, struct xfrm_lifetime_cfg *out);
void sp_xfrm_read_limits(const struct xfrm_lifetime_cfg *in, struct sp_xfrm_limits *ret_limits);
void sp_xfrm_put_used(const struct sp_xfrm_used *used, struct xfrm_lifetime_cur *out);
void sp_xfrm_read_used(const struct xfrm_lifetime_cur *in, struct sp_xfrm_used *ret_used);
void sp_xfrm_put_sa(const struct sp_xfrm_sa *sa, struct xfrm_usersa_info *out);
bool sp_xfrm_read_sa(const struct xfrm_usersa_info *in, struct sp_xfrm_sa *sa);
void sp_xfrm_put_template(const struct sp_xfrm_template *template, struct xfrm_user_tmpl *out);
bool sp_xfrm_read_template(const struct xfrm_user_tmpl *in, struct sp_xfrm_template *ret_template);
void sp_xfrm_put_policy(const struct sp_xfrm_policy *policy, struct xfrm_userpolicy_info *out);
bool sp_xfrm_read_policy(const struct xfrm_userpolicy_info *in, struct sp_xfrm_policy *policy);

#endif
