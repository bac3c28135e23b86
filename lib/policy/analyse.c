/* SPDX-License-Identifier: ISC
 *
 * What is wrong with one policy although its text is right.
 *
 * Each rule's boxes are divided among the rules of the policy: what the rule keeps is what it really decides,
 * what others take shows who stands before it. Findings about pairs of rules are then a matter of comparing
 * meanings, and of asking the other direction about the mirrored packets. The anomalies are those of Al-Shaer
 * and Hamed (2004), as far as they hurt: a narrow rule before a wide one is how people write exceptions, and
 * is no finding.
 */
#include "policy/check_result.h"
#include "policy/model.h"
#include "policy/region.h"
#include "policy/storage.h"
#include "core/misuse.h"

#include <stdlib.h>
#include <string.h>

/* What stands between the rule at hand and one that takes packets from it; the worst thing counts. */
enum conflict { CONFLICT_NONE, CONFLICT_OVERLAP, CONFLICT_EXCEPTION, CONFLICT_HOLE, CONFLICT_MIRROR };

struct rival {
    uint32_t rule;
    enum conflict conflict;
    struct sp_box box; /* an example of what it takes */
    enum sp_direction direction;
};

struct analysis {
    const struct sp_policy *policy;
    const struct sp_me *me;
    struct sp_sieve sieves[2];
    size_t *starts[2]; /* by rule: where its boxes start in sorted[] */
    uint32_t *sorted[2];
    struct sp_check *check;

    /* the rule at hand */
    uint32_t rule;
    struct sp_meaning meaning;
    bool is_alive[2];
    struct rival *rivals;
    size_t rival_count, rival_capacity;
};

static enum sp_direction other_way(enum sp_direction direction)
{
    return direction == SP_OUTBOUND ? SP_INBOUND : SP_OUTBOUND;
}

/* A counting sort of the boxes by their rules: order among the boxes need not be that of the rules. */
static enum sp_status sort_boxes(struct analysis *analysis, int direction)
{
    const struct sp_sieve *sieve = &analysis->sieves[direction];
    const uint32_t rules = analysis->policy->rule_count;
    size_t *starts = calloc((size_t)rules + 2, sizeof *starts);
    uint32_t *sorted = calloc(sieve->count + 1, sizeof *sorted);
    analysis->starts[direction] = starts;
    analysis->sorted[direction] = sorted;
    if (starts == NULL || sorted == NULL)
        return SP_ERR_MEMORY;
    for (size_t i = 0; i < sieve->count; i++)
        starts[sieve->boxes[i].rule + 2]++;
    for (size_t rule = 2; rule <= rules + (size_t)1; rule++)
        starts[rule] += starts[rule - 1];
    for (size_t i = 0; i < sieve->count; i++)
        sorted[starts[sieve->boxes[i].rule + 1]++] = (uint32_t)i;
    return SP_OK;
}

static size_t boxes_of(const struct analysis *analysis, uint32_t rule, enum sp_direction direction)
{
    const size_t *starts = analysis->starts[direction];
    return starts[rule + 1] - starts[rule];
}

static const struct sp_box *box_of(const struct analysis *analysis, uint32_t rule,
                                   enum sp_direction direction, size_t index)
{
    const uint32_t at = analysis->sorted[direction][analysis->starts[direction][rule] + index];
    return &analysis->sieves[direction].boxes[at].box;
}

/* Does outer match every packet that inner matches? */
static enum sp_status is_within(const struct analysis *analysis, uint32_t inner, uint32_t outer,
                                enum sp_direction direction, bool *ret_is_within)
{
    enum sp_status status = SP_OK;
    bool is_all_within = true;
    for (size_t i = 0; i < boxes_of(analysis, inner, direction) && is_all_within && status == SP_OK; i++) {
        struct sp_region left = {0};
        status = sp_region_add(&left, box_of(analysis, inner, direction, i), inner);
        for (size_t k = 0; k < boxes_of(analysis, outer, direction) && status == SP_OK; k++)
            status = sp_region_subtract(&left, box_of(analysis, outer, direction, k));
        is_all_within = left.count == 0;
        sp_region_free(&left);
    }
    *ret_is_within = is_all_within;
    return status;
}

