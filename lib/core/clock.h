/* SPDX-License-Identifier: ISC
 *
 * The clock that lifetimes run on: monotonic and counting suspended time, in nanoseconds, read without a
 * system call (vDSO). */
#ifndef SP_CORE_CLOCK_H
#define SP_CORE_CLOCK_H

#include <stdint.h>

uint64_t sp_clock_now_ns(void);

/* For tests only: how far the clock is moved forward from now on. */
void sp_clock_advance_ns(uint64_t forward_ns);

#endif
