/* SPDX-License-Identifier: ISC
 *
 * CBC encryption over lanes. Inside of one packet it is serial: a block needs the ciphertext before it. So
 * each lane works on a packet of its own, all lanes move by one block a step, and a lane whose packet ends
 * takes the next one.
 *
 * A step costs the same for one lane as for all. Hence the longest jobs start first, so that the lanes end at
 * about the same time, and when too few are left the kernel below (lanes.h) goes on with them. Of a kernel
 * whose lanes come in groups, as many are used as promise the earliest end.
 *
 * The chain stays in the lanes: what the kernel puts out is what the next block is XORed into.
 */
#include "crypto/kernels.h"
#include "crypto/tdes/lanes.h"
#include "crypto/tdes/state.h"

#include <openssl/crypto.h>

#define JOBS_MAX 1024 /* sorted at a time */
#define STEPS 4
#define LENGTH_CLASSES 256
#define LENGTH_CLASS_BYTES 64

struct lanes {
    void *scratch; /* keys, and the blocks on their way */
    /* plaintext that its ciphertext replaces */
    _Alignas(64) uint64_t rows[STEPS][SP_TDES_LANES_MAX];
    /* ciphertext and pointers */
    _Alignas(64) uint64_t chain[SP_TDES_LANES_MAX];
    const struct sp_tdes_state *state[SP_TDES_LANES_MAX];
    const uint8_t *in[SP_TDES_LANES_MAX];
    uint8_t *out[SP_TDES_LANES_MAX];
    size_t left_bytes[SP_TDES_LANES_MAX];
    size_t active; /* the first so many are at work */
    bool keys_are_set;
};

/* The jobs still to be given to lanes, the longest first. */
struct queue {
    const struct sp_cbc_job *jobs;
    size_t next, count;
    uint16_t order[JOBS_MAX];
};

static size_t length_class(const struct sp_cbc_job *job)
{
    size_t classes_up = job->len_bytes / LENGTH_CLASS_BYTES;

    return classes_up < LENGTH_CLASSES ? LENGTH_CLASSES - 1 - classes_up : 0;
}

static bool is_longest_first(const struct sp_cbc_job *jobs, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (length_class(&jobs[i]) < length_class(&jobs[i - 1]))
            return false;
    }
    return true;
}

/* Sorts by counting, roughly: lengths within a class needn't be in order. */
static void fill_queue(struct queue *queue, const struct sp_cbc_job *jobs, size_t count)
{
    uint16_t places[LENGTH_CLASSES + 1] = {0};

    queue->jobs = jobs;
    queue->next = 0;
    queue->count = count;
    if (is_longest_first(jobs, count)) { /* as where all are equal */
        for (size_t i = 0; i < count; i++)
            queue->order[i] = (uint16_t)i;
        return;
    }
    for (size_t i = 0; i < count; i++)
        places[length_class(&jobs[i]) + 1]++;
    for (size_t i = 0; i < LENGTH_CLASSES; i++)
        places[i + 1] = (uint16_t)(places[i + 1] + places[i]);
    for (size_t i = 0; i < count; i++)
        queue->order[places[length_class(&jobs[i])]++] = (uint16_t)i;
}

/* The next job that has anything to do, or NULL. */
static const struct sp_cbc_job *next_job(struct queue *queue)
{
    while (queue->next < queue->count) {
        const struct sp_cbc_job *job = &queue->jobs[queue->order[queue->next++]];
        if (job->len_bytes > 0)
            return job;
    }
    return NULL;
}

static size_t blocks_at(const struct queue *queue, size_t place)
{
    return queue->jobs[queue->order[place]].len_bytes / SP_TDES_BLOCK_BYTES;
}

/* How many steps so many lanes take at least: a lane that gets n jobs gets none that is shorter than the
 * longest but (n - 1) * lanes, and all blocks have to go somewhere. */
static size_t steps_for(const struct queue *queue, size_t all_blocks, size_t lane_count)
{
    size_t steps = (all_blocks + lane_count - 1) / lane_count;

    for (size_t i = 0, turn = 1; i < queue->count; i += lane_count, turn++) {
        if (turn * blocks_at(queue, i) > steps)
            steps = turn * blocks_at(queue, i);
    }
    return steps;
}

/* How many lanes to start with: more of them make each step dearer. */
static size_t choose_lane_count(const struct sp_tdes_lanes *kernel, const struct queue *queue)
{
    size_t best_lanes = kernel->lanes, best_cost = SIZE_MAX, blocks = 0;

    if (kernel->group_lanes == 0)
        return kernel->lanes;
    for (size_t i = 0; i < queue->count; i++)
        blocks += blocks_at(queue, i);
    for (size_t groups = 1; groups * kernel->group_lanes <= kernel->lanes; groups++) {
        size_t cost = steps_for(queue, blocks, groups * kernel->group_lanes) * kernel->step_costs[groups - 1];
        if (cost < best_cost) {
            best_cost = cost;
            best_lanes = groups * kernel->group_lanes;
        }
    }
    return best_lanes;
}

