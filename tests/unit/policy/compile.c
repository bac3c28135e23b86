/* SPDX-License-Identifier: ISC
 *
 * The compiled tables against explain: two readings of the same rules that share no code must agree about
 * every packet, fragments included.
 */
#include "policy/compile.h"

#include "unit/policy/fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* Few addresses and ports, with neighbours, so that rules and packets meet often. */
static const char *const hosts[] = {"192.0.2.1",   "192.0.2.2",   "192.0.2.3",  "198.51.100.1",
                                    "2001:db8::1", "2001:db8::2", "2001:db8::3"};
static const char *const ends[] = {
    "any",
    "me",
    "192.0.2.2",
    "192.0.2.0/30",
    "2001:db8::/64",
    "2001:db8::2",
    "192.0.2.2-192.0.2.3",
    "{ me, 192.0.2.3 }",
    "{ me, 2001:db8::2, 198.51.100.0/24 }",
    "{ 192.0.2.1, 2001:db8::2-2001:db8::3 }",
};
static const char *const ports[] = {
    "", " port 80", " port 79-81", " port { 80, 1024-65535 }", " port { 0-79, 81-65535 }", " port 0-65535",
    ""};
static const char *const protocols[] = {"",
                                        "any",
                                        "tcp",
                                        "udp",
                                        "icmp",
                                        "icmp type 8 code 0",
                                        "47",
                                        "icmp type { 0, 8-9 }",
                                        "icmp type 3 code { 1, 3-4 }"};
static const uint16_t port_numbers[] = {0, 79, 80, 81, 1023, 1024, 65535};
static const uint8_t protocol_numbers[] = {1, 6, 17, 47};

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define PICK(array) (array)[draw(&state) % COUNT(array)]

static uint64_t state;

/* A policy of some rules; families that don't meet are drawn again. */
static struct sp_policy *draw_policy(void)
{
    char text[4096] = "action \"e\" { esp null hmac-md5-96 }\n";
    static const char *const actions[] = {"protect", "bypass", "block"};
    for (uint64_t rules = draw(&state) % 8; rules > 0;) {
        char line[512], whole[4096];
        const char *action = PICK(actions), *protocol = PICK(protocols);
        bool has_ports = protocol[0] == 't' || protocol[0] == 'u';
        snprintf(line, sizeof line, "%s %s %s from %s%s to %s%s%s\n", action, draw(&state) % 2 ? "in" : "out",
                 protocol, PICK(ends), has_ports ? PICK(ports) : "", PICK(ends), has_ports ? PICK(ports) : "",
                 action[0] == 'p' ? " with \"e\"" : "");
        snprintf(whole, sizeof whole, "action \"e\" { esp null hmac-md5-96 }\n%sdefault block\n", line);
        if (status_of(whole, strlen(whole), NULL) != SP_OK)
            continue;
        strcat(text, line);
        rules--;
    }
    strcat(text, draw(&state) % 2 ? "order specific\n" : "");
    strcat(text, draw(&state) % 2 ? "default block\n" : "default bypass\n");
    return policy_of(text);
}

static struct sp_flow draw_flow(void)
{
    struct sp_flow flow = {.direction = draw(&state) % 2 ? SP_INBOUND : SP_OUTBOUND,
                           .protocol = PICK(protocol_numbers)};
    do {
        flow.source = address_of(PICK(hosts));
        flow.destination = address_of(PICK(hosts));
    } while (flow.source.family != flow.destination.family);
    static const uint8_t types[] = {0, 3, 8, 9, 255}, codes[] = {0, 1, 2, 4};
    if (flow.protocol == 1) {
        flow.has_icmp_type = draw(&state) % 4 != 0;
        flow.icmp_type = PICK(types);
        flow.icmp_code = PICK(codes);
    }
    if (flow.protocol == 6 || flow.protocol == 17) {
        flow.source_port = PICK(port_numbers);
        flow.destination_port = PICK(port_numbers);
    }
    return flow;
}

static struct sp_selector_address number_of(const struct sp_address *address)
{
    struct sp_selector_address number = {0};
    size_t size_bytes = address->family == 4 ? 4 : 16;
    for (size_t i = 0; i < size_bytes; i++) {
        number.high = number.high << 8 | number.low >> 56;
        number.low = number.low << 8 | address->bytes[i];
    }
    return number;
}

static uint32_t table_rule(struct sp_selector_table *const tables[2], const struct sp_flow *flow,
                           bool is_fragment)
{
    uint32_t box;
    struct sp_selector_key key = {
        .family = flow->source.family,
        .protocol = flow->protocol,
        .ports_unknown = is_fragment,
        .source_port = is_fragment ? 0 : flow->source_port,
        .destination_port = is_fragment ? 0 : flow->destination_port,
        .source = number_of(&flow->source),
        .destination = number_of(&flow->destination),
    };
    if (flow->protocol == 1) {
        key.ports_unknown = !flow->has_icmp_type;
        key.source_port = flow->icmp_type;
        key.destination_port = flow->icmp_code;
    }
    sp_selector_lookup(tables[flow->direction], &key, 1, &box);
    return box == SP_SELECTOR_MISS ? SP_NO_RULE : sp_selector_rule(tables[flow->direction], box);
}

