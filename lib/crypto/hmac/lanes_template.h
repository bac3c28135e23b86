/* SPDX-License-Identifier: ISC
 *
 * HMAC (RFC 2104) of many packets at once: the lane scheduler. No include guard: sha1.c, sha2_256.c and md5.c
 * include it once each.
 *
 * A job goes through three stages in its lane, each a run of whole blocks: the packet itself, read where it
 * lies; its last bytes with the padding, in one or two blocks that are built aside, so that nothing behind
 * the packet is ever read; and the outer hash's single block. A packet of few blocks is copied whole to where
 * its padding is, which costs less than a stage. The hash of each half's key block is in the job's state.
 * Lanes are independent in all of it: one may be at its outer hash while another is amid its packet.
 *
 * All active lanes run together for as many blocks as the shortest of their stages has left; who is done goes
 * to the next stage or takes the next job. When jobs run out, lanes close up and the plan names narrower
 * kernels. Jobs are taken longest first: the lanes' neighbours then end about together, and what runs alone
 * at the end is short. With packets of one length, which is what bulk traffic is, lanes run in step by
 * themselves.
 *
 * Short packets of one length reach their outer hash together. A kernel that has a way to go on with it in
 * its registers then does.
 *
 * The last kernel of a step may be wider than what's left for it: its idle lanes read what lane 0 reads,
 * which is there to be read, and their rows are thrown away.
 *
 * Wiped after a burst: rows (the precomputed halves, which forge ICVs as well as the key does, and full
 * digests, of which the wire shows a part), inner digests in the outer blocks, and the stack below, where
 * kernels spill chaining values. Not wiped: packet bytes, and vector registers, which the next burst
 * overwrites.
 *
 * Constant time: branches and addresses depend on lengths and on how many jobs there are, which the wire
 * shows.
 *
 * The includer defines HASH (as sp_hash_sha1), HASH_WORDS and HASH_IS_BIG_ENDIAN.
 */
#include "crypto/hmac/kernels.h"
#include "crypto/hmac/wipe.h"

#include <endian.h>
#include <string.h>

#define BLOCK SP_HASH_BLOCK_BYTES
#define DIGEST_BYTES (HASH_WORDS * 4)
#define LENGTH_BYTES 8
#define END_MARK 0x80
#define TAIL_BLOCKS_MAX 4
/* Jobs are ordered within windows: as many as a burst has at most, and an order fits bytes. */
#define WINDOW 256
#define BUCKETS 64

typedef uint32_t four_words __attribute__((vector_size(16)));

enum stage { STAGE_DATA, STAGE_TAIL, STAGE_OUTER };

struct halves {
    uint32_t inner[HASH_WORDS], outer[HASH_WORDS];
};

struct lane {
    const struct sp_hmac_job *job;
    size_t blocks; /* left in this stage */
    uint32_t tail_blocks;
    enum stage stage;
    bool is_short; /* all of it stands in the tail */
    uint8_t *tail; /* TAIL_BLOCKS_MAX of them */
};

/* One more plan's width of rows: for idle lanes of a kernel that starts at the last active one. */
struct lanes {
    sp_hash_row rows[2 * SP_HASH_LANES_MAX] __attribute__((aligned(64)));
    uint8_t tails[SP_HASH_LANES_MAX][TAIL_BLOCKS_MAX * BLOCK] __attribute__((aligned(64)));
    const uint8_t *data[2 * SP_HASH_LANES_MAX];
    const uint32_t *outer[2 * SP_HASH_LANES_MAX]; /* for a step that finishes lanes */
    struct lane lane[SP_HASH_LANES_MAX];
    size_t active;
    size_t used_tails, used_rows, used_stack_bytes; /* the most so far */
    const struct sp_hmac_job *jobs;                 /* of this window */
    size_t next, count;
    const uint8_t *order; /* NULL: as they come */
    uint8_t order_space[WINDOW];
    size_t icv_bytes;
};

/* Bytes of words in the order of the wire. */
static inline uint32_t wire_word(uint32_t word)
{
    return HASH_IS_BIG_ENDIAN ? htobe32(word) : htole32(word);
}

