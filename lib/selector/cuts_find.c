/* SPDX-License-Identifier: ISC
 *
 * How a burst goes through the trees of cuts.c: all packets down all trees, level by level, while their
 * leaves are fetched; then leaf by leaf.
 *
 * AVX-512 has 16 packets side by side on the way down, which gathers their next words at once, and 16 boxes
 * side by side in a leaf. There nothing depends on the packet but how often the loops run: on the way down
 * as often as the deepest of the packets needs, in a leaf nearly always once.
 */
#include "core/cpu.h"
#include "selector/cuts.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define FETCH_MIN 4096 /* units: smaller trees stay in the second-level cache */

struct words {
    uint32_t of[SP_CUTS_TREES_MAX][SP_SELECTOR_BATCH];
};

static inline const uint32_t *block_of(const struct sp_cuts *cuts, uint32_t word)
{
    return cuts->lanes + (size_t)((word & ~SP_CUTS_IS_LEAF) >> 9) * SP_CUTS_UNIT_WORDS;
}

static inline uint32_t boxes_of(uint32_t word)
{
    return word & SP_CUTS_LEAF_MAX;
}

/* Always as many prefetches as a full block has lines: how many it has can't be predicted. */
static inline void fetch(const struct sp_cuts *cuts, uint32_t word)
{
    const char *block = (const char *)block_of(cuts, word);
    uint32_t last = (sp_cuts_lanes(boxes_of(word)) * SP_CUTS_ARRAYS * 4 - 1) & 511;

    for (uint32_t i = 0; i < 8; i++)
        __builtin_prefetch(block + (64 * i < last ? 64 * i : last));
}

static uint32_t descend(const struct sp_cuts *cuts, uint32_t word, const struct sp_selector_batch *batch,
                        uint32_t at)
{
    const uint32_t fields[] = {batch->source[at], batch->destination[at], batch->ports[at],
                               batch->protocol[at]};

    while (!(word & SP_CUTS_IS_LEAF)) {
        uint32_t cell = fields[word >> 29] >> (word >> 24 & 31) & ((1u << (word >> 20 & 15)) - 1);
        word = cuts->cells[(word & 0xfffff) * SP_CUTS_CELLS_UNIT + cell];
    }
    return word;
}

#define LANES 8
typedef uint32_t lanes __attribute__((vector_size(LANES * sizeof(uint32_t))));
typedef uint16_t half_lanes __attribute__((vector_size(LANES * sizeof(uint16_t))));

static inline __attribute__((always_inline)) void load(const uint32_t *block, uint32_t stride,
                                                       enum sp_cuts_array array, lanes *ret_numbers)
{
    memcpy(ret_numbers, block + array * stride, sizeof *ret_numbers);
}

static inline __attribute__((always_inline)) void load_halves(const uint16_t *halves, lanes *ret_numbers)
{
    half_lanes numbers;

    memcpy(&numbers, halves, sizeof numbers);
    *ret_numbers = __builtin_convertvector(numbers, lanes);
}

