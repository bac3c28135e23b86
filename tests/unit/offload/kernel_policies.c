/* SPDX-License-Identifier: ISC
 *
 * Rules as kernel policies: what their templates ask for in tunnel mode.
 */
#include "kernel/policies.h"

#include "kernel/suite.h"

#include <criterion/criterion.h>

#include <string.h>

static struct sp_address address_of(const char *text)
{
    struct sp_address address;
    cr_assert_eq(sp_address_parse(text, &address), SP_OK);
    return address;
}

static bool is_same(const struct sp_address *left, const char *right)
{
    const struct sp_address address = address_of(right);
    return memcmp(left, &address, sizeof address) == 0;
}

static struct sp_kernel_policies make(const char *text)
{
    const struct sp_address own = address_of("203.0.113.1");
    const struct sp_me me = {.addresses = &own, .count = 1};
    struct sp_kernel_policies made = {.count = 0};
    struct sp_policy *policy = NULL;
    struct sp_report *report = NULL;

    cr_assert_eq(sp_report_create(&report), SP_OK);
    cr_assert_eq(sp_policy_parse(text, strlen(text), "test", &policy, report), SP_OK);
    cr_assert_eq(sp_kernel_policies_make(policy, &me, NULL, report, &made), SP_OK);
    sp_policy_destroy(&policy);
    sp_report_destroy(&report);
    return made;
}

Test(kernel_policies, templates_of_tunnels_have_the_ends_as_their_direction_sees_them)
{
    /* either family, in a tunnel of each */
    static const struct {
        const char *inside, *here, *there;
        uint8_t family;
    } cases[] = {
        {"from 10.1.0.0/16 to 10.2.0.0/16", "203.0.113.1", "203.0.113.2", 4},
        {"from 10.1.0.0/16 to 10.2.0.0/16", "2001:db8::1", "2001:db8::2", 6},
        {"from 2001:db8:1::/48 to 2001:db8:2::/48", "203.0.113.1", "203.0.113.2", 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        bool is_seen[3] = {false};
        snprintf(text, sizeof text,
                 "action \"t\" { esp 3des-cbc hmac-sha1-96\n mode tunnel from %s to %s\n}\n"
                 "protect out any %s with \"t\"\ndefault bypass\n",
                 cases[i].here, cases[i].there, cases[i].inside);
        struct sp_kernel_policies made = make(text);
        for (size_t k = 0; k < made.count; k++) {
            const struct sp_xfrm_policy *policy = &made.policies[k];
            const struct sp_xfrm_template *template = &policy->templates[0];
            const bool is_out = policy->direction == XFRM_POLICY_OUT;
            if (policy->template_count == 0) /* what lets neighbours be found */
                continue;
            is_seen[policy->direction] = true;
            cr_expect_eq(template->mode, XFRM_MODE_TUNNEL);
            cr_expect_eq(template->family, cases[i].family);
            cr_expect_eq(template->reqid, 0x53040101);
            cr_expect(is_same(&template->source, is_out ? cases[i].here : cases[i].there));
            cr_expect(is_same(&template->destination, is_out ? cases[i].there : cases[i].here));
        }
        cr_expect(is_seen[XFRM_POLICY_OUT] && is_seen[XFRM_POLICY_IN] && is_seen[XFRM_POLICY_FWD]);
        sp_kernel_policies_free(&made);
    }
}
