/* SPDX-License-Identifier: ISC
 *
 * Cycles a byte of one variant beside the reference's, in turns so that neither gets the quieter moments, as
 * lower quartiles. Reference cycles of the time stamp counter: compare them with each other only.
 */
#include "tdes_rig.h"

#include "crypto/kernels.h"
#include "crypto/tdes/state.h"

#include <stdlib.h>

#define PACKETS_MAX 256
#define PACKET_BYTES_MAX 1424
#define PACKET_STRIDE_BYTES 2048
#define REPEATS 15

struct field {
    struct sp_tdes_state states[PACKETS_MAX];
    struct sp_cbc_job jobs[PACKETS_MAX];
    uint8_t ivs[PACKETS_MAX][SP_TDES_BLOCK_BYTES];
    uint8_t packets[PACKETS_MAX][PACKET_STRIDE_BYTES];
};

struct load {
    bool is_sealing, has_many_keys;
    size_t len_bytes, jobs;
};

static void set_jobs(struct field *field, const struct load *load)
{
    for (size_t i = 0; i < load->jobs; i++) {
        field->jobs[i] = (struct sp_cbc_job){.state = &field->states[load->has_many_keys ? i : 0],
                                             .iv = field->ivs[i],
                                             .in = field->packets[i],
                                             .out = field->packets[i],
                                             .len_bytes = load->len_bytes};
    }
}

static double time_once(const struct sp_cipher *ops, const struct field *field, const struct load *load)
{
    uint64_t start = harness_cycles();

    (load->is_sealing ? ops->cbc_seal : ops->cbc_open)(field->jobs, load->jobs);
    return (double)(harness_cycles() - start) / (double)(load->jobs * load->len_bytes);
}

static void measure(const struct sp_cipher *ops, struct field *field, const struct load *load)
{
    double ours[REPEATS], theirs[REPEATS];

    set_jobs(field, load);
    for (size_t i = 0; i < REPEATS; i++) {
        theirs[i] = time_once(&sp_tdes_cbc_reference, field, load);
        ours[i] = time_once(ops, field, load);
    }
    double our_best = harness_quartile(ours, REPEATS), their_best = harness_quartile(theirs, REPEATS);
    harness_note("tdes %-14s %s %4zu B x %3zu, %-9s %7.2f cycles/byte, libcrypto %7.2f, ratio %5.2f",
                 ops->kernel, load->is_sealing ? "seal" : "open", load->len_bytes, load->jobs,
                 load->has_many_keys ? "many keys" : "one key", our_best, their_best, their_best / our_best);
}

void tdes_measure(struct harness *harness, const struct sp_cipher *ops)
{
    static const size_t lengths[] = {PACKET_BYTES_MAX, 64}, bursts[] = {1, 8, 16, 32, 64, 128, 256};
    struct field *field = malloc(sizeof *field);

    if (field == NULL)
        abort();
    harness_fill(harness, field, sizeof *field);
    for (size_t i = 0; i < PACKETS_MAX; i++)
        ops->expand(&field->states[i], field->packets[i]);
    for (size_t i = 0; i < 2 * 2 * 2 * 7; i++) {
        struct load load = {.is_sealing = i / 28 == 0,
                            .len_bytes = lengths[i / 14 % 2],
                            .has_many_keys = i / 7 % 2,
                            .jobs = bursts[i % 7]};
        measure(ops, field, &load);
    }
    free(field);
}
