/* SPDX-License-Identifier: ISC
 *
 * 3DES-CBC by kernels that work on many blocks at once, each in a lane: what such a kernel offers, and how
 * jobs are spread over its lanes (lanes_seal.c, lanes_open.c).
 */
#ifndef SP_CRYPTO_TDES_LANES_H
#define SP_CRYPTO_TDES_LANES_H

#include "crypto/suite.h"

#include <stdbool.h>

#define SP_TDES_LANES_MAX 512
#define SP_TDES_LANES_SCRATCH_BYTES 20480 /* what the hungriest kernel without an own entry needs */

struct sp_tdes_state;

/* Lanes that all go on by len_bytes, a multiple of the block that none of them lacks. chain: the ciphertext
 * before, as little-endian words; the run leaves its last there. 64-byte aligned, with room for all lanes. */
struct sp_tdes_run {
    uint64_t *chain;
    const uint8_t *const *in;
    uint8_t *const *out;
    size_t lanes, len_bytes;
};

/* A kernel. Blocks are little-endian words, one a lane, 64-byte aligned. The scratch, too, is the caller's,
 * who wipes it: keys and blocks stay behind in it. */
struct sp_tdes_lanes {
    size_t lanes;
    size_t scratch_bytes;
    /* With fewer lanes in use what stands below is as fast: another kernel, or libcrypto when below is NULL.
     * Measured; where it is a little wrong, a little is lost. */
    size_t seal_lanes_min, open_lanes_min;
    const struct sp_tdes_lanes *below;
    void (*set_key)(void *scratch, const struct sp_tdes_state *state); /* for all lanes */
    void (*set_lane_keys)(void *scratch, const struct sp_tdes_state *const states[]);
    void (*encrypt)(void *scratch, const uint64_t *in, uint64_t *out); /* may be the same place */
    void (*decrypt)(void *scratch, const uint64_t *in, uint64_t *out);
    /* The same with one key in all lanes, without a scratch: for a batch that comes alone, since setting a
     * key takes nearly as long as using it once. NULL: there is none. */
    void (*decrypt_with)(const struct sp_tdes_state *state, const uint64_t *in, uint64_t *out);

    /* A kernel that does better than by words in memory has these instead of the four above. seal and open
     * are what sp_tdes_lanes_seal and sp_tdes_lanes_open become; seal calls sp_tdes_lanes_seal_in with a
     * scratch of its own, and that calls the other two. */
    size_t (*seal)(const struct sp_cbc_job *jobs, size_t count);
    size_t (*open)(const struct sp_cbc_job *jobs, size_t count);
    void (*set_seal_keys)(void *scratch, const struct sp_tdes_state *const states[], size_t lanes);
    void (*seal_run)(void *scratch, const struct sp_tdes_run *run);
    /* Its lanes come in groups: one group of so many lanes takes step_costs[0] for a block in each of them,
     * two groups step_costs[1], up to lanes. In any unit. */
    size_t group_lanes;
    const uint16_t *step_costs;
};

/* What was too little for a kernel: jobs for the one below. */
struct sp_tdes_leftovers {
    struct sp_cbc_job jobs[SP_TDES_LANES_MAX];
    uint8_t ivs[SP_TDES_LANES_MAX][8];
    size_t count;
};

/* As cbc_seal and cbc_open of suite.h; kernel may be NULL for libcrypto. They return how many blocks went
 * through the kernel itself, for tests. They allocate nothing. Stack: less than 64 KB for one kernel's work,
 * and 25 KB for the leftovers of each that stands above it. */
size_t sp_tdes_lanes_seal(const struct sp_tdes_lanes *kernel, const struct sp_cbc_job *jobs, size_t count);
size_t sp_tdes_lanes_open(const struct sp_tdes_lanes *kernel, const struct sp_cbc_job *jobs, size_t count);

/* Seals with the kernel, in a scratch of its scratch_bytes that the caller wipes; with NULL, in one that is
 * taken and wiped here. */
size_t sp_tdes_lanes_seal_in(const struct sp_tdes_lanes *kernel, void *scratch, const struct sp_cbc_job *jobs,
                             size_t count);

#endif
