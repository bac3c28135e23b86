/* SPDX-License-Identifier: ISC
 *
 * Grows a tree of cuts.
 *
 * A node cuts one dimension into 2^n equal cells, by the n bits that follow those which all its narrow boxes
 * share: these are passed over unseen, as what is in a leaf is compared whole anyway (ByteCuts, Daly and
 * Torng, "ByteCuts: Fast Packet Classification by Interior Bit Extraction", INFOCOM 2018). Which dimension
 * and how many bits is what leaves the fewest boxes beside a box, against the copies of boxes that reach over
 * more than a cell, and against the cells (the measure of HiCuts, Gupta and McKeown 1999, without its random
 * tries). Neighbouring cells with the same boxes share a node.
 *
 * A node's boxes are held against the region of packets that come there. Where bits were passed over, other
 * packets come too: a box that reaches beyond such a region is put into all cells.
 */
#include "selector/cuts.h"

#include <stdlib.h>
#include <string.h>

enum dimension { SOURCE, DESTINATION, SOURCE_PORT, DESTINATION_PORT, PROTOCOL };
#define DIMENSIONS 5

#define BITS_MAX 12
#define DEPTH_MAX 16
#define CELLS_A_BOX 4
#define COPIES_MAX 8   /* of a box, on average */
#define SCORE_MIN 1.05 /* a cut that is worth less isn't made */

struct ranges {
    uint32_t first[DIMENSIONS], last[DIMENSIONS];
};

struct side {
    uint32_t first;
    unsigned bits;   /* that aren't decided; 0 also where nothing is left to cut */
    bool is_assumed; /* packets from elsewhere come too */
};

struct region {
    struct side sides[DIMENSIONS];
};

struct cut {
    enum dimension dimension;
    struct side side; /* with what is passed over taken off */
    unsigned bits;
    double score;
};

struct grower {
    struct sp_cuts *cuts;
    const struct sp_selector_box *boxes;
    struct ranges *ranges;
    bool *are_evicted;
    uint64_t copies, copies_max; /* of boxes in leaves */
    int32_t steps[(1 << BITS_MAX) + 1];
    uint8_t is_border[(1 << BITS_MAX) + 1]; /* is the cell unlike the one before it? */
};

static struct ranges ranges_of(const struct sp_selector_box *box)
{
    bool is_any = box->protocol == SP_SELECTOR_PROTOCOL_ANY;

    return (struct ranges){{(uint32_t)box->source_first.low, (uint32_t)box->destination_first.low,
                            box->source_port_first, box->destination_port_first, is_any ? 0 : box->protocol},
                           {(uint32_t)box->source_last.low, (uint32_t)box->destination_last.low,
                            box->source_port_last, box->destination_port_last,
                            is_any ? UINT8_MAX : box->protocol}};
}

static uint32_t last_of(const struct side *side)
{
    return side->first + (uint32_t)((UINT64_C(1) << side->bits) - 1);
}

struct span {
    uint32_t first, last;
};

/* The part of the side that the box has; all of it, if it isn't known how much. */
static struct span clip(const struct ranges *ranges, enum dimension dimension, const struct side *side)
{
    uint32_t first = ranges->first[dimension], last = ranges->last[dimension];
    uint32_t side_last = last_of(side);
    bool is_inside = first >= side->first && last <= side_last;

    if (side->is_assumed && !is_inside)
        return (struct span){side->first, side_last};
    return (struct span){first < side->first ? side->first : first, last > side_last ? side_last : last};
}

static struct span cells_of(const struct ranges *ranges, const struct cut *cut)
{
    struct span span = clip(ranges, cut->dimension, &cut->side);
    unsigned shift = cut->side.bits - cut->bits;

    return (struct span){(span.first - cut->side.first) >> shift, (span.last - cut->side.first) >> shift};
}

/* Takes off the bits that all boxes share which don't reach over the whole side. */
static struct side without_shared_bits(const struct grower *grower, const uint32_t *list, uint32_t count,
                                       enum dimension dimension, const struct side *side)
{
    uint32_t first = UINT32_MAX, last = 0, side_last = last_of(side);

