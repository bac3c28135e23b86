/* SPDX-License-Identifier: ISC
 *
 * A table as what differs from another one: what a policy of 100,000 rules becomes when one of them is
 * changed.
 *
 * The other table, the base, stays as it was built. Its boxes that are no more are gone: what it answers with
 * one of them counts for nothing. A second table, the delta, holds the boxes that are new, and of the base's
 * those behind a box that is gone that share packets with it, because they may have to answer now. Both are
 * asked, and the box that stands first in the new order decides. The base's answers stay right for all that
 * remains because what is kept is kept in the same order; a box that moved is gone and new.
 */
#ifndef SP_SELECTOR_CHANGE_H
#define SP_SELECTOR_CHANGE_H

#include "selector/selector.h"

struct sp_selector_change;

/* What a changed table is made of; for the base its own boxes. */
struct sp_selector_list {
    const struct sp_selector_box *boxes;
    uint32_t count;
};

/* Takes a reference to base, whose boxes are had. SP_ERR_LIMIT: so much is different that building anew is
 * better. SP_ERR_MEMORY. */
enum sp_status sp_selector_change_create(struct sp_selector_table *base, struct sp_selector_list had,
                                         struct sp_selector_list wanted,
                                         struct sp_selector_change **ret_change) SP_MUST_USE;
/* NULL is fine. */
void sp_selector_change_destroy(struct sp_selector_change *change);

struct sp_selector_table *sp_selector_change_base(const struct sp_selector_change *change);
/* As for a table (selector.h). */
void sp_selector_change_lookup(const struct sp_selector_change *change, const struct sp_selector_key *keys,
                               size_t count, uint32_t *ret_boxes);
uint32_t sp_selector_change_rule(const struct sp_selector_change *change, uint32_t index);
/* Without the base. */
size_t sp_selector_change_bytes(const struct sp_selector_change *change);
bool sp_selector_change_is_grown(const struct sp_selector_change *change);

/* The wanted boxes again, the caller's to free(). SP_ERR_MEMORY. */
enum sp_status sp_selector_change_boxes(const struct sp_selector_change *change, struct sp_selector_list had,
                                        struct sp_selector_box **ret_boxes, uint32_t *ret_count) SP_MUST_USE;

/* match.c: ret_places[i] becomes where had.boxes[i] stands in wanted, or SP_SELECTOR_MISS: it is gone. What
 * is left keeps its order, and is as much as can be had of boxes that aren't there twice. Rules' numbers
 * don't count: they shift. SP_ERR_MEMORY. */
enum sp_status sp_selector_match(struct sp_selector_list had, struct sp_selector_list wanted,
                                 uint32_t *ret_places) SP_MUST_USE;

#endif
