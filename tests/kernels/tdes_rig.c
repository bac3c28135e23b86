/* SPDX-License-Identifier: ISC
 *
 * tdes_rig.h's work.
 */
#include "tdes_rig.h"

#include "crypto/kernels.h"
#include "crypto/tdes/state.h"

#include <stdlib.h>

#define ROOM_BYTES (RIG_LENGTH_MAX_BYTES + 64)

struct rig_buffers {
    struct guarded in[RIG_JOBS_MAX], out[RIG_JOBS_MAX];
    struct sp_tdes_state states[RIG_KEYS];
    struct sp_cbc_job jobs[RIG_JOBS_MAX];
    uint8_t ivs[RIG_JOBS_MAX][SP_TDES_BLOCK_BYTES];
    uint8_t original[RIG_JOBS_MAX][RIG_LENGTH_MAX_BYTES]; /* what is put in */
    uint8_t expected[RIG_JOBS_MAX][RIG_LENGTH_MAX_BYTES];
};

struct rig *rig_create(struct harness *harness, const struct sp_tdes_variant *variant)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct rig_buffers *buffers = calloc(1, sizeof *buffers);

    if (rig == NULL || buffers == NULL)
        abort();
    *rig = (struct rig){.harness = harness, .variant = variant, .buffers = buffers};
    for (size_t i = 0; i < RIG_JOBS_MAX; i++) {
        guarded_create(&buffers->in[i], ROOM_BYTES);
        guarded_create(&buffers->out[i], ROOM_BYTES);
    }
    for (size_t i = 0; i < RIG_KEYS; i++) {
        uint8_t key[SP_TDES_PARTS * SP_TDES_PART_BYTES];
        harness_fill(harness, key, sizeof key);
        variant->ops->expand(&buffers->states[i], key);
    }
    return rig;
}

void rig_destroy(struct rig **rig)
{
    struct rig_buffers *buffers = (*rig)->buffers;

    for (size_t i = 0; i < RIG_JOBS_MAX; i++) {
        guarded_destroy(&buffers->in[i]);
        guarded_destroy(&buffers->out[i]);
    }
    free(buffers);
    free(*rig);
    *rig = NULL;
}

static void fill_original(struct rig *rig, size_t index, enum rig_data data, size_t len_bytes)
{
    uint8_t *original = rig->buffers->original[index];

    if (data == RIG_RANDOM)
        harness_fill(rig->harness, original, len_bytes);
    else
        memset(original, data == RIG_ONES ? 0xff : 0, len_bytes);
}

static void set_job(struct rig *rig, const struct rig_case *with, size_t index)
{
    struct rig_buffers *buffers = rig->buffers;
    size_t blocks = with->len_bytes / SP_TDES_BLOCK_BYTES;

    if (with->has_random_lengths)
        blocks = harness_random_below(rig->harness, blocks + 1);
    size_t len_bytes = blocks * SP_TDES_BLOCK_BYTES;
    uint8_t *in = guarded_place(&buffers->in[index], len_bytes, with->tail_bytes);
    uint8_t *out = guarded_place(&buffers->out[index], len_bytes, harness_random_below(rig->harness, 64));

    fill_original(rig, index, with->data, len_bytes);
    memcpy(in, buffers->original[index], len_bytes);
    harness_fill(rig->harness, buffers->ivs[index], SP_TDES_BLOCK_BYTES);
    buffers->jobs[index] = (struct sp_cbc_job){
        .state = &buffers->states[harness_random_below(rig->harness, with->keys)],
        .iv = buffers->ivs[index],
        .in = in,
        .out = with->is_in_place ? in : out,
        .len_bytes = len_bytes,
    };
}

static void set_expected(struct rig *rig, const struct rig_case *with, size_t index)
{
    struct sp_cbc_job job = rig->buffers->jobs[index];

    job.in = rig->buffers->original[index];
    job.out = rig->buffers->expected[index];
    if (with->is_sealing)
        sp_tdes_cbc_reference.cbc_seal(&job, 1);
    else
        sp_tdes_cbc_reference.cbc_open(&job, 1);
}

static bool is_job_right(const struct rig *rig, const struct rig_case *with, size_t index)
{
    const struct rig_buffers *buffers = rig->buffers;
    const struct sp_cbc_job *job = &buffers->jobs[index];
    const uint8_t *in_then = with->is_in_place ? buffers->expected[index] : buffers->original[index];

    return memcmp(job->out, buffers->expected[index], job->len_bytes) == 0 &&
           memcmp(job->in, in_then, job->len_bytes) == 0 && guarded_is_intact(&buffers->in[index]) &&
           guarded_is_intact(&buffers->out[index]);
}

static void set_jobs(struct rig *rig, const struct rig_case *with)
{
    for (size_t i = 0; i < with->jobs; i++) {
        set_job(rig, with, i);
        set_expected(rig, with, i);
    }
}

bool rig_is_right(struct rig *rig, const struct rig_case *with)
{
    bool is_right = true;

    set_jobs(rig, with);
    rig->lane_blocks = rig_run(rig->variant, rig->buffers->jobs, with->jobs, with->is_sealing);
    for (size_t i = 0; i < with->jobs; i++)
        is_right = is_right && is_job_right(rig, with, i);
    if (!is_right)
        harness_note("wrong: %zu jobs, %zu keys, %zu bytes%s, %zu to the guard page%s", with->jobs,
                     with->keys, with->len_bytes, with->has_random_lengths ? " (drawn)" : "",
                     with->tail_bytes, with->is_in_place ? ", in place" : "");
    return is_right;
}

size_t rig_run(const struct sp_tdes_variant *variant, const struct sp_cbc_job *jobs, size_t count,
               bool is_sealing)
{
    if (variant->lanes != NULL)
        return (is_sealing ? sp_tdes_lanes_seal : sp_tdes_lanes_open)(variant->lanes, jobs, count);
    (is_sealing ? variant->ops->cbc_seal : variant->ops->cbc_open)(jobs, count);
    return 0;
}

size_t rig_all_lanes(const struct sp_tdes_variant *variant)
{
    return variant->lanes != NULL ? variant->lanes->lanes : 1;
}

bool rig_is_in_lanes(const struct sp_tdes_variant *variant, size_t blocks, size_t lane_blocks)
{
    return variant->lanes == NULL || lane_blocks == blocks;
}
