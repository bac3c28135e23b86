/* SPDX-License-Identifier: ISC
 *
 * Which of many boxes meet, or cover, a given one? Boxes have places: the order in which they are tried. */
#ifndef SP_POLICY_BOX_INDEX_H
#define SP_POLICY_BOX_INDEX_H

#include "policy/region.h"

struct sp_box_node;

/* Starts as all zeroes. */
struct sp_box_index {
    const struct sp_piece *boxes; /* by place; the caller's, must outlive the index */
    uint32_t *sorted;             /* places, those of a node next to each other */
    struct sp_box_node *nodes;
    uint32_t node_count;
    uint32_t roots[2]; /* of IPv4 and of IPv6; SP_BOX_NOWHERE: none */
};

#define SP_BOX_NOWHERE UINT32_MAX

/* are_left_out: by place; NULL: none is. SP_ERR_MEMORY. */
enum sp_status sp_box_index_create(struct sp_box_index *index, const struct sp_piece *boxes, uint32_t count,
                                   const bool *are_left_out) SP_MUST_USE;
void sp_box_index_free(struct sp_box_index *index);

/* The place of a box in front of `before` that covers box, or of one that meets it: then one that has much in
 * common with it. SP_BOX_NOWHERE: none does. */
uint32_t sp_box_index_cover(const struct sp_box_index *index, const struct sp_box *box, uint32_t before);
uint32_t sp_box_index_meet(const struct sp_box_index *index, const struct sp_box *box, uint32_t before);
/* The first place of a box that meets box. */
uint32_t sp_box_index_first(const struct sp_box_index *index, const struct sp_box *box);

/* Places in ascending order. Starts as all zeroes, can be used again, freed with free(places). */
struct sp_box_places {
    uint32_t *places;
    size_t count, capacity;
};
/* All that meet box from place `from` on, in front of `before`. SP_ERR_MEMORY. */
enum sp_status sp_box_index_all(const struct sp_box_index *index, const struct sp_box *box, uint32_t from,
                                uint32_t before, struct sp_box_places *ret_places) SP_MUST_USE;

#endif