/* The first piece of box that rule decides. */
static enum sp_status find_decided(const struct analysis *analysis, enum sp_direction direction,
                                   const struct sp_box *box, uint32_t rule, bool *ret_found,
                                   struct sp_box *ret_box)
{
    struct sp_region parts = {0};
    enum sp_status status = sp_sieve_divide(&analysis->sieves[direction], box, &parts);
    *ret_found = false;
    for (size_t i = 0; i < parts.count && status == SP_OK && !*ret_found; i++) {
        *ret_found = parts.pieces[i].rule == rule;
        *ret_box = parts.pieces[i].box;
    }
    sp_region_free(&parts);
    return status;
}

/* Does a box of the other rule hold all protocols and ports of this box, and meet it? */
static bool covers_service(const struct analysis *analysis, uint32_t other, enum sp_direction direction,
                           const struct sp_box *box)
{
    for (size_t i = 0; i < boxes_of(analysis, other, direction); i++) {
        const struct sp_box *theirs = box_of(analysis, other, direction, i);
        bool covers = sp_box_meets(theirs, box);
        for (int d = SP_PROTOCOL; d < SP_DIMENSIONS; d++)
            covers = covers && theirs->first[d] <= box->first[d] && box->last[d] <= theirs->last[d];
        if (covers)
            return true;
    }
    return false;
}

/* taken: packets of box, as a client would send them, that `rival` takes away from the rule at hand. */
static enum sp_status judge(struct analysis *analysis, struct rival *rival, const struct sp_box *box,
                            const struct sp_box *taken, enum sp_direction direction)
{
    const enum sp_action theirs = sp_meaning_of(analysis->policy, rival->rule).action;
    const bool is_written = analysis->policy->rules[analysis->rule].direction == direction;
    const bool protects = analysis->meaning.action == SP_ACTION_PROTECT;
    enum conflict conflict = CONFLICT_NONE;
    struct sp_box example = *taken;
    bool found = false, is_exception;
    enum sp_status status = SP_OK;

    if (protects && !(is_written && theirs == SP_ACTION_BLOCK)) {
        const struct sp_box mirror = sp_box_mirror(taken);
        struct sp_box kept;
        status = find_decided(analysis, other_way(direction), &mirror, analysis->rule, &found, &kept);
        if (found)
            example = sp_box_mirror(&kept);
    }
    if (status == SP_OK)
        status = is_within(analysis, rival->rule, analysis->rule, direction, &is_exception);
    if (status != SP_OK)
        return status;
    if (found)
        conflict = CONFLICT_MIRROR;
    else if (protects && theirs == SP_ACTION_BYPASS && covers_service(analysis, rival->rule, direction, box))
        conflict = is_exception ? CONFLICT_EXCEPTION : CONFLICT_HOLE;
    else if (!is_exception)
        conflict = CONFLICT_OVERLAP;
    if (conflict > rival->conflict) {
        rival->conflict = conflict;
        rival->box = example;
        rival->direction = direction;
    }
    return SP_OK;
}

static struct rival *rival_of(struct analysis *analysis, uint32_t rule)
{
    for (size_t i = analysis->rival_count; i-- > 0;) {
        if (analysis->rivals[i].rule == rule)
            return &analysis->rivals[i];
    }
    if (!sp_grow(&analysis->rivals, &analysis->rival_capacity, analysis->rival_count,
                 sizeof *analysis->rivals))
        return NULL;
    struct rival *rival = &analysis->rivals[analysis->rival_count++];
    *rival = (struct rival){.rule = rule, .conflict = CONFLICT_NONE};
    return rival;
}

/* Divides one box of the rule at hand among all rules. */
static enum sp_status look_at_box(struct analysis *analysis, enum sp_direction direction,
                                  const struct sp_box *box)
{
    struct sp_region parts = {0};
    struct sp_box service = *box, taken;
    sp_box_as_service(&service);
    enum sp_status status = sp_sieve_divide(&analysis->sieves[direction], box, &parts);
    for (size_t i = 0; i < parts.count && status == SP_OK; i++) {
        const struct sp_piece *part = &parts.pieces[i];
        if (!sp_box_is_sent(&part->box))
            continue;
        if (part->rule == analysis->rule) {
            analysis->is_alive[direction] = true;
            continue;
        }
        struct rival *rival = rival_of(analysis, part->rule);
        if (rival == NULL) {
            status = SP_ERR_MEMORY;
            continue;
        }
        const struct sp_meaning theirs = sp_meaning_of(analysis->policy, part->rule);
        if (sp_meaning_agrees(&theirs, &analysis->meaning))
            continue;
        if (rival->conflict != CONFLICT_MIRROR && sp_box_intersect(&part->box, &service, &taken))
            status = judge(analysis, rival, box, &taken, direction);
    }
    sp_region_free(&parts);
    return status;
}