/* The first of up to eight boxes from this lane on that holds the packet; left: how many there are. */
static inline __attribute__((always_inline)) uint32_t
scan_eight(const uint32_t *lane, const uint16_t *protocols, uint32_t stride, uint32_t left,
           const struct sp_selector_batch *batch, uint32_t at)
{
    lanes first, width, last, is_match = (lanes){0, 1, 2, 3, 4, 5, 6, 7} < left;

    load(lane, stride, SP_CUTS_SOURCE_FIRST, &first);
    load(lane, stride, SP_CUTS_SOURCE_WIDTH, &width);
    is_match &= (lanes)(batch->source[at] - first <= width);
    load(lane, stride, SP_CUTS_DESTINATION_FIRST, &first);
    load(lane, stride, SP_CUTS_DESTINATION_WIDTH, &width);
    is_match &= (lanes)(batch->destination[at] - first <= width);
    load(lane, stride, SP_CUTS_PORTS_FIRST, &first);
    load(lane, stride, SP_CUTS_PORTS_LAST, &last);
    uint32_t source_port = batch->ports[at] >> 16, destination_port = batch->ports[at] & 0xffff;
    is_match &= (lanes)(source_port - (first >> 16) <= (last >> 16) - (first >> 16));
    is_match &= (lanes)(destination_port - (first & 0xffff) <= (last & 0xffff) - (first & 0xffff));
    load_halves(protocols, &first);
    load_halves(protocols + stride, &width);
    is_match &= (lanes)(((batch->protocol[at] ^ first) & width) == 0);
    load(lane, stride, SP_CUTS_INDEX, &first);
    first |= ~is_match; /* SP_SELECTOR_MISS */
    uint32_t found = first[0];
    for (int i = 1; i < LANES; i++)
        found = first[i] < found ? first[i] : found;
    return found;
}

static inline __attribute__((always_inline)) uint32_t scan(const struct sp_cuts *cuts, uint32_t word,
                                                           const struct sp_selector_batch *batch, uint32_t at)
{
    const uint32_t *block = block_of(cuts, word);
    uint32_t found = SP_SELECTOR_MISS, left = boxes_of(word);

    while (found == SP_SELECTOR_MISS && left > 0) {
        uint32_t stride = sp_cuts_lanes(left), boxes = left < SP_CUTS_LANES ? left : SP_CUTS_LANES;
        const uint16_t *protocols = (const uint16_t *)(block + SP_CUTS_PROTOCOLS * stride);
        for (uint32_t i = 0; found == SP_SELECTOR_MISS && i < boxes; i += LANES)
            found = scan_eight(block + i, protocols + i, stride, boxes - i, batch, at);
        block += stride * SP_CUTS_ARRAYS;
        left -= boxes;
    }
    return found;
}

static inline __attribute__((always_inline)) void find(const struct sp_cuts *cuts,
                                                       struct sp_selector_batch *batch)
{
    struct words words;

    for (uint32_t tree = 0; tree < cuts->trees_count; tree++)
        for (uint32_t i = 0; i < batch->count; i++) {
            words.of[tree][i] = descend(cuts, cuts->roots[tree], batch, i);
            fetch(cuts, words.of[tree][i]);
        }
    for (uint32_t tree = 0; tree < cuts->trees_count; tree++)
        for (uint32_t i = 0; i < batch->count; i++) {
            uint32_t found = scan(cuts, words.of[tree][i], batch, i);
            batch->found[i] = found < batch->found[i] ? found : batch->found[i];
        }
}

