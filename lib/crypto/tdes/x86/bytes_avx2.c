/* SPDX-License-Identifier: ISC
 *
 * Byte-sliced 3DES on 32 lanes, for AVX2: nothing in here may be called where that is missing.
 *
 * A vector holds eight bits of each of 32 blocks, a half of all of them is four vectors. So far fewer lanes
 * than with bit slices make a step worth its while: this is for bursts of a few packets, and for what a
 * bit-sliced kernel leaves over. bytes.h has the network; generate/bytes.py tells how it came about.
 *
 * An S-box maps six bits to four. Four vpshufb look up the four quarters of its table for the lower four bits
 * and three blends choose among them by the upper two: a look-up in registers, at no address. No address and
 * no branch depends on a key or on data: constant time by construction. Lengths and counts are public.
 *
 * Operations a round for 32 blocks: 4 spreads of 6, 15 selects of 3, 8 key XORs, 8 S-boxes of 9, 8 XORs into
 * the other half: 157, of which 76 use the two ports that shuffle, shift and blend. Entering and leaving by
 * nibble tables takes 2 * 280 and three or four stages of unpacking.
 *
 * Limits: the price is for 32 lanes even when few are used, that of four blocks by libcrypto on Zen 3. Round
 * keys stand expanded, 12 KB of the first-level cache: to set them costs about as much as a run, so a batch
 * that comes alone is deciphered with keys spread while it runs. Registers that the
 * compiler spills, blocks half way through, stay behind on the stack: only the scratch can be wiped.
 */
#include "crypto/tdes/lanes.h"
#include "crypto/tdes/state.h"

#include <immintrin.h>
#include <openssl/crypto.h>

#include "crypto/tdes/bytes.h"

typedef __m256i BYTES;

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#define LANES 32
#define BOXES 8
#define ROUNDS 16
#define ALL_ROUNDS (SP_TDES_PARTS * ROUNDS)

struct scratch {
    BYTES keys[ALL_ROUNDS][BOXES];
};
_Static_assert(sizeof(struct scratch) <= SP_TDES_LANES_SCRATCH_BYTES, "the caller has room for it");

INLINE BYTES load_table(const uint8_t table[16])
{
    return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)table));
}

INLINE BYTES low_nibbles(BYTES vector)
{
    return _mm256_and_si256(vector, _mm256_set1_epi8(0x0f));
}

INLINE BYTES high_nibbles(BYTES vector)
{
    return low_nibbles(_mm256_srli_epi16(vector, 4));
}

/* One stage of a transposition: vectors that stand distance apart are shuffled into each other, byte by byte.
 */
INLINE void unpack(BYTES v[8], int distance)
{
    UNROLL for (int i = 0; i < 8; i++)
    {
        if (i & distance)
            continue;
        BYTES low = _mm256_unpacklo_epi8(v[i], v[i + distance]);
        v[i + distance] = _mm256_unpackhi_epi8(v[i], v[i + distance]);
        v[i] = low;
    }
}

/* 32 blocks to eight vectors, each of one byte of them. A stage moves the highest bit of a byte's place
 * within 16 bytes into the vector's number, and that number's bit to the lowest bit of the place. After four
 * stages the numbers have the bits of the byte's number in the order 0, 2, 1. */
INLINE void separate_bytes(const uint64_t *blocks, BYTES v[8])
{
    static const int order[8] = {0, 4, 1, 5, 2, 6, 3, 7};
    BYTES w[8];

    UNROLL for (int i = 0; i < 8; i++) w[i] = _mm256_load_si256((const BYTES *)blocks + i);
    unpack(w, 4);
    unpack(w, 2);
    unpack(w, 1);
    unpack(w, 4);
    UNROLL for (int i = 0; i < 8; i++) v[i] = w[order[i]];
}

/* The way back, which takes three stages. */
INLINE void join_bytes(BYTES v[8], uint64_t *blocks)
{
    unpack(v, 4);
    unpack(v, 2);
    unpack(v, 1);
    UNROLL for (int i = 0; i < 8; i++) _mm256_store_si256((BYTES *)blocks + i, v[i]);
}

/* Moves 64 bits about: each nibble's share in each of the eight vectors is looked up. */
INLINE void permute(BYTES v[8], const uint8_t tables[8][16][16])
{
    BYTES nibbles[16], moved[8];

    UNROLL for (int i = 0; i < 8; i++)
    {
        nibbles[2 * i] = low_nibbles(v[i]);
        nibbles[2 * i + 1] = high_nibbles(v[i]);
    }
    UNROLL for (int to = 0; to < 8; to++)
    {
        moved[to] = _mm256_setzero_si256();
        UNROLL for (int from = 0; from < 16; from++) moved[to] ^=
            _mm256_shuffle_epi8(load_table(tables[to][from]), nibbles[from]);
    }
    UNROLL for (int i = 0; i < 8; i++) v[i] = moved[i];
}

INLINE BYTES spread(int which, BYTES vector)
{
    return _mm256_shuffle_epi8(load_table(spread_tables[which][0]), low_nibbles(vector)) |
           _mm256_shuffle_epi8(load_table(spread_tables[which][1]), high_nibbles(vector));
}

