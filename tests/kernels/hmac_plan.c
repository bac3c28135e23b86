/* SPDX-License-Identifier: ISC
 *
 * Which HMAC kernels are admitted, and which of them really run: by feature mask, by number of packets.
 */
#include "hmac.h"

#include "crypto/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNTED_MAX SP_HASH_KERNELS_MAX

/* What is in use with these features. A new kernel belongs here. */
static const struct expectation {
    const char *hash;
    uint32_t features; /* all of them; the first line that fits counts */
    const char *kernel;
} expectations[] = {
#ifdef __x86_64__
    {"hmac-md5-96", SP_CPU_AVX512, "avx512/64 avx512/32 avx512/16 libcrypto/1"},
    {"hmac-md5-96", SP_CPU_AVX2, "avx2/16 avx2/8 libcrypto/1"},
    {"hmac-sha1-96", SP_CPU_AVX512 | SP_CPU_SHA_NI, "avx512/32 avx512/16 sha-ni/4 sha-ni/2 sha-ni/1"},
    {"hmac-sha1-96", SP_CPU_AVX512, "avx512/32 avx512/16 libcrypto/1"},
    {"hmac-sha1-96", SP_CPU_SHA_NI, "sha-ni/4 sha-ni/2 sha-ni/1"},
    {"hmac-sha1-96", SP_CPU_AVX2, "avx2/8 libcrypto/1"},
    {"hmac-sha2-256-128", SP_CPU_AVX512 | SP_CPU_SHA_NI, "avx512/32 avx512/16 sha-ni/4 sha-ni/2 sha-ni/1"},
    {"hmac-sha2-256-128", SP_CPU_AVX512, "avx512/32 avx512/16 libcrypto/1"},
    {"hmac-sha2-256-128", SP_CPU_SHA_NI, "sha-ni/4 sha-ni/2 sha-ni/1"},
    {"hmac-sha2-256-128", SP_CPU_AVX2, "avx2/8 libcrypto/1"},
#endif
    {"", 0, "libcrypto/1"},
};

/* All that are compiled in, whatever may run here. A new kernel belongs here too. */
static const struct inventory {
    const char *hash, *kernels;
} inventories[] = {
#ifdef __x86_64__
    {"hmac-md5-96", "libcrypto/1 avx2/8 avx2/16 avx512/16 avx512/32 avx512/64"},
    {"hmac-sha1-96", "libcrypto/1 sha-ni/1 sha-ni/2 sha-ni/4 avx2/8 avx512/16 avx512/32"},
    {"hmac-sha2-256-128", "libcrypto/1 sha-ni/1 sha-ni/2 sha-ni/4 avx2/8 avx512/16 avx512/32"},
#else
    {"hmac-md5-96", "libcrypto/1"},
    {"hmac-sha1-96", "libcrypto/1"},
    {"hmac-sha2-256-128", "libcrypto/1"},
#endif
};

static void check_inventory(struct harness *harness, const struct sp_hash *hash)
{
    const struct inventory *here = inventories;
    char names[256] = "";

    while (strcmp(here->hash, hash->name) != 0)
        here++;
    for (size_t i = 0; i < hash->kernel_count; i++) {
        size_t end = strlen(names);
        snprintf(names + end, sizeof names - end, "%s%s", i > 0 ? " " : "", hash->kernels[i]->name);
    }
    harness_tell(harness, strcmp(names, here->kernels) == 0, "%s: the kernels are %s (they are %s)",
                 hash->name, here->kernels, names);
}

static const char *expected_kernel(const struct sp_hash *hash, uint32_t features)
{
    const struct expectation *now = expectations;

    while (now->features != 0 && (strcmp(now->hash, hash->name) != 0 || (now->features & ~features) != 0))
        now++;
    return now->kernel;
}

