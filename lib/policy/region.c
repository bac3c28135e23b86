/* SPDX-License-Identifier: ISC
 *
 * Regions, and the division of a box among the rules of a policy.
 *
 * Dividing drops the box through the policy's list: each rule takes its part of what is left, and what falls
 * through belongs to the default. The first match wins by construction, exactly as in a lookup.
 */
#include "policy/region.h"

#include "policy/compile.h"
#include "policy/model.h"
#include "policy/storage.h"
#include "sa/lifetime.h"

#include <stdlib.h>
#include <string.h>

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

static void expand(struct sp_sieve *sieve, const struct sp_selector_box *boxes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct sp_box both[2];
        const uint32_t families = sp_box_from_selector(&boxes[i], both);
        for (uint32_t family = 0; family < families; family++)
            sieve->boxes[sieve->count++] = (struct sp_piece){.box = both[family], .rule = boxes[i].rule};
    }
}

enum sp_status sp_sieve_create(struct sp_sieve *sieve, const struct sp_policy *policy,
                               enum sp_direction direction, const struct sp_me *me)
{
    struct sp_selector_box *boxes;
    uint32_t count;
    enum sp_status status = sp_policy_boxes(policy, direction, me, &boxes, &count);
    if (status != SP_OK)
        return status;
    *sieve = (struct sp_sieve){.boxes = calloc(2 * (size_t)count + 1, sizeof *sieve->boxes)};
    if (sieve->boxes)
        expand(sieve, boxes, count);
    free(boxes);
    return sieve->boxes ? SP_OK : SP_ERR_MEMORY;
}

void sp_sieve_free(struct sp_sieve *sieve)
{
    free(sieve->boxes);
    *sieve = (struct sp_sieve){0};
}

/* Gives the rule its part of left. */
static enum sp_status take_part(struct sp_region *left, const struct sp_piece *rule, struct sp_region *region)
{
    for (size_t i = 0; i < left->count; i++) {
        struct sp_box common;
        if (!sp_box_intersect(&left->pieces[i].box, &rule->box, &common))
            continue;
        enum sp_status status = sp_region_add(region, &common, rule->rule);
        if (status != SP_OK)
            return status;
    }
    return sp_region_subtract(left, &rule->box);
}

enum sp_status sp_sieve_divide(const struct sp_sieve *sieve, const struct sp_box *query,
                               struct sp_region *region)
{
    struct sp_region left = {0};
    enum sp_status status = sp_region_add(&left, query, SP_NO_RULE);
    for (size_t i = 0; i < sieve->count && left.count > 0 && status == SP_OK; i++) {
        if (sp_box_meets(&sieve->boxes[i].box, query))
            status = take_part(&left, &sieve->boxes[i], region);
    }
    for (size_t i = 0; i < left.count && status == SP_OK; i++)
        status = sp_region_add(region, &left.pieces[i].box, SP_NO_RULE);
    sp_region_free(&left);
    return status;
}

struct sp_meaning sp_meaning_of(const struct sp_policy *policy, uint32_t rule)
{
    if (rule == SP_NO_RULE)
        return (struct sp_meaning){.action = policy->fallback};
    const struct sp_rule_info *info = &policy->rules[rule];
    struct sp_meaning meaning = {.action = info->action};
    if (info->action == SP_ACTION_PROTECT)
        meaning.how = policy->actions[info->action_index];
    sp_lifetime_fill_soft(&meaning.how.lifetime); /* a soft limit left out is the one that a preset has */
    return meaning;
}

bool sp_meaning_agrees(const struct sp_meaning *left, const struct sp_meaning *right)
{
    if (left->action != right->action)
        return false;
    return left->action != SP_ACTION_PROTECT ||
           (left->how.mode == right->how.mode && left->how.encryption == right->how.encryption &&
            left->how.integrity == right->how.integrity);
}

bool sp_meaning_lives_alike(const struct sp_meaning *left, const struct sp_meaning *right)
{
    return memcmp(&left->how.lifetime, &right->how.lifetime, sizeof left->how.lifetime) == 0;
}
