/* SPDX-License-Identifier: ISC
 *
 * HMAC (RFC 2104) over one of libcrypto's hashes. No include guard: each *_reference.c includes it once.
 *
 * Both halves of HMAC start with one block that depends on the key alone. Its hash is made once, when the key
 * is set, and copied for each packet: two compressions less, which is a tenth of a full-sized packet and half
 * of a small one.
 *
 * libcrypto's low-level hash functions, deprecated since OpenSSL 3.0, are used on purpose: an EVP_MAC context
 * lives on OpenSSL's heap, outside of the key arena, and needs duplicating or resetting for each packet.
 *
 * The includer defines HASH_CONTEXT, HASH_INIT, HASH_UPDATE, HASH_FINAL (as SHA_CTX, SHA1_Init, SHA1_Update,
 * SHA1_Final), HASH_BLOCK_BYTES, HASH_DIGEST_BYTES, HMAC_NAME, HMAC_KEY_BYTES, HMAC_ICV_BYTES and HMAC_OPS,
 * the symbol to make.
 */
#include "crypto/kernels.h"

#include <openssl/crypto.h>

#include <string.h>

#define INNER_PAD 0x36
#define OUTER_PAD 0x5c

struct halves {
    HASH_CONTEXT inner, outer;
};

/* What a MAC leaves behind on the stack. */
struct scratch {
    HASH_CONTEXT context;
    uint8_t digest[HASH_DIGEST_BYTES];
};

static void start_half(HASH_CONTEXT *context, const uint8_t block[HASH_BLOCK_BYTES], uint8_t pad)
{
    uint8_t padded[HASH_BLOCK_BYTES];

    for (size_t i = 0; i < HASH_BLOCK_BYTES; i++)
        padded[i] = block[i] ^ pad;
    HASH_INIT(context);
    HASH_UPDATE(context, padded, sizeof padded);
    OPENSSL_cleanse(padded, sizeof padded);
}

/* A key longer than a block is hashed first (RFC 2104 2). */
static void expand(void *state, const uint8_t *key, size_t key_bytes)
{
    struct halves *halves = state;
    uint8_t block[HASH_BLOCK_BYTES] = {0};
    HASH_CONTEXT context;

    if (key_bytes <= sizeof block) {
        memcpy(block, key, key_bytes);
    } else {
        HASH_INIT(&context);
        HASH_UPDATE(&context, key, key_bytes);
        HASH_FINAL(block, &context);
        OPENSSL_cleanse(&context, sizeof context);
    }
    start_half(&halves->inner, block, INNER_PAD);
    start_half(&halves->outer, block, OUTER_PAD);
    OPENSSL_cleanse(block, sizeof block);
}

static inline void digest_one(const struct halves *halves, const uint8_t *data, size_t len_bytes,
                              struct scratch *scratch)
{
    scratch->context = halves->inner;
    HASH_UPDATE(&scratch->context, data, len_bytes);
    HASH_FINAL(scratch->digest, &scratch->context);
    scratch->context = halves->outer;
    HASH_UPDATE(&scratch->context, scratch->digest, sizeof scratch->digest);
    HASH_FINAL(scratch->digest, &scratch->context);
}

/* The scratch is wiped once a burst: each job overwrites what the one before left in it. */
static void mac(const struct sp_hmac_job *jobs, size_t count)
{
    struct scratch scratch;

    for (size_t i = 0; i < count; i++) {
        digest_one(jobs[i].state, jobs[i].data, jobs[i].len_bytes, &scratch);
        memcpy(jobs[i].icv, scratch.digest, HMAC_ICV_BYTES);
    }
    OPENSSL_cleanse(&scratch, sizeof scratch);
}

static void mac_full(const void *state, const uint8_t *data, size_t len_bytes, uint8_t *digest)
{
    struct scratch scratch;

    digest_one(state, data, len_bytes, &scratch);
    memcpy(digest, scratch.digest, HASH_DIGEST_BYTES);
    OPENSSL_cleanse(&scratch, sizeof scratch);
}

const struct sp_hmac HMAC_OPS = {
    .name = HMAC_NAME,
    .kernel = "libcrypto",
    .key_bytes = HMAC_KEY_BYTES,
    .icv_bytes = HMAC_ICV_BYTES,
    .state_bytes = sizeof(struct halves),
    .expand = expand,
    .mac = mac,
    .mac_full = mac_full,
    .digest_bytes = HASH_DIGEST_BYTES,
};
