/* SPDX-License-Identifier: ISC
 *
 * Which rules match a packet: a table of cases, each a policy, a packet and the rules that match it.
 */
#include "unit/policy/fixture.h"

#include <criterion/criterion.h>
#include <string.h>

#define ACTION "action \"e\" { esp null hmac-md5-96 }\n"
#define FRONT_END                                                                                            \
    ACTION "block in tcp from any to me port 80\n"                                                           \
           "protect out tcp from me to any port 80 with \"e\"\n"                                             \
           "default bypass\n"
#define BACK_END ACTION "protect in tcp from any to me port 80 with \"e\"\ndefault bypass\n"

/* Whom the cases call me, when it is known. */
static const char *const my_addresses[] = {"192.0.2.1", "2001:db8::1"};

struct explain_case {
    const char *policy, *flow;
    const char *wanted; /* rule numbers, m behind a mirrored one, and always d, the default */
};

/* Writes what explain says in the manner of `wanted`. */
static void explain(const struct explain_case *it, bool is_unknown, char *text)
{
    struct sp_address addresses[2];
    for (int i = 0; i < 2; i++)
        addresses[i] = address_of(my_addresses[i]);
    const struct sp_me me = {.unknown = is_unknown, .addresses = addresses, .count = 2};
    struct sp_policy *policy = policy_of(it->policy);
    struct sp_flow flow = flow_of(it->flow);
    struct sp_match matches[16];
    size_t count = sp_policy_explain(policy, &me, &flow, matches, 16);
    text[0] = '\0';
    cr_assert_leq(count, 16);
    for (size_t i = 0; i < count; i++) {
        struct sp_rule_info rule;
        char one[16] = "d";
        if (matches[i].rule == SP_NO_RULE) {
            cr_assert_eq(matches[i].action, sp_policy_default(policy));
            cr_assert_not(matches[i].is_mirrored);
        } else {
            snprintf(one, sizeof one, "%u%s", matches[i].rule, matches[i].is_mirrored ? "m" : "");
            cr_assert_eq(sp_policy_rule(policy, matches[i].rule, &rule), SP_OK);
            cr_assert_eq(matches[i].action, rule.action);
        }
        strcat(strcat(text, i == 0 ? "" : " "), one);
    }
    sp_policy_destroy(&policy);
}

static void check(const struct explain_case *cases, size_t count, bool is_unknown)
{
    for (size_t i = 0; i < count; i++) {
        char text[128];
        explain(&cases[i], is_unknown, text);
        cr_assert_str_eq(text, cases[i].wanted, "%s with\n%sis %s, not %s", cases[i].flow, cases[i].policy,
                         text, cases[i].wanted);
    }
}

#define CHECK(cases, is_unknown) check(cases, sizeof(cases) / sizeof *(cases), is_unknown)

Test(explain, the_front_end_protects_what_it_sends_to_port_80_and_the_replies_and_takes_nothing_on_its_own)
{
    static const struct explain_case cases[] = {
        {FRONT_END, "out tcp 192.0.2.1 40000 192.0.2.2 80", "1 d"},
        {FRONT_END, "in tcp 192.0.2.2 80 192.0.2.1 40000", "1m d"},
        {FRONT_END, "in tcp 192.0.2.2 40000 192.0.2.1 80", "0 d"},
        {FRONT_END, "in tcp 192.0.2.2 80 192.0.2.1 80", "0 1m d"},
        {FRONT_END, "out tcp 192.0.2.1 80 192.0.2.2 40000", "d"},
        {FRONT_END, "out tcp 192.0.2.1 40000 192.0.2.2 81", "d"},
        {FRONT_END, "out udp 192.0.2.1 40000 192.0.2.2 80", "d"},
        {FRONT_END, "out tcp 2001:db8::1 40000 2001:db8::2 80", "1 d"},
    };
    CHECK(cases, false);
    CHECK(cases, true);
}

Test(explain, the_back_end_protects_what_comes_to_port_80_and_its_replies)
{
    static const struct explain_case cases[] = {
        {BACK_END, "in tcp 192.0.2.2 40000 192.0.2.1 80", "0 d"},
        {BACK_END, "out tcp 192.0.2.1 80 192.0.2.2 40000", "0m d"},
        {BACK_END, "out tcp 192.0.2.1 40000 192.0.2.2 80", "d"},
        {BACK_END, "in tcp 192.0.2.2 80 192.0.2.1 40000", "d"},
    };
    CHECK(cases, false);
    CHECK(cases, true);
}

