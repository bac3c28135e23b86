/* SPDX-License-Identifier: ISC
 *
 * Aggregated bit vectors, for tables of dozens to thousands of boxes.
 *
 * Each dimension alone says which boxes hold the packet's value, as a row of bits, one a box in their order;
 * the first bit that all five rows have set is the answer (Lakshman and Stiliadis, "High-speed Policy-based
 * Packet Forwarding Using Efficient Multi-dimensional Range Matching", SIGCOMM 1998). Values that are held by
 * the same boxes share a row. Above a thousand boxes rows are sparse: then a row is a word that says which of
 * its chunks have a bit at all, and those chunks packed behind each other, and only chunks that all five have
 * are read (the aggregation of Baboescu and Varghese, "Scalable Packet Classification", SIGCOMM 2001).
 *
 * Why: it takes any range, on both ends of all dimensions, and the work hardly depends on what the rules look
 * like. Costs: a row is as long as the table, and there are as many rows as distinct values, so building and
 * what a lookup reads grow with the square: 1 KB a box and 4 ms at 1,000, but 20 ms at 8,000, where tuples
 * are faster. Tables of a hundred hold mostly the tops of two tries, 128 KiB each.
 */
#include "core/cpu.h"
#include "selector/bits_rows.h"
#include "selector/method.h"

#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

struct bits {
    uint32_t chunks; /* in a row */
    bool is_sparse, is_ipv6;
    uint32_t *index; /* of each bit's box; SP_SELECTOR_MISS behind the last */
    struct sp_bits_rows rows[SP_BITS_DIMENSIONS];
};

static void bits_destroy(void *classifier)
{
    struct bits *bits = classifier;

    for (int i = 0; i < SP_BITS_DIMENSIONS; i++)
        sp_bits_rows_destroy(&bits->rows[i]);
    free(bits->index);
    free(bits);
}

static enum sp_status bits_build(const struct sp_selector_box *boxes, uint32_t count, uint8_t family,
                                 void **ret_classifier)
{
    if (count > SP_SELECTOR_BITS_MAX)
        return SP_ERR_LIMIT;
    struct bits *bits = calloc(1, sizeof *bits);
    if (!bits)
        return SP_ERR_MEMORY;
    bits->chunks = (count + SP_BITS_CHUNK - 1) / SP_BITS_CHUNK;
    bits->is_sparse = bits->chunks > SP_BITS_DENSE_CHUNKS_MAX;
    bits->is_ipv6 = family == 6;
    uint32_t indices = bits->chunks * SP_BITS_CHUNK + 1;
    bits->index = malloc(indices * sizeof *bits->index);
    enum sp_status status = bits->index ? SP_OK : SP_ERR_MEMORY;
    if (bits->index)
        memset(bits->index, 0xff, indices * sizeof *bits->index); /* SP_SELECTOR_MISS */
    for (uint32_t i = 0; i < count && status == SP_OK; i++)
        bits->index[i] = boxes[i].rule;
    for (int i = 0; i < SP_BITS_DIMENSIONS && status == SP_OK; i++)
        status = sp_bits_rows_build(&bits->rows[i], (enum sp_bits_dimension)i, boxes, count, bits->is_ipv6);
    if (status == SP_OK)
        *ret_classifier = bits;
    else
        bits_destroy(bits);
    return status;
}

struct classes {
    uint32_t of[SP_BITS_DIMENSIONS][SP_SELECTOR_BATCH];
};

static void find_classes(const struct bits *bits, const struct sp_selector_batch *batch,
                         struct classes *classes)
{
    const struct sp_dimension *dimensions[SP_BITS_DIMENSIONS];

