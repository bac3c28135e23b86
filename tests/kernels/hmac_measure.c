/* SPDX-License-Identifier: ISC
 *
 * Cycles a byte of each HMAC kernel, and of what is in use, beside libcrypto: in turns, so that none gets the
 * quieter moments, as medians. Cycles of the core, not of the time stamp counter: a chain of additions, one a
 * cycle each, tells how the two relate.
 */
#include "hmac.h"

#include "crypto/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOBS_MAX 128
#define STRIDE_BYTES 2048
#define TURNS 31
#define TURN_BYTES 65536 /* what a turn hashes at least */
#define ADDITIONS 100000
#define CONTENDERS_MAX (SP_HASH_KERNELS_MAX + 2)

struct contender {
    const char *name;
    const struct sp_hmac *ops; /* NULL: under the plan */
    struct sp_lane_plan plan;
    double turns[TURNS];
};

struct field {
    const struct sp_hash *hash;
    struct contender contenders[CONTENDERS_MAX];
    size_t count;
    uint32_t state[16];
    struct sp_hmac_job jobs[JOBS_MAX];
    uint8_t icvs[JOBS_MAX][32];
    uint8_t packets[JOBS_MAX][STRIDE_BYTES];
    double counts_per_cycle;
};

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

static double counts_per_cycle(void)
{
    double turns[TURNS];

    for (size_t turn = 0; turn < TURNS; turn++) {
        uint64_t start = harness_cycles(), sum = start;
        for (size_t i = 0; i < ADDITIONS; i++) {
            sum += i;
            __asm__ volatile("" : "+r"(sum));
        }
        turns[turn] = (double)(harness_cycles() - start) / ADDITIONS;
    }
    return median(turns, TURNS);
}

static void run_once(const struct field *field, const struct contender *contender, size_t jobs)
{
    if (contender->ops != NULL)
        contender->ops->mac(field->jobs, jobs);
    else
        field->hash->mac(&contender->plan, field->jobs, jobs, 12);
}

static double time_turn(const struct field *field, const struct contender *contender, size_t jobs,
                        size_t len_bytes)
{
    size_t bytes = jobs * len_bytes, repeats = TURN_BYTES / bytes + 1;

    run_once(field, contender, jobs);
    uint64_t start = harness_cycles();
    for (size_t i = 0; i < repeats; i++)
        run_once(field, contender, jobs);
    return (double)(harness_cycles() - start) / (double)(repeats * bytes) / field->counts_per_cycle;
}

static void measure(struct field *field, size_t jobs, size_t len_bytes)
{
    char line[512];
    int end =
        snprintf(line, sizeof line, "%s, %4zu B x %3zu, cycles a byte:", field->hash->name, len_bytes, jobs);

    for (size_t i = 0; i < jobs; i++)
        field->jobs[i] = (struct sp_hmac_job){
            .state = field->state, .data = field->packets[i], .len_bytes = len_bytes, .icv = field->icvs[i]};
    for (size_t turn = 0; turn < TURNS; turn++)
        for (size_t i = 0; i < field->count; i++)
            field->contenders[i].turns[turn] = time_turn(field, &field->contenders[i], jobs, len_bytes);
    for (size_t i = 0; i < field->count && end < (int)sizeof line; i++)
        end += snprintf(line + end, sizeof line - (size_t)end, "%s %s %.2f", i > 0 ? "," : "",
                        field->contenders[i].name, median(field->contenders[i].turns, TURNS));
    harness_note("%s", line);
}

void hmac_measure(const struct sp_hash *hash, const struct sp_hmac *reference, const struct sp_hmac *chosen)
{
    static const size_t lengths[] = {1440, 64}, counts[] = {1, 2, 4, 8, 32, 128};
    struct field *field = calloc(1, sizeof *field);

    if (field == NULL)
        abort();
    field->hash = hash;
    field->counts_per_cycle = counts_per_cycle();
    field->contenders[field->count++] = (struct contender){.name = "reference", .ops = reference};
    field->contenders[field->count++] = (struct contender){.name = "in use", .ops = chosen};
    for (size_t i = 1; i < hash->kernel_count; i++) {
        if ((hash->kernels[i]->cpu_features & ~sp_cpu_features()) != 0)
            continue;
        struct contender *contender = &field->contenders[field->count++];
        contender->name = hash->kernels[i]->name;
        sp_lane_plan_make(&contender->plan, &hash->kernels[i], 1, sp_cpu_features());
    }
    reference->expand(field->state, field->packets[0], 20);
    harness_note("%s: in use is %s; %.3f counts of the time stamp counter are a cycle", hash->name,
                 chosen->kernel, field->counts_per_cycle);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++)
            measure(field, counts[k], lengths[i]);
    free(field);
}
