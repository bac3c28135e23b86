/* SPDX-License-Identifier: ISC
 *
 * A policy's areas, as those see them who give them to another classifier.
 */
#include "unit/policy/fixture.h"

#include <sallyport/analysis.h>

#include <criterion/criterion.h>
#include <string.h>

struct seen {
    char text[4096];
};

static void write_area(const struct sp_area *area, uint32_t rule, void *context)
{
    struct seen *seen = context;
    char text[SP_AREA_TEXT_BYTES];
    size_t used = strlen(seen->text);

    snprintf(seen->text + used, sizeof seen->text - used, "%u %s\n", rule, sp_area_format(area, text));
}

static const char *areas_of(const char *text, enum sp_direction direction, struct seen *seen)
{
    const struct sp_address mine[] = {{4, {192, 0, 2, 1}}, {6, {0x20, 1, 0xd, 0xb8, [15] = 1}}};
    const struct sp_me me = {.addresses = mine, .count = 2};
    struct sp_policy *policy = policy_of(text);

    seen->text[0] = '\0';
    cr_assert_eq(sp_policy_visit_areas(policy, direction, &me, write_area, seen), SP_OK);
    sp_policy_destroy(&policy);
    return seen->text;
}

Test(areas, a_protect_rule_has_them_both_ways_with_me_replaced_by_addresses)
{
    static const char text[] = "action \"e\" { esp 3des-cbc hmac-sha1-96 }\n"
                               "block in tcp from any to me port 80\n"
                               "protect out tcp from me to any port 80 with \"e\"\n"
                               "default bypass\n";
    struct seen seen;

    cr_expect_str_eq(areas_of(text, SP_OUTBOUND, &seen), "1 out tcp 192.0.2.1 -> 0.0.0.0/0 port 80\n"
                                                         "1 out tcp 2001:db8::1 -> ::/0 port 80\n");
    cr_expect_str_eq(areas_of(text, SP_INBOUND, &seen), "0 in tcp 0.0.0.0/0 -> 192.0.2.1 port 80\n"
                                                        "0 in tcp ::/0 -> 2001:db8::1 port 80\n"
                                                        "1 in tcp 0.0.0.0/0 port 80 -> 192.0.2.1\n"
                                                        "1 in tcp ::/0 port 80 -> 2001:db8::1\n");
}

Test(areas, they_come_as_tried_and_without_packets_that_no_host_sends)
{
    static const char text[] = "order specific\n"
                               "block out from any to any\n"
                               "bypass out icmp type 8 from any to any\n"
                               "default bypass\n";
    struct seen seen;

    cr_expect_str_eq(areas_of(text, SP_OUTBOUND, &seen), "1 out icmp type 8 0.0.0.0/0 -> 0.0.0.0/0\n"
                                                         "0 out any 0.0.0.0/0 -> 0.0.0.0/0\n"
                                                         "0 out any ::/0 -> ::/0\n");
}