static inline four_words wire_words(four_words words)
{
    if (wire_word(1) == 1)
        return words;
    words = words << 16 | words >> 16;
    return (words & 0x00ff00ff) << 8 | (words >> 8 & 0x00ff00ff);
}

/* Fewer than TAIL_BLOCKS_MAX blocks, without a call: pieces of 16 bytes, the last of which overlaps the one
 * before. */
static inline void copy_to_tail(uint8_t *tail, const uint8_t *bytes, size_t len_bytes)
{
    size_t at = 0;

    if (len_bytes < 16) {
        for (; at + 4 <= len_bytes; at += 4)
            memcpy(tail + at, bytes + at, 4);
        for (; at < len_bytes; at++)
            tail[at] = bytes[at];
        return;
    }
    for (; at + 16 < len_bytes; at += 16)
        memcpy(tail + at, bytes + at, 16);
    memcpy(tail + len_bytes - 16, bytes + len_bytes - 16, 16);
}

/* Of the packet, how many bytes are hashed where they lie. */
static inline size_t data_bytes(const struct sp_hmac_job *job)
{
    return job->len_bytes + SP_HMAC_SUFFIX_BYTES + 1 + LENGTH_BYTES <= TAIL_BLOCKS_MAX * BLOCK
               ? 0
               : job->len_bytes / BLOCK * BLOCK;
}

/* The packet's last bytes, the suffix, the end mark and the length in bits, which counts the key's block too.
 * The suffix is stored without asking whether there is one: what is behind it is written later. */
static void build_tail(struct lane *lane)
{
    size_t data_rest_bytes = lane->job->len_bytes - data_bytes(lane->job);
    size_t rest_bytes = data_rest_bytes + lane->job->suffix_bytes;
    uint64_t bits = (uint64_t)(BLOCK + lane->job->len_bytes + lane->job->suffix_bytes) * 8;

    bits = HASH_IS_BIG_ENDIAN ? htobe64(bits) : htole64(bits);
    lane->tail_blocks = (uint32_t)((rest_bytes + LENGTH_BYTES) / BLOCK + 1);
    if (lane->tail_blocks > 1) /* zeroes lie in the last two: a constant length is a handful of stores */
        sp_wipe(lane->tail + (lane->tail_blocks - 2) * BLOCK, 2 * BLOCK);
    else
        sp_wipe(lane->tail, BLOCK);
    copy_to_tail(lane->tail, lane->job->data + lane->job->len_bytes - data_rest_bytes, data_rest_bytes);
    memcpy(lane->tail + data_rest_bytes, &lane->job->suffix, SP_HMAC_SUFFIX_BYTES);
    lane->tail[rest_bytes] = END_MARK;
    memcpy(lane->tail + lane->tail_blocks * BLOCK - LENGTH_BYTES, &bits, LENGTH_BYTES);
}

static void start_tail(struct lanes *lanes, size_t index)
{
    struct lane *lane = &lanes->lane[index];

    lane->stage = STAGE_TAIL;
    lane->blocks = lane->tail_blocks;
    lanes->data[index] = lane->tail;
}

/* A word of the outer hash's block: inner digest, end mark, zeroes, length in bits. */
static inline uint32_t outer_word(const uint32_t *digest, size_t i)
{
    if (i < HASH_WORDS)
        return wire_word(digest[i]);
    if (i == HASH_WORDS)
        return htole32(END_MARK);
    return i == (HASH_IS_BIG_ENDIAN ? 15 : 14) ? wire_word((BLOCK + DIGEST_BYTES) * 8) : 0;
}

/* In stores as wide as a kernel's loads: a processor forwards those to a load at once, several small ones
 * only after they have reached the cache, and the whole packet waits for this. */
