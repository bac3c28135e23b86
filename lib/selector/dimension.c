/* SPDX-License-Identifier: ISC
 *
 * Classes of values. Why direct tries: three loads that depend on nothing but the address, which a burst's
 * packets do side by side, against a dozen guesses of a binary search. A 16-bit top costs 256 KiB a
 * dimension, of which a trace touches little (Gupta, Lin and McKeown, "Routing Lookups in Hardware at Memory
 * Access Speeds", INFOCOM 1998, has the same idea with 24 and 8 bits). IPv6 addresses are searched: a trie
 * would be 15 levels deep.
 */
#include "selector/dimension.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct walk {
    const sp_wide *starts;
    const uint32_t *classes;
    uint32_t count, at;
};

/* Moves on to the interval that holds value: values come in ascending order. */
static uint32_t class_at(struct walk *walk, uint32_t value)
{
    while (walk->at + 1 < walk->count && walk->starts[walk->at + 1] <= value)
        walk->at++;
    return walk->classes[walk->at];
}

static bool is_uniform(const struct walk *walk, uint32_t last)
{
    return walk->at + 1 >= walk->count || walk->starts[walk->at + 1] > last;
}

/* The new node's number; 0: no memory. */
static uint32_t add_node(struct sp_dimension *dimension)
{
    if (dimension->nodes_count == dimension->nodes_capacity) {
        uint32_t capacity = dimension->nodes_capacity ? dimension->nodes_capacity * 2 : 8;
        uint16_t *nodes = realloc(dimension->nodes, capacity * 256 * sizeof *nodes);
        if (!nodes)
            return 0;
        dimension->nodes = nodes;
        dimension->nodes_capacity = capacity;
    }
    return dimension->nodes_count++;
}

/* Fills the node for the 2^(shift + 8) values from first on. */
static bool fill_node(struct sp_dimension *dimension, struct walk *walk, uint32_t node, uint32_t first,
                      unsigned shift)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = first | i << shift, class = class_at(walk, value);
        if (shift == 0 || is_uniform(walk, value | ((1u << shift) - 1))) {
            dimension->nodes[node * 256 + i] = (uint16_t)(class | SP_DIMENSION_IS_CLASS);
            continue;
        }
        uint32_t below = add_node(dimension);
        if (below == 0)
            return false;
        dimension->nodes[node * 256 + i] = (uint16_t)below;
        if (!fill_node(dimension, walk, below, value, shift - 8))
            return false;
    }
    return true;
}

/* The top decides as many bits as nodes leave: 16 of 32, 8 of 16. */
static bool build_trie(struct sp_dimension *dimension, struct walk *walk)
{
    unsigned shift = dimension->bits / 2;

    (void)add_node(dimension); /* number 0 */
    if (!dimension->nodes)
        return false;
    memset(dimension->nodes, 0, 256 * sizeof *dimension->nodes);
    for (uint32_t i = 0; i < 1u << (dimension->bits - shift); i++) {
        uint32_t value = i << shift, class = class_at(walk, value);
        if (is_uniform(walk, value | ((1u << shift) - 1))) {
            dimension->top[i] = (uint16_t)(class | SP_DIMENSION_IS_CLASS);
            continue;
        }
        uint32_t node = add_node(dimension);
        if (node == 0)
            return false;
        dimension->top[i] = (uint16_t)node;
        if (!fill_node(dimension, walk, node, value, shift - 8))
            return false;
    }
    return true;
}

static enum sp_status build_search(struct sp_dimension *dimension, const struct walk *walk)
{
    dimension->starts = malloc(walk->count * sizeof *walk->starts);
    dimension->classes = malloc(walk->count * sizeof *walk->classes);
    if (!dimension->starts || !dimension->classes)
        return SP_ERR_MEMORY;
    memcpy(dimension->starts, walk->starts, walk->count * sizeof *walk->starts);
    memcpy(dimension->classes, walk->classes, walk->count * sizeof *walk->classes);
    dimension->starts_count = walk->count;
    return SP_OK;
}

static size_t top_entries(unsigned bits)
{
    return bits == 128 ? 0 : bits == 32 ? 65536 : 256;
}

enum sp_status sp_dimension_build(struct sp_dimension *dimension, unsigned bits, const sp_wide *starts,
                                  const uint32_t *classes, uint32_t count)
{
    struct walk walk = {starts, classes, count, 0};

    dimension->bits = bits;
    if (bits == 128)
        return build_search(dimension, &walk);
    dimension->top = malloc(top_entries(bits) * sizeof *dimension->top);
    if (!dimension->top)
        return SP_ERR_MEMORY;
    if (bits > 8)
        return build_trie(dimension, &walk) ? SP_OK : SP_ERR_MEMORY;
    for (uint32_t i = 0; i < 256; i++)
        dimension->top[i] = (uint16_t)class_at(&walk, i);
    return SP_OK;
}

void sp_dimension_destroy(struct sp_dimension *dimension)
{
    free(dimension->top);
    free(dimension->nodes);
    free(dimension->starts);
    free(dimension->classes);
}

size_t sp_dimension_bytes(const struct sp_dimension *dimension)
{
    return (top_entries(dimension->bits) + (size_t)dimension->nodes_capacity * 256) * sizeof(uint16_t) +
           dimension->starts_count * (sizeof(sp_wide) + sizeof(uint32_t));
}
