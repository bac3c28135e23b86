/* SPDX-License-Identifier: ISC
 *
 * Rules as kernel policies: counted first, so that a rule that falls into too many pieces is refused with its
 * number before any memory is spent on it.
 */
#include "kernel/policies.h"

#include "kernel/selector.h"
#include "kernel/suite.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static const struct kernel_direction {
    uint8_t direction;
    enum sp_direction ours;
} directions[] = {
    {XFRM_POLICY_OUT, SP_OUTBOUND},
    {XFRM_POLICY_IN, SP_INBOUND},
    {XFRM_POLICY_FWD, SP_INBOUND},
};
#define DIRECTION_COUNT (sizeof directions / sizeof *directions)

struct maker {
    const struct sp_policy *policy;
    const struct sp_me *me;
    uint64_t *rule_policies;
    uint64_t total;
    uint32_t untold_rule; /* SP_NO_RULE: none */
    bool concerns_ipv6[DIRECTION_COUNT], concerns_discovery[DIRECTION_COUNT];
    size_t at; /* of directions */
    uint32_t priority;
    struct sp_xfrm_policy like; /* what the next policies have in common */
    struct sp_kernel_policies made;
};

/* ---- counting ------------------------------------------------------------------------------------------ */

static bool is_same_address(const struct sp_address *left, const struct sp_address *right)
{
    return left->family == right->family && memcmp(left->bytes, right->bytes, sizeof left->bytes) == 0;
}

static bool is_one_of_mine(const struct sp_address_range *range, const struct sp_me *me)
{
    if (!is_same_address(&range->first, &range->last))
        return false;
    for (uint32_t i = 0; i < me->count; i++)
        if (is_same_address(&range->first, &me->addresses[i]))
            return true;
    return false;
}

/* What is for an address of ours is never passed on. */
static bool is_left_out(const struct maker *maker, const struct sp_area *area)
{
    return directions[maker->at].direction == XFRM_POLICY_FWD &&
           is_one_of_mine(&area->destination, maker->me);
}

static enum sp_action action_of(const struct sp_policy *policy, uint32_t index,
                                struct sp_action_info *ret_action)
{
    struct sp_rule_info rule = {.action = SP_ACTION_BLOCK};

    if (sp_policy_rule(policy, index, &rule) == SP_OK && rule.action == SP_ACTION_PROTECT &&
        sp_policy_action(policy, rule.action_index, ret_action) != SP_OK)
        return SP_ACTION_BLOCK;
    return rule.action;
}

static void count_area(const struct sp_area *area, uint32_t rule, void *context)
{
    struct maker *maker = context;
    struct sp_action_info action;

    if (is_left_out(maker, area))
        return;
    uint64_t count = sp_kernel_selector_count(area);
    if (count == SP_KERNEL_SELECTORS_NONE)
        maker->untold_rule = rule;
    maker->rule_policies[rule] += count;
    maker->total += count;
    if (area->source.first.family == 4 || action_of(maker->policy, rule, &action) == SP_ACTION_BYPASS)
        return;
    maker->concerns_ipv6[maker->at] = true;
    if (area->protocol_first <= IPPROTO_ICMPV6 && IPPROTO_ICMPV6 <= area->protocol_last)
        maker->concerns_discovery[maker->at] = true;
}

static void complain(struct maker *maker, uint32_t index, struct sp_error *error, struct sp_report *report)
{
    struct sp_rule_info rule;

    if (sp_policy_rule(maker->policy, index, &rule) == SP_OK) {
        (void)snprintf(error->file, sizeof error->file, "%s", rule.file);
        error->line = rule.line;
    }
    error->width = 1;
    sp_report_add(report, error);
}

/* The first rule whose suite the kernel isn't given, or SP_NO_RULE. */
static uint32_t find_other_suite(const struct sp_policy *policy)
{
    for (uint32_t i = 0; i < sp_policy_rule_count(policy); i++) {
        struct sp_action_info action;
        if (action_of(policy, i, &action) == SP_ACTION_PROTECT &&
            !sp_kernel_suite_is_there(&(struct sp_kernel_suite){
                action.encryption, action.integrity, action.is_encapsulated, action.has_esn, action.mode}))
            return i;
    }
    return SP_NO_RULE;
}

