/* SPDX-License-Identifier: ISC
 *
 * Unions of disjoint boxes.
 */
#ifndef SP_POLICY_REGION_H
#define SP_POLICY_REGION_H

#include "policy/box.h"

/* More pieces than that are refused: the answer would be of no use to anybody. */
#define SP_REGION_MAX 1000000u

/* A box and the rule that it belongs to; what compares two policies also says the other one's rule and how
 * they relate. */
struct sp_piece {
    struct sp_box box;
    uint32_t rule, other, kind;
};
/* Starts as all zeroes. */
struct sp_region {
    struct sp_piece *pieces;
    size_t count, capacity;
};

/* SP_ERR_MEMORY, SP_ERR_LIMIT. */
enum sp_status sp_region_add(struct sp_region *region, const struct sp_box *box, uint32_t rule) SP_MUST_USE;
/* The same with all of a piece. */
enum sp_status sp_region_add_piece(struct sp_region *region, const struct sp_piece *piece) SP_MUST_USE;
/* Takes a box away from all pieces. The same errors; the region is then only good for sp_region_free(). */
enum sp_status sp_region_subtract(struct sp_region *region, const struct sp_box *taken) SP_MUST_USE;
/* Joins pieces that differ only in their box and make a box together. Never fails, need not find the fewest.
 */
void sp_region_join(struct sp_region *region);
void sp_region_free(struct sp_region *region);

#endif
