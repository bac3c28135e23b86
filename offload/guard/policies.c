/* SPDX-License-Identifier: ISC
 *
 * First what leaves by the device, or not at all (our own addresses); then ICMP that the kernel makes itself
 * and looks up without waiting (icmp_route_lookup and its IPv6 sister), which would be dropped rather than
 * steered; then the policy's outbound areas in their order, and before the default that blocks what came out
 * of tunnels and goes on.
 */
#include "guard/policies.h"

#include "kernel/selector.h"
#include "kernel/suite.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define GUARD_REQID 0x54000000u

struct maker {
    const struct sp_offload_guard *guard;
    uint64_t total;
    bool holds_any, holds_icmp;
    struct sp_xfrm_policy like;
    uint32_t priority;
    struct sp_kernel_policies made;
};

/* Errors; and for IPv6 echo replies, multicast listener discovery and neighbour discovery. */
static const struct exception {
    uint8_t family, protocol, type_first, type_last;
} exceptions[] = {
    {4, IPPROTO_ICMP, 3, 3},       {4, IPPROTO_ICMP, 11, 12},     {6, IPPROTO_ICMPV6, 1, 4},
    {6, IPPROTO_ICMPV6, 129, 137}, {6, IPPROTO_ICMPV6, 143, 143},
};
#define EXCEPTION_COUNT (sizeof exceptions / sizeof *exceptions)
/* A range of types makes at most four masked ports; two families each of device and default. */
#define FIXED_MAX (4 * EXCEPTION_COUNT + 5)

static enum sp_action action_of(const struct sp_policy *policy, uint32_t index)
{
    struct sp_rule_info rule = {.action = SP_ACTION_BLOCK};

    (void)!sp_policy_rule(policy, index, &rule);
    return rule.action;
}

static void count_area(const struct sp_area *area, uint32_t rule, void *context)
{
    struct maker *maker = context;
    const uint8_t icmp = area->source.first.family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

    maker->total += sp_kernel_selector_count(area);
    if (action_of(maker->guard->policy, rule) == SP_ACTION_BYPASS)
        return;
    maker->holds_any = true;
    maker->holds_icmp |= area->protocol_first <= icmp && icmp <= area->protocol_last;
}

static void add_policy(const struct sp_xfrm_selector *selector, void *context)
{
    struct maker *maker = context;
    struct sp_xfrm_policy *policy = &maker->made.policies[maker->made.count++];

    *policy = maker->like;
    policy->selector = *selector;
    policy->priority = maker->priority++;
}

static void prepare(struct maker *maker)
{
    maker->like = (struct sp_xfrm_policy){
        .limits = {.soft_bytes = UINT64_MAX,
                   .hard_bytes = UINT64_MAX,
                   .soft_packets = UINT64_MAX,
                   .hard_packets = UINT64_MAX},
        .direction = XFRM_POLICY_OUT,
        .action = XFRM_POLICY_ALLOW,
    };
}

static void prepare_to_hold(struct maker *maker, uint8_t family)
{
    prepare(maker);
    maker->like.templates[0] = sp_kernel_template(family, GUARD_REQID);
    maker->like.template_count = 1;
}

static void make_area(const struct sp_area *area, uint32_t rule, void *context)
{
    struct maker *maker = context;

    /* protocol 0, which to a kernel is every protocol */
    if (sp_kernel_selector_count(area) == SP_KERNEL_SELECTORS_NONE)
        return;
    if (action_of(maker->guard->policy, rule) == SP_ACTION_BYPASS)
        prepare(maker);
    else
        prepare_to_hold(maker, area->source.first.family);
    sp_kernel_selector_visit(area, add_policy, maker);
}

/* IPv6 asks its policies also about what goes to the host itself. */
static void make_own_addresses(struct maker *maker)
{
    const struct sp_me *me = &maker->guard->me;
    const struct sp_address loopback = {.family = 6, .bytes = {[15] = 1}};

    prepare(maker);
    for (uint32_t i = 0; i <= me->count; i++) {
        const struct sp_address *own = i < me->count ? &me->addresses[i] : &loopback;
        struct sp_area area = sp_kernel_everything(own->family);
        area.destination = (struct sp_address_range){*own, *own};
        sp_kernel_selector_visit(&area, add_policy, maker);
    }
}

