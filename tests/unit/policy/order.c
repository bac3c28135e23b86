/* SPDX-License-Identifier: ISC
 *
 * The order in which rules are tried. Each case lists rules so that the right order is another one.
 */
#include "unit/policy/fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ACTION "action \"e\" { esp null hmac-md5-96 }\n"
#define END "default block\n"

/* The rules as they are tried, "2 0 1". */
static void check(const char *text, const char *wanted)
{
    char found[64] = "";
    struct sp_policy *policy = policy_of(text);
    for (uint32_t place = 0; place < sp_policy_rule_count(policy); place++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%u", place ? " " : "",
                 sp_policy_rule_at(policy, place));
    cr_assert_str_eq(found, wanted, "%s is tried as %s, not %s", text, found, wanted);
    sp_policy_destroy(&policy);
}

Test(order, rules_are_tried_as_listed_unless_the_policy_says_otherwise)
{
    static const char rules[] = "block in from any to any\nblock in tcp from 192.0.2.1 to me port 80\n" END;
    char listed[256];
    check(rules, "0 1");
    snprintf(listed, sizeof listed, "order listed\n%s", rules);
    check(listed, "0 1");
}

Test(order, fewer_addresses_of_the_far_end_come_first_and_then_fewer_of_the_near_one)
{
    check("order specific\n"
          "block in from any to 192.0.2.1\n"
          "block in from 192.0.2.0/24 to any\n"
          "block in from 192.0.2.7 to any\n"
          "block in from 192.0.2.0/25 to any\n"
          "block in from 192.0.2.8 to 192.0.2.0/24\n"
          "block in from 0.0.0.0/0 to me\n"
          "block in from 192.0.2.0-192.0.2.200 to me\n"
          "block in from any to any\n" END,
          "4 2 3 6 1 5 0 7");
}

Test(order, outbound_rules_have_their_far_end_behind_to)
{
    check("order specific\n"
          "block out from 192.0.2.1 to any\n"
          "block out from any to 192.0.2.2\n" END,
          "1 0");
}

Test(order, a_list_is_as_wide_as_its_widest_element_and_me_is_a_single_address)
{
    check("order specific\n"
          "set \"many\" { 192.0.2.1, 192.0.2.5, 198.51.100.1 }\n"
          "block in from { 192.0.2.1, 192.0.2.0/30 } to me\n"
          "block in from \"many\" to { me, 192.0.2.7 }\n"
          "block in from 192.0.2.9 to any\n"
          "block in from me to 192.0.2.1\n" END,
          "1 3 2 0");
}

Test(order, then_a_named_protocol_then_fewer_ports_of_the_far_end_then_of_the_near_one)
{
    check("order specific\n"
          "block in from 192.0.2.1 to me\n"
          "block in tcp from 192.0.2.1 to me\n"
          "block in tcp from 192.0.2.1 to me port 80\n"
          "block in tcp from 192.0.2.1 port 1024-65535 to me\n"
          "block in tcp from 192.0.2.1 port { 80, 443 } to me\n"
          "block in tcp from 192.0.2.1 to me port 80-81\n" END,
          "4 3 2 5 1 0");
}

Test(order, then_fewer_icmp_types_and_codes)
{
    check("order specific\n"
          "block in icmp from 192.0.2.1 to me\n"
          "block in icmp type 0-9 from 192.0.2.1 to me\n"
          "block in icmp type { 8, 0 } from 192.0.2.1 to me\n"
          "block in icmp type 8 code 0 from 192.0.2.1 to me\n" END,
          "3 2 1 0");
}

Test(order, what_is_equally_specific_is_blocked_before_it_is_protected_and_protected_before_it_passes)
{
    check(ACTION "order specific\n"
                 "bypass in from 192.0.2.1 to me\n"
                 "protect in from 192.0.2.2 to me with \"e\"\n"
                 "block in from 192.0.2.3 to me\n" END,
          "2 1 0");
}

Test(order, what_is_equal_in_all_is_tried_as_listed)
{
    check("order specific\n"
          "block in from 192.0.2.9 to me\n"
          "block in from 192.0.2.1 to me\n"
          "block in from 2001:db8::1 to me\n" END,
          "0 1 2");
}

Test(order, there_is_no_rule_behind_the_last)
{
    struct sp_policy *policy = policy_of("block in from any to me\norder specific\ndefault bypass\n");
    cr_assert_eq(sp_policy_order(policy), SP_ORDER_SPECIFIC);
    cr_assert_eq(sp_policy_rule_at(policy, 0), 0);
    cr_assert_eq(sp_policy_rule_at(policy, 1), SP_NO_RULE);
    sp_policy_destroy(&policy);
}

Test(order, explain_tells_the_matching_rules_as_they_are_tried)
{
    struct sp_policy *policy = policy_of("order specific\n"
                                         "block in from any to me\n"
                                         "bypass in tcp from 192.0.2.2 to me\n"
                                         "block in from 192.0.2.0/24 to me\n" END);
    const struct sp_me me = {.unknown = true};
    struct sp_flow flow = flow_of("in tcp 192.0.2.2 1 192.0.2.1 2");
    struct sp_match matches[4];
    cr_assert_eq(sp_policy_explain(policy, &me, &flow, matches, 4), 4);
    cr_assert(matches[0].rule == 1 && matches[1].rule == 2 && matches[2].rule == 0);
    cr_assert_eq(matches[0].action, SP_ACTION_BYPASS);
    sp_policy_destroy(&policy);
}

Test(order, the_compiled_print_is_a_policy_that_lists_the_rules_as_they_are_tried)
{
    static const char text[] = ACTION "set \"s\" { 80 }\n"
                                      "block in tcp from any to me port \"s\"\n"
                                      "bypass in tcp from 192.0.2.2 to me\n"
                                      "order specific\n" END;
    char *printed = NULL;
    size_t len_bytes;
    struct sp_policy *policy = policy_of(text);
    FILE *out = open_memstream(&printed, &len_bytes);
    sp_policy_print_compiled(policy, out);
    cr_assert_eq(fclose(out), 0);
    cr_assert_not_null(strstr(printed, "set \"s\" { 80 }\n"
                                       "bypass in tcp from 192.0.2.2 to me  # test:4\n"
                                       "block in tcp from any to me port \"s\"  # test:3\n"
                                       "default block\n"));
    check(printed, "0 1");
    free(printed);
    sp_policy_destroy(&policy);
}