    for (int i = 0; i < SP_BITS_DIMENSIONS; i++)
        dimensions[i] = &bits->rows[i].dimension;
    for (uint32_t i = 0; i < batch->count; i++) {
        classes->of[SP_BITS_SOURCE_PORT][i] =
            sp_dimension_16(dimensions[SP_BITS_SOURCE_PORT], batch->ports[i] >> 16);
        classes->of[SP_BITS_DESTINATION_PORT][i] =
            sp_dimension_16(dimensions[SP_BITS_DESTINATION_PORT], batch->ports[i] & 0xffff);
        classes->of[SP_BITS_PROTOCOL][i] = sp_dimension_8(dimensions[SP_BITS_PROTOCOL], batch->protocol[i]);
    }
    for (uint32_t i = 0; bits->is_ipv6 && i < batch->count; i++) {
        classes->of[SP_BITS_SOURCE][i] = sp_dimension_128(
            dimensions[SP_BITS_SOURCE], batch->source_ipv6[i].high, batch->source_ipv6[i].low);
        classes->of[SP_BITS_DESTINATION][i] = sp_dimension_128(
            dimensions[SP_BITS_DESTINATION], batch->destination_ipv6[i].high, batch->destination_ipv6[i].low);
    }
    for (uint32_t i = 0; !bits->is_ipv6 && i < batch->count; i++) {
        classes->of[SP_BITS_SOURCE][i] = sp_dimension_32(dimensions[SP_BITS_SOURCE], batch->source[i]);
        classes->of[SP_BITS_DESTINATION][i] =
            sp_dimension_32(dimensions[SP_BITS_DESTINATION], batch->destination[i]);
    }
}

#define WORDS (SP_BITS_CHUNK / 64)
typedef uint64_t words __attribute__((vector_size(SP_BITS_CHUNK / 8)));