static void find_portable(const struct sp_cuts *cuts, struct sp_selector_batch *batch)
{
    find(cuts, batch);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void find_avx2(const struct sp_cuts *cuts,
                                                      struct sp_selector_batch *batch)
{
    find(cuts, batch);
}

#define TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi,bmi2")))

TARGET_AVX512 static inline __m512i field_wide(const struct sp_selector_batch *batch, uint32_t at,
                                               __m512i words)
{
    __mmask16 is_odd = _mm512_test_epi32_mask(words, _mm512_set1_epi32(1 << 29));
    __mmask16 is_high = _mm512_test_epi32_mask(words, _mm512_set1_epi32(1 << 30));
    __m512i field = _mm512_loadu_si512(batch->source + at);

    _Static_assert(SP_CUTS_DESTINATION == 1 && SP_CUTS_PORTS == 2 && SP_CUTS_PROTOCOL == 3, "as blended");
    field = _mm512_mask_loadu_epi32(field, is_odd, batch->destination + at);
    field = _mm512_mask_loadu_epi32(field, is_high & ~is_odd, batch->ports + at);
    return _mm512_mask_loadu_epi32(field, is_high & is_odd, batch->protocol + at);
}

/* One level down where words aren't leaves; returns where they weren't. */
TARGET_AVX512 static inline __mmask16
step_wide(const struct sp_cuts *cuts, const struct sp_selector_batch *batch, uint32_t at, __m512i *words)
{
    const __m512i one = _mm512_set1_epi32(1);
    __mmask16 is_inner = (__mmask16)~_mm512_movepi32_mask(*words);
    __m512i field = field_wide(batch, at, *words);
    __m512i shift = _mm512_and_si512(_mm512_srli_epi32(*words, 24), _mm512_set1_epi32(31));
    __m512i bits = _mm512_and_si512(_mm512_srli_epi32(*words, 20), _mm512_set1_epi32(15));
    __m512i first = _mm512_slli_epi32(_mm512_and_si512(*words, _mm512_set1_epi32(0xfffff)), 2);
    __m512i mask = _mm512_sub_epi32(_mm512_sllv_epi32(one, bits), one);
    __m512i cell = _mm512_and_si512(_mm512_srlv_epi32(field, shift), mask);

    _Static_assert(SP_CUTS_CELLS_UNIT == 4, "as shifted");
    *words = _mm512_mask_i32gather_epi32(*words, is_inner, _mm512_add_epi32(first, cell), cuts->cells, 4);
    return is_inner;
}

TARGET_AVX512 static void descend_all_wide(const struct sp_cuts *cuts, uint32_t root,
                                           const struct sp_selector_batch *batch, uint32_t *ret_words)
{
    for (uint32_t at = 0; at < batch->count; at += 2 * SP_CUTS_LANES) {
        __m512i low = _mm512_set1_epi32((int)root), high = low;
        __mmask16 left;
        do {
            left = step_wide(cuts, batch, at, &low);
            left |= step_wide(cuts, batch, at + SP_CUTS_LANES, &high);
        } while (left != 0);
        _mm512_storeu_si512(ret_words + at, low);
        _mm512_storeu_si512(ret_words + at + SP_CUTS_LANES, high);
    }
}

struct wide_packet {
    __m512i source, destination, ports;
    __m256i protocol;
};

TARGET_AVX512 static inline __mmask16 match_wide(const uint32_t *block, uint32_t stride,
                                                 const struct wide_packet *packet)
{
    const uint16_t *protocols = (const uint16_t *)(block + SP_CUTS_PROTOCOLS * stride);
    __m512i source = _mm512_sub_epi32(packet->source, _mm512_loadu_si512(block));
    __m512i destination =
        _mm512_sub_epi32(packet->destination, _mm512_loadu_si512(block + SP_CUTS_DESTINATION_FIRST * stride));
    __m512i clamped =
        _mm512_max_epu16(packet->ports, _mm512_loadu_si512(block + SP_CUTS_PORTS_FIRST * stride));
    __m256i protocol = _mm256_xor_si256(packet->protocol, _mm256_loadu_si256((const __m256i *)protocols));

    clamped = _mm512_min_epu16(clamped, _mm512_loadu_si512(block + SP_CUTS_PORTS_LAST * stride));
    __mmask16 is_source =
        _mm512_cmple_epu32_mask(source, _mm512_loadu_si512(block + SP_CUTS_SOURCE_WIDTH * stride));
    __mmask16 is_destination =
        _mm512_cmple_epu32_mask(destination, _mm512_loadu_si512(block + SP_CUTS_DESTINATION_WIDTH * stride));
    __mmask16 is_ports = _mm512_cmpeq_epi32_mask(clamped, packet->ports);
    __mmask16 is_protocol =
        _mm256_testn_epi16_mask(protocol, _mm256_loadu_si256((const __m256i *)(protocols + stride)));
    return is_source & is_destination & is_ports & is_protocol;
}

/* The first of a block's boxes that holds the packet, or SP_SELECTOR_MISS; left: of the leaf, from here on.
 */
TARGET_AVX512 static inline uint32_t scan_wide(const uint32_t *block, uint32_t left,
                                               const struct wide_packet *packet)
{
    uint32_t stride = sp_cuts_lanes(left), boxes = left < SP_CUTS_LANES ? left : SP_CUTS_LANES;

    __asm__("" : "+r"(stride)); /* or two branches are made of the two kinds of blocks */
    uint32_t match = _bzhi_u32(match_wide(block, stride, packet), boxes);
    uint32_t index = block[SP_CUTS_INDEX * stride + _tzcnt_u32(match | 1u << SP_CUTS_LANES)];
    return index | -(uint32_t)(match == 0);
}

TARGET_AVX512 static inline struct wide_packet spread_packet(const struct sp_selector_batch *batch,
                                                             uint32_t at)
{
    return (struct wide_packet){
        _mm512_set1_epi32((int)batch->source[at]), _mm512_set1_epi32((int)batch->destination[at]),
        _mm512_set1_epi32((int)batch->ports[at]), _mm256_set1_epi16((short)batch->protocol[at])};
}

TARGET_AVX512 static uint32_t scan_more_wide(const struct sp_cuts *cuts, uint32_t word,
                                             const struct sp_selector_batch *batch, uint32_t at)
{
    struct wide_packet packet = spread_packet(batch, at);
    const uint32_t *block = block_of(cuts, word);
    uint32_t found = SP_SELECTOR_MISS, left = boxes_of(word);

    while (found == SP_SELECTOR_MISS && left > SP_CUTS_LANES) {
        block += SP_CUTS_LANES * SP_CUTS_ARRAYS;
        left -= SP_CUTS_LANES;
        found = scan_wide(block, left, &packet);
    }
    return found;
}

/* The packets' leaves of one tree: the first blocks of all without a branch, then what is behind them. */
TARGET_AVX512 static void scan_all_wide(const struct sp_cuts *cuts, const uint32_t *words,
                                        struct sp_selector_batch *batch)
{
    uint8_t more[SP_SELECTOR_BATCH];
    uint32_t more_count = 0;

    for (uint32_t i = 0; i < batch->count; i++) {
        struct wide_packet packet = spread_packet(batch, i);
        uint32_t left = boxes_of(words[i]), found = scan_wide(block_of(cuts, words[i]), left, &packet);
        batch->found[i] = found < batch->found[i] ? found : batch->found[i];
        more[more_count] = (uint8_t)i;
        more_count += (left > SP_CUTS_LANES) & (found == SP_SELECTOR_MISS);
    }
    for (uint32_t k = 0; k < more_count; k++) {
        uint32_t i = more[k], found = scan_more_wide(cuts, words[i], batch, i);
        batch->found[i] = found < batch->found[i] ? found : batch->found[i];
    }
}

TARGET_AVX512 static void find_avx512(const struct sp_cuts *cuts, struct sp_selector_batch *batch)
{
    struct words words;

    for (uint32_t tree = 0; tree < cuts->trees_count; tree++) {
        descend_all_wide(cuts, cuts->roots[tree], batch, words.of[tree]);
        for (uint32_t i = 0; cuts->units_count > FETCH_MIN && i < batch->count; i++)
            fetch(cuts, words.of[tree][i]);
    }
    for (uint32_t tree = 0; tree < cuts->trees_count; tree++)
        scan_all_wide(cuts, words.of[tree], batch);
}
#else
#define find_avx2 find_portable
#define find_avx512 find_portable
#endif

void sp_cuts_find(const struct sp_cuts *cuts, struct sp_selector_batch *batch)
{
    if ((sp_cpu_features() & (SP_CPU_AVX512 | SP_CPU_BMI2)) == (SP_CPU_AVX512 | SP_CPU_BMI2))
        find_avx512(cuts, batch);
    else if (sp_cpu_features() & SP_CPU_AVX2)
        find_avx2(cuts, batch);
    else
        find_portable(cuts, batch);
}
