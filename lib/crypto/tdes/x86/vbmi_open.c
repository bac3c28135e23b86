/* SPDX-License-Identifier: ISC
 *
 * Opening by vbmi.h's kernel. Every block can be decrypted for itself and is then XORed with the ciphertext
 * before it, so a packet fills lanes by itself: the blocks of all packets make one row that is cut into
 * batches of 192. They are loaded from where they lie, a line of eight at a time; where a packet ends inside
 * a line the next one begins there, by masks. No copy is made.
 *
 * In and out may be the same place: a batch is loaded whole before anything is stored, and stored backwards,
 * so that the ciphertext before each block is still there when it is wanted. Only what the batch before has
 * overwritten is kept.
 *
 * Which form of keys: jobs are first brought together by SA. Those of one SA make batches of their own, with
 * a folded table when it pays for itself within two batches, else with broadcast bytes. An SA that has only a
 * few blocks shares its batch with others, each lane having its key: making those costs as much as decrypting
 * about three groups, so a share is worth it only where a group for itself would stay mostly empty.
 *
 * Constant time: see vbmi.h.
 */
#include "crypto/kernels.h"
#include "crypto/tdes/variants.h"
#include "crypto/tdes/x86/vbmi_permute.h"

#include <openssl/crypto.h>

#define JOBS_MAX 1024     /* ordered at a time */
#define ALONE_BLOCKS 32   /* so many of one SA are cheaper alone, measured */
#define FOLDED_BLOCKS 256 /* and from so many on its table is */
#define LINES_MAX (GROUPS_MAX * LINES)
#define SA_CLASSES 256

/* The part of a packet that lies in one line, from the lane `first` of the line on. */
struct piece {
    const uint8_t *in;
    uint8_t *out;
    uint64_t chain; /* the ciphertext before its first block, unless it stands at in - 8 */
    uint8_t first, mask;
    bool has_chain;
};

struct batch {
    BYTES lines[LINES_MAX];
    BYTES halves[GROUPS_MAX * HALVES];
    struct piece pieces[VBMI_LANES];
    const struct sp_tdes_state *of_lane[VBMI_LANES];
    size_t piece_count, blocks;
    size_t line_ends[LINES_MAX]; /* the piece behind a line's last */
};

/* Jobs in some order, and how far they are done. */
struct cursor {
    const struct sp_cbc_job *jobs;
    const uint16_t *order;
    size_t count;
    size_t done_bytes;   /* of the first job */
    uint64_t last_block; /* of those */
};

/* As far as its line or its packet reaches, or the batch. */
static size_t take_piece(struct cursor *cursor, const struct sp_cbc_job *job, struct batch *batch,
                         size_t blocks_max)
{
    size_t first = batch->blocks % LINE_LANES, room = LINE_LANES - first;
    size_t left = (job->len_bytes - cursor->done_bytes) / SP_TDES_BLOCK_BYTES;
    size_t blocks = left < room ? left : room;

    if (blocks > blocks_max)
        blocks = blocks_max;
    batch->pieces[batch->piece_count++] = (struct piece){
        .in = job->in + cursor->done_bytes,
        .out = job->out + cursor->done_bytes,
        .first = (uint8_t)first,
        .mask = (uint8_t)(((1u << blocks) - 1) << first),
    };
    batch->line_ends[batch->blocks / LINE_LANES] = batch->piece_count;
    batch->blocks += blocks;
    cursor->done_bytes += blocks * SP_TDES_BLOCK_BYTES;
    return blocks;
}

/* What the first job has left, as far as the batch has room. */
static void take_job(struct cursor *cursor, struct batch *batch, size_t blocks_max)
{
    const struct sp_cbc_job *job = &cursor->jobs[cursor->order[0]];
    struct piece *piece = &batch->pieces[batch->piece_count];
    size_t lane = batch->blocks;
    uint64_t chain = cursor->done_bytes > 0 ? cursor->last_block : sp_tdes_load(job->iv);

    while (batch->blocks < blocks_max && cursor->done_bytes < job->len_bytes)
        (void)take_piece(cursor, job, batch, blocks_max - batch->blocks);
    piece->has_chain = true;
    piece->chain = chain;
    cursor->last_block = sp_tdes_load(job->in + cursor->done_bytes - SP_TDES_BLOCK_BYTES);
    for (; lane < batch->blocks; lane++)
        batch->of_lane[lane] = job->state;
}

