/* SPDX-License-Identifier: ISC
 *
 * Eight hashes side by side in AVX2: a vector holds one 32-bit word of eight lanes.
 *
 * What comes in lies the other way round, a lane's words beside each other, and is turned as it is loaded.
 * Lanes i and i+4 share a vector's halves from the load on (VINSERTI128 from memory costs no shuffle), so
 * turning stays inside the halves: 8 unpacks for four words, 32 for a block, against 48 for a full 8x8
 * transposition.
 */
#ifndef SP_CRYPTO_HMAC_X86_LANES_AVX2_H
#define SP_CRYPTO_HMAC_X86_LANES_AVX2_H

#include "crypto/hmac/kernels.h"

#include <immintrin.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define LANES 8

/* Four words of eight lanes: from a vector for lanes i and i+4 to a vector for each word. Its own inverse. */
ALWAYS_INLINE void turn(__m256i v[4])
{
    __m256i low_01 = _mm256_unpacklo_epi32(v[0], v[1]);
    __m256i low_23 = _mm256_unpacklo_epi32(v[2], v[3]);
    __m256i high_01 = _mm256_unpackhi_epi32(v[0], v[1]);
    __m256i high_23 = _mm256_unpackhi_epi32(v[2], v[3]);

    v[0] = _mm256_unpacklo_epi64(low_01, low_23);
    v[1] = _mm256_unpackhi_epi64(low_01, low_23);
    v[2] = _mm256_unpacklo_epi64(high_01, high_23);
    v[3] = _mm256_unpackhi_epi64(high_01, high_23);
}

ALWAYS_INLINE __m256i load_halves(const void *low, const void *high)
{
    __m256i halves = _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)low));

    return _mm256_inserti128_si256(halves, _mm_loadu_si128((const __m128i *)high), 1);
}

/* The block that starts offset bytes into each lane's data, as 16 words in memory order. */
ALWAYS_INLINE void load_words(__m256i words[16], const uint8_t *const *data, size_t offset)
{
    for (int four = 0; four < 4; four++) {
        for (int lane = 0; lane < 4; lane++)
            words[4 * four + lane] =
                load_halves(data[lane] + offset + 16 * four, data[lane + 4] + offset + 16 * four);
        turn(&words[4 * four]);
    }
}

ALWAYS_INLINE void load_words_big_endian(__m256i words[16], const uint8_t *const *data, size_t offset)
{
    const __m256i big_endian = _mm256_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13,
                                               14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);

    load_words(words, data, offset);
    for (int i = 0; i < 16; i++)
        words[i] = _mm256_shuffle_epi8(words[i], big_endian);
}

/* Four words of the rows' chaining values, from word first on. */
ALWAYS_INLINE void load_state(__m256i state[4], sp_hash_row *rows, int first)
{
    for (int lane = 0; lane < 4; lane++)
        state[lane] = load_halves(&rows[lane][first], &rows[lane + 4][first]);
    turn(state);
}

ALWAYS_INLINE void store_state(__m256i state[4], sp_hash_row *rows, int first)
{
    turn(state);
    for (int lane = 0; lane < 4; lane++) {
        _mm_store_si128((__m128i *)(void *)&rows[lane][first], _mm256_castsi256_si128(state[lane]));
        _mm_store_si128((__m128i *)(void *)&rows[lane + 4][first], _mm256_extracti128_si256(state[lane], 1));
    }
}

/* AVX2 has no rotation. */
ALWAYS_INLINE __m256i rotate_left(__m256i x, int bits)
{
    return _mm256_or_si256(_mm256_slli_epi32(x, bits), _mm256_srli_epi32(x, 32 - bits));
}

#endif
