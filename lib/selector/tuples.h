/* SPDX-License-Identifier: ISC
 *
 * Tuples: how many leading bits of each dimension a hash table looks at (tuples.c), and the choice of the few
 * that serve a set of boxes.
 */
#ifndef SP_SELECTOR_TUPLES_H
#define SP_SELECTOR_TUPLES_H

#include "selector/selector.h"

#define SP_TUPLES_MAX 64

/* Masks over all bits that a table looks at; IPv4 uses the low halves, in 32 bits. */
struct sp_tuple {
    struct sp_selector_address source, destination;
    uint32_t ports; /* source port in the upper half: all of a port's bits or none */
};

/* The part of the packets, or of a box whose bits are all fixed, that the tuple looks at. */
static inline uint32_t sp_tuple_hash_ipv4(const struct sp_tuple *tuple, uint32_t source, uint32_t destination,
                                          uint32_t ports)
{
    uint32_t hash = (source & (uint32_t)tuple->source.low) * 0x9e3779b1u +
                    (destination & (uint32_t)tuple->destination.low) * 0x85ebca77u +
                    (ports & tuple->ports) * 0xc2b2ae3du;

    hash = (hash ^ hash >> 15) * 0x27d4eb2fu;
    return hash ^ hash >> 16;
}

static inline uint32_t sp_tuple_hash_ipv6(const struct sp_tuple *tuple, struct sp_selector_address source,
                                          struct sp_selector_address destination, uint32_t ports)
{
    uint64_t hash = (source.high & tuple->source.high) * 0x9e3779b97f4a7c15u;

    hash = (hash ^ hash >> 32 ^ (source.low & tuple->source.low)) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ hash >> 32 ^ (destination.high & tuple->destination.high)) * 0x94d049bb133111ebu;
    hash = (hash ^ hash >> 32 ^ (destination.low & tuple->destination.low)) * 0x9e3779b97f4a7c15u;
    hash = (hash ^ hash >> 32 ^ (ports & tuple->ports)) * 0xbf58476d1ce4e5b9u;
    return (uint32_t)(hash >> 32) ^ (uint32_t)hash >> 8;
}

/* The hash of all packets that the box holds, if the tuple looks only at bits that the box fixes. */
uint32_t sp_tuple_hash_box(const struct sp_tuple *tuple, const struct sp_selector_box *box);

#define SP_TUPLES_REST UINT8_MAX

struct sp_tuples {
    struct sp_tuple tuples[SP_TUPLES_MAX];
    uint32_t count;
    uint8_t *tuple_of_box; /* or SP_TUPLES_REST: none serves it */
};

/* SP_ERR_MEMORY. The caller frees tuple_of_box. */
enum sp_status sp_tuples_choose(const struct sp_selector_box *boxes, uint32_t count, uint8_t family,
                                struct sp_tuples *ret_tuples) SP_MUST_USE;

#endif
