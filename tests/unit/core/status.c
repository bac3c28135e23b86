/* SPDX-License-Identifier: ISC
 *
 * Names of the answers.
 */
#include <sallyport/status.h>

#include <criterion/criterion.h>

#include <string.h>

Test(status, each_has_a_text_of_its_own)
{
    for (int i = SP_OK; i <= SP_ERR_SYSTEM; i++) {
        const char *text = sp_status_text((enum sp_status)i);
        cr_expect_str_neq(text, "unknown status", "status %d", i);
        for (int j = SP_OK; j < i; j++)
            cr_expect_str_neq(text, sp_status_text((enum sp_status)j), "statuses %d and %d", i, j);
    }
}

Test(status, a_value_outside_of_the_list_has_a_text_too)
{
    cr_expect_str_eq(sp_status_text((enum sp_status)(SP_ERR_SYSTEM + 1)), "unknown status");
    cr_expect_str_eq(sp_status_text((enum sp_status)(-1)), "unknown status");
}

Test(status, a_weak_key_is_called_so)
{
    cr_expect_str_eq(sp_status_text(SP_ERR_WEAK_KEY), "weak key");
}

Test(status, the_version_is_three_numbers)
{
    unsigned numbers[3];
    char rest;

    cr_expect_eq(sscanf(sp_version(), "%u.%u.%u%c", &numbers[0], &numbers[1], &numbers[2], &rest), 3);
}
