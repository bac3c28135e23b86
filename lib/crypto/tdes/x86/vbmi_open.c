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

#define JOBS_MAX 1024     /* ordered at a time */
#define ALONE_BLOCKS 32   /* so many of one SA are cheaper alone, measured */
#define FOLDED_BLOCKS 128 /* and from so many on its table is, */
#define FOLDED_ALL_BLOCKS                                                                                    \
    256 /* of so many in the call: each key's table is made, but the last alone wiped                        \
         */
#define LINES_MAX (GROUPS_MAX * LINES)
#define SA_CLASSES 256

/* The part of a packet that lies in one line. in and out: where the line would begin if all of it were this
 * packet's, which may be before the packet's buffer, so these are no pointers. */
struct piece {
    uintptr_t in, out;
    uint64_t chain;     /* the ciphertext before the block */
    uint8_t chain_mask; /* that has this lane, where it doesn't stand at in - 8; or none */
    uint8_t mask;       /* the lanes of the line that are the piece's */
};

struct batch {
    BYTES halves[GROUPS_MAX * HALVES];
    struct piece pieces[VBMI_LANES];
    size_t piece_count, blocks;
    size_t all_blocks;                               /* of the call */
    uint8_t line_ends[LINES_MAX];                    /* the piece behind a line's last */
    const struct sp_tdes_state *of_lane[VBMI_LANES]; /* where keys differ */
};

/* Jobs in some order, and how far they are done. */
struct cursor {
    const struct sp_cbc_job *jobs;
    const uint16_t *order;
    size_t count;
    size_t done_bytes;   /* of the first job */
    uint64_t last_block; /* of those */
};

static void add_pieces(struct batch *batch, const struct sp_cbc_job *job, size_t done_bytes, size_t blocks)
{
    size_t first = batch->blocks % LINE_LANES, line = batch->blocks / LINE_LANES;
    size_t end = batch->blocks + blocks, skipped_bytes = first * SP_TDES_BLOCK_BYTES;
    struct piece piece = {.in = (uintptr_t)job->in + done_bytes - skipped_bytes,
                          .out = (uintptr_t)job->out + done_bytes - skipped_bytes,
                          .mask = (uint8_t)(0xffu << first)};

    for (; (line + 1) * LINE_LANES < end; line++) {
        batch->pieces[batch->piece_count++] = piece;
        batch->line_ends[line] = (uint8_t)batch->piece_count;
        piece.in += sizeof(BYTES);
        piece.out += sizeof(BYTES);
        piece.mask = 0xff;
    }
    piece.mask &= (uint8_t)(0xffu >> ((line + 1) * LINE_LANES - end));
    batch->pieces[batch->piece_count++] = piece;
    batch->line_ends[line] = (uint8_t)batch->piece_count;
    batch->blocks = end;
}

/* What the first job has left, as far as the batch has room. */
static void take_job(struct cursor *cursor, struct batch *batch, size_t blocks_max)
{
    const struct sp_cbc_job *job = &cursor->jobs[cursor->order[0]];
    size_t blocks = (job->len_bytes - cursor->done_bytes) / SP_TDES_BLOCK_BYTES;
    size_t room = blocks_max - batch->blocks;
    struct piece *piece = &batch->pieces[batch->piece_count];
    uint8_t first_lane = (uint8_t)(1u << batch->blocks % LINE_LANES);

    if (blocks > room)
        blocks = room;
    add_pieces(batch, job, cursor->done_bytes, blocks);
    piece->chain_mask = first_lane;
    piece->chain = cursor->done_bytes > 0 ? cursor->last_block : sp_tdes_load(job->iv);
    cursor->done_bytes += blocks * SP_TDES_BLOCK_BYTES;
    cursor->last_block = sp_tdes_load(job->in + cursor->done_bytes - SP_TDES_BLOCK_BYTES);
}

static void fill_batch(struct cursor *cursor, struct batch *batch, size_t blocks_max, bool has_one_key)
{
    batch->piece_count = 0;
    batch->blocks = 0;
    while (cursor->count > 0 && batch->blocks < blocks_max) {
        const struct sp_cbc_job *job = &cursor->jobs[cursor->order[0]];
        size_t lane = batch->blocks;
        if (cursor->done_bytes < job->len_bytes)
            take_job(cursor, batch, blocks_max);
        for (; lane < batch->blocks && !has_one_key; lane++)
            batch->of_lane[lane] = job->state;
        if (cursor->done_bytes < job->len_bytes)
            return;
        cursor->order++;
        cursor->count--;
        cursor->done_bytes = 0;
    }
}

