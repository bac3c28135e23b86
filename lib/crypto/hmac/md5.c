/* SPDX-License-Identifier: ISC
 *
 * HMAC-MD5-96 (RFC 2403) on every MD5 kernel there is. The known answer's words are those of RFC 1321's
 * "abc", 900150983cd24fb0d6963f7d28e17f72, read as little-endian.
 */
#define HASH sp_hash_md5
#define HASH_WORDS 4
#define HASH_IS_BIG_ENDIAN 0
#define REFERENCE sp_hmac_md5_reference
#define CHOOSE sp_hmac_md5
#include "crypto/hmac/lanes_template.h"
#include "crypto/hmac/composite_template.h"

static const struct sp_hash_kernel *const kernels[] = {
    &sp_md5_libcrypto,
#ifdef __x86_64__
    &sp_md5_avx2_8,    &sp_md5_avx2_16, &sp_md5_avx512_16, &sp_md5_avx512_32, &sp_md5_avx512_64,
#endif
};

const struct sp_hash sp_hash_md5 = {
    .name = "hmac-md5-96",
    .words = HASH_WORDS,
    .initial = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476},
    .known_answer = {0x98500190, 0xb04fd23c, 0x7d3f96d6, 0x727fe128},
    .kernels = kernels,
    .kernel_count = sizeof kernels / sizeof kernels[0],
    .mac = run,
};
