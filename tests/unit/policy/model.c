/* SPDX-License-Identifier: ISC
 *
 * What a policy tells its readers.
 */
#include "unit/policy/fixture.h"

#include <criterion/criterion.h>

static const char text[] = "action \"a\" {\n"
                           "    esp 3des-cbc hmac-sha1-96\n"
                           "}\n"
                           "action \"b\" {\n"
                           "    lifetime 5 MB 10 minutes 7 packets\n"
                           "    esp null hmac-md5-96\n"
                           "}\n"
                           "\n"
                           "block in from any to { me, 192.0.2.1-192.0.2.9, 2001:db8::/32 } as \"first\"\n"
                           "protect out udp from me port { 1, 3-5 } to any with \"b\"\n"
                           "default block\n";

Test(model, actions_are_told_in_the_order_of_the_text)
{
    struct sp_policy *policy = policy_of(text);
    struct sp_action_info action;
    cr_assert_eq(sp_policy_action_count(policy), 2);
    cr_assert_eq(sp_policy_action(policy, 0, &action), SP_OK);
    cr_assert_str_eq(action.name, "a");
    cr_assert_eq(action.encryption, SP_ENCRYPTION_3DES_CBC);
    cr_assert_eq(action.integrity, SP_INTEGRITY_HMAC_SHA1_96);
    cr_assert_str_eq(sp_lifetime_preset_name(&action.lifetime), "w2k");
    cr_assert_eq(sp_policy_action(policy, 1, &action), SP_OK);
    cr_assert_str_eq(action.name, "b");
    cr_assert_eq(action.encryption, SP_ENCRYPTION_NULL);
    cr_assert_eq(action.lifetime.hard_bytes, 5 << 20);
    cr_assert_eq(action.lifetime.hard_seconds, 600);
    cr_assert_eq(action.lifetime.hard_packets, 7);
    sp_policy_destroy(&policy);
}

Test(model, rules_are_told_as_they_are_written)
{
    struct sp_policy *policy = policy_of(text);
    struct sp_rule_info rule;
    cr_assert_eq(sp_policy_rule_count(policy), 2);
    cr_assert_eq(sp_policy_rule(policy, 0, &rule), SP_OK);
    cr_assert_str_eq(rule.name, "first");
    cr_assert_str_eq(rule.file, "test");
    cr_assert_eq(rule.line, 9);
    cr_assert_eq(rule.action, SP_ACTION_BLOCK);
    cr_assert_eq(rule.action_index, SP_NO_RULE);
    cr_assert_eq(rule.direction, SP_INBOUND);
    cr_assert_eq(rule.protocol, SP_PROTOCOL_ANY);
    cr_assert(!rule.from.is_me && rule.from.address_count == 0 && rule.from.port_count == 0);
    cr_assert(rule.to.is_me && rule.to.address_count == 2);
    cr_assert_eq(rule.to.addresses[0].last.bytes[3], 9);
    cr_assert_eq(rule.to.addresses[1].first.family, 6);
    cr_assert_eq(rule.to.addresses[1].last.bytes[4], 0xff);

    cr_assert_eq(sp_policy_rule(policy, 1, &rule), SP_OK);
    cr_assert_null(rule.name);
    cr_assert_eq(rule.action_index, 1);
    cr_assert_eq(rule.direction, SP_OUTBOUND);
    cr_assert_eq(rule.protocol, 17);
    cr_assert_eq(rule.from.port_count, 2);
    cr_assert(rule.from.ports[1].first == 3 && rule.from.ports[1].last == 5);
    cr_assert_eq(sp_policy_default(policy), SP_ACTION_BLOCK);
    sp_policy_destroy(&policy);
}

Test(model, what_is_not_there_is_not_found)
{
    struct sp_policy *policy = policy_of(text);
    struct sp_action_info action;
    struct sp_rule_info rule;
    cr_assert_eq(sp_policy_action(policy, 2, &action), SP_ERR_NOT_FOUND);
    cr_assert_eq(sp_policy_rule(policy, 2, &rule), SP_ERR_NOT_FOUND);
    sp_policy_destroy(&policy);
}

Test(model, rules_can_be_told_where_they_were_written)
{
    struct sp_policy *policy = policy_of(text);
    struct sp_rule_info rule;
    char file[] = "web.policy";
    cr_assert_eq(sp_policy_set_place(policy, 0, file, 7), SP_OK);
    cr_assert_eq(sp_policy_set_place(policy, 1, file, 9), SP_OK);
    cr_assert_eq(sp_policy_set_place(policy, 2, file, 9), SP_ERR_NOT_FOUND);
    memset(file, 'x', sizeof file - 1);
    for (uint32_t i = 0; i < 2; i++) {
        cr_assert_eq(sp_policy_rule(policy, i, &rule), SP_OK);
        cr_assert_str_eq(rule.file, "web.policy");
        cr_assert_eq(rule.line, 7 + 2 * i);
    }
    sp_policy_destroy(&policy);
}

Test(model, destroying_nulls_the_pointer_and_may_be_done_twice)
{
    struct sp_policy *policy = policy_of(text);
    sp_policy_destroy(&policy);
    cr_assert_null(policy);
    sp_policy_destroy(&policy);
}

Test(model, actions_have_their_names_in_the_language)
{
    cr_assert_str_eq(sp_action_name(SP_ACTION_PROTECT), "protect");
    cr_assert_str_eq(sp_action_name(SP_ACTION_BYPASS), "bypass");
    cr_assert_str_eq(sp_action_name(SP_ACTION_BLOCK), "block");
}