Test(explain, bypass_and_block_have_no_mirror)
{
    static const struct explain_case cases[] = {
        {"bypass out from any to any\nblock in from any to any\ndefault block\n",
         "out tcp 192.0.2.1 1 192.0.2.2 2", "0 d"},
        {"bypass out from any to any\nblock in from any to any\ndefault block\n",
         "in tcp 192.0.2.2 2 192.0.2.1 1", "1 d"},
    };
    CHECK(cases, false);
}

Test(explain, me_that_is_known_is_those_addresses_on_whichever_side)
{
    static const struct explain_case cases[] = {
        {"block out from me to any\ndefault block\n", "out tcp 192.0.2.9 1 192.0.2.2 2", "d"},
        {"block out from any to me\ndefault block\n", "out tcp 192.0.2.9 1 192.0.2.1 2", "0 d"},
        {"block in from me to any\ndefault block\n", "in tcp 192.0.2.1 1 192.0.2.9 2", "0 d"},
        {"block in from any to me\ndefault block\n", "in tcp 192.0.2.9 1 2001:db8::1 2", "0 d"},
        {"block in from any to { me, 192.0.2.9 }\ndefault block\n", "in tcp 192.0.2.2 1 192.0.2.9 2", "0 d"},
        {"block in from any to { me, 192.0.2.9 }\ndefault block\n", "in tcp 192.0.2.2 1 192.0.2.1 2", "0 d"},
        {"block in from any to { me, 192.0.2.9 }\ndefault block\n", "in tcp 192.0.2.2 1 192.0.2.8 2", "d"},
    };
    CHECK(cases, false);
}

Test(explain, me_that_is_unknown_is_every_address_on_the_hosts_own_side_and_none_on_the_other)
{
    static const struct explain_case cases[] = {
        {"block out from me to any\ndefault block\n", "out tcp 192.0.2.9 1 192.0.2.2 2", "0 d"},
        {"block out from any to me\ndefault block\n", "out tcp 192.0.2.9 1 192.0.2.1 2", "d"},
        {"block in from me to any\ndefault block\n", "in tcp 192.0.2.1 1 192.0.2.9 2", "d"},
        {"block in from any to me\ndefault block\n", "in tcp 192.0.2.9 1 192.0.2.77 2", "0 d"},
        {"block out from any to { me, 192.0.2.9 }\ndefault block\n", "out tcp 192.0.2.1 1 192.0.2.9 2",
         "0 d"},
        {ACTION "protect out from me to 192.0.2.2 with \"e\"\ndefault block\n",
         "in tcp 192.0.2.2 1 192.0.2.7 2", "0m d"},
        {ACTION "protect out from me to me with \"e\"\ndefault block\n", "out tcp 192.0.2.2 1 192.0.2.7 2",
         "d"},
    };
    CHECK(cases, true);
}

Test(explain, addresses_are_in_ranges_with_both_ends_and_of_one_family)
{
    static const char range[] = "block in from 192.0.2.10-192.0.2.20 to any\ndefault bypass\n";
    static const char prefix[] = "block in from 2001:db8:1::/48 to any\ndefault bypass\n";
    static const char four[] = "block in from 0.0.0.0/0 to any\ndefault bypass\n";
    static const struct explain_case cases[] = {
        {range, "in tcp 192.0.2.9 1 192.0.2.1 1", "d"},
        {range, "in tcp 192.0.2.10 1 192.0.2.1 1", "0 d"},
        {range, "in tcp 192.0.2.20 1 192.0.2.1 1", "0 d"},
        {range, "in tcp 192.0.2.21 1 192.0.2.1 1", "d"},
        {prefix, "in tcp 2001:db8:0:ffff:ffff:ffff:ffff:ffff 1 2001:db8::1 1", "d"},
        {prefix, "in tcp 2001:db8:1:: 1 2001:db8::1 1", "0 d"},
        {prefix, "in tcp 2001:db8:1:ffff:ffff:ffff:ffff:ffff 1 2001:db8::1 1", "0 d"},
        {prefix, "in tcp 2001:db8:2:: 1 2001:db8::1 1", "d"},
        {four, "in tcp 255.255.255.255 1 192.0.2.1 1", "0 d"},
        {four, "in tcp 2001:db8::2 1 2001:db8::1 1", "d"},
    };
    CHECK(cases, false);
}

