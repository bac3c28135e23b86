/* SPDX-License-Identifier: ISC
 *
 * SHA-256 (FIPS 180-4 6.2.2) of sixteen lanes in AVX-512, and of two times sixteen.
 *
 * A block of sixteen lanes takes about 1,700 vector operations, 26 a round: six rotations of a round and six
 * of a message word do without the shifts that AVX2 makes them of, and VPTERNLOGD joins three of them at
 * once. Measured on Zen 5, cycles a block: 740 for sixteen lanes, 1,160 for 32, which is 36 a lane; the SHA
 * extensions take 69 with four streams.
 *
 * Sixteen rounds are written out and done four times, so that the places of the message words are constants.
 *
 * Constant time: no address and no branch depends on data.
 */
#include "crypto/hmac/x86/lanes_avx512.h"
#include "crypto/hmac/x86/sha2_256_rounds.h"

#define GROUPS_MAX 2
#define WORDS 8

struct group {
    __m512i a, b, c, d, e, f, g, h;
    __m512i words[16];
};

ALWAYS_INLINE __m512i big_sigma_0(__m512i a)
{
    return xor3(_mm512_ror_epi32(a, 2), _mm512_ror_epi32(a, 13), _mm512_ror_epi32(a, 22));
}

ALWAYS_INLINE __m512i big_sigma_1(__m512i e)
{
    return xor3(_mm512_ror_epi32(e, 6), _mm512_ror_epi32(e, 11), _mm512_ror_epi32(e, 25));
}

ALWAYS_INLINE __m512i small_sigma_0(__m512i word)
{
    return xor3(_mm512_ror_epi32(word, 7), _mm512_ror_epi32(word, 18), _mm512_srli_epi32(word, 3));
}

ALWAYS_INLINE __m512i small_sigma_1(__m512i word)
{
    return xor3(_mm512_ror_epi32(word, 17), _mm512_ror_epi32(word, 19), _mm512_srli_epi32(word, 10));
}

/* Replaces the word of sixteen rounds ago. */
ALWAYS_INLINE void next_word(__m512i words[16], int round)
{
    __m512i sum = add(words[round], words[(round + 9) & 15]);

    sum = add(sum, small_sigma_0(words[(round + 1) & 15]));
    words[round] = add(sum, small_sigma_1(words[(round + 14) & 15]));
}

#define ROUND(a, b, c, d, e, f, g, h, round)                                                                 \
    for (int i = 0; i < groups; i++) {                                                                       \
        struct group *now = &group[i];                                                                       \
        if (sixteen > 0)                                                                                     \
            next_word(now->words, (round));                                                                  \
        now->h = add(now->h, add(now->words[(round)], _mm512_set1_epi32((int)constants[(round)])));          \
        now->h = add(now->h, add(choose(now->e, now->f, now->g), big_sigma_1(now->e)));                      \
        now->d = add(now->d, now->h);                                                                        \
        now->h = add(now->h, add(majority(now->a, now->b, now->c), big_sigma_0(now->a)));                    \
    }

/* sixteen counts groups of sixteen rounds; the first finds its words ready. */
ALWAYS_INLINE void sixteen_rounds(struct group *group, int groups, int sixteen)
{
    const uint32_t *constants = &round_constants[16 * sixteen];

    EIGHT_ROUNDS(0)
    EIGHT_ROUNDS(8)
}

ALWAYS_INLINE void compress(int groups, sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    __m512i state[GROUPS_MAX][WORDS];
    struct group group[GROUPS_MAX];

    for (int g = 0; g < groups; g++) {
        load_state(&state[g][0], rows + LANES * g, 0);
        load_state(&state[g][4], rows + LANES * g, 4);
    }
    for (size_t block = 0; block < blocks; block++) {
        for (int g = 0; g < groups; g++) {
            struct group *now = &group[g];
            load_words_big_endian(now->words, data + LANES * g, block * SP_HASH_BLOCK_BYTES);
            now->a = state[g][0];
            now->b = state[g][1];
            now->c = state[g][2];
            now->d = state[g][3];
            now->e = state[g][4];
            now->f = state[g][5];
            now->g = state[g][6];
            now->h = state[g][7];
        }
        sixteen_rounds(group, groups, 0);
        for (int sixteen = 1; sixteen < 4; sixteen++)
            sixteen_rounds(group, groups, sixteen);
        for (int g = 0; g < groups; g++) {
            const struct group *now = &group[g];
            state[g][0] = add(state[g][0], now->a);
            state[g][1] = add(state[g][1], now->b);
            state[g][2] = add(state[g][2], now->c);
            state[g][3] = add(state[g][3], now->d);
            state[g][4] = add(state[g][4], now->e);
            state[g][5] = add(state[g][5], now->f);
            state[g][6] = add(state[g][6], now->g);
            state[g][7] = add(state[g][7], now->h);
        }
    }
    for (int g = 0; g < groups; g++) {
        store_state(&state[g][0], rows + LANES * g, 0);
        store_state(&state[g][4], rows + LANES * g, 4);
    }
}

static void compress_16(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    compress(1, rows, data, blocks);
}

static void compress_32(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    compress(2, rows, data, blocks);
}

const struct sp_hash_kernel sp_sha2_256_avx512_16 = KERNEL(16, 740, 5888, compress_16, NULL);
const struct sp_hash_kernel sp_sha2_256_avx512_32 = KERNEL(32, 1160, 10496, compress_32, NULL);