static void place_text(const struct analysis *analysis, uint32_t rule, char *text, size_t size_bytes)
{
    const struct sp_rule_info *info = &analysis->policy->rules[rule];
    snprintf(text, size_bytes, "the %s rule at %s:%u", sp_action_name(info->action), info->file, info->line);
}

static void set_example(struct sp_check_finding *finding, const struct sp_box *box,
                        enum sp_direction direction)
{
    finding->has_example = true;
    finding->area = sp_box_area(box, direction);
    finding->example = sp_box_example(box, direction);
}

static enum sp_status report_rival(struct analysis *analysis, const struct rival *rival)
{
    static const char *const texts[] = {
        [CONFLICT_OVERLAP] = "%s comes first for packets that both match, and says otherwise",
        [CONFLICT_EXCEPTION] = "%s makes an exception, in both directions: it leaves in clear what this rule "
                               "would protect",
        [CONFLICT_HOLE] = "%s comes first, is not just an exception from this rule, and lets packets of the "
                          "same service go in clear",
        [CONFLICT_MIRROR] = "%s comes first and does otherwise with one direction of conversations of which "
                            "this rule protects the other",
    };
    static const enum sp_check_kind kinds[] = {[CONFLICT_OVERLAP] = SP_CHECK_OVERLAP,
                                               [CONFLICT_EXCEPTION] = SP_CHECK_HOLE,
                                               [CONFLICT_HOLE] = SP_CHECK_HOLE,
                                               [CONFLICT_MIRROR] = SP_CHECK_MIRROR};
    struct sp_check_finding finding = {
        .kind = kinds[rival->conflict],
        .is_note = rival->conflict == CONFLICT_OVERLAP || rival->conflict == CONFLICT_EXCEPTION,
        .rule = analysis->rule,
        .other_rule = rival->rule,
    };
    char place[256];
    place_text(analysis, rival->rule, place, sizeof place);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(finding.text, sizeof finding.text, texts[rival->conflict], place);
#pragma GCC diagnostic pop
    set_example(&finding, &rival->box, rival->direction);
    return sp_check_add(analysis->check, &finding);
}

/* No other rule takes anything from it, and still it decides nothing: ICMP of the other address family. */
static enum sp_status report_unsent(struct analysis *analysis)
{
    struct sp_check_finding finding = {
        .kind = SP_CHECK_UNREACHABLE, .rule = analysis->rule, .other_rule = SP_NO_RULE};
    snprintf(finding.text, sizeof finding.text,
             "never decides: no host sends such packets, for ICMP is IPv4's and ICMPv6 is IPv6's");
    return sp_check_add(analysis->check, &finding);
}

/* The rule decides nothing in the direction in which it is written. */
static enum sp_status report_dead(struct analysis *analysis, bool mirror_is_alive)
{
    const enum sp_direction direction = analysis->policy->rules[analysis->rule].direction;
    const bool by_one = analysis->rival_count == 1;
    struct sp_check_finding finding = {
        .kind = by_one ? SP_CHECK_SHADOWED : SP_CHECK_UNREACHABLE,
        .rule = analysis->rule,
        .other_rule = analysis->rivals[0].rule,
    };
    char first[256], second[256] = "";
    place_text(analysis, analysis->rivals[0].rule, first, sizeof first);
    if (!by_one)
        place_text(analysis, analysis->rivals[1].rule, second, sizeof second);
    snprintf(finding.text, sizeof finding.text, "never decides%s: %s%s%s%s",
             mirror_is_alive ? " as it is written, though its mirror does" : "", first, by_one ? "" : ", ",
             second,
             by_one                      ? " takes all its packets"
             : analysis->rival_count > 2 ? " and others take all its packets"
                                         : " take all its packets");
    set_example(&finding, box_of(analysis, analysis->rule, direction, 0), direction);
    return sp_check_add(analysis->check, &finding);
}

