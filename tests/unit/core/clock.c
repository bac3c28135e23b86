/* SPDX-License-Identifier: ISC
 *
 * The lifetime clock.
 */
#include "core/clock.h"

#include <criterion/criterion.h>

#include <time.h>

Test(clock, never_goes_back)
{
    uint64_t last_ns = sp_clock_now_ns();

    for (int i = 0; i < 100000; i++) {
        uint64_t now_ns = sp_clock_now_ns();
        cr_assert_geq(now_ns, last_ns);
        last_ns = now_ns;
    }
}

Test(clock, passes_as_time_does)
{
    const struct timespec pause = {.tv_nsec = 30000000};
    uint64_t before_ns = sp_clock_now_ns();

    (void)nanosleep(&pause, NULL);
    uint64_t passed_ns = sp_clock_now_ns() - before_ns;
    cr_expect_geq(passed_ns, 30000000);
    cr_expect_lt(passed_ns, 10000000000);
}

Test(clock, can_be_moved_forward_by_tests)
{
    uint64_t before_ns = sp_clock_now_ns();

    sp_clock_advance_ns(3600 * UINT64_C(1000000000));
    sp_clock_advance_ns(5);
    cr_expect_geq(sp_clock_now_ns(), before_ns + 3600 * UINT64_C(1000000000) + 5);
}
