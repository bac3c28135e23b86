/* SPDX-License-Identifier: ISC
 *
 * SHA-1 (FIPS 180-4 6.1.2) of sixteen lanes in AVX-512, and of two times sixteen.
 *
 * A block of sixteen lanes takes 752 vector operations for its rounds (seven each: two rotations, the round
 * function, four additions; and for the message from round 16 on three more) and 96 for turning its words.
 * Each round waits for a rotation and two additions of the one before, so sixteen lanes leave a third of the
 * pipes idle, which a second group of sixteen fills. Measured on Zen 5, cycles a block: 344 for sixteen
 * lanes, 592 for 32, which is 0.29 a byte. A third group is worse: registers and caches run out.
 *
 * Constant time: no address and no branch depends on data.
 */
#include "crypto/hmac/x86/lanes_avx512.h"

#define GROUPS_MAX 2
#define WORDS 5

struct group {
    __m512i a, b, c, d, e;
    __m512i words[16];
};

/* The message word of a round; from round 16 on made of earlier ones, in the oldest one's place. */
ALWAYS_INLINE __m512i message_word(__m512i words[16], int round)
{
    __m512i *word = &words[round & 15];

    if (round < 16)
        return *word;
    __m512i sum = xor3(*word, words[(round + 2) & 15], words[(round + 8) & 15]);
    *word = _mm512_rol_epi32(_mm512_xor_si512(sum, words[(round + 13) & 15]), 1);
    return *word;
}

#define ROUND(function, a, b, c, d, e, round)                                                                \
    for (int g = 0; g < groups; g++) {                                                                       \
        struct group *now = &group[g];                                                                       \
        now->e = add(now->e, add(constant, message_word(now->words, (round))));                              \
        now->e = add(now->e, function(now->b, now->c, now->d));                                              \
        now->e = add(now->e, _mm512_rol_epi32(now->a, 5));                                                   \
        now->b = _mm512_rol_epi32(now->b, 30);                                                               \
    }

#define FIVE_ROUNDS(function, round)                                                                         \
    ROUND(function, a, b, c, d, e, (round))                                                                  \
    ROUND(function, e, a, b, c, d, (round) + 1)                                                              \
    ROUND(function, d, e, a, b, c, (round) + 2)                                                              \
    ROUND(function, c, d, e, a, b, (round) + 3)                                                              \
    ROUND(function, b, c, d, e, a, (round) + 4)

#define TWENTY_ROUNDS(function, k, round)                                                                    \
    constant = _mm512_set1_epi32((int)(k));                                                                  \
    FIVE_ROUNDS(function, (round))                                                                           \
    FIVE_ROUNDS(function, (round) + 5)                                                                       \
    FIVE_ROUNDS(function, (round) + 10)                                                                      \
    FIVE_ROUNDS(function, (round) + 15)

ALWAYS_INLINE void all_rounds(struct group *group, int groups)
{
    __m512i constant;

    TWENTY_ROUNDS(choose, 0x5a827999, 0)
    TWENTY_ROUNDS(xor3, 0x6ed9eba1, 20)
    TWENTY_ROUNDS(majority, 0x8f1bbcdc, 40)
    TWENTY_ROUNDS(xor3, 0xca62c1d6, 60)
}

/* The block of HMAC's outer hash: a digest of five words, the end mark, and the length with the key's block.
 */
ALWAYS_INLINE void set_outer_words(__m512i words[16], const __m512i digest[WORDS])
{
    for (int i = 0; i < WORDS; i++)
        words[i] = digest[i];
    words[WORDS] = _mm512_set1_epi32((int)0x80000000);
    for (int i = WORDS + 1; i < 15; i++)
        words[i] = _mm512_setzero_si512();
    words[15] = _mm512_set1_epi32((SP_HASH_BLOCK_BYTES + WORDS * 4) * 8);
}

/* Chaining values of which a lane has no more than the five words. */
ALWAYS_INLINE void load_outer(__m512i state[8], const uint32_t *const *outer)
{
    __m512i last[4];

    for (int lane = 0; lane < 4; lane++) {
        state[lane] = load_quarters(outer[lane], outer[lane + 4], outer[lane + 8], outer[lane + 12]);
        last[lane] =
            load_quarters(outer[lane] + 1, outer[lane + 4] + 1, outer[lane + 8] + 1, outer[lane + 12] + 1);
    }
    turn(state);
    turn(last);
    state[4] = last[3];
}

ALWAYS_INLINE void start_rounds(struct group *group, const __m512i state[8])
{
    group->a = state[0];
    group->b = state[1];
    group->c = state[2];
    group->d = state[3];
    group->e = state[4];
}

ALWAYS_INLINE void end_rounds(const struct group *group, __m512i state[8])
{
    state[0] = add(state[0], group->a);
    state[1] = add(state[1], group->b);
    state[2] = add(state[2], group->c);
    state[3] = add(state[3], group->d);
    state[4] = add(state[4], group->e);
}

/* outer: NULL, or go on with the outer hash. */
ALWAYS_INLINE void compress(int groups, sp_hash_row *rows, const uint8_t *const *data, size_t blocks,
                            const uint32_t *const *outer)
{
    __m512i state[GROUPS_MAX][8];
    struct group group[GROUPS_MAX];

    for (int g = 0; g < groups; g++) {
        load_state(&state[g][0], rows + LANES * g, 0);
        load_state(&state[g][4], rows + LANES * g, 4);
    }
    for (size_t block = 0; block < blocks + (outer != NULL); block++) {
        bool is_outer = outer != NULL && block == blocks;
        if (outer != NULL) /* or the compiler writes all rounds twice, more than its caches hold */
            __asm__("" : "+r"(is_outer));
        for (int g = 0; g < groups; g++) {
            if (is_outer) {
                set_outer_words(group[g].words, state[g]);
                load_outer(state[g], outer + LANES * g);
            } else {
                load_words_big_endian(group[g].words, data + LANES * g, block * SP_HASH_BLOCK_BYTES);
            }
            start_rounds(&group[g], state[g]);
        }
        all_rounds(group, groups);
        for (int g = 0; g < groups; g++)
            end_rounds(&group[g], state[g]);
    }
    for (int g = 0; g < groups; g++) {
        store_state(&state[g][0], rows + LANES * g, 0);
        store_state(&state[g][4], rows + LANES * g, 4);
    }
}

static void compress_16(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    compress(1, rows, data, blocks, NULL);
}

static void finish_16(sp_hash_row *rows, const uint8_t *const *data, size_t blocks,
                      const uint32_t *const *outer)
{
    compress(1, rows, data, blocks, outer);
}

static void compress_32(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    compress(2, rows, data, blocks, NULL);
}

static void finish_32(sp_hash_row *rows, const uint8_t *const *data, size_t blocks,
                      const uint32_t *const *outer)
{
    compress(2, rows, data, blocks, outer);
}

const struct sp_hash_kernel sp_sha1_avx512_16 = KERNEL(16, 344, 4352, compress_16, finish_16);
const struct sp_hash_kernel sp_sha1_avx512_32 = KERNEL(32, 592, 6400, compress_32, finish_32);
