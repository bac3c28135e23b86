/* SPDX-License-Identifier: ISC
 *
 * SHA-256 (FIPS 180-4 6.2.2) with the SHA extensions, for one, two and four streams.
 *
 * SHA256RNDS2 does two rounds and takes four cycles of latency, of which one stream can use only a part:
 * streams that have nothing to do with each other fill the gaps.
 *
 * A block takes 32 SHA256RNDS2, 12 each of SHA256MSG1, SHA256MSG2 and PALIGNR, 30 PADDD and 16 PSHUFD.
 * Measured on Zen 3, cycles a block and stream: 130 alone, 68 by two, 62 by four: two are nearly as fast as
 * SHA256RNDS2 goes.
 *
 * Constant time: no address and no branch depends on data; the instructions' timing doesn't either.
 *
 * The instructions want the state as A B E F and C D G H, highest element first.
 */
#include "crypto/hmac/kernels.h"
#include "crypto/hmac/x86/sha2_256_rounds.h"

#include <immintrin.h>

#define STREAMS_MAX 4

#define ALWAYS_INLINE static inline __attribute__((always_inline))

struct stream {
    __m128i abef, cdgh;
    __m128i message[4];
};

ALWAYS_INLINE void load_state(struct stream *stream, const uint32_t *row)
{
    __m128i dcba = _mm_load_si128((const __m128i *)(const void *)row);
    __m128i hgfe = _mm_load_si128((const __m128i *)(const void *)(row + 4));
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1);
    __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1b);

    stream->abef = _mm_alignr_epi8(cdab, efgh, 8);
    stream->cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
}

ALWAYS_INLINE void store_state(const struct stream *stream, uint32_t *row)
{
    __m128i feba = _mm_shuffle_epi32(stream->abef, 0x1b);
    __m128i dchg = _mm_shuffle_epi32(stream->cdgh, 0xb1);

    _mm_store_si128((__m128i *)(void *)row, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_store_si128((__m128i *)(void *)(row + 4), _mm_alignr_epi8(dchg, feba, 8));
}

ALWAYS_INLINE void load_block(struct stream *stream, const uint8_t *data)
{
    const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);

    for (int i = 0; i < 4; i++) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i));
        stream->message[i] = _mm_shuffle_epi8(bytes, big_endian);
    }
}

/* The four message words after next, where the oldest four were. */
ALWAYS_INLINE void next_words(__m128i message[4], int group)
{
    __m128i *oldest = &message[(group + 1) & 3];
    __m128i sum = _mm_sha256msg1_epu32(*oldest, message[(group + 2) & 3]);
    __m128i seven_back = _mm_alignr_epi8(message[group & 3], message[(group + 3) & 3], 4);

    *oldest = _mm_sha256msg2_epu32(_mm_add_epi32(sum, seven_back), message[group & 3]);
}

/* Four rounds of every stream. */
ALWAYS_INLINE void four_rounds(struct stream *stream, int streams, int group)
{
    __m128i constants = _mm_load_si128((const __m128i *)(const void *)&round_constants[4 * group]);

    for (int s = 0; s < streams; s++) {
        struct stream *now = &stream[s];
        __m128i words = _mm_add_epi32(now->message[group & 3], constants);
        now->cdgh = _mm_sha256rnds2_epu32(now->cdgh, now->abef, words);
        now->abef = _mm_sha256rnds2_epu32(now->abef, now->cdgh, _mm_shuffle_epi32(words, 0x0e));
        if (group >= 3 && group < 15)
            next_words(now->message, group);
    }
}

ALWAYS_INLINE void all_rounds(struct stream *stream, int streams)
{
    four_rounds(stream, streams, 0);
    four_rounds(stream, streams, 1);
    four_rounds(stream, streams, 2);
    four_rounds(stream, streams, 3);
    four_rounds(stream, streams, 4);
    four_rounds(stream, streams, 5);
    four_rounds(stream, streams, 6);
    four_rounds(stream, streams, 7);
    four_rounds(stream, streams, 8);
    four_rounds(stream, streams, 9);
    four_rounds(stream, streams, 10);
    four_rounds(stream, streams, 11);
    four_rounds(stream, streams, 12);
    four_rounds(stream, streams, 13);
    four_rounds(stream, streams, 14);
    four_rounds(stream, streams, 15);
}

ALWAYS_INLINE void compress(int streams, sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    struct stream stream[STREAMS_MAX];
    __m128i abef[STREAMS_MAX], cdgh[STREAMS_MAX];

    for (int s = 0; s < streams; s++)
        load_state(&stream[s], rows[s]);
    for (size_t block = 0; block < blocks; block++) {
        for (int s = 0; s < streams; s++) {
            load_block(&stream[s], data[s] + block * SP_HASH_BLOCK_BYTES);
            abef[s] = stream[s].abef;
            cdgh[s] = stream[s].cdgh;
        }
        all_rounds(stream, streams);
        for (int s = 0; s < streams; s++) {
            stream[s].abef = _mm_add_epi32(stream[s].abef, abef[s]);
            stream[s].cdgh = _mm_add_epi32(stream[s].cdgh, cdgh[s]);
        }
    }
    for (int s = 0; s < streams; s++)
        store_state(&stream[s], rows[s]);
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

const struct sp_hash_kernel sp_sha2_256_shani_1 = {"sha-ni/1", FEATURES, 1, 130, 131, 384, compress_1, NULL};
const struct sp_hash_kernel sp_sha2_256_shani_2 = {"sha-ni/2", FEATURES, 2, 136, 155, 384, compress_2, NULL};
const struct sp_hash_kernel sp_sha2_256_shani_4 = {"sha-ni/4", FEATURES, 4, 246, 276, 768, compress_4, NULL};
