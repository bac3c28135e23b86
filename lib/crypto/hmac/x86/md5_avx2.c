/* SPDX-License-Identifier: ISC
 *
 * MD5 (RFC 1321) of eight lanes in AVX2, and of two times eight.
 *
 * A step takes 10 vector operations, of which six wait for the step before: eight lanes use less than half of
 * what a core can do. Two groups of eight, interleaved, fill the other half. Measured on Zen 3, cycles a
 * block: 457 for eight lanes, 548 for sixteen. No processor has instructions for MD5; it is here for legacy
 * peers.
 *
 * Constant time: no address and no branch depends on data.
 */
#include "crypto/hmac/x86/lanes_avx2.h"

#define GROUPS_MAX 2

typedef __m256i vector;

ALWAYS_INLINE __m256i add(__m256i x, __m256i y)
{
    return _mm256_add_epi32(x, y);
}

/* The four round functions (RFC 1321 3.4), each written so that b, which is the last to be known, comes last.
 */
ALWAYS_INLINE __m256i function_1(__m256i b, __m256i c, __m256i d)
{
    return _mm256_xor_si256(d, _mm256_and_si256(b, _mm256_xor_si256(c, d)));
}

ALWAYS_INLINE __m256i function_2(__m256i b, __m256i c, __m256i d)
{
    return _mm256_or_si256(_mm256_and_si256(d, b), _mm256_andnot_si256(d, c));
}

ALWAYS_INLINE __m256i function_3(__m256i b, __m256i c, __m256i d)
{
    return _mm256_xor_si256(_mm256_xor_si256(c, d), b);
}

ALWAYS_INLINE __m256i function_4(__m256i b, __m256i c, __m256i d)
{
    __m256i not_d = _mm256_xor_si256(d, _mm256_set1_epi32(-1));

    return _mm256_xor_si256(c, _mm256_or_si256(b, not_d));
}

#define STEP(function, a, b, c, d, k, bits, sine)                                                            \
    for (int g = 0; g < groups; g++) {                                                                       \
        struct group *now = &group[g];                                                                       \
        __m256i sum = add(add(now->a, now->words[k]), _mm256_set1_epi32((int)(sine)));                       \
        sum = add(sum, function(now->b, now->c, now->d));                                                    \
        now->a = add(rotate_left(sum, bits), now->b);                                                        \
    }

#include "crypto/hmac/x86/md5_steps.h"

static void compress_8(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    compress(1, rows, data, blocks);
}

static void compress_16(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    compress(2, rows, data, blocks);
}

const struct sp_hash_kernel sp_md5_avx2_8 = {"avx2/8", SP_CPU_AVX2, 8, 457, 773, 2048, compress_8, NULL};
const struct sp_hash_kernel sp_md5_avx2_16 = {"avx2/16", SP_CPU_AVX2, 16, 548, 819, 3584, compress_16, NULL};
