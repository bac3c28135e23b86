/* SPDX-License-Identifier: ISC
 *
 * What two ordered lists of boxes have in common: the alignment behind a changed table.
 *
 * Most pairs differ in one place, so that the same beginning and the same end are taken off first. Boxes of
 * the middles find each other by hash, equal ones in their order, and of all pairs a longest run that ascends
 * on both sides is kept: for boxes that aren't there twice that is the longest common subsequence (Hunt and
 * Szymanski, "A fast algorithm for computing longest common subsequences", CACM 1977), in n log n at worst
 * and in n where little has moved.
 */
#include "selector/change.h"

#include <stdlib.h>
#include <string.h>

#define NONE SP_SELECTOR_MISS

static bool is_same_address(struct sp_selector_address a, struct sp_selector_address b)
{
    return ((a.high ^ b.high) | (a.low ^ b.low)) == 0;
}

static bool is_same(const struct sp_selector_box *a, const struct sp_selector_box *b)
{
    return is_same_address(a->source_first, b->source_first) &&
           is_same_address(a->source_last, b->source_last) &&
           is_same_address(a->destination_first, b->destination_first) &&
           is_same_address(a->destination_last, b->destination_last) && a->family == b->family &&
           a->protocol == b->protocol && a->is_bypass == b->is_bypass && a->has_ports == b->has_ports &&
           a->source_port_first == b->source_port_first && a->source_port_last == b->source_port_last &&
           a->destination_port_first == b->destination_port_first &&
           a->destination_port_last == b->destination_port_last;
}

static uint32_t hash_of(const struct sp_selector_box *box)
{
    const struct sp_selector_address *addresses[] = {&box->source_first, &box->source_last,
                                                     &box->destination_first, &box->destination_last};
    uint64_t hash = (uint64_t)box->source_port_first << 48 | (uint64_t)box->source_port_last << 32 |
                    (uint64_t)box->destination_port_first << 16 | box->destination_port_last;

    hash = (hash ^ (uint64_t)box->protocol << 16 ^ box->family ^ (uint64_t)box->is_bypass << 8) *
           0x9e3779b97f4a7c15u;
    for (int i = 0; i < 4; i++)
        hash = (hash ^ hash >> 32 ^ addresses[i]->low ^ addresses[i]->high << 7) * 0xbf58476d1ce4e5b9u;
    return (uint32_t)(hash >> 32);
}

/* The middles, and the memory to pair them in. Positions are within a middle. */
struct pairing {
    struct sp_selector_list had, wanted;
    uint32_t *slots; /* open addressing: the first of some equal wanted boxes, or NONE */
    uint32_t slots_mask;
    uint32_t *to_give;    /* of a first one: which of its equals is not taken yet, or NONE */
    uint32_t *next_equal; /* of each wanted box */
    uint32_t *mate;       /* of each box of had: its wanted box, or NONE */
    /* Runs of pairs that ascend: ends[k] is the box of had that ends the best one of k + 1 pairs, before[i]
     * the box before i in its run. */
    uint32_t *ends, *before;
    uint32_t run_count;
};

static enum sp_status pairing_create(struct pairing *pairing)
{
    size_t had = pairing->had.count, wanted = pairing->wanted.count, slots = 4;

    while (slots < 2 * wanted)
        slots *= 2;
    pairing->slots_mask = (uint32_t)slots - 1;
    pairing->slots = malloc(slots * sizeof *pairing->slots);
    pairing->to_give = malloc(wanted * sizeof *pairing->to_give);
    pairing->next_equal = malloc(wanted * sizeof *pairing->next_equal);
    pairing->mate = malloc(had * sizeof *pairing->mate);
    pairing->ends = malloc(had * sizeof *pairing->ends);
    pairing->before = malloc(had * sizeof *pairing->before);
    bool has_all = pairing->slots && pairing->to_give && pairing->next_equal && pairing->mate &&
                   pairing->ends && pairing->before;
    return has_all ? SP_OK : SP_ERR_MEMORY;
}