static void start_job(struct lanes *lanes, size_t lane, const struct sp_cbc_job *job)
{
    lanes->chain[lane] = sp_tdes_load(job->iv);
    lanes->in[lane] = job->in;
    lanes->out[lane] = job->out;
    lanes->left_bytes[lane] = job->len_bytes;
    lanes->keys_are_set = lanes->keys_are_set && lanes->state[lane] == job->state;
    lanes->state[lane] = job->state;
}

/* Closes the gap that an ended lane leaves by the last one. */
static void move_last(struct lanes *lanes, size_t to)
{
    size_t from = --lanes->active;

    lanes->chain[to] = lanes->chain[from];
    lanes->in[to] = lanes->in[from];
    lanes->out[to] = lanes->out[from];
    lanes->left_bytes[to] = lanes->left_bytes[from];
    lanes->keys_are_set = lanes->keys_are_set && lanes->state[to] == lanes->state[from];
    lanes->state[to] = lanes->state[from];
}

static void start_lanes(struct lanes *lanes, const struct sp_tdes_lanes *kernel, size_t lane_count,
                        struct queue *queue)
{
    /* idle lanes: anything */
    memset(lanes->chain, 0, kernel->lanes * sizeof lanes->chain[0]);
    if (kernel->seal_run == NULL)
        memset(lanes->rows, 0, sizeof lanes->rows);
    lanes->active = 0;
    lanes->keys_are_set = false;
    while (lanes->active < lane_count) {
        const struct sp_cbc_job *job = next_job(queue);
        if (job == NULL)
            return;
        start_job(lanes, lanes->active++, job);
    }
}

static void refill_lanes(struct lanes *lanes, struct queue *queue)
{
    /* downwards: the lane that closes a gap has been looked at already */
    for (size_t lane = lanes->active; lane-- > 0;) {
        if (lanes->left_bytes[lane] > 0)
            continue;
        const struct sp_cbc_job *job = next_job(queue);
        if (job != NULL)
            start_job(lanes, lane, job);
        else
            move_last(lanes, lane);
    }
}

static void set_keys(struct lanes *lanes, const struct sp_tdes_lanes *kernel)
{
    size_t same = 1;

    lanes->keys_are_set = true;
    if (kernel->set_seal_keys != NULL) {
        kernel->set_seal_keys(lanes->scratch, lanes->state, lanes->active);
        return;
    }
    while (same < lanes->active && lanes->state[same] == lanes->state[0])
        same++;
    if (same == lanes->active) {
        kernel->set_key(lanes->scratch, lanes->state[0]);
    } else {
        for (size_t lane = lanes->active; lane < kernel->lanes; lane++)
            lanes->state[lane] = lanes->state[0]; /* idle: any key */
        kernel->set_lane_keys(lanes->scratch, lanes->state);
    }
}

static size_t shortest_bytes(const struct lanes *lanes)
{
    size_t shortest = lanes->left_bytes[0];

    for (size_t lane = 1; lane < lanes->active; lane++) {
        if (lanes->left_bytes[lane] < shortest)
            shortest = lanes->left_bytes[lane];
    }
    return shortest;
}

static void load_rows(struct lanes *lanes, size_t at, size_t steps)
{
    for (size_t lane = 0; lane < lanes->active; lane++) {
        const uint8_t *in = lanes->in[lane] + at;
        for (size_t step = 0; step < steps; step++)
            lanes->rows[step][lane] = sp_tdes_load(in + step * SP_TDES_BLOCK_BYTES);
    }
}

static void store_rows(const struct lanes *lanes, size_t at, size_t steps)
{
    for (size_t lane = 0; lane < lanes->active; lane++) {
        uint8_t *out = lanes->out[lane] + at;
        for (size_t step = 0; step < steps; step++)
            sp_tdes_store(out + step * SP_TDES_BLOCK_BYTES, lanes->rows[step][lane]);
    }
}

/* A few steps at a time: each packet's line of the cache is then visited once rather than for every block. */
static void run_few_steps(struct lanes *lanes, const struct sp_tdes_lanes *kernel, size_t at, size_t steps)
{
    const uint64_t *chain = lanes->chain;

    load_rows(lanes, at, steps);
    for (size_t step = 0; step < steps; step++) {
        uint64_t *row = lanes->rows[step];
        for (size_t lane = 0; lane < kernel->lanes; lane++)
            row[lane] ^= chain[lane];
        kernel->encrypt(lanes->scratch, row, row);
        chain = row;
    }
    store_rows(lanes, at, steps);
    memcpy(lanes->chain, chain, kernel->lanes * sizeof *chain);
}

