/* SPDX-License-Identifier: ISC
 *
 * HMAC-SHA1-96 (RFC 2404) by libcrypto.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#define HASH_CONTEXT SHA_CTX
#define HASH_INIT SHA1_Init
#define HASH_UPDATE SHA1_Update
#define HASH_FINAL SHA1_Final
#define HASH_BLOCK_BYTES SHA_CBLOCK
#define HASH_DIGEST_BYTES SHA_DIGEST_LENGTH
#define HMAC_NAME "hmac-sha1-96"
#define HMAC_KEY_BYTES 20
#define HMAC_ICV_BYTES 12
#define HMAC_OPS sp_hmac_sha1_reference
#include "crypto/hmac/reference_template.h"