static enum sp_status judge(struct maker *maker, struct sp_report *report)
{
    struct sp_error error = {.code = SP_ERR_UNSUPPORTED};
    const uint32_t other_suite = find_other_suite(maker->policy);

    if (other_suite != SP_NO_RULE) {
        (void)snprintf(error.text, sizeof error.text,
                       "its algorithms are for the user backend only: write others, or run the policy in "
                       "user space");
        complain(maker, other_suite, &error, report);
        return error.code;
    }
    if (maker->untold_rule != SP_NO_RULE) {
        (void)snprintf(error.text, sizeof error.text,
                       "a kernel can't be told about protocol 0, which to it means every protocol: leave the "
                       "rule out, or run the policy in user space");
        complain(maker, maker->untold_rule, &error, report);
        return error.code;
    }
    if (maker->total <= SP_OFFLOAD_POLICIES_MAX)
        return SP_OK;
    uint32_t worst = 0;
    for (uint32_t i = 1; i < sp_policy_rule_count(maker->policy); i++)
        if (maker->rule_policies[i] > maker->rule_policies[worst])
            worst = i;
    error.code = SP_ERR_LIMIT;
    (void)snprintf(error.text, sizeof error.text,
                   "this rule becomes %llu kernel policies, and all rules together %llu: a kernel gets at "
                   "most %u. Write its ranges as prefixes, or run the policy in user space",
                   (unsigned long long)maker->rule_policies[worst], (unsigned long long)maker->total,
                   SP_OFFLOAD_POLICIES_MAX);
    complain(maker, worst, &error, report);
    return error.code;
}

static enum sp_status count_all(struct maker *maker)
{
    for (maker->at = 0; maker->at < DIRECTION_COUNT; maker->at++) {
        enum sp_status status =
            sp_policy_visit_areas(maker->policy, directions[maker->at].ours, maker->me, count_area, maker);
        if (status != SP_OK)
            return status;
        if (sp_policy_default(maker->policy) == SP_ACTION_BLOCK)
            maker->concerns_ipv6[maker->at] = maker->concerns_discovery[maker->at] = true;
    }
    return SP_OK;
}

/* ---- making -------------------------------------------------------------------------------------------- */

static void add_policy(const struct sp_xfrm_selector *selector, void *context)
{
    struct maker *maker = context;
    struct sp_xfrm_policy *policy = &maker->made.policies[maker->made.count++];

    *policy = maker->like;
    policy->selector = *selector;
    policy->priority = maker->priority++;
}

static void prepare(struct maker *maker, uint8_t action)
{
    maker->like = (struct sp_xfrm_policy){
        .limits = {.soft_bytes = UINT64_MAX,
                   .hard_bytes = UINT64_MAX,
                   .soft_packets = UINT64_MAX,
                   .hard_packets = UINT64_MAX},
        .direction = directions[maker->at].direction,
        .action = action,
    };
}

static void ask_for_esp(struct maker *maker, uint8_t family, const struct sp_action_info *action)
{
    const struct sp_kernel_suite suite = {action->encryption, action->integrity, action->is_encapsulated,
                                          action->has_esn, action->mode};

    const uint32_t reqid = sp_kernel_suite_reqid(&suite);
    const bool is_out = directions[maker->at].direction == XFRM_POLICY_OUT;
    const struct sp_address *here = &action->tunnel_from, *there = &action->tunnel_to;

    maker->like.templates[0] =
        action->mode == SP_MODE_TUNNEL
            ? sp_kernel_tunnel_template(is_out ? here : there, is_out ? there : here, reqid)
            : sp_kernel_template(family, reqid);
    maker->like.template_count = 1;
}

