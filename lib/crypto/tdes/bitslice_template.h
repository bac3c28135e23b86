/* SPDX-License-Identifier: ISC
 *
 * Bit-sliced 3DES over GCC vectors of VECTOR_BYTES. No include guard: each bitslice_*.c includes it once,
 * being compiled for its instruction set.
 *
 * The idea (E. Biham, "A fast new DES implementation in software", 1997): a vector holds one bit of as many
 * blocks as it has bits, so the S-boxes become Boolean gates (network.h) that work on all the blocks at once,
 * while E, P, IP and FP are nothing but names of vectors. There is no table, so no address and no branch
 * depends on a key or on data: constant time by construction. Lengths, counts and pointers are public.
 *
 * Keys take the same shape: vector i of a part has key bit i of each lane, so lanes may have keys of their
 * own as cheaply as one for all. The schedule is no work but a table of offsets. Beside each part stands its
 * inverse where network.h is used, which says why.
 *
 * Operations for 8 * VECTOR_BYTES blocks: 48 rounds of 391 gates, 48 key XORs and 32 XORs into the other
 * half, so 22,608; with gates of three inputs 171, 48 and 32, so 12,048. 192 swaps of six operations for the
 * transposition in, and as many for that out, 2,304.
 * Limits: the price is for all the lanes even when few are used, about that of ten blocks by libcrypto on
 * x86-64. Of 16 registers, S-box inputs and outputs have to pass through the first-level cache (state, keys
 * and offsets: 18 KB for 256 lanes).
 *
 * The includer defines VECTOR_BYTES, KERNEL (the symbol to make), KERNEL_SEAL_LANES_MIN and
 * KERNEL_OPEN_LANES_MIN and KERNEL_BELOW (lanes.h); and, where there is such an instruction, TERNARY(a, b,
 * c, table), any function of three bits: bit 4a + 2b + c of table.
 */
#include "crypto/tdes/lanes.h"
#include "crypto/tdes/state.h"

#include <string.h>

typedef uint64_t vector __attribute__((vector_size(VECTOR_BYTES), may_alias));
typedef int32_t sign_vector __attribute__((vector_size(VECTOR_BYTES)));

#ifdef TERNARY
#include "crypto/tdes/network_ternary.h"
#else
#include "crypto/tdes/network.h"
#endif

#define INLINE static inline __attribute__((always_inline))
#define LANES (8 * VECTOR_BYTES)
#define HALF_BITS 32
#define BLOCK_BITS 64
#define ROUNDS 16
#define ROUND_KEY_BITS 48

/* Key bits: [part][0] as they are; [part][1], if it is there, inverted. */
struct key_vectors {
    vector bits[SP_TDES_PARTS][KEY_COPIES][BLOCK_BITS];
};

/* Bits of the blocks between IP and FP. */
struct halves {
    vector left[HALF_BITS], right[HALF_BITS];
};

struct scratch {
    struct key_vectors key;
    struct halves halves;
    vector slices[BLOCK_BITS];
};
_Static_assert(sizeof(struct scratch) <= SP_TDES_LANES_SCRATCH_BYTES, "the caller has room for it");

/* Exchanges the upper half of each 2 * shift bits of *low with the lower half of those of *high. */
INLINE void swap_bits(vector *low, vector *high, int shift, uint64_t mask)
{
    vector difference = ((*low >> shift) ^ *high) & mask;

    *high ^= difference;
    *low ^= difference << shift;
}

#define UNROLL _Pragma("GCC unroll 8")
#define UNROLL32 _Pragma("GCC unroll 32")

/* Three of the six steps that transpose 64 x 64 bits, on eight vectors that stand scale apart. */
INLINE void transpose_eight(vector v[8], int scale, uint64_t mask4, uint64_t mask2, uint64_t mask1)
{
    UNROLL for (int i = 0; i < 4; i++) swap_bits(&v[i], &v[i + 4], 4 * scale, mask4);
    UNROLL for (int i = 0; i < 4; i++) swap_bits(&v[i + i / 2 * 2], &v[i + i / 2 * 2 + 2], 2 * scale, mask2);
    UNROLL for (int i = 0; i < 4; i++) swap_bits(&v[2 * i], &v[2 * i + 1], scale, mask1);
}

/* The steps between words of 32, 16 and 8 bits: column i of eight. */
INLINE void transpose_words(vector v[8])
{
    transpose_eight(v, 8, 0x00000000ffffffff, 0x0000ffff0000ffff, 0x00ff00ff00ff00ff);
}

/* The steps inside of bytes: row i of eight. */
INLINE void transpose_bytes(vector v[8])
{
    transpose_eight(v, 1, 0x0f0f0f0f0f0f0f0f, 0x3333333333333333, 0x5555555555555555);
}

/* Where IP puts a bit of a byte. Even bits, as FIPS 46-3 numbers them from 1, make the left half, odd ones
 * the right; ours count from 0 and from the other end of the byte. */
INLINE vector *place_in_halves(struct halves *halves, int byte, int bit)
{
    vector *half = bit % 2 == 0 ? halves->left : halves->right;

    return &half[8 * (3 - bit / 2) + 7 - byte];
}

INLINE void load_eight(vector v[8], const vector *from, int distance)
{
    UNROLL for (int i = 0; i < 8; i++) v[i] = from[i * distance];
}

INLINE void store_eight(const vector v[8], vector *to, int distance)
{
    UNROLL for (int i = 0; i < 8; i++) to[i * distance] = v[i];
}