static void run_by_words(struct lanes *lanes, const struct sp_tdes_lanes *kernel, size_t len_bytes)
{
    size_t few_bytes = STEPS * SP_TDES_BLOCK_BYTES, at = 0;

    for (; at + few_bytes <= len_bytes; at += few_bytes)
        run_few_steps(lanes, kernel, at, STEPS);
    if (at < len_bytes)
        run_few_steps(lanes, kernel, at, (len_bytes - at) / SP_TDES_BLOCK_BYTES);
}

/* Moves every lane on by len_bytes, which none of them lacks. */
static void run_steps(struct lanes *lanes, const struct sp_tdes_lanes *kernel, size_t len_bytes)
{
    struct sp_tdes_run run = {.chain = lanes->chain,
                              .in = lanes->in,
                              .out = lanes->out,
                              .lanes = lanes->active,
                              .len_bytes = len_bytes};

    if (kernel->seal_run != NULL)
        kernel->seal_run(lanes->scratch, &run);
    else
        run_by_words(lanes, kernel, len_bytes);
    for (size_t lane = 0; lane < lanes->active; lane++) {
        lanes->in[lane] += len_bytes;
        lanes->out[lane] += len_bytes;
        lanes->left_bytes[lane] -= len_bytes;
    }
}

static void leave_over(const struct lanes *lanes, struct sp_tdes_leftovers *leftovers)
{
    for (size_t lane = 0; lane < lanes->active; lane++) {
        sp_tdes_store(leftovers->ivs[lane], lanes->chain[lane]);
        leftovers->jobs[lane] = (struct sp_cbc_job){.state = lanes->state[lane],
                                                    .iv = leftovers->ivs[lane],
                                                    .in = lanes->in[lane],
                                                    .out = lanes->out[lane],
                                                    .len_bytes = lanes->left_bytes[lane]};
    }
    leftovers->count = lanes->active;
}

/* At most JOBS_MAX jobs. Returns the blocks that went through the kernel. Not inlined: its lanes take much
 * stack, which the kernel below shall have again. */
__attribute__((noinline)) static size_t seal_some(const struct sp_tdes_lanes *kernel, void *scratch,
                                                  const struct sp_cbc_job *jobs, size_t count,
                                                  struct sp_tdes_leftovers *leftovers)
{
    struct lanes lanes;
    struct queue queue;
    size_t blocks = 0;

    lanes.scratch = scratch;
    fill_queue(&queue, jobs, count);
    start_lanes(&lanes, kernel, choose_lane_count(kernel, &queue), &queue);
    while (lanes.active >= kernel->seal_lanes_min) {
        size_t len_bytes = shortest_bytes(&lanes);
        if (!lanes.keys_are_set)
            set_keys(&lanes, kernel);
        run_steps(&lanes, kernel, len_bytes);
        blocks += lanes.active * (len_bytes / SP_TDES_BLOCK_BYTES);
        refill_lanes(&lanes, &queue);
    }
    leave_over(&lanes, leftovers);
    return blocks;
}

/* The same in a scratch of its own, which is wiped. */
__attribute__((noinline)) static size_t seal_some_by_words(const struct sp_tdes_lanes *kernel,
                                                           const struct sp_cbc_job *jobs, size_t count,
                                                           struct sp_tdes_leftovers *leftovers)
{
    _Alignas(64) uint8_t scratch[SP_TDES_LANES_SCRATCH_BYTES];
    size_t blocks = seal_some(kernel, scratch, jobs, count, leftovers);

    OPENSSL_cleanse(scratch, kernel->scratch_bytes);
    return blocks;
}

size_t sp_tdes_lanes_seal_in(const struct sp_tdes_lanes *kernel, void *scratch, const struct sp_cbc_job *jobs,
                             size_t count)
{
    struct sp_tdes_leftovers leftovers;
    size_t blocks = 0;

    while (count >= kernel->seal_lanes_min) {
        size_t some = count < JOBS_MAX ? count : JOBS_MAX;
        blocks += scratch != NULL ? seal_some(kernel, scratch, jobs, some, &leftovers)
                                  : seal_some_by_words(kernel, jobs, some, &leftovers);
        (void)sp_tdes_lanes_seal(kernel->below, leftovers.jobs, leftovers.count);
        jobs += some;
        count -= some;
    }
    if (count > 0)
        (void)sp_tdes_lanes_seal(kernel->below, jobs, count);
    return blocks;
}

size_t sp_tdes_lanes_seal(const struct sp_tdes_lanes *kernel, const struct sp_cbc_job *jobs, size_t count)
{
    if (kernel == NULL) {
        sp_tdes_cbc_reference.cbc_seal(jobs, count);
        return 0;
    }
    if (count < kernel->seal_lanes_min) { /* before any scratch is taken */
        (void)sp_tdes_lanes_seal(kernel->below, jobs, count);
        return 0;
    }
    return kernel->seal != NULL ? kernel->seal(jobs, count)
                                : sp_tdes_lanes_seal_in(kernel, NULL, jobs, count);
}