static void pairing_destroy(struct pairing *pairing)
{
    free(pairing->slots);
    free(pairing->to_give);
    free(pairing->next_equal);
    free(pairing->mate);
    free(pairing->ends);
    free(pairing->before);
}

/* The slot of the boxes that equal this one: theirs, or a free one. */
static uint32_t *slot_of(const struct pairing *pairing, const struct sp_selector_box *box)
{
    uint32_t slot = hash_of(box) & pairing->slots_mask;

    while (pairing->slots[slot] != NONE && !is_same(&pairing->wanted.boxes[pairing->slots[slot]], box))
        slot = (slot + 1) & pairing->slots_mask;
    return &pairing->slots[slot];
}

static void pair_boxes(struct pairing *pairing)
{
    memset(pairing->slots, 0xff, ((size_t)pairing->slots_mask + 1) * sizeof *pairing->slots);
    for (uint32_t i = pairing->wanted.count; i-- > 0;) {
        uint32_t *slot = slot_of(pairing, &pairing->wanted.boxes[i]);
        pairing->next_equal[i] = *slot;
        pairing->to_give[i] = i;
        *slot = i;
    }
    for (uint32_t i = 0; i < pairing->had.count; i++) {
        uint32_t first = *slot_of(pairing, &pairing->had.boxes[i]);
        pairing->mate[i] = first == NONE ? NONE : pairing->to_give[first];
        if (pairing->mate[i] != NONE)
            pairing->to_give[first] = pairing->next_equal[pairing->mate[i]];
    }
}

/* How many of the best runs end before the wanted box. */
static uint32_t runs_before(const struct pairing *pairing, uint32_t wanted)
{
    uint32_t low = 0, high = pairing->run_count;

    if (high > 0 && pairing->mate[pairing->ends[high - 1]] < wanted)
        return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (pairing->mate[pairing->ends[middle]] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void find_run(struct pairing *pairing)
{
    for (uint32_t i = 0; i < pairing->had.count; i++) {
        if (pairing->mate[i] == NONE)
            continue;
        uint32_t length = runs_before(pairing, pairing->mate[i]);
        pairing->before[i] = length == 0 ? NONE : pairing->ends[length - 1];
        pairing->ends[length] = i;
        if (length == pairing->run_count)
            pairing->run_count++;
    }
}

static enum sp_status match_middles(struct sp_selector_list had, struct sp_selector_list wanted,
                                    uint32_t wanted_first, uint32_t *ret_places)
{
    struct pairing pairing = {.had = had, .wanted = wanted};

    memset(ret_places, 0xff, had.count * sizeof *ret_places);
    if (had.count == 0 || wanted.count == 0)
        return SP_OK;
    enum sp_status status = pairing_create(&pairing);
    if (status == SP_OK) {
        pair_boxes(&pairing);
        find_run(&pairing);
        uint32_t i = pairing.run_count ? pairing.ends[pairing.run_count - 1] : NONE;
        for (; i != NONE; i = pairing.before[i])
            ret_places[i] = wanted_first + pairing.mate[i];
    }
    pairing_destroy(&pairing);
    return status;
}

enum sp_status sp_selector_match(struct sp_selector_list had, struct sp_selector_list wanted,
                                 uint32_t *ret_places)
{
    uint32_t least = had.count < wanted.count ? had.count : wanted.count, first = 0, behind = 0;

    while (first < least && is_same(&had.boxes[first], &wanted.boxes[first])) {
        ret_places[first] = first;
        first++;
    }
    while (behind < least - first &&
           is_same(&had.boxes[had.count - 1 - behind], &wanted.boxes[wanted.count - 1 - behind])) {
        behind++;
        ret_places[had.count - behind] = wanted.count - behind;
    }
    struct sp_selector_list had_middle = {had.boxes + first, had.count - first - behind};
    struct sp_selector_list wanted_middle = {wanted.boxes + first, wanted.count - first - behind};
    return match_middles(had_middle, wanted_middle, first, ret_places + first);
}
