/* SPDX-License-Identifier: ISC
 *
 * Constant time, seen by valgrind: keys and blocks are marked as undefined, and valgrind reports each branch
 * and each address that depends on them. Runs under valgrind only, for the kernels whose instructions it
 * knows. What libcrypto does isn't looked at: its tables are its own affair, and the bursts here leave
 * nothing to it.
 */
#include "harness.h"

#include "crypto/tdes/state.h"
#include "crypto/tdes/variants.h"

#include <stdio.h>
#include <stdlib.h>
#include <valgrind/memcheck.h>

#define JOBS 256 /* whole vectors of lanes, for every kernel */
#define LENGTH 24
#define KEYS 3

static struct sp_tdes_state states[KEYS];
static uint8_t packets[JOBS][LENGTH], ivs[JOBS][SP_TDES_BLOCK_BYTES];
static struct sp_cbc_job jobs[JOBS];

static void mark_secrets(struct harness *harness)
{
    for (size_t i = 0; i < KEYS; i++) {
        harness_fill(harness, states[i].key, sizeof states[i].key);
        VALGRIND_MAKE_MEM_UNDEFINED(states[i].key, sizeof states[i].key);
        sp_tdes_expand_round_keys(&states[i]);
    }
    harness_fill(harness, packets, sizeof packets);
    VALGRIND_MAKE_MEM_UNDEFINED(packets, sizeof packets);
}

static void set_jobs(size_t keys)
{
    for (size_t i = 0; i < JOBS; i++)
        jobs[i] = (struct sp_cbc_job){&states[i % keys], ivs[i], packets[i], packets[i], LENGTH};
}

/* The errors that valgrind counts until the last of four bursts has ended: each direction, one key and
 * several. */
static unsigned leaks(struct harness *harness, const struct sp_tdes_lanes *lanes)
{
    unsigned before = VALGRIND_COUNT_ERRORS;

    mark_secrets(harness);
    for (size_t keys = 1; keys <= KEYS; keys += KEYS - 1) {
        set_jobs(keys);
        (void)sp_tdes_lanes_seal(lanes, jobs, JOBS);
        (void)sp_tdes_lanes_open(lanes, jobs, JOBS);
    }
    return VALGRIND_COUNT_ERRORS - before;
}

/* That this test would notice: a branch on what came out. */
static unsigned planted_leaks(void)
{
    unsigned before = VALGRIND_COUNT_ERRORS;
    static volatile int sink;

    if (packets[0][0] & 1)
        sink = 1;
    (void)sink;
    return VALGRIND_COUNT_ERRORS - before;
}

int main(void)
{
    struct harness harness = {.random_state = 1};
    size_t count;
    const struct sp_tdes_variant *variants = sp_tdes_variants(&count);

    if (!RUNNING_ON_VALGRIND) {
        (void)fprintf(stderr, "tdes-secrets: run me under valgrind\n");
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        const char *kernel = variants[i].ops->kernel;
        if (variants[i].lanes == NULL)
            continue;
        if ((sp_cpu_features() & variants[i].needs) != variants[i].needs) {
            harness_skip(&harness, "valgrind has no such processor", "tdes %s: constant time", kernel);
            continue;
        }
        harness_tell(&harness, leaks(&harness, variants[i].lanes) == 0,
                     "tdes %s: no branch and no address depends on keys or blocks", kernel);
        harness_tell(&harness, planted_leaks() > 0, "tdes %s: a branch on a block is noticed", kernel);
    }
    printf("1..%zu\n", harness.lines);
    return harness.failures != 0;
}