    for (uint32_t i = 0; i < count; i++) {
        struct span span = clip(&grower->ranges[list[i]], dimension, side);
        if (span.first == side->first && span.last == side_last)
            continue;
        first = span.first < first ? span.first : first;
        last = span.last > last ? span.last : last;
    }
    if (first >= last)
        return (struct side){0};
    unsigned bits = 32 - (unsigned)__builtin_clz(first ^ last);
    if (bits >= side->bits)
        return *side;
    return (struct side){first & ~(uint32_t)((UINT64_C(1) << bits) - 1), bits, true};
}

/* What would be in the cells: fills steps, the changes of the number of boxes from cell to cell, and
 * is_border; returns how many boxes are in all of them. */
static uint32_t count_cells(struct grower *grower, const uint32_t *list, uint32_t count,
                            const struct cut *cut)
{
    uint32_t cells = 1u << cut->bits, everywhere = 0;

    memset(grower->steps, 0, (cells + 1) * sizeof *grower->steps);
    memset(grower->is_border, 0, cells + 1);
    for (uint32_t i = 0; i < count; i++) {
        struct span span = cells_of(&grower->ranges[list[i]], cut);
        everywhere += span.first == 0 && span.last == cells - 1;
        grower->steps[span.first]++;
        grower->steps[span.last + 1]--;
        grower->is_border[span.first] = grower->is_border[span.last + 1] = 1;
    }
    return everywhere;
}

/* has_eviction: boxes that are in all cells would go to another tree. */
static double score_of(struct grower *grower, const uint32_t *list, uint32_t count, const struct cut *cut,
                       bool has_eviction)
{
    uint32_t everywhere = count_cells(grower, list, count, cut), cells = 1u << cut->bits, here = 0;
    uint32_t everywhere_left = has_eviction ? 0 : everywhere;
    double narrow = 0, beside = 0, kept = everywhere_left;

    for (uint32_t i = 0; i < cells; i++) {
        here += (uint32_t)grower->steps[i];
        uint32_t here_narrow = here - everywhere, here_left = here_narrow + everywhere_left;
        narrow += here_narrow;
        beside += (double)here_narrow * here_left;
        kept += grower->is_border[i] && here_narrow > 0 ? here_left : 0;
    }
    if (narrow == 0 || (has_eviction && everywhere > count / 2))
        return 0;
    double gain = count * narrow / beside, copies = kept / count;
    return gain / (copies * (1 + .05 * cells / count));
}

static struct cut best_cut(struct grower *grower, const uint32_t *list, uint32_t count,
                           const struct region *region, bool has_eviction)
{
    struct cut best = {.score = SCORE_MIN};

    for (int i = 0; i < DIMENSIONS; i++) {
        struct cut cut = {.dimension = (enum dimension)i};
        if (region->sides[i].bits == 0)
            continue;
        cut.side = without_shared_bits(grower, list, count, cut.dimension, &region->sides[i]);
        for (unsigned bits = 1; bits <= BITS_MAX && bits <= cut.side.bits; bits += bits < 4 ? 1 : 2) {
            if (1u << bits > CELLS_A_BOX * count)
                break;
            cut.bits = bits;
            cut.score = score_of(grower, list, count, &cut, has_eviction);
            if (cut.score > best.score)
                best = cut;
        }
    }
    return best;
}

/* Leaves to another tree what would be in all cells, and moves those that stay to ret_list. */
static uint32_t evict(struct grower *grower, const uint32_t *list, uint32_t count, const struct cut *cut,
                      uint32_t *ret_list)
{
    uint32_t left = 0;

    for (uint32_t i = 0; i < count; i++) {
        struct span span = cells_of(&grower->ranges[list[i]], cut);
        bool is_everywhere = span.first == 0 && span.last == (1u << cut->bits) - 1;
        grower->are_evicted[list[i]] |= is_everywhere;
        ret_list[left] = list[i];
        left += !is_everywhere;
    }
    return left;
}

static enum sp_status reserve_cells(struct sp_cuts *cuts, uint32_t count, uint32_t *ret_first)
{
    uint32_t rounded = (count + SP_CUTS_CELLS_UNIT - 1) & ~(SP_CUTS_CELLS_UNIT - 1u);
    uint32_t capacity = cuts->cells_capacity ? cuts->cells_capacity : 256;

