/* SPDX-License-Identifier: ISC
 *
 * Who tells the kernel: our link, as loading a policy uses it; iproute2's `ip -batch`; and the floor, a loop
 * that sends ready-made messages and reads nothing but what it must. What the floor takes is the kernel's
 * own.
 *
 * All talk to the kernel of the network namespace that this process is in. A job that fails ends the bench.
 */
#ifndef SP_BENCH_OFFLOAD_ENGINES_H
#define SP_BENCH_OFFLOAD_ENGINES_H

#include "subjects.h"

enum job {
    JOB_PUSH,   /* subjects 0 .. count-1 */
    JOB_READ,   /* all that there are, to the last field */
    JOB_DELETE, /* each by name */
    JOB_FLUSH,  /* all by one message */
    JOBS
};
extern const char *const job_names[JOBS];

enum engine_number { ENGINE_SALLYPORT, ENGINE_FLOOR, ENGINE_IP, ENGINES };
extern const char *const engine_names[ENGINES];

/* Before the jobs of one kind and count: ready-made messages and batch files. */
void engines_prepare(enum subject_kind kind, uint32_t count);
void engines_forget(void);
/* Does the job; how long it took, by the clock. iproute2's own start, as an empty batch shows it, is taken
 * off. */
uint64_t engine_run(enum engine_number engine, enum job job);

/* Ends the bench unless the kernel has exactly the subjects 0 .. count-1, or none of them. */
void engines_check(enum subject_kind kind, uint32_t count);

void bench_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* By the clock. */
uint64_t bench_clock_ns(void);

#endif
