/* SPDX-License-Identifier: ISC
 *
 * Which kernels run, and which of them when.
 *
 * Wide kernels hash a byte for less, but cost the same with a single lane in use. So what serves n packets
 * best is a question of each kernel's cost of a block and of n; n is small, and the answer is found once by
 * trying, for each n, every kernel first and the best known way for what it leaves.
 *
 * Costs are constants, measured once (each kernel's file says on what), rather than measured at start: a
 * start on a busy machine must not choose otherwise than the one before. Between processors of a class costs
 * change less than between kernels; there are two classes, with AVX-512 and without.
 */
#include "crypto/hmac/kernels.h"

#include <stdio.h>
#include <string.h>

#define TEST_BLOCKS 2

static void add_name(struct sp_lane_plan *plan, const char *name)
{
    size_t end = strlen(plan->name);

    (void)snprintf(plan->name + end, sizeof plan->name - end, end > 0 ? " %s" : "%s", name);
}

/* The kernels that the plan makes use of, widest first, each once. */
static void name_plan(struct sp_lane_plan *plan)
{
    for (uint32_t width = SP_HASH_LANES_MAX; width > 0; width--) {
        const struct sp_hash_kernel *last = NULL;
        for (uint32_t lanes = 1; lanes <= plan->lanes; lanes++) {
            const struct sp_hash_kernel *kernel = plan->first[lanes];
            if (kernel->lanes == width && kernel != last)
                add_name(plan, (last = kernel)->name);
        }
    }
}

static uint32_t cycles_of(const struct sp_hash_kernel *kernel, uint32_t features)
{
    return (features & SP_CPU_AVX512) != 0 ? kernel->cycles_per_block_avx512 : kernel->cycles_per_block;
}

void sp_lane_plan_make(struct sp_lane_plan *plan, const struct sp_hash_kernel *const *kernels, size_t count,
                       uint32_t features)
{
    memset(plan, 0, sizeof *plan);
    for (uint32_t lanes = 1; lanes <= SP_HASH_LANES_MAX; lanes++) {
        plan->cost[lanes] = UINT32_MAX;
        for (size_t i = 0; i < count; i++) {
            uint32_t rest = lanes > kernels[i]->lanes ? lanes - kernels[i]->lanes : 0;
            uint32_t cost = cycles_of(kernels[i], features) + plan->cost[rest];
            if (cost >= plan->cost[lanes])
                continue;
            plan->cost[lanes] = cost;
            plan->first[lanes] = kernels[i];
        }
    }
    plan->lanes = 1;
    for (uint32_t lanes = 2; lanes <= SP_HASH_LANES_MAX; lanes++)
        if ((uint64_t)plan->cost[lanes] * plan->lanes < (uint64_t)plan->cost[plan->lanes] * lanes)
            plan->lanes = lanes;
    name_plan(plan);
}

/* "abc", padded to a block (FIPS 180-4 5.1.1; RFC 1321 3.1 has the length in the other byte order). */
static void padded_abc(uint8_t block[SP_HASH_BLOCK_BYTES], bool is_big_endian)
{
    memset(block, 0, SP_HASH_BLOCK_BYTES);
    memcpy(block, "abc\x80", 4);
    block[is_big_endian ? SP_HASH_BLOCK_BYTES - 1 : SP_HASH_BLOCK_BYTES - 8] = 24;
}

static bool knows_abc(const struct sp_hash *hash, const struct sp_hash_kernel *kernel)
{
    sp_hash_row rows[SP_HASH_LANES_MAX] __attribute__((aligned(32)));
    const uint8_t *data[SP_HASH_LANES_MAX];
    uint8_t block[SP_HASH_BLOCK_BYTES];

    padded_abc(block, hash->is_big_endian);
    for (uint32_t lane = 0; lane < kernel->lanes; lane++) {
        memcpy(rows[lane], hash->initial, sizeof rows[lane]);
        data[lane] = block;
    }
    kernel->compress(rows, data, 1);
    for (uint32_t lane = 0; lane < kernel->lanes; lane++)
        if (memcmp(rows[lane], hash->known_answer, hash->words * sizeof rows[0][0]) != 0)
            return false;
    return true;
}

/* Lanes that take each other's bytes, or a second block that goes wrong, don't show when all hash the same.
 */
