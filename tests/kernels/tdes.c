/* SPDX-License-Identifier: ISC
 *
 * Every 3DES variant against the reference, and that against libcrypto's EVP interface: which blocks went
 * through which kernel, all lengths, alignments, bursts, places and mixtures, NIST's vectors, and a long
 * chain.
 */
#include "harness.h"
#include "tdes_rig.h"

#include "crypto/kernels.h"
#include "crypto/tdes/state.h"

#include <string.h>

#define LENGTH_MAX_BYTES RIG_LENGTH_MAX_BYTES
#define FEW_JOBS 13 /* as many as make a kernel worth its while, and one lane more than a half vector */

static const bool directions[] = {true, false};

static bool is_runnable(const struct sp_tdes_variant *variant)
{
    return (sp_cpu_features() & variant->needs) == variant->needs;
}

static const char *word_for(bool is_sealing)
{
    return is_sealing ? "seals" : "opens";
}

/* Jobs that a kernel seals in its own lanes, and not many more. */
static size_t enough_jobs(const struct rig *rig)
{
    const struct sp_tdes_lanes *lanes = rig->variant->lanes;

    return lanes != NULL && lanes->seal_lanes_min > FEW_JOBS ? lanes->seal_lanes_min : FEW_JOBS;
}

static void constant_data(struct rig *rig, bool is_sealing)
{
    static const char *const names[] = {
        [RIG_ZEROS] = "zeros", [RIG_ONES] = "ones", [RIG_RANDOM] = "random data"};

    for (enum rig_data data = RIG_ZEROS; data <= RIG_RANDOM; data++) {
        struct rig_case with = {.is_sealing = is_sealing,
                                .jobs = rig_all_lanes(rig->variant),
                                .keys = 1,
                                .data = data,
                                .len_bytes = 256};
        harness_tell(rig->harness, rig_is_right(rig, &with), "tdes %s: %s %s as the reference does",
                     rig->variant->ops->kernel, word_for(is_sealing), names[data]);
    }
}

static void every_length(struct rig *rig, bool is_sealing)
{
    size_t step_bytes = (rig->harness->is_brief ? 9 : 1) * SP_TDES_BLOCK_BYTES;
    size_t many = is_sealing ? enough_jobs(rig) : FEW_JOBS;
    bool is_right = true;

    for (size_t len_bytes = 0; len_bytes <= LENGTH_MAX_BYTES; len_bytes += step_bytes) {
        struct rig_case with = {.is_sealing = is_sealing,
                                .jobs = many,
                                .keys = 1 + len_bytes / 8 % 3,
                                .data = RIG_RANDOM,
                                .len_bytes = len_bytes,
                                .is_in_place = len_bytes / 8 % 2 != 0};
        is_right = is_right && rig_is_right(rig, &with);
        with.jobs = 1;
        with.is_in_place = !with.is_in_place;
        is_right = is_right && rig_is_right(rig, &with);
    }
    harness_tell(rig->harness, is_right, "tdes %s: %s %s length from 0 to %d bytes, one job and %zu",
                 rig->variant->ops->kernel, word_for(is_sealing),
                 rig->harness->is_brief ? "every ninth" : "every", LENGTH_MAX_BYTES, many);
}

static void every_offset(struct rig *rig, bool is_sealing)
{
    bool is_right = true;

    for (size_t tail_bytes = 0; tail_bytes < 64; tail_bytes++) {
        for (int is_in_place = 0; is_in_place < 2; is_in_place++) {
            struct rig_case with = {.is_sealing = is_sealing,
                                    .jobs = enough_jobs(rig),
                                    .keys = 1,
                                    .data = RIG_RANDOM,
                                    .len_bytes = 72,
                                    .tail_bytes = tail_bytes,
                                    .is_in_place = is_in_place};
            is_right = is_right && rig_is_right(rig, &with);
        }
    }
    harness_tell(rig->harness, is_right, "tdes %s: %s at every offset from a line of the cache",
                 rig->variant->ops->kernel, word_for(is_sealing));
}

