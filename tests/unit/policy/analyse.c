/* SPDX-License-Identifier: ISC
 *
 * Findings about one policy: each kind from a text that has it, silence about good ones, and random policies
 * against what sp_policy_explain() says about every packet.
 */
#include "unit/policy/fixture.h"
#include "unit/policy/random_policy.h"

#include <criterion/criterion.h>
#include <sallyport/analysis.h>
#include <stdlib.h>
#include <string.h>

#define ACTION "action \"e\" { esp 3des-cbc hmac-sha1-96\n}\n"
#define OTHER ACTION "action \"o\" { esp 3des-cbc hmac-md5-96\n}\n"
#define FRONT_END                                                                                            \
    ACTION "block in tcp from any to me port 80\n"                                                           \
           "protect out tcp from me to any port 80 with \"e\"\n"                                             \
           "default bypass\n"

static const struct sp_me anybody = {.unknown = true};

/* "rule:kind" of each finding, rules by number, "note-" in front of notes. */
static void findings_of(const char *text, const struct sp_me *me, char *found)
{
    struct sp_policy *policy = policy_of(text);
    struct sp_check *check = NULL;
    cr_assert_eq(sp_policy_check(policy, me, &check), SP_OK);
    found[0] = '\0';
    for (size_t i = 0; i < sp_check_count(check); i++) {
        const struct sp_check_finding *finding = sp_check_get(check, i);
        sprintf(found + strlen(found), "%s%d:%s%s", i ? " " : "",
                finding->rule == SP_NO_RULE ? -1 : (int)finding->rule, finding->is_note ? "note-" : "",
                sp_check_name(finding->kind));
    }
    sp_check_destroy(&check);
    sp_policy_destroy(&policy);
}

Test(analyse, each_kind_of_finding_is_found_and_good_policies_have_none)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {FRONT_END, ""},
        {ACTION "protect in tcp from any to me port 80 with \"e\"\ndefault bypass\n", ""},
        {"block in tcp from any to me\nbypass in tcp from 192.0.2.1 to me port 22\ndefault bypass\n",
         "1:shadowed"},
        {"block in from 192.0.2.0/25 to me\nblock in from 192.0.2.128/25 to me\n"
         "bypass in from 192.0.2.0/24 to me\ndefault bypass\n",
         "2:unreachable"},
        {"bypass in tcp from 192.0.2.1 to me port 22\nblock in tcp from any to me\ndefault bypass\n", ""},
        {"bypass in tcp from 192.0.2.1 to me\nblock in tcp from any to me port 22\ndefault bypass\n",
         "1:note-overlap"},
        {ACTION "block in tcp from any port 80 to me\nprotect out tcp from me to any port 80 with \"e\"\n"
                "default bypass\n",
         "1:mirror"},
        {ACTION "block out tcp from me to 192.0.2.9\nprotect out tcp from me to any port 80 with \"e\"\n"
                "default bypass\n",
         "1:note-overlap"},
        {OTHER "protect out tcp from me to 192.0.2.9 port 80 with \"o\"\n"
               "protect out tcp from me to any port 80 with \"e\"\ndefault bypass\n",
         ""},
        {ACTION "bypass out tcp from me to 192.0.2.9 port 80\n"
                "protect out tcp from me to any port 80 with \"e\"\ndefault bypass\n",
         "1:mirror"},
        {ACTION "bypass out tcp from me to 192.0.2.9 port 80\nbypass in tcp from 192.0.2.9 port 80 to me\n"
                "protect out tcp from me to any port 80 with \"e\"\ndefault bypass\n",
         "2:note-hole 2:note-hole"},
        {ACTION "bypass out tcp from me to 192.0.2.0/25\nbypass in tcp from 192.0.2.0/25 to me\n"
                "protect out tcp from me to 192.0.2.64-192.0.2.200 port 80 with \"e\"\ndefault bypass\n",
         "2:hole 2:hole"},
        {ACTION "bypass in icmp from any to any\nbypass out icmp from any to any\n"
                "protect out from me to 192.0.2.0/24 with \"e\"\ndefault bypass\n",
         "2:note-overlap 2:note-overlap"},
        {ACTION "protect out tcp from me to 0.0.0.0/0 port 80 with \"e\"\ndefault bypass\n", "0:hole"},
        {ACTION "protect out tcp from me to 0.0.0.0/0 port 80 with \"e\"\ndefault block\n", ""},
        {ACTION
         "protect out icmp type 3 from me to any with \"e\"\nbypass in icmp type 3 code 1 from any to me\n"
         "bypass in icmp type 4 from any to me\ndefault bypass\n",
         "1:shadowed"},
        {"block in icmp type 0-255 from any to me\nbypass in icmp type 8 from any to me\ndefault bypass\n",
         "1:shadowed"},
        {"action \"l\" { esp 3des-cbc hmac-sha1-96\nlifetime nist-r1\n}\n"
         "protect out tcp from me to any port 80 with \"l\"\ndefault bypass\n",
         "0:lifetime"},
        {"action \"l\" { esp 3des-cbc hmac-sha1-96\nlifetime 100 MB\n}\n"
         "protect out tcp from me to any port 80 with \"l\"\ndefault bypass\n",
         "0:lifetime"},
        {"action \"l\" { esp 3des-cbc hmac-sha1-96\nlifetime nist-r2\n}\n"
         "protect out tcp from me to any port 80 with \"l\"\ndefault bypass\n",
         ""},
        {"block in icmp6 from 192.0.2.1 to any\ndefault bypass\n", "0:unreachable"},
        {ACTION "protect out icmp type 3 from me to 0.0.0.0/0 with \"e\"\n"
                "protect out icmp6 from me to ::/0 with \"e\"\ndefault bypass\n",
         ""}, /* ICMP of the other family doesn't occur */
        {ACTION "default bypass\n", "-1:unused"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char found[512];
        findings_of(cases[i].text, &anybody, found);
        cr_assert_str_eq(found, cases[i].wanted, "%s is \"%s\", not \"%s\"", cases[i].text, found,
                         cases[i].wanted);
    }
}

