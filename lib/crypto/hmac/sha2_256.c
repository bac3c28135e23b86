/* SPDX-License-Identifier: ISC
 *
 * HMAC-SHA2-256-128 (RFC 4868) on every SHA-256 kernel there is.
 */
#define HASH sp_hash_sha2_256
#define HASH_WORDS 8
#define HASH_IS_BIG_ENDIAN 1
#define REFERENCE sp_hmac_sha2_256_reference
#define CHOOSE sp_hmac_sha2_256
#include "crypto/hmac/lanes_template.h"
#include "crypto/hmac/composite_template.h"

static const struct sp_hash_kernel *const kernels[] = {
    &sp_sha2_256_libcrypto,
#ifdef __x86_64__
    &sp_sha2_256_shani_1,   &sp_sha2_256_shani_2,   &sp_sha2_256_shani_4,
    &sp_sha2_256_avx2,      &sp_sha2_256_avx512_16, &sp_sha2_256_avx512_32,
#endif
};

const struct sp_hash sp_hash_sha2_256 = {
    .name = "hmac-sha2-256-128",
    .words = HASH_WORDS,
    .is_big_endian = true,
    .initial = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
                0x5be0cd19},
    .known_answer = {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223, 0xb00361a3, 0x96177a9c, 0xb410ff61,
                     0xf20015ad},
    .kernels = kernels,
    .kernel_count = sizeof kernels / sizeof kernels[0],
    .mac = run,
};
