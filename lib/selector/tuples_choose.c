/* SPDX-License-Identifier: ISC
 *
 * Which tuples: the fewest tables that take the most boxes in short chains.
 *
 * A box can live in any table that looks only at bits which the box fixes. Address lengths are rounded down
 * to the eight that most boxes have (ranges of lengths, as in Shen et al., "Range-Vector Hash", ToN 2020, but
 * where this set of rules has them); a range counts as the shortest prefix around it. That leaves 256
 * possible tuples. They are taken greedily by what they gain: the boxes not yet served that would go there,
 * each the less the more stand before it in its chain, nothing beyond CHAIN_MAX. Gains only shrink while
 * boxes are served, so that an old one is an upper bound and few have to be computed again (Minoux 1978). The
 * idea that a table may be less exact than its boxes is TupleMerge's (Daly et al., ToN 2019).
 */
#include "selector/tuples.h"

#include <stdlib.h>
#include <string.h>

#define LEVELS 8
#define PORT_CLASSES 4 /* source and destination port exact or not */
#define CLASSES (LEVELS * LEVELS * PORT_CLASSES)
#define CHAIN_MAX 16

/* Where choosing ends: a table less, against so many boxes more in the rest. */
#define GAIN_MIN 64
#define REST_SMALL 384

struct class
{
    struct sp_tuple tuple; /* what its boxes fix at least */
    uint32_t *boxes;       /* not yet served, ascending */
    uint32_t count;
    double gain;
    bool is_fresh;
};

struct choice {
    const struct sp_selector_box *boxes;
    uint32_t count;
    uint8_t family;
    uint8_t levels[2][LEVELS]; /* prefix lengths, ascending; the first is 0 */
    struct class classes[CLASSES];
    uint32_t *order; /* all boxes by class */
    uint8_t *class_of_box;
    uint8_t *chains; /* lengths by hash */
    uint32_t chains_mask;
    uint32_t left;
};

uint32_t sp_tuple_hash_box(const struct sp_tuple *tuple, const struct sp_selector_box *box)
{
    uint32_t ports = (uint32_t)box->source_port_first << 16 | box->destination_port_first;

    if (box->family == 4)
        return sp_tuple_hash_ipv4(tuple, (uint32_t)box->source_first.low,
                                  (uint32_t)box->destination_first.low, ports);
    return sp_tuple_hash_ipv6(tuple, box->source_first, box->destination_first, ports);
}

static uint8_t prefix_length(uint8_t family, struct sp_selector_address first,
                             struct sp_selector_address last)
{
    uint64_t high = first.high ^ last.high, low = first.low ^ last.low;

    if (family == 4)
        return (uint8_t)(low == 0 ? 32 : __builtin_clzll(low) - 32);
    if (high != 0)
        return (uint8_t)__builtin_clzll(high);
    return (uint8_t)(low == 0 ? 128 : 64 + __builtin_clzll(low));
}

static uint8_t box_length(const struct sp_selector_box *box, int side)
{
    return side == 0 ? prefix_length(box->family, box->source_first, box->source_last)
                     : prefix_length(box->family, box->destination_first, box->destination_last);
}

static struct sp_selector_address mask_of(uint8_t family, uint8_t length)
{
    if (family == 4)
        return (struct sp_selector_address){0, length == 0 ? 0 : UINT32_MAX & (UINT64_MAX << (32 - length))};
    if (length <= 64)
        return (struct sp_selector_address){length == 0 ? 0 : UINT64_MAX << (64 - length), 0};
    return (struct sp_selector_address){UINT64_MAX, UINT64_MAX << (128 - length)};
}

static void choose_levels(struct choice *choice, int side)
{
    uint32_t boxes_of_length[129] = {0};
    bool is_level[129] = {true};

    for (uint32_t i = 0; i < choice->count; i++)
        boxes_of_length[box_length(&choice->boxes[i], side)]++;
    for (int level = 1; level < LEVELS; level++) {
        int best = 0;
        for (int length = 1; length <= 128; length++)
            if (!is_level[length] && (best == 0 || boxes_of_length[length] > boxes_of_length[best]))
                best = length;
        is_level[best] = boxes_of_length[best] > 0 || best == 0;
    }
    int level = 0;
    for (int length = 0; length <= 128; length++)
        if (is_level[length])
            choice->levels[side][level++] = (uint8_t)length;
    for (; level < LEVELS; level++) /* fewer lengths than levels: the same again, which no box takes */
        choice->levels[side][level] = choice->levels[side][level - 1];
}

static int level_of(const struct choice *choice, int side, const struct sp_selector_box *box)
{
    uint8_t length = box_length(box, side);
    int level = 0;

    for (int i = 1; i < LEVELS; i++)
        if (choice->levels[side][i] <= length && choice->levels[side][i] > choice->levels[side][level])
            level = i;
    return level;
}

/* Bits from below: ports, destination level, source level. */
static uint8_t class_number(const struct choice *choice, const struct sp_selector_box *box)
{
    int ports = (box->source_port_first == box->source_port_last) << 1 |
                (box->destination_port_first == box->destination_port_last);

    return (uint8_t)(level_of(choice, 0, box) << 5 | level_of(choice, 1, box) << 2 | ports);
}

/* Can boxes of class narrow live in a table of class wide? */
static bool serves(unsigned wide, unsigned narrow)
{
    return wide >> 5 <= narrow >> 5 && (wide >> 2 & 7) <= (narrow >> 2 & 7) && (wide & 3 & ~narrow) == 0;
}

