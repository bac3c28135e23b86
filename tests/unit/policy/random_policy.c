/* SPDX-License-Identifier: ISC
 *
 * Policies drawn from few addresses and ports, so that rules meet often, and all packets that matter.
 */
#include "unit/policy/random_policy.h"

#include "unit/policy/fixture.h"

#include <string.h>

static const char *const addresses[] = {"any",
                                        "me",
                                        "any",
                                        "192.0.2.1",
                                        "192.0.2.2",
                                        "192.0.2.0/30",
                                        "{ 192.0.2.2, 192.0.2.4-192.0.2.5 }",
                                        "2001:db8::/126"};
static const char *const ports[] = {
    "", "", "", " port 80", " port 25", " port 0-80", " port 1000-2000", " port { 25, 80-1024 }"};
/* below, in and above all ranges, and around where client ports begin */
static const uint16_t port_values[] = {0, 24, 25, 26, 79, 80, 81, 999, 1000, 1023, 1024, 1025, 2000, 2001};
static const uint8_t protocol_values[] = {6, 17, 47};
static const char *const address_values[] = {"192.0.2.1", "192.0.2.2",   "192.0.2.3",  "192.0.2.4",
                                             "192.0.2.6", "2001:db8::1", "2001:db8::4"};
#define COUNT(array) (uint32_t)(sizeof(array) / sizeof *(array))

static const char *one_of(const char *const *words, uint32_t count, uint64_t *state)
{
    return words[(draw(state) >> 20) % count];
}

static void write_rule(char *text, size_t size_bytes, uint64_t *state)
{
    static const char *const actions[] = {"protect", "protect", "bypass", "block"};
    static const char *const protocols[] = {"tcp", "tcp", "udp", "any"};
    static const char *const ways[] = {"out", "in"};
    static const char *const with[] = {" with \"a\"", " with \"a\"", " with \"b\""};
    const char *action = one_of(actions, COUNT(actions), state);
    const char *protocol = one_of(protocols, COUNT(protocols), state);
    const bool has_ports = strcmp(protocol, "any") != 0;
    const char *from = one_of(addresses, COUNT(addresses), state);
    const char *to = one_of(addresses, COUNT(addresses), state);
    const bool six_from = strchr(from, ':') != NULL, six_to = strchr(to, ':') != NULL;
    if (six_from != six_to)
        from = to = "any";
    snprintf(text, size_bytes, "%s %s %s from %s%s to %s%s%s\n", action, one_of(ways, 2, state), protocol,
             from, has_ports ? one_of(ports, COUNT(ports), state) : "", to,
             has_ports ? one_of(ports, COUNT(ports), state) : "",
             strcmp(action, "protect") == 0 ? one_of(with, COUNT(with), state) : "");
}

struct sp_policy *random_policy(uint64_t *state, uint32_t rules)
{
    char text[8192] = "action \"a\" { esp 3des-cbc hmac-sha1-96\n}\naction \"b\" { esp null hmac-md5-96\n}\n";
    for (uint32_t i = 0; i < rules; i++) {
        size_t used = strlen(text);
        write_rule(text + used, sizeof text - used, state);
    }
    strcat(text, draw(state) & 1024 ? "default bypass\n" : "default block\n");
    return policy_of(text);
}

static bool has_ports(uint8_t protocol)
{
    return protocol == 6 || protocol == 17;
}

uint32_t world_pair_size(void)
{
    return COUNT(protocol_values) * COUNT(port_values) * COUNT(port_values);
}

struct sp_flow world_pair_flow(uint32_t number, enum sp_direction direction, const struct sp_address *source,
                               const struct sp_address *destination)
{
    struct sp_flow flow = {.direction = direction, .source = *source, .destination = *destination};
    flow.protocol = protocol_values[number % COUNT(protocol_values)];
    number /= COUNT(protocol_values);
    if (!has_ports(flow.protocol))
        return flow;
    flow.source_port = port_values[number % COUNT(port_values)];
    flow.destination_port = port_values[number / COUNT(port_values)];
    return flow;
}

uint32_t world_size(void)
{
    return 2 * COUNT(address_values) * COUNT(address_values) * world_pair_size();
}

struct sp_flow world_flow(uint32_t number)
{
    const enum sp_direction direction = number % 2 ? SP_INBOUND : SP_OUTBOUND;
    number /= 2;
    struct sp_address source = address_of(address_values[number % COUNT(address_values)]);
    number /= COUNT(address_values);
    struct sp_address destination = address_of(address_values[number % COUNT(address_values)]);
    number /= COUNT(address_values);
    return world_pair_flow(number, direction, &source, &destination);
}

struct sp_flow mirror_of(const struct sp_flow *flow)
{
    return (struct sp_flow){
        .direction = flow->direction == SP_OUTBOUND ? SP_INBOUND : SP_OUTBOUND,
        .protocol = flow->protocol,
        .source = flow->destination,
        .destination = flow->source,
        .source_port = flow->destination_port,
        .destination_port = flow->source_port,
    };
}

/* A list that holds the port; is_open: it holds every port. */
static bool holds(const struct sp_endpoint *end, uint16_t port)
{
    for (uint32_t i = 0; i < end->port_count; i++) {
        if (end->ports[i].first <= port && port <= end->ports[i].last)
            return true;
    }
    return end->port_count == 0;
}

bool is_as_service(const struct sp_policy *policy, uint32_t index, const struct sp_flow *flow)
{
    struct sp_rule_info rule;
    if (sp_policy_rule(policy, index, &rule) != SP_OK)
        return false;
    const struct sp_flow seen = rule.direction == flow->direction ? *flow : mirror_of(flow);
    if (!holds(&rule.from, seen.source_port) || !holds(&rule.to, seen.destination_port))
        return false;
    const bool from_open = rule.from.port_count == 0, to_open = rule.to.port_count == 0;
    if (from_open == to_open)
        return true;
    return (from_open ? seen.source_port : seen.destination_port) >= 1024;
}

bool means_the_same(const struct sp_policy *left, const struct sp_match *left_match,
                    const struct sp_policy *right, const struct sp_match *right_match)
{
    struct sp_rule_info rules[2];
    struct sp_action_info actions[2];
    if (left_match->action != right_match->action)
        return false;
    if (left_match->action != SP_ACTION_PROTECT)
        return true;
    if (sp_policy_rule(left, left_match->rule, &rules[0]) != SP_OK ||
        sp_policy_rule(right, right_match->rule, &rules[1]) != SP_OK ||
        sp_policy_action(left, rules[0].action_index, &actions[0]) != SP_OK ||
        sp_policy_action(right, rules[1].action_index, &actions[1]) != SP_OK)
        return false;
    return actions[0].encryption == actions[1].encryption && actions[0].integrity == actions[1].integrity;
}
