/* SPDX-License-Identifier: ISC
 *
 * A long chain: what comes out becomes data, IVs and keys of what goes in, so that one wrong bit anywhere
 * spoils all that follows. The same chain is walked by libcrypto's EVP interface, which the library doesn't
 * use.
 */
#include "tdes_rig.h"

#include "crypto/tdes/state.h"

#include <openssl/evp.h>

#include <stdlib.h>

#define JOBS 48
#define JOB_BLOCKS 21
#define JOB_BYTES (JOB_BLOCKS * SP_TDES_BLOCK_BYTES)
#define KEY_BYTES (SP_TDES_PARTS * SP_TDES_PART_BYTES)
#define KEYS 5
#define EVERYDAY_BLOCKS 100000
#define NIGHTLY_BLOCKS 1000000

struct link {
    uint8_t keys[KEYS][KEY_BYTES];
    uint8_t ivs[JOBS][SP_TDES_BLOCK_BYTES];
    uint8_t data[JOBS][JOB_BYTES];
};

typedef void walk(const struct sp_cipher *ops, struct link *link, bool is_sealing);

static void walk_variant(const struct sp_cipher *ops, struct link *link, bool is_sealing)
{
    struct sp_tdes_state states[KEYS];
    struct sp_cbc_job jobs[JOBS];

    for (size_t i = 0; i < KEYS; i++)
        ops->expand(&states[i], link->keys[i]);
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i] = (struct sp_cbc_job){.state = &states[i % KEYS],
                                      .iv = link->ivs[i],
                                      .in = link->data[i],
                                      .out = link->data[i],
                                      .len_bytes = JOB_BYTES};
    }
    (is_sealing ? ops->cbc_seal : ops->cbc_open)(jobs, JOBS);
}

static void walk_libcrypto(const struct sp_cipher *ops, struct link *link, bool is_sealing)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int out_bytes;

    (void)ops;
    for (size_t i = 0; i < JOBS; i++) {
        if (!EVP_CipherInit_ex(context, EVP_des_ede3_cbc(), NULL, link->keys[i % KEYS], link->ivs[i],
                               is_sealing) ||
            !EVP_CIPHER_CTX_set_padding(context, 0) ||
            !EVP_CipherUpdate(context, link->data[i], &out_bytes, link->data[i], JOB_BYTES))
            abort();
    }
    EVP_CIPHER_CTX_free(context);
}

/* The next link's keys and IVs, from blocks that the next step will change again. */
static void turn(struct link *link)
{
    for (size_t i = 0; i < KEYS; i++)
        memcpy(link->keys[i], link->data[i], KEY_BYTES);
    for (size_t i = 0; i < JOBS; i++)
        memcpy(link->ivs[i], link->data[(i + 1) % JOBS] + JOB_BYTES - SP_TDES_BLOCK_BYTES,
               SP_TDES_BLOCK_BYTES);
}

static void walk_chain(const struct sp_cipher *ops, walk *step, struct link *link, size_t blocks)
{
    bool is_sealing = true;

    for (size_t done = 0; done < blocks; done += (size_t)JOBS * JOB_BLOCKS) {
        step(ops, link, is_sealing);
        turn(link);
        is_sealing = !is_sealing;
    }
}

void tdes_chain(struct harness *harness, const struct sp_cipher *ops)
{
    size_t blocks = harness->is_nightly ? NIGHTLY_BLOCKS : EVERYDAY_BLOCKS;
    struct link *ours = malloc(sizeof *ours), *theirs = malloc(sizeof *theirs);

    if (ours == NULL || theirs == NULL)
        abort();
    harness_fill(harness, ours, sizeof *ours);
    memcpy(theirs, ours, sizeof *ours);
    walk_chain(ops, walk_variant, ours, blocks);
    walk_chain(NULL, walk_libcrypto, theirs, blocks);
    harness_tell(harness, memcmp(ours, theirs, sizeof *ours) == 0,
                 "tdes %s: walks %zu blocks as libcrypto does", ops->kernel, blocks);
    free(ours);
    free(theirs);
}