static bool keeps_lanes_apart(const struct sp_hash *hash, const struct sp_hash_kernel *kernel)
{
    sp_hash_row rows[SP_HASH_LANES_MAX] __attribute__((aligned(32)));
    uint8_t bytes[TEST_BLOCKS * SP_HASH_BLOCK_BYTES + SP_HASH_LANES_MAX];
    const uint8_t *data[SP_HASH_LANES_MAX];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * i + 151 * i);
    for (uint32_t lane = 0; lane < kernel->lanes; lane++) {
        memcpy(rows[lane], hash->initial, sizeof rows[lane]);
        rows[lane][0] ^= lane;
        data[lane] = bytes + lane;
    }
    kernel->compress(rows, data, TEST_BLOCKS);
    for (uint32_t lane = 0; lane < kernel->lanes; lane++) {
        sp_hash_row expected[1] __attribute__((aligned(32)));
        memcpy(expected[0], hash->initial, sizeof expected[0]);
        expected[0][0] ^= lane;
        hash->kernels[0]->compress(expected, &data[lane], TEST_BLOCKS);
        if (memcmp(rows[lane], expected[0], hash->words * sizeof rows[0][0]) != 0)
            return false;
    }
    return true;
}

/* FIPS 198-1 4, step 8, by the reference: digest's words become the HMAC's. */
static void finish_by_reference(const struct sp_hash *hash, sp_hash_row digest, const uint32_t *outer)
{
    uint8_t block[SP_HASH_BLOCK_BYTES] = {0};
    const uint8_t *data = block;
    size_t digest_bytes = hash->words * sizeof digest[0];
    uint32_t bits = (uint32_t)(SP_HASH_BLOCK_BYTES + digest_bytes) * 8;

    for (size_t i = 0; i < digest_bytes; i++)
        block[i] = (uint8_t)(digest[i / 4] >> 8 * (hash->is_big_endian ? 3 - i % 4 : i % 4));
    block[digest_bytes] = 0x80;
    for (size_t i = 0; i < 4; i++)
        block[hash->is_big_endian ? SP_HASH_BLOCK_BYTES - 1 - i : SP_HASH_BLOCK_BYTES - 8 + i] =
            (uint8_t)(bits >> 8 * i);
    memcpy(digest, outer, digest_bytes);
    hash->kernels[0]->compress((sp_hash_row *)digest, &data, 1);
}

static bool finishes_lanes(const struct sp_hash *hash, const struct sp_hash_kernel *kernel)
{
    sp_hash_row rows[SP_HASH_LANES_MAX] __attribute__((aligned(32)));
    uint32_t halves[SP_HASH_LANES_MAX][SP_HASH_ROW_WORDS];
    uint8_t bytes[TEST_BLOCKS * SP_HASH_BLOCK_BYTES + SP_HASH_LANES_MAX];
    const uint8_t *data[SP_HASH_LANES_MAX];
    const uint32_t *outer[SP_HASH_LANES_MAX];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * i + 77 * i);
    for (uint32_t lane = 0; lane < kernel->lanes; lane++) {
        memcpy(rows[lane], hash->initial, sizeof rows[lane]);
        memcpy(halves[lane], hash->initial, sizeof halves[lane]);
        halves[lane][hash->words - 1] ^= lane + 1;
        data[lane] = bytes + lane;
        outer[lane] = halves[lane];
    }
    kernel->compress_and_finish(rows, data, TEST_BLOCKS, outer);
    for (uint32_t lane = 0; lane < kernel->lanes; lane++) {
        sp_hash_row expected[1] __attribute__((aligned(32)));
        memcpy(expected[0], hash->initial, sizeof expected[0]);
        hash->kernels[0]->compress(expected, &data[lane], TEST_BLOCKS);
        finish_by_reference(hash, expected[0], outer[lane]);
        if (memcmp(rows[lane], expected[0], hash->words * sizeof rows[0][0]) != 0)
            return false;
    }
    return true;
}

bool sp_hash_kernel_is_sound(const struct sp_hash *hash, const struct sp_hash_kernel *kernel)
{
    return kernel->lanes <= SP_HASH_LANES_MAX && knows_abc(hash, kernel) && keeps_lanes_apart(hash, kernel) &&
           (kernel->compress_and_finish == NULL || finishes_lanes(hash, kernel));
}

void sp_lane_plan_choose(struct sp_lane_plan *plan, const struct sp_hash *hash, uint32_t features)
{
    const struct sp_hash_kernel *admitted[SP_HASH_KERNELS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < hash->kernel_count; i++) {
        const struct sp_hash_kernel *kernel = hash->kernels[i];
        bool can_run = (kernel->cpu_features & ~features) == 0;
        if (i == 0 || (can_run && sp_hash_kernel_is_sound(hash, kernel)))
            admitted[count++] = kernel;
    }
    sp_lane_plan_make(plan, admitted, count, features);
}
