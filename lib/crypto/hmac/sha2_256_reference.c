/* SPDX-License-Identifier: ISC
 *
 * HMAC-SHA2-256-128 (RFC 4868) by libcrypto.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <stdint.h>
#include <string.h>

static void context_resume(SHA256_CTX *context, const uint32_t *words, size_t len_bytes)
{
    memcpy(context->h, words, sizeof context->h);
    context->Nl = (SHA_LONG)len_bytes * 8;
    context->Nh = 0;
    context->num = 0;
    context->md_len = SHA256_DIGEST_LENGTH;
}

static void context_words(const SHA256_CTX *context, uint32_t *words)
{
    memcpy(words, context->h, sizeof context->h);
}

#define HASH_CONTEXT SHA256_CTX
#define HASH_INIT SHA256_Init
#define HASH_UPDATE SHA256_Update
#define HASH_FINAL SHA256_Final
#define HASH_WORDS 8
#define HASH_CYCLES_PER_BLOCK 435
#define HASH_KERNEL sp_sha2_256_libcrypto
#define HMAC_NAME "hmac-sha2-256-128"
#define HMAC_KEY_BYTES 32
#define HMAC_ICV_BYTES 16
#define HMAC_OPS sp_hmac_sha2_256_reference
#include "crypto/hmac/reference_template.h"
