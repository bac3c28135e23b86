/* SPDX-License-Identifier: ISC
 *
 * The search for one packet that is left over.
 *
 * A piece that meets no obstacle is the answer. One that an obstacle covers is done with, and from any other
 * an obstacle is cut out; what remains waits its turn, the smallest piece first. Small pieces have few
 * obstacles, so one of them soon ends the search if the answer is yes, and all of them have to be looked at
 * anyway if it is no. Never more than a path's worth of pieces waits, whereas dividing the whole box, to see
 * what is left, takes a piece for every hole in it.
 */
#include "policy/search.h"

#define WIDENING_CUTS_MAX 64

static struct sp_box seen_by(const struct sp_fence *fence, const struct sp_box *box)
{
    return fence->is_mirrored ? sp_box_mirror(box) : *box;
}

/* What takes packets of the piece: all of them, if anything does. */
static bool find_obstacle(const struct sp_fence *fences, size_t fence_count, const struct sp_box *piece,
                          struct sp_box *ret_obstacle, bool *ret_covers)
{
    for (size_t i = 0; i < fence_count; i++) {
        const struct sp_box seen = seen_by(&fences[i], piece);
        *ret_covers = sp_box_index_cover(fences[i].index, &seen, fences[i].before) != SP_BOX_NOWHERE;
        if (*ret_covers)
            return true;
    }
    for (size_t i = 0; i < fence_count; i++) {
        const struct sp_box seen = seen_by(&fences[i], piece);
        const uint32_t place = sp_box_index_meet(fences[i].index, &seen, fences[i].before);
        if (place == SP_BOX_NOWHERE)
            continue;
        *ret_obstacle = seen_by(&fences[i], &fences[i].index->boxes[place].box);
        return true;
    }
    return false;
}

/* Lays the remains on the others, the smallest on top. */
static enum sp_status put_remains(struct sp_search *search, const struct sp_box *piece,
                                  const struct sp_box *obstacle)
{
    struct sp_box remains[SP_BOX_REMAINS_MAX];
    const size_t bottom = search->waiting.count;
    const uint32_t count = sp_box_subtract(piece, obstacle, remains);
    for (uint32_t i = 0; i < count; i++) {
        const enum sp_status status = sp_region_add(&search->waiting, &remains[i], SP_NO_RULE);
        if (status != SP_OK)
            return status;
        struct sp_piece *pieces = search->waiting.pieces;
        const struct sp_piece newest = pieces[bottom + i];
        size_t at = bottom + i;
        for (; at > bottom && sp_box_size_bits(&pieces[at - 1].box) < sp_box_size_bits(&newest.box); at--)
            pieces[at] = pieces[at - 1];
        pieces[at] = newest;
    }
    return SP_OK;
}

/* Makes room in the box for the piece only, by one cut that takes the obstacle away and leaves most. */
static void cut_off(struct sp_box *box, const struct sp_box *obstacle, const struct sp_box *piece)
{
    const bool has_protocol = box->first[SP_PROTOCOL] == box->last[SP_PROTOCOL];
    struct sp_box best = *box;
    unsigned best_bits = 0;
    bool is_cut = false;
    for (int d = 0; d < (has_protocol ? SP_DIMENSIONS : SP_SOURCE_PORT); d++) {
        struct sp_box rest = *box;
        if (obstacle->last[d] < piece->first[d])
            rest.first[d] = obstacle->last[d] + 1;
        else if (obstacle->first[d] > piece->last[d])
            rest.last[d] = obstacle->first[d] - 1;
        else
            continue;
        if (!is_cut || sp_box_size_bits(&rest) > best_bits) {
            best = rest;
            best_bits = sp_box_size_bits(&rest);
        }
        is_cut = true;
    }
    if (!is_cut) { /* ports tell them apart, and ports are those of one protocol */
        best.first[SP_PROTOCOL] = piece->first[SP_PROTOCOL];
        best.last[SP_PROTOCOL] = piece->last[SP_PROTOCOL];
    }
    *box = best;
}

/* As much of box around the free piece as is free: people see more in an area than in a corner of it. */
static struct sp_box widen(const struct sp_fence *fences, size_t fence_count, const struct sp_box *box,
                           const struct sp_box *piece)
{
    struct sp_box wide = *box, obstacle;
    bool covers;
    for (int i = 0; i < WIDENING_CUTS_MAX; i++) {
        if (!find_obstacle(fences, fence_count, &wide, &obstacle, &covers))
            return wide;
        cut_off(&wide, &obstacle, piece);
    }
    return *piece;
}

enum sp_status sp_search_free(struct sp_search *search, const struct sp_box *box,
                              const struct sp_fence *fences, size_t fence_count, bool *ret_is_found,
                              struct sp_box *ret_part)
{
    search->waiting.count = 0;
    *ret_is_found = false;
    enum sp_status status = sp_region_add(&search->waiting, box, SP_NO_RULE);
    for (uint32_t done = 0; search->waiting.count > 0 && status == SP_OK; done++) {
        const struct sp_box piece = search->waiting.pieces[--search->waiting.count].box;
        struct sp_box obstacle;
        bool covers;
        if (done == SP_REGION_MAX)
            return SP_ERR_LIMIT;
        if (!sp_box_is_sent(&piece))
            continue;
        if (!find_obstacle(fences, fence_count, &piece, &obstacle, &covers)) {
            *ret_is_found = true;
            if (ret_part != NULL)
                *ret_part = widen(fences, fence_count, box, &piece);
            return SP_OK;
        }
        if (!covers)
            status = put_remains(search, &piece, &obstacle);
    }
    return status;
}

void sp_search_end(struct sp_search *search)
{
    sp_region_free(&search->waiting);
}