static void start_outer(struct lanes *lanes, size_t index)
{
    struct lane *lane = &lanes->lane[index];
    const struct halves *halves = lane->job->state;
    uint32_t *row = lanes->rows[index];

    for (size_t i = 0; i < BLOCK / 4; i += 4) {
        four_words words;
        if (i + 4 <= HASH_WORDS) {
            memcpy(&words, row + i, sizeof words);
            words = wire_words(words);
        } else {
            words = (four_words){outer_word(row, i), outer_word(row, i + 1), outer_word(row, i + 2),
                                 outer_word(row, i + 3)};
        }
        memcpy(lane->tail + 4 * i, &words, sizeof words);
    }
    memcpy(row, halves->outer, sizeof halves->outer);
    lane->stage = STAGE_OUTER;
    lane->blocks = 1;
    lanes->data[index] = lane->tail;
}

/* Turned in place: rows are wiped, a copy elsewhere would not be. */
static void write_icv(struct lanes *lanes, size_t index)
{
    uint32_t *row = lanes->rows[index];

    for (size_t i = 0; i < HASH_WORDS; i++)
        row[i] = wire_word(row[i]);
    if (lanes->icv_bytes == 12) /* RFC 2403 and 2404: no call */
        memcpy(lanes->lane[index].job->icv, row, 12);
    else
        memcpy(lanes->lane[index].job->icv, row, lanes->icv_bytes);
}

/* The tail is built long before it is needed, when the packet's end is on its way into the cache anyway. */
static void start_job(struct lanes *lanes, size_t index)
{
    struct lane *lane = &lanes->lane[index];
    size_t number = lanes->next++;
    const struct sp_hmac_job *job = &lanes->jobs[lanes->order != NULL ? lanes->order[number] : number];
    const struct halves *halves = job->state;

    memcpy(lanes->rows[index], halves->inner, sizeof halves->inner);
    lane->job = job;
    build_tail(lane);
    lane->stage = STAGE_DATA;
    lane->blocks = data_bytes(job) / BLOCK;
    lane->is_short = lane->blocks == 0;
    lanes->data[index] = job->data;
    if (lane->blocks == 0)
        start_tail(lanes, index);
}

/* The last active lane moves to where one has ended, with its tail. */
static void close_up(struct lanes *lanes, size_t index)
{
    size_t last = --lanes->active;

    if (index == last)
        return;
    memcpy(lanes->rows[index], lanes->rows[last], sizeof lanes->rows[index]);
    lanes->data[index] = lanes->data[last];
    lanes->lane[index] = lanes->lane[last];
}

static void end_stage(struct lanes *lanes, size_t index)
{
    switch (lanes->lane[index].stage) {
    case STAGE_DATA:
        start_tail(lanes, index);
        return;
    case STAGE_TAIL:
        start_outer(lanes, index);
        return;
    case STAGE_OUTER:
        write_icv(lanes, index);
        if (lanes->next < lanes->count)
            start_job(lanes, index);
        else
            close_up(lanes, index);
    }
}

/* Are all of these lanes short packets, and would blocks end their inner hashes? */
static bool end_together(const struct lanes *lanes, size_t first, size_t count, size_t blocks)
{
    size_t ends = 0;

    for (size_t i = first; i < first + count; i++)
        ends +=
            lanes->lane[i].is_short && lanes->lane[i].stage == STAGE_TAIL && lanes->lane[i].blocks == blocks;
    return ends == count;
}

/* These lanes are then where the outer hash ends. */
static void finish(const struct sp_hash_kernel *kernel, struct lanes *lanes, size_t first, size_t count,
                   size_t blocks)
{
    for (size_t i = 0; i < kernel->lanes; i++) {
        struct lane *lane = &lanes->lane[first + (i < count ? i : 0)];
        const struct halves *halves = lane->job->state;
        lanes->outer[first + i] = halves->outer;
        lane->stage = STAGE_OUTER;
    }
    kernel->compress_and_finish(&lanes->rows[first], &lanes->data[first], blocks, &lanes->outer[first]);
}

