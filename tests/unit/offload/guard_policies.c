/* SPDX-License-Identifier: ISC
 *
 * The second guard's kernel policies against the policy itself: random packets are looked up in both.
 */
#include "guard/policies.h"

#include "kernel_match.h"

#include <criterion/criterion.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICE 7
#define ROUNDS 20000
#define HOSTS 6

static const char mixed[] = "action \"encrypt\" {\n"
                            "    esp 3des-cbc hmac-sha1-96\n"
                            "    lifetime w2k\n"
                            "    require\n"
                            "}\n"
                            "bypass out tcp from me to any port 443\n"
                            "protect out tcp from me to any port 80 with \"encrypt\" as \"web\"\n"
                            "protect in udp from any to me port 53-60 with \"encrypt\" as \"names\"\n"
                            "block out udp from me port 1000-1007 to any\n"
                            "bypass out udp from me to any\n";

static const char *mixed_text(const char *default_action)
{
    static char text[1024];

    snprintf(text, sizeof text, "%sdefault %s\n", mixed, default_action);
    return text;
}

static uint64_t state = 88172645463325252u;

static uint64_t draw(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

/* Hosts 1 and 2 are this one's. */
static struct sp_address host(uint8_t family, uint8_t number)
{
    struct sp_address address = {.family = family, .bytes = {192, 0, 2, number}};

    if (family == 6)
        address = (struct sp_address){.family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8, [15] = number}};
    return address;
}

struct guarded {
    struct sp_policy *policy;
    struct sp_address own[4];
    struct sp_offload_guard guard;
    struct sp_report *report;
    struct sp_kernel_policies made;
};

static enum sp_status make(struct guarded *guarded, const char *text, uint32_t device)
{
    *guarded = (struct guarded){.own = {host(4, 1), host(4, 2), host(6, 1), host(6, 2)}};
    cr_assert_eq(sp_report_create(&guarded->report), SP_OK);
    cr_assert_eq(sp_policy_parse(text, strlen(text), "test", &guarded->policy, guarded->report), SP_OK, );
    guarded->guard = (struct sp_offload_guard){
        .policy = guarded->policy,
        .me = {.addresses = guarded->own, .count = 4},
        .device = device,
    };
    return sp_guard_policies_make(&guarded->guard, guarded->report, &guarded->made);
}

static void unmake(struct guarded *guarded)
{
    sp_kernel_policies_free(&guarded->made);
    sp_policy_destroy(&guarded->policy);
    sp_report_destroy(&guarded->report);
}

static bool is_icmp(const struct sp_flow *flow)
{
    return flow->protocol == IPPROTO_ICMP || flow->protocol == IPPROTO_ICMPV6;
}

/* As the kernel compares them (xfrm_selector_match): an ICMP type and code stand for ports. */
static bool holds(const struct sp_xfrm_selector *selector, const struct sp_flow *flow, uint32_t device)
{
    const uint16_t from = is_icmp(flow) ? flow->icmp_type : flow->source_port;
    const uint16_t to = is_icmp(flow) ? flow->icmp_code : flow->destination_port;

    return selector->family == flow->source.family &&
           (selector->interface == 0 || selector->interface == (int32_t)device) &&
           (selector->protocol == 0 || selector->protocol == flow->protocol) &&
           holds_address(&selector->source, selector->source_prefix_bits, &flow->source) &&
           holds_address(&selector->destination, selector->destination_prefix_bits, &flow->destination) &&
           ((from ^ selector->source_port) & selector->source_port_mask) == 0 &&
           ((to ^ selector->destination_port) & selector->destination_port_mask) == 0;
}

static const struct sp_xfrm_policy *find(const struct guarded *guarded, const struct sp_flow *flow,
                                         uint32_t device)
{
    const struct sp_xfrm_policy *found = NULL;

    for (uint32_t i = 0; i < guarded->made.count; i++) {
        const struct sp_xfrm_policy *policy = &guarded->made.policies[i];
        if (holds(&policy->selector, flow, device) && (found == NULL || policy->priority < found->priority))
            found = policy;
    }
    return found;
}