/* As many lanes as the kernel can have, one after the other, with one key and with several: sealing a job a
 * lane, opening a block a lane. */
static void every_lane_count(struct rig *rig, bool is_sealing)
{
    const struct sp_tdes_lanes *lanes = rig->variant->lanes;
    size_t step = rig->harness->is_brief ? 7 : 1;
    bool is_right = true, is_in_lanes = true;

    if (lanes == NULL)
        return;
    size_t min = is_sealing ? lanes->seal_lanes_min : lanes->open_lanes_min;
    for (size_t count = 1; count <= lanes->lanes; count += step) {
        struct rig_case with = {.is_sealing = is_sealing,
                                .is_in_place = count % 2 != 0,
                                .jobs = count,
                                .keys = count / 2 % 2 ? 1 : RIG_KEYS,
                                .data = RIG_RANDOM,
                                .len_bytes = (is_sealing ? 2 : 1) * SP_TDES_BLOCK_BYTES};
        is_right = is_right && rig_is_right(rig, &with);
        if (is_sealing && count >= min)
            is_in_lanes = is_in_lanes && rig->lane_blocks == 2 * count;
    }
    harness_tell(rig->harness, is_right && is_in_lanes, "tdes %s: %s with %s number of lanes up to %zu",
                 rig->variant->ops->kernel, word_for(is_sealing), step > 1 ? "every seventh" : "every",
                 lanes->lanes);
}

/* Lengths and keys drawn anew for each job. Everyday, one burst in eight, and shorter. */
static void bursts(struct rig *rig, bool is_sealing)
{
    size_t one_in = rig->harness->is_nightly ? 1 : rig->harness->is_brief ? 64 : 8;
    bool is_right = true;

    for (size_t jobs = 1; jobs <= RIG_JOBS_MAX; jobs++) {
        if (harness_random_below(rig->harness, one_in) != 0)
            continue;
        struct rig_case with = {.is_sealing = is_sealing,
                                .jobs = jobs,
                                .keys = 1 + jobs % RIG_KEYS,
                                .data = RIG_RANDOM,
                                .len_bytes = rig->harness->is_nightly ? LENGTH_MAX_BYTES : 512,
                                .has_random_lengths = true,
                                .tail_bytes = harness_random_below(rig->harness, 64),
                                .is_in_place = harness_random(rig->harness) & 1};
        is_right = is_right && rig_is_right(rig, &with);
    }
    harness_tell(rig->harness, is_right, "tdes %s: %s bursts up to %d jobs of mixed lengths and keys",
                 rig->variant->ops->kernel, word_for(is_sealing), RIG_JOBS_MAX);
}

/* Lane kernels say how many blocks they did. */
static void uses_its_kernel(struct rig *rig, bool is_sealing)
{
    const struct sp_tdes_lanes *lanes = rig->variant->lanes;
    const char *kernel = rig->variant->ops->kernel;

    if (lanes == NULL)
        return;
    size_t jobs_min = is_sealing ? lanes->seal_lanes_min : 1;
    size_t len_bytes = is_sealing ? 64 : lanes->open_lanes_min * SP_TDES_BLOCK_BYTES;
    struct rig_case with = {
        .is_sealing = is_sealing, .jobs = jobs_min, .keys = 2, .data = RIG_RANDOM, .len_bytes = len_bytes};
    bool is_right = rig_is_right(rig, &with);
    harness_tell(rig->harness, is_right && rig->lane_blocks == jobs_min * len_bytes / SP_TDES_BLOCK_BYTES,
                 "tdes %s: %s in its lanes whatever fills enough of them", kernel, word_for(is_sealing));
    with.len_bytes -= is_sealing ? 0 : SP_TDES_BLOCK_BYTES;
    with.jobs -= is_sealing ? 1 : 0;
    is_right = rig_is_right(rig, &with);
    harness_tell(rig->harness, is_right && rig->lane_blocks == 0,
                 "tdes %s: leaves what is too little to what stands below it (%s)", kernel,
                 word_for(is_sealing));
}