static void check_masks(struct harness *harness, const struct sp_hash *hash)
{
    static const char *const masks[] = {"",   "sha_ni", "avx2", "avx512", "avx512,sha_ni", "sha_ni,avx2",
                                        "all"};

    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        struct sp_lane_plan plan;
        bool is_understood;
        uint32_t features = sp_cpu_hide(sp_cpu_features(), masks[i], &is_understood);
        sp_lane_plan_choose(&plan, hash, features);
        const char *expected = expected_kernel(hash, features);
        harness_tell(harness, strcmp(plan.name, expected) == 0,
                     "%s: without \"%s\" the plan is %s (it is %s)", hash->name, masks[i], expected,
                     plan.name);
    }
}

/* Kernels that count how often they run. */
static size_t runs[COUNTED_MAX];
static const struct sp_hash_kernel *counted[COUNTED_MAX];

#define COUNTING(index)                                                                                      \
    static void run_##index(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)                    \
    {                                                                                                        \
        runs[index]++;                                                                                       \
        counted[index]->compress(rows, data, blocks);                                                        \
    }

COUNTING(0)
COUNTING(1)
COUNTING(2)
COUNTING(3)
COUNTING(4)
COUNTING(5)
COUNTING(6)

typedef void compress_function(sp_hash_row *rows, const uint8_t *const *data, size_t blocks);
static compress_function *const counting[] = {run_0, run_1, run_2, run_3, run_4, run_5, run_6};

/* Two runs for packets of few blocks: the packet with its padding, outer hash. */
static bool runs_are_as_planned(const struct sp_lane_plan *plan, const struct sp_hash_kernel *kernels,
                                size_t count, size_t packets)
{
    size_t planned[COUNTED_MAX] = {0};
    size_t lanes = packets;

    while (lanes > 0) {
        const struct sp_hash_kernel *kernel = plan->first[lanes];
        planned[kernel - kernels] += 2;
        lanes = lanes > kernel->lanes ? lanes - kernel->lanes : 0;
    }
    return count <= COUNTED_MAX && memcmp(planned, runs, sizeof planned) == 0;
}

/* That nothing is slower than some other way to split n packets over the kernels. */
static bool is_cheapest(const struct sp_lane_plan *plan, const struct sp_hash_kernel *kernels, size_t count)
{
    for (size_t lanes = 1; lanes <= SP_HASH_LANES_MAX; lanes++)
        for (size_t i = 0; i < count; i++) {
            size_t rest = lanes > kernels[i].lanes ? lanes - kernels[i].lanes : 0;
            uint32_t cycles = (sp_cpu_features() & SP_CPU_AVX512) != 0 ? kernels[i].cycles_per_block_avx512
                                                                       : kernels[i].cycles_per_block;
            if (plan->cost[lanes] > cycles + plan->cost[rest])
                return false;
        }
    return true;
}

static void check_runs(struct harness *harness, const struct sp_hash *hash, const struct sp_hmac *ops)
{
    static const uint8_t text[64];
    struct sp_hash_kernel kernels[COUNTED_MAX];
    const struct sp_hash_kernel *pointers[COUNTED_MAX];
    uint32_t state[16] __attribute__((aligned(64)));
    struct sp_hmac_job jobs[SP_HASH_LANES_MAX];
    uint8_t icvs[SP_HASH_LANES_MAX][16];
    struct sp_lane_plan plan;
    size_t count = 0;
    bool is_as_planned = true;

    for (size_t i = 0; i < hash->kernel_count; i++) {
        if ((hash->kernels[i]->cpu_features & ~sp_cpu_features()) != 0)
            continue;
        counted[count] = hash->kernels[i];
        kernels[count] = *hash->kernels[i];
        kernels[count].compress = counting[count];
        kernels[count].compress_and_finish = NULL; /* so that each run is counted */
        pointers[count] = &kernels[count];
        count++;
    }
    sp_lane_plan_make(&plan, pointers, count, sp_cpu_features());
    ops->expand(state, text, sizeof text);
    for (size_t packets = 1; packets <= plan.lanes; packets++) {
        memset(runs, 0, sizeof runs);
        for (size_t i = 0; i < packets; i++)
            jobs[i] =
                (struct sp_hmac_job){.state = state, .data = text, .len_bytes = sizeof text, .icv = icvs[i]};
        hash->mac(&plan, jobs, packets, ops->icv_bytes);
        is_as_planned &= runs_are_as_planned(&plan, kernels, count, packets);
    }
    harness_tell(harness, is_as_planned, "%s: the kernels that run are those of the plan", hash->name);
    harness_tell(harness, is_cheapest(&plan, kernels, count), "%s: no other split of lanes is cheaper",
                 hash->name);
}

