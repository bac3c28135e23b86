/* SPDX-License-Identifier: ISC
 *
 * The trees of cuts.c: what one consists of, how it is grown, and how a burst goes through.
 */
#ifndef SP_SELECTOR_CUTS_H
#define SP_SELECTOR_CUTS_H

#include "selector/method.h"

#define SP_CUTS_TREES_MAX 6

/* A tree is made of words. An inner node's says which bits of the packet choose among its cells, and where
 * those stand; a cell holds the word of the node below. A leaf's word says where its boxes stand.
 *
 * Inner node: bits 0-19 first cell by SP_CUTS_CELLS_UNIT, 20-23 number of packet bits, 24-28 how far to
 * shift, 29-30 enum sp_cuts_field. Leaf: bits 0-8 boxes, 9-30 first block by SP_CUTS_LANES_UNIT, 31 set. */
enum sp_cuts_field {
    SP_CUTS_SOURCE,
    SP_CUTS_DESTINATION,
    SP_CUTS_PORTS,
    SP_CUTS_PROTOCOL,
};
#define SP_CUTS_IS_LEAF 0x80000000u
#define SP_CUTS_CELLS_UNIT 4
#define SP_CUTS_CELLS_MAX ((1u << 20) * SP_CUTS_CELLS_UNIT)
#define SP_CUTS_LEAF_MAX 511u

/* A leaf's boxes stand side by side in blocks of up to 16 lanes, so that they are compared at once: a block
 * is an array for each of these, with as many lanes as boxes, rounded up to whole units. Blocks before a
 * leaf's last one are full. */
enum sp_cuts_array {
    SP_CUTS_SOURCE_FIRST,
    SP_CUTS_SOURCE_WIDTH,
    SP_CUTS_DESTINATION_FIRST,
    SP_CUTS_DESTINATION_WIDTH,
    SP_CUTS_PORTS_FIRST, /* source port in the upper half */
    SP_CUTS_PORTS_LAST,
    SP_CUTS_INDEX,
    SP_CUTS_PROTOCOLS, /* of 16-bit numbers two arrays: what the bits are, and which of them count */
};
#define SP_CUTS_ARRAYS 8
#define SP_CUTS_LANES 16
#define SP_CUTS_LANES_UNIT 4
#define SP_CUTS_UNIT_WORDS (SP_CUTS_LANES_UNIT * SP_CUTS_ARRAYS)

struct sp_cuts {
    uint32_t roots[SP_CUTS_TREES_MAX];
    uint32_t trees_count;
    uint32_t *cells;
    uint32_t cells_count, cells_capacity;
    uint32_t *lanes; /* the blocks, and behind them a full one that may be read */
    uint32_t units_count, units_capacity;
    const struct sp_selector_method *rest_method; /* NULL: there is no rest */
    void *rest;
};

/* Lanes of a block that holds count boxes of a leaf, or more. */
static inline uint32_t sp_cuts_lanes(uint32_t count)
{
    return count < SP_CUTS_LANES ? (count + SP_CUTS_LANES_UNIT - 1) & ~(SP_CUTS_LANES_UNIT - 1u)
                                 : SP_CUTS_LANES;
}

/* Adds a tree of IPv4 boxes, in their order; those that are_evicted says must be found elsewhere.
 * SP_ERR_MEMORY; SP_ERR_LIMIT: too many for the words' numbers. */
enum sp_status sp_cuts_grow(struct sp_cuts *cuts, const struct sp_selector_box *boxes, uint32_t count,
                            bool *ret_are_evicted) SP_MUST_USE;
/* Gives back what was reserved in vain. */
void sp_cuts_trim(struct sp_cuts *cuts);

/* Goes through all trees; lowers batch->found, which the caller has set. */
void sp_cuts_find(const struct sp_cuts *cuts, struct sp_selector_batch *batch);

#endif