static void fill_batch(struct cursor *cursor, struct batch *batch, size_t blocks_max)
{
    batch->piece_count = 0;
    batch->blocks = 0;
    while (cursor->count > 0 && batch->blocks < blocks_max) {
        size_t len_bytes = cursor->jobs[cursor->order[0]].len_bytes;
        if (cursor->done_bytes < len_bytes)
            take_job(cursor, batch, blocks_max);
        if (cursor->done_bytes < len_bytes)
            return;
        cursor->order++;
        cursor->count--;
        cursor->done_bytes = 0;
    }
}

/* The piece's words at from, in its lanes of a line; the other lanes aren't touched. */
INLINE BYTES load_piece(BYTES line, const struct piece *piece, const uint8_t *from)
{
    uintptr_t line_start = (uintptr_t)from - (size_t)piece->first * SP_TDES_BLOCK_BYTES;

    return _mm512_mask_loadu_epi64(line, piece->mask, (const void *)line_start);
}

static void load_lines(struct batch *batch)
{
    size_t lines = (batch->blocks + LINE_LANES - 1) / LINE_LANES, at = 0;

    for (size_t line = 0; line < lines; line++) {
        BYTES words = _mm512_setzero_si512();
        for (; at < batch->line_ends[line]; at++)
            words = load_piece(words, &batch->pieces[at], batch->pieces[at].in);
        batch->lines[line] = words;
    }
}

/* The ciphertext before each of the piece's blocks. */
INLINE BYTES load_chain(const struct piece *piece)
{
    struct piece rest = *piece;
    uint8_t first_bit = (uint8_t)(1u << piece->first);
    BYTES chain = _mm512_setzero_si512();

    if (piece->has_chain) {
        chain = _mm512_maskz_set1_epi64(first_bit, (long long)piece->chain);
        rest.mask &= (uint8_t)~first_bit;
    }
    return load_piece(chain, &rest, piece->in - SP_TDES_BLOCK_BYTES);
}

static void store_lines(const struct batch *batch)
{
    size_t line = (batch->blocks + LINE_LANES - 1) / LINE_LANES, at = batch->piece_count;

    while (line-- > 0) {
        size_t begin = line > 0 ? batch->line_ends[line - 1] : 0;
        while (at > begin) {
            const struct piece *piece = &batch->pieces[--at];
            uintptr_t line_start = (uintptr_t)piece->out - (size_t)piece->first * SP_TDES_BLOCK_BYTES;
            BYTES plain = _mm512_xor_si512(batch->lines[line], load_chain(piece));
            _mm512_mask_storeu_epi64((void *)line_start, piece->mask, plain);
        }
    }
}

static void open_batch(struct batch *batch, const struct vbmi_keys *keys)
{
    int groups = (int)((batch->blocks + GROUP_LANES - 1) / GROUP_LANES);

    load_lines(batch);
    for (int group = 0; group < groups; group++)
        enter(batch->lines + LINES * group, batch->halves + HALVES * group);
    sp_tdes_vbmi_run(keys, batch->halves, groups);
    for (int group = 0; group < groups; group++)
        leave(batch->halves + HALVES * group, batch->lines + LINES * group);
    store_lines(batch);
}

static size_t blocks_of(const struct sp_cbc_job *job)
{
    return job->len_bytes / SP_TDES_BLOCK_BYTES;
}

/* All blocks with one key, or each with its own. */
static void open_jobs(struct cursor cursor, size_t blocks, bool has_one_key, struct batch *batch,
                      struct vbmi_keys *keys)
{
    const struct sp_tdes_state *state = cursor.jobs[cursor.order[0]].state;

