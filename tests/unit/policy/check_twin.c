/* SPDX-License-Identifier: ISC
 *
 * Divides, and looks at every piece.
 */
#include "unit/policy/check_twin.h"

#include "policy/model.h"
#include "policy/sieve.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define RULES_MAX 64

/* In the order in which the worst counts. */
enum twin_conflict { NONE, OVERLAP, EXCEPTION, HOLE, MIRROR };

struct twin {
    const struct sp_policy *policy;
    const struct sp_me *me;
    struct sp_sieve sieves[2];
    struct twin_finding *findings;
    size_t count;
};

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

static enum sp_status divide_naively(const struct sp_sieve *sieve, const struct sp_box *query,
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

static struct sp_region divide(const struct twin *twin, int direction, const struct sp_box *box)
{
    struct sp_region parts = {0};
    cr_assert_eq(divide_naively(&twin->sieves[direction], box, &parts), SP_OK);
    return parts;
}

/* Does rule decide a packet of box that hosts send? */
static bool decides(const struct twin *twin, int direction, const struct sp_box *box, uint32_t rule)
{
    struct sp_region parts = divide(twin, direction, box);
    bool is_found = false;
    for (size_t i = 0; i < parts.count; i++)
        is_found |= parts.pieces[i].rule == rule && sp_box_is_sent(&parts.pieces[i].box);
    sp_region_free(&parts);
    return is_found;
}

static bool is_within(const struct twin *twin, int direction, uint32_t inner, uint32_t outer)
{
    const struct sp_sieve *sieve = &twin->sieves[direction];
    struct sp_region left = {0};
    for (size_t i = 0; i < sieve->count; i++) {
        if (sieve->boxes[i].rule == inner)
            cr_assert_eq(sp_region_add(&left, &sieve->boxes[i].box, inner), SP_OK);
    }
    for (size_t i = 0; i < sieve->count; i++) {
        if (sieve->boxes[i].rule == outer)
            cr_assert_eq(sp_region_subtract(&left, &sieve->boxes[i].box), SP_OK);
    }
    const bool is_empty = left.count == 0;
    sp_region_free(&left);
    return is_empty;
}

static bool has_service(const struct twin *twin, int direction, uint32_t rule, const struct sp_box *box)
{
    const struct sp_sieve *sieve = &twin->sieves[direction];
    for (size_t i = 0; i < sieve->count; i++) {
        struct sp_box wide = sieve->boxes[i].box;
        if (sieve->boxes[i].rule != rule || !sp_box_meets(&wide, box))
            continue;
        for (int d = SP_SOURCE; d <= SP_DESTINATION; d++) {
            wide.first[d] = 0;
            wide.last[d] = box->last[d];
        }
        if (sp_box_covers(&wide, box))
            return true;
    }
    return false;
}

static enum twin_conflict conflict_of(const struct twin *twin, int direction, uint32_t rule, uint32_t other,
                                      const struct sp_box *box, const struct sp_box *taken)
{
    const struct sp_meaning meaning = sp_meaning_of(twin->policy, rule);
    const enum sp_action theirs = sp_meaning_of(twin->policy, other).action;
    const bool is_written = (int)twin->policy->rules[rule].direction == direction;
    const bool protects = meaning.action == SP_ACTION_PROTECT;
    const struct sp_box mirror = sp_box_mirror(taken);
    if (protects && !(is_written && theirs == SP_ACTION_BLOCK) && decides(twin, 1 - direction, &mirror, rule))
        return MIRROR;
    const bool is_exception = is_within(twin, direction, other, rule);
    if (protects && theirs == SP_ACTION_BYPASS && has_service(twin, direction, other, box))
        return is_exception ? EXCEPTION : HOLE;
    return is_exception ? NONE : OVERLAP;
}

/* What others do to the rule in one direction. */
struct verdict {
    bool is_there, is_alive;
    bool takes[RULES_MAX];
    enum twin_conflict conflicts[RULES_MAX];
    uint32_t first;
};

static void look(const struct twin *twin, int direction, uint32_t rule, struct verdict *verdict)
{
    const struct sp_sieve *sieve = &twin->sieves[direction];
    const struct sp_meaning meaning = sp_meaning_of(twin->policy, rule);
    verdict->first = SP_NO_RULE;
    for (size_t i = 0; i < sieve->count; i++) {
        struct sp_box service = sieve->boxes[i].box, taken;
        if (sieve->boxes[i].rule != rule)
            continue;
        verdict->is_there = true;
        sp_box_as_service(&service);
        struct sp_region parts = divide(twin, direction, &sieve->boxes[i].box);
        for (size_t k = 0; k < parts.count; k++) {
            const struct sp_piece *part = &parts.pieces[k];
            const struct sp_meaning theirs = sp_meaning_of(twin->policy, part->rule);
            if (!sp_box_is_sent(&part->box))
                continue;
            if (part->rule == rule) {
                verdict->is_alive = true;
                continue;
            }
            verdict->first = verdict->first == SP_NO_RULE ? part->rule : verdict->first;
            verdict->takes[part->rule] = true;
            if (sp_meaning_agrees(&theirs, &meaning) || !sp_box_intersect(&part->box, &service, &taken))
                continue;
            const enum twin_conflict conflict =
                conflict_of(twin, direction, rule, part->rule, &sieve->boxes[i].box, &taken);
            if (conflict > verdict->conflicts[part->rule])
                verdict->conflicts[part->rule] = conflict;
        }
        sp_region_free(&parts);
    }
}

static void find(struct twin *twin, uint32_t rule, uint32_t other, enum sp_check_kind kind, bool is_note)
{
    cr_assert_lt(twin->count, TWIN_FINDINGS_MAX);
    twin->findings[twin->count++] = (struct twin_finding){rule, other, kind, is_note};
}

static bool leaves_clear(const struct twin *twin, const struct sp_box *box)
{
    const struct sp_me *me = twin->me;
    const bool is_to_all = sp_box_is_open(box, SP_DESTINATION);
    struct sp_box everything = sp_box_everything(box->family == 4 ? 6 : 4);
    for (int d = SP_PROTOCOL; d < SP_DIMENSIONS; d++) {
        everything.first[d] = box->first[d];
        everything.last[d] = box->last[d];
    }
    if (me->unknown)
        return is_to_all && decides(twin, SP_OUTBOUND, &everything, SP_NO_RULE);
    for (uint32_t i = 0; i < me->count; i++) {
        const bool is_same = me->addresses[i].family == box->family;
        struct sp_box query = is_same ? *box : everything;
        query.first[SP_SOURCE] = query.last[SP_SOURCE] = sp_box_number(&me->addresses[i]);
        if ((is_same || is_to_all) && decides(twin, SP_OUTBOUND, &query, SP_NO_RULE))
            return true;
    }
    return false;
}

static void find_leak(struct twin *twin, uint32_t rule)
{
    const struct sp_sieve *sieve = &twin->sieves[SP_OUTBOUND];
    bool is_leaking = false;
    for (size_t i = 0; i < sieve->count; i++) {
        struct sp_box service = sieve->boxes[i].box;
        sp_box_as_service(&service);
        is_leaking |= sieve->boxes[i].rule == rule && leaves_clear(twin, &service);
    }
    if (is_leaking)
        find(twin, rule, SP_NO_RULE, SP_CHECK_HOLE, false);
}

static void find_of_rule(struct twin *twin, uint32_t rule)
{
    static const struct {
        enum sp_check_kind kind;
        bool is_note;
    } tells[] = {[OVERLAP] = {SP_CHECK_OVERLAP, true},
                 [EXCEPTION] = {SP_CHECK_HOLE, true},
                 [HOLE] = {SP_CHECK_HOLE, false},
                 [MIRROR] = {SP_CHECK_MIRROR, false}};
    const uint32_t rules = sp_policy_rule_count(twin->policy);
    const int written = (int)twin->policy->rules[rule].direction;
    struct verdict verdicts[2] = {0};
    cr_assert_leq(rules, RULES_MAX);
    look(twin, SP_OUTBOUND, rule, &verdicts[SP_OUTBOUND]);
    look(twin, SP_INBOUND, rule, &verdicts[SP_INBOUND]);
    if (verdicts[written].is_there && !verdicts[written].is_alive) {
        uint32_t takers = 0;
        for (uint32_t other = 0; other < rules; other++)
            takers += verdicts[written].takes[other];
        find(twin, rule, verdicts[written].first, takers == 1 ? SP_CHECK_SHADOWED : SP_CHECK_UNREACHABLE,
             false);
        return;
    }
    for (uint32_t other = 0; other < rules; other++) {
        const enum twin_conflict out = verdicts[SP_OUTBOUND].conflicts[other],
                                 in = verdicts[SP_INBOUND].conflicts[other];
        const enum twin_conflict conflict = out > in ? out : in;
        if (conflict != NONE)
            find(twin, rule, other, tells[conflict].kind, tells[conflict].is_note);
    }
    if (twin->policy->rules[rule].action == SP_ACTION_PROTECT && verdicts[SP_OUTBOUND].is_alive &&
        twin->policy->fallback == SP_ACTION_BYPASS)
        find_leak(twin, rule);
}

static int compare(const void *left_pointer, const void *right_pointer)
{
    const struct twin_finding *left = left_pointer, *right = right_pointer;
    if (left->rule != right->rule)
        return left->rule < right->rule ? -1 : 1;
    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    if (left->other_rule != right->other_rule)
        return left->other_rule < right->other_rule ? -1 : 1;
    return (int)right->is_note - left->is_note;
}

void twin_sort(struct twin_finding *findings, size_t count)
{
    if (count > 1)
        qsort(findings, count, sizeof *findings, compare);
}

size_t twin_check(const struct sp_policy *policy, const struct sp_me *me, struct twin_finding *findings)
{
    struct twin twin = {.policy = policy, .me = me, .findings = findings};
    for (int direction = SP_OUTBOUND; direction <= SP_INBOUND; direction++)
        cr_assert_eq(sp_sieve_create(&twin.sieves[direction], policy, (enum sp_direction)direction, me),
                     SP_OK);
    for (uint32_t rule = 0; rule < sp_policy_rule_count(policy); rule++)
        find_of_rule(&twin, rule);
    sp_sieve_free(&twin.sieves[SP_OUTBOUND]);
    sp_sieve_free(&twin.sieves[SP_INBOUND]);
    twin_sort(findings, twin.count);
    return twin.count;
}
