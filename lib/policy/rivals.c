/* SPDX-License-Identifier: ISC
 *
 * The rules that take packets from the rule at hand, and what is wrong with that.
 */
#include "policy/analysis.h"

#include "policy/model.h"
#include "policy/storage.h"

#define FEW_BOXES 8u /* so many are quicker looked at than looked up */

static enum sp_direction other_way(enum sp_direction direction)
{
    return direction == SP_OUTBOUND ? SP_INBOUND : SP_OUTBOUND;
}

/* The places of a rule's boxes that meet box. */
static enum sp_status find_boxes_of(const struct sp_analysis *analysis, uint32_t rule,
                                    enum sp_direction direction, const struct sp_box *box,
                                    struct sp_box_places *ret_places)
{
    const struct sp_span span = analysis->spans[direction][rule];
    if (span.count > FEW_BOXES)
        return sp_box_index_all(&analysis->sieves[direction].index, box, span.start, span.start + span.count,
                                ret_places);
    ret_places->count = 0;
    for (uint32_t place = span.start; place < span.start + span.count; place++) {
        if (!sp_box_meets(&sp_analysis_box(analysis, direction, place)->box, box))
            continue;
        if (!sp_grow(&ret_places->places, &ret_places->capacity, ret_places->count,
                     sizeof *ret_places->places))
            return SP_ERR_MEMORY;
        ret_places->places[ret_places->count++] = place;
    }
    return SP_OK;
}

static bool treat_alike(const struct sp_policy *policy, uint32_t left, uint32_t right)
{
    const struct sp_rule_info *one = &policy->rules[left], *other = &policy->rules[right];
    if (one->action != other->action || one->action_index == other->action_index)
        return one->action == other->action;
    const struct sp_meaning one_meaning = sp_meaning_of(policy, left);
    const struct sp_meaning other_meaning = sp_meaning_of(policy, right);
    return sp_meaning_agrees(&one_meaning, &other_meaning);
}

/* Does the rule at hand match every packet of the box? */
static enum sp_status is_box_within(struct sp_analysis *analysis, enum sp_direction direction,
                                    const struct sp_box *box, bool *ret_is_within)
{
    struct sp_region left = {0};
    enum sp_status status = find_boxes_of(analysis, analysis->rule, direction, box, &analysis->others);
    if (status == SP_OK)
        status = sp_region_add(&left, box, SP_NO_RULE);
    for (size_t i = 0; i < analysis->others.count && left.count > 0 && status == SP_OK; i++)
        status =
            sp_region_subtract(&left, &sp_analysis_box(analysis, direction, analysis->others.places[i])->box);
    *ret_is_within = left.count == 0;
    sp_region_free(&left);
    return status;
}

/* Does the rule at hand match every packet that the rival matches? */
static enum sp_status learn_is_exception(struct sp_analysis *analysis, struct sp_rival *rival,
                                         enum sp_direction direction)
{
    const struct sp_span span = analysis->spans[direction][rival->rule];
    enum sp_status status = SP_OK;
    bool is_within = true;
    if (rival->is_exception_known[direction])
        return SP_OK;
    for (uint32_t i = 0; i < span.count && is_within && status == SP_OK; i++)
        status = is_box_within(analysis, direction,
                               &sp_analysis_box(analysis, direction, span.start + i)->box, &is_within);
    rival->is_exception_known[direction] = true;
    rival->is_exception[direction] = is_within;
    return status;
}

/* Does a box of the rule hold all protocols and ports of this box, and meet it? */
static enum sp_status covers_service(struct sp_analysis *analysis, uint32_t rule, enum sp_direction direction,
                                     const struct sp_box *box, bool *ret_covers)
{
    *ret_covers = false;
    const enum sp_status status = find_boxes_of(analysis, rule, direction, box, &analysis->others);
    for (size_t i = 0; i < analysis->others.count && status == SP_OK && !*ret_covers; i++) {
        const struct sp_box *theirs = &sp_analysis_box(analysis, direction, analysis->others.places[i])->box;
        *ret_covers = true;
        for (int d = SP_PROTOCOL; d < SP_DIMENSIONS; d++)
            *ret_covers = *ret_covers && theirs->first[d] <= box->first[d] && box->last[d] <= theirs->last[d];
    }
    return status;
}

