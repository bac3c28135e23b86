/* SPDX-License-Identifier: ISC
 *
 * IP and FP on groups of 64 blocks: from lines of blocks to the halves that rounds_vbmi.S works on, and back.
 */
#ifndef SP_CRYPTO_TDES_X86_VBMI_PERMUTE_H
#define SP_CRYPTO_TDES_X86_VBMI_PERMUTE_H

#include "crypto/tdes/x86/vbmi.h"

#include "crypto/tdes/bytes_vbmi.h"

/* A matrix for _mm512_gf2p8affine_epi64_epi8, kept out of the instruction: clang 14 and 19 encode it wrongly
 * with a broadcast from memory and a short displacement. */
INLINE BYTES in_register(uint64_t matrix)
{
    BYTES vector = _mm512_set1_epi64((long long)matrix);

    __asm__("" : "+v"(vector));
    return vector;
}

/* Bits of yes where mask has ones, else of no. */
INLINE BYTES select_bits(uint64_t mask, BYTES yes, BYTES no)
{
    return _mm512_ternarylogic_epi64(_mm512_set1_epi64((long long)mask), yes, no, 0xca);
}

/* Each word of 64 bits as a matrix of 8 by 8, turned over the other diagonal: its own inverse. */
INLINE void turn_blocks(BYTES lines[LINES])
{
    BYTES diagonal = _mm512_set1_epi64(0x0102040810204080);

    UNROLL for (int i = 0; i < LINES; i++) lines[i] = _mm512_gf2p8affine_epi64_epi8(diagonal, lines[i], 0);
}

/* The rows of a half to P0..P3. */
INLINE void enter_half(const BYTES rows[4], BYTES half[4])
{
    BYTES spread[4];

    UNROLL for (int row = 0; row < 4; row++) spread[row] =
        _mm512_gf2p8affine_epi64_epi8(rows[row], in_register(entering_matrices[row]), 0);
    UNROLL for (int k = 0; k < 4; k++)
    {
        BYTES low = select_bits(shares[k][1], spread[1], spread[0]);
        BYTES high = select_bits(shares[k][3], spread[3], spread[2]);
        half[k] = select_bits(shares[k][2] | shares[k][3], high, low);
    }
}

INLINE void leave_half(const BYTES half[4], BYTES rows[4])
{
    UNROLL for (int row = 0; row < 4; row++)
    {
        BYTES low = select_bits(shares[1][row], half[1], half[0]);
        BYTES high = select_bits(shares[3][row], half[3], half[2]);
        BYTES both = select_bits(shares[2][row] | shares[3][row], high, low);
        rows[row] = _mm512_gf2p8affine_epi64_epi8(both, in_register(leaving_matrices[row]), 0);
    }
}

/* IP. */
INLINE void enter(BYTES lines[LINES], BYTES halves[HALVES])
{
    BYTES bytes[8], left[4], right[4];

    turn_blocks(lines);
    separate_bytes(lines, bytes);
    UNROLL for (int row = 0; row < 4; row++)
    {
        right[row] = bytes[2 * row];
        left[row] = bytes[2 * row + 1];
    }
    enter_half(left, halves);
    enter_half(right, halves + 4);
}

/* FP. */
INLINE void leave(const BYTES halves[HALVES], BYTES lines[LINES])
{
    BYTES left[4], right[4];

    leave_half(halves, left);
    leave_half(halves + 4, right);
    UNROLL for (int row = 0; row < 4; row++)
    {
        lines[2 * row] = right[row];
        lines[2 * row + 1] = left[row];
    }
    join_bytes(lines);
    turn_blocks(lines);
}

#endif
