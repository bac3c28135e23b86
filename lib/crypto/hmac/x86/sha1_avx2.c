/* SPDX-License-Identifier: ISC
 *
 * SHA-1 (FIPS 180-4 6.1.2) of eight lanes in AVX2.
 *
 * A block of eight lanes takes about 1,450 vector operations, 18 a round: three for each of three rotations
 * (AVX2 has none of its own), two to four for the round function, four additions, three xors for the message.
 * Zen 3 does four of them a cycle, and two if they are shifts; measured: 466 cycles, 58 a lane.
 *
 * Registers hold the five working words and temporaries; the sixteen message words stay in memory, where each
 * is read three times and written once.
 *
 * Constant time: no address and no branch depends on data.
 */
#include "crypto/hmac/x86/lanes_avx2.h"

#define WORDS 5

ALWAYS_INLINE __m256i add(__m256i x, __m256i y)
{
    return _mm256_add_epi32(x, y);
}

ALWAYS_INLINE __m256i choose(__m256i b, __m256i c, __m256i d)
{
    return _mm256_xor_si256(d, _mm256_and_si256(b, _mm256_xor_si256(c, d)));
}

ALWAYS_INLINE __m256i parity(__m256i b, __m256i c, __m256i d)
{
    return _mm256_xor_si256(_mm256_xor_si256(c, d), b);
}

/* (b and c) or (d and (b or c)), with the last needed operand late. */
ALWAYS_INLINE __m256i majority(__m256i b, __m256i c, __m256i d)
{
    __m256i differ = _mm256_xor_si256(c, d);

    return _mm256_xor_si256(d, _mm256_andnot_si256(_mm256_xor_si256(b, c), differ));
}

/* The message word of a round; from round 16 on made of earlier ones, in the oldest one's place. */
ALWAYS_INLINE __m256i message_word(__m256i words[16], int round)
{
    __m256i *word = &words[round & 15];

    if (round < 16)
        return *word;
    __m256i sum = _mm256_xor_si256(_mm256_xor_si256(*word, words[(round + 2) & 15]), words[(round + 8) & 15]);
    *word = rotate_left(_mm256_xor_si256(sum, words[(round + 13) & 15]), 1);
    return *word;
}

#define ROUND(function, a, b, c, d, e, round)                                                                \
    e = add(add(e, constant), message_word(words, (round)));                                                 \
    e = add(add(e, function(b, c, d)), rotate_left(a, 5));                                                   \
    b = rotate_left(b, 30);

#define FIVE_ROUNDS(function, round)                                                                         \
    ROUND(function, a, b, c, d, e, (round))                                                                  \
    ROUND(function, e, a, b, c, d, (round) + 1)                                                              \
    ROUND(function, d, e, a, b, c, (round) + 2)                                                              \
    ROUND(function, c, d, e, a, b, (round) + 3)                                                              \
    ROUND(function, b, c, d, e, a, (round) + 4)

#define TWENTY_ROUNDS(function, k, round)                                                                    \
    constant = _mm256_set1_epi32((int)(k));                                                                  \
    FIVE_ROUNDS(function, (round))                                                                           \
    FIVE_ROUNDS(function, (round) + 5)                                                                       \
    FIVE_ROUNDS(function, (round) + 10)                                                                      \
    FIVE_ROUNDS(function, (round) + 15)

ALWAYS_INLINE void compress_block(__m256i state[WORDS], __m256i words[16])
{
    __m256i a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    __m256i constant;

    TWENTY_ROUNDS(choose, 0x5a827999, 0)
    TWENTY_ROUNDS(parity, 0x6ed9eba1, 20)
    TWENTY_ROUNDS(majority, 0x8f1bbcdc, 40)
    TWENTY_ROUNDS(parity, 0xca62c1d6, 60)
    state[0] = add(state[0], a);
    state[1] = add(state[1], b);
    state[2] = add(state[2], c);
    state[3] = add(state[3], d);
    state[4] = add(state[4], e);
}

static void compress(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    __m256i state[LANES], words[16];

    load_state(&state[0], rows, 0);
    load_state(&state[4], rows, 4);
    for (size_t block = 0; block < blocks; block++) {
        load_words_big_endian(words, data, block * SP_HASH_BLOCK_BYTES);
        compress_block(state, words);
    }
    store_state(&state[0], rows, 0);
    store_state(&state[4], rows, 4);
}

const struct sp_hash_kernel sp_sha1_avx2 = {"avx2/8", SP_CPU_AVX2, LANES, 466, 532, 2048, compress, NULL};
