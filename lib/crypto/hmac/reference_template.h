/* SPDX-License-Identifier: ISC
 *
 * HMAC (RFC 2104) over one of libcrypto's hashes. No include guard: each *_reference.c includes it once.
 *
 * Both halves of HMAC start with one block that depends on the key alone. Its hash is made once, when the key
 * is set, and kept as plain words: two compressions less for each packet, which is a tenth of a full-sized
 * one and half of a small one. Words rather than libcrypto's contexts, so that every kernel can use the same
 * state.
 *
 * libcrypto's low-level hash functions, deprecated since OpenSSL 3.0, are used on purpose: an EVP_MAC context
 * lives on OpenSSL's heap, outside of the key arena, and needs duplicating or resetting for each packet.
 *
 * The includer defines HASH_CONTEXT, HASH_INIT, HASH_UPDATE, HASH_FINAL (as SHA_CTX, SHA1_Init, SHA1_Update,
 * SHA1_Final), HASH_WORDS, HMAC_NAME, HMAC_KEY_BYTES, HMAC_ICV_BYTES, HMAC_OPS and HASH_KERNEL, the symbols
 * to make, HASH_CYCLES_PER_BLOCK, and two functions: context_resume(context, words, len_bytes) makes a
 * context that has hashed so many bytes, a multiple of a block, to this chaining value;
 * context_words(context, words) reads it.
 */
#include "crypto/hmac/kernels.h"
#include "crypto/kernels.h"

#include <openssl/crypto.h>

#include <string.h>

#define INNER_PAD 0x36
#define OUTER_PAD 0x5c
#define DIGEST_BYTES (HASH_WORDS * 4)

struct halves {
    uint32_t inner[HASH_WORDS], outer[HASH_WORDS];
};

/* What a MAC leaves behind on the stack. */
struct scratch {
    HASH_CONTEXT context;
    uint8_t digest[DIGEST_BYTES];
};

static void make_half(uint32_t words[HASH_WORDS], const uint8_t block[SP_HASH_BLOCK_BYTES], uint8_t pad)
{
    uint8_t padded[SP_HASH_BLOCK_BYTES];
    HASH_CONTEXT context;

    for (size_t i = 0; i < sizeof padded; i++)
        padded[i] = block[i] ^ pad;
    HASH_INIT(&context);
    HASH_UPDATE(&context, padded, sizeof padded);
    context_words(&context, words);
    OPENSSL_cleanse(&context, sizeof context);
    OPENSSL_cleanse(padded, sizeof padded);
}

/* A key longer than a block is hashed first (RFC 2104 2). */
static void expand(void *state, const uint8_t *key, size_t key_bytes)
{
    struct halves *halves = state;
    uint8_t block[SP_HASH_BLOCK_BYTES] = {0};
    HASH_CONTEXT context;

    if (key_bytes <= sizeof block) {
        memcpy(block, key, key_bytes);
    } else {
        HASH_INIT(&context);
        HASH_UPDATE(&context, key, key_bytes);
        HASH_FINAL(block, &context);
        OPENSSL_cleanse(&context, sizeof context);
    }
    make_half(halves->inner, block, INNER_PAD);
    make_half(halves->outer, block, OUTER_PAD);
    OPENSSL_cleanse(block, sizeof block);
}

static inline void digest_one(const struct sp_hmac_job *job, struct scratch *scratch)
{
    const struct halves *halves = job->state;

    context_resume(&scratch->context, halves->inner, SP_HASH_BLOCK_BYTES);
    HASH_UPDATE(&scratch->context, job->data, job->len_bytes);
    if (job->suffix_bytes > 0)
        HASH_UPDATE(&scratch->context, &job->suffix, job->suffix_bytes);
    HASH_FINAL(scratch->digest, &scratch->context);
    context_resume(&scratch->context, halves->outer, SP_HASH_BLOCK_BYTES);
    HASH_UPDATE(&scratch->context, scratch->digest, sizeof scratch->digest);
    HASH_FINAL(scratch->digest, &scratch->context);
}

/* The scratch is wiped once a burst: each job overwrites what the one before left in it. */
static void mac(const struct sp_hmac_job *jobs, size_t count)
{
    struct scratch scratch;

    for (size_t i = 0; i < count; i++) {
        digest_one(&jobs[i], &scratch);
        memcpy(jobs[i].icv, scratch.digest, HMAC_ICV_BYTES);
    }
    OPENSSL_cleanse(&scratch, sizeof scratch);
}

static void mac_full(const void *state, const uint8_t *data, size_t len_bytes, uint8_t *digest)
{
    const struct sp_hmac_job job = {.state = state, .data = data, .len_bytes = len_bytes};
    struct scratch scratch;

    digest_one(&job, &scratch);
    memcpy(digest, scratch.digest, DIGEST_BYTES);
    OPENSSL_cleanse(&scratch, sizeof scratch);
}

/* libcrypto as a kernel of one lane, for what the wider kernels leave on a processor without a better one. */
static void compress(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    HASH_CONTEXT context;

    context_resume(&context, rows[0], 0);
    HASH_UPDATE(&context, data[0], blocks * SP_HASH_BLOCK_BYTES);
    context_words(&context, rows[0]);
}

const struct sp_hash_kernel HASH_KERNEL = {"libcrypto/1",         0,   1,        HASH_CYCLES_PER_BLOCK,
                                           HASH_CYCLES_PER_BLOCK, 512, compress, NULL};

const struct sp_hmac HMAC_OPS = {
    .name = HMAC_NAME,
    .kernel = "libcrypto",
    .key_bytes = HMAC_KEY_BYTES,
    .icv_bytes = HMAC_ICV_BYTES,
    .state_bytes = sizeof(struct halves),
    .expand = expand,
    .mac = mac,
    .mac_full = mac_full,
    .digest_bytes = DIGEST_BYTES,
};
