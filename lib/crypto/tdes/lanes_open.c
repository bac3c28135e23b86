/* SPDX-License-Identifier: ISC
 *
 * CBC decryption over lanes. Every block can be decrypted for itself and is then XORed with the ciphertext
 * before it, so the blocks of all packets make one row that is cut into batches of as many as there are
 * lanes. A packet may lie in several batches, a batch may hold many packets, of different keys too.
 *
 * A batch's ciphertext is kept until its plaintext is out, so in and out may be the same place.
 */
#include "crypto/kernels.h"
#include "crypto/tdes/lanes.h"
#include "crypto/tdes/state.h"

#include <openssl/crypto.h>

/* A packet's blocks that lie in one batch. */
struct segment {
    const struct sp_tdes_state *state;
    const uint8_t *in;
    uint8_t *out;
    uint64_t chain; /* the ciphertext before */
    size_t blocks;
};

/* Where the next batch begins. */
struct cursor {
    const struct sp_cbc_job *jobs;
    size_t count;
    size_t done_bytes;   /* of the first job */
    uint64_t last_block; /* of those, when done_bytes > 0 */
};

struct batch {
    /* keys and plaintext: wiped at the end */
    _Alignas(64) uint8_t scratch[SP_TDES_LANES_SCRATCH_BYTES];
    _Alignas(64) uint64_t plain[SP_TDES_LANES_MAX];
    /* ciphertext and pointers */
    _Alignas(64) uint64_t cipher[SP_TDES_LANES_MAX];
    struct segment segments[SP_TDES_LANES_MAX];
    size_t segment_count, blocks;
    const struct sp_tdes_state *set_state; /* whose key the scratch has in all lanes; NULL for several keys */
    bool has_scratch;                      /* it has been written to */
};

static void load_blocks(uint64_t *to, const uint8_t *from, size_t blocks)
{
    for (size_t i = 0; i < blocks; i++)
        to[i] = sp_tdes_load(from + i * SP_TDES_BLOCK_BYTES);
}

/* Takes what the first job has left, up to blocks_max. */
static void take_segment(struct cursor *cursor, struct batch *batch, size_t blocks_max)
{
    const struct sp_cbc_job *job = cursor->jobs;
    size_t blocks = (job->len_bytes - cursor->done_bytes) / SP_TDES_BLOCK_BYTES;
    uint64_t *cipher = batch->cipher + batch->blocks;

    if (blocks > blocks_max)
        blocks = blocks_max;
    batch->segments[batch->segment_count++] = (struct segment){
        .state = job->state,
        .in = job->in + cursor->done_bytes,
        .out = job->out + cursor->done_bytes,
        .chain = cursor->done_bytes > 0 ? cursor->last_block : sp_tdes_load(job->iv),
        .blocks = blocks,
    };
    load_blocks(cipher, job->in + cursor->done_bytes, blocks);
    batch->blocks += blocks;
    cursor->done_bytes += blocks * SP_TDES_BLOCK_BYTES;
    cursor->last_block = cipher[blocks - 1];
}

static void fill_batch(struct cursor *cursor, struct batch *batch, size_t lanes)
{
    batch->segment_count = 0;
    batch->blocks = 0;
    while (cursor->count > 0 && batch->blocks < lanes) {
        if (cursor->done_bytes < cursor->jobs->len_bytes)
            take_segment(cursor, batch, lanes - batch->blocks);
        if (cursor->done_bytes < cursor->jobs->len_bytes)
            return;
        cursor->jobs++;
        cursor->count--;
        cursor->done_bytes = 0;
    }
}

static void set_lane_keys(struct batch *batch, const struct sp_tdes_lanes *kernel)
{
    const struct sp_tdes_state *states[SP_TDES_LANES_MAX];
    size_t lane = 0;

    for (size_t i = 0; i < batch->segment_count; i++) {
        for (size_t end = lane + batch->segments[i].blocks; lane < end; lane++)
            states[lane] = batch->segments[i].state;
    }
    for (; lane < kernel->lanes; lane++)
        states[lane] = states[0]; /* idle: any key */
    kernel->set_lane_keys(batch->scratch, states);
}

