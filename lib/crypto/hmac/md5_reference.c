/* SPDX-License-Identifier: ISC
 *
 * HMAC-MD5-96 (RFC 2403) by libcrypto.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/md5.h>

#define HASH_CONTEXT MD5_CTX
#define HASH_INIT MD5_Init
#define HASH_UPDATE MD5_Update
#define HASH_FINAL MD5_Final
#define HASH_BLOCK_BYTES MD5_CBLOCK
#define HASH_DIGEST_BYTES MD5_DIGEST_LENGTH
#define HMAC_NAME "hmac-md5-96"
#define HMAC_KEY_BYTES 16
#define HMAC_ICV_BYTES 12
#define HMAC_OPS sp_hmac_md5_reference
#include "crypto/hmac/reference_template.h"
