/* SPDX-License-Identifier: ISC
 *
 * One dimension of the bit vectors: which class does a value fall in. Values of one class are held by the
 * same boxes as far as this dimension goes.
 */
#ifndef SP_SELECTOR_DIMENSION_H
#define SP_SELECTOR_DIMENSION_H

#include <sallyport/status.h>

#include <stddef.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 sp_wide;

/* 8 bits: by an array. 16 bits: a trie of 8 and 8 bits; 32: one of 16, 8 and 8. 128: a binary search. */
struct sp_dimension {
    unsigned bits;
    uint16_t *top;   /* the array, or the trie's first level */
    uint16_t *nodes; /* the trie's other levels, 256 entries a node; node 0 isn't used */
    uint32_t nodes_count, nodes_capacity;
    sp_wide *starts; /* the first value of each interval, ascending */
    uint32_t *classes;
    uint32_t starts_count;
};

/* Interval i is from starts[i] to starts[i + 1] - 1; starts[0] is 0. Not more than SP_DIMENSION_STARTS_MAX.
 * SP_ERR_MEMORY. */
enum sp_status sp_dimension_build(struct sp_dimension *dimension, unsigned bits, const sp_wide *starts,
                                  const uint32_t *classes, uint32_t count) SP_MUST_USE;
void sp_dimension_destroy(struct sp_dimension *dimension);
size_t sp_dimension_bytes(const struct sp_dimension *dimension);

#define SP_DIMENSION_IS_CLASS 0x8000u
/* Each start costs a node a level at most, and nodes and classes have 15 bits for their number. */
#define SP_DIMENSION_STARTS_MAX 16383

static inline uint32_t sp_dimension_8(const struct sp_dimension *dimension, uint32_t value)
{
    return dimension->top[value];
}

/* No branch: a packet that is done early reads node 0 until the others are. */
static inline uint32_t sp_dimension_step(const struct sp_dimension *dimension, uint32_t entry, uint32_t byte)
{
    uint32_t node = entry & SP_DIMENSION_IS_CLASS ? 0 : entry;
    uint32_t next = dimension->nodes[node * 256 + byte];

    return entry & SP_DIMENSION_IS_CLASS ? entry : next;
}

static inline uint32_t sp_dimension_16(const struct sp_dimension *dimension, uint32_t value)
{
    uint32_t entry = dimension->top[value >> 8];

    return sp_dimension_step(dimension, entry, value & 255) & ~SP_DIMENSION_IS_CLASS;
}

static inline uint32_t sp_dimension_32(const struct sp_dimension *dimension, uint32_t value)
{
    uint32_t entry = dimension->top[value >> 16];

    entry = sp_dimension_step(dimension, entry, value >> 8 & 255);
    return sp_dimension_step(dimension, entry, value & 255) & ~SP_DIMENSION_IS_CLASS;
}

static inline uint32_t sp_dimension_128(const struct sp_dimension *dimension, uint64_t high, uint64_t low)
{
    sp_wide value = (sp_wide)high << 64 | low;
    const sp_wide *at = dimension->starts;

    for (uint32_t left = dimension->starts_count; left > 1;) {
        uint32_t half = left / 2;
        at += at[half] <= value ? half : 0;
        left -= half;
    }
    return dimension->classes[at - dimension->starts];
}

#endif