/* NULL: they have several. */
static const struct sp_tdes_state *state_of_all(const struct batch *batch)
{
    const struct sp_tdes_state *state = batch->segments[0].state;

    for (size_t i = 1; i < batch->segment_count; i++) {
        if (batch->segments[i].state != state)
            return NULL;
    }
    return state;
}

/* is_last: no other batch would profit by a key that was set for this one. */
static void decrypt_batch(struct batch *batch, const struct sp_tdes_lanes *kernel, bool is_last)
{
    const struct sp_tdes_state *state = state_of_all(batch);

    if (state != NULL && state != batch->set_state && is_last && kernel->decrypt_with != NULL) {
        kernel->decrypt_with(state, batch->cipher, batch->plain);
        return;
    }
    batch->has_scratch = true;
    if (state == NULL)
        set_lane_keys(batch, kernel);
    else if (state != batch->set_state)
        kernel->set_key(batch->scratch, state);
    batch->set_state = state;
    kernel->decrypt(batch->scratch, batch->cipher, batch->plain);
}

static void put_segment(const struct segment *segment, const uint64_t *cipher, const uint64_t *plain)
{
    uint8_t *out = segment->out;

    sp_tdes_store(out, plain[0] ^ segment->chain);
    for (size_t i = 1; i < segment->blocks; i++)
        sp_tdes_store(out + i * SP_TDES_BLOCK_BYTES, plain[i] ^ cipher[i - 1]);
}

static void open_batch(struct batch *batch, const struct sp_tdes_lanes *kernel, bool is_last)
{
    size_t lane = 0;

    memset(batch->cipher + batch->blocks, 0, (kernel->lanes - batch->blocks) * sizeof *batch->cipher);
    decrypt_batch(batch, kernel, is_last);
    for (size_t i = 0; i < batch->segment_count; i++) {
        const struct segment *segment = &batch->segments[i];
        put_segment(segment, batch->cipher + lane, batch->plain + lane);
        lane += segment->blocks;
    }
}

static void leave_over(const struct batch *batch, struct sp_tdes_leftovers *leftovers)
{
    for (size_t i = 0; i < batch->segment_count; i++) {
        const struct segment *segment = &batch->segments[i];
        sp_tdes_store(leftovers->ivs[i], segment->chain);
        leftovers->jobs[i] = (struct sp_cbc_job){.state = segment->state,
                                                 .iv = leftovers->ivs[i],
                                                 .in = segment->in,
                                                 .out = segment->out,
                                                 .len_bytes = segment->blocks * SP_TDES_BLOCK_BYTES};
    }
    leftovers->count = batch->segment_count;
}

/* Returns the blocks that went through the kernel. The last batch may be too small and is then left over. Not
 * inlined: a batch takes much stack, which the kernel below shall have again. */
__attribute__((noinline)) static size_t
open_batches(const struct sp_tdes_lanes *kernel, struct cursor *cursor, struct sp_tdes_leftovers *leftovers)
{
    struct batch batch;
    size_t blocks = 0;

    batch.set_state = NULL;
    batch.has_scratch = false;
    leftovers->count = 0;
    while (cursor->count > 0) {
        fill_batch(cursor, &batch, kernel->lanes);
        if (batch.blocks < kernel->open_lanes_min) {
            leave_over(&batch, leftovers);
            break;
        }
        open_batch(&batch, kernel, cursor->count == 0);
        blocks += batch.blocks;
    }
    if (blocks == 0)
        return 0;
    if (batch.has_scratch)
        OPENSSL_cleanse(batch.scratch, kernel->scratch_bytes);
    OPENSSL_cleanse(batch.plain, kernel->lanes * sizeof *batch.plain);
    return blocks;
}

size_t sp_tdes_lanes_open(const struct sp_tdes_lanes *kernel, const struct sp_cbc_job *jobs, size_t count)
{
    struct cursor cursor = {.jobs = jobs, .count = count};
    struct sp_tdes_leftovers leftovers;

    if (kernel == NULL) {
        sp_tdes_cbc_reference.cbc_open(jobs, count);
        return 0;
    }
    if (kernel->open != NULL)
        return kernel->open(jobs, count);
    size_t blocks = open_batches(kernel, &cursor, &leftovers);
    if (leftovers.count > 0)
        (void)sp_tdes_lanes_open(kernel->below, leftovers.jobs, leftovers.count);
    return blocks;
}