Test(analyse, a_dead_rule_names_the_first_two_that_take_its_packets_and_says_whether_there_are_others)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"block in from 192.0.2.0/25 to me\nblock in from 192.0.2.128/25 to me\n"
         "bypass in from 192.0.2.0/24 to me\ndefault bypass\n",
         "never decides: the block rule at test:1, the block rule at test:2 take all its packets"},
        {"block in from 192.0.2.0/25 to me\nblock in from 192.0.2.128/26 to me\n"
         "bypass in from 192.0.2.0/25 to me\nblock in from 192.0.2.192/26 to me\n"
         "bypass in from 192.0.2.0/24 to me\ndefault bypass\n",
         "never decides: the block rule at test:1, the block rule at test:2 and others take all its packets"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sp_policy *policy = policy_of(cases[i].text);
        struct sp_check *check = NULL;
        cr_assert_eq(sp_policy_check(policy, &anybody, &check), SP_OK);
        cr_assert_str_eq(sp_check_get(check, sp_check_count(check) - 1)->text, cases[i].wanted);
        sp_check_destroy(&check);
        sp_policy_destroy(&policy);
    }
}

Test(analyse, an_example_of_icmp_names_type_and_code)
{
    struct sp_policy *policy = policy_of("block in icmp type 8 from any to me\n"
                                         "bypass in icmp type 8 code 7 from any to me\ndefault bypass\n");
    struct sp_check *check = NULL;
    char text[SP_FLOW_TEXT_BYTES], area[SP_AREA_TEXT_BYTES];
    cr_assert_eq(sp_policy_check(policy, &anybody, &check), SP_OK);
    cr_assert_eq(sp_check_count(check), 1);
    cr_assert_str_eq(sp_flow_format(&sp_check_get(check, 0)->example, text),
                     "in icmp:8/7 192.0.2.2 -> 192.0.2.1");
    cr_assert_str_eq(sp_area_format(&sp_check_get(check, 0)->area, area),
                     "in icmp type 8 code 7 0.0.0.0/0 -> 0.0.0.0/0");
    sp_check_destroy(&check);
    sp_policy_destroy(&policy);
}

Test(analyse, a_host_s_second_address_that_is_not_protected_is_a_hole)
{
    const char *text =
        ACTION "protect out tcp from 192.0.2.1 to 198.51.100.0/24 port 80 with \"e\"\ndefault bypass\n";
    const struct sp_address addresses[] = {address_of("192.0.2.1"), address_of("192.0.2.5")};
    const struct sp_me one = {.addresses = addresses, .count = 1}, two = {.addresses = addresses, .count = 2};
    char found[512];
    findings_of(text, &one, found);
    cr_assert_str_eq(found, "");
    findings_of(text, &two, found);
    cr_assert_str_eq(found, "0:hole");
}

static bool matches(const struct sp_policy *policy, const struct sp_flow *flow, uint32_t rule,
                    struct sp_match *ret_decision)
{
    struct sp_match found[64];
    const size_t count = sp_policy_explain(policy, &anybody, flow, found, 64);
    *ret_decision = found[0];
    for (size_t i = 0; i < count; i++) {
        if (found[i].rule == rule)
            return true;
    }
    return false;
}

