/* SPDX-License-Identifier: ISC
 *
 * Cut trees, for IPv4 tables of hundreds of boxes and more.
 *
 * A tree cuts the space of packets along one dimension after the other, until a piece holds so few boxes that
 * they are compared at once: a leaf of up to 16 is a handful of AVX-512 instructions, so that a tree is only
 * two to four levels deep (Gupta and McKeown, "Packet Classification using Hierarchical Intelligent
 * Cuttings", Hot Interconnects 1999). Boxes that are wide where a tree cuts would be copied into every leaf,
 * hence there are a few trees, each of the boxes that are narrow in the same dimension (the separable trees
 * of Vamanan, Voskuilen and Vijaykumar, "EffiCuts", SIGCOMM 2010); what is narrow nowhere is the rest and
 * goes to another method, the scan mostly. How cuts are chosen: cuts_grow.c.
 *
 * Why: two or three trees take the place of a dozen hash tables, most of which have nothing, or of rows as
 * long as the table. Costs: a level about 1 ns a packet and a leaf 3; what doesn't fit in the cache, beyond
 * some 20,000 boxes, costs more than both. About 100 bytes a box. IPv6 is all rest.
 */
#include "selector/cuts.h"

#include <stdlib.h>
#include <string.h>

#define REST_SMALL 96 /* not worth a tree */

static void cuts_destroy(void *classifier)
{
    struct sp_cuts *cuts = classifier;

    if (cuts->rest)
        cuts->rest_method->destroy(cuts->rest);
    free(cuts->cells);
    free(cuts->lanes);
    free(cuts);
}

/* The ways of being narrow, by which boxes are told apart; widths in bits. */
enum way {
    DESTINATION_16,
    SOURCE_16,
    DESTINATION_PORT_8,
    SOURCE_PORT_8,
    DESTINATION_24,
    SOURCE_24,
};
#define WAYS 6

static bool is_narrow(const struct sp_selector_box *box, enum way way)
{
    uint64_t source = box->source_last.low - box->source_first.low;
    uint64_t destination = box->destination_last.low - box->destination_first.low;

    switch (way) {
    case DESTINATION_16:
        return destination < 1u << 16;
    case SOURCE_16:
        return source < 1u << 16;
    case DESTINATION_PORT_8:
        return box->destination_port_last - box->destination_port_first < 1 << 8;
    case SOURCE_PORT_8:
        return box->source_port_last - box->source_port_first < 1 << 8;
    case DESTINATION_24:
        return destination < 1u << 24;
    case SOURCE_24:
        break;
    }
    return source < 1u << 24;
}

struct division {
    const struct sp_selector_box *boxes;
    uint32_t count, left_count;
    bool *is_left;                  /* without a tree */
    struct sp_selector_box *narrow; /* those of a tree, or at last those that are left */
    uint32_t *positions;            /* theirs */
    bool *are_evicted;
};

/* The way that most boxes that are left are narrow in, an earlier one before a slightly better later one. */
static enum way best_way(const struct division *division)
{
    uint32_t counts[WAYS] = {0};
    int best = 0;

    for (uint32_t i = 0; i < division->count; i++)
        for (int way = 0; division->is_left[i] && way < WAYS; way++)
            counts[way] += is_narrow(&division->boxes[i], (enum way)way);
    for (int way = 1; way < WAYS; way++)
        if (counts[way] > counts[best] + counts[best] / 8)
            best = way;
    return (enum way)best;
}

static uint32_t take_narrow(struct division *division, enum way way)
{
    uint32_t taken = 0;

    for (uint32_t i = 0; i < division->count; i++) {
        if (!division->is_left[i] || !is_narrow(&division->boxes[i], way))
            continue;
        division->is_left[i] = false;
        division->positions[taken] = i;
        division->narrow[taken++] = division->boxes[i];
    }
    division->left_count -= taken;
    return taken;
}

static void give_back(struct division *division, uint32_t taken)
{
    for (uint32_t i = 0; i < taken; i++) {
        division->is_left[division->positions[i]] = division->are_evicted[i];
        division->left_count += division->are_evicted[i];
    }
}

static enum sp_status grow_trees(struct sp_cuts *cuts, struct division *division)
{
    while (division->left_count > REST_SMALL && cuts->trees_count < SP_CUTS_TREES_MAX) {
        uint32_t taken = take_narrow(division, best_way(division));
        if (taken == 0)
            break;
        enum sp_status status = sp_cuts_grow(cuts, division->narrow, taken, division->are_evicted);
        if (status != SP_OK)
            return status;
        give_back(division, taken);
    }
    if (cuts->trees_count > 0)
        sp_cuts_trim(cuts);
    return SP_OK;
}

static enum sp_status build_rest(struct sp_cuts *cuts, struct division *division, uint8_t family)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < division->count; i++)
        if (division->is_left[i])
            division->narrow[count++] = division->boxes[i];
    if (count == 0)
        return SP_OK;
    cuts->rest_method = sp_selector_choose(count, family, &sp_selector_cuts);
    return cuts->rest_method->build(division->narrow, count, family, &cuts->rest);
}

static void division_destroy(struct division *division)
{
    free(division->is_left);
    free(division->narrow);
    free(division->positions);
    free(division->are_evicted);
}

static enum sp_status division_create(struct division *division, const struct sp_selector_box *boxes,
                                      uint32_t count)
{
    *division = (struct division){.boxes = boxes, .count = count, .left_count = count};
    division->is_left = malloc(count + (size_t)1);
    division->narrow = malloc((count + (size_t)1) * sizeof *division->narrow);
    division->positions = malloc((count + (size_t)1) * sizeof *division->positions);
    division->are_evicted = malloc(count + (size_t)1);
    if (!division->is_left || !division->narrow || !division->positions || !division->are_evicted)
        return SP_ERR_MEMORY;
    memset(division->is_left, true, count);
    return SP_OK;
}

static enum sp_status cuts_build(const struct sp_selector_box *boxes, uint32_t count, uint8_t family,
                                 void **ret_classifier)
{
    struct division division;
    enum sp_status status = division_create(&division, boxes, count);
    struct sp_cuts *cuts = calloc(1, sizeof *cuts);

    if (!cuts)
        status = SP_ERR_MEMORY;
    if (status == SP_OK && family == 4)
        status = grow_trees(cuts, &division);
    if (status == SP_OK)
        status = build_rest(cuts, &division, family);
    division_destroy(&division);
    if (status == SP_OK)
        *ret_classifier = cuts;
    else if (cuts)
        cuts_destroy(cuts);
    return status;
}

static void cuts_lookup(const void *classifier, struct sp_selector_batch *batch)
{
    const struct sp_cuts *cuts = classifier;

    if (cuts->rest)
        cuts->rest_method->lookup(cuts->rest, batch);
    else
        memset(batch->found, 0xff, sizeof batch->found); /* SP_SELECTOR_MISS */
    if (cuts->trees_count > 0)
        sp_cuts_find(cuts, batch);
}

static size_t cuts_bytes(const void *classifier)
{
    const struct sp_cuts *cuts = classifier;
    size_t bytes = sizeof *cuts + cuts->cells_capacity * sizeof *cuts->cells +
                   (size_t)cuts->units_capacity * SP_CUTS_UNIT_WORDS * sizeof *cuts->lanes;

    return cuts->rest ? bytes + cuts->rest_method->bytes(cuts->rest) : bytes;
}

const struct sp_selector_method sp_selector_cuts = {"cuts", cuts_build, cuts_destroy, cuts_lookup,
                                                    cuts_bytes};