/* Blocks, one a 64-bit word, to slices: slices[8 * byte + bit] has that bit of all of them. */
static void slice(const uint64_t *blocks, vector slices[BLOCK_BITS])
{
    const vector *words = (const vector *)blocks;
    vector v[8];

    for (int column = 0; column < 8; column++) {
        load_eight(v, words + column, 8);
        transpose_words(v);
        store_eight(v, slices + column, 8);
    }
    for (int byte = 0; byte < 8; byte++) {
        load_eight(v, slices + 8 * byte, 1);
        transpose_bytes(v);
        store_eight(v, slices + 8 * byte, 1);
    }
}

/* slice(), with IP on the way. */
static void slice_halves(const uint64_t *blocks, struct scratch *scratch)
{
    const vector *words = (const vector *)blocks;
    vector *slices = scratch->slices, v[8];

    for (int column = 0; column < 8; column++) {
        load_eight(v, words + column, 8);
        transpose_words(v);
        store_eight(v, slices + column, 8);
    }
    for (int byte = 0; byte < 8; byte++) {
        load_eight(v, slices + 8 * byte, 1);
        transpose_bytes(v);
        UNROLL for (int i = 0; i < 8; i++) * place_in_halves(&scratch->halves, byte, i) = v[i];
    }
}

/* The way back, with FP. Three times 16 rounds leave the halves in each other's place, hence the i ^ 1. */
static void join_halves(struct scratch *scratch, uint64_t *blocks)
{
    vector *words = (vector *)blocks;
    vector *slices = scratch->slices, v[8];

    for (int byte = 0; byte < 8; byte++) {
        UNROLL for (int i = 0; i < 8; i++) v[i] = *place_in_halves(&scratch->halves, byte, i ^ 1);
        transpose_bytes(v);
        store_eight(v, slices + 8 * byte, 1);
    }
    for (int column = 0; column < 8; column++) {
        load_eight(v, slices + column, 8);
        transpose_words(v);
        store_eight(v, words + column, 8);
    }
}

/* 16 rounds; step is the way through the key schedule. In and out the halves stand where the next DES, whose
 * IP cancels our FP, has them the other way round. */
__attribute__((noinline)) static void run_des(vector *left, vector *right, const void *part,
                                              const uint16_t *offsets, ptrdiff_t step)
{
    for (int round = 0; round < ROUNDS; round += 2) {
        xor_round(left, right, part, offsets);
        offsets += step;
        xor_round(right, left, part, offsets);
        offsets += step;
    }
}

static void encrypt_des(vector *left, vector *right, const void *part)
{
    run_des(left, right, part, key_offsets[0], ROUND_KEY_BITS);
}

static void decrypt_des(vector *left, vector *right, const void *part)
{
    run_des(left, right, part, key_offsets[ROUNDS - 1], -ROUND_KEY_BITS);
}

static void encrypt(void *scratch, const uint64_t *in, uint64_t *out)
{
    struct scratch *at = scratch;
    vector *left = at->halves.left, *right = at->halves.right;

    slice_halves(in, at);
    encrypt_des(left, right, at->key.bits[0]);
    decrypt_des(right, left, at->key.bits[1]);
    encrypt_des(left, right, at->key.bits[2]);
    join_halves(at, out);
}

static void decrypt(void *scratch, const uint64_t *in, uint64_t *out)
{
    struct scratch *at = scratch;
    vector *left = at->halves.left, *right = at->halves.right;

    slice_halves(in, at);
    decrypt_des(left, right, at->key.bits[2]);
    encrypt_des(right, left, at->key.bits[1]);
    decrypt_des(left, right, at->key.bits[0]);
    join_halves(at, out);
}

INLINE void put_key_bit(vector part[KEY_COPIES][BLOCK_BITS], int bit, vector value)
{
    part[0][bit] = value;
    if (KEY_COPIES > 1)
        part[KEY_COPIES - 1][bit] = ~value;
}

/* One key for all lanes. The sign of a 32-bit word is spread over it by an arithmetic shift. */
static void set_key(void *scratch, const struct sp_tdes_state *state)
{
    struct scratch *at = scratch;

    for (int part = 0; part < SP_TDES_PARTS; part++) {
        for (int half = 0; half < 2; half++) {
            sign_vector word = (int32_t)(state->key[part] >> 32 * half) - (sign_vector){0};
            UNROLL32 for (int bit = 0; bit < 32; bit++)
            {
                vector spread = (vector)(word << (31 - bit) >> 31);
                put_key_bit(at->key.bits[part], 32 * half + bit, spread);
            }
        }
    }
}

static void set_lane_keys(void *scratch, const struct sp_tdes_state *const states[])
{
    struct scratch *at = scratch;
    uint64_t *parts = (uint64_t *)(void *)at->slices;

    for (int part = 0; part < SP_TDES_PARTS; part++) {
        vector *plain = at->key.bits[part][0];
        for (int lane = 0; lane < LANES; lane++)
            parts[lane] = states[lane]->key[part];
        slice(parts, plain);
        for (int bit = 0; bit < BLOCK_BITS; bit++)
            put_key_bit(at->key.bits[part], bit, plain[bit]);
    }
}

const struct sp_tdes_lanes KERNEL = {
    .lanes = LANES,
    .scratch_bytes = sizeof(struct scratch),
    .seal_lanes_min = KERNEL_SEAL_LANES_MIN,
    .open_lanes_min = KERNEL_OPEN_LANES_MIN,
    .below = KERNEL_BELOW,
    .set_key = set_key,
    .set_lane_keys = set_lane_keys,
    .encrypt = encrypt,
    .decrypt = decrypt,
};
