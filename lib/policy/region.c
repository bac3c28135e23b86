/* SPDX-License-Identifier: ISC
 *
 * Regions: add, subtract, join.
 */
#include "policy/region.h"

#include "policy/storage.h"

#include <stdlib.h>

enum sp_status sp_region_add_piece(struct sp_region *region, const struct sp_piece *piece)
{
    if (region->count >= SP_REGION_MAX)
        return SP_ERR_LIMIT;
    if (!sp_grow(&region->pieces, &region->capacity, region->count, sizeof *region->pieces))
        return SP_ERR_MEMORY;
    region->pieces[region->count++] = *piece;
    return SP_OK;
}

enum sp_status sp_region_add(struct sp_region *region, const struct sp_box *box, uint32_t rule)
{
    const struct sp_piece piece = {.box = *box, .rule = rule};
    return sp_region_add_piece(region, &piece);
}

void sp_region_free(struct sp_region *region)
{
    free(region->pieces);
    *region = (struct sp_region){0};
}

static enum sp_status cut_piece(struct sp_region *region, size_t index, const struct sp_box *taken)
{
    struct sp_box remains[SP_BOX_REMAINS_MAX];
    struct sp_piece piece = region->pieces[index];
    const uint32_t count = sp_box_subtract(&piece.box, taken, remains);
    region->pieces[index] = region->pieces[--region->count];
    for (uint32_t i = 0; i < count; i++) {
        piece.box = remains[i];
        enum sp_status status = sp_region_add_piece(region, &piece);
        if (status != SP_OK)
            return status;
    }
    return SP_OK;
}

enum sp_status sp_region_subtract(struct sp_region *region, const struct sp_box *taken)
{
    /* From behind: the remains go to the end, and they and the piece that moves into the gap are done. */
    for (size_t i = region->count; i-- > 0;) {
        if (!sp_box_meets(&region->pieces[i].box, taken))
            continue;
        enum sp_status status = cut_piece(region, i, taken);
        if (status != SP_OK)
            return status;
    }
    return SP_OK;
}

static bool are_alike(const struct sp_piece *left, const struct sp_piece *right)
{
    return left->rule == right->rule && left->other == right->other && left->kind == right->kind;
}

static bool join_one(struct sp_region *region, size_t at)
{
    for (size_t other = region->count; other-- > at + 1;) {
        struct sp_piece *piece = &region->pieces[at];
        if (!are_alike(piece, &region->pieces[other]) ||
            !sp_box_join(&piece->box, &region->pieces[other].box))
            continue;
        region->pieces[other] = region->pieces[--region->count];
        return true;
    }
    return false;
}

/* Quadratic, so only what people can read anyway is made shorter. */
#define JOIN_MAX 5000u

void sp_region_join(struct sp_region *region)
{
    if (region->count > JOIN_MAX)
        return;
    for (bool joined = true; joined;) {
        joined = false;
        for (size_t i = 0; i < region->count; i++) {
            while (join_one(region, i))
                joined = true;
        }
    }
}