static enum sp_status report_leak(struct analysis *analysis, const struct sp_box *box)
{
    struct sp_check_finding finding = {
        .kind = SP_CHECK_HOLE, .rule = analysis->rule, .other_rule = SP_NO_RULE};
    snprintf(finding.text, sizeof finding.text,
             "the same service leaves in clear by default from or to addresses that this rule does not name");
    set_example(&finding, box, SP_OUTBOUND);
    return sp_check_add(analysis->check, &finding);
}

/* Does the default let a packet of query out in clear? Reports it once. */
static enum sp_status look_for_leak(struct analysis *analysis, const struct sp_box *query, bool *is_reported)
{
    struct sp_box leak;
    bool found;
    if (*is_reported)
        return SP_OK;
    enum sp_status status = find_decided(analysis, SP_OUTBOUND, query, SP_NO_RULE, &found, &leak);
    if (status != SP_OK || !found)
        return status;
    *is_reported = true;
    return report_leak(analysis, &leak);
}

/* The service of box from this host's other addresses, and, when the rule means every address of a family, in
 * the other family too. */
static enum sp_status look_around_box(struct analysis *analysis, const struct sp_box *box, bool *is_reported)
{
    const struct sp_me *me = analysis->me;
    const bool is_to_all = sp_box_is_open(box, SP_DESTINATION);
    struct sp_box query = sp_box_everything(box->family == 4 ? 6 : 4);
    for (int d = SP_PROTOCOL; d < SP_DIMENSIONS; d++) {
        query.first[d] = box->first[d];
        query.last[d] = box->last[d];
    }
    if (me->unknown)
        return is_to_all ? look_for_leak(analysis, &query, is_reported) : SP_OK;

    enum sp_status status = SP_OK;
    for (uint32_t i = 0; i < me->count && status == SP_OK; i++) {
        const bool is_same = me->addresses[i].family == box->family;
        struct sp_box mine = is_same ? *box : query;
        mine.first[SP_SOURCE] = mine.last[SP_SOURCE] = sp_box_number(&me->addresses[i]);
        if (is_same || is_to_all)
            status = look_for_leak(analysis, &mine, is_reported);
    }
    return status;
}

static enum sp_status look_for_leaks(struct analysis *analysis)
{
    enum sp_status status = SP_OK;
    bool is_reported = false;
    if (analysis->meaning.action != SP_ACTION_PROTECT || !analysis->is_alive[SP_OUTBOUND] ||
        analysis->policy->fallback != SP_ACTION_BYPASS)
        return SP_OK;
    for (size_t i = 0; i < boxes_of(analysis, analysis->rule, SP_OUTBOUND) && status == SP_OK; i++) {
        struct sp_box service = *box_of(analysis, analysis->rule, SP_OUTBOUND, i);
        sp_box_as_service(&service);
        status = look_around_box(analysis, &service, &is_reported);
    }
    return status;
}

static enum sp_status look_at_direction(struct analysis *analysis, enum sp_direction direction)
{
    enum sp_status status = SP_OK;
    const size_t count = boxes_of(analysis, analysis->rule, direction);
    for (size_t i = 0; i < count && status == SP_OK; i++)
        status = look_at_box(analysis, direction, box_of(analysis, analysis->rule, direction, i));
    return status;
}

static enum sp_status look_at_rule(struct analysis *analysis, uint32_t rule)
{
    const enum sp_direction written = analysis->policy->rules[rule].direction;
    analysis->rule = rule;
    analysis->meaning = sp_meaning_of(analysis->policy, rule);
    analysis->is_alive[0] = analysis->is_alive[1] = false;
    analysis->rival_count = 0;
    enum sp_status status = look_at_direction(analysis, written);
    const size_t rivals_as_written = analysis->rival_count;
    if (status == SP_OK)
        status = look_at_direction(analysis, other_way(written));
    if (status != SP_OK)
        return status;
    if (boxes_of(analysis, rule, written) > 0 && !analysis->is_alive[written]) {
        analysis->rival_count = rivals_as_written;
        if (rivals_as_written == 0)
            return report_unsent(analysis);
        return report_dead(analysis, analysis->is_alive[other_way(written)]);
    }
    for (size_t i = 0; i < analysis->rival_count && status == SP_OK; i++) {
        if (analysis->rivals[i].conflict != CONFLICT_NONE)
            status = report_rival(analysis, &analysis->rivals[i]);
    }
    return status == SP_OK ? look_for_leaks(analysis) : status;
}