Test(explain, ports_are_in_ranges_with_both_ends_on_their_own_side)
{
    static const char rule[] = "block in udp from any port { 5, 10-20 } to any port 0-0\ndefault bypass\n";
    static const struct explain_case cases[] = {
        {rule, "in udp 192.0.2.2 5 192.0.2.1 0", "0 d"},   {rule, "in udp 192.0.2.2 10 192.0.2.1 0", "0 d"},
        {rule, "in udp 192.0.2.2 20 192.0.2.1 0", "0 d"},  {rule, "in udp 192.0.2.2 21 192.0.2.1 0", "d"},
        {rule, "in udp 192.0.2.2 9 192.0.2.1 0", "d"},     {rule, "in udp 192.0.2.2 5 192.0.2.1 1", "d"},
        {rule, "in udp 192.0.2.2 0 192.0.2.1 5", "d"},     {rule, "in tcp 192.0.2.2 5 192.0.2.1 0", "d"},
        {rule, "in udp 192.0.2.2 65535 192.0.2.1 0", "d"},
    };
    CHECK(cases, false);
}

Test(explain, protocol_numbers_match_exactly_and_any_matches_all)
{
    static const char rules[] = "block in 47 from any to any\nblock in from any to any\ndefault bypass\n";
    static const struct explain_case cases[] = {
        {rules, "in 47 192.0.2.2 0 192.0.2.1 0", "0 1 d"},
        {rules, "in 48 192.0.2.2 0 192.0.2.1 0", "1 d"},
        {rules, "in 255 192.0.2.2 0 192.0.2.1 0", "1 d"},
        {rules, "in 0 192.0.2.2 0 192.0.2.1 0", "1 d"},
    };
    CHECK(cases, false);
}

Test(explain, icmp_types_and_codes_match_both_ways_alike_and_an_unknown_type_never_bypasses)
{
    static const char policy[] = ACTION "protect out icmp type 8 code 0-1 from me to any with \"e\"\n"
                                        "bypass out icmp type { 8, 3 } from any to any\n"
                                        "block out icmp type 3 code 4 from any to any\n"
                                        "default block\n";
    static const struct explain_case cases[] = {
        {policy, "out icmp 192.0.2.1 8 192.0.2.2 0", "0 1 d"},
        {policy, "out icmp 192.0.2.1 8 192.0.2.2 1", "0 1 d"},
        {policy, "out icmp 192.0.2.1 8 192.0.2.2 2", "1 d"},
        {policy, "out icmp 192.0.2.1 0 192.0.2.2 0", "d"},
        {policy, "in icmp 192.0.2.2 8 192.0.2.1 0", "0m d"},
        {policy, "in icmp 192.0.2.2 0 192.0.2.1 8", "d"},
        {policy, "out icmp 192.0.2.1 3 192.0.2.2 4", "1 2 d"},
        {policy, "out icmp 192.0.2.1 256 192.0.2.2 0", "0 2 d"},
        {policy, "out icmp6 2001:db8::1 8 2001:db8::2 0", "d"},
    };
    check(cases, sizeof cases / sizeof *cases, false);
}

Test(explain, no_more_matches_are_written_than_there_is_room_for_and_all_are_counted)
{
    struct sp_policy *policy =
        policy_of("block in from any to any\nbypass in from any to any\ndefault block\n");
    struct sp_flow flow = flow_of("in tcp 192.0.2.2 1 192.0.2.1 2");
    struct sp_me me = {.unknown = true};
    struct sp_match matches[3] = {{.rule = 7}, {.rule = 7}, {.rule = 7}};
    cr_assert_eq(sp_policy_explain(policy, &me, &flow, matches, 1), 3);
    cr_assert_eq(matches[0].rule, 0);
    cr_assert_eq(matches[1].rule, 7);
    cr_assert_eq(sp_policy_explain(policy, &me, &flow, matches, 2), 3);
    cr_assert_eq(matches[1].rule, 1);
    cr_assert_eq(matches[2].rule, 7);
    cr_assert_eq(sp_policy_explain(policy, &me, &flow, matches, 3), 3);
    cr_assert_eq(matches[2].rule, SP_NO_RULE);
    sp_policy_destroy(&policy);
}