    if (cuts->cells_count + rounded > SP_CUTS_CELLS_MAX)
        return SP_ERR_LIMIT;
    while (capacity < cuts->cells_count + rounded)
        capacity *= 2;
    if (capacity != cuts->cells_capacity) {
        uint32_t *cells = realloc(cuts->cells, capacity * sizeof *cells);
        if (!cells)
            return SP_ERR_MEMORY;
        cuts->cells = cells;
        cuts->cells_capacity = capacity;
    }
    *ret_first = cuts->cells_count;
    cuts->cells_count += rounded;
    return SP_OK;
}

#define UNIT_BYTES (SP_CUTS_UNIT_WORDS * sizeof(uint32_t))
#define SPARE_UNITS (SP_CUTS_LANES / SP_CUTS_LANES_UNIT)
#define UNITS_MAX (1u << 22)

/* aligned_alloc() for registers' sake. What isn't used is 0, as it may be read. */
static bool resize_lanes(struct sp_cuts *cuts, uint32_t capacity)
{
    uint32_t *lanes = aligned_alloc(64, capacity * UNIT_BYTES);

    if (!lanes)
        return false;
    if (cuts->units_count)
        memcpy(lanes, cuts->lanes, cuts->units_count * UNIT_BYTES);
    memset(lanes + (size_t)cuts->units_count * SP_CUTS_UNIT_WORDS, 0,
           (capacity - cuts->units_count) * UNIT_BYTES);
    free(cuts->lanes);
    cuts->lanes = lanes;
    cuts->units_capacity = capacity;
    return true;
}

static enum sp_status reserve_units(struct sp_cuts *cuts, uint32_t count, uint32_t *ret_first)
{
    uint32_t capacity = cuts->units_capacity ? cuts->units_capacity : 64;

    if (cuts->units_count + count > UNITS_MAX)
        return SP_ERR_LIMIT;
    while (capacity < cuts->units_count + count + SPARE_UNITS)
        capacity *= 2;
    if (capacity != cuts->units_capacity && !resize_lanes(cuts, capacity))
        return SP_ERR_MEMORY;
    *ret_first = cuts->units_count;
    cuts->units_count += count;
    return SP_OK;
}

void sp_cuts_trim(struct sp_cuts *cuts)
{
    uint32_t *cells = realloc(cuts->cells, (cuts->cells_count + (size_t)1) * sizeof *cells);

    if (cells) {
        cuts->cells = cells;
        cuts->cells_capacity = cuts->cells_count + 1;
    }
    (void)resize_lanes(cuts, cuts->units_count + SPARE_UNITS);
}

static void put_box(uint32_t *block, uint32_t lanes, uint32_t lane, const struct sp_selector_box *box)
{
    uint16_t *protocols = (uint16_t *)(block + SP_CUTS_PROTOCOLS * lanes);
    bool is_any = box->protocol == SP_SELECTOR_PROTOCOL_ANY;
    uint32_t *at = block + lane;

    at[SP_CUTS_SOURCE_FIRST * lanes] = (uint32_t)box->source_first.low;
    at[SP_CUTS_SOURCE_WIDTH * lanes] = (uint32_t)(box->source_last.low - box->source_first.low);
    at[SP_CUTS_DESTINATION_FIRST * lanes] = (uint32_t)box->destination_first.low;
    at[SP_CUTS_DESTINATION_WIDTH * lanes] =
        (uint32_t)(box->destination_last.low - box->destination_first.low);
    at[SP_CUTS_PORTS_FIRST * lanes] = (uint32_t)box->source_port_first << 16 | box->destination_port_first;
    at[SP_CUTS_PORTS_LAST * lanes] = (uint32_t)box->source_port_last << 16 | box->destination_port_last;
    at[SP_CUTS_INDEX * lanes] = box->rule;
    protocols[lane] = is_any ? 0 : box->protocol;
    protocols[lanes + lane] = is_any ? 0 : UINT16_MAX;
}

static enum sp_status add_leaf(struct grower *grower, const uint32_t *list, uint32_t count,
                               uint32_t *ret_word)
{
    struct sp_cuts *cuts = grower->cuts;
    uint32_t lanes = 0, first;

    for (; count > SP_CUTS_LEAF_MAX; count--)
        grower->are_evicted[list[count - 1]] = true;
    for (uint32_t i = 0; i < count; i += SP_CUTS_LANES)
        lanes += sp_cuts_lanes(count - i);
    enum sp_status status = reserve_units(cuts, lanes / SP_CUTS_LANES_UNIT, &first);
    if (status != SP_OK)
        return status;
    uint32_t *block = cuts->lanes + (size_t)first * SP_CUTS_UNIT_WORDS;
    for (uint32_t i = 0; i < count; i += SP_CUTS_LANES) {
        lanes = sp_cuts_lanes(count - i);
        for (uint32_t k = 0; k < lanes && i + k < count; k++)
            put_box(block, lanes, k, &grower->boxes[list[i + k]]);
        block += lanes * SP_CUTS_ARRAYS;
    }
    grower->copies += count;
    *ret_word = SP_CUTS_IS_LEAF | first << 9 | count;
    return SP_OK;
}

