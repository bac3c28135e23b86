/* SPDX-License-Identifier: ISC
 *
 * A long chain of 10^6 blocks: what comes out becomes data, IVs and keys of what goes in, so that one wrong
 * bit anywhere spoils all that follows. The same chain is walked once by libcrypto's EVP interface, which the
 * library doesn't use.
 *
 * Lanes need jobs: a step of the chain is 512 of them, eight blocks long, so no lane of any kernel is idle
 * and none of the blocks goes another way. Steps seal and open in turns, under one key and under several.
 */
#include "tdes_rig.h"

#include "crypto/tdes/state.h"

#include <openssl/evp.h>

#include <stdlib.h>

#define JOBS 512
#define JOB_BLOCKS 8
#define JOB_BYTES (JOB_BLOCKS * SP_TDES_BLOCK_BYTES)
#define KEY_BYTES (SP_TDES_PARTS * SP_TDES_PART_BYTES)
#define KEYS 5
#define BLOCKS 1000000
#define BRIEF_BLOCKS 40000

struct link {
    size_t step, lane_blocks;
    uint8_t keys[KEYS][KEY_BYTES];
    uint8_t ivs[JOBS][SP_TDES_BLOCK_BYTES];
    uint8_t data[JOBS][JOB_BYTES];
};

typedef void walk(const struct sp_tdes_variant *variant, struct link *link);

static bool is_sealing(const struct link *link)
{
    return link->step % 2 == 0;
}

static size_t keys_of(const struct link *link)
{
    return link->step / 2 % 2 == 0 ? KEYS : 1;
}

static void walk_variant(const struct sp_tdes_variant *variant, struct link *link)
{
    static struct sp_tdes_state states[KEYS];
    static struct sp_cbc_job jobs[JOBS];

    for (size_t i = 0; i < KEYS; i++)
        variant->ops->expand(&states[i], link->keys[i]);
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i] = (struct sp_cbc_job){.state = &states[i % keys_of(link)],
                                      .iv = link->ivs[i],
                                      .in = link->data[i],
                                      .out = link->data[i],
                                      .len_bytes = JOB_BYTES};
    }
    link->lane_blocks += rig_run(variant, jobs, JOBS, is_sealing(link));
}

static void walk_libcrypto(const struct sp_tdes_variant *variant, struct link *link)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int out_bytes;

    (void)variant;
    for (size_t i = 0; i < JOBS; i++) {
        if (!EVP_CipherInit_ex(context, EVP_des_ede3_cbc(), NULL, link->keys[i % keys_of(link)], link->ivs[i],
                               is_sealing(link)) ||
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
    link->step++;
}

static size_t walk_chain(const struct sp_tdes_variant *variant, walk *step, struct link *link, size_t blocks)
{
    size_t done = 0;

    for (; done < blocks; done += (size_t)JOBS * JOB_BLOCKS) {
        step(variant, link);
        turn(link);
    }
    return done;
}

static bool is_same(const struct link *one, const struct link *other)
{
    return memcmp(one->keys, other->keys, sizeof one->keys) == 0 &&
           memcmp(one->ivs, other->ivs, sizeof one->ivs) == 0 &&
           memcmp(one->data, other->data, sizeof one->data) == 0;
}

void tdes_chain(struct harness *harness, const struct sp_tdes_variant *variant)
{
    static struct link start, theirs, ours;
    size_t blocks = harness->is_brief ? BRIEF_BLOCKS : BLOCKS;

    if (theirs.step == 0) {
        harness_fill(harness, start.keys, sizeof start.keys);
        harness_fill(harness, start.ivs, sizeof start.ivs);
        harness_fill(harness, start.data, sizeof start.data);
        theirs = start;
        (void)walk_chain(NULL, walk_libcrypto, &theirs, blocks);
    }
    ours = start;
    size_t done = walk_chain(variant, walk_variant, &ours, blocks);
    harness_tell(harness, is_same(&ours, &theirs) && rig_is_in_lanes(variant, done, ours.lane_blocks),
                 "tdes %s: walks %zu blocks as libcrypto does, all by itself", variant->ops->kernel, done);
}
