/* SPDX-License-Identifier: ISC
 *
 * The IV pool: no number twice, whatever the sizes asked for.
 */
#include "esp/iv.h"

#include <criterion/criterion.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, 8);
}

Test(iv, a_hundred_thousand_taken_over_many_refills_all_differ)
{
    enum { IVS = 100000 };
    struct sp_iv_pool *pool = NULL;
    uint8_t *ivs = malloc((size_t)IVS * 8);
    cr_assert_not_null(ivs);
    cr_assert_eq(sp_iv_pool_create(&pool), SP_OK);
    for (size_t i = 0; i < IVS; i++)
        sp_iv_pool_take(pool, ivs + 8 * i, 8);
    qsort(ivs, IVS, 8, compare);
    for (size_t i = 1; i < IVS; i++)
        cr_assert_neq(memcmp(ivs + 8 * (i - 1), ivs + 8 * i, 8), 0);
    sp_iv_pool_destroy(&pool);
    cr_assert_null(pool);
    free(ivs);
}

Test(iv, two_pools_have_nothing_in_common)
{
    struct sp_iv_pool *pools[2];
    uint8_t ivs[2][64];
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(sp_iv_pool_create(&pools[i]), SP_OK);
        sp_iv_pool_take(pools[i], ivs[i], 64);
        sp_iv_pool_destroy(&pools[i]);
    }
    cr_assert_neq(memcmp(ivs[0], ivs[1], 64), 0);
}

Test(iv, about_half_of_the_bits_are_set)
{
    struct sp_iv_pool *pool = NULL;
    unsigned ones = 0;
    cr_assert_eq(sp_iv_pool_create(&pool), SP_OK);
    for (int i = 0; i < 10000; i++) {
        uint64_t iv;
        sp_iv_pool_take(pool, (uint8_t *)&iv, 8);
        ones += (unsigned)__builtin_popcountll(iv);
    }
    cr_assert_gt(ones, 318000u); /* five standard deviations of 400 */
    cr_assert_lt(ones, 322000u);
    sp_iv_pool_destroy(&pool);
}