    if (has_one_key && blocks >= FOLDED_BLOCKS)
        sp_tdes_vbmi_fold(keys, state, false);
    else if (has_one_key)
        sp_tdes_vbmi_broadcast(keys, state, false);
    while (blocks > 0) {
        /* two groups twice are cheaper than three and one */
        bool is_even = blocks > VBMI_LANES && blocks <= 4 * GROUP_LANES;
        fill_batch(&cursor, batch, is_even ? 2 * GROUP_LANES : VBMI_LANES);
        if (!has_one_key)
            sp_tdes_vbmi_set_lanes(keys, batch->of_lane, batch->blocks, false);
        open_batch(batch, keys);
        blocks -= batch->blocks;
    }
}

/* Brings jobs of one SA together, roughly: two SAs of one class only make smaller batches. */
static void order_by_sa(const struct sp_cbc_job *jobs, size_t count, uint16_t order[JOBS_MAX])
{
    uint16_t places[SA_CLASSES + 1] = {0};
    uint8_t classes[JOBS_MAX];

    for (size_t i = 0; i < count; i++) {
        /* states lie at multiples of their size: multiply to have all bits count (Knuth 6.4) */
        classes[i] = (uint8_t)((uintptr_t)jobs[i].state * 0x9e3779b97f4a7c15u >> 56);
        places[classes[i] + 1]++;
    }
    for (size_t i = 0; i < SA_CLASSES; i++)
        places[i + 1] = (uint16_t)(places[i + 1] + places[i]);
    for (size_t i = 0; i < count; i++)
        order[places[classes[i]]++] = (uint16_t)i;
}

/* How many of the jobs have the first one's SA, and their blocks. */
static size_t same_sa(const struct cursor *cursor, size_t *ret_blocks)
{
    const struct sp_cbc_job *jobs = cursor->jobs;
    size_t count = 0;

    *ret_blocks = 0;
    for (; count < cursor->count && jobs[cursor->order[count]].state == jobs[cursor->order[0]].state; count++)
        *ret_blocks += blocks_of(&jobs[cursor->order[count]]);
    return count;
}

/* Jobs whose SAs have few blocks each, as far as they follow. */
static size_t small_sas(struct cursor cursor, size_t *ret_blocks, size_t *ret_sas)
{
    size_t taken = 0, blocks, count;

    *ret_blocks = 0;
    *ret_sas = 0;
    while (cursor.count > 0) {
        count = same_sa(&cursor, &blocks);
        if (blocks >= ALONE_BLOCKS)
            break;
        taken += count;
        *ret_blocks += blocks;
        *ret_sas += 1;
        cursor.order += count;
        cursor.count -= count;
    }
    return taken;
}

static void open_some(const struct sp_cbc_job *jobs, size_t count, struct batch *batch,
                      struct vbmi_keys *keys)
{
    uint16_t order[JOBS_MAX];
    struct cursor cursor = {.jobs = jobs, .order = order, .count = count};

    order_by_sa(jobs, count, order);
    while (cursor.count > 0) {
        size_t blocks, sas, now = small_sas(cursor, &blocks, &sas);
        bool has_one_key = now == 0 || sas == 1;
        struct cursor some = cursor;
        if (now == 0)
            now = same_sa(&cursor, &blocks);
        some.count = now;
        open_jobs(some, blocks, has_one_key, batch, keys);
        cursor.order += now;
        cursor.count -= now;
    }
}

size_t sp_tdes_vbmi_open(const struct sp_cbc_job *jobs, size_t count)
{
    struct batch batch;
    struct vbmi_keys keys;
    size_t blocks = 0;

    for (size_t i = 0; i < count; i++)
        blocks += blocks_of(&jobs[i]);
    if (blocks < sp_tdes_lanes_vbmi.open_lanes_min) {
        sp_tdes_cbc_reference.cbc_open(jobs, count);
        return 0;
    }
    keys.form = VBMI_FOLDED;
    keys.used_bytes = 0;
    for (size_t done = 0; done < count; done += JOBS_MAX)
        open_some(jobs + done, count - done < JOBS_MAX ? count - done : JOBS_MAX, &batch, &keys);
    OPENSSL_cleanse(keys.bytes, keys.used_bytes);
    OPENSSL_cleanse(batch.lines, sizeof batch.lines);
    OPENSSL_cleanse(batch.halves, sizeof batch.halves);
    return blocks;
}