/* Packets of the rule at hand that its rival's box takes; all in one direction. */
struct taking {
    enum sp_direction direction;
    const struct sp_box *box; /* of the rule at hand */
    uint32_t place;           /* of the rival's */
    struct sp_box common;     /* as clients use it; not all of it need be the rival's */
};

/* A packet that the rival decides although the rule at hand decides the mirrored one. */
static enum sp_status find_contradiction(struct sp_analysis *analysis, const struct taking *taking,
                                         bool *ret_is_found, struct sp_box *ret_part)
{
    const enum sp_direction back = other_way(taking->direction);
    const struct sp_box mirror = sp_box_mirror(&taking->common);
    enum sp_status status = find_boxes_of(analysis, analysis->rule, back, &mirror, &analysis->others);
    *ret_is_found = false;
    for (size_t i = 0; i < analysis->others.count && status == SP_OK && !*ret_is_found; i++) {
        const uint32_t place = analysis->others.places[i];
        struct sp_box common, both;
        if (analysis->is_dead[back][place] ||
            !sp_box_intersect(&sp_analysis_box(analysis, back, place)->box, &mirror, &common))
            continue;
        both = sp_box_mirror(&common);
        const struct sp_fence fences[] = {
            {.index = &analysis->living[taking->direction], .before = taking->place},
            {.index = &analysis->living[back], .before = place, .is_mirrored = true}};
        status = sp_search_free(&analysis->search, &both, fences, 2, ret_is_found, ret_part);
    }
    return status;
}

/* How bad it is that the rival takes packets, leaving their mirrors aside. */
static enum sp_status weigh(struct sp_analysis *analysis, struct sp_rival *rival, const struct taking *taking,
                            enum sp_conflict *ret_conflict)
{
    const struct sp_rule_info *rules = analysis->policy->rules;
    bool leaves_clear = false;
    enum sp_status status = learn_is_exception(analysis, rival, taking->direction);
    if (status == SP_OK && rules[analysis->rule].action == SP_ACTION_PROTECT &&
        rules[rival->rule].action == SP_ACTION_BYPASS)
        status = covers_service(analysis, rival->rule, taking->direction, taking->box, &leaves_clear);
    const bool is_exception = rival->is_exception[taking->direction];
    if (leaves_clear)
        *ret_conflict = is_exception ? SP_CONFLICT_EXCEPTION : SP_CONFLICT_HOLE;
    else
        *ret_conflict = is_exception ? SP_CONFLICT_NONE : SP_CONFLICT_OVERLAP;
    return status;
}

static enum sp_status judge(struct sp_analysis *analysis, struct sp_rival *rival, const struct taking *taking)
{
    const struct sp_rule_info *rules = analysis->policy->rules;
    const bool is_written = rules[analysis->rule].direction == taking->direction;
    const bool is_blocked = rules[rival->rule].action == SP_ACTION_BLOCK;
    enum sp_conflict conflict = SP_CONFLICT_MIRROR;
    struct sp_box part;
    bool is_found = false;
    enum sp_status status = SP_OK;
    if (rules[analysis->rule].action == SP_ACTION_PROTECT && !(is_written && is_blocked))
        status = find_contradiction(analysis, taking, &is_found, &part);
    if (status == SP_OK && !is_found) {
        status = weigh(analysis, rival, taking, &conflict);
        if (status == SP_OK && conflict > rival->conflict)
            status = sp_analysis_find_left(analysis, taking->direction, &taking->common, taking->place,
                                           &is_found, &part);
    }
    if (status != SP_OK || !is_found)
        return status;
    rival->conflict = conflict;
    rival->box = part;
    rival->direction = taking->direction;
    return SP_OK;
}