/* What the finding claims, asked of explain. */
static void check_example(const struct sp_policy *policy, const struct sp_check_finding *finding)
{
    struct sp_match decision;
    if (!finding->has_example)
        return;
    const bool is_matched = matches(policy, &finding->example, finding->rule, &decision);
    if (finding->other_rule == SP_NO_RULE) {
        cr_assert(decision.rule == SP_NO_RULE && decision.action == SP_ACTION_BYPASS);
        return;
    }
    cr_assert(is_matched);
    cr_assert_neq(decision.rule, finding->rule);
    if (finding->kind == SP_CHECK_SHADOWED || finding->kind == SP_CHECK_UNREACHABLE)
        return;
    cr_assert_eq(decision.rule, finding->other_rule);
    if (finding->kind == SP_CHECK_MIRROR) {
        const struct sp_flow mirror = mirror_of(&finding->example);
        cr_assert(matches(policy, &mirror, finding->rule, &decision));
        cr_assert_eq(decision.rule, finding->rule);
    }
}

static bool is_reported(const struct sp_check *check, uint32_t rule, uint32_t other, bool dead)
{
    for (size_t i = 0; i < sp_check_count(check); i++) {
        const struct sp_check_finding *finding = sp_check_get(check, i);
        const bool is_dead = finding->kind == SP_CHECK_SHADOWED || finding->kind == SP_CHECK_UNREACHABLE;
        if (finding->rule == rule && is_dead == dead &&
            (dead || (finding->kind == SP_CHECK_MIRROR && finding->other_rule == other)))
            return true;
    }
    return false;
}

/* What a rule does, packet by packet. */
static void check_rule(const struct sp_policy *policy, const struct sp_check *check, uint32_t rule)
{
    struct sp_rule_info info;
    struct sp_match decision, back;
    bool matched = false, decides = false;
    bool contradicted[16] = {false};
    cr_assert_eq(sp_policy_rule(policy, rule, &info), SP_OK);
    for (uint32_t i = 0; i < world_size(); i++) {
        const struct sp_flow flow = world_flow(i), mirror = mirror_of(&flow);
        if (flow.source.family != flow.destination.family || !matches(policy, &flow, rule, &decision))
            continue;
        if (flow.direction == info.direction) {
            matched = true;
            decides |= decision.rule == rule;
        }
        const struct sp_match own = {.rule = rule, .action = info.action};
        if (info.action != SP_ACTION_PROTECT || means_the_same(policy, &decision, policy, &own) ||
            !is_as_service(policy, rule, &flow) || !matches(policy, &mirror, rule, &back) ||
            back.rule != rule)
            continue;
        if (flow.direction != info.direction || decision.action != SP_ACTION_BLOCK)
            contradicted[decision.rule] = true;
    }
    cr_assert_eq(is_reported(check, rule, 0, true), matched && !decides, "rule %u", rule);
    for (uint32_t other = 0; other < sp_policy_rule_count(policy) && decides; other++)
        cr_assert_eq(is_reported(check, rule, other, false), contradicted[other], "rules %u, %u", rule,
                     other);
}

Test(analyse, random_policies_have_exactly_the_dead_rules_and_contradictions_that_every_packet_shows)
{
    uint64_t state = 4711;
    for (int round = 0; round < 12; round++) {
        struct sp_policy *policy = random_policy(&state, 6);
        struct sp_check *check = NULL;
        cr_assert_eq(sp_policy_check(policy, &anybody, &check), SP_OK);
        for (size_t i = 0; i < sp_check_count(check); i++)
            check_example(policy, sp_check_get(check, i));
        for (uint32_t rule = 0; rule < sp_policy_rule_count(policy); rule++)
            check_rule(policy, check, rule);
        sp_check_destroy(&check);
        sp_policy_destroy(&policy);
    }
}

Test(analyse, a_packet_is_read_as_the_flow_that_it_belongs_to_and_a_fragment_is_none)
{
    uint8_t syn[40] = {0x45, 0, 0, 40, 0,   1, 0, 0, 64,   6,    0, 0,
                       192,  0, 2, 1,  192, 0, 2, 2, 0x9c, 0x40, 0, 80};
    struct sp_flow flow;
    char text[SP_FLOW_TEXT_BYTES];
    cr_assert_eq(sp_flow_read(syn, sizeof syn, SP_OUTBOUND, &flow), SP_DROP_NONE);
    cr_assert_str_eq(sp_flow_format(&flow, text), "out tcp 192.0.2.1:40000 -> 192.0.2.2:80");
    syn[6] = 0x20; /* more fragments */
    cr_assert_eq(sp_flow_read(syn, sizeof syn, SP_OUTBOUND, &flow), SP_DROP_FRAGMENT);
    cr_assert_eq(sp_flow_read(syn, 19, SP_OUTBOUND, &flow), SP_DROP_MALFORMED);
}