/* Over the preset that legacy peers keep. A byte limit as tight as SP 800-67 revision 2 wants it makes up for
 * a missing limit of time. */
static bool lives_too_long(const struct sp_lifetime *lifetime)
{
    struct sp_lifetime w2k, nist;
    if (sp_lifetime_preset("w2k", &w2k) != SP_OK || sp_lifetime_preset("nist-r2", &nist) != SP_OK)
        return false;
    if (lifetime->hard_bytes == 0 || lifetime->hard_bytes > w2k.hard_bytes)
        return true;
    const bool is_long = lifetime->hard_seconds == 0 || lifetime->hard_seconds > w2k.hard_seconds;
    return is_long && lifetime->hard_bytes > nist.hard_bytes;
}

static enum sp_status look_at_action(struct analysis *analysis, uint32_t index)
{
    const struct sp_policy *policy = analysis->policy;
    const struct sp_action_info *action = &policy->actions[index];
    uint32_t user = 0;
    while (user < policy->rule_count && policy->rules[user].action_index != index)
        user++;
    const bool is_used = user < policy->rule_count;
    struct sp_check_finding finding = {
        .kind = is_used ? SP_CHECK_LIFETIME : SP_CHECK_UNUSED,
        .rule = is_used ? user : SP_NO_RULE,
        .other_rule = SP_NO_RULE,
    };
    if (is_used && !lives_too_long(&action->lifetime))
        return SP_OK;
    if (is_used)
        snprintf(finding.text, sizeof finding.text,
                 "keys of action \"%s\" may be used longer than those of the preset w2k: 100,000 KB and an "
                 "hour",
                 action->name);
    else
        snprintf(finding.text, sizeof finding.text, "no rule uses the action \"%s\"", action->name);
    return sp_check_add(analysis->check, &finding);
}

static int by_rule(const void *left_pointer, const void *right_pointer)
{
    const struct sp_check_finding *left = left_pointer, *right = right_pointer;
    if (left->rule != right->rule)
        return left->rule < right->rule ? -1 : 1;
    return (left->kind > right->kind) - (left->kind < right->kind);
}

static enum sp_status analyse(struct analysis *analysis)
{
    enum sp_status status = SP_OK;
    for (int direction = SP_OUTBOUND; direction <= SP_INBOUND && status == SP_OK; direction++) {
        status = sp_sieve_create(&analysis->sieves[direction], analysis->policy, (enum sp_direction)direction,
                                 analysis->me);
        if (status == SP_OK)
            status = sort_boxes(analysis, direction);
    }
    for (uint32_t rule = 0; rule < analysis->policy->rule_count && status == SP_OK; rule++)
        status = look_at_rule(analysis, rule);
    for (uint32_t action = 0; action < analysis->policy->action_count && status == SP_OK; action++)
        status = look_at_action(analysis, action);
    if (status == SP_OK && analysis->check->count > 0)
        qsort(analysis->check->findings, analysis->check->count, sizeof *analysis->check->findings, by_rule);
    return status;
}

enum sp_status sp_policy_check(const struct sp_policy *policy, const struct sp_me *me,
                               struct sp_check **ret_check)
{
    SP_REQUIRE(policy != NULL && me != NULL && ret_check != NULL);
    struct sp_check *check = calloc(1, sizeof *check);
    if (check == NULL)
        return SP_ERR_MEMORY;
    struct analysis analysis = {.policy = policy, .me = me, .check = check};
    enum sp_status status = analyse(&analysis);
    for (int direction = SP_OUTBOUND; direction <= SP_INBOUND; direction++) {
        sp_sieve_free(&analysis.sieves[direction]);
        free(analysis.starts[direction]);
        free(analysis.sorted[direction]);
    }
    free(analysis.rivals);
    if (status == SP_OK)
        *ret_check = check;
    else
        sp_check_destroy(&check);
    return status;
}
