/* SPDX-License-Identifier: ISC
 *
 * What is wrong with one policy although its text is right.
 *
 * First each box is asked whether it decides any packet at all. Then each rule is held against those in front
 * of it that meet it and say otherwise: is there a packet that both match and that the other one decides?
 * Such pairs are found through a tree of boxes, and each question is a search for one packet, so a policy of
 * n rules of which each meets few others costs about n log n, and no more memory than its boxes; dividing
 * each rule among all others would need n^2 looks, and, for a rule that is as wide as everything, a piece for
 * every hole that the others leave in it. Nothing is sampled: a search that finds no packet has seen that
 * there is none.
 *
 * The anomalies are those of Al-Shaer and Hamed (2004), as far as they hurt: a narrow rule before a wide one
 * is how people write exceptions, and is no finding.
 */
#include "policy/analysis.h"

#include "core/misuse.h"
#include "policy/model.h"

#include <stdlib.h>
#include <string.h>

static enum sp_direction other_way(enum sp_direction direction)
{
    return direction == SP_OUTBOUND ? SP_INBOUND : SP_OUTBOUND;
}

static enum sp_status add(struct sp_analysis *analysis, struct sp_check_finding *finding)
{
    if (finding->rule != SP_NO_RULE) {
        finding->file = analysis->policy->rules[finding->rule].file;
        finding->line = analysis->policy->rules[finding->rule].line;
    }
    return sp_check_add(analysis->check, finding);
}

static void place_text(const struct sp_analysis *analysis, uint32_t rule, char *text, size_t size_bytes)
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