static void sort_into_classes(struct choice *choice)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < choice->count; i++) {
        choice->class_of_box[i] = class_number(choice, &choice->boxes[i]);
        choice->classes[choice->class_of_box[i]].count++;
    }
    for (unsigned i = 0; i < CLASSES; i++) {
        struct class *class = &choice->classes[i];
        class->tuple = (struct sp_tuple){mask_of(choice->family, choice->levels[0][i >> 5]),
                                         mask_of(choice->family, choice->levels[1][i >> 2 & 7]),
                                         (i & 2 ? 0xffff0000u : 0) | (i & 1 ? 0xffffu : 0)};
        class->boxes = choice->order + at;
        at += class->count;
        class->count = 0;
    }
    for (uint32_t i = 0; i < choice->count; i++) {
        struct class *class = &choice->classes[choice->class_of_box[i]];
        class->boxes[class->count++] = i;
    }
}

static double gain_of(struct choice *choice, unsigned wide)
{
    const struct sp_tuple *tuple = &choice->classes[wide].tuple;
    uint32_t boxes_at[CHAIN_MAX + 1] = {0}; /* by how many stand before them */
    double gain = 0;

    memset(choice->chains, 0, (size_t)choice->chains_mask + 1);
    for (unsigned narrow = wide; narrow < CLASSES; narrow++) {
        const struct class *class = &choice->classes[narrow];
        for (uint32_t i = 0; serves(wide, narrow) && i < class->count; i++) {
            uint32_t hash = sp_tuple_hash_box(tuple, &choice->boxes[class->boxes[i]]);
            uint8_t *chain = &choice->chains[hash & choice->chains_mask];
            boxes_at[*chain]++;
            *chain = (uint8_t)(*chain + (*chain < CHAIN_MAX));
        }
    }
    for (int i = 0; i < CHAIN_MAX; i++)
        gain += boxes_at[i] * (1 - (double)i / CHAIN_MAX);
    return gain;
}

/* The class of the largest gain. */
static unsigned best_class(struct choice *choice)
{
    for (;;) {
        unsigned best = 0;
        for (unsigned i = 1; i < CLASSES; i++)
            if (choice->classes[i].gain >= choice->classes[best].gain) /* the narrower of equals */
                best = i;
        struct class *class = &choice->classes[best];
        if (class->is_fresh)
            return best;
        class->gain = gain_of(choice, best);
        class->is_fresh = true;
    }
}

static void serve(struct choice *choice, unsigned wide, struct sp_tuples *tuples)
{
    const struct sp_tuple *tuple = &choice->classes[wide].tuple;
    uint8_t number = (uint8_t)tuples->count;

    tuples->tuples[tuples->count++] = *tuple;
    memset(choice->chains, 0, (size_t)choice->chains_mask + 1);
    for (unsigned narrow = wide; narrow < CLASSES; narrow++) {
        struct class *class = &choice->classes[narrow];
        uint32_t kept = 0;
        for (uint32_t i = 0; serves(wide, narrow) && i < class->count; i++) {
            uint32_t box = class->boxes[i], hash = sp_tuple_hash_box(tuple, &choice->boxes[box]);
            uint8_t *chain = &choice->chains[hash & choice->chains_mask];
            if (*chain == CHAIN_MAX) {
                class->boxes[kept++] = box;
                continue;
            }
            ++*chain;
            tuples->tuple_of_box[box] = number;
            choice->left--;
        }
        if (serves(wide, narrow))
            class->count = kept;
    }
    for (unsigned i = 0; i < CLASSES; i++)
        choice->classes[i].is_fresh = false;
}

enum sp_status sp_tuples_choose(const struct sp_selector_box *boxes, uint32_t count, uint8_t family,
                                struct sp_tuples *ret_tuples)
{
    enum sp_status status = SP_ERR_MEMORY;
    struct choice *choice = calloc(1, sizeof *choice);
    struct sp_tuples tuples = {.tuple_of_box = malloc((size_t)count + 1)};

    if (!choice || !tuples.tuple_of_box)
        goto out;
    *choice = (struct choice){.boxes = boxes, .count = count, .family = family, .left = count};
    for (choice->chains_mask = 255; choice->chains_mask < 2 * count;)
        choice->chains_mask = choice->chains_mask * 2 + 1;
    choice->order = malloc((count + 1) * sizeof *choice->order);
    choice->class_of_box = malloc((size_t)count + 1);
    choice->chains = malloc((size_t)choice->chains_mask + 1);
    if (!choice->order || !choice->class_of_box || !choice->chains)
        goto out;
    memset(tuples.tuple_of_box, SP_TUPLES_REST, count);
    choose_levels(choice, 0);
    choose_levels(choice, 1);
    sort_into_classes(choice);
    for (unsigned i = 0; i < CLASSES; i++)
        choice->classes[i].gain = choice->left; /* nothing is known yet */
    while (choice->left > REST_SMALL && tuples.count < SP_TUPLES_MAX) {
        unsigned best = best_class(choice);
        if (choice->classes[best].gain < GAIN_MIN)
            break;
        serve(choice, best, &tuples);
    }
    *ret_tuples = tuples;
    tuples.tuple_of_box = NULL;
    status = SP_OK;
out:
    free(tuples.tuple_of_box);
    if (choice) {
        free(choice->order);
        free(choice->class_of_box);
        free(choice->chains);
    }
    free(choice);
    return status;
}