static void make_exceptions(struct maker *maker)
{
    static const uint8_t families[] = {4, 6};

    prepare(maker);
    for (size_t i = 0; maker->guard->device != 0 && i < sizeof families; i++) {
        struct sp_xfrm_selector by_device = {.family = families[i],
                                             .source = {.family = families[i]},
                                             .destination = {.family = families[i]},
                                             .interface = (int32_t)maker->guard->device};
        add_policy(&by_device, maker);
    }
    make_own_addresses(maker);
    for (size_t i = 0; maker->holds_icmp && i < EXCEPTION_COUNT; i++) {
        struct sp_area area = sp_kernel_everything(exceptions[i].family);
        area.protocol_first = area.protocol_last = exceptions[i].protocol;
        area.source_ports = (struct sp_port_range){exceptions[i].type_first, exceptions[i].type_last};
        sp_kernel_selector_visit(&area, add_policy, maker);
    }
}

static bool is_tunnel_rule(const struct sp_policy *policy, uint32_t index)
{
    struct sp_rule_info rule;
    struct sp_action_info action;

    return sp_policy_rule(policy, index, &rule) == SP_OK && rule.action == SP_ACTION_PROTECT &&
           sp_policy_action(policy, rule.action_index, &action) == SP_OK && action.mode == SP_MODE_TUNNEL;
}

/* Inbound areas of tunnels: what came out of one may go on to the hosts behind this gateway. */
static void count_opened(const struct sp_area *area, uint32_t rule, void *context)
{
    struct maker *maker = context;

    if (is_tunnel_rule(maker->guard->policy, rule))
        maker->total += sp_kernel_selector_count(area);
}

static void make_opened(const struct sp_area *area, uint32_t rule, void *context)
{
    struct maker *maker = context;

    if (!is_tunnel_rule(maker->guard->policy, rule) ||
        sp_kernel_selector_count(area) == SP_KERNEL_SELECTORS_NONE)
        return;
    prepare(maker);
    sp_kernel_selector_visit(area, add_policy, maker);
}

static void make_default(struct maker *maker)
{
    static const uint8_t families[] = {4, 6};

    for (size_t i = 0; i < sizeof families; i++) {
        const struct sp_area area = sp_kernel_everything(families[i]);
        prepare_to_hold(maker, families[i]);
        sp_kernel_selector_visit(&area, add_policy, maker);
    }
}

static enum sp_status refuse(const struct maker *maker, struct sp_report *report)
{
    struct sp_error error = {.code = SP_ERR_LIMIT, .width = 1};

    (void)snprintf(error.text, sizeof error.text,
                   "it would be %llu kernel policies, of which there may be %u",
                   (unsigned long long)maker->total, SP_OFFLOAD_GUARD_POLICIES_MAX);
    sp_report_add(report, &error);
    return SP_ERR_LIMIT;
}

static enum sp_status make_all(struct maker *maker)
{
    const struct sp_policy *policy = maker->guard->policy;

    maker->made.policies =
        calloc(maker->total + maker->guard->me.count + FIXED_MAX, sizeof *maker->made.policies);
    if (maker->made.policies == NULL)
        return SP_ERR_MEMORY;
    maker->priority = SP_KERNEL_PRIORITY_FIRST;
    make_exceptions(maker);
    enum sp_status status = sp_policy_visit_areas(policy, SP_OUTBOUND, &maker->guard->me, make_area, maker);
    if (status == SP_OK && sp_policy_default(policy) == SP_ACTION_BLOCK) {
        status = sp_policy_visit_areas(policy, SP_INBOUND, &maker->guard->me, make_opened, maker);
        make_default(maker);
    }
    if (status != SP_OK)
        sp_kernel_policies_free(&maker->made);
    return status;
}

enum sp_status sp_guard_policies_make(const struct sp_offload_guard *guard, struct sp_report *report,
                                      struct sp_kernel_policies *ret_policies)
{
    struct maker maker = {.guard = guard};
    const bool blocks_rest = sp_policy_default(guard->policy) == SP_ACTION_BLOCK;
    enum sp_status status = sp_policy_visit_areas(guard->policy, SP_OUTBOUND, &guard->me, count_area, &maker);

    if (status == SP_OK && blocks_rest)
        status = sp_policy_visit_areas(guard->policy, SP_INBOUND, &guard->me, count_opened, &maker);
    if (status != SP_OK)
        return status;
    maker.holds_icmp |= blocks_rest;
    if (maker.holds_any || blocks_rest) {
        if (maker.total > SP_OFFLOAD_GUARD_POLICIES_MAX)
            return refuse(&maker, report);
        status = make_all(&maker);
    }
    if (status == SP_OK)
        *ret_policies = maker.made;
    return status;
}