/* A blend looks at the highest bit of each byte; what the shift brings from the neighbour stays below. The
 * second shift is an addition, since shifts would use the ports of the shuffles. */
INLINE BYTES look_up(int box, BYTES x)
{
    BYTES bit5 = _mm256_slli_epi16(x, 2), bit4 = _mm256_add_epi8(bit5, bit5), quarters[4];

    UNROLL for (int i = 0; i < 4; i++) quarters[i] = _mm256_shuffle_epi8(load_table(box_tables[box][i]), x);
    BYTES lower = _mm256_blendv_epi8(quarters[0], quarters[1], bit4);
    BYTES upper = _mm256_blendv_epi8(quarters[2], quarters[3], bit4);
    return _mm256_blendv_epi8(lower, upper, bit5);
}

#define SPREAD(which, vector) spread(which, vector)
#define SELECT(first, mask, second, other_mask) (((first)&masks[mask]) | ((second)&masks[other_mask]))
#define BOX(box, x) look_up(box, (x) ^ round_key(keys, box))

/* The keys of all rounds: from the first one to be used on, round after round at a distance of step_bytes. In
 * a scratch they are expanded, a vector for each box; in a state a byte for each box, the same for all lanes.
 */
struct schedule {
    const uint8_t *first;
    ptrdiff_t step_bytes;
    bool is_expanded;
};

INLINE BYTES round_key(struct schedule keys, int box)
{
    if (keys.is_expanded)
        return _mm256_load_si256((const BYTES *)keys.first + box);
    return _mm256_set1_epi8((char)keys.first[box]);
}

INLINE void xor_round(BYTES half[4], const BYTES other[4], struct schedule keys)
{
    const BYTES *masks = (const BYTES *)select_masks;
    BYTES p0 = other[0], p1 = other[1], p2 = other[2], p3 = other[3];

    /* Keeps the masks where they are: gcc 12 would build them from immediates in every round, at a fifth of
     * the speed. */
    __asm__("" : "+r"(masks));
    MAKE_BOX_INPUTS
    XOR_BOX_OUTPUTS(half, BOX)
}

/* 16 rounds. In and out the halves stand where the next DES, whose IP cancels our FP, has them the other way.
 */
INLINE void run_des(BYTES left[4], BYTES right[4], struct schedule *keys)
{
    for (int round = 0; round < ROUNDS; round += 2) {
        xor_round(left, right, *keys);
        keys->first += keys->step_bytes;
        xor_round(right, left, *keys);
        keys->first += keys->step_bytes;
    }
}

/* The round keys of encryption backwards are those of decryption. */
INLINE void run(const uint64_t *in, uint64_t *out, struct schedule keys)
{
    BYTES halves[8], *left = halves, *right = halves + 4;

    separate_bytes(in, halves);
    permute(halves, entering_tables);
    run_des(left, right, &keys);
    run_des(right, left, &keys);
    run_des(left, right, &keys);
    permute(halves, leaving_tables);
    join_bytes(halves, out);
}

static void encrypt(void *scratch, const uint64_t *in, uint64_t *out)
{
    struct scratch *at = scratch;

    run(in, out, (struct schedule){(const uint8_t *)at->keys[0], sizeof at->keys[0], true});
}

static void decrypt(void *scratch, const uint64_t *in, uint64_t *out)
{
    struct scratch *at = scratch;

    run(in, out,
        (struct schedule){(const uint8_t *)at->keys[ALL_ROUNDS - 1], -(ptrdiff_t)sizeof at->keys[0], true});
}

/* A byte of a little-endian word is at the place of its box. */
static void decrypt_with(const struct sp_tdes_state *state, const uint64_t *in, uint64_t *out)
{
    const uint64_t *last = &state->round_keys[ALL_ROUNDS - 1];

    run(in, out, (struct schedule){(const uint8_t *)last, -(ptrdiff_t)sizeof *last, false});
}

static void set_key(void *scratch, const struct sp_tdes_state *state)
{
    struct scratch *at = scratch;

    for (int round = 0; round < ALL_ROUNDS; round++) {
        UNROLL for (int box = 0; box < BOXES; box++)
        {
            uint64_t key = state->round_keys[round] >> 8 * box;
            at->keys[round][box] = _mm256_set1_epi8((char)key);
        }
    }
}

static void set_lane_keys(void *scratch, const struct sp_tdes_state *const states[])
{
    struct scratch *at = scratch;
    _Alignas(32) uint64_t keys[LANES];

    for (int round = 0; round < ALL_ROUNDS; round++) {
        for (int lane = 0; lane < LANES; lane++)
            keys[lane] = states[lane]->round_keys[round];
        separate_bytes(keys, at->keys[round]);
    }
    OPENSSL_cleanse(keys, sizeof keys);
}

const struct sp_tdes_lanes sp_tdes_lanes_bytes_avx2 = {
    .lanes = LANES,
    .scratch_bytes = sizeof(struct scratch),
    .seal_lanes_min = 4,
    .open_lanes_min = 4,
    .set_key = set_key,
    .set_lane_keys = set_lane_keys,
    .encrypt = encrypt,
    .decrypt = decrypt,
    .decrypt_with = decrypt_with,
};
