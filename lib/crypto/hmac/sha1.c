/* SPDX-License-Identifier: ISC
 *
 * HMAC-SHA1-96 (RFC 2404) on every SHA-1 kernel there is.
 */
#define HASH sp_hash_sha1
#define HASH_WORDS 5
#define HASH_IS_BIG_ENDIAN 1
#define REFERENCE sp_hmac_sha1_reference
#define CHOOSE sp_hmac_sha1
#include "crypto/hmac/lanes_template.h"
#include "crypto/hmac/composite_template.h"

static const struct sp_hash_kernel *const kernels[] = {
    &sp_sha1_libcrypto,
#ifdef __x86_64__
    &sp_sha1_shani_1,   &sp_sha1_shani_2,   &sp_sha1_shani_4,
    &sp_sha1_avx2,      &sp_sha1_avx512_16, &sp_sha1_avx512_32,
#endif
};

const struct sp_hash sp_hash_sha1 = {
    .name = "hmac-sha1-96",
    .words = HASH_WORDS,
    .is_big_endian = true,
    .initial = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0},
    .known_answer = {0xa9993e36, 0x4706816a, 0xba3e2571, 0x7850c26c, 0x9cd0d89d},
    .kernels = kernels,
    .kernel_count = sizeof kernels / sizeof kernels[0],
    .mac = run,
};