/* May it leave by any device but the gate's? */
static bool may_leave(const struct guarded *guarded, const struct sp_flow *flow)
{
    const struct sp_xfrm_policy *policy = find(guarded, flow, DEVICE + 1);

    return policy == NULL || policy->template_count == 0;
}

static struct sp_flow draw_flow(void)
{
    static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_GRE};
    const uint8_t family = draw(2) ? 4 : 6;
    struct sp_flow flow = {.direction = SP_OUTBOUND,
                           .source = host(family, (uint8_t)(1 + draw(HOSTS))),
                           .destination = host(family, (uint8_t)(1 + draw(HOSTS))),
                           .protocol = protocols[draw(sizeof protocols)]};

    if (is_icmp(&flow)) {
        flow.has_icmp_type = true;
        flow.icmp_type = (uint8_t)draw(256);
        flow.icmp_code = (uint8_t)draw(3);
    } else if (flow.protocol != IPPROTO_GRE) {
        static const uint16_t ports[] = {0,  52,  53,  57,   60,   61,   79,   80,
                                         81, 443, 999, 1000, 1007, 1008, 40000};
        flow.source_port = ports[draw(sizeof ports / sizeof *ports)];
        flow.destination_port = ports[draw(sizeof ports / sizeof *ports)];
    }
    return flow;
}

/* What the kernel makes by itself, and looks up in a way that would drop it rather than wait. */
static bool is_made_by_the_kernel(const struct sp_flow *flow)
{
    const uint8_t type = flow->icmp_type;

    if (flow->source.family == 4)
        return flow->protocol == IPPROTO_ICMP && (type == 3 || type == 11 || type == 12);
    return flow->protocol == IPPROTO_ICMPV6 &&
           ((type >= 1 && type <= 4) || (type >= 129 && type <= 137) || type == 143);
}

static bool is_to_us(const struct sp_flow *flow)
{
    return flow->destination.bytes[flow->source.family == 4 ? 3 : 15] <= 2;
}

static void expect_the_policy(const char *text)
{
    struct guarded guarded;
    uint32_t leaving = 0;

    cr_assert_eq(make(&guarded, text, DEVICE), SP_OK);
    for (int round = 0; round < ROUNDS; round++) {
        const struct sp_flow flow = draw_flow();
        struct sp_match match;
        cr_assert_geq(sp_policy_explain(guarded.policy, &guarded.guard.me, &flow, &match, 1), 1);
        const bool expected =
            match.action == SP_ACTION_BYPASS || is_made_by_the_kernel(&flow) || is_to_us(&flow);
        cr_assert_eq(may_leave(&guarded, &flow), expected, "family %u protocol %u ports or type %u/%u %u",
                     flow.source.family, flow.protocol, flow.source_port, flow.icmp_type,
                     flow.destination_port);
        leaving += expected;
    }
    cr_assert(leaving > ROUNDS / 100 && leaving < ROUNDS - ROUNDS / 100, "%u of %u", leaving, ROUNDS);
    unmake(&guarded);
}

Test(guard_policies, what_the_policy_protects_or_blocks_leaves_by_no_other_device)
{
    expect_the_policy(mixed_text("bypass"));
    expect_the_policy(mixed_text("block"));
}

Test(guard_policies, by_the_gate_everything_leaves)
{
    struct guarded guarded;

    cr_assert_eq(make(&guarded, mixed_text("bypass"), DEVICE), SP_OK);
    for (int round = 0; round < ROUNDS; round++) {
        const struct sp_flow flow = draw_flow();
        const struct sp_xfrm_policy *policy = find(&guarded, &flow, DEVICE);
        cr_assert(policy != NULL && policy->template_count == 0);
    }
    unmake(&guarded);
}

