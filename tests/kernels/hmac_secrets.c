/* SPDX-License-Identifier: ISC
 *
 * Constant time, seen by valgrind: keys' states and packets' bytes are marked as undefined, and valgrind
 * reports each branch and each address that depends on them. Runs under valgrind only, and tests the kernels
 * that valgrind can run (not those with the SHA extensions, which it doesn't know).
 */
#include "hmac.h"

#include "crypto/kernels.h"

#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#define JOBS 19
#define LENGTH_MAX 300

static uint32_t states[JOBS][16];
static uint8_t packets[JOBS][LENGTH_MAX], icvs[JOBS][16];
static struct sp_hmac_job jobs[JOBS];

/* The errors that valgrind counts while the burst runs. */
static size_t leaks(const struct sp_hash *hash, const struct sp_lane_plan *plan)
{
    for (size_t i = 0; i < JOBS; i++)
        jobs[i] = (struct sp_hmac_job){
            .state = states[i], .data = packets[i], .len_bytes = i * 31 % LENGTH_MAX, .icv = icvs[i]};
    VALGRIND_MAKE_MEM_UNDEFINED(states, sizeof states);
    VALGRIND_MAKE_MEM_UNDEFINED(packets, sizeof packets);
    size_t before = VALGRIND_COUNT_ERRORS;
    hash->mac(plan, jobs, JOBS, 12);
    return VALGRIND_COUNT_ERRORS - before;
}

/* That this test would notice: a branch on a byte of an ICV, which depends on a key. */
static size_t planted_leaks(void)
{
    size_t before = VALGRIND_COUNT_ERRORS;
    volatile int sink = 0;

    if (icvs[0][0] & 1)
        sink = 1;
    (void)sink;
    return VALGRIND_COUNT_ERRORS - before;
}

static void check_hash(struct harness *harness, const struct sp_hash *hash)
{
    for (size_t i = 0; i < hash->kernel_count; i++) {
        const struct sp_hash_kernel *kernel = hash->kernels[i];
        struct sp_lane_plan plan;
        if ((kernel->cpu_features & ~sp_cpu_features()) != 0) {
            harness_skip(harness, "valgrind has no such processor", "%s, %s: constant time", hash->name,
                         kernel->name);
            continue;
        }
        sp_lane_plan_make(&plan, &kernel, 1, sp_cpu_features());
        harness_tell(harness, leaks(hash, &plan) == 0,
                     "%s, %s: no branch and no address depends on keys or packets", hash->name, kernel->name);
        harness_tell(harness, planted_leaks() == 1, "%s, %s: a branch on the ICV is noticed", hash->name,
                     kernel->name);
    }
}

int main(void)
{
    struct harness harness = {0};

    if (!RUNNING_ON_VALGRIND) {
        (void)fprintf(stderr, "hmac-secrets: run me under valgrind\n");
        return 1;
    }
    check_hash(&harness, &sp_hash_md5);
    check_hash(&harness, &sp_hash_sha1);
    check_hash(&harness, &sp_hash_sha2_256);
    printf("1..%zu\n", harness.lines);
    return harness.failures != 0;
}
