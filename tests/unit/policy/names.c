/* SPDX-License-Identifier: ISC
 *
 * The map from names to numbers.
 */
#include "policy/names.h"

#include <criterion/criterion.h>
#include <stdio.h>

Test(names, an_empty_map_finds_nothing)
{
    struct sp_names names = {0};
    cr_assert_eq(sp_names_find(&names, "a"), SP_NAMES_NONE);
    sp_names_free(&names);
}

Test(names, each_of_many_names_is_found_with_its_own_number_and_no_other_is)
{
    enum { NAMES = 5000 };
    static char texts[NAMES][16];
    struct sp_names names = {0};
    for (uint32_t i = 0; i < NAMES; i++) {
        snprintf(texts[i], sizeof texts[i], "name %u", i);
        cr_assert_eq(sp_names_find(&names, texts[i]), SP_NAMES_NONE);
        cr_assert(sp_names_add(&names, texts[i], i));
    }
    for (uint32_t i = 0; i < NAMES; i++)
        cr_assert_eq(sp_names_find(&names, texts[i]), i);
    cr_assert_eq(sp_names_find(&names, "name 5000"), SP_NAMES_NONE);
    cr_assert_eq(sp_names_find(&names, ""), SP_NAMES_NONE);
    sp_names_free(&names);
}