/* IPv6 asks its policies about these, too. */
Test(guard_policies, a_host_talks_to_itself)
{
    const struct sp_address loopback = {.family = 6, .bytes = {[15] = 1}};
    struct sp_flow flow = {.direction = SP_OUTBOUND, .source_port = 40000, .destination_port = 80};
    struct guarded guarded;

    cr_assert_eq(make(&guarded, mixed_text("block"), DEVICE), SP_OK);
    flow.protocol = IPPROTO_TCP;
    flow.source = flow.destination = loopback;
    cr_assert(may_leave(&guarded, &flow));
    flow.destination.bytes[15] = 2;
    cr_assert_not(may_leave(&guarded, &flow));
    unmake(&guarded);
}

Test(guard_policies, without_a_device_none_is_left_open)
{
    struct guarded guarded;

    cr_assert_eq(make(&guarded, mixed_text("bypass"), 0), SP_OK);
    for (uint32_t i = 0; i < guarded.made.count; i++)
        cr_assert_eq(guarded.made.policies[i].selector.interface, 0);
    unmake(&guarded);
}

Test(guard_policies, each_has_a_priority_and_holds_by_a_template_that_no_sa_fits)
{
    struct guarded guarded;
    uint32_t holding = 0;

    cr_assert_eq(make(&guarded, mixed_text("bypass"), DEVICE), SP_OK);
    for (uint32_t i = 0; i < guarded.made.count; i++) {
        const struct sp_xfrm_policy *policy = &guarded.made.policies[i];
        cr_assert_eq(policy->priority, SP_KERNEL_PRIORITY_FIRST + i);
        cr_assert_eq(policy->direction, XFRM_POLICY_OUT);
        cr_assert_eq(policy->action, XFRM_POLICY_ALLOW,
                     "a block would end a connection before it is steered");
        cr_assert_eq(policy->limits.hard_bytes, UINT64_MAX);
        holding += policy->template_count;
        if (policy->template_count > 0)
            cr_assert(policy->templates[0].reqid != 0 && !policy->templates[0].is_optional);
    }
    cr_assert_gt(holding, 0);
    unmake(&guarded);
}

Test(guard_policies, a_policy_that_holds_nothing_needs_none)
{
    struct guarded guarded;

    cr_assert_eq(make(&guarded, "bypass out tcp from me to any port 80\ndefault bypass\n", DEVICE), SP_OK);
    cr_assert_eq(guarded.made.count, 0);
    unmake(&guarded);
}

Test(guard_policies, more_than_a_kernel_should_have_are_refused)
{
    struct guarded guarded;
    char *text = malloc(200000);
    size_t length = 0;

    for (unsigned i = 0; i < 2000; i++)
        length += (size_t)sprintf(text + length, "block out tcp from me to any port %u\n", 2 * i + 1);
    strcpy(text + length, "default bypass\n");
    cr_assert_eq(make(&guarded, text, DEVICE), SP_ERR_LIMIT);
    cr_assert_not_null(
        strstr(sp_report_get(guarded.report, 0)->text, "kernel policies, of which there may be"));
    cr_assert_eq(guarded.made.count, 0);
    unmake(&guarded);
    free(text);
}

Test(guard_policies, what_came_out_of_a_tunnel_goes_on_although_the_rest_is_blocked)
{
    static const char text[] = "action \"gate\" {\n"
                               "    esp 3des-cbc hmac-sha1-96\n"
                               "    mode tunnel from 192.0.2.1 to 203.0.113.2\n"
                               "}\n"
                               "action \"host\" { esp 3des-cbc hmac-sha1-96 }\n"
                               "protect out any from 192.0.2.4 to 192.0.2.5 with \"gate\"\n"
                               "protect out any from 192.0.2.4 to 192.0.2.6 with \"host\"\n"
                               "default block\n";
    struct guarded guarded;
    struct sp_flow flow = {.protocol = IPPROTO_TCP, .source_port = 80, .destination_port = 4000};

    cr_assert_eq(make(&guarded, text, DEVICE), SP_OK);
    for (uint8_t from = 1; from <= HOSTS; from++)
        for (uint8_t to = 3; to <= HOSTS; to++) {
            flow.source = host(4, from);
            flow.destination = host(4, to);
            cr_expect_eq(may_leave(&guarded, &flow), from == 5 && to == 4, "%u to %u", from, to);
        }
    unmake(&guarded);
}
