/* SPDX-License-Identifier: ISC
 *
 * Sixteen hashes side by side in AVX-512: a vector holds one 32-bit word of sixteen lanes.
 *
 * What comes in lies the other way round, a lane's words beside each other, and is turned as it is loaded.
 * Lanes i, i+4, i+8 and i+12 share a vector's quarters from the load on (VINSERTI32X4 from memory costs no
 * shuffle), so turning stays inside the quarters: 32 unpacks for a block, where a full 16x16 transposition
 * takes 64 shuffles, on two of the four pipes.
 *
 * Against AVX2 it has twice the lanes, rotations, any function of three words in one operation (VPTERNLOGD),
 * and 32 registers.
 */
#ifndef SP_CRYPTO_HMAC_X86_LANES_AVX512_H
#define SP_CRYPTO_HMAC_X86_LANES_AVX512_H

#include "crypto/hmac/kernels.h"

#include <immintrin.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define LANES 16

/* A struct sp_hash_kernel. stack_bytes: of gcc's frames and of clang's, the larger. */
#define KERNEL(lanes, cycles, stack_bytes, compress, finish)                                                 \
    {                                                                                                        \
        "avx512/" #lanes, SP_CPU_AVX512, lanes, cycles, cycles, stack_bytes, compress, finish                \
    }

/* Functions of three bits x, y, z as VPTERNLOGD's tables: bit 4x + 2y + z is the result. */
#define TERNARY_CHOOSE 0xca   /* x ? y : z */
#define TERNARY_MAJORITY 0xe8 /* of x, y, z */
#define TERNARY_XOR 0x96

ALWAYS_INLINE __m512i add(__m512i x, __m512i y)
{
    return _mm512_add_epi32(x, y);
}

ALWAYS_INLINE __m512i choose(__m512i x, __m512i y, __m512i z)
{
    return _mm512_ternarylogic_epi32(x, y, z, TERNARY_CHOOSE);
}

ALWAYS_INLINE __m512i majority(__m512i x, __m512i y, __m512i z)
{
    return _mm512_ternarylogic_epi32(x, y, z, TERNARY_MAJORITY);
}

ALWAYS_INLINE __m512i xor3(__m512i x, __m512i y, __m512i z)
{
    return _mm512_ternarylogic_epi32(x, y, z, TERNARY_XOR);
}

/* Four words of sixteen lanes: from a vector for lanes i, i+4, i+8 and i+12 to a vector for each word. Its
 * own inverse. */
ALWAYS_INLINE void turn(__m512i v[4])
{
    __m512i low_01 = _mm512_unpacklo_epi32(v[0], v[1]);
    __m512i low_23 = _mm512_unpacklo_epi32(v[2], v[3]);
    __m512i high_01 = _mm512_unpackhi_epi32(v[0], v[1]);
    __m512i high_23 = _mm512_unpackhi_epi32(v[2], v[3]);

    v[0] = _mm512_unpacklo_epi64(low_01, low_23);
    v[1] = _mm512_unpackhi_epi64(low_01, low_23);
    v[2] = _mm512_unpacklo_epi64(high_01, high_23);
    v[3] = _mm512_unpackhi_epi64(high_01, high_23);
}

ALWAYS_INLINE __m128i load_quarter(const void *bytes)
{
    return _mm_loadu_si128((const __m128i *)bytes);
}

ALWAYS_INLINE __m512i load_quarters(const void *first, const void *second, const void *third,
                                    const void *fourth)
{
    __m256i low =
        _mm256_inserti128_si256(_mm256_castsi128_si256(load_quarter(first)), load_quarter(second), 1);
    __m256i high =
        _mm256_inserti128_si256(_mm256_castsi128_si256(load_quarter(third)), load_quarter(fourth), 1);

    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* The block that starts offset bytes into each lane's data, as 16 words in memory order. */
ALWAYS_INLINE void load_words(__m512i words[16], const uint8_t *const *data, size_t offset)
{
    for (int four = 0; four < 4; four++) {
        size_t at = offset + 16 * (size_t)four;
        for (int lane = 0; lane < 4; lane++)
            words[4 * four + lane] = load_quarters(data[lane] + at, data[lane + 4] + at, data[lane + 8] + at,
                                                   data[lane + 12] + at);
        turn(&words[4 * four]);
    }
}

ALWAYS_INLINE void load_words_big_endian(__m512i words[16], const uint8_t *const *data, size_t offset)
{
    const __m512i big_endian =
        _mm512_broadcast_i32x4(_mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));

    load_words(words, data, offset);
    for (int i = 0; i < 16; i++)
        words[i] = _mm512_shuffle_epi8(words[i], big_endian);
}

/* Four words of the rows' chaining values, from word first on. */
ALWAYS_INLINE void load_state(__m512i state[4], sp_hash_row *rows, int first)
{
    for (int lane = 0; lane < 4; lane++)
        state[lane] = load_quarters(&rows[lane][first], &rows[lane + 4][first], &rows[lane + 8][first],
                                    &rows[lane + 12][first]);
    turn(state);
}

ALWAYS_INLINE void store_quarter(uint32_t *row, __m128i words)
{
    _mm_store_si128((__m128i *)(void *)row, words);
}

ALWAYS_INLINE void store_state(__m512i state[4], sp_hash_row *rows, int first)
{
    turn(state);
    for (int lane = 0; lane < 4; lane++) {
        store_quarter(&rows[lane][first], _mm512_castsi512_si128(state[lane]));
        store_quarter(&rows[lane + 4][first], _mm512_extracti32x4_epi32(state[lane], 1));
        store_quarter(&rows[lane + 8][first], _mm512_extracti32x4_epi32(state[lane], 2));
        store_quarter(&rows[lane + 12][first], _mm512_extracti32x4_epi32(state[lane], 3));
    }
}

#endif
