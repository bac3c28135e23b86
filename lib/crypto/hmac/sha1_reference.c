/* SPDX-License-Identifier: ISC
 *
 * HMAC-SHA1-96 (RFC 2404) by libcrypto.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <stdint.h>

static void context_resume(SHA_CTX *context, const uint32_t *words, size_t len_bytes)
{
    context->h0 = words[0];
    context->h1 = words[1];
    context->h2 = words[2];
    context->h3 = words[3];
    context->h4 = words[4];
    context->Nl = (SHA_LONG)len_bytes * 8;
    context->Nh = 0;
    context->num = 0;
}

static void context_words(const SHA_CTX *context, uint32_t *words)
{
    words[0] = context->h0;
    words[1] = context->h1;
    words[2] = context->h2;
    words[3] = context->h3;
    words[4] = context->h4;
}

#define HASH_CONTEXT SHA_CTX
#define HASH_INIT SHA1_Init
#define HASH_UPDATE SHA1_Update
#define HASH_FINAL SHA1_Final
#define HASH_WORDS 5
#define HASH_CYCLES_PER_BLOCK 195
#define HASH_KERNEL sp_sha1_libcrypto
#define HMAC_NAME "hmac-sha1-96"
#define HMAC_KEY_BYTES 20
#define HMAC_ICV_BYTES 12
#define HMAC_OPS sp_hmac_sha1_reference
#include "crypto/hmac/reference_template.h"
