/* SPDX-License-Identifier: ISC
 *
 * Which rules match a packet, read straight off the rules: slow, and short enough to be believed. The
 * engine's tables are held against it in tests.
 *
 * A rule looks at packets of its direction. A protect rule looks at the other direction too, with source and
 * destination in each other's place (RFC 4301 4.4.1: an SPD entry of a connection covers both ways).
 */
#include "policy/model.h"
#include "core/misuse.h"

#include <string.h>

/* One end of a packet. is_local: it is this host's side of the direction. */
struct end {
    const struct sp_address *address;
    uint16_t port;
    bool is_local;
};

static bool same_address(const struct sp_address *left, const struct sp_address *right)
{
    return left->family == right->family &&
           memcmp(left->bytes, right->bytes, left->family == 4 ? 4 : 16) == 0;
}

static bool is_me(const struct sp_me *me, const struct end *end)
{
    if (me->unknown)
        return end->is_local;
    for (uint32_t i = 0; i < me->count; i++) {
        if (same_address(&me->addresses[i], end->address))
            return true;
    }
    return false;
}

static bool is_in_range(const struct sp_address_range *range, const struct sp_address *address)
{
    size_t size_bytes = address->family == 4 ? 4 : 16;
    return range->first.family == address->family &&
           memcmp(range->first.bytes, address->bytes, size_bytes) <= 0 &&
           memcmp(address->bytes, range->last.bytes, size_bytes) <= 0;
}

static bool holds_address(const struct sp_endpoint *endpoint, const struct sp_me *me, const struct end *end)
{
    if (!endpoint->is_me && endpoint->address_count == 0)
        return true;
    if (endpoint->is_me && is_me(me, end))
        return true;
    for (uint32_t i = 0; i < endpoint->address_count; i++) {
        if (is_in_range(&endpoint->addresses[i], end->address))
            return true;
    }
    return false;
}

static bool is_among(const struct sp_port_range *ranges, uint32_t count, uint16_t number)
{
    for (uint32_t i = 0; i < count; i++) {
        if (ranges[i].first <= number && number <= ranges[i].last)
            return true;
    }
    return count == 0;
}

static bool holds(const struct sp_endpoint *endpoint, const struct sp_me *me, const struct end *end)
{
    return is_among(endpoint->ports, endpoint->port_count, end->port) && holds_address(endpoint, me, end);
}

static bool holds_icmp(const struct sp_rule_info *rule, const struct sp_flow *flow)
{
    if (rule->icmp.type_count == 0)
        return true;
    if (!flow->has_icmp_type)
        return rule->action != SP_ACTION_BYPASS;
    return is_among(rule->icmp.types, rule->icmp.type_count, flow->icmp_type) &&
           is_among(rule->icmp.codes, rule->icmp.code_count, flow->icmp_code);
}

static bool matches_rule(const struct sp_rule_info *rule, const struct sp_me *me, const struct sp_flow *flow,
                         bool is_mirrored)
{
    bool is_out = flow->direction == SP_OUTBOUND;
    struct end source = {&flow->source, flow->source_port, is_out};
    struct end destination = {&flow->destination, flow->destination_port, !is_out};
    if (rule->protocol != SP_PROTOCOL_ANY && rule->protocol != flow->protocol)
        return false;
    if (!holds_icmp(rule, flow))
        return false;
    return holds(&rule->from, me, is_mirrored ? &destination : &source) &&
           holds(&rule->to, me, is_mirrored ? &source : &destination);
}

size_t sp_policy_explain(const struct sp_policy *policy, const struct sp_me *me, const struct sp_flow *flow,
                         struct sp_match *matches, size_t max)
{
    SP_REQUIRE(policy != NULL && me != NULL && flow != NULL && matches != NULL && max >= 1);
    size_t count = 0;
    for (uint32_t place = 0; place < policy->rule_count; place++) {
        uint32_t i = policy->ordered[place];
        const struct sp_rule_info *rule = &policy->rules[i];
        bool is_mirrored = rule->direction != flow->direction;
        if (is_mirrored && rule->action != SP_ACTION_PROTECT)
            continue;
        if (!matches_rule(rule, me, flow, is_mirrored))
            continue;
        if (count < max)
            matches[count] = (struct sp_match){.rule = i, .is_mirrored = is_mirrored, .action = rule->action};
        count++;
    }
    if (count < max)
        matches[count] = (struct sp_match){.rule = SP_NO_RULE, .action = policy->fallback};
    return count + 1;
}
