/* SPDX-License-Identifier: ISC
 *
 * The boxes of a policy, the division of a box among its rules, and what rules mean.
 *
 * Dividing takes the first box that meets the query, gives its rule the common part, and goes on with what
 * remains, piece by piece; what nothing meets belongs to the default. The first match wins by construction,
 * exactly as in a lookup.
 */
#include "policy/sieve.h"

#include "policy/compile.h"
#include "policy/model.h"
#include "sa/lifetime.h"

#include <stdlib.h>
#include <string.h>

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
    status = sieve->boxes ? SP_OK : SP_ERR_MEMORY;
    return status == SP_OK ? sp_box_index_create(&sieve->index, sieve->boxes, sieve->count, NULL) : status;
}

void sp_sieve_free(struct sp_sieve *sieve)
{
    free(sieve->boxes);
    sp_box_index_free(&sieve->index);
    *sieve = (struct sp_sieve){0};
}

enum sp_status sp_sieve_divide(const struct sp_sieve *sieve, const struct sp_box *query,
                               struct sp_region *region)
{
    struct sp_region waiting = {0};
    enum sp_status status = sp_region_add(&waiting, query, SP_NO_RULE);
    while (waiting.count > 0 && status == SP_OK) {
        const struct sp_box piece = waiting.pieces[--waiting.count].box;
        const uint32_t place = sp_box_index_first(&sieve->index, &piece);
        struct sp_box remains[SP_BOX_REMAINS_MAX], common = piece;
        uint32_t count = 0, rule = SP_NO_RULE;
        if (place != SP_BOX_NOWHERE && sp_box_intersect(&piece, &sieve->boxes[place].box, &common)) {
            rule = sieve->boxes[place].rule;
            count = sp_box_subtract(&piece, &common, remains);
        }
        status = sp_region_add(region, &common, rule);
        for (uint32_t i = 0; i < count && status == SP_OK; i++)
            status = sp_region_add(&waiting, &remains[i], SP_NO_RULE);
    }
    sp_region_free(&waiting);
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

/* All but the ends of a tunnel. */
static bool is_alike(const struct sp_meaning *left, const struct sp_meaning *right)
{
    if (left->action != right->action)
        return false;
    return left->action != SP_ACTION_PROTECT ||
           (left->how.mode == right->how.mode && left->how.encryption == right->how.encryption &&
            left->how.integrity == right->how.integrity &&
            left->how.is_encapsulated == right->how.is_encapsulated &&
            left->how.has_esn == right->how.has_esn);
}

static bool is_same(const struct sp_address *left, const struct sp_address *right)
{
    return memcmp(left, right, sizeof *left) == 0;
}

bool sp_meaning_agrees(const struct sp_meaning *left, const struct sp_meaning *right)
{
    return is_alike(left, right) && is_same(&left->how.tunnel_from, &right->how.tunnel_from) &&
           is_same(&left->how.tunnel_to, &right->how.tunnel_to);
}

bool sp_meaning_meets(const struct sp_meaning *left, const struct sp_meaning *right)
{
    return is_alike(left, right) && is_same(&left->how.tunnel_from, &right->how.tunnel_to) &&
           is_same(&left->how.tunnel_to, &right->how.tunnel_from);
}

bool sp_meaning_lives_alike(const struct sp_meaning *left, const struct sp_meaning *right)
{
    return memcmp(&left->how.lifetime, &right->how.lifetime, sizeof left->how.lifetime) == 0;
}