static struct sp_rival *rival_of(struct sp_analysis *analysis, uint32_t rule)
{
    uint32_t *number = &analysis->rival_numbers[rule];
    if (*number != 0)
        return &analysis->rivals[*number - 1];
    if (!sp_grow(&analysis->rivals, &analysis->rival_capacity, analysis->rival_count,
                 sizeof *analysis->rivals))
        return NULL;
    struct sp_rival *rival = &analysis->rivals[analysis->rival_count++];
    *rival = (struct sp_rival){.rule = rule, .conflict = SP_CONFLICT_NONE};
    *number = (uint32_t)analysis->rival_count;
    return rival;
}

void sp_rivals_start(struct sp_analysis *analysis, uint32_t rule)
{
    for (size_t i = 0; i < analysis->rival_count; i++)
        analysis->rival_numbers[analysis->rivals[i].rule] = 0;
    analysis->rival_count = 0;
    analysis->rule = rule;
}

/* Boxes of rules in front of the one at hand that meet box. */
static enum sp_status find_candidates(struct sp_analysis *analysis, enum sp_direction direction,
                                      const struct sp_box *box)
{
    const uint32_t before = analysis->spans[direction][analysis->rule].start;
    return sp_box_index_all(&analysis->living[direction], box, 0, before, &analysis->candidates);
}

/* Holds one box of the rule at hand against all that say otherwise. */
static enum sp_status look_at_box(struct sp_analysis *analysis, enum sp_direction direction,
                                  const struct sp_box *box)
{
    struct taking taking = {.direction = direction, .box = box};
    struct sp_box service = *box;
    sp_box_as_service(&service);
    enum sp_status status = find_candidates(analysis, direction, &service);
    for (size_t i = 0; i < analysis->candidates.count && status == SP_OK; i++) {
        taking.place = analysis->candidates.places[i];
        const struct sp_piece *theirs = sp_analysis_box(analysis, direction, taking.place);
        if (treat_alike(analysis->policy, theirs->rule, analysis->rule) ||
            !sp_box_intersect(&theirs->box, &service, &taking.common))
            continue;
        struct sp_rival *rival = rival_of(analysis, theirs->rule);
        if (rival == NULL)
            status = SP_ERR_MEMORY;
        else if (rival->conflict != SP_CONFLICT_MIRROR)
            status = judge(analysis, rival, &taking);
    }
    return status;
}

enum sp_status sp_rivals_find_takers(struct sp_analysis *analysis, enum sp_direction direction)
{
    const struct sp_span span = analysis->spans[direction][analysis->rule];
    enum sp_status status = SP_OK;
    for (uint32_t i = 0; i < span.count && status == SP_OK; i++) {
        const struct sp_box *box = &sp_analysis_box(analysis, direction, span.start + i)->box;
        status = find_candidates(analysis, direction, box);
        for (size_t k = 0; k < analysis->candidates.count && status == SP_OK && analysis->rival_count < 3;
             k++) {
            const uint32_t place = analysis->candidates.places[k];
            const struct sp_piece *theirs = sp_analysis_box(analysis, direction, place);
            struct sp_box common;
            bool is_taken;
            if (analysis->rival_numbers[theirs->rule] != 0 || !sp_box_intersect(&theirs->box, box, &common))
                continue;
            status = sp_analysis_find_left(analysis, direction, &common, place, &is_taken, NULL);
            if (status == SP_OK && is_taken && rival_of(analysis, theirs->rule) == NULL)
                status = SP_ERR_MEMORY;
        }
    }
    return status;
}

static enum sp_status look_at_direction(struct sp_analysis *analysis, enum sp_direction direction)
{
    const struct sp_span span = analysis->spans[direction][analysis->rule];
    enum sp_status status = SP_OK;
    for (uint32_t i = 0; i < span.count && status == SP_OK; i++)
        status = look_at_box(analysis, direction, &sp_analysis_box(analysis, direction, span.start + i)->box);
    return status;
}

enum sp_status sp_rivals_find(struct sp_analysis *analysis)
{
    const enum sp_direction written = analysis->policy->rules[analysis->rule].direction;
    const enum sp_status status = look_at_direction(analysis, written);
    return status == SP_OK ? look_at_direction(analysis, other_way(written)) : status;
}