static uint32_t word_of(const struct cut *cut, uint32_t first_cell)
{
    static const enum sp_cuts_field fields[DIMENSIONS] = {SP_CUTS_SOURCE, SP_CUTS_DESTINATION, SP_CUTS_PORTS,
                                                          SP_CUTS_PORTS, SP_CUTS_PROTOCOL};
    unsigned shift = cut->side.bits - cut->bits + (cut->dimension == SOURCE_PORT ? 16 : 0);

    return first_cell / SP_CUTS_CELLS_UNIT | cut->bits << 20 | shift << 24 |
           (uint32_t)fields[cut->dimension] << 29;
}

/* The boxes of the cells, cell behind cell. Neighbours that are alike are one group; those that hold only
 * what is in all cells are the plain ones, and alike wherever they stand. */
struct cells {
    uint32_t *group_of;    /* each cell's */
    uint32_t *first, *end; /* each group's part of boxes; of a plain one, nothing */
    uint32_t *width;       /* cells of each group; 0: plain */
    uint32_t *boxes;       /* the plain ones' boxes come first */
    uint32_t groups, plain_count;
};

static void cells_destroy(struct cells *cells)
{
    free(cells->group_of);
    free(cells->boxes);
}

/* Finds the groups and how many boxes each has; returns how many that is altogether. */
static uint32_t group(const struct grower *grower, uint32_t cells_count, struct cells *cells)
{
    uint32_t here = 0, sum = cells->plain_count;

    for (uint32_t i = 0; i < cells_count; i++) {
        here += (uint32_t)grower->steps[i];
        bool is_plain = here == cells->plain_count;
        if (i == 0 || grower->is_border[i]) {
            cells->first[cells->groups] = cells->end[cells->groups] = sum;
            cells->width[cells->groups++] = 0;
            sum += is_plain ? 0 : here;
        }
        cells->group_of[i] = cells->groups - 1;
        cells->width[cells->groups - 1] += !is_plain;
    }
    return sum;
}

static enum sp_status divide(struct grower *grower, const uint32_t *list, uint32_t count,
                             const struct cut *cut, struct cells *cells)
{
    uint32_t cells_count = 1u << cut->bits, plain = 0;

    *cells = (struct cells){.group_of = malloc((size_t)cells_count * 4 * sizeof *cells->group_of)};
    if (!cells->group_of)
        return SP_ERR_MEMORY;
    cells->first = cells->group_of + cells_count;
    cells->end = cells->first + cells_count;
    cells->width = cells->end + cells_count;
    cells->plain_count = count_cells(grower, list, count, cut);
    cells->boxes = malloc((group(grower, cells_count, cells) + (size_t)1) * sizeof *cells->boxes);
    if (!cells->boxes)
        return SP_ERR_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        struct span span = cells_of(&grower->ranges[list[i]], cut);
        if (span.first == 0 && span.last == cells_count - 1)
            cells->boxes[plain++] = list[i];
        for (uint32_t k = cells->group_of[span.first]; k <= cells->group_of[span.last]; k++)
            if (cells->width[k] != 0)
                cells->boxes[cells->end[k]++] = list[i];
    }
    return SP_OK;
}

static enum sp_status grow(struct grower *grower, const uint32_t *list, uint32_t count,
                           const struct region *region, unsigned depth, uint32_t *ret_word);

/* The region of a cell that stands alone; of others, this dimension isn't cut any more. */
static struct region region_of(const struct region *region, const struct cut *cut, uint32_t cell,
                               bool is_alone)
{
    struct region below = *region;
    struct side *side = &below.sides[cut->dimension];
    unsigned bits = cut->side.bits - cut->bits;

    *side = cut->side;
    side->first += (uint32_t)((uint64_t)cell << bits);
    side->bits = is_alone ? bits : 0;
    return below;
}