static inline __attribute__((always_inline)) uint32_t filled_words(const uint64_t *chunk)
{
    return (chunk[0] != 0) | (uint32_t)(chunk[1] != 0) << 1 | (uint32_t)(chunk[2] != 0) << 2 |
           (uint32_t)(chunk[3] != 0) << 3;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static inline uint32_t filled_words_avx2(const uint64_t *common)
{
    __m256i chunk = _mm256_loadu_si256((const __m256i *)common);

    return 15u ^ (uint32_t)_mm256_movemask_pd(
                     _mm256_castsi256_pd(_mm256_cmpeq_epi64(chunk, _mm256_setzero_si256())));
}
#else
#define filled_words_avx2 filled_words
#endif

/* The bits that the five chunks share; returns which of their words aren't 0. */
static inline __attribute__((always_inline)) uint32_t join(const struct sp_bits_chunk *const chunks[],
                                                           bool has_avx2, uint64_t *ret_words)
{
    words common;

    memcpy(&common, chunks[0], sizeof common);
    for (int i = 1; i < SP_BITS_DIMENSIONS; i++) {
        words other;
        memcpy(&other, chunks[i], sizeof other);
        common &= other;
    }
    memcpy(ret_words, &common, sizeof common);
    return has_avx2 ? filled_words_avx2(ret_words) : filled_words(ret_words);
}

/* Without a branch, for where the first common bit stands can't be predicted: a one behind the last chunk
 * ends the search, and the index there is SP_SELECTOR_MISS. */
static inline __attribute__((always_inline)) uint32_t
find_dense(const struct bits *bits, const struct classes *classes, uint32_t packet, bool has_avx2)
{
    const struct sp_bits_chunk *chunks[SP_BITS_DIMENSIONS];
    uint64_t common[SP_BITS_DENSE_CHUNKS_MAX * WORDS + 1];
    uint32_t filled = 1u << bits->chunks * WORDS;

    for (int i = 0; i < SP_BITS_DIMENSIONS; i++)
        chunks[i] = bits->rows[i].chunks + (size_t)classes->of[i][packet] * bits->chunks;
    common[bits->chunks * WORDS] = 1;
    for (uint32_t chunk = 0; chunk < bits->chunks; chunk++) {
        filled |= join(chunks, has_avx2, common + chunk * WORDS) << chunk * WORDS;
        for (int i = 0; i < SP_BITS_DIMENSIONS; i++)
            chunks[i]++;
    }
    uint32_t word = (uint32_t)__builtin_ctz(filled);
    return bits->index[word * 64 + (uint32_t)__builtin_ctzll(common[word])];
}

static inline __attribute__((always_inline)) uint32_t find_sparse(const struct bits *bits,
                                                                  const struct sp_bits_row *const rows[],
                                                                  uint64_t candidates, bool has_avx2)
{
    const struct sp_bits_chunk *chunks[SP_BITS_DIMENSIONS];

    for (; candidates != 0; candidates &= candidates - 1) {
        uint32_t chunk = (uint32_t)__builtin_ctzll(candidates);
        uint64_t before = (UINT64_C(1) << chunk) - 1;
        for (int i = 0; i < SP_BITS_DIMENSIONS; i++)
            chunks[i] =
                bits->rows[i].chunks + rows[i]->first_chunk + __builtin_popcountll(rows[i]->filled & before);
        uint64_t common[WORDS];
        uint32_t filled = join(chunks, has_avx2, common);
        if (filled == 0)
            continue;
        uint32_t word = (uint32_t)__builtin_ctz(filled);
        return bits->index[chunk * SP_BITS_CHUNK + word * 64 + (uint32_t)__builtin_ctzll(common[word])];
    }
    return SP_SELECTOR_MISS;
}

static inline __attribute__((always_inline)) void find_all_sparse(const struct bits *bits,
                                                                  const struct classes *classes,
                                                                  struct sp_selector_batch *batch,
                                                                  bool has_avx2)
{
    const struct sp_bits_row *rows[SP_SELECTOR_BATCH][SP_BITS_DIMENSIONS];
    uint64_t candidates[SP_SELECTOR_BATCH];

    for (uint32_t i = 0; i < batch->count; i++)
        for (int k = 0; k < SP_BITS_DIMENSIONS; k++) {
            rows[i][k] = &bits->rows[k].rows[classes->of[k][i]];
            __builtin_prefetch(rows[i][k]);
        }
    for (uint32_t i = 0; i < batch->count; i++) {
        candidates[i] = rows[i][0]->filled;
        for (int k = 1; k < SP_BITS_DIMENSIONS; k++)
            candidates[i] &= rows[i][k]->filled;
        if (candidates[i] == 0)
            continue;
        uint64_t before = (candidates[i] & -candidates[i]) - 1;
        for (int k = 0; k < SP_BITS_DIMENSIONS; k++)
            __builtin_prefetch(bits->rows[k].chunks + rows[i][k]->first_chunk +
                               __builtin_popcountll(rows[i][k]->filled & before));
    }
    for (uint32_t i = 0; i < batch->count; i++)
        batch->found[i] = find_sparse(bits, rows[i], candidates[i], has_avx2);
}

static inline __attribute__((always_inline)) void find_all(const struct bits *bits,
                                                           const struct classes *classes,
                                                           struct sp_selector_batch *batch, bool has_avx2)
{
    if (bits->is_sparse) {
        find_all_sparse(bits, classes, batch, has_avx2);
        return;
    }
    for (uint32_t i = 0; i < batch->count; i++)
        batch->found[i] = find_dense(bits, classes, i, has_avx2);
}

static void find_all_portable(const struct bits *bits, const struct classes *classes,
                              struct sp_selector_batch *batch)
{
    find_all(bits, classes, batch, false);
}

#if defined(__x86_64__)
/* Every processor with AVX2 has these. */
__attribute__((target("avx2,bmi,popcnt"))) static void
find_all_avx2(const struct bits *bits, const struct classes *classes, struct sp_selector_batch *batch)
{
    find_all(bits, classes, batch, true);
}
#else
#define find_all_avx2 find_all_portable
#endif

static void bits_lookup(const void *classifier, struct sp_selector_batch *batch)
{
    const struct bits *bits = classifier;
    struct classes classes;

    find_classes(bits, batch, &classes);
    if (sp_cpu_features() & SP_CPU_AVX2)
        find_all_avx2(bits, &classes, batch);
    else
        find_all_portable(bits, &classes, batch);
}

static size_t bits_bytes(const void *classifier)
{
    const struct bits *bits = classifier;
    size_t bytes = sizeof *bits + (bits->chunks * SP_BITS_CHUNK + 1) * sizeof *bits->index;

    for (int i = 0; i < SP_BITS_DIMENSIONS; i++)
        bytes += sp_bits_rows_bytes(&bits->rows[i]);
    return bytes;
}

const struct sp_selector_method sp_selector_bits = {"bits", bits_build, bits_destroy, bits_lookup,
                                                    bits_bytes};