static enum sp_status report_rival(struct sp_analysis *analysis, const struct sp_rival *rival)
{
    static const char *const texts[] = {
        [SP_CONFLICT_OVERLAP] = "%s comes first for packets that both match, and says otherwise",
        [SP_CONFLICT_EXCEPTION] =
            "%s makes an exception, in both directions: it leaves in clear what this rule "
            "would protect",
        [SP_CONFLICT_HOLE] =
            "%s comes first, is not just an exception from this rule, and lets packets of the "
            "same service go in clear",
        [SP_CONFLICT_MIRROR] =
            "%s comes first and does otherwise with one direction of conversations of which "
            "this rule protects the other",
    };
    static const enum sp_check_kind kinds[] = {[SP_CONFLICT_OVERLAP] = SP_CHECK_OVERLAP,
                                               [SP_CONFLICT_EXCEPTION] = SP_CHECK_HOLE,
                                               [SP_CONFLICT_HOLE] = SP_CHECK_HOLE,
                                               [SP_CONFLICT_MIRROR] = SP_CHECK_MIRROR};
    struct sp_check_finding finding = {
        .kind = kinds[rival->conflict],
        .is_note = rival->conflict == SP_CONFLICT_OVERLAP || rival->conflict == SP_CONFLICT_EXCEPTION,
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
    return add(analysis, &finding);
}

/* No other rule takes anything from it, and still it decides nothing: ICMP of the other address family. */
static enum sp_status report_unsent(struct sp_analysis *analysis)
{
    struct sp_check_finding finding = {
        .kind = SP_CHECK_UNREACHABLE, .rule = analysis->rule, .other_rule = SP_NO_RULE};
    snprintf(finding.text, sizeof finding.text,
             "never decides: no host sends such packets, for ICMP is IPv4's and ICMPv6 is IPv6's");
    return add(analysis, &finding);
}

/* The rule decides nothing in the direction in which it is written. */
static enum sp_status report_dead(struct sp_analysis *analysis, bool mirror_is_alive)
{
    const enum sp_direction direction = analysis->policy->rules[analysis->rule].direction;
    const uint32_t first_place = analysis->spans[direction][analysis->rule].start;
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
    set_example(&finding, &sp_analysis_box(analysis, direction, first_place)->box, direction);
    return add(analysis, &finding);
}

static enum sp_status report_leak(struct sp_analysis *analysis, const struct sp_box *box)
{
    struct sp_check_finding finding = {
        .kind = SP_CHECK_HOLE, .rule = analysis->rule, .other_rule = SP_NO_RULE};
    snprintf(finding.text, sizeof finding.text,
             "the same service leaves in clear by default from or to addresses that this rule does not name");
    set_example(&finding, box, SP_OUTBOUND);
    return add(analysis, &finding);
}

/* Does the default let a packet of query out in clear? Reports it once. */
static enum sp_status look_for_leak(struct sp_analysis *analysis, const struct sp_box *query,
                                    bool *is_reported)
{
    struct sp_box leak;
    bool found;
    if (*is_reported)
        return SP_OK;
    enum sp_status status =
        sp_analysis_find_left(analysis, SP_OUTBOUND, query, SP_BOX_NOWHERE, &found, &leak);
    if (status != SP_OK || !found)
        return status;
    *is_reported = true;
    return report_leak(analysis, &leak);
}

/* The service of box from this host's other addresses, and, when the rule means every address of a family, in
 * the other family too. */
static enum sp_status look_around_box(struct sp_analysis *analysis, const struct sp_box *box,
                                      bool *is_reported)
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

static enum sp_status look_for_leaks(struct sp_analysis *analysis)
{
    const struct sp_span span = analysis->spans[SP_OUTBOUND][analysis->rule];
    enum sp_status status = SP_OK;
    bool is_reported = false;
    if (analysis->policy->rules[analysis->rule].action != SP_ACTION_PROTECT ||
        analysis->policy->fallback != SP_ACTION_BYPASS ||
        !sp_analysis_is_alive(analysis, analysis->rule, SP_OUTBOUND))
        return SP_OK;
    for (uint32_t i = 0; i < span.count && status == SP_OK; i++) {
        struct sp_box service = sp_analysis_box(analysis, SP_OUTBOUND, span.start + i)->box;
        sp_box_as_service(&service);
        status = look_around_box(analysis, &service, &is_reported);
    }
    return status;
}

/* The rule decides nothing in the direction in which it is written. */
static enum sp_status look_at_dead_rule(struct sp_analysis *analysis, enum sp_direction written)
{
    const enum sp_status status = sp_rivals_find_takers(analysis, written);
    if (status != SP_OK)
        return status;
    if (analysis->rival_count == 0)
        return report_unsent(analysis);
    return report_dead(analysis, sp_analysis_is_alive(analysis, analysis->rule, other_way(written)));
}

static enum sp_status look_at_rule(struct sp_analysis *analysis, uint32_t rule)
{
    const enum sp_direction written = analysis->policy->rules[rule].direction;
    sp_rivals_start(analysis, rule);
    if (analysis->spans[written][rule].count > 0 && !sp_analysis_is_alive(analysis, rule, written))
        return look_at_dead_rule(analysis, written);
    enum sp_status status = sp_rivals_find(analysis);
    for (size_t i = 0; i < analysis->rival_count && status == SP_OK; i++) {
        if (analysis->rivals[i].conflict != SP_CONFLICT_NONE)
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

static enum sp_status look_at_action(struct sp_analysis *analysis, uint32_t index, uint32_t user)
{
    const struct sp_action_info *action = &analysis->policy->actions[index];
    const bool is_used = user != SP_NO_RULE;
    struct sp_check_finding finding = {
        .kind = is_used ? SP_CHECK_LIFETIME : SP_CHECK_UNUSED,
        .rule = user,
        .other_rule = SP_NO_RULE,
        .file = action->file,
        .line = action->line,
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
    return add(analysis, &finding);
}

static enum sp_status look_at_actions(struct sp_analysis *analysis)
{
    const struct sp_policy *policy = analysis->policy;
    enum sp_status status = SP_OK;
    uint32_t *users = malloc(((size_t)policy->action_count + 1) * sizeof *users); /* the first rule of each */
    if (users == NULL)
        return SP_ERR_MEMORY;
    memset(users, 0xff, policy->action_count * sizeof *users); /* SP_NO_RULE */
    for (uint32_t rule = policy->rule_count; rule-- > 0;) {
        if (policy->rules[rule].action == SP_ACTION_PROTECT)
            users[policy->rules[rule].action_index] = rule;
    }
    for (uint32_t i = 0; i < policy->action_count && status == SP_OK; i++)
        status = look_at_action(analysis, i, users[i]);
    free(users);
    return status;
}

static int by_rule(const void *left_pointer, const void *right_pointer)
{
    const struct sp_check_finding *left = left_pointer, *right = right_pointer;
    if (left->rule != right->rule)
        return left->rule < right->rule ? -1 : 1;
    return (left->kind > right->kind) - (left->kind < right->kind);
}

static enum sp_status analyse(struct sp_analysis *analysis)
{
    struct sp_check *check = analysis->check;
    enum sp_status status = sp_analysis_prepare(analysis);
    for (uint32_t rule = 0; rule < analysis->policy->rule_count && status == SP_OK; rule++)
        status = look_at_rule(analysis, rule);
    if (status == SP_OK)
        status = look_at_actions(analysis);
    if (status == SP_OK && check->count > 0)
        qsort(check->findings, check->count, sizeof *check->findings, by_rule);
    return status;
}

enum sp_status sp_policy_check(const struct sp_policy *policy, const struct sp_me *me,
                               struct sp_check **ret_check)
{
    SP_REQUIRE(policy != NULL && me != NULL && ret_check != NULL);
    struct sp_check *check = calloc(1, sizeof *check);
    if (check == NULL)
        return SP_ERR_MEMORY;
    struct sp_analysis analysis = {.policy = policy, .me = me, .check = check};
    enum sp_status status = analyse(&analysis);
    sp_analysis_free(&analysis);
    if (status == SP_OK)
        *ret_check = check;
    else
        sp_check_destroy(&check);
    return status;
}