static void refills_its_lanes(struct rig *rig)
{
    const struct sp_tdes_lanes *lanes = rig->variant->lanes;
    struct rig_case with = {.is_sealing = true, .keys = 1, .data = RIG_RANDOM, .len_bytes = 16};

    if (lanes == NULL)
        return;
    with.jobs = lanes->lanes + lanes->seal_lanes_min;
    harness_tell(rig->harness, rig_is_right(rig, &with) && rig->lane_blocks == with.jobs * 2,
                 "tdes %s: gives lanes their next packet", rig->variant->ops->kernel);
}

static void run_variant(struct harness *harness, const struct sp_tdes_variant *variant)
{
    const char *kernel = variant->ops->kernel;
    struct rig *rig;

    if (!is_runnable(variant)) {
        harness_skip(harness, "the processor lacks it, or it is hidden", "tdes %s: is right", kernel);
        return;
    }
    rig = rig_create(harness, variant);
    harness_tell(harness, sp_tdes_gives_known_answers(variant->ops), "tdes %s: gives the known answers",
                 kernel);
    for (size_t i = 0; i < 2; i++) {
        uses_its_kernel(rig, directions[i]);
        constant_data(rig, directions[i]);
        every_length(rig, directions[i]);
        every_offset(rig, directions[i]);
        every_lane_count(rig, directions[i]);
        bursts(rig, directions[i]);
    }
    refills_its_lanes(rig);
    tdes_residue(harness, variant);
    tdes_chain(harness, variant);
    tdes_vectors(harness, variant);
    if (harness->is_measuring)
        tdes_measure(harness, variant->ops);
    rig_destroy(&rig);
}

/* What the features ask for. Written out once more, so that a slip in the table doesn't pass. */
static const char *kernel_to_expect(void)
{
#if defined(__x86_64__)
    uint32_t features = sp_cpu_features();

    if ((features & SP_CPU_AVX512_VBMI) && (features & SP_CPU_GFNI))
        return "bytes-vbmi";
    if (features & SP_CPU_AVX512)
        return "bitslice-avx512";
    if (features & SP_CPU_AVX2)
        return "bitslice-avx2";
#endif
    return "bitslice-128";
}

/* An ops table whose kernel gives wrong answers in its last lanes only. */
static void seal_wrongly(const struct sp_cbc_job *jobs, size_t count)
{
    sp_tdes_cbc_reference.cbc_seal(jobs, count);
    if (count > SP_TDES_LANES_MAX - 1)
        jobs[SP_TDES_LANES_MAX - 1].out[7] ^= 1;
}

static void refuses_a_broken_kernel(struct harness *harness)
{
    struct sp_cipher broken = sp_tdes_cbc_reference;

    broken.cbc_seal = seal_wrongly;
    harness_tell(harness, !sp_tdes_gives_known_answers(&broken),
                 "tdes: a kernel with one bad lane isn't admitted");
    broken = sp_tdes_cbc_reference;
    broken.cbc_open = sp_tdes_cbc_reference.cbc_seal;
    harness_tell(harness, !sp_tdes_gives_known_answers(&broken),
                 "tdes: a kernel that can't open isn't admitted");
}

void kernels_tdes(struct harness *harness)
{
    size_t count;
    const struct sp_tdes_variant *variants = sp_tdes_variants(&count);
    const char *chosen = sp_cipher_ops(SP_ENCRYPTION_3DES_CBC)->kernel, *expected = kernel_to_expect();

    harness_tell(harness, strcmp(chosen, expected) == 0, "tdes: these features choose %s (it is %s)",
                 expected, chosen);
    refuses_a_broken_kernel(harness);
    for (size_t i = 0; i < count; i++)
        run_variant(harness, &variants[i]);
}