static size_t first_piece(const struct batch *batch, size_t line)
{
    return line > 0 ? batch->line_ends[line - 1] : 0;
}

/* The words of a line, from the pieces that it has. */
INLINE BYTES load_line(const struct batch *batch, size_t line)
{
    const struct piece *piece = &batch->pieces[first_piece(batch, line)];
    const struct piece *end = &batch->pieces[batch->line_ends[line]];
    BYTES words = _mm512_maskz_loadu_epi64(piece->mask, (const void *)piece->in);

    while (++piece < end)
        words = _mm512_mask_loadu_epi64(words, piece->mask, (const void *)piece->in);
    return words;
}

/* Backwards: the ciphertext before each piece may lie where a piece before puts its plaintext. */
INLINE void store_line(const struct batch *batch, size_t line, BYTES words)
{
    const struct piece *piece = &batch->pieces[batch->line_ends[line]];
    const struct piece *begin = &batch->pieces[first_piece(batch, line)];

    while (piece-- > begin) {
        __mmask8 in_place = piece->mask & (uint8_t)~piece->chain_mask;
        BYTES chain = _mm512_maskz_loadu_epi64(in_place, (const void *)(piece->in - SP_TDES_BLOCK_BYTES));
        chain = _mm512_mask_set1_epi64(chain, piece->chain_mask, (long long)piece->chain);
        _mm512_mask_storeu_epi64((void *)piece->out, piece->mask, _mm512_xor_si512(words, chain));
    }
}

static void load_group(struct batch *batch, size_t group, size_t lines_used)
{
    BYTES lines[LINES];

    UNROLL for (size_t i = 0; i < LINES; i++) lines[i] =
        LINES * group + i < lines_used ? load_line(batch, LINES * group + i) : _mm512_setzero_si512();
    enter(lines, batch->halves + HALVES * group);
}

static void store_group(const struct batch *batch, size_t group, size_t lines_used)
{
    BYTES lines[LINES];

    leave(batch->halves + HALVES * group, lines);
    UNROLL for (size_t i = LINES; i-- > 0;)
    {
        if (LINES * group + i < lines_used)
            store_line(batch, LINES * group + i, lines[i]);
    }
}

static void open_batch(struct batch *batch, const struct vbmi_keys *keys)
{
    size_t lines_used = (batch->blocks + LINE_LANES - 1) / LINE_LANES;
    size_t groups = (lines_used + LINES - 1) / LINES;

    for (size_t group = 0; group < groups; group++)
        load_group(batch, group, lines_used);
    sp_tdes_vbmi_run(keys, batch->halves, (int)groups);
    for (size_t group = groups; group-- > 0;)
        store_group(batch, group, lines_used);
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

    if (has_one_key && blocks >= FOLDED_BLOCKS && batch->all_blocks >= FOLDED_ALL_BLOCKS)
        sp_tdes_vbmi_fold(keys, state, false);
    else if (has_one_key)
        sp_tdes_vbmi_broadcast(keys, state, false);
    while (blocks > 0) {
        /* two groups twice are cheaper than three and one */
        bool is_even = blocks > VBMI_LANES && blocks <= 4 * GROUP_LANES;
        fill_batch(&cursor, batch, is_even ? 2 * GROUP_LANES : VBMI_LANES, has_one_key);
        if (!has_one_key)
            sp_tdes_vbmi_set_lanes(keys, batch->of_lane, batch->blocks, false);
        open_batch(batch, keys);
        blocks -= batch->blocks;
    }
}

static bool have_one_sa(const struct sp_cbc_job *jobs, size_t count)
{
    size_t same = 1;

    while (same < count && jobs[same].state == jobs[0].state)
        same++;
    return same == count;
}

/* Brings jobs of one SA together, roughly: two SAs of one class only make smaller batches. */
static void order_by_sa(const struct sp_cbc_job *jobs, size_t count, uint16_t order[JOBS_MAX])
{
    uint16_t places[SA_CLASSES + 1] = {0};
    uint8_t classes[JOBS_MAX];

    if (have_one_sa(jobs, count)) {
        for (size_t i = 0; i < count; i++)
            order[i] = (uint16_t)i;
        return;
    }
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
    batch.all_blocks = blocks;
    start_keys(&keys);
    for (size_t done = 0; done < count; done += JOBS_MAX)
        open_some(jobs + done, count - done < JOBS_MAX ? count - done : JOBS_MAX, &batch, &keys);
    wipe_keys(&keys);
    wipe_vectors(batch.halves, sizeof batch.halves);
    return blocks;
}
