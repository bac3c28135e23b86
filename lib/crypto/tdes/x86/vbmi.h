/* SPDX-License-Identifier: ISC
 *
 * Byte-sliced 3DES on groups of 64 lanes, for AVX-512 with VBMI and GFNI: what sealing (vbmi_seal.c) and
 * opening (vbmi_open.c) share. Nothing in x86/vbmi_* may be called where one of them is missing.
 *
 * An S-box maps six bits to four. That is 64 entries, what one vpermb looks up for 64 lanes at once, in a
 * register: there is no address that could depend on anything. So a vector holds one byte of each of 64
 * blocks, and a round is 31 operations: 4 affine products, 15 selects, 8 S-boxes, 4 XORs of three. Where each
 * bit stands was chosen so that P and E are nothing but those selects (generate/bytes.py). With one key for
 * all lanes the key costs nothing, being folded into the tables; else 8 XORs more. A lone group waits for
 * itself: a round takes about 18 cycles, in two groups in turns 11.5 each, in three 10; half of that would be
 * the limit of two shuffles a cycle. The rounds are written by a program, generate/rounds_vbmi.py, which says
 * why.
 *
 * IP and FP are a transposition of bytes, one of bits (an affine product by the block itself) and the selects
 * of bytes_vbmi.h; 96 operations in and 88 out. Between the three DES they cancel.
 *
 * No address and no branch depends on a key or on data: constant time by construction. Lengths, counts,
 * pointers and which SAs are the same are public.
 *
 * Limits: the price is for 64 lanes even when one is used. Registers keep the last blocks when a call
 * returns.
 */
#ifndef SP_CRYPTO_TDES_X86_VBMI_H
#define SP_CRYPTO_TDES_X86_VBMI_H

#include "crypto/tdes/lanes.h"
#include "crypto/tdes/state.h"

#include <immintrin.h>

typedef __m512i BYTES;

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")
#define BOXES 8
#define ALL_ROUNDS (SP_TDES_PARTS * 16)
#define GROUPS_MAX 3
#define GROUP_LANES 64
#define LINE_LANES 8 /* blocks in a vector */
#define LINES 8      /* such vectors make a group */
#define HALVES 8     /* vectors of both halves of a group: P0..P3 of L, of R */
#define VBMI_LANES (GROUPS_MAX * GROUP_LANES)

/* Round keys for rounds_vbmi.S, in the order in which a direction uses them. */
struct vbmi_keys {
    BYTES bytes[GROUPS_MAX][ALL_ROUNDS][BOXES]; /* of which form takes what rounds_vbmi.py says */
    enum vbmi_form { VBMI_FOLDED, VBMI_BROADCAST, VBMI_LANE_KEYS } form;
    BYTES turned[8][LINES];               /* lane keys on their way there */
    size_t used_bytes, used_turned_bytes; /* of both: what must be wiped */
    size_t lanes;                         /* of VBMI_LANE_KEYS: the keys of so many stand in bytes, */
    const struct sp_tdes_state *of_lane[VBMI_LANES]; /* and these are they */
};

/* One key for all lanes: folded when at least so many rounds of a group are to come that its tables pay. */
void sp_tdes_vbmi_fold(struct vbmi_keys *keys, const struct sp_tdes_state *state, bool is_sealing);
void sp_tdes_vbmi_broadcast(struct vbmi_keys *keys, const struct sp_tdes_state *state, bool is_sealing);
/* A key for each lane. Only what changed since the last such call is made anew. */
void sp_tdes_vbmi_set_lanes(struct vbmi_keys *keys, const struct sp_tdes_state *const states[], size_t lanes,
                            bool is_sealing);
/* The 48 rounds, of groups times HALVES vectors. */
void sp_tdes_vbmi_run(const struct vbmi_keys *keys, BYTES *halves, int groups);

/* As cbc_open; returns how many blocks went through the kernel. */
size_t sp_tdes_vbmi_open(const struct sp_cbc_job *jobs, size_t count);
size_t sp_tdes_vbmi_seal(const struct sp_cbc_job *jobs, size_t count);

/* By whole vectors: OPENSSL_cleanse takes eight bytes at a time, which for tables of 24 KB costs as much as
 * decrypting a packet. The barrier is what makes it a wipe, since the compiler can't know that nobody reads
 * the zeroes. */
INLINE void wipe_vectors(BYTES *vectors, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes / sizeof *vectors; i++)
        _mm512_store_si512(&vectors[i], _mm512_setzero_si512());
    __asm__ volatile("" : : "r"(vectors) : "memory");
}

INLINE void start_keys(struct vbmi_keys *keys)
{
    keys->form = VBMI_FOLDED;
    keys->used_bytes = 0;
    keys->used_turned_bytes = 0;
}

INLINE void wipe_keys(struct vbmi_keys *keys)
{
    wipe_vectors(keys->bytes[0][0], keys->used_bytes);
    wipe_vectors(keys->turned[0], keys->used_turned_bytes);
}

/* One stage of a transposition: vectors that stand distance apart are shuffled into each other, byte by byte.
 */
INLINE void unpack(BYTES v[8], int distance)
{
    UNROLL for (int i = 0; i < 8; i++)
    {
        if (i & distance)
            continue;
        BYTES low = _mm512_unpacklo_epi8(v[i], v[i + distance]);
        v[i + distance] = _mm512_unpackhi_epi8(v[i], v[i + distance]);
        v[i] = low;
    }
}

/* 64 blocks, eight a vector, to eight vectors, each of one byte of them. A stage moves the highest bit of a
 * byte's place within 16 bytes into the vector's number, and that number's bit to the lowest bit of the
 * place. After four stages the numbers have the bits of the byte's number in the order 0, 2, 1. */
INLINE void separate_bytes(const BYTES lines[LINES], BYTES v[8])
{
    static const int order[8] = {0, 4, 1, 5, 2, 6, 3, 7};
    BYTES w[8];

    UNROLL for (int i = 0; i < 8; i++) w[i] = lines[i];
    unpack(w, 4);
    unpack(w, 2);
    unpack(w, 1);
    unpack(w, 4);
    UNROLL for (int i = 0; i < 8; i++) v[i] = w[order[i]];
}

/* Where that puts the bytes of a lane. */
static inline size_t place_of_lane(size_t lane)
{
    size_t line = lane / LINE_LANES, word = lane % LINE_LANES;

    return word / 2 * 16 + line * 2 + word % 2;
}

/* The way back, which takes three stages. */
INLINE void join_bytes(BYTES v[8])
{
    unpack(v, 4);
    unpack(v, 2);
    unpack(v, 1);
}

/* 8 by 8 words of 64 bits: what stood in word j of vector i stands in word i of vector j. */
INLINE void transpose_words(BYTES v[8])
{
    BYTES t[8], u[8];

    UNROLL for (int i = 0; i < 8; i += 2)
    {
        t[i] = _mm512_unpacklo_epi64(v[i], v[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi64(v[i], v[i + 1]);
    }
    UNROLL for (int i = 0; i < 8; i++)
    {
        if (i & 2)
            continue;
        u[i] = _mm512_shuffle_i64x2(t[i], t[i + 2], 0x88);
        u[i + 2] = _mm512_shuffle_i64x2(t[i], t[i + 2], 0xdd);
    }
    UNROLL for (int i = 0; i < 4; i++)
    {
        v[i] = _mm512_shuffle_i64x2(u[i], u[i + 4], 0x88);
        v[i + 4] = _mm512_shuffle_i64x2(u[i], u[i + 4], 0xdd);
    }
}

#endif
