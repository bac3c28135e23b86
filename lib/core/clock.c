/* SPDX-License-Identifier: ISC
 *
 * The lifetime clock. CLOCK_BOOTTIME rather than CLOCK_MONOTONIC: an SA grows old while the machine sleeps.
 */
#include "core/clock.h"
#include "core/misuse.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic uint64_t forward_total_ns;

uint64_t sp_clock_now_ns(void)
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_BOOTTIME, &now);

    SP_REQUIRE(!failed);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec +
           atomic_load_explicit(&forward_total_ns, memory_order_relaxed);
}

void sp_clock_advance_ns(uint64_t forward_ns)
{
    atomic_fetch_add_explicit(&forward_total_ns, forward_ns, memory_order_relaxed);
}
