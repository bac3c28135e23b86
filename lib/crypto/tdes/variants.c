/* SPDX-License-Identifier: ISC
 *
 * The variants of 3DES-CBC and which of them this machine uses.
 *
 * Each variant stands above what it replaces. The choice goes upward, from the reference, over those whose
 * instructions the processor has; one counts only after it gave the known answers of SP 800-67 appendix B.1
 * in each of its lanes, with a key for all lanes and with different keys. A kernel that a compiler or a
 * processor broke is thus stepped around rather than used.
 */
#include "crypto/tdes/variants.h"

#include "core/misuse.h"
#include "crypto/kernels.h"
#include "crypto/tdes/state.h"

#include <pthread.h>

#define DEFINE_OPS(suffix, kernel_name)                                                                      \
    static void seal_##suffix(const struct sp_cbc_job *jobs, size_t count)                                   \
    {                                                                                                        \
        (void)sp_tdes_lanes_seal(&sp_tdes_lanes_##suffix, jobs, count);                                      \
    }                                                                                                        \
    static void open_##suffix(const struct sp_cbc_job *jobs, size_t count)                                   \
    {                                                                                                        \
        (void)sp_tdes_lanes_open(&sp_tdes_lanes_##suffix, jobs, count);                                      \
    }                                                                                                        \
    static const SP_TDES_CBC(ops_##suffix, kernel_name, seal_##suffix, open_##suffix)

DEFINE_OPS(portable, "bitslice-128");
#if defined(__x86_64__)
DEFINE_OPS(bytes_avx2, "bytes-avx2");
DEFINE_OPS(avx2, "bitslice-avx2");
DEFINE_OPS(avx512, "bitslice-avx512");
DEFINE_OPS(vbmi, "bytes-vbmi");
#endif

static const struct sp_tdes_variant variants[] = {
    {.ops = &sp_tdes_cbc_reference},
    {.ops = &ops_portable, .lanes = &sp_tdes_lanes_portable},
#if defined(__x86_64__)
    {.ops = &ops_bytes_avx2, .lanes = &sp_tdes_lanes_bytes_avx2, .needs = SP_CPU_AVX2},
    {.ops = &ops_avx2, .lanes = &sp_tdes_lanes_avx2, .needs = SP_CPU_AVX2},
    {.ops = &ops_avx512, .lanes = &sp_tdes_lanes_avx512, .needs = SP_CPU_AVX512},
    {.ops = &ops_vbmi, .lanes = &sp_tdes_lanes_vbmi, .needs = SP_CPU_AVX512_VBMI | SP_CPU_GFNI},
#endif
};

const struct sp_tdes_variant *sp_tdes_variants(size_t *ret_count)
{
    *ret_count = sizeof variants / sizeof variants[0];
    return variants;
}

/* SP 800-67 B.1: three blocks and what they encrypt to */
#define ANSWERS 3
static const uint8_t known_key[SP_TDES_PARTS * SP_TDES_PART_BYTES] = {
    0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x23, 0x45, 0x67, 0x89,
    0xab, 0xcd, 0xef, 0x01, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23,
};
static const uint8_t known_plain[ANSWERS][SP_TDES_BLOCK_BYTES] = {
    {0x54, 0x68, 0x65, 0x20, 0x71, 0x75, 0x66, 0x63},
    {0x6b, 0x20, 0x62, 0x72, 0x6f, 0x77, 0x6e, 0x20},
    {0x66, 0x6f, 0x78, 0x20, 0x6a, 0x75, 0x6d, 0x70},
};
static const uint8_t known_cipher[ANSWERS][SP_TDES_BLOCK_BYTES] = {
    {0xa8, 0x26, 0xfd, 0x8c, 0xe5, 0x3b, 0x85, 0x5f},
    {0xcc, 0xe2, 0x1c, 0x81, 0x12, 0x25, 0x6f, 0xe6},
    {0x68, 0xd5, 0xc0, 0x5d, 0xd9, 0xb6, 0xb9, 0x00},
};

/* One block a job and more jobs than any kernel has lanes, so that lanes are refilled. */
#define TRIAL_JOBS (SP_TDES_LANES_MAX + ANSWERS)

struct trial {
    struct sp_tdes_state known, other; /* other: the parts of the known key the other way round */
    struct sp_cbc_job jobs[TRIAL_JOBS];
    uint8_t blocks[TRIAL_JOBS][SP_TDES_BLOCK_BYTES];
};

static void set_trial(struct trial *trial, const uint8_t answers[ANSWERS][SP_TDES_BLOCK_BYTES], bool is_mixed)
{
    static const uint8_t zero_iv[SP_TDES_BLOCK_BYTES];

    for (size_t i = 0; i < TRIAL_JOBS; i++) {
        memcpy(trial->blocks[i], answers[i % ANSWERS], SP_TDES_BLOCK_BYTES);
        trial->jobs[i] = (struct sp_cbc_job){
            .state = is_mixed && i % 2 != 0 ? &trial->other : &trial->known,
            .iv = zero_iv,
            .in = trial->blocks[i],
            .out = trial->blocks[i],
            .len_bytes = SP_TDES_BLOCK_BYTES,
        };
    }
}

/* Whether the jobs of the known key gave its answers; with the other key, something else. */
static bool is_answered(const struct trial *trial, const uint8_t answers[ANSWERS][SP_TDES_BLOCK_BYTES])
{
    bool is_right = true;

    for (size_t i = 0; i < TRIAL_JOBS; i++) {
        bool is_same = memcmp(trial->blocks[i], answers[i % ANSWERS], SP_TDES_BLOCK_BYTES) == 0;
        is_right = is_right && is_same == (trial->jobs[i].state == &trial->known);
    }
    return is_right;
}

bool sp_tdes_gives_known_answers(const struct sp_cipher *ops)
{
    struct trial trial;
    uint8_t other_key[sizeof known_key];
    bool is_right = true;

    for (size_t i = 0; i < sizeof known_key; i++)
        other_key[i] = known_key[(i + SP_TDES_PART_BYTES) % sizeof known_key];
    ops->expand(&trial.known, known_key);
    ops->expand(&trial.other, other_key);
    for (int is_mixed = 0; is_mixed < 2; is_mixed++) {
        set_trial(&trial, known_plain, is_mixed);
        ops->cbc_seal(trial.jobs, TRIAL_JOBS);
        is_right = is_right && is_answered(&trial, known_cipher);
        set_trial(&trial, known_cipher, is_mixed);
        ops->cbc_open(trial.jobs, TRIAL_JOBS);
        is_right = is_right && is_answered(&trial, known_plain);
    }
    return is_right;
}

static const struct sp_cipher *chosen;

static void choose(void)
{
    uint32_t features = sp_cpu_features();

    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        bool is_runnable = (features & variants[i].needs) == variants[i].needs;
        if (is_runnable && sp_tdes_gives_known_answers(variants[i].ops))
            chosen = variants[i].ops;
    }
    if (chosen == NULL)
        sp_misuse("sallyport: no 3DES here gives the known answers");
}

const struct sp_cipher *sp_tdes_cbc(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, choose);
    return chosen;
}
