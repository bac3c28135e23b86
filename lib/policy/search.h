/* SPDX-License-Identifier: ISC
 *
 * Is there a packet in a box that none of the boxes before a place takes? */
#ifndef SP_POLICY_SEARCH_H
#define SP_POLICY_SEARCH_H

#include "policy/box_index.h"

/* Boxes that take packets away: those in front of `before`. is_mirrored: they take the mirrored packets. */
struct sp_fence {
    const struct sp_box_index *index;
    uint32_t before;
    bool is_mirrored;
};

/* Starts as all zeroes; used for any number of searches, one after the other. */
struct sp_search {
    struct sp_region waiting;
};

/* A part of box that a host can send (sp_box_is_sent) and that no fence takes anything from. ret_part may be
 * NULL, and *ret_part is untouched when there is none. SP_ERR_MEMORY; SP_ERR_LIMIT when the answer took more
 * than SP_REGION_MAX pieces. */
enum sp_status sp_search_free(struct sp_search *search, const struct sp_box *box,
                              const struct sp_fence *fences, size_t fence_count, bool *ret_is_found,
                              struct sp_box *ret_part) SP_MUST_USE;
void sp_search_end(struct sp_search *search);

#endif