static void compress_active(const struct sp_lane_plan *plan, struct lanes *lanes, size_t blocks)
{
    size_t i = 0;

    while (i < lanes->active) {
        const struct sp_hash_kernel *kernel = plan->first[lanes->active - i];
        for (size_t idle = lanes->active; idle < i + kernel->lanes; idle++)
            lanes->data[idle] = lanes->data[0];
        size_t count = lanes->active - i < kernel->lanes ? lanes->active - i : kernel->lanes;
        if (kernel->compress_and_finish != NULL && end_together(lanes, i, count, blocks))
            finish(kernel, lanes, i, count, blocks);
        else
            kernel->compress(&lanes->rows[i], &lanes->data[i], blocks);
        if (kernel->stack_bytes > lanes->used_stack_bytes)
            lanes->used_stack_bytes = kernel->stack_bytes;
        i += kernel->lanes;
    }
    if (i > lanes->used_rows)
        lanes->used_rows = i;
}

/* Downwards, so that what closes up from the end has had its turn. */
static void step(const struct sp_lane_plan *plan, struct lanes *lanes)
{
    size_t blocks = lanes->lane[0].blocks;

    for (size_t i = 1; i < lanes->active; i++)
        if (lanes->lane[i].blocks < blocks)
            blocks = lanes->lane[i].blocks;
    compress_active(plan, lanes, blocks);
    for (size_t i = lanes->active; i-- > 0;) {
        lanes->data[i] += blocks * BLOCK;
        lanes->lane[i].blocks -= blocks;
        if (lanes->lane[i].blocks == 0)
            end_stage(lanes, i);
    }
}

/* 0 for the longest. */
static size_t bucket_of(const struct sp_hmac_job *job)
{
    size_t blocks = job->len_bytes / BLOCK;

    return BUCKETS - 1 - (blocks < BUCKETS ? blocks : BUCKETS - 1);
}

static bool is_longest_first(const struct sp_hmac_job *jobs, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (bucket_of(&jobs[i]) < bucket_of(&jobs[i - 1]))
            return false;
    return true;
}

/* A counting sort by blocks; what is longer than it tells apart is long enough not to matter. */
static void order_jobs(struct lanes *lanes)
{
    uint16_t start[BUCKETS + 1] = {0};

    for (size_t i = 0; i < lanes->count; i++)
        start[bucket_of(&lanes->jobs[i]) + 1]++;
    for (size_t bucket = 1; bucket < BUCKETS; bucket++)
        start[bucket] = (uint16_t)(start[bucket] + start[bucket - 1]);
    for (size_t i = 0; i < lanes->count; i++)
        lanes->order_space[start[bucket_of(&lanes->jobs[i])]++] = (uint8_t)i;
    lanes->order = lanes->order_space;
}

static void run_window(const struct sp_lane_plan *plan, struct lanes *lanes)
{
    lanes->next = 0;
    lanes->order = NULL;
    if (lanes->count > plan->lanes && !is_longest_first(lanes->jobs, lanes->count))
        order_jobs(lanes);
    lanes->active = lanes->count < plan->lanes ? lanes->count : plan->lanes;
    if (lanes->active > lanes->used_tails)
        lanes->used_tails = lanes->active;
    for (size_t i = 0; i < lanes->active; i++) {
        lanes->lane[i].tail = lanes->tails[i];
        start_job(lanes, i);
    }
    while (lanes->active > 0)
        step(plan, lanes);
}

static void run(const struct sp_lane_plan *plan, const struct sp_hmac_job *jobs, size_t count,
                size_t icv_bytes)
{
    struct lanes lanes;

    lanes.icv_bytes = icv_bytes;
    lanes.used_tails = 0;
    lanes.used_rows = 0;
    lanes.used_stack_bytes = 0;
    for (size_t done = 0; done < count; done += lanes.count) {
        lanes.jobs = jobs + done;
        lanes.count = count - done < WINDOW ? count - done : WINDOW;
        run_window(plan, &lanes);
    }
    for (size_t i = 0; i < lanes.used_rows; i++)
        sp_wipe(lanes.rows[i], sizeof lanes.rows[i]);
    for (size_t i = 0; i < lanes.used_tails; i++)
        sp_wipe(lanes.tails[i], SP_HASH_ROW_WORDS * 4);
    sp_wipe_stack(lanes.used_stack_bytes);
}
