/* SPDX-License-Identifier: ISC
 *
 * HMAC-MD5-96 (RFC 2403) by libcrypto.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/md5.h>

#include <stdint.h>

static void context_resume(MD5_CTX *context, const uint32_t *words, size_t len_bytes)
{
    context->A = words[0];
    context->B = words[1];
    context->C = words[2];
    context->D = words[3];
    context->Nl = (MD5_LONG)len_bytes * 8;
    context->Nh = 0;
    context->num = 0;
}

static void context_words(const MD5_CTX *context, uint32_t *words)
{
    words[0] = context->A;
    words[1] = context->B;
    words[2] = context->C;
    words[3] = context->D;
}

#define HASH_CONTEXT MD5_CTX
#define HASH_INIT MD5_Init
#define HASH_UPDATE MD5_Update
#define HASH_FINAL MD5_Final
#define HASH_WORDS 4
#define HASH_CYCLES_PER_BLOCK 307
#define HASH_KERNEL sp_md5_libcrypto
#define HMAC_NAME "hmac-md5-96"
#define HMAC_KEY_BYTES 16
#define HMAC_ICV_BYTES 12
#define HMAC_OPS sp_hmac_md5_reference
#include "crypto/hmac/reference_template.h"