static const struct sp_hash_kernel *broken;

static void wrong_last_lane(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    broken->compress(rows, data, blocks);
    rows[broken->lanes - 1][1] ^= 0x100;
}

static void swapped_lanes(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    sp_hash_row first;

    broken->compress(rows, data, blocks);
    memcpy(first, rows[0], sizeof first);
    memcpy(rows[0], rows[1], sizeof first);
    memcpy(rows[1], first, sizeof first);
}

static void forgotten_block(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    broken->compress(rows, data, blocks > 1 ? 1 : blocks);
}

static void forgotten_outer_hash(sp_hash_row *rows, const uint8_t *const *data, size_t blocks,
                                 const uint32_t *const *outer)
{
    (void)outer;
    broken->compress(rows, data, blocks);
}

/* Whether a plan is ever made of the kernel, when libcrypto's is the only other. */
static bool is_chosen(const struct sp_hash *hash, const struct sp_hash_kernel *kernel)
{
    const struct sp_hash_kernel *kernels[] = {hash->kernels[0], kernel};
    struct sp_hash with = *hash;
    struct sp_hash_kernel free = *kernel;
    struct sp_lane_plan plan;

    free.cycles_per_block = free.cycles_per_block_avx512 = 0; /* so that no plan would do without it */
    kernels[1] = &free;
    with.kernels = kernels;
    with.kernel_count = 2;
    sp_lane_plan_choose(&plan, &with, sp_cpu_features());
    return plan.first[1] == &free;
}

static const struct fault {
    compress_function *compress;
    uint32_t lanes_min;
    const char *what;
} faults[] = {
    {wrong_last_lane, 1, "flips a bit of the last lane"},
    {swapped_lanes, 2, "swaps two lanes"},
    {forgotten_block, 1, "stops after a block"},
};

static void check_fault(struct harness *harness, const struct sp_hash *hash, const struct fault *fault)
{
    struct sp_hash_kernel kernel = *broken;

    kernel.compress = fault->compress;
    harness_tell(harness, !sp_hash_kernel_is_sound(hash, &kernel) && !is_chosen(hash, &kernel),
                 "%s, %s: a kernel that %s is not admitted", hash->name, kernel.name, fault->what);
}

static void check_finish(struct harness *harness, const struct sp_hash *hash)
{
    struct sp_hash_kernel kernel = *broken;

    kernel.compress_and_finish = forgotten_outer_hash;
    harness_tell(harness, !sp_hash_kernel_is_sound(hash, &kernel) && !is_chosen(hash, &kernel),
                 "%s, %s: a kernel that forgets the outer hash is not admitted", hash->name, kernel.name);
}

static void check_admission(struct harness *harness, const struct sp_hash *hash)
{
    for (size_t k = 0; k < hash->kernel_count; k++) {
        broken = hash->kernels[k];
        if ((broken->cpu_features & ~sp_cpu_features()) != 0)
            continue;
        harness_tell(harness, is_chosen(hash, broken), "%s, %s: is chosen when it costs nothing", hash->name,
                     broken->name);
        check_finish(harness, hash);
        for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
            if (broken->lanes >= faults[i].lanes_min)
                check_fault(harness, hash, &faults[i]);
    }
}

void hmac_plan(struct harness *harness, const struct sp_hash *hash, const struct sp_hmac *ops)
{
    const char *expected = expected_kernel(hash, sp_cpu_features());
    const char *name = strcmp(expected, "libcrypto/1") == 0 ? "libcrypto" : expected;

    harness_tell(harness, strcmp(ops->kernel, name) == 0, "%s: %s is in use (it is %s)", hash->name, name,
                 ops->kernel);
    check_inventory(harness, hash);
    check_masks(harness, hash);
    check_runs(harness, hash, ops);
    check_admission(harness, hash);
}