static enum sp_status grow_cells(struct grower *grower, const struct cells *cells, const struct cut *cut,
                                 const struct region *region, unsigned depth, uint32_t first_cell)
{
    struct region below = region_of(region, cut, 0, false);
    uint32_t plain_word, word = 0;
    enum sp_status status = grow(grower, cells->boxes, cells->plain_count, &below, depth + 1, &plain_word);

    for (uint32_t i = 0; i < 1u << cut->bits && status == SP_OK; i++) {
        uint32_t group = cells->group_of[i], first = cells->first[group];
        if (cells->width[group] == 0) {
            word = plain_word;
        } else if (i == 0 || cells->group_of[i - 1] != group) {
            below = region_of(region, cut, i, cells->width[group] == 1);
            status = grow(grower, cells->boxes + first, cells->end[group] - first, &below, depth + 1, &word);
        }
        grower->cuts->cells[first_cell + i] = word;
    }
    return status;
}

static enum sp_status grow_cut(struct grower *grower, const uint32_t *list, uint32_t count,
                               const struct cut *cut, const struct region *region, unsigned depth,
                               uint32_t *ret_word)
{
    struct cells cells;
    uint32_t first_cell;
    enum sp_status status = divide(grower, list, count, cut, &cells);

    if (status == SP_OK)
        status = reserve_cells(grower->cuts, 1u << cut->bits, &first_cell);
    if (status == SP_OK)
        status = grow_cells(grower, &cells, cut, region, depth, first_cell);
    if (status == SP_OK)
        *ret_word = word_of(cut, first_cell);
    cells_destroy(&cells);
    return status;
}

static enum sp_status grow_with_eviction(struct grower *grower, const uint32_t *list, uint32_t count,
                                         const struct region *region, unsigned depth, uint32_t *ret_word)
{
    struct cut cut = best_cut(grower, list, count, region, true);

    if (cut.bits == 0)
        return add_leaf(grower, list, count, ret_word);
    uint32_t *left = malloc(count * sizeof *left);
    if (!left)
        return SP_ERR_MEMORY;
    count = evict(grower, list, count, &cut, left);
    enum sp_status status = grow_cut(grower, left, count, &cut, region, depth, ret_word);
    free(left);
    return status;
}

static enum sp_status grow(struct grower *grower, const uint32_t *list, uint32_t count,
                           const struct region *region, unsigned depth, uint32_t *ret_word)
{
    if (count <= SP_CUTS_LANES || depth == DEPTH_MAX || grower->copies > grower->copies_max)
        return add_leaf(grower, list, count, ret_word);
    struct cut cut = best_cut(grower, list, count, region, false);
    if (cut.bits == 0 && count > SP_CUTS_LEAF_MAX)
        return grow_with_eviction(grower, list, count, region, depth, ret_word);
    if (cut.bits == 0)
        return add_leaf(grower, list, count, ret_word);
    return grow_cut(grower, list, count, &cut, region, depth, ret_word);
}

enum sp_status sp_cuts_grow(struct sp_cuts *cuts, const struct sp_selector_box *boxes, uint32_t count,
                            bool *ret_are_evicted)
{
    static const struct region everything = {
        {{0, 32, false}, {0, 32, false}, {0, 16, false}, {0, 16, false}, {0, 8, false}}};
    enum sp_status status = SP_ERR_MEMORY;
    uint32_t *list = malloc((count + 1) * sizeof *list), root;
    struct grower *grower = calloc(1, sizeof *grower);

    if (!grower || !list)
        goto out;
    grower->cuts = cuts;
    grower->boxes = boxes;
    grower->are_evicted = ret_are_evicted;
    grower->copies_max = (uint64_t)COPIES_MAX * count;
    grower->ranges = malloc((count + 1) * sizeof *grower->ranges);
    if (!grower->ranges)
        goto out;
    for (uint32_t i = 0; i < count; i++) {
        grower->ranges[i] = ranges_of(&boxes[i]);
        list[i] = i;
        ret_are_evicted[i] = false;
    }
    status = grow(grower, list, count, &everything, 0, &root);
    if (status != SP_OK)
        goto out;
    cuts->roots[cuts->trees_count++] = root;
out:
    free(list);
    if (grower)
        free(grower->ranges);
    free(grower);
    return status;
}