static void tell(const struct sp_policy *policy, const struct sp_flow *flow, const char *what)
{
    char source[SP_ADDRESS_TEXT_BYTES], destination[SP_ADDRESS_TEXT_BYTES];
    sp_policy_print(policy, stderr);
    fprintf(stderr, "%s: %s %u %s %u %s %u\n", what, flow->direction == SP_OUTBOUND ? "out" : "in",
            flow->protocol, sp_address_format(&flow->source, source), flow->source_port,
            sp_address_format(&flow->destination, destination), flow->destination_port);
}

/* What a fragment must meet, by asking explain about every interesting pair of ports: the first protect or
 * block rule that matches some pair, or bypass rule that matches all. */
static uint32_t explain_fragment(const struct sp_policy *policy, const struct sp_me *me, struct sp_flow flow)
{
    enum { PAIRS = COUNT(port_numbers) * COUNT(port_numbers), RULES = 16 };
    unsigned hits[RULES] = {0};
    for (size_t i = 0; i < PAIRS; i++) {
        struct sp_match matches[RULES];
        flow.source_port = port_numbers[i / COUNT(port_numbers)];
        flow.destination_port = port_numbers[i % COUNT(port_numbers)];
        size_t count = sp_policy_explain(policy, me, &flow, matches, RULES);
        for (size_t m = 0; m + 1 < count; m++)
            hits[matches[m].rule]++;
    }
    for (uint32_t place = 0; place < sp_policy_rule_count(policy); place++) {
        uint32_t rule = sp_policy_rule_at(policy, place);
        struct sp_rule_info info;
        cr_assert_eq(sp_policy_rule(policy, rule, &info), SP_OK);
        if (hits[rule] == PAIRS || (hits[rule] > 0 && info.action != SP_ACTION_BYPASS))
            return rule;
    }
    return SP_NO_RULE;
}

static void compare(const struct sp_policy *policy, const struct sp_me *me)
{
    struct sp_selector_table *tables[2] = {NULL, NULL};
    cr_assert_eq(sp_policy_compile(policy, me, NULL, tables), SP_OK);
    for (int i = 0; i < 200; i++) {
        struct sp_flow flow = draw_flow();
        struct sp_match first;
        (void)sp_policy_explain(policy, me, &flow, &first, 1);
        uint32_t found = table_rule(tables, &flow, false);
        if (found != first.rule)
            tell(policy, &flow, "packet");
        cr_assert_eq(found, first.rule, "the table says rule %u, explain %u", found, first.rule);
        if (flow.protocol != 6 && flow.protocol != 17)
            continue;
        uint32_t wanted = explain_fragment(policy, me, flow);
        found = table_rule(tables, &flow, true);
        if (found != wanted)
            tell(policy, &flow, "fragment");
        cr_assert_eq(found, wanted, "the table says rule %u about a fragment, explain %u", found, wanted);
    }
    sp_selector_destroy(&tables[0]);
    sp_selector_destroy(&tables[1]);
}

Test(compile, tables_and_explain_agree_about_random_packets_under_random_policies, .timeout = 120)
{
    struct sp_address mine[] = {address_of("192.0.2.1"), address_of("2001:db8::1")};
    const struct sp_me known = {.addresses = mine, .count = 2}, nobody = {.count = 0},
                       unknown = {.unknown = true};
    state = 0x2545f4914f6cdd1du;
    for (int round = 0; round < 400; round++) {
        struct sp_policy *policy = draw_policy();
        compare(policy, &known);
        compare(policy, &nobody);
        compare(policy, &unknown);
        sp_policy_destroy(&policy);
    }
}

Test(compile, a_policy_that_needs_over_a_million_boxes_is_refused)
{
    enum { ELEMENTS = 1001 };
    char *text = malloc(ELEMENTS * 2 * 24 + 256), *end = text;
    end = stpcpy(end, "block in from { 192.0.2.1");
    for (int i = 1; i < ELEMENTS; i++)
        end = stpcpy(end, ", 192.0.2.1");
    end = stpcpy(end, " } to { 192.0.2.2");
    for (int i = 1; i < ELEMENTS; i++)
        end = stpcpy(end, ", 192.0.2.2");
    end = stpcpy(end, " }\ndefault block\n");
    struct sp_policy *policy = policy_of(text);
    struct sp_selector_table *tables[2] = {NULL, NULL};
    struct sp_me me = {.unknown = true};
    cr_assert_eq(sp_policy_compile(policy, &me, NULL, tables), SP_ERR_LIMIT);
    cr_assert(tables[0] == NULL && tables[1] == NULL, "outputs stay untouched on failure");
    sp_policy_destroy(&policy);
    free(text);
}
