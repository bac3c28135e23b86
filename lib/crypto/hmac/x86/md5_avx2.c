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
#define WORDS 4

struct group {
    __m256i a, b, c, d;
    __m256i words[16];
};

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

#define FOUR_STEPS(function, k0, s0, t0, k1, s1, t1, k2, s2, t2, k3, s3, t3)                                 \
    STEP(function, a, b, c, d, k0, s0, t0)                                                                   \
    STEP(function, d, a, b, c, k1, s1, t1)                                                                   \
    STEP(function, c, d, a, b, k2, s2, t2)                                                                   \
    STEP(function, b, c, d, a, k3, s3, t3)

/* clang-format off */
ALWAYS_INLINE void all_steps(struct group *group, int groups)
{
    FOUR_STEPS(function_1, 0, 7, 0xd76aa478, 1, 12, 0xe8c7b756, 2, 17, 0x242070db, 3, 22, 0xc1bdceee)
    FOUR_STEPS(function_1, 4, 7, 0xf57c0faf, 5, 12, 0x4787c62a, 6, 17, 0xa8304613, 7, 22, 0xfd469501)
    FOUR_STEPS(function_1, 8, 7, 0x698098d8, 9, 12, 0x8b44f7af, 10, 17, 0xffff5bb1, 11, 22, 0x895cd7be)
    FOUR_STEPS(function_1, 12, 7, 0x6b901122, 13, 12, 0xfd987193, 14, 17, 0xa679438e, 15, 22, 0x49b40821)
    FOUR_STEPS(function_2, 1, 5, 0xf61e2562, 6, 9, 0xc040b340, 11, 14, 0x265e5a51, 0, 20, 0xe9b6c7aa)
    FOUR_STEPS(function_2, 5, 5, 0xd62f105d, 10, 9, 0x02441453, 15, 14, 0xd8a1e681, 4, 20, 0xe7d3fbc8)
    FOUR_STEPS(function_2, 9, 5, 0x21e1cde6, 14, 9, 0xc33707d6, 3, 14, 0xf4d50d87, 8, 20, 0x455a14ed)
    FOUR_STEPS(function_2, 13, 5, 0xa9e3e905, 2, 9, 0xfcefa3f8, 7, 14, 0x676f02d9, 12, 20, 0x8d2a4c8a)
    FOUR_STEPS(function_3, 5, 4, 0xfffa3942, 8, 11, 0x8771f681, 11, 16, 0x6d9d6122, 14, 23, 0xfde5380c)
    FOUR_STEPS(function_3, 1, 4, 0xa4beea44, 4, 11, 0x4bdecfa9, 7, 16, 0xf6bb4b60, 10, 23, 0xbebfbc70)
    FOUR_STEPS(function_3, 13, 4, 0x289b7ec6, 0, 11, 0xeaa127fa, 3, 16, 0xd4ef3085, 6, 23, 0x04881d05)
    FOUR_STEPS(function_3, 9, 4, 0xd9d4d039, 12, 11, 0xe6db99e5, 15, 16, 0x1fa27cf8, 2, 23, 0xc4ac5665)
    FOUR_STEPS(function_4, 0, 6, 0xf4292244, 7, 10, 0x432aff97, 14, 15, 0xab9423a7, 5, 21, 0xfc93a039)
    FOUR_STEPS(function_4, 12, 6, 0x655b59c3, 3, 10, 0x8f0ccc92, 10, 15, 0xffeff47d, 1, 21, 0x85845dd1)
    FOUR_STEPS(function_4, 8, 6, 0x6fa87e4f, 15, 10, 0xfe2ce6e0, 6, 15, 0xa3014314, 13, 21, 0x4e0811a1)
    FOUR_STEPS(function_4, 4, 6, 0xf7537e82, 11, 10, 0xbd3af235, 2, 15, 0x2ad7d2bb, 9, 21, 0xeb86d391)
}
/* clang-format on */

ALWAYS_INLINE void compress(int groups, sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    __m256i state[GROUPS_MAX][WORDS];
    struct group group[GROUPS_MAX];

    for (int g = 0; g < groups; g++)
        load_state(state[g], rows + LANES * g, 0);
    for (size_t block = 0; block < blocks; block++) {
        for (int g = 0; g < groups; g++) {
            load_words(group[g].words, data + LANES * g, block * SP_HASH_BLOCK_BYTES);
            group[g].a = state[g][0];
            group[g].b = state[g][1];
            group[g].c = state[g][2];
            group[g].d = state[g][3];
        }
        all_steps(group, groups);
        for (int g = 0; g < groups; g++) {
            state[g][0] = add(state[g][0], group[g].a);
            state[g][1] = add(state[g][1], group[g].b);
            state[g][2] = add(state[g][2], group[g].c);
            state[g][3] = add(state[g][3], group[g].d);
        }
    }
    for (int g = 0; g < groups; g++)
        store_state(state[g], rows + LANES * g, 0);
}

static void compress_8(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    compress(1, rows, data, blocks);
}

static void compress_16(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    compress(2, rows, data, blocks);
}

const struct sp_hash_kernel sp_md5_avx2_8 = {"avx2/8", SP_CPU_AVX2, 8, 457, 773, 2048, compress_8};
const struct sp_hash_kernel sp_md5_avx2_16 = {"avx2/16", SP_CPU_AVX2, 16, 548, 819, 3584, compress_16};