static void make_area(const struct sp_area *area, uint32_t rule, void *context)
{
    struct maker *maker = context;
    struct sp_action_info how;

    if (is_left_out(maker, area))
        return;
    enum sp_action action = action_of(maker->policy, rule, &how);
    prepare(maker, action == SP_ACTION_BLOCK ? XFRM_POLICY_BLOCK : XFRM_POLICY_ALLOW);
    if (action == SP_ACTION_PROTECT)
        ask_for_esp(maker, area->source.first.family, &how);
    sp_kernel_selector_visit(area, add_policy, maker);
}

/* Neighbour discovery (RFC 4861: ICMPv6 types 133 to 137), without which no peer is found, and ::1, which no
 * wire may bring. */
#define EXCEPTIONS_MAX 8u
static void make_exceptions(struct maker *maker)
{
    struct sp_area discovery = sp_kernel_everything(6), loopback = sp_kernel_everything(6);
    const struct sp_address one = {.family = 6, .bytes = {[15] = 1}};

    if (!maker->concerns_ipv6[maker->at] || directions[maker->at].direction == XFRM_POLICY_FWD)
        return;
    discovery.protocol_first = discovery.protocol_last = IPPROTO_ICMPV6;
    discovery.source_ports = (struct sp_port_range){133, 137};
    loopback.source = loopback.destination = (struct sp_address_range){one, one};
    prepare(maker, XFRM_POLICY_ALLOW);
    sp_kernel_selector_visit(&loopback, add_policy, maker);
    if (maker->concerns_discovery[maker->at])
        sp_kernel_selector_visit(&discovery, add_policy, maker);
}

static void make_default(struct maker *maker)
{
    const struct sp_area areas[] = {sp_kernel_everything(4), sp_kernel_everything(6)};

    if (sp_policy_default(maker->policy) != SP_ACTION_BLOCK)
        return;
    prepare(maker, XFRM_POLICY_BLOCK);
    for (size_t i = 0; i < sizeof areas / sizeof *areas; i++)
        sp_kernel_selector_visit(&areas[i], add_policy, maker);
}

static enum sp_status make_all(struct maker *maker)
{
    enum sp_status status = SP_OK;

    maker->made.policies =
        calloc(maker->total + DIRECTION_COUNT * (EXCEPTIONS_MAX + 2), sizeof *maker->made.policies);
    if (maker->made.policies == NULL)
        return SP_ERR_MEMORY;
    for (maker->at = 0; maker->at < DIRECTION_COUNT && status == SP_OK; maker->at++) {
        maker->priority = SP_KERNEL_PRIORITY_FIRST;
        make_exceptions(maker);
        status =
            sp_policy_visit_areas(maker->policy, directions[maker->at].ours, maker->me, make_area, maker);
        make_default(maker);
    }
    return status;
}

enum sp_status sp_kernel_policies_make(const struct sp_policy *policy, const struct sp_me *me,
                                       uint64_t *rule_policies, struct sp_report *report,
                                       struct sp_kernel_policies *ret_policies)
{
    struct maker maker = {.policy = policy, .me = me, .untold_rule = SP_NO_RULE};
    const uint32_t rule_count = sp_policy_rule_count(policy);

    maker.rule_policies = calloc((size_t)rule_count + 1, sizeof *maker.rule_policies);
    if (maker.rule_policies == NULL)
        return SP_ERR_MEMORY;
    enum sp_status status = count_all(&maker);
    if (status == SP_OK)
        status = judge(&maker, report);
    if (status == SP_OK)
        status = make_all(&maker);
    if (status == SP_OK) {
        if (rule_policies != NULL)
            memcpy(rule_policies, maker.rule_policies, rule_count * sizeof *rule_policies);
        *ret_policies = maker.made;
    } else {
        free(maker.made.policies);
    }
    free(maker.rule_policies);
    return status;
}

void sp_kernel_policies_free(struct sp_kernel_policies *policies)
{
    free(policies->policies);
    *policies = (struct sp_kernel_policies){.policies = NULL};
}
