/* SPDX-License-Identifier: ISC
 *
 * A rig that runs one variant of 3DES on bursts of guarded buffers and compares it with the reference.
 */
#ifndef SP_TESTS_KERNELS_TDES_RIG_H
#define SP_TESTS_KERNELS_TDES_RIG_H

#include "harness.h"

#include "crypto/tdes/variants.h"

#define RIG_JOBS_MAX 640
#define RIG_KEYS 40
#define RIG_LENGTH_MAX_BYTES 2048

struct rig {
    struct harness *harness;
    const struct sp_tdes_variant *variant;
    size_t lane_blocks; /* of the last case, those that went through the lanes of the variant's kernel */
    struct rig_buffers *buffers;
};

enum rig_data { RIG_ZEROS, RIG_ONES, RIG_RANDOM };

struct rig_case {
    bool is_sealing, is_in_place;
    size_t jobs, keys; /* keys: each job draws one of so many */
    enum rig_data data;
    size_t len_bytes;
    bool has_random_lengths; /* instead, up to len_bytes */
    size_t tail_bytes;       /* to the guard page */
};

struct rig *rig_create(struct harness *harness, const struct sp_tdes_variant *variant);
void rig_destroy(struct rig **rig);

/* Whether the output is the reference's, the input is left alone (unless in place), and no canary is touched.
 */
bool rig_is_right(struct rig *rig, const struct rig_case *with);
/* Runs jobs without a rig. Returns how many blocks went through the lanes of the variant's kernel. */
size_t rig_run(const struct sp_tdes_variant *variant, const struct sp_cbc_job *jobs, size_t count,
               bool is_sealing);
/* Jobs, and blocks of as many packets, that leave no lane of the kernel idle. 1 for the reference. */
size_t rig_all_lanes(const struct sp_tdes_variant *variant);
/* Whether so many blocks are as many as went through the lanes. The reference has none. */
bool rig_is_in_lanes(const struct sp_tdes_variant *variant, size_t blocks, size_t lane_blocks);

/* tdes_chain.c, tdes_residue.c, tdes_vectors.c, tdes_measure.c */
void tdes_chain(struct harness *harness, const struct sp_tdes_variant *variant);
void tdes_residue(struct harness *harness, const struct sp_tdes_variant *variant);
void tdes_vectors(struct harness *harness, const struct sp_tdes_variant *variant);
void tdes_measure(struct harness *harness, const struct sp_cipher *ops);

#endif
