/* SPDX-License-Identifier: ISC
 *
 * NIST's CAVP vectors for TDES in CBC mode through one variant, read where Debian's
 * python3-cryptography-vectors keeps them. Each vector goes through all lanes of the kernel at once: no block
 * of it takes another way.
 */
#include "tdes_rig.h"

#include "../vectors/record.h"

#include "crypto/tdes/state.h"

#include <stdio.h>

#define FOLDER "/usr/lib/python3/dist-packages/cryptography_vectors/ciphers/3DES/CBC"

static const char *const files[] = {
    "TCBCinvperm", "TCBCpermop", "TCBCsubtab", "TCBCvarkey",
    "TCBCvartext", "TCBCMMT1",   "TCBCMMT2",   "TCBCMMT3",
};

static bool read_key(const struct record *record, uint8_t key[SP_TDES_PARTS * SP_TDES_PART_BYTES])
{
    static const char *const names[] = {"KEY1", "KEY2", "KEY3"};

    for (size_t i = 0; i < SP_TDES_PARTS; i++) {
        const struct field *part = record_field(record, names[i]);
        if (part == NULL)
            part = record_field(record, "KEYs");
        if (part == NULL || part->len_bytes != SP_TDES_PART_BYTES)
            return false;
        memcpy(key + i * SP_TDES_PART_BYTES, part->bytes, SP_TDES_PART_BYTES);
    }
    return true;
}

static bool run_is_right(const struct sp_tdes_variant *variant, const struct sp_cbc_job *job,
                         const uint8_t *expected, bool is_sealing)
{
    static uint8_t out[SP_TDES_LANES_MAX][FIELD_BYTES_MAX];
    static struct sp_cbc_job jobs[SP_TDES_LANES_MAX];
    size_t count = rig_all_lanes(variant);

    for (size_t i = 0; i < count; i++) {
        jobs[i] = *job;
        jobs[i].out = out[i];
        memset(out[i], 0, job->len_bytes);
    }
    size_t lane_blocks = rig_run(variant, jobs, count, is_sealing);
    bool is_right = rig_is_in_lanes(variant, count * job->len_bytes / SP_TDES_BLOCK_BYTES, lane_blocks);
    for (size_t i = 0; i < count; i++)
        is_right = is_right && memcmp(out[i], expected, job->len_bytes) == 0;
    return is_right;
}

static bool vector_is_right(const struct sp_tdes_variant *variant, const struct record *record)
{
    const struct field *iv = record_field(record, "IV"), *plain = record_field(record, "PLAINTEXT");
    const struct field *cipher = record_field(record, "CIPHERTEXT");
    uint8_t key[SP_TDES_PARTS * SP_TDES_PART_BYTES];
    struct sp_tdes_state state;

    if (iv == NULL || plain == NULL || cipher == NULL || plain->len_bytes != cipher->len_bytes ||
        !read_key(record, key))
        return false;
    variant->ops->expand(&state, key);
    struct sp_cbc_job job = {
        .state = &state, .iv = iv->bytes, .in = plain->bytes, .len_bytes = plain->len_bytes};
    bool is_sealed = run_is_right(variant, &job, cipher->bytes, true);
    job.in = cipher->bytes;
    return is_sealed && run_is_right(variant, &job, plain->bytes, false);
}

static void run_file(struct harness *harness, const struct sp_tdes_variant *variant, const char *name)
{
    const char *kernel = variant->ops->kernel;
    char path[256];
    struct record_file file = {.first_name = "COUNT"};
    struct record record;
    size_t vectors = 0, wrong = 0;

    (void)snprintf(path, sizeof path, "%s/%s.rsp", FOLDER, name);
    file.stream = fopen(path, "re");
    if (file.stream == NULL) {
        harness_skip(harness, "python3-cryptography-vectors isn't installed", "tdes %s: %s", kernel, name);
        return;
    }
    while (record_next(&file, &record)) {
        vectors++;
        wrong += !vector_is_right(variant, &record);
    }
    (void)fclose(file.stream);
    harness_tell(harness, vectors > 0 && wrong == 0 && !file.is_broken,
                 "tdes %s: agrees with %zu vectors of %s, in all its lanes", kernel, vectors, name);
}

void tdes_vectors(struct harness *harness, const struct sp_tdes_variant *variant)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        run_file(harness, variant, files[i]);
}
