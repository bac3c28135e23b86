/* SPDX-License-Identifier: ISC
 *
 * MD5 (RFC 1321) of sixteen lanes in AVX-512, of two and of four times sixteen.
 *
 * A step takes seven vector operations, of which four wait for the step before: sixteen lanes leave most of
 * the pipes idle, and so do 32. Measured on Zen 5, cycles a block: 549 for sixteen lanes, 644 for 32, 853 for
 * 64, whose message words are read from memory where they are used. No processor has instructions for MD5; it
 * is here for legacy peers.
 *
 * Constant time: no address and no branch depends on data.
 */
#include "crypto/hmac/x86/lanes_avx512.h"

#define GROUPS_MAX 4
#define TERNARY_FUNCTION_4 0x39 /* y xor (x or not z) */

typedef __m512i vector;

/* The four round functions (RFC 1321 3.4). */
ALWAYS_INLINE __m512i function_1(__m512i b, __m512i c, __m512i d)
{
    return choose(b, c, d);
}

ALWAYS_INLINE __m512i function_2(__m512i b, __m512i c, __m512i d)
{
    return choose(d, b, c);
}

ALWAYS_INLINE __m512i function_3(__m512i b, __m512i c, __m512i d)
{
    return xor3(b, c, d);
}

ALWAYS_INLINE __m512i function_4(__m512i b, __m512i c, __m512i d)
{
    return _mm512_ternarylogic_epi32(b, c, d, TERNARY_FUNCTION_4);
}

#define STEP(function, a, b, c, d, k, bits, sine)                                                            \
    for (int g = 0; g < groups; g++) {                                                                       \
        struct group *now = &group[g];                                                                       \
        __m512i sum = add(add(_mm512_set1_epi32((int)(sine)), now->words[k]), now->a);                       \
        sum = add(sum, function(now->b, now->c, now->d));                                                    \
        now->a = add(_mm512_rol_epi32(sum, bits), now->b);                                                   \
    }

#include "crypto/hmac/x86/md5_steps.h"

static void compress_16(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    compress(1, rows, data, blocks);
}

static void compress_32(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    compress(2, rows, data, blocks);
}

static void compress_64(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    compress(4, rows, data, blocks);
}

const struct sp_hash_kernel sp_md5_avx512_16 = KERNEL(16, 549, 10368, compress_16, NULL);
const struct sp_hash_kernel sp_md5_avx512_32 = KERNEL(32, 644, 12288, compress_32, NULL);
const struct sp_hash_kernel sp_md5_avx512_64 = KERNEL(64, 853, 9856, compress_64, NULL);
