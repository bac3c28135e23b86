/* SPDX-License-Identifier: ISC
 *
 * SHA-1 (FIPS 180-4 6.1.2) with the SHA extensions, for one, two and four streams.
 *
 * SHA1RNDS4 does four rounds, but its result is only there four to six cycles later and the next one needs
 * it: a single stream leaves the unit idle most of the time. Other streams fill the gaps; they have nothing
 * to do with each other except that they are as long.
 *
 * A block takes 20 each of SHA1RNDS4 and SHA1NEXTE, 16 each of SHA1MSG1, PXOR and SHA1MSG2. Measured on Zen
 * 3, cycles a block and stream: 124 alone, which is SHA1RNDS4's latency, 69 by two, 52 by four. Four streams
 * want 24 registers and there are 16, so a part of the messages lives on the stack.
 *
 * Constant time: no address and no branch depends on data; the instructions' timing doesn't either.
 *
 * In words w0 to w3 the hash counts from the lowest address, SHA1RNDS4 from the highest element: hence the
 * reversals on loading and storing.
 */
#include "crypto/hmac/kernels.h"

#include <immintrin.h>

#define STREAMS_MAX 4

#define ALWAYS_INLINE static inline __attribute__((always_inline))

struct stream {
    __m128i abcd, e; /* e in the highest element */
    __m128i message[4];
};

ALWAYS_INLINE __m128i reversed_words(__m128i words)
{
    return _mm_shuffle_epi32(words, 0x1b);
}

ALWAYS_INLINE void load_block(struct stream *stream, const uint8_t *data)
{
    const __m128i reverse_bytes = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

    for (int i = 0; i < 4; i++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i));
        stream->message[i] = _mm_shuffle_epi8(bytes, reverse_bytes);
    }
}

/* The four message words after next, where the oldest four were. */
ALWAYS_INLINE void next_words(__m128i message[4], int group)
{
    __m128i *oldest = &message[(group + 1) & 3];
    __m128i sum = _mm_sha1msg1_epu32(*oldest, message[(group + 2) & 3]);

    sum = _mm_xor_si128(sum, message[(group + 3) & 3]);
    *oldest = _mm_sha1msg2_epu32(sum, message[group & 3]);
}

/* Four rounds of every stream. A macro, since SHA1RNDS4 takes the round function as an immediate. */
#define GROUP(group)                                                                                         \
    for (int s = 0; s < streams; s++) {                                                                      \
        struct stream *now = &stream[s];                                                                     \
        __m128i words = now->message[(group)&3];                                                             \
        __m128i e_words = (group) == 0 ? _mm_add_epi32(now->e, words) : _mm_sha1nexte_epu32(now->e, words);  \
        now->e = now->abcd;                                                                                  \
        now->abcd = _mm_sha1rnds4_epu32(now->abcd, e_words, (group) / 5);                                    \
        if ((group) >= 3 && (group) < 19)                                                                    \
            next_words(now->message, (group));                                                               \
    }

#define FIVE_GROUPS(first)                                                                                   \
    GROUP((first))                                                                                           \
    GROUP((first) + 1)                                                                                       \
    GROUP((first) + 2)                                                                                       \
    GROUP((first) + 3)                                                                                       \
    GROUP((first) + 4)

ALWAYS_INLINE void compress(int streams, sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    struct stream stream[STREAMS_MAX];
    __m128i abcd[STREAMS_MAX], e[STREAMS_MAX];

    for (int s = 0; s < streams; s++) {
        stream[s].abcd = reversed_words(_mm_load_si128((const __m128i *)(const void *)&rows[s][0]));
        stream[s].e = _mm_set_epi32((int)rows[s][4], 0, 0, 0);
    }
    for (size_t block = 0; block < blocks; block++) {
        for (int s = 0; s < streams; s++) {
            load_block(&stream[s], data[s] + block * SP_HASH_BLOCK_BYTES);
            abcd[s] = stream[s].abcd;
            e[s] = stream[s].e;
        }
        FIVE_GROUPS(0)
        FIVE_GROUPS(5)
        FIVE_GROUPS(10)
        FIVE_GROUPS(15)
        for (int s = 0; s < streams; s++) {
            stream[s].abcd = _mm_add_epi32(stream[s].abcd, abcd[s]);
            stream[s].e = _mm_sha1nexte_epu32(stream[s].e, e[s]);
        }
    }
    for (int s = 0; s < streams; s++) {
        _mm_store_si128((__m128i *)(void *)&rows[s][0], reversed_words(stream[s].abcd));
        rows[s][4] = (uint32_t)_mm_extract_epi32(stream[s].e, 3);
    }
}

static void compress_1(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    compress(1, rows, data, blocks);
}

static void compress_2(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    compress(2, rows, data, blocks);
}

static void compress_4(sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    compress(4, rows, data, blocks);
}

#define FEATURES (SP_CPU_SHA_NI | SP_CPU_SSSE3 | SP_CPU_SSE41)

const struct sp_hash_kernel sp_sha1_shani_1 = {"sha-ni/1", FEATURES, 1, 124, 124, 256, compress_1, NULL};
const struct sp_hash_kernel sp_sha1_shani_2 = {"sha-ni/2", FEATURES, 2, 138, 137, 384, compress_2, NULL};
const struct sp_hash_kernel sp_sha1_shani_4 = {"sha-ni/4", FEATURES, 4, 208, 186, 768, compress_4, NULL};
