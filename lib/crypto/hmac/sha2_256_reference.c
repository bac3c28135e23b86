/* SPDX-License-Identifier: ISC
 *
 * HMAC-SHA2-256-128 (RFC 4868) by libcrypto.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#define HASH_CONTEXT SHA256_CTX
#define HASH_INIT SHA256_Init
#define HASH_UPDATE SHA256_Update
#define HASH_FINAL SHA256_Final
#define HASH_BLOCK_BYTES SHA256_CBLOCK
#define HASH_DIGEST_BYTES SHA256_DIGEST_LENGTH
#define HMAC_NAME "hmac-sha2-256-128"
#define HMAC_KEY_BYTES 32
#define HMAC_ICV_BYTES 16
#define HMAC_OPS sp_hmac_sha2_256_reference
#include "crypto/hmac/reference_template.h"
