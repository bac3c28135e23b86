/* SPDX-License-Identifier: ISC
 *
 * Between the readers of XFRM messages: a part of a message that is not read yet, and how it gets shorter.
 */
#ifndef SP_OFFLOAD_XFRM_READ_H
#define SP_OFFLOAD_XFRM_READ_H

#include "xfrm/parts.h"

struct sp_xfrm_rest {
    const char *at;
    size_t len_bytes;
};

struct sp_xfrm_attribute {
    uint16_t type;
    const char *payload;
    size_t len_bytes;
};

/* The header, and what is behind it; false: that isn't a whole message. */
bool sp_xfrm_read_header(const void *bytes, size_t len_bytes, struct nlmsghdr *ret_header,
                         struct sp_xfrm_rest *ret_rest);
/* Copies the next part of part_bytes; false: it isn't all there. */
bool sp_xfrm_take(struct sp_xfrm_rest *rest, void *part, size_t part_bytes);
/* The next attribute; false at the end, and *ret_is_broken when that isn't a clean one. */
bool sp_xfrm_next_attribute(struct sp_xfrm_rest *rest, struct sp_xfrm_attribute *ret_attribute,
                            bool *ret_is_broken);

/* All attributes that are left, into the struct and its `has`. false: one is malformed. */
bool sp_xfrm_read_sa_attributes(struct sp_xfrm_rest rest, struct sp_xfrm_sa *sa);
bool sp_xfrm_read_policy_attributes(struct sp_xfrm_rest rest, struct sp_xfrm_policy *policy);

#endif
