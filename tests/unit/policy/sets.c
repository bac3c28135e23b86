/* SPDX-License-Identifier: ISC
 *
 * Sets: what rules hold that name them, and what readers of a policy see of them. Their text and their errors
 * are in tests/golden.
 */
#include "unit/policy/fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const char named[] = "set \"near\" { me, 192.0.2.1 }\n"
                            "set \"all\" { 198.51.100.0/24, \"near\" }\n"
                            "set \"mail\" { 25, 587 }\n"
                            "block in tcp from \"all\" to 192.0.2.9 port { 80, \"mail\" }\n"
                            "default bypass\n";
static const char written_out[] =
    "block in tcp from { 198.51.100.0/24, me, 192.0.2.1 } to 192.0.2.9 port { 80, 25, 587 }\n"
    "default bypass\n";

static void endpoints_equal(const struct sp_endpoint *left, const struct sp_endpoint *right)
{
    cr_assert_eq(left->is_me, right->is_me);
    cr_assert_eq(left->address_count, right->address_count);
    cr_assert_eq(left->port_count, right->port_count);
    cr_assert_eq(memcmp(left->addresses, right->addresses, left->address_count * sizeof *left->addresses), 0);
    for (uint32_t i = 0; i < left->port_count; i++)
        cr_assert(left->ports[i].first == right->ports[i].first &&
                  left->ports[i].last == right->ports[i].last);
}

Test(sets, a_rule_that_names_sets_holds_what_the_same_rule_written_out_holds)
{
    struct sp_policy *with_names = policy_of(named), *without = policy_of(written_out);
    struct sp_rule_info left, right;
    cr_assert_eq(sp_policy_rule(with_names, 0, &left), SP_OK);
    cr_assert_eq(sp_policy_rule(without, 0, &right), SP_OK);
    endpoints_equal(&left.from, &right.from);
    endpoints_equal(&left.to, &right.to);
    sp_policy_destroy(&with_names);
    sp_policy_destroy(&without);
}

Test(sets, a_policy_tells_its_sets_in_the_order_of_the_text_with_place_kind_and_contents)
{
    struct sp_policy *policy = policy_of(named);
    struct sp_set_info set;
    cr_assert_eq(sp_policy_set_count(policy), 3);
    cr_assert_eq(sp_policy_set(policy, 1, &set), SP_OK);
    cr_assert_str_eq(set.name, "all");
    cr_assert_str_eq(set.file, "test");
    cr_assert_eq(set.line, 2);
    cr_assert(!set.is_of_ports && set.holds.is_me && set.holds.port_count == 0);
    cr_assert_eq(set.holds.address_count, 2);
    cr_assert_eq(sp_policy_set(policy, 2, &set), SP_OK);
    cr_assert(set.is_of_ports && !set.holds.is_me && set.holds.address_count == 0);
    cr_assert_eq(set.holds.ports[1].first, 587);
    sp_policy_destroy(&policy);
}

Test(sets, there_is_no_set_behind_the_last)
{
    struct sp_policy *policy = policy_of(named);
    struct sp_set_info set = {.line = 77};
    cr_assert_eq(sp_policy_set(policy, 3, &set), SP_ERR_NOT_FOUND);
    cr_assert_eq(set.line, 77, "outputs stay untouched on failure");
    sp_policy_destroy(&policy);
}

Test(sets, a_rules_text_names_the_sets_that_the_rule_names)
{
    char text[256];
    struct sp_policy *policy = policy_of(named);
    cr_assert_str_eq(sp_policy_rule_text(policy, 0, text, sizeof text),
                     "block in tcp from \"all\" to 192.0.2.9 port { 80, \"mail\" }");
    sp_policy_destroy(&policy);
}

/* Each set holds the one before it ten times. */
Test(sets, a_short_text_can_not_grow_a_policy_without_bounds, .timeout = 20)
{
    char text[4096] = "set \"0\" { 1 }\n";
    for (int i = 1; i <= 20; i++) {
        char line[256];
        int at = snprintf(line, sizeof line, "set \"%d\" { ", i);
        for (int j = 0; j < 10; j++)
            at += snprintf(line + at, sizeof line - (size_t)at, "%s\"%d\"", j ? ", " : "", i - 1);
        strcat(text, line);
        strcat(text, " }\n");
    }
    strcat(text, "block in tcp from any to me port \"20\"\ndefault block\n");
    cr_assert_eq(status_of(text, strlen(text), NULL), SP_ERR_PARSE);
}
